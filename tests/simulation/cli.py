"""Runs the simulation from the command line; `python -m tests.simulation --help` says how."""

from __future__ import annotations

import argparse
import os
from collections import Counter
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from tests.simulation.crashes import DEATHS, KINDS
from tests.simulation.draw import AIMS, plan_of
from tests.simulation.mutations import MUTATIONS, WITHIN
from tests.simulation.plan import FAULTS
from tests.simulation.shrink import report, shortest
from tests.simulation.world import Run, simulate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from tests.simulation.plan import Plan

# Seeds, or crash points, that one task of a process takes.
CHUNK = 10
MOST_FAILURES = 3

T = TypeVar("T")
R = TypeVar("R")
console = Console(highlight=False)


def run_seeds(seeds: Sequence[int], of: tuple[str, str]) -> tuple[Counter[str], list[int]]:
    """What the runs of these seeds, ``of`` a mutation and a scene, covered; and which failed."""
    mutation, scene = of
    coverage: Counter[str] = Counter()
    failed = []
    for seed in seeds:
        run = simulate(plan_of(seed, scene), mutation)
        coverage += run.coverage
        if run.violations:
            failed.append(seed)
    return coverage, failed


def run_task(task: _Task, mutation: str) -> list[Plan]:
    """Those of these crash points that lead to a violation; each must have been come to."""
    runs = [simulate(plan, mutation) for plan in task.plans]
    for run in runs:
        if not mutation and not any(run.coverage[f"fired: {death}"] for death in DEATHS):
            raise RuntimeError(f"nobody died: {run.plan}")
    return [run.plan for run in runs if run.violations]


def catch(name: str, first: int) -> tuple[int | None, str]:
    """How many runs it takes to notice a mutation, and by what.

    Every other is of the scene that aims at what is broken, if there is one.
    """
    scene = MUTATIONS[name].scene
    for n in range(WITHIN):
        aimed = scene and n % 2
        plan = plan_of(first + n // 2, scene if aimed else "") if scene else plan_of(first + n)
        run = simulate(plan, name)
        if run.violations:
            return n + 1, run.violations[0]
    return None, ""


def simulate_many(count: int, first: int, mutation: str, scene: str) -> bool:
    """Run the seeds, print what was covered and what failed; whether nothing did."""
    coverage: Counter[str] = Counter()
    failed: list[int] = []
    seeds = range(first, first + count)
    of = (mutation, scene)
    chunks = [seeds[i : i + CHUNK] for i in range(0, count, CHUNK)]
    for _, (covered, bad) in _in_parallel("runs", run_seeds, chunks, of, size=len):
        coverage += covered
        failed += bad
        if len(failed) >= MOST_FAILURES:
            break
    _print_coverage(coverage)
    if not failed:
        console.print(f"[bold green]OK[/]: {count:,} runs from seed {first}, no violation")
        return True
    _print_failure(simulate(plan_of(min(failed), scene), mutation), mutation)
    console.print(f"[bold red]FAILED[/]: seeds {sorted(failed)}; run one with 1 SEED")
    return False


def simulate_mutations(first: int) -> bool:
    """Print for each mutation how many runs it took to notice it; whether all were noticed."""
    results = dict(_in_parallel("mutations", catch, list(MUTATIONS), first))
    table = Table("mutation", "what is broken", "scene", "runs", "noticed by")
    for name, mutation in MUTATIONS.items():
        runs, violation = results[name]
        table.add_row(name, mutation.what, mutation.scene, str(runs or "[red]never[/]"), violation)
    console.print(table)
    unnoticed = [name for name, (runs, _) in results.items() if runs is None]
    if unnoticed:
        console.print(f"[bold red]FAILED[/]: not noticed in {WITHIN} runs: {', '.join(unnoticed)}")
        return False
    console.print(f"[bold green]OK[/]: all {len(results)} noticed, each within {WITHIN} runs")
    return True


def simulate_crashes(mutation: str) -> bool:
    """Run every crash point of every kind, print a table; whether none left a violation."""
    calls = {name: simulate(kind.plan()).calls for name, kind in KINDS.items()}
    points: Counter[tuple[str, bool]] = Counter()
    failures: Counter[tuple[str, bool]] = Counter()
    failed: list[Plan] = []
    tasks = list(_crash_tasks(calls))
    for task, bad in _in_parallel("crash points", run_task, tasks, mutation, size=_Task.size):
        points[task.kind, task.between] += task.size()
        failures[task.kind, task.between] += len(bad)
        failed += bad
    table = Table("kind", "calls", "crash points", "violations", "with another", "violations")
    for name in KINDS:
        numbers = [counter[name, b] for b in (False, True) for counter in (points, failures)]
        table.add_row(name, str(sum(calls[name])), *(f"{number:,}" for number in numbers))
    console.print(table)
    if not failed:
        console.print(f"[bold green]OK[/]: {points.total():,} crash points, no violation")
        return True
    _print_failure(simulate(failed[0], mutation), mutation)
    console.print(f"[bold red]FAILED[/]: {len(failed)} of {points.total():,} crash points")
    return False


@dataclass(frozen=True)
class _Task:
    """Some crash points of a kind, with or without another invocation in between."""

    kind: str
    between: bool
    plans: tuple[Plan, ...]

    def size(self) -> int:
        return len(self.plans)


def _crash_tasks(calls: Mapping[str, Sequence[int]]) -> Iterator[_Task]:
    for name, kind in KINDS.items():
        for between in (False, True):
            plans = tuple(kind.crashes(calls[name], between=between))
            for i in range(0, len(plans), CHUNK):
                yield _Task(name, between, plans[i : i + CHUNK])


def _in_parallel(
    what: str,
    call: Callable[..., R],
    tasks: Sequence[T],
    argument: object,
    size: Callable[[T], int] = lambda _: 1,
) -> Iterator[tuple[T, R]]:
    """Each task with its result, as they end, under a progress bar; leaving off ends the others."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with (
        Progress(*columns, TimeRemainingColumn(), console=console) as progress,
        ProcessPoolExecutor(os.cpu_count()) as pool,
    ):
        bar = progress.add_task(what, total=sum(map(size, tasks)))
        futures = {pool.submit(call, task, argument): task for task in tasks}
        try:
            for future in as_completed(futures):
                progress.advance(bar, size(futures[future]))
                yield futures[future], future.result()
        finally:
            pool.shutdown(cancel_futures=True)


def _print_coverage(coverage: Counter[str]) -> None:
    table = Table("covered", "count")
    for name, number in sorted(coverage.items()):
        if not name.startswith(("planned: ", "fired: ")):
            table.add_row(name, f"{number:,}")
    console.print(table)
    table = Table("what was to happen", "planned", "happened", "")
    for kind in (*FAULTS, "stall"):
        planned, fired = coverage[f"planned: {kind}"], coverage[f"fired: {kind}"]
        table.add_row(
            kind, f"{planned:,}", f"{fired:,}", f"{fired / planned if planned else 0:.0%}"
        )
    console.print(table)


def _print_failure(run: Run, mutation: str) -> None:
    console.print(report(shortest(run, mutation)), markup=False, soft_wrap=True)


def main() -> int:
    """Read the command line and do it; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation")
    parser.add_argument("runs", nargs="?", type=int, default=1000, help="how many (1000)")
    parser.add_argument("seed", nargs="?", type=int, default=0, help="the first seed (0)")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--crashes", action="store_true", help="every crash point instead")
    what.add_argument("--mutations", action="store_true", help="show that broken code is noticed")
    parser.add_argument(
        "--mutation", choices=MUTATIONS, default="", help="break the code like this"
    )
    parser.add_argument("--scene", choices=AIMS, default="", help="only plans of this scene")
    options = parser.parse_args()
    if options.mutations:
        return not simulate_mutations(options.seed)
    if options.crashes:
        return not simulate_crashes(options.mutation)
    return not simulate_many(options.runs, options.seed, options.mutation, options.scene)
