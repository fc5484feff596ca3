"""What one run of the simulation does, as plain data.

Leave out an operation, a fault or a stall and what is left is again a plan: that is how a failing
run is made shorter. draw.py makes plans from seeds, crashes.py one for each crash point.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal, get_args

from broadsheet.settings import PARALLEL_CALLS

Does = Literal["upload", "verify", "damage", "forget", "clock"]
Style = Literal["uniform", "weights", "priorities"]
FaultKind = Literal[
    "crash before",
    "crash after",
    "response lost",
    "repeated",
    "throttled",
    "error",
    "outage",
    "broken",
    "conflict 409",
    "missing 404",
    "time is short",
    "time is up",
    "out of memory",
]
FAULTS: tuple[FaultKind, ...] = get_args(FaultKind)
# When each run begins, and by when nothing waits for its time any more.
START, END = (datetime(2026, 3, 15, hour, tzinfo=UTC) for hour in (0, 6))


@dataclass(frozen=True)
class Place:
    """The ``count``-th call (from 1) for a purpose (moments.py) that an invocation makes.

    Invocations are counted from 0, where the plan has a calm before its storm from the storm on;
    with ``later``, it is the first one from there on that makes such a call.
    """

    invocation: int
    moment: str
    count: int
    later: bool = False

    def __str__(self) -> str:
        later = " or later" if self.later else ""
        return f"invocation {self.invocation}{later}, {self.moment or 'any call'} no. {self.count}"


@dataclass(frozen=True)
class Operation:
    """An upload to, or without a body a deletion from, the source bucket.

    Or something else that is done: the site is to be verified; a key of the site bucket is written,
    or deleted, behind the function's back (damage); an index is to forget its newest entry; the
    clock goes forward to the time in ``body``. It waits until ``after`` invocations of the storm
    have ended or stood still.
    """

    key: str
    body: bytes | None
    after: int = 0
    does: Does = "upload"

    @property
    def damages(self) -> bool:
        """Whether the site is no longer what the function has made it."""
        return self.does in {"damage", "forget"}

    def __str__(self) -> str:
        what = f"{'delete' if self.body is None else 'put'} {self.key}"
        what = what if self.does == "upload" else f"{self.does}: {what if self.key else 'all'}"
        waits = f" after {self.after} ended or stood still" if self.after else ""
        return f"{what} {(self.body or b'').decode()}{waits}"


@dataclass(frozen=True)
class Fault:
    """What goes wrong at a place."""

    kind: FaultKind
    place: Place

    def __str__(self) -> str:
        return f"{self.kind} at {self.place}"


@dataclass(frozen=True)
class Stall:
    """An invocation stands still before a call until others have come to an end."""

    place: Place
    others: int

    def __str__(self) -> str:
        return f"stall at {self.place} until {self.others} others have ended"


@dataclass(frozen=True)
class Plan:
    """One run: ``calm`` operations one after the other, then the others in a storm of invocations.

    ``newest`` is how many entries a landing page holds; ``changes`` are the steps at
    which whoever is running loses its priority; ``at_once`` bounds the invocations under
    way, ``batch`` the messages of each. With ``events`` there is a bus on which others are
    told. ``behind`` are seconds by which the clocks of invocations are slow, one after the other.
    With ``gather`` a batch has as many as there are, and waits until nothing more can be
    uploaded. ``parallel_calls`` is the function's setting: by it, articles of a batch are begun one
    at a time or up to ten. The calls themselves come one after the other, in any order.
    """

    seed: int
    calm: tuple[Operation, ...]
    operations: tuple[Operation, ...]
    faults: tuple[Fault, ...] = ()
    stalls: tuple[Stall, ...] = ()
    style: Style = "uniform"
    changes: frozenset[int] = frozenset()
    newest: int = 30
    at_once: int = 1
    batch: int = 1
    invalidate_by: str = "tags"
    queue: bool = False
    events: bool = False
    gather: bool = False
    behind: tuple[int, ...] = (0,)
    parallel_calls: int = PARALLEL_CALLS

    @property
    def leaves_damage(self) -> bool:
        """Whether there is damage that no verify is sure to find beside what is published.

        That is: damage to the function's own objects, or after the last verify.
        """
        damaged = [n for n, operation in enumerate(self.operations) if operation.damages]
        own = any(self.operations[n].key.startswith("_") for n in damaged)
        last = self.operations[damaged[-1] :] if damaged else ()
        return own or (bool(last) and all(operation.does != "verify" for operation in last))

    def __str__(self) -> str:
        head = (
            f"seed {self.seed}: {self.style}, newest {self.newest}, at once {self.at_once}, "
            f"by {self.invalidate_by}, {'with' if self.queue else 'without'} queue, "
            f"{'with' if self.events else 'without'} events, clocks {self.behind} s behind, "
            f"{self.parallel_calls} parallel calls"
        )
        calm = [f"{operation}, and wait" for operation in self.calm]
        storm = [str(part) for part in (*self.operations, *self.stalls, *self.faults)]
        return "\n  ".join([head, *calm, *storm])
