"""Receipts: what became of each key, for whoever uploaded it.

A receipt is written over the one that was there before its source was looked at for the last time.
So who is slow, and speaks of what is no longer so, does not write over who came later: the last
writer is always one that has seen the last change.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from broadsheet import addresses
from broadsheet.errors import ConflictError, ContendedError
from broadsheet.listings import ROUNDS, pause

if TYPE_CHECKING:
    from collections.abc import Callable

    from broadsheet.sources import Outcome
    from broadsheet.store import Store


class Receipts:
    """The receipts of one reconcile, as they were before it.

    Their marks tell what others were told, where anybody is ``telling``.
    """

    def __init__(self, store: Store, *, telling: bool) -> None:
        self._store = store
        self.telling = telling
        self._before: dict[str, tuple[str | None, str]] = {}

    def look(self, key: str, *, new: bool = False) -> str | None:
        """See what receipt a source key has, and its tag. Before its source is looked at last.

        One that is ``new`` is taken to have none, which the write will prove.
        """
        found = (None, "") if new else self._store.receipt_state(addresses.receipt_key(key))
        self._before[key] = found
        return found[0]

    def mark(self, key: str) -> str:
        """The mark of the receipt that was seen, "" if it had none; see hooks."""
        return self._before[key][1]

    def write(self, outcome: Outcome, mark: str, has_moved: Callable[[], bool]) -> None:
        """Write a receipt, unless somebody else has, and the sources ``has_moved``.

        Then theirs is right, or one that is still to come. Raises ContendedError, also where others
        were told something since: what they are to be told now depends on that.
        """
        key = addresses.receipt_key(outcome.key)
        seen = outcome.key in self._before
        replaces, told = self._before.get(outcome.key, (None, ""))
        for attempt in range(ROUNDS):
            if not seen:
                replaces = self.look(outcome.key)
                if has_moved():
                    return
                if self.telling and self.mark(outcome.key) not in {told, mark}:
                    raise ContendedError(f"{key} remembers another event by now")
            try:
                self._store.replace_receipt(key, outcome.receipt(), mark, replaces)
            except ConflictError:
                seen = False
                pause(attempt)
            else:
                return
        raise ContendedError(f"{key} keeps changing")
