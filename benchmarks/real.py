"""The load for real: a moto server, its queue, and worker processes that run the real handler."""

from __future__ import annotations

import multiprocessing
import os
import random
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from benchmarks.worker import News, Polled, work
from benchmarks.workload import TWICE, Limits, Workload, lost
from broadsheet.settings import Settings
from broadsheet.store import Store
from broadsheet.verify import Verifier, Walk
from local.aws import SITE_BUCKET, SOURCE_BUCKET, LocalAws, local_aws
from local.function import environment
from local.template import Template
from tests.cloudformation import arenas
from tests.newsroom import SOURCE, URL, sqs_record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from multiprocessing.queues import Queue
    from multiprocessing.synchronize import Event

    from benchmarks.workload import Upload

UPLOADERS = 8
# After the burst, so many waves of changes come one after the other, each when nothing is left of
# what came before. The last is the same kind of work as the one before, and as much of it.
WAVES = 2
# Megabytes that a worker may grow by in the last wave. What it keeps (60 MB: kept.py) has been
# filled by then, where there are thousands of articles.
ALLOWANCE = 20
# Calls at once of the comparison in the end: moto goes through all keys for each list of versions.
PATIENTLY = 2
# Seconds without any news of the workers after which they are taken for dead.
PATIENCE = 300


@dataclass
class Result:
    """What came of it; ``faults`` is what should not be, and empty where all is well."""

    articles: int
    messages: int
    limits: Limits
    done: int = 0
    seconds: float = 0.0
    invocations: int = 0
    longest: float = 0.0
    redelivered: int = 0
    most_attempts: int = 0
    dead_letters: int = 0
    verified: int = 0
    requests: Counter[str] = field(default_factory=Counter)
    # The most that each worker has ever taken; and what that was at the end of burst and waves.
    megabytes: dict[int, float] = field(default_factory=dict)
    ends: list[dict[int, float]] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def growth(self, worker: int, wave: int = WAVES) -> float:
        """Megabytes by which a worker's peak rose in a wave, of which the first is 1.

        0 for one that began in it, as that has nothing to be compared with.
        """
        after = self.ends[wave][worker]
        return after - self.ends[wave - 1].get(worker, after)


def run(count: int, seed: int, tell: Callable[[int, int], None], limits: Limits) -> Result:
    """Upload it all, work it off, and look what is there; ``tell`` hears what is done and due."""
    workload = Workload.of(count, seed, WAVES)
    with local_aws(Template.read()) as aws:
        os.environ.update(environment(aws, URL) | arenas())
        # A worker loads the function along with this module, before it could say so itself.
        os.environ["POWERTOOLS_LOG_LEVEL"] = "CRITICAL"
        _upload(aws, workload.burst)
        twice = _send_again(aws, workload, seed)
        # And one that S3 sends when it is told whom to notify.
        messages = 1 + len(workload.burst) + len(workload.later) + twice
        result = Result(count, messages, limits)
        _work_off(aws, workload, result, tell)
        _check(aws, workload, result)
    return result


def _upload(aws: LocalAws, uploads: list[Upload]) -> None:
    def one(upload: Upload) -> None:
        if upload.body is None:
            aws.s3.delete_object(Bucket=SOURCE_BUCKET, Key=upload.key)
        else:
            aws.s3.put_object(Bucket=SOURCE_BUCKET, Key=upload.key, Body=upload.body)

    with ThreadPoolExecutor(UPLOADERS) as pool:
        list(pool.map(one, uploads))


def _send_again(aws: LocalAws, workload: Workload, seed: int) -> int:
    """Send some of the notifications a second time; how many."""
    rng = random.Random(f"{seed} twice")  # noqa: S311 (a draw that replays; nothing to guess)
    again = rng.sample(workload.burst, len(workload.burst) * TWICE // 100)
    for upload in again:
        body = sqs_record("", [upload.key])["body"].replace(SOURCE, SOURCE_BUCKET)
        aws.sqs.send_message(QueueUrl=aws.queue_url, MessageBody=body)
    return len(again)


def _work_off(
    aws: LocalAws, workload: Workload, result: Result, tell: Callable[[int, int], None]
) -> None:
    queue = Polled(
        aws.queue_url,
        aws.queue_arn,
        result.limits.batch,
        result.limits.timeout,
        result.limits.most_receives,
    )
    context = multiprocessing.get_context("spawn")
    news: Queue[News] = context.Queue()
    go, stop = context.Event(), context.Event()
    workers = [
        context.Process(target=work, args=(i, queue, news, go, stop))
        for i in range(result.limits.concurrency)
    ]
    for worker in workers:
        worker.start()
    try:
        # While they are at work.
        later = threading.Thread(target=_upload, args=(aws, workload.later))
        later.start()
        _drain(aws, news, go, result, tell)
        later.join()
        for wave in workload.waves:
            # All of it is there before any of it is taken, so that batches are as full as they get.
            go.clear()
            _upload(aws, wave)
            result.messages += len(wave)
            _drain(aws, news, go, result, tell)
    finally:
        stop.set()
        for worker in workers:
            worker.join()


def _drain(
    aws: LocalAws,
    news: Queue[News],
    go: Event,
    result: Result,
    tell: Callable[[int, int], None],
) -> None:
    """Have the workers work until no message is left; how long that took is added up."""
    began = time.monotonic()
    go.set()
    # There may be more: an upload that boto3 has repeated is told of twice.
    while (result.done < result.messages or _waiting(aws, aws.queue_url)) and (
        not result.dead_letters
    ):
        if result.done >= result.messages and news.empty():
            time.sleep(1)
            continue
        one = news.get(timeout=PATIENCE)
        _note(result, one)
        if one.failed:
            result.dead_letters = _waiting(aws, aws.dead_letter_url)
        tell(result.done, result.messages)
    result.seconds += time.monotonic() - began
    result.ends.append(dict(result.megabytes))


def _note(result: Result, one: News) -> None:
    result.invocations += 1
    result.done += one.done
    result.redelivered += one.failed
    result.longest = max(result.longest, one.seconds)
    result.most_attempts = max(result.most_attempts, one.attempt)
    result.requests += one.requests
    result.megabytes[one.worker] = one.megabytes


def _waiting(aws: LocalAws, queue_url: str) -> int:
    names: Any = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    answer = aws.sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=names)
    return sum(map(int, answer["Attributes"].values()))


def _check(aws: LocalAws, workload: Workload, result: Result) -> None:
    result.dead_letters = _waiting(aws, aws.dead_letter_url)
    result.faults += list(_faults(aws, workload, result))
    settings = Settings.from_environment(os.environ)._replace(parallel_calls=PATIENTLY)
    for _, step in Verifier(Store(settings), settings).steps(Walk(), repair=False):
        result.verified += step.checked
        result.faults += [f"verify: {one.key} {one.what}" for one in step.differences]


def _faults(aws: LocalAws, workload: Workload, result: Result) -> Iterator[str]:
    if result.dead_letters:
        yield f"{result.dead_letters} messages in the dead-letter queue"
    if left := _waiting(aws, aws.queue_url):
        yield f"{left} messages in the queue"
    pages = aws.s3.get_paginator("list_objects_v2").paginate(Bucket=SITE_BUCKET)
    keys = [item["Key"] for page in pages for item in page.get("Contents", [])]

    def read(key: str) -> str:
        return aws.s3.get_object(Bucket=SITE_BUCKET, Key=key)["Body"].read().decode()

    yield from lost(workload, keys, read)
    for worker, most in result.megabytes.items():
        if most > result.limits.memory:
            yield f"worker {worker} took {most:.0f} MB"
        if result.growth(worker) > ALLOWANCE:
            yield f"worker {worker} grew by {result.growth(worker):.0f} MB in the last wave"
    if result.longest > result.limits.timeout:
        yield f"an invocation took {result.longest:.0f} s"
