"""What must hold of any input; each function takes one and fails where something does not.

They look at results with readers of their own: html.parser, expat and the json module.
"""

from __future__ import annotations

import json
import re
import unicodedata
from contextlib import suppress
from dataclasses import replace
from datetime import UTC
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

from broadsheet import addresses
from broadsheet.article import Article
from broadsheet.errors import InvalidError
from broadsheet.index import UNREADABLE, Entry, Month, MonthCount, Scope
from broadsheet.markdown import to_html
from broadsheet.notifications import messages_of
from broadsheet.record import recorded
from broadsheet.render import Renderer
from broadsheet.site_config import SiteConfig
from broadsheet.store import Stored
from broadsheet.validation import MOST_PROBLEMS
from tests.newsroom import URL
from tests.recorded import BUCKET
from tests.test_markdown import Inspector, is_harmless

if TYPE_CHECKING:
    from collections.abc import Callable

    from broadsheet.page import Page

PATH = "2026/05/fuzzed"
LONGEST_PROBLEM = 1000
ETAG = '"0"'
INTERNAL = re.compile(r'Traceback|Error\(|object at 0x|broadsheet\.|<class|File "|\bNone\b')
MONTH = re.compile(r"[0-9]{4}/(0[1-9]|1[0-2])")
POINTER = re.compile(r"(?:/(?:[^/~]|~[01])*)*")
VOID = {"br", "col", "hr", "img", "wbr", "meta", "link"}
# What a page may hold beside an article's body: no more than its templates do.
HEAD = {"html", "head", "meta", "title", "link", "style", "body"}
# What the run found, for a fuzzer that keeps the inputs that find something new.
features: set[object] = set()


def check_article(data: bytes) -> None:
    """An upload is an article, all of whose pages are sound, or is refused with help."""
    try:
        article = Article.parse(PATH, data)
        page = Renderer(URL, SiteConfig()).article(article)
    except InvalidError as error:
        check_problems(error)
        return
    check_page(page)
    check_listings(article, SiteConfig())


def check_site(data: bytes) -> None:
    """A site.json is a configuration that any page can be made with, or is refused with help."""
    try:
        config = SiteConfig.parse(data)
    except InvalidError as error:
        check_problems(error)
        return
    article = Article.parse(PATH, _PLAIN)
    for page in [*Renderer(URL, config).fixed(), Renderer(URL, config).article(article)]:
        check_page(page)
    check_listings(article, config)


_PLAIN = json.dumps(
    {"title": "T", "summary": "S", "body": "B", "published_at": "2026-05-04T09:30:00Z"}
).encode()


def check_problems(error: InvalidError) -> None:
    """Each problem has a JSON pointer and says, in one line, what was expected instead."""
    assert 0 < len(error.problems) <= 2 * MOST_PROBLEMS
    for problem in error.problems:
        assert POINTER.fullmatch(problem.path), problem
        assert "expected" in problem.message
        assert len(problem.path) + len(problem.message) <= LONGEST_PROBLEM
        assert problem.message.isprintable(), problem
        assert not INTERNAL.search(re.sub(r'"(?:[^"\\]|\\.)*"', "", problem.message)), problem
        (problem.path + problem.message).encode()  # a receipt is UTF-8
        features.add(
            (re.sub(r"\d+", "0", problem.path), re.sub(r'".*?"', "", problem.message)[:40])
        )


# Markdown


def check_markdown(text: str) -> None:
    """A body becomes HTML that does nothing but show text, or is refused with help."""
    try:
        html = to_html(text)
    except InvalidError as error:
        check_problems(error)
        paths = {problem.path for problem in error.problems}
    else:
        paths = {"/body"}
        check_safe(html, text)
    assert paths == {"/body"}


def check_safe(html: str, text: str) -> None:
    """HTML that does nothing, is balanced, and is what the same text gives again."""
    assert Inspector(html).dangers == []
    body = _Tags(html)
    assert body.faults == []
    assert "h1" not in body.names
    assert to_html.__wrapped__(text) == html
    features.update(zip(body.names, body.names[1:], strict=False))


class _Tags(HTMLParser):
    """The elements of a document, and what is not closed where it should be."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.names: list[str] = []
        self.faults: list[str] = []
        self.urls: list[str] = []
        self._open: list[str] = []
        self.feed(html)
        self.close()
        self.faults += self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.append(tag)
        names = [name for name, _ in attrs]
        self.faults += [f"{tag} {name} twice" for name in names if names.count(name) > 1]
        self.urls += [value or "" for name, value in attrs if name in {"href", "src"}]
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self._open or self._open.pop() != tag:
            self.faults.append(f"/{tag}")


# Pages


def check_page(page: Page) -> None:
    """A public object is what its Content-Type says, and has headers that AWS takes."""
    text = page.body.decode()
    for character in set(text) - set("\n\t"):
        assert unicodedata.category(character) not in {"Cc", "Cs"}, repr(character)
        assert character not in "\ufffe\uffff"
    _READERS[page.content_type.partition(";")[0]](text)
    tags = page.cache_tag.split(",")
    assert len(tags) <= 50
    assert all(re.fullmatch(r"[!-+\--~]{1,256}", tag) for tag in tags)
    assert len(page.key.encode()) <= addresses.KEY_BYTES


def check_html(text: str) -> None:
    """Balanced; one title, one h1, one main, one style sheet; no script; no unsafe address."""
    found = _Tags(text)
    assert found.faults == []
    for name in (*(HEAD - {"meta", "link"}), "h1", "main"):
        assert found.names.count(name) == 1, name
    for data in re.findall(r'<script type="application/ld\+json">(.*?)</script', text, re.DOTALL):
        assert json.loads(data)["@context"] == "https://schema.org"
    body = text.partition("<body>")[2]
    dangers = [d for d in Inspector(body).dangers if not re.fullmatch(r"\w+ (class|id)", d)]
    assert dangers == []
    assert all(is_harmless(url) for url in found.urls)


def parsed(text: str) -> ET.Element:
    """XML as expat reads it; raises ParseError where it is not well-formed."""
    return ET.fromstring(text)  # noqa: S314 (of our own making, and without a DTD)


def check_feed(text: str) -> None:
    """Well-formed, with items that have titles and links, and no markup from articles."""
    root = parsed(text)
    assert root.tag in {"rss", "{http://www.w3.org/2005/Atom}feed"}
    for item in root.iter():
        assert "xhtml" not in item.tag
    links = [item.get("href") or item.text for item in root.iter() if item.tag.endswith("link")]
    assert all(link and link.startswith(("http://", "https://")) for link in links)


def check_json_feed(text: str) -> None:
    """JSON that any reader takes, whose items have what the format asks for."""

    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    feed = json.loads(text, parse_constant=refuse)
    assert all(item["id"] and item["title"] and item["date_published"] for item in feed["items"])


_READERS: dict[str, Callable[[str], object]] = {
    "text/html": check_html,
    "application/xml": parsed,
    "application/rss+xml": check_feed,
    "application/atom+xml": check_feed,
    "application/feed+json": check_json_feed,
    "text/plain": str,
    "text/css": str,
    "application/json": json.loads,
    "image/svg+xml": parsed,
}


def check_listings(article: Article, config: SiteConfig) -> None:
    """The listings that show an article are sound, and its indexes survive being stored."""
    entry = Entry.of(article, config.timezone)
    assert MONTH.fullmatch(entry.month), entry.month
    month = Month(3, (entry,), {"index.html": '"0"'})
    scope = Scope((), (entry,), {"rss.xml": '"1"'}, "x").counted({entry.month: MonthCount(3, 1)})
    assert Month.from_bytes(month.to_bytes()) == month
    assert Scope.from_bytes(scope.to_bytes()) == scope
    assert Scope.from_bytes(scope.to_bytes()).to_bytes() == scope.to_bytes()
    assert entry.published_at.astimezone(UTC) == article.published_at
    renderer = Renderer(URL, config)
    topics = [topic.slug for topic in article.topics]
    pages = renderer.month(entry.month, month, topics)
    for topic in ("", *topics):
        pages |= renderer.scope(topic, scope)
    for key, page in pages.items():
        if page is None:
            assert (key, config.search) == (addresses.SEARCH, False)
            continue
        assert page.key == key
        assert not key.startswith("_")
        check_page(_without_search(page) if key == addresses.SEARCH else page)


def _without_search(page: Page) -> Page:
    """The search page without what no other has: its form, its script, and the like."""
    text = page.body.decode()
    for name in ("noscript", "form", "button", "script"):
        own = rf"<{name}(?: [^>]*)?>.*?</{name}>"
        text, number = re.subn(own, "", text, flags=re.DOTALL)
        assert number == 1, own
    return replace(page, body=text.encode())


# Events and keys


def check_event(event: Any) -> None:
    """What is sent to the queue names keys that concern the site, or is not understood."""
    record = {"messageId": "m", "body": json.dumps(event)}
    (message,) = messages_of({"Records": [record]}, BUCKET, "r")
    assert message.id == "m"
    for key in message.keys:
        assert key == "site.json" or key.startswith("articles/")
        assert len(key.encode()) <= addresses.KEY_BYTES
    assert not (message.fault and (message.keys or message.after))
    features.add((bool(message.keys), message.after is None, message.fault[:40]))
    if isinstance(event, dict) and not any(
        isinstance(r, dict) and "messageId" in r for r in _list(event.get("Records"))
    ):
        (bare,) = messages_of(event, BUCKET, "m")
        assert bare == message


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def check_label(label: str) -> None:
    """A topic's slug is safe in a key and a URL, and is its own slug."""
    slug = addresses.slug(label)
    assert re.fullmatch(r"(?:[a-z0-9]+(?:-[a-z0-9]+)*)?", slug)
    assert addresses.slug(slug) == slug
    for same in (label.upper().lower(), f" {label} ", unicodedata.normalize("NFKC", label)):
        if same.casefold() == label.casefold():
            assert addresses.slug(same) == slug


# What lies in the site bucket


def check_state(data: bytes) -> None:
    """An index that somebody else has written is read or unreadable, and nothing else."""
    for kind in (Month, Scope):
        with suppress(*UNREADABLE):
            kind.from_bytes(data).to_bytes()
            features.add(kind)
    recorded(Stored(data, ETAG))


def check_site_key(key: str) -> None:
    """What a key is taken for has that very key."""
    month, topic = addresses.indexed_month(key), addresses.indexed_scope(key)
    assert month is None or addresses.month_index_key(month) == key
    assert month is None or MONTH.fullmatch(month)
    assert topic is None or addresses.scope_index_key(topic) == key
    path, place = addresses.paged_path(key), addresses.listed_place(key)
    if path is not None:
        assert addresses.page_key(path) == key
        assert addresses.article_path(addresses.source_key(path)) == path
    if place is not None:
        assert place[0] == addresses.slug(place[0])
        assert not place[1] or MONTH.fullmatch(place[1])
        assert key in pages_of(*place)
    assert [month, topic, path, place].count(None) >= 3
    features.add((month is None, topic, path is None, place))


def pages_of(topic: str, month: str) -> set[str]:
    """The keys of the listings of a place, as the renderer has them."""
    renderer = Renderer(URL, SiteConfig())
    return {*(renderer.month(month, Month(), [topic]) if month else renderer.scope(topic, Scope()))}
