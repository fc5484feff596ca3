"""Long histories of a newsroom: anything uploaded, delivered anyhow, with faults at any AWS call.

One invocation at a time; interleaved ones are the simulation's. Hypothesis draws the history and,
where one breaks a promise, makes it shorter. `make test` takes the same few histories each time;
``pytest tests/test_histories.py --hypothesis-profile=long`` takes many, and others each time.
"""

from __future__ import annotations

import io
import json
import os
import time
from contextlib import ExitStack, redirect_stdout
from dataclasses import dataclass, replace
from itertools import takewhile
from typing import Any, Literal, get_args
from unittest.mock import patch

import boto3
import pytest
from botocore.exceptions import ReadTimeoutError
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from moto import mock_aws

import app
from broadsheet import addresses, index
from broadsheet.settings import Settings
from broadsheet.store import Store
from broadsheet.verify import Verifier, Walk
from tests.newsroom import (
    SITE,
    SOURCE,
    URL,
    Crash,
    Newsroom,
    article,
    failed,
    make_distribution,
    refused,
    s3_client,
    sqs_record,
)
from tests.simulation.mutations import MUTATIONS

FaultKind = Literal[
    "crash before",
    "crash after",
    "answer lost",
    "answered twice",
    "throttled",
    "broken",
    "409",
    "412",
    "404",
]
CODES = {
    "throttled": "SlowDown",
    "broken": "InternalError",
    "409": "ConditionalRequestConflict",
    "412": "PreconditionFailed",
    "404": "NoSuchKey",
}
# Deliveries after which a queue that is not empty never will be.
PATIENCE = 100


@dataclass(frozen=True)
class Upload:
    """An article as uploaded; without a title it can't be published."""

    title: str
    topics: tuple[str, ...]
    published_at: str
    status: str

    def body(self) -> bytes:
        """What is uploaded; an article named Two has a picture, and so no card."""
        image = {"src": "https://example.com/two.jpg", "alt": ""} if self.title == "Two" else None
        return json.dumps(article(**vars(self), image=image)).encode()


@dataclass(frozen=True)
class Fault:
    """What goes wrong at, or from, the ``at``-th call of an invocation."""

    kind: FaultKind
    at: int


class Faulty:
    """Stands between one invocation and AWS, and breaks what its faults say.

    409, 412 and 404 happen to the next conditional write. "answered twice" is what botocore makes
    of a lost answer to one: it asks again, and reports that the condition does not hold.
    """

    def __init__(self, faults: list[Fault]) -> None:
        self._faults = list(faults)
        self._calls = 0
        self._dead = False

    def before(self, name: str, params: dict[str, Any]) -> None:
        self._calls += 1
        if self._dead:
            raise Crash
        for fault in [f for f in self._faults if self._happens(f, params)]:
            if fault.kind == "crash before":
                self._dead = True
                raise Crash
            if fault.kind != "broken":
                self._faults.remove(fault)
            raise refused(name, CODES[fault.kind])

    def _happens(self, fault: Fault, params: dict[str, Any]) -> bool:
        if fault.kind == "broken":
            return self._calls >= fault.at
        if fault.kind in {"409", "412"}:
            return self._calls >= fault.at and is_conditional(params)
        if fault.kind == "404":
            return self._calls >= fault.at and "IfMatch" in params
        return self._calls == fault.at and fault.kind in {"crash before", "throttled"}

    def after(self, name: str, params: dict[str, Any]) -> None:
        for fault in [f for f in self._faults if f.at == self._calls]:
            if fault.kind == "crash after":
                self._dead = True
                raise Crash
            if fault.kind == "answer lost":
                raise ReadTimeoutError(endpoint_url="https://aws.example")
            if fault.kind == "answered twice" and is_conditional(params):
                raise refused(name, CODES["412"])


def is_conditional(params: dict[str, Any]) -> bool:
    return bool({"IfMatch", "IfNoneMatch"} & set(params))


PATHS = st.sampled_from(["a", "b", "c/d"])
UPLOADS = st.builds(
    Upload,
    title=st.sampled_from(["One", "Two"]),
    topics=st.sampled_from([(), ("Sea",), ("SEA", "Tide"), ("Tide",)]),
    # Late on its last day it is the next month in Tokyo.
    published_at=st.sampled_from(
        [
            "2026-01-02T12:00:00Z",
            "2026-01-31T23:00:00Z",
            "2026-02-03T00:00:00Z",
            "2025-12-01T00:00:00Z",
        ]
    ),
    status=st.just("published"),
)
FAULTS = st.builds(Fault, st.sampled_from(get_args(FaultKind)), st.integers(1, 60))
REMOVALS = st.sampled_from([None, None, "draft", "withdrawn", b"{", b'{"title": ""}'])
ELSEWHERE = st.sampled_from(
    [
        *(("site.json", body) for body in (b"{", None)),
        *(("site.json", body) for body in (b'{"name": "X"}', b'{"timezone": "Asia/Tokyo"}')),
        *(("articles/No path.json", body) for body in (b"{}", None)),
    ]
)


class History(RuleBasedStateMachine):
    """A newsroom, its queue, and what was ever uploaded under each key (None for a deletion)."""

    @initialize(
        newest=st.sampled_from([1, 2, 3, 30]),
        by=st.sampled_from(["tags", "paths"]),
        queue=st.booleans(),
    )
    def begin(self, newest: int, by: str, queue: bool) -> None:  # noqa: FBT001 (Hypothesis draws it)
        self.newest = newest
        self.versions: dict[str, list[Upload | bytes | None]] = {}
        self.pending: list[dict[str, Any]] = []
        self.early: list[str] = []
        self.messages = 0
        self.resources = ExitStack()
        enter = self.resources.enter_context
        enter(mock_aws())
        enter(patch.dict(os.environ, INVALIDATE_BY=by))
        enter(patch.object(index, "NEWEST", newest))
        enter(patch.object(time, "sleep", lambda _seconds: None))
        enter(redirect_stdout(io.StringIO()))
        for bucket in (SOURCE, SITE):
            s3_client().create_bucket(
                Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}
            )
        s3_client().put_bucket_versioning(
            Bucket=SOURCE, VersioningConfiguration={"Status": "Enabled"}
        )
        os.environ["DISTRIBUTION_ID"] = make_distribution()
        self.sqs = boto3.client("sqs")
        if queue:
            os.environ["QUEUE_URL"] = self.sqs.create_queue(QueueName="q")["QueueUrl"]
        self.newsroom = Newsroom()

    # What the newsroom does

    def change(self, key: str, version: Upload | bytes | None) -> None:
        self.versions.setdefault(key, []).append(version)
        if version is None:
            self.newsroom.s3.delete_object(Bucket=SOURCE, Key=key)
        else:
            body = version.body() if isinstance(version, Upload) else version
            self.newsroom.upload_bytes(key, body)
        self.send(json.loads(sqs_record("", [key])["body"]))

    def send(self, body: Any) -> None:
        self.messages += 1
        self.pending.append({"messageId": str(self.messages), "body": json.dumps(body)})

    @rule(path=PATHS, upload=UPLOADS)
    def publish(self, path: str, upload: Upload) -> None:
        self.change(addresses.source_key(path), upload)

    @rule(path=PATHS, how=REMOVALS, upload=UPLOADS)
    def unpublish(self, path: str, how: str | bytes | None, upload: Upload) -> None:
        """Delete an article, take it back, or upload what can't be published."""
        version = replace(upload, status=how) if isinstance(how, str) else how
        self.change(addresses.source_key(path), version)

    @rule(change=ELSEWHERE)
    def change_something_else(self, change: tuple[str, bytes | None]) -> None:
        self.change(*change)

    # What the queue does

    @precondition(lambda self: self.pending)
    @rule(fault=FAULTS)
    def deliver_all(self, fault: Fault) -> None:
        batch, self.pending = self.pending, []
        self.invoke(batch, [fault])
        self.check_if_settled()

    @precondition(lambda self: self.pending)
    @rule(data=st.data(), faults=st.lists(FAULTS, max_size=2))
    def deliver_some(self, data: st.DataObject, faults: list[Fault]) -> None:
        order = data.draw(st.permutations(range(len(self.pending))))
        count = data.draw(st.integers(1, len(order)))
        twice = data.draw(st.sets(st.sampled_from(order[:count]), max_size=1))
        batch = [self.pending[i] for i in order[:count]]
        gone = set(order[:count]) - twice
        self.pending = [message for i, message in enumerate(self.pending) if i not in gone]
        self.invoke(batch, faults)
        self.check_if_settled()

    def invoke(self, batch: list[dict[str, Any]], faults: list[Fault]) -> None:
        faulty = Faulty(faults)

        def gate(name: str, params: dict[str, Any]) -> None:
            faulty.before(name, params)
            self.look_at_receipt(params)

        self.newsroom.gate, self.newsroom.lose = gate, faulty.after
        again = batch
        try:
            ids = failed(self.newsroom.deliver(event={"Records": batch}))
            again = [message for message in batch if message["messageId"] in ids]
        except Crash:
            pass
        finally:
            self.newsroom.gate = self.newsroom.lose = None
        self.pending += [message for message in again if message not in self.pending]
        self.receive()

    def look_at_receipt(self, params: dict[str, Any]) -> None:
        """Note a receipt that says "published" while the CDN has an older page."""
        path = addresses.article_path(params.get("Key", "").removeprefix("receipts/"))
        said = params.get("Body", b"")
        if path and "receipts/" in params["Key"] and b'"published"' in said:
            page = addresses.page_key(path)
            copy = self.newsroom.cdn.get(page)
            if copy and copy.body.decode() != self.newsroom.page(page):
                self.early.append(path)

    def receive(self) -> None:
        """What the function sent to its own queue."""
        url = os.environ.get("QUEUE_URL")
        while url and (found := self.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)):
            if "Messages" not in found:
                return
            for message in found["Messages"]:
                self.send(json.loads(message["Body"]))
                self.sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])

    # What must hold

    @invariant()
    def no_link_dangles(self) -> None:
        assert self.newsroom.dangling == []

    @invariant()
    def no_receipt_comes_before_its_page_is_live(self) -> None:
        assert self.early == []

    def check_if_settled(self) -> None:
        if not self.pending:
            self.check()

    def check(self) -> None:
        """The queue is empty: the site, the CDN and the receipts are what the sources say."""
        live = {key: self.live(key) for key in self.versions if addresses.article_path(key)}
        for key in self.versions:
            self.check_receipt(key)
        own = {key for key in self.newsroom.site() if "articles/" in key}
        public = {
            key: upload for key, upload in live.items() if upload and upload.status != "draft"
        }
        carded = {
            key
            for key, upload in public.items()
            if (upload.title, upload.status) == ("One", "published")
        }
        assert own == {key.replace(".json", "/index.html") for key in public} | {
            key.replace(".json", "/card.png") for key in carded
        }
        self.newsroom.assert_converged()
        if self.newsroom.site():
            assert self.on_home_page() == self.expected_on_home_page(live)

    def check_by_verifying(self) -> None:
        """The function's own comparison of the site with its sources finds nothing either."""
        settings_now = Settings.from_environment(os.environ)
        verifier = Verifier(Store(settings_now), settings_now)
        for _, step in verifier.steps(Walk(), repair=False):
            assert step.differences == ()

    def live(self, key: str) -> Upload | None:
        """The newest version that can be published, of those since the last deletion."""
        since = takewhile(lambda version: version is not None, reversed(self.versions[key]))
        return next((version for version in since if isinstance(version, Upload)), None)

    def check_receipt(self, key: str) -> None:
        receipt, version = self.newsroom.receipt(key), self.versions[key][-1]
        if version is None:
            status = "removed"
        elif isinstance(version, Upload):
            status = version.status
        else:
            good = key == addresses.SITE_JSON and version != b"{"
            status = "published" if good else "rejected"
        assert (receipt["key"], receipt["status"]) == (key, status)
        assert bool(receipt["errors"]) == (status == "rejected")
        if path := addresses.article_path(key):
            upload = self.live(key)
            public = upload is not None and upload.status != "draft"
            assert receipt["url"] == (f"{URL}/articles/{path}/" if public else "")

    def on_home_page(self) -> list[str]:
        links = self.newsroom.page("feed.json")
        return [item["url"] for item in json.loads(links)["items"]]

    def expected_on_home_page(self, live: dict[str, Upload | None]) -> list[str]:
        listed = [(key, u) for key, u in sorted(live.items()) if u and u.status == "published"]
        listed.sort(key=lambda item: item[1].published_at, reverse=True)
        return [f"{URL}/{key.removesuffix('.json')}/" for key, _ in listed[: self.newest]]

    def teardown(self) -> None:
        if not hasattr(self, "newsroom"):
            return
        with self.resources:
            for _ in range(PATIENCE):
                if not self.pending:
                    break
                batch, self.pending = self.pending[:3], self.pending[3:]
                self.invoke(batch, [])
            assert self.pending == []
            self.no_link_dangles()
            self.no_receipt_comes_before_its_page_is_live()
            if self.versions:
                self.check()
                self.check_by_verifying()


def histories(count: int) -> settings:
    """So many histories, always the same; or what the profile "long" of conftest.py says."""
    if settings.get_current_profile_name() == "long":
        return settings.get_profile("long")
    return settings(
        derandomize=True,
        max_examples=count,
        stateful_step_count=20,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        report_multiple_bugs=False,
    )


@pytest.fixture(autouse=True)
def _quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app.logger, "error", lambda *_, **__: None)
    monkeypatch.setattr(app.logger, "info", lambda *_, **__: None)


def test_no_history_breaks_a_promise() -> None:
    run_state_machine_as_test(History, settings=histories(8))


@pytest.mark.parametrize("name", ["listings-before-pages", "receipts-first"])
def test_a_history_finds_what_is_broken(name: str) -> None:
    few = settings(histories(25), phases=[Phase.generate])
    with MUTATIONS[name].applied(), pytest.raises(AssertionError):
        run_state_machine_as_test(History, settings=few)
