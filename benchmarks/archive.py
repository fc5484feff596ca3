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
from collections import Counter, defaultdict
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from statistics import median
from typing import TYPE_CHECKING, Any

from moto import mock_aws
from rich.console import Console

from benchmarks import cost, figures
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
from benchmarks.figures import Figures
from benchmarks.plot import Plot, Series
from benchmarks.processor import Processor, measure
from benchmarks.virtual import Message, Timeline, World
from benchmarks.workload import Limits
from broadsheet import addresses, store
from broadsheet.settings import Settings
from broadsheet.sources import Sources
from broadsheet.store import Store
from tests.newsroom import LATE, URL, sqs_record
from tests.simulation.plan import Plan
from tests.simulation.world import environment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from benchmarks.calls import Call
    from broadsheet.page import Page
    from tests.newsroom import Newsroom

SIZES = (1_000, 10_000, 100_000, 1_000_000)
# What is asked for: the share by which nothing may grow, and items of an invalidation.
GROWTH = 0.05
ITEMS = 2
# What is aimed at.
TRIPS, REQUESTS, RATIO = 5, 40, 1.3

NEW, CHANGE, REMOVAL, BEGINS = "a new article", "a change", "a removal", "the first of a month"
# What must not grow; the first of a month writes the lists of months, which have one more.
BOUND = (NEW, CHANGE, REMOVAL)
PATH, FIRST = f"{NEWEST_MONTH}/new", f"{month_before(NEWEST_MONTH, -1)}/first"
KINDS = {"PutObject": "PUT", "GetObject": "GET", "HeadObject": "HEAD", "DeleteObject": "DELETE"}
PLAN = Plan(seed=0, calm=(), operations=())


@dataclass(frozen=True)
class Publish:
    """What one invocation did to an archive of so many articles."""

    articles: int
    what: str
    key: str
    calls: Sequence[Call]
    processor: Processor | None = None

    @property
    def read(self) -> int:
        """Bytes of objects."""
        return sum(call.read for call in self.calls)

    @property
    def written(self) -> int:
        """Likewise."""
        return sum(call.written for call in self.calls)

    @property
    def items(self) -> int:
        """Items of invalidations."""
        return sum(call.items for call in self.calls)

    @property
    def requests(self) -> Counter[str]:
        """Requests, by HTTP's method where it is S3's."""
        return Counter(KINDS.get(call.operation, call.operation) for call in self.calls)

    def trips(self, last: Callable[[Call], bool]) -> int:
        """Round trips, one after the other, until the last call of a kind is answered."""
        return max((int(call.ended) for call in self.calls if last(call)), default=0)

    @property
    def until_page(self) -> int:
        """Until the page, or what has become of it, is in the bucket."""
        page = addresses.page_key(addresses.article_path(self.key) or "")
        return self.trips(lambda call: call.key == page and call.method in {"PUT", "DELETE"})

    @property
    def until_seen(self) -> int:
        """Until the CDN has been told, after which a reader sees it in every list."""
        return self.trips(lambda call: call.operation == "CreateInvalidation")

    @property
    def dollars(self) -> float:
        """As benchmarks/cost.py counts it, without the items, of which there are free ones."""
        kinds = self.requests
        return (
            cost.PUT.of(kinds["PUT"] + (self.what != REMOVAL))  # and the upload
            + cost.GET.of(kinds["GET"] + kinds["HEAD"])
            + cost.SECOND.of(cost.SECONDS * cost.GIGABYTES)
            + cost.CALL.of(1)
            + cost.MESSAGE.of(cost.MESSAGES)
        )

    def weights(self) -> Counter[tuple[str, str]]:
        """Bytes by what was done ("read", "written") and key."""
        found: Counter[tuple[str, str]] = Counter()
        for call in self.calls:
            found["read", call.key] += call.read
            found["written", call.key] += call.written
        return +found


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
        clients = _clients()
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


def _clients() -> Any:
    connections = Settings.from_environment(os.environ).parallel_calls
    return store._clients("", connections)  # noqa: SLF001 (to hear their calls)


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
        with recorder.listening([_clients().s3]):
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


def aims(publishes: Sequence[Publish]) -> Figures:
    """What is aimed at for a new article, beside the worst that there was."""
    new = [one for one in publishes if one.what == NEW]
    trips, requests = max(one.until_seen for one in new), max(len(one.calls) for one in new)
    rows = [
        ["round trips until a reader sees it", f"{TRIPS}", f"{trips}", _met(trips, TRIPS)],
        ["requests", f"{REQUESTS}", f"{requests}", _met(requests, REQUESTS)],
    ]
    if all(one.processor for one in new):
        ratio = max(one.processor.ratio for one in new if one.processor)
        rows.append(
            ["processor time, times the loop's", f"{RATIO}", f"{ratio:.1f}", _met(ratio, RATIO)]
        )
    return Figures("What is aimed at", ("a new article", "at most", "is", "met"), rows)


def _met(found: float, at_most: float) -> str:
    return "yes" if found <= at_most else "no"


def requests(publishes: Sequence[Publish]) -> Figures:
    """Requests, bytes, round trips, items and dollars of each."""
    columns = (
        "",
        "articles",
        *("requests", "PUT", "GET", "HEAD", "DELETE"),
        *("kB read", "kB written"),
        *("trips: page", "seen", "all"),
        *("items", "$"),
    )
    rows = [
        [
            one.what,
            f"{one.articles:,}",
            f"{len(one.calls)}",
            *(f"{one.requests[kind]}" for kind in KINDS.values()),
            f"{one.read / 1000:,.1f}",
            f"{one.written / 1000:,.1f}",
            f"{one.until_page}",
            f"{one.until_seen}",
            f"{one.trips(lambda _: True)}",
            f"{one.items}",
            f"{one.dollars:.6f}",
        ]
        for one in sorted(publishes, key=lambda one: _ORDER.index(one.what))
    ]
    return Figures("One invocation", columns, rows)


_ORDER = (NEW, CHANGE, REMOVAL, BEGINS)


def path(publish: Publish) -> Figures:
    """What is called in each round trip."""
    trips: defaultdict[int, list[Call]] = defaultdict(list)
    for call in publish.calls:
        trips[int(call.ended)].append(call)
    rows = []
    for number, calls in sorted(trips.items()):
        kinds: defaultdict[str, list[str]] = defaultdict(list)
        for call in calls:
            kinds[KINDS.get(call.operation, call.operation)].append(call.key)
        said = [
            f"{kind} {min(keys)}" + (f" and {len(keys) - 1} more" if keys[1:] else "")
            for kind, keys in sorted(kinds.items())
        ]
        rows.append([f"{number}", "; ".join(said).strip()])
    columns = ("round trip", "calls beside each other")
    return Figures(f"The round trips of {publish.what}", columns, rows, texts=2)


def processors(publishes: Sequence[Publish]) -> Figures:
    """Processor time, beside that of the bare loop."""
    rows = [
        [
            one.what,
            f"{one.articles:,}",
            f"{median(one.processor.function) * 1000:.0f}",
            f"{median(one.processor.loop) * 1000:.0f}",
            f"{one.processor.ratio:.1f}",
        ]
        for one in sorted(publishes, key=lambda one: _ORDER.index(one.what))
        if one.processor
    ]
    columns = ("", "articles", "the function, ms", "the same calls, ms", "ratio")
    return Figures("Processor time, median", columns, rows)


def growth(publishes: Sequence[Publish], what: str) -> Figures:
    """Bytes of each object of which there are not as many in the largest as in the smallest."""
    ours = [one for one in publishes if one.what == what]
    weights = [one.weights() for one in ours]
    found = {place for one in weights for place in one}
    differing = {
        place: [one[place] for one in weights]
        for place in found
        if weights[0][place] != weights[-1][place]
    }
    ordered = sorted(
        differing, key=lambda place: (-differing[place][-1] + differing[place][0], place)
    )
    rows = [
        [
            f"{key} {done}",
            *(f"{size:,}" for size in differing[done, key]),
            f"{differing[done, key][-1] - differing[done, key][0]:+,}",
        ]
        for done, key in ordered
    ]
    if rows:
        sums = [sum(column) for column in zip(*(differing[p] for p in ordered), strict=True)]
        rows.append(["all", *(f"{s:,}" for s in sums), f"{sums[-1] - sums[0]:+,}"])
    columns = ("bytes", *(f"{one.articles:,}" for one in ours), "growth")
    return Figures(f"What differs by the size of the archive: {what}", columns, rows)


def plots(publishes: Sequence[Publish]) -> dict[str, str]:
    """Requests and bytes by the size of the archive."""
    kinds = {what: [one for one in publishes if one.what == what] for what in BOUND}
    sizes = [one.articles for one in kinds[NEW]]
    counted = [Series(what, [len(one.calls) for one in ours]) for what, ours in kinds.items()]
    new = kinds[NEW]
    weighed = [
        Series("written", [one.written / 1e6 for one in new]),
        Series("read", [one.read / 1e6 for one in new]),
    ]
    across = "articles in the archive"
    return {
        "archive-requests": Plot(
            "Requests of one publish",
            _told("Requests", sizes, counted),
            across,
            "requests",
            (REQUESTS, f"aim: {REQUESTS}"),
        ).lines(sizes, counted),
        "archive-bytes": Plot(
            "Bytes of one publish of a new article",
            _told("Megabytes", sizes, weighed),
            across,
            "MB",
        ).lines(sizes, weighed),
    }


def _told(what: str, sizes: Sequence[int], series: Sequence[Series]) -> str:
    said = ", ".join(f"{size:,}" for size in sizes)
    parts = [f"{one.name} {', '.join(f'{value:.4g}' for value in one.values)}" for one in series]
    return f"{what} in archives of {said} articles: {'; '.join(parts)}."


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
