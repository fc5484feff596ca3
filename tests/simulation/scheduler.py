"""Lets several threads run one at a time, and decides from a seed who goes next.

A thread runs until its next call of AWS, or sleep, and hands the baton on. Choosing is done by
whoever holds it, so nothing else happens meanwhile and a run replays exactly.
"""

from __future__ import annotations

import random
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.simulation.plan import Plan, Stall


class Desk(Protocol):
    """Where uploads and deliveries come from: a party to the schedule without a thread."""

    def ready(self) -> bool:
        """Whether there is anything to do."""

    def step(self) -> None:
        """Do one thing."""


def _kept() -> threading.Lock:
    """A baton that somebody else has; a lock is passed on faster than a semaphore."""
    baton = threading.Lock()
    baton.acquire()
    return baton


@dataclass(eq=False)
class Actor:
    """An invocation: its thread, what it has done, and how the schedule treats it."""

    number: int
    priority: float
    weight: int
    began: int
    baton: threading.Lock = field(default_factory=_kept)
    stalled_until: int = -1
    dead: bool = False


class Scheduler:
    """The one that holds the baton, those who wait for it, and the rule by which it passes."""

    # Seconds in which a whole run is over, unless the harness itself is broken.
    patience: float | None = 120

    def __init__(self, plan: Plan, desk: Desk) -> None:
        self._plan = plan
        self._desk = desk
        self._rng = random.Random(f"{plan.seed} schedule")  # noqa: S311 (no secret)
        self._here = threading.local()
        self._waiting: list[Actor] = []
        self._desk_priority = self._rng.random()
        self._desk_weight = self._rng.choice([1, 1, 30])
        self._last: Actor | None = None
        self._over = threading.Event()
        self._error: BaseException | None = None
        self.steps = 0
        self.switches = 0
        self.ended = 0
        self.stalls = 0
        self.in_flight: list[Actor] = []

    @property
    def actor(self) -> Actor | None:
        """Whose thread this is; nobody's for the harness itself."""
        found: Actor | None = getattr(self._here, "actor", None)
        return found

    def run(self) -> None:
        """Go on until nobody has anything left to do; raises what went wrong in the harness."""
        self._pass_on(None)
        if not self._over.wait(self.patience):
            raise RuntimeError(f"seed {self._plan.seed}: nobody passes the baton")
        if self._error:
            raise self._error

    def start(self, number: int, work: Callable[[Actor], None]) -> None:
        """Add an invocation, which begins when it is chosen."""
        actor = Actor(number, self._rng.random(), self._rng.choice([1, 1, 30, 1000]), self.steps)
        self.in_flight.append(actor)
        self._waiting.append(actor)
        threading.Thread(target=self._body, args=(actor, work), daemon=True).start()

    def pause(self, stall: Stall | None = None, *, asleep: bool = False) -> None:
        """Let others go first, if the schedule says so."""
        actor = self.actor
        assert actor is not None
        if stall:
            self.stalls += 1
            actor.stalled_until = self.ended + stall.others
        if asleep:
            actor.priority -= 1
        self._waiting.append(actor)
        self._pass_on(actor)

    def fail(self, error: BaseException) -> None:
        """The harness itself is broken: run raises this."""
        self._error = error
        self._over.set()

    def _body(self, actor: Actor, work: Callable[[Actor], None]) -> None:
        self._here.actor = actor
        actor.baton.acquire()
        try:
            work(actor)
        except BaseException as error:  # noqa: BLE001 (raised again by run)
            self.fail(error)
            return
        self.in_flight.remove(actor)
        self.ended += 1
        self._pass_on(None)

    def _pass_on(self, actor: Actor | None) -> None:
        try:
            chosen = self._choose()
        except BaseException as error:  # noqa: BLE001 (raised again by run)
            self._error = error
            chosen = None
        if chosen is None:
            self._over.set()
            return
        if chosen is actor:
            return
        chosen.baton.release()
        if actor:
            actor.baton.acquire()

    def _choose(self) -> Actor | None:
        while True:
            free: list[Actor | None] = [a for a in self._waiting if a.stalled_until <= self.ended]
            if self._desk.ready():
                free.append(None)
            free = free or list(self._waiting)
            if not free:
                return None
            self.steps += 1
            chosen = self._pick(free)
            if chosen:
                self._waiting.remove(chosen)
                self.switches += chosen is not self._last
                self._last = chosen
                return chosen
            self._desk.step()
            self._desk_priority = self._rng.random()

    def _pick(self, free: list[Actor | None]) -> Actor | None:
        if self._plan.style == "uniform":
            return self._rng.choice(free)
        if self._plan.style == "weights":
            return self._by_weight(free)
        if self.steps in self._plan.changes:
            self._demote(max(free, key=self._priority))
        return max(free, key=self._priority)

    def _by_weight(self, free: list[Actor | None]) -> Actor | None:
        if self._rng.random() < 0.04:
            for actor in self._waiting:
                actor.weight = self._rng.choice([1, 1, 30, 1000])
        weights = [actor.weight if actor else self._desk_weight for actor in free]
        return self._rng.choices(free, weights)[0]

    def _priority(self, actor: Actor | None) -> float:
        return actor.priority if actor else self._desk_priority

    def _demote(self, actor: Actor | None) -> None:
        if actor:
            actor.priority -= self.steps
        else:
            self._desk_priority -= self.steps
