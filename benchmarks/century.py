"""An archive of any size, of which only what one publish into its newest month can touch is there.

Articles are numbered from the newest, 0, back; so the newest month is the same in an archive of a
thousand and of a million. Of the months before it a publish sees no more than their counts, which
follow from the numbers: they need no objects. What is there is made by the function's own classes
and renderer, as if all had been published at once; tests/test_archive.py compares it with that.
"""

from __future__ import annotations

import json
import random
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache, cached_property
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from benchmarks.search import WORDS, vocabulary
from broadsheet import addresses, markdown
from broadsheet.article import Article
from broadsheet.index import NEWEST, Entry, Month, MonthCount, Scope
from broadsheet.listings import site_identity
from broadsheet.render import Renderer
from broadsheet.segment import Document, Segment
from broadsheet.site_config import SiteConfig

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from broadsheet.page import Page
    from broadsheet.store import Store

A_YEAR = 10_000
NEWEST_MONTH = "2026/11"
# Days of a month over which its articles are spread; the next one is for what is published then.
DAYS = 27
TOPICS = (
    "Harbour",
    "Town hall",
    "Schools",
    "Weather",
    "Gardens",
    "Chess",
    "Ferries",
    "Markets",
    "Music",
    "Libraries",
    "Bridges",
    "Birds",
)
# The topics of an article are those that are so many after its number, round and round.
STEPS = (0, 3, 7)
AUTHORS = ("Ada Example", "Ben Example", "Cleo Example", "Dan Example")


@cache
def _words() -> tuple[list[str], list[float]]:
    """Words, and for each how often it and those before it come, by Zipf's law."""
    words = vocabulary(random.Random(0))  # noqa: S311 (a draw that replays; nothing to guess)
    return words, list(accumulate(1 / (rank + 2.7) for rank in range(len(words))))


def fields(number: int, when: datetime) -> dict[str, Any]:
    """An article as JSON: a few hundred words of Markdown, three topics, an author."""
    rng = random.Random(number)  # noqa: S311 (likewise)
    words, weights = _words()

    def text(count: int) -> str:
        return " ".join(rng.choices(words, cum_weights=weights, k=count)).capitalize()

    paragraphs = [text(WORDS // 6) + "." for _ in range(rng.randint(3, 9))]
    return {
        "title": text(9),
        "summary": text(25) + ".",
        "body": "\n\n".join(paragraphs),
        "published_at": when.isoformat(),
        "authors": [{"name": AUTHORS[number % len(AUTHORS)]}],
        "topics": [TOPICS[(number + step) % len(TOPICS)] for step in STEPS],
    }


def month_before(month: str, back: int) -> str:
    """The month so many before another; "2026/10" is the one before "2026/11"."""
    year, number = map(int, month.split("/"))
    year, number = divmod(year * 12 + number - 1 - back, 12)
    return f"{year:04}/{number + 1:02}"


def upload(number: int, a_month: int) -> tuple[str, dict[str, Any]]:
    """The path and the JSON of an article, where there are so many a month."""
    back, place = divmod(number, a_month)
    month = month_before(NEWEST_MONTH, back)
    year, in_year = map(int, month.split("/"))
    first = datetime(year, in_year, 1, tzinfo=UTC)
    when = first + timedelta(days=DAYS) * (a_month - place - 0.5) / a_month
    made = fields(number, when.replace(microsecond=0))
    slug = "-".join(made["title"].lower().split()[:4])
    return f"{month}/{slug}-{number}", made


@dataclass(frozen=True)
class Archive:
    """So many articles, so many of them a month, but for what is left in the oldest."""

    count: int
    a_month: int = A_YEAR // 12

    @cached_property
    def months(self) -> list[str]:
        """The months, newest first."""
        return [month_before(NEWEST_MONTH, i) for i in range(-(-self.count // self.a_month))]

    def numbers(self, back: int) -> range:
        """The articles of the month so many before the newest."""
        return range(back * self.a_month, min((back + 1) * self.a_month, self.count))

    def uploads(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """The path and the JSON of each article."""
        for number in range(self.count):
            yield upload(number, self.a_month)

    def counts(self, topic: str) -> dict[str, MonthCount]:
        """How many articles of a scope, a topic's slug or "" for the site, each month has."""
        return {
            month: MonthCount(1, sum(map(len, self._of(topic, self.numbers(back)))))
            for back, month in enumerate(self.months)
        }

    def _of(self, topic: str, numbers: range) -> list[range]:
        """Those of these articles that a scope has."""
        if not topic:
            return [numbers]
        place = [addresses.slug(label) for label in TOPICS].index(topic)
        first = numbers.start
        return [
            range(first + (place - step - first) % len(TOPICS), numbers.stop, len(TOPICS))
            for step in STEPS
        ]

    @property
    def reach(self) -> int:
        """Months, newest first, that a publish may read: until each scope's newest are found."""
        least = len(STEPS) * self.a_month // len(TOPICS)
        return min(len(self.months), 1 + NEWEST // max(1, least))

    def seed(self, store: Store, site_url: str, topics: Iterable[str]) -> None:
        """Put there what a publish with these topics (slugs) can touch."""
        renderer = Renderer(site_url, SiteConfig())
        for back in range(self.reach):
            month, index, documents = self.months[back], *self._month(back)
            pages = renderer.month(month, index, [addresses.slug(label) for label in TOPICS])
            known = replace(index, pages=_write(store, pages))
            store.write_state(addresses.month_index_key(month), known.to_bytes(), None)
            store.write_page(renderer.segment(month, Segment.of(documents)))
        for topic in ("", *topics):
            scope = self._scope(topic, site_identity(store))
            known_scope = replace(scope, pages=_write(store, renderer.scope(topic, scope)))
            store.write_state(addresses.scope_index_key(topic), known_scope.to_bytes(), None)
        for page in renderer.fixed():
            store.write_page(page)

    def _month(self, back: int) -> tuple[Month, list[Document]]:
        return _month(self.numbers(back), self.a_month)

    def _scope(self, topic: str, site: str) -> Scope:
        months = (self._month(back)[0].of(topic) for back in range(len(self.months)))
        scope = Scope(site="" if topic else site).counted(self.counts(topic))
        return scope.gathered(months, news=not topic)


@cache
def _month(numbers: range, a_month: int) -> tuple[Month, list[Document]]:
    """The index of these articles, without pages, and what search knows of each."""
    entries, documents = [], []
    for path, made in (upload(number, a_month) for number in numbers):
        article = Article.parse(path, json.dumps(made).encode())
        entry = Entry.of(article, SiteConfig().timezone)
        text = markdown.to_text(article.body, article.body_place)
        entries.append(entry)
        documents.append(Document.of(entry, text, article.published_at.day))
    ordered = tuple(sorted(entries, key=lambda entry: entry.order))
    return Month(version=1, entries=ordered), documents


def _write(store: Store, pages: Mapping[str, Page | None]) -> dict[str, str]:
    """Write pages; the entity tags that their index remembers."""
    there = {key: page for key, page in pages.items() if page}
    store.each(store.write_page, there.values())
    return {key: page.etag for key, page in there.items()}
