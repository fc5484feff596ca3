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
from itertools import groupby
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, Self

from broadsheet.article import Article, Author, Correction, Disclosure, Image, Source, Topic
from broadsheet.kept import Kept

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import tzinfo

    class _Line(Protocol):
        """What has a line of its own in an index."""

        @property
        def line(self) -> bytes: ...


# Entries on a landing page and in a feed.
NEWEST = 30
# Corrections that feeds tell of: the newest of an article.
CORRECTIONS = 3
# What a news sitemap holds: articles of two days, here those before the newest, and 1,000 at most.
# https://developers.google.com/search/docs/crawling-indexing/sitemaps/news-sitemap
NEWS_WINDOW = timedelta(hours=48)
NEWS_ENTRIES = 1_000

# Bytes of memory for entries that have been read, and for years.
ENTRIES_ROOM, YEARS_ROOM = 16 * 1024 * 1024, 4 * 1024 * 1024
# Between the lines of a list in an index, after the last of them, and after the last list.
_BETWEEN, _LAST_LINE, _END = b",\n", b"\n]", b"}"

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
    def of(cls, article: Article, timezone: tzinfo) -> Self:
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
            value[name] = [one._asdict() for one in value[name]]
        for name in ("source", "image"):
            value[name] = value[name]._asdict() if value[name] else None
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
        value = _read(data, entries=Entry)
        return cls(value["version"], value["entries"], value["pages"])

    def to_bytes(self) -> bytes:
        """The month as it is stored."""
        lists = {"entries": self.entries}
        return _written(lists, version=self.version, pages=self.pages)

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
    """How many of a scope's entries a month had at a version of its index."""

    version: int
    entries: int


class Year(NamedTuple):
    """The counts of a year's months, oldest first, and the line that a scope's index has of them.

    A publish changes one month of a century. So each year has a line, and is kept as entries are.
    """

    line: bytes
    months: Mapping[str, MonthCount]

    @classmethod
    def of(cls, months: Mapping[str, MonthCount]) -> Self:
        """The year that has these counts."""
        return cls(_dump(months), dict(sorted(months.items())))

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Self:
        """The year that has these counts, as its line has them."""
        if not value:
            raise ValueError("a year has at least a month")
        return cls.of({month: MonthCount(*count) for month, count in value.items()})

    @classmethod
    def from_line(cls, line: bytes) -> Year:
        """The year of which this is the line; the same object, as long as it is kept."""
        return _years.get(line) or _years.put(line, cls.from_json(json.loads(line)))

    @property
    def name(self) -> str:
        """YYYY."""
        return next(iter(self.months))[:4]


def year_size(line: bytes, _: Year) -> int:
    """Bytes of memory that a year takes with its line, rounded up."""
    return 1_000 + 12 * len(line)


_years: Kept[bytes, Year] = Kept(YEARS_ROOM, year_size)


@dataclass(frozen=True)
class Scope:
    """A scope's years and newest entries; ``site`` (of the root only) is site.json's entity tag.

    ``newest`` has as many entries as the scope's pages need, in order and without a gap; ``whole``
    tells that the scope has no others.
    """

    years: tuple[Year, ...] = ()
    newest: tuple[Entry, ...] = ()
    pages: Mapping[str, str] = field(default_factory=dict)
    site: str = ""
    whole: bool = True

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """The scope that ``to_bytes`` gave."""
        value = _read(data, years=Year, newest=Entry)
        scope = cls(
            value.get("years", ()),
            value["newest"],
            value["pages"],
            value["site"],
            value["whole"],
        )
        old = value.get("months", {})  # of before years had lines
        return scope.counted({month: MonthCount(*count) for month, count in old.items()})

    def to_bytes(self) -> bytes:
        """The scope as it is stored."""
        lists: dict[str, Iterable[_Line]] = {"years": self.years, "newest": self.newest}
        return _written(lists, pages=self.pages, site=self.site, whole=self.whole)

    def counted(self, counts: Mapping[str, MonthCount]) -> Self:
        """The scope with these counts."""
        if not counts:
            return self
        years = {year.name: year for year in self.years}
        for name, of_year in groupby(sorted(counts.items()), key=lambda item: item[0][:4]):
            old = years[name].months if name in years else {}
            years[name] = Year.of({**old, **dict(of_year)})
        return replace(self, years=tuple(year for _, year in sorted(years.items())))

    @cached_property
    def months(self) -> dict[str, MonthCount]:
        """The counts of all months, oldest first."""
        found: dict[str, MonthCount] = {}
        for year in self.years:
            found |= year.months
        return found

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
        return [month for month, count in reversed(self.months.items()) if count.entries]


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


def _written(lists: Mapping[str, Iterable[_Line]], **others: Any) -> bytes:
    """An index as JSON in which each entry and each year has a line of its own."""
    written = [_dump(others).removesuffix(_END)]
    for name, items in lists.items():
        written += (_begin(name), _BETWEEN.join(item.line for item in items), _LAST_LINE)
    return b"".join((*written, _END))


def _read(data: bytes, **lists: type[Entry | Year]) -> dict[str, Any]:
    """An index, with its lists as they are made; before something had lines, all was in one."""
    *parts, end = data.split(_LAST_LINE)
    if not parts and b"\n" not in data:
        value: dict[str, Any] = json.loads(data)
        made = {name: map(kind.from_json, value.get(name, ())) for name, kind in lists.items()}
        return value | {name: tuple(items) for name, items in made.items()}
    # Before years had lines, there was but one list.
    names = [*lists][-len(parts) :]
    found = [part.partition(_begin(name)) for name, part in zip(names, parts, strict=True)]
    if end != _END or not all(begin for _, begin, _ in found) or any(h for h, _, _ in found[1:]):
        raise ValueError("the lines of an index are those of its lists")
    value = json.loads(found[0][0] + _END)
    for name, (_, _, lines) in zip(names, found, strict=True):
        value[name] = tuple(map(lists[name].from_line, lines.split(_BETWEEN) if lines else ()))
    return value


def _begin(name: str) -> bytes:
    return f',"{name}":[\n'.encode()


def _dump(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()
