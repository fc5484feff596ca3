"""An article that is not public yet, in a newsroom at noon, for tests of what waits."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from tests.newsroom import SCHEDULING, make_group, publish

if TYPE_CHECKING:
    import pytest

    from tests.newsroom import Newsroom

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
SECOND = timedelta(seconds=1)
ONE, TWO, THREE = NOON + HOUR, NOON + 2 * HOUR, NOON + 3 * HOUR
# No word of any other article.
SECRET = {"title": "Zeppelin", "summary": "Quokka.", "body": "Xylophone.", "topics": ["Harbour"]}
WORDS = (b"Zeppelin", b"Quokka", b"Xylophone", b"articles/secret")


def opened(newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch, published_at: str) -> Newsroom:
    """The newsroom at noon, with schedules, and an article that has nothing to wait for."""
    for name, value in SCHEDULING.items():
        monkeypatch.setenv(name, value)
    make_group()
    newsroom.now = NOON
    publish(newsroom, "plain", topics=["Harbour"], published_at=published_at)
    return newsroom


def seen(room: Newsroom) -> set[str]:
    """The public objects in which anything of the secret article can be seen."""
    found = room.site().items()
    return {key for key, copy in found if any(word in copy.body + key.encode() for word in WORDS)}
