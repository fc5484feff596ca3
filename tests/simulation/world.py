"""One run: the real handler against S3, CloudFront and SQS in moto, as a plan will have it."""

from __future__ import annotations

import io
import json
import os
import random
import time
import warnings
from collections import Counter
from contextlib import ExitStack, contextmanager, redirect_stdout
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import boto3
from botocore.exceptions import ReadTimeoutError
from moto import mock_aws

import app
from broadsheet import addresses, index, listings, store
from tests.newsroom import (
    SITE,
    SOURCE,
    URL,
    Crash,
    Newsroom,
    make_distribution,
    refused,
    sqs_record,
)
from tests.simulation.mutations import MUTATIONS
from tests.simulation.scheduler import Actor, Scheduler

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.newsroom import Copy
    from tests.simulation.plan import Fault, Operation, Place, Plan, Stall

# Invocations after which a queue that is not empty never will be.
PATIENCE = 150
AFTERWARDS = {"crash after", "response lost", "repeated"}


@dataclass
class Run:
    """What came of a plan."""

    plan: Plan
    violations: list[str]
    coverage: Counter[str]
    trace: list[str]


@dataclass
class Message:
    """A message of the queue; ``copies`` is how often it may still be delivered twice."""

    id: str
    record: dict[str, Any]
    copies: int = 1


@dataclass
class Invocation:
    """What the world knows of an invocation under way or over."""

    number: int
    actor: Actor
    seen: Counter[str] = field(default_factory=Counter)
    faults: list[Fault] = field(default_factory=list)
    stalls: list[Stall] = field(default_factory=list)
    lasting: list[Fault] = field(default_factory=list)
    pages: set[str] = field(default_factory=set)
    owed: dict[str, Copy] = field(default_factory=dict)
    pending: tuple[str, dict[str, Any], Fault | None] | None = None
    began: int = 0
    ended: int | None = None


def simulate(plan: Plan, mutation: str = "") -> Run:
    """Carry out a plan, with the code broken by a mutation if one is named."""
    with _environment(plan), mock_aws():
        world = World(plan)
        with ExitStack() as stack:
            if mutation:
                stack.enter_context(MUTATIONS[mutation].applied())
            world.play()
        world.check()
        return Run(plan, world.violations, world.coverage, world.trace)


@contextmanager
def _environment(plan: Plan) -> Iterator[None]:
    variables = {
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "SOURCE_BUCKET": SOURCE,
        "SITE_BUCKET": SITE,
        "SITE_URL": URL,
        "PARALLEL_CALLS": "1",
        "QUEUE_URL": "",
        "INVALIDATE_BY": plan.invalidate_by,
    }
    level = app.logger.log_level
    with (
        patch.dict(os.environ, variables),
        patch.object(index, "NEWEST", plan.newest),
        patch.object(listings, "NEWEST", plan.newest),
        warnings.catch_warnings(),
        redirect_stdout(io.StringIO()),
    ):
        warnings.simplefilter("ignore")
        app.logger.setLevel("CRITICAL")
        try:
            yield
        finally:
            app.logger.setLevel(level)


class World(Newsroom):
    """A newsroom whose invocations are interleaved, and whose AWS fails, as planned.

    ``violations`` says in words what was broken; ``trace`` has every step; ``coverage`` counts.
    """

    def __init__(self, plan: Plan) -> None:
        super().__init__()
        for bucket in (SOURCE, SITE):
            self.s3.create_bucket(
                Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}
            )
        self.s3.put_bucket_versioning(Bucket=SOURCE, VersioningConfiguration={"Status": "Enabled"})
        os.environ["DISTRIBUTION_ID"] = make_distribution()
        if plan.queue:
            os.environ["QUEUE_URL"] = boto3.client("sqs").create_queue(QueueName="q")["QueueUrl"]
        self.plan = plan
        self.violations: list[str] = []
        self.coverage: Counter[str] = Counter()
        self.trace: list[str] = []
        self.uploaded: set[str] = set()
        self._rng = random.Random(f"{plan.seed} desk")  # noqa: S311 (no secret)
        self._calm = list(plan.calm)
        self._todo = list(plan.operations)
        # The first invocation of the storm, once there is calm no more.
        self._storm: int | None = None
        self._messages: list[Message] = []
        self._scheduler = Scheduler(plan, self)
        self._by_actor: dict[Actor, Invocation] = {}
        self._excepted: set[str] = set()
        self._dangling_now: set[tuple[str, str]] = set()

    # The run

    def play(self) -> None:
        """Until everything is uploaded and the queue is empty."""
        clients = store._clients("", 1)  # noqa: SLF001 (the one gate)
        sleep = time.sleep

        def doze(seconds: float) -> None:
            if self._scheduler.actor:
                self.coverage["pauses"] += 1
                self._scheduler.pause(asleep=True)
            else:
                sleep(seconds)

        original_newest = listings.Listings._newest  # noqa: SLF001 (only counted)

        def newest(*args: Any) -> Any:
            self.coverage["refills"] += 1
            return original_newest(*args)

        original_settle = listings.Listings._settle_once  # noqa: SLF001 (only counted)

        def settle(*args: Any, **options: Any) -> Any:
            self.coverage["rounds"] += 1
            return original_settle(*args, **options)

        hooks: dict[str, Callable[..., None]] = {
            "provide-client-params": self._before,
            "after-call": self._after,
        }
        emitters = [c.meta.events for c in (clients.s3, clients.cloudfront, clients.sqs)]
        with (
            patch.object(time, "sleep", doze),
            patch.object(listings.Listings, "_newest", newest),
            patch.object(listings.Listings, "_settle_once", settle),
        ):
            for emitter in emitters:
                for event, hook in hooks.items():
                    emitter.register(event, hook)
            try:
                self._scheduler.run()
            finally:
                for emitter in emitters:
                    for event, hook in hooks.items():
                        emitter.unregister(event, hook)
        self.coverage["runs"] += 1
        self.coverage["AWS calls"] += self.calls.total()
        self.coverage["switches between invocations"] += self._scheduler.switches
        self.coverage["stalls"] += self._scheduler.stalls

    # The desk: what comes from outside

    def ready(self) -> bool:
        """Whether an upload or a message is waiting."""
        if self._storm is None:
            return not self._scheduler.in_flight
        room = len(self._scheduler.in_flight) < self.plan.at_once
        return bool(self._todo or (self._messages and room))

    def step(self) -> None:
        """Upload something, or deliver a batch."""
        if self._storm is None:
            if self._messages:
                self._deliver_some()
            elif self._calm:
                self._upload(self._calm.pop(0))
            else:
                self._storm = self.coverage["invocations"]
            return
        room = len(self._scheduler.in_flight) < self.plan.at_once
        deliverable = bool(self._messages) and room
        if self._todo and not (deliverable and self._rng.random() < 0.6):
            self._upload(self._todo.pop(0))
        elif deliverable:
            self._deliver_some()

    def _upload(self, operation: Operation) -> None:
        self.trace.append(f"newsroom: {operation}")
        self.coverage["operations"] += 1
        if operation.body is None:
            self.s3.delete_object(Bucket=SOURCE, Key=operation.key)
        else:
            self.upload_bytes(operation.key, operation.body)
        self.uploaded.add(operation.key)
        for _ in range(2 if self.plan.batch > 1 and self._rng.random() < 0.25 else 1):
            self._enqueue(sqs_record("", [operation.key]))

    def _enqueue(self, record: dict[str, Any]) -> None:
        number = self.coverage["messages"]
        self.coverage["messages"] += 1
        self._messages.append(Message(str(number), record | {"messageId": str(number)}))

    def _deliver_some(self) -> None:
        count = min(len(self._messages), self._rng.randint(1, self.plan.batch))
        batch = self._rng.sample(self._messages, count)
        twice = 0.1 if self._storm is not None else 0
        kept = [m for m in batch if m.copies and self._rng.random() < twice]
        for message in kept:
            message.copies -= 1
            self.coverage["messages delivered twice"] += 1
        self._messages = [m for m in self._messages if m not in batch or m in kept]
        number = self.coverage["invocations"]
        self.coverage["invocations"] += 1
        if number >= PATIENCE:
            self.violations.append("the queue never gets empty")
            self._messages.clear()
            return
        names = ", ".join(json.loads(m.record["body"]).__repr__()[-40:] for m in batch)
        self.trace.append(f"invocation {number} begins with {len(batch)}: {names}")
        self._scheduler.start(number, lambda actor: self._invoke(actor, batch))

    def _invoke(self, actor: Actor, batch: list[Message]) -> None:
        place = -1 if self._storm is None else actor.number - self._storm
        invocation = Invocation(
            actor.number,
            actor,
            faults=[f for f in self.plan.faults if f.place.invocation == place],
            stalls=[s for s in self.plan.stalls if s.place.invocation == place],
            began=len(self.trace),
        )
        self._by_actor[actor] = invocation
        again = batch
        try:
            answer = app.lambda_handler({"Records": [m.record for m in batch]}, None)
        except Crash:
            pass
        except Exception as error:  # noqa: BLE001 (a violation like any other)
            self.violations.append(f"the handler raised {error!r}")
        else:
            ids = {item["itemIdentifier"] for item in answer["batchItemFailures"]}
            again = [message for message in batch if message.id in ids]
        self._messages += again
        self.coverage["messages tried again"] += len(again)
        invocation.ended = len(self.trace)
        back = ", ".join(message.id for message in again) or "nothing"
        self.trace.append(f"invocation {actor.number} ends; to come again: {back}")

    # The gate

    def _before(self, params: dict[str, Any], model: Any, **_: Any) -> None:
        actor = self._scheduler.actor
        if actor is None:
            return
        if actor.dead:
            raise Crash
        invocation = self._by_actor[actor]
        moment = moment_of(model.name, params)
        invocation.seen[moment] += 1
        invocation.seen[""] += 1
        stall = next(
            (s for s in invocation.stalls if self._is_at(invocation, s.place, moment)), None
        )
        self._scheduler.pause(stall)
        fault = self._fault(invocation, moment, params)
        self.calls[model.name] += 1
        text = f"{actor.number}: {model.name} {params.get('Key', '')}"
        self.trace.append(f"{text} [{fault.kind}]" if fault else text)
        if fault and fault.kind not in AFTERWARDS:
            self._break(actor, fault, model.name)
        invocation.pending = (model.name, params, fault)

    def _after(self, model: Any, http_response: Any, **_: Any) -> None:
        actor = self._scheduler.actor
        if actor is None:
            return
        invocation = self._by_actor[actor]
        assert invocation.pending is not None
        name, params, fault = invocation.pending
        assert name == model.name
        if http_response.status_code < 300:
            try:
                self._watch(invocation, name, params)
            except Exception as error:  # noqa: BLE001 (else the handler would take it for AWS's)
                self._scheduler.fail(error)
        elif http_response.status_code == 412:
            self.trace[-1] += " = 412"
            self.coverage["conditions refused by S3"] += 1
        if fault:
            self._break(actor, fault, name, params)

    def _is_at(self, invocation: Invocation, place: Place, moment: str) -> bool:
        return place.moment in {"", moment} and place.count == invocation.seen[place.moment]

    def _fault(self, invocation: Invocation, moment: str, params: dict[str, Any]) -> Fault | None:
        conditional = "IfMatch" in params or "IfNoneMatch" in params
        for fault in [*invocation.lasting, *invocation.faults]:
            at = self._is_at(invocation, fault.place, moment)
            if fault.kind == "broken" and fault in invocation.lasting:
                return fault
            if fault.kind == "outage" and fault in invocation.lasting:
                if moment == fault.place.moment or not fault.place.moment:
                    return fault
                continue
            if fault.kind in {"conflict 409", "missing 404", "repeated"}:
                # They happen to conditional writes only: the next one serves.
                at = conditional and invocation.seen[fault.place.moment] >= fault.place.count
                at = at and (fault.kind != "missing 404" or "IfMatch" in params)
                at = at and fault in invocation.faults
            if at:
                invocation.faults.remove(fault)
                if fault.kind in {"outage", "broken"}:
                    invocation.lasting.append(fault)
                return fault
        return None

    def _break(
        self, actor: Actor, fault: Fault, name: str, params: dict[str, Any] | None = None
    ) -> None:
        self.coverage[f"fault: {fault.kind}"] += 1
        match fault.kind:
            case "crash before" | "crash after":
                actor.dead = True
                raise Crash
            case "response lost":
                raise ReadTimeoutError(endpoint_url="https://aws.example")
            case "repeated":
                # The answer was lost, botocore asked again, and this is the second answer.
                if params and ("IfMatch" in params or "IfNoneMatch" in params):
                    raise refused(name, "PreconditionFailed")
            case "throttled":
                raise refused(name, "SlowDown")
            case "conflict 409":
                raise refused(name, "ConditionalRequestConflict")
            case "missing 404":
                raise refused(name, "NoSuchKey")
            case _:
                raise refused(name, "InternalError")

    # What must hold at every instant

    def _watch(self, invocation: Invocation, name: str, params: dict[str, Any]) -> None:
        key = params.get("Key", "")
        if name == "SendMessageBatch":
            for entry in params["Entries"]:
                self._enqueue({"messageId": "", "body": entry["MessageBody"]})
            return
        ours = params.get("Bucket") == self.site_bucket and not key.startswith("_")
        if ours and key.startswith("articles/"):
            path = key.removesuffix("/index.html")
            if name == "PutObject":
                invocation.pages.add(path)
                self._excepted.discard(path)
            elif name == "DeleteObject" and self._being_published(path, invocation):
                self._excepted.add(path)
        self._observe(name, params)
        if ours and name in {"PutObject", "DeleteObject"}:
            copy = self.cdn.get(key)
            if copy and copy != self._origin(key):
                invocation.owed[key] = copy
        if params.get("Bucket") == SOURCE and name == "PutObject":
            self._check_receipt(invocation, key.removeprefix("receipts/"))

    def _being_published(self, path: str, remover: Invocation) -> bool:
        """Whether another invocation, at work when this one was, has written the page."""
        return any(
            path in other.pages and (other.ended is None or other.ended > remover.began)
            for other in self._by_actor.values()
            if other is not remover
        )

    def _check_receipt(self, invocation: Invocation, key: str) -> None:
        """That of a published article comes after the CDN has been told: it is live."""
        if not invocation.owed or self.receipt(key)["status"] != "published":
            return
        path = addresses.article_path(key)
        own = path and addresses.page_key(path)
        for owed, copy in invocation.owed.items():
            told = self.cdn.get(owed) is not copy
            if not told and (owed == own or not owed.startswith("articles/")):
                self._violate(f"receipt for {key} while the CDN has an old {owed}")

    def _check_links(self) -> None:
        before = self._dangling_now
        self._dangling_now = {
            (listing, link)
            for listing, links in self._links.items()
            for link in links
            if f"{link}/index.html" not in self._pages
        }
        for listing, link in sorted(self._dangling_now - before):
            self.trace.append(f"  {listing} links to {link}, which has no page")
            if link in self._excepted:
                self.coverage["links excepted"] += 1
            else:
                self._violate(f"{listing} links to {link}, which has no page")

    def _violate(self, text: str) -> None:
        if text not in self.violations:
            self.violations.append(text)

    # What must hold in the end

    def check(self) -> None:
        """Compare what is there with a clean rebuild, and the CDN with what is there."""
        for key in sorted(self.uploaded):
            if addresses.receipt_key(key) not in self.keys(SOURCE):
                self._violate(f"no receipt for {key}: its message was lost")
        said = {key: self.receipt(key) for key in self.uploaded if not self.violations}
        site = self.site()
        rebuilt = self.rebuilt()
        for key in sorted(site.keys() | rebuilt.keys()):
            if key not in site:
                self._violate(f"{key} is missing")
            elif key not in rebuilt:
                self._violate(f"{key} should not exist")
            elif site[key] != rebuilt[key]:
                self._violate(f"{key} differs from a rebuild")
        for key, copy in sorted(self.cdn.items()):
            if copy != site.get(key):
                self._violate(f"the CDN has an old {key}")
        self.coverage["receipts out of date"] += sum(
            receipt != self.receipt(key) for key, receipt in said.items()
        )


def moment_of(name: str, params: dict[str, Any]) -> str:  # noqa: PLR0911 (a table)
    """What a call is for, in the words of a plan."""
    key = params.get("Key", "")
    if name == "CreateInvalidation":
        return "invalidate"
    if params.get("Bucket") == SOURCE:
        moments = {
            "GetObject": "read source",
            "HeadObject": "look at source",
            "PutObject": "receipt",
        }
        return moments.get(name, "other")
    if key.startswith("_record/"):
        return "read record" if name == "GetObject" else "write record"
    if key.startswith("_index/"):
        return _index_moment(name, key)
    if key.startswith("articles/"):
        return "delete page" if name == "DeleteObject" else "write page"
    if name == "PutObject" and key in {addresses.NOT_FOUND, addresses.ROBOTS}:
        return "write fixed"
    moments = {
        "PutObject": "write listing",
        "DeleteObject": "delete listing",
        "HeadObject": "look at listing",
    }
    return moments.get(name, "other")


def _index_moment(name: str, key: str) -> str:
    if name == "PutObject":
        if key == addresses.ROOT_INDEX:
            return "swap site"
        return "swap topic" if key.startswith("_index/topics/") else "swap month"
    return "read index" if name == "GetObject" else "look at index"
