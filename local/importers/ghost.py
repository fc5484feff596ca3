"""Ghost's export, and its redirects: https://ghost.org/docs/migration/."""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from local.importers import files, front_matter, koenig
from local.importers.base import Base
from local.importers.item import ImportFailedError, Item, Options, Picture

# Ghost writes this for the address of the site.
_ADDRESS = "__GHOST_URL__"
_STATUS = {"published": "published", "scheduled": "published", "sent": "published"}
_SETTINGS = {
    "title": "name",
    "description": "description",
    "locale": "language",
    "lang": "language",
    "default_locale": "language",
    "timezone": "timezone",
    "active_timezone": "timezone",
}
_PLAIN_PATH = re.compile(r"/[A-Za-z0-9._~/-]*")


class Ghost(Base):
    """An export file, or a folder with it, its redirects and content/images."""

    uploads = ("/content/images/",)

    def __init__(self, source: Path, options: Options) -> None:
        super().__init__(source, options)
        self._data = self._read()
        for setting in files.objects(self._data.get("settings")):
            name = _SETTINGS.get(files.text(setting.get("key")))
            if name and (value := files.text(setting.get("value"))):
                self.site.fields.setdefault(name, value)
        self._redirects = self._read_redirects()
        if not self.site.base_url and self._needs_address():
            self.site.warnings.append("where the site was is not told: give --base-url")

    def _read(self) -> Mapping[str, Any]:
        for file in files.below(self.source, ".json"):
            found = files.read_json(file)
            db = files.objects(found.get("db")) if isinstance(found, dict) else []
            data = db[0].get("data") if db else None
            if isinstance(data, dict):
                return data
        raise ImportFailedError(f"{self.source} has no Ghost export: nothing has db[0].data")

    def _needs_address(self) -> bool:
        return _ADDRESS in json.dumps(self._data.get("posts"))

    def media_folders(self) -> list[Path]:
        """Ghost's folder of pictures, with or without its parent."""
        return [*super().media_folders(), self.folder / "images"]

    def items(self) -> Iterator[Item]:
        """All posts; pages are told, but left out."""
        meta = {m.get("post_id"): m for m in files.objects(self._data.get("posts_meta"))}
        authors, tags = self._named("posts_authors", "users"), self._named("posts_tags", "tags")
        users = {u.get("id"): u for u in files.objects(self._data.get("users"))}
        for post in files.objects(self._data.get("posts")):
            identity = post.get("id")
            by = authors.get(identity) or [users.get(post.get("author_id"), {})]
            yield self._item(post, meta.get(identity, {}), by, tags.get(identity, []))

    def _named(self, pairs: str, what: str) -> dict[Any, list[dict[str, Any]]]:
        """The users or tags of each post, in their order."""
        known = {value.get("id"): value for value in files.objects(self._data.get(what))}
        name = {"users": "author_id", "tags": "tag_id"}[what]
        ordered = sorted(
            files.objects(self._data.get(pairs)), key=lambda p: files.number(p.get("sort_order"))
        )
        found: dict[Any, list[dict[str, Any]]] = {}
        for pair in ordered:
            if pair.get(name) in known:
                found.setdefault(pair.get("post_id"), []).append(known[pair[name]])
        return found

    def _item(
        self,
        post: Mapping[str, Any],
        meta: Mapping[str, Any],
        users: list[dict[str, Any]],
        tags: list[dict[str, Any]],
    ) -> Item:
        slug = files.text(post.get("slug"))
        item = Item(
            id=str(post.get("id", "")),
            title=files.text(post.get("title")),
            published_at=self.moment(post.get("published_at") or post.get("created_at")),
            updated_at=self.moment(post.get("updated_at")),
            summary=files.text(post.get("custom_excerpt")),
            authors=[
                {"name": files.text(u.get("name")), "url": files.text(u.get("website"))}
                for u in users
            ],
            # Tags that begin with "#" are Ghost's own.
            topics=[t for tag in tags if not (t := files.text(tag.get("name"))).startswith("#")],
            language=files.text(post.get("locale")),
            status=_STATUS.get(files.text(post.get("status")), "draft"),
            url=f"/{slug}/" if slug else "",
        )
        item.html = self._html(post, item)
        if src := files.text(post.get("feature_image")):
            item.picture = Picture(
                self._placed(src),
                files.plain(meta.get("feature_image_alt")),
                files.plain(meta.get("feature_image_caption")),
            )
        item.aliases = self._redirects.get(f"/{slug}", [])
        self._check(item, post)
        return item

    @staticmethod
    def _check(item: Item, post: Mapping[str, Any]) -> None:
        if post.get("type") == "page" or post.get("page") == 1:
            item.skip = "is a page"
        if post.get("visibility") not in {None, "public"} and item.status == "published":
            item.status = "draft"
            item.warn("is for members only: it becomes a draft, so that it is not public")
        for name in ("codeinjection_head", "codeinjection_foot"):
            if post.get(name):
                item.warn(f"its {name} is left out")
        if canonical := files.text(post.get("canonical_url")):
            item.warn(f"its canonical address {canonical[:200]} is left out")

    def _html(self, post: Mapping[str, Any], item: Item) -> str:
        """The text as HTML; of posts that were never published there is only the editor's form."""
        found = files.text(post.get("html"))
        for name, make in (("lexical", koenig.lexical), ("mobiledoc", koenig.mobiledoc)):
            if not found and post.get(name):
                found = make(files.text(post[name]), item.warn)
        return self._placed(found)

    def _placed(self, text: str) -> str:
        return text.replace(_ADDRESS, self.site.base_url)

    def _read_redirects(self) -> dict[str, list[str]]:
        """The old addresses of each path, from redirects.json or redirects.yaml."""
        pairs: list[tuple[str, str]] = []
        for ending in ("json", "yaml", "yml"):
            file = self.folder / f"redirects.{ending}"
            if file.is_file():
                found = files.read_json(file) if ending == "json" else front_matter.yaml_of(file)
                pairs += list(_pairs(found))
        found_for: dict[str, list[str]] = {}
        for old, new in pairs:
            if _PLAIN_PATH.fullmatch(old) and _PLAIN_PATH.fullmatch(new):
                found_for.setdefault(new.rstrip("/"), []).append(old)
            else:
                self.site.warnings.append(f"the redirect {old[:100]} → {new[:100]} is left out")
        return found_for


def _pairs(found: object) -> Iterator[tuple[str, str]]:
    """Old and new addresses of either form of the file."""
    for value in files.objects(found):
        yield str(value.get("from", "")), str(value.get("to", ""))
    if isinstance(found, dict):
        for group in found.values():
            if isinstance(group, dict):
                yield from ((str(old), str(new)) for old, new in group.items())
