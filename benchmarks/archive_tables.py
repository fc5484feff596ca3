"""The tables and plots of benchmarks/archive.py."""

from __future__ import annotations

from collections import defaultdict
from statistics import median
from typing import TYPE_CHECKING

from benchmarks.figures import Figures
from benchmarks.plot import Plot, Series
from benchmarks.published import (
    BEGINS,
    BOUND,
    CHANGE,
    KINDS,
    NEW,
    RATIO,
    REMOVAL,
    REQUESTS,
    TRIPS,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.calls import Call
    from benchmarks.published import Publish


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
