"""`python -m benchmarks.burst [N]`: N articles at once, in virtual time.

Nothing else happens: no article is changed or deleted, and no message comes twice. With the delays
of benchmarks/virtual.py, for each number of invocations at once: how long it takes until all are
live, what is asked of AWS, and who was in whose way. It ends with 1 where something is lost.
`--write` writes the table and the plot into docs/performance.md.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from moto import mock_aws
from rich.console import Console

from benchmarks import figures
from benchmarks.figures import Figures
from benchmarks.plot import Plot, Series
from benchmarks.virtual import REFUSED, Result, World
from benchmarks.workload import Limits, Workload
from broadsheet.clients import clients_of
from broadsheet.settings import PARALLEL_CALLS
from tests.simulation.plan import Plan
from tests.simulation.world import environment

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Tell = Callable[[int, int], None]

ARTICLES = 1_000
AT_ONCE = (1, 2, 5, 10)
# What is aimed at: seconds until all are live, and invalidations.
SECONDS, INVALIDATIONS = 20, 30
PLACE = "burst"


@dataclass(frozen=True)
class Burst:
    """What came of it; ``refused`` are conditional writes, by what they were of."""

    result: Result
    refused: Counter[str]

    @property
    def invalidations(self) -> int:
        """Those that CloudFront has taken."""
        asked = self.result.requests["CreateInvalidation"]
        return asked - self.result.invalidations_refused

    @property
    def requests(self) -> int:
        """All calls of AWS, those among them that were refused."""
        return self.result.requests.total() - self.result.requests["412"]


class Crowd(World):
    """A world in which all comes at once, and then nothing."""

    twice = 0

    def __init__(self, plan: Plan, count: int, tell: Tell, limits: Limits) -> None:
        super().__init__(plan, count, tell, limits, outage=False)
        self._workload = Workload(self._workload.burst, [])
        self._uploads = self._schedule(self._workload)
        self.refused: Counter[str] = Counter()

    def play(self) -> None:
        """As before, and see what is refused."""
        clients = clients_of("", PARALLEL_CALLS)
        clients.s3.meta.events.register("after-call", self._hear)
        try:
            super().play()
        finally:
            clients.s3.meta.events.unregister("after-call", self._hear)

    def _hear(self, http_response: Any, **_: Any) -> None:
        if http_response.status_code == REFUSED:
            key = urlsplit(http_response.url).path[1:]
            own = key.startswith("_index/")
            self.refused["indexes" if own else "search" if key.endswith(".idx") else "lists"] += 1


def run(count: int, limits: Limits, tell: Tell, seed: int = 0) -> Burst:
    """Upload so many articles at once, and compare what is there in the end with a rebuild."""
    plan = Plan(seed=seed, calm=(), operations=())
    with environment(plan), mock_aws():
        random.seed(seed)
        world = Crowd(plan, count, tell, limits)
        world.play()
        world.check()
        return Burst(world.result, world.refused)


def table(bursts: Sequence[Burst]) -> Figures:
    """A row for each number of invocations at once."""
    columns = (
        *("at once", "s until all are live", "longest, s", "invocations"),
        *("requests", "of each article", "refused: indexes", "search", "lists"),
        *("invalidations", "refused"),
    )
    rows = [
        [
            f"{one.result.limits.concurrency}",
            f"{one.result.seconds:.1f}",
            f"{one.result.longest:.1f}",
            f"{one.result.invocations:,}",
            f"{one.requests:,}",
            f"{one.requests / one.result.articles:.1f}",
            *(f"{one.refused[kind]:,}" for kind in ("indexes", "search", "lists")),
            f"{one.invalidations:,}",
            f"{one.result.invalidations_refused:,}",
        ]
        for one in bursts
    ]
    count, limits = bursts[0].result.articles, bursts[0].result.limits
    return Figures(f"{count:,} articles at once, batches of {limits.batch}", columns, rows)


def plot(bursts: Sequence[Burst]) -> str:
    """Seconds until all are live, by how many invocations are at work."""
    places = [f"{one.result.limits.concurrency}" for one in bursts]
    seconds = [one.result.seconds for one in bursts]
    said = ", ".join(f"{n} at once {s:.1f} s" for n, s in zip(places, seconds, strict=True))
    return Plot(
        f"Until {bursts[0].result.articles:,} articles at once are live",
        f"Seconds of virtual time: {said}.",
        "invocations at once",
        "seconds",
        (SECONDS, f"aim: {SECONDS} s"),
    ).bars(places, [Series("seconds", seconds)])


def main() -> int:
    """Read the command line and do it; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.burst")
    parser.add_argument("articles", nargs="?", type=int, default=ARTICLES, help="how many (1000)")
    parser.add_argument("--at-once", type=int, nargs="*", default=AT_ONCE, help="(1 2 5 10)")
    parser.add_argument("--batch", type=int, help="messages of an invocation (the template's)")
    parser.add_argument("--write", action="store_true", help="write docs/performance.md")
    options = parser.parse_args()
    # Made before anything keeps from the terminal what the function prints.
    console = Console(file=sys.stdout, highlight=False, width=140)
    limits = Limits.of_template()
    limits = replace(limits, batch=options.batch or limits.batch)
    bursts = []
    with console.status("") as status:
        for at_once in options.at_once:

            def tell(done: int, due: int, at_once: int = at_once) -> None:
                status.update(f"{at_once} at once: {done:,} of {due:,} messages")

            bursts.append(run(options.articles, replace(limits, concurrency=at_once), tell))
    made = table(bursts)
    console.print(made.rich())
    if options.write:
        figures.write(figures.PERFORMANCE, PLACE, made.markdown())
        figures.write_plot("burst", plot(bursts))
    best = min(bursts, key=lambda one: one.result.seconds)
    fewest = min(one.invalidations for one in bursts)
    console.print(f"aim: live in {SECONDS} s at most; is {best.result.seconds:.1f} s at best")
    console.print(f"aim: {INVALIDATIONS} invalidations at most; is {fewest} at best")
    faults = [fault for one in bursts for fault in one.result.faults]
    for fault in faults[:20]:
        console.print(f"[bold red]FAULT[/] {fault}", soft_wrap=True)
    console.print("[bold red]FAILED[/]" if faults else "[bold green]OK[/]")
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main())
