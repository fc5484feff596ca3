"""What one run of the simulation does, all drawn from a seed before it begins.

A plan is plain data: leave out an operation, a fault or a stall and what is left is again a plan.
That is how a failing run is made shorter.
"""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from typing import Literal

from tests.newsroom import article

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
]
FAULTS: tuple[FaultKind, ...] = (
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
)
# Where the argument of docs/architecture.md has its joints; "" is any call.
MOMENTS = (
    "read source",
    "read record",
    "write record",
    "write page",
    "read index",
    "swap month",
    "swap topic",
    "swap site",
    "write listing",
    "delete listing",
    "look at index",
    "look at listing",
    "look at source",
    "write fixed",
    "delete page",
    "invalidate",
    "receipt",
)


# Where standing still does most harm: others have time to write, or to remove, what comes next.
TENDER = (
    "swap month",
    "swap topic",
    "swap site",
    "write listing",
    "write listing",
    "delete listing",
    "look at listing",
    "look at index",
    "write fixed",
    "delete page",
)


@dataclass(frozen=True)
class Place:
    """The ``count``-th call (from 1) of a kind that an invocation makes.

    Invocations are counted from 0, where the plan has a calm before its storm from the storm on.
    """

    invocation: int
    moment: str
    count: int

    def __str__(self) -> str:
        return f"invocation {self.invocation}, {self.moment or 'any call'} no. {self.count}"


@dataclass(frozen=True)
class Operation:
    """An upload to, or without a body a deletion from, the source bucket."""

    key: str
    body: bytes | None

    def __str__(self) -> str:
        return (
            f"{'delete' if self.body is None else 'put'} {self.key} {(self.body or b'').decode()}"
        )


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
    way, ``batch`` the messages of each.
    """

    seed: int
    calm: tuple[Operation, ...]
    operations: tuple[Operation, ...]
    faults: tuple[Fault, ...]
    stalls: tuple[Stall, ...]
    style: Style
    changes: frozenset[int]
    newest: int
    at_once: int
    batch: int
    invalidate_by: str
    queue: bool

    def __str__(self) -> str:
        head = (
            f"seed {self.seed}: {self.style}, newest {self.newest}, at once {self.at_once}, "
            f"by {self.invalidate_by}, {'with' if self.queue else 'without'} queue"
        )
        calm = [f"{operation}, and wait" for operation in self.calm]
        storm = [str(part) for part in (*self.operations, *self.stalls, *self.faults)]
        return "\n  ".join([head, *calm, *storm])


def plan_of(seed: int) -> Plan:
    """The plan of a seed."""
    rng = random.Random(seed)  # noqa: S311 (no secret)
    return _duel(seed, rng) if rng.random() < 0.6 else _storm(seed, rng)


def _storm(seed: int, rng: random.Random) -> Plan:
    """Anything at all."""
    alphabet = _Alphabet(rng)
    calm = rng.random() < 0.5
    count = rng.randint(2, 4) if calm else rng.randint(2, 7)
    faults = rng.randint(1, 4) if rng.random() < 0.7 else 0
    return Plan(
        seed=seed,
        calm=tuple(alphabet.upload(rng) for _ in range(rng.randint(1, 2) if calm else 0)),
        operations=tuple(alphabet.operation(rng) for _ in range(count)),
        faults=tuple(Fault(rng.choice(FAULTS), _place(rng, 6)) for _ in range(faults)),
        stalls=tuple(
            Stall(_place(rng, 6), rng.randint(1, 3)) for _ in range(rng.choice([0, 1, 2, 3]))
        ),
        style=rng.choice(["uniform", "weights", "priorities", "priorities"]),
        changes=frozenset(rng.randrange(500) for _ in range(rng.randint(1, 6))),
        newest=rng.choice([1, 2, 2, 3, 30]),
        at_once=rng.choice([1, 2, 2, 3, 3, 4]),
        batch=3,
        invalidate_by=rng.choice(["tags", "tags", "paths"]),
        queue=rng.random() < 0.3,
    )


def _duel(seed: int, rng: random.Random) -> Plan:
    """Few invocations on different paths of the same listings, one of which stands still.

    Chance alone seldom has one stand still between its swap and its writes while another removes
    something.
    """
    alphabet = _Alphabet(rng, duel=True)
    kind = rng.choice(["paths", "paths", "succession", "move", "site"])
    calm, operations, tender = alphabet.duel_of(kind, rng)
    faults = rng.choice([0, 0, 0, 0, 1])
    return Plan(
        seed=seed,
        calm=tuple(calm),
        operations=tuple(operations),
        faults=tuple(Fault(rng.choice(FAULTS), _place(rng, 3)) for _ in range(faults)),
        stalls=tuple(
            Stall(
                Place(rng.choice([0, 0, 0, 1]), rng.choice(tender), rng.choice([1, 1, 2, 3, 4, 5])),
                rng.choice([1, 1, 2]),
            )
            for _ in range(rng.choice([1, 1, 2]))
        ),
        style=rng.choice(["uniform", "priorities"]),
        changes=frozenset(rng.randrange(100, 300) for _ in range(2)),
        newest=rng.choice([1, 2, 30]),
        at_once=rng.choice([2, 3]),
        batch=1,
        invalidate_by=rng.choice(["tags", "paths"]),
        queue=False,
    )


def _place(rng: random.Random, invocations: int) -> Place:
    invocation = rng.randrange(invocations)
    draw = rng.random()
    if draw < 0.2:
        return Place(invocation, "", rng.randint(1, 50))
    moments = MOMENTS if draw < 0.5 else TENDER
    return Place(invocation, rng.choice(moments), rng.choice([1, 1, 1, 2, 3, 5]))


class _Alphabet:
    """The operations of one run: very few paths, topics, months and titles, so that they meet."""

    def __init__(self, rng: random.Random, *, duel: bool = False) -> None:
        self._paths = rng.sample(["a", "b", "c/d"], rng.choice([2, 2, 3] if duel else [1, 2, 2, 3]))
        self._topics = rng.sample(["S", "T"], rng.choice([0, 1, 1, 2]))
        # Late on its last day it is the next month in Tokyo.
        days = ["2026-01-02T12", "2026-01-02T13", "2026-02-28T23"]
        self._days = rng.sample(days, rng.choice([1, 1, 2] if duel else [1, 2, 3]))
        self._titles = ["A", "B"][: rng.randint(1, 2)]
        self._removals = rng.choice([0.1, 0.3, 0.5])
        self._sites = rng.choice([0.03, 0.03, 0.4])

    def operation(self, rng: random.Random) -> Operation:
        """Any of them."""
        draw = rng.random()
        if draw < self._sites:
            return _site_operation(rng)
        if draw < self._sites + 0.02:
            return Operation("articles/No path.json", rng.choice([b"{}", None]))
        if rng.random() < self._removals:
            if rng.random() < 0.6:
                return Operation(f"articles/{rng.choice(self._paths)}.json", None)
            return self.upload(rng, status=rng.choice(["draft", "withdrawn"]))
        return self.upload(rng, title="") if rng.random() < 0.06 else self.upload(rng)

    def duel_of(
        self, kind: str, rng: random.Random
    ) -> tuple[list[Operation], list[Operation], tuple[str, ...]]:
        """Operations for the calm and for a duel, and where to stand still in it."""
        first, second = self._paths[:2]
        if kind == "succession":
            # The last article goes and the next comes: no condition could refuse a deletion.
            # The pages of a topic go after the home page, whose condition holds by then.
            del self._days[1:]
            self._topics = ["S"]
            operations = [Operation(f"articles/{first}.json", None), self.upload(rng, second)]
            moments = (
                "delete listing",
                "delete listing",
                "delete listing",
                "swap site",
                "swap topic",
            )
            return [self.upload(rng, first)], operations, moments
        if kind == "move":
            # One path in several places, before any of its invocations has recorded one.
            days = rng.sample(["2026-01-02T12", "2026-02-28T23", "2025-12-01T00"], 3)
            moves = [self.upload(rng, first, published_at=f"{day}:00:00Z") for day in days]
            return [], moves, ("write record", "write record", "swap month", "write listing")
        if kind == "site":
            # A first article, and site.json changing under it.
            operations = [_site_operation(rng), self.upload(rng, first), _site_operation(rng)]
            rng.shuffle(operations)
            fixed = ("write fixed", "write fixed", "swap site", "write listing", "look at listing")
            return [], operations, fixed
        count = rng.randint(0, len(self._paths))
        return [self.upload(rng, path) for path in self._paths[:count]], self.duel(rng), TENDER

    def duel(self, rng: random.Random) -> list[Operation]:
        """Each on another path than the one before."""
        operations: list[Operation] = []
        for turn in range(rng.choice([2, 2, 3])):
            path = self._paths[turn % len(self._paths)]
            if rng.random() < self._sites:
                operations.append(_site_operation(rng))
            elif rng.random() < 0.45:
                operations.append(Operation(f"articles/{path}.json", None))
            else:
                operations.append(self.upload(rng, path))
        return operations

    def upload(self, rng: random.Random, path: str = "", **changed: str) -> Operation:
        """An article, published if nothing else is said."""
        fields = {
            "title": rng.choice(self._titles),
            "summary": "s",
            "body": "b",
            "topics": rng.sample(self._topics, rng.randint(0, len(self._topics))),
            "published_at": f"{rng.choice(self._days)}:00:00Z",
        }
        body = json.dumps(article(**fields | changed), separators=(",", ":")).encode()
        return Operation(f"articles/{path or rng.choice(self._paths)}.json", body)


def _site_operation(rng: random.Random) -> Operation:
    document = {"name": rng.choice(["X", "Y"]), "timezone": rng.choice(["UTC", "Asia/Tokyo"])}
    bodies = [json.dumps(document).encode(), json.dumps(document).encode(), b"{", None]
    return Operation("site.json", rng.choice(bodies))
