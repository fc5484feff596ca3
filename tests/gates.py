"""Gates of a newsroom, and the calls at which they do something."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.newsroom import DONE, SITE, SOURCE, Crash, Newsroom

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

MOST_CRASHES = 8


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


def start_anew(newsroom: Newsroom) -> None:
    """Let nothing ever have been uploaded, written or seen."""
    for bucket in (SOURCE, SITE):
        answer = newsroom.s3.list_object_versions(Bucket=bucket)
        items = [*answer.get("Versions", []), *answer.get("DeleteMarkers", [])]
        newsroom.empty(bucket, *((item["Key"], item["VersionId"]) for item in items))
    newsroom.stores.stores.clear()
    newsroom.forget()


def crash_and_mend(
    newsroom: Newsroom, begin: Callable[[], list[list[str]]], step: Callable[..., Any]
) -> None:
    """Let a delivery die at some of its calls; each time the next one must mend it.

    ``begin`` starts anew, and takes the step; its result are the keys of each message.
    """
    # Whoever comes later remembers site.json, and calls once less.
    assert newsroom.deliver(*begin()) == DONE
    messages = begin()
    before = newsroom.calls.total()
    assert newsroom.deliver(*messages) == DONE
    calls = newsroom.calls.total() - before
    newsroom.assert_converged()
    for n in some_of(calls, step.__name__):
        messages = begin()
        newsroom.gate = crash_at(n)
        with pytest.raises(Crash):
            newsroom.deliver(*messages)
        newsroom.gate = None
        assert newsroom.deliver(*messages) == DONE
        newsroom.assert_converged()


def interrupt_and_converge(
    newsroom: Newsroom,
    begin: Callable[[], list[list[str]]],
    step: Callable[..., Any],
    other: Callable[[Newsroom], list[str]],
    excepted: Iterable[str] = (),
) -> None:
    """Let another invocation happen at every eighth call of a delivery, wherever that begins.

    Which calls depends on the step's name, likewise; links to the ``excepted`` may dangle.
    """
    for n in range(1 + len(step.__name__) % 8, 1000, 8):
        messages = begin()
        newsroom.gate = interrupt_at(n, newsroom, other)
        assert newsroom.deliver(*messages) == DONE
        interrupted = newsroom.gate is None
        newsroom.gate = None
        newsroom.assert_converged(excepted)
        if not interrupted:
            break
    assert n > 20
