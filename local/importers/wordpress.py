"""WordPress: its export (WXR), and what its REST API answers (/wp-json/wp/v2/posts?_embed).

https://developer.wordpress.org/rest-api/reference/posts/
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta, timezone
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from xml.etree.ElementTree import Element

from local.importers import blocks, files, wxr
from local.importers.base import Base
from local.importers.item import ImportFailedError, Item, Options, Picture

# https://wordpress.org/documentation/article/post-status/
_STATUS = {"publish": "published", "future": "published"}
_GONE = {"trash": "is in the trash", "inherit": "is a revision", "auto-draft": "was never saved"}
_ARTICLE = "post"
_MOST_OFFSET = timedelta(hours=15)
_DEFAULT_TOPIC = "Uncategorized"
_KINDS = {"media_type": "media", "avatar_urls": "users", "taxonomy": "terms"}


class WordPress(Base):
    """An export in XML, or pages of the REST API in JSON; a file, or a folder of them."""

    uploads = ("/wp-content/uploads/",)

    def __init__(self, source: Path, options: Options) -> None:
        super().__init__(source, options)
        self._files = list(files.below(source, ".xml", ".json"))
        self._authors: dict[str, dict[str, str]] = {}
        self._pictures: dict[str, Picture] = {}
        self._terms: dict[str, tuple[str, str]] = {}
        for file in self._files:
            if file.suffix.lower() == ".xml":
                self._learn_export(file)
            else:
                self._learn_answers(file)

    def media_folders(self) -> list[Path]:
        """The user's folder, and wp-content/uploads beside the export."""
        return [*super().media_folders(), self.folder / "uploads"]

    def items(self) -> Iterator[Item]:
        """All posts; what else the export has is told, but left out."""
        for file in self._files:
            if file.suffix.lower() == ".xml":
                found = (self._exported(e) for name, e in wxr.elements(file) if name == "item")
                yield from (item for item in found if item)
            else:
                yield from (self._answered(post) for post in _posts(files.read_json(file)))

    # WXR

    def _learn_export(self, file: Path) -> None:
        """Authors, uploads and the site, which may stand behind the posts that name them."""
        names = {"title": "name", "description": "description", "language": "language"}
        is_export = False
        for name, element in wxr.elements(file):
            is_export = is_export or name == "wxr_version"
            if name in names:
                self.site.fields.setdefault(names[name], unescape(element.text or ""))
            elif name == "base_blog_url":
                self.site.base_url = self.site.base_url or (element.text or "").rstrip("/")
            elif name == "author":
                said = wxr.fields(element)
                shown = said.get("author_display_name") or said.get("author_login", "")
                self._authors[said.get("author_login", "")] = {"name": shown}
            elif name == "item":
                said = wxr.fields(element)
                if said.get("post_type") == "attachment" and said.get("attachment_url"):
                    self._pictures[said.get("post_id", "")] = Picture(
                        said["attachment_url"],
                        wxr.meta(element).get("_wp_attachment_image_alt", ""),
                        files.plain(said.get("excerpt")),
                    )
        if not is_export:
            raise ImportFailedError(f"{file} is no WordPress export: it has no wxr_version")

    def _exported(self, element: Element) -> Item | None:
        said, meta = wxr.fields(element), wxr.meta(element)
        item = Item(
            id=said.get("post_id", ""),
            title=files.plain(said.get("title")),
            published_at=self._when(said, "post_date"),
            updated_at=self._when(said, "post_modified"),
            summary=files.plain(said.get("excerpt")),
            authors=[self._authors.get(said.get("creator", ""), {"name": said.get("creator", "")})],
            picture=self._pictures.get(meta.get("_thumbnail_id", "")),
            url=said.get("link", ""),
            path=said.get("post_name", ""),
        )
        for term in element:
            domain = term.get("domain")
            if wxr.local(term) == "category" and domain in {"category", "post_tag"}:
                item.topics.append(unescape(term.text or ""))
        if (kind := said.get("post_type")) == "attachment":
            return None
        self._finish(
            item, said.get("status", ""), kind or "", locked=bool(said.get("post_password"))
        )
        if not item.skip:
            item.html = said.get("encoded", "")
            item.convert = lambda text: blocks.to_html(text, item.warn)
        return item

    # REST

    def _learn_answers(self, file: Path) -> None:
        found = files.read_json(file)
        known = False
        for value in files.objects(found if isinstance(found, list) else [found]):
            kind = next((kind for name, kind in _KINDS.items() if name in value), "")
            known = known or bool(kind) or "content" in value
            embedded = value.get("_embedded")
            self._learn(kind, value)
            if isinstance(embedded, dict):
                for author in files.objects(embedded.get("author")):
                    self._learn("users", author)
                for media in files.objects(embedded.get("wp:featuredmedia")):
                    self._learn("media", media)
                for terms in embedded.get("wp:term") or []:
                    for term in files.objects(terms):
                        self._learn("terms", term)
            if not kind and "wp/v2" in str(value.get("namespaces")):
                self._learn_site(value)
                known = True
        if not known and self.source.is_file():
            raise ImportFailedError(f"{file} is no answer of WordPress's REST API")

    def _learn(self, kind: str, value: Mapping[str, Any]) -> None:
        identity = str(value.get("id"))
        if kind == "users":
            url = files.text(value.get("url"))
            self._authors[identity] = {"name": files.plain(value.get("name")), "url": url}
        elif kind == "terms" and value.get("taxonomy") in {"category", "post_tag"}:
            self._terms[identity] = (str(value["taxonomy"]), files.plain(value.get("name")))
        elif kind == "media" and value.get("source_url"):
            details = value.get("media_details")
            size = details if isinstance(details, dict) else {}
            self._pictures[identity] = Picture(
                files.text(value["source_url"]),
                files.plain(value.get("alt_text")),
                files.plain(_rendered(value.get("caption"))),
                "",
                files.number(size.get("width")),
                files.number(size.get("height")),
            )

    def _learn_site(self, value: Mapping[str, Any]) -> None:
        """The answer of /wp-json/, which tells of the site."""
        for name, field in (("name", "name"), ("description", "description")):
            self.site.fields.setdefault(field, files.plain(value.get(name)))
        self.site.base_url = self.site.base_url or files.text(value.get("home"))
        zone = files.text(value.get("timezone_string"))
        if zone:
            self.site.fields.setdefault("timezone", zone)

    def _answered(self, post: Mapping[str, Any]) -> Item:
        authors = [self._authors.get(str(post.get("author")), {})]
        said = {
            name: files.text(post.get(name))
            for name in ("date", "date_gmt", "modified", "modified_gmt")
        }
        terms = [
            self._terms[str(identity)]
            for name in ("categories", "tags")
            for identity in post.get(name) or []
            if str(identity) in self._terms
        ]
        content = post.get("content")
        item = Item(
            id=str(post.get("id", "")),
            title=files.plain(_rendered(post.get("title"))),
            html=files.text(_rendered(content)),
            published_at=self._when(said, "date"),
            updated_at=self._when(said, "modified"),
            summary=files.plain(_rendered(post.get("excerpt"))),
            authors=authors,
            topics=[name for _, name in terms],
            picture=self._pictures.get(str(post.get("featured_media"))),
            url=files.text(post.get("link")),
            path=files.text(post.get("slug")),
        )
        self._finish(
            item,
            files.text(post.get("status")) or "publish",
            files.text(post.get("type")) or _ARTICLE,
            locked=isinstance(content, dict) and bool(content.get("protected")),
        )
        src = files.text(post.get("jetpack_featured_media_url"))
        if item.picture is None and src:
            item.picture = Picture(src)
        if not self.site.base_url and item.url:
            parts = urlsplit(item.url)
            self.site.base_url = f"{parts.scheme}://{parts.netloc}"
        return item

    # Both

    def _when(self, said: Mapping[str, str], name: str) -> str:
        """A date with the offset that lies between its local time and that of Greenwich.

        WordPress says 0000-00-00 of a draft's time in Greenwich.
        """
        here, there = (self.moment(said.get(n)) for n in (name, f"{name}_gmt"))
        if not here or not there:
            return here or self._in_utc(there)
        local_time, utc_time = (
            datetime.fromisoformat(d).replace(tzinfo=None) for d in (here, there)
        )
        offset = timedelta(minutes=round((local_time - utc_time).total_seconds() / 60))
        if abs(offset) > _MOST_OFFSET:
            return self._in_utc(there)
        return utc_time.replace(tzinfo=UTC).astimezone(timezone(offset)).isoformat()

    @staticmethod
    def _in_utc(date: str) -> str:
        return datetime.fromisoformat(date).replace(tzinfo=UTC).isoformat() if date else ""

    def _finish(self, item: Item, status: str, kind: str, *, locked: bool) -> None:
        item.topics = [t for t in item.topics if t != _DEFAULT_TOPIC]
        if item.summary.endswith("[…]"):
            item.summary = f"{item.summary.removesuffix('[…]').rstrip()}…"
        item.status = _STATUS.get(status, "draft")
        if kind != _ARTICLE:
            item.skip = f"is of type {kind[:60]}"
        elif status in _GONE:
            item.skip = _GONE[status]
        if locked and item.status != "draft":
            item.status = "draft"
            item.warn("has a password: it becomes a draft, so that it is not public")
        if "?" in item.url:
            item.url = ""


def _rendered(value: object) -> object:
    """The HTML of a field, which the API gives as {"rendered": …}."""
    return value.get("rendered") if isinstance(value, dict) else value


def _posts(found: object) -> Iterator[dict[str, Any]]:
    for value in files.objects(found if isinstance(found, list) else [found]):
        if "content" in value and "title" in value and "media_type" not in value:
            yield value
