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
_NOTHING = ("paywall", "at-link-search", "zwnj")
_LEVELS = 100
# Kinds of Mobiledoc's sections.
_MARKUP, _IMAGE, _LIST, _CARD = 1, 2, 3, 10


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
        tag = files.text(node.get("tag")) or "h2"
        tag = tag if tag in {"h1", "h2", "h3", "h4", "h5", "h6"} else "h2"
    else:
        tag = _BLOCKS.get(kind, "")
    if tag:
        return f"<{tag}>{inside}</{tag}>"
    return inside or card(kind, node, warn)


def _formatted(node: Mapping[str, Any]) -> str:
    found = escape(files.text(node.get("text")), quote=False)
    bits = files.number(node.get("format"))
    for bit, tag in _FORMATS:
        found = f"<{tag}>{found}</{tag}>" if bits & bit and found else found
    return found


def card(kind: str, node: Mapping[str, Any], warn: Warn) -> str:
    """The HTML of one of Ghost's cards; of those that are none of the text, nothing."""

    def get(name: str) -> str:
        return files.text(node.get(name))

    def attribute(name: str) -> str:
        return escape(get(name))

    match kind:
        case "image":
            found = f'<img src="{attribute("src")}" alt="{attribute("alt")}">'
            return _figure(found, get("caption"))
        case "gallery":
            pictures = files.objects(node.get("images"))
            found = "".join(_figure(_img(p), files.text(p.get("caption"))) for p in pictures)
            return found + (f"<p>{get('caption')}</p>" if get("caption") else "")
        case "html":
            return get("html")
        case "markdown" | "card-markdown":
            return _rendered(get("markdown"), warn)
        case "horizontalrule" | "hr":
            return "<hr>"
        case "codeblock" | "code":
            language = f' class="language-{attribute("language")}"' if get("language") else ""
            return f"<pre><code{language}>{escape(get('code'), quote=False)}</code></pre>"
        case "bookmark" | "embed":
            metadata = node.get("metadata")
            title = files.text(metadata.get("title")) if isinstance(metadata, dict) else ""
            url = attribute("url")
            return f'<p><a href="{url}">{escape(title) or url}</a></p>' if url else get("html")
        case "button":
            return f'<p><a href="{attribute("buttonUrl")}">{attribute("buttonText")}</a></p>'
        case "callout":
            return f"<blockquote>{get('calloutEmoji')} {get('calloutText')}</blockquote>"
        case "toggle":
            return f"<details><summary>{get('heading')}</summary>{get('content')}</details>"
        case "audio" | "video" | "file":
            name = get("title") or get("fileTitle") or get("fileName") or get("src")
            return f'<p><a href="{attribute("src")}">{escape(name)}</a></p>'
        case "header":
            return f"<h2>{get('header')}</h2><p>{get('subheader')}</p>"
        case "product":
            return f"<h4>{get('productTitle')}</h4>{get('productDescription')}"
        case _ if kind in _NOTHING:
            return ""
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
        tag = (
            section[1]
            if section[1] in {"p", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "aside"}
            else "p"
        )
        tag = "blockquote" if tag == "aside" else tag
        return f"<{tag}>{_markers(section[2], document)}</{tag}>"
    if kind == _IMAGE:
        return f'<p><img src="{escape(str(section[1]))}" alt=""></p>'
    if kind == _LIST:
        tag = "ol" if section[1] == "ol" else "ul"
        return f"<{tag}>{''.join(f'<li>{_markers(i, document)}</li>' for i in section[2])}</{tag}>"
    if kind == _CARD:
        name, payload = document["cards"][section[1]][:2]
        return card(str(name), payload if isinstance(payload, dict) else {}, warn)
    return ""


def _markers(markers: list[Any], document: Mapping[str, Any]) -> str:
    """Text with markups that open here or earlier, and close here or later."""
    found, open_tags = [], []
    for kind, opening, closing, value in (marker[:4] for marker in markers):
        for index in opening:
            markup = document["markups"][index]
            tag = (
                markup[0]
                if markup[0] in {"a", "strong", "em", "b", "i", "code", "s", "sub", "sup", "u"}
                else "span"
            )
            pairs = markup[1] if len(markup) > 1 else []
            attributes = dict(zip(pairs[::2], pairs[1::2], strict=False))
            href = f' href="{escape(str(attributes.get("href", "")))}"' if tag == "a" else ""
            found.append(f"<{tag}{href}>")
            open_tags.append(tag)
        if kind == 0:
            found.append(escape(str(value), quote=False))
        elif document["atoms"][value][0] == "soft-return":
            found.append("<br>")
        else:
            found.append(escape(str(document["atoms"][value][1]), quote=False))
        found += [f"</{open_tags.pop()}>" for _ in range(min(closing, len(open_tags)))]
    return "".join([*found, *(f"</{tag}>" for tag in reversed(open_tags))])
