"""What is remembered of a path whatever becomes of it: one object of the site bucket.

It tells each place where the article was ever listed, each moment for which a schedule may exist,
and each alias that it ever claimed. All are written before what they speak of is done, so no
attempt that died is forgotten.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Self

from broadsheet import addresses
from broadsheet.errors import ConflictError, ContendedError
from broadsheet.index import UNREADABLE
from broadsheet.listings import ROUNDS, pause

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from broadsheet.index import Place
    from broadsheet.store import Store, Stored


@dataclass(frozen=True)
class Record:
    """What is remembered of a path; ``unseen`` tells that nothing of it was public yet."""

    places: frozenset[Place] = field(default_factory=frozenset)
    moments: frozenset[datetime] = field(default_factory=frozenset)
    unseen: bool = False
    aliases: frozenset[str] = field(default_factory=frozenset)

    def __or__(self, other: Record) -> Record:
        """What both remember; all else is as this one has it."""
        return replace(
            self,
            places=self.places | other.places,
            moments=self.moments | other.moments,
            aliases=self.aliases | other.aliases,
        )

    @classmethod
    def of(cls, stored: Stored | None) -> Self | None:
        """The record as read; one that can't be read is empty: verify finds what it forgot."""
        if stored is None:
            return None
        try:
            value = json.loads(stored.data)
            places = frozenset((str(topic), str(month)) for topic, month in value["places"])
            moments = frozenset(datetime.fromisoformat(one) for one in value.get("moments", ()))
            if any(moment.tzinfo is None for moment in moments):
                return cls()
            aliases = frozenset(map(str, value.get("aliases", ())))
            return cls(places, moments, value.get("unseen") is True, aliases)
        except UNREADABLE:
            return cls()

    def to_bytes(self) -> bytes:
        """The record as it is stored."""
        value: dict[str, Any] = {"places": sorted(self.places)}
        if self.moments:
            value["moments"] = sorted(moment.isoformat() for moment in self.moments)
        if self.aliases:
            value["aliases"] = sorted(self.aliases)
        if self.unseen:
            value["unseen"] = True
        return json.dumps(value).encode()


def change(
    store: Store, path: str, changed: Callable[[Record | None], Record | None]
) -> tuple[Record | None, Record | None]:
    """Change a path's record by compare-and-swap; as it was, and as it is now.

    There is None where there is no record. Raises UnavailableError.
    """
    key = addresses.record_key(path)
    for attempt in range(ROUNDS):
        stored = store.read_state(key)
        before = Record.of(stored)
        after = changed(before)
        if after is None or after == before:
            return before, before
        try:
            store.write_state(key, after.to_bytes(), stored.etag if stored else None)
        except ConflictError:
            pause(attempt)
        else:
            return before, after
    raise ContendedError(f"{key} kept changing")


def remember(
    store: Store,
    path: str,
    places: Iterable[Place] = (),
    moments: Iterable[datetime] = (),
    aliases: Iterable[str] = (),
) -> None:
    """Add to a path's record, which is made if there is none."""
    new = Record(frozenset(places), frozenset(moments), aliases=frozenset(aliases))

    def grown(known: Record | None) -> Record:
        return (known or Record(unseen=not new.places)) | new

    change(store, path, grown)


def recorded(stored: Stored | None) -> frozenset[Place]:
    """The places in a record as read."""
    record = Record.of(stored)
    return record.places if record else frozenset()
