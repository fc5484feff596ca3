"""The code broken on purpose, one safeguard at a time: the simulation must notice each.

They patch the safeguard itself, as little around it as can be.
"""

# ruff: noqa: SLF001 (what is broken here is private)

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import app
from broadsheet import addresses, schedule, verify
from broadsheet.compare import SURPLUS
from broadsheet.errors import ConflictError
from broadsheet.hooks import Hooks
from broadsheet.index import Scope
from broadsheet.listings import Listings, Wanted, _Plan
from broadsheet.page import Drawing
from broadsheet.reconcile import _Run
from broadsheet.record import Record, change, recorded
from broadsheet.redirects import Redirects, is_redirect, wanted_of
from broadsheet.schedule import AHEAD, Schedules, Standing
from broadsheet.store import Store
from broadsheet.verify import Verifier
from broadsheet.visits import Visits

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from broadsheet.visits import Visit

# In as many runs each must be noticed.
WITHIN = 150

Patch = tuple[Any, str, Any]


@dataclass(frozen=True)
class Mutation:
    """What is broken, and the patches (owner, name, replacement) that break it.

    ``scene`` is the one of draw.AIMS that aims at this safeguard, if any does.
    """

    what: str
    patches: tuple[Patch, ...]
    scene: str = ""

    @contextmanager
    def applied(self) -> Iterator[None]:
        """The code is broken for as long as this lasts."""
        with ExitStack() as stack:
            for owner, name, replacement in self.patches:
                stack.enter_context(patch.object(owner, name, replacement))
            yield


_record = Visits.record
_draw = Visits.draw
_place = Visits.place
_has_stale_copies = Visits.has_stale_copies
_finish = Visits.finish
_surplus = Visits.surplus
_round = _Run._round
_invalidate = _Run._invalidate
_tell = _Run._tell
_send = Hooks.send
_look = Hooks.look
_replace_page = Store.replace_page
_replace_receipt = Store.replace_receipt
_documents = _Plan.documents
_write_state = Store.write_state
_write_page = Listings._write_page
_merged = Scope.merged
_repair = Verifier.repair
_keys = Verifier._keys
_verify = app._verify
_claim_moved = Redirects._has_moved
_tell_store = Redirects._tell
_update_redirects = Store.update_redirects
_standing = Standing.of
_settle = Schedules.settle
_write_receipt = _Run._write_receipt


def _nothing(*_: Any, **__: Any) -> None:
    """Leave a step out."""


def _early(article: Any, now: Any) -> Any:
    """Publish what waits for its time as soon as it comes."""
    return _standing(article, max(now, article.published_at))


def _no_end(article: Any, now: Any) -> Any:
    found = _standing(article, now)
    return found._replace(until=None) if found.phase == "published" else found


def _set_after_receipts(self: _Run, outcome: Any) -> None:
    """Set the schedules that settle was kept from setting."""
    _write_receipt(self, outcome)
    if visit := self._visits.get(outcome.key):
        until = outcome.scheduled_for or outcome.expires_at
        _settle(self._schedules, visit.path, until, visit.after.moments)


def _set_once(self: Schedules, path: str, until: Any, known: Any) -> None:
    """Leave the schedule of an article that has one as it is."""
    if not (until and known):
        _settle(self, path, until, known)


def _never_cancelled(self: Schedules, path: str, until: Any, _known: Any) -> None:
    if until:
        _settle(self, path, until, ())


def _forgotten_at_once(self: Schedules, path: str, until: Any, known: Any) -> None:
    """Take a schedule that was cancelled for one that nobody will set any more."""
    _settle(self, path, until, known)
    gone = frozenset(known) - {schedule.moment(until, self._store.now()) if until else None}
    change(self._store, path, lambda r: r and r._replace(moments=r.moments - gone))


def _receipt_over_anything(
    self: Store, key: str, receipt: dict[str, Any], mark: str, _replaces: str | None
) -> None:
    tag, _ = self.receipt_state(key)
    _replace_receipt(self, key, receipt, mark, tag)


@contextmanager
def _without(visit: Visit, **parts: Any) -> Iterator[None]:
    """For as long as this lasts the upload lacks some of what it has."""
    upload = visit.upload
    visit.upload = upload._replace(**parts)
    try:
        yield
    finally:
        visit.upload = upload


def _no_preview_recorded(self: Visits, visit: Visit) -> None:
    with _without(visit, preview=None):
        _record(self, visit)


def _previews_untold(self: _Run) -> None:
    """Tell the CDN of no article that has, or had, a preview."""
    for visit in self._visits.values():
        if visit.after.previews:
            self._stale.articles.discard(visit.path)
    self._stale.previews.clear()
    _invalidate(self)


def _unrecorded(record: Any, at: Any) -> Any:  # noqa: ARG001 (as what it replaces)
    return record or Record(unseen=True)


def _too_soon_to_set(self: Schedules, path: str, until: Any, known: Any) -> None:
    """Take what is due soon for on its way."""
    soon = until and until - self._store.now() < AHEAD
    _settle(self, path, None if soon else until, known)


FIXED = {addresses.NOT_FOUND, addresses.ROBOTS}


def _listings_over_anything(self: Store, page: Any, replaces: str | None) -> None:
    segment = addresses.searched_month(page.key)
    if page.key.startswith("articles/") or page.key in FIXED or segment:
        _replace_page(self, page, replaces)
    else:
        self.write_page(page)


def _segments_over_anything(self: Store, page: Any, replaces: str | None) -> None:
    if addresses.searched_month(page.key):
        self.write_page(page)
    else:
        _replace_page(self, page, replaces)


def _segments_deleted_blindly(self: Store, key: str, _replaces: str) -> None:
    self.delete_page(key)


class _Whole(_Plan):
    """A plan as it is, whatever is broken."""

    documents = _Plan.documents


def _settle_segments(self: Visits, visit: Visit) -> None:
    """What search knows of an article, and nothing else."""
    upload = visit.upload
    known = recorded(self.store.read_state(addresses.record_key(visit.path)))
    listings = Listings(self.store, self.sources.renderer, self.sources.site)
    plan = _Whole({visit.path: Wanted(upload.entry, known | upload.places, upload.document)}, ())
    for month in sorted({month for _, month in known | upload.places}):
        stored = self.store.read_state(addresses.segment_key(month))
        listings._settle_segment(plan, month, stored)


def _segments_first(self: Visits, visit: Visit) -> None:
    if visit.upload.document:
        _settle_segments(self, visit)
    _place(self, visit)


def _documents_that_stay(self: _Plan, month: str) -> dict[str, Any]:
    """All but those that go."""
    return {path: one for path, one in _documents(self, month).items() if self.wanted[path].entry}


def _segments_last(self: Visits, visit: Visit) -> None:
    _finish(self, visit)
    if visit.upload.usable and visit.upload.page is None:
        _settle_segments(self, visit)


def _fixed_over_anything(self: Store, page: Any, replaces: str | None) -> None:
    if page.key in FIXED:
        self.write_page(page)
    else:
        _replace_page(self, page, replaces)


def _swapped_over_anything(prefix: str) -> Callable[..., str]:
    def write_state(self: Store, key: str, data: bytes, replaces: str | None) -> str:
        if not key.startswith(prefix):
            return _write_state(self, key, data, replaces)
        bucket = self._settings.site_bucket
        return self._s3.put_object(Bucket=bucket, Key=key, Body=data)["ETag"]

    return write_state


def _shrinking_record(self: Visits, visit: Visit) -> None:
    """Remember where the path is, and forget where it was."""
    _record(self, visit)
    upload, key = visit.upload, addresses.record_key(visit.path)
    stored = self.store.read_state(key)
    if upload.usable and upload.places and stored:
        data = visit.after._replace(places=upload.places).to_bytes()
        if data != stored.data:
            _write_state(self.store, key, data, stored.etag)


def _place_page_later(self: Visits, visit: Visit) -> None:
    with _without(visit, page=None):
        _place(self, visit)


def _page_at_last(self: Visits, visit: Visit) -> None:
    if visit.upload.page:
        self.store.write_page(visit.upload.page)
    _finish(self, visit)


def _delete_first(self: Visits, visit: Visit) -> None:
    if visit.upload.usable and visit.upload.page is None:
        self.store.delete_page(addresses.page_key(visit.path))
    _place(self, visit)


def _record_later(_self: Visits, visit: Visit) -> None:
    """Only take it as it was read; what is written comes after the listings."""
    old = visit.before or Record()
    visit.after = old._replace(places=old.places | visit.upload.places)


def _record_at_last(self: Visits, visit: Visit) -> None:
    _record(self, visit)
    _finish(self, visit)


def _told_first(self: _Run, paths: list[str], listings: Listings) -> list[str]:
    self._store.invalidate(["/*"])
    return _round(self, paths, listings)


def _told_only_of_changes(self: Visits, visit: Visit) -> None:
    """What is there already, perhaps from an attempt that died, is not worth a tag."""
    page = visit.upload.page
    there = page and self.store.page_headers(page.key) == page.headers
    _place(self, visit)
    visit.new = visit.new or bool(there)


def _listings_told_only_of_swaps(self: Listings, jobs: Any, write: Any) -> None:
    self.written |= {key for view, key, _ in jobs if view.replaced is not None}
    self.store.each(lambda job: write(*job), jobs)


def _never_tagged_if_listed(self: Visits, visit: Visit) -> bool:
    """Take every article for new."""
    return visit.upload.page is None and _has_stale_copies(self, visit)


def _finish_without_a_look(self: Visits, visit: Visit) -> None:
    for key in self.surplus(visit) if visit.upload.usable else ():
        self.store.delete_page(key)
    visit.moved = False


def _card_not_drawn(self: Visits, visit: Visit) -> None:
    with _without(visit, card=None):
        _draw(self, visit)


def _card_after_its_page(self: Visits, visit: Visit) -> None:
    _place(self, visit)
    if visit.upload.card:
        self.store.write_page(visit.upload.card.page())


def _card_deleted_first(self: Visits, visit: Visit) -> list[str]:
    return sorted(_surplus(self, visit))


def _card_kept(self: Visits, visit: Visit) -> list[str]:
    return [] if visit.upload.page else _surplus(self, visit)


def _any_card(_self: Drawing, headers: Any) -> bool:
    return headers is not None


def _any_site(self: Listings, root: Scope, *, site_changed: bool) -> None:
    """Write what follows from site.json without seeing that it is still the same."""
    if root.site == self.site and not site_changed:
        return
    for page in self.renderer.fixed():
        self.store.write_page(page)
    self.fixed_written = True


def _never_refilled(self: Scope, changes: Any, *, news: bool) -> Scope:
    merged = _merged(self, changes, news=news)
    if merged is not None:
        return merged
    kept = [entry for entry in self.newest if entry.path not in changes]
    added = [entry for entry in changes.values() if entry]
    return replace(self, newest=tuple(sorted([*kept, *added], key=lambda e: e.order)))


def _mended_blindly(self: Listings, _view: Any, page: Any) -> None:
    found = self.store.page_headers(page.key)
    if found != page.headers:
        self.store.write_page(page)


def _refused_is_done(self: Listings, view: Any, key: str, page: Any) -> None:
    """Take a page that a condition kept us from writing for somebody else's business."""
    if page is None:
        self.store.delete_page(key)
    elif view.replaced is not None and view.replaced.get(key) != page.etag:
        try:
            self.store.replace_page(page, view.replaced.get(key))
        except ConflictError:
            return


def _told_after_receipts(self: _Run) -> None:
    for outcome in list(self._report.outcomes.values()):
        self._write_receipt(outcome)
    _invalidate(self)


def _events_first(self: _Run) -> None:
    _tell(self)
    _invalidate(self)


def _told_anyhow(self: Hooks, news: Any) -> dict[str, Any]:
    """Take events for sent that were not."""
    _send(self, news)
    return {}


def _taken_for_told(self: Hooks, change: Any, before: str) -> Any:
    """Tell only what no receipt speaks of."""
    news = _look(self, change, before)
    return news._replace(untold=news.untold and not before)


def _all_or_nothing(_self: _Run, items: Any, *calls: Any) -> Any:
    return [partial(call, item) for item in items for call in calls]


def _nothing_failed(_message: Any, _report: Any) -> bool:
    return False


def _pages_only_deleted_if_swapped(self: Listings, view: Any, key: str, page: Any) -> None:
    if page is None and view.replaced is None:
        return
    _write_page(self, view, key, page)


def _surplus_deleted(self: Verifier, differences: Any) -> None:
    """Delete what should not exist, as it was when it was looked at."""
    surplus = [d.key for d in differences if d.what == SURPLUS]
    for key in surplus:
        self._store.delete_page(key)
        self._store.invalidate([f"/{key}", addresses.url_path(key)])
    _repair(self, [d for d in differences if d.key not in surplus])


def _mended_untold(self: _Run, places: Any) -> None:
    self._mend = places
    self._site_changed = ("", "") in places
    self._articles([])


def _first_part_only(self: Verifier, walk: Any) -> Any:
    keys, then = _keys(self, walk)
    return keys, then if then and then.part == walk.part else None


def _verified_anyhow(walk: Any, verifier: Any, report: Any) -> None:
    _verify(walk, verifier, report)
    report.failures.pop(str(walk), None)


def _settle_redirects(self: Visits, visit: Visit) -> None:
    if visit.is_readdressed:
        claimed = {visit.path} if visit.claimed else set()
        wanted = wanted_of([(visit.upload, visit.after.aliases)], claimed)
        self.redirects.settle(self.sources, wanted, {visit.path: visit.upload})


def _redirects_last(self: Visits, visit: Visit) -> None:
    _finish(self, visit)
    _settle_redirects(self, visit)


def _redirects_first(self: Visits, visit: Visit) -> None:
    """Before the page that they lead to."""
    if visit.upload.usable and visit.upload.page:
        _settle_redirects(self, visit)
    _place(self, visit)


def _moved_over_anything(self: Store, page: Any, replaces: str | None) -> None:
    if is_redirect(page.headers):
        self.write_page(page)
    else:
        _replace_page(self, page, replaces)


def _told_whatever_has_happened(self: Store, puts: Any, deletes: Any, _tag: str) -> None:
    for _ in range(10):
        try:
            _update_redirects(self, puts, deletes, self.redirects_tag())
        except ConflictError:
            continue
        return


def _never_moved(_self: Redirects, _what: Any) -> bool:
    return False


def _confirmed_first(self: Redirects, views: list[Any]) -> None:
    """Take claims for settled before the store is told."""
    for view in views:
        settled = replace(view.claims, version=view.claims.version + 1, settled=self._arn)
        key = addresses.alias_key(view.path)
        try:
            view.etag = self._store.write_state(key, settled.to_bytes(), view.etag)
        except ConflictError:
            continue
        view.claims = settled
    _tell_store(self, views)


MUTATIONS = {
    "look-again": Mutation(
        "indexes are not looked at again",
        ((Listings, "_look_again", _nothing),),
        scene="succession",
    ),
    "fence": Mutation(
        "listings are written whatever lies there",
        ((Store, "replace_page", _listings_over_anything),),
        scene="outdated",
    ),
    "mend-blindly": Mutation(
        "a listing is mended without looking at its index",
        ((Listings, "_mend_page", _mended_blindly),),
        scene="outdated",
    ),
    "no-mending": Mutation(
        "a listing that a condition keeps from being written is left as it is",
        ((Listings, "_write_page", _refused_is_done),),
    ),
    "no-late-deletion": Mutation(
        "a listing with nothing to list is deleted only by who swaps its index",
        ((Listings, "_write_page", _pages_only_deleted_if_swapped),),
    ),
    "swap-index": Mutation(
        "indexes are swapped without If-Match",
        ((Store, "write_state", _swapped_over_anything("_index/")),),
        scene="clash",
    ),
    "swap-segment": Mutation(
        "what search knows is swapped without If-Match",
        ((Store, "replace_page", _segments_over_anything),),
        scene="searched",
    ),
    "delete-segment": Mutation(
        "what search knows of a month without articles is deleted without If-Match",
        ((Store, "remove_page", _segments_deleted_blindly),),
        scene="searched",
    ),
    "segment-first": Mutation(
        "search knows an article before it has its page", ((Visits, "place", _segments_first),)
    ),
    "segment-last": Mutation(
        "search knows an article when its page is gone",
        ((_Plan, "documents", _documents_that_stay), (Visits, "finish", _segments_last)),
    ),
    "swap-record": Mutation(
        "records are swapped without If-Match",
        ((Store, "write_state", _swapped_over_anything("_record/")),),
        scene="overtaken",
    ),
    "shrink-record": Mutation(
        "a record forgets where its path was",
        ((Visits, "record", _shrinking_record),),
        scene="overtaken",
    ),
    "record-last": Mutation(
        "records are written after the listings",
        ((Visits, "record", _record_later), (Visits, "finish", _record_at_last)),
        scene="overtaken",
    ),
    "listings-before-pages": Mutation(
        "pages are written after the listings",
        ((Visits, "place", _place_page_later), (Visits, "finish", _page_at_last)),
    ),
    "delete-before-listings": Mutation(
        "pages are deleted before the listings forget them", ((Visits, "place", _delete_first),)
    ),
    "invalidate-first": Mutation(
        "the CDN is told before anything is written",
        ((_Run, "_round", _told_first), (_Run, "_invalidate", _nothing)),
    ),
    "retry-page-tag": Mutation(
        "a page found as it should be is not invalidated",
        ((Visits, "place", _told_only_of_changes),),
    ),
    "retry-listings-tag": Mutation(
        "listings whose index was not swapped are not invalidated",
        ((Listings, "_write", _listings_told_only_of_swaps),),
    ),
    "all-new": Mutation(
        "known articles are taken for new ones",
        ((Visits, "has_stale_copies", _never_tagged_if_listed),),
    ),
    "look-at-source": Mutation(
        "the source is not looked at a second time",
        ((Visits, "finish", _finish_without_a_look),),
    ),
    "card-last": Mutation(
        "a card is written after the page that names it",
        ((Visits, "draw", _card_not_drawn), (Visits, "place", _card_after_its_page)),
    ),
    "card-deleted-first": Mutation(
        "a card is deleted before the page that names it",
        ((Visits, "surplus", _card_deleted_first),),
    ),
    "card-kept": Mutation(
        "an article that gets a picture keeps its card", ((Visits, "surplus", _card_kept),)
    ),
    "any-card": Mutation(
        "a card that is there is taken for the right one", ((Drawing, "is_there", _any_card),)
    ),
    "site-identity": Mutation(
        "site.json is not looked at before its pages are written",
        ((Listings, "_check_site", _any_site),),
        scene="site",
    ),
    "fixed-pages": Mutation(
        "404.html and robots.txt are written whatever lies there",
        ((Store, "replace_page", _fixed_over_anything),),
        scene="site",
    ),
    "month-versions": Mutation(
        "a scope takes any count of a month, older ones too",
        ((Listings, "_see_latest", _nothing),),
        scene="succession",
    ),
    "refill": Mutation(
        "newest entries are not gathered from the months again",
        ((Scope, "merged", _never_refilled),),
        scene="refill",
    ),
    "receipts-first": Mutation(
        "receipts are written before the CDN is told",
        ((_Run, "_invalidate", _told_after_receipts),),
    ),
    "receipts-blind": Mutation(
        "receipts are written whatever lies there",
        ((Store, "replace_receipt", _receipt_over_anything),),
        scene="overwritten",
    ),
    "events-first": Mutation(
        "events are sent before the CDN is told",
        ((_Run, "_invalidate", _events_first), (_Run, "_tell", _nothing)),
    ),
    "events-lost": Mutation(
        "an event that could not be sent is taken for sent",
        ((Hooks, "send", _told_anyhow),),
        scene="untold",
    ),
    "events-once": Mutation(
        "only what no receipt speaks of is told", ((Hooks, "look", _taken_for_told),)
    ),
    "all-or-nothing": Mutation(
        "a failure of one article is a failure of its whole batch",
        ((_Run, "_jobs", _all_or_nothing),),
    ),
    "swallow": Mutation(
        "what failed does not come again", ((app, "_has_failed", _nothing_failed),)
    ),
    "early": Mutation(
        "what waits for its time is published at once",
        ((Standing, "of", staticmethod(_early)),),
        scene="awaited",
    ),
    "schedule-last": Mutation(
        "schedules are set after the receipts",
        ((Schedules, "settle", _nothing), (_Run, "_write_receipt", _set_after_receipts)),
    ),
    "schedule-kept": Mutation(
        "a schedule stays when the article has another time",
        ((Schedules, "settle", _set_once),),
        scene="awaited",
    ),
    "schedule-left": Mutation(
        "the schedule of what waits no more is not cancelled",
        ((Schedules, "settle", _never_cancelled),),
        scene="awaited",
    ),
    "schedule-late": Mutation(
        "a schedule that was cancelled before it was set is forgotten",
        ((Schedules, "settle", _forgotten_at_once),),
        scene="cancelled",
    ),
    "schedule-forgotten": Mutation(
        "no record tells that a schedule may exist",
        ((schedule, "_with", _unrecorded),),
        scene="awaited",
    ),
    "expiry-forgotten": Mutation(
        "nothing wakes anybody when an article ends",
        ((Standing, "of", staticmethod(_no_end)),),
        scene="awaited",
    ),
    "preview-forgotten": Mutation(
        "no record tells that there was a preview",
        ((Visits, "record", _no_preview_recorded),),
        scene="previewed",
    ),
    "preview-untold": Mutation(
        "previews are not invalidated",
        ((_Run, "_invalidate", _previews_untold),),
        scene="previewed",
    ),
    "preview-forever": Mutation(
        "nothing wakes anybody when a preview ends",
        ((Standing, "next_moment", property(lambda standing: standing.until)),),
        scene="previewed",
    ),
    "too-early": Mutation(
        "a message that comes too early is the last",
        ((Schedules, "settle", _too_soon_to_set),),
        scene="awaited",
    ),
    "verify-deletes": Mutation(
        "verify deletes what should not exist without reconciling it",
        ((Verifier, "repair", _surplus_deleted),),
        scene="raced_repair",
    ),
    "verify-untold": Mutation(
        "listings that verify mends are not invalidated", ((_Run, "mend", _mended_untold),)
    ),
    "verify-places": Mutation(
        "verify does not record where it has found an article",
        ((verify, "remember", _nothing),),
        scene="damaged",
    ),
    "verify-part": Mutation(
        "verify ends after the indexes", ((Verifier, "_keys", _first_part_only),)
    ),
    "verify-once": Mutation(
        "a verify that failed does not come again",
        ((app, "_verify", _verified_anyhow),),
        scene="failed_comparison",
    ),
    "swap-claims": Mutation(
        "claims of aliases are swapped without If-Match",
        ((Store, "write_state", _swapped_over_anything("_alias/")),),
        scene="readdressed",
    ),
    "redirects-last": Mutation(
        "redirects are settled after pages are deleted",
        ((_Run, "_redirect", _nothing), (Visits, "finish", _redirects_last)),
        scene="readdressed",
    ),
    "redirects-first": Mutation(
        "redirects are settled before the page that they lead to is written",
        ((Visits, "place", _redirects_first),),
    ),
    "moved-fence": Mutation(
        "pages of old addresses are written whatever lies there",
        ((Store, "replace_page", _moved_over_anything),),
        scene="readdressed",
    ),
    "store-fence": Mutation(
        "the store is told whoever has told it meanwhile",
        ((Store, "update_redirects", _told_whatever_has_happened),),
        scene="readdressed",
    ),
    "look-at-claims": Mutation(
        "nobody looks whether claims still stand",
        ((Redirects, "_has_moved", _never_moved),),
        scene="readdressed",
    ),
    "settled-first": Mutation(
        "claims are settled before the store is told",
        ((Redirects, "_tell", _confirmed_first),),
        scene="readdressed",
    ),
    "look-at-address": Mutation(
        "an article that comes or goes does not look who claims its address",
        ((Visits, "see_claims", _nothing), (Redirects, "has_moved", _never_moved)),
        scene="readdressed",
    ),
    "late-claim": Mutation(
        "who deletes a page does not look whether its address has been claimed since",
        ((Redirects, "has_moved", _never_moved),),
        scene="readdressed",
    ),
    "moved-untold": Mutation(
        "pages of old addresses are not invalidated",
        ((Redirects, "stale", property(lambda _: set())),),
        scene="readdressed",
    ),
}
