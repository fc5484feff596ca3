"""Broadsheet's side of benchmarks/beside.py: one article is published into an archive.

The archive is made in memory. Its indexes and lists, which are all of it that a publish looks at,
are put into a moto server that runs as a process of its own; then the real handler publishes new
articles one by one, with boto3 as it is. And once more with a dictionary in place of boto3's
clients, which tells what of that is boto3's.
"""

from __future__ import annotations

import json
import os
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from benchmarks import memory
from broadsheet.clients import clients_of
from broadsheet.settings import Settings
from local.aws import SITE_BUCKET, SOURCE_BUCKET, local_aws
from local.function import environment, functions
from local.template import Template

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from benchmarks.stories import Story
    from local.pump import Handler

# Articles that are published before those that count, as a process is slow at first.
FIRST = 3
# What a publish never looks at, however many there are: what others' paths have.
_OF_ARTICLES = ("articles/", "_record/articles/", "receipts/")


@dataclass(frozen=True)
class Published:
    """What a publish took: seconds of processor time, its calls of AWS, and bytes that it sent.

    ``own`` is the time without boto3; ``objects`` are those of the site bucket that it wrote.
    """

    seconds: float
    own: float
    calls: dict[str, int]
    objects: int
    sent: int
    received: int

    @property
    def requests(self) -> int:
        """All of S3."""
        return sum(n for name, n in self.calls.items() if name.endswith("Object"))


@dataclass
class _Counted:
    """What the clients of this process have called."""

    calls: Counter[str] = field(default_factory=Counter)
    objects: int = 0
    sent: int = 0
    received: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def before(self, params: dict[str, Any], model: Any, **_: Any) -> None:
        """Count a call, and what it sends."""
        with self.lock:
            self.calls[model.name] += 1
            if model.name == "PutObject":
                self.objects += params["Bucket"] == SITE_BUCKET
                self.sent += len(params["Body"])

    def after(self, parsed: dict[str, Any], model: Any, **_: Any) -> None:
        """Count what it got."""
        with self.lock:
            if model.name == "GetObject":
                self.received += parsed.get("ContentLength", 0)


def publish(archive: memory.MemoryS3, new: Sequence[Story], now: Callable[[], Any]) -> Published:
    """Publish new articles into an archive, all but the FIRST of which count: their medians."""
    with local_aws(Template.read()) as aws, tempfile.TemporaryDirectory() as folder:
        # No bus, as a deployment has none unless somebody asks for it.
        variables = environment(aws, memory.SETTINGS.site_url) | {"EVENT_BUS": ""}
        for (bucket, key), request in archive.objects.items():
            if bucket == memory.SETTINGS.site_bucket and not key.startswith(_OF_ARTICLES):
                # Under its conditions it was written before.
                without = {"ETag", "IfMatch", "IfNoneMatch"}
                sent: Any = {n: v for n, v in request.items() if n not in without}
                aws.s3.put_object(Bucket=SITE_BUCKET, Key=key, **sent)
        with functions(variables, Path(folder) / "log", now) as (handler, _):
            clients = clients_of(os.environ["AWS_ENDPOINT_URL"], Settings.parallel_calls)
            seconds, counted = [], []
            for story in new:
                key = f"articles/{story.path}.json"
                aws.s3.put_object(Bucket=SOURCE_BUCKET, Key=key, Body=story.json())
                one = _Counted()
                for client in (clients.s3, clients.cloudfront):
                    events: Any = client.meta.events
                    events.register("provide-client-params", one.before)
                    events.register("after-call", one.after)
                seconds.append(_invoke(handler, key))
                for client in (clients.s3, clients.cloudfront):
                    events = client.meta.events
                    events.unregister("provide-client-params", one.before)
                    events.unregister("after-call", one.after)
                counted.append(one)
        del os.environ["AWS_ENDPOINT_URL"]
    # Each writes as many objects, but no two articles are of one length.
    last = counted[-1]
    return Published(
        seconds=median(seconds[FIRST:]),
        own=_own(archive, new),
        calls=dict(last.calls),
        objects=last.objects,
        sent=round(median(one.sent for one in counted[FIRST:])),
        received=round(median(one.received for one in counted[FIRST:])),
    )


def _invoke(handler: Handler, key: str) -> float:
    """Let the function take an event, as SQS brings it: its processor time."""
    record = {
        "eventTime": "2026-11-26T12:00:00.000Z",
        "eventName": "ObjectCreated:Put",
        "s3": {"bucket": {"name": SOURCE_BUCKET}, "object": {"key": key}},
    }
    event = {"Records": [{"messageId": key, "body": json.dumps({"Records": [record]})}]}
    began = time.process_time()
    answer = handler(event, None)
    took = time.process_time() - began
    if answer != {"batchItemFailures": []}:
        raise RuntimeError(f"{key} was not published")
    return took


def _own(archive: memory.MemoryS3, new: Sequence[Story]) -> float:
    """The same without boto3, and with cards: the median."""
    seconds = []
    with memory.playing_aws(archive):
        for story in new:
            keys = memory.upload(archive, [story])
            began = time.process_time()
            memory.rebuild(keys, cards=True)
            seconds.append(time.process_time() - began)
    return median(seconds[FIRST:])
