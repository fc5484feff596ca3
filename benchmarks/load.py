"""`python -m benchmarks.load N`: so many uploads at once. Nothing may be lost.

Three times: in virtual time, in virtual time with an outage of S3, and for real. docs/load.md has
what is measured, and results.
"""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from benchmarks import real, virtual
from benchmarks.workload import Limits

if TYPE_CHECKING:
    from collections.abc import Iterable

PARTS = ("virtual", "outage", "real")
# Faults shown of each part; there may be thousands.
SHOWN = 20

Rows = list[tuple[str, str]]


def main() -> int:
    """Read the command line and do it; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.load")
    parser.add_argument("articles", nargs="?", type=int, default=1000, help="how many (1000)")
    parser.add_argument("--part", choices=PARTS, action="append", help="only this (all)")
    parser.add_argument("--seed", type=int, default=0, help="of the virtual parts (0)")
    options = parser.parse_args()
    # Made before a part keeps from the terminal what the function prints.
    console = Console(file=sys.stdout, highlight=False)
    sound = True
    for part in options.part or PARTS:
        rows, faults = _measured(console, part, options.articles, options.seed)
        table = Table(f"{part}: {options.articles:,} articles", "")
        for row in rows:
            table.add_row(*row)
        console.print(table)
        for fault in faults[:SHOWN]:
            console.print(f"[bold red]FAULT[/] {fault}", soft_wrap=True)
        sound = sound and not faults
        console.print(
            f"[bold red]FAILED[/]: {len(faults):,} faults" if faults else "[bold green]OK[/]"
        )
    return not sound


def _measured(console: Console, part: str, count: int, seed: int) -> tuple[Rows, list[str]]:
    limits = Limits.of_template()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, TimeElapsedColumn(), console=console) as progress:
        bar = progress.add_task(f"{part}: messages")

        def tell(done: int, due: int) -> None:
            progress.update(bar, completed=done, total=due)

        if part == "real":
            actual = real.run(count, seed, tell, limits)
            return _real_rows(actual), actual.faults
        modelled = virtual.run(count, seed, tell, limits, outage=part == "outage")
        return _virtual_rows(modelled), modelled.faults


def _real_rows(result: real.Result) -> Rows:
    return [
        ("messages", f"{result.messages:,}"),
        ("workers", f"{result.limits.concurrency}, batches of {result.limits.batch}"),
        ("time", f"{result.seconds:,.0f} s"),
        ("messages a second", f"{result.messages / result.seconds:.1f}"),
        ("invocations", f"{result.invocations:,}"),
        ("longest invocation", f"{result.longest:.1f} s of {result.limits.timeout}"),
        *_requests(result.requests.items()),
        ("messages that came again", f"{result.redelivered:,}"),
        ("most attempts at one", f"{result.most_attempts} of {result.limits.most_receives}"),
        ("dead letters", f"{result.dead_letters:,}"),
        ("keys that verify looked at", f"{result.verified:,}"),
        ("most memory of each worker, the burst done", _megabytes(result.ends[0])),
        *(
            (f"wave {number} of changes done, too", _megabytes(peaks))
            for number, peaks in enumerate(result.ends[1:], 1)
        ),
    ]


def _megabytes(peaks: dict[int, float]) -> str:
    return ", ".join(f"{peaks[worker]:.0f}" for worker in sorted(peaks)) + " MB"


def _virtual_rows(result: virtual.Result) -> Rows:
    limits = result.limits
    return [
        ("messages", f"{result.messages:,}"),
        ("most waiting at once", f"{result.most_waiting:,}"),
        ("most in flight at once", f"{result.most_in_flight:,}"),
        ("virtual time until all was live", f"{result.seconds:,.0f} s"),
        ("messages a virtual second", f"{result.messages / result.seconds:.1f}"),
        ("invocations", f"{result.invocations:,}, {limits.concurrency} at once"),
        ("longest invocation", f"{result.longest:.1f} s of {limits.timeout}"),
        ("cut off at the timeout", f"{result.killed:,}"),
        *_requests(result.requests.items()),
        ("refused by S3 as too many (503)", f"{result.throttled:,}"),
        ("refused by CloudFront as too many", f"{result.invalidations_refused:,}"),
        ("messages that came again", f"{result.redelivered:,}"),
        ("most receives of one", f"{result.most_receives} of {limits.most_receives}"),
        ("dead letters", f"{result.dead_letters:,}"),
        ("public objects compared with a rebuild", f"{result.objects:,}"),
    ]


def _requests(counted: Iterable[tuple[str, int]]) -> Rows:
    found = dict(counted)
    refused = found.pop("412", 0)
    return [
        ("AWS requests", f"{sum(found.values()):,}"),
        *((f"  {name}", f"{number:,}") for name, number in sorted(found.items())),
        ("conditional writes refused (412)", f"{refused:,}"),
    ]


if __name__ == "__main__":
    sys.exit(main())
