"""What is kept in memory: as much as there is room for, and nothing that is wrong."""

from __future__ import annotations

import gc
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from broadsheet import index, listings, render, segment
from broadsheet.article import Author, Topic
from broadsheet.index import Month, MonthCount, Scope, Year
from broadsheet.kept import Kept
from broadsheet.render import Renderer
from broadsheet.segment import Document, Segment
from broadsheet.store import Stored
from tests.pages import CONFIG, NASTY, URL, entries

if TYPE_CHECKING:
    from collections.abc import Callable


def kept(room: int) -> Kept[str, str]:
    return Kept(room, lambda _, value: len(value))


def test_what_was_kept_is_there_until_there_is_no_room() -> None:
    values = kept(10)
    assert values.put("a", "aaaa") == "aaaa"
    assert values.put("b", "bbbbbb") == "bbbbbb"
    assert [values.get(name) for name in "abc"] == ["aaaa", "bbbbbb", None]
    assert values.put("c", "c") == "c"
    assert [values.get(name) for name in "abc"] == [None, None, "c"]


def test_what_is_kept_already_takes_no_more_room() -> None:
    values = kept(10)
    for _ in range(9):
        values.put("a", "aaaa")
    values.put("b", "bbbbbb")
    assert [values.get(name) for name in "ab"] == ["aaaa", "bbbbbb"]


def test_what_alone_is_too_large_is_not_kept() -> None:
    values = kept(10)
    assert values.put("a", "a" * 11) == "a" * 11
    assert values.get("a") is None


def test_threads_share_it() -> None:
    values = kept(1_000)

    def work(number: int) -> bool:
        name = str(number % 300)
        return (values.get(name) or values.put(name, name * 3)) == name * 3

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(work, range(20_000)))


ROOM = 400_000
PLAIN: dict[str, Any] = {"authors": (), "topics": (), "image": None, "source": None}
MANY: dict[str, Any] = {
    "authors": tuple(Author(f"{NASTY} {i}") for i in range(50)),
    "topics": tuple(Topic(f"t{i}", NASTY) for i in range(10)),
}


@pytest.mark.parametrize("fields", [PLAIN, {}, MANY])
def test_entries_take_no_more_memory_than_they_have_room(
    fields: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index, "_entries", Kept(ROOM, index.entry_size))
    (one,) = entries(1, **fields)
    as_many_as_fit = int(0.95 * ROOM) // index.entry_size(one.line, one)
    data = Month(1, entries(as_many_as_fit, **fields)).to_bytes()

    def read() -> None:
        assert [entry.order for entry in Month.from_bytes(data).entries]

    assert 0.3 * ROOM < growth(read) < ROOM


def test_what_search_knows_takes_no_more_memory_than_it_has_room(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(listings, "_segments", Kept(ROOM, segment.segment_size))
    documents = [Document.of(one, "harbour and ferries", 6) for one in entries(50)]
    data = Segment.of(documents).to_bytes()
    as_many_as_fit = int(0.95 * ROOM) // segment.segment_size("", Segment.from_bytes(data))

    def read() -> None:
        for number in range(as_many_as_fit):
            assert listings.segment_of(Stored(data, f"{number}")).paths

    assert 0.3 * ROOM < growth(read) < ROOM


@pytest.mark.parametrize("number", [1, 10**9])
def test_years_take_no_more_memory_than_they_have_room(
    number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index, "_years", Kept(ROOM, index.year_size))
    years = [
        Year.of({f"{year}/{month:02}": MonthCount(number + year, number) for month in range(1, 13)})
        for year in range(1000, 2000)
    ]
    as_many_as_fit = int(0.95 * ROOM) // index.year_size(years[0].line, years[0])
    data = Scope(tuple(years[:as_many_as_fit])).to_bytes()

    def read() -> None:
        assert Scope.from_bytes(data).years

    assert 0.3 * ROOM < growth(read) < ROOM


@pytest.mark.parametrize("fields", [PLAIN, {}, MANY])
def test_items_take_no_more_memory_than_they_have_room(
    fields: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = entries(300, **fields)
    monkeypatch.setattr(render, "ITEMS_ROOM", ROOM)
    renderer = Renderer(URL, CONFIG)
    renderer.month("2026/05", Month(1, entries(1)), ["x"])  # which loads templates

    def render_all() -> None:
        for entry in listed:
            # A copy, so that its line goes unless it is kept.
            copy = Month(1, (replace(entry),))
            renderer.month("2026/05", copy, [topic.slug for topic in entry.topics])

    assert 0 < growth(render_all) < ROOM


def growth(call: Callable[[], object]) -> int:
    """Bytes of memory that are still taken once a call is over."""
    gc.collect()
    tracemalloc.start()
    try:
        call()
        gc.collect()
        return tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()


def test_what_one_site_has_rendered_no_other_shows() -> None:
    month = Month(1, entries(3))
    pages = [
        Renderer(URL, CONFIG._replace(language=language)).month("2026/05", month, [])
        for language in ("en", "he", "en")
    ]
    assert pages[0] == pages[2] != pages[1]
