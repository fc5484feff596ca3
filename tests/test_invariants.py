"""The six invariants of docs/architecture.md, each by trying to break it."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import pytest

from tests.gates import crash_and_mend, interrupt_and_converge, start_anew

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.newsroom import Newsroom


def first_article(newsroom: Newsroom) -> list[str]:
    return [newsroom.upload("a", topics=["Harbour", "Ferries"])]


def second_article(newsroom: Newsroom) -> list[str]:
    return [newsroom.upload("b", topics=["Ferries"], published_at="2026-05-05T00:00:00Z")]


def update(newsroom: Newsroom) -> list[str]:
    return [newsroom.upload("a", topics=["Harbour", "Ferries"], title="Ferry stops again")]


def move_in_time(newsroom: Newsroom) -> list[str]:
    return [
        newsroom.upload("a", topics=["Harbour", "Ferries"], published_at="2025-01-01T00:00:00Z")
    ]


def move_in_topic(newsroom: Newsroom) -> list[str]:
    return [newsroom.upload("a", topics=["Weather", "FERRIES"])]


def remove(newsroom: Newsroom) -> list[str]:
    return [newsroom.delete("a")]


def withdraw(newsroom: Newsroom) -> list[str]:
    return [newsroom.upload("a", topics=["Harbour", "Ferries"], status="withdrawn")]


def reject(newsroom: Newsroom) -> list[str]:
    return [newsroom.upload("a", title="")]


def many(newsroom: Newsroom) -> list[str]:
    keys = [
        newsroom.upload(f"many/{i}", topics=["Harbour"], published_at=f"2026-0{i}-01T00:00:00Z")
        for i in range(1, 6)
    ]
    return [*keys, newsroom.upload("many/bad", published_at="soon"), newsroom.delete("a")]


def site_json(newsroom: Newsroom) -> list[str]:
    return [newsroom.upload_bytes("site.json", b'{"name": "Lantern", "timezone": "Asia/Tokyo"}')]


STEPS = [
    first_article,
    update,
    second_article,
    move_in_time,
    move_in_topic,
    remove,
    withdraw,
    reject,
    many,
    site_json,
]


@pytest.mark.parametrize("step", STEPS)
def test_a_crash_at_any_call_is_mended_by_the_next_delivery(
    newsroom: Newsroom, step: Callable[[Newsroom], list[str]]
) -> None:
    def begin() -> list[list[str]]:
        start_anew(newsroom)
        if step is not first_article:
            newsroom.deliver(*first_article(newsroom))
        return [[key] for key in step(newsroom)]

    crash_and_mend(newsroom, begin, step)


@pytest.mark.parametrize(
    ("step", "other"),
    [
        (second_article, remove),
        (second_article, second_article),
        (remove, second_article),
        (update, move_in_topic),
        (move_in_topic, update),
        (move_in_time, second_article),
        (update, remove),
        (remove, update),
        (update, reject),
        (update, site_json),
        (site_json, update),
        (remove, site_json),
        (many, second_article),
    ],
)
def test_another_invocation_between_two_calls_changes_nothing_in_the_end(
    newsroom: Newsroom,
    step: Callable[[Newsroom], list[str]],
    other: Callable[[Newsroom], list[str]],
) -> None:
    # The exception that the promise names: removed while another invocation still publishes it.
    both = {"articles/a", "articles/a/card.png"}
    excepted = both if {step, other} == {update, remove} else set()

    def begin() -> list[list[str]]:
        start_anew(newsroom)
        newsroom.deliver(*first_article(newsroom))
        return [[key] for key in step(newsroom)]

    interrupt_and_converge(newsroom, begin, step, other, excepted)


@pytest.mark.parametrize("key", ["404.html", "robots.txt"])
@pytest.mark.parametrize("operation", ["HeadObject", "PutObject"])
def test_site_json_changed_while_the_first_publish_writes_the_fixed_pages_is_not_undone(
    newsroom: Newsroom, operation: str, key: str
) -> None:
    first = first_article(newsroom)

    def gate(name: str, params: dict[str, Any]) -> None:
        if name == operation and params["Key"] == key:
            newsroom.gate = None
            assert newsroom.deliver(*site_json(newsroom)) == {"batchItemFailures": []}

    newsroom.gate = gate
    assert newsroom.deliver(*first) == {"batchItemFailures": []}
    assert newsroom.gate is None
    assert "Lantern" in newsroom.page("404.html")
    newsroom.assert_converged()


@pytest.mark.parametrize("size", [1, 10, 100])
def test_any_order_any_batch_size_and_duplicates_give_the_same_bytes(
    newsroom: Newsroom, size: int
) -> None:
    keys = [
        newsroom.upload(
            f"news/{i}",
            title=f"Number {i}",
            topics=["Harbour", "Ferries", "Weather", "Rates"][i % 3 : i % 4 + 1],
            published_at=f"2026-{i % 9 + 1:02}-{i % 28 + 1:02}T00:00:00Z",
        )
        for i in range(30)
    ]
    deliveries = keys * 2
    random.Random(size).shuffle(deliveries)  # noqa: S311 (no secret)
    for i in range(0, len(deliveries), size):
        assert newsroom.deliver(*deliveries[i : i + size]) == {"batchItemFailures": []}
    newsroom.assert_converged()
