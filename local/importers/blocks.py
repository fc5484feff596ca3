"""WordPress's own marks in a text: blocks, shortcodes, and paragraphs without tags."""

import re
from collections.abc import Callable
from html import escape

Warn = Callable[[str], None]

# https://developer.wordpress.org/block-editor/explanations/architecture/key-concepts/
_BLOCK = re.compile(r"<!--\s+(/?)wp:([a-z][a-z0-9/-]*)\s[^>]*?(/?)-->")
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
# Of blocks without a text of their own, those of which nothing is missed.
_SILENT = {"more", "nextpage", "spacer", "separator", "page-break"}
# https://developer.wordpress.org/apis/shortcode/
_SHORTCODE = re.compile(r"(?<!\[)\[(/?)([a-z][a-z0-9_-]{1,40})((?:\s[^\[\]<>]*)?)\](?!\])", re.IGNORECASE)
_ATTRIBUTE = re.compile(r"""([\w-]+)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"']+))""")
_CAPTION = re.compile(
    r"\[(?:wp_)?caption([^\]]*)\]\s*((?:<a\b[^>]*>\s*)?<img\b[^>]*>(?:\s*</a>)?)(.*?)\[/(?:wp_)?caption\]",
    re.DOTALL,
)
_EMBED = re.compile(r"\[embed[^\]]*\]\s*(https?://[^\s\[\]<>\"]+)\s*\[/embed\]")
_LONE_URL = re.compile(r"(?m)^[ \t]*(https?://[^\s<>\"\[\]]+)[ \t]*$")
_LEFT_OUT = {"gallery", "playlist", "more", "nextpage"}
_PLAYERS = {"audio", "video"}
_PRE = re.compile(r"(<(pre|script|style)\b.*?</\2\s*>)", re.DOTALL | re.IGNORECASE)
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
    for name in _dynamic(text):
        warn(f"the block {name} is left out")
    text = _COMMENT.sub("", text)
    text = _expand(text, warn)
    return text if is_blocks else _with_paragraphs(text)


def _dynamic(text: str) -> list[str]:
    """Blocks that are made when a page is shown: no text of them is stored."""
    names = (m[2] for m in _BLOCK.finditer(text) if m[3] and m[2] not in _SILENT)
    return list(dict.fromkeys(names))


def _expand(text: str, warn: Warn) -> str:
    """Shortcodes as HTML, as far as it is known what they stand for; the others stay, reported."""
    text = _CAPTION.sub(_figure, text)
    text = _EMBED.sub(lambda m: f'\n\n<p><a href="{escape(m[1])}">{m[1]}</a></p>\n\n', text)
    text = _LONE_URL.sub(lambda m: f'<a href="{escape(m[1])}">{m[1]}</a>', text)
    closed = {m[2].lower() for m in _SHORTCODE.finditer(text) if m[1]}

    def expand(code: re.Match[str]) -> str:
        name = code[2].lower()
        attributes = {m[1]: m[2] or m[3] or m[4] or "" for m in _ATTRIBUTE.finditer(code[3])}
        if name in _LEFT_OUT:
            warn(f"the shortcode [{name}] is left out")
            return ""
        if name in _PLAYERS:
            src = next(
                (v for v in attributes.values() if v.startswith(("https://", "http://"))), ""
            )
            warn(f"the shortcode [{name}] {'becomes a link' if src else 'is left out'}")
            return (
                f'<p><a href="{escape(src)}">{escape(src)}</a></p>' if src and not code[1] else ""
            )
        if attributes or name in closed:
            warn(f"the shortcode [{name}] stays in the text")
        return code[0]

    return _SHORTCODE.sub(expand, text)


def _figure(match: re.Match[str]) -> str:
    attributes = {m[1]: m[2] or m[3] or m[4] or "" for m in _ATTRIBUTE.finditer(match[1])}
    caption = match[3].strip() or escape(attributes.get("caption", ""))
    return f"\n\n<figure>{match[2]}<figcaption>{caption}</figcaption></figure>\n\n"


def _with_paragraphs(text: str) -> str:
    """Tags for the paragraphs that WordPress sees where lines are blank."""
    parts = _PRE.split(text.replace("\r\n", "\n"))
    # The pattern has two groups: text, element, its name, text …
    return "".join(
        part if i % 3 == 1 else _paragraphs(part) for i, part in enumerate(parts) if i % 3 != 2
    )


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
