"""Keeps the variants of pictures in agreement with the uploads under ``media/``.

Variants are named after what they are made of and never change. A manifest names them, once all are
there; pages show what it says. So what is new is written before it is shown, and what is old is
deleted, by a sweep that comes later, once nothing shows it any more.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from broadsheet import addresses
from broadsheet.errors import ConflictError, ContendedError
from broadsheet.index import UNREADABLE
from broadsheet.listings import ROUNDS, pause
from broadsheet.manifest import Manifest
from broadsheet.page import Page
from broadsheet.reconcile import messages_for
from broadsheet.record import Record
from broadsheet.sources import Outcome, Reading, newest_good
from broadsheet.validation import Problem, shown
from pictures import Picture

if TYPE_CHECKING:
    from collections.abc import Iterator

    from broadsheet.settings import Settings
    from broadsheet.sources import Status
    from broadsheet.store import Store, Stored

LARGEST = 30 * 1024 * 1024
# A variant's address changes with the picture, so that browsers need never ask again.
CACHE_CONTROL = "public, max-age=31536000, immutable"
CONTENT_TYPES = {"avif": "image/avif", "webp": "image/webp", "jpg": "image/jpeg"}
# Marks in one listing.
USES = 1000
# Seconds until old variants are looked at. By then no publish is under way that has read an older
# manifest, and most readers have seen the pictures of the page that they opened before.
SWEEP_AFTER = 900


class Media:
    """Reconciles pictures, one at a time. Raises UnavailableError, as the store does."""

    def __init__(self, store: Store, settings: Settings) -> None:
        self._store = store
        self._settings = settings

    def reconcile(self, key: str) -> Outcome:
        """Make variants and manifest of a key agree with its upload, and write its receipt."""
        name = addresses.media_name(key)
        outcome = self._refuse(key) if name is None else self._settle(key, name)
        self._store.write_receipt(addresses.receipt_key(key), outcome.receipt())
        return outcome

    def tell_uses(self, name: str, after: str = "") -> None:
        """Have articles that show a picture, or did, made anew: a listing of them at a time."""
        folder = addresses.uses_folder(name)
        marks = self._store.list_site(folder, after, USES)
        keys = [addresses.source_key(mark.removeprefix(folder)) for mark in marks]
        if len(marks) == USES:
            self._send({"uses": {"name": name, "after": marks[-1]}})
        self._store.send(messages_for(keys))

    def sweep(self, name: str, etag: str) -> None:
        """Delete the variants that no page shows any more.

        Only if the manifest is still the one that the sweep was sent for: who has changed it since
        has sent another. The manifest says so before anything is deleted, and nobody begins to use
        what it says is going.
        """
        stored = self._store.read_state(addresses.manifest_key(name))
        manifest = _manifest(stored)
        if stored is None or (stored.etag != etag and not manifest.going):
            return
        if not manifest.going:
            going = {digest for digest, _ in self._variants(name)} - {manifest.digest}
            if not going:
                return
            for key in self._pages(name):
                page = self._store.read_state(key)
                if page and any(digest.encode() in page.data for digest in going):
                    raise ContendedError(f"{key} still shows {name} as it was")
            manifest = manifest._replace(going=tuple(sorted(going)))
            manifest, etag = self._write(name, manifest, stored.etag)
        else:
            etag = stored.etag
        for digest, key in self._variants(name):
            if digest in manifest.going:
                self._store.delete_page(key)
        self._invalidate(name)
        self._write(name, manifest._replace(going=()), etag)

    # One picture

    def _refuse(self, key: str) -> Outcome:
        state = self._store.source_state(key)
        refused = Outcome(key, "rejected", "", (no_name(key),), state=state)
        return refused if state else Outcome(key, "removed")

    def _settle(self, key: str, name: str) -> Outcome:
        for attempt in range(ROUNDS):
            # Before the source, so that nothing older replaces what is newer.
            stored = self._store.read_state(addresses.manifest_key(name))
            reading = newest_good(self._store, key, LARGEST, lambda data: Picture(name, data))
            old = _manifest(stored)
            new = self._developed(name, old, reading)
            try:
                if stored is None or new != old:
                    new, etag = self._write(name, new, stored.etag if stored else None)
                else:
                    etag = stored.etag
            except ConflictError:
                pause(attempt)
                continue
            if self._store.source_state(key) != reading.state:
                pause(attempt)
                continue
            # Even if nothing has changed: an earlier attempt may have died before it said so.
            self.tell_uses(name)
            if any(digest != new.digest for digest, _ in self._variants(name)):
                self._send({"sweep": {"name": name, "manifest": etag}}, SWEEP_AFTER)
            return self._outcome(key, name, new, reading)
        raise ContendedError(f"{key} kept changing")

    def _developed(self, name: str, old: Manifest, reading: Reading[Picture]) -> Manifest:
        """The manifest that there must be, its variants written."""
        source = reading.state or ()
        picture = reading.value
        if picture is None:
            gone = Manifest(old.version, source, going=old.going)
            return gone if reading.gone else old._replace(source=source)
        if picture.digest in old.going:
            raise ContendedError(f"{name} is as it was before, and that is being deleted")
        there = {key for _, key in self._variants(name)}
        for width in picture.widths:
            for extension in picture.extensions:
                key = addresses.variant_key(name, picture.digest, width, extension)
                if key not in there:
                    self._store.write_page(_page(key, name, picture.variant(width, extension)))
        return Manifest(
            version=old.version,
            source=source,
            digest=picture.digest,
            width=picture.width,
            height=picture.height,
            widths=picture.widths,
            formats=picture.extensions,
            going=old.going,
        )

    def _outcome(
        self, key: str, name: str, manifest: Manifest, reading: Reading[Picture]
    ) -> Outcome:
        url = ""
        if manifest.digest:
            variant = addresses.variant_key(name, manifest.digest, manifest.width, "jpg")
            url = f"{self._settings.site_url}/{variant}"
        if reading.problems:
            return Outcome(key, "rejected", url, reading.problems, state=reading.state)
        status: Status = "published" if reading.value else "removed"
        return Outcome(key, status, url, state=reading.state)

    # What lies there

    def _variants(self, name: str) -> Iterator[tuple[str, str]]:
        """The digest and key of each variant of a picture."""
        folder = f"{addresses.media_key(name)}/"
        after = ""
        while keys := self._store.list_site(folder, after, 1000):
            after = keys[-1]
            found = ((addresses.variant_of(key), key) for key in keys)
            yield from ((of[1], key) for of, key in found if of and of[0] == name)

    def _pages(self, name: str) -> Iterator[str]:
        """What may show a picture: pages of its uses, indexes that they are in, and their lists.

        An article that is not public yet may have a preview for a page.
        """
        indexes: set[str] = set()
        folder = addresses.uses_folder(name)
        after = ""
        while marks := self._store.list_site(folder, after, USES):
            after = marks[-1]
            for mark in marks:
                path = mark.removeprefix(folder)
                yield addresses.page_key(path)
                stored = self._store.read_state(addresses.record_key(path))
                record = Record.of(stored) or Record()
                yield from map(addresses.preview_key, sorted(record.previews))
                for topic, month in record.places:
                    indexes |= {addresses.scope_index_key(topic), addresses.month_index_key(month)}
        for key in sorted(indexes):
            yield key
            index = self._store.read_state(key)
            yield from json.loads(index.data)["pages"] if index else ()

    def _write(self, name: str, manifest: Manifest, replaces: str | None) -> tuple[Manifest, str]:
        """Write a manifest as its next version; that, and its entity tag."""
        new = manifest._replace(version=manifest.version + 1)
        key = addresses.manifest_key(name)
        return new, self._store.write_state(key, new.to_bytes(), replaces)

    def _send(self, message: dict[str, Any], delay: int = 0) -> None:
        """Send a message to this function itself."""
        self._store.send([json.dumps(message)], self._settings.media_queue_url, delay)

    def _invalidate(self, name: str) -> None:
        by_tag = self._settings.invalidate_by == "tags"
        item = f"#{addresses.media_tag(name)}" if by_tag else f"/{addresses.media_key(name)}/*"
        self._store.invalidate([item])


def no_name(key: str) -> Problem:
    """What is wrong with a key under media/ that no picture can have."""
    expected = (
        "media/NAME.jpg, or .jpeg, .png, .webp, .avif or .gif; NAME being letters a-z, digits, "
        "- and _, in folders if you like, of 200 characters at most; SVG is never published"
    )
    return Problem("", f"the key {shown(key)} can't be a picture's; expected {expected}")


def _manifest(stored: Stored | None) -> Manifest:
    """A manifest as read; one that can't be is made anew."""
    try:
        return Manifest.from_bytes(stored.data) if stored else Manifest()
    except UNREADABLE:
        return Manifest()


def _page(key: str, name: str, body: bytes) -> Page:
    content_type = CONTENT_TYPES[key.rpartition(".")[2]]
    return Page(key, body, content_type, addresses.media_tag(name), CACHE_CONTROL)
