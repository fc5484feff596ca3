"""`python -m benchmarks.sizes`: time and cost of a publish by the memory that the function has.

Its memory decides what share of a processor it gets. Measured are the calls that a publish into an
archive of ARTICLES makes, and what it takes of a processor where the process has published before;
what a start takes besides is benchmarks/cold.py's, and given here. A call takes as long as in
benchmarks/virtual.py. From that follows the time of a publish: its round trips, and its processor
time at that share. Where the machine allows it, the same publish is also held to the share
(benchmarks/held.py) and timed. ``--write`` writes docs/performance.md.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import textwrap
from collections import Counter, defaultdict
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Any

from moto import mock_aws
from rich.console import Console
from rich.markdown import Markdown

from benchmarks import archive, calls, cost, figures, held
from benchmarks.century import STEPS, TOPICS, Archive
from benchmarks.figures import Figures
from benchmarks.virtual import MEDIANS
from benchmarks.workload import Limits
from broadsheet import addresses
from broadsheet.settings import Settings
from broadsheet.sources import Sources
from broadsheet.store import Store
from tests.newsroom import LATE, URL, sqs_record
from tests.simulation.world import environment

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from benchmarks.calls import Call

SIZES = (256, 512, 1_024, 1_769, 2_048, 3_008)
# MB with which a function has one processor; less and more are in proportion.
# https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html
WHOLE = 1_769
ARTICLES, RUNS = 10_000, 7
# Dollars are of so many publishes.
MANY = 10_000
# Milliseconds of processor time of init, and of the first publish after it, into an archive of few
# articles, by benchmarks.cold on the machine of the table in docs/performance.md.
INIT, FIRST = 183, 110


@dataclass(frozen=True)
class Measured:
    """A publish by a process that has published before.

    ``processor`` is seconds of processor time, and ``anew`` those with nothing kept from earlier
    ones; ``clock`` seconds by the clock, by size, where it was held to the share, and empty where
    it could not be.
    """

    calls: Sequence[Call]
    processor: float
    anew: float
    clock: dict[int, float]

    @property
    def waiting(self) -> float:
        """Seconds of its round trips, each as long as the longest of its calls."""
        trips: defaultdict[int, float] = defaultdict(float)
        for call in self.calls:
            trips[int(call.ended)] = max(trips[int(call.ended)], delay(call))
        return sum(trips.values())

    @property
    def requests(self) -> float:
        """Dollars of a publish, the upload and the messages, but for Lambda."""
        kinds = Counter(call.method for call in self.calls)
        return (
            cost.PUT.of(kinds["PUT"] + 1)
            + cost.GET.of(kinds["GET"] + kinds["HEAD"])
            + cost.MESSAGE.of(cost.MESSAGES)
        )


def delay(call: Call) -> float:
    """Seconds that AWS is taken to need for a call."""
    return MEDIANS[call.operation] / 1000


def share(size: int) -> float:
    """Of a processor, that a function with so many MB gets."""
    return size / WHOLE


def seconds(processor: float, size: int) -> float:
    """How long so much processor time takes. A second processor does not help Python's threads."""
    return processor / min(1, share(size))


def dollars(seconds: float, size: int) -> float:
    """Of an invocation."""
    return cost.SECOND.of(seconds * size / 1024) + cost.CALL.of(1)


@contextmanager
def _published() -> Iterator[tuple[list[Call], list[Call], str, dict[str, str]]]:
    """A new article: calls of its publish, those to know site.json, its key, the environment."""
    with environment(archive.PLAN), mock_aws():
        random.seed(0)
        world = archive.Counted()
        settings = Settings.from_environment(os.environ)
        store = Store(settings)
        Archive(ARTICLES).seed(store, URL, [addresses.slug(TOPICS[step]) for step in STEPS])
        recorder = calls.Recorder(lambda: 0.0)
        with recorder.listening([archive.clients_here().s3]):
            Sources(store, settings)
        _, key = next(archive._uploads(world))  # noqa: SLF001 (likewise)
        variables = {name: os.environ[name] for name in archive._VARIABLES}  # noqa: SLF001 (likewise)
        yield world.publish(key), recorder.calls, key, variables


def measure(sizes: Sequence[int], runs: int) -> Measured:
    """Measure a publish, held to each share in turn, and in turn not held at all."""
    processor: list[float] = []
    anew: list[float] = []
    clock: dict[int, list[float]] = {size: [] for size in sizes}
    with _published() as (made, known, key, variables):
        event: dict[str, Any] = {"Records": [sqs_record("0", [key])]}
        with (
            held.group() as group,
            held.process([*made, *known], event, LATE, variables, delay) as function,
        ):
            function.invoke()  # the first makes the clients, and reads templates and site.json
            if group:
                group.take(function.id)
            for _ in range(runs):
                anew.append(function.invoke(anew=True).processor)
                processor.append(function.invoke().processor)
                if not group:
                    continue
                for size in sizes:
                    group.hold(share(size))
                    clock[size].append(function.invoke().clock)
                group.hold(held.ALL)
    found = {size: median(times) for size, times in clock.items() if times}
    return Measured(made, median(processor), median(anew), found)


def table(measured: Measured, sizes: Sequence[int], start: float) -> Figures:
    """Each size; ``start`` is seconds of processor time until a first publish is done."""
    columns = (
        *("MB", "processors"),
        *("warm, s", "held, s", "from cold, s"),
        *("$ of Lambda", "from cold", "$ in all", "from cold"),
    )
    waiting, first = measured.waiting, start + measured.anew - measured.processor
    rows = []
    for size in sizes:
        warm, cold = (seconds(took, size) + waiting for took in (measured.processor, first))
        paid = [dollars(took, size) for took in (warm, cold)]
        rows.append(
            [
                f"**{size:,}**" if size == Limits.of_template().memory else f"{size:,}",
                f"{share(size):.2f}",
                f"{warm:.2f}",
                f"{measured.clock[size]:.2f}" if size in measured.clock else "–",
                f"{cold:.2f}",
                *(f"{MANY * one:.2f}" for one in paid),
                *(f"{MANY * (one + measured.requests):.2f}" for one in paid),
            ]
        )
    return Figures(f"A publish by memory; $ of {MANY:,}", columns, rows, texts=0)


def page(measured: Measured, sizes: Sequence[int], init: float, first: float) -> str:
    """What was measured, and the table."""
    said = (
        f"Processor time of a publish: {measured.processor * 1000:.0f} ms; with nothing kept from "
        f"those before {measured.anew * 1000:.0f}. Of a start: {init:.0f}, and its first publish "
        f"into an archive of a few articles {first:.0f}. {len(measured.calls)} calls, whose round "
        f"trips take {measured.waiting * 1000:.0f} ms. Dollars are of {MANY:,} publishes."
    )
    start = (init + first) / 1000
    return f"{textwrap.fill(said, 104)}\n\n{table(measured, sizes, start).markdown()}"


def main() -> int:
    """Read the command line and do it; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.sizes")
    parser.add_argument("sizes", nargs="*", type=int, default=SIZES, help="MB")
    parser.add_argument("--init", type=float, default=INIT, help="ms of processor time (183)")
    parser.add_argument("--first", type=float, default=FIRST, help="likewise (110)")
    parser.add_argument("--write", action="store_true", help="write docs/performance.md")
    options = parser.parse_args()
    # Made before anything keeps from the terminal what the function prints.
    console = Console(file=sys.stdout, highlight=False, width=120)
    measured = measure(options.sizes, RUNS)
    made = page(measured, options.sizes, options.init, options.first)
    console.print(Markdown(made))
    if not measured.clock:
        console.print("Held to no share: this machine lets nobody. All times are arithmetic.")
    if options.write:
        figures.write(figures.PERFORMANCE, "sizes", made)
    return 0


if __name__ == "__main__":
    sys.exit(main())
