"""Runs the simulation from the command line; `python -m tests.simulation --help` says how."""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from concurrent.futures import ProcessPoolExecutor, as_completed
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from tests.simulation.draw import plan_of
from tests.simulation.mutations import MUTATIONS, WITHIN
from tests.simulation.shrink import report, shortest
from tests.simulation.world import simulate

if TYPE_CHECKING:
    from collections.abc import Sequence

# Seeds that one task of a process takes.
CHUNK = 10
MOST_FAILURES = 3

console = Console(highlight=False)


def run_seeds(seeds: Sequence[int]) -> tuple[Counter[str], list[int]]:
    """What the runs of these seeds covered, and those that failed."""
    coverage: Counter[str] = Counter()
    failed = []
    for seed in seeds:
        run = simulate(plan_of(seed))
        coverage += run.coverage
        if run.violations:
            failed.append(seed)
    return coverage, failed


def catch(name: str, first: int) -> tuple[str, int | None, str]:
    """How many runs it takes to notice a mutation, and by what."""
    for seed in range(first, first + WITHIN):
        run = simulate(plan_of(seed), name)
        if run.violations:
            return name, seed - first + 1, run.violations[0]
    return name, None, ""


def simulate_many(count: int, first: int) -> bool:
    """Run the seeds, print what was covered and what failed; whether nothing did."""
    coverage: Counter[str] = Counter()
    failed: list[int] = []
    seeds = range(first, first + count)
    chunks = [seeds[i : i + CHUNK] for i in range(0, count, CHUNK)]
    with _progress() as progress, ProcessPoolExecutor() as pool:
        bar = progress.add_task("runs", total=count)
        futures = {pool.submit(run_seeds, chunk): len(chunk) for chunk in chunks}
        for future in as_completed(futures):
            covered, bad = future.result()
            coverage += covered
            failed += bad
            progress.advance(bar, futures[future])
            if len(failed) >= MOST_FAILURES:
                pool.shutdown(cancel_futures=True)
                break
    table = Table("covered", "count")
    for name, number in sorted(coverage.items()):
        table.add_row(name, f"{number:,}")
    console.print(table)
    for seed in sorted(failed)[:1]:
        console.print(report(shortest(simulate(plan_of(seed)))), markup=False)
    if failed:
        console.print(f"[bold red]FAILED[/]: seeds {sorted(failed)}; run one with 1 SEED")
        return False
    console.print(f"[bold green]OK[/]: {count:,} runs from seed {first}, no violation")
    return True


def simulate_mutations(first: int) -> bool:
    """Print for each mutation how many runs it took to notice it; whether all were noticed."""
    table = Table("mutation", "what is broken", "runs", "noticed by")
    results = {}
    with _progress() as progress, ProcessPoolExecutor() as pool:
        bar = progress.add_task("mutations", total=len(MUTATIONS))
        futures = [pool.submit(catch, name, first) for name in MUTATIONS]
        for future in as_completed(futures):
            name, runs, violation = future.result()
            results[name] = (runs, violation)
            progress.advance(bar)
    for name, mutation in MUTATIONS.items():
        runs, violation = results[name]
        table.add_row(name, mutation.what, str(runs or "[red]never[/]"), violation)
    console.print(table)
    unnoticed = [name for name, (runs, _) in results.items() if runs is None]
    if unnoticed:
        console.print(f"[bold red]FAILED[/]: not noticed in {WITHIN} runs: {', '.join(unnoticed)}")
        return False
    console.print(f"[bold green]OK[/]: all {len(results)} noticed, each within {WITHIN} runs")
    return True


def _progress() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    return Progress(*columns, TimeRemainingColumn(), console=console)


def main() -> int:
    """Read the command line and do it; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation")
    parser.add_argument("runs", nargs="?", type=int, default=1000, help="how many (1000)")
    parser.add_argument("seed", nargs="?", type=int, default=0, help="the first seed (0)")
    parser.add_argument("--mutations", action="store_true", help="show that broken code is noticed")
    options = parser.parse_args()
    if options.mutations:
        return not simulate_mutations(options.seed)
    return not simulate_many(options.runs, options.seed)


if __name__ == "__main__":
    sys.exit(main())
