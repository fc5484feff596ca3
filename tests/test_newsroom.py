"""The tests' own newsroom sees every call, by whichever thread."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.newsroom import DONE

if TYPE_CHECKING:
    import pytest

    from tests.newsroom import Newsroom


def test_calls_of_several_threads_are_all_counted_and_seen(
    newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PARALLEL_CALLS", "8")
    keys = [newsroom.upload(f"news/{i}", topics=[f"Topic {i}"]) for i in range(6)]

    assert newsroom.deliver(*keys) == DONE

    written = len(newsroom.keys(newsroom.site_bucket)) + len(keys)
    assert newsroom.calls["PutObject"] == written
    assert newsroom.cdn == newsroom.site()
    monkeypatch.setenv("PARALLEL_CALLS", "1")
    newsroom.assert_converged()
