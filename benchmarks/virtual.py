"""The load in virtual time: the real handler against moto, with the delays that AWS has.

Invocations, and the calls that each makes in parallel, are threads of which one runs at a time: the
one whose moment comes next. A call takes effect half-way through its delay. All is drawn from a
seed, so a run replays exactly, and an hour of waiting takes no time.

docs/load.md says what is assumed of S3, CloudFront, SQS and Lambda.
"""

from __future__ import annotations

import io
import json
import math
import os
import random
import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar
from unittest.mock import patch

from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from moto import mock_aws
from moto.core.models import botocore_stubber

import app
from benchmarks.sqs import Message, Queue
from benchmarks.workload import TWICE, Limits, Workload, lost
from broadsheet.clients import clients_of
from broadsheet.render import Renderer
from broadsheet.settings import PARALLEL_CALLS, Settings
from broadsheet.store import Store
from tests.newsroom import DONE, LATE, SITE, SOURCE, Crash, Newsroom, make_distribution, sqs_record
from tests.simulation.plan import Plan
from tests.simulation.scheduler import Actor, Scheduler
from tests.simulation.world import environment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from benchmarks.workload import Upload
    from broadsheet.page import Page
    from tests.newsroom import Copy

# Milliseconds that a call takes (median).
MEDIANS = {
    "GetObject": 20,
    "HeadObject": 15,
    "PutObject": 40,
    "DeleteObject": 25,
    "ListObjectVersions": 40,
    "CreateInvalidation": 300,
    "ChangeMessageVisibilityBatch": 10,
}
# Of the logarithm; and how many calls take ten times as long.
SPREAD = 0.4
SLOW = 0.005
# Calls of S3 that it answers with 503 SlowDown.
THROTTLED = 0.005
# Seconds (median) that an invalidation is in progress, and how many may be at once. AWS names the
# number for wildcards, and none for tags: https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/InvalidationLimits.html
INVALIDATION = 6.0
MOST_INVALIDATIONS = 15
# Bytes of lists that the function's share of a processor renders in a second.
RENDERED = 4_000_000
# Uploads a second; seconds from an upload to its message (median), and from it to its double.
UPLOADS = 1000
NOTICE = 0.7
DOUBLE = 60.0
# The later uploads are spread over so many seconds for each article, and so is the outage's start.
LATER = 0.05
OUTAGE_BEGINS = 0.02
OUTAGE = 600.0

# What S3 answers where a condition does not hold, and where there is too much to do.
REFUSED = 412
THROTTLES = 503

T = TypeVar("T")
R = TypeVar("R")


@dataclass
class Result:
    """What came of it; ``faults`` is what should not be, and empty where all is well."""

    articles: int
    limits: Limits
    messages: int = 0
    seconds: float = 0.0
    invocations: int = 0
    longest: float = 0.0
    killed: int = 0
    most_in_flight: int = 0
    most_waiting: int = 0
    redelivered: int = 0
    most_receives: int = 0
    requests: Counter[str] = field(default_factory=Counter)
    throttled: int = 0
    invalidations_refused: int = 0
    dead_letters: int = 0
    objects: int = 0
    faults: list[str] = field(default_factory=list)


def run(
    count: int, seed: int, tell: Callable[[int, int], None], limits: Limits, *, outage: bool
) -> Result:
    """Upload it all, let it be worked off, and compare what is there with a rebuild.

    ``tell`` hears how many messages are done and how many there are.
    """
    plan = Plan(seed=seed, calm=(), operations=())
    with environment(plan), mock_aws():
        random.seed(seed)
        world = World(plan, count, tell, limits, outage=outage)
        world.play()
        world.check()
        return world.result


@dataclass(eq=False)
class Invocation:
    """One at work, and the context that Lambda gives it; times are virtual."""

    timeline: Timeline
    began: float
    deadline: float
    computes_until: float = 0.0
    aws_request_id: str = "virtual"

    def get_remaining_time_in_millis(self) -> int:
        """What is left of its time."""
        return int((self.deadline - self.timeline.now) * 1000)


class Timeline(Scheduler):
    """Lets him go next whose moment comes next."""

    patience = None

    def __init__(self, plan: Plan, world: World) -> None:
        super().__init__(plan, world)
        self._world = world
        self._due: dict[Actor, float] = {}
        self.now = 0.0

    def sleep(self, seconds: float) -> None:
        """Let so much time pass for the actor whose thread this is."""
        self._due[self.here()] = self.now + seconds
        self.pause()

    def here(self) -> Actor:
        """Whose thread this is: that of an invocation, or of a call of one."""
        if self.actor is None:
            raise RuntimeError("nobody is here")
        return self.actor

    def wake(self, actor: Actor) -> None:
        """Let a sleeper go on now."""
        self._due[actor] = self.now

    def _choose(self) -> Actor | None:
        while True:
            first = min(self._waiting, key=self._when, default=None)
            moment = self._when(first) if first else math.inf
            outside = self._world.next()
            if math.inf == moment == outside:
                return None
            self.now = max(self.now, min(moment, outside))
            if first and moment < outside:
                self._waiting.remove(first)
                self._due.pop(first, None)
                return first
            self._world.step()

    def _when(self, actor: Actor) -> float:
        return self._due.get(actor, self.now)


class World(Newsroom):
    """A newsroom, its queue, and a function whose calls take time and fail as they do on AWS."""

    twice = TWICE

    def __init__(
        self,
        plan: Plan,
        count: int,
        tell: Callable[[int, int], None],
        limits: Limits,
        *,
        outage: bool,
    ) -> None:
        super().__init__()
        for bucket in (SOURCE, SITE):
            self.s3.create_bucket(
                Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}
            )
        self.s3.put_bucket_versioning(Bucket=SOURCE, VersioningConfiguration={"Status": "Enabled"})
        os.environ["DISTRIBUTION_ID"] = make_distribution()
        # As deployed, so that as many articles of a batch are begun at a time.
        os.environ["PARALLEL_CALLS"] = str(PARALLEL_CALLS)
        os.environ["QUEUE_URL"] = "https://sqs.eu-west-1.amazonaws.com/123456789012/q"
        self._rng = random.Random(f"{plan.seed} world")  # noqa: S311 (no secret)
        self._timeline = Timeline(plan, self)
        self._tell = tell
        self.limits = limits
        self.result = Result(count, limits)
        self._queue = Queue(limits)
        self._workload = Workload.of(count, plan.seed)
        self._uploads = self._schedule(self._workload)
        begins = OUTAGE_BEGINS * count
        self._outage = (begins, begins + OUTAGE) if outage else (math.inf, math.inf)
        self._running: dict[Actor, Invocation] = {}
        self._at_work = 0
        self._invalidations: list[float] = []

    def _schedule(self, workload: Workload) -> list[tuple[float, Upload]]:
        """When what is uploaded, the last first."""
        burst = [(i / UPLOADS, upload) for i, upload in enumerate(workload.burst)]
        begins, lasts = len(burst) / UPLOADS, len(burst) * LATER
        later = [(begins + self._rng.uniform(0, lasts), upload) for upload in workload.later]
        return sorted([*burst, *later], key=lambda item: -item[0])

    def play(self) -> None:
        """Until everything is uploaded and the queue is empty."""
        clients = clients_of("", Settings.from_environment(os.environ).parallel_calls)
        with ExitStack() as stack:
            for owner, name, replacement in self._patches():
                stack.enter_context(patch.object(owner, name, replacement))
            for client in (clients.s3, clients.cloudfront, clients.sqs):
                events: Any = client.meta.events
                # Before moto's own, which answers.
                events.register_first("before-send", self._before_send)
                stack.callback(events.unregister, "before-send", self._before_send)
                events.register("response-received", self._received)
                stack.callback(events.unregister, "response-received", self._received)
            self._timeline.run()

    def _patches(self) -> list[tuple[Any, str, Any]]:
        month, scope = Renderer.month, Renderer.scope

        def rendered_month(*arguments: Any) -> Any:
            return self._rendered(month(*arguments))

        def rendered_scope(*arguments: Any) -> Any:
            return self._rendered(scope(*arguments))

        return [
            (time, "sleep", self._pass),
            (Store, "each", lambda _, call, items: self._each(call, items)),
            (Renderer, "month", rendered_month),
            (Renderer, "scope", rendered_scope),
        ]

    # What comes from outside

    def ready(self) -> bool:
        """Whether anything will come."""
        return self.next() < math.inf

    def next(self) -> float:
        """When the next upload or delivery is due."""
        upload = self._uploads[-1][0] if self._uploads else math.inf
        free = self._at_work < self.limits.concurrency
        return min(upload, self._queue.due() if free else math.inf)

    def step(self) -> None:
        """Upload what is due, or begin an invocation."""
        now = self._timeline.now
        if self._uploads and self._uploads[-1][0] <= now:
            self._upload(self._uploads.pop()[1])
            return
        batch = self._queue.receive(now)
        if batch:
            self._at_work += 1
            self.result.invocations += 1
            waiting, in_flight = self._queue.counts(now)
            self.result.most_waiting = max(self.result.most_waiting, waiting + len(batch))
            self.result.most_in_flight = max(self.result.most_in_flight, in_flight)
            self._timeline.start(self.result.invocations, lambda actor: self._work(actor, batch))

    def _upload(self, upload: Upload) -> None:
        now = self._timeline.now
        if self._is_out():
            # The newsroom's uploads fail as well, and are tried again when S3 is back.
            self._uploads.append((self._outage[1] + self._rng.random(), upload))
            self._uploads.sort(key=lambda item: -item[0])
            return
        if upload.body is None:
            self.s3.delete_object(Bucket=SOURCE, Key=upload.key)
        else:
            self.upload_bytes(upload.key, upload.body)
        notice = now + NOTICE * self._rng.lognormvariate(0, SPREAD)
        self._queue.send(upload.key, notice)
        if self._rng.random() < self.twice / 100:
            self._queue.send(upload.key, notice + self._rng.uniform(0, DOUBLE))
        self.result.messages = len(self._queue.messages)

    def _is_out(self) -> bool:
        return self._outage[0] <= self._timeline.now < self._outage[1]

    # An invocation

    def _work(self, actor: Actor, batch: list[Message]) -> None:
        now = self._timeline.now
        invocation = Invocation(self._timeline, now, now + self.limits.timeout)
        self._running[actor] = invocation
        records = [
            sqs_record(message.id, [message.key])
            | {
                "receiptHandle": message.id,
                "attributes": {"ApproximateReceiveCount": str(message.receives)},
            }
            for message in batch
        ]
        try:
            answer = app.lambda_handler({"Records": records}, invocation, now=lambda: LATE)
        except Crash:
            # Its time was up. The messages come again when the queue shows them.
            self.result.killed += 1
            failed = {message.id for message in batch}
        else:
            failed = {item["itemIdentifier"] for item in answer["batchItemFailures"]}
        for message in batch:
            if message.id not in failed:
                self._queue.delete(message)
        self.result.longest = max(self.result.longest, self._timeline.now - invocation.began)
        self.result.redelivered += len(failed)
        del self._running[actor]
        self._at_work -= 1
        done = sum(message.done for message in self._queue.messages.values())
        self._tell(done, len(self._queue.messages) + len(self._uploads))
        self.result.seconds = self._timeline.now

    def _each(self, call: Callable[[T], R], items: Iterable[T]) -> list[R]:
        """As Store.each: so many at once as the function has threads, each an actor of its own."""
        jobs = list(items)
        parent = self._timeline.actor
        if parent is None or len(jobs) < 2:  # noqa: PLR2004 (nothing to do at once)
            return [call(job) for job in jobs]
        results: list[Any] = [None] * len(jobs)
        errors: list[BaseException] = []
        queue = iter(enumerate(jobs))
        width = min(len(jobs), PARALLEL_CALLS)

        def take(child: Actor) -> None:
            nonlocal width
            self._running[child] = invocation
            for number, job in queue:
                try:
                    results[number] = call(job)
                except BaseException as error:  # noqa: BLE001 (raised again below)
                    errors.append(error)
            del self._running[child]
            width -= 1
            if not width:
                self._timeline.wake(parent)

        invocation = self._running[parent]
        for number in range(width):
            self._timeline.start(number, take)
        self._timeline.sleep(math.inf)
        for error in errors:
            raise error
        return results

    def _pass(self, seconds: float) -> None:
        """Let time pass; with the invocation's time it ends."""
        deadline = self._running[self._timeline.here()].deadline
        self._timeline.sleep(min(seconds, deadline - self._timeline.now))
        if self._timeline.now >= deadline:
            raise Crash

    def _rendered(self, pages: dict[str, Page | None]) -> dict[str, Page | None]:
        """Pages, after the time that it takes to render them, one after the other."""
        invocation = self._running[self._timeline.here()]
        seconds = sum(len(page.body) for page in pages.values() if page) / RENDERED
        begin = max(self._timeline.now, invocation.computes_until)
        invocation.computes_until = begin + seconds
        self._pass(invocation.computes_until - self._timeline.now)
        return pages

    # AWS

    def _before_send(self, request: Any, event_name: str, **_: Any) -> AWSResponse | None:
        operation = event_name.rpartition(".")[2]
        self.result.requests[operation] += 1
        self._pass(self._delay(operation))
        if operation == "ChangeMessageVisibilityBatch":
            return self._hide(request)
        if operation == "CreateInvalidation":
            return self._invalidate(request)
        if self._is_out() or self._is_throttled():
            return _error(request, THROTTLES, "SlowDown")
        return None

    def _is_throttled(self) -> bool:
        return self._rng.random() < THROTTLED

    def _received(self, response_dict: dict[str, Any], event_name: str, **_: Any) -> None:
        botocore_stubber.enabled = True
        self.result.requests["412"] += response_dict["status_code"] == REFUSED
        self.result.throttled += response_dict["status_code"] == THROTTLES
        self._pass(self._delay(event_name.rpartition(".")[2]))

    def _delay(self, operation: str) -> float:
        """Half of what a call takes: the way there, or the way back."""
        slow = 10 if self._rng.random() < SLOW else 1
        return slow * MEDIANS[operation] / 2000 * self._rng.lognormvariate(0, SPREAD)

    def _hide(self, request: Any) -> AWSResponse:
        for entry in json.loads(request.body)["Entries"]:
            until = self._timeline.now + entry["VisibilityTimeout"]
            self._queue.hide(entry["ReceiptHandle"], until)
        return _answer(request, 200, '{"Successful": [], "Failed": []}')

    def _invalidate(self, request: Any) -> AWSResponse | None:
        now = self._timeline.now
        self._invalidations = [end for end in self._invalidations if end > now]
        if len(self._invalidations) >= MOST_INVALIDATIONS:
            self.result.invalidations_refused += 1
            return _error(request, 400, "TooManyInvalidationsInProgress")
        self._invalidations.append(now + INVALIDATION * self._rng.lognormvariate(0, SPREAD))
        return None

    # What must hold in the end

    def check(self) -> None:
        """Nothing is dead, and the site is what the workload asks for and what a rebuild gives."""
        result = self.result
        result.most_receives = max(m.receives for m in self._queue.messages.values())
        result.dead_letters = len(self._queue.dead)
        faults = [f"{m.key} is in the dead-letter queue" for m in self._queue.dead]
        site = self.site()
        result.objects = len(site)
        faults += lost(self._workload, list(site), self.page)
        rebuilt = self.clean()
        faults += [
            f"{key} differs from a rebuild"
            for key in sorted(site.keys() | rebuilt.keys())
            if site.get(key) != rebuilt.get(key)
        ]
        result.faults = faults

    def clean(self) -> dict[str, Copy]:
        """The public objects that one invocation makes of all the sources in an empty bucket."""
        clean = Newsroom(site_bucket="rebuilt-bucket")
        clean.s3.create_bucket(
            Bucket=clean.site_bucket,
            CreateBucketConfiguration={"LocationConstraint": "eu-west-1"},
        )
        keys = [key for key in self.keys(SOURCE) if key.startswith("articles/")]
        os.environ |= {"SITE_BUCKET": clean.site_bucket, "PARALLEL_CALLS": "1"}
        if (
            app.lambda_handler({"Records": [sqs_record("all", keys)]}, None, now=lambda: LATE)
            != DONE
        ):
            raise RuntimeError("the rebuild failed")
        return clean.site()


def _error(request: Any, status: int, code: str) -> AWSResponse:
    inner = f"<Error><Code>{code}</Code><Message>{code}</Message></Error>"
    whole = inner if status == THROTTLES else f"<ErrorResponse>{inner}</ErrorResponse>"
    return _answer(request, status, whole)


def _answer(request: Any, status: int, body: str) -> AWSResponse:
    """An answer in place of moto's, which botocore would ask no less: what is refused is not done.

    Nobody else's call comes between it and the moment at which it is received.
    """
    botocore_stubber.enabled = False
    return AWSResponse(request.url, status, HTTPHeaders(), _Raw(body.encode()))


class _Raw(io.BytesIO):
    """A body as botocore reads it."""

    def stream(self, **_: Any) -> Iterable[bytes]:
        """All of it."""
        yield self.read()
