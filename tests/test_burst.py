"""The benchmark of many articles at once: it loses none, and counts who was in whose way."""

from __future__ import annotations

from dataclasses import replace

from benchmarks import burst, figures
from benchmarks.workload import Limits

LIMITS = replace(Limits.of_template(), batch=10, window=0)


def _silent(_done: int, _due: int) -> None:
    pass


def test_articles_at_once_are_all_published_and_nothing_else_happens() -> None:
    alone, crowd = (burst.run(24, replace(LIMITS, concurrency=n), _silent) for n in (1, 4))

    for one in (alone, crowd):
        assert one.result.faults == []
        assert one.result.messages == 24
        assert one.result.redelivered == 0
        assert one.refused.total() == one.result.requests["412"]
        assert one.invalidations == one.result.invocations
        assert one.requests == sum(n for name, n in one.result.requests.items() if name != "412")
    assert alone.refused.total() == 0
    assert crowd.refused["indexes"]


def test_the_table_and_the_plot_tell_of_each_number_at_once() -> None:
    one = burst.run(3, replace(LIMITS, concurrency=2, batch=3), _silent)
    made = burst.table([one, one])

    assert made.title == "3 articles at once, batches of 3"
    assert len(made.rows) == 2
    assert {len(row) for row in made.rows} == {len(made.columns)}
    assert f"2 at once {one.result.seconds:.1f} s" in burst.plot([one])


def test_the_page_has_a_place_for_the_table() -> None:
    page = figures.PERFORMANCE.read_text(encoding="utf-8")
    figures.between(page, burst.PLACE, "")
