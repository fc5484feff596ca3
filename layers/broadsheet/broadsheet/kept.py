"""What this process has made before, and would make again, kept from one invocation to the next."""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

K = TypeVar("K")
V = TypeVar("V")


class Kept(Generic[K, V]):
    """Values by all that they were made of, so that one is as good as if it were made anew.

    They take at most ``room`` bytes of memory, each as many as ``size`` says. Where one finds no
    room any more, the others go. Threads may share them.
    """

    def __init__(self, room: int, size: Callable[[K, V], int]) -> None:
        self._room = self._left = room
        self._size = size
        self._values: dict[K, V] = {}
        self._putting = Lock()

    def get(self, made_of: K) -> V | None:
        """What was made of this before, if it is still there."""
        return self._values.get(made_of)

    def put(self, made_of: K, value: V) -> V:
        """Keep what was made of this, unless it alone has no room; it is returned, or its equal."""
        size = self._size(made_of, value)
        with self._putting:
            if made_of in self._values:
                return self._values[made_of]
            if size > self._left:
                self._values, self._left = {}, self._room
            if size <= self._left:
                self._values[made_of] = value
                self._left -= size
        return value
