"""What `make run` and `make demo` have for a clock, and for a reader who searches."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import boto3
import pytest

from broadsheet.schedule import body_of, name_of
from broadsheet.settings import Settings
from broadsheet.store import Store
from local import demo
from local.demo import Clock, Day, Page
from local.timer import Timer
from tests.newsroom import GROUP, SCHEDULING, SITE, URL, Newsroom, make_group, publish

if TYPE_CHECKING:
    from pathlib import Path

    from local.aws import LocalAws

NOON = datetime(2026, 12, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.mark.usefixtures("newsroom")
def test_a_timer_sends_what_is_due_once_and_leaves_the_rest() -> None:
    make_group()
    known = {"SOURCE_BUCKET": "s", "SITE_BUCKET": SITE, "DISTRIBUTION_ID": "d", "SITE_URL": URL}
    store = Store(Settings.from_environment(known | SCHEDULING))
    keys = [f"articles/{i}.json" for i in range(60)]
    for key in keys:
        store.put_schedule(name_of(key, NOON), NOON, body_of(key))
    store.put_schedule(name_of("articles/x.json", NOON + HOUR), NOON + HOUR, "{}")
    store.put_schedule("nightly", NOON, "{}")
    sqs = boto3.client("sqs")
    url = sqs.create_queue(QueueName="q")["QueueUrl"]
    clock = Clock(NOON - HOUR)
    timer = Timer(boto3.client("scheduler"), sqs, GROUP, url, clock)

    assert timer.fire() == 0
    clock.move_to(NOON)
    assert timer.fire() == len(keys)
    assert timer.fire() == 0
    bodies = []
    while found := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        bodies += [json.loads(one["Body"])["reconcile"]["keys"] for one in found]
    assert sorted(key for (key,) in bodies) == sorted(keys)
    left = boto3.client("scheduler").list_schedules(GroupName=GROUP)["Schedules"]
    assert len(left) == 2


def test_the_reader_of_the_demo_finds_what_a_segment_knows(
    newsroom: Newsroom, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(newsroom, "ferry", title="Ferries", body="Tides and quays.")
    publish(newsroom, "fair", title="Fair", body="Quays, and no tide.", language="en")
    publish(newsroom, "old", title="Old", body="Tides.", published_at="2025-01-01T00:00:00Z")

    def get(_day: Day, path: str, headers: dict[str, str] | None = None) -> Page:
        key = path.strip("/") if path.endswith(".idx") else f"{path.strip('/')}/index.html"
        body = newsroom.site()[key].body
        if headers:
            start, end = map(int, headers["Range"].removeprefix("bytes=").split("-"))
            body = body[start : end + 1]
        return Page(200, body.decode(errors="replace"), body)

    monkeypatch.setattr(demo.Day, "get", get)
    none: LocalAws = None  # type: ignore[assignment]  # nothing else is asked of it
    day = Day("", tmp_path, Clock(NOON), none, none, none)  # type: ignore[arg-type]
    assert sorted(day.search("quays")) == ["fair", "ferry"]
    assert day.search("fair quay") == ["fair"]
    assert sorted(day.search("tides")) == ["fair", "ferry", "old"]
    assert day.search("zeppelin") == []
