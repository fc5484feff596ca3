"""Items of other news formats as articles: IPTC ninjs 2 and 3, and JSON Feed 1 and 1.1.

A document is taken for such an item only where it says so itself:

* ninjs by ``standard.name`` ("ninjs", or a name that ends so, as agencies' own versions have), or
  by a ``$schema`` that names ninjs-schema_2 or _3 (https://iptc.org/standards/ninjs/);
* JSON Feed by ``version``, the address of the format (https://www.jsonfeed.org/version/1.1/). An
  item says nothing of the kind, so the document is a feed, of exactly one item.

The mapping only picks and renames. It hands on values of wrong types as they are, to be refused
with everything else that is wrong with an article; ``Wire.places`` tells where each came from.
"""

from __future__ import annotations

import html
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from broadsheet import addresses
from broadsheet.article import is_later
from broadsheet.disclosure import SOURCE_TYPES
from broadsheet.errors import InvalidError
from broadsheet.validation import Problem, pointer, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

Place = tuple[str | int, ...]
Element = tuple[re.Pattern[str], re.Pattern[str]]

SUMMARY_CHARACTERS = 300
_TOPICS = 10
_TOPIC_CHARACTERS = 100
_SLUG_CHARACTERS = 200
_AUTHORS = 50
_PIXELS = 100_000
# The width of the widest picture on a page, on a screen of high density.
_WIDE = 1280
# No list of an item is looked through any further.
_MOST = 100
_NINJS_SCHEMA = re.compile(r"ninjs-schema_([0-9]+)[0-9.]*\.json#?$")
_JSON_FEED = re.compile(r"https?://(?:www\.)?jsonfeed\.org/version/")
_JSON_FEED_1 = re.compile(r"https?://(?:www\.)?jsonfeed\.org/version/1(?:\.1)?/?")
_STATUS = {"usable": "published", "withheld": "draft", "canceled": "withdrawn"}
# https://cv.iptc.org/newscodes/digitalsourcetype/
_AI = {
    f"{SOURCE_TYPES}compositeWithTrainedAlgorithmicMedia": "assisted",
    f"{SOURCE_TYPES}trainedAlgorithmicMedia": "generated",
}
_PICTURE_TYPES = ("picture", "graphic")
_TAG = re.compile(r"<[^<>]*>")


def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(text, re.IGNORECASE)


def element(name: str) -> Element:
    """How elements of that name begin and end: see `spans`."""
    return _pattern(rf"<{name}\b[^<>]*>"), _pattern(rf"</{name}\s*>")


_NOT_SHOWN = (
    (re.compile("<!--"), re.compile("-->")),
    *(element(name) for name in ("head", "script", "style")),
)
_FIRST_TITLE = element("h1")
_PREFORMATTED = element("pre")
_PARAGRAPH = element("p")
# What parts words, though it is no white space.
_BREAK = _pattern(
    r"</?(?:p|h[1-6]|li|div|blockquote|tr|t[dh]|d[dt]|br|pre|figcaption|summary)\b[^<>]*>"
)
_BLOCK_END = _pattern(r"</(?:p|h[1-6]|li|div|blockquote|tr)\s*>|<br\b[^<>]*>")
_BEGINS_BLOCK = _pattern(
    r"<(?:article|blockquote|body|details|div|dl|figure|h[1-6]|html|main|ol|p|section|table|ul)"
    r"(?:\s[^<>]*)?>"
)
_SENTENCE_END = re.compile(r"""[.!?…。\uff01\uff1f][»”"'’)\]]*(?=\s|$)""")
# No summary lies beyond this many characters of a text.
_SEARCHED = 20_000


@dataclass
class Wire:
    """An item as the project's own article, and where each of its values was in the original."""

    article: dict[str, Any] = field(default_factory=dict)
    places: dict[str, Place] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def put(self, name: str, value: object, *place: str | int) -> None:
        """Give a field of the article its value, from that place; nothing where there is none."""
        if value is not None:
            self.article[name] = value
        self.places[name] = place

    def original(self, path: str) -> str:
        """Where in the original a place of the article comes from; as it is if nobody knows."""
        found = next((name for name in _prefixes(path) if name in self.places), None)
        return path if found is None else pointer(*self.places[found])


def read(document: Any, markup: Callable[[str], str] | None = None) -> Wire | None:
    """The article that an item of another format makes; None of what is no such item.

    ``markup`` makes a body from HTML; without it the body is the HTML, as Markdown takes it.
    Raises InvalidError where the document says that it is one, but of a version or a number of
    items that can't be read.
    """
    if not isinstance(document, dict):
        return None
    markup = markup or as_block
    if (version := _ninjs_version(document)) is not None:
        place, number = version
        if number not in {"2", "3"}:
            raise _invalid(f"is {shown(number)}; expected version 2 or 3 of ninjs", *place)
        return from_ninjs(document, markup)
    version = document.get("version")
    if isinstance(version, str) and _JSON_FEED.match(version):
        if not _JSON_FEED_1.fullmatch(version):
            raise _invalid(f"is {shown(version)}; expected JSON Feed 1 or 1.1", "version")
        items = document.get("items")
        if not isinstance(items, list) or len(items) != 1 or not isinstance(items[0], dict):
            found = f"has {len(items):,} items" if isinstance(items, list) else "is no list"
            raise _invalid(f"{found}; expected exactly one item, an object", "items")
        return from_feed_item(document, items[0], markup)
    return None


def _ninjs_version(document: Mapping[str, Any]) -> tuple[Place, str] | None:
    """Where a document says which ninjs it is, and the number before the first dot."""
    standard = document.get("standard")
    if isinstance(standard, dict):
        name = standard.get("name")
        if isinstance(name, str) and name.casefold().endswith("ninjs"):
            return ("standard", "version"), str(standard.get("version", "")).partition(".")[0]
    schema = document.get("$schema")
    match = _NINJS_SCHEMA.search(schema) if isinstance(schema, str) else None
    return (("$schema",), match[1]) if match else None


# ninjs


def from_ninjs(item: Mapping[str, Any], markup: Callable[[str], str]) -> Wire:
    """The article of a ninjs item of version 2 (names in lower case) or 3 (in camel case)."""
    wire = Wire()
    _put_title(wire, item)
    title = wire.article.get("title")
    _put_body(wire, item, title if isinstance(title, str) else "", markup)
    _put_dates(wire, item)
    status_name, status = _named(item, "pubStatus")
    if isinstance(status, str) and status in _STATUS:
        wire.put("status", _STATUS[status], status_name)
    elif status is not None:
        message = f"is {shown(status)}; expected one of: {', '.join(_STATUS)}"
        wire.problems.append(Problem(pointer(status_name), message))
    wire.put("language", item.get("language"), "language")
    wire.put("authors", _byline(item), "by")
    names = [s.get("name") for s in _objects(item, "subjects")]
    wire.put("topics", topics(names) or None, "subjects")
    source_name, source = _named(item, "digitalSourceType")
    if isinstance(source, dict):
        wire.put("ai_disclosure", _AI.get(str(source.get("uri"))), source_name, "uri")
    _put_picture(wire, item)
    return wire


def _named(item: Mapping[str, Any], name: str) -> tuple[str, Any]:
    """A property by its name in ninjs 3 or, where it has none such, in ninjs 2."""
    used = name.lower() if name not in item and name.lower() in item else name
    return used, item.get(used)


def _objects(item: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    values = item.get(name)
    found = values[:_MOST] if isinstance(values, list) else []
    return [value if isinstance(value, dict) else {} for value in found]


def _texts(item: Mapping[str, Any], name: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """The objects of a list that have a value, and where they are: those of the main role first."""
    found = [(i, o) for i, o in enumerate(_objects(item, name)) if o.get("value")]
    yield from sorted(found, key=lambda pair: pair[1].get("role") != "main")


def _put_title(wire: Wire, item: Mapping[str, Any]) -> None:
    wire.put("title", None, "headlines")
    for i, headline in _texts(item, "headlines"):
        value = headline["value"]
        plain = text_of(value) if isinstance(value, str) and _is_html(headline) else value
        wire.put("title", plain, "headlines", i, "value")
        return
    if item.get("title"):
        wire.put("title", item["title"], "title")


def _put_body(
    wire: Wire, item: Mapping[str, Any], title: str, markup: Callable[[str], str]
) -> None:
    """The body that says most, HTML before text, and the summary, from a description or from it."""
    bodies = list(_texts(item, "bodies"))
    html_bodies = [body for body in bodies if _is_html(body[1])]
    texts = [body for body in bodies if _is_text(body[1])]
    wire.put("body", None, "bodies")
    found = ""
    for i, body in (html_bodies or texts)[:1]:
        value = body["value"]
        if isinstance(value, str):
            found = without_title(value, title) if html_bodies else paragraphs(value)
            value = markup(found) or None
        wire.put("body", value, "bodies", i, "value")
    wire.put("summary", lead(found) or None, "descriptions")
    for i, description in _texts(item, "descriptions"):
        value = description["value"]
        plain = text_of(value) if isinstance(value, str) and _is_html(description) else value
        wire.put("summary", plain, "descriptions", i, "value")
        return


def _type_of(value: Mapping[str, Any]) -> str:
    return str(_named(value, "contentType")[1] or value.get("role") or "").casefold()


def _is_html(value: Mapping[str, Any]) -> bool:
    """Whether a text is HTML. One that says neither is what it looks like."""
    said = _type_of(value)
    if "html" in said:
        return True
    return not _named(value, "contentType")[1] and "</p>" in str(value.get("value"))


def _is_text(value: Mapping[str, Any]) -> bool:
    said = str(_named(value, "contentType")[1] or "").casefold()
    return not said or said.startswith("text/")


def _put_dates(wire: Wire, item: Mapping[str, Any]) -> None:
    """Published when first made, or when the embargo ends; updated when this version was made.

    What is published later than now is held back until then, and so is an item under embargo.
    """
    version_name, version = _named(item, "versionCreated")
    first_name, first = _named(item, "firstCreated")
    embargo_name, embargo = next(
        ((n, item[n]) for n in ("embargoedUntil", "embargoed") if item.get(n) is not None),
        ("embargoedUntil", None),
    )
    name, published = (version_name, version) if first is None else (first_name, first)
    if embargo is not None and not is_later(published, embargo):
        name, published = embargo_name, embargo
    wire.put("published_at", published, name)
    if published is not None and is_later(version, published):
        wire.put("updated_at", version, version_name)


def _byline(item: Mapping[str, Any]) -> list[dict[str, Any]] | None:
    """The byline as one author, since no two agencies join names alike."""
    by = item.get("by")
    if isinstance(by, str):
        by = re.sub(r"^\s*by\s+", "", by, flags=re.IGNORECASE).strip()
    return [{"name": by}] if by else None


def _put_picture(wire: Wire, item: Mapping[str, Any]) -> None:
    """The first picture that is associated with the item, or is a rendition of it."""
    for i, owner in enumerate(_objects(item, "associations")):
        if owner.get("type") in _PICTURE_TYPES and (found := _best(owner)):
            at, image = found
            _put_image(wire, image | _described(owner), "associations", i, "renditions", at)
            return
    if found := _best(item):
        at, image = found
        _put_image(wire, image, "renditions", at)


def _put_image(wire: Wire, image: dict[str, Any], *place: str | int) -> None:
    wire.put("image", image, *place)
    wire.places["image/src"] = (*place, "href")


def _described(picture: Mapping[str, Any]) -> dict[str, str]:
    """What an associated picture says of itself, as fields of an image."""
    said = [(d.get("role"), d["value"]) for _, d in _texts(picture, "descriptions")]
    alt = [value for role, value in said if "alt" in str(role).casefold()]
    captions = [value for role, value in said if "alt" not in str(role).casefold()]
    headlines = [headline["value"] for _, headline in _texts(picture, "headlines")]
    owners = [picture.get("by"), _named(picture, "copyrightHolder")[1]]
    found = {
        "alt": _first([*alt, picture.get("title"), *headlines], 1000),
        "caption": _first(captions, 1000),
        "credit": _first(owners, 300),
    }
    return {name: text for name, text in found.items() if text}


def _first(texts: list[Any], characters: int) -> str:
    """The first that is a text and not blank, cut to so many characters; "" if there is none."""
    return next((cut(t, characters) for t in texts if isinstance(t, str) and t.strip()), "")


def _best(owner: Mapping[str, Any]) -> tuple[int, dict[str, Any]] | None:
    """The rendition that suits a page best: where it is, and its image."""
    found = [
        (i, rendition)
        for i, rendition in enumerate(_objects(owner, "renditions"))
        if str(rendition.get("href")).startswith(("https://", "http://"))
        and str(_named(rendition, "contentType")[1]).startswith("image/")
    ]
    if not found:
        return None
    at, best = min(found, key=lambda pair: (_excess(pair[1]), pair[0]))
    image = {"src": best["href"], "alt": ""}
    size = {name: _pixels(best.get(name)) for name in ("width", "height")}
    return at, image | (size if all(size.values()) else {})


def _excess(rendition: Mapping[str, Any]) -> tuple[bool, int]:
    """How little a rendition suits: first those that are wide enough, by how much they are."""
    width = _pixels(rendition.get("width"))
    return width < _WIDE, abs(width - _WIDE)


def _pixels(value: object) -> int:
    """A width or height that an image may have; 0 for any other."""
    return value if type(value) is int and 0 < value <= _PIXELS else 0


# JSON Feed


def from_feed_item(
    feed: Mapping[str, Any], item: Mapping[str, Any], markup: Callable[[str], str], place: int = 0
) -> Wire:
    """The article of a feed's item, with the feed's authors and language where it has none."""
    wire = Wire()
    at = ("items", place)
    wire.put("title", item.get("title"), *at, "title")
    _put_content(wire, item, at, markup)
    wire.put("published_at", item.get("date_published"), *at, "date_published")
    if is_later(item.get("date_modified"), item.get("date_published")):
        wire.put("updated_at", item["date_modified"], *at, "date_modified")
    for owner, where in ((item, at), (feed, ())):
        if names := authors(owner):
            wire.put("authors", names, *where, "authors" if "authors" in owner else "author")
            break
    for owner, where in ((item, at), (feed, ())):
        if owner.get("language"):
            wire.put("language", owner["language"], *where, "language")
            break
    tags = item.get("tags")
    wire.put("topics", (topics(tags) or None) if isinstance(tags, list) else tags, *at, "tags")
    for name in ("image", "banner_image"):
        if item.get(name):
            wire.put("image", {"src": item[name], "alt": ""}, *at, name)
            break
    if item.get("external_url"):
        source = {"title": item.get("title"), "url": item["external_url"]}
        wire.put("source", source, *at, "external_url")
    return wire


def _put_content(
    wire: Wire, item: Mapping[str, Any], at: Place, markup: Callable[[str], str]
) -> None:
    found = ""
    for name, make in (("content_html", str), ("content_text", paragraphs)):
        value = item.get(name)
        if isinstance(value, str) and value.strip():
            found = make(value)
            value = markup(found) or None
        if value:
            wire.put("body", value, *at, name)
            break
    else:
        wire.put("body", None, *at, "content_html")
    wire.put("summary", item.get("summary") or lead(found) or None, *at, "summary")


def authors(owner: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Names and addresses of a feed's or an item's authors; version 1 has but one."""
    given = owner.get("authors", [owner.get("author")])
    found = []
    for author in given[:_AUTHORS] if isinstance(given, list) else []:
        if isinstance(author, dict) and author.get("name"):
            url = author.get("url")
            is_address = isinstance(url, str) and url.startswith(("https://", "http://"))
            found.append({"name": author["name"]} | ({"url": url} if is_address else {}))
    return found


# Texts


def topics(names: list[Any]) -> list[str]:
    """The first labels of a list that an article may have, as many as it may have."""
    fit = (name for name in names[:_MOST] if isinstance(name, str) and is_topic(name))
    return list(dict.fromkeys(fit))[:_TOPICS]


def is_topic(label: str) -> bool:
    """Whether an article may have this label: not too long, and not without a slug."""
    return len(label) <= _TOPIC_CHARACTERS and 0 < len(addresses.slug(label)) <= _SLUG_CHARACTERS


def as_block(text: str) -> str:
    """HTML that CommonMark takes for one block of HTML: all on one line, and begun by a block.

    A blank line would end the block (https://spec.commonmark.org/0.31.2/#html-blocks), and what
    follows it would be read as Markdown. Line ends that count, in pre, are written as references.
    An element around all of it is put only where there must be one, as a page spaces what is
    directly in the text.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    parts, end = [], 0
    for start, stop in spans(text, *_PREFORMATTED):
        parts += [flat(text[end:start]), text[start:stop].replace("\n", "&#10;")]
        end = stop
    inside = "".join([*parts, flat(text[end:])]).strip()
    return f"<div>{inside}</div>" if inside and not _BEGINS_BLOCK.match(inside) else inside


def flat(text: str) -> str:
    """HTML without line ends. White space is never taken away, as it may part two words."""
    return re.sub(r"[ \t\f]*\n\s*", " ", text)


def without_title(text: str, title: str) -> str:
    """The body of a whole HTML document, without its title where that is the headline again."""
    text = _without_head(text)
    for start, stop in spans(text, *_FIRST_TITLE):
        if text_of(text[start:stop]) == _line(title):
            return text[:start] + text[stop:]
        break
    return text


def _without_head(text: str) -> str:
    """HTML without what is never shown, in time that grows with its length alone."""
    for kind in _NOT_SHOWN:
        text = replaced(text, kind, lambda _: "")
    return text


def replaced(text: str, kind: Element, by: Callable[[str], str]) -> str:
    """A text with something else in the place of each element of a kind."""
    found, end = [], 0
    for start, stop in spans(text, *kind):
        found += [text[end:start], by(text[start:stop])]
        end = stop
    return "".join([*found, text[end:]])


def spans(
    text: str, opening: re.Pattern[str], closing: re.Pattern[str]
) -> Iterator[tuple[int, int]]:
    """Where each element of a kind begins and ends, in time that grows with the text alone.

    One pattern for both would look for an end again from each beginning that has none.
    """
    end = 0
    while begun := opening.search(text, end):
        ended = closing.search(text, begun.end())
        if not ended:
            return
        end = ended.end()
        yield begun.start(), end


def paragraphs(text: str) -> str:
    """Plain text as HTML. Blank lines part paragraphs; where there are none, each line is one."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").strip()
    blocks = re.split(r"\n\s*\n", lines) if re.search(r"\n\s*\n", lines) else lines.split("\n")
    escaped = (html.escape(block.strip(), quote=False).replace("\n", "<br>") for block in blocks)
    return "".join(f"<p>{block}</p>" for block in escaped if block)


def text_of(markup: str) -> str:
    """The text of some HTML, on one line."""
    return _line(html.unescape(_TAG.sub("", _BREAK.sub(" ", markup))))


def lead(markup: str) -> str:
    """The first sentences of some HTML, for want of a summary."""
    start = _without_head(markup[:_SEARCHED])
    inside = [start[begin:end] for begin, end in spans(start, *_PARAGRAPH)]
    found = (text_of(candidate) for candidate in [*inside, *_BLOCK_END.split(start)])
    return sentences(next((text for text in found if text), ""))


def sentences(text: str) -> str:
    """As many of the first sentences as fit into a summary; if not even one does, its beginning."""
    text = _line(text)
    if len(text) <= SUMMARY_CHARACTERS:
        return text
    ends = [m.end() for m in _SENTENCE_END.finditer(text[: SUMMARY_CHARACTERS + 1])]
    ends = [end for end in ends if end <= SUMMARY_CHARACTERS]
    return text[: ends[-1]] if ends else cut(text, SUMMARY_CHARACTERS)


def cut(text: str, characters: int) -> str:
    """A text, shortened at a space if it is too long."""
    text = _line(text)
    if len(text) <= characters:
        return text
    return text[: characters - 1].rsplit(" ", 1)[0].rstrip(" ,;:–-") + "…"


def _line(text: str) -> str:
    return " ".join(text.split())


def _prefixes(path: str) -> Iterator[str]:
    """What a pointer begins with, longest first, without the slash at its beginning."""
    steps = path.strip("/").split("/")
    for length in range(len(steps), 0, -1):
        yield "/".join(steps[:length])


def _invalid(message: str, *place: str | int) -> InvalidError:
    return InvalidError([Problem(pointer(*place), message)])
