"""What is remembered of a path whatever becomes of it: one object of the site bucket.

It tells each place where the article was ever listed, each moment for which a schedule may exist,
each alias that it ever claimed, and each preview that it ever had. All are written before what they
speak of is done, so no attempt that died is forgotten.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from broadsheet import addresses
from broadsheet.errors import ConflictError, ContendedError
from broadsheet.index import UNREADABLE
from broadsheet.listings import ROUNDS, pause

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from broadsheet.index import Place
    from broadsheet.store import Store, Stored


class Record(NamedTuple):
    """What is remembered of a path; ``unseen`` tells that nothing of it was public yet.

    ``previews`` are the tokens of its previews, and ``untold`` tells that there was nothing else.
    """

    places: frozenset[Place] = frozenset()
    moments: frozenset[datetime] = frozenset()
    unseen: bool = False
    aliases: frozenset[str] = frozenset()
    previews: frozenset[str] = frozenset()
    untold: bool = False

    def __or__(self, other: Record) -> Record:
        """What both remember; all else is as this one has it."""
        return self._replace(
            places=self.places | other.places,
            moments=self.moments | other.moments,
            aliases=self.aliases | other.aliases,
            previews=self.previews | other.previews,
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
            previews = frozenset(map(str, value.get("previews", ())))
            unseen, untold = value.get("unseen") is True, value.get("untold") is True
            return cls(places, moments, unseen, aliases, previews, untold)
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
        if self.previews:
            value["previews"] = sorted(self.previews)
        if self.untold:
            value["untold"] = True
        return json.dumps(value).encode()


def change(
    store: Store, path: str, changed: Callable[[Record | None], Record | None]
) -> tuple[Record | None, Record | None]:
    """Change a path's record by compare-and-swap; as it was, and as it is now.

    There is None where there is no record. Raises UnavailableError.
    """
    return swap(store, path, store.read_state(addresses.record_key(path)), changed)


def swap(
    store: Store,
    path: str,
    stored: Stored | None,
    changed: Callable[[Record | None], Record | None],
) -> tuple[Record | None, Record | None]:
    """Do as ``change`` does, with the record as it was read before."""
    key = addresses.record_key(path)
    for attempt in range(ROUNDS):
        before = Record.of(stored)
        after = changed(before)
        if after is None or after == before:
            return before, before
        try:
            store.write_state(key, after.to_bytes(), stored.etag if stored else None)
        except ConflictError:
            pause(attempt)
            stored = store.read_state(key)
        else:
            return before, after
    raise ContendedError(f"{key} kept changing")


def remember(  # noqa: PLR0913 (each is a kind of thing)
    store: Store,
    path: str,
    places: Iterable[Place] = (),
    moments: Iterable[datetime] = (),
    aliases: Iterable[str] = (),
    *,
    previews: Iterable[str] = (),
) -> None:
    """Add to a path's record, which is made if there is none."""
    new = Record(
        frozenset(places),
        frozenset(moments),
        aliases=frozenset(aliases),
        previews=frozenset(previews),
    )

    def grown(known: Record | None) -> Record:
        found = Record(unseen=not new.places, untold=bool(new.previews))
        return (known or found) | new

    change(store, path, grown)


def recorded(stored: Stored | None) -> frozenset[Place]:
    """The places in a record as read."""
    record = Record.of(stored)
    return record.places if record else frozenset()
