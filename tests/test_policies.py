"""What the function may do: its role in `template.yaml`, judged as IAM judges it.

That every call of the function is allowed is checked wherever a test calls it: see Newsroom. Here
is checked that nothing else is: a day of a newsroom must need all that the role allows.
"""

from __future__ import annotations

import ast
import os
from dataclasses import replace
from datetime import UTC, datetime
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING
from unittest.mock import patch

import boto3
import pytest

import media
from broadsheet import store
from tests.cloudformation import listed, notifications, notified, properties, role
from tests.iam import Request, Statement, is_allowed
from tests.newsroom import (
    DONE,
    SCHEDULING,
    Newsroom,
    failed,
    make_group,
    publish,
    refusing,
    sqs_record,
    status,
)
from tests.newsroom import SOURCE as SOURCE_BUCKET
from tests.policies import (
    ACCOUNT,
    MACHINE,
    REGION,
    STACK,
    TLS,
    AccessDenied,
    Deployment,
    demands,
    present,
)

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.usefixtures("hurry")

# What the role allows that no call of the function needs, and who needs it.
OF_OTHERS = {
    "sqs:ReceiveMessage": "Lambda polls the queue with the function's role",
    "sqs:DeleteMessage": "Lambda deletes what was worked off",
    "sqs:GetQueueAttributes": "Lambda reads how long the queue is, to scale",
    "logs:CreateLogStream": "Lambda opens a stream of the log for each sandbox",
    "logs:PutLogEvents": "Lambda writes the log",
    "xray:PutTraceSegments": "the X-Ray daemon in the sandbox sends traces",
    "xray:PutTelemetryRecords": "the X-Ray daemon in the sandbox says how it is",
}
# Likewise of the state machine's role: Step Functions itself runs the map and writes its results.
OF_THE_MAP = {
    "states:StartExecution",
    "states:DescribeExecution",
    "states:StopExecution",
    "s3:GetObject",
    "s3:ListMultipartUploadParts",
    "s3:AbortMultipartUpload",
}
HERE = Deployment()
SOURCE, SITE = HERE.names["SourceBucket.Arn"], HERE.names["SiteBucket.Arn"]


PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c4944415408d763f8cfc0"
    "000003010100c9fe92ef0000000049454e44ae426082"
)

# A day of a newsroom, in which the functions have to make every kind of call. Its steps follow each
# other on one site.


def _a_first_article(newsroom: Newsroom) -> None:
    publish(newsroom, "a", topics=["Harbour", "Ferries"])


def _site_json_makes_every_article_anew(newsroom: Newsroom) -> None:
    publish(newsroom, "b", topics=["Harbour"])
    newsroom.upload_bytes("site.json", b'{"name": "The Harbour", "search": false}')
    assert newsroom.deliver("site.json") == DONE
    newsroom.upload_bytes("site.json", b'{"name": "The Harbour"}')
    assert newsroom.deliver("site.json") == DONE
    newsroom.work_off()
    assert "The Harbour" in newsroom.page("articles/b/index.html")
    with patch.dict(os.environ, {"REBUILD_MACHINE_ARN": MACHINE}):
        assert newsroom.deliver("site.json") == DONE


def _an_update_and_a_move(newsroom: Newsroom) -> None:
    publish(newsroom, "a", topics=["Harbour", "Ferries"], title="Ferry stops again")
    publish(newsroom, "b", topics=["Weather"], published_at="2025-12-24T00:00:00Z")
    publish(newsroom, "a", topics=["Harbour"], published_at="2026-01-01T00:00:00Z")
    assert "topics/ferries/index.html" not in newsroom.site()


def _bad_uploads_after_good_ones(newsroom: Newsroom) -> None:
    publish(newsroom, "a", title="")
    newsroom.upload_bytes("site.json", b"{")
    assert newsroom.deliver("site.json") == DONE
    assert status(newsroom, "site.json") == "rejected"
    newsroom.work_off()


def _a_key_without_an_address(newsroom: Newsroom) -> None:
    newsroom.upload_bytes("articles/A B.json", b"{}")
    assert newsroom.deliver("articles/A+B.json") == DONE


def _a_throttled_invalidation(newsroom: Newsroom) -> None:
    record = sqs_record("1", [newsroom.upload("a", title="Ferry sails")]) | {"receiptHandle": "1"}
    newsroom.gate = refusing(os.environ["DISTRIBUTION_ID"], code="TooManyInvalidationsInProgress")
    assert failed(newsroom.deliver(event={"Records": [record]})) == ["1"]
    newsroom.gate = None
    assert newsroom.deliver(event={"Records": [record]}) == DONE


def _the_site_is_verified(newsroom: Newsroom) -> None:
    # What somebody else has taken away and added.
    newsroom.s3.delete_object(Bucket=newsroom.site_bucket, Key="articles/b/index.html")
    newsroom.s3.put_object(Bucket=newsroom.site_bucket, Key="topics/x/index.html", Body=b"x")
    assert newsroom.deliver(event={"verify": {}}) == DONE
    newsroom.work_off()
    assert {"articles/b/index.html", "topics/x/index.html"} & set(newsroom.site()) == {
        "articles/b/index.html"
    }


def _a_picture_comes_changes_and_goes(newsroom: Newsroom) -> None:
    key = "media/a.png"
    record = sqs_record("1", [newsroom.upload_bytes(key, PNG)]) | {"receiptHandle": "1"}
    newsroom.gate = refusing(f"receipts/{key}", times=1)
    assert failed(newsroom.deliver_media(event={"Records": [record]})) == ["1"]
    publish(newsroom, "a", topics=["Harbour"], image={"src": key, "alt": ""})
    assert newsroom.deliver_media(event={"Records": [record]}) == DONE
    assert newsroom.deliver_media(newsroom.upload_bytes(key, b"<svg/>")) == DONE
    newsroom.work_off()
    newsroom.s3.delete_object(Bucket=SOURCE_BUCKET, Key=key)
    # The event never came: only a comparison finds it.
    assert newsroom.deliver(event={"verify": {}}) == DONE
    newsroom.work_off()
    assert not [key for key in newsroom.site() if key.startswith("media/")]


def _old_addresses_lead_on(newsroom: Newsroom) -> None:
    publish(newsroom, "a", topics=["Harbour"], aliases=["/2019/old/", "/articles/was/"])
    publish(newsroom, "b", topics=["Harbour"], aliases=["/2019/old/"], status="withdrawn")
    publish(newsroom, "a", topics=["Harbour"])
    assert newsroom.redirects() == {"/2019/old": "/articles/b/"}
    publish(newsroom, "b", topics=["Harbour"], aliases=[])
    assert newsroom.deliver(event={"verify": {}}) == DONE
    newsroom.work_off()


def _articles_wait_for_their_time(newsroom: Newsroom) -> None:
    newsroom.now = datetime(2027, 1, 1, tzinfo=UTC)
    publish(newsroom, "later", published_at="2027-01-02T00:00:00Z")
    # Once more, and for another time.
    assert newsroom.deliver("articles/later.json") == DONE
    publish(newsroom, "later", published_at="2027-01-03T00:00:00Z")
    assert newsroom.deliver(event={"verify": {}}) == DONE
    newsroom.work_off()
    newsroom.turn(datetime(2027, 1, 3, tzinfo=UTC))
    assert status(newsroom, "articles/later.json") == "published"
    assert newsroom.deliver(newsroom.delete("later")) == DONE


def _a_draft_has_a_preview(newsroom: Newsroom) -> None:
    publish(newsroom, "draft", status="draft", preview_until="2027-01-04T00:00:00Z")
    stray = f"previews/{'a' * 32}/index.html"
    newsroom.s3.put_object(Bucket=newsroom.site_bucket, Key=stray, Body=b"x")
    assert newsroom.deliver(event={"verify": {}}) == DONE
    newsroom.work_off()
    assert len([key for key in newsroom.site() if key.startswith("previews/")]) == 1
    newsroom.turn(datetime(2027, 1, 4, tzinfo=UTC))
    assert not [key for key in newsroom.site() if key.startswith("previews/")]


def _everything_goes(newsroom: Newsroom) -> None:
    publish(newsroom, "a", status="withdrawn")
    publish(newsroom, "b", status="draft")
    assert newsroom.deliver(newsroom.delete("a"), newsroom.delete("b")) == DONE
    assert not [key for key in newsroom.site() if key.startswith(("articles/", "20", "topics/"))]


DAY: list[Callable[[Newsroom], None]] = [
    _a_first_article,
    _site_json_makes_every_article_anew,
    _an_update_and_a_move,
    _bad_uploads_after_good_ones,
    _a_key_without_an_address,
    _a_throttled_invalidation,
    _the_site_is_verified,
    _a_picture_comes_changes_and_goes,
    _old_addresses_lead_on,
    _articles_wait_for_their_time,
    _a_draft_has_a_preview,
    _everything_goes,
]


# It is the same evening for all that ask of it.
one_evening = pytest.mark.xdist_group("evening")
_evening: list[tuple[Newsroom, dict[str, str]]] = []


@pytest.fixture
def evening(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Newsroom:
    """A newsroom that has had its day, of which only what it counted is left; its environment."""
    if not _evening:
        newsroom = request.getfixturevalue("newsroom")
        _live_a_day(newsroom, monkeypatch)
        names = ("DISTRIBUTION_ID", "QUEUE_URL", "MEDIA_QUEUE_URL", "EVENT_BUS", *SCHEDULING)
        _evening.append((newsroom, {name: os.environ[name] for name in names}))
    newsroom, environ = _evening[0]
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    return newsroom


def _live_a_day(newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("QUEUE_URL", "MEDIA_QUEUE_URL"):
        queue = boto3.client("sqs").create_queue(QueueName=name.lower())
        monkeypatch.setenv(name, queue["QueueUrl"])
    boto3.client("stepfunctions").create_state_machine(
        name=f"{STACK}-rebuild", definition="{}", roleArn=f"arn:aws:iam::{ACCOUNT}:role/rebuild"
    )
    monkeypatch.setattr(media, "SWEEP_AFTER", 0)
    monkeypatch.setenv("EVENT_BUS", "default")
    for name, value in SCHEDULING.items():
        monkeypatch.setenv(name, value)
    make_group()
    for step in DAY:
        step(newsroom)
    newsroom.assert_converged()


def grants(statement: Statement) -> list[Statement]:
    """The least that a statement is made of: one action on one resource, on one condition."""
    wanted = product(*([(op, key, (v,)) for v in vs] for op, key, vs in statement.conditions))
    return [
        Statement(statement.sid, statement.effect, (action,), (resource,), conditions)
        for action, resource, conditions in product(statement.actions, statement.resources, wanted)
    ]


def unneeded(allowed: list[Statement], needed: set[Request]) -> list[str]:
    """The grants without which everything needed would still be allowed."""
    return [
        f"{grant.sid}: {grant.actions[0]} on {grant.resources[0]} {grant.conditions or ''}"
        for grant in allowed
        if all(is_allowed(one, [g for g in allowed if g is not grant]) for one in needed)
    ]


@one_evening
@pytest.mark.parametrize("function", ["Publish", "Media", "Ping"])
def test_a_role_allows_nothing_that_no_call_needs(evening: Newsroom, function: str) -> None:
    allowed = [grant for one in present(function).role() for grant in grants(one)]
    ours = [grant for grant in allowed if grant.actions[0] not in OF_OTHERS]

    assert unneeded(ours, evening.needed[function]) == []
    assert {grant.actions[0] for grant in allowed} - {grant.actions[0] for grant in ours} == set(
        OF_OTHERS
    )


@one_evening
def test_a_grant_too_many_is_noticed(evening: Newsroom) -> None:
    allowed = [grant for one in present().role() for grant in grants(one)]
    ours = [grant for grant in allowed if grant.actions[0] not in OF_OTHERS]
    elsewhere = Statement("Extra", "Allow", ("s3:GetObject",), ("arn:aws:s3:::source-bucket/x/*",))
    twice = Statement("Extra", "Allow", ("s3:PutObject",), ("arn:aws:s3:::site-bucket/index.html",))

    assert unneeded([*ours, elsewhere], evening.needed["Publish"]) == [
        "Extra: s3:GetObject on arn:aws:s3:::source-bucket/x/* "
    ]
    assert "Extra: s3:PutObject on arn:aws:s3:::site-bucket/index.html " in unneeded(
        [*ours, twice], evening.needed["Publish"]
    )


@one_evening
def test_the_day_has_every_call_that_the_code_can_make(evening: Newsroom) -> None:
    tree = ast.parse(Path(store.__file__).read_text(encoding="utf-8"))
    methods = {
        node.func.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Attribute)
        and node.func.value.attr
        in {"_s3", "_cloudfront", "sqs", "events", "redirects", "scheduler", "states"}
    }

    assert set(evening.calls) == {
        "".join(word.capitalize() for word in method.split("_")) for method in methods
    }


# That a call which is not allowed fails its test


@pytest.mark.parametrize(
    ("sid", "says"),
    [
        ("ReadSource", "s3:GetObject on arn:aws:s3:::source-bucket/site.json"),
        ("TellMissingFromForbidden", "s3:ListBucket on arn:aws:s3:::source-bucket"),
        ("KeepState", "s3:GetObject on arn:aws:s3:::site-bucket/_record/articles/a.json"),
        ("WritePages", "s3:PutObject on arn:aws:s3:::site-bucket/articles/a/card.png"),
        ("WriteReceipts", "s3:PutObject on arn:aws:s3:::source-bucket/receipts/articles/a.json"),
    ],
)
def test_a_call_that_is_not_allowed_fails_its_test(
    newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch, sid: str, says: str
) -> None:
    _take_away(sid, monkeypatch)
    key = newsroom.upload("a")

    with pytest.raises(AccessDenied) as denied:
        newsroom.deliver(key)

    assert str(denied.value) == f"{says} (aws:SecureTransport = 'true')"


def test_it_does_so_from_a_thread_too(newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch) -> None:
    _take_away("KeepState", monkeypatch)
    monkeypatch.setenv("PARALLEL_CALLS", "8")
    key = newsroom.upload("a")

    with pytest.raises(AccessDenied, match=r"_record/articles/a\.json"):
        newsroom.deliver(key)


def _take_away(sid: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        Deployment,
        "demand",
        lambda here, request: _demanded([one for one in here.role() if one.sid != sid], request),
    )


def _demanded(statements: list[Statement], request: Request) -> Request:
    if not is_allowed(request, statements):
        raise AccessDenied(str(request))
    return request


def test_a_call_that_nobody_knows_fails_its_test() -> None:
    with pytest.raises(AccessDenied, match="CopyObject"):
        demands("CopyObject", {"Bucket": "b", "Key": "k"})
    with pytest.raises(AccessDenied, match="ACL"):
        demands("PutObject", {"Bucket": "b", "Key": "k", "ACL": "public-read"})


# What the role can't do, whoever has it


@pytest.mark.parametrize(
    ("action", "resource"),
    [
        ("s3:PutObject", f"{SOURCE}/media/a.jpg"),
        ("s3:DeleteObject", f"{SOURCE}/media/a.jpg"),
        ("s3:GetObject", f"{SOURCE}/articles/a.json"),
        ("s3:PutObject", f"{SOURCE}/receipts/articles/a.json"),
        ("s3:PutObject", f"{SITE}/index.html"),
        ("s3:PutObject", f"{SITE}/articles/a/index.html"),
        ("s3:DeleteObject", f"{SITE}/articles/a/index.html"),
        ("s3:PutObject", f"{SITE}/_index/site.json"),
        ("s3:DeleteObject", f"{SITE}/_media/a.jpg.json"),
        ("sqs:ReceiveMessage", HERE.names["PublishQueue.Arn"]),
        ("sqs:SendMessage", HERE.names["DeadLetterQueue.Arn"]),
    ],
)
def test_the_role_of_the_media_function_can_not(action: str, resource: str) -> None:
    here = replace(HERE, function="Media")

    assert not is_allowed(Request(action, resource, (TLS,)), here.everything())


@pytest.mark.parametrize(
    ("action", "resource"),
    [
        # The articles are safe from the function, and so are their earlier versions.
        ("s3:PutObject", f"{SOURCE}/articles/a.json"),
        ("s3:PutObject", f"{SOURCE}/site.json"),
        ("s3:DeleteObject", f"{SOURCE}/articles/a.json"),
        ("s3:DeleteObjectVersion", f"{SOURCE}/articles/a.json"),
        ("s3:DeleteObject", f"{SOURCE}/receipts/articles/a.json"),
        ("s3:GetObject", f"{SOURCE}/private/a.json"),
        ("s3:PutBucketVersioning", SOURCE),
        ("s3:PutLifecycleConfiguration", SOURCE),
        ("s3:PutBucketNotification", SOURCE),
        # So is its memory, from deletion.
        ("s3:DeleteObject", f"{SITE}/_record/articles/a.json"),
        ("s3:DeleteObject", f"{SITE}/_index/site.json"),
        ("s3:DeleteObject", f"{SITE}/index.html"),
        ("s3:PutObject", f"{SITE}/login.html"),
        ("s3:PutObject", f"{SITE}/articles/a/script.js"),
        ("s3:PutBucketPolicy", SITE),
        ("s3:PutObjectAcl", f"{SITE}/index.html"),
        ("s3:GetObject", "arn:aws:s3:::another-bucket/a"),
        ("s3:ListAllMyBuckets", "*"),
        ("cloudfront:UpdateDistribution", f"arn:aws:cloudfront::{ACCOUNT}:distribution/E2"),
        ("cloudfront:CreateInvalidation", f"arn:aws:cloudfront::{ACCOUNT}:distribution/E2"),
        ("sqs:SendMessage", HERE.names["DeadLetterQueue.Arn"]),
        ("sqs:PurgeQueue", HERE.names["PublishQueue.Arn"]),
        ("lambda:UpdateFunctionCode", f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:paper"),
        ("iam:PutRolePolicy", f"arn:aws:iam::{ACCOUNT}:role/paper"),
        ("logs:DeleteLogGroup", HERE.names["PublishLogGroup.Arn"]),
        ("events:PutEvents", f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/another"),
        ("events:PutRule", f"arn:aws:events:{REGION}:{ACCOUNT}:rule/news"),
        ("sqs:SendMessage", HERE.names["PingQueue.Arn"]),
        ("scheduler:DeleteSchedule", f"arn:aws:scheduler:{REGION}:{ACCOUNT}:schedule/default/a"),
        ("scheduler:DeleteScheduleGroup", HERE.names["ScheduleGroup.Arn"]),
        ("iam:PassRole", f"arn:aws:iam::{ACCOUNT}:role/admin"),
        ("iam:PassRole", HERE.schedule_role_arn),  # to anybody but Scheduler
    ],
)
def test_the_role_can_not(action: str, resource: str) -> None:
    assert not is_allowed(Request(action, resource, (TLS,)), HERE.everything())


def test_an_event_may_not_pretend_to_be_another_programs() -> None:
    bus = f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/{HERE.event_bus}"
    allowed = {
        source: is_allowed(
            Request("events:PutEvents", bus, (TLS, ("events:source", source))), HERE.everything()
        )
        for source in ("broadsheet", "shop")
    }

    assert allowed == {"broadsheet": True, "shop": False}


@pytest.mark.parametrize(
    ("action", "resource"),
    [
        ("s3:GetObject", f"{SOURCE}/articles/a.json"),
        ("s3:GetObject", f"{SITE}/index.html"),
        ("s3:PutObject", f"{SITE}/index.html"),
        ("sqs:SendMessage", HERE.names["PublishQueue.Arn"]),
        ("sqs:ReceiveMessage", HERE.names["PublishQueue.Arn"]),
        ("sqs:SendMessage", HERE.names["PingQueue.Arn"]),
        ("events:PutEvents", f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/{HERE.event_bus}"),
        ("cloudfront:CreateInvalidation", f"arn:aws:cloudfront::{ACCOUNT}:distribution/E2"),
    ],
)
def test_the_role_of_the_ping_function_can_not(action: str, resource: str) -> None:
    here = replace(HERE, function="Ping")

    assert not is_allowed(Request(action, resource, (TLS,)), here.everything())


@pytest.mark.parametrize("function", ["Publish", "Media", "Ping"])
def test_only_lambda_takes_a_role(function: str) -> None:
    found = properties(f"{function}Role")
    (statement,) = found["AssumeRolePolicyDocument"]["Statement"]

    assert statement["Principal"] == {"Service": "lambda.amazonaws.com"}
    assert statement["Action"] == "sts:AssumeRole"
    assert "ManagedPolicyArns" not in found
    assert properties(f"{function}Function")["Role"] == {"Fn::GetAtt": f"{function}Role.Arn"}
    assert "Policies" not in properties(f"{function}Function")


@pytest.mark.parametrize("function", ["Publish", "Media", "Ping"])
def test_nothing_is_allowed_by_wildcard_where_an_arn_is_known(function: str) -> None:
    for one in role(function):
        assert one["Effect"] == "Allow"
        assert not any("*" in action for action in listed(one["Action"]))
        if one["Sid"] != "Trace":
            assert "*" not in listed(one["Resource"]), one["Sid"]


# Recursion


@pytest.mark.parametrize("function", ["Publish", "Media"])
def test_nothing_that_a_role_may_write_can_wake_a_function(function: str) -> None:
    writable = [
        resource.removeprefix(f"{SOURCE}/")
        for one in replace(HERE, function=function).role()
        if {"s3:PutObject", "s3:DeleteObject"} & set(one.actions)
        for resource in one.resources
        if resource.startswith(SOURCE)
    ]

    assert writable
    for pattern, (_, prefix, _) in product(writable, notifications()):
        literal = pattern.partition("*")[0].partition("?")[0]
        # Two prefixes with a key in common begin alike.
        assert not literal.startswith(prefix)
        assert not prefix.startswith(literal)
    # The site bucket wakes nobody at all.
    assert "NotificationConfiguration" not in properties("SiteBucket")


@one_evening
def test_nothing_that_was_written_in_a_day_wakes_the_function(evening: Newsroom) -> None:
    here = present().names["SourceBucket.Arn"]
    written = [
        one.resource.removeprefix(f"{here}/")
        for one in evening.needed["Publish"] | evening.needed["Media"]
        if one.action in {"s3:PutObject", "s3:DeleteObject"} and one.resource.startswith(here)
    ]

    assert "receipts/articles/a.json" in written
    assert "receipts/site.json" in written
    assert "receipts/media/a.png" in written
    assert [key for key in written if notified("s3:ObjectCreated:Put", key)] == []


def test_dead_letters_go_nowhere_by_themselves() -> None:
    queue, dead = properties("PublishQueue"), properties("DeadLetterQueue")
    events = properties("PublishFunction")["Events"].values()

    assert "RedrivePolicy" not in dead
    assert queue["RedrivePolicy"]["deadLetterTargetArn"] != {"Fn::GetAtt": "PublishQueue.Arn"}
    assert [e["Properties"]["Queue"] for e in events if e["Type"] == "SQS"] == [
        {"Fn::GetAtt": "PublishQueue.Arn"}
    ]
