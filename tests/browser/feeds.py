"""What is wrong with the feeds and sitemaps of a site, whatever articles it has.

Each is held against its specification: https://www.rssboard.org/rss-profile, RFC 4287,
https://www.jsonfeed.org/version/1.1/, https://www.sitemaps.org/protocol.html and
https://developers.google.com/search/docs/crawling-indexing/sitemaps/news-sitemap.
"""

from __future__ import annotations

import json
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from xml.etree import ElementTree as ET

import feedparser  # type: ignore[import-untyped]  # it has no types

from broadsheet.index import NEWS_ENTRIES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

ATOM = "{http://www.w3.org/2005/Atom}"
DC = "{http://purl.org/dc/elements/1.1/}"
MEDIA = "{http://search.yahoo.com/mrss/}"
SITEMAP = "{http://www.sitemaps.org/schemas/sitemap/0.9}"
NEWS = "{http://www.google.com/schemas/sitemap-news/0.9}"
# https://www.sitemaps.org/protocol.html#sitemapXMLFormat
MOST_URLS = 50_000


def faults(files: Mapping[str, bytes]) -> dict[str, list[str]]:
    """What is wrong with each feed and sitemap among the files, by key."""
    checks: dict[str, Callable[[bytes], Iterator[str]]] = {
        "rss.xml": _rss,
        "atom.xml": _atom,
        "feed.json": _json_feed,
    }
    found: dict[str, list[str]] = {}
    for key, data in files.items():
        name = key.rpartition("/")[2]
        is_sitemap = "/" not in key and "sitemap" in name
        check = _sitemap if is_sitemap else checks.get(name)
        if check:
            found[key] = list(_checked(check, data))
    return found


def _checked(check: Callable[[bytes], Iterator[str]], data: bytes) -> Iterator[str]:
    try:
        yield from check(data)
    except (ValueError, KeyError, TypeError, ET.ParseError) as error:
        yield f"can't be read: {error}"


def _rss(data: bytes) -> Iterator[str]:
    rss = ET.fromstring(data)  # noqa: S314 (our own)
    (channel,) = rss
    if rss.get("version") != "2.0":
        yield "is not of version 2.0"
    yield from _once(channel, "title link description language copyright lastBuildDate".split())
    items = channel.findall("item")
    yield from _distinct([item.findtext("guid") for item in items])
    for item in items:
        yield from _once(item, "title link description pubDate guid".split())
        if item.findtext("guid") != item.findtext("link"):
            yield "has a guid that is not the item's address"
        if not parsedate_to_datetime(item.findtext("pubDate") or "").tzinfo:
            yield "has a pubDate without an offset"
        if item.find("author") is not None:
            yield "has an author, which would have to be an e-mail address"
        if any(not creator.text for creator in item.findall(f"{DC}creator")):
            yield "has an empty creator"
        yield from _addresses([c.get("url") for c in item.findall(f"{MEDIA}content")])
    yield from _read(data, len(items))


def _atom(data: bytes) -> Iterator[str]:
    feed = ET.fromstring(data)  # noqa: S314 (our own)
    entries = feed.findall(f"{ATOM}entry")
    yield from _distinct([entry.findtext(f"{ATOM}id") for entry in entries])
    yield from _once(feed, [f"{ATOM}rights"])
    for element in (feed, *entries):
        yield from _once(element, [f"{ATOM}{name}" for name in ("id", "title", "updated")])
        authors = element.findall(f"{ATOM}author")
        if not authors and not feed.findall(f"{ATOM}author"):
            yield "has neither an author nor entries that all have one"
        for author in authors:
            yield from _once(author, [f"{ATOM}name"])
        yield from _moment(element.findtext(f"{ATOM}updated"))
        links = element.findall(f"{ATOM}link")
        if [link.get("rel") for link in links].count("alternate") != 1:
            yield "has not one alternate link"
        yield from _addresses([link.get("href") for link in links])
        if any(not category.get("term") for category in element.findall(f"{ATOM}category")):
            yield "has a category without a term"
    yield from _read(data, len(entries))


def _read(data: bytes, count: int) -> Iterator[str]:
    """What a feed reader makes of it."""
    found = feedparser.parse(data)
    if found.bozo:
        yield f"is not read well: {found.bozo_exception}"
    if len(found.entries) != count:
        yield f"has {count} entries, of which a reader finds {len(found.entries)}"


def _json_feed(data: bytes) -> Iterator[str]:
    feed = json.loads(data)
    if feed["version"] != "https://jsonfeed.org/version/1.1":
        yield "is not of version 1.1"
    yield from _addresses([feed["home_page_url"], feed["feed_url"]])
    if not feed["title"]:
        yield "has no title"
    items: list[dict[str, Any]] = feed["items"]
    yield from _distinct([item["id"] for item in items])
    for item in items:
        if not (item.get("content_text") or item.get("content_html")):
            yield "has an item without content"
        yield from _moment(item["date_published"])
        yield from _moment(item.get("date_modified", item["date_published"]))
        yield from _addresses([item["url"], *filter(None, [item.get("image")])])
        if any(not author.get("name") for author in item.get("authors", [])):
            yield "has an author without a name"
        if not all(isinstance(tag, str) for tag in item.get("tags", [])):
            yield "has a tag that is no text"


def _sitemap(data: bytes) -> Iterator[str]:
    root = ET.fromstring(data)  # noqa: S314 (our own)
    if root.tag not in {f"{SITEMAP}urlset", f"{SITEMAP}sitemapindex"}:
        yield f"is a {root.tag}"
    if len(root) > MOST_URLS:
        yield f"has {len(root)} addresses"
    addresses = [element.findtext(f"{SITEMAP}loc") for element in root]
    yield from _addresses(addresses)
    yield from _distinct(addresses)
    for element in root:
        if changed := element.findtext(f"{SITEMAP}lastmod"):
            yield from _moment(changed)
    yield from _news([news for element in root if (news := element.find(f"{NEWS}news"))])


def _news(entries: list[ET.Element]) -> Iterator[str]:
    if len(entries) > NEWS_ENTRIES:
        yield f"has {len(entries)} articles"
    for news in entries:
        names = ("publication", "publication_date", "title")
        yield from _once(news, [f"{NEWS}{name}" for name in names[1:]])
        yield from _once(news, [f"{NEWS}publication/{NEWS}{name}" for name in ("name", "language")])
        yield from _moment(news.findtext(f"{NEWS}publication_date"))


def _once(element: ET.Element, names: Iterable[str]) -> Iterator[str]:
    for name in names:
        found = element.findall(name)
        if len(found) != 1 or not (found[0].text or "").strip():
            yield f"has not one {name.rpartition('}')[2]} with a text"


def _distinct(ids: list[str | None]) -> Iterator[str]:
    if len(set(ids)) != len(ids) or not all(ids):
        yield "has ids that are missing or not distinct"


def _moment(text: str | None) -> Iterator[str]:
    if not text or not datetime.fromisoformat(text).tzinfo:
        yield f"has a moment without an offset: {text}"


def _addresses(urls: Iterable[str | None]) -> Iterator[str]:
    for url in urls:
        parts = urlsplit(url or "")
        if parts.scheme not in {"http", "https"} or not parts.netloc:
            yield f"has an address that is none: {url}"
