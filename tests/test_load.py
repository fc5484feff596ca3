"""The proof under load (`make load`), in small; and that it notices what is lost."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import app
from benchmarks import real, virtual
from benchmarks.sqs import Queue
from benchmarks.workload import Limits, Workload, lost

if TYPE_CHECKING:
    import pytest

    from benchmarks.virtual import Result

TEMPLATE = Limits.of_template()
# Few messages are to be several batches, as many are.
LIMITS = replace(TEMPLATE, batch=10, window=0)


def _virtual(limits: Limits = LIMITS, *, count: int = 20, outage: bool = False) -> Result:
    return virtual.run(count, 0, lambda _done, _due: None, limits, outage=outage)


def test_the_limits_are_those_of_the_template() -> None:
    assert (TEMPLATE.concurrency, TEMPLATE.batch, TEMPLATE.window, TEMPLATE.timeout) == (
        5,
        100,
        1,
        60,
    )
    assert (TEMPLATE.visibility, TEMPLATE.most_receives) == (420, 20)


def test_nothing_is_lost_by_many_uploads_at_once() -> None:
    result = _virtual(count=40)
    assert result.faults == []
    assert result.dead_letters == result.killed == 0
    # They met.
    assert result.most_in_flight > LIMITS.batch
    assert result.requests["412"]


def test_nothing_is_lost_by_ten_minutes_without_s3() -> None:
    result = _virtual(outage=True)
    assert result.faults == []
    assert result.dead_letters == 0
    # They waited for it.
    assert result.seconds > virtual.OUTAGE
    assert 1 < result.most_receives < LIMITS.most_receives


def test_what_s3_refuses_is_not_done(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(virtual, "THROTTLED", 0.05)
    result = _virtual(replace(LIMITS, concurrency=1), count=40)
    assert result.throttled
    # Or the same write, made again, would find itself there.
    assert result.requests["412"] == 0


def test_a_run_in_virtual_time_replays_exactly() -> None:
    assert _virtual(count=10) == _virtual(count=10)


def test_a_message_that_is_taken_for_done_too_soon_is_noticed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(app, "_has_failed", lambda _message, _report: False)
    assert _virtual(outage=True).faults


def test_messages_that_are_tried_too_seldom_end_as_dead_letters_and_are_noticed() -> None:
    result = _virtual(replace(LIMITS, most_receives=3), outage=True)
    assert result.dead_letters
    assert any("dead-letter" in fault for fault in result.faults)


def test_an_invocation_is_cut_off_at_its_timeout_and_its_messages_come_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(app, "seconds_left", lambda _context: lambda: float("inf"))
    result = _virtual(replace(LIMITS, timeout=1, most_receives=1000), count=10)
    assert result.killed
    assert result.seconds > LIMITS.visibility


def test_a_queue_hides_what_is_received_and_buries_what_is_received_too_often() -> None:
    queue = Queue(replace(LIMITS, most_receives=2))
    queue.send("k", 1)
    assert queue.receive(0) == []
    (message,) = queue.receive(1)
    assert queue.counts(1) == (0, 1)
    assert queue.next() == 1 + LIMITS.visibility
    queue.hide(message.id, 6)
    assert queue.receive(6) == [message]
    queue.hide(message.id, 7)
    assert queue.receive(7) == []
    assert queue.dead == [message]


def test_a_queue_waits_for_a_batch_to_fill_but_not_for_long() -> None:
    queue = Queue(replace(LIMITS, batch=2, window=3))
    assert queue.due() == float("inf")
    queue.send("a", 1)
    assert queue.due() == 4
    queue.send("b", 2)
    assert queue.due() == 2
    assert len(queue.receive(2)) == 2
    assert queue.due() == 2 + LIMITS.visibility
    assert Queue(replace(LIMITS, window=0)).due() == float("inf")


def test_what_a_site_lacks_or_has_too_much_is_lost() -> None:
    workload = Workload.of(100, 0)
    lists = workload.listed()
    live = sorted(lists["2026/01/index.html"])
    pages = {key: "".join(f'<a href="/{path}/">' for path in lists[key]) for key in lists}
    keys = [*lists, *(f"{path}/index.html" for path in live)]
    assert len(live) == 98
    assert list(lost(workload, keys, pages.__getitem__)) == []
    assert list(lost(workload, keys[:-1], pages.__getitem__)) == [f"{live[-1]} has no page"]
    pages["2026/01/index.html"] = '<a href="/articles/other/">'
    assert len(list(lost(workload, keys, pages.__getitem__))) == 99


def test_nothing_is_lost_for_real() -> None:
    result = real.run(15, 0, lambda _done, _due: None, replace(LIMITS, concurrency=2))
    assert result.faults == []
    assert result.dead_letters == 0
    assert result.verified > 15
    assert set(result.megabytes) == {0, 1}
    assert len(result.ends) == 1 + real.WAVES


def test_a_worker_grows_by_as_much_as_its_peak_rose_in_the_last_wave() -> None:
    result = real.Result(1, 1, LIMITS, ends=[{0: 90.0}, {0: 100.0}, {0: 130.0, 1: 80.0}])
    assert result.growth(0) == 30
    assert result.growth(0, 1) == 10
    # It has begun in it.
    assert result.growth(1) == 0
