"""The arithmetic of listings: what each one holds after an article came, changed or went.

A *scope* is the whole site or one topic. The entries of all articles lie in one index per month;
a scope's own index has its months and its newest entries, which are all that its landing page and
feeds show. Both also remember the entity tags of the pages that were rendered from them, so that a
writer can name, in a conditional write, the page that it means to replace.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from collections import defaultdict
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from broadsheet.article import Article, Author, Correction, Disclosure, Image, Source, Topic
from broadsheet.kept import Kept

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from zoneinfo import ZoneInfo

# Entries on a landing page and in a feed.
NEWEST = 30
# Corrections that feeds tell of: the newest of an article.
CORRECTIONS = 3
# What a news sitemap holds: articles of two days, here those before the newest, and 1,000 at most.
# https://developers.google.com/search/docs/crawling-indexing/sitemaps/news-sitemap
NEWS_WINDOW = timedelta(hours=48)
NEWS_ENTRIES = 1_000

# Bytes of memory for entries that have been read.
ENTRIES_ROOM = 16 * 1024 * 1024
# After an entry in an index, and after the last.
_BETWEEN, _END = b",\n", b"]}"

# What from_bytes may raise of an object that to_bytes did not write.
UNREADABLE = (ValueError, KeyError, TypeError, AttributeError, RecursionError)

_LAST = datetime.max.replace(tzinfo=UTC)
Order = tuple[timedelta, str]
Place = tuple[str, str]  # (topic or "", month)


@dataclass(frozen=True)
class Entry:
    """All that a listing shows of an article, and the month (YYYY/MM) that it belongs to."""

    path: str
    month: str
    title: str
    summary: str
    published_at: datetime
    updated_at: datetime | None
    authors: tuple[Author, ...]
    topics: tuple[Topic, ...]
    source: Source | None
    ai_disclosure: Disclosure
    reviewed: bool
    image: Image | None
    language: str
    corrections: tuple[Correction, ...] = ()

    @classmethod
    def of(cls, article: Article, timezone: ZoneInfo) -> Self:
        """The entry of an article; its month is that of its date in the site's time zone."""
        local = article.published_at.astimezone(timezone)
        return cls(
            path=article.path,
            # strftime would leave it to the platform whether a year before 1000 has four digits.
            month=f"{local.year:04}/{local.month:02}",
            title=article.title,
            summary=article.summary,
            published_at=article.published_at,
            updated_at=article.updated_at,
            authors=article.authors,
            topics=article.topics,
            source=article.source,
            ai_disclosure=article.ai_disclosure,
            reviewed=article.human_review is not None,
            image=article.image,
            language=article.language,
            corrections=_newest(article.corrections),
        )

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Self:
        """The entry that ``to_json`` gave."""
        fields = dict(value)
        for name in ("published_at", "updated_at"):
            fields[name] = datetime.fromisoformat(value[name]) if value[name] else None
        fields["authors"] = tuple(Author(**author) for author in value["authors"])
        fields["topics"] = tuple(Topic(**topic) for topic in value["topics"])
        fields["source"] = Source(**value["source"]) if value["source"] else None
        fields["image"] = Image.from_json(value["image"]) if value["image"] else None
        fields["corrections"] = tuple(
            Correction(datetime.fromisoformat(at), text)
            for at, text in value.get("corrections", ())
        )
        return cls(**fields)

    def to_json(self) -> dict[str, Any]:
        """The entry as JSON can carry it."""
        # Not asdict: that copies every value, and a month's entries are many.
        value = {name: getattr(self, name) for name in _FIELDS}
        for name in ("authors", "topics"):
            value[name] = [vars(one) for one in value[name]]
        for name in ("source", "image"):
            value[name] = vars(value[name]) if value[name] else None
        value["published_at"] = self.published_at.isoformat()
        value["updated_at"] = self.updated_at.isoformat() if self.updated_at else None
        # Few articles have any, and indexes are read and written with each publish.
        del value["corrections"]
        if self.corrections:
            value["corrections"] = [[one.at.isoformat(), one.text] for one in self.corrections]
        return value

    @classmethod
    def from_line(cls, line: bytes) -> Entry:
        """The entry of which this is the line; the same object, as long as it is kept."""
        return _entries.get(line) or _entries.put(line, cls._of_line(line))

    @classmethod
    def _of_line(cls, line: bytes) -> Entry:
        entry = cls.from_json(json.loads(line))
        vars(entry)["line"] = line  # where a cached property has its value
        return entry

    @cached_property
    def line(self) -> bytes:
        """The entry as an index has it, which is all that it says."""
        return _dump(self.to_json())

    @cached_property
    def order(self) -> Order:
        """Sorts entries newest first, then by key."""
        return (_LAST - self.published_at, self.path)

    @property
    def modified_at(self) -> datetime:
        """When the article last changed, as far as it says."""
        said = [self.updated_at or self.published_at, *(one.at for one in self.corrections[:1])]
        return max(said).astimezone(UTC)

    @property
    def places(self) -> frozenset[Place]:
        """Where the article is listed: in the site's and in its topics' month."""
        return frozenset((topic, self.month) for topic in ("", *(t.slug for t in self.topics)))

    def has_topic(self, topic: str) -> bool:
        """Whether the entry belongs to a scope: a topic's slug or, for the empty one, the site."""
        return not topic or any(t.slug == topic for t in self.topics)

    def label(self, topic: str) -> str:
        """How this article spells a topic that it has."""
        return next(t.label for t in self.topics if t.slug == topic)


def entry_size(line: bytes, _: Entry) -> int:
    """Bytes of memory that an entry takes with its line, rounded up: it is many small objects."""
    return 1_000 + 6 * len(line)


_FIELDS = tuple(Entry.__dataclass_fields__)
_entries: Kept[bytes, Entry] = Kept(ENTRIES_ROOM, entry_size)


@dataclass(frozen=True)
class Month:
    """The entries of all articles of a month; ``version`` counts its changes."""

    version: int = 0
    entries: tuple[Entry, ...] = ()
    pages: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """The month that ``to_bytes`` gave."""
        value, entries = _read(data, "entries")
        return cls(value["version"], entries, value["pages"])

    def to_bytes(self) -> bytes:
        """The month as it is stored."""
        return _written("entries", self.entries, version=self.version, pages=self.pages)

    def merged(self, changes: Mapping[str, Entry | None]) -> Self:
        """The month once each path has the entry given, or none."""
        return replace(self, entries=_merge(self.entries, changes))

    def of(self, topic: str) -> tuple[Entry, ...]:
        """The entries of a scope, newest first."""
        return tuple(self._of_topics.get(topic, ())) if topic else self.entries

    def topics(self) -> list[tuple[str, str, int]]:
        """Slug, label and number of entries of each topic, by label: that of its newest entry."""
        found = [(slug, own[0].label(slug), len(own)) for slug, own in self._of_topics.items()]
        return sorted(found, key=lambda topic: (topic[1].casefold(), topic[0]))

    @cached_property
    def _of_topics(self) -> dict[str, list[Entry]]:
        found: defaultdict[str, list[Entry]] = defaultdict(list)
        for entry in self.entries:
            for topic in entry.topics:
                found[topic.slug].append(entry)
        return found


class MonthCount(NamedTuple):
    """How many of a scope's entries a month had at a version of its index.

    No data class: a century has 1,201 of them in each scope, and JSON has tuples as lists.
    """

    version: int
    entries: int


@dataclass(frozen=True)
class Scope:
    """A scope's months and newest entries; ``site`` (of the root only) is site.json's entity tag.

    ``newest`` has as many entries as the scope's pages need, in order and without a gap; ``whole``
    tells that the scope has no others.
    """

    months: Mapping[str, MonthCount] = field(default_factory=dict)
    newest: tuple[Entry, ...] = ()
    pages: Mapping[str, str] = field(default_factory=dict)
    site: str = ""
    whole: bool = True

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """The scope that ``to_bytes`` gave."""
        value, newest = _read(data, "newest")
        months = {month: MonthCount(*count) for month, count in value["months"].items()}
        return cls(months, newest, value["pages"], value["site"], value["whole"])

    def to_bytes(self) -> bytes:
        """The scope as it is stored."""
        return _written(
            "newest",
            self.newest,
            months=self.months,
            pages=self.pages,
            site=self.site,
            whole=self.whole,
        )

    def counted(self, counts: Mapping[str, MonthCount]) -> Self:
        """The scope with these counts."""
        return replace(self, months=dict(sorted({**self.months, **counts}.items())))

    def merged(self, changes: Mapping[str, Entry | None], *, news: bool = False) -> Self | None:
        """The scope once each path has the entry given, or none; ``news`` as for ``gathered``.

        None where the newest entries can't be told without the months: one of them went, and what
        comes after the last of them is known only there.
        """
        newest = _merge(self.newest, changes)
        if not self.whole:
            last = self.newest[-1].order if self.newest else (timedelta(0), "")
            newest = tuple(entry for entry in newest if entry.order <= last)
            if len(newest) < _needed(newest, news=news):
                return None
        return self._holding(newest, whole=self.whole, news=news)

    def gathered(self, months: Iterable[Iterable[Entry]], *, news: bool = False) -> Self:
        """The scope with its newest entries out of those of its months, newest first.

        No more months are taken than needed. For ``news`` (of the root only) all entries of the
        news sitemap are kept, and the one after them, which tells where they end.
        """
        entries: list[Entry] = []
        for month in months:
            entries += month
            if len(entries) >= _needed(entries, news=news):
                return self._holding(entries, whole=False, news=news)
        return self._holding(entries, whole=True, news=news)

    def _holding(self, entries: Sequence[Entry], *, whole: bool, news: bool) -> Self:
        needed = _needed(entries, news=news)
        return replace(self, newest=tuple(entries[:needed]), whole=whole and len(entries) <= needed)

    @property
    def shown(self) -> tuple[Entry, ...]:
        """The entries of the landing page and of the feeds."""
        return self.newest[:NEWEST]

    @property
    def news(self) -> tuple[Entry, ...]:
        """The entries of the news sitemap, where the scope was gathered for it."""
        return self.newest[: _recent(self.newest)]

    def listed_months(self) -> list[str]:
        """The months that have entries, newest first."""
        return sorted((m for m, c in self.months.items() if c.entries), reverse=True)


def _newest(corrections: Iterable[Correction]) -> tuple[Correction, ...]:
    ordered = sorted(corrections, key=lambda one: (_LAST - one.at, one.text))
    return tuple(ordered[:CORRECTIONS])


def _recent(entries: Sequence[Entry]) -> int:
    """How many of these entries, newest first, a news sitemap holds."""
    if not entries:
        return 0
    since = entries[0].published_at - NEWS_WINDOW
    recent = bisect_right(entries, _LAST - since, key=lambda entry: entry.order[0])
    return min(recent, NEWS_ENTRIES)


def _needed(entries: Sequence[Entry], *, news: bool) -> int:
    return max(NEWEST, min(_recent(entries) + 1, NEWS_ENTRIES)) if news else NEWEST


def _merge(entries: Iterable[Entry], changes: Mapping[str, Entry | None]) -> tuple[Entry, ...]:
    kept = [entry for entry in entries if entry.path not in changes]
    added = [entry for entry in changes.values() if entry is not None]
    return tuple(sorted(kept + added, key=lambda entry: entry.order))


def _written(name: str, entries: Iterable[Entry], **others: Any) -> bytes:
    """An index as JSON in which each entry has a line of its own."""
    head = _dump(others).removesuffix(b"}") + f',"{name}":['.encode()
    return head + b"\n" + _BETWEEN.join(entry.line for entry in entries) + b"\n" + _END


def _read(data: bytes, name: str) -> tuple[dict[str, Any], tuple[Entry, ...]]:
    """An index, and its entries; before entries had lines, all was in one."""
    head, newline, rest = data.partition(b"\n")
    if not newline:
        value = json.loads(data)
        return value, tuple(Entry.from_json(entry) for entry in value[name])
    value = json.loads(head + _END)
    lines, end, more = rest.rpartition(b"\n" + _END)
    if value[name] or not end or more:
        raise ValueError("the lines of an index are its entries")
    return value, tuple(map(Entry.from_line, lines.split(_BETWEEN) if lines else ()))


def _dump(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()
