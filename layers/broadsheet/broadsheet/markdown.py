"""CommonMark with tables and strikethrough to HTML that is safe to put into a page."""

from __future__ import annotations

import re
from functools import lru_cache
from html import escape, unescape
from urllib.parse import unquote

import comrak
import nh3

from broadsheet import addresses
from broadsheet.errors import InvalidError
from broadsheet.validation import FORBIDDEN, Problem

# The sanitiser mends a document as a browser does, in time that grows with the square of its tags
# where they are nested without end or left open. Up to FEW_TAGS that does no harm; a document with
# more must leave nothing to mend and be nested at most DEPTH deep.
FEW_TAGS = 2_000
DEPTH = 100
# A table has as many cells in each row as in its first, written or not: a few lines make millions.
CELLS = 100_000
# Looking for what it must escape, "&" and U+00A0, the sanitiser stops at each character whose UTF-8
# begins as theirs does, in time that grows with the text up to the next tag.
AMPERSANDS = 100_000

_TAGS = set(
    "a abbr b bdi bdo blockquote br caption cite code col colgroup dd del details dfn div dl dt em"
    " figcaption figure h1 h2 h3 h4 h5 h6 hr i img ins kbd li mark ol p pre q rp rt ruby s samp"
    " small span strong sub summary sup table tbody td tfoot th thead time tr u ul var wbr".split()
)
_ATTRIBUTES = {
    "*": {"dir", "lang", "title"},
    "a": {"href"},
    "col": {"span"},
    "colgroup": {"span"},
    "del": {"datetime"},
    "img": {"alt", "height", "src", "width"},
    "ins": {"datetime"},
    "li": {"value"},
    "ol": {"reversed", "start", "type"},
    "td": {"align", "colspan", "rowspan"},
    "th": {"align", "colspan", "rowspan", "scope"},
    "time": {"datetime"},
}
_CLEANER = nh3.Cleaner(
    tags=_TAGS,
    attributes=_ATTRIBUTES,
    url_schemes={"http", "https", "mailto", "tel"},
    link_rel=None,
)
_VOID = {"br", "col", "hr", "img", "wbr"}
# A tag about which no two parsers differ.
_PLAIN_TAG = re.compile(
    r"""<(?P<end>/?)(?P<name>[a-z][a-z0-9]*+)(?:[ \n]++[a-z-]++(?:="[^"<>]*+")?)*+[ ]?/?>"""
)
_LINE_END = re.compile(r"\r\n?|\n")
# Of what the sanitiser leaves, in which each "<" begins a tag. An anchor without text is nothing
# to choose, a heading without text none to read, and a header cell without text heads nothing.
_EMPTY_LINK = re.compile(r"<a(?: [^>]*)?>\s*</a>")
# [text]("title") or [text]((https://…)): CommonMark takes for an address what can't be one.
_NO_ADDRESS = re.compile(r'<a href="(?:%22|\()[^"]*"[^>]*>(.*?)</a>', re.DOTALL)
_HEADING = re.compile(r"<(h[1-6])((?: [^>]*)?)>(.*?)</\1>", re.DOTALL)
_HEADING_ID = re.compile(r"\s*\{#([\w.-]+)\}\s*$")
_FRAGMENT_LINK = re.compile(r'<a href="#([^"]*)"[^>]*>(.*?)</a>', re.DOTALL)
# What else a page has that a body may link to, and no heading of it may be called.
_PAGE_IDS = {"", "top", "main", "corrections"}
_EMPTY_HEADING = re.compile(r"<(h[1-6])(?: [^>]*)?>\s*</\1>")
_EMPTY_HEADER = re.compile(r"<th( [^>]*)?>\s*</th>")
_MENDED = re.compile(r"<(?P<end>/?)(?P<name>h[1-6]|table|t[dh]|img)(?P<rest>(?: [^>]*)?)>")
_TAG = re.compile(r"<[^>]*>")
_ALIGN = re.compile(r' align="([^"]*)"')
# A word may be partly in one of these; any other tag ends it.
_WITHIN_WORDS = re.compile(
    r"</?(?:a|abbr|b|bdi|cite|code|del|dfn|em|i|ins|kbd|mark|q|s|samp|small|span|strong|u|wbr)\b[^>]*>"
)


@lru_cache(maxsize=1)  # the page needs it, and then the text that search knows
def to_html(text: str, place: str = "/body") -> str:
    """The HTML of an article's body.

    Its headings begin with ``h2``, as the page's title is ``h1``, and leave no level out.

    Raises InvalidError, at the place of the body in the upload, where it would take too long to
    make safe: see FEW_TAGS, CELLS and AMPERSANDS.
    """
    ampersands = text.count("&") + text.encode().count(b"\xc2")
    if ampersands > AMPERSANDS:
        message = (
            f'has {ampersands:,} characters that are "&" or between U+0080 and U+00BF;'
            f" expected at most {AMPERSANDS:,}"
        )
        raise InvalidError([Problem(place, message)])
    if "|" in text and _cells(text) > CELLS:
        message = f"has tables of more than {CELLS:,} cells; expected at most that"
        raise InvalidError([Problem(place, message)])
    extensions = comrak.ExtensionOptions()
    extensions.table = extensions.strikethrough = True
    rendering = comrak.RenderOptions()
    rendering.unsafe_ = True  # raw HTML goes on to the sanitiser, which sees the whole document
    html = comrak.render_markdown(text, extension_options=extensions, render_options=rendering)
    if html.count("<") > FEW_TAGS:
        _check_tags(html, place)
    # An upload that has one is refused, but "&#27;" becomes one here. CommonMark replaces NUL so.
    return _mended(FORBIDDEN.sub("\ufffd", _CLEANER.clean(html)))


def to_text(text: str, place: str = "/body") -> str:
    """The words of an article's body, as its reader sees them. Raises InvalidError as to_html."""
    return unescape(_TAG.sub(" ", _WITHIN_WORDS.sub("", to_html(text, place))))


def _mended(html: str) -> str:
    """A sanitised document as those need it who don't see it, or have but a keyboard."""
    html = _anchored(_NO_ADDRESS.sub(r"\1", html))
    html = _EMPTY_HEADING.sub("", _EMPTY_LINK.sub("", html))
    html = _EMPTY_HEADER.sub(r"<td\1></td>", html)
    outline: list[int] = []
    open_headings: list[int] = []

    def mend(tag: re.Match[str]) -> str:
        end, name, rest = tag.groups()
        if name in {"td", "th"}:
            return f"<{end}{name}{_ALIGN.sub(_align, rest)}>"
        if name == "table":
            # What scrolls must be reached by keyboard.
            start = f'<div class="table" tabindex="0"><table{rest}>'
            return "</table></div>" if end else start
        if name == "img":
            return tag[0] if ' alt="' in rest else f'<img alt=""{rest}>'
        if not end:
            open_headings.append(_level(int(name[1]), outline))
        return f"<{end}h{open_headings.pop() if end else open_headings[-1]}{rest}>"

    return _MENDED.sub(mend, html)


def _anchored(html: str) -> str:
    """Headings that the body links to have the id for it; a link to none of them is only text.

    The name of a heading is its {#name} or, as many editors have it, what its text is as a slug.
    """
    wanted = {_fragment(link) for link in _FRAGMENT_LINK.finditer(html)} - _PAGE_IDS
    names = {addresses.slug(fragment): fragment for fragment in sorted(wanted)}
    given: set[str] = set()

    def name(heading: re.Match[str]) -> str:
        tag, rest, text = heading.groups()
        own = _HEADING_ID.search(text)
        text = text[: own.start()] if own else text
        fragment = own[1] if own else names.get(addresses.slug(_TAG.sub("", text)), "")
        if fragment in wanted - given and text.strip():
            given.add(fragment)
            rest = f' id="{escape(fragment)}"{rest}'
        return f"<{tag}{rest}>{text}</{tag}>"

    def follow(link: re.Match[str]) -> str:
        return link[0] if _fragment(link) in given | _PAGE_IDS else link[2]

    return _FRAGMENT_LINK.sub(follow, _HEADING.sub(name, html))


def _fragment(link: re.Match[str]) -> str:
    return unquote(unescape(link[1]))


def _level(written: int, outline: list[int]) -> int:
    """The level of the next heading: from 2, and one more than that of what it belongs to."""
    while outline and outline[-1] >= written:
        outline.pop()
    outline.append(written)
    return min(len(outline) + 1, 6)


def _align(match: re.Match[str]) -> str:
    """A class that style.css has, as HTML has no other way. Cells begin at the left anyway."""
    return f' class="{match[1]}"' if match[1] in {"center", "right"} else ""


def _cells(text: str) -> int:
    """As many cells as all tables may have: a blank line ends each, whatever it is in."""
    cells = width = rows = 0
    for line in [*_LINE_END.split(text), ""]:
        if line.strip(" \t"):
            width, rows = max(width, line.count("|") + 1), rows + 1
        else:
            cells += width * rows if width > 1 else 0
            width = rows = 0
    return cells


def _check_tags(html: str, place: str) -> None:
    """Raise InvalidError unless a document of many tags leaves a parser nothing to mend."""
    open_elements: list[str] = []
    plain = 0
    for tag in _PLAIN_TAG.finditer(html):
        if not _take(tag, open_elements):
            break
        plain += 1
    number = html.count("<")
    if open_elements or plain < number:
        message = (
            f"makes {number:,} HTML tags, some of them left open, nested deeper than {DEPTH} levels"
            f" or none that an article has; expected at most {FEW_TAGS:,} tags or none like these"
        )
        raise InvalidError([Problem(place, message)])


def _take(tag: re.Match[str], open_elements: list[str]) -> bool:
    """Open or close an element; false where an article has none such, or not at this place."""
    name = tag["name"]
    if name in _VOID:
        return not tag["end"]
    if tag["end"]:
        return bool(open_elements) and open_elements.pop() == name
    open_elements.append(name)
    return name in _TAGS and len(open_elements) <= DEPTH
