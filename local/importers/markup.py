"""HTML of other systems as Markdown.

The HTML is read as a browser does (html5ever, by nh3) and loses what no article may have; then
markdownify makes Markdown of it. What Markdown has no form for, but the site shows, stays HTML:
figures with captions, tables with joined cells, definition lists, superscripts.

Every result is rendered and its words are compared with those of the HTML. Where they differ, the
HTML itself is the body, which the site takes as well.
"""

import re
from collections import Counter
from collections.abc import Callable
from urllib.parse import quote, urlsplit

import nh3
from bs4 import BeautifulSoup, Tag
from bs4.element import PageElement
from markdownify import MarkdownConverter

from broadsheet import markdown, wire

# What a text may be made of: beyond it no article could be made, but much time be spent.
MOST_CHARACTERS = 4 * 1024 * 1024
MOST_TAGS = 20_000
MOST_LEVELS = 80

Warn = Callable[[str], None]
# The address of a picture as it is to be written, or "" if it is lost.
Resolve = Callable[[str], str]

_EMBEDS = {"iframe", "embed", "object", "video", "audio"}
_LOST = re.compile(
    r"<(script|style|form|svg|canvas|math|input|button|select|textarea)\b", re.IGNORECASE
)
_ALLOWED = nh3.ALLOWED_TAGS | {
    *_EMBEDS,
    *"caption details figcaption figure mark picture source summary u wbr tfoot s".split(),
}
_ATTRIBUTES = {
    "*": {"class", "dir", "lang", "title"},
    "a": {"href"},
    "audio": {"src"},
    "del": {"datetime"},
    "embed": {"src"},
    "iframe": {"src", "data-src"},
    "img": {"alt", "data-src", "height", "src", "width"},
    "ins": {"datetime"},
    "li": {"value"},
    "object": {"data"},
    "ol": {"reversed", "start", "type"},
    "source": {"src"},
    "td": {"align", "colspan", "rowspan"},
    "th": {"align", "colspan", "rowspan", "scope"},
    "time": {"datetime"},
    "video": {"src"},
}
_READER = nh3.Cleaner(
    tags=_ALLOWED,
    clean_content_tags={"script", "style", "svg", "math", "select", "textarea", "title"},
    attributes=_ATTRIBUTES,
    url_schemes={"http", "https", "mailto", "tel"},
    link_rel=None,
)
# Elements that Markdown has no form for and that may stay within a paragraph.
_EMPHASIS = set("b strong i em del s strike".split())
_INLINE = "abbr bdi bdo cite ins mark q rp rt ruby small sub sup time u var".split()
_SPECIAL = re.compile(r"[\\`*\[\]<~|]|(?<![^\W_])_|_(?![^\W_])|&(?=#?\w+;)")
# What would begin a heading, a list or a quotation, or underline the line above.
_LINE_START = re.compile(r"(^|\n)(#{1,6}(?=\s|$)|[-+](?=[-\s]|$)|>|=+\s*(?=\n|$))")
_LIST_NUMBER = re.compile(r"((?:^|\n)[0-9]{1,9})([.)](?=\s|$))")
_URL_SAFE = "!#$%&'()*+,/:;=?@[]~-._"
_WORD = re.compile(r"\w+")
_BLOCK_URL = re.compile(r"https?://\S+")


class TooMuchError(Exception):
    """The HTML is larger, or nested deeper, than any article may be."""


def to_markdown(html: str, warn: Warn, resolve: Resolve = str, link: Resolve = str) -> str:
    """The Markdown of some HTML; ``warn`` hears what is lost.

    ``resolve`` says where pictures are, and ``link`` where links lead.

    Raises TooMuchError, and InvalidError where even the HTML itself can't be rendered.
    """
    check_size(html)
    if (tags := html.count("<")) > MOST_TAGS:
        raise TooMuchError(f"has {tags:,} HTML tags; at most {MOST_TAGS:,}")
    for name, times in Counter(m[1].lower() for m in _LOST.finditer(html)).items():
        warn(f"<{name}> is left out ({times} times)" if times > 1 else f"<{name}> is left out")
    soup = BeautifulSoup(_READER.clean(html), "html.parser")
    if _depth(soup) > MOST_LEVELS:
        raise TooMuchError(f"is nested deeper than {MOST_LEVELS} levels")
    _replace_embeds(soup, warn)
    _place_pictures(soup, resolve)
    for anchor in soup.find_all("a", attrs={"href": re.compile("")}):
        anchor["href"] = link(_text(anchor, "href"))
    _unwrap_figures(soup)
    found = _Converter(heading_style="atx", bullets="-", autolinks=False).convert_soup(soup).strip()
    found = re.sub(r"\n{3,}", "\n\n", found) if "```" not in found else found
    plain = wire.as_block(soup.decode(formatter="minimal"))
    if _words(markdown.to_html(found)) == _words(markdown.to_html(plain)):
        return found
    warn("the text stays HTML, since as Markdown it would read differently")
    return plain


def check_size(html: str) -> None:
    """Raise TooMuchError where a text is too large to be looked at."""
    if len(html) > MOST_CHARACTERS:
        raise TooMuchError(f"has {len(html):,} characters of HTML; at most {MOST_CHARACTERS:,}")


def _words(html: str) -> list[str]:
    """The words of rendered HTML, whatever stands between them."""
    return _WORD.findall(wire.text_of(html))


def _depth(soup: BeautifulSoup) -> int:
    deepest = 0
    stack: list[tuple[Tag, int]] = [(soup, 0)]
    while stack:
        tag, depth = stack.pop()
        deepest = max(deepest, depth)
        stack += [(child, depth + 1) for child in tag.children if isinstance(child, Tag)]
    return deepest


def _text(tag: Tag, name: str) -> str:
    value = tag.get(name)
    return value if isinstance(value, str) else ""


def _replace_embeds(soup: BeautifulSoup, warn: Warn) -> None:
    """Put a link in the place of what plays or shows something from elsewhere."""
    for tag in soup.find_all(_EMBEDS):
        inner = tag.find("source")
        own = _text(tag, "src") or _text(tag, "data-src") or _text(tag, "data")
        src = own or (_text(inner, "src") if isinstance(inner, Tag) else "")
        src = f"https:{src}" if src.startswith("//") else src
        if not src.startswith(("https://", "http://")):
            warn(f"<{tag.name}> without a usable address is left out")
            tag.decompose()
            continue
        warn(f"<{tag.name}> of {urlsplit(src).hostname} becomes a link")
        link = soup.new_tag("a", href=src)
        link.string = _text(tag, "title") or src
        tag.replace_with(link)
    for tag in soup.find_all(["figure", "div"]):
        # WordPress writes what it embeds as nothing but an address.
        url = tag.get_text(strip=True) if not tag.find(["a", "img", "figcaption"]) else ""
        if _BLOCK_URL.fullmatch(url):
            link = soup.new_tag("a", href=url)
            link.string = url
            tag.clear()
            tag.append(link)


def _place_pictures(soup: BeautifulSoup, resolve: Resolve) -> None:
    for img in soup.find_all("img"):
        # Scripts that load pictures late keep the address elsewhere.
        src = resolve(_text(img, "data-src") or _text(img, "src"))
        if src:
            img["src"] = src
            del img["data-src"]
        else:
            img.decompose()


def _unwrap_figures(soup: BeautifulSoup) -> None:
    """Leave only figures that are one picture with a caption."""
    for box in soup.select(".wp-caption"):
        text = box.select_one(".wp-caption-text")
        if text:
            box.name, text.name = "figure", "figcaption"
    for figure in soup.find_all("figure"):
        caption = figure.find("figcaption")
        is_plain = not figure.find(["figure", "li", "table", "pre", "blockquote", "p"])
        if figure.find("img") and isinstance(caption, Tag) and is_plain:
            for inner in figure.find_all(["div", "span"]):
                inner.unwrap()
            continue
        if isinstance(caption, Tag) and caption.find_parent("figure") is figure:
            caption.name = "p"
        figure.name = "div"


def _raw(tag: Tag) -> str:
    """An element as HTML on one line, as a block of its own."""
    for inner in [tag, *tag.find_all()]:
        del inner["class"]
    return f"\n\n{wire.flat(tag.decode(formatter='minimal'))}\n\n"


def _destination(url: str) -> str:
    """An address as Markdown's links take any."""
    url = "".join(c if not c.isascii() else quote(c, safe=_URL_SAFE) for c in url)
    return f"<{url}>" if re.search(r"[()]", url) else url


class _Converter(MarkdownConverter):
    """Markdownify, with HTML for what would be lost."""

    def escape(self, text: str, parent_tags: set[str]) -> str:
        """Text in which Markdown sees nothing but text, escaped no more than it takes."""
        text = _SPECIAL.sub(r"\\\g<0>", text)
        return _LIST_NUMBER.sub(r"\1\\\2", _LINE_START.sub(r"\1\\\2", text))

    def _keep_tags(self, el: Tag, text: str, parent_tags: set[str]) -> str:
        if "_noformat" in parent_tags or not text.strip():
            return text
        attributes = "".join(
            f' {name}="{nh3.clean_text(value)}"'
            for name, value in el.attrs.items()
            if isinstance(value, str) and name != "class"
        )
        return f"<{el.name}{attributes}>{text}</{el.name}>"

    def _emphasis(self, el: Tag, text: str, parent_tags: set[str], mark: str, name: str) -> str:
        """Emphasis by marks; by tags where CommonMark would not take the marks for any."""
        inner = text.strip()
        if "_noformat" in parent_tags or not inner:
            return text
        before = text[: len(text) - len(text.lstrip())]
        after = text[len(text.rstrip()) :]
        opens = before or inner[0].isalnum() or _parts(el.previous_sibling, -1)
        closes = after or inner[-1].isalnum() or _parts(el.next_sibling, 0)
        is_plain = opens and closes and not parent_tags & _EMPHASIS
        opening, closing = (mark, mark) if is_plain else (f"<{name}>", f"</{name}>")
        return f"{before}{opening}{inner}{closing}{after}"

    def convert_strong(self, el: Tag, text: str, parent_tags: set[str]) -> str:
        return self._emphasis(el, text, parent_tags, "**", "strong")

    convert_b = convert_strong

    def convert_em(self, el: Tag, text: str, parent_tags: set[str]) -> str:
        return self._emphasis(el, text, parent_tags, "*", "em")

    convert_i = convert_em

    def convert_del(self, el: Tag, text: str, parent_tags: set[str]) -> str:
        return self._emphasis(el, text, parent_tags, "~~", "del")

    convert_s = convert_del
    convert_strike = convert_del

    def convert_a(self, el: Tag, text: str, parent_tags: set[str]) -> str:
        href = _text(el, "href")
        if "_noformat" in parent_tags or not href or not text.strip():
            return text
        before = text[: len(text) - len(text.lstrip())]
        after = text[len(text.rstrip()) :]
        inner = text.strip()
        if "\n\n" in inner:
            return text
        return f"{before}[{inner}]({_destination(href)}){after}"

    def convert_img(self, el: Tag, text: str, parent_tags: set[str]) -> str:
        alt = self.escape(" ".join(_text(el, "alt").split()), parent_tags)
        return f"![{alt}]({_destination(_text(el, 'src'))})"

    def convert_pre(self, el: Tag, text: str, parent_tags: set[str]) -> str:
        if not text:
            return ""
        ticks = max([2, *(len(run) for run in re.findall("`+", text))]) + 1
        inner = el.find("code")
        classes = [
            *(el.get_attribute_list("class")),
            *(inner.get_attribute_list("class") if isinstance(inner, Tag) else []),
        ]
        names = [c.removeprefix("language-") for c in classes if c and c.startswith("language-")]
        language = re.sub(r"[^\w+#.-]", "", names[0]) if names else ""
        fence = "`" * ticks
        body = text.strip("\n")
        return f"\n\n{fence}{language}\n{body}\n{fence}\n\n"

    def convert_table(self, el: Tag, text: str, parent_tags: set[str]) -> str:
        if _is_simple(el) and not parent_tags & {"td", "th", "li"}:
            return f"\n\n{text.strip()}\n\n"
        return _raw(el)

    def convert_figure(self, el: Tag, text: str, parent_tags: set[str]) -> str:
        return _raw(el)

    def convert_dl(self, el: Tag, text: str, parent_tags: set[str]) -> str:
        return _raw(el)

    def convert_details(self, el: Tag, text: str, parent_tags: set[str]) -> str:
        return _raw(el)


for _name in _INLINE:
    setattr(_Converter, f"convert_{_name}", _Converter._keep_tags)  # noqa: SLF001 (it is ours)


def _parts(sibling: PageElement | None, at: int) -> bool:
    """Whether what stands beside an emphasis is no part of a word, so that marks are seen.

    https://spec.commonmark.org/0.31.2/#emphasis-and-strong-emphasis
    """
    if isinstance(sibling, Tag):
        return sibling.name == "br"
    return sibling is None or not str(sibling) or not str(sibling)[at].isalnum()


def _is_simple(table: Tag) -> bool:
    """Whether a table is one that Markdown can write: a head, rows as long, text in the cells."""
    rows = [row.find_all(["td", "th"]) for row in table.find_all("tr")]
    if len({len(row) for row in rows}) != 1 or not rows[1:]:
        return False
    if any(cell.name != "th" for cell in rows[0]) or any(
        c.name == "th" for r in rows[1:] for c in r
    ):
        return False
    if table.find(
        ["caption", "tfoot", "br", "p", "div", "ul", "ol", "pre", "table", "blockquote", "img"]
    ):
        return False
    return not any(cell.has_attr(n) for row in rows for cell in row for n in ("colspan", "rowspan"))
