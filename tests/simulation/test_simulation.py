from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.simulation.draw import plan_of
from tests.simulation.mutations import MUTATIONS
from tests.simulation.shrink import report, shortest
from tests.simulation.world import Run, simulate


def found(mutation: str, runs: int) -> Run:
    """The first run that notices a mutation."""
    for seed in range(runs):
        run = simulate(plan_of(seed), mutation)
        if run.violations:
            return run
    raise AssertionError(f"{mutation} is not noticed in {runs} runs")


@pytest.mark.parametrize("first", range(0, 20, 10))
def test_no_interleaving_and_no_fault_breaks_a_promise(first: int) -> None:
    for seed in range(first, first + 10):
        run = simulate(plan_of(seed))
        assert not run.violations, report(shortest(run))


def test_a_seed_replays_exactly() -> None:
    runs = [simulate(plan_of(11)) for _ in range(2)]
    assert runs[0].trace == runs[1].trace
    assert runs[0].coverage == runs[1].coverage


def test_a_seed_replays_exactly_in_a_process_with_other_hashes() -> None:
    program = (
        "from tests.simulation.draw import plan_of\n"
        "from tests.simulation.world import simulate\n"
        "print('\\n'.join(simulate(plan_of(11)).trace))"
    )
    traces = []
    for number in ("1", "2"):
        environment = os.environ | {
            "PYTHONHASHSEED": number,
            "PYTHONPATH": os.pathsep.join([".", "layers/broadsheet", "functions/publish"]),
        }
        traces.append(
            subprocess.run(
                [sys.executable, "-c", program],
                check=True,
                capture_output=True,
                env=environment,
                timeout=60,
            ).stdout
        )
    assert traces[0] == traces[1]
    assert len(traces[0]) > 1000


def test_what_breaks_a_promise_is_noticed_and_made_shorter() -> None:
    run = found("invalidate-first", 10)
    short = shortest(run, "invalidate-first")
    assert short.violations
    assert len(short.plan.operations) <= len(run.plan.operations)
    assert len(short.trace) < len(run.trace)
    assert f"seed {run.plan.seed}" in report(short)


@pytest.mark.parametrize("mutation", ["listings-before-pages", "all-new", "receipts-first"])
def test_broken_code_is_noticed(mutation: str) -> None:
    assert found(mutation, 20).violations


def test_every_mutation_says_what_it_breaks() -> None:
    assert len(MUTATIONS) >= 10
    assert all(mutation.what for mutation in MUTATIONS.values())
