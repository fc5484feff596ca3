"""JSON Feed and ninjs, of which an export is many of what the function takes one of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from broadsheet.article import Author, Image, Source
from local.importers.item import ImportFailedError
from tests.importers.shop import Imported, dumped, run
from tests.test_wire import ninjs

if TYPE_CHECKING:
    from pathlib import Path


def item(number: int, **fields: Any) -> dict[str, Any]:
    return {
        "id": f"https://log.example/{number}",
        "url": f"https://log.example/2026/ferry-{number}.html",
        "title": f"Ferry {number}",
        "content_html": f"<p>It sails <em>{number}</em>.</p>",
        "date_published": "2026-05-04T09:30:00+02:00",
    } | fields


def feed(tmp_path: Path, *items: dict[str, Any], name: str = "feed.json", **fields: Any) -> Path:
    plain = {"version": "https://jsonfeed.org/version/1.1", "title": "Log", "items": list(items)}
    return dumped(tmp_path, name, plain | fields)


def test_each_item_of_a_feed_becomes_an_article(tmp_path: Path) -> None:
    source = feed(
        tmp_path,
        item(
            1,
            summary="Back.",
            tags=["Harbour", "!!!", *(f"T{i}" for i in range(11))],
            image="https://log.example/a b.jpg",
            external_url="https://harbour.example/",
            attachments=[{"url": "https://log.example/a.mp3"}],
            date_modified="2026-05-05T00:00:00Z",
        ),
        item(2, content_html=None, content_text="a < b\n\n*c*", authors=[{"name": "Jo"}]),
        home_page_url="https://log.example/",
        authors=[{"name": "Ines", "url": "https://ines.example/"}],
        language="en",
    )
    made = run("jsonfeed", source)
    article = made.article("2026/ferry-1")
    assert article.body == "It sails *1*."
    assert article.authors == (Author("Ines", "https://ines.example/"),)
    assert article.image == Image("https://log.example/a%20b.jpg", "")
    assert article.source == Source("Ferry 1", "https://harbour.example/")
    assert article.aliases == ("/2026/ferry-1.html",)
    assert article.updated_at
    assert len(article.topics) == 10
    assert set(made.warnings("2026/ferry-1")) == {
        "1 attachments are left out",
        "the topic '!!!' is left out: it has no usable slug",
        "topics beyond 10 are left out: T9, T10",
    }
    assert made.html("2026/ferry-2") == "<p>a &lt; b</p>\n<p>*c*</p>\n"
    assert made.article("2026/ferry-2").authors == (Author("Jo"),)
    assert made.raw("site.json") == {"name": "Log", "language": "en"}


def test_items_that_cannot_be_articles_are_told(tmp_path: Path) -> None:
    made = run(
        "jsonfeed",
        feed(
            tmp_path,
            item(1, id=None, title="No id"),
            item(2, title=None),
            item(3, title="No date", date_published="yesterday"),
            item(4, title="No text", content_html=""),
            item(5, title="Too deep", content_html="<div>" * 200),
            item(6, title="Too large", content_html="x" * 5_000_000),
            item(7, id=7),
        ),
    )
    reasons = made.reasons
    assert "must be discarded" in reasons["No id"]
    assert reasons["https://log.example/2"] == "has no title"
    assert reasons["No date"] == "has no date of publication"
    assert reasons["No text"] == "has no text"
    assert reasons["Too deep"] == "is nested deeper than 80 levels"
    assert reasons["Too large"].startswith("has 5,000,000 characters of HTML")
    assert made.files == ["2026/ferry-7.json", "site.json"]


def test_pages_of_a_feed_in_a_folder_are_read_as_one(tmp_path: Path) -> None:
    folder = tmp_path / "feeds"
    feed(folder, item(1), item(2), name="1.json")
    feed(folder, item(2), item(3), name="2.json")
    dumped(folder, "other.json", {"a": 1})
    assert [line.title for line in run("jsonfeed", folder).report.items] == [
        "Ferry 1",
        "Ferry 2",
        "Ferry 3",
    ]


def test_what_is_no_feed_is_told(tmp_path: Path) -> None:
    with pytest.raises(ImportFailedError, match="no JSON Feed"):
        run("jsonfeed", dumped(tmp_path, "x.json", {"version": "2"}))


def wire(tmp_path: Path, *items: dict[str, Any]) -> Imported:
    return run("ninjs", dumped(tmp_path, "items.json", list(items)))


def test_each_item_of_a_wire_becomes_an_article(tmp_path: Path) -> None:
    table = "<table><tr><th>a</th></tr><tr><td>b</td></tr></table>"
    text = ninjs(
        standard=None,
        slugline="ferry-again",
        bodies=[{"contentType": "text/html", "value": f"<p>a</p>\n\n{table}"}],
        subjects=[{"name": "Harbour"}],
        usageTerms="Not for print.",
        pubStatus="withheld",
    )
    old = ninjs(
        uri="urn:2",
        standard=None,
        versionCreated=None,
        versioncreated="2026-05-04T09:30:00Z",
        headlines=[{"value": "Second"}],
    )
    made = wire(tmp_path, text, old)
    article = made.article("ferry-again")
    assert article.body == "a\n\n| a |\n| --- |\n| b |"
    assert article.status == "draft"
    assert [topic.label for topic in article.topics] == ["Harbour"]
    assert made.warnings("ferry-again") == ["the usage terms is left out"]
    assert made.article("second").published_at


def test_pictures_and_events_of_a_wire_are_told(tmp_path: Path) -> None:
    made = wire(
        tmp_path,
        ninjs(type="picture", bodies=None),
        ninjs(uri="urn:3", headlines=[{"value": "Killed"}], pubStatus="killed"),
    )
    assert made.reasons["Ferry runs again"] == "has no text; it is of type picture"
    assert "expected one of: usable" in made.reasons["Killed"]


def test_what_is_no_ninjs_is_told(tmp_path: Path) -> None:
    with pytest.raises(ImportFailedError, match="no ninjs item"):
        run("ninjs", dumped(tmp_path, "x.json", {"a": 1}))
