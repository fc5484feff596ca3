"""Makes a plan that fails shorter, as long as it still fails in the same way."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from tests.simulation.world import Run, simulate

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.simulation.plan import Plan

# Runs that may be spent on it.
EFFORT = 80

Part = Literal["operations", "faults", "stalls"]
PARTS: tuple[Part, ...] = ("faults", "stalls", "operations")


def shortest(run: Run, mutation: str = "") -> Run:
    """The shortest run found, by leaving out parts of the plan, with a violation of ``run``'s.

    Any violation would not do: a plan of which nothing is left may fail for that reason.
    """
    left = EFFORT
    best = run
    again = True
    while again and left:
        again = False
        for plan in _smaller(best.plan):
            if not left:
                break
            left -= 1
            found = simulate(plan, mutation)
            if not set(found.violations).isdisjoint(run.violations):
                best, again = found, True
                break
    return best


def _smaller(plan: Plan) -> Iterator[Plan]:
    """Plans that lack half of something, and then those that lack one."""
    for part in PARTS:
        items: tuple[object, ...] = getattr(plan, part)
        sizes = [len(items) // 2, 1] if len(items) > 3 else [1]
        for size in sizes:
            for start in range(0, len(items), size):
                changed = {part: items[:start] + items[start + size :]}
                yield replace(plan, **changed)  # type: ignore[arg-type]  # one of PARTS
    if plan.at_once > 1:
        yield replace(plan, at_once=plan.at_once - 1)
    if plan.queue:
        yield replace(plan, queue=False)


def report(run: Run) -> str:
    """A failure as a person reads it."""
    lines = [str(run.plan), "", *run.trace, "", "Violations:", *run.violations]
    return "\n".join(lines)
