"""Pages: what each shows, and that nothing in them gets out of hand."""

from __future__ import annotations

import hashlib
import json
import re
from html.parser import HTMLParser
from typing import Any

import pytest

from broadsheet import addresses
from broadsheet.article import Article, Image, Source, Topic
from broadsheet.errors import InvalidError
from broadsheet.index import NEWEST, Month, Scope
from broadsheet.render import RECENT_MONTHS, Renderer, long_date
from broadsheet.site_config import SiteConfig
from broadsheet.templating import direction, environment, search_script
from tests.pages import (
    ARTICLE,
    CONFIG,
    HOSTILE,
    HOSTILE_CONFIG,
    NASTY,
    URL,
    all_pages,
    entries,
    months,
    scope_page,
)

FIXED = {
    ".well-known/tdmrep.json",
    "404.html",
    "feed.css",
    "icon.svg",
    "indexnow.txt",
    "robots.txt",
    "theme.css",
}


class Document(HTMLParser):
    """An HTML page: its elements with their attributes and texts."""

    VOID = frozenset({"meta", "link", "img", "br", "hr", "input"})

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str], list[str]]] = []
        self.unbalanced: list[str] = []
        self._open: list[tuple[str, list[str]]] = []
        self.feed(html)
        self.close()
        self.unbalanced += [tag for tag, _ in self._open]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        texts: list[str] = []
        self.elements.append((tag, {name: value or "" for name, value in attrs}, texts))
        if tag not in self.VOID:
            self._open.append((tag, texts))

    def handle_endtag(self, tag: str) -> None:
        if self._open and self._open[-1][0] == tag:
            self._open.pop()
        else:
            self.unbalanced.append(f"/{tag}")

    def handle_data(self, data: str) -> None:
        for _, texts in self._open:
            texts.append(data)

    def all(self, tag: str, **attributes: str) -> list[tuple[dict[str, str], str]]:
        """Attributes and text of all elements of a name that have these attributes."""
        return [
            (attrs, " ".join("".join(texts).split()))
            for name, attrs, texts in self.elements
            if name == tag and attributes.items() <= attrs.items()
        ]

    def text(self, tag: str = "main", **attributes: str) -> str:
        (found,) = self.all(tag, **attributes)
        return found[1]

    def links(self) -> dict[str, str]:
        return {attrs["href"]: text for attrs, text in self.all("a")}


def article_page(config: SiteConfig = CONFIG, **fields: Any) -> Document:
    page = Renderer(URL, config).article(ARTICLE._replace(**fields))
    return Document(page.body.decode())


HTML_KEYS = [key for key in all_pages() if key.endswith(".html")]


class TestArticlePage:
    def test_shows_every_field_of_the_contract(self) -> None:
        page = article_page()
        text = page.text()
        assert page.text("h1") == "Ferry runs again"
        assert page.text("title") == "Ferry runs again – The Lantern"
        for shown in (
            "The ferry is back.",
            "The ferry runs again.",
            "By Ines, Jo and Kim",
            "4 May 2026, 09:30 CEST",
            "Updated 6 May 2026, 00:15 CEST",
            "Topics: Ferries, Harbour & Pier",
            "The boat at noon Picture: M. Photo",
            "Corrections",
            "6 May 2026: It was not blue.",
            "Back to all news",
        ):
            assert shown in text
        assert ("em", {}, ["runs"]) in page.elements
        assert page.links()["/topics/ferries/"] == "Ferries"
        assert page.links()["/topics/harbour/"] == "Harbour & Pier"
        assert page.links()["https://jo.example"] == "Jo"
        assert page.links()["/"]
        (image,) = page.all("img")
        assert image[0] | {"src": "/media/boat.jpg", "alt": "A red boat"} == image[0]
        times = [attrs["datetime"] for attrs, _ in page.all("time")]
        assert times[:2] == ["2026-05-04T07:30:00+00:00", "2026-05-05T22:15:00+00:00"]

    def test_leaves_out_what_an_article_does_not_have(self) -> None:
        bare = Article("a", "T", "S", "B", published_at=ARTICLE.published_at)
        page = Document(Renderer(URL, SiteConfig()).article(bare).body.decode())
        for word in ("By ", "Updated", "Topics", "Corrections", "AI", "original", "None"):
            assert word not in page.text()
        assert page.all("img") == page.all("figure") == []

    def test_says_that_a_text_was_rewritten_and_links_the_original(self) -> None:
        page = article_page()
        note = page.text("p", **{"class": "note"})
        assert note == (
            "This text was rewritten with AI. It is based on the original The log by A. Writer,"
            " published by The Office. How we use AI."
        )
        assert page.links()["https://log.example/1"] == "The log"
        assert page.links()["/articles/ai/"] == "How we use AI"

    def test_does_so_where_the_original_names_nobody(self) -> None:
        page = article_page(source=Source("The log", "https://log.example/1"))
        note = page.text("p", **{"class": "note"})
        assert "based on the original The log. " in note

    @pytest.mark.parametrize(
        ("disclosure", "said"),
        [("generated", "generated with AI."), ("assisted", "written with the help of AI.")],
    )
    def test_says_what_else_ai_did(self, disclosure: str, said: str) -> None:
        page = article_page(ai_disclosure=disclosure, source=None)
        assert f"This text was {said}" in page.text("p", **{"class": "note"})

    def test_links_an_original_without_ai_too(self) -> None:
        note = article_page(ai_disclosure="none").text("p", **{"class": "note"})
        assert note.startswith("It is based on the original The log")
        assert "AI" not in note

    def test_has_its_canonical_address_and_description(self) -> None:
        page = article_page()
        canonical = {"rel": "canonical", "href": f"{URL}/articles/2026/05/ferry/"}
        assert [attrs for attrs, _ in page.all("link", rel="canonical")] == [canonical]
        assert page.all("meta", name="description")[0][0]["content"] == "The ferry is back."
        assert page.all("meta", name="robots") == [
            ({"name": "robots", "content": "max-image-preview:large"}, "")
        ]

    def test_of_a_withdrawn_article_is_a_notice_that_is_not_indexed(self) -> None:
        page = article_page(status="withdrawn")
        assert page.text("h1") == "Ferry runs again"
        assert "This article has been withdrawn." in page.text()
        assert "The ferry" not in page.text()
        assert page.all("meta", name="robots", content="noindex")
        assert page.all("link", rel="canonical") == page.all("img") == []
        assert "It was not blue." in page.text()
        assert "/" in page.links()

    def test_of_a_withdrawn_article_does_not_need_a_body_that_renders(self) -> None:
        article_page(status="withdrawn", body="<div>" * 5000)

    def test_of_a_body_that_cannot_be_rendered_is_refused(self) -> None:
        with pytest.raises(InvalidError):
            article_page(body="<div>" * 5000)

    def test_takes_an_image_from_elsewhere_as_it_is(self) -> None:
        page = article_page(image=Image("https://x.example/a.png", ""))
        assert (
            page.all("img")[0][0] | {"src": "https://x.example/a.png", "alt": ""}
            == (page.all("img")[0][0])
        )
        assert page.all("figcaption") == []

    def test_paints_its_picture_together_with_its_text(self) -> None:
        ((image, _),) = article_page(image=Image("https://x.example/a.png", "")).all("img")
        assert image["fetchpriority"] == "high"
        assert not {"loading", "decoding"} & image.keys()

    def test_in_another_language_says_so_and_keeps_its_own_words_in_the_sites(self) -> None:
        page = article_page(language="ar")
        assert page.all("html")[0][0] == {"lang": "en-GB", "dir": "ltr"}
        assert page.all("article")[0][0] == {
            "class": "story",
            "lang": "ar",
            "dir": "rtl",
        }
        assert page.all("p", **{"class": "note"})[0][0] == {
            "class": "note",
            "lang": "en-GB",
            "dir": "ltr",
        }

    def test_in_the_language_of_the_site_does_not_repeat_it(self) -> None:
        assert article_page(language="en-GB").all("article")[0][0] == {"class": "story"}

    def test_of_a_site_written_from_right_to_left_is_so(self) -> None:
        config = CONFIG._replace(language="he")
        assert article_page(config).all("html")[0][0] == {"lang": "he", "dir": "rtl"}

    def test_depends_on_no_other_article(self) -> None:
        renderer = Renderer(URL, CONFIG)
        before = renderer.article(ARTICLE)
        renderer.article(HOSTILE)
        assert renderer.article(ARTICLE) == before


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        ("en", "ltr"),
        ("ar", "rtl"),
        ("AR-eg", "rtl"),
        ("he", "rtl"),
        ("fa", "rtl"),
        ("ur-PK", "rtl"),
        ("az-Arab", "rtl"),
        ("ar-Latn", "ltr"),
        ("ja", "ltr"),
        ("are", "ltr"),
        ("yi", "rtl"),
    ],
)
def test_direction_is_that_of_the_language_or_its_script(language: str, expected: str) -> None:
    assert direction(language) == expected


class TestListings:
    def test_home_shows_the_newest_and_a_way_to_all_older_ones(self) -> None:
        scope = Scope(months(14), entries(NEWEST))
        page = Document(scope_page("index.html", scope).body.decode())
        assert [text for _, text in page.all("h2")][:-1] == [f"Number {i}" for i in range(NEWEST)]
        links = page.links()
        assert links["/articles/news/29/"] == "Number 29"
        assert links["/2026/12/"] == "December 2026"
        assert len([link for link in links if re.fullmatch(r"/\d{4}/\d\d/", link)]) == RECENT_MONTHS
        assert links["/archive/"]
        assert page.all("link", rel="canonical")[0][0]["href"] == f"{URL}/"
        for shown in ("The ferry is back.", "4 May 2026", "Ines, Jo, Kim", "Ferries"):
            assert shown in page.text()

    def test_an_empty_home_says_so(self) -> None:
        for key in (addresses.HOME, addresses.ARCHIVE):
            page = Document(scope_page(key, Scope()).body.decode())
            assert "Nothing has been published yet." in page.text()

    def test_the_archive_has_every_month(self) -> None:
        page = Document(scope_page("archive/index.html", Scope(months(40))).body.decode())
        listed = [link for link in page.links() if re.fullmatch(r"/\d{4}/\d\d/", link)]
        assert listed == [f"/{month}/" for month in Scope(months(40)).listed_months()]

    def test_a_topic_has_its_own_entries_months_and_feeds(self) -> None:
        scope = Scope(months(14), entries(2))
        page = Document(scope_page("topics/harbour/index.html", scope, "harbour").body.decode())
        assert page.text("h1") == "Harbour & Pier"
        assert page.text("title") == "Harbour & Pier – The Lantern"
        links = page.links()
        assert "/topics/harbour/2026/12/" in links
        assert (
            len([link for link in links if re.fullmatch(r"/topics/harbour/\d{4}/\d\d/", link)])
            == RECENT_MONTHS
        )
        assert links["/archive/"] == "All months"
        feeds = {attrs["href"] for attrs, _ in page.all("link", rel="alternate")}
        assert {f"/topics/harbour/{name}" for name in ("rss.xml", "atom.xml", "feed.json")} <= feeds

    def test_a_topic_is_spelt_as_in_its_newest_article(self) -> None:
        old = entries(1, topics=(Topic("harbour", "HARBOUR"),))[0]
        new = entries(1, topics=(Topic("harbour", "Harbor"),))[0]
        for order, label in (((old, new), "HARBOUR"), ((new, old), "Harbor")):
            page = scope_page("topics/harbour/index.html", Scope(newest=order), "harbour")
            assert Document(page.body.decode()).text("h1") == label

    def test_only_the_lead_story_has_a_picture_that_is_fetched_at_once(self) -> None:
        scope = Scope(months(1), entries(3, image=Image("https://x.example/a.png", "")))
        page = Document(scope_page("index.html", scope).body.decode())
        lead, *others = (image for image, _ in page.all("img"))
        assert lead["fetchpriority"] == "high"
        assert [image["loading"] for image in others] == ["lazy", "lazy"]

    def test_a_topic_without_entries_has_no_pages(self) -> None:
        pages = Renderer(URL, CONFIG).scope("harbour", Scope())
        assert set(pages) == {
            f"topics/harbour/{n}" for n in ("index.html", "rss.xml", "atom.xml", "feed.json")
        }
        assert set(pages.values()) == {None}

    def test_a_month_has_a_page_for_itself_and_each_topic(self) -> None:
        month = Month(1, entries(3))
        pages = Renderer(URL, CONFIG).month("2026/05", month, ["harbour", "weather"])
        assert {key: page is not None for key, page in pages.items()} == {
            "sitemap-2026-05.xml": True,
            "2026/05/index.html": True,
            "topics/harbour/2026/05/index.html": True,
            "topics/weather/2026/05/index.html": False,
        }
        site, topic = pages["2026/05/index.html"], pages["topics/harbour/2026/05/index.html"]
        assert site
        assert topic
        page = Document(site.body.decode())
        assert page.text("h1") == "May 2026"
        assert [text for _, text in page.all("h2")][:-1] == ["Number 0", "Number 1", "Number 2"]
        assert {"/", "/archive/"} <= set(page.links())
        page = Document(topic.body.decode())
        assert page.text("h1") == "Harbour & Pier, May 2026"
        assert "/topics/harbour/" in page.links()

    def test_a_month_leads_to_the_pages_of_its_topics_and_theirs_to_no_other(self) -> None:
        tides = Topic("tides", "Tides <b>")
        newest = entries(2, topics=(tides, Topic("birds", "birds")))
        index = Month(
            1, (*newest, *entries(1, topics=(Topic("birds", "Birds"), Topic("zoo", "Zoo"))))
        )
        pages = Renderer(URL, CONFIG).month("2026/05", index, ["birds"])
        site, topic = pages["2026/05/index.html"], pages["topics/birds/2026/05/index.html"]
        assert site
        assert topic
        page = Document(site.body.decode())
        assert page.all("nav", **{"aria-labelledby": "topics"})
        assert page.text("h2", id="topics") == "By topic"
        months = {link: text for link, text in page.links().items() if link.endswith("/2026/05/")}
        assert [*months.items()] == [
            ("/topics/birds/2026/05/", "birds (3)"),
            ("/topics/tides/2026/05/", "Tides <b> (2)"),
            ("/topics/zoo/2026/05/", "Zoo (1)"),
        ]
        assert page.all("b") == []
        assert not Document(topic.body.decode()).all("h2", id="topics")

    def test_a_month_without_topics_has_no_list_of_them(self) -> None:
        page = Renderer(URL, CONFIG).month("2026/05", Month(1, entries(1, topics=())), [])
        site = page["2026/05/index.html"]
        assert site
        assert not Document(site.body.decode()).all("h2", id="topics")

    @pytest.mark.parametrize("topic", ["", "harbour", "ferries"])
    def test_a_list_is_the_same_from_a_template_that_keeps_no_items(self, topic: str) -> None:
        listed = entries(3)
        renderer = Renderer(URL, CONFIG)
        pages = renderer.month("2026/05", Month(1, listed), [topic] if topic else [])
        pages |= renderer.scope("", Scope(newest=listed))
        page = pages[f"topics/{topic}/2026/05/index.html" if topic else "index.html"]
        assert page
        template = environment().from_string(
            '{% from "macros.html" import listing %}'
            "{{ listing(entries, site, long_date, front=not topic, topic=topic) }}"
        )
        own = template.render(
            entries=listed,
            site=CONFIG,
            long_date=lambda moment: long_date(moment, CONFIG.timezone),
            topic=topic,
        )
        assert own in page.body.decode()

    def test_a_month_without_entries_has_no_pages(self) -> None:
        pages = Renderer(URL, CONFIG).month("2026/05", Month(2), ["harbour"])
        assert list(pages.values()) == [None] * 3

    def test_an_entry_in_another_language_says_so(self) -> None:
        scope = Scope(newest=entries(1, language="he"))
        page = Document(scope_page("index.html", scope).body.decode())
        assert page.all("article")[0][0] == {"lang": "he", "dir": "rtl"}


class TestFixedPages:
    def test_a_missing_page_leads_back_and_is_not_indexed(self) -> None:
        page = Document(all_pages()["404.html"].body.decode())
        assert "Page not found" in page.text()
        assert page.links()["/"]
        assert page.all("meta", name="robots", content="noindex")

    def test_robots_may_come_and_are_told_the_sitemap(self) -> None:
        lines = all_pages()["robots.txt"].body.decode().splitlines()
        assert lines == [
            "User-agent: *",
            "Allow: /",
            "",
            f"Sitemap: {URL}/sitemap.xml",
            f"Sitemap: {URL}/news-sitemap.xml",
        ]


def own_scripts(key: str) -> set[str]:
    """The scripts that may run on a page, their white space as Document has it."""
    return {" ".join(search_script().split())} if key == addresses.SEARCH else set()


@pytest.mark.parametrize("key", HTML_KEYS)
class TestEveryHtmlPage:
    def test_is_well_formed_and_has_the_frame_of_the_site(self, key: str) -> None:
        page = Document(all_pages()[key].body.decode())
        assert page.unbalanced == []
        assert len(page.all("h1")) == len(page.all("main")) == len(page.all("title")) == 1
        assert page.all("html")[0][0] == {"lang": "en-GB", "dir": "ltr"}
        assert page.all("meta", charset="utf-8")
        assert page.all("meta", name="viewport")
        links = page.links()
        assert links["/"]
        assert links["/imprint/"] == "Imprint"
        assert links["https://coop.example"] == "Co-op"
        assert links["/articles/ai/"] == "How we use AI"
        assert {"/rss.xml", "/atom.xml", "/feed.json"} <= set(links)

    def test_keeps_to_its_elements_whatever_the_texts_say(self, key: str) -> None:
        hostile = all_pages(HOSTILE_CONFIG, HOSTILE)
        page = Document(hostile[key.replace("ferries", "x")].body.decode())
        assert page.unbalanced == []
        running = [
            t for attrs, t in page.all("script") if attrs.get("type") != "application/ld+json"
        ]
        assert set(running) == own_scripts(key)
        assert page.all("b", onclick="x") == []
        for _, attrs, _ in page.elements:
            assert not [name for name in attrs if name.startswith("on")]
        scripts = page.all("script", type="application/ld+json")
        assert [json.loads(text)["@context"] for _, text in scripts] == (
            ["https://schema.org"] * len(scripts)
        )
        if "robots" not in key and "404" not in key:
            assert NASTY in "".join(page.elements[0][2])

    def test_runs_no_script_and_loads_nothing_but_pictures(self, key: str) -> None:
        page = Document(all_pages()[key].body.decode())
        running = [
            t for attrs, t in page.all("script") if attrs.get("type") != "application/ld+json"
        ]
        assert set(running) == own_scripts(key)
        assert page.all("iframe") == page.all("link", rel="stylesheet") == []
        assert len(page.all("style")) == 1


@pytest.mark.parametrize("key", list(all_pages()))
class TestEveryObject:
    TYPES = {  # noqa: RUF012 (a constant)
        "html": "text/html; charset=utf-8",
        "txt": "text/plain; charset=utf-8",
        "css": "text/css; charset=utf-8",
        "svg": "image/svg+xml",
        "xml": "application/xml; charset=utf-8",
        "json": "application/json",
        "feed.json": "application/feed+json; charset=utf-8",
        "rss.xml": "application/rss+xml; charset=utf-8",
        "atom.xml": "application/atom+xml; charset=utf-8",
    }

    def test_has_its_key_and_type(self, key: str) -> None:
        page = all_pages()[key]
        name = key.rpartition("/")[2]
        assert page.key == key
        assert not key.startswith("_")
        assert page.content_type == self.TYPES.get(name, self.TYPES[name.rpartition(".")[2]])
        page.body.decode("utf-8")

    def test_is_kept_by_the_cdn_and_asked_for_again_by_browsers(self, key: str) -> None:
        parts = all_pages()[key].cache_control.split(", ")
        assert parts == ["public", "max-age=0", "s-maxage=31536000", "must-revalidate"]

    def test_has_the_tags_by_which_it_is_invalidated(self, key: str) -> None:
        tags = all_pages()[key].cache_tag.split(",")
        if key.startswith("articles/"):
            assert tags == ["site", "articles/2026/05/ferry"]
        elif key in FIXED:
            assert tags == ["site"]
        else:
            assert tags == ["site", "listings"]

    def test_has_the_same_bytes_each_time(self, key: str) -> None:
        assert all_pages()[key] == all_pages()[key]

    def test_has_the_entity_tag_that_s3_gives_it(self, key: str) -> None:
        page = all_pages()[key]
        md5 = hashlib.md5(page.body, usedforsecurity=False).hexdigest()
        assert page.etag == page.headers.etag == f'"{md5}"'
        assert page.headers.content_type == page.content_type
        assert page.headers.cache_control == page.cache_control
        assert page.headers.cache_tag == page.cache_tag


def test_tags_of_the_longest_path_keep_to_the_limits_of_cloudfront() -> None:
    longest = ARTICLE._replace(path="a" * 1001)
    tags = Renderer(URL, CONFIG).article(longest).cache_tag.split(",")
    assert len(tags) <= 50
    for tag in tags:
        assert tag.isascii()
        assert 0 < len(tag) <= 256
