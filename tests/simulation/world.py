"""One run: the real handler against S3, CloudFront and SQS in moto, as a plan will have it."""

from __future__ import annotations

import io
import json
import os
import random
import secrets
import time
import warnings
from contextlib import ExitStack, contextmanager, redirect_stdout
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from botocore.exceptions import ReadTimeoutError
from moto import mock_aws

import app
from broadsheet import index, listings, sources, store, verify
from broadsheet.article import Article
from broadsheet.card import Card
from broadsheet.clients import clients_of
from broadsheet.schedule import AHEAD
from tests import policies
from tests.newsroom import (
    ENVIRONMENT,
    SCHEDULING,
    SITE,
    SOURCE,
    Crash,
    make_distribution,
    make_group,
    refused,
    sqs_record,
)
from tests.simulation.moments import PARSE, SECOND_LOOK, moment_of
from tests.simulation.mutations import MUTATIONS
from tests.simulation.plan import END, START
from tests.simulation.scheduler import Actor, Scheduler
from tests.simulation.watch import Invocation, Watched

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Callable, Iterable, Iterator

    from tests.simulation.plan import Fault, Operation, Place, Plan, Stall

# Invocations after which a queue that is not empty never will be.
PATIENCE = 500
AFTERWARDS = {"crash after", "response lost", "repeated"}
# They answer conditional writes only, and so wait for the next one.
CONDITIONAL = {"conflict 409", "missing 404", "repeated"}
VERIFY = {"messageId": "", "body": '{"verify": {}}'}
# Keys that a step of it takes: few, so that there are several.
KEYS: dict[verify.Part, int] = {
    "indexes": 1,
    "aliases": 2,
    "redirects": 50,
    "articles": 2,
    "media": 2,
    "objects": 20,
    "schedules": 2,
}
# Seconds of an invocation that are left: too few for another article, and for any call.
LEFT = {"time is short": 30, "time is up": 0}


@dataclass
class Run:
    """What came of a plan; ``calls`` are those of each invocation of its storm.

    That is, before the clock goes past all times in the end.
    """

    plan: Plan
    violations: list[str]
    coverage: Counter[str]
    trace: list[str]
    calls: tuple[int, ...]


@dataclass
class Message:
    """A message of the queue; ``copies`` is how often it may still be delivered twice."""

    id: str
    record: dict[str, Any]
    copies: int = 1


def simulate(plan: Plan, mutation: str = "") -> Run:
    """Carry out a plan, with the code broken by a mutation if one is named."""
    with environment(plan), mock_aws():
        world = World(plan)
        calls: tuple[int, ...] = ()
        for until in (START, END):
            with ExitStack() as stack:
                if mutation:
                    stack.enter_context(MUTATIONS[mutation].applied())
                world.play(until)
            calls = calls or tuple(world.calls_made())
            world.check()
            if not world.waits():
                break
        return Run(plan, world.violations, world.coverage, world.trace, calls)


@contextmanager
def environment(plan: Plan) -> Iterator[None]:
    """That of a function which a plan's run calls; it logs nothing."""
    variables = ENVIRONMENT | SCHEDULING
    variables |= {"QUEUE_URL": "", "INVALIDATE_BY": plan.invalidate_by}
    variables["EVENT_BUS"] = "default" if plan.events else ""
    level = app.logger.log_level
    with (
        patch.dict(os.environ, variables),
        patch.object(index, "NEWEST", plan.newest),
        patch.object(verify, "KEYS", KEYS),
        # As if all invocations ran in one process: none is then sure to read site.json anew.
        patch.object(sources, "_last_site", {}),
        warnings.catch_warnings(),
        redirect_stdout(io.StringIO()),
    ):
        warnings.simplefilter("ignore")
        app.logger.setLevel("CRITICAL")
        try:
            yield
        finally:
            app.logger.setLevel(level)


class World(Watched):
    """A newsroom whose invocations are interleaved, and whose AWS fails, as planned."""

    def __init__(self, plan: Plan) -> None:
        super().__init__(plan)
        for bucket in (SOURCE, SITE):
            self.s3.create_bucket(
                Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}
            )
        self.s3.put_bucket_versioning(Bucket=SOURCE, VersioningConfiguration={"Status": "Enabled"})
        make_group()
        self.now = START
        self._clients = clients_of("", plan.parallel_calls)
        os.environ["DISTRIBUTION_ID"] = make_distribution()
        if plan.queue:
            os.environ["QUEUE_URL"] = self._clients.sqs.create_queue(QueueName="q")["QueueUrl"]
        self._rng = random.Random(f"{plan.seed} desk")  # noqa: S311 (no secret)
        self._secrets = random.Random(0)  # noqa: S311 (the same in each run)
        self._calm = list(plan.calm)
        self._todo = list(plan.operations)
        self._faults = list(plan.faults)
        self._stalls = list(plan.stalls)
        # Nothing is promised of a site that somebody has damaged, until it was verified.
        self._to_verify = plan.leaves_damage
        # The first invocation of the storm, once there is calm no more.
        self._storm: int | None = None
        self._calm_ended = 0
        self._messages: list[Message] = []
        self._scheduler: Scheduler

    # The run

    def play(self, now: datetime) -> None:
        """From a time on, until everything is uploaded and the queue is empty."""
        self._go_forward(now)
        self._scheduler = Scheduler(self.plan, self)
        clients = (self._clients.s3, self._clients.cloudfront, self._clients.sqs)
        others = (self._clients.scheduler, self._clients.redirects)
        emitters = [client.meta.events for client in (*clients, *others)]
        if self.plan.events:
            emitters.append(self._clients.events.meta.events)
        hooks: dict[str, Callable[..., None]] = {
            "provide-client-params": self._before,
            "after-call": self._after,
        }
        with ExitStack() as stack:
            calls = {"PARALLEL_CALLS": str(self.plan.parallel_calls)}
            stack.enter_context(patch.dict(os.environ, calls))
            for owner, name, replacement in self._patches():
                stack.enter_context(patch.object(owner, name, replacement))
            for emitter in emitters:
                for event, hook in hooks.items():
                    emitter.register(event, hook)
                    stack.callback(emitter.unregister, event, hook)
            self._scheduler.run()
        if not self.waits():
            self._count()

    def waits(self) -> bool:
        """Whether anything is to happen at a time that has not come."""
        return self.now < END and (bool(self._group()) or bool(self.embargoes))

    def _go_forward(self, now: datetime) -> None:
        if now > self.now:
            self.trace.append(f"the clock goes to {now}")
            self.now = now

    def calls_made(self) -> Iterator[int]:
        """How many calls each invocation of the storm has made."""
        for invocation in self._by_actor.values():
            if invocation.place >= 0:
                yield invocation.seen[""]

    def _patches(self) -> list[tuple[Any, str, Any]]:
        """Where the handler meets the simulation other than at calls of AWS."""
        sleep, parse, in_turn = time.sleep, Article.parse, store.Store.each
        png = Card.png
        gathered, settle = index.Scope.gathered, listings.Listings._settle_once  # noqa: SLF001 (only counted)

        def doze(seconds: float) -> None:
            if self._scheduler.actor:
                self.coverage["pauses"] += 1
                looks = seconds == verify.SECOND_LOOK
                self._scheduler.pause(self._stall_at(SECOND_LOOK) if looks else None, asleep=True)
            else:
                sleep(seconds)

        def parse_or_fail(path: str, data: bytes) -> Article:
            self._before_parse(path)
            return parse(path, data)

        def watched_png(card: Card) -> bytes:
            self.see_secrets(card.title.encode(), "a card")
            return png(card)

        def each(at: store.Store, call: Callable[[Any], Any], items: Any) -> list[Any]:
            return (
                self._in_any_order(call, items)
                if self._scheduler.actor
                else in_turn(at, call, items)
            )

        def counted_gathered(*args: Any, **options: Any) -> Any:
            self.coverage["refills"] += 1
            return gathered(*args, **options)

        def counted_settle(*args: Any, **options: Any) -> Any:
            self.coverage["rounds"] += 1
            return settle(*args, **options)

        return [
            (time, "sleep", doze),
            (store.Store, "each", each),
            (secrets, "token_bytes", self._secrets.randbytes),
            (Article, "parse", parse_or_fail),
            (Card, "png", watched_png),
            (index.Scope, "gathered", counted_gathered),
            (listings.Listings, "_settle_once", counted_settle),
        ]

    def _in_any_order(self, call: Callable[[Any], Any], items: Iterable[Any]) -> list[Any]:
        """What is done in parallel can come in any order, and ends in spite of errors."""
        assert self._scheduler.actor is not None
        jobs = list(enumerate(items))
        self._by_actor[self._scheduler.actor].order.shuffle(jobs)
        results: dict[int, Any] = {}
        errors: dict[int, Exception] = {}
        for i, item in jobs:
            try:
                results[i] = call(item)
            except Exception as error:  # noqa: BLE001 (raised when all have ended)
                errors[i] = error
        if errors:
            raise errors[min(errors)]
        return [results[i] for i in range(len(jobs))]

    def _count(self) -> None:
        self.coverage["runs"] += 1
        self.coverage["AWS calls"] += self.calls.total()
        self.coverage["events"] += len(self.events)
        self.coverage["switches between invocations"] += self._scheduler.switches
        fired = [fault for invocation in self._by_actor.values() for fault in invocation.fired]
        for fault in self.plan.faults:
            self.coverage[f"planned: {fault.kind}"] += 1
        for fault in fired:
            self.coverage[f"fired: {fault.kind}"] += 1
        self.coverage["planned: stall"] += len(self.plan.stalls)
        self.coverage["fired: stall"] += self._scheduler.stalls

    # The desk: what comes from outside

    def ready(self) -> bool:
        """Whether an upload or a message is waiting."""
        if self._storm is None:
            return not self._scheduler.in_flight
        busy = self._due() or self._deliverable() or self._firing()
        return busy or self._almost_due() or self._to_verify_last()

    def step(self) -> None:
        """Upload something, or deliver a batch."""
        if self._storm is None:
            if self._messages:
                self._deliver_some()
            elif self._calm:
                self._upload(self._calm.pop(0))
            else:
                self._storm = self._calm_ended = self.coverage["invocations"]
            return
        deliverable = self._deliverable()
        if self._firing() and (self.plan.gather or self._rng.random() < 0.5 or not deliverable):
            self._fire()
        elif self._due() and not (deliverable and self._rng.random() < 0.6):
            self._upload(self._todo.pop(0))
        elif deliverable:
            self._deliver_some()
        elif self._almost_due():
            self._go_forward(self.now + AHEAD + AHEAD)
        elif self._to_verify_last():
            self._to_verify = False
            self.trace.append("schedule: verify what was damaged")
            self._enqueue(VERIFY)

    def _firing(self) -> bool:
        """Whether a schedule is due."""
        return any(at <= self.now for at in self.schedules().values())

    def _fire(self) -> None:
        """Let the schedules that are due send their messages, which may come twice."""
        for record in self.due():
            self.trace.append(f"schedule: {record['body']}")
            self.coverage["schedules fired"] += 1
            for _ in range(2 if self.plan.batch > 1 and self._rng.random() < 0.1 else 1):
                self._enqueue(record)

    def _almost_due(self) -> bool:
        """Whether all wait for a schedule that a slow clock has put off."""
        if self._todo or self._messages or self._scheduler.in_flight:
            return False
        return any(at <= self.now + AHEAD for at in self.schedules().values())

    def _to_verify_last(self) -> bool:
        return self._to_verify and not (self._todo or self._messages or self._scheduler.in_flight)

    def _due(self) -> bool:
        """Whether the next operation has waited long enough, or for nothing that will come."""
        if not self._todo:
            return False
        idle = not self._scheduler.in_flight and not self._messages
        events = self._scheduler.ended - self._calm_ended + self._scheduler.stalls
        return idle or self._todo[0].after <= events

    def _deliverable(self) -> bool:
        if self.plan.gather and (self._due() or self._firing()):
            return False
        return bool(self._messages) and len(self._scheduler.in_flight) < self.plan.at_once

    def _upload(self, operation: Operation) -> None:
        self.trace.append(f"newsroom: {operation}")
        self.coverage["operations"] += 1
        if operation.does == "clock":
            assert operation.body
            self._go_forward(datetime.fromisoformat(operation.body.decode()))
            return
        if operation.damages:
            self.coverage["damages"] += self.damage(operation)
            return
        record = VERIFY
        if operation.does == "verify":
            self.coverage["verifications"] += 1
        else:
            if operation.body is None:
                self.s3.delete_object(Bucket=SOURCE, Key=operation.key)
            else:
                self.upload_bytes(operation.key, operation.body)
                self.see_upload(operation.key, operation.body)
            self.uploaded.add(operation.key)
            record = sqs_record("", [operation.key])
        often = self.plan.batch > 1 and not self.plan.gather and self._rng.random() < 0.25
        for _ in range(2 if often else 1):
            self._enqueue(record)

    def _enqueue(self, record: dict[str, Any]) -> None:
        number = self.coverage["messages"]
        self.coverage["messages"] += 1
        self._messages.append(Message(str(number), record | {"messageId": str(number)}))

    def _deliver_some(self) -> None:
        most = self.plan.batch if self.plan.gather else self._rng.randint(1, self.plan.batch)
        batch = self._rng.sample(self._messages, min(len(self._messages), most))
        twice = 0.1 if self._storm is not None and not self.plan.gather else 0
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
        order = random.Random(f"{self.plan.seed} order {actor.number}")  # noqa: S311 (no secret)
        invocation = Invocation(actor, place, order, began=len(self.trace))
        self._by_actor[actor] = invocation
        again = batch
        try:
            records = {"Records": [m.record for m in batch]}
            behind = timedelta(seconds=self.plan.behind[place % len(self.plan.behind)])
            answer = app.lambda_handler(records, invocation.clock, now=lambda: self.now - behind)
        except Crash:
            pass
        except Exception as error:  # noqa: BLE001 (a violation like any other)
            self.violations.append(f"the handler raised {error!r}")
        else:
            ids = {item["itemIdentifier"] for item in answer["batchItemFailures"]}
            again = [message for message in batch if message.id in ids]
            self._check_neighbours(invocation, again)
        self._messages += again
        self.coverage["messages tried again"] += len(again)
        invocation.ended = len(self.trace)
        back = ", ".join(message.id for message in again) or "nothing"
        self.trace.append(f"invocation {actor.number} ends; to come again: {back}")

    def _check_neighbours(self, invocation: Invocation, again: list[Message]) -> None:
        """What fails by itself fails alone; site.json and its messages bring others with them.

        So does an article whose address others claim: of that its source decides.
        """
        if [fault.kind for fault in invocation.fired] != ["out of memory"]:
            return
        path = invocation.out_of_memory
        claims = f'"/articles/{path}/"'.encode()
        operations = (*self.plan.calm, *self.plan.operations)
        claimers = {operation.key for operation in operations if claims in (operation.body or b"")}
        shared = {path, "site.json", "reconcile", "verify"} | claimers
        for message in again:
            if not any(word in message.record["body"] for word in shared):
                self._violate(f"message {message.id} fails with its neighbour")

    # The gate

    def _before(self, params: dict[str, Any], model: Any, **_: Any) -> None:
        actor = self._scheduler.actor
        if actor is None:
            return
        if actor.dead:
            raise Crash
        invocation = self._by_actor[actor]
        moment = moment_of(model.name, params)
        invocation.seen[""] += 1
        self._scheduler.pause(self._stall_at(moment))
        fault = self._fault(invocation, moment, params)
        self.calls[model.name] += 1
        self._permit(policies.demands(model.name, params))
        text = f"{actor.number}: {model.name} {params.get('Key', '')}"
        self.trace.append(f"{text} [{fault.kind}]" if fault else text)
        if fault and fault.kind not in AFTERWARDS:
            self._break(invocation, fault, model.name)
        invocation.pending = (model.name, params, fault)

    def _stall_at(self, moment: str) -> Stall | None:
        """The stall planned for the invocation now at a moment, which it takes with it."""
        assert self._scheduler.actor is not None
        invocation = self._by_actor[self._scheduler.actor]
        invocation.seen[moment] += 1
        stall = next((s for s in self._stalls if _is_at(invocation, s.place, moment)), None)
        if stall:
            self._stalls.remove(stall)
        return stall

    def _before_parse(self, path: str) -> None:
        actor = self._scheduler.actor
        if actor is None:
            return
        invocation = self._by_actor[actor]
        invocation.seen[PARSE] += 1
        fault = next((f for f in self._faults if _is_at(invocation, f.place, PARSE)), None)
        if fault:
            self._faults.remove(fault)
            invocation.fired.append(fault)
            invocation.out_of_memory = path
            self.trace.append(f"{actor.number}: parse {path} [{fault.kind}]")
            raise MemoryError

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
                self._carried_out(invocation, name, params)
            except Exception as error:  # noqa: BLE001 (else the handler would take it for AWS's)
                self._scheduler.fail(error)
        elif http_response.status_code == 412:
            self.trace[-1] += " = 412"
            self.coverage["conditions refused by S3"] += 1
        if fault and fault.kind in AFTERWARDS:
            self._break(invocation, fault, name, params)

    def _carried_out(self, invocation: Invocation, name: str, params: dict[str, Any]) -> None:
        if name == "SendMessageBatch":
            for entry in params["Entries"]:
                self._enqueue({"messageId": "", "body": entry["MessageBody"]})
        else:
            self.watch(invocation, name, params)

    def _fault(self, invocation: Invocation, moment: str, params: dict[str, Any]) -> Fault | None:
        for fault in invocation.lasting:
            if fault.kind == "broken" or fault.place.moment in {"", moment}:
                return fault
        for fault in self._faults:
            if self._strikes(fault, invocation, moment, params):
                self._faults.remove(fault)
                invocation.fired.append(fault)
                if fault.kind in {"outage", "broken"}:
                    invocation.lasting.append(fault)
                return fault
        return None

    def _strikes(
        self, fault: Fault, invocation: Invocation, moment: str, params: dict[str, Any]
    ) -> bool:
        if fault.kind not in CONDITIONAL:
            return _is_at(invocation, fault.place, moment)
        conditional = "IfMatch" in params or "IfNoneMatch" in params
        if not conditional or (fault.kind == "missing 404" and "IfMatch" not in params):
            return False
        reached = invocation.seen[fault.place.moment] >= fault.place.count
        return reached and _is_of(invocation, fault.place)

    def _break(
        self,
        invocation: Invocation,
        fault: Fault,
        name: str,
        params: dict[str, Any] | None = None,
    ) -> None:
        self.coverage["AWS calls that fail"] += 1
        match fault.kind:
            case "crash before" | "crash after":
                invocation.actor.dead = True
                raise Crash
            case "time is short" | "time is up":
                invocation.clock.seconds = LEFT[fault.kind]
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


def _is_at(invocation: Invocation, place: Place, moment: str) -> bool:
    here = place.moment in {"", moment} and place.count == invocation.seen[place.moment]
    return here and _is_of(invocation, place)


def _is_of(invocation: Invocation, place: Place) -> bool:
    if invocation.place < 0 or invocation.place < place.invocation:
        return False
    return place.later or invocation.place == place.invocation
