"""A worker of the load for real: polls the queue and calls the handler, as Lambda does.

It is a process that has nothing of the tests in its memory, which is measured.
"""

from __future__ import annotations

import os
import resource
import sys
import tempfile
import threading
import warnings
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3

from broadsheet.clients import clients_of
from broadsheet.settings import PARALLEL_CALLS
from local.function import functions
from local.pump import Invocation, Pump

if TYPE_CHECKING:
    from multiprocessing.queues import Queue
    from multiprocessing.synchronize import Event

REFUSED = 412


@dataclass(frozen=True)
class Polled:
    """The queue that is polled, and what template.yaml says of it and of the function."""

    url: str
    arn: str
    batch: int
    timeout: int
    most_receives: int


@dataclass(frozen=True)
class News:
    """What a worker tells of an invocation; ``megabytes`` is the most that it ever took."""

    worker: int
    done: int
    failed: int
    attempt: int
    seconds: float
    megabytes: float
    requests: Counter[str]


def work(number: int, queue: Polled, news: Queue[News], go: Event, stop: Event) -> None:
    """Work until told to stop, and only while ``go`` is set."""
    warnings.simplefilter("ignore")
    counted: Counter[str] = Counter()
    lock = threading.Lock()

    def count(model: Any, http_response: Any, **_: Any) -> None:
        with lock:
            counted[model.name] += 1
            counted["412"] += http_response.status_code == REFUSED

    def tell(invocation: Invocation) -> None:
        with lock:
            requests = counted.copy()
            counted.clear()
        failed = sum(delivery.failed for delivery in invocation.deliveries)
        done = len(invocation.deliveries) - failed
        attempt = max(delivery.attempt for delivery in invocation.deliveries)
        news.put(News(number, done, failed, attempt, invocation.seconds, megabytes(), requests))

    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        with functions({}, log) as (handler, _):
            # As the function gets them; the endpoint is that of the environment.
            clients = clients_of(os.environ["AWS_ENDPOINT_URL"], PARALLEL_CALLS)
            for client in (clients.s3, clients.cloudfront, clients.sqs):
                client.meta.events.register("after-call", count)
            pump = Pump(
                sqs=boto3.client("sqs"),
                queue_url=queue.url,
                queue_arn=queue.arn,
                handler=handler,
                timeout_seconds=queue.timeout,
                max_receive_count=queue.most_receives,
                tell=tell,
                batch_size=queue.batch,
                retry_seconds=None,
            )
            while not stop.is_set():
                if go.wait(1):
                    pump.deliver(wait_seconds=1)


def megabytes() -> float:
    """The most memory that this process has ever taken.

    Where there is a /proc it is asked: what getrusage says may be the parent's.
    """
    status = Path("/proc/self/status")
    if status.exists():
        fields = dict(line.split(":", 1) for line in status.read_text().splitlines())
        return int(fields["VmHWM"].split()[0]) / 1024
    unit = 1024**2 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
