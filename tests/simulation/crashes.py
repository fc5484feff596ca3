"""Every point at which an invocation can die: before and after each of its calls.

One plan for each: after a calm the process dies at one call, and the messages come again; or, with
another upload, the process stands still before that call until another whole invocation has come
and gone, and dies then.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from tests.newsroom import article
from tests.simulation.plan import START, Fault, FaultKind, Operation, Place, Plan, Stall

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

DEATHS: tuple[FaultKind, FaultKind] = ("crash before", "crash after")
LATER = "2026-02-03T00:00:00Z"


def _put(path: str, **changed: Any) -> Operation:
    fields = {"topics": ["S"], "published_at": "2026-01-02T12:00:00Z"} | changed
    return Operation(f"articles/{path}.json", json.dumps(article(**fields)).encode())


def _delete(path: str) -> Operation:
    return Operation(f"articles/{path}.json", None)


@dataclass(frozen=True)
class Kind:
    """What is delivered in one batch, what was there before, and what may come in between."""

    calm: tuple[Operation, ...]
    operations: tuple[Operation, ...]
    other: Operation
    queue: bool = False

    def plan(self) -> Plan:
        """Without any crash."""
        return Plan(
            seed=0,
            calm=self.calm,
            operations=self.operations,
            batch=len(self.operations),
            queue=self.queue,
            events=True,
            gather=True,
        )

    def crashes(self, calls: Sequence[int], *, between: bool = False) -> Iterator[Plan]:
        """A plan for each crash point, given how many calls each invocation makes."""
        plan = self.plan()
        for invocation, count in enumerate(calls):
            for number in range(1, count + 1):
                place = Place(invocation, "", number)
                for death in DEATHS:
                    crash = replace(plan, faults=(Fault(death, place),))
                    yield self._with_another(crash, place) if between else crash

    def _with_another(self, plan: Plan, place: Place) -> Plan:
        other = replace(self.other, after=1)
        stalls = (Stall(place, 1),)
        return replace(plan, operations=(*plan.operations, other), stalls=stalls, at_once=2)


_A, _B, _C = _put("a"), _put("b"), _put("c", title="C")
_SITE = Operation("site.json", json.dumps({"name": "X", "timezone": "Asia/Tokyo"}).encode())
_MANY = (
    *(_put(f"many/{n}", published_at=f"2025-0{n}-01T00:00:00Z") for n in range(1, 6)),
    _put("bad", title=""),
    _put("b", title="B"),
    _delete("a"),
)

_ONE, _TWO = ((START + timedelta(hours=hour)).isoformat() for hour in (1, 2))
_SECRET = {"title": "Secret", "summary": "Secret"}
_LATER = _put("a", published_at=_ONE, **_SECRET)
_ENDS = _put("a", expires_at=_ONE)
_BOTH = _put("a", published_at=_ONE, expires_at=_TWO, **_SECRET)
_DRAFT = _put("a", status="draft", preview_until=_ONE, **_SECRET)
_CLOCK = Operation("", _ONE.encode(), does="clock")

_OLD, _OLD_GOES = _put("c", aliases=["/old/"]), _delete("c")
_MOVED = _put("d", aliases=["/articles/a/", "/older/"])
_C_AT_OLD = _put("c", aliases=["/articles/a/"], published_at=LATER)

_VERIFY = Operation("", None, does="verify")
_DAMAGE = tuple(
    Operation(key, body, does="damage")
    for key, body in [
        ("index.html", b"<p>defaced</p>"),
        ("articles/a/index.html", b"<p>defaced</p>"),
        ("topics/s/2024/01/index.html", b"<p>defaced</p>"),
        ("rss.xml", None),
    ]
)

KINDS = {
    "first article": Kind((), (_A,), _SITE),
    "publish": Kind((_A,), (_B,), _delete("a")),
    "update": Kind((_A, _B), (_put("a", title="A"),), _delete("b")),
    "move of date": Kind((_A, _B), (_put("a", published_at=LATER),), _delete("b")),
    "move of topics": Kind((_A, _B), (_put("a", topics=["T"]),), _C),
    "delete": Kind((_A, _B), (_delete("a"),), _C),
    "withdraw": Kind((_A, _B), (_put("a", status="withdrawn"),), _delete("b")),
    "reject": Kind((_A, _B), (_put("a", title=""),), _C),
    "schedule": Kind((_B,), (_LATER,), _delete("b")),
    "schedule what is live": Kind((_A, _B), (_LATER,), _delete("b")),
    "reschedule": Kind((_LATER, _B), (_put("a", published_at=_TWO, **_SECRET),), _C),
    "release": Kind((_BOTH, _B), (_CLOCK,), _delete("b")),
    "expire": Kind((_ENDS, _B), (_CLOCK,), _C),
    "cancel": Kind((_BOTH, _B), (_delete("a"),), _C),
    "cancel an expiry": Kind((_ENDS, _B), (_A,), _delete("b")),
    "preview": Kind((_B,), (_DRAFT,), _delete("a")),
    "end of a preview": Kind((_DRAFT, _B), (_CLOCK,), _A),
    "publish a preview": Kind((_DRAFT, _B), (_A,), _DRAFT),
    "old address": Kind((_A, _OLD), (_put("b", aliases=["/old/"], published_at=LATER),), _OLD_GOES),
    "move": Kind((_A, _B), (_MOVED, _delete("a")), _C_AT_OLD),
    "last article": Kind((_A,), (_delete("a"),), _B),
    "batch of eight": Kind((_A, _B), _MANY, _C),
    "repair": Kind((_A, _B), (*_DAMAGE, _VERIFY), _C),
    "site.json": Kind((_A, _put("b", published_at=LATER)), (_SITE,), _C),
    "site.json with queue": Kind((_A, _put("b", published_at=LATER)), (_SITE,), _C, queue=True),
}
