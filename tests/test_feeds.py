"""Feeds and sitemaps: what they hold, and that they keep to their specifications."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import feedparser  # type: ignore[import-untyped]  # it has no types
import pytest

from broadsheet import addresses, disclosure
from broadsheet.article import Review
from broadsheet.index import NEWEST, Entry, Month, Scope
from broadsheet.render import Renderer
from broadsheet.site_config import SiteConfig, TdmReservation
from tests.browser.feeds import ATOM, NEWS, SITEMAP, faults
from tests.pages import (
    ARTICLE,
    CONFIG,
    HOSTILE,
    HOSTILE_CONFIG,
    NASTY,
    NASTY_URL,
    URL,
    all_pages,
    entries,
    months,
    scope_page,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from broadsheet.article import Disclosure

NOTICE = "This text was rewritten with AI. "
CORRECTION = " Correction, 6 May 2026: It was not blue."
XML_KEYS = [key for key in all_pages() if key.endswith(".xml")]


@pytest.mark.parametrize("key", XML_KEYS)
@pytest.mark.parametrize("hostile", [False, True])
@pytest.mark.parametrize("count", [0, 1, 3])
def test_every_feed_and_sitemap_is_well_formed(key: str, count: int, *, hostile: bool) -> None:
    if hostile:
        pages, key = all_pages(HOSTILE_CONFIG, HOSTILE, count=count), key.replace("ferries", "x")
    else:
        pages = all_pages(count=count)
    if key in pages:
        ET.fromstring(pages[key].body)  # noqa: S314 (our own)
    else:
        assert count == 0


def feeds(scope: Scope, config: SiteConfig = CONFIG) -> Mapping[str, Any]:
    return {
        key: feedparser.parse(scope_page(key, scope, config=config).body)
        for key in ("rss.xml", "atom.xml")
    }


class TestFeeds:
    SCOPE = Scope(months(1), entries(3))

    def test_both_xml_feeds_have_the_entries_with_their_fields(self) -> None:
        for found in feeds(self.SCOPE).values():
            assert not found.bozo
            assert found.feed.title == "The Lantern"
            assert found.feed.link == f"{URL}/"
            assert found.feed.language == "en-GB"
            assert [entry.title for entry in found.entries] == ["Number 0", "Number 1", "Number 2"]
            entry = found.entries[1]
            assert entry.link == entry.id == f"{URL}/articles/news/1/"
            assert entry.summary == f"{NOTICE}The ferry is back.{CORRECTION}"
            assert entry.published_parsed[:5] == (2026, 5, 3, 7, 30)
            assert [author.name for author in entry.authors] == ["Ines", "Jo", "Kim"]
            labels = [tag.label or tag.term for tag in entry.tags if not tag.scheme]
            assert labels == ["Ferries", "Harbour & Pier"]

    def test_rss_is_version_2_and_knows_its_address(self) -> None:
        channel = ET.fromstring(scope_page("rss.xml", self.SCOPE).body)[0]  # noqa: S314 (ours)
        link = channel.find(f"{ATOM}link")
        assert link is not None
        assert link.attrib["href"] == f"{URL}/rss.xml"
        guid = channel.find("item/guid")
        assert guid is not None
        assert (guid.text, guid.attrib) == (f"{URL}/articles/news/0/", {"isPermaLink": "true"})
        assert channel.findtext("item/pubDate") == "Mon, 04 May 2026 07:30:00 +0000"
        assert channel.findtext("description") == "News of the harbour"

    def test_atom_has_what_its_standard_asks_for(self) -> None:
        feed = ET.fromstring(scope_page("atom.xml", self.SCOPE).body)  # noqa: S314 (ours)
        assert feed.tag == f"{ATOM}feed"
        assert feed.findtext(f"{ATOM}id") == f"{URL}/"
        assert feed.findtext(f"{ATOM}updated") == "2026-05-06T00:00:00+00:00"
        assert feed.findtext(f"{ATOM}author/{ATOM}name") == "Co-op"
        links = {e.attrib["rel"]: e.attrib["href"] for e in feed.findall(f"{ATOM}link")}
        assert links == {"alternate": f"{URL}/", "self": f"{URL}/atom.xml"}
        for entry in feed.findall(f"{ATOM}entry"):
            for name in ("id", "title", "updated", "published", "summary"):
                assert entry.findtext(f"{ATOM}{name}")
            via = [
                e.attrib["href"] for e in entry.findall(f"{ATOM}link") if e.attrib["rel"] == "via"
            ]
            assert via == ["https://log.example/1"]

    def test_json_feed_has_the_same(self) -> None:
        feed = json.loads(scope_page("feed.json", self.SCOPE).body)
        assert feed["version"] == "https://jsonfeed.org/version/1.1"
        assert (feed["title"], feed["language"]) == ("The Lantern", "en-GB")
        assert feed["home_page_url"] == f"{URL}/"
        assert feed["feed_url"] == f"{URL}/feed.json"
        item = feed["items"][1]
        assert item["id"] == item["url"] == f"{URL}/articles/news/1/"
        assert item["title"] == "Number 1"
        assert item["summary"] == "The ferry is back."
        assert item["content_text"] == NOTICE + item["summary"] + CORRECTION
        assert item["image"] == f"{URL}/media/boat.jpg"
        assert item["date_published"] == "2026-05-03T07:30:00+00:00"
        assert item["date_modified"] == "2026-05-06T00:00:00+00:00"
        assert item["external_url"] == "https://log.example/1"
        assert item["tags"] == ["Ferries", "Harbour & Pier"]
        assert item["authors"][:2] == [
            {"name": "Ines"},
            {"name": "Jo", "url": "https://jo.example"},
        ]

    def test_json_feed_leaves_out_what_an_entry_does_not_have(self) -> None:
        none: dict[str, Any] = {"source": None, "updated_at": None, "image": None}
        none["corrections"] = ()
        bare = entries(1, authors=(), topics=(), ai_disclosure="none", **none)
        (item,) = json.loads(scope_page("feed.json", Scope(newest=bare)).body)["items"]
        assert set(item) == {"id", "url", "title", "content_text", "summary", "date_published"}

    def test_empty_feeds_are_feeds(self) -> None:
        for found in feeds(Scope()).values():
            assert not found.bozo
            assert found.entries == []
            assert found.feed.title == "The Lantern"
        assert json.loads(scope_page("feed.json", Scope()).body)["items"] == []

    def test_texts_come_out_as_they_went_in(self) -> None:
        hostile = Scope(newest=(Entry.of(HOSTILE, CONFIG.timezone),))
        rss = ET.fromstring(scope_page("rss.xml", hostile, config=HOSTILE_CONFIG).body)  # noqa: S314 (ours)
        assert rss.findtext("channel/title") == NASTY
        assert rss.findtext("channel/item/title") == NASTY
        corrected = f" Correction, 4 May 2026: {NASTY}"
        assert rss.findtext("channel/item/description") == NOTICE + NASTY + corrected
        atom = ET.fromstring(scope_page("atom.xml", hostile).body)  # noqa: S314 (ours)
        assert atom.findtext(f"{ATOM}entry/{ATOM}title") == NASTY
        assert atom.findtext(f"{ATOM}entry/{ATOM}author/{ATOM}uri") == NASTY_URL
        item = json.loads(scope_page("feed.json", hostile).body)["items"][0]
        assert (item["title"], item["authors"][0]["url"]) == (NASTY, NASTY_URL)

    def test_a_topics_feeds_are_its_own(self) -> None:
        for name in ("rss.xml", "atom.xml"):
            key = f"topics/harbour/{name}"
            found = feedparser.parse(scope_page(key, self.SCOPE, "harbour").body)
            assert found.feed.title == "Harbour & Pier – The Lantern"
            assert found.feed.link == f"{URL}/topics/harbour/"
            assert f"{URL}/{key}" in [link.href for link in found.feed.links]
        page = scope_page("topics/harbour/feed.json", self.SCOPE, "harbour")
        assert json.loads(page.body)["home_page_url"] == f"{URL}/topics/harbour/"


@pytest.mark.parametrize("hostile", [False, True])
@pytest.mark.parametrize("count", [0, 1, NEWEST])
def test_feeds_and_sitemaps_keep_to_their_specifications(count: int, *, hostile: bool) -> None:
    pages = all_pages(HOSTILE_CONFIG, HOSTILE, count=count) if hostile else all_pages(count=count)
    found = faults({key: page.body for key, page in pages.items()})
    assert {"rss.xml", "atom.xml", "feed.json", "sitemap.xml", "news-sitemap.xml"} <= set(found)
    assert {key: said for key, said in found.items() if said} == {}


# What is broken in a file, and what is said of it.
BROKEN = [
    ("rss.xml", b'version="2.0"', b'version="0.9"', "version"),
    ("rss.xml", b"<copyright>", b"<rights>", "read"),
    ("rss.xml", b"<pubDate>Mon, 04 May 2026 07:30:00 +0000", b"<pubDate>2026-05-04", "read"),
    ("rss.xml", b'isPermaLink="true">https://', b'isPermaLink="true">http://', "guid"),
    ("rss.xml", b"<language>en-GB</language>", b"", "language"),
    ("rss.xml", b"<dc:creator>Ines</dc:creator>", b"<dc:creator/>", "creator"),
    ("rss.xml", b"<dc:creator>Ines</dc:creator>", b"<author>Ines</author>", "author"),
    ("rss.xml", b'url="https://', b'url="/', "address"),
    ("atom.xml", b"<rights>", b"<rights/><rights>", "rights"),
    ("atom.xml", b"<updated>2026-05-06T00:00:00+00:00", b"<updated>2026-05-06T00:00:00", "offset"),
    ("atom.xml", b'rel="via"', b'rel="alternate"', "alternate"),
    ("atom.xml", b'href="https://log', b'href="log', "address"),
    ("atom.xml", b"<name>Ines</name>", b"", "name"),
    ("atom.xml", b"author>", b"writer>", "read"),
    ("atom.xml", b'term="ferries"', b'term=""', "term"),
    ("atom.xml", b"/articles/news/1/</id>", b"/articles/news/0/</id>", "distinct"),
    ("feed.json", b"version/1.1", b"version/1", "version"),
    ("feed.json", b'"title": "The Lantern"', b'"title": ""', "title"),
    ("feed.json", b'"content_text"', b'"text"', "content"),
    ("feed.json", b"2026-05-04T07:30:00+00:00", b"4 May", "read"),
    ("feed.json", b'"name": "Ines"', b'"name": ""', "name"),
    ("feed.json", b'"Ferries"', b"7", "tag"),
    ("feed.json", b'"image": "https://', b'"image": "//', "address"),
    ("feed.json", b'"id":', b'"key":', "read"),
    ("sitemap-2026-05.xml", b"<urlset", b"<set", "read"),
    ("sitemap-2026-05.xml", b"/articles/news/1/", b"/articles/news/0/", "distinct"),
    ("sitemap-2026-05.xml", b"<loc>https://", b"<loc>/", "address"),
    ("sitemap-2026-05.xml", b"+00:00</lastmod>", b"</lastmod>", "offset"),
    ("news-sitemap.xml", b"<news:title>", b"<news:title/><news:title>", "title"),
    ("news-sitemap.xml", b"<news:language>en</news:language>", b"", "language"),
]


@pytest.mark.parametrize(("key", "sound", "broken", "said"), BROKEN)
def test_what_breaks_a_specification_is_noticed(
    key: str, sound: bytes, broken: bytes, said: str
) -> None:
    body = all_pages(count=3)[key].body
    assert sound in body
    assert said in " ".join(faults({key: body.replace(sound, broken, 1)})[key])


def test_the_id_of_an_item_stays_whatever_else_changes() -> None:
    later = ARTICLE.published_at + timedelta(days=400)
    changed = HOSTILE._replace(
        title="Another", published_at=later, updated_at=later, status="published"
    )
    for key in ("rss.xml", "atom.xml", "feed.json"):
        found = []
        for article in (ARTICLE, changed):
            scope = Scope(newest=(Entry.of(article, CONFIG.timezone),))
            text = scope_page(key, scope).body.decode()
            found.append(re.findall(r"(?:<guid.*?>|<id>|\"id\": \")([^<\"]+)", text)[-1])
        assert found == [f"{URL}/articles/{ARTICLE.path}/"] * 2


@pytest.mark.parametrize("kind", ["none", "assisted", "rewritten", "generated"])
@pytest.mark.parametrize("review", [None, Review("Ines", ARTICLE.published_at)])
def test_feeds_tell_of_ai_what_pages_do(kind: Disclosure, review: Review | None) -> None:
    scope = Scope(newest=entries(1, ai_disclosure=kind, human_review=review))
    notice = disclosure.sentence(kind)
    value = disclosure.value(kind, reviewed=bool(review))
    term = disclosure.source_type(kind).removeprefix(disclosure.SOURCE_TYPES)

    for found in feeds(scope).values():
        (entry,) = found.entries
        assert entry.summary == f"{notice} The ferry is back.{CORRECTION}".strip()
        told = {tag.scheme: tag.term for tag in entry.tags if tag.scheme}
        expected = {disclosure.TERMS: value, disclosure.SOURCE_TYPES: term} if notice else {}
        assert told == expected
    (item,) = json.loads(scope_page("feed.json", scope).body)["items"]
    assert item["content_text"] == f"{notice} The ferry is back.{CORRECTION}".strip()
    assert ("_ai" in item) == bool(notice)
    if notice:
        assert item["_ai"]["disclosure"] == value
        assert item["_ai"]["digital_source_type"] == disclosure.source_type(kind)


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        (CONFIG._replace(rights="CC BY 4.0"), "CC BY 4.0"),
        (CONFIG, "© Co-op"),
        (CONFIG._replace(publisher=None), "© The Lantern"),
    ],
)
def test_feeds_say_whose_the_rights_are(config: SiteConfig, expected: str) -> None:
    for found in feeds(Scope(newest=entries(1)), config).values():
        assert found.feed.rights == expected


def test_the_last_change_of_a_feed_is_that_of_what_it_shows() -> None:
    shown = entries(NEWEST, updated_at=None, corrections=())
    hidden = replace(shown[-1], path="hidden", updated_at=datetime(2030, 1, 1, tzinfo=UTC))
    channel = ET.fromstring(scope_page("rss.xml", Scope(newest=(*shown, hidden))).body)[0]  # noqa: S314 (ours)
    assert channel.findtext("lastBuildDate") == channel.findtext("item/pubDate")
    assert len(channel.findall("item")) == NEWEST


class TestNewsSitemap:
    def urls(self, scope: Scope, config: SiteConfig = CONFIG) -> list[ET.Element]:
        page = scope_page(addresses.NEWS_SITEMAP, scope, config=config)
        return list(ET.fromstring(page.body))  # noqa: S314 (our own)

    def test_has_the_articles_of_48_hours_before_the_newest(self) -> None:
        scope = Scope().gathered([entries(5)], news=True)
        found = [url.findtext(f"{SITEMAP}loc") for url in self.urls(scope)]
        assert found == [f"{URL}/articles/news/{i}/" for i in range(3)]

    def test_tells_of_each_what_search_engines_ask_for(self) -> None:
        news = self.urls(Scope(newest=entries(1)))[0].find(f"{NEWS}news")
        assert news is not None
        assert news.findtext(f"{NEWS}publication/{NEWS}name") == "The Lantern"
        assert news.findtext(f"{NEWS}publication/{NEWS}language") == "en"
        assert news.findtext(f"{NEWS}publication_date") == "2026-05-04T07:30:00+00:00"
        assert news.findtext(f"{NEWS}title") == "Number 0"

    @pytest.mark.parametrize(
        ("language", "expected"),
        [
            ("en-GB", "en"),
            ("", "en"),
            ("pt-BR", "pt"),
            ("zh", "zh-cn"),
            ("zh-Hans-SG", "zh-cn"),
            ("zh-Hant", "zh-tw"),
            ("zh-HK", "zh-tw"),
            ("yue", "yue"),
        ],
    )
    def test_names_languages_as_they_ask(self, language: str, expected: str) -> None:
        (url,) = self.urls(Scope(newest=entries(1, language=language)))
        assert url.findtext(f".//{NEWS}language") == expected

    def test_holds_no_more_than_a_thousand(self) -> None:
        many = tuple(replace(entries(1)[0], path=f"n/{i:04}") for i in range(1200))
        scope = Scope().gathered([many], news=True)
        assert len(self.urls(scope)) == 1000
        assert not scope.whole


def test_data_mining_is_reserved_only_where_the_site_says_so() -> None:
    policy = TdmReservation("https://news.example/tdm.json")
    for reservation, rules, metas in (
        (None, [], []),
        (TdmReservation(), [{"location": "/", "tdm-reservation": 1}], ["tdm-reservation"]),
        (
            policy,
            [{"location": "/", "tdm-reservation": 1, "tdm-policy": policy.policy}],
            ["tdm-reservation", "tdm-policy"],
        ),
    ):
        config = CONFIG._replace(tdm_reservation=reservation)
        pages = {page.key: page for page in Renderer(URL, config).fixed()}
        assert json.loads(pages[".well-known/tdmrep.json"].body) == rules
        assert re.findall('name="(tdm-[a-z]+)"', pages["404.html"].body.decode()) == metas


class TestSitemaps:
    def test_a_month_lists_its_articles_with_their_last_change(self) -> None:
        page = Renderer(URL, CONFIG).month("2026/05", Month(1, entries(3)), [])[
            "sitemap-2026-05.xml"
        ]
        assert page
        root = ET.fromstring(page.body)  # noqa: S314 (ours)
        assert root.tag == f"{SITEMAP}urlset"
        found = [(e.findtext(f"{SITEMAP}loc"), e.findtext(f"{SITEMAP}lastmod")) for e in root]
        assert found == [
            (f"{URL}/articles/news/{i}/", "2026-05-06T00:00:00+00:00") for i in range(3)
        ]

    def test_the_index_lists_every_month(self) -> None:
        root = ET.fromstring(scope_page("sitemap.xml", Scope(months(40))).body)  # noqa: S314 (ours)
        assert root.tag == f"{SITEMAP}sitemapindex"
        found = [e.findtext(f"{SITEMAP}loc") for e in root]
        names = Scope(months(40)).listed_months()
        assert found == [f"{URL}/sitemap-{name.replace('/', '-')}.xml" for name in names]

    def test_the_index_of_nothing_is_empty(self) -> None:
        assert len(ET.fromstring(scope_page("sitemap.xml", Scope()).body)) == 0  # noqa: S314 (ours)


@pytest.mark.parametrize("topic", ["", "harbour"])
def test_a_hub_is_named_by_every_feed_of_a_site_that_has_one(topic: str) -> None:
    hub = "https://hub.example/?a=1&b=2"
    scope, config = TestFeeds.SCOPE, CONFIG._replace(websub_hub=hub)
    for feed in ("rss.xml", "atom.xml"):
        key = f"{addresses.folder(topic)}{feed}"
        page = scope_page(key, scope, topic, config=config)
        links = {
            link.get("rel"): link.get("href")
            for link in ET.fromstring(page.body).iter(f"{ATOM}link")  # noqa: S314 (our own)
            if link.get("rel") in {"hub", "self"}
        }
        assert links == {"hub": hub, "self": f"{URL}/{key}"}
        assert b'rel="hub"' not in scope_page(key, scope, topic).body
    key = f"{addresses.folder(topic)}feed.json"
    found = json.loads(scope_page(key, scope, topic, config=config).body)
    assert found["hubs"] == [{"type": "WebSub", "url": hub}]
    assert "hubs" not in json.loads(scope_page(key, scope, topic).body)
