"""What search knows: what is published and nothing else, whoever writes at the same time."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from unittest.mock import Mock
from zoneinfo import ZoneInfo

import pytest

from broadsheet import addresses, listings
from broadsheet.article import Article
from broadsheet.index import Entry
from broadsheet.kept import Kept
from broadsheet.segment import Document, Segment, segment_size
from tests.gates import start_anew
from tests.newsroom import DONE, SOURCE, Crash, publish

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.newsroom import Newsroom

MAY = "search/2026/05.idx"
BODY = """Some **bod**ies, [link](https://linked.example/path 'Tooltip') &amp; <b title='x'>bold</b>

| cell | next |
|------|------|
| x1   | x2   |
"""
OFF = b'{"search": false}'


def segment(newsroom: Newsroom, key: str = MAY) -> Segment:
    """What search knows of a month; nothing where there is no such object."""
    site = newsroom.site()
    return Segment.from_bytes(site[key].body) if key in site else Segment()


def known(newsroom: Newsroom, word: str, key: str = MAY) -> list[str]:
    """The paths of the articles that have a word, anywhere."""
    asked = Document.of(*_article(word)).blocks
    block, entry = next((i, own) for i, own in enumerate(asked) if own)
    number = int.from_bytes(entry, "big") >> 2
    return [
        path
        for path, document in segment(newsroom, key).documents().items()
        if number
        in {
            int.from_bytes(document.blocks[block][i : i + 3], "big") >> 2
            for i in range(0, len(document.blocks[block]), 3)
        }
    ]


def _article(word: str) -> tuple[Entry, str, int]:
    when = datetime(2026, 5, 4, tzinfo=UTC)
    article = Article("x", title=word, summary="", body="", published_at=when)
    return Entry.of(article, ZoneInfo("UTC")), "", 4


def test_an_article_is_found_by_all_of_its_text(newsroom: Newsroom) -> None:
    publish(
        newsroom,
        "a",
        title="Titular",
        summary="Deklike",
        body=BODY,
        authors=[{"name": "Ada Writer"}],
        topics=["Harbour"],
    )

    for word in (
        "titular",
        "deklike",
        "bodies",
        "link",
        "bold",
        "writer",
        "harbour",
        "x1",
        "cells",
    ):
        assert known(newsroom, word) == ["a"], word
    for word in ("linked", "https", "tooltip", "td", "table", "amp", "strong"):
        assert known(newsroom, word) == [], word


def test_a_change_of_the_text_alone_is_found(newsroom: Newsroom) -> None:
    publish(newsroom, "a", body="before")
    publish(newsroom, "a", body="after")

    assert known(newsroom, "before") == []
    assert known(newsroom, "after") == ["a"]
    newsroom.assert_converged()


@pytest.mark.parametrize("fields", [{"status": "draft"}, {"status": "withdrawn"}, None])
def test_what_is_no_longer_published_is_not_found(
    newsroom: Newsroom, fields: dict[str, Any] | None
) -> None:
    publish(newsroom, "a")
    publish(newsroom, "b")
    key = newsroom.delete("a") if fields is None else newsroom.upload("a", **fields)
    assert newsroom.deliver(key) == DONE

    assert [*segment(newsroom).paths] == ["b"]
    newsroom.assert_converged()


def test_what_a_process_wrote_it_does_not_read_again(
    newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(newsroom, "a")
    watched = Mock(wraps=Segment)
    monkeypatch.setattr(listings, "Segment", watched)
    publish(newsroom, "b")
    assert not watched.from_bytes.called

    another = Kept(listings.SEGMENTS_ROOM, segment_size)
    monkeypatch.setattr(listings, "_segments", another)
    publish(newsroom, "c")
    assert watched.from_bytes.call_count == 1
    assert sorted(segment(newsroom).paths) == ["a", "b", "c"]
    newsroom.assert_converged()


def test_the_last_article_of_a_month_takes_it_along(newsroom: Newsroom) -> None:
    publish(newsroom, "a")
    publish(newsroom, "a", published_at="2026-06-04T09:30:00+02:00")

    assert MAY not in newsroom.site()
    assert [*segment(newsroom, "search/2026/06.idx").paths] == ["a"]
    newsroom.assert_converged()


def test_nothing_is_lost_when_a_month_goes_as_another_article_comes(newsroom: Newsroom) -> None:
    publish(newsroom, "a")
    key = newsroom.delete("a")

    def another(name: str, params: dict[str, Any]) -> None:
        if name == "DeleteObject" and params["Key"] == MAY:
            newsroom.gate = None
            publish(newsroom, "b")

    newsroom.gate = another
    assert newsroom.deliver(key) == DONE

    assert [*segment(newsroom).paths] == ["b"]
    newsroom.assert_converged()


def test_nothing_is_lost_when_two_write_at_once(newsroom: Newsroom) -> None:
    def another(name: str, params: dict[str, Any]) -> None:
        if name == "PutObject" and params["Key"] == MAY:
            newsroom.gate = None
            publish(newsroom, "b")

    key = newsroom.upload("a")
    newsroom.gate = another
    assert newsroom.deliver(key) == DONE

    assert sorted(segment(newsroom).paths) == ["a", "b"]
    newsroom.assert_converged()


def test_an_article_is_found_from_its_page_on_and_until_before_it_goes(newsroom: Newsroom) -> None:
    seen: list[tuple[bool, bool]] = []

    def look(_name: str, _params: dict[str, Any]) -> None:
        there = "articles/a/index.html" in newsroom.keys(newsroom.site_bucket)
        seen.append((there, "a" in segment(newsroom).paths))

    newsroom.gate = look
    publish(newsroom, "a")
    assert newsroom.deliver(newsroom.delete("a")) == DONE

    assert list(dict.fromkeys(seen)) == [(False, False), (True, False), (True, True)]
    assert seen[-1] == (False, False)


def test_a_crash_behind_the_segment_is_mended(newsroom: Newsroom) -> None:
    key = newsroom.upload("a")

    def crash(name: str, params: dict[str, Any]) -> None:
        if name == "PutObject" and params["Key"] == MAY:
            raise Crash

    newsroom.lose = crash
    with pytest.raises(Crash):
        newsroom.deliver(key)
    newsroom.lose = None
    assert newsroom.deliver(key) == DONE
    newsroom.assert_converged()


def test_a_segment_that_cannot_be_read_stops_nobody(newsroom: Newsroom) -> None:
    publish(newsroom, "a")
    newsroom.s3.put_object(Bucket=newsroom.site_bucket, Key=MAY, Body=b"<p>defaced</p>")
    publish(newsroom, "b")

    assert [*segment(newsroom).paths] == ["b"]


def test_the_month_and_the_day_are_those_of_the_site(newsroom: Newsroom) -> None:
    newsroom.upload_bytes("site.json", b'{"timezone": "Asia/Tokyo"}')
    key = newsroom.upload("a", published_at="2026-04-30T20:00:00Z")
    assert newsroom.deliver("site.json", key) == DONE

    (record,) = segment(newsroom).records
    assert b',1,""]' in record


def test_a_site_can_do_without(newsroom: Newsroom) -> None:
    publish(newsroom, "a")
    assert {MAY, addresses.SEARCH} <= set(newsroom.site())
    assert 'href="/search/"' in newsroom.page("index.html")

    newsroom.upload_bytes("site.json", OFF)
    assert newsroom.deliver("site.json") == DONE

    assert addresses.SEARCH not in newsroom.site()
    assert "/search/" not in newsroom.page("index.html") + newsroom.page("articles/a/index.html")
    newsroom.assert_converged()

    newsroom.s3.delete_object(Bucket="source-bucket", Key="site.json")
    assert newsroom.deliver("site.json") == DONE
    assert [*segment(newsroom).paths] == ["a"]
    newsroom.assert_converged()


def test_who_still_works_by_an_older_site_json_takes_nothing_from_a_search_that_is_on_again(
    newsroom: Newsroom,
) -> None:
    def turned_on_before(n: int) -> Callable[[str, dict[str, Any]], None]:
        """With an article of which nobody knows who has listed them before."""
        seen = 0

        def gate(_: str, params: dict[str, Any]) -> None:
            nonlocal seen
            seen += params.get("Key") == MAY
            if seen == n:
                newsroom.gate = None
                newsroom.s3.delete_object(Bucket=SOURCE, Key="site.json")
                assert newsroom.deliver("site.json", newsroom.upload("a")) == DONE

        return gate

    calls = 0
    while newsroom.gate is None:
        calls += 1
        start_anew(newsroom)
        publish(newsroom, "b")
        newsroom.upload_bytes("site.json", OFF)
        newsroom.gate = turned_on_before(calls)
        assert newsroom.deliver("site.json") == DONE
        newsroom.assert_converged()
    assert calls > 1


def test_the_page_leads_to_all_months_without_its_script(newsroom: Newsroom) -> None:
    publish(newsroom, "a")
    publish(newsroom, "b", published_at="2025-02-04T09:30:00+02:00")
    page = newsroom.page(addresses.SEARCH)

    assert '<li><a href="/2026/05/">May 2026</a></li>' in page
    assert '<li><a href="/2025/02/">February 2025</a></li>' in page
    assert "<noscript>" in page
    assert page.count("<script") == 1
    assert "<script" not in "".join(
        newsroom.page(key)
        for key in newsroom.site()
        if key.endswith(".html") and key != addresses.SEARCH
    ).replace('<script type="application/ld+json">', "")


def test_a_search_page_is_not_looked_for_in_search_engines_maps(newsroom: Newsroom) -> None:
    publish(newsroom, "a")
    assert "search" not in newsroom.page("sitemap.xml") + newsroom.page("sitemap-2026-05.xml")
