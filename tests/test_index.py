"""The arithmetic of listings: order, merging, counting, and what the newest entries are."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from operator import is_
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from broadsheet.article import Article, Author, Image, Review, Source, Topic
from broadsheet.index import NEWEST, UNREADABLE, Entry, Month, MonthCount, Scope, Year

UTC_ZONE = ZoneInfo("UTC")
START = datetime(2026, 5, 1, tzinfo=UTC)
TOPICS = (Topic("ferries", "Ferries"), Topic("harbour", "Harbour"))


def entry(path: str, hours: float = 0, topics: tuple[Topic, ...] = (), title: str = "T") -> Entry:
    moment = START + timedelta(hours=hours)
    return Entry.of(Article(path, title, "S", "B", published_at=moment, topics=topics), UTC_ZONE)


def full(count: int = NEWEST) -> Scope:
    """A scope whose newest entries are n29 … n00, newest first."""
    entries = tuple(entry(f"n{i:02}", hours=i) for i in reversed(range(count)))
    return Scope(newest=entries, whole=count < NEWEST)


def paths(entries: tuple[Entry, ...]) -> list[str]:
    return [e.path for e in entries]


class TestEntry:
    ARTICLE = Article(
        "a/b",
        "Title “ü”",
        "Summary",
        "Body",
        published_at=datetime(2026, 4, 30, 23, 30, tzinfo=UTC),
        updated_at=datetime(2026, 5, 2, 1, tzinfo=timezone(timedelta(hours=2))),
        authors=(Author("Ines"), Author("Jo", "https://jo.example")),
        topics=TOPICS,
        source=Source("Log", "https://x.example", "A", "P"),
        ai_disclosure="rewritten",
        human_review=Review("R", datetime(2026, 5, 1, tzinfo=UTC)),
        image=Image("media/a.jpg", "A"),
        language="de",
    )

    @pytest.mark.parametrize(
        ("zone", "month"),
        [("UTC", "2026/04"), ("Europe/Berlin", "2026/05"), ("America/New_York", "2026/04")],
    )
    def test_its_month_is_that_of_its_date_in_the_zone_of_the_site(
        self, zone: str, month: str
    ) -> None:
        assert Entry.of(self.ARTICLE, ZoneInfo(zone)).month == month

    @pytest.mark.parametrize("year", [1000, 9998])
    def test_the_year_of_a_month_has_four_digits(self, year: int) -> None:
        article = self.ARTICLE._replace(published_at=datetime(year, 6, 1, tzinfo=UTC))
        assert Entry.of(article, UTC_ZONE).month == f"{year}/06"

    def test_so_it_has_where_the_offset_or_the_zone_leads_to_the_year_before(self) -> None:
        zone = timezone(timedelta(hours=14))
        article = self.ARTICLE._replace(published_at=datetime(1000, 1, 1, tzinfo=zone))
        assert Entry.of(article, UTC_ZONE).month == "0999/12"

    def test_it_has_all_that_a_listing_shows_and_no_body(self) -> None:
        found = Entry.of(self.ARTICLE, UTC_ZONE)
        for name in Entry.__dataclass_fields__:
            if name not in {"month", "reviewed"}:
                assert getattr(found, name) == getattr(self.ARTICLE, name)
        assert found.reviewed
        assert "body" not in found.to_json()

    def test_it_comes_back_from_json(self) -> None:
        for article in (self.ARTICLE, Article("a", "T", "S", "B", published_at=START)):
            found = Entry.of(article, UTC_ZONE)
            assert Entry.from_json(json.loads(json.dumps(found.to_json()))) == found

    def test_the_last_change_is_the_update_or_else_the_publication_in_utc(self) -> None:
        found = Entry.of(self.ARTICLE, UTC_ZONE)
        assert found.modified_at == datetime(2026, 5, 1, 23, tzinfo=UTC)
        assert found.modified_at.utcoffset() == timedelta(0)
        assert replace(found, updated_at=None).modified_at == found.published_at

    def test_it_belongs_to_the_site_and_to_its_topics(self) -> None:
        found = entry("a", topics=TOPICS)
        assert [found.has_topic(t) for t in ("", "ferries", "harbour", "ferrie")] == [
            True,
            True,
            True,
            False,
        ]

    def test_a_topic_is_spelt_as_the_article_does(self) -> None:
        assert entry("a", topics=TOPICS).label("harbour") == "Harbour"


class TestOrder:
    def test_is_newest_first_and_then_by_key(self) -> None:
        entries = [entry("b", 1), entry("a", 1), entry("c", 2), entry("d", 0)]
        assert paths(tuple(sorted(entries, key=lambda e: e.order))) == ["c", "a", "b", "d"]

    def test_is_by_instant_whatever_the_offset(self) -> None:
        early = replace(
            entry("z"), published_at=datetime.fromisoformat("2026-05-04T09:00:00+02:00")
        )
        late = replace(entry("a"), published_at=datetime.fromisoformat("2026-05-04T03:00:01-04:00"))
        same = replace(entry("y"), published_at=datetime.fromisoformat("2026-05-04T07:00:00+00:00"))
        assert sorted([early, late, same], key=lambda e: e.order) == [late, same, early]

    @pytest.mark.parametrize("year", [1000, 1969, 2026, 9998])
    def test_tells_a_microsecond(self, year: int) -> None:
        first = replace(entry("a"), published_at=datetime(year, 1, 1, 0, 0, 0, 1, tzinfo=UTC))
        second = replace(entry("b"), published_at=datetime(year, 1, 1, 0, 0, 0, 2, tzinfo=UTC))
        assert second.order < first.order


class TestMonth:
    def test_a_change_adds_replaces_and_removes(self) -> None:
        month = Month().merged({"a": entry("a", 1), "b": entry("b", 2)})
        assert paths(month.entries) == ["b", "a"]
        month = month.merged({"a": entry("a", 3, title="new"), "c": None})
        assert [(e.path, e.title) for e in month.entries] == [("a", "new"), ("b", "T")]
        assert paths(month.merged({"a": None}).entries) == ["b"]
        assert month.merged({}) == month

    def test_a_scope_has_its_entries_newest_first(self) -> None:
        month = Month().merged(
            {"a": entry("a", 1, TOPICS), "b": entry("b", 2), "c": entry("c", 3, TOPICS[:1])}
        )
        assert paths(month.of("")) == ["c", "b", "a"]
        assert paths(month.of("ferries")) == ["c", "a"]
        assert paths(month.of("harbour")) == ["a"]
        assert month.of("weather") == ()

    def test_it_comes_back_from_bytes(self) -> None:
        month = Month(7, (entry("a", topics=TOPICS),), {"2026/05/index.html": '"abc"'})
        assert Month.from_bytes(month.to_bytes()) == month
        assert Month.from_bytes(Month().to_bytes()) == Month()

    def test_the_same_month_has_the_same_bytes(self) -> None:
        one = Month(pages={"a": "1", "b": "2"}).merged({"a": entry("a"), "b": entry("b")})
        other = (
            Month(pages={"b": "2", "a": "1"}).merged({"b": entry("b")}).merged({"a": entry("a")})
        )
        assert one.to_bytes() == other.to_bytes()


class TestCounts:
    def test_a_count_takes_the_place_of_another(self) -> None:
        scope = Scope().counted({"2026/05": MonthCount(3, 10)})
        assert scope.counted({"2026/05": MonthCount(4, 9)}).months["2026/05"].entries == 9

    def test_other_months_stay(self) -> None:
        scope = Scope().counted({"2026/05": MonthCount(3, 10)})
        found = scope.counted({"2026/04": MonthCount(1, 1)}).months
        assert list(found.items()) == [
            ("2026/04", MonthCount(1, 1)),
            ("2026/05", MonthCount(3, 10)),
        ]

    def test_months_are_listed_newest_first_without_the_empty_ones(self) -> None:
        counts = {"2025/12": 1, "2026/02": 0, "2026/10": 2, "2026/09": 3}
        months = {month: MonthCount(1, count) for month, count in counts.items()}
        assert Scope().counted(months).listed_months() == ["2026/10", "2026/09", "2025/12"]


class TestNewest:
    def test_as_long_as_all_entries_fit_none_is_ever_missing(self) -> None:
        scope: Scope | None = full(NEWEST - 1)
        for i in range(NEWEST - 1):
            assert scope is not None
            scope = scope.merged({f"n{i:02}": None})
        assert scope == Scope()

    def test_a_newer_entry_pushes_the_last_one_out(self) -> None:
        scope = full().merged({"new": entry("new", hours=99)})
        assert scope is not None
        assert paths(scope.newest) == ["new", *paths(full().newest)[:-1]]

    def test_an_older_entry_changes_nothing(self) -> None:
        assert full().merged({"old": entry("old", hours=-1)}) == full()

    def test_one_that_goes_leaves_a_gap_that_only_the_months_can_fill(self) -> None:
        assert full().merged({"n10": None}) is None
        assert full().merged({"n10": entry("n10", hours=-99)}) is None

    def test_so_does_the_last_one(self) -> None:
        assert full().merged({"n00": None}) is None

    def test_one_that_goes_as_another_comes_leaves_none(self) -> None:
        scope = full().merged({"n10": None, "new": entry("new", hours=10.5)})
        assert scope is not None
        assert "n10" not in paths(scope.newest)
        assert "new" in paths(scope.newest)
        assert len(scope.newest) == NEWEST

    def test_one_that_goes_as_an_older_one_comes_leaves_a_gap(self) -> None:
        assert full().merged({"n10": None, "old": entry("old", hours=-1)}) is None

    def test_one_that_was_never_there_may_go(self) -> None:
        assert full().merged({"elsewhere": None}) == full()

    def test_one_that_changes_in_place_needs_no_months(self) -> None:
        scope = full().merged({"n00": entry("n00", hours=0, title="new")})
        assert scope is not None
        assert scope.newest[-1].title == "new"

    def test_at_the_same_instant_the_key_decides_who_is_in(self) -> None:
        scope = full().merged({"m": entry("m", hours=0)})
        assert scope is not None
        assert scope.newest[-1].path == "m"
        assert full().merged({"o": entry("o", hours=0)}) == full()

    def test_it_comes_back_from_bytes(self) -> None:
        counts = {"2026/05": MonthCount(2, 3), "2025/12": MonthCount(9, 0)}
        scope = Scope((), full(3).newest, {"index.html": '"abc"'}, "etag version").counted(counts)
        assert Scope.from_bytes(scope.to_bytes()) == scope
        assert Scope.from_bytes(Scope().to_bytes()) == Scope()


class Site:
    """All months, and one scope's index, kept as the function keeps them."""

    def __init__(self, topic: str) -> None:
        self.topic = topic
        self.months: dict[str, Month] = {}
        self.scope = Scope()
        self.places: dict[str, set[str]] = {}
        self.refills = 0

    def change(self, changes: dict[str, Entry | None]) -> None:
        for path, new in changes.items():
            if new:
                self.places.setdefault(path, set()).add(new.month)
        touched = {month for path in changes for month in self.places.get(path, ())}
        for month in touched:
            old = self.months.get(month, Month())
            here = {
                path: new if new and new.month == month else None
                for path, new in changes.items()
                if month in self.places.get(path, ())
            }
            merged = replace(old.merged(here), version=old.version + 1)
            self.months[month] = Month.from_bytes(merged.to_bytes())
        counted = self.scope.counted(
            {
                month: MonthCount(
                    self.months[month].version, len(self.months[month].of(self.topic))
                )
                for month in touched
            }
        )
        mine = {
            path: new if new and new.has_topic(self.topic) else None
            for path, new in changes.items()
        }
        scope = counted.merged(mine, news=not self.topic) or self.refilled(counted)
        self.scope = Scope.from_bytes(scope.to_bytes())

    def refilled(self, scope: Scope) -> Scope:
        self.refills += 1
        months = (self.months[month].of(self.topic) for month in scope.listed_months())
        return scope.gathered(months, news=not self.topic)


def news(entries: tuple[Entry, ...]) -> tuple[Entry, ...]:
    """What a news sitemap of these entries, newest first, must hold."""
    since = entries[0].published_at - timedelta(hours=48) if entries else START
    return tuple(entry for entry in entries if entry.published_at >= since)[:1000]


PATHS = [f"p{i:02}" for i in range(NEWEST + 15)]
CHANGE = st.none() | st.tuples(
    st.integers(0, 24 * 120) | st.integers(24 * 117, 24 * 120),
    st.sampled_from([(), TOPICS[:1], TOPICS[1:], TOPICS]),
    st.sampled_from(["T", "U"]),
)
CHANGES = st.dictionaries(st.sampled_from(PATHS), CHANGE, max_size=6)


@settings(max_examples=150, deadline=None)
@given(
    first=st.lists(CHANGE, min_size=len(PATHS), max_size=len(PATHS)),
    history=st.lists(CHANGES, max_size=12),
    topic=st.sampled_from(["", "ferries"]),
)
def test_any_history_ends_with_the_sort_of_everything(
    first: list[tuple[int, tuple[Topic, ...], str] | None],
    history: list[dict[str, tuple[int, tuple[Topic, ...], str] | None]],
    topic: str,
) -> None:
    site, truth = Site(topic), dict[str, Entry]()
    for changes in [dict(zip(PATHS, first, strict=True)), *history]:
        entries = {
            path: entry(path, *change) if change else None for path, change in changes.items()
        }
        site.change(entries)
        truth.update({path: new for path, new in entries.items() if new})
        for path in [path for path, new in entries.items() if not new]:
            truth.pop(path, None)
        everything = sorted(truth.values(), key=lambda e: e.order)
        mine = tuple(e for e in everything if e.has_topic(topic))
        assert site.scope.shown == mine[:NEWEST]
        assert site.scope.whole <= (site.scope.newest == mine)
        if not topic:
            assert site.scope.news == news(mine)
        assert site.scope.listed_months() == sorted({e.month for e in mine}, reverse=True)
        for month, index in site.months.items():
            assert index.entries == tuple(e for e in everything if e.month == month)


def test_taking_one_after_the_other_needs_the_months_for_some_only() -> None:
    site = Site("")
    site.change({path: entry(path, hours=24 * i) for i, path in enumerate(PATHS)})
    for count, path in enumerate(reversed(PATHS), 1):
        site.change({path: None})
        assert paths(site.scope.newest) == PATHS[:-count][::-1][:NEWEST]
    assert site.scope.newest == ()
    # One each while the newest are full; the first filling is one of everything.
    assert site.refills == len(PATHS) - NEWEST + 1


COUNTS = {f"{2024 + i // 12}/{i % 12 + 1:02}": MonthCount(i, 2 * i) for i in range(3, 30)}
INDEXES = [
    Month(3, full(3).newest, {"a": "b"}),
    full(3),
    full(3).counted(COUNTS),
    Month(),
    Scope(),
]


@pytest.mark.parametrize("index", INDEXES)
def test_an_index_is_json_in_which_each_entry_and_each_year_has_a_line(
    index: Month | Scope,
) -> None:
    data = index.to_bytes()
    lists: dict[str, tuple[Entry | Year, ...]] = (
        {"entries": index.entries}
        if isinstance(index, Month)
        else {"years": index.years, "newest": index.newest}
    )
    for name, items in lists.items():
        assert json.loads(data)[name] == [json.loads(item.line) for item in items]
        _, _, rest = data.partition(f'"{name}":[\n'.encode())
        assert rest.partition(b"\n]")[0] == b",\n".join(item.line for item in items)
    assert type(index).from_bytes(data) == index
    assert type(index).from_bytes(data).to_bytes() == data


@pytest.mark.parametrize("index", INDEXES)
def test_an_index_that_was_written_before_entries_had_lines_is_read(index: Month | Scope) -> None:
    old = json.dumps(json.loads(index.to_bytes()), separators=(",", ":"), sort_keys=True)
    assert type(index).from_bytes(old.encode()) == index


def test_a_scope_that_was_written_before_years_had_lines_is_read() -> None:
    scope = full(3).counted(COUNTS)
    value = json.loads(scope.to_bytes())
    del value["years"]
    newest = ",\n".join(json.dumps(entry) for entry in value.pop("newest"))
    head = json.dumps({**value, "months": COUNTS}).removesuffix("}")
    assert Scope.from_bytes(f'{head},"newest":[\n{newest}\n]}}'.encode()) == scope


@pytest.mark.parametrize("index", INDEXES)
def test_an_index_that_is_cut_off_or_torn_is_unreadable(index: Month | Scope) -> None:
    data = index.to_bytes()
    torn = [data[:end] for end in range(len(data))]
    torn += [
        data + b"\n",
        data + data,
        data.replace(b"[\n", b"[{}\n"),
    ]
    torn += [data.replace(b",\n", between) for between in (b"\n", b",,\n", b",\n,\n", b",\n{},\n")]
    for one in torn:
        if one != data:
            with pytest.raises(UNREADABLE):
                type(index).from_bytes(one)


def test_a_year_that_was_read_before_is_the_same_object_and_others_stay_as_they_are() -> None:
    data = Scope().counted(COUNTS).to_bytes()
    scope = Scope.from_bytes(data).counted({"2026/06": MonthCount(9, 9)})
    assert [*map(is_, scope.years, Scope.from_bytes(data).years)] == [True, True, False]
    assert scope.months == {**COUNTS, "2026/06": MonthCount(9, 9)}


def test_an_entry_that_was_read_before_is_the_same_object() -> None:
    data = Month(1, full(3).newest).to_bytes()
    assert all(
        map(is_, Month.from_bytes(data).entries, Scope.from_bytes(full(3).to_bytes()).newest)
    )


@pytest.mark.parametrize("kind", [Month, Scope])
@pytest.mark.parametrize(
    "data",
    [b"", b"{}", b"[]", b"null", b"\xff", b"[" * 100_000, b'{"months": {"a": 1}}', b"9" * 5000],
)
def test_an_index_that_was_not_written_here_is_unreadable(
    kind: type[Month | Scope], data: bytes
) -> None:
    with pytest.raises(UNREADABLE):
        kind.from_bytes(data)
