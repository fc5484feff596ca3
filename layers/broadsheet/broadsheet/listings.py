"""Brings indexes, listings, feeds and sitemaps into agreement with a set of articles.

Indexes are changed by compare-and-swap, so no writer drops another's entries. A listing is rendered
from one index alone and written *over the listing that the index knew before*: each index remembers
the entity tags of its pages, and S3 refuses the write (If-Match) where somebody has been there
since. So a slow writer can't put an old listing, with links to articles that are gone, over a newer
one. One thing slips through, a listing that changed and changed back to the same bytes; therefore
the indexes are looked at again after the last write, and where one has moved everything is done
anew.

What search knows of a month is changed as an index is, and at the same time, but follows from
nothing: it holds what its articles themselves say.

The site's own index is swapped after the indexes of months and holds their versions, so that
looking at it again tells of them too. docs/architecture.md has the argument in full.
"""

from __future__ import annotations

import random
import time
from collections import defaultdict
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar

from broadsheet import addresses
from broadsheet.errors import BroadsheetError, ConflictError, ContendedError, UnavailableError
from broadsheet.index import UNREADABLE, Entry, Month, MonthCount, Place, Scope
from broadsheet.kept import Kept
from broadsheet.segment import Document, Segment, segment_size

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from broadsheet.page import Page
    from broadsheet.render import Renderer
    from broadsheet.store import Store, Stored

# Attempts at one object, and at everything, before the work goes back to the queue.
ROUNDS = 10
# Bytes of memory for what search knows of months.
SEGMENTS_ROOM = 8 * 1024 * 1024

Index = TypeVar("Index", Month, Scope)


# By the entity tag, which S3 makes of the content; mostly what this process wrote itself.
_segments: Kept[str, Segment] = Kept(SEGMENTS_ROOM, segment_size)


class _MovedError(BroadsheetError):
    """An index changed after it was read: what was rendered from it may be old."""


class SiteMovedError(BroadsheetError):
    """site.json changed after it was read."""


class Wanted(NamedTuple):
    """What the listings must show of one path: its entry, if any, and only where it belongs.

    ``places`` are all (topic, month) in which it was ever listed, those of the entry included;
    ``document`` is what search must know of it, if anything.
    """

    entry: Entry | None
    places: frozenset[Place]
    document: Document | None = None

    def belongs_to(self, month: str) -> bool:
        """Whether the path is listed in a month."""
        return self.entry is not None and self.entry.month == month


class _View(NamedTuple, Generic[Index]):
    """An index as it was read or swapped, with the pages that follow from it.

    ``replaced`` has the entity tags of the pages that a swap of this very writer made old.
    """

    key: str
    etag: str | None
    content: Index
    pages: Mapping[str, Page | None]
    replaced: Mapping[str, str] | None


class Listings:
    """Settles the listings of one invocation.

    ``site`` identifies the site.json that ``renderer`` was made for. ``written`` collects the keys
    of all listings that may have changed, ``conflicts`` counts swaps lost to others, and
    ``fixed_written`` says whether the pages that depend on site.json alone were written as well.
    """

    def __init__(self, store: Store, renderer: Renderer, site: str) -> None:
        self.store = store
        self.renderer = renderer
        self.site = site
        self.written: set[str] = set()
        self.conflicts = 0
        self.fixed_written = False
        self._read: dict[str, Stored | None] = {}

    def reads(
        self, wanted: Mapping[str, Wanted], mend: Iterable[Place]
    ) -> list[Callable[[], None]]:
        """Calls that read the indexes which ``settle`` will want, to be made beside others."""

        def read(key: str) -> None:
            self._read[key] = self.store.read_state(key)

        return [partial(read, key) for key in _Plan(wanted, mend).keys]

    def settle(
        self,
        wanted: Mapping[str, Wanted],
        *,
        site_changed: bool = False,
        mend: Iterable[Place] = (),
        beside: Iterable[Callable[[], None]] = (),
    ) -> None:
        """Make every listing that shows, or ever showed, one of the paths show what is wanted.

        The places to ``mend`` are brought into agreement with the entries of their months, or of
        all months of a scope where the place names none; an index that can't be read begins anew.
        Where nothing is wanted, a site that is new gets its own pages, and no other is touched.
        After the last write the calls ``beside`` are made, along with looking at the indexes again.

        Raises SiteMovedError where site.json is no longer the one rendered for, ContendedError
        where the indexes never stood still, UnavailableError where AWS fails.
        """
        plan = _Plan(wanted, mend)
        for attempt in range(ROUNDS):
            try:
                self._settle_once(plan, site_changed=site_changed, beside=beside)
            except _MovedError:
                pause(attempt)
            else:
                return
        raise ContendedError("the indexes kept changing")

    def _settle_once(
        self, plan: _Plan, *, site_changed: bool, beside: Iterable[Callable[[], None]]
    ) -> None:
        read, self._read = self._read, {}
        rest = [key for key in plan.keys if key not in read]
        read |= dict(zip(rest, self.store.each(self.store.read_state, rest), strict=True))
        months, segments = plan.month_keys, plan.segment_keys
        self.written |= {*segments.values()}
        swaps: list[Callable[[], _View[Month] | None]] = [
            *(partial(self._settle_month, plan, m, read[k]) for m, k in months.items()),
            *(partial(self._settle_segment, plan, m, read[k]) for m, k in segments.items()),
        ]
        settled = self.store.each(lambda swap: swap(), swaps)
        of_months = dict(zip(months, filter(None, settled), strict=True))
        scopes = self.store.each(
            lambda item: self._settle_scope(plan, item[0], read[item[1]], of_months, site_changed),
            plan.scope_keys.items(),
        )
        views: list[_View[Month] | _View[Scope]] = [*of_months.values(), *scopes]
        changes = plan.wanted or plan.mended or site_changed
        self._write(
            [(view, key, page) for view in views for key, page in view.pages.items()],
            self._write_page if changes else self._create_page,
        )
        self._look_again(scopes, beside)

    def _settle_segment(self, plan: _Plan, month: str, stored: Stored | None) -> None:
        """Change what search knows of a month by compare-and-swap.

        One that can't be read begins anew, as nobody's work but a search depends on it; verify
        finds what it lacks. One that is empty goes: by a condition too, so that nothing is lost
        that has been added meanwhile.
        """
        key = addresses.segment_key(month)
        for attempt in range(ROUNDS):
            old = segment_of(stored)
            new = old.merged(plan.documents(month))
            try:
                if stored and not new.records:
                    self.store.remove_page(key, stored.etag)
                elif new.records and (new != old or month in plan.mended_months):
                    page = self.renderer.segment(month, new)
                    self.store.replace_page(page, stored.etag if stored else None)
                    _segments.put(page.etag, new)
            except ConflictError:
                self.conflicts += 1
                pause(attempt)
                stored = self.store.read_state(key)
            else:
                return
        raise ContendedError(f"{key} kept changing")

    def _settle_month(self, plan: _Plan, month: str, stored: Stored | None) -> _View[Month]:
        def change(old: Month) -> tuple[Month, Mapping[str, Page | None]]:
            new = old.merged(plan.month_changes(month))
            pages = self.renderer.month(month, new, sorted(plan.topics_of[month] - {""}))
            return replace(new, pages=_remember(old.pages, pages)), pages

        key = addresses.month_index_key(month)
        return self._swap(key, stored, Month, change, anew=bool(plan.mended))

    def _settle_scope(
        self,
        plan: _Plan,
        topic: str,
        stored: Stored | None,
        months: Mapping[str, _View[Month]],
        site_changed: bool,  # noqa: FBT001 (private, and called in one place)
    ) -> _View[Scope]:
        def change(old: Scope) -> tuple[Scope, Mapping[str, Page | None]]:
            if not topic:
                self._check_site(old, site_changed=site_changed)
            counts = {
                month: MonthCount(view.content.version, len(view.content.of(topic)))
                for month, view in months.items()
                if topic in plan.topics_of[month]
            }
            self._see_latest(old, counts)
            new = old.counted(counts)
            merged = None
            if topic not in plan.mended:
                merged = new.merged(plan.scope_changes(topic), news=not topic)
            new = merged or new.gathered(self._months(topic, new), news=not topic)
            new = replace(new, site=self.site if not topic else "")
            pages = self.renderer.scope(topic, new)
            return replace(new, pages=_remember(old.pages, pages)), pages

        key = addresses.scope_index_key(topic)
        return self._swap(key, stored, Scope, change, anew=topic in plan.mended)

    def _see_latest(self, scope: Scope, counts: Mapping[str, MonthCount]) -> None:
        """See that a scope has counted none of the months later than we have.

        Who counts a month has swapped its index before, so a later one is there to be read; if it
        is not, the month's index was lost and began anew.
        """
        for month, count in counts.items():
            known = scope.months.get(month)
            if known and known.version > count.version:
                stored = self.store.read_state(addresses.month_index_key(month))
                if stored and Month.from_bytes(stored.data).version >= known.version:
                    raise _MovedError

    def _months(self, topic: str, scope: Scope) -> Iterator[tuple[Entry, ...]]:
        """The entries of a scope's months, newest first.

        The months are read here, after the scope's index, and not taken from an earlier reading:
        whoever changed a month changes the scope after it, and would make the swap fail.
        """
        for month in scope.listed_months():
            if stored := self.store.read_state(addresses.month_index_key(month)):
                yield Month.from_bytes(stored.data).of(topic)

    def _check_site(self, root: Scope, *, site_changed: bool) -> None:
        """See that site.json is the one rendered for, and write what follows from it alone.

        What is there is looked at before site.json is: whoever has read a later site.json since and
        written these pages makes the conditional write fail.
        """
        if root.site == self.site and not site_changed:
            return
        pages = self.renderer.fixed()
        found = [self.store.page_headers(page.key) for page in pages]
        if site_identity(self.store) != self.site:
            raise SiteMovedError
        for page, headers in zip(pages, found, strict=True):
            if headers != page.headers:
                try:
                    self.store.replace_page(page, headers.etag if headers else None)
                except ConflictError as error:
                    raise _MovedError from error
        self.fixed_written = True

    def _swap(
        self,
        key: str,
        stored: Stored | None,
        kind: type[Index],
        change: Callable[[Index], tuple[Index, Mapping[str, Page | None]]],
        *,
        anew: bool,
    ) -> _View[Index]:
        """Change an index by compare-and-swap, reading it again for as long as others win.

        One that can't be read fails, or begins ``anew``.
        """
        for attempt in range(ROUNDS):
            readable = True
            try:
                old = kind.from_bytes(stored.data) if stored else kind()
            except UNREADABLE as error:
                if not anew:
                    raise UnavailableError(f"{key} is no index; verify repairs it") from error
                old, readable = kind(), False
            new, pages = change(old)
            if new == old and readable:
                return _View(key, stored.etag if stored else None, new, pages, None)
            if isinstance(new, Month):
                new = replace(new, version=new.version + 1)
            try:
                etag = self.store.write_state(key, new.to_bytes(), stored.etag if stored else None)
            except ConflictError:
                self.conflicts += 1
                pause(attempt)
                stored = self.store.read_state(key)
            else:
                return _View(key, etag, new, pages, old.pages)
        raise ContendedError(f"{key} kept changing")

    def _write(
        self,
        jobs: list[tuple[_View[Month] | _View[Scope], str, Page | None]],
        write: Callable[[_View[Month] | _View[Scope], str, Page | None], None],
    ) -> None:
        self.written |= {key for _, key, _ in jobs}
        self.store.each(lambda job: write(*job), jobs)

    def _create_page(self, _: _View[Month] | _View[Scope], key: str, page: Page | None) -> None:
        """Write a page of a new site, for who has nothing to list, and so tells the CDN of nothing.

        What is there is left to whoever has made it old, or to verify: they tell it.
        """
        for attempt in range(ROUNDS):
            if page is None or self.store.page_headers(key):
                return
            try:
                self.store.replace_page(page, None)
            except ConflictError:  # S3 says so, too, where others are only about to write
                pause(attempt)
            else:
                return
        raise _MovedError

    def _write_page(self, view: _View[Month] | _View[Scope], key: str, page: Page | None) -> None:
        if page is None:
            self.store.delete_page(key)
            return
        if view.replaced is not None and view.replaced.get(key) != page.etag:
            try:
                self.store.replace_page(page, view.replaced.get(key))
            except ConflictError:
                pass  # an earlier writer died before it wrote, or a later one was faster
            else:
                return
        self._mend_page(view, page)

    def _mend_page(self, view: _View[Month] | _View[Scope], page: Page) -> None:
        """Write a page where it differs, unless its index has moved since: then ours may be old."""
        for attempt in range(ROUNDS):
            found = self.store.page_headers(page.key)
            if found == page.headers:
                return
            if self.store.state_tag(view.key) != view.etag:
                raise _MovedError
            try:
                self.store.replace_page(page, found.etag if found else None)
            except ConflictError:
                pause(attempt)
            else:
                return
        raise _MovedError

    def _look_again(
        self, scopes: Iterable[_View[Scope]], beside: Iterable[Callable[[], None]]
    ) -> None:
        moved: list[str] = []

        def look(view: _View[Scope]) -> None:
            if self.store.state_tag(view.key) != view.etag:
                moved.append(view.key)

        looks: list[Callable[[], None]] = [partial(look, view) for view in scopes]
        self.store.each(lambda call: call(), [*looks, *beside])
        if moved:
            raise _MovedError


class _Plan:
    """Which indexes a set of paths, and of places to mend, touches, and what changes in each."""

    def __init__(self, wanted: Mapping[str, Wanted], mend: Iterable[Place]) -> None:
        self.wanted = wanted
        self.mended: set[str] = set()
        self.mended_months: set[str] = set()
        self.topics_of: defaultdict[str, set[str]] = defaultdict(set)
        for want in wanted.values():
            for topic, month in sorted(want.places):
                self.topics_of[month].add(topic)
        for topic, month in sorted(mend):
            self.mended.add(topic)
            if month:
                self.topics_of[month].add(topic)
                self.mended_months.add(month)

        # The keys of what is read and swapped: by month, and by scope; the site's own always is.
        self.month_keys = {month: addresses.month_index_key(month) for month in self.topics_of}
        self.segment_keys = {month: addresses.segment_key(month) for month in self.topics_of}
        scopes = sorted({""}.union(self.mended, *self.topics_of.values()))
        self.scope_keys = {topic: addresses.scope_index_key(topic) for topic in scopes}
        self.keys = [
            *self.month_keys.values(),
            *self.scope_keys.values(),
            *self.segment_keys.values(),
        ]

    def month_changes(self, month: str) -> dict[str, Entry | None]:
        """What becomes of each path in a month: its entry, or none where it does not belong."""
        return {
            path: want.entry if want.belongs_to(month) else None for path, want in self._of(month)
        }

    def documents(self, month: str) -> dict[str, Document | None]:
        """What becomes of each path in what search knows of a month."""
        return {
            path: want.document if want.belongs_to(month) else None
            for path, want in self._of(month)
        }

    def _of(self, month: str) -> Iterator[tuple[str, Wanted]]:
        for path, want in self.wanted.items():
            if any(place[1] == month for place in want.places):
                yield path, want

    def scope_changes(self, topic: str) -> dict[str, Entry | None]:
        """What becomes of each path among a scope's newest entries."""
        return {
            path: want.entry if want.entry and want.entry.has_topic(topic) else None
            for path, want in self.wanted.items()
            if any(place[0] == topic for place in want.places)
        }


def site_identity(store: Store) -> str:
    """What changes whenever site.json does; it is never empty."""
    state = store.source_state(addresses.SITE_JSON)
    return " ".join(state) if state else "none"


def pause(attempt: int) -> None:
    """Wait a random while, longer after each attempt, so that rivals fall out of step."""
    time.sleep(random.uniform(0, min(1.0, 0.02 * 2**attempt)))  # noqa: S311 (no secret)


def segment_of(stored: Stored | None) -> Segment:
    """What search knows by an object as read; nothing where that can't be read."""
    if stored is None:
        return Segment()
    try:
        kept = _segments.get(stored.etag)
        return kept or _segments.put(stored.etag, Segment.from_bytes(stored.data))
    except ValueError:
        return Segment()


def _remember(old: Mapping[str, str], pages: Mapping[str, Page | None]) -> dict[str, str]:
    tags = dict(old) | {key: page.etag for key, page in pages.items() if page}
    return {key: tag for key, tag in tags.items() if pages.get(key, tag) is not None}
