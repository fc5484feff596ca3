"""CommonMark with tables and strikethrough to HTML that is safe to put into a page."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import comrak
import nh3

from broadsheet.errors import InvalidError
from broadsheet.validation import Problem

# Time in the sanitiser grows with the square of the depth; no article is nested like this.
DEPTH = 100
# Below this many tags the depth can't matter, and need not be counted.
_FEW_TAGS = 1000

_TAGS = set(
    "a abbr b bdi bdo blockquote br caption cite code col colgroup dd del details dfn div dl dt em"
    " figcaption figure h1 h2 h3 h4 h5 h6 hr i img ins kbd li mark ol p pre q rp rt ruby s samp"
    " small span strong sub summary sup table tbody td tfoot th thead time tr u ul var wbr".split()
)
_ATTRIBUTES = {
    "*": {"dir", "lang", "title"},
    "a": {"href"},
    "blockquote": {"cite"},
    "col": {"span"},
    "colgroup": {"span"},
    "del": {"cite", "datetime"},
    "img": {"alt", "height", "src", "width"},
    "ins": {"cite", "datetime"},
    "li": {"value"},
    "ol": {"reversed", "start", "type"},
    "q": {"cite"},
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
# HTML closes these by itself, so old pages leave them open.
_CLOSED_BY_ITSELF = {"dd", "dt", "li", "option", "p", "td", "th", "tr"}
_HEADING = re.compile(r"(</?h)([1-5])(?=[\s>])")


def to_html(text: str) -> str:
    """The HTML of an article's body, with headings from ``h2`` on: the page's title is ``h1``.

    Raises InvalidError, at /body, where elements are nested deeper than DEPTH.
    """
    extensions = comrak.ExtensionOptions()
    extensions.table = extensions.strikethrough = True
    rendering = comrak.RenderOptions()
    rendering.unsafe_ = True  # raw HTML goes on to the sanitiser, which sees the whole document
    html = comrak.render_markdown(text, extension_options=extensions, render_options=rendering)
    if html.count("<") > _FEW_TAGS and _depth(html) > DEPTH:
        message = f"nests elements deeper than {DEPTH} levels; expected at most that"
        raise InvalidError([Problem("/body", message)])
    clean = _CLEANER.clean(html)
    if "<h1" in clean:
        clean = _HEADING.sub(lambda match: f"{match[1]}{int(match[2]) + 1}", clean)
    return clean


def _depth(html: str) -> int:
    counter = _DepthCounter()
    counter.feed(html)
    counter.close()
    return counter.deepest


class _DepthCounter(HTMLParser):
    """Counts how deep elements are nested, taking an end tag to close one element at most."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=False)
        self.deepest = 0
        self._open = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        del attrs
        if tag not in _VOID and tag not in _CLOSED_BY_ITSELF:
            self._open += 1
            self.deepest = max(self.deepest, self._open)

    def handle_endtag(self, tag: str) -> None:
        if tag not in _VOID and tag not in _CLOSED_BY_ITSELF:
            self._open = max(0, self._open - 1)
