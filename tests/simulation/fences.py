"""Conditional writes that pass unnoticed over those of others.

An entity tag is a digest. A listing that changes, and changes back, has the tag that it had before;
who writes over it by that tag replaces what came later, and no condition can tell. The same holds
of one that was to change, and was found right as it is once it was not to any more.
"""

from __future__ import annotations

import re
from collections import defaultdict

from broadsheet import addresses

_MONTH = re.compile(r"(\d{4})[/-](\d{2})\b")


class Fences:
    """What each object was, and what each invocation knows of it, step by step."""

    def __init__(self) -> None:
        self._step = 0
        self._versions: defaultdict[str, list[tuple[int, bytes | None]]] = defaultdict(list)
        self._learnt: dict[tuple[int, str], int] = {}
        # Steps at which an index was swapped; and of each object those at which somebody saw to it,
        # with the step at which they had learnt its index.
        self._swapped: defaultdict[str, list[int]] = defaultdict(list)
        self._seen: defaultdict[str, list[tuple[int, int, int]]] = defaultdict(list)

    def learns(self, invocation: int, key: str, *, swaps: bool = False) -> None:
        """An invocation sees an object, or sees or swaps an index, which remembers its pages."""
        self._step += 1
        self._learnt[invocation, key] = self._step
        if swaps:
            self._swapped[key].append(self._step)
        self._sees_to(invocation, key)

    def passes(self, invocation: int, key: str, body: bytes | None) -> bool:
        """Whether a write, of nothing where it deletes, is over what others have settled since.

        That is if the object is what the invocation took it for, and was something else meanwhile,
        or was found right by others for an index that has moved.
        """
        self._step += 1
        of_index = self._learnt.get((invocation, index_of(key)), 0)
        since = max(self._learnt.get((invocation, key), 0), of_index)
        found_right = self._was_found_right(invocation, key, since, of_index)
        versions = self._versions[key]
        before = [one for step, one in versions if step <= since]
        known = [*before[-1:], *(one for step, one in versions if step > since)] or [None]
        taken_for = known[known.index(known[-1]) :]
        versions.append((self._step, body))
        self._sees_to(invocation, key)
        return found_right or any(one != known[-1] for one in taken_for)

    def _sees_to(self, invocation: int, key: str) -> None:
        of_index = self._learnt.get((invocation, index_of(key)), 0)
        self._seen[key].append((self._step, invocation, of_index))

    def _was_found_right(self, invocation: int, key: str, since: int, of_index: int) -> bool:
        """Whether others, who knew of a later index, have seen to an object since."""
        swapped = self._swapped[index_of(key)]
        return any(
            step > since and who != invocation and any(of_index < at <= learnt for at in swapped)
            for step, who, learnt in self._seen[key]
        )


def index_of(key: str) -> str:
    """The key of the index from which a listing follows."""
    if month := _MONTH.search(key):
        return addresses.month_index_key(f"{month[1]}/{month[2]}")
    topic = key.split("/")[1] if key.startswith("topics/") else ""
    return addresses.scope_index_key(topic)
