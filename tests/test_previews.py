"""Previews of articles that are not public yet: for who knows the address, and for a time."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import boto3
import pytest

import media
from broadsheet import addresses
from broadsheet.article import Article
from broadsheet.errors import InvalidError
from broadsheet.record import Record
from broadsheet.schedule import AHEAD, Standing
from broadsheet.settings import Settings
from broadsheet.store import Store, Stored
from broadsheet.verify import Verifier, Walk
from local.template import Template
from tests.gates import crash_at, interrupt_at, some_of
from tests.newsroom import (
    DONE,
    SITE,
    SOURCE,
    URL,
    Crash,
    Newsroom,
    article,
    publish,
    sqs_record,
    status,
)
from tests.secret import NOON, ONE, SECOND, SECRET, THREE, TWO, opened, seen
from tests.test_media import drawing

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

pytestmark = pytest.mark.usefixtures("hurry")

KEY = "articles/secret.json"
FIELDS = SECRET | {"published_at": "2026-05-04T09:00:00Z"}
DRAFT = FIELDS | {"status": "draft", "preview_until": ONE.isoformat()}
SCHEDULED = FIELDS | {"published_at": TWO.isoformat(), "preview_until": ONE.isoformat()}


@pytest.fixture
def room(newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch) -> Newsroom:
    """Before anything is invalidated."""
    opened(newsroom, monkeypatch, "2026-05-04T08:00:00Z").invalidations.clear()
    return newsroom


def previews(room: Newsroom) -> set[str]:
    """The public objects among the previews, and the CDN's copies of such."""
    return {key for key in (*room.site(), *room.cdn) if key.startswith("previews/")}


def address(room: Newsroom, key: str = KEY) -> str:
    """The key of the page at the address that a receipt tells."""
    url: str = room.receipt(key)["preview_url"]
    assert url.startswith(f"{URL}/previews/")
    assert url.endswith("/")
    return f"{url.removeprefix(f'{URL}/')}index.html"


def standing(now: datetime, **fields: Any) -> Standing:
    return Standing.of(Article.parse("a", json.dumps(article(**fields)).encode()), now)


# When there is one


@pytest.mark.parametrize("fields", [DRAFT, SCHEDULED])
def test_what_is_not_public_is_at_its_preview_and_nowhere_else(
    room: Newsroom, fields: dict[str, Any]
) -> None:
    publish(room, "secret", **fields)
    receipt = room.receipt(KEY)
    assert receipt["url"] == ""
    assert receipt["preview_until"] == ONE.isoformat()
    assert seen(room) == {address(room)}
    assert room.schedules() == {KEY: ONE}
    room.assert_converged()


def test_it_ends_to_the_very_moment() -> None:
    draft = {"status": "draft", "preview_until": ONE.isoformat()}
    before, at = standing(ONE - SECOND / 2, **draft), standing(ONE, **draft)
    assert (before.preview_until, before.next_moment) == (ONE, ONE)
    assert (at.preview_until, at.next_moment) == (None, None)


def test_it_ends_when_the_article_is_published_if_that_comes_first() -> None:
    fields = {"published_at": ONE.isoformat(), "preview_until": TWO.isoformat()}
    found = standing(NOON, **fields)
    assert (found.preview_until, found.next_moment, found.scheduled_for) == (ONE, ONE, ONE)
    found = standing(NOON, **fields | {"preview_until": (ONE - SECOND).isoformat()})
    assert (found.next_moment, found.scheduled_for) == (ONE - SECOND, ONE)
    assert standing(ONE, **fields).preview_until is None


@pytest.mark.parametrize(
    "fields",
    [
        {"published_at": "2026-05-04T09:00:00Z"},
        {"published_at": "2026-05-04T09:00:00Z", "expires_at": "2026-05-04T10:00:00Z"},
        {"status": "withdrawn"},
        {"status": "withdrawn", "published_at": TWO.isoformat()},
    ],
)
def test_what_is_public_or_withdrawn_has_none(fields: dict[str, Any]) -> None:
    assert standing(NOON, preview_until=ONE.isoformat(), **fields).preview_until is None


def test_its_end_must_be_a_moment_that_exists() -> None:
    for wrong in ("2026-05-04T09:00:00", "2026-02-30T00:00:00Z", "tomorrow"):
        with pytest.raises(InvalidError) as found:
            Article.parse("a", json.dumps(article(preview_until=wrong)).encode())
        (problem,) = found.value.problems
        assert problem.path == "/preview_until"
        assert "expected" in problem.message


def test_without_schedules_the_receipt_says_that_nothing_takes_it_down(
    room: Newsroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SCHEDULE_GROUP", "")
    publish(room, "secret", **SCHEDULED)
    warned = [warning["path"] for warning in room.receipt(KEY)["warnings"]]
    assert warned == ["/published_at", "/preview_until"]


# The page


def test_it_says_what_it_is_and_asks_not_to_be_indexed_quoted_or_kept(room: Newsroom) -> None:
    publish(room, "secret", **SCHEDULED, image={"src": "https://i.example/a.jpg", "alt": "A boat"})
    copy = room.site()[address(room)]
    page = copy.body.decode()
    assert '<meta name="robots" content="noindex, nofollow">' in page
    assert '<meta name="referrer" content="no-referrer">' in page
    assert "This article is not published." in page
    for said in ("Zeppelin", "Quokka.", "Xylophone.", "Harbour", "https://i.example/a.jpg"):
        assert said in page
    for machine in ("canonical", "ld+json", "og:", "twitter:", "article:", 'name="description"'):
        assert machine not in page
    # A topic may have no page yet.
    assert "/topics/" not in page
    assert copy.cache_control == "private, no-store"
    assert copy.cache_tag == "site,articles/secret"


def test_the_page_of_a_published_article_says_nothing_of_it(room: Newsroom) -> None:
    publish(room, "a", **{k: FIELDS[k] for k in FIELDS if k != "title"}, title="Ferry")
    page = room.page("articles/a/index.html")
    publish(room, "a", **FIELDS | {"title": "Ferry", "preview_until": ONE.isoformat()})
    assert room.page("articles/a/index.html") == page
    assert "preview" not in page.replace("max-image-preview", "").lower()


def test_the_cdn_tells_those_who_do_not_read_it() -> None:
    template = Template.read()
    here, elsewhere = (template.security_headers(path) for path in ("/previews/x/", "/articles/x/"))
    assert here.pop("X-Robots-Tag") == "noindex, nofollow"
    assert here.pop("Referrer-Policy") == "no-referrer"
    assert here == {k: v for k, v in elsewhere.items() if k != "Referrer-Policy"}


def test_its_picture_is_shown_and_swept_only_once_it_is_not(
    room: Newsroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("QUEUE_URL", "MEDIA_QUEUE_URL"):
        url = boto3.client("sqs").create_queue(QueueName=name.lower())["QueueUrl"]
        monkeypatch.setenv(name, url)
    monkeypatch.setattr(media, "SWEEP_AFTER", 0)
    key = room.upload_bytes("media/boat.png", drawing("red"))
    assert room.deliver_media(key) == DONE
    publish(room, "secret", **DRAFT, image={"src": key, "alt": "A boat"})
    old = {key for key in room.site() if key.startswith("media/boat.png/")}
    assert any(variant in room.page(address(room)) for variant in old)

    room.upload_bytes(key, drawing("blue"))
    assert room.deliver_media(key) == DONE
    manifest = room.s3.head_object(Bucket=SITE, Key="_media/boat.png.json")["ETag"]
    sweep = {"sweep": {"name": "boat.png", "manifest": manifest}}
    record = {"messageId": "1", "body": json.dumps(sweep)}
    assert room.deliver_media(event={"Records": [record]}) != DONE
    assert old <= set(room.site())
    room.work_off()
    assert not old & set(room.site())
    assert room.dangling == []


# Its end


@pytest.mark.parametrize("fields", [DRAFT, SCHEDULED])
def test_it_goes_by_itself_at_its_time(room: Newsroom, fields: dict[str, Any]) -> None:
    publish(room, "secret", **fields)
    room.turn(ONE - SECOND)
    assert previews(room)
    room.turn(ONE)
    assert previews(room) == set()
    assert not {"preview_url", "preview_until"} & set(room.receipt(KEY))
    room.assert_converged()
    room.turn(TWO)
    assert status(room, KEY) == ("draft" if fields is DRAFT else "published")
    assert room.schedules() == {}
    room.assert_converged()


def test_it_goes_when_the_article_is_published_by_itself(room: Newsroom) -> None:
    publish(room, "secret", **SCHEDULED | {"preview_until": THREE.isoformat()})
    assert room.receipt(KEY)["preview_until"] == TWO.isoformat()
    room.turn(TWO)
    assert previews(room) == set()
    assert "articles/secret/index.html" in room.site()
    assert room.schedules() == {}
    room.assert_converged()


@pytest.mark.parametrize("by", ["tags", "paths"])
@pytest.mark.parametrize(
    "fields",
    [
        FIELDS,
        FIELDS | {"status": "withdrawn"},
        SCHEDULED | {"status": "withdrawn"},
        DRAFT | {"preview_until": None},
        SCHEDULED | {"preview_until": None},
        DRAFT | {"preview_until": (NOON - SECOND).isoformat()},
        None,
    ],
)
def test_whatever_ends_it_takes_it_and_its_copies_down_in_one_invocation(
    room: Newsroom, monkeypatch: pytest.MonkeyPatch, by: str, fields: dict[str, Any] | None
) -> None:
    monkeypatch.setenv("INVALIDATE_BY", by)
    publish(room, "secret", **DRAFT)
    assert len(previews(room)) == 1
    if fields is None:
        assert room.deliver(room.delete("secret")) == DONE
    else:
        publish(room, "secret", **fields)
    assert previews(room) == set()
    assert "preview_url" not in room.receipt(KEY)
    room.assert_converged()


@pytest.mark.parametrize("by", ["tags", "paths"])
def test_a_change_of_it_is_seen(room: Newsroom, monkeypatch: pytest.MonkeyPatch, by: str) -> None:
    monkeypatch.setenv("INVALIDATE_BY", by)
    publish(room, "secret", **DRAFT)
    before = address(room)
    publish(room, "secret", **DRAFT | {"body": "Xylophone, in tune."})
    assert address(room) == before
    assert b"in tune" in room.cdn[before].body
    room.assert_converged()


def test_by_path_both_of_its_paths_are_invalidated(
    room: Newsroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INVALIDATE_BY", "paths")
    publish(room, "secret", **DRAFT)
    key = address(room)
    room.invalidations.clear()
    room.deliver(room.delete("secret"))
    (items,) = room.invalidations
    assert {f"/{key}", f"/{key.removesuffix('index.html')}"} <= set(items)


def test_a_rejected_update_leaves_it_and_its_end(room: Newsroom) -> None:
    publish(room, "secret", **DRAFT)
    key = address(room)
    publish(room, "secret", **DRAFT | {"title": ""})
    receipt = room.receipt(KEY)
    assert receipt["status"] == "rejected"
    assert address(room) == key
    assert receipt["preview_until"] == ONE.isoformat()
    assert previews(room) == {key}
    room.turn(ONE)
    assert previews(room) == set()
    assert status(room, KEY) == "rejected"
    room.assert_converged()


def test_it_does_not_stay_where_no_good_version_can_be_found(
    room: Newsroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(room, "secret", **DRAFT)
    monkeypatch.setattr("broadsheet.store.VERSIONS", 1)
    for title in (1, 2, 3):
        publish(room, "secret", **DRAFT | {"title": title})
    assert previews(room) == set()
    room.assert_converged()


def test_an_article_that_moves_has_it_elsewhere(room: Newsroom) -> None:
    publish(room, "secret", **DRAFT)
    before = address(room)
    assert room.deliver(room.upload("moved", **DRAFT), room.delete("secret")) == DONE
    after = address(room, "articles/moved.json")
    assert after != before
    assert previews(room) == {after}
    room.assert_converged()


def test_a_slow_clock_takes_it_down_when_it_has_come_round(room: Newsroom) -> None:
    publish(room, "secret", **DRAFT)
    room.now = ONE
    records = room.due()
    room.now = ONE - 20 * SECOND  # by the function's clock
    assert room.deliver(event={"Records": records}) == DONE
    assert previews(room)
    room.turn(ONE - 20 * SECOND + AHEAD)
    assert previews(room) == set()
    assert room.schedules() == {}
    room.assert_converged()


def test_an_end_that_passes_while_it_is_worked_on_is_seen(room: Newsroom) -> None:
    def pass_(name: str, _params: dict[str, Any]) -> None:
        if name == "CreateSchedule":
            room.now = TWO

    room.gate = pass_
    publish(room, "secret", **DRAFT)
    room.gate = None
    assert previews(room) == set()
    room.turn(TWO)
    room.assert_converged()


# Who hears of it


def test_nobody_is_told_of_a_draft_that_has_one(
    room: Newsroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EVENT_BUS", "default")
    publish(room, "secret", **DRAFT)
    publish(room, "secret", **DRAFT | {"title": "Zeppelin II"})
    room.turn(ONE)
    room.deliver(room.delete("secret"))
    assert room.events == []


def test_events_of_what_is_scheduled_do_not_say_where_it_is(
    room: Newsroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EVENT_BUS", "default")
    publish(room, "secret", **DRAFT)
    publish(room, "secret", **SCHEDULED)
    publish(room, "secret", **DRAFT)
    room.deliver(room.delete("secret"))
    kinds = [event["type"] for event in room.events]
    assert kinds == ["ArticleScheduled", "ArticleRemoved", "ArticleRemoved"]
    assert "previews/" not in json.dumps(room.events)


def test_nothing_public_leads_there(room: Newsroom) -> None:
    publish(room, "secret", **DRAFT)
    publish(room, "plain", topics=["Harbour"], title="Ferry sails")
    site = room.site()
    assert [key for key, copy in site.items() if b"previews" in copy.body] == []


@pytest.mark.parametrize("alias", ["/previews/x/", "previews/x", "/previews/x/y.html"])
def test_no_alias_can_be_among_the_previews(room: Newsroom, alias: str) -> None:
    assert addresses.alias_path(alias) is None
    publish(room, "plain", aliases=[alias])
    (warning,) = room.receipt("articles/plain.json")["warnings"]
    assert warning["path"] == "/aliases/0"
    assert previews(room) == set()


# What it costs


def test_articles_that_never_had_one_cost_nothing(room: Newsroom) -> None:
    def refuse(_name: str, params: dict[str, Any]) -> None:
        assert not params.get("Key", "").startswith("previews/")

    room.gate = refuse
    publish(room, "a", **FIELDS)
    publish(room, "a", **FIELDS | {"status": "draft"})
    publish(room, "a", **FIELDS | {"published_at": TWO.isoformat()})
    publish(room, "a", **FIELDS | {"preview_until": ONE.isoformat()})
    room.deliver(room.delete("a"))
    assert addresses.PREVIEW_SECRET not in room.keys(SOURCE)


def test_one_that_is_over_costs_a_look_and_until_its_time_a_cancellation(room: Newsroom) -> None:
    def cost(path: str, title: str) -> int:
        before = room.calls.total()
        publish(room, path, **FIELDS | {"title": title})
        return room.calls.total() - before

    publish(room, "secret", **DRAFT)
    for path in ("secret", "other"):
        publish(room, path, **FIELDS)
    assert cost("secret", "Zeppelin II") == cost("other", "Ferry II") + 2
    room.now = TWO
    cost("secret", "Zeppelin III")  # The record forgets the time.
    assert cost("secret", "Zeppelin IV") == cost("other", "Ferry III") + 1


# The secret


def test_the_secret_is_made_once_and_by_whom_first_needs_it(room: Newsroom) -> None:
    publish(room, "secret", **DRAFT)
    made = room.s3.get_object(Bucket=SOURCE, Key=addresses.PREVIEW_SECRET)["Body"].read()
    assert len(made) == 32
    publish(room, "other", **DRAFT)
    state = room.s3.list_object_versions(Bucket=SOURCE, Prefix=addresses.PREVIEW_SECRET)
    assert len(state["Versions"]) == 1
    assert address(room) == addresses.preview_key(addresses.preview_token(made, "secret"))
    assert address(room) != address(room, "articles/other.json")
    assert addresses.previewed(address(room))


def test_two_that_make_it_at_once_have_the_same(room: Newsroom) -> None:
    made: list[bytes] = []

    def gate(name: str, params: dict[str, Any]) -> None:
        if name == "PutObject" and params["Key"] == addresses.PREVIEW_SECRET and not made:
            made.append(b"s" * 32)
            room.s3.put_object(Bucket=SOURCE, Key=addresses.PREVIEW_SECRET, Body=made[0])

    room.gate = gate
    publish(room, "secret", **DRAFT)
    assert made
    assert address(room) == addresses.preview_key(addresses.preview_token(made[0], "secret"))
    room.assert_converged()


def test_a_secret_that_can_be_guessed_is_none(room: Newsroom) -> None:
    room.s3.put_object(Bucket=SOURCE, Key=addresses.PREVIEW_SECRET, Body=b"sesame")
    publish(room, "secret", **DRAFT)
    assert address(room) != addresses.preview_key(addresses.preview_token(b"sesame", "secret"))
    room.assert_converged()


def test_a_lost_secret_moves_all_previews_and_leaves_nothing_behind(room: Newsroom) -> None:
    publish(room, "secret", **DRAFT)
    publish(room, "other", **DRAFT)
    before = previews(room)
    room.s3.delete_object(Bucket=SOURCE, Key=addresses.PREVIEW_SECRET)
    assert room.deliver("site.json") == DONE
    after = previews(room)
    assert len(after) == 2
    assert not before & after
    room.assert_converged()


def test_a_secret_that_is_lost_while_it_is_used_is_used_no_more(room: Newsroom) -> None:
    publish(room, "secret", **DRAFT)
    before = address(room)

    def gate(name: str, params: dict[str, Any]) -> None:
        if name == "PutObject" and params["Key"] == before:
            room.gate = None
            room.s3.delete_object(Bucket=SOURCE, Key=addresses.PREVIEW_SECRET)
            publish(room, "other", **DRAFT)

    room.gate = gate
    assert room.deliver(KEY) == DONE
    assert room.gate is None
    assert previews(room) == {address(room), address(room, "articles/other.json")}
    assert before not in previews(room)
    room.assert_converged()


# Crashes, and others at the same time


def first(room: Newsroom) -> list[str]:
    """The very first: neither secret nor record are there."""
    room.s3.delete_object(Bucket=SOURCE, Key=addresses.PREVIEW_SECRET)
    room.s3.delete_object(Bucket=SITE, Key=addresses.record_key("secret"))
    return [room.upload("secret", **DRAFT)]


def changed(room: Newsroom) -> list[str]:
    publish(room, "secret", **DRAFT)
    return [room.upload("secret", **DRAFT | {"title": "Zeppelin II"})]


def published(room: Newsroom) -> list[str]:
    publish(room, "secret", **DRAFT)
    return [room.upload("secret", **FIELDS)]


def released(room: Newsroom) -> list[str]:
    publish(room, "secret", **SCHEDULED | {"preview_until": TWO.isoformat()})
    room.now = TWO
    room.due()
    return [KEY]


def over(room: Newsroom) -> list[str]:
    publish(room, "secret", **DRAFT)
    room.now = ONE
    room.due()
    return [KEY]


def hidden_again(room: Newsroom) -> list[str]:
    publish(room, "secret", **FIELDS)
    return [room.upload("secret", **DRAFT)]


def deleted(room: Newsroom) -> list[str]:
    publish(room, "secret", **DRAFT)
    return [room.delete("secret")]


def moved(room: Newsroom) -> list[str]:
    publish(room, "secret", **DRAFT)
    return [room.upload("moved", **DRAFT), room.delete("secret")]


def said(room: Newsroom, key: str) -> dict[str, Any]:
    """A receipt, but for what another upload, or another secret, changes."""
    receipt = room.receipt(key)
    return receipt | {name: "" for name in ("upload", "preview_url") if name in receipt}


def few_of(calls: int, name: str) -> range:
    """Fewer than other tests take: there are many steps, and the simulation takes each call."""
    return some_of(calls, name)[::3]


def again(room: Newsroom, step: Callable[[Newsroom], list[str]]) -> list[str]:
    """Take a step from where nothing of its articles is there."""
    room.now = NOON
    assert room.deliver(room.delete("secret"), room.delete("moved")) == DONE
    return step(room)


@pytest.mark.parametrize(
    ("step", "by"),
    [
        (first, "paths"),
        (changed, "tags"),
        (published, "paths"),
        (released, "tags"),
        (over, "paths"),
        (hidden_again, "tags"),
        (deleted, "tags"),
        (moved, "paths"),
    ],
)
def test_a_crash_at_any_call_leaves_nothing_early_stale_or_forgotten(
    room: Newsroom,
    monkeypatch: pytest.MonkeyPatch,
    step: Callable[[Newsroom], list[str]],
    by: str,
) -> None:
    monkeypatch.setenv("INVALIDATE_BY", by)
    # What is counted is a second time, as secret and records are made but once.
    for _ in range(2):
        keys = again(room, step)
        before = room.calls.total()
        assert room.deliver(*keys) == DONE
        calls = room.calls.total() - before
    wanted, receipts = room.schedules(), [said(room, key) for key in keys]
    for n in few_of(calls, step.__name__ + by):
        keys = again(room, step)
        room.gate = crash_at(n)
        with pytest.raises(Crash):
            room.deliver(event={"Records": [sqs_record("0", keys)]})
        room.gate = None
        assert room.deliver(*keys) == DONE
        assert room.schedules() == wanted
        assert [said(room, key) for key in keys] == receipts
        room.assert_converged()


def other_deletes(room: Newsroom) -> list[str]:
    return [room.delete("secret")]


def other_publishes(room: Newsroom) -> list[str]:
    return [room.upload("secret", **FIELDS)]


def other_drafts(room: Newsroom) -> list[str]:
    return [room.upload("secret", **DRAFT | {"body": "Xylophone, in tune."})]


def time_passes(room: Newsroom) -> list[str]:
    room.now = ONE
    room.due()
    return [KEY]


@pytest.mark.parametrize(
    ("step", "other"),
    [
        (first, other_deletes),
        (first, time_passes),
        (changed, other_deletes),
        (changed, other_publishes),
        (published, other_drafts),
        (hidden_again, other_publishes),
        (deleted, other_drafts),
        (deleted, other_publishes),
    ],
)
def test_another_invocation_at_any_call_leaves_nothing_early_stale_or_forgotten(
    room: Newsroom,
    step: Callable[[Newsroom], list[str]],
    other: Callable[[Newsroom], list[str]],
) -> None:
    keys = again(room, step)
    before = room.calls.total()
    assert room.deliver(*keys) == DONE
    calls = room.calls.total() - before
    for n in few_of(calls, step.__name__ + other.__name__):
        keys = again(room, step)
        room.gate = interrupt_at(n, room, other)
        assert room.deliver(*keys) == DONE
        room.gate = None
        # One path that one publishes and another removes may be missed for a moment.
        room.assert_converged(excepted=["articles/secret", "articles/secret/card.png"])
        room.turn(THREE)
        assert room.schedules() == {}
        assert previews(room) == set()


# Records


def test_a_record_comes_back_as_it_was_stored() -> None:
    token = "a" * 32
    for record in (
        Record(previews=frozenset({token})),
        Record(unseen=True, untold=True, previews=frozenset({token, "b" * 32})),
    ):
        assert Record.of(Stored(record.to_bytes(), "e")) == record


# Verifying


def verify(room: Newsroom) -> list[tuple[str, str]]:
    """What a verify finds; another repairs it, in sight of the CDN."""
    found = []
    environ = Settings.from_environment(dict(os.environ))
    verifier = Verifier(Store(environ, now=lambda: room.now), environ)
    for _, step in verifier.steps(Walk(), repair=False):
        found += [(difference.key, difference.what) for difference in step.differences]
    if found:
        assert room.deliver(event={"verify": {}}) == DONE
    return found


@pytest.fixture
def secret(room: Newsroom) -> str:
    """A draft and its preview; the preview's key."""
    publish(room, "secret", **DRAFT)
    assert verify(room) == []
    return address(room)


def test_verify_finds_nothing_once_it_is_over(room: Newsroom, secret: str) -> None:
    room.turn(ONE)
    assert secret not in room.site()
    assert verify(room) == []


@pytest.mark.parametrize("body", [None, b"<p>defaced</p>"])
def test_verify_restores_one_that_is_lost_or_defaced(
    room: Newsroom, secret: str, body: bytes | None
) -> None:
    if body:
        room.s3.put_object(Bucket=SITE, Key=secret, Body=body)
    else:
        room.s3.delete_object(Bucket=SITE, Key=secret)
    assert (secret, "differs" if body else "is missing") in verify(room)
    assert verify(room) == []
    room.assert_converged()


def test_verify_sets_the_schedule_of_its_end(room: Newsroom, secret: str) -> None:
    room._group().clear()  # noqa: SLF001 (as nobody can by accident)
    assert [what for _, what in verify(room)] == ["is missing or differs"]
    assert room.schedules() == {KEY: ONE}
    room.turn(ONE)
    assert secret not in room.site()


def test_verify_takes_down_what_a_lost_schedule_has_left(room: Newsroom, secret: str) -> None:
    room._group().clear()  # noqa: SLF001 (as nobody can by accident)
    room.now = ONE
    assert (secret, "should not exist") in verify(room)
    assert previews(room) == set()
    room.assert_converged()


@pytest.mark.parametrize("queue", [True, False])
def test_verify_removes_what_is_no_articles_preview(
    room: Newsroom, secret: str, monkeypatch: pytest.MonkeyPatch, *, queue: bool
) -> None:
    if queue:
        for name in ("QUEUE_URL", "MEDIA_QUEUE_URL"):
            url = boto3.client("sqs").create_queue(QueueName=name.lower())["QueueUrl"]
            monkeypatch.setenv(name, url)
    key = addresses.preview_key("z" * 32)
    room.s3.put_object(Bucket=SITE, Key=key, Body=b"x")
    copy = room._origin(key)  # noqa: SLF001 (as a reader gets it)
    assert copy
    room.cdn[key] = copy
    assert room.deliver(event={"verify": {}}) == DONE
    if queue:
        room.work_off()
    assert previews(room) == {secret}
    assert not [key for key in room.keys(SOURCE) if "zzz" in key]
    room.assert_converged()


def test_verify_leaves_what_has_become_a_preview_since(room: Newsroom, secret: str) -> None:
    body = json.dumps({"reconcile": {"keys": [secret], "by_path": True}})
    assert room.deliver(event={"Records": [{"messageId": "1", "body": body}]}) == DONE
    assert previews(room) == {secret}
    room.assert_converged()


@pytest.mark.parametrize("fields", [DRAFT, FIELDS, None])
def test_verify_finds_previews_that_secret_and_record_have_forgotten(
    room: Newsroom, secret: str, fields: dict[str, Any] | None
) -> None:
    room.s3.delete_object(Bucket=SOURCE, Key=addresses.PREVIEW_SECRET)
    room.s3.delete_object(Bucket=SITE, Key=addresses.record_key("secret"))
    if fields:
        publish(room, "secret", **fields)
    else:
        room.deliver(room.delete("secret"))
    assert secret in room.site()
    assert (secret, "should not exist") in verify(room)
    assert secret not in previews(room)
    assert verify(room) == []
    room.assert_converged()


def test_verify_finds_a_record_that_has_forgotten_one(room: Newsroom, secret: str) -> None:
    key = addresses.record_key("secret")
    room.s3.delete_object(Bucket=SITE, Key=key)
    assert (key, "lacks a preview") in verify(room)
    room.deliver(room.delete("secret"))
    assert secret not in room.site()
    room.assert_converged()
