"""Marks of generators in Markdown: Hugo's shortcodes and Jekyll's Liquid.

https://gohugo.io/content-management/shortcodes/, https://jekyllrb.com/docs/liquid/
"""

import re
from collections.abc import Callable, Mapping
from html import escape

from broadsheet import wire

Warn = Callable[[str], None]
# The address of another text of the site, by the name that a link gives; "" if there is none.
Find = Callable[[str], str]

# None of these looks for its end beyond the beginning of the next: time must not grow faster than
# the text.
_SHORTCODE = re.compile(r"\{\{[<%]\s*(/?)\s*([\w./-]+)\s*([^{}]*?)\s*/?\s*[%>]\}\}")
_ARGUMENT = re.compile(
    r"""([\w-]+)\s*=\s*(?:"([^"]*)"|`([^`]*)`|(\S+))|"([^"]*)"|`([^`]*)`|(\S+)"""
)
_LIQUID = re.compile(r"\{%-?\s*(\w+)[^{}]*%\}|\{\{([^{}]*)\}\}")
_LINK = re.compile(r"\{%-?\s*(?:post_url|link)\s+([^\s%]+)\s*-?%\}")
_RAW = re.compile(r"\{%-?\s*(?:end)?raw\s*-?%\}")
_SITE = re.compile(r"\{\{\s*site\.(?:baseurl|url)\s*\}\}")
_URL = re.compile(r"""\{\{\s*['"]([^'"]*)['"]\s*\|\s*(?:relative_url|absolute_url|url)\s*\}\}""")
_HIGHLIGHT = (
    re.compile(r"\{%-?\s*highlight\s+([\w+-]+)[^{}%]*%\}\n?"),
    re.compile(r"\n?\{%-?\s*endhighlight\s*-?%\}"),
)
_MORE = re.compile(r"^\s*<!--\s*more\s*-->\s*$", re.MULTILINE)
_FENCE = re.compile(r"[ ]{0,3}(`{3,}|~{3,})")
_SPAN = re.compile(r"(`[^`\n]+`)")
_VIDEOS = {"youtube": "https://www.youtube.com/watch?v=", "vimeo": "https://vimeo.com/"}


def outside_code(text: str, change: Callable[[str], str]) -> str:
    """Markdown, changed wherever it is not code."""
    found: list[str] = []
    plain: list[str] = []
    fence = ""
    for line in text.splitlines(keepends=True):
        mark = _FENCE.match(line)
        if not fence and not mark:
            plain.append(line)
            continue
        if plain:
            found.append(_outside_spans("".join(plain), change))
            plain.clear()
        found.append(line)
        if not fence and mark:
            fence = mark[1]
        elif line.strip(" \n").startswith(fence) and not line.strip(f" \n{fence[0]}"):
            fence = ""
    return "".join([*found, _outside_spans("".join(plain), change)])


def _outside_spans(text: str, change: Callable[[str], str]) -> str:
    parts = _SPAN.split(text)
    parts[::2] = [change(part) for part in parts[::2]]
    return "".join(parts)


def expand(text: str, find: Find, warn: Warn) -> str:
    """Markdown in which as few marks as can be are left; ``warn`` hears of the others."""
    text = wire.replaced(_MORE.sub("", text), _HIGHLIGHT, _fenced)
    return outside_code(text, lambda part: _expanded(part, find, warn)).strip() + "\n"


def _fenced(highlighted: str) -> str:
    begins, ends = _HIGHLIGHT[0].match(highlighted), _HIGHLIGHT[1].search(highlighted)
    if begins is None or ends is None:
        return highlighted
    return f"```{begins[1]}\n{highlighted[begins.end() : ends.start()]}\n```"


def _expanded(text: str, find: Find, warn: Warn) -> str:
    text = _SHORTCODE.sub(lambda code: _shortcode(code, find, warn), text)
    text = _LINK.sub(lambda link: _linked(link[1], find, warn), text)
    text = _URL.sub(r"\1", _SITE.sub("", _RAW.sub("", text)))
    for found in _LIQUID.finditer(text):
        said = found[1] or "{{" + found[2].strip()[:40] + "}}"
        warn(f"the template tag {said} stays in the text")
    return text


def _shortcode(code: re.Match[str], find: Find, warn: Warn) -> str:
    """What a shortcode stands for, if it is one that Hugo brings along."""
    closes, name = bool(code[1]), code[2].lower()
    named, plain = _arguments(code[3])
    first = plain[0] if plain else ""
    if name in {"ref", "relref"}:
        return _linked(named.get("path", first), find, warn)
    if name == "highlight":
        return "\n```\n" if closes else f"\n```{first}\n"
    if found := "" if closes else _embedded(name, named, plain):
        return found
    warn(f"the shortcode {name[:60]} is left out")
    return ""


def _embedded(name: str, named: Mapping[str, str], plain: list[str]) -> str:
    """What shows something, as a picture or a link; "" of any other shortcode."""
    first = plain[0] if plain else ""
    if name == "figure":
        return _figure(named, first)
    if name in _VIDEOS:
        return f"<{_VIDEOS[name]}{named.get('id', first)}>"
    if name == "gist" and plain[1:]:
        return f"<https://gist.github.com/{plain[0]}/{plain[1]}>"
    if name in {"x", "tweet", "twitter"} and {"user", "id"} <= named.keys():
        return f"<https://x.com/{named['user']}/status/{named['id']}>"
    return ""


def _figure(named: Mapping[str, str], first: str) -> str:
    src = escape(named.get("src", first))
    alt = escape(named.get("alt", named.get("title", "")))
    caption = escape(named.get("caption", named.get("title", "")))
    if not caption:
        return f"![{alt}]({src})"
    picture = f'<img src="{src}" alt="{alt}">'
    return f"\n\n<figure>{picture}<figcaption>{caption}</figcaption></figure>\n\n"


def _linked(target: str, find: Find, warn: Warn) -> str:
    name, _, fragment = target.partition("#")
    end = f"#{fragment}" if fragment else ""
    if not name:
        return end or "#"
    if url := find(name.strip("/").removeprefix("content/")):
        return url + end
    warn(f"the link to {target[:100]} leads nowhere")
    return end or "#"


def _arguments(text: str) -> tuple[dict[str, str], list[str]]:
    """Arguments with a name, and those without, in their order."""
    named, plain = {}, []
    for match in _ARGUMENT.finditer(text):
        if match[1]:
            named[match[1].lower()] = match[2] or match[3] or match[4] or ""
        else:
            plain.append(match[5] or match[6] or match[7] or "")
    return named, plain
