"""Makes the site agree with the present state of a set of source keys.

A key is only a hint that something may have changed. For each: read the source and the record;
write record, card and page; settle the listings and the redirects; delete the page of what is gone,
and the card that no page names; and look at the source again, going round once more for what
changed meanwhile. Then one invalidation for all, the events for others, and last the receipts, so
that "published" means live. Whatever dies on the way is found and mended by the next delivery. What
is to be taken down goes all this way first, before anything else of its batch is rendered.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from broadsheet import addresses, redirects
from broadsheet.errors import ContendedError
from broadsheet.hooks import Change, Hooks
from broadsheet.invalidation import Stale
from broadsheet.listings import ROUNDS, Listings, SiteMovedError, Wanted, pause
from broadsheet.receipts import Receipts
from broadsheet.schedule import AHEAD, Schedules, going_first
from broadsheet.sources import Outcome, Sources
from broadsheet.validation import Problem, shown
from broadsheet.visits import CALLS_OF_A_STAGE, Visit, Visits

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from broadsheet.index import Place
    from broadsheet.settings import Settings
    from broadsheet.sources import Upload
    from broadsheet.store import Store, Stored

# Keys in one message, and messages from one listing, when site.json makes every article anew.
KEYS_PER_MESSAGE = 50
KEYS_PER_LISTING = 1000

V = TypeVar("V", str, Outcome, Visit)


@dataclass
class Report:
    """What an invocation did. Every key given is in ``outcomes`` or in ``failures``.

    Of a preview that is no article's there is no outcome.
    """

    outcomes: dict[str, Outcome] = field(default_factory=dict)
    failures: dict[str, Exception] = field(default_factory=dict)
    invalidation_items: int = 0
    index_conflicts: int = 0
    redirects_refused: int = 0

    def add(self, other: Report) -> None:
        """Take in what was done of other keys."""
        self.outcomes |= other.outcomes
        self.failures |= other.failures
        self.invalidation_items += other.invalidation_items
        self.index_conflicts += other.index_conflicts
        self.redirects_refused += other.redirects_refused


class Reconciler:
    """Reconciles keys of the source bucket with the site; one for each invocation."""

    def __init__(self, store: Store, settings: Settings) -> None:
        self._store = store
        self._settings = settings

    def reconcile(
        self,
        keys: Iterable[str],
        continue_after: Iterable[str] = (),
        *,
        by_path: bool = False,
        asked_by: Iterable[str] = (),
    ) -> Report:
        """Make the site agree with these keys: articles, site.json, and keys that can be neither.

        A preview's key in the site bucket, among them, has it deleted if it is no article's.
        What changed is invalidated ``by_path`` where the CDN's copies may lack their tags.

        After site.json every article is due, once for the messages that it is ``asked_by`` (their
        ids), and after each of ``continue_after`` those that follow it; what goes wrong in that
        stands under site.json or ``continuation(after)``. A key whose own objects can't be read or
        written is among the failures, and so are all of them where what they share can't be: each
        is to be tried again. Raises nothing of AWS.
        """
        distinct = list(dict.fromkeys(keys))
        report = Report()
        read: dict[str, Stored] = {}
        waves = [distinct] if distinct else []
        if len(distinct) > 1:
            first, read = going_first(self._store, distinct)
            waves = [first, [key for key in distinct if key not in set(first)]]
        for keys_of_wave in filter(None, waves):
            run = _Run(self._store, self._settings, keys_of_wave, by_path=by_path, read=read)
            report.add(run.report())
        starts = {continuation(after): after for after in continue_after}
        if addresses.SITE_JSON in report.outcomes:
            starts[addresses.SITE_JSON] = ""
        for name, after in starts.items():
            try:
                if name == addresses.SITE_JSON and self._settings.rebuild_machine:
                    self._store.start_rebuild(name_of_rebuild(asked_by))
                else:
                    self._spread(after)
            except Exception as error:  # noqa: BLE001 (the keys given are done and must not suffer)
                report.outcomes.pop(name, None)
                report.failures[name] = error
        return report

    def mend(self, places: Iterable[Place]) -> None:
        """Make the listings of these places follow from their indexes; see Listings.settle.

        Raises UnavailableError.
        """
        _Run(self._store, self._settings, [], by_path=True).mend(frozenset(places))

    def settle_aliases(self, paths: Iterable[str]) -> None:
        """Make the redirects of these old addresses follow from the claims; see Redirects.settle.

        Raises UnavailableError.
        """
        _Run(self._store, self._settings, [], by_path=True).settle_aliases(paths)

    def _spread(self, after: str) -> None:
        """Reconcile all articles whose keys follow ``after``, through the queue if there is one.

        Then each message is bounded work: some keys, or one listing of keys and what follows it.
        And it comes again until it is done. Without a queue all of this comes again, and what was
        deleted meanwhile is reconciled too: it may have been under way when the last attempt ended.
        """
        while keys := self._articles_after(after):
            after = keys[-1]
            if self._settings.queue_url:
                then = json.dumps({"reconcile": {"after": after}})
                self._store.send([*messages_for(keys), then])
                return
            for error in _Run(self._store, self._settings, keys).report().failures.values():
                raise error

    def _articles_after(self, after: str) -> list[str]:
        """The next keys of articles; without a queue, those of articles that once were, too."""
        start = after or addresses.ARTICLES
        keys = self._store.list_source(addresses.ARTICLES, start, KEYS_PER_LISTING)
        if not self._settings.queue_url:
            records = addresses.RECORDS
            listed = self._store.list_site(records, f"{records}{start}", KEYS_PER_LISTING)
            keys += [key.removeprefix(records) for key in listed]
        return sorted({*keys})[:KEYS_PER_LISTING]


def no_address(key: str) -> Problem:
    """What is wrong with a key under articles/ that no article can have."""
    expected = "articles/PATH.json, PATH being segments of a-z, 0-9 and - joined by /"
    return Problem("", f"the key {shown(key)} has no URL; expected {expected}")


def messages_for(keys: Sequence[str], **options: bool) -> list[str]:
    """The bodies of messages that have these keys reconciled, with options of ``reconcile``."""
    chunks = [keys[i : i + KEYS_PER_MESSAGE] for i in range(0, len(keys), KEYS_PER_MESSAGE)]
    return [json.dumps({"reconcile": {"keys": chunk, **options}}) for chunk in chunks]


def name_of_rebuild(asked_by: Iterable[str]) -> str:
    """The name of the rebuild that these messages ask for, the same at each of their attempts.

    It is another as soon as there is one message more: that may tell of a change which a rebuild
    under way has not seen.
    """
    return hashlib.sha256("\n".join(sorted({*asked_by})).encode()).hexdigest()


def continuation(after: str) -> str:
    """The name in a report of the reconcile of all articles whose keys follow ``after``."""
    return f"{after} …"


class _Run:
    """One reconcile of one set of keys."""

    def __init__(
        self,
        store: Store,
        settings: Settings,
        keys: list[str],
        *,
        by_path: bool = False,
        read: dict[str, Stored] | None = None,
    ) -> None:
        self._store = store
        self._settings = settings
        self._keys = keys
        self._by = "paths" if by_path else settings.invalidate_by
        self._doubtful = by_path
        self._read_before = read or {}
        self._schedules = Schedules(store, settings)
        self._report = Report()
        self._changes: dict[str, Change] = {}
        self._receipts = Receipts(store, telling=bool(settings.event_bus))
        self._marks: dict[str, str] = {}
        # The last of each path, by its key.
        self._visits: dict[str, Visit] = {}
        self._sources: Sources
        self._redirects = redirects.Redirects(store, settings.redirects_store, doubtful=by_path)
        self._site_changed = addresses.SITE_JSON in keys
        self._mend: frozenset[Place] = frozenset()
        self._stale = Stale()

    def report(self) -> Report:
        """Do it all; see Reconciler.reconcile."""
        paths = [path for key in self._keys if (path := addresses.article_path(key))]
        orphans = [key for key in self._keys if addresses.previewed(key)]
        known = {addresses.SITE_JSON, *(addresses.source_key(path) for path in paths), *orphans}
        self._attempt([key for key in self._keys if key not in known], self._refuse)
        self._attempt(orphans, self._remove_orphan)
        try:
            self._articles(paths)
            self._invalidate()
            self._redirects.confirm()
            self._tell_rivals(paths)
        except Exception as error:  # noqa: BLE001 (shared by all: each is to be tried again)
            self._report.outcomes.clear()
            self._report.failures |= dict.fromkeys(self._keys, error)
        self._tell()
        outcomes = list(self._report.outcomes.values())
        self._attempt(outcomes, self._write_receipt)
        return self._report

    def mend(self, places: frozenset[Place]) -> None:
        """Do it for listings alone; see Reconciler.mend."""
        self._mend = places
        self._site_changed = ("", "") in places
        self._articles([])
        self._invalidate()

    def settle_aliases(self, paths: Iterable[str]) -> None:
        """Do it for redirects alone; see Reconciler.settle_aliases."""
        self._sources = Sources(self._store, self._settings)
        listings = Listings(self._store, self._sources.renderer, self._sources.site)
        wanted = {path: redirects.Wanted(anyhow=True) for path in paths}
        self._settle_redirects(wanted, {}, listings)
        self._invalidate()
        self._redirects.confirm()
        self._tell_rivals(())

    def _attempt(
        self,
        items: Iterable[V],
        *calls: Callable[[V], None],
        beside: Iterable[Callable[[], None]] = (),
    ) -> list[V]:
        """Make these calls for each item, and others ``beside`` them, all in parallel.

        An item that fails fails alone, and is left out of the result.
        """
        items = list(items)
        self._store.each(lambda job: job(), [*beside, *self._jobs(items, *calls)])
        return self._sound(items)

    def _jobs(self, items: Iterable[V], *calls: Callable[[V], None]) -> list[Callable[[], None]]:
        def guarded(call: Callable[[V], None], item: V) -> None:
            try:
                call(item)
            except Exception as error:  # noqa: BLE001 (its neighbours must not suffer)
                self._fail(_key(item), error)

        return [partial(guarded, call, item) for item in items for call in calls]

    def _fail(self, key: str, error: Exception) -> None:
        self._report.outcomes.pop(key, None)
        self._report.failures[key] = error

    def _sound(self, items: Iterable[V]) -> list[V]:
        return [item for item in items if _key(item) not in self._report.failures]

    # The rounds

    def _articles(self, paths: list[str]) -> None:
        pending = paths
        fresh = self._site_changed or bool(self._mend)
        for attempt in range(ROUNDS):
            self._sources = Sources(
                self._store, self._settings, fresh=fresh, read=self._read_before
            )
            if addresses.SITE_JSON in self._keys:
                self._report.outcomes[addresses.SITE_JSON] = self._sources.outcome
            listings = Listings(self._store, self._sources.renderer, self._sources.site)
            try:
                pending = self._round(pending, listings)
            except SiteMovedError:
                pending, fresh = paths, True
            else:
                if not pending:
                    return
            finally:
                self._report.index_conflicts += listings.conflicts
                self._stale.everything |= listings.fixed_written
            pause(attempt)
        raise ContendedError("the sources kept changing")

    def _round(self, paths: list[str], listings: Listings) -> list[str]:
        """Bring the paths up to date; returns those whose source has moved meanwhile."""
        visits = Visits(
            self._store,
            self._sources,
            self._redirects,
            self._schedules,
            self._receipts,
            doubtful=self._doubtful,
        )
        placed = self._place(visits, [Visit(path) for path in paths], listings)
        if paths and not placed and not self._site_changed:
            return []
        wanted = _wanted(placed)
        looks = self._jobs(placed, visits.look_ahead)
        listings.settle(wanted, site_changed=self._site_changed, mend=self._mend, beside=looks)
        if wanted or self._mend:
            self._stale.listings |= listings.written
        self._redirect(self._sound(placed), listings)
        settled = self._attempt(self._sound(placed), visits.finish)
        return [visit.path for visit in settled if visit.moved]

    def _place(self, visits: Visits, new: list[Visit], listings: Listings) -> list[Visit]:
        """Write all that must be there before any listing shows, or forgets, the paths.

        So many at a time as there are calls for: else, when time gets short, all would have been
        begun and none be done. The indexes are read beside the last. What fails is left out.
        """
        at_a_time = max(1, self._settings.parallel_calls // CALLS_OF_A_STAGE)
        groups = [new[i : i + at_a_time] for i in range(0, len(new), at_a_time)]
        recorded: list[Visit] = []
        for group in groups:
            begun = self._attempt(group, visits.begin)
            found = self._attempt(begun, visits.read, visits.read_record, visits.see_claims)
            if recorded:  # which must be done with, however long these took
                found = self._attempt(found, visits.begin)
            steps = (visits.record, visits.draw, visits.mark_use, visits.see_receipt)
            ready = self._attempt(found, *steps)
            recorded += ready
            last = group is groups[-1]
            reads = listings.reads(_wanted(recorded), self._mend) if last else ()
            self._attempt(ready, visits.place, beside=reads)
        placed = self._sound(recorded)
        for visit in placed:
            self._note(visit, stale=visits.has_stale_copies(visit))
        return placed

    def _note(self, visit: Visit, *, stale: bool) -> None:
        upload = visit.upload
        if stale:
            self._stale.articles.add(visit.path)
        self._stale.previews |= visit.after.previews
        self._visits[visit.key] = visit
        self._report.outcomes[visit.key] = upload.outcome
        self._changes[visit.key] = Change.of(
            upload,
            visit.after.places,
            public=not visit.after.unseen,
            announced=visit.before is not None and not visit.before.untold,
        )

    def _redirect(self, visits: list[Visit], listings: Listings) -> None:
        """Settle the redirects that lead to these, or would from their addresses.

        Their pages are there, and none is deleted yet.
        """
        concerned = [visit for visit in visits if visit.is_readdressed]
        if not concerned:
            return
        claimed = {visit.path for visit in visits if visit.claimed}
        wanted = redirects.wanted_of([(v.upload, v.after.aliases) for v in concerned], claimed)
        try:
            self._settle_redirects(wanted, {v.path: v.upload for v in visits}, listings)
        except Exception as error:  # noqa: BLE001 (others must not suffer)
            for visit in concerned:
                self._fail(visit.key, error)
            return
        self._report.redirects_refused = self._redirects.refused
        for visit in concerned:
            warnings = visit.upload.outcome.warnings + self._redirects.lost(visit.upload)
            outcome = self._report.outcomes[visit.key]._replace(warnings=warnings)
            self._report.outcomes[visit.key] = outcome

    def _settle_redirects(
        self,
        wanted: Mapping[str, redirects.Wanted],
        uploads: Mapping[str, Upload],
        listings: Listings,
    ) -> None:
        """Settle redirects, and before a page goes the lists that somebody else has left behind."""
        for attempt in range(ROUNDS):
            self._redirects.settle(self._sources, wanted, uploads)
            if not self._redirects.unlike:
                return
            pause(attempt)
            listings.settle({}, mend=self._redirects.unlike)
            self._stale.listings |= listings.written
        raise ContendedError("lists kept differing from their indexes")

    def _tell_rivals(self, paths: Iterable[str]) -> None:
        """Have the receipts of articles that lost, or won, an alias to these say so.

        That nobody does where there is no queue, or for very many, is found by verify.
        """
        rivals = sorted(self._redirects.concerned - {*paths})[:KEYS_PER_MESSAGE]
        if rivals and self._settings.queue_url:
            self._store.send(messages_for([addresses.source_key(path) for path in rivals]))

    # Keys of no article

    def _remove_orphan(self, key: str) -> None:
        """Delete a page among the previews that is no article's, unless it has become one's."""
        found = self._store.page_headers(key)
        if found and not addresses.article_path(found.made_from):
            self._store.remove_page(key, found.etag)
        self._stale.orphans.add(key)

    def _refuse(self, key: str) -> None:
        """Settle a key under articles/ that no article can have."""
        self._receipts.look(key)
        state = self._store.source_state(key)
        if state is None:
            self._report.outcomes[key] = Outcome(key, "removed")
            return
        refused = Outcome(key, "rejected", "", (no_address(key),), state=state)
        self._report.outcomes[key] = refused
        self._changes[key] = Change(refused, " ".join(state))

    # The end

    def _invalidate(self) -> None:
        self._stale.redirects |= self._redirects.stale
        self._stale.replaced |= self._redirects.replaced
        items = self._stale.tags() if self._by == "tags" else self._stale.paths()
        if items:
            self._store.invalidate(items)
        self._report.invalidation_items = len(items)

    def _tell(self) -> None:
        """Tell others what has changed; a key of which that can't be told fails."""
        outcomes = self._report.outcomes
        if changes := [self._changes[key] for key in outcomes if key in self._changes]:
            hooks = Hooks(self._store, self._settings, self._sources.config)
            news = [hooks.look(one, self._receipts.mark(one.outcome.key)) for one in changes]
            self._marks = {one.change.outcome.key: one.mark for one in news}
            for key, error in hooks.send(news).items():
                self._fail(key, error)

    def _write_receipt(self, outcome: Outcome) -> None:
        def has_moved() -> bool:
            if visit := self._visits.get(outcome.key):
                # Others' clocks may be ahead, and they do not come again for one that is behind.
                until = visit.upload.until
                soon = until and until <= self._store.now() + AHEAD
                return bool(soon) or self._sources.have_moved(visit.upload)
            return self._store.source_state(outcome.key) != outcome.state

        self._receipts.write(outcome, self._marks.get(outcome.key, ""), has_moved)


def _key(item: str | Outcome | Visit) -> str:
    return item if isinstance(item, str) else item.key


def _wanted(visits: Iterable[Visit]) -> dict[str, Wanted]:
    """What listings must show of these. What can't be used leaves them as they are."""
    return {
        visit.path: Wanted(visit.upload.entry, visit.after.places, visit.upload.document)
        for visit in visits
        if visit.upload.usable and visit.after.places
    }
