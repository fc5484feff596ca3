"""Gates of a newsroom, and the calls at which they do something."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.newsroom import DONE, Crash, Newsroom

if TYPE_CHECKING:
    from collections.abc import Callable

MOST_CRASHES = 12


def some_of(calls: int, name: str) -> range:
    """Numbers of calls, spread evenly, that keep the suite short; the simulation takes each.

    Which of them depends on the ``name``, so that no call is left out by all tests.
    """
    apart = max(3, calls // MOST_CRASHES)
    return range(1 + len(name) % apart, calls + 1, apart)


def crash_at(n: int) -> Callable[[str, dict[str, Any]], None]:
    """A gate that lets the process die before its n-th call; nothing that it does later happens."""
    seen = 0

    def gate(_name: str, _params: dict[str, Any]) -> None:
        nonlocal seen
        seen += 1
        if seen >= n:
            raise Crash

    return gate


def interrupt_at(
    n: int, newsroom: Newsroom, other: Callable[[Newsroom], list[str]]
) -> Callable[[str, dict[str, Any]], None]:
    """A gate at whose n-th call another invocation happens, from its upload to its end."""
    seen = 0

    def gate(_name: str, _params: dict[str, Any]) -> None:
        nonlocal seen
        seen += 1
        if seen == n:
            newsroom.gate = None
            assert newsroom.deliver(*other(newsroom)) == DONE

    return gate
