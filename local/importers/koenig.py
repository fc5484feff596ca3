"""What Ghost's editors keep, Lexical and Mobiledoc, as HTML.

Lexical is a tree of nodes, each with a ``type`` (https://lexical.dev/docs/concepts/nodes).
Mobiledoc is a list of sections with tables of markups, atoms and cards
(https://github.com/bustle/mobiledoc-kit/blob/master/MOBILEDOC.md).
"""

import json
from collections.abc import Callable, Mapping
from html import escape
from typing import Any

from broadsheet import markdown
from broadsheet.errors import InvalidError
from local.importers import files

Warn = Callable[[str], None]

# The bits of a text's ``format``: https://lexical.dev/docs/serialization.
_FORMATS = ((1, "strong"), (2, "em"), (4, "s"), (8, "u"), (16, "code"), (32, "sub"), (64, "sup"))
_BLOCKS = {
    "paragraph": "p",
    "quote": "blockquote",
    "extended-quote": "blockquote",
    "aside": "blockquote",
    "listitem": "li",
}
_HEADINGS = ("heading", "extended-heading")
_TEXTS = ("text", "extended-text", "tk", "code-highlight")
_LEVELS = 100
# Kinds of Mobiledoc's sections.
_MARKUP, _PICTURE, _LIST, _CARD = 1, 2, 3, 10
_HEADING_TAGS = {f"h{level}": f"h{level}" for level in range(1, 7)}
_SECTIONS = {"p": "p", "blockquote": "blockquote", "aside": "blockquote", **_HEADING_TAGS}
_MARKUPS = {tag: tag for tag in "a strong em b i code s sub sup u".split()}


def lexical(text: str, warn: Warn) -> str:
    """The HTML of a Lexical document."""
    try:
        root = json.loads(text).get("root")
        return _children(root, warn, 0) if isinstance(root, dict) else ""
    except (ValueError, AttributeError, RecursionError):
        warn("its text can't be read: it is no Lexical document")
        return ""


def _children(node: Mapping[str, Any], warn: Warn, level: int) -> str:
    if level > _LEVELS:
        warn(f"what is nested deeper than {_LEVELS} levels is left out")
        return ""
    return "".join(_node(n, warn, level + 1) for n in files.objects(node.get("children")))


def _node(node: Mapping[str, Any], warn: Warn, level: int) -> str:
    kind = files.text(node.get("type"))
    if kind in _TEXTS:
        return _formatted(node)
    if kind == "linebreak":
        return "<br>"
    inside = _children(node, warn, level)
    if kind in {"link", "autolink"}:
        return f'<a href="{escape(files.text(node.get("url")))}">{inside}</a>'
    if kind == "list":
        tag = "ol" if node.get("listType") == "number" else "ul"
    elif kind in _HEADINGS:
        tag = _known(node.get("tag"), "h2", _HEADING_TAGS)
    else:
        tag = _BLOCKS.get(kind, "")
    if tag:
        return f"<{tag}>{inside}</{tag}>"
    return inside or card(kind, node, warn)


def _formatted(node: Mapping[str, Any]) -> str:
    found = escape(files.text(node.get("text")))
    bits = files.number(node.get("format"))
    for bit, tag in _FORMATS:
        found = f"<{tag}>{found}</{tag}>" if bits & bit and found else found
    return found


class _Payload:
    """What a card says, as it is or, for text and attributes, escaped."""

    def __init__(self, fields: Mapping[str, Any]) -> None:
        self.fields = fields

    def raw(self, *names: str) -> str:
        """The first of these that says something."""
        return next((t for name in names if (t := files.text(self.fields.get(name)))), "")

    def text(self, *names: str) -> str:
        """The same as text of HTML."""
        return escape(self.raw(*names))

    def link(self, url: str, *names: str) -> str:
        """A paragraph with a link; "" without an address."""
        address = self.text(url)
        return f'<p><a href="{address}">{self.text(*names) or address}</a></p>' if address else ""


def _image(card: _Payload) -> str:
    return _figure(_img(card.fields), card.raw("caption"))


def _gallery(card: _Payload) -> str:
    pictures = files.objects(card.fields.get("images"))
    found = "".join(_figure(_img(p), files.text(p.get("caption"))) for p in pictures)
    return found + (f"<p>{card.raw('caption')}</p>" if card.raw("caption") else "")


def _code(card: _Payload) -> str:
    language = f' class="language-{card.text("language")}"' if card.raw("language") else ""
    return f"<pre><code{language}>{card.text('code')}</code></pre>"


def _elsewhere(card: _Payload) -> str:
    metadata = card.fields.get("metadata")
    title = metadata.get("title") if isinstance(metadata, dict) else ""
    return _Payload({**card.fields, "title": title}).link("url", "title") or card.raw("html")


# https://github.com/TryGhost/Koenig: the cards of its editors, by the names of both formats.
_CARDS: Mapping[str, Callable[[_Payload], str]] = {
    "image": _image,
    "gallery": _gallery,
    "html": lambda card: card.raw("html"),
    "hr": lambda _: "<hr>",
    "horizontalrule": lambda _: "<hr>",
    "code": _code,
    "codeblock": _code,
    "bookmark": _elsewhere,
    "embed": _elsewhere,
    "button": lambda card: card.link("buttonUrl", "buttonText"),
    "callout": lambda card: (
        f"<blockquote>{card.text('calloutEmoji')} {card.raw('calloutText')}</blockquote>"
    ),
    "toggle": lambda card: (
        f"<details><summary>{card.raw('heading')}</summary>{card.raw('content')}</details>"
    ),
    "header": lambda card: f"<h2>{card.raw('header')}</h2><p>{card.raw('subheader')}</p>",
    "product": lambda card: f"<h4>{card.raw('productTitle')}</h4>{card.raw('productDescription')}",
    **dict.fromkeys(
        ("audio", "video", "file"),
        lambda card: card.link("src", "title", "fileTitle", "fileName"),
    ),
    **dict.fromkeys(("paywall", "at-link-search", "zwnj"), lambda _: ""),
}


def card(kind: str, fields: Mapping[str, Any], warn: Warn) -> str:
    """The HTML of one of Ghost's cards; of those that are none of the text, nothing."""
    if kind in {"markdown", "card-markdown"}:
        return _rendered(files.text(fields.get("markdown")), warn)
    if kind in _CARDS:
        return _CARDS[kind](_Payload(fields))
    warn(f"the card {kind[:60] or '(without a name)'} is left out")
    return ""


def _img(picture: Mapping[str, Any]) -> str:
    src, alt = (escape(files.text(picture.get(name))) for name in ("src", "alt"))
    return f'<img src="{src}" alt="{alt}">'


def _figure(img: str, caption: str) -> str:
    return (
        f"<figure>{img}<figcaption>{caption}</figcaption></figure>" if caption else f"<p>{img}</p>"
    )


def _rendered(text: str, warn: Warn) -> str:
    try:
        return markdown.to_html(text)
    except InvalidError as error:
        warn(f"a Markdown card is left out: {error}")
        return ""


def mobiledoc(text: str, warn: Warn) -> str:
    """The HTML of a Mobiledoc document."""
    try:
        document = json.loads(text)
        sections = document["sections"]
        return "".join(_section(s, document, warn) for s in sections if isinstance(s, list))
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        warn("its text can't be read: it is no Mobiledoc document")
        return ""


def _section(section: list[Any], document: Mapping[str, Any], warn: Warn) -> str:
    kind = section[0]
    if kind == _MARKUP:
        tag = _known(section[1], "p", _SECTIONS)
        return f"<{tag}>{_markers(section[2], document)}</{tag}>"
    if kind == _PICTURE:
        return _img({"src": section[1]})
    if kind == _LIST:
        tag = _known(section[1], "ul", {"ol": "ol"})
        return f"<{tag}>{''.join(f'<li>{_markers(i, document)}</li>' for i in section[2])}</{tag}>"
    if kind == _CARD:
        name, payload = document["cards"][section[1]][:2]
        return card(str(name), payload if isinstance(payload, dict) else {}, warn)
    return ""


def _known(tag: object, other: str, tags: Mapping[str, str]) -> str:
    return tags.get(tag, other) if isinstance(tag, str) else other


def _markers(markers: list[Any], document: Mapping[str, Any]) -> str:
    """Text with markups that open here or earlier, and close here or later."""
    found, opened = [], []
    for kind, opening, closing, value in (marker[:4] for marker in markers):
        for index in opening:
            tag, attributes = _markup(document["markups"][index])
            found.append(f"<{tag}{attributes}>")
            opened.append(tag)
        if kind == 0:
            found.append(escape(str(value)))
        else:
            name, text = document["atoms"][value][:2]
            found.append("<br>" if name == "soft-return" else escape(str(text)))
        found += [f"</{opened.pop()}>" for _ in range(min(closing, len(opened)))]
    return "".join([*found, *(f"</{tag}>" for tag in reversed(opened))])


def _markup(markup: list[Any]) -> tuple[str, str]:
    """The tag of a markup, and its attributes: of a link, where it leads."""
    tag = _known(markup[0], "span", _MARKUPS)
    pairs = markup[1] if len(markup) > 1 else []
    given = dict(zip(pairs[::2], pairs[1::2], strict=False))
    return tag, f' href="{escape(str(given.get("href", "")))}"' if tag == "a" else ""
