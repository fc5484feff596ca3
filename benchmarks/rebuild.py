"""`python -m benchmarks.rebuild N`: what batches of a rebuild cost each other, in virtual time.

N articles of six months, with three of five topics each, are published. Then all are made anew
with another name of the site, by batches of 50 keys as the state machine gives them to the
function: so many at once, in the order of the listing or dealt out, so that each has articles of
every month. The delays are those of benchmarks/virtual.py. docs/load.md has results.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import boto3
from moto import mock_aws
from rich.console import Console
from rich.table import Table

import app
from benchmarks.virtual import Invocation, World
from benchmarks.workload import PARAGRAPHS, TEXT, TOPICS, TOPICS_OF_ONE, Limits
from broadsheet.reconcile import KEYS_PER_MESSAGE
from tests.newsroom import DONE, LATE, Crash
from tests.simulation.plan import Plan
from tests.simulation.world import environment

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.simulation.scheduler import Actor

MONTHS = 6
# Seconds until a batch that failed is tried again.
WAIT = 5.0


class Rebuild(World):
    """A world in which nothing is uploaded, and batches of keys are worked off."""

    def __init__(self, limits: Limits) -> None:
        super().__init__(Plan(seed=0, calm=(), operations=()), 0, _silent, limits, outage=False)
        self.waiting: list[tuple[float, Sequence[str]]] = []
        self.failures = 0

    def next(self) -> float:
        """When the next batch is due."""
        free = self._at_work < self.limits.concurrency
        return self.waiting[0][0] if free and self.waiting else float("inf")

    def step(self) -> None:
        """Begin it."""
        _, keys = self.waiting.pop(0)
        self._at_work += 1
        self.result.invocations += 1
        self._timeline.start(self.result.invocations, lambda actor: self._make(actor, keys))

    def _make(self, actor: Actor, keys: Sequence[str]) -> None:
        now = self._timeline.now
        invocation = Invocation(self._timeline, now, now + self.limits.timeout)
        self._running[actor] = invocation
        try:
            app.lambda_handler({"reconcile": {"keys": keys}}, invocation, now=lambda: LATE)
        except (Crash, app.PublishError):
            self.failures += 1
            self.waiting.append((self._timeline.now + WAIT, keys))
            self.waiting.sort(key=lambda item: item[0])
        self.result.longest = max(self.result.longest, self._timeline.now - now)
        del self._running[actor]
        self._at_work -= 1
        self.result.seconds = self._timeline.now


def _silent(_done: int, _due: int) -> None:
    pass


def run(count: int, at_once: int, *, dealt: bool) -> Rebuild:
    """Publish so many articles, make them all anew, and compare the site with a clean rebuild."""
    plan = Plan(seed=0, calm=(), operations=())
    with environment(plan), mock_aws():
        random.seed(0)
        # What site.json sends itself is not worked off: the batches take its place.
        boto3.client("sqs").create_queue(QueueName="q")
        world = Rebuild(replace(Limits.of_template(), concurrency=at_once))
        rng = random.Random(0)  # noqa: S311 (a draw that replays; nothing to guess)
        keys = [_upload(world, i, count, rng) for i in range(count)]
        for i in range(0, count, 100):
            if world.deliver(*keys[i : i + 100]) != DONE:
                raise RuntimeError("the archive could not be published")
        world.upload_bytes("site.json", b'{"name": "Anew"}')
        if world.deliver(event={"reconcile": {"keys": ["site.json"]}}) != DONE:
            raise RuntimeError("site.json could not be published")
        number = -(-count // KEYS_PER_MESSAGE)
        size = KEYS_PER_MESSAGE
        world.waiting = [
            (0.0, keys[i::number] if dealt else keys[i * size : (i + 1) * size])
            for i in range(number)
        ]
        world.play()
        site = world.site()
        world.result.faults = [key for key, copy in world.clean().items() if site.get(key) != copy]
        return world


def _upload(world: World, number: int, count: int, rng: random.Random) -> str:
    month = number * MONTHS // count + 1
    return world.upload(
        f"2026/{month:02}/{number:05}",
        published_at=f"2026-{month:02}-{number % 28 + 1:02}T00:00:00Z",
        topics=rng.sample(TOPICS, TOPICS_OF_ONE),
        body=TEXT * PARAGRAPHS,
    )


def main() -> int:
    """Read the command line and do it; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.rebuild")
    parser.add_argument("articles", nargs="?", type=int, default=600, help="how many (600)")
    parser.add_argument("--at-once", type=int, nargs="*", default=[1, 5, 10], help="(1 5 10)")
    parser.add_argument("--order", choices=["listing", "dealt", "both"], default="both")
    options = parser.parse_args()
    console = Console(file=sys.stdout, highlight=False, width=120)
    columns = ("order", "at once", "seconds", "longest", "batches", "again")
    table = Table(*columns, "writes an article", "reads", "refused", "invalidations", "differ")
    sound = True
    for dealt in (False, True) if options.order == "both" else (options.order == "dealt",):
        for at_once in options.at_once:
            world = run(options.articles, at_once, dealt=dealt)
            requests = world.result.requests
            refused = requests.pop("412", 0)
            row: list[Any] = [
                "dealt out" if dealt else "listing",
                at_once,
                f"{world.result.seconds:.0f}",
                f"{world.result.longest:.1f}",
                world.result.invocations,
                world.failures,
                f"{requests['PutObject'] / options.articles:.1f}",
                f"{(requests['GetObject'] + requests['HeadObject']) / options.articles:.1f}",
                refused,
                requests["CreateInvalidation"],
                len(world.result.faults),
            ]
            table.add_row(*map(str, row))
            sys.stderr.write(json.dumps(row) + "\n")
            sound = sound and not world.result.faults
    console.print(table)
    return not sound


if __name__ == "__main__":
    sys.exit(main())
