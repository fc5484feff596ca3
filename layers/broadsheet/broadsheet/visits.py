"""The steps of one article in a reconcile: what is read of it, written for it, and left to do.

Each step is a call or two of AWS. Those of one stage can be made in any order, and for all articles
of a batch at once; the stages come one after the other, after ``begin``, which looks at the time:

1. ``read``, ``read_record`` and ``see_claims``;
2. ``record``, ``draw``, ``mark_use`` and ``see_receipt``;
3. ``place``, before any listing shows or forgets the path;
4. ``finish``, once the listings are settled.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from broadsheet import addresses
from broadsheet.clients import CALL_SECONDS
from broadsheet.errors import ConflictError
from broadsheet.record import Record, swap

if TYPE_CHECKING:
    from broadsheet.page import Page
    from broadsheet.receipts import Receipts
    from broadsheet.redirects import Redirects
    from broadsheet.schedule import Schedules
    from broadsheet.sources import Sources, Upload
    from broadsheet.store import Store, Stored

# With less time left no article is begun: the slowest call, and as much as its neighbours' listings
# and invalidation ordinarily take.
ARTICLE_SECONDS = CALL_SECONDS + 10
# Calls that an article's steps of one stage ordinarily make beside each other.
CALLS_OF_A_STAGE = 3


@dataclass
class Visit:
    """One path in one round: what was found of it, and what has become of that.

    ``claimed`` tells whether articles claim its address as an old one of theirs, ``before`` and
    ``after`` are its record. ``new`` means that nobody can hold an old copy of what was written;
    ``moved`` that something else is due by now.
    """

    path: str
    upload: Upload = field(init=False)
    stored: Stored | None = None
    claimed: bool = False
    before: Record | None = None
    after: Record = field(default_factory=Record)
    new: bool = False
    moved: bool | None = None

    @property
    def key(self) -> str:
        """The source key."""
        return addresses.source_key(self.path)

    @property
    def known(self) -> bool:
        """Whether anything of it may have been public before."""
        return _was_public(self.before)

    @property
    def is_readdressed(self) -> bool:
        """Whether redirects lead to it, or did, or might from its own address."""
        return bool(self.upload.aliases or self.claimed or self.after.aliases)


class Visits(NamedTuple):
    """The visits of one round.

    They are ``doubtful`` where others may have written to the site bucket: then no record is no
    proof that nothing is there.
    """

    store: Store
    sources: Sources
    redirects: Redirects
    schedules: Schedules
    receipts: Receipts
    doubtful: bool

    # What is there

    def begin(self, _visit: Visit) -> None:
        """Leave an article that might not be done in time to the next invocation."""
        self.store.see_time(ARTICLE_SECONDS)

    def read(self, visit: Visit) -> None:
        """See what the site must have for the path."""
        visit.upload = self.sources.article(visit.path)

    def read_record(self, visit: Visit) -> None:
        """See what is remembered of the path."""
        visit.stored = self.store.read_state(addresses.record_key(visit.path))
        visit.before = Record.of(visit.stored)

    def see_claims(self, visit: Visit) -> None:
        """See whether others claim the address.

        Who does so from now on will see what the source is; and who uploads it from now on has it
        visited again.
        """
        key = addresses.alias_key(addresses.article_address(visit.path))
        visit.claimed = self.store.state_tag(key) is not None

    # What comes before the page

    def record(self, visit: Visit) -> None:
        """Add to the record what the path is now; it is made with the path's page or preview.

        Or for the page, or card, that somebody else has put there and that is about to be deleted.
        """
        upload = visit.upload
        new = Record(upload.places, aliases=frozenset(upload.aliases), previews=upload.previews)
        hidden = upload.page is None

        def grown(known: Record | None) -> Record | None:
            old = known or Record(unseen=True, untold=True)
            unseen = old.unseen and hidden
            if unseen and upload.usable:
                unseen = not self._lies_there(upload.path)
            if known is None and unseen and upload.preview is None:
                return None
            untold = old.untold and hidden and upload.outcome.scheduled_for is None
            return (old | new)._replace(unseen=unseen, untold=untold)

        visit.before, after = swap(self.store, visit.path, visit.stored, grown)
        visit.after = after or new._replace(unseen=True)

    def _lies_there(self, path: str) -> bool:
        keys = (addresses.page_key(path), addresses.card_key(path))
        return any(self.store.page_headers(key) for key in keys)

    def draw(self, visit: Visit) -> None:
        """Write the card that the page will name, unless the object says that it is the right one.

        One that is there before its record tells of itself: its page is then not taken for new.
        """
        known = _was_public(Record.of(visit.stored))
        visit.new = bool(visit.upload.page) and not known and not self.doubtful
        card = visit.upload.card
        if card and (visit.new or not card.is_there(self.store.page_headers(card.key))):
            visit.new = self._write(card.page(), new=visit.new)

    def mark_use(self, visit: Visit) -> None:
        """Mark that the page shows a picture.

        ``finish`` looks whether that has changed, and who changes it looks for marks afterwards, so
        one of the two sees the other.
        """
        if visit.upload.picture:
            key = addresses.use_key(visit.upload.picture[0], visit.path)
            if self.store.state_tag(key) is None:
                with suppress(ConflictError):
                    self.store.write_state(key, b"{}", None)

    def see_receipt(self, visit: Visit) -> None:
        """See the receipt that is there, before the source is looked at last."""
        # A path without a record, nor others who want to be told, has most likely no receipt.
        first = visit.stored is None and bool(visit.upload.page) and not self.receipts.telling
        self.receipts.look(visit.key, new=first)

    # The page

    def place(self, visit: Visit) -> None:
        """Write the page, or the preview, and keep nothing of them: a batch may have many.

        Its record and its card are there.
        """
        visit.new = visit.new and not visit.known
        if visit.upload.page:
            visit.new = self._write(visit.upload.page, new=visit.new)
        if visit.upload.preview:
            self.store.write_page(visit.upload.preview)
        visit.upload = visit.upload.written()

    def _write(self, page: Page, *, new: bool) -> bool:
        """Write a page or card whatever is there; whether it is ``new`` and nothing was."""
        if new:
            with suppress(ConflictError):
                self.store.replace_page(page, None)
                return True
        self.store.write_page(page)
        return False

    def has_stale_copies(self, visit: Visit) -> bool:
        """Whether somebody may hold an old copy of page, card or preview.

        Nobody can of a page that came with its record, as did its card, nor of what never was
        public. A preview has the article's tag, and may have been there whatever became of it.
        """
        was_seen = not visit.after.unseen or (self.doubtful and visit.upload.usable)
        return bool(visit.after.previews) or (not visit.new and was_seen)

    # What comes after the listings

    def look_ahead(self, visit: Visit) -> None:
        """Do what ``finish`` would, after the last write, if that is only to look."""
        visit.moved = None
        if self._is_placed(visit):
            visit.moved = self.sources.have_moved(visit.upload)

    def _is_placed(self, visit: Visit) -> bool:
        """Whether nothing of it is to be deleted, scheduled or redirected any more."""
        upload, record = visit.upload, visit.after
        cards = upload.card is not None or visit.new
        waits = upload.until or record.moments or record.previews
        return bool(upload.page) and cards and not waits and not visit.is_readdressed

    def finish(self, visit: Visit) -> None:
        """Delete the page of what is gone, then the card, and see if the sources have moved since.

        So no page names a card that is gone. The schedules come before that last look, which tells
        of whoever needs another one meanwhile.
        """
        if visit.moved is None:
            visit.moved = self._clear(visit) or self._see_to_time(visit)

    def _clear(self, visit: Visit) -> bool:
        """Delete what must not be there; whether the sources have moved before that."""
        upload = visit.upload
        surplus = self.surplus(visit) if upload.usable else []
        surplus += self._surplus_previews(visit)
        if not surplus:
            return False
        if self.sources.has_changed(upload):
            return True
        for key in surplus:
            self.store.delete_page(key)
        # No condition could keep from deleting a page that now leads elsewhere.
        return upload.page is None and self.redirects.has_moved(visit.path)

    def _see_to_time(self, visit: Visit) -> bool:
        if visit.upload.usable:
            self.schedules.settle(visit.path, visit.upload.until, visit.after.moments)
        return self.sources.have_moved(visit.upload)

    def surplus(self, visit: Visit) -> list[str]:
        """What an article must not have. One that is new never had a card.

        Where nothing was public nothing is deleted: what others put there since verify finds, and
        tells the CDN, and who publishes it still looks at its source again.
        """
        card = addresses.card_key(visit.path)
        if visit.upload.page is None:
            if visit.after.unseen:
                return []
            leads = self.redirects.leads(visit.path)
            return [card] if leads else [addresses.page_key(visit.path), card]
        if visit.upload.card or not self.has_stale_copies(visit):
            return []
        return [card] if self.store.page_headers(card) else []

    def _surplus_previews(self, visit: Visit) -> list[str]:
        """Previews that are over. Of what can't be read any more nobody knows how long it may."""
        tokens = visit.after.previews - visit.upload.previews
        keys = [addresses.preview_key(token) for token in sorted(tokens)]
        return [key for key in keys if self.store.page_headers(key)]


def _was_public(record: Record | None) -> bool:
    return record is not None and not record.unseen
