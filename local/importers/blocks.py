"""WordPress's own marks in a text: blocks, shortcodes, and paragraphs without tags."""

import re
from collections.abc import Callable
from html import escape

from broadsheet import wire

Warn = Callable[[str], None]

# https://developer.wordpress.org/block-editor/explanations/architecture/key-concepts/
# What is "<" or ">" in a block's attributes is escaped.
_BLOCK = re.compile(r"<!--\s+wp:([a-z][a-z0-9/-]*)\s[^<>]*?/-->")
_COMMENT = (re.compile("<!--"), re.compile("-->"))
# Of blocks without a text of their own, those of which nothing is missed.
_SILENT = {"more", "nextpage", "spacer", "separator", "page-break"}
# https://developer.wordpress.org/apis/shortcode/
_SHORTCODE = re.compile(r"(?<!\[)\[(/?)([a-zA-Z][\w-]{1,40})((?:\s[^\[\]<>]*)?)\](?!\])")
_ATTRIBUTE = re.compile(r"""([\w-]+)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"']+))""")
_CAPTION = (
    re.compile(r"\[(?:wp_)?caption([^\[\]]*)\]"),
    re.compile(r"\[/(?:wp_)?caption\]"),
)
_IMAGE = re.compile(r"\s*((?:<a\b[^<>]*>\s*)?<img\b[^<>]*>(?:\s*</a>)?)(.*)", re.DOTALL)
_EMBED = re.compile(r"\[embed[^\[\]]*\]\s*(https?://[^\s\[\]<>\"]+)\s*\[/embed\]")
_LONE_URL = re.compile(r"(?m)^[ \t]*(https?://[^\s<>\"\[\]]+)[ \t]*$")
_LEFT_OUT = {"gallery", "playlist", "more", "nextpage"}
_PLAYERS = {"audio", "video"}
_KEPT = wire.element("(?:pre|script|style)")
_NAMES = (
    "address|article|aside|blockquote|caption|center|dd|details|div|dl|dt|embed|fieldset|figcaption"
    "|figure|footer|form|h[1-6]|header|hr|iframe|li|main|object|ol|p|pre|script|section|style"
    "|summary|table|tbody|td|tfoot|th|thead|tr|ul|video|audio"
)
_BLOCK_TAG = re.compile(rf"</?(?:{_NAMES})\b", re.IGNORECASE)
_BLOCK_BEGIN = re.compile(rf"<(?:{_NAMES})\b[^<>]*>", re.IGNORECASE)
_BLOCK_END = re.compile(rf"</(?:{_NAMES})\s*>|<hr\b[^<>]*>", re.IGNORECASE)


def to_html(text: str, warn: Warn) -> str:
    """The HTML that WordPress would show of a text as it is stored."""
    is_blocks = "<!-- wp:" in text
    for name in dict.fromkeys(m[1] for m in _BLOCK.finditer(text)):
        # These are made when a page is shown: no text of them is stored.
        if name not in _SILENT:
            warn(f"the block {name} is left out")
    text = wire.replaced(text, _COMMENT, lambda _: "")
    text = _expand(text, warn)
    return text if is_blocks else _with_paragraphs(text)


def _expand(text: str, warn: Warn) -> str:
    """Shortcodes as HTML, as far as it is known what they stand for; the others stay, reported."""
    text = wire.replaced(text, _CAPTION, _figure)
    text = _EMBED.sub(lambda m: f'\n\n<p><a href="{escape(m[1])}">{m[1]}</a></p>\n\n', text)
    text = _LONE_URL.sub(lambda m: f'<a href="{escape(m[1])}">{m[1]}</a>', text)
    closed = {m[2].lower() for m in _SHORTCODE.finditer(text) if m[1]}

    def expand(code: re.Match[str]) -> str:
        name, attributes = code[2].lower(), _attributes(code[3])
        if name in _LEFT_OUT:
            warn(f"the shortcode [{name}] is left out")
            return ""
        if name in _PLAYERS:
            urls = (v for v in attributes.values() if v.startswith(("https://", "http://")))
            return _player(name, next(urls, ""), warn)
        if attributes or name in closed:
            warn(f"the shortcode [{name}] stays in the text")
        return code[0]

    return _SHORTCODE.sub(expand, text)


def _attributes(text: str) -> dict[str, str]:
    return {m[1]: m[2] or m[3] or m[4] or "" for m in _ATTRIBUTE.finditer(text)}


def _player(name: str, url: str, warn: Warn) -> str:
    warn(f"the shortcode [{name}] {'becomes a link' if url else 'is left out'}")
    return f'<p><a href="{escape(url)}">{escape(url)}</a></p>' if url else ""


def _figure(shortcode: str) -> str:
    """The figure of [caption …]<img …> words[/caption]."""
    begins = _CAPTION[0].match(shortcode)
    inside = shortcode[begins.end() : shortcode.rindex("[")] if begins else shortcode
    picture = _IMAGE.fullmatch(inside)
    if begins is None or picture is None:
        return inside
    caption = picture[2].strip() or escape(_attributes(begins[1]).get("caption", ""))
    return f"\n\n<figure>{picture[1]}<figcaption>{caption}</figcaption></figure>\n\n"


def _with_paragraphs(text: str) -> str:
    """Tags for the paragraphs that WordPress sees where lines are blank."""
    found, end = [], 0
    text = text.replace("\r\n", "\n")
    for start, stop in wire.spans(text, *_KEPT):
        found += [_paragraphs(text[end:start]), text[start:stop]]
        end = stop
    return "".join([*found, _paragraphs(text[end:])])


def _paragraphs(text: str) -> str:
    found = []
    text = _BLOCK_BEGIN.sub(r"\n\n\g<0>", text)
    text = _BLOCK_END.sub("\\g<0>\n\n", text)
    for chunk in re.split(r"\n\s*\n", text):
        inside = chunk.strip()
        if not inside or _BLOCK_TAG.match(inside):
            found.append(chunk)
        else:
            found.append(f"<p>{inside.replace(chr(10), '<br>' + chr(10))}</p>")
    return "\n".join(found)
