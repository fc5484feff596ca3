"""What pages say of themselves to search engines and to others that show a link to them."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadsheet.article import Article, Author, Correction, Image, Source, Topic
from broadsheet.index import Entry, Month, MonthCount, Scope
from broadsheet.metadata import json_ld, locale
from broadsheet.render import Renderer
from broadsheet.site_config import Publisher, SiteConfig

if TYPE_CHECKING:
    from broadsheet.page import Page

URL = "https://news.example"
HERE = f"{URL}/articles/2026/05/ferry/"
CONFIG = SiteConfig(
    name="The Lantern",
    description="News of the harbour",
    language="en-GB",
    publisher=Publisher("Co-op", "https://coop.example", "https://coop.example/logo.png"),
)
ARTICLE = Article(
    path="2026/05/ferry",
    title="Ferry runs again",
    summary="The ferry is back.",
    body="The ferry *runs* again.",
    published_at=datetime(2026, 5, 4, 7, 30, tzinfo=UTC),
    updated_at=datetime(2026, 5, 5, 22, 15, tzinfo=UTC),
    authors=(Author("Ines"), Author("Jo", "https://jo.example"), Author("Co-op")),
    topics=(Topic("ferries", "Ferries"), Topic("harbour", "Harbour & Pier")),
    source=Source("The log", "https://log.example/1", "A. Writer", "The Office"),
    image=Image("https://pictures.example/boat.jpg", "A red boat", "The boat", "M. Photo"),
    corrections=(Correction(datetime(2026, 5, 6, tzinfo=UTC), "It was not blue."),),
)
RENDERER = Renderer(URL, CONFIG)


def text(page: Page | None) -> str:
    assert page
    return page.body.decode()


def article_text(**fields: Any) -> str:
    return text(RENDERER.article(ARTICLE._replace(**fields)))


def nodes(html: str) -> dict[str, Any]:
    """What a page's JSON-LD says, by type."""
    (found,) = re.findall(r'<script type="application/ld\+json">(.*?)</script>', html)
    graph = json.loads(found)
    assert graph["@context"] == "https://schema.org"
    return {node["@type"]: node for node in graph["@graph"]}


def metas(html: str) -> dict[str, str]:
    return dict(re.findall(r'<meta (?:name|property)="([^"]+)" content="([^"]*)">', html))


def home() -> str:
    entry = Entry.of(ARTICLE, CONFIG.timezone)
    scope = Scope(newest=(entry,)).counted({"2026/05": MonthCount(1, 1)})
    return text(RENDERER.scope("", scope)["index.html"])


class TestNewsArticle:
    def test_has_what_search_engines_read(self) -> None:
        node = nodes(article_text())["NewsArticle"]
        expected = {
            "url": HERE,
            "mainEntityOfPage": {"@type": "WebPage", "@id": HERE},
            "headline": "Ferry runs again",
            "description": "The ferry is back.",
            "datePublished": "2026-05-04T07:30:00+00:00",
            "dateModified": "2026-05-05T22:15:00+00:00",
            "inLanguage": "en-GB",
            "articleSection": ["Ferries", "Harbour & Pier"],
            "creditText": "A. Writer, The Office",
            "publisher": {"@id": f"{URL}/#publisher"},
        }
        assert node | expected == node

    def test_names_its_authors_of_whom_the_publisher_is_no_person(self) -> None:
        assert nodes(article_text())["NewsArticle"]["author"] == [
            {"@type": "Person", "name": "Ines"},
            {"@type": "Person", "name": "Jo", "url": "https://jo.example"},
            {"@type": "Organization", "name": "Co-op"},
        ]

    def test_names_its_original_as_basis_and_citation(self) -> None:
        node = nodes(article_text())["NewsArticle"]
        assert node["isBasedOn"] == node["citation"]
        assert node["isBasedOn"] == {
            "@type": "CreativeWork",
            "name": "The log",
            "url": "https://log.example/1",
            "author": {"@type": "Person", "name": "A. Writer"},
            "publisher": {"@type": "Organization", "name": "The Office"},
        }

    def test_tells_its_corrections(self) -> None:
        assert nodes(article_text())["NewsArticle"]["correction"] == [
            {
                "@type": "CorrectionComment",
                "text": "It was not blue.",
                "datePublished": "2026-05-06T00:00:00+00:00",
            }
        ]

    def test_has_its_picture_with_the_credit(self) -> None:
        assert nodes(article_text())["NewsArticle"]["image"] == {
            "@type": "ImageObject",
            "url": "https://pictures.example/boat.jpg",
            "caption": "The boat",
            "creditText": "M. Photo",
        }

    def test_leaves_out_what_an_article_does_not_have(self) -> None:
        bare = Article("a", "T", "S", "B", published_at=ARTICLE.published_at)
        node = nodes(text(RENDERER.article(bare)))["NewsArticle"]
        assert set(node) == {
            "@type",
            "@id",
            "url",
            "mainEntityOfPage",
            "headline",
            "description",
            "datePublished",
            "dateModified",
            "inLanguage",
            "publisher",
            "image",
        }

    def test_is_not_said_of_a_withdrawn_article(self) -> None:
        html = article_text(status="withdrawn")
        assert "ld+json" not in html
        assert "og:" not in html
        assert metas(html)["robots"] == "noindex"


class TestPublisher:
    def test_is_a_news_organisation_on_the_home_page_and_on_articles(self) -> None:
        expected = {
            "@type": "NewsMediaOrganization",
            "@id": f"{URL}/#publisher",
            "name": "Co-op",
            "url": "https://coop.example",
            "logo": "https://coop.example/logo.png",
        }
        assert nodes(home())["NewsMediaOrganization"] == expected
        assert nodes(article_text())["NewsMediaOrganization"] == expected
        assert nodes(home())["WebSite"]["publisher"] == {"@id": f"{URL}/#publisher"}

    def test_is_the_site_where_none_is_named(self) -> None:
        page = Renderer(URL, SiteConfig(name="The Lantern")).scope("", Scope())["index.html"]
        node = nodes(text(page))["NewsMediaOrganization"]
        assert (node["name"], node["url"]) == ("The Lantern", f"{URL}/")


class TestBreadcrumbs:
    def steps(self, html: str) -> list[tuple[int, str, str]]:
        items = nodes(html)["BreadcrumbList"]["itemListElement"]
        return [(item["position"], item["name"], item["item"]) for item in items]

    def test_of_an_article_lead_through_its_first_topic(self) -> None:
        assert self.steps(article_text()) == [
            (1, "The Lantern", f"{URL}/"),
            (2, "Ferries", f"{URL}/topics/ferries/"),
            (3, "Ferry runs again", HERE),
        ]

    def test_of_a_topics_month_lead_through_the_topic(self) -> None:
        month = Month(1, (Entry.of(ARTICLE, CONFIG.timezone),))
        pages = RENDERER.month("2026/05", month, ["harbour"])
        assert self.steps(text(pages["topics/harbour/2026/05/index.html"])) == [
            (1, "The Lantern", f"{URL}/"),
            (2, "Harbour & Pier", f"{URL}/topics/harbour/"),
            (3, "May 2026", f"{URL}/topics/harbour/2026/05/"),
        ]
        assert len(self.steps(text(pages["2026/05/index.html"]))) == 2


class TestSharedLinks:
    def test_of_an_article_have_title_picture_and_dates(self) -> None:
        found = metas(article_text())
        expected = {
            "og:type": "article",
            "og:url": HERE,
            "og:title": "Ferry runs again",
            "og:description": "The ferry is back.",
            "og:site_name": "The Lantern",
            "og:locale": "en_GB",
            "og:image": "https://pictures.example/boat.jpg",
            "og:image:alt": "A red boat",
            "article:published_time": "2026-05-04T07:30:00+00:00",
            "article:modified_time": "2026-05-05T22:15:00+00:00",
            "article:section": "Ferries",
            "article:tag": "Harbour &amp; Pier",
            "author": "Ines, Jo, Co-op",
            "twitter:card": "summary_large_image",
            "robots": "max-image-preview:large",
        }
        assert found | expected == found

    def test_of_an_article_without_a_picture_name_its_card(self) -> None:
        html = article_text(image=None)
        found = metas(html)
        address = found["og:image"]
        assert re.fullmatch(rf"{URL}/articles/[a-z0-9/-]+/card\.png\?[0-9a-f]{{16}}", address)
        assert found["og:image:type"] == "image/png"
        assert (found["og:image:width"], found["og:image:height"]) == ("1200", "630")
        assert found["og:image:alt"] == found["og:title"]
        assert found["twitter:card"] == "summary_large_image"
        image = nodes(html)["NewsArticle"]["image"]
        assert (image["url"], image["width"], image["height"]) == (address, 1200, 630)

    def test_name_another_address_for_another_card(self) -> None:
        first, other = (
            metas(article_text(image=None, title=title))["og:image"] for title in ("One", "Two")
        )
        assert first != other
        assert first.partition("?")[0] == other.partition("?")[0]

    def test_tell_how_large_a_picture_is_where_that_is_known(self) -> None:
        known = Image("https://pictures.example/boat.jpg", "", width=900, height=600)
        found = metas(article_text(image=known))
        assert (found["og:image:width"], found["og:image:height"]) == ("900", "600")
        assert "og:image:type" not in found

    def test_name_pictures_of_the_site_by_their_whole_address(self) -> None:
        found = metas(article_text(image=Image("media/boat.jpg", "")))
        assert found["og:image"] == f"{URL}/media/boat.jpg"
        assert "og:image:alt" not in found

    def test_of_a_listing_are_those_of_a_website(self) -> None:
        found = metas(home())
        assert (found["og:type"], found["og:url"]) == ("website", f"{URL}/")
        assert found["description"] == "News of the harbour"


@pytest.mark.parametrize(
    ("language", "expected"),
    [("en-GB", "en_GB"), ("PT-br", "pt_BR"), ("en", ""), ("zh-Hant-TW", ""), ("es-419", "")],
)
def test_a_locale_is_a_language_of_a_region(language: str, expected: str) -> None:
    assert locale(language) == expected


@given(st.text())
def test_no_text_leaves_its_script_element_and_all_come_back(value: str) -> None:
    html = str(json_ld({"@type": "Thing", "name": value}))
    inner = html.removeprefix('<script type="application/ld+json">').removesuffix("</script>")
    assert not re.search("[<>&\u2028\u2029]", inner)
    assert json.loads(inner)["@graph"] == [{"@type": "Thing", "name": value}]
