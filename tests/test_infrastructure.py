"""What becomes of a batch when time, memory, disk, a bucket or a permission is lacking."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from broadsheet.article import OBJECT_BYTES, Article
from broadsheet.clients import CALL_SECONDS, clients_of
from broadsheet.sources import EARLIER_UPLOADS
from broadsheet.visits import ARTICLE_SECONDS
from tests.newsroom import (
    DONE,
    SITE,
    SOURCE,
    article,
    failed,
    publish,
    refused,
    sqs_record,
    status,
)

if TYPE_CHECKING:
    import io
    from collections.abc import Iterator

    from tests.newsroom import Newsroom

pytestmark = pytest.mark.usefixtures("hurry")

TIMEOUT = 60.0
ROOT = Path(__file__).parents[1]


@dataclass
class Clock:
    """An invocation's context, whose time passes by so many seconds at each AWS call."""

    left: float = TIMEOUT
    a_call: float = 0.0
    aws_request_id: str = "request"

    def get_remaining_time_in_millis(self) -> int:
        return int(self.left * 1000)

    def gate(self, _name: str, _params: dict[str, Any]) -> None:
        self.left -= self.a_call


# Time


def test_a_slow_aws_makes_it_hand_back_what_it_can_not_finish(newsroom: Newsroom) -> None:
    keys = [newsroom.upload(f"a/{i}") for i in range(80)]
    pending = keys
    deliveries = 0
    while pending:
        clock = Clock(a_call=0.1)
        newsroom.gate = clock.gate
        answer = newsroom.deliver(*pending, context=clock)
        newsroom.gate = None
        back = [pending[int(i)] for i in failed(answer)]
        assert clock.left > 0
        assert len(back) < len(pending), "no headway"
        for key in set(pending) - set(back):
            assert status(newsroom, key) == "published"
        pending = back
        deliveries += 1

    assert deliveries > 1
    newsroom.assert_converged()


def test_with_little_time_left_no_article_is_begun(newsroom: Newsroom) -> None:
    key = newsroom.upload("a")

    assert failed(newsroom.deliver(key, context=Clock(left=ARTICLE_SECONDS - 1))) == ["0"]
    assert newsroom.calls["PutObject"] == 0

    assert newsroom.deliver(key, context=Clock(left=ARTICLE_SECONDS + 1)) == DONE
    newsroom.assert_converged()


def test_an_article_that_takes_long_to_be_read_is_done_all_the_same(newsroom: Newsroom) -> None:
    """Else it would be begun again and again."""
    key = newsroom.upload("a")
    clock = Clock(left=ARTICLE_SECONDS + 1)

    def gate(name: str, params: dict[str, Any]) -> None:
        if name == "GetObject" and params["Key"] == key:
            clock.left -= 2

    newsroom.gate = gate
    assert newsroom.deliver(key, context=clock) == DONE
    newsroom.assert_converged()


def test_with_hardly_any_time_left_nothing_is_called(newsroom: Newsroom) -> None:
    key = newsroom.upload("a")

    assert failed(newsroom.deliver(key, context=Clock(left=CALL_SECONDS - 1))) == ["0"]

    assert newsroom.calls.total() == 0


def test_time_that_runs_out_at_any_call_loses_nothing(newsroom: Newsroom) -> None:
    publish(newsroom, "a", topics=["Harbour"])
    for n in range(0, 200, 2):
        key = newsroom.upload(
            "a",
            title=f"Take {n}",
            topics=["Ferries"],
            published_at=f"2026-0{n % 5 + 1}-01T00:00:00Z",
        )
        clock = Clock()
        countdown = iter([*[0.0] * n, TIMEOUT])

        def gate(
            _name: str,
            _params: dict[str, Any],
            clock: Clock = clock,
            countdown: Iterator[float] = countdown,
        ) -> None:
            clock.left -= next(countdown, 0.0)

        newsroom.gate = gate
        again = failed(newsroom.deliver(key, context=clock))
        newsroom.gate = None
        if not again and clock.left > 0:
            break
        assert newsroom.deliver(key) == DONE
        if n % 4 == 0:
            newsroom.assert_converged()

    assert n > 30
    newsroom.assert_converged()


def test_what_is_handed_back_for_want_of_time_is_hidden_for_a_moment_only(
    newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QUEUE_URL", boto3.client("sqs").create_queue(QueueName="q")["QueueUrl"])
    record = sqs_record("0", [newsroom.upload("a")]) | {"receiptHandle": "handle"}

    answer = newsroom.deliver(event={"Records": [record]}, context=Clock(left=1))

    assert failed(answer) == ["0"]
    assert newsroom.calls == {"ChangeMessageVisibilityBatch": 1}


def test_a_context_that_does_not_count_is_never_short_of_time(newsroom: Newsroom) -> None:
    context = SimpleNamespace(aws_request_id="request")

    assert newsroom.deliver(newsroom.upload("a"), context=context) == DONE


def test_a_call_with_its_repetitions_ends_before_the_function_does() -> None:
    clients = clients_of("", 1)
    for client in (clients.s3, clients.cloudfront, clients.sqs):
        config: Any = client.meta.config
        attempts = config.retries["total_max_attempts"]
        # Standard mode waits up to 1 s, 2 s, 4 s … between attempts.
        longest = (
            attempts * (config.connect_timeout + config.read_timeout) + 2 ** (attempts - 1) - 1
        )
        assert longest <= CALL_SECONDS
    assert TIMEOUT > ARTICLE_SECONDS > CALL_SECONDS


# Memory and disk


def test_an_article_that_takes_too_much_memory_fails_alone(
    newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    parse = Article.parse

    def greedy(path: str, data: bytes) -> Article:
        if path == "b":
            raise MemoryError
        return parse(path, data)

    monkeypatch.setattr(Article, "parse", greedy)
    keys = [newsroom.upload(path) for path in "abc"]

    assert failed(newsroom.deliver(*keys)) == ["1"]

    assert [status(newsroom, keys[i]) for i in (0, 2)] == ["published", "published"]
    monkeypatch.undo()


PUBLISHING = """
import boto3, json, os, sys
from moto import mock_aws
from tests.newsroom import SITE, SOURCE, Newsroom, make_distribution, s3_client
with mock_aws():
    for bucket in (SOURCE, SITE):
        s3_client().create_bucket(
            Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    os.environ["DISTRIBUTION_ID"] = make_distribution()
    newsroom = Newsroom()
    answer = newsroom.deliver(newsroom.upload("a", topics=["Harbour"]))
    print(json.dumps([answer, sorted(newsroom.site())]))
"""


def _full_disk() -> None:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


def test_it_publishes_without_a_byte_of_disk() -> None:
    folders = [".", "layers/broadsheet", "functions/publish", "functions/media", "functions/ping"]
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join(str(ROOT / folder) for folder in folders),
        "TMPDIR": "/nonexistent",
    }
    done = subprocess.run(
        [sys.executable, "-c", PUBLISHING],
        cwd=ROOT,
        env=environment,
        preexec_fn=_full_disk,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert '"batchItemFailures": []' in done.stdout.splitlines()[-1], done.stderr
    assert "articles/a/index.html" in done.stdout


# Buckets and permissions


@pytest.mark.parametrize("bucket", [SOURCE, SITE])
def test_a_missing_bucket_fails_every_message_and_is_named(
    newsroom: Newsroom, bucket: str, log: io.StringIO
) -> None:
    keys = [newsroom.upload(path) for path in "ab"]
    for version in newsroom.s3.list_object_versions(Bucket=bucket).get("Versions", []):
        newsroom.s3.delete_object(Bucket=bucket, Key=version["Key"], VersionId=version["VersionId"])
    newsroom.s3.delete_bucket(Bucket=bucket)

    assert failed(newsroom.deliver(*keys)) == ["0", "1"]

    assert bucket in log.getvalue()
    assert "NoSuchBucket" in log.getvalue()


def test_a_source_bucket_that_went_missing_takes_no_page_down(newsroom: Newsroom) -> None:
    key = publish(newsroom, "a", topics=["Harbour"])
    before = newsroom.site()
    for version in newsroom.s3.list_object_versions(Bucket=SOURCE)["Versions"]:
        newsroom.s3.delete_object(Bucket=SOURCE, Key=version["Key"], VersionId=version["VersionId"])
    newsroom.s3.delete_bucket(Bucket=SOURCE)

    assert failed(newsroom.deliver(key, "articles/No path.json", "site.json")) == ["0", "1", "2"]
    assert newsroom.site() == before


@pytest.mark.parametrize(
    "operation", ["GetObject", "PutObject", "HeadObject", "CreateInvalidation"]
)
def test_a_missing_permission_fails_the_message_and_is_named(
    newsroom: Newsroom, operation: str, log: io.StringIO
) -> None:
    key = publish(newsroom, "a", topics=["Harbour"])

    def gate(name: str, _params: dict[str, Any]) -> None:
        if name == operation:
            raise refused(name, "AccessDenied")

    newsroom.upload("a", title="Ferry stops")
    newsroom.gate = gate
    assert failed(newsroom.deliver(key)) == ["0"]
    assert operation in log.getvalue()
    assert "AccessDenied" in log.getvalue()

    newsroom.gate = None
    assert newsroom.deliver(key) == DONE
    newsroom.assert_converged()


# Earlier versions


def test_no_more_than_so_much_of_earlier_versions_is_read(newsroom: Newsroom) -> None:
    key = publish(newsroom, "a", title="Good")
    big = article(body="x" * OBJECT_BYTES)
    for _ in range(5):
        newsroom.upload("a", **big)
    read: list[str] = []
    newsroom.gate = lambda name, params: read.extend(
        [params["VersionId"]] if name == "GetObject" and "VersionId" in params else []
    )

    assert newsroom.deliver(key) == DONE

    assert len(read) == EARLIER_UPLOADS
    assert status(newsroom, key) == "rejected"
    assert "Good" in newsroom.page("articles/a/index.html")
