"""Conditional writes that pass unnoticed over those of others.

An entity tag is a digest. A listing that changes, and changes back, has the tag that it had before;
who writes over it by that tag replaces what came later, and no condition can tell.
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

    def learns(self, invocation: int, key: str) -> None:
        """An invocation sees an object, or an index, which remembers its pages."""
        self._step += 1
        self._learnt[invocation, key] = self._step

    def passes(self, invocation: int, key: str, body: bytes | None) -> bool:
        """Whether a write, of nothing where it deletes, is over what others have written since.

        That is if the object is what the invocation took it for, and was something else meanwhile.
        """
        self._step += 1
        learnt = [self._learnt.get((invocation, one), 0) for one in (key, index_of(key))]
        versions = self._versions[key]
        before = [one for step, one in versions if step <= max(learnt)]
        known = [*before[-1:], *(one for step, one in versions if step > max(learnt))] or [None]
        since = known[known.index(known[-1]) :]
        versions.append((self._step, body))
        return any(one != known[-1] for one in since)


def index_of(key: str) -> str:
    """The key of the index from which a listing follows."""
    if month := _MONTH.search(key):
        return addresses.month_index_key(f"{month[1]}/{month[2]}")
    topic = key.split("/")[1] if key.startswith("topics/") else ""
    return addresses.scope_index_key(topic)
