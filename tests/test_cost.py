"""What one publish costs: requests to AWS, and items of an invalidation, which AWS bills."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from benchmarks import cost as prices
from benchmarks.workload import Limits
from tests.newsroom import SOURCE

if TYPE_CHECKING:
    from tests.newsroom import Newsroom

DONE: dict[str, Any] = {"batchItemFailures": []}
REQUESTS = 50
# Of an article that is known already, its receipt is looked at.
KNOWN = 1
ITEMS = 2
MONTHS = 10
TOPICS = ["Harbour", "Ferries", "Weather"]


def seed(newsroom: Newsroom, articles: int) -> None:
    """An archive of ten months and three topics, of whatever size."""
    keys = [
        newsroom.upload(
            f"archive/{i}", topics=TOPICS, published_at=f"2026-{i % MONTHS + 1:02}-15T00:00:00Z"
        )
        for i in range(articles)
    ]
    for i in range(0, articles, 100):
        assert newsroom.deliver(*keys[i : i + 100]) == DONE


def new(newsroom: Newsroom) -> str:
    return newsroom.upload("new", topics=TOPICS, published_at="2026-10-20T00:00:00Z")


def update(newsroom: Newsroom) -> str:
    return newsroom.upload(
        "archive/9", topics=TOPICS, title="Changed", published_at="2026-10-15T00:00:00Z"
    )


def old(newsroom: Newsroom) -> str:
    return newsroom.upload("old", topics=TOPICS, published_at="2026-01-01T00:00:00Z")


def cost(newsroom: Newsroom, key: str) -> tuple[Counter[str], list[str]]:
    """The calls and the invalidation items of one delivery."""
    newsroom.calls.clear()
    newsroom.invalidations.clear()
    assert newsroom.deliver(key) == DONE
    (items,) = newsroom.invalidations
    return newsroom.calls.copy(), items


@pytest.fixture
def archive(newsroom: Newsroom) -> Newsroom:
    seed(newsroom, 30)
    return newsroom


def test_one_publish_costs_the_same_in_ten_times_the_archive(archive: Newsroom) -> None:
    steps = (new, update, old)
    small = [cost(archive, step(archive)) for step in steps]
    archive.deliver(archive.delete("new"), archive.delete("old"))
    for path in ("new", "old"):
        archive.s3.delete_object(Bucket=archive.site_bucket, Key=f"_record/articles/{path}.json")
        archive.s3.delete_object(Bucket=SOURCE, Key=f"receipts/articles/{path}.json")
    seed(archive, 300)
    large = [cost(archive, step(archive)) for step in steps]

    for step, (calls, items), (more_calls, more_items) in zip(steps, small, large, strict=True):
        print(f"{step.__name__}: {calls.total()} {dict(calls)} {items}")  # noqa: T201 (a figure)
        assert calls == more_calls
        assert items == more_items
        assert calls.total() <= REQUESTS + (KNOWN if step is update else 0)
        assert len(items) <= ITEMS


def test_the_cost_page_counts_the_requests_that_a_publish_makes(archive: Newsroom) -> None:
    calls, items = cost(archive, new(archive))

    assert calls["PutObject"] + 1 == prices.WRITES  # and the upload
    assert calls["GetObject"] + calls["HeadObject"] == prices.READS
    assert len(items) == prices.ITEMS


def test_the_cost_page_is_what_its_script_makes() -> None:
    assert prices.PAGE.read_text(encoding="utf-8") == prices.page()


def test_a_price_is_for_its_units_in_its_region() -> None:
    price = prices.Price("a request", "1,000", 1_000, (0.5, 0.7), "")

    assert price.of(4_000) == 2
    assert price.of(4_000, "eu-west-1") == pytest.approx(2.8)


def test_the_first_thousand_items_of_a_month_are_free() -> None:
    assert prices.broadsheet(1_000, 1_000).items == 0
    assert prices.broadsheet(1_000, 1_100).items == pytest.approx(0.5)


@pytest.mark.parametrize("fields", [{"status": "withdrawn"}, {"title": ""}, None])
def test_whatever_becomes_of_one_article_costs_no_more(
    archive: Newsroom, fields: dict[str, Any] | None
) -> None:
    if fields is None:
        key = archive.delete("archive/9")
    else:
        key = archive.upload(
            "archive/9", **{"topics": TOPICS, "published_at": "2026-10-15T00:00:00Z"} | fields
        )
    calls, items = cost(archive, key)

    # A list of the newest from which one is gone is filled up from its months, three articles in
    # each of ten here.
    filling = 0 if fields == {"title": ""} else MONTHS * len(["", *TOPICS])
    assert calls.total() <= REQUESTS + KNOWN + filling
    assert len(items) <= ITEMS


def test_a_batch_swaps_each_index_once_and_writes_each_listing_once(archive: Newsroom) -> None:
    writes: Counter[str] = Counter()

    def watch(name: str, params: dict[str, Any]) -> None:
        if name == "PutObject" and params["Bucket"] == archive.site_bucket:
            writes[params["Key"]] += 1

    keys = [
        archive.upload(f"b{i}", topics=TOPICS, published_at=f"2026-11-{i % 28 + 1:02}T00:00:00Z")
        for i in range(50)
    ]
    archive.invalidations.clear()
    archive.gate = watch
    assert archive.deliver(*keys) == DONE

    assert set(writes.values()) == {1}
    assert {"_index/site.json", "_index/2026/11.json", "_index/topics/harbour.json"} <= set(writes)
    assert {"index.html", "2026/11/index.html", "topics/harbour/2026/11/index.html"} <= set(writes)
    assert archive.invalidations == [["#listings"]]


def test_the_bytes_of_a_publish_do_not_grow_with_the_archive(newsroom: Newsroom) -> None:
    def sent(path: str) -> int:
        size = 0

        def weigh(name: str, params: dict[str, Any]) -> None:
            nonlocal size
            if name == "PutObject":
                size += len(params["Body"])

        newsroom.gate = weigh
        key = newsroom.upload(path, topics=TOPICS, published_at="2025-01-01T00:00:00Z")
        assert newsroom.deliver(key) == DONE
        newsroom.gate = None
        return size

    seed(newsroom, 40)
    before = sent("old/1")
    seed(newsroom, 160)
    assert sent("old/2") < before * 1.1


def test_a_full_batch_is_the_templates() -> None:
    assert Limits.of_template().batch == prices.MOST_MESSAGES
