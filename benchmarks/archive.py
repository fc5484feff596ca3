"""`python -m benchmarks.archive [N ...]`: one publish into an archive of N articles.

Into each archive (benchmarks/century.py) an article is published, changed and removed, and then
one that begins a month. The real handler does it against moto, in virtual time in which a call
takes one unit and all else none: so the clock at the end of a call is the number of round trips,
one after the other, that led to it. Processor time is benchmarks/processor.py's.

It ends with 1 where requests or bytes of a publish, a change or a removal differ by more than
GROWTH between the smallest and the largest archive, or where an invalidation has more than ITEMS.
`--write` writes tables and plots into docs/performance.md.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from moto import mock_aws
from rich.console import Console

from benchmarks import figures
from benchmarks.archive_tables import aims, growth, path, plots, processors, requests
from benchmarks.calls import Recorder
from benchmarks.century import (
    A_YEAR,
    DAYS,
    NEWEST_MONTH,
    STEPS,
    TOPICS,
    Archive,
    fields,
    month_before,
)
from benchmarks.processor import measure
from benchmarks.published import BEGINS, BOUND, CHANGE, GROWTH, ITEMS, NEW, REMOVAL, Publish
from benchmarks.sqs import Message
from benchmarks.virtual import Timeline, World
from benchmarks.workload import Limits
from broadsheet import addresses
from broadsheet.clients import clients_of
from broadsheet.settings import Settings
from broadsheet.sources import Sources
from broadsheet.store import Store
from tests.newsroom import LATE, URL, sqs_record
from tests.simulation.plan import Plan
from tests.simulation.world import environment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from benchmarks.calls import Call
    from broadsheet.clients import Clients
    from broadsheet.page import Page
    from tests.newsroom import Newsroom

SIZES = (1_000, 10_000, 100_000, 1_000_000)
PATH, FIRST = f"{NEWEST_MONTH}/new", f"{month_before(NEWEST_MONTH, -1)}/first"
PLAN = Plan(seed=0, calm=(), operations=())


class Counted(World):
    """A world in which each call takes one unit of time, and computing none."""

    def __init__(self) -> None:
        limits = replace(Limits.of_template(), timeout=10_000)
        super().__init__(PLAN, 0, lambda _done, _due: None, limits, outage=False)
        self._due: list[str] = []

    def publish(self, key: str) -> list[Call]:
        """Deliver the message of a key; the calls that its invocation makes."""
        self._due.append(key)
        timeline = self._timeline = Timeline(PLAN, self)
        recorder = Recorder(lambda: timeline.now)
        clients = clients_here()
        with recorder.listening([clients.s3, clients.cloudfront]):
            self.play()
        if self.result.redelivered:
            raise RuntimeError(f"{key} could not be published")
        return recorder.calls

    def next(self) -> float:
        """At once, if there is something to do."""
        return self._timeline.now if self._due else float("inf")

    def step(self) -> None:
        """Begin it."""
        batch = [Message("0", self._due.pop(), 0, receives=1)]
        self._timeline.start(0, lambda actor: self._work(actor, batch))

    def _delay(self, operation: str) -> float:
        del operation
        return 0.5  # each way

    def _is_throttled(self) -> bool:
        return False

    def _rendered(self, pages: dict[str, Page | None]) -> dict[str, Page | None]:
        return pages


def clients_here() -> Clients:
    """Those that the handler calls in this environment."""
    return clients_of("", Settings.from_environment(os.environ).parallel_calls)


def run(archive: Archive, tell: Callable[[str], None], *, processor: bool = True) -> list[Publish]:
    """Publish, change and remove an article, and publish the first of the next month."""
    with environment(PLAN), mock_aws():
        random.seed(0)
        world = Counted()
        settings = Settings.from_environment(os.environ)
        at_aws = Store(settings)
        tell(f"{archive.count:,} articles: seeding")
        slugs = [addresses.slug(TOPICS[step]) for step in STEPS]
        archive.seed(at_aws, URL, slugs)
        # As in a process that has published before: site.json is known.
        recorder = Recorder(lambda: 0.0)
        with recorder.listening([clients_here().s3]):
            Sources(at_aws, settings)
        found = []
        for what, key in _uploads(world):
            tell(f"{archive.count:,} articles: {what}")
            calls = world.publish(key)
            variables = {name: os.environ[name] for name in _VARIABLES}
            event = {"Records": [sqs_record("0", [key])]}
            taken = (
                measure(calls, event, LATE, variables, known=recorder.calls) if processor else None
            )
            found.append(Publish(archive.count, what, key, calls, taken))
        return found


_VARIABLES = (
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_DEFAULT_REGION",
    "SOURCE_BUCKET",
    "SITE_BUCKET",
    "SITE_URL",
    "DISTRIBUTION_ID",
    "REDIRECTS_STORE_ARN",
)


def _uploads(newsroom: Newsroom) -> Iterator[tuple[str, str]]:
    """What is done, and the key of which a message tells, each once it is asked for."""
    year, month = NEWEST_MONTH.split("/")
    when = datetime(int(year), int(month), DAYS + 1, 9, 30, tzinfo=UTC)
    made = fields(0, when)
    path = addresses.source_key(PATH)
    yield NEW, newsroom.upload_bytes(path, json.dumps(made).encode())
    changed = {**made, "title": f"Changed: {made['title']}"}
    yield CHANGE, newsroom.upload_bytes(path, json.dumps(changed).encode())
    yield REMOVAL, newsroom.delete(PATH)
    later = {**made, "published_at": (when + timedelta(days=5)).isoformat()}
    first = addresses.source_key(FIRST)
    yield BEGINS, newsroom.upload_bytes(first, json.dumps(later).encode())


# What is made of it


def faults(publishes: Sequence[Publish]) -> list[str]:
    """What is more than it may be."""
    found = [
        f"{one.what}, {one.articles:,} articles: {one.items} items of an invalidation"
        for one in publishes
        if one.items > ITEMS
    ]
    for what in BOUND:
        smallest, *_, largest = [one for one in publishes if one.what == what] * 2
        measures = {
            "requests": (len(smallest.calls), len(largest.calls)),
            "bytes read": (smallest.read, largest.read),
            "bytes written": (smallest.written, largest.written),
        }
        found += [
            f"{what}, {smallest.articles:,} to {largest.articles:,} articles: {name} "
            f"go from {before:,} to {after:,}"
            for name, (before, after) in measures.items()
            if abs(after - before) > GROWTH * before
        ]
    return found


def main() -> int:
    """Read the command line and do it; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.archive")
    parser.add_argument("articles", nargs="*", type=int, default=SIZES, help="archives' sizes")
    parser.add_argument("--a-year", type=int, default=A_YEAR, help="articles (10000)")
    parser.add_argument("--write", action="store_true", help="write docs/performance.md")
    options = parser.parse_args()
    # Made before anything keeps from the terminal what the function prints.
    console = Console(file=sys.stdout, highlight=False, width=160)
    publishes: list[Publish] = []
    with console.status("") as status:
        for size in options.articles:
            publishes += run(Archive(size, options.a_year // 12), status.update)
    tables = [
        requests(publishes),
        processors(publishes),
        aims(publishes),
        path(publishes[0]),
        *(growth(publishes, what) for what in (NEW, BEGINS)),
    ]
    for table in tables:
        console.print(table.rich())
    if options.write:
        for name, table in zip(_PLACES, tables, strict=True):
            figures.write(figures.PERFORMANCE, name, table.markdown())
        for name, plot in plots(publishes).items():
            figures.write_plot(name, plot)
    wrong = faults(publishes)
    for fault in wrong:
        console.print(f"[bold red]FAULT[/] {fault}", soft_wrap=True)
    console.print("[bold red]IT GROWS[/]" if wrong else "[bold green]OK[/]")
    return bool(wrong)


_PLACES = (
    "archive: requests",
    "archive: processor",
    "archive: aims",
    "archive: round trips",
    "archive: growth of a publish",
    "archive: growth of a month's first",
)


if __name__ == "__main__":
    sys.exit(main())
