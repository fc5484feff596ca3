"""Whether lists lead to the address of an article that has no page any more.

Who takes an article out of the indexes may die before it is out of their lists, or out of the next
index. So who would delete what leads on from its address looks at all of them.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from broadsheet import addresses
from broadsheet.index import UNREADABLE, Month, Scope
from broadsheet.listings import segment_of
from broadsheet.record import recorded

if TYPE_CHECKING:
    from collections.abc import Iterator

    from broadsheet.index import Place
    from broadsheet.store import Store


def look(store: Store, path: str) -> tuple[bool, frozenset[Place]]:
    """Whether an index has the article; and places of it whose lists are not what indexes say.

    What can't be read has nothing: verify brings it back.
    """
    places = recorded(store.read_state(addresses.record_key(path)))
    months = sorted({month for _, month in places})
    segments = [segment_of(store.read_state(addresses.segment_key(month))) for month in months]
    if any(path in segment.paths for segment in segments):
        return True, frozenset()
    differing = set()
    for index in _indexes(store, months, sorted({topic for topic, _ in places})):
        entries = index.entries if isinstance(index, Month) else index.newest
        if any(entry.path == path for entry in entries):
            return True, frozenset()
        for key, tag in index.pages.items():
            place = addresses.listed_place(key)
            # Where a month lists a topic that the article never had, nobody need look.
            if place and (not place[1] or place in places):
                found = store.page_headers(key)
                differing |= {place} if found and found.etag != tag else set()
    return False, frozenset(differing)


def _indexes(store: Store, months: list[str], topics: list[str]) -> Iterator[Month | Scope]:
    kinds: list[tuple[type[Month | Scope], str]] = [
        *((Month, addresses.month_index_key(month)) for month in months),
        *((Scope, addresses.scope_index_key(topic)) for topic in topics),
    ]
    for kind, key in kinds:
        stored = store.read_state(key)
        with suppress(*UNREADABLE):
            yield kind.from_bytes(stored.data) if stored else kind()
