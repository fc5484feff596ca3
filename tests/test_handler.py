"""The handler over every recorded event: its answers, its logs and its metrics."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

import app
from broadsheet import addresses
from broadsheet.errors import SettingsError
from tests import recorded
from tests.newsroom import refusing, sqs_record

if TYPE_CHECKING:
    import io

    from tests.newsroom import Newsroom

ANSWERED: dict[str, Any] = {"batchItemFailures": []}
BARE = [name for name in recorded.NAMES if not name.startswith("sqs-")]


@dataclass(frozen=True)
class Context:
    """What the handler needs of Lambda's context."""

    aws_request_id: str = "6b8c3f0e-request"


@dataclass(frozen=True)
class Expected:
    """What an event finds deleted, what its receipts say, and which of its messages fail."""

    receipts: dict[str, str]
    deleted: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()


EXPECTED = {
    "eventbridge-object-created.json": Expected(
        {"articles/2026/11/minato-no-asaichi.json": "published"}
    ),
    "eventbridge-object-deleted.json": Expected(
        {"articles/2026/10/library-of-things.json": "removed"},
        deleted=("articles/2026/10/library-of-things.json",),
    ),
    "s3-awkward-keys.json": Expected(
        {
            "articles/2026/06/notice-to-readers.json": "published",
            "articles/2026/11/The Ferry Is Late.json": "removed",
            "articles/2026/11/fünf-möwen.json": "removed",
            "articles/2026/11/港の朝市.json": "removed",
            "articles/2026/11/100%-wool+cotton.json": "removed",
            "articles/../_index/site.json": "removed",
            "articles/2026/11/../../../site.json": "removed",
            "articles//double-slash.json": "removed",
            "articles/.json": "removed",
            "articles/2026/11/": "removed",
            "articles/2026/11/notes.txt": "removed",
        }
    ),
    # Only a hint: what is still there stays published.
    "s3-delete.json": Expected({"articles/power-restored-sellow.json": "published"}),
    "s3-lifecycle-expiration.json": Expected(
        {
            "articles/2026/11/tides-and-weather-week-48.json": "removed",
            "articles/2026/10/tides-and-weather-week-44.json": "removed",
        },
        deleted=("articles/2026/11/tides-and-weather-week-48.json",),
    ),
    "s3-put.json": Expected({"articles/2026/10/harbour-ferry-timetable.json": "published"}),
    "s3-several-records.json": Expected(
        {
            "articles/2026/11/gale-takes-the-bandstand-roof.json": "published",
            "articles/power-restored-sellow.json": "published",
            "articles/2026/09/the-long-way-to-a-new-light.json": "published",
            "articles/2026/06/puffin-count.json": "removed",
        },
        deleted=("articles/2026/06/puffin-count.json",),
    ),
    "s3-test-event.json": Expected({}),
    "sqs-garbage.json": Expected(
        {"articles/sport/2026/sellow-regatta.json": "published"},
        failed=("7a6942ab-c742-4503-8498-950af464dc70", "5a088ac6-8cb9-473e-9c26-1dbac7151fac"),
    ),
    "sqs-s3-delete.json": Expected(
        {"articles/2026/07/old-bridge-new-bats.json": "removed"},
        deleted=("articles/2026/07/old-bridge-new-bats.json",),
    ),
    "sqs-s3-put.json": Expected({"articles/2026/11/harbour-wall-to-rise.json": "published"}),
    "sqs-s3-several-records.json": Expected(
        {
            "articles/2026/09/the-long-way-to-a-new-light.json": "published",
            "articles/2026/08/swimming-pool-vote.json": "published",
            "articles/guides/how-we-report.json": "published",
            "articles/2026/06/puffin-count.json": "removed",
            "articles/arts/a-tide-organ-for-the-breakwater.json": "published",
        },
        deleted=("articles/2026/06/puffin-count.json",),
    ),
    "sqs-s3-test-event.json": Expected({}),
    "sqs-site-json.json": Expected(
        {
            "site.json": "published",
            "articles/2026/06/whale-off-kettle-sands.json": "withdrawn",
            "articles/drafts/market-hall-plans.json": "draft",
        }
        | {
            key: "published"
            for key in recorded.articles()
            if "whale" not in key and "drafts" not in key
        }
    ),
}


@pytest.fixture
def desk(newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch) -> Newsroom:
    """A newsroom whose source bucket is that of the recorded events, with all samples in it."""
    monkeypatch.setenv("SOURCE_BUCKET", recorded.BUCKET)
    newsroom.s3.create_bucket(
        Bucket=recorded.BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}
    )
    newsroom.s3.put_bucket_versioning(
        Bucket=recorded.BUCKET, VersioningConfiguration={"Status": "Enabled"}
    )
    site = (recorded.FOLDER / "site.json").read_bytes()
    for key, body in {"site.json": site, **recorded.articles()}.items():
        newsroom.s3.put_object(Bucket=recorded.BUCKET, Key=key, Body=body)
    return newsroom


def lines(log: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log.getvalue().splitlines()]


def receipts(desk: Newsroom) -> dict[str, str]:
    """The status of every receipt, by the source key."""
    found = {}
    for key in desk.keys(recorded.BUCKET):
        if key.startswith("receipts/"):
            answer = desk.s3.get_object(Bucket=recorded.BUCKET, Key=key)
            receipt = json.loads(answer["Body"].read())
            found[receipt["key"]] = receipt["status"]
    return found


def measured(capsys: pytest.CaptureFixture[str]) -> dict[str, list[float]]:
    """The metrics of the one invocation whose output has not been looked at yet."""
    (document,) = [
        json.loads(line) for line in capsys.readouterr().out.splitlines() if '"_aws"' in line
    ]
    (directive,) = document["_aws"]["CloudWatchMetrics"]
    assert directive["Namespace"] == "Broadsheet"
    assert directive["Dimensions"] == [["service"]]
    return {metric["Name"]: document[metric["Name"]] for metric in directive["Metrics"]}


# Answers


def test_every_recorded_event_is_expected_here() -> None:
    assert sorted(EXPECTED) == recorded.NAMES


@pytest.mark.parametrize("name", recorded.NAMES)
def test_a_recorded_event_is_handled(desk: Newsroom, name: str) -> None:
    expected = EXPECTED[name]
    for key in expected.deleted:
        desk.s3.delete_object(Bucket=recorded.BUCKET, Key=key)

    answer = desk.deliver(event=recorded.event(name), context=Context())

    assert answer == {"batchItemFailures": [{"itemIdentifier": one} for one in expected.failed]}
    assert receipts(desk) == expected.receipts
    live = {path for key in desk.site() if (path := addresses.paged_path(key))}
    assert live == {
        addresses.article_path(key)
        for key, status in expected.receipts.items()
        if status in {"published", "withdrawn"} and key != "site.json"
    }
    # The sample site.json has it in the footer of every page, published or not.
    assert {link for _, link in desk.dangling} <= {"articles/guides/how-we-report"}


@pytest.mark.parametrize("name", [name for name in BARE if EXPECTED[name].receipts])
def test_what_has_no_queue_to_go_back_to_raises(desk: Newsroom, name: str) -> None:
    desk.site_bucket = "no-such-bucket"

    with pytest.raises(app.PublishError):
        desk.deliver(event=recorded.event(name), context=Context())


def test_all_messages_go_back_to_the_queue_when_the_site_is_out_of_reach(desk: Newsroom) -> None:
    event = recorded.event("sqs-s3-several-records.json")
    desk.site_bucket = "no-such-bucket"

    answer = desk.deliver(event=event)

    assert answer["batchItemFailures"] == [
        {"itemIdentifier": record["messageId"]} for record in event["Records"]
    ]


@pytest.mark.parametrize("event", [{}, {"Records": [{"s3": {}}]}, {"hello": "world"}])
def test_a_bare_event_that_nobody_understands_raises(
    newsroom: Newsroom, event: dict[str, Any]
) -> None:
    with pytest.raises(app.PublishError):
        newsroom.deliver(event=event | {"id": "x"})


def test_a_test_event_makes_no_call(newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_BUCKET", recorded.BUCKET)
    for name in ("s3-test-event.json", "sqs-s3-test-event.json"):
        assert newsroom.deliver(event=recorded.event(name)) == ANSWERED

    assert newsroom.calls.total() == 0


def test_the_records_of_another_bucket_make_no_call(newsroom: Newsroom) -> None:
    assert newsroom.deliver(event=recorded.event("sqs-s3-put.json")) == ANSWERED

    assert newsroom.calls.total() == 0


def test_only_the_message_with_the_failing_key_goes_back(newsroom: Newsroom) -> None:
    keys = [newsroom.upload(path) for path in "abcd"]
    newsroom.gate = refusing("articles/b.json")

    answer = newsroom.deliver(keys[:1], keys[1:3], keys[3:])

    assert answer == {"batchItemFailures": [{"itemIdentifier": "1"}]}


def test_two_messages_with_one_failing_key_both_go_back(newsroom: Newsroom) -> None:
    a, b = newsroom.upload("a"), newsroom.upload("b")
    newsroom.gate = refusing(b)

    failed = newsroom.deliver(b, a, b)["batchItemFailures"]

    assert failed == [{"itemIdentifier": "0"}, {"itemIdentifier": "2"}]


def test_calls_made_in_parallel_give_the_same_site(
    newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = [newsroom.upload(f"a{i}", topics=["Harbour"], title=f"No. {i}") for i in range(8)]
    newsroom.deliver(*keys)
    one_by_one = newsroom.site()
    for key in newsroom.keys(newsroom.site_bucket):
        newsroom.s3.delete_object(Bucket=newsroom.site_bucket, Key=key)
    monkeypatch.setenv("PARALLEL_CALLS", "8")

    event = {"Records": [sqs_record(key, [key]) for key in keys]}
    assert app.lambda_handler(event, None) == ANSWERED

    assert newsroom.site() == one_by_one


# The environment


@pytest.mark.parametrize("name", ["SOURCE_BUCKET", "SITE_BUCKET", "DISTRIBUTION_ID", "SITE_URL"])
def test_a_missing_setting_is_named(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.delenv(name)

    with pytest.raises(SettingsError, match=f"not set: {name}$"):
        app.lambda_handler(recorded.event("sqs-s3-put.json"), None)


def test_all_missing_settings_are_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SOURCE_BUCKET")
    monkeypatch.setenv("SITE_URL", "")

    with pytest.raises(SettingsError, match="SOURCE_BUCKET, SITE_URL"):
        app.lambda_handler(recorded.event("sqs-s3-put.json"), None)


def test_settings_are_read_at_each_invocation(
    newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    newsroom.deliver(newsroom.upload("a"))
    monkeypatch.setenv("SITE_URL", "https://elsewhere.example")
    newsroom.deliver(newsroom.upload("b"))

    assert "https://elsewhere.example/articles/b/" in newsroom.page("articles/b/index.html")


# Logs


def test_each_line_is_json_with_the_id_of_its_message(newsroom: Newsroom, log: io.StringIO) -> None:
    a, b = newsroom.upload("a"), newsroom.upload("b", title="")
    newsroom.deliver([a], [b, "articles/gone.json"])

    told = [(line["correlation_id"], line["key"], line["message"]) for line in lines(log)]
    assert told == [
        ("0", a, "published"),
        ("1", b, "rejected"),
        ("1", "articles/gone.json", "removed"),
    ]


@pytest.mark.parametrize(
    ("context", "request_id"), [(Context(), Context().aws_request_id), (None, "local")]
)
def test_without_a_queue_the_id_is_the_requests(
    newsroom: Newsroom, log: io.StringIO, context: Context | None, request_id: str
) -> None:
    (record,) = json.loads(sqs_record("0", [newsroom.upload("a")])["body"])["Records"]
    newsroom.deliver(event={"Records": [record]}, context=context)

    assert [line["correlation_id"] for line in lines(log)] == [request_id]


def test_the_log_says_where_a_rejected_article_is_wrong(
    newsroom: Newsroom, log: io.StringIO
) -> None:
    newsroom.deliver(newsroom.upload("a", title="", published_at="soon"))

    (line,) = lines(log)
    assert line["errors"] == ["/published_at", "/title"]


def test_the_log_says_why_a_message_goes_back(newsroom: Newsroom, log: io.StringIO) -> None:
    newsroom.gate = refusing("_record/articles/a.json")
    key = newsroom.upload("a")
    garbage = {"messageId": "1", "body": "The boat is in."}
    newsroom.deliver(event={"Records": [sqs_record("0", [key]), garbage]})

    failed, unreadable = lines(log)
    assert (failed["level"], failed["key"], failed["correlation_id"]) == ("ERROR", key, "0")
    assert "InternalError" in failed["error"]
    assert failed["exception_name"] == "UnavailableError"
    assert (unreadable["level"], unreadable["correlation_id"]) == ("ERROR", "1")
    assert unreadable["fault"] == "is not JSON"


@pytest.mark.parametrize("failing", ["", "articles/a.json", "articles/a/index.html", "index.html"])
def test_an_articles_text_is_never_logged(
    newsroom: Newsroom, log: io.StringIO, capsys: pytest.CaptureFixture[str], failing: str
) -> None:
    texts = {name: f"Secretly{name}" for name in ("title", "summary", "body")}
    keys = [
        newsroom.upload("a", **texts, authors=[{"name": "Secretlyauthor"}]),
        newsroom.upload("b", **texts, published_at="Secretlysoon"),
        newsroom.upload("c", **texts, status="withdrawn"),
        newsroom.upload("d", **texts, status="draft"),
        newsroom.upload_bytes("articles/e.json", b'{"title": "Secretlybroken'),
    ]
    newsroom.gate = refusing(failing)
    newsroom.deliver(*keys)

    assert len(lines(log)) == len(keys)
    assert "Secretly" not in log.getvalue()
    assert "Secretly" not in "".join(capsys.readouterr())


# Metrics


def moments_ago(seconds: float) -> str:
    return (datetime.now(UTC) - timedelta(seconds=seconds)).isoformat()


def records_of(*uploads: tuple[str, str]) -> dict[str, Any]:
    """An SQS batch of a message for each key and time."""
    records = []
    for key, time in uploads:
        record = sqs_record(key, [key])
        body = json.loads(record["body"])
        body["Records"][0]["eventTime"] = time
        records.append(record | {"body": json.dumps(body)})
    return {"Records": records}


def test_metrics_count_what_became_of_the_articles(
    newsroom: Newsroom, capsys: pytest.CaptureFixture[str]
) -> None:
    newsroom.deliver(*(newsroom.upload(path) for path in ("old", "older")))
    capsys.readouterr()
    keys = [
        newsroom.upload("a"),
        newsroom.upload("b"),
        newsroom.upload("c", title=""),
        newsroom.upload("d", status="draft"),
        newsroom.upload("old", status="withdrawn"),
        newsroom.delete("older"),
        newsroom.upload_bytes("articles/No Page.json", b"{}"),
    ]
    newsroom.deliver(*keys)

    found = measured(capsys)
    assert len(found.pop("PublishLatency")) == len(keys)
    assert found == {
        "ArticlesPublished": [2],
        "ArticlesRejected": [2],
        "ArticlesRemoved": [2],
        # What had been live and the listings, and then the listings once more.
        "InvalidationItems": [float(sum(map(len, newsroom.invalidations[1:])))],
        "IndexConflicts": [0],
    }


def test_site_json_is_no_article_in_the_metrics(
    newsroom: Newsroom, capsys: pytest.CaptureFixture[str]
) -> None:
    newsroom.deliver(newsroom.upload_bytes("site.json", b"{}"))

    assert measured(capsys)["ArticlesPublished"] == [0]


def test_latency_is_from_the_events_time_to_the_end(
    newsroom: Newsroom, capsys: pytest.CaptureFixture[str]
) -> None:
    a, b = newsroom.upload("a"), newsroom.upload("b")
    newsroom.deliver(event=records_of((a, moments_ago(5)), (b, moments_ago(-3600))))

    late, early = measured(capsys)["PublishLatency"]
    assert late >= 5000
    assert early == 0


def test_what_goes_back_to_the_queue_has_no_latency_yet(
    newsroom: Newsroom, capsys: pytest.CaptureFixture[str]
) -> None:
    a, b = newsroom.upload("a"), newsroom.upload("b")
    newsroom.gate = refusing(b)
    newsroom.deliver(event=records_of((a, moments_ago(60)), (b, moments_ago(5))))

    (latency,) = measured(capsys)["PublishLatency"]
    assert latency >= 60_000


def test_lost_swaps_are_counted(newsroom: Newsroom, capsys: pytest.CaptureFixture[str]) -> None:
    newsroom.gate = refusing("_index/2026/05.json", "PutObject", code="PreconditionFailed", times=2)
    newsroom.deliver(newsroom.upload("a"))

    assert measured(capsys)["IndexConflicts"] == [2]


def test_each_invocation_has_metrics_of_its_own_even_when_it_raises(
    newsroom: Newsroom, capsys: pytest.CaptureFixture[str]
) -> None:
    newsroom.deliver(newsroom.upload("a"))
    capsys.readouterr()
    (record,) = json.loads(sqs_record("0", [newsroom.upload("b")])["body"])["Records"]
    newsroom.site_bucket = "no-such-bucket"
    with pytest.raises(app.PublishError):
        newsroom.deliver(event={"Records": [record]})

    assert measured(capsys)["ArticlesPublished"] == [0]
