"""Which keys events name: those recorded in events/, and some that nobody should send."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from broadsheet.notifications import Message, is_batch, messages_of
from broadsheet.verify import Walk
from tests import recorded
from tests.recorded import BUCKET

REQUEST = "request-1"
UNREADABLE = "unreadable"
LONG_READ = "articles/2026/09/the-long-way-to-a-new-light.json"

# What each message of each recorded event names.
EXPECTED: dict[str, list[list[str] | str]] = {
    "eventbridge-object-created.json": [["articles/2026/11/minato-no-asaichi.json"]],
    "eventbridge-object-deleted.json": [["articles/2026/10/library-of-things.json"]],
    "s3-awkward-keys.json": [
        [
            "articles/2026/06/notice-to-readers.json",
            "articles/2026/11/The Ferry Is Late.json",
            "articles/2026/11/fünf-möwen.json",
            "articles/2026/11/港の朝市.json",
            "articles/2026/11/100%-wool+cotton.json",
            "articles/../_index/site.json",
            "articles/2026/11/../../../site.json",
            "articles//double-slash.json",
            "articles/.json",
            "articles/2026/11/",
            "articles/2026/11/notes.txt",
        ]
    ],
    "s3-delete.json": [["articles/power-restored-sellow.json"]],
    "s3-lifecycle-expiration.json": [
        [
            "articles/2026/11/tides-and-weather-week-48.json",
            "articles/2026/10/tides-and-weather-week-44.json",
        ]
    ],
    "s3-put.json": [["articles/2026/10/harbour-ferry-timetable.json"]],
    "s3-several-records.json": [
        [
            "articles/2026/11/gale-takes-the-bandstand-roof.json",
            "articles/power-restored-sellow.json",
            LONG_READ,
            "articles/2026/06/puffin-count.json",
        ]
    ],
    "s3-test-event.json": [[]],
    "sqs-garbage.json": [UNREADABLE, UNREADABLE, ["articles/sport/2026/sellow-regatta.json"]],
    "sqs-s3-delete.json": [["articles/2026/07/old-bridge-new-bats.json"]],
    "sqs-s3-put.json": [["articles/2026/11/harbour-wall-to-rise.json"]],
    "sqs-s3-several-records.json": [
        [LONG_READ],
        [
            "articles/2026/08/swimming-pool-vote.json",
            "articles/guides/how-we-report.json",
            "articles/2026/06/puffin-count.json",
        ],
        ["articles/arts/a-tide-organ-for-the-breakwater.json"],
        [LONG_READ],
    ],
    "sqs-s3-test-event.json": [[]],
    "sqs-site-json.json": [["site.json"]],
}


def s3_event(*keys: str, **fields: Any) -> dict[str, Any]:
    """An S3 notification of keys as they are sent, that is encoded; fields replace a record's."""
    return {
        "Records": [
            {
                "eventTime": "2026-05-04T07:30:00.000Z",
                "s3": {"bucket": {"name": BUCKET}, "object": {"key": key}},
            }
            | fields
            for key in keys
        ]
    }


def bridge_event(key: str) -> dict[str, Any]:
    detail = {"bucket": {"name": BUCKET}, "object": {"key": key}}
    return {"source": "aws.s3", "time": "2026-05-04T07:30:00Z", "detail": detail}


def batch(*bodies: Any) -> dict[str, Any]:
    """An SQS batch; a body that is no text is sent as JSON."""
    texts = [body if isinstance(body, str) else json.dumps(body) for body in bodies]
    return {"Records": [{"messageId": f"m{i}", "body": text} for i, text in enumerate(texts)]}


def only(event: dict[str, Any]) -> Message:
    (message,) = messages_of(event, BUCKET, REQUEST)
    return message


def test_every_recorded_event_is_expected_here() -> None:
    assert sorted(EXPECTED) == recorded.NAMES


@pytest.mark.parametrize("name", recorded.NAMES)
def test_a_recorded_event_names_these_keys(name: str) -> None:
    messages = messages_of(recorded.event(name), BUCKET, REQUEST)

    found = [UNREADABLE if message.fault else list(message.keys) for message in messages]
    assert found == EXPECTED[name]


@pytest.mark.parametrize("name", recorded.NAMES)
def test_messages_have_the_ids_that_aws_wants_back(name: str) -> None:
    event = recorded.event(name)
    ids = [message.id for message in messages_of(event, BUCKET, REQUEST)]

    if name.startswith("sqs-"):
        assert is_batch(event)
        assert ids == [record["messageId"] for record in event["Records"]]
    else:
        assert not is_batch(event)
        assert ids == [REQUEST]


@pytest.mark.parametrize("name", recorded.NAMES)
def test_of_another_bucket_nothing_is_taken(name: str) -> None:
    messages = messages_of(recorded.event(name), "another-bucket", REQUEST)

    assert [key for message in messages for key in message.keys] == []
    assert [message.happened_at for message in messages] == [None] * len(messages)


@pytest.mark.parametrize(
    ("sent", "key"),
    [
        ("articles%2Fa.json", "articles/a.json"),
        ("articles/a+b.json", "articles/a b.json"),
        ("articles/a%2Bb.json", "articles/a+b.json"),
        ("articles/a%2520b.json", "articles/a%20b.json"),
        ("articles/caf%C3%A9.json", "articles/café.json"),
        ("articles/100%.json", "articles/100%.json"),
        ("site.json", "site.json"),
        ("site%2Ejson", "site.json"),
    ],
)
def test_keys_of_s3_are_decoded_once(sent: str, key: str) -> None:
    assert only(s3_event(sent)).keys == (key,)


@pytest.mark.parametrize("key", ["articles/a+b.json", "articles/a%2Fb.json", "articles/é .json"])
def test_keys_of_eventbridge_are_taken_as_they_are(key: str) -> None:
    assert only(bridge_event(key)).keys == (key,)


@pytest.mark.parametrize(
    "key", ["article/a.json", "Articles/a.json", "/articles/a.json", "a/site.json", "", "articles"]
)
def test_nothing_outside_the_articles_and_site_json_counts(key: str) -> None:
    assert only(s3_event(key)) == Message(
        REQUEST, happened_at=datetime(2026, 5, 4, 7, 30, tzinfo=UTC)
    )


@pytest.mark.parametrize("letter", ["a", "é", "港"])
def test_no_key_is_longer_than_s3_allows(letter: str) -> None:
    room = 1024 - len("articles/.json")
    fits = letter * (room // len(letter.encode()))
    fits += "x" * (room - len(fits.encode()))

    assert len(only(bridge_event(f"articles/{fits}.json")).keys) == 1
    assert only(bridge_event(f"articles/{fits}x.json")).keys == ()


def test_a_key_that_is_named_twice_is_taken_once() -> None:
    message = only(s3_event("articles/b.json", "articles/a.json", "articles%2Fb.json"))

    assert message.keys == ("articles/b.json", "articles/a.json")


def test_an_event_happened_when_its_first_record_did() -> None:
    event = s3_event("articles/a.json", "articles/b.json", "articles/c.json")
    for record, time in zip(
        event["Records"], ("08:00:01Z", "08:00:00.5Z", "10:00:02+02:00"), strict=True
    ):
        record["eventTime"] = f"2026-05-04T{time}"

    assert only(event).happened_at == datetime(2026, 5, 4, 8, 0, 0, 500_000, tzinfo=UTC)


def test_a_time_without_an_offset_is_utc() -> None:
    event = s3_event("articles/a.json", eventTime="2026-05-04T08:00:00")

    assert only(event).happened_at == datetime(2026, 5, 4, 8, tzinfo=UTC)


def test_messages_of_one_batch_are_told_apart() -> None:
    event = batch(
        s3_event("articles/a.json"), bridge_event("articles/b.json"), {"Event": "s3:TestEvent"}
    )

    found = [(message.id, message.keys) for message in messages_of(event, BUCKET, REQUEST)]
    assert found == [("m0", ("articles/a.json",)), ("m1", ("articles/b.json",)), ("m2", ())]


def test_the_functions_own_messages_name_keys_or_go_on_behind_one() -> None:
    event = batch(
        {"reconcile": {"keys": ["articles/a+b.json", "elsewhere/c.json"]}},
        {"reconcile": {"after": "articles/a.json"}},
    )
    keys, after = messages_of(event, BUCKET, REQUEST)

    assert (keys.keys, keys.after) == (("articles/a+b.json",), None)
    assert (after.keys, after.after) == ((), "articles/a.json")


def test_what_is_asked_for_twice_differently_stands_apart_in_the_report() -> None:
    event = batch(s3_event("articles/a.json"), {"reconcile": {"after": "articles/a.json"}})
    first, second = messages_of(event, BUCKET, REQUEST)

    assert not set(first.asked) & set(second.asked)


@pytest.mark.parametrize(
    "body",
    [
        "",
        "The boat is in.",
        "{",
        "[" * 100_000,
        "null",
        "[]",
        "7",
        '"articles/a.json"',
        {},
        {"Records": None},
        {"Records": "none today"},
        {"Records": [None]},
        {"Records": [{}]},
        {"Records": [{"s3": {"bucket": {"name": BUCKET}}}]},
        s3_event("articles/a.json", eventTime="yesterday"),
        s3_event("articles/a.json", eventTime=None),
        s3_event("articles/a.json", s3={"bucket": {"name": BUCKET}, "object": {"key": 7}}),
        {"source": "aws.s3", "detail": None},
        bridge_event(7),  # type: ignore[arg-type]  # as garbage has it
        bridge_event("articles/\ud800.json"),
        {"reconcile": {}},
        {"reconcile": {"keys": None}},
        {"reconcile": {"keys": [7]}},
        {"reconcile": {"keys": "articles/a.json"}},
        {"reconcile": {"after": 7}},
        {"reconcile": {"after": None}},
    ],
    ids=lambda body: repr(body)[:60],
)
def test_garbage_is_a_fault_of_its_own_message_alone(body: Any) -> None:
    event = batch(s3_event("articles/a.json"), body, s3_event("articles/b.json"))
    before, garbage, after = messages_of(event, BUCKET, REQUEST)

    assert garbage.fault
    assert garbage.keys == ()
    assert garbage.after is None
    assert (before.keys, after.keys) == (("articles/a.json",), ("articles/b.json",))


@pytest.mark.parametrize("event", [{}, {"Records": []}, {"Records": [None]}, {"Records": "x"}])
def test_an_event_that_is_neither_is_no_batch(event: dict[str, Any]) -> None:
    assert not is_batch(event)
    assert [message.keys for message in messages_of(event, BUCKET, REQUEST)] == [()]


# The function's own messages


@pytest.mark.parametrize(
    ("body", "walk"),
    [
        ({"verify": {}}, Walk("indexes", "")),
        ({"verify": {"part": "objects", "after": "a"}}, Walk("objects", "a")),
    ],
)
def test_a_message_may_ask_for_a_step_of_verifying(body: Any, walk: Walk) -> None:
    (message,) = messages_of(batch(body), BUCKET, REQUEST)

    assert message.walk == walk
    assert message.asked == (str(walk),)
    assert messages_of(batch({"verify": walk.to_json()}), BUCKET, REQUEST)[0].walk == walk


@pytest.mark.parametrize(("option", "by_path"), [({}, False), ({"by_path": True}, True)])
def test_a_message_may_ask_for_invalidation_by_path(option: Any, by_path: bool) -> None:  # noqa: FBT001 (a parameter)
    body = {"reconcile": {"keys": ["articles/a.json"], **option}}
    (message,) = messages_of(batch(body), BUCKET, REQUEST)

    assert message.keys == ("articles/a.json",)
    assert message.by_path is by_path
