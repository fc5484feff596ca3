"""What the CDN is told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from broadsheet import addresses
from tests.gates import crash_at
from tests.newsroom import (
    DONE,
    LISTINGS,
    SITE,
    Crash,
    failed,
    publish,
    refusing,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.newsroom import Newsroom

pytestmark = pytest.mark.usefixtures("hurry")


def test_a_new_article_needs_only_the_listings(newsroom: Newsroom) -> None:
    publish(newsroom, "a", topics=["Harbour"])
    publish(newsroom, "b", topics=["Harbour", "Ferries", "Weather"])

    assert newsroom.invalidations[-1] == ["#listings"]


@pytest.mark.parametrize(
    "fields",
    [
        {"title": "Ferry stops again"},
        {"published_at": "2025-01-01T00:00:00Z", "topics": ["Weather"]},
        {"status": "withdrawn"},
        {"status": "draft"},
        {"title": ""},
    ],
)
def test_an_article_that_was_there_needs_its_own_tag_too(
    newsroom: Newsroom, fields: dict[str, Any]
) -> None:
    publish(newsroom, "a", topics=["Harbour"])
    publish(newsroom, "a", **fields)

    assert newsroom.invalidations[-1] == ["#articles/a", "#listings"]
    newsroom.assert_converged()


def test_a_removed_article_needs_its_own_tag_too(newsroom: Newsroom) -> None:
    publish(newsroom, "a")
    newsroom.deliver(newsroom.delete("a"))

    assert newsroom.invalidations[-1] == ["#articles/a", "#listings"]


def test_a_retry_of_a_new_article_invalidates_it(newsroom: Newsroom) -> None:
    publish(newsroom, "b")
    key = newsroom.upload("a")
    newsroom.gate = refusing("rss.xml")
    assert failed(newsroom.deliver(key)) == ["0"]
    newsroom.gate = None
    newsroom.deliver(key)

    assert newsroom.invalidations[-1] == ["#articles/a", "#listings"]


@pytest.mark.parametrize("address", [addresses.page_key, addresses.card_key])
def test_a_draft_at_whose_address_somebody_has_put_something_takes_its_copy_away_too(
    newsroom: Newsroom, address: Callable[[str], str]
) -> None:
    publish(newsroom, "b")
    newsroom.invalidations.clear()
    key = publish(newsroom, "a", status="draft")
    assert newsroom.invalidations == []
    calls = 1
    while True:
        tags = {"cache-tag": addresses.article_tag("a")}
        newsroom.s3.put_object(Bucket=SITE, Key=address("a"), Body=b"Another's", Metadata=tags)
        newsroom.cdn |= newsroom.site()
        newsroom.s3.delete_object(Bucket=SITE, Key=addresses.record_key("a"))
        newsroom.gate = crash_at(calls)
        try:
            newsroom.deliver(key)
        except Crash:
            calls += 1
        else:
            break
        finally:
            newsroom.gate = None
        assert newsroom.deliver(key) == DONE
        newsroom.assert_converged()
    newsroom.assert_converged()
    assert calls > 5


@pytest.mark.parametrize("body", [b"Another's", None])
def test_who_has_nothing_to_list_leaves_a_listing_to_verify_which_takes_its_copy_away(
    newsroom: Newsroom, body: bytes | None
) -> None:
    publish(newsroom, "a")
    if body:
        newsroom.s3.put_object(Bucket=SITE, Key="index.html", Body=body)
    else:
        newsroom.s3.delete_object(Bucket=SITE, Key="index.html")
    newsroom.cdn |= newsroom.site()
    newsroom.invalidations.clear()

    newsroom.deliver(newsroom.delete("never"), newsroom.upload("b", status="draft"))
    assert newsroom.invalidations == []
    newsroom.deliver(event={"verify": {}})
    newsroom.assert_converged()


def test_many_articles_share_one_invalidation(newsroom: Newsroom) -> None:
    keys = [newsroom.upload(f"a{i:02}") for i in range(26)]
    newsroom.deliver(*keys)
    newsroom.invalidations.clear()

    newsroom.deliver(*keys[:25])
    newsroom.deliver(*keys)

    tags = [f"#articles/a{i:02}" for i in range(25)]
    assert newsroom.invalidations == [[*tags, "#listings"], ["#site"]]


def test_paths_are_invalidated_as_asked_for_and_as_stored(
    newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INVALIDATE_BY", "paths")
    publish(newsroom, "a", topics=["Harbour"])
    publish(newsroom, "a", topics=["Harbour"], title="Ferry stops again")

    items = set(newsroom.invalidations[-1])
    shown = {f"/{key}" for key in [*LISTINGS, "articles/a/index.html"]}
    assert shown <= items
    assert {item.removesuffix("index.html") for item in shown} <= items
    assert not any(item.startswith("#") for item in items)
    newsroom.assert_converged()


def test_by_paths_everything_goes_at_once_where_there_are_too_many(
    newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INVALIDATE_BY", "paths")
    publish(newsroom, "a")
    keys = [newsroom.upload(f"a{i:02}", topics=[f"Topic {i}"]) for i in range(25)]
    newsroom.deliver(*keys)

    assert newsroom.invalidations[-1] == ["/*"]
    newsroom.assert_converged()
