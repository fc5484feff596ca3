"""Hugo, Jekyll and Eleventy: Markdown files with front matter in YAML, TOML or JSON.

https://gohugo.io/content-management/front-matter/, https://jekyllrb.com/docs/front-matter/,
https://www.11ty.dev/docs/data-frontmatter/
"""

import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from html import escape
from pathlib import Path
from typing import Any

import yaml

from local.importers import files, paths, pictures
from local.importers.base import Base
from local.importers.item import ImportFailedError, Item, Options, Picture

_CONFIGS = (
    "hugo.toml hugo.yaml hugo.yml hugo.json config.toml config.yaml config.yml config.json _config.yml"
    " _config.yaml _config.toml config/_default/hugo.toml config/_default/config.toml"
).split()
_ENDINGS = (".md", ".markdown", ".mkd", ".html", ".htm")
_FENCES = {"---": "---", "+++": "+++"}
# YYYY-MM-DD-title.md, as Jekyll names its posts.
_DATED = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})-(.+)")
_SHORTCODE = re.compile(r"\{\{[<%]\s*(/?)\s*([\w./-]+)\s*(.*?)\s*/?\s*[%>]\}\}", re.DOTALL)
_LIQUID = re.compile(r"\{%-?\s*(\w+)(.*?)-?%\}|\{\{(.*?)\}\}", re.DOTALL)
_LINK_TO_POST = re.compile(r"\{%-?\s*(?:post_url|link)\s+([^\s%]+)\s*-?%\}")
_HIGHLIGHT = re.compile(
    r"\{%-?\s*highlight\s+([\w+-]+)[^%]*%\}\n?(.*?)\n?\{%-?\s*endhighlight\s*-?%\}", re.DOTALL
)
_ARGUMENT = re.compile(
    r"""([\w-]+)\s*=\s*(?:"([^"]*)"|`([^`]*)`|(\S+))|"([^"]*)"|`([^`]*)`|(\S+)"""
)
_CODE = re.compile(r"(^(`{3,}|~{3,})[^\n]*\n.*?^\2[ \t]*$|`[^`\n]+`)", re.DOTALL | re.MULTILINE)
_PICTURE = re.compile(
    r"!\[((?:[^\]\\]|\\.)*)\]\(\s*<?([^)\s>]+)>?(?:\s+(?:\"[^\"]*\"|'[^']*'))?\s*\)(\{[^}\n]*\})?"
)
_VIDEOS = {"youtube": "https://www.youtube.com/watch?v=", "vimeo": "https://vimeo.com/"}
_JEKYLL = {
    "date": "/:categories/:year/:month/:day/:title.html",
    "pretty": "/:categories/:year/:month/:day/:title/",
    "none": "/:categories/:title.html",
}
_FROM_PICTURES = (
    "image",
    "images",
    "cover",
    "thumbnail",
    "featured_image",
    "featuredImage",
    "header",
    "feature",
    "og_image",
    "featureimage",
)


class Hugo(Base):
    """A site's folder, its folder of texts, or one text."""

    def __init__(self, source: Path, options: Options) -> None:
        super().__init__(source, options)
        if not source.exists():
            raise ImportFailedError(f"there is no file or folder {source}")
        self._root = next(
            (f for f in (self.folder, *self.folder.resolve().parents[:2]) if _config(f)),
            self.folder,
        )
        self._settings = _read_config(_config(self._root))
        self._jekyll = (
            (self._root / "_posts").is_dir()
            or self._root.joinpath("_config.yml").is_file()
            or self.folder.name == "_posts"
        )
        self._learn_site()
        self._texts = self._find()
        self._urls: dict[str, str] = {}

    def _learn_site(self) -> None:
        settings = self._settings
        params = settings.get("params")
        extra = params if isinstance(params, dict) else {}
        found = {
            "name": settings.get("title"),
            "description": settings.get("description") or extra.get("description"),
            "language": settings.get("languageCode")
            or settings.get("locale")
            or settings.get("defaultContentLanguage")
            or settings.get("lang"),
            "timezone": settings.get("timeZone") or settings.get("timezone"),
        }
        for name, value in found.items():
            self.site.fields.setdefault(
                name,
                files.text(value).replace("_", "-") if name == "language" else files.text(value),
            )
        base = files.text(settings.get("baseURL") or settings.get("baseurl"))
        if not base.startswith("http"):
            base = files.text(settings.get("url")) + base
        if not self.site.base_url and base.startswith("http"):
            self.site.base_url = base.rstrip("/")
        zone = self.site.fields.get("timezone", "")
        if not self.options.timezone and zone:
            from zoneinfo import ZoneInfo

            try:
                self.timezone = ZoneInfo(zone)
            except (LookupError, ValueError, OSError):
                self.site.warnings.append(f"the time zone {zone[:60]!r} is none")

    def _find(self) -> list[Path]:
        """All texts, in the order of their names."""
        if self.source.is_file():
            return [self.source]
        content = self._root / files.text(self._settings.get("contentDir") or "content")
        starts = (
            [content]
            if self.source.resolve() == self._root.resolve() and content.is_dir()
            else [self.source]
        )
        if self._jekyll and self.source.resolve() == self._root.resolve():
            starts = [f for f in (self._root / "_posts", self._root / "_drafts") if f.is_dir()] or [
                self.source
            ]
        ignored = {
            "_site",
            "node_modules",
            "themes",
            "public",
            "_includes",
            "_layouts",
            "archetypes",
            "layouts",
        }
        return [
            file
            for start in starts
            for file in files.below(start, *_ENDINGS)
            if not ignored & set(file.relative_to(start).parts[:-1])
        ]

    def media_folders(self) -> list[Path]:
        """The user's folder, and those of a site that are copied as they are."""
        own = [self._root / name for name in ("static", "assets", "public", "src", "content")]
        return [*([self.options.media] if self.options.media else []), *own, self._root]

    def find_picture(self, src: str, item: Item) -> Path | None:
        """The file of a picture: beside the text, or in a folder of the site."""
        if not self.site.is_own(self.site.absolute(src)):
            return None
        relative = src.removeprefix(self.site.base_url) if self.site.base_url else src
        relative = relative.split("?")[0].split("#")[0]
        beside = [item.folder] if item.folder and not relative.startswith("/") else []
        for folder in [*beside, *self.media_folders()]:
            if found := pictures.inside(folder, relative):
                return found
        return None

    def picture_name(self, file: Path) -> str:
        """The name of a picture: its path below the site's folder, or the one of static files."""
        for folder in [*self.media_folders(), self.folder]:
            if folder.is_dir() and file.is_relative_to(folder.resolve()):
                return file.relative_to(folder.resolve()).as_posix()
        return file.name

    def items(self) -> Iterator[Item]:
        """Each text."""
        if not self._urls:
            for file in self._texts:
                matter, _ = _split(files.read_text(file))
                self._urls[self._relative(file)] = self._url(file, matter or {})
        for file in self._texts:
            yield self._item(file)

    def _relative(self, file: Path) -> str:
        top = self._root if file.is_relative_to(self._root) else self.folder
        return file.relative_to(top).as_posix()

    def _item(self, file: Path) -> Item:
        item = Item(id=self._relative(file), folder=file.parent)
        try:
            matter, text = _split(files.read_text(file))
        except ImportFailedError as error:
            item.skip = str(error).replace(str(file), "the file")
            return item
        if matter is None:
            item.skip = "has no front matter"
            return item
        if file.stem == "_index":
            item.skip = "is the page of a section"
            return item
        self._fill(item, file, matter)
        if not item.published_at:
            item.skip = "has no date: a page, not an article"
            return item
        converted = self._text(text, file, item)
        if file.suffix.lower().startswith(".htm"):
            item.html = converted
        else:
            item.markdown = self._without_pictures(converted, item)
        return item

    def _fill(self, item: Item, file: Path, matter: Mapping[str, Any]) -> None:
        def get(*names: str) -> Any:
            return next((matter[n] for n in names if matter.get(n) not in (None, "", [])), None)

        dated = _DATED.fullmatch(file.stem) or _DATED.fullmatch(file.parent.name)
        named = "-".join(f"{int(part):02}" for part in dated.groups()[:3]) if dated else ""
        item.title = files.plain(escape(str(get("title") or ""), quote=False)) or _titled(
            dated[4] if dated else ""
        )
        item.published_at = self.moment(
            get("date", "publishDate", "publishdate", "published") or named
        )
        item.updated_at = self.moment(get("lastmod", "last_modified_at", "updated", "modified"))
        item.summary = str(get("summary", "description", "excerpt", "subtitle", "dek") or "")
        item.topics = _words(get("categories", "category")) + _words(get("tags", "tag", "keywords"))
        item.authors = [{"name": name} for name in _names(get("authors", "author", "byline"))]
        item.language = str(get("language", "lang") or "") or _language(file)
        is_draft = (
            get("draft") is True or matter.get("published") is False or "_drafts" in file.parts
        )
        item.status = "draft" if is_draft else "published"
        item.url = self._url(file, matter)
        item.aliases = [
            a if a.startswith(("/", "http")) else f"/{a}"
            for a in files.texts(get("aliases", "redirect_from"))
        ]
        item.picture = self._picture(matter)
        if get("expiryDate", "expirydate"):
            item.warn("its date of expiry is left out")
        if get("canonical_url", "canonicalURL"):
            item.warn("its canonical address is left out")

    def _picture(self, matter: Mapping[str, Any]) -> Picture | None:
        for name in _FROM_PICTURES:
            value = matter.get(name)
            value = value[0] if isinstance(value, list) and value else value
            if isinstance(value, str) and value:
                alt = matter.get("image_alt") or matter.get("imageAlt") or matter.get("alt")
                return Picture(value, str(alt or ""), str(matter.get("image_caption") or ""))
            if isinstance(value, dict):
                src = next(
                    (
                        value[n]
                        for n in (
                            "image",
                            "src",
                            "path",
                            "url",
                            "overlay_image",
                            "teaser",
                            "relative",
                        )
                        if isinstance(value.get(n), str)
                    ),
                    "",
                )
                if src:
                    return Picture(
                        src, str(value.get("alt") or ""), str(value.get("caption") or "")
                    )
        for resource in files.objects(matter.get("resources")):
            if isinstance(resource.get("src"), str) and "*" not in resource["src"]:
                return Picture(resource["src"], str(resource.get("title") or ""))
        return None

    # Addresses

    def _url(self, file: Path, matter: Mapping[str, Any]) -> str:
        """Where the page of a text was."""
        given = matter.get("url") or matter.get("permalink")
        if isinstance(given, str) and not re.search(
            r"[{}:]", given.removeprefix("https://").removeprefix("http://")
        ):
            return given if given.startswith(("/", "http")) else f"/{given}"
        relative = self._relative(file).removeprefix(
            f"{files.text(self._settings.get('contentDir')) or 'content'}/"
        )
        folders = [p for p in relative.split("/")[:-1] if p not in {"_posts", "_drafts"}]
        stem = file.stem
        if stem == "index" and folders:
            stem = folders.pop()
        dated = _DATED.fullmatch(stem)
        slug = str(matter.get("slug") or (dated[4] if dated and self._jekyll else stem))
        pattern = self._pattern(matter, folders)
        if pattern:
            return self._filled(pattern, file, matter, folders, slug)
        return "/" + "/".join([*folders, slug]) + "/"

    def _pattern(self, matter: Mapping[str, Any], folders: list[str]) -> str:
        given = matter.get("permalink")
        if self._jekyll:
            style = given if isinstance(given, str) else self._settings.get("permalink", "date")
            return _JEKYLL.get(str(style), str(style))
        permalinks = self._settings.get("permalinks")
        if isinstance(permalinks, dict) and folders:
            page = permalinks.get("page")
            found = page.get(folders[0]) if isinstance(page, dict) else permalinks.get(folders[0])
            return files.text(found)
        return ""

    def _filled(
        self, pattern: str, file: Path, matter: Mapping[str, Any], folders: list[str], slug: str
    ) -> str:
        dated = _DATED.fullmatch(file.stem)
        moment = self.moment(
            matter.get("date")
            or ("-".join(f"{int(p):02}" for p in dated.groups()[:3]) if dated else "")
        )
        year, month, day = moment[:10].split("-") if moment else ["", "", ""]
        categories = "/".join(
            [
                *folders,
                *(
                    paths.segment(c)
                    for c in _words(matter.get("categories") or matter.get("category"))
                ),
            ]
        )
        values = {
            "categories": categories if self._jekyll else "/".join(folders),
            "year": year,
            "month": month,
            "day": day,
            "i_month": month.lstrip("0"),
            "i_day": day.lstrip("0"),
            "short_year": year[2:],
            "title": slug if self._jekyll else paths.segment(str(matter.get("title", ""))) or slug,
            "slug": slug,
            "filename": file.stem,
            "contentbasename": file.stem,
            "slugorfilename": slug,
            "slugorcontentbasename": slug,
            "section": folders[0] if folders else "",
            "sections": "/".join(folders),
            "output_ext": ".html",
        }
        found = re.sub(r":(\w+)", lambda m: values.get(m[1], ""), pattern)
        return re.sub(r"/{2,}", "/", f"/{found}")

    # Texts

    def _text(self, text: str, file: Path, item: Item) -> str:
        """Markdown without what only the generator understands; code is left as it is."""
        text = re.sub(r"^\s*<!--\s*more\s*-->\s*$", "", text, flags=re.MULTILINE)
        text = _HIGHLIGHT.sub(lambda m: f"```{m[1]}\n{m[2]}\n```", text)
        parts = _CODE.split(text)
        # The pattern has two groups: text, code, its fence, text …
        found = [
            part if i % 3 == 1 else self._expanded(part or "", file, item)
            for i, part in enumerate(parts)
            if i % 3 != 2
        ]
        return "".join(found).strip() + "\n"

    def _expanded(self, text: str, file: Path, item: Item) -> str:
        text = _SHORTCODE.sub(lambda m: self._shortcode(m, file, item), text)
        if "{%" in text or "{{" in text:
            text = _LINK_TO_POST.sub(lambda m: self._linked(m[1], file, item), text)
            text = re.sub(r"\{%-?\s*(?:end)?raw\s*-?%\}", "", text)
            text = re.sub(r"\{\{\s*site\.(?:baseurl|url)\s*\}\}", "", text)
            text = re.sub(
                r"\{\{\s*['\"]([^'\"]*)['\"]\s*\|\s*(?:relative_url|absolute_url|url)\s*\}\}",
                r"\1",
                text,
            )
            for found in _LIQUID.finditer(text):
                said = found[1] or "{{" + (found[3] or "").strip()[:40] + "}}"
                item.warn(f"the template tag {said} stays in the text")
        return text

    def _shortcode(self, code: re.Match[str], file: Path, item: Item) -> str:
        """What a shortcode stands for, if it is one that Hugo brings along."""
        closes, name = code[1], code[2].lower()
        named, plain = _arguments(code[3])
        first = plain[0] if plain else ""
        if name in {"ref", "relref"}:
            return self._linked(first or named.get("path", ""), file, item)
        if name == "figure" and not closes:
            return _figure(named, first)
        if name in _VIDEOS and not closes:
            return f"<{_VIDEOS[name]}{named.get('id') or first}>"
        if name == "gist" and len(plain) > 1:
            return f"<https://gist.github.com/{plain[0]}/{plain[1]}>"
        if name in {"x", "tweet", "twitter"} and named.get("user") and named.get("id"):
            return f"<https://x.com/{named['user']}/status/{named['id']}>"
        if name == "highlight":
            return "\n```\n" if closes else f"\n```{first}\n"
        item.warn(f"the shortcode {name[:60]} is left out")
        return ""

    def _linked(self, target: str, file: Path, item: Item) -> str:
        """The address of another text."""
        name, _, fragment = target.partition("#")
        wanted = name.strip("/").removeprefix("content/")
        for known, url in sorted(self._urls.items()):
            stem = re.sub(r"(?:/(?:_?index))?\.\w+$", "", known)
            if (
                known.endswith((f"/{wanted}", wanted))
                or stem.endswith(f"/{wanted}")
                or stem == wanted
            ):
                return url + (f"#{fragment}" if fragment else "")
        item.warn(f"the link to {target[:100]} leads nowhere")
        return f"#{fragment}" if fragment else "#"

    def _without_pictures(self, text: str, item: Item) -> str:
        """Pictures of the site itself can't be carried over; those from elsewhere stay."""
        lost: list[str] = []

        def place(picture: re.Match[str]) -> str:
            src = picture[2]
            if src.startswith(("https://", "http://")) and not self.site.is_own(src):
                return picture[0]
            absolute = self.site.absolute(src) if src.startswith(("/", "http")) else ""
            lost.append(src)
            return f"![{picture[1]}]({absolute})" if absolute.startswith("http") else ""

        parts = _CODE.split(text)
        found = "".join(
            part if i % 3 == 1 else _PICTURE.sub(place, part or "")
            for i, part in enumerate(parts)
            if i % 3 != 2
        )
        if lost:
            named = ", ".join(lost[:3])[:200]
            item.warn(f"{len(lost)} pictures in the text are not carried over: {named}")
        return found


def _figure(named: Mapping[str, str], first: str) -> str:
    src = escape(named.get("src", first))
    alt = escape(named.get("alt") or named.get("title") or "")
    caption = escape(named.get("caption") or named.get("title") or "")
    if not caption:
        return f"![{alt}]({src})"
    return (
        f'\n\n<figure><img src="{src}" alt="{alt}"><figcaption>{caption}</figcaption></figure>\n\n'
    )


def _arguments(text: str) -> tuple[dict[str, str], list[str]]:
    named, plain = {}, []
    for match in _ARGUMENT.finditer(text):
        if match[1]:
            named[match[1].lower()] = match[2] or match[3] or match[4] or ""
        else:
            plain.append(match[5] or match[6] or match[7] or "")
    return named, plain


def _titled(slug: str) -> str:
    """A title made of a file's name, as Jekyll makes one."""
    return " ".join(word.capitalize() for word in re.split(r"[-_]+", slug) if word)


def _language(file: Path) -> str:
    """The language in a name such as post.de.md."""
    inner = Path(file.stem).suffix
    return inner[1:] if re.fullmatch(r"\.[a-z]{2}(-[A-Za-z]{2})?", inner) else ""


def _words(value: Any) -> list[str]:
    """Labels: a list, or a text that is one label, or several between commas or spaces."""
    if isinstance(value, str):
        return [w.strip() for w in (value.split(",") if "," in value else [value])]
    return files.texts(value)


def _names(value: Any) -> list[str]:
    """Names of authors: texts, or objects that have one."""
    values = value if isinstance(value, list) else [value]
    named = (v.get("name") if isinstance(v, dict) else v for v in values)
    return [str(name) for name in named if name]


def _split(text: str) -> tuple[dict[str, Any] | None, str]:
    """Front matter and text; None where there is no front matter."""
    text = text.replace("\r\n", "\n")
    first, _, rest = text.partition("\n")
    fence = _FENCES.get(first.strip())
    if fence is None:
        return _split_json(text) if text.startswith("{") else (None, text)
    match = re.search(rf"^{re.escape(fence)}[ \t]*$", rest, re.MULTILINE)
    if not match:
        return None, text
    head, body = rest[: match.start()], rest[match.end() :]
    try:
        found = tomllib.loads(head) if fence == "+++" else yaml.load(head, _Loader)  # noqa: S506 (a safe one)
    except (yaml.YAMLError, tomllib.TOMLDecodeError, ValueError, RecursionError) as error:
        raise ImportFailedError(f"the front matter can't be read: {error}") from error
    return (found if isinstance(found, dict) else {}), body


class _Loader(yaml.SafeLoader):
    """YAML without aliases, by which a few lines can stand for a gigabyte."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("it has aliases")
        return super().compose_node(parent, index)


def _split_json(text: str) -> tuple[dict[str, Any] | None, str]:
    try:
        found, end = json.JSONDecoder().raw_decode(text)
    except (ValueError, RecursionError):
        return None, text
    return (found, text[end:]) if isinstance(found, dict) else (None, text)


def _config(folder: Path) -> Path | None:
    return next((folder / name for name in _CONFIGS if (folder / name).is_file()), None)


def _read_config(file: Path | None) -> dict[str, Any]:
    if file is None:
        return {}
    text = files.read_text(file)
    try:
        match file.suffix:
            case ".toml":
                found = tomllib.loads(text)
            case ".json":
                found = json.loads(text)
            case _:
                found = yaml.load(text, _Loader)  # noqa: S506 (a safe one)
    except (yaml.YAMLError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
