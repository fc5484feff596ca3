"""Articles that wait for their time, and those whose time is over: never early, never forgotten."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from broadsheet import addresses
from broadsheet.article import Article
from broadsheet.errors import SettingsError
from broadsheet.index import NEWEST
from broadsheet.record import Record, change, remember
from broadsheet.schedule import AHEAD, MOST_MOMENTS, Standing, moment, moment_in, name_of
from broadsheet.settings import Settings
from broadsheet.store import Store, Stored
from broadsheet.verify import PARTS, Verifier, Walk
from tests.newsroom import (
    DONE,
    GROUP,
    LISTINGS,
    SCHEDULING,
    SITE,
    URL,
    Crash,
    Newsroom,
    article,
    failed,
    links,
    publish,
    refused,
    sqs_record,
    status,
)
from tests.secret import HOUR, NOON, ONE, SECOND, SECRET, THREE, TWO, opened, seen

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.usefixtures("hurry")


@pytest.fixture
def room(newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch) -> Newsroom:
    """A newsroom at noon, which has schedules, and an article that has nothing to wait for."""
    return opened(newsroom, monkeypatch, "2026-05-04T09:00:00Z")


def secret(room: Newsroom, at: datetime = ONE, **fields: Any) -> str:
    """Publish what is to be seen at a time, an hour from now; its key."""
    return publish(room, "secret", **SECRET | {"published_at": at.isoformat()} | fields)


def settings(**changed: str) -> Settings:
    known = {"SOURCE_BUCKET": "s", "SITE_BUCKET": SITE, "DISTRIBUTION_ID": "d", "SITE_URL": URL}
    return Settings.from_environment(known | changed)


# Standings


def standing(now: datetime, **fields: Any) -> Standing:
    published_at = {"published_at": ONE.isoformat()}
    return Standing.of(
        Article.parse("a", json.dumps(article(**published_at | fields)).encode()), now
    )


def test_an_article_waits_for_its_time_to_the_very_moment() -> None:
    before, at = standing(ONE - timedelta(microseconds=1)), standing(ONE)
    assert (before.phase, before.has_page, before.until) == ("scheduled", False, ONE)
    assert (at.phase, at.has_page, at.is_listed, at.until) == ("published", True, True, None)


def test_an_article_expires_at_the_very_moment() -> None:
    fields = {"expires_at": TWO.isoformat()}
    assert standing(NOON, **fields).until == ONE
    before = standing(TWO - timedelta(microseconds=1), **fields)
    assert (before.phase, before.is_listed, before.until) == ("published", True, TWO)
    for expiry, page in ((None, True), ("unlist", True), ("remove", False)):
        at = standing(TWO, expiry=expiry, **fields)
        assert (at.phase, at.has_page, at.is_listed, at.until) == ("expired", page, False, None)


def test_a_draft_waits_for_nothing() -> None:
    found = standing(NOON, status="draft", expires_at=TWO.isoformat())
    assert found == Standing("draft", has_page=False, is_listed=False)


def test_the_notice_of_what_was_withdrawn_before_its_time_waits_for_it() -> None:
    assert standing(NOON, status="withdrawn") == Standing(
        "withdrawn", has_page=False, is_listed=False, until=ONE
    )
    after = Standing("withdrawn", has_page=True, is_listed=False)
    assert standing(ONE, status="withdrawn") == after
    assert standing(THREE, status="withdrawn", expires_at=TWO.isoformat()) == after


def test_a_moment_is_in_whole_seconds_never_earlier_and_never_too_soon() -> None:
    assert moment(ONE, NOON) == ONE
    assert moment(ONE + timedelta(microseconds=1), NOON) == ONE + SECOND
    assert moment(ONE, ONE - SECOND) == ONE - SECOND + AHEAD
    assert moment(ONE, TWO) == TWO + AHEAD


def test_a_schedules_name_says_when_and_for_whom() -> None:
    key = "articles/" + "a/" * 400 + "b.json"
    name = name_of(key, ONE)
    assert len(name) <= 64
    assert name.replace("-", "").isalnum()
    assert name != name_of("articles/a.json", ONE)
    assert moment_in(name) == ONE
    assert moment_in("nightly-backup") is None


# Records


def test_a_record_comes_back_as_it_was_stored() -> None:
    for record in (
        Record(),
        Record(frozenset({("", "2026/05"), ("harbour", "2026/05")})),
        Record(moments=frozenset({ONE, TWO}), unseen=True),
    ):
        assert Record.of(Stored(record.to_bytes(), "e")) == record
    assert Record().to_bytes() == b'{"places": []}'


@pytest.mark.parametrize(
    "data", [b"", b"[]", b'{"places": 1}', b'{"places": [], "moments": ["2026-05-04T12:00:00"]}']
)
def test_a_record_that_can_not_be_read_is_empty(data: bytes) -> None:
    assert Record.of(Stored(data, "e")) == Record()


def test_a_record_is_changed_on_what_another_has_left(room: Newsroom) -> None:
    store = Store(Settings.from_environment(dict(os.environ)))
    remember(store, "x", moments=[ONE])

    def changed(record: Record | None) -> Record:
        assert record
        if len(record.moments) == 1:
            remember(store, "x", moments=[TWO])
        return Record(record.places, record.moments | {THREE}, record.unseen)

    before, after = change(store, "x", changed)
    assert before
    assert after
    assert before.moments == {ONE, TWO}
    assert after == Record(moments=frozenset({ONE, TWO, THREE}), unseen=True)
    assert room.now == NOON


# Held back


def test_what_lies_ahead_is_nowhere_until_its_time_and_then_everywhere(room: Newsroom) -> None:
    key = secret(room)
    receipt = room.receipt(key)
    assert (receipt["status"], receipt["url"]) == ("scheduled", "")
    assert receipt["scheduled_for"] == ONE.isoformat()
    assert "warnings" not in receipt
    assert seen(room) == set()
    assert room.schedules() == {key: ONE}
    room.assert_converged()

    room.turn(ONE - SECOND)
    assert seen(room) == set()
    room.turn(ONE)
    assert status(room, key) == "published"
    assert {"articles/secret/index.html", *LISTINGS} - {"search/2026/05.idx"} <= seen(room)
    assert "search/2026/05.idx" in links(room, "secret")
    assert room.schedules() == {}
    room.assert_converged()


@pytest.mark.parametrize("touch", ["retry", "neighbour", "site.json", "verify", "again"])
def test_nothing_that_happens_before_its_time_shows_it(room: Newsroom, touch: str) -> None:
    key = secret(room)
    room.now = ONE - SECOND
    if touch == "retry":
        room.deliver(key, key)
    elif touch == "neighbour":
        publish(room, "plain", topics=["Harbour"], title="Ferry stops")
    elif touch == "site.json":
        room.deliver(room.upload_bytes("site.json", b'{"name": "The Lantern"}'))
    elif touch == "verify":
        room.deliver(event={"verify": {}})
    else:
        secret(room, title="Zeppelin II")
    assert seen(room) == set()
    room.now = ONE
    room.deliver(key)
    room.assert_converged()


def test_no_time_of_day_is_in_a_page(room: Newsroom) -> None:
    key = secret(room, NOON - HOUR)
    before = room.site()
    room.now = NOON + 17 * HOUR + SECOND
    room.deliver(key, "site.json")
    assert room.site() == before


def test_without_schedules_it_is_held_back_all_the_same_and_the_receipt_says_so(
    room: Newsroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SCHEDULE_GROUP", "")
    key = secret(room)
    assert seen(room) == set()
    (warning,) = room.receipt(key)["warnings"]
    assert warning["path"] == "/published_at"
    assert "SCHEDULE_GROUP" in warning["message"]
    assert room.schedules() == {}
    key = secret(room, NOON, expires_at=ONE.isoformat())
    assert room.receipt(key)["warnings"][0]["path"] == "/expires_at"


def test_a_group_of_schedules_needs_all_that_belongs_to_it() -> None:
    with pytest.raises(SettingsError, match="SCHEDULE_ROLE_ARN, QUEUE_ARN"):
        settings(SCHEDULE_GROUP=GROUP)
    assert settings(**SCHEDULING).schedule_group == GROUP
    assert settings().schedule_group == ""


def test_a_schedule_is_what_aws_wants(room: Newsroom) -> None:
    key = secret(room)
    found = boto3.client("scheduler").get_schedule(GroupName=GROUP, Name=name_of(key, ONE))
    assert found["ScheduleExpression"] == "at(2026-05-04T13:00:00)"
    assert found["ScheduleExpressionTimezone"] == "UTC"
    assert found["FlexibleTimeWindow"] == {"Mode": "OFF"}
    assert found["ActionAfterCompletion"] == "DELETE"
    target = found["Target"]
    assert (target["Arn"], target["RoleArn"]) == (
        SCHEDULING["QUEUE_ARN"],
        SCHEDULING["SCHEDULE_ROLE_ARN"],
    )
    assert target["DeadLetterConfig"] == {"Arn": SCHEDULING["DEAD_LETTER_ARN"]}
    assert target["RetryPolicy"]["MaximumRetryAttempts"] == 185


def test_another_time_in_another_upload_moves_the_schedule(room: Newsroom) -> None:
    key = secret(room)
    secret(room, TWO)
    assert room.schedules() == {key: TWO}
    room.turn(ONE)
    assert seen(room) == set()
    secret(room, ONE)
    assert room.schedules() == {}
    assert status(room, key) == "published"


@pytest.mark.parametrize("how", ["deleted", "draft", "published", "withdrawn"])
def test_a_schedule_goes_with_what_waited_for_it(room: Newsroom, how: str) -> None:
    key = secret(room)
    if how == "deleted":
        assert room.deliver(room.delete("secret")) == DONE
    elif how == "published":
        secret(room, NOON)
    elif how == "withdrawn":
        secret(room, NOON, status="withdrawn")
    else:
        secret(room, status="draft")
    assert room.schedules() == {}
    room.turn(TWO)
    assert status(room, key) == {"deleted": "removed"}.get(how, how)
    room.assert_converged()


def test_the_headline_of_what_was_withdrawn_before_its_time_is_not_shown(room: Newsroom) -> None:
    key = secret(room)
    secret(room, status="withdrawn")
    assert status(room, key) == "withdrawn"
    assert seen(room) == set()
    room.turn(ONE)
    assert seen(room) == {"articles/secret/index.html"}
    room.assert_converged()


def test_what_is_live_and_moved_ahead_goes_until_then(room: Newsroom) -> None:
    key = secret(room, NOON)
    assert seen(room)
    secret(room, ONE)
    assert seen(room) == set()
    assert "articles/secret/index.html" not in room.cdn
    room.assert_converged()
    room.turn(ONE)
    assert status(room, key) == "published"
    room.assert_converged()


def test_a_bad_upload_leaves_the_good_one_scheduled(room: Newsroom) -> None:
    key = secret(room)
    secret(room, title="")
    receipt = room.receipt(key)
    assert (receipt["status"], receipt["url"]) == ("rejected", "")
    assert receipt["scheduled_for"] == ONE.isoformat()
    assert room.schedules() == {key: ONE}
    room.turn(ONE)
    assert "Zeppelin" in room.page("articles/secret/index.html")
    room.assert_converged()


def test_problems_of_what_is_held_back_show_in_time(room: Newsroom) -> None:
    key = secret(room, image={"src": "media/none.jpg", "alt": "A boat"})
    assert room.receipt(key)["warnings"][0]["path"] == "/image/src"


def test_a_message_that_comes_too_early_sets_the_schedule_again(room: Newsroom) -> None:
    key = secret(room)
    room.now = ONE
    records = room.due()
    room.now = ONE - 20 * SECOND  # by the function's clock
    assert room.deliver(event={"Records": records}) == DONE
    assert seen(room) == set()
    assert room.schedules() == {key: ONE - 20 * SECOND + AHEAD}
    room.turn(ONE + AHEAD)
    assert status(room, key) == "published"
    assert room.schedules() == {}


def test_who_is_behind_the_time_takes_no_address_from_what_is_public_by_now(
    room: Newsroom,
) -> None:
    key = secret(room)
    other = publish(room, "other", aliases=["/articles/secret/"])
    assert "/articles/other/" in room.page("articles/secret/index.html")
    room.turn(ONE)
    assert "Zeppelin" in room.page("articles/secret/index.html")
    room.now = ONE - 20 * SECOND  # by the function's clock
    assert room.deliver(other) == DONE
    assert "Zeppelin" in room.page("articles/secret/index.html")
    room.now = ONE
    assert status(room, key) == "published"
    room.assert_converged()


def test_the_receipt_of_who_is_behind_the_time_does_not_replace_that_of_what_is_public(
    room: Newsroom,
) -> None:
    def gate(name: str, params: dict[str, Any]) -> None:
        if name == "PutObject" and params["Key"] == "receipts/articles/secret.json":
            room.gate = None
            room.turn(ONE)
            room.now = ONE - 20 * SECOND  # by the function's clock

    room.gate = gate
    key = secret(room)
    assert room.gate is None
    room.now = ONE
    assert status(room, key) == "published"
    room.assert_converged()


def test_a_moment_that_passes_while_it_is_worked_on_is_seen(room: Newsroom) -> None:
    """In the end the clock is looked at once more, as the source is."""

    def pass_(name: str, _params: dict[str, Any]) -> None:
        if name == "CreateSchedule":
            room.now = TWO

    room.gate = pass_
    key = secret(room)
    room.gate = None
    assert status(room, key) == "published"
    assert seen(room)
    # It is due, and goes by itself.
    assert room.schedules() == {key: ONE}
    room.turn(TWO)
    assert room.schedules() == {}
    room.assert_converged()


def test_a_schedule_is_set_before_the_receipt_says_so(room: Newsroom) -> None:
    def gate(name: str, _params: dict[str, Any]) -> None:
        if name == "CreateSchedule":
            raise refused(name, "ThrottlingException")

    room.gate = gate
    key = room.upload("secret", **SECRET, published_at=ONE.isoformat())
    assert failed(room.deliver(key)) == ["0"]
    assert addresses.receipt_key(key) not in room.keys("source-bucket")
    room.gate = None
    assert room.deliver(key) == DONE
    assert room.schedules() == {key: ONE}


def test_a_takedown_does_not_wait_for_the_scheduler(room: Newsroom) -> None:
    key = secret(room, NOON, expires_at=TWO.isoformat())

    def gate(name: str, _params: dict[str, Any]) -> None:
        if name.endswith("Schedule"):
            raise refused(name, "InternalServerException")

    room.gate = gate
    assert failed(room.deliver(room.delete("secret"))) == ["0"]
    assert seen(room) == set()
    assert "articles/secret/index.html" not in room.cdn
    room.gate = None
    assert room.deliver(key) == DONE
    assert room.schedules() == {}


@pytest.mark.parametrize("dies", [False, True])
def test_a_schedule_that_is_set_too_late_is_cancelled(room: Newsroom, *, dies: bool) -> None:
    """Another took the article away meanwhile, and found no schedule yet that it could delete."""

    def die(_name: str, _params: dict[str, Any]) -> None:
        raise Crash

    def gate(name: str, _params: dict[str, Any]) -> None:
        if name == "CreateSchedule":
            room.gate = None
            assert room.deliver(room.delete("secret")) == DONE
            room.gate = die if dies else None

    room.gate = gate
    with suppress(Crash):
        secret(room)
    room.gate = None
    assert room.schedules() == ({"articles/secret.json": ONE} if dies else {})
    assert room.deliver("articles/secret.json") == DONE
    assert room.schedules() == {}
    room.assert_converged()


def test_what_gets_another_time_very_often_stays_little_work(room: Newsroom) -> None:
    """Of each time that is still to come the record knows, and its schedule is deleted again."""
    for i in range(2 * MOST_MOMENTS):
        key = secret(room, ONE + i * SECOND)
        assert room.calls["DeleteSchedule"] <= MOST_MOMENTS
        room.calls.clear()
    assert room.schedules() == {key: ONE + (2 * MOST_MOMENTS - 1) * SECOND}


def test_a_schedule_that_is_there_already_is_made_right(room: Newsroom) -> None:
    key = secret(room)
    client = boto3.client("scheduler")
    name = name_of(key, ONE)
    found = client.get_schedule(GroupName=GROUP, Name=name)
    wrong = found["Target"] | {"Input": "{}"}
    client.update_schedule(
        GroupName=GROUP,
        Name=name,
        ScheduleExpression=found["ScheduleExpression"],
        FlexibleTimeWindow={"Mode": "OFF"},
        Target=wrong,
    )
    assert room.deliver(key) == DONE
    assert room.schedules() == {key: ONE}


@pytest.mark.parametrize("gone", ["ResourceNotFoundException", "ConflictException"])
def test_one_that_is_just_being_deleted_is_tried_again(room: Newsroom, gone: str) -> None:
    key = secret(room)

    def gate(name: str, _params: dict[str, Any]) -> None:
        if name == "UpdateSchedule":
            raise refused(name, gone)

    room.gate = gate
    assert failed(room.deliver(key)) == ["0"]


def test_a_group_that_is_not_there_is_a_failure(room: Newsroom) -> None:
    key = room.upload("secret", published_at=ONE.isoformat())

    def gate(name: str, _params: dict[str, Any]) -> None:
        if name == "CreateSchedule":
            raise refused(name, "ResourceNotFoundException")

    room.gate = gate
    assert failed(room.deliver(key)) == ["0"]


# Expiry


def test_what_expires_leaves_every_list_at_its_time_and_keeps_its_page(room: Newsroom) -> None:
    key = secret(room, NOON, expires_at=ONE.isoformat())
    receipt = room.receipt(key)
    assert (receipt["status"], receipt["expires_at"]) == ("published", ONE.isoformat())
    assert room.schedules() == {key: ONE}
    assert "noindex" not in room.page("articles/secret/index.html")
    room.turn(ONE - SECOND)
    assert "rss.xml" in seen(room)

    room.turn(ONE)
    receipt = room.receipt(key)
    assert (receipt["status"], receipt["url"]) == ("expired", f"{URL}/articles/secret/")
    page = room.page("articles/secret/index.html")
    assert '<meta name="robots" content="noindex">' in page
    assert "Xylophone" in page
    assert "/topics/" not in page
    assert seen(room) == {"articles/secret/index.html", "articles/secret/card.png"}
    assert links(room, "secret") == []
    assert room.schedules() == {}
    room.assert_converged()


def test_what_expires_for_good_goes_as_if_it_were_deleted(room: Newsroom) -> None:
    key = secret(room, NOON, expires_at=ONE.isoformat(), expiry="remove")
    room.turn(ONE)
    receipt = room.receipt(key)
    assert (receipt["status"], receipt["url"]) == ("expired", "")
    assert seen(room) == set()
    assert "articles/secret/index.html" not in room.cdn
    room.assert_converged()


def test_publication_and_expiry_follow_each_other(room: Newsroom) -> None:
    key = secret(room, ONE, expires_at=TWO.isoformat())
    assert room.schedules() == {key: ONE}
    room.turn(ONE)
    assert room.schedules() == {key: TWO}
    room.turn(TWO)
    assert room.schedules() == {}
    assert status(room, key) == "expired"
    room.assert_converged()


def test_what_comes_when_it_is_over_is_expired_at_once(room: Newsroom) -> None:
    key = secret(room, NOON - 2 * HOUR, expires_at=(NOON - HOUR).isoformat())
    assert status(room, key) == "expired"
    assert room.schedules() == {}
    assert links(room, "secret") == []


def test_the_last_of_the_newest_expires_and_the_next_moves_up(room: Newsroom) -> None:
    keys = [
        room.upload(f"n{i}", published_at=(NOON - i * HOUR).isoformat()) for i in range(NEWEST + 1)
    ]
    room.deliver(*keys)
    secret(room, NOON, expires_at=ONE.isoformat())
    # The plain article is one of the newest, too.
    assert f"/articles/n{NEWEST - 2}/" not in room.page("rss.xml")
    room.turn(ONE)
    assert f"/articles/n{NEWEST - 2}/" in room.page("rss.xml")
    room.assert_converged()


# What it costs


def test_an_article_without_a_time_costs_no_call_of_the_scheduler(room: Newsroom) -> None:
    room.calls.clear()
    publish(room, "plain", topics=["Harbour"], title="Ferry stops")
    room.deliver(room.delete("plain"))
    assert not [name for name in room.calls if "Schedule" in name]


def test_a_release_invalidates_only_the_listings(room: Newsroom) -> None:
    room.invalidations.clear()
    secret(room)
    assert room.invalidations == []
    room.turn(ONE)
    assert room.invalidations == [["#listings"]]


def test_a_first_draft_and_its_deletion_invalidate_nothing(room: Newsroom) -> None:
    before = list(room.invalidations)
    publish(room, "new", status="draft")
    publish(room, "other", published_at=ONE.isoformat())
    room.deliver(room.delete("new"), room.delete("other"))
    assert room.invalidations == before


# Events


def test_it_is_told_when_it_is_scheduled_without_its_headline_and_when_it_is_out(
    room: Newsroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EVENT_BUS", "default")
    room.upload_bytes(
        "site.json", b'{"websub_hub": "https://hub.example/", "indexnow_key": "12345678"}'
    )
    room.deliver("site.json")
    room.events.clear()
    secret(room)
    (scheduled,) = room.events
    assert (scheduled["type"], scheduled["status"]) == ("ArticleScheduled", "scheduled")
    assert scheduled["scheduled_for"] == ONE.isoformat()
    # Nobody outside hears of the address.
    assert not {"title", "feeds", "websub_hub", "indexnow_key"} & set(scheduled)
    room.deliver("articles/secret.json")
    room.turn(ONE)
    assert [event["type"] for event in room.events] == ["ArticleScheduled", "ArticlePublished"]


def test_who_heard_that_it_was_scheduled_hears_that_it_is_not_and_hubs_do_not(
    room: Newsroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EVENT_BUS", "default")
    room.upload_bytes("site.json", b'{"websub_hub": "https://hub.example/"}')
    room.deliver("site.json")
    room.events.clear()
    secret(room)
    room.deliver(room.delete("secret"))
    assert [event["type"] for event in room.events] == ["ArticleScheduled", "ArticleRemoved"]
    assert "websub_hub" not in room.events[1]


# Verifying


def verify(room: Newsroom) -> list[tuple[str, str]]:
    """What a verify finds, and repairs; what it leads to is done."""
    found = []
    environ = Settings.from_environment(dict(os.environ))
    verifier = Verifier(Store(environ, now=lambda: room.now), environ)
    for _, step in verifier.steps(Walk(), repair=True):
        found += [(difference.key, difference.what) for difference in step.differences]
    return found


def test_verify_finds_nothing_where_all_is_well(room: Newsroom) -> None:
    secret(room, expires_at=TWO.isoformat())
    assert verify(room) == []
    room.turn(ONE)
    assert verify(room) == []
    room.turn(TWO)
    assert verify(room) == []


def test_verify_finds_a_schedule_that_is_lost(room: Newsroom) -> None:
    key = secret(room)
    boto3.client("scheduler").delete_schedule(GroupName=GROUP, Name=name_of(key, ONE))
    assert verify(room) == [(name_of(key, ONE), "is missing or differs")]
    assert room.schedules() == {key: ONE}
    assert verify(room) == []


def test_verify_finds_a_schedule_that_is_wrong(room: Newsroom) -> None:
    key = secret(room)
    boto3.client("scheduler").update_schedule(
        GroupName=GROUP,
        Name=name_of(key, ONE),
        ScheduleExpression="at(2026-05-04T14:00:00)",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target={"Arn": "a", "RoleArn": "b", "Input": "{}"},
    )
    assert (name_of(key, ONE), "is missing or differs") in verify(room)
    assert room.schedules() == {key: ONE}


@pytest.mark.parametrize("what", ["deleted", "published", "rescheduled"])
def test_verify_finds_a_schedule_too_many(room: Newsroom, what: str) -> None:
    key = secret(room)
    store = Store(Settings.from_environment(dict(os.environ)), now=lambda: room.now)
    if what == "deleted":
        room.deliver(room.delete("secret"))
    elif what == "published":
        secret(room, NOON)
    store.put_schedule(name_of(key, TWO), TWO, json.dumps({"reconcile": {"keys": [key]}}))
    assert verify(room) == [(name_of(key, TWO), "should not exist")]
    assert room.schedules() == ({key: ONE} if what == "rescheduled" else {})
    assert verify(room) == []


def test_verify_leaves_a_schedule_of_somebody_else_alone(room: Newsroom) -> None:
    store = Store(Settings.from_environment(dict(os.environ)))
    store.put_schedule("nightly", TWO, '{"reconcile": {"keys": ["articles/a.json"]}}')
    store.put_schedule(name_of("articles/a.json", TWO), TWO, "{}")
    assert {what for _, what in verify(room)} == {"is none of the site's objects"}
    assert len(boto3.client("scheduler").list_schedules(GroupName=GROUP)["Schedules"]) == 2


def test_verify_releases_what_was_forgotten(room: Newsroom) -> None:
    key = secret(room)
    boto3.client("scheduler").delete_schedule(GroupName=GROUP, Name=name_of(key, ONE))
    room.now = TWO
    assert room.deliver(event={"verify": {}}) == DONE
    assert status(room, key) == "published"
    assert verify(room) == []
    room.assert_converged()


def test_verify_walks_over_more_schedules_than_a_step_takes(
    room: Newsroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "broadsheet.verify.KEYS",
        dict.fromkeys(PARTS, 2),
    )
    keys = [room.upload(f"s{i}", published_at=(TWO + i * HOUR).isoformat()) for i in range(5)]
    assert room.deliver(*keys) == DONE
    for key in keys:
        room.s3.delete_object(Bucket="source-bucket", Key=key)
    assert len([what for _, what in verify(room) if what == "should not exist"]) == 5
    assert room.schedules() == {}


# What goes, first


def test_what_goes_is_down_and_out_of_the_cdn_before_anything_else_is_rendered(
    room: Newsroom,
) -> None:
    publish(room, "draft", topics=["Harbour"])
    publish(room, "withdrawn", topics=["Harbour"])
    publish(room, "deleted", topics=["Harbour"])
    publish(room, "expired", expires_at=ONE.isoformat(), expiry="remove")
    publish(room, "later", topics=["Harbour"])
    publish(room, "long", topics=["Harbour"])
    room.now = ONE
    keys = [
        room.upload("new", topics=["Harbour"]),
        room.upload("draft", topics=["Harbour"], status="draft"),
        room.upload("plain", topics=["Harbour"], title="Ferry stops"),
        room.upload("withdrawn", topics=["Harbour"], status="withdrawn"),
        room.delete("deleted"),
        room.upload("long", topics=["Harbour"], status="withdrawn", body="long " * 60_000),
        "articles/expired.json",
        room.upload("later", topics=["Harbour"], published_at=TWO.isoformat()),
        room.upload("bad", title=""),
    ]
    steps: list[str] = []

    def watch(name: str, params: dict[str, Any]) -> None:
        steps.append("invalidate" if name == "CreateInvalidation" else params.get("Key", ""))

    room.gate = watch
    assert room.deliver(*keys) == DONE
    room.gate = None
    told = steps.index("invalidate")
    for path in ("draft", "deleted", "expired", "later"):
        assert f"articles/{path}/index.html" in steps[:told]
        assert f"articles/{path}/index.html" not in room.site()
    for path in ("withdrawn", "long"):
        assert f"articles/{path}/index.html" in steps[:told]
    for path in ("new", "plain"):
        assert f"articles/{path}/index.html" in steps[told:]
        assert f"articles/{path}/index.html" not in steps[:told]
    assert len(room.invalidations) >= 2
    room.assert_converged()


def test_an_upload_is_read_once_whichever_wave_it_is_in(room: Newsroom) -> None:
    publish(room, "old")
    keys = [
        room.upload("old", status="withdrawn"),
        room.upload("new"),
        room.upload("bad", title=""),
    ]
    reads: list[str] = []

    def watch(name: str, params: dict[str, Any]) -> None:
        if name == "GetObject" and params["Key"] in keys:
            reads.append(params["Key"])

    room.gate = watch
    assert room.deliver(*keys) == DONE
    assert sorted(reads) == sorted(keys)


def test_a_failure_of_what_goes_is_none_of_what_comes(room: Newsroom) -> None:
    publish(room, "old", published_at="2026-04-04T12:00:00Z")

    def gate(name: str, params: dict[str, Any]) -> None:
        if params.get("Key") == "_index/2026/04.json":
            raise refused(name, "InternalError")

    keys = [room.upload("new"), room.delete("old")]
    room.gate = gate
    assert failed(room.deliver(*keys)) == ["1"]
    room.gate = None
    assert "articles/new/index.html" in room.site()
    assert room.deliver(keys[1]) == DONE
    room.assert_converged()


# Crashes


def later(room: Newsroom) -> str:
    return room.upload("secret", **SECRET, published_at=TWO.isoformat())


def change_time(room: Newsroom) -> str:
    later(room)
    room.deliver("articles/secret.json")
    return room.upload("secret", **SECRET, published_at=THREE.isoformat())


def release(room: Newsroom) -> str:
    key = room.upload("secret", **SECRET, published_at=ONE.isoformat(), expires_at=TWO.isoformat())
    room.deliver(key)
    room.now = ONE
    room.due()
    return key


def expire(room: Newsroom) -> str:
    key = room.upload("secret", **SECRET, published_at=NOON.isoformat(), expires_at=ONE.isoformat())
    room.deliver(key)
    room.now = ONE
    room.due()
    return key


def cancel(room: Newsroom) -> str:
    later(room)
    room.deliver("articles/secret.json")
    return room.delete("secret")


@pytest.mark.parametrize("step", [later, change_time, release, expire, cancel])
def test_a_crash_at_any_call_loses_no_schedule_and_leaves_none(
    room: Newsroom, step: Callable[[Newsroom], str]
) -> None:
    def again() -> str:
        room.now = NOON
        room.deliver(room.delete("secret"))
        assert room.schedules() == {}
        return step(room)

    room.deliver(again())  # From here on the record knows the times.
    before = room.calls.total()
    key = again()
    made = room.calls.total()
    room.deliver(key)
    calls = room.calls.total() - made
    wanted = room.schedules()
    assert before < made
    # Every third call keeps the suite short; the simulation takes all.
    for n in range(1 + len(step.__name__) % 3, calls + 1, 3):
        key = again()
        seen_calls = 0

        def die(_name: str, _params: dict[str, Any], n: int = n) -> None:
            nonlocal seen_calls
            seen_calls += 1
            if seen_calls >= n:
                raise Crash

        room.gate = die
        with pytest.raises(Crash):
            room.deliver(event={"Records": [sqs_record("0", [key])]})
        room.gate = None
        assert room.now >= ONE or seen(room) == set()
        assert room.deliver(key) == DONE
        assert room.schedules() == wanted
        room.assert_converged()
