"""Broadsheet's side of benchmarks/beside.py: one article is published into an archive.

The archive is made in memory. Its indexes and lists, which are all of it that a publish looks at,
are put into a moto server, and the real handler publishes new articles into it, one by one. What it
calls for the last of them is answered once more for a process that does nothing else
(benchmarks/processor.py), by a server that keeps connections, as S3 does. And once more there is a
dictionary in place of boto3's clients, which tells what of that is boto3's.
"""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from benchmarks import memory, processor
from benchmarks.calls import Recorder
from broadsheet.clients import clients_of
from broadsheet.settings import PARALLEL_CALLS, Settings
from broadsheet.sources import Sources
from broadsheet.store import Store
from local.aws import SITE_BUCKET, SOURCE_BUCKET, local_aws
from local.function import environment, functions
from local.template import Template

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from benchmarks.stories import Story

# Articles that are published before the one that counts, as a process is slow at first.
FIRST = 3
# What a publish never looks at, however many there are: what others' paths have.
_OF_ARTICLES = ("articles/", "_record/articles/", "receipts/")
_CREDENTIALS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION")


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


def publish(archive: memory.MemoryS3, new: Sequence[Story], now: datetime) -> Published:
    """Publish new articles into an archive, of which the last counts."""
    with local_aws(Template.read()) as aws, tempfile.TemporaryDirectory() as folder:
        # No bus, as a deployment has none unless somebody asks for it.
        variables = environment(aws, memory.SETTINGS.site_url) | {"EVENT_BUS": ""}
        for (bucket, key), request in archive.objects.items():
            if bucket == memory.SETTINGS.site_bucket and not key.startswith(_OF_ARTICLES):
                # Under its conditions it was written before.
                without = {"ETag", "IfMatch", "IfNoneMatch"}
                sent: Any = {n: v for n, v in request.items() if n not in without}
                aws.s3.put_object(Bucket=SITE_BUCKET, Key=key, **sent)
        known, made = Recorder(lambda: 0.0), Recorder(lambda: 0.0)
        with functions(variables, Path(folder) / "log", lambda: now) as (handler, _):
            clients = clients_of(os.environ["AWS_ENDPOINT_URL"], PARALLEL_CALLS)
            # As in a process that has published before: site.json is known.
            with known.listening([clients.s3]):
                settings = Settings.from_environment(os.environ)
                Sources(Store(settings), settings)
            for story in new:
                made = Recorder(lambda: 0.0)
                key = f"articles/{story.path}.json"
                aws.s3.put_object(Bucket=SOURCE_BUCKET, Key=key, Body=story.json())
                event = _event(key)
                with made.listening([clients.s3, clients.cloudfront]):
                    if handler(event, None) != {"batchItemFailures": []}:
                        raise RuntimeError(f"{key} was not published")
            variables |= {name: os.environ[name] for name in _CREDENTIALS}
        del os.environ["AWS_ENDPOINT_URL"]
    taken = processor.measure(made.calls, event, now, variables, known=known.calls)
    return Published(
        seconds=median(taken.function),
        own=_own(archive, new),
        calls=dict(Counter(call.operation for call in made.calls)),
        objects=sum(
            call.params.get("Bucket") == SITE_BUCKET and call.written > 0 for call in made.calls
        ),
        sent=sum(call.written for call in made.calls),
        received=sum(call.read for call in made.calls),
    )


def _event(key: str) -> dict[str, Any]:
    """As SQS brings it."""
    record = {
        "eventTime": "2026-11-26T12:00:00.000Z",
        "eventName": "ObjectCreated:Put",
        "s3": {"bucket": {"name": SOURCE_BUCKET}, "object": {"key": key}},
    }
    return {"Records": [{"messageId": key, "body": json.dumps({"Records": [record]})}]}


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
