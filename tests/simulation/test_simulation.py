from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from functools import cache

import pytest

from broadsheet import addresses
from tests.simulation import shrink
from tests.simulation.crashes import KINDS
from tests.simulation.draw import plan_of
from tests.simulation.fences import Fences, index_of
from tests.simulation.mutations import MUTATIONS
from tests.simulation.plan import Operation, Plan
from tests.simulation.shrink import report, shortest
from tests.simulation.world import Run, simulate

# One out of so many crash points of each kind; `make simulate-crashes` takes all.
SAMPLE = 131
SEEDS = range(14)
# These share the runs of `clean`.
one_process = pytest.mark.xdist_group("clean")


@cache
def clean(seed: int) -> Run:
    return simulate(plan_of(seed))


def found(mutation: str, runs: int) -> Run:
    """The first run that notices a mutation."""
    for seed in range(runs):
        run = simulate(plan_of(seed), mutation)
        if run.violations:
            return run
    raise AssertionError(f"{mutation} is not noticed in {runs} runs")


def run_command(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tests.simulation", *arguments],
        check=False,
        capture_output=True,
        text=True,
        timeout=300,
    )


@one_process
def test_no_interleaving_and_no_fault_breaks_a_promise() -> None:
    for seed in SEEDS:
        run = clean(seed)
        assert not run.violations, report(shortest(run))


@one_process
def test_faults_and_stalls_mostly_happen() -> None:
    coverage = sum((clean(seed).coverage for seed in SEEDS), Counter[str]())
    planned = sum(number for name, number in coverage.items() if name.startswith("planned: "))
    fired = sum(number for name, number in coverage.items() if name.startswith("fired: "))
    assert fired > planned / 2 > 10


def test_damage_is_repaired_by_verifying_beside_whatever_else_happens() -> None:
    plans = (plan_of(seed) for seed in range(200))
    damaged = [plan for plan in plans if any(o.damages for o in plan.operations)][:4]
    runs = [simulate(plan) for plan in damaged]
    for run in runs:
        assert not run.violations, report(shortest(run))
    # A plan may damage what is not there.
    assert sum(run.coverage["damages"] for run in runs) >= len(damaged)


@pytest.mark.parametrize("body", [None, b"<p>defaced</p>"])
def test_damage_that_nobody_verifies_is_noticed(
    body: bytes | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    calm = KINDS["publish"].calm
    damage = Operation("articles/a/index.html", body, does="damage")
    assert not simulate(Plan(0, calm, (damage,))).violations
    monkeypatch.setattr(Plan, "leaves_damage", False)
    assert simulate(Plan(0, calm, (damage,))).violations


@pytest.mark.parametrize("name", KINDS)
def test_no_crash_and_no_invocation_before_it_breaks_a_promise(name: str) -> None:
    kind = KINDS[name]
    calls = simulate(kind.plan()).calls
    for between in (False, True):
        plans = list(kind.crashes(calls, between=between))
        assert len(plans) == 2 * sum(calls)
        for plan in plans[len(plans) // 3 :: SAMPLE]:
            run = simulate(plan)
            assert run.coverage["fired: crash before"] + run.coverage["fired: crash after"] == 1
            assert not run.violations, report(run)


def test_a_crash_that_leaves_something_undone_is_noticed() -> None:
    kind = KINDS["update"]
    last = list(kind.crashes(simulate(kind.plan(), "retry-page-tag").calls))[-8:]
    # Before and after the last look at the source, the invalidation, the event, and the receipt.
    noticed = [bool(simulate(plan, "retry-page-tag").violations) for plan in last]
    assert noticed == [*[True] * 3, *[False] * 5]


@one_process
def test_a_seed_replays_exactly() -> None:
    runs = [clean(11), simulate(plan_of(11))]
    assert runs[0].trace == runs[1].trace
    assert runs[0].coverage == runs[1].coverage


def test_a_seed_replays_exactly_in_a_process_with_other_hashes() -> None:
    program = (
        "from tests.simulation.draw import plan_of\n"
        "from tests.simulation.world import simulate\n"
        # In 4 and 8, articles have several old addresses.
        "for seed in (4, 8, 11): print('\\n'.join(simulate(plan_of(seed)).trace))"
    )
    traces = []
    for number in ("1", "2"):
        environment = os.environ | {
            "PYTHONHASHSEED": number,
            "PYTHONPATH": os.pathsep.join(
                [".", "layers/broadsheet", "functions/publish", "functions/media", "functions/ping"]
            ),
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


def test_what_breaks_a_promise_is_noticed_and_made_shorter(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(shrink, "EFFORT", 10)
    run = found("invalidate-first", 10)
    short = shortest(run, "invalidate-first")
    assert not set(short.violations).isdisjoint(run.violations)
    assert len(short.plan.operations) <= len(run.plan.operations)
    assert len(short.trace) < len(run.trace)
    assert f"seed {run.plan.seed}" in report(short)


def test_a_shorter_plan_that_fails_in_another_way_is_not_taken_for_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run = found("invalidate-first", 10)
    monkeypatch.setattr(shrink, "simulate", lambda *_: replace(run, violations=["another"]))
    assert shortest(run, "invalidate-first") is run


def test_the_command_fails_with_the_seed_and_the_trace_of_what_broke() -> None:
    result = run_command("3", "0", "--mutation", "listings-before-pages")
    assert result.returncode == 1
    shown, _, verdict = result.stdout.partition("Violations:")
    assert "\nseed 0: " in shown
    assert "PutObject index.html" in shown
    assert "which has no page" in verdict
    assert "FAILED: seeds [0" in verdict


def test_the_command_says_what_it_covered_and_that_nothing_broke() -> None:
    result = run_command("2", "0")
    assert result.returncode == 0
    assert "AWS calls" in result.stdout
    assert "OK: 2 runs from seed 0, no violation" in result.stdout


def test_a_plan_happens_as_far_as_it_can() -> None:
    """What waits for an event that never comes does not wait for ever."""
    plan = plan_of(1)
    alone = Plan(1, (), plan.calm + plan.operations, stalls=plan.stalls, at_once=1)
    run = simulate(alone)
    assert run.coverage["operations"] == len(alone.operations)
    assert not run.violations


@pytest.mark.parametrize("mutation", MUTATIONS)
def test_broken_code_is_whole_again_afterwards(mutation: str) -> None:
    owners = {owner for m in MUTATIONS.values() for owner, _, _ in m.patches}
    before = {owner: dict(vars(owner)) for owner in owners}
    with MUTATIONS[mutation].applied():
        assert any(dict(vars(owner)) != before[owner] for owner in owners)
    simulate(replace(KINDS["publish"].plan(), at_once=2), mutation)
    assert {owner: dict(vars(owner)) for owner in owners} == before


def test_a_write_slips_through_if_what_it_replaces_has_changed_and_changed_back() -> None:
    def written(*others: bytes) -> bool:
        fences = Fences()
        fences.passes(0, "index.html", b"before")
        fences.learns(1, addresses.ROOT_INDEX)
        for body in others:
            fences.passes(2, "index.html", body)
        return fences.passes(1, "index.html", b"after")

    assert written(b"between", b"before")
    assert not written()
    # Who was there first is late.
    assert not written(b"between")


def test_a_write_slips_through_if_others_have_found_right_what_it_replaces() -> None:
    def written(*, anew: bool, looks: int = 2) -> bool:
        """An index goes back to what it was; its listing has been left behind all the time."""
        fences = Fences()
        fences.passes(0, "index.html", b"before")
        fences.learns(1, addresses.ROOT_INDEX)
        fences.learns(1, "index.html")
        fences.learns(2, addresses.ROOT_INDEX, swaps=anew)
        fences.learns(looks, "index.html")
        return fences.passes(1, "index.html", b"after")

    assert written(anew=True)
    # Nobody else has seen to it, or for no other index.
    assert not written(anew=True, looks=1)
    assert not written(anew=False)


@pytest.mark.parametrize(
    ("key", "index"),
    [
        ("rss.xml", "_index/site.json"),
        ("2026/05/index.html", "_index/2026/05.json"),
        ("sitemap-2026-05.xml", "_index/2026/05.json"),
        ("topics/harbour/2026/05/index.html", "_index/2026/05.json"),
        ("topics/harbour/feed.json", "_index/topics/harbour.json"),
    ],
)
def test_a_listing_follows_from_one_index(key: str, index: str) -> None:
    assert index_of(key) == index
