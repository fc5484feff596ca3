"""An invented archive: so many articles of one newsroom, TEN a day, and the one that is new.

Whoever publishes it gets the same: Broadsheet its JSON, the generators of benchmarks/builders.py
a file of front matter and Markdown.
"""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from typing import TYPE_CHECKING

from benchmarks.search import vocabulary

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

TEN = 10
NEWEST = datetime(2026, 11, 26, 12, tzinfo=UTC)
TOPICS = ("Harbour Markets Weather Gardens Chess Schools Libraries Bridges Theatre Bees").split()
TOPICS_OF_ONE = 3
AUTHORS = ("Ada Quill", "Ben Ferrow", "Cleo Marsh", "Dov Tarn", "Eda Lull")
# Words of a paragraph, at the least and at the most; and paragraphs.
WORDS = 40, 90
PARAGRAPHS = 6


@dataclass(frozen=True)
class Story:
    """What a newsroom knows of an article, whatever publishes it."""

    path: str
    title: str
    summary: str
    body: str
    published_at: datetime
    topics: tuple[str, ...]
    author: str

    def json(self) -> bytes:
        """The article as Broadsheet takes it."""
        fields = {
            "title": self.title,
            "summary": self.summary,
            "body": self.body,
            "published_at": self.published_at.isoformat(),
            "authors": [{"name": self.author}],
            "topics": self.topics,
        }
        return json.dumps(fields, ensure_ascii=False).encode()


def stories(count: int, seed: int = 0) -> Iterator[Story]:
    """So many, the newest last: how often a word comes follows Zipf's law."""
    rng = random.Random(f"{seed} archive")  # noqa: S311 (a draw that replays; nothing to guess)
    known = vocabulary(rng)
    weights = list(accumulate(1 / (rank + 2.7) for rank in range(len(known))))

    def words(number: int) -> list[str]:
        return rng.choices(known, cum_weights=weights, k=number)

    for i in range(count):
        when = NEWEST - timedelta(days=1) * (count - 1 - i) / TEN
        title = words(9)
        yield Story(
            path=f"{when:%Y/%m}/{'-'.join(title[:4])}-{i}",
            title=" ".join(title).capitalize(),
            summary=f"{' '.join(words(24)).capitalize()}.",
            body=_body([words(rng.randint(*WORDS)) for _ in range(PARAGRAPHS)]),
            published_at=when.replace(microsecond=0),
            topics=tuple(rng.sample(TOPICS, TOPICS_OF_ONE)),
            author=rng.choice(AUTHORS),
        )


def _body(paragraphs: Sequence[list[str]]) -> str:
    """Markdown with what articles have: a heading, a list, a quotation, a link, emphasis."""
    shown = []
    for i, words in enumerate(paragraphs):
        text = list(words)
        text[3] = f"*{text[3]}*"
        text[7] = f"[{text[7]}](https://{text[8]}.example/)"
        text[12] = f"**{text[12]}**."
        if i == 2:  # noqa: PLR2004 (the third)
            shown.append(f"## {' '.join(words[:5]).capitalize()}")
        if i == 3:  # noqa: PLR2004 (the fourth)
            shown.append("\n".join(f"- {' '.join(words[at : at + 6])}" for at in range(0, 24, 6)))
        else:
            quoted = "> " if i == 4 else ""  # noqa: PLR2004 (the fifth)
            shown.append(f"{quoted}{' '.join(text).capitalize()}.")
    return "\n\n".join(shown)
