"""The benchmark of one publish into an archive of N: its archive is sound, and it counts right."""

from __future__ import annotations

import json
import os
from typing import Any

import boto3
import pytest

from benchmarks import archive as benchmark
from benchmarks import figures, virtual
from benchmarks.archive_tables import growth
from benchmarks.calls import Call, Recorder, answering, make
from benchmarks.century import STEPS, TOPICS, Archive, month_before, upload
from benchmarks.figures import Figures
from benchmarks.published import BEGINS, BOUND, CHANGE, NEW, REMOVAL, Publish
from broadsheet import addresses
from broadsheet.settings import Settings
from broadsheet.store import Store
from tests.newsroom import DONE, SITE, SOURCE, URL, Newsroom

SEEDED = "seeded-bucket"
# Months of twenty articles, of which each topic has five: to fill up its newest, many are read.
SMALL = Archive(60, 20)


def objects(newsroom: Newsroom) -> dict[str, Any]:
    """All that the site bucket holds, with headers."""
    return {key: newsroom._origin(key) for key in newsroom.keys(newsroom.site_bucket)}  # noqa: SLF001 (state too)


def seeded(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> Newsroom:
    room = Newsroom(site_bucket=SEEDED)
    room.s3.create_bucket(
        Bucket=SEEDED, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}
    )
    with monkeypatch.context() as environment:
        environment.setenv("SITE_BUCKET", SEEDED)
        store = Store(Settings.from_environment(os.environ))
        archive.seed(store, URL, [addresses.slug(TOPICS[step]) for step in STEPS])
    return room


def test_what_is_published_into_a_seeded_archive_is_as_if_all_had_been_published(
    newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = [
        newsroom.upload_bytes(addresses.source_key(path), json.dumps(made).encode())
        for path, made in SMALL.uploads()
    ]
    assert newsroom.deliver(*keys) == DONE
    room = seeded(SMALL, monkeypatch)
    before, whole = objects(room), objects(newsroom)
    assert {key: whole[key] for key in before} == before

    for what, key in benchmark._uploads(newsroom):  # noqa: SLF001 (what the benchmark does)
        sites = []
        for one in (newsroom, room):
            newsroom.s3.delete_object(Bucket=SOURCE, Key=addresses.receipt_key(key))
            one.calls.clear()
            one.invalidations.clear()
            assert one.deliver(key) == DONE
            sites.append(objects(one))
        assert {key: sites[0].get(key) for key in sites[1]} == sites[1], what
        assert set(sites[0]) - set(sites[1]) <= set(whole) - set(before), what
        assert newsroom.calls == room.calls, what
        assert newsroom.invalidations == room.invalidations, what


def test_an_archive_has_as_many_articles_as_it_says_whatever_is_counted() -> None:
    archive = Archive(65, 20)
    found: dict[str, dict[str, int]] = {}
    for path, made in archive.uploads():
        for topic in ("", *map(addresses.slug, made["topics"])):
            months = found.setdefault(topic, {})
            months[path[:7]] = months.get(path[:7], 0) + 1

    for topic, months in found.items():
        counts = archive.counts(topic)
        assert {month: count.entries for month, count in counts.items() if count.entries} == months
    assert len(found) == 1 + len(TOPICS)
    assert sum(found[""].values()) == 65


def test_the_newest_month_is_the_same_in_every_archive() -> None:
    assert list(Archive(60, 20).uploads())[:20] == list(Archive(300, 20).uploads())[:20]
    assert upload(20, 20)[0].startswith("2026/10/")


def test_a_million_articles_at_ten_thousand_a_year_are_a_century() -> None:
    archive = Archive(1_000_000)

    assert len(archive.months) == 1_201
    assert archive.months[-1] == month_before(archive.months[0], 1_200) == "1926/11"
    assert sum(count.entries for count in archive.counts("").values()) == 1_000_000
    assert archive.reach == 1


def test_months_go_back_and_forth_over_the_new_year() -> None:
    assert month_before("2026/01", 1) == "2025/12"
    assert month_before("2026/12", -1) == "2027/01"


def test_a_publish_makes_the_same_requests_into_archives_of_any_size() -> None:
    small, large = (
        benchmark.run(archive, lambda _what: None, processor=False)
        for archive in (Archive(150, 140), Archive(900, 140))
    )
    assert [one.what for one in small] == [NEW, CHANGE, REMOVAL, BEGINS]
    for one, other in zip(small, large, strict=True):
        assert one.requests == other.requests, one.what
        assert one.items == other.items <= 2
        assert one.until_page < one.until_seen < one.trips(lambda _: True)


def test_a_new_article_is_there_after_three_round_trips_and_told_after_eight() -> None:
    (new, *_) = benchmark.run(SMALL, lambda _what: None, processor=False)
    assert new.until_page == 3
    assert new.until_seen == 8


def test_round_trips_are_counted_one_after_the_other_and_not_those_beside(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (new, *_) = benchmark.run(SMALL, lambda _what: None, processor=False)
    at_once = new.trips(lambda _: True)

    monkeypatch.setattr(virtual, "PARALLEL_CALLS", 1)
    (alone, *_) = benchmark.run(SMALL, lambda _what: None, processor=False)

    assert alone.trips(lambda _: True) == len(alone.calls) == len(new.calls) > at_once


def test_what_grows_is_a_fault_and_what_does_not_is_none() -> None:
    def put(size: int, items: int = 1) -> list[Call]:
        batch = {"InvalidationBatch": {"Paths": {"Items": ["#a"] * items}}}
        return [
            Call(
                "PutObject", {"Bucket": "b", "Key": "k", "Body": bytes(size)}, "", 200, {}, b"", 1
            ),
            Call("CreateInvalidation", batch, "", 201, {}, b"", 2),
        ]

    def publishes(**calls: list[Call]) -> list[Publish]:
        sizes = {"small": 10, "large": 100}
        return [
            Publish(sizes[size], what, "k", made) for size, made in calls.items() for what in BOUND
        ]

    assert benchmark.faults(publishes(small=put(100), large=put(105))) == []
    assert len(benchmark.faults(publishes(small=put(100), large=put(106)))) == 3
    assert len(benchmark.faults(publishes(small=put(100), large=put(94)))) == 3
    assert len(benchmark.faults(publishes(small=put(100), large=put(100) * 2))) == 6
    assert len(benchmark.faults(publishes(small=put(100), large=put(100, items=3)))) == 3
    grown = growth(publishes(small=put(100), large=put(106)), NEW)
    assert grown.rows == [["k written", "100", "106", "+6"], ["all", "100", "106", "+6"]]


def test_calls_are_recorded_with_what_they_read_and_wrote_and_can_be_made_once_more(
    newsroom: Newsroom,
) -> None:
    s3 = boto3.client("s3")
    recorder = Recorder(lambda: 7.0)
    with recorder.listening([s3]):
        s3.put_object(Bucket=SITE, Key="a b", Body=b"four")
        assert s3.get_object(Bucket=SITE, Key="a b")["Body"].read() == b"four"
        s3.head_object(Bucket=SITE, Key="a b")
        with pytest.raises(s3.exceptions.NoSuchKey):
            s3.get_object(Bucket=SITE, Key="none")
    newsroom.keys(SITE)  # nobody listens any more
    calls = recorder.calls

    assert [call.method for call in calls] == ["PUT", "GET", "HEAD", "GET"]
    assert [(call.read, call.written) for call in calls] == [(0, 4), (4, 0), (0, 0), (0, 0)]
    assert {call.ended for call in calls} == {7.0}

    again = Recorder(lambda: 8.0)
    with answering(calls) as url:
        other = boto3.client("s3", endpoint_url=url)
        with again.listening([other]):
            make(calls, lambda _service: other)
    assert [(c.path, c.status, c.read) for c in again.calls] == [
        (c.path, c.status, c.read) for c in calls
    ]


def test_figures_take_their_place_in_a_page_and_nothing_else_changes() -> None:
    page = "# Head\n\n<!-- x -->\nold\n<!-- end of x -->\n\nTail\n"
    table = Figures("", ("a", "b"), [["1", "2"]]).markdown()
    made = figures.between(page, "x", table)

    assert table == "| a | b |\n|---|--:|\n| 1 | 2 |"
    assert made == f"# Head\n\n<!-- x -->\n\n{table}\n\n<!-- end of x -->\n\nTail\n"
    assert figures.between(made, "x", table) == made


@pytest.mark.parametrize("page", ["", "<!-- x -->\n", "<!-- end of x --><!-- x -->\n"])
def test_a_page_without_a_place_for_figures_is_an_error(page: str) -> None:
    with pytest.raises(ValueError, match="no place for x"):
        figures.between(page, "x", "table")


def test_the_page_has_a_place_for_each_table_of_the_benchmark() -> None:
    page = figures.PERFORMANCE.read_text(encoding="utf-8")
    for name in benchmark._PLACES:  # noqa: SLF001 (what --write looks for)
        figures.between(page, name, "")
