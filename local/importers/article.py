"""An item of an export as an article of ours, within the limits of docs/articles.md."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from broadsheet import addresses, markdown, wire
from broadsheet.article import Article, is_later
from broadsheet.errors import InvalidError
from local.importers import markup, paths, pictures, templates
from local.importers.item import Importer, Item, Picture

_TITLE, _TEXT, _NAME, _CREDIT = 300, 1000, 200, 300
_TOPICS, _AUTHORS = 10, 50
_PIXELS = 100_000
_NAMED = 3
_LANGUAGE = re.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*")
# The beginning of a link, but not of a picture, and an address from the root.
_LINK = re.compile(r"((?<!!)\[[^\[\]]*\]\()(/[^\s()<>]*)")
_URL_SAFE = "!#$%&'()*+,/:;=?@[]~-._"


class RefusedError(Exception):
    """The item can't be an article; the message says why."""


@dataclass
class Made:
    """An article's file, and the pictures that it needs: NAME and where each lies."""

    data: bytes
    media: dict[str, Path] = field(default_factory=dict)


def make(item: Item, path: str, importer: Importer, moved: Mapping[str, str]) -> Made:
    """The article of an item. ``moved`` has the new path of each old one: links follow it.

    Raises RefusedError where it would not be published.
    """
    made = Made(b"")
    if not item.published_at:
        raise RefusedError("has no date of publication")
    document: dict[str, Any] = {
        "title": _cut(item, "title", item.title, _TITLE),
        "summary": "",
        "published_at": item.published_at,
    }
    body = _body(item, importer, moved)
    summary = item.summary or wire.lead(markdown.to_html(body)) or item.title
    document["summary"] = _cut(item, "summary", summary, _TEXT)
    if is_later(item.updated_at, item.published_at):
        document["updated_at"] = item.updated_at
    kept, lost = paths.aliases_of([item.url, *item.aliases], path)
    for url in lost:
        if url:
            item.warn(f"the old address {url} can't be an alias")
    optional = {
        "authors": _authors(item),
        "topics": _topics(item),
        "image": _image(item, importer, made),
        "language": _language(item),
        "status": item.status if item.status != "published" else "",
        "aliases": kept,
        **item.extra,
        "body": body,
    }
    document |= {name: value for name, value in optional.items() if value}
    made.data = _encoded(document)
    _check(path, made.data)
    return made


def utc(date: str) -> str:
    """A date in UTC, so that dates can be compared as texts; "" if it is none."""
    try:
        return datetime.fromisoformat(date).astimezone(UTC).isoformat()
    except (ValueError, OverflowError):
        return ""


def _encoded(document: dict[str, Any]) -> bytes:
    text = json.dumps(document, ensure_ascii=False, indent=2)
    return f"{text}\n".encode()


def _check(path: str, data: bytes) -> None:
    try:
        markdown.to_html(Article.parse(path, data).body)
    except InvalidError as error:
        raise RefusedError(str(error)) from error


def _cut(item: Item, name: str, text: str, characters: int) -> str:
    """A text on one line, cut if it is too long."""
    line = " ".join(text.split())
    if len(line) > characters:
        item.warn(f"the {name} is cut to {characters:,} characters")
    return wire.cut(line, characters)


def _body(item: Item, importer: Importer, moved: Mapping[str, str]) -> str:
    places = _Places(item, importer, moved)
    if item.markdown:
        return templates.outside_code(item.markdown, places.links)
    try:
        markup.check_size(item.html)
        html = item.convert(item.html)
        if not html.strip():
            raise RefusedError("has no text")
        body = markup.to_markdown(html, item.warn, places.picture, places.link)
    except markup.TooMuchError as error:
        raise RefusedError(str(error)) from error
    except InvalidError as error:
        raise RefusedError(str(error)) from error
    places.tell()
    if not body.strip():
        raise RefusedError("has no text that could be carried over")
    return body


@dataclass
class _Places:
    """Where pictures and links of a text lead to, now that it moves."""

    item: Item
    importer: Importer
    moved: Mapping[str, str]
    staying: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)

    def picture(self, src: str) -> str:
        """The address of a picture in the text; "" if there is none any more."""
        site = self.importer.site
        absolute = site.absolute(f"https:{src}" if src.startswith("//") else src)
        if not absolute.startswith(("https://", "http://")):
            self.lost.append(src)
            return ""
        if site.is_own(absolute) or self.importer.find_picture(src, self.item):
            self.staying.append(absolute)
        return absolute

    def link(self, href: str) -> str:
        """The address that a link leads to: the new page of an old one, or what it was."""
        site, parts = self.importer.site, urlsplit(href)
        if not href or parts.scheme not in {"", "http", "https"} or not site.is_own(href):
            return href
        if parts.path and (new := self.moved.get(old_path(parts.path))):
            return f"/articles/{new}/" + (f"#{parts.fragment}" if parts.fragment else "")
        return site.absolute(href) if parts.path.startswith("/") else href

    def links(self, text: str) -> str:
        """Markdown with links from the root that lead to where they should now."""
        return _LINK.sub(lambda link: link[1] + self.link(link[2]), text)

    def tell(self) -> None:
        """Report what became of the pictures."""
        if self.staying:
            said = "in the text stay at the old site, since only `image` is carried over"
            self.item.warn(f"{_counted(self.staying)} {said}")
        if self.lost:
            self.item.warn(f"{_counted(self.lost)} in the text are left out, without an address")


def old_path(path: str) -> str:
    """An old address as it is looked up, with or without its last slash or ending."""
    return re.sub(r"(?:/index)?(?:\.html?|/)?$", "", path)


def _counted(names: list[str]) -> str:
    named = ", ".join(name or "(none)" for name in names[:_NAMED])
    more = " …" if len(names) > _NAMED else ""
    return f"{len(names)} {'picture' if len(names) == 1 else 'pictures'} ({named[:200]}{more})"


def _authors(item: Item) -> list[dict[str, str]]:
    found = []
    for author in item.authors[:_AUTHORS]:
        name, url = " ".join(author.get("name", "").split())[:_NAME], author.get("url", "")
        is_address = url.startswith(("https://", "http://")) and len(url) <= addresses.KEY_BYTES
        if name:
            found.append({"name": name} | ({"url": encoded(url)} if is_address else {}))
    return found


def _topics(item: Item) -> list[str]:
    labels: dict[str, str] = {}
    for given in item.topics:
        label = " ".join(given.split())
        if wire.is_topic(label):
            labels.setdefault(addresses.slug(label), label)
        elif label:
            item.warn(f"the topic {label[:60]!r} is left out: it has no usable slug")
    found = list(labels.values())
    if len(found) > _TOPICS:
        item.warn(f"topics beyond {_TOPICS} are left out: {', '.join(found[_TOPICS:])[:200]}")
    return found[:_TOPICS]


def _language(item: Item) -> str:
    tag = item.language.replace("_", "-")
    if tag and not _LANGUAGE.fullmatch(tag):
        item.warn(f"the language {tag[:60]!r} is none")
        return ""
    return tag


def encoded(url: str) -> str:
    """An address with what may not stand in one percent-encoded; what is encoded stays."""
    return "".join(c if not c.isascii() else quote(c, safe=_URL_SAFE) for c in url)


def _image(item: Item, importer: Importer, made: Made) -> dict[str, Any]:
    picture = item.picture
    if picture is None or not picture.src:
        return {}
    src = _source(picture, item, importer, made)
    if not src:
        item.warn(f"the picture {picture.src[:200]} is not here, and has no address")
        return {}
    texts = {
        "caption": _cut(item, "caption", picture.caption, _TEXT),
        "credit": _cut(item, "credit", picture.credit, _CREDIT),
    }
    image: dict[str, Any] = {"src": src, "alt": _cut(item, "alternative text", picture.alt, _TEXT)}
    image |= {name: text for name, text in texts.items() if text}
    sizes = (picture.width, picture.height)
    if not src.startswith(addresses.MEDIA) and all(0 < size <= _PIXELS for size in sizes):
        image |= dict(zip(("width", "height"), sizes, strict=True))
    return image


def _source(picture: Picture, item: Item, importer: Importer, made: Made) -> str:
    """``media/NAME`` of a picture that is at hand, else its address."""
    file = importer.find_picture(picture.src, item)
    if file and file.stat().st_size > pictures.MOST_BYTES:
        item.warn(f"the picture {picture.src[:200]} has more than 30 MiB")
        file = None
    if file:
        name = pictures.name_for(importer.picture_name(file))
        made.media[name] = file
        return addresses.media_key(name)
    src = f"https:{picture.src}" if picture.src.startswith("//") else picture.src
    absolute = encoded(importer.site.absolute(src))
    return absolute if absolute.startswith(("https://", "http://")) else ""
