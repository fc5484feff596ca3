"""Calls of AWS that are made beside each other."""

from __future__ import annotations

import weakref
from contextlib import suppress
from copy import copy
from threading import Barrier, BrokenBarrierError, get_ident
from typing import Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from benchmarks.memory import SETTINGS, MemoryS3, playing_aws
from broadsheet.errors import ConflictError, UnavailableError
from broadsheet.store import Store


def store(parallel_calls: int) -> Store:
    with playing_aws(MemoryS3()):
        return Store(SETTINGS._replace(parallel_calls=parallel_calls))


@pytest.mark.parametrize("parallel_calls", [1, 2, 8])
def test_results_come_in_the_order_of_the_items(parallel_calls: int) -> None:
    squares = store(parallel_calls).each(lambda number: number**2, range(20))
    assert squares == [number**2 for number in range(20)]
    assert store(parallel_calls).each(abs, ()) == []


def test_as_many_are_under_way_at_once_as_there_may_be_and_no_more() -> None:
    together = Barrier(3)
    assert len(set(store(3).each(lambda _: together.wait(10), range(3)))) == 3
    with pytest.raises(BrokenBarrierError):
        store(2).each(lambda _: together.wait(0.2), range(3))


def test_what_is_alone_is_called_in_the_thread_that_asks() -> None:
    assert store(8).each(lambda _: get_ident(), [1]) == [get_ident()]


@pytest.mark.parametrize("first", [0, 2])
def test_the_first_error_is_raised_once_all_calls_have_ended(first: int) -> None:
    ended = []

    def call(number: int) -> None:
        ended.append(number)
        if number >= first:
            raise ValueError(number)

    with pytest.raises(ValueError, match=str(first)):
        store(3).each(call, range(6))
    assert sorted(ended) == [*range(6)]


class Month:
    """What takes much memory, and is held by whoever writes."""


@pytest.mark.usefixtures("uncollected")
@pytest.mark.parametrize(
    "error",
    [
        ClientError({"Error": {"Code": "PreconditionFailed"}}, "PutObject"),
        ClientError({"Error": {"Code": "NoSuchKey"}}, "PutObject"),
        ClientError({"Error": {"Code": "SlowDown"}}, "PutObject"),
        ReadTimeoutError(endpoint_url="https://s3.example"),
    ],
    ids=str,
)
def test_a_call_that_fails_holds_nothing_until_garbage_is_collected(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def refuse(_: MemoryS3, **_request: Any) -> None:
        raise copy(error)

    monkeypatch.setattr(MemoryS3, "put_object", refuse)

    def write(number: int) -> weakref.ref[Month]:
        month = Month()
        with suppress(ConflictError, UnavailableError):
            writer.write_state(f"_index/{number}.json", b"{}", None)
        return weakref.ref(month)

    writer = store(2)
    assert [held() for held in writer.each(write, range(4))] == [None] * 4
