"""CommonMark with tables and strikethrough to HTML that is safe to put into a page."""

from __future__ import annotations

import re

import comrak
import nh3

from broadsheet.errors import InvalidError
from broadsheet.validation import FORBIDDEN, Problem

# The sanitiser mends a document as a browser does, in time that grows with the square of its tags
# where they are nested without end or left open. Up to FEW_TAGS that does no harm; a document with
# more must leave nothing to mend and be nested at most DEPTH deep.
FEW_TAGS = 2_000
DEPTH = 100
# A table has as many cells in each row as in its first, written or not: a few lines make millions.
CELLS = 100_000

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
_HEADING = re.compile(r"(</?h)([1-5])(?=[\s>])")


def to_html(text: str) -> str:
    """The HTML of an article's body, with headings from ``h2`` on: the page's title is ``h1``.

    Raises InvalidError, at /body, where the body would take too long to make safe: see FEW_TAGS
    and CELLS.
    """
    if _cells(text) > CELLS:
        raise _invalid(f"has tables of more than {CELLS:,} cells; expected at most that")
    extensions = comrak.ExtensionOptions()
    extensions.table = extensions.strikethrough = True
    rendering = comrak.RenderOptions()
    rendering.unsafe_ = True  # raw HTML goes on to the sanitiser, which sees the whole document
    html = comrak.render_markdown(text, extension_options=extensions, render_options=rendering)
    if html.count("<") > FEW_TAGS:
        _check_tags(html)
    # An upload that has one is refused, but "&#27;" becomes one here. CommonMark replaces NUL so.
    clean = FORBIDDEN.sub("\ufffd", _CLEANER.clean(html))
    if "<h1" in clean:
        clean = _HEADING.sub(lambda match: f"{match[1]}{int(match[2]) + 1}", clean)
    return clean


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


def _check_tags(html: str) -> None:
    """Raise InvalidError unless a document of many tags leaves a parser nothing to mend."""
    open_elements: list[str] = []
    plain = 0
    for tag in _PLAIN_TAG.finditer(html):
        if not _take(tag, open_elements):
            break
        plain += 1
    number = html.count("<")
    if open_elements or plain < number:
        raise _invalid(
            f"makes {number:,} HTML tags, some of them left open, nested deeper than {DEPTH} levels"
            f" or none that an article has; expected at most {FEW_TAGS:,} tags or none like these"
        )


def _take(tag: re.Match[str], open_elements: list[str]) -> bool:
    """Open or close an element; false where an article has none such, or not at this place."""
    name = tag["name"]
    if name in _VOID:
        return not tag["end"]
    if tag["end"]:
        return bool(open_elements) and open_elements.pop() == name
    open_elements.append(name)
    return name in _TAGS and len(open_elements) <= DEPTH


def _invalid(message: str) -> InvalidError:
    return InvalidError([Problem("/body", message)])
