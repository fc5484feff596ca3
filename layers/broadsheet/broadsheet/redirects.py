"""Old addresses of articles, and where they lead.

An article claims its aliases. For each alias one private object says which articles claim it; it is
changed by compare-and-swap, as indexes are. What comes of the claims does not depend on their
order: what really lies at the address comes first, then the newest article, then the first key. The
one that wins gets an entry in the store that the edge function reads, and a page for where that
does not answer.

Both are written only by who has just seen that the claims still stand, over what was there before
that look; so a slow writer can't put an old redirect over a newer one. Who changes what comes of
the claims leaves them unsettled, and settles them once the store and the CDN have been told:
whoever finds them unsettled tells again. docs/architecture.md has the argument in full.
"""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple, Self

from broadsheet import addresses, linked
from broadsheet.errors import ConflictError, ContendedError, FullError
from broadsheet.index import UNREADABLE
from broadsheet.listings import ROUNDS, pause
from broadsheet.validation import Problem, shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from broadsheet.index import Place
    from broadsheet.page import Headers
    from broadsheet.sources import Sources, Upload
    from broadsheet.store import Store

# What one call of the store takes, and what fits in it.
# https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/cloudfront-limits.html
MOST_CHANGES = 50
MOST_KEY_BYTES = 512
MOST_PAIR_BYTES = 1024
# Where there is no store, claims are settled without one.
NO_STORE = "none"

OWN = "expected the path of an old page, none of the site's own"


class Claims(NamedTuple):
    """Who claims an alias: articles by their paths, with their ``published_at``.

    ``winner`` is the article that the alias leads to, "" for none, and ``settled`` the store that
    was told so, "" where none was; ``version`` counts changes.
    """

    version: int = 0
    articles: Mapping[str, str] = MappingProxyType({})
    winner: str = ""
    settled: str = ""

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """The claims that ``to_bytes`` gave."""
        value = json.loads(data)
        articles = {str(path): str(at) for path, at in value["articles"].items()}
        return cls(int(value["version"]), articles, str(value["winner"]), str(value["settled"]))

    def to_bytes(self) -> bytes:
        """The claims as they are stored."""
        value = self._asdict() | {"articles": dict(self.articles)}
        return json.dumps(value, sort_keys=True).encode()

    def merged(self, changes: Mapping[str, str | None]) -> Self:
        """The claims once each article has claimed it on this date, or not at all."""
        articles = {path: at for path, at in {**self.articles, **changes}.items() if at}
        return self._replace(articles=articles)

    def won(self, *, taken: bool) -> Self:
        """The claims with their winner; a page that is ``taken`` for its address beats them all.

        The newest article wins, and of those of one moment the first key: as in any listing.
        """
        newest = max(self.articles.values(), default="")
        first = min((path for path, at in self.articles.items() if at == newest), default="")
        return self._replace(winner="" if taken else first)


@dataclass
class Wanted:
    """What is to be known of an alias: ``changes`` of its claims, as in Claims.merged.

    ``anyhow`` it is to be settled, even if nothing seems to have changed.
    """

    changes: dict[str, str | None] = field(default_factory=dict)
    anyhow: bool = False


@dataclass
class _View:
    """Claims as they were read or swapped, and what lay at the address then.

    ``there`` is the article whose own address this is, if any; ``taken`` tells that a page of its
    own lies, or must lie, there. ``fresh`` is what nobody can have known of before, so that no copy
    of it is old; ``stale`` where there may be one.
    """

    path: str
    etag: str
    claims: Claims
    taken: bool
    there: Upload | None
    found: Headers | None
    fresh: bool
    dirty: bool
    stale: bool = False


class Redirects:
    """Settles the redirects of one invocation.

    ``stale`` collects the keys of pages that the CDN may hold an old copy of, ``replaced`` the
    articles of which a page lay there, and ``concerned`` those whose claims came to something else;
    ``refused`` counts redirects that the store had no room for. ``unlike`` are places of lists that
    are not what their indexes say: until they are, a page stays that they may lead to.
    """

    def __init__(self, store: Store, arn: str, *, doubtful: bool = False) -> None:
        self._store = store
        self._arn = arn
        self._doubtful = doubtful
        self._views: dict[str, _View] = {}
        # Of these nothing is left to do but to confirm them.
        self._done: set[str] = set()
        self._refused: set[str] = set()
        self._untold: set[str] = set()
        self.concerned: set[str] = set()
        self.replaced: set[str] = set()
        self.unlike: set[Place] = set()
        self._sources: Sources
        self._uploads: Mapping[str, Upload] = {}

    @property
    def stale(self) -> set[str]:
        """The keys of pages of which the CDN may hold old copies."""
        keys = {addresses.redirect_key(view.path) for view in self._views.values() if view.stale}
        return keys - {""}

    @property
    def refused(self) -> int:
        """How many redirects the store had no room for."""
        return len(self._refused)

    def settle(
        self, sources: Sources, wanted: Mapping[str, Wanted], uploads: Mapping[str, Upload]
    ) -> None:
        """Bring redirects into agreement with claims; of ``uploads`` it is known what they are.

        Pages of articles that win must be there, and those of articles that claim no more must not
        be deleted before. Raises ContendedError where claims never stood still, UnavailableError
        where AWS fails.
        """
        self._sources, self._uploads = sources, uploads
        self.unlike.clear()
        pending = dict(wanted)
        for attempt in range(ROUNDS):
            settled = self._store.each(lambda item: self._swap(*item), pending.items())
            views = [view for view in settled if view]
            leading = [view for view in views if view.claims.winner]
            ending = [view for view in views if not view.claims.winner]
            wrote = self._store.each(self._write_page, leading)
            self._tell([view for view in views if view.dirty])
            # Before that the store may lead to a page that goes, left so by somebody who died.
            wrote += self._store.each(self._delete_page, ending)
            both = zip([*leading, *ending], wrote, strict=True)
            doubtful = [view for view, done in both if done or view.dirty]
            moved = self._store.each(self._has_moved, doubtful)
            again = {view.path for view, m in zip(doubtful, moved, strict=True) if m}
            self._done |= {view.path for view in views} - again
            # From the second round on, everything is looked up.
            self._uploads = {}
            pending = {path: pending[path] for path in sorted(again)}
            if not pending:
                return
            pause(attempt)
        raise ContendedError("the claims of aliases kept changing")

    def confirm(self) -> None:
        """Note that store and CDN have been told; whoever has changed the claims since tells anew.

        Raises UnavailableError.
        """
        told = [self._views[path] for path in sorted(self._done - self._untold)]
        self._store.each(self._confirm, [view for view in told if view.dirty])

    def leads(self, path: str) -> bool:
        """Whether the address of an article that has no page leads to another."""
        view = self._views.get(addresses.article_address(path))
        return bool(view and view.claims.winner)

    def has_moved(self, path: str) -> bool:
        """Whether somebody has claimed an article's address, or given it up, since it was read."""
        address = addresses.article_address(path)
        view = self._views.get(address)
        return self._store.state_tag(addresses.alias_key(address)) != (view.etag if view else None)

    def lost(self, upload: Upload) -> tuple[Problem, ...]:
        """What of an article's aliases leads elsewhere."""
        return tuple(
            problem
            for alias, position in upload.aliases.items()
            if (view := self._views.get(alias))
            if (problem := conflict(alias, position, upload.path, view.claims))
        )

    # One alias

    def _swap(self, path: str, wanted: Wanted) -> _View | None:
        """Change the claims of an alias; None where there never was one."""
        self._done.discard(path)
        self._untold.discard(path)
        key = addresses.alias_key(path)
        stored = self._store.read_state(key)
        for attempt in range(ROUNDS):
            if stored is None and not any(wanted.changes.values()) and not wanted.anyhow:
                return None
            old = read(stored.data if stored else b"")
            taken, there, found = look(self._store, self._sources, path, self._uploads)
            new = old.merged(wanted.changes).won(taken=taken)
            etag = stored.etag if stored else ""
            if new != old or stored is None or wanted.anyhow:
                # Another loser's claim, or a date, makes nothing unsettled.
                settled = "" if wanted.anyhow or new.winner != old.winner else old.settled
                new = new._replace(version=old.version + 1, settled=settled)
                try:
                    replaces = stored.etag if stored else None
                    etag = self._store.write_state(key, new.to_bytes(), replaces)
                except ConflictError:
                    pause(attempt)
                    stored = self._store.read_state(key)
                    continue
            if new.winner != old.winner:
                self.concerned |= {*old.articles, *new.articles}
            dirty = new.settled != (self._arn or NO_STORE)
            fresh = stored is None and found is None and not self._doubtful
            view = _View(path, etag, new, taken, there, found, fresh, dirty)
            view.stale = self._was_stale(path) or (dirty and not fresh)
            self._views[path] = view
            return view
        raise ContendedError(f"{key} kept changing")

    def _was_stale(self, path: str) -> bool:
        return path in self._views and self._views[path].stale

    def _write_page(self, view: _View) -> bool:
        """Write the page that leads on; whether anything was to do."""
        key, found = addresses.redirect_key(view.path), view.found
        if not key:
            return False
        page = self._sources.renderer.moved(key, view.claims.winner)
        for attempt in range(ROUNDS):
            if found and page.is_there(found):
                return attempt > 0
            if self._has_moved(view):
                return True
            view.stale |= found is not None or not view.fresh
            if found and view.there and not is_redirect(found):
                self.replaced.add(view.there.path)
            try:
                self._store.replace_page(page, found.etag if found else None)
            except ConflictError:
                view.stale = True
                pause(attempt)
                found = self._store.page_headers(key)
            else:
                return True
        return True

    def _delete_page(self, view: _View) -> bool:
        """Delete the page that leads on no more; whether anything was to do."""
        key, found = addresses.redirect_key(view.path), view.found
        for attempt in range(ROUNDS):
            # What leads nowhere is an article's, which somebody else is about to remove.
            if found is None or not is_redirect(found):
                return attempt > 0
            if self._has_moved(view):
                return True
            if view.there:
                listed, differing = linked.look(self._store, view.there.path)
                self.unlike |= differing
                if listed or differing:
                    return True  # who takes it out of the lists, or publishes it, sees to the page
            view.stale = True
            try:
                self._store.remove_page(key, found.etag)
            except ConflictError:
                pause(attempt)
                found = self._store.page_headers(key)
            else:
                return True
        return True

    def _has_moved(self, view: _View) -> bool:
        """Whether the claims, or the source that decides beside them, are not as they were read."""
        if self._store.state_tag(addresses.alias_key(view.path)) != view.etag:
            return True
        return view.there is not None and self._sources.has_changed(view.there)

    def _confirm(self, view: _View) -> None:
        new = view.claims._replace(version=view.claims.version + 1, settled=self._arn or NO_STORE)
        try:
            self._store.write_state(addresses.alias_key(view.path), new.to_bytes(), view.etag)
        except ConflictError:
            return

    # The store

    def _tell(self, views: list[_View]) -> None:
        """Tell the store where these lead. What it has no room for is left to the pages."""
        if not self._arn:
            return
        for i in range(0, len(views), MOST_CHANGES):
            self._tell_some(views[i : i + MOST_CHANGES])

    def _tell_some(self, views: list[_View], *, full: bool = False) -> None:
        for attempt in range(ROUNDS):
            # Who changes claims updates the store afterwards, even where there is nothing to change
            # in it. So if they stand once its tag is known, whoever changes them later makes this
            # update fail, or comes after it.
            tag = self._store.redirects_tag()
            moved = self._store.each(self._has_moved, views)
            standing = [view for view, m in zip(views, moved, strict=True) if not m]
            puts = {v.path: target(v.claims.winner) for v in standing if v.claims.winner}
            fitting = {} if full else {p: t for p, t in puts.items() if fits(p, t)}
            self._refused = (self._refused | puts.keys()) - fitting.keys()
            others = [view.path for view in standing if view.path not in fitting]
            known = self._store.each(self._store.redirect, others)
            deletes = [path for path, found in zip(others, known, strict=True) if found is not None]
            if full:
                # Not for ever: the next publish tries again.
                self._untold |= {view.path for view in standing}
                if not deletes:
                    return
            try:
                self._store.update_redirects(fitting, deletes, tag)
            except ConflictError:
                pause(attempt)
            except FullError:
                if full:
                    raise
                full = True
            else:
                return
        raise ContendedError("the store of redirects kept changing")


def wanted_of(
    uploads: Iterable[tuple[Upload, frozenset[str]]], claimed: Iterable[str]
) -> dict[str, Wanted]:
    """What these articles, each with all aliases that it ever claimed, want of aliases.

    The addresses of those that others have ``claimed`` are looked at as well.
    """
    own = [addresses.article_address(path) for path in sorted(claimed)]
    wanted = defaultdict(Wanted, {address: Wanted() for address in own})
    for upload, ever in uploads:
        if upload.usable:
            for alias in sorted(ever | upload.aliases.keys()):
                at = upload.claimed_at if alias in upload.aliases else None
                wanted[alias].changes[upload.path] = at
    return dict(wanted)


def aliases_of(path: str, aliases: Iterable[str]) -> tuple[dict[str, int], tuple[Problem, ...]]:
    """The canonical paths of an article's aliases, each with its position; and those that are none.

    Its own address is left out without a word.
    """
    found: dict[str, int] = {}
    problems = []
    for position, text in enumerate(aliases):
        alias = addresses.alias_path(text)
        if alias is None:
            problems.append(Problem(f"/aliases/{position}", f"is {shown(text)}; {OWN}"))
        elif alias != addresses.article_address(path):
            found.setdefault(alias, position)
    return found, tuple(problems)


def conflict(alias: str, position: int, path: str, claims: Claims) -> Problem | None:
    """What an article is told of an alias that does not lead to it."""
    if claims.winner == path or path not in claims.articles:
        return None
    what = f"leads to {target(claims.winner)}" if claims.winner else "has a page of its own"
    return Problem(f"/aliases/{position}", f"{shown(alias)} {what}, not here")


def claimed_at(moment: datetime) -> str:
    """A date so that dates sort as texts."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def target(path: str) -> str:
    """Where an alias of an article leads: a path of this site."""
    return addresses.url_path(addresses.page_key(path))


def fits(key: str, value: str) -> bool:
    """Whether the store takes an entry."""
    size = len(key.encode())
    return size <= MOST_KEY_BYTES and size + len(value) <= MOST_PAIR_BYTES


def read(data: bytes) -> Claims:
    """Claims by their bytes. What can't be read begins anew: verify finds what was forgotten."""
    try:
        return Claims.from_bytes(data)
    except UNREADABLE:
        return Claims()


def is_redirect(headers: Headers) -> bool:
    """Whether an object is a page that leads on from an alias."""
    return addresses.TAG_REDIRECTS in headers.cache_tag.split(",")


def look(
    store: Store, sources: Sources, path: str, uploads: Mapping[str, Upload]
) -> tuple[bool, Upload | None, Headers | None]:
    """Whether an address has a page of its own; the article whose it is, if any; what lies there.

    Of an article's address its source decides, as of the latest time that others' clocks may tell:
    who has published it by his own does not come again for one that is behind. At any other, what
    lies there and leads nowhere was put there by somebody else, and stays.
    """
    key = addresses.redirect_key(path)
    article = addresses.paged_path(key)
    if article is None:
        found = store.page_headers(key) if key else None
        return found is not None and not is_redirect(found), None, found
    upload = uploads.get(article) or sources.ahead().article(article)
    if upload.page is not None:
        # Who is only coming has not written it yet, and it would lead on to what may go meanwhile.
        found = None if article in uploads else store.page_headers(key)
        return True, upload, found if found and is_redirect(found) else None
    found = store.page_headers(key)
    live = not upload.usable and found is not None and not is_redirect(found)
    return live, upload, found
