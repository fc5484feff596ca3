"""Hugo, Jekyll and Eleventy: Markdown with front matter.

https://gohugo.io/content-management/front-matter/, https://jekyllrb.com/docs/front-matter/,
https://www.11ty.dev/docs/data-frontmatter/
"""

import re
from collections.abc import Iterator, Mapping
from functools import cached_property
from html import unescape
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from local.importers import files, front_matter, paths, pictures, templates
from local.importers.base import Base
from local.importers.item import ImportFailedError, Item, Options, Picture

_CONFIGS = [
    *(f"{name}.{ending}" for name in ("hugo", "config") for ending in "toml yaml yml json".split()),
    *("_config.yml", "_config.yaml", "config/_default/hugo.toml", "config/_default/config.toml"),
]
_ENDINGS = (".md", ".markdown", ".mkd", ".html", ".htm")
_NO_TEXTS = set("_site node_modules themes public _includes _layouts archetypes layouts".split())
_STATIC = ("static", "assets", "public", "src", "content")
# YYYY-MM-DD-title.md, as Jekyll names its posts.
_DATED = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})-(.+)")
# https://jekyllrb.com/docs/permalinks/
_STYLES = {
    "date": "/:categories/:year/:month/:day/:title.html",
    "pretty": "/:categories/:year/:month/:day/:title/",
    "ordinal": "/:categories/:year/:y_day/:title.html",
    "none": "/:categories/:title.html",
}
_LANGUAGE = re.compile(r"\.([a-z]{2}(?:-[A-Za-z]{2})?)")
_PICTURES = "image images cover thumbnail featured_image featuredImage feature header og_image"
_PICTURE_FIELDS = "image src path url relative overlay_image teaser"
_INLINE = re.compile(
    r"!\[((?:[^\[\]\\]|\\.)*)\]\(\s*<?([^)\s>]+)>?(?:\s+(?:\"[^\"]*\"|'[^']*'))?\s*\)(?:\{[^}\n]*\})?"
)
# Of a text of one article.
MOST_BYTES = 8 * 1024 * 1024
Matter = Mapping[str, Any]


class Hugo(Base):
    """A site's folder, its folder of texts, or one text."""

    def __init__(self, source: Path, options: Options) -> None:
        super().__init__(source, options)
        # A folder of texts may lie in that of its site.
        near = (self.folder, *self.folder.resolve().parents[:2])
        self._root = next((f for f in near if _config(f)), self.folder)
        config = _config(self._root)
        self._settings = front_matter.read(config) if config else {}
        self._is_jekyll = (
            (self._root / "_posts").is_dir()
            or self.folder.name == "_posts"
            or (config is not None and config.name.startswith("_config"))
        )
        self._content = files.text(self._settings.get("contentDir")) or "content"
        self._learn_site()

    def _learn_site(self) -> None:
        params = self._settings.get("params")
        extra = params if isinstance(params, dict) else {}
        names = {
            "name": ("title",),
            "description": ("description",),
            "language": ("languageCode", "locale", "defaultContentLanguage", "lang"),
            "timezone": ("timeZone", "timezone"),
        }
        for ours, theirs in names.items():
            said = (files.text(s.get(n)) for s in (self._settings, extra) for n in theirs)
            self.site.fields.setdefault(ours, next((text for text in said if text), ""))
        self.site.fields["language"] = self.site.fields["language"].replace("_", "-")
        base = files.text(self._settings.get("baseURL") or self._settings.get("baseurl"))
        url = base if base.startswith("http") else files.text(self._settings.get("url")) + base
        if not self.site.base_url and url.startswith("http"):
            self.site.base_url = url.rstrip("/")
        if not self.options.timezone and (zone := self.site.fields["timezone"]):
            try:
                self.timezone = ZoneInfo(zone)
            except (LookupError, ValueError, OSError):
                self.site.warnings.append(f"the time zone {zone[:60]!r} is none")

    @cached_property
    def _texts(self) -> dict[str, Path]:
        """All texts by their names below the site's folder."""
        starts = [self.source]
        if self.source.resolve() == self._root.resolve():
            names = ("_posts", "_drafts") if self._is_jekyll else (self._content,)
            starts = [f for n in names if (f := self._root / n).is_dir()] or starts
        return {
            self._name(file): file
            for start in starts
            for file in files.below(start, *_ENDINGS)
            if start.is_file() or not _NO_TEXTS & set(file.relative_to(start).parts[:-1])
        }

    def _name(self, file: Path) -> str:
        full = file.resolve()
        top = next(f for f in (self._root, self.folder) if full.is_relative_to(f.resolve()))
        return full.relative_to(top.resolve()).as_posix()

    @cached_property
    def _urls(self) -> dict[str, str]:
        """Where each text was, by its name without its ending."""
        found = {}
        for name, file in self._texts.items():
            try:
                matter, _ = front_matter.split(files.read_text(file, MOST_BYTES))
            except ImportFailedError:
                continue
            known = re.sub(r"(?:/_?index)?\.\w+$", "", name.removeprefix(f"{self._content}/"))
            found[known] = self._url(name, matter or {})
        return found

    def _find(self, target: str) -> str:
        wanted = re.sub(r"(?:(?:^|/)_?index)?\.\w+$", "", target)
        ends = (url for n, url in self._urls.items() if n.endswith(f"/{wanted}"))
        return self._urls.get(wanted) or next(ends, "")

    # Pictures

    def media_folders(self) -> list[Path]:
        """The user's folder, and those of a site that are copied as they are."""
        own = [self._root / name for name in _STATIC]
        return [*([self.options.media] if self.options.media else []), *own, self._root]

    def find_picture(self, src: str, item: Item) -> Path | None:
        """The file of a picture: beside the text, or in a folder of the site."""
        if not self.site.is_own(src):
            return None
        relative = re.split(r"[?#]", src.removeprefix(self.site.base_url or "//"))[0]
        beside = [item.folder] if item.folder and not relative.startswith("/") else []
        found = (pictures.inside(f, relative) for f in [*beside, *self.media_folders()])
        return next((file for file in found if file), None)

    # Texts

    def items(self) -> Iterator[Item]:
        """Each text; those without a date are pages, and left out."""
        for name, file in self._texts.items():
            item = Item(id=name, folder=file.parent)
            try:
                matter, text = front_matter.split(files.read_text(file, MOST_BYTES))
            except ImportFailedError as error:
                item.skip = str(error).replace(str(file), "the file")
            else:
                self._fill(item, file, matter, text)
            yield item

    def _fill(self, item: Item, file: Path, matter: Matter | None, text: str) -> None:
        if matter is None:
            item.skip = "has no front matter"
            return
        self._describe(item, file, matter)
        if file.stem.split(".")[0] == "_index":
            item.skip = "is the page of a section"
        elif not item.published_at:
            item.skip = "has no date: a page, not an article"
        else:
            text = templates.expand(text, self._find, item.warn)
            if file.suffix.lower().startswith(".htm"):
                item.html = text
            else:
                item.markdown = self._without_pictures(text, item)

    def _describe(self, item: Item, file: Path, matter: Matter) -> None:
        dated = _DATED.fullmatch(file.stem) or _DATED.fullmatch(file.parent.name)
        title = str(_get(matter, "title") or (_titled(dated[4]) if dated else ""))
        item.title = " ".join(unescape(title).split())
        item.published_at = self._published(matter, dated)
        item.updated_at = self.moment(_get(matter, "lastmod last_modified_at updated modified"))
        item.summary = str(_get(matter, "summary description excerpt subtitle dek") or "")
        item.topics = _words(_get(matter, "categories category"))
        item.topics += _words(_get(matter, "tags tag keywords"))
        item.authors = [{"name": name} for name in _names(_get(matter, "authors author byline"))]
        language = _LANGUAGE.fullmatch(Path(file.stem).suffix)
        item.language = str(_get(matter, "language lang") or (language[1] if language else ""))
        is_draft = matter.get("draft") is True or matter.get("published") is False
        item.status = "draft" if is_draft or "_drafts" in file.parts else "published"
        item.url = self._url(item.id, matter)
        old = files.texts(_get(matter, "aliases redirect_from"))
        item.aliases = [url if url.startswith(("/", "http")) else f"/{url}" for url in old]
        item.picture = _picture(matter)
        for names, said in (
            ("expiryDate expirydate", "date of expiry"),
            ("canonical_url canonicalURL", "canonical address"),
        ):
            if _get(matter, names):
                item.warn(f"its {said} is left out")

    def _published(self, matter: Matter, dated: re.Match[str] | None) -> str:
        given = _get(matter, "date publishDate publishdate")
        named = "-".join(f"{int(part):02}" for part in dated.groups()[:3]) if dated else ""
        return self.moment(given or named)

    def _without_pictures(self, text: str, item: Item) -> str:
        """Pictures of the site itself can't be carried over; those from elsewhere stay."""
        found: list[str] = []

        def place(picture: re.Match[str]) -> str:
            src = picture[2]
            if src.startswith("http") and not self.site.is_own(src):
                return picture[0]
            found.append(src)
            absolute = self.site.absolute(src) if src.startswith(("/", "http")) else ""
            return f"![{picture[1]}]({absolute})" if absolute.startswith("http") else ""

        text = templates.outside_code(text, lambda part: _INLINE.sub(place, part))
        if found:
            said = f"{', '.join(dict.fromkeys(found))[:200]}"
            item.warn(f"{len(found)} pictures in the text are not carried over: {said}")
        return text

    # Addresses

    def _url(self, name: str, matter: Matter) -> str:
        """Where the page of a text was."""
        for given in (matter.get("url"), matter.get("permalink")):
            if (
                isinstance(given, str)
                and given
                and not re.search(r"[{}]|(?<!http)(?<!https):", given)
            ):
                return given if given.startswith(("/", "http")) else f"/{given}"
        *folders, last = name.removeprefix(f"{self._content}/").split("/")
        folders = [folder for folder in folders if folder not in {"_posts", "_drafts"}]
        stem = _LANGUAGE.sub("", Path(last).stem)
        if stem == "index" and folders:
            stem = folders.pop()
        dated = _DATED.fullmatch(stem)
        slug = str(matter.get("slug") or (dated[4] if dated and self._is_jekyll else stem))
        pattern = self._pattern(matter, folders)
        if not pattern:
            return "/" + "/".join([*folders, slug]) + "/"
        date = self._published(matter, dated)
        values = self._values(matter, folders, slug, date) | {"filename": stem}
        filled = re.sub(r":(\w+)", lambda m: values.get(m[1], ""), pattern)
        return re.sub(r"/{2,}", "/", f"/{filled}")

    def _pattern(self, matter: Matter, folders: list[str]) -> str:
        """How addresses are made: Jekyll's style, or Hugo's pattern for a section."""
        if self._is_jekyll:
            style = str(matter.get("permalink") or self._settings.get("permalink") or "date")
            return _STYLES.get(style, style)
        permalinks = self._settings.get("permalinks")
        known = permalinks if isinstance(permalinks, dict) else {}
        pages = known.get("page") if isinstance(known.get("page"), dict) else known
        return files.text(pages.get(folders[0])) if pages and folders else ""

    def _values(self, matter: Matter, folders: list[str], slug: str, date: str) -> dict[str, str]:
        year, month, day = date[:10].split("-") if date else ("", "", "")
        sections = "/".join(folders)
        values = {
            "year": year,
            "month": month,
            "day": day,
            "i_month": month.lstrip("0"),
            "i_day": day.lstrip("0"),
            "short_year": year[2:],
            "section": folders[0] if folders else "",
            "sections": sections,
            "output_ext": ".html",
            **dict.fromkeys(("slug", "contentbasename", "slugorcontentbasename"), slug),
        }
        if self._is_jekyll:
            labels = _words(_get(matter, "categories category"))
            values["categories"] = "/".join([*folders, *(paths.segment(c) for c in labels)])
            values["title"] = slug
        else:
            values["title"] = paths.segment(str(matter.get("title", ""))) or slug
        return values


def _config(folder: Path) -> Path | None:
    return next((folder / name for name in _CONFIGS if (folder / name).is_file()), None)


def _get(matter: Matter, names: str) -> Any:
    """The first of some fields that says something."""
    return next(
        (v for name in names.split() if (v := matter.get(name)) not in (None, "", [])), None
    )


def _picture(matter: Matter) -> Picture | None:
    """The picture of a text, of the many ways in which themes name it."""
    for name in _PICTURES.split():
        value = matter.get(name)
        value = value[0] if isinstance(value, list) and value else value
        if isinstance(value, str) and value:
            alt = _get(matter, "image_alt imageAlt alt")
            return Picture(value, str(alt or ""), str(_get(matter, "image_caption caption") or ""))
        if isinstance(value, dict) and isinstance(src := _get(value, _PICTURE_FIELDS), str):
            return Picture(src, str(value.get("alt") or ""), str(value.get("caption") or ""))
    for resource in files.objects(matter.get("resources")):
        src = files.text(resource.get("src"))
        if src and "*" not in src:
            return Picture(src, files.text(resource.get("title")))
    return None


def _titled(slug: str) -> str:
    """A title made of a file's name, as Jekyll makes one."""
    return " ".join(word.capitalize() for word in re.split(r"[-_]+", slug) if word)


def _words(value: Any) -> list[str]:
    """Labels: a list, or a text that is one label, or several between commas."""
    if isinstance(value, str):
        return [word.strip() for word in value.split(",")]
    return files.texts(value)


def _names(value: Any) -> list[str]:
    """Names of authors: texts, or objects that have one."""
    values = value if isinstance(value, list) else [value]
    named = (v.get("name") if isinstance(v, dict) else v for v in values)
    return [str(name) for name in named if name]
