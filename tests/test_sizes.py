"""The benchmark of memory sizes: its arithmetic, and that a process is held."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import cost, figures, held, sizes
from benchmarks.calls import Call
from benchmarks.sizes import Measured


def call(operation: str, trip: float) -> Call:
    return Call(operation, {"Bucket": "b", "Key": "k"}, "", 200, {}, b"", trip)


CALLS = [call("GetObject", 1), call("PutObject", 2), call("HeadObject", 2), call("GetObject", 3)]
MEASURED = Measured(CALLS, processor=0.1, anew=0.3, clock={1_769: 0.25})


def test_calls_beside_each_other_take_as_long_as_the_longest() -> None:
    assert MEASURED.waiting == pytest.approx(0.020 + 0.040 + 0.020)


def test_processor_time_takes_as_long_as_the_share_is_small_and_a_second_processor_helps_not() -> (
    None
):
    assert sizes.seconds(1, 256) == pytest.approx(1_769 / 256)
    assert sizes.seconds(1, 1_769) == sizes.seconds(1, 3_008) == 1


def test_an_invocation_is_paid_by_memory_and_time() -> None:
    price = cost.SECOND.dollars[0] / 1_000_000
    call_price = cost.CALL.dollars[0] / 1_000_000
    assert sizes.dollars(3, 512) == pytest.approx(1.5 * price + call_price)


def test_the_rest_is_paid_by_requests_with_the_upload() -> None:
    requests = cost.PUT.of(2) + cost.GET.of(3) + cost.MESSAGE.of(3)
    assert MEASURED.requests == pytest.approx(requests)


def test_the_table_adds_round_trips_and_processor_time() -> None:
    half, whole = sizes.table(MEASURED, [1_024, 1_769], start=0.7).rows
    assert whole[:5] == ["1,769", "1.00", "0.18", "0.25", "0.98"]
    # A start, its publish, and what is not kept yet: 0.9 s, at 0.58 of a processor.
    assert half[:5] == ["**1,024**", "0.58", "0.25", "–", "1.63"]


def test_a_publish_is_measured_in_a_process_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sizes, "ARTICLES", 30)
    found = sizes.measure([3_008], runs=1)
    assert found.processor > 0
    assert found.anew > 0
    assert found.waiting > 0
    # By the clock it can't be less than what it waits for.
    assert all(seconds > found.waiting for seconds in found.clock.values())


def test_a_process_is_held_by_a_group_that_is_gone_afterwards() -> None:
    with (
        held.group() as group,
        subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process,
    ):
        if group:
            group.take(process.pid)
            group.hold(0.5)
            assert group.folder.name in Path(f"/proc/{process.pid}/cgroup").read_text()
        process.communicate(b"\n")
    if not group:
        pytest.skip("this machine lets nobody hold a process: needs Linux and root")
    assert not group.folder.exists()


def test_the_page_has_a_row_for_each_size() -> None:
    page = figures.PERFORMANCE.read_text("utf-8")
    assert figures.between(page, "sizes", "") != page
    for size in sizes.SIZES:
        assert f"{size:,}" in page
