"""What becomes of the site, and of the messages, when AWS fails."""

from __future__ import annotations

import os
import weakref
from typing import TYPE_CHECKING, Any

import boto3
import pytest

import app
from broadsheet import addresses
from tests.newsroom import (
    DONE,
    LISTINGS,
    SITE,
    SOURCE,
    failed,
    links,
    publish,
    refused,
    refusing,
    sqs_record,
    status,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from broadsheet.reconcile import Report
    from tests.newsroom import Newsroom

pytestmark = pytest.mark.usefixtures("hurry")


@pytest.mark.parametrize(
    "key",
    [
        "articles/b.json",
        "_record/articles/b.json",
        "articles/b/index.html",
        "receipts/articles/b.json",
    ],
)
def test_a_fault_at_one_article_fails_its_message_alone(newsroom: Newsroom, key: str) -> None:
    keys = [newsroom.upload(path, topics=["Harbour"]) for path in "abc"]
    newsroom.gate = refusing(key)

    assert failed(newsroom.deliver(*keys)) == ["1"]

    for path in "ac":
        assert links(newsroom, path) == sorted(LISTINGS)
        assert status(newsroom, f"articles/{path}.json") == "published"
    newsroom.gate = None
    assert newsroom.deliver("articles/b.json") == DONE
    newsroom.assert_converged()


@pytest.mark.usefixtures("uncollected")
@pytest.mark.parametrize("key", ["articles/b/index.html", "_index/2026/05.json"])
def test_what_has_failed_takes_no_memory_of_the_next_invocation(
    newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    reports: list[weakref.ref[Report]] = []
    monkeypatch.setattr(app, "_measure", lambda _, report: reports.append(weakref.ref(report)))
    # pytest keeps what is logged, and the errors with it.
    monkeypatch.setattr(app.logger, "error", lambda *_, **_extra: None)
    newsroom.gate = refusing(key)

    assert failed(newsroom.deliver(newsroom.upload("b")))

    assert [report() for report in reports] == [None]


@pytest.mark.parametrize("operation", ["DeleteObject", "HeadObject"])
def test_a_fault_while_one_article_goes_fails_its_message_alone(
    newsroom: Newsroom, operation: str
) -> None:
    publish(newsroom, "b", topics=["Harbour"])
    key = "articles/b/index.html" if operation == "DeleteObject" else "articles/b.json"
    newsroom.gate = refusing(key, operation)

    answer = newsroom.deliver(newsroom.upload("a"), newsroom.delete("b"))

    assert failed(answer) == ["1"]
    assert status(newsroom, "articles/a.json") == "published"
    # Not "removed" yet: nothing was said of it but when it came.
    assert status(newsroom, "articles/b.json") == "published"
    newsroom.gate = None
    assert newsroom.deliver("articles/b.json") == DONE
    newsroom.assert_converged()


def test_a_change_of_the_site_does_not_wait_for_an_article_that_fails_beside_it(
    newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QUEUE_URL", boto3.client("sqs").create_queue(QueueName="q")["QueueUrl"])
    publish(newsroom, "a")
    newsroom.upload_bytes("site.json", b'{"name": "Another name"}')
    key = newsroom.upload("b")
    newsroom.gate = refusing(key)

    assert failed(newsroom.deliver("site.json", key)) == ["1"]

    assert status(newsroom, "site.json") == "published"
    for page in ("index.html", "404.html"):
        assert "Another name" in newsroom.page(page)
        assert newsroom.cdn[page] == newsroom.site()[page]
    newsroom.gate = None
    monkeypatch.delenv("QUEUE_URL")
    assert newsroom.deliver("articles/a.json", key) == DONE
    newsroom.assert_converged()


@pytest.mark.parametrize(
    "key", ["site.json", "_index/site.json", "_index/2026/05.json", "index.html", "rss.xml"]
)
def test_a_fault_at_what_all_share_fails_every_message(newsroom: Newsroom, key: str) -> None:
    keys = [newsroom.upload(path) for path in "ab"]
    newsroom.gate = refusing(key)

    assert failed(newsroom.deliver(*keys)) == ["0", "1"]

    newsroom.gate = None
    assert newsroom.deliver(*keys) == DONE
    newsroom.assert_converged()


def test_no_receipt_says_published_before_it_is_live(newsroom: Newsroom) -> None:
    key = newsroom.upload("a")
    newsroom.gate = refusing("index.html")
    newsroom.deliver(key)

    assert f"receipts/{key}" not in newsroom.keys(SOURCE)


def test_a_throttled_invalidation_is_made_up_for_by_the_retry(newsroom: Newsroom) -> None:
    publish(newsroom, "a", topics=["Harbour"])
    keys = [newsroom.upload("a", title="Ferry stops again"), newsroom.upload("b")]
    newsroom.gate = refusing(os.environ["DISTRIBUTION_ID"], code="TooManyInvalidationsInProgress")
    newsroom.invalidations.clear()

    assert failed(newsroom.deliver(*keys)) == ["0", "1"]
    assert newsroom.invalidations == []

    newsroom.gate = None
    newsroom.calls.clear()
    state = newsroom.site()
    assert newsroom.deliver(*keys) == DONE
    assert newsroom.site() == state
    assert newsroom.invalidations == [["#articles/a", "#articles/b", "#listings"]]
    newsroom.assert_converged()


def racing(key: str, *codes: str) -> Callable[[str, dict[str, Any]], None]:
    """A gate at which the first conditional writes of a key are lost, each for another reason."""
    left = list(codes)

    def gate(name: str, params: dict[str, Any]) -> None:
        if left and params.get("Key") == key and {"IfMatch", "IfNoneMatch"} & set(params):
            raise refused(name, left.pop(0))

    return gate


@pytest.mark.parametrize(
    "key",
    [
        "_record/articles/a.json",
        "articles/a/index.html",
        "_index/2026/05.json",
        "_index/site.json",
        "_index/topics/harbour.json",
        "index.html",
        "sitemap-2026-05.xml",
    ],
)
def test_a_lost_race_is_run_again(newsroom: Newsroom, key: str) -> None:
    # S3's answers to a condition that fails, to a write at the same instant, to a key that is gone.
    newsroom.gate = racing(key, "PreconditionFailed", "ConditionalRequestConflict", "NoSuchKey")

    publish(newsroom, "a", topics=["Harbour"])

    assert links(newsroom, "a") == sorted(LISTINGS)
    newsroom.assert_converged()


@pytest.mark.parametrize("code", ["ConditionalRequestConflict", "NoSuchKey"])
def test_a_new_page_that_is_already_there_is_written_over(newsroom: Newsroom, code: str) -> None:
    newsroom.gate = racing("articles/a/index.html", code)

    publish(newsroom, "a")

    newsroom.assert_converged()


def test_an_index_that_keeps_changing_sends_the_messages_back(newsroom: Newsroom) -> None:
    keys = [newsroom.upload(path) for path in "ab"]
    newsroom.gate = refusing("_index/site.json", "PutObject", code="PreconditionFailed")

    assert failed(newsroom.deliver(*keys)) == ["0", "1"]
    assert newsroom.calls["PutObject"] < 100

    newsroom.gate = None
    assert newsroom.deliver(*keys) == DONE
    newsroom.assert_converged()


def test_a_source_that_keeps_changing_sends_its_message_back(newsroom: Newsroom) -> None:
    changes = iter(range(1000))

    def gate(name: str, params: dict[str, Any]) -> None:
        if name == "HeadObject" and params["Key"] == "articles/a.json":
            newsroom.upload("a", title=f"Take {next(changes)}")

    key = newsroom.upload("a")
    newsroom.gate = gate

    assert failed(newsroom.deliver(key)) == ["0"]

    newsroom.gate = None
    assert newsroom.deliver(key) == DONE
    newsroom.assert_converged()


def test_a_source_that_changes_meanwhile_is_read_again(newsroom: Newsroom) -> None:
    takes = iter([2, 3])

    def gate(name: str, params: dict[str, Any]) -> None:
        if name == "HeadObject" and params["Key"] == "articles/a.json" and (take := next(takes, 0)):
            newsroom.upload("a", title=f"Take {take}")

    key = newsroom.upload("a", title="Take 1")
    newsroom.gate = gate

    assert newsroom.deliver(key) == DONE

    assert "Take 3" in newsroom.page("index.html")
    newsroom.assert_converged()


@pytest.mark.parametrize("status", ["published", "draft"])
@pytest.mark.parametrize(
    ("bus", "moment"),
    [("", "HeadObject"), ("", "PutObject"), ("default", "HeadObject"), ("default", "PutObject")],
)
def test_a_receipt_of_what_is_outdated_does_not_replace_a_newer_one(
    newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch, bus: str, moment: str, status: str
) -> None:
    """Others come, and go, after the receipt was looked at, or the source for the last time."""
    monkeypatch.setenv("EVENT_BUS", bus)
    publish(newsroom, "a", status=status)
    key = newsroom.delete("a")
    receipt = addresses.receipt_key(key)

    def gate(name: str, params: dict[str, Any]) -> None:
        if name == moment and params["Key"] == receipt:
            newsroom.gate = None
            publish(newsroom, "a")

    newsroom.gate = gate
    assert newsroom.deliver(key) == DONE
    assert newsroom.gate is None
    assert newsroom.receipt(key)["status"] == "published"
    newsroom.assert_converged()


@pytest.mark.parametrize("moment", ["HeadObject", "PutObject"])
def test_a_receipt_of_site_json_that_is_outdated_does_not_replace_a_newer_one(
    newsroom: Newsroom, moment: str
) -> None:
    key = newsroom.upload_bytes("site.json", b'{"name": 1}')

    def gate(name: str, params: dict[str, Any]) -> None:
        if name == moment and params.get("Key") == addresses.receipt_key(key):
            newsroom.gate = None
            assert newsroom.deliver(newsroom.upload_bytes(key, b'{"name": "X"}')) == DONE

    newsroom.gate = gate
    assert newsroom.deliver(key) == DONE
    assert newsroom.gate is None
    assert newsroom.receipt(key)["status"] == "published"
    newsroom.assert_converged()


def test_what_is_deleted_while_a_rebuild_without_a_queue_fails_is_not_left(
    newsroom: Newsroom,
) -> None:
    """It is among the articles no more when that begins anew."""
    publish(newsroom, "a")
    site = newsroom.upload_bytes("site.json", b'{"timezone": "Asia/Tokyo"}')

    def delete(name: str, params: dict[str, Any]) -> None:
        if name == "PutObject" and params["Key"] == "articles/a/index.html":
            newsroom.gate = None
            assert newsroom.deliver(newsroom.delete("a")) == DONE
            newsroom.gate = refusing("_index/site.json", "HeadObject")

    newsroom.gate = delete
    assert failed(newsroom.deliver(site)) == ["0"]
    newsroom.gate = None
    assert newsroom.deliver(site) == DONE
    # Until then there are links to what another invocation had still been publishing.
    newsroom.assert_converged(excepted=["articles/a", "articles/a/card.png"])


def test_what_lies_there_by_others_is_not_deleted_unseen(newsroom: Newsroom) -> None:
    """Whoever has read it would keep it: verify finds it, and tells the CDN."""
    key, page = newsroom.delete("a"), addresses.page_key("a")

    def gate(name: str, params: dict[str, Any]) -> None:
        if name == "HeadObject" and params["Key"] == key:
            newsroom.gate = None
            newsroom.s3.put_object(Bucket=SITE, Key=page, Body=b"defaced")

    newsroom.gate = gate
    assert newsroom.deliver(key) == DONE
    assert newsroom.gate is None
    assert newsroom.page(page) == "defaced"
    assert newsroom.calls["DeleteObject"] == 0


def losing(n: int) -> Callable[[str, dict[str, Any]], None]:
    """The answer to the n-th call gets lost, after the call has been carried out."""
    seen = 0

    def lose(name: str, _params: dict[str, Any]) -> None:
        nonlocal seen
        seen += 1
        if seen == n:
            raise refused(name, "InternalError")

    return lose


def test_an_answer_that_gets_lost_is_made_up_for_by_the_retry(newsroom: Newsroom) -> None:
    publish(newsroom, "a", topics=["Harbour"])
    for n in range(1, 1000, 4):
        key = newsroom.upload(
            "a", topics=["Harbour", "Ferries"], published_at=f"2026-0{n % 5 + 1}-01T00:00:00Z"
        )
        newsroom.lose = losing(n)
        again = failed(newsroom.deliver(key))
        newsroom.lose = None
        if not again:
            break
        assert newsroom.deliver(key) == DONE
        newsroom.assert_converged()

    assert n > 30
    newsroom.assert_converged()


def test_a_failed_message_comes_again_soon_and_later_each_time(
    newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QUEUE_URL", boto3.client("sqs").create_queue(QueueName="q")["QueueUrl"])
    event = {"Records": [sqs_record(str(i), [newsroom.upload(f"a/{i}")]) for i in (1, 3, 9)]}
    for record in event["Records"]:
        record["receiptHandle"] = f"handle of {record['messageId']}"
        record["attributes"] = {"ApproximateReceiveCount": record["messageId"]}
    hidden: dict[str, int] = {}

    def gate(name: str, params: dict[str, Any]) -> None:
        if name == "ChangeMessageVisibilityBatch":
            entries = params["Entries"]
            hidden.update({e["ReceiptHandle"]: e["VisibilityTimeout"] for e in entries})
        if name == "CreateInvalidation":
            raise refused(name, "TooManyInvalidationsInProgress")

    newsroom.gate = gate
    assert failed(newsroom.deliver(event=event)) == ["1", "3", "9"]
    assert hidden == {"handle of 1": 5, "handle of 3": 20, "handle of 9": 300}


def test_a_message_that_can_not_be_hidden_fails_all_the_same(
    newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QUEUE_URL", "https://sqs.eu-west-1.amazonaws.com/123456789012/missing")
    record = sqs_record("1", [newsroom.upload("a")]) | {"receiptHandle": "handle"}
    newsroom.gate = refusing(os.environ["DISTRIBUTION_ID"])
    assert failed(newsroom.deliver(event={"Records": [record]})) == ["1"]
