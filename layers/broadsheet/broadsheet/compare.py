"""Compares objects with what they should be: indexes, articles, old addresses, all else.

It only looks; verify.py decides at what, and has repaired what differs.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import TYPE_CHECKING, TypeVar

from broadsheet import addresses, redirects
from broadsheet.index import UNREADABLE, Entry, Month, MonthCount, Place, Scope
from broadsheet.manifest import Manifest
from broadsheet.record import Record
from broadsheet.schedule import Schedules, key_in, moment_in, name_of
from broadsheet.segment import Document, Segment

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from broadsheet.page import Drawing, Headers, Page
    from broadsheet.sources import Sources, Upload
    from broadsheet.store import Store

# Indexes that a step keeps in memory, and places that are mended at once.
MONTHS = 24

FOREIGN = "is none of the site's objects"
SURPLUS = "should not exist"
UNREADABLE_INDEX = "is missing or can't be read"
State = TypeVar("State", Month, Scope, Manifest, Segment)


@dataclass(frozen=True)
class Difference:
    """An object that is not as it should be, and what repairs it.

    ``keys`` are reconciled, those of articles with ``places``, ``moments``, ``aliases`` and
    ``previews`` added to their records first; listings of the places to ``mend`` are made anew, and
    the redirects of the ``aliases`` settled anew. None is there for what is none of ours.
    """

    key: str
    what: str
    keys: frozenset[str] = frozenset()
    places: frozenset[Place] = frozenset()
    mend: frozenset[Place] = frozenset()
    moments: frozenset[datetime] = frozenset()
    aliases: frozenset[str] = frozenset()
    previews: frozenset[str] = frozenset()

    @property
    def foreign(self) -> bool:
        """Whether it is none of the site's pages, and so nobody's to repair."""
        return not (self.keys or self.mend or self.aliases)


class Look:
    """One look at some keys; what many of them need is read once."""

    def __init__(
        self, store: Store, sources: Sources, schedules: Schedules, redirects_store: str
    ) -> None:
        self._store = store
        self._sources = sources
        self._schedules = schedules
        self._redirects_store = redirects_store
        self._claims = cache(self._read_claims)
        self._month = lru_cache(MONTHS)(self._read_month)
        self._counts = cache(self._read_counts)
        self._scope = lru_cache(MONTHS)(self._read_scope)
        self._segment = lru_cache(MONTHS)(self._read_segment)
        self._manifest = cache(self._read_manifest)
        self._source_state = cache(store.source_state)

    # Indexes

    def index(self, key: str) -> list[Difference]:
        """What an index lists and counts, against the sources and other indexes; and its pages."""
        stored = self._store.read_state(key)
        data = stored.data if stored else b""
        if month := addresses.indexed_month(key):
            index = _read(Month, data)
            if index is None:
                return [Difference(key, UNREADABLE_INDEX, mend=frozenset({("", month)}))]
            uploads = self._store.each(self._sources.article, [e.path for e in index.entries])
            return [
                *self._entries(key, month, index, uploads),
                *self._documents(month, uploads),
                *self._counted(month, index),
                *self._pages(self._sources.renderer.month(month, index, _topics(index))),
            ]
        topic = addresses.indexed_scope(key)
        if topic is None:
            return [Difference(key, FOREIGN)]
        scope = _read(Scope, data)
        if scope is None:
            return [Difference(key, UNREADABLE_INDEX, mend=self._everywhere(topic))]
        pages = self._sources.renderer.scope(topic, scope)
        return [*self._months(key, topic, scope), *self._pages(pages), *self._site(topic, scope)]

    def _entries(
        self, key: str, month: str, index: Month, uploads: Sequence[Upload]
    ) -> Iterator[Difference]:
        """Against the sources. The articles that are missing are found from their own side."""
        for entry, upload in zip(index.entries, uploads, strict=True):
            if upload.usable and upload.entry != entry:
                yield _misplaced(key, month, upload, entry)

    def _documents(self, month: str, uploads: Sequence[Upload]) -> Iterator[Difference]:
        """What search knows of a month, against the sources of what the month lists."""
        key = addresses.segment_key(month)
        found = self._segment(month).documents()
        wanted = {
            upload.path: document
            for upload in uploads
            if (document := _document(upload, month) if upload.usable else found.get(upload.path))
        }
        differing = [p for p in sorted(found | wanted) if found.get(p) != wanted.get(p)]
        yield from (_unknown(key, month, path) for path in differing)
        page = self._sources.renderer.segment(month, Segment.of(wanted.values()))
        what = _compared(page if wanted else None, self._store.page_headers(key))
        if what and not differing:
            yield Difference(key, what, mend=frozenset({("", month)}))

    def _counted(self, month: str, index: Month) -> Iterator[Difference]:
        topics = ["", *_topics(index)]
        for topic, scope in zip(topics, self._store.each(self._scope, topics), strict=True):
            found = scope.months.get(month, MonthCount(0, 0)) if scope else MonthCount(0, 0)
            count = len(index.of(topic))
            # Only the site's own index follows each change of a month.
            if found.entries != count or (not topic and found.version != index.version):
                key = addresses.scope_index_key(topic)
                yield Difference(key, f"miscounts {month}", mend=frozenset({(topic, month)}))

    def _months(self, key: str, topic: str, scope: Scope) -> Iterator[Difference]:
        counts = self._store.each(self._counts, scope.months)
        for (month, counted), count in zip(scope.months.items(), counts, strict=True):
            if count[topic] != counted.entries:
                yield Difference(key, f"miscounts {month}", mend=frozenset({(topic, month)}))
        months = (self._month(month).of(topic) for month in scope.listed_months())
        gathered = scope.gathered(months, news=not topic)
        others = sum(count.entries for count in scope.months.values()) > len(scope.newest)
        if scope.newest != gathered.newest or (scope.whole and others):
            yield Difference(key, "has other newest entries", mend=frozenset({(topic, "")}))

    def _site(self, topic: str, scope: Scope) -> list[Difference]:
        """Pages that depend on site.json alone, and whether the site was made for it."""
        if topic:
            return []
        if scope.site != self._sources.site:
            keys = frozenset({addresses.SITE_JSON})
            return [Difference(addresses.ROOT_INDEX, "was made for another site.json", keys)]
        return self._pages({page.key: page for page in self._sources.renderer.fixed()})

    def _pages(self, pages: Mapping[str, Page | None]) -> list[Difference]:
        found = self._store.each(self._store.page_headers, list(pages))
        return [
            Difference(key, what, mend=frozenset({addresses.listed_place(key) or ("", "")}))
            for (key, page), headers in zip(pages.items(), found, strict=True)
            if (what := _compared(page, headers))
        ]

    def _everywhere(self, topic: str) -> frozenset[Place]:
        """The places of a scope whose own index does not tell them: in all months with entries."""
        months: list[str] = []
        after = ""
        while keys := self._store.list_site("_index/", after, 1000):
            after = keys[-1]
            months += [month for key in keys if (month := addresses.indexed_month(key))]
        return frozenset({(topic, ""), *((topic, m) for m in months if self._counts(m)[topic])})

    # Articles

    def article(self, key: str) -> list[Difference]:
        """An article's page, card, record, entries, schedule and receipt, against its source."""
        path = addresses.article_path(key)
        if path is None:
            return []
        upload = self._sources.article(path)
        due = frozenset({key})
        differences = []
        receipt = addresses.receipt_key(key)
        lost = [
            problem
            for alias, position in upload.aliases.items()
            if (problem := redirects.conflict(alias, position, path, self._claims(alias)))
        ]
        outcome = upload.outcome._replace(warnings=(*upload.outcome.warnings, *lost))
        if not self._store.has_receipt(receipt, outcome.receipt()):
            differences.append(Difference(receipt, "is missing or differs", due))
        if not upload.usable:
            return [*differences, *self._left(path)]
        page = upload.page or self._moved(addresses.article_address(path))
        own: dict[str, Page | Drawing | None]
        own = {addresses.page_key(path): page, addresses.card_key(path): upload.card}
        if upload.preview:
            own[upload.preview.key] = upload.preview
        differences += [
            Difference(key, what, due)
            for key, wanted in own.items()
            if (what := _compared(wanted, self._store.page_headers(key)))
        ]
        if upload.picture:
            mark = addresses.use_key(upload.picture[0], path)
            if self._store.state_tag(mark) is None:
                differences.append(Difference(mark, "is missing", due))
        if upload.until and (name := self._schedules.differs(path, upload.until)):
            differences.append(Difference(name, "is missing or differs", due))
        record = Record.of(self._store.read_state(addresses.record_key(path))) or Record()
        known = record.places
        if not upload.places <= known:
            differences.append(Difference(addresses.record_key(path), "lacks a place", due))
        if not upload.previews <= record.previews:
            differences.append(Difference(addresses.record_key(path), "lacks a preview", due))
        differences += [
            Difference(addresses.alias_key(alias), f"lacks the claim of {path}", due)
            for alias in upload.aliases
            if self._claims(alias).articles.get(path) != upload.claimed_at
            or alias not in record.aliases
        ]
        months = sorted({month for _, month in known | upload.places})
        return [*differences, *self._in_months(upload, months)]

    def _left(self, path: str) -> list[Difference]:
        """What lies at the address of an article of which no version can be used.

        Where nothing tells that it was ever public, somebody else may have put it there; or it is
        the last that is left of an earlier version. So it is told of, and stays.
        """
        record = Record.of(self._store.read_state(addresses.record_key(path)))
        if record and not record.unseen:
            return []
        keys = [addresses.card_key(path)]
        if not self._claims(addresses.article_address(path)).winner:
            keys.append(addresses.page_key(path))
        found = self._store.each(self._store.page_headers, keys)
        return [Difference(k, FOREIGN) for k, headers in zip(keys, found, strict=True) if headers]

    def _in_months(self, upload: Upload, months: Iterable[str]) -> Iterator[Difference]:
        """What lists and search know of an article in the months where it may be."""
        path = upload.path
        for month in months:
            wanted = upload.entry if upload.entry and upload.entry.month == month else None
            found = next((e for e in self._month(month).entries if e.path == path), None)
            if found != wanted:
                index_key = addresses.month_index_key(month)
                yield _misplaced(index_key, month, upload, found)
            if self._segment(month).document(path) != _document(upload, month):
                yield _unknown(addresses.segment_key(month), month, path)

    # Old addresses

    def alias(self, key: str) -> list[Difference]:
        """Who claims an old address, where it leads, its page, and what the edge is told of it."""
        path = addresses.aliased(key)
        if path is None or addresses.alias_path(path) != path:
            return [Difference(key, FOREIGN)]
        claims, aliases = self._claims(path), frozenset({path})
        differences = []
        for article, at in claims.articles.items():
            upload = self._sources.article(article)
            if upload.usable and (upload.claimed_at if path in upload.aliases else "") != at:
                source = frozenset({addresses.source_key(article)})
                what = f"does not have what {article} claims"
                differences.append(Difference(key, what, source, aliases=aliases))
        taken, _, found = redirects.look(self._store, self._sources, path, {})
        if claims.settled != self._redirects_store or claims != claims.won(taken=taken):
            differences.append(Difference(key, "is not settled", aliases=aliases))
        moved = self._moved(path)
        what = "" if taken else _compared(moved, found)
        # Where none is to lead on, what lies there and leads nowhere is an article's.
        if what and (moved or (found and redirects.is_redirect(found))):
            differences.append(Difference(addresses.redirect_key(path), what, aliases=aliases))
        return [*differences, *self.redirect(path)]

    def redirect(self, path: str) -> list[Difference]:
        """Whether the edge is told where an old address leads."""
        if self._redirects_store == redirects.NO_STORE:
            return []
        name = f"redirect of {path}"
        if addresses.alias_path(path) != path:
            return [Difference(name, FOREIGN)]
        winner = self._claims(path).winner
        wanted = redirects.target(winner) if winner else None
        found = self._store.redirect(path)
        if found == wanted or (wanted and not found and not redirects.fits(path, wanted)):
            return []
        return [Difference(name, "differs" if wanted else SURPLUS, aliases=frozenset({path}))]

    def _moved(self, path: str) -> Page | None:
        """The page that leads on from an old address, if there is to be one."""
        winner, key = self._claims(path).winner, addresses.redirect_key(path)
        return self._sources.renderer.moved(key, winner) if winner and key else None

    # Pictures

    def picture(self, key: str) -> list[Difference]:
        """Whether an upload is the one that the media function has last seen."""
        name = addresses.media_name(key)
        if name is None or self._manifest(name).source == self._store.source_state(key):
            return []
        return [Difference(addresses.manifest_key(name), "is missing or old", frozenset({key}))]

    # Schedules

    def schedule(self, name: str) -> list[Difference]:
        """Whether a schedule is for what an article waits for."""
        body = self._store.scheduled_body(name)
        if body is None:
            return []
        key = key_in(body)
        path = addresses.article_path(key) if key else None
        at = moment_in(name)
        if key is None or path is None or at is None or name_of(key, at) != name:
            return [Difference(name, FOREIGN)]
        upload = self._sources.article(path)
        if not upload.usable or not self._schedules.is_surplus(at, upload.until):
            return []
        return [Difference(name, SURPLUS, frozenset({key}), moments=frozenset({at}))]

    # Objects

    def object(self, key: str) -> list[Difference]:  # noqa: PLR0911 (a table)
        """Whether anything has a public key that exists; what it holds is compared elsewhere."""
        if month := addresses.searched_month(key):
            return self._surplus_segment(key, month)
        if path := addresses.paged_path(key) or addresses.carded_path(key):
            source = addresses.source_key(path)
            there = self._store.source_state(source) is not None
            if addresses.paged_path(key):
                there = there or bool(self._claims(addresses.article_address(path)).winner)
            return [] if there else [Difference(key, SURPLUS, frozenset({source}))]
        if variant := addresses.variant_of(key):
            return self._variant(key, *variant)
        if token := addresses.previewed(key):
            return self._surplus_preview(key, token)
        place = addresses.listed_place(key)
        if place is None:
            return [] if key in addresses.FIXED else self._surplus_redirect(key)
        topic, month = place
        index = self._month(month) if month else self._scope(topic)
        if index and key in index.pages:
            return []
        return [Difference(key, SURPLUS, mend=frozenset({place}))]

    def _surplus_redirect(self, key: str) -> list[Difference]:
        """The page of an old address that leads on is compared with its claims."""
        path = addresses.redirected(key)
        headers = self._store.page_headers(key) if addresses.redirect_key(path) == key else None
        if headers is None or not redirects.is_redirect(headers):
            return [Difference(key, FOREIGN)]
        if self._claims(path).winner:
            return []
        return [Difference(key, SURPLUS, aliases=frozenset({path}))]

    def _surplus_preview(self, key: str, token: str) -> list[Difference]:
        """A preview that its article has is compared with that; one of no article's just goes."""
        headers = self._store.page_headers(key)
        path = addresses.article_path(headers.made_from) if headers else None
        if headers is None or (path and token in self._sources.article(path).previews):
            return []
        if path is None:
            return [Difference(key, SURPLUS, frozenset({key}))]
        source = frozenset({addresses.source_key(path)})
        return [Difference(key, SURPLUS, source, previews=frozenset({token}))]

    def _surplus_segment(self, key: str, month: str) -> list[Difference]:
        """That of a month which lists something is compared with its index."""
        if self._month(month).entries:
            return []
        paths = self._segment(month).paths
        sources = frozenset(addresses.source_key(path) for path in paths)
        place = frozenset({("", month)})
        return [Difference(key, SURPLUS, sources, place, place)]

    def _variant(self, key: str, name: str, digest: str) -> list[Difference]:
        upload = addresses.media_key(name)
        if self._manifest(name).digest == digest and self._source_state(upload):
            return []
        return [Difference(key, SURPLUS, frozenset({upload}))]

    # What many of them need

    def _read_claims(self, path: str) -> redirects.Claims:
        stored = self._store.read_state(addresses.alias_key(path))
        return redirects.read(stored.data if stored else b"")

    def _read_manifest(self, name: str) -> Manifest:
        stored = self._store.read_state(addresses.manifest_key(name))
        return _read(Manifest, stored.data if stored else b"") or Manifest()

    def _read_month(self, month: str) -> Month:
        stored = self._store.read_state(addresses.month_index_key(month))
        return _read(Month, stored.data if stored else b"") or Month()

    def _read_segment(self, month: str) -> Segment:
        stored = self._store.read_state(addresses.segment_key(month))
        return _read(Segment, stored.data if stored else b"") or Segment()

    def _read_counts(self, month: str) -> Counter[str]:
        entries = self._month(month).entries
        topics = [topic.slug for entry in entries for topic in entry.topics]
        return Counter({"": len(entries), **Counter(topics)})

    def _read_scope(self, topic: str) -> Scope | None:
        stored = self._store.read_state(addresses.scope_index_key(topic))
        return _read(Scope, stored.data if stored else b"")


def _read(kind: type[State], data: bytes) -> State | None:
    try:
        return kind.from_bytes(data)
    except UNREADABLE:
        return None


def _topics(index: Month) -> list[str]:
    """The topics that a month lists or, by its pages, has listed."""
    listed = {topic.slug for entry in index.entries for topic in entry.topics}
    places = [addresses.listed_place(key) for key in index.pages]
    return sorted(listed.union(place[0] for place in places if place) - {""})


def _misplaced(key: str, month: str, upload: Upload, found: Entry | None) -> Difference:
    """An article that a month does not list as it should, and where it must be looked for."""
    topics = ["", *(topic.slug for topic in found.topics)] if found else []
    return Difference(
        key,
        f"does not list {upload.path} as its source is",
        frozenset({addresses.source_key(upload.path)}),
        frozenset((topic, month) for topic in topics),
    )


def _document(upload: Upload, month: str) -> Document | None:
    """What search must know in a month of an article."""
    return upload.document if upload.entry and upload.entry.month == month else None


def _unknown(key: str, month: str, path: str) -> Difference:
    """An article that search does not know as it should, and where it must be looked for."""
    return Difference(
        key,
        f"does not know {path} as its source is",
        frozenset({addresses.source_key(path)}),
        frozenset({("", month)}),
    )


def _compared(page: Page | Drawing | None, headers: Headers | None) -> str:
    """In what a page and an object differ, if they do."""
    if page is None:
        return SURPLUS if headers else ""
    if headers is None:
        return "is missing"
    return "" if page.is_there(headers) else "differs"
