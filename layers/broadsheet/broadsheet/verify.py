"""Compares the site with its sources, and repairs what differs.

Nothing of what the function does itself should ever differ; this finds what somebody else has done
to the site bucket, and events that never came. It walks in bounded steps: over the indexes (what
they list against the sources, their pages, and each other), over old addresses (who claims each,
where it leads, and what the edge is told of that), over the articles (page, card, record, index,
receipt and schedule of each), over the uploaded pictures (whether the media function has seen
each), over the site's keys and over the schedules (what belongs to nothing). What differs in a step
is looked at twice, as an article may be on its way.

Repairs are ordinary work: keys are reconciled, and listings are made to follow from their indexes.
They are written down before they begin, and are done once more by whoever comes after an attempt
that has died: what it has repaired differs no more, but the CDN may not have been told.
What is none of the site's pages is told of and left alone.
"""

from __future__ import annotations

import json
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Self, get_args

from broadsheet import addresses, redirects
from broadsheet.compare import MONTHS, Difference, Look
from broadsheet.errors import ConflictError, ContendedError
from broadsheet.index import UNREADABLE
from broadsheet.listings import ROUNDS, pause
from broadsheet.reconcile import Reconciler, messages_for
from broadsheet.record import remember
from broadsheet.schedule import Schedules
from broadsheet.sources import Sources

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from broadsheet.index import Place
    from broadsheet.settings import Settings
    from broadsheet.store import Store, Stored

Part = Literal["indexes", "aliases", "redirects", "articles", "media", "objects", "schedules"]
PARTS: tuple[Part, ...] = get_args(Part)
# Keys of a step: an index takes a call for each of its entries, an old address five, what the edge
# is told two, an article eight, a picture and a schedule two, an object one. Of redirects there
# come 50.
KEYS: Mapping[Part, int] = {
    "indexes": 1,
    "aliases": 100,
    "redirects": 50,
    "articles": 100,
    "media": 250,
    "objects": 500,
    "schedules": 100,
}
# Seconds before what differs is looked at again.
SECOND_LOOK = 3.0
# Follows every key of the function's own.
_AFTER_STATE = "_\U0010ffff"


@dataclass(frozen=True)
class Walk:
    """Where a step begins: behind a key of a part, or of schedules at the token of a page."""

    part: Part = PARTS[0]
    after: str = ""

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """The walk that a message names. Raises ValueError."""
        match value:
            case {"part": str(part), "after": str(after)}:
                for known in PARTS:
                    if part == known:
                        return cls(known, after)
        if value:
            raise ValueError(f"verify has no step {dict(value)!r}")
        return cls()

    def to_json(self) -> dict[str, str]:
        """The walk as a message names it."""
        return {"part": self.part, "after": self.after}

    def __str__(self) -> str:
        return f"verify {self.part} after {self.after or 'the beginning'}"


@dataclass(frozen=True)
class Repairs:
    """Keys that are to be reconciled, and places of which the listings are to be mended."""

    keys: frozenset[str] = frozenset()
    places: frozenset[Place] = frozenset()

    @classmethod
    def of(cls, stored: Stored | None) -> Self:
        """Those that were written down; none where they can't be read."""
        try:
            value = json.loads(stored.data) if stored else {"keys": [], "places": []}
            return cls(
                frozenset(str(key) for key in value["keys"]),
                frozenset((str(topic), str(month)) for topic, month in value["places"]),
            )
        except UNREADABLE:
            return cls()

    def to_bytes(self) -> bytes:
        """As they are written down."""
        return json.dumps({"keys": sorted(self.keys), "places": sorted(self.places)}).encode()

    def __or__(self, other: Repairs) -> Repairs:
        return Repairs(self.keys | other.keys, self.places | other.places)


@dataclass(frozen=True)
class Step:
    """What a step found among so many keys, and where the next begins."""

    differences: tuple[Difference, ...]
    checked: int
    then: Walk | None


class Verifier:
    """Compares one site with its sources, step by step. Raises UnavailableError, as the store."""

    def __init__(self, store: Store, settings: Settings) -> None:
        self._store = store
        self._settings = settings

    def steps(self, walk: Walk, *, repair: bool) -> Iterator[tuple[Walk, Step]]:
        """Go on from a step, each being repaired, if it is to be, once the next is asked for.

        Where repairs go through a queue, only one step is taken, and then the next sent there.
        """
        following: Walk | None = walk
        while following:
            step = self.step(following)
            yield following, step
            following = step.then
            if repair:
                self.repair(step.differences)
                if following and self._settings.queue_url:
                    self._store.send([json.dumps({"verify": following.to_json()})])
                    return

    def step(self, walk: Walk) -> Step:
        """Compare some keys, twice if something differs."""
        keys, then = self._keys(walk)
        differences = self._compare(walk.part, keys)
        if differences:
            time.sleep(SECOND_LOOK)
            again = set(self._compare(walk.part, keys))
            differences = [difference for difference in differences if difference in again]
        return Step(tuple(differences), len(keys), then)

    def repair(self, differences: Iterable[Difference]) -> None:
        """Repair what can be, keys through the queue where there is one.

        Invalidations are by path: what somebody else wrote need not have had a tag.
        """
        ours = [difference for difference in differences if not difference.foreign]
        keys: set[str] = set()
        mend: set[Place] = set()
        aliases: set[str] = set()
        for difference in ours:
            keys |= difference.keys
            mend |= difference.mend
            aliases |= difference.aliases
            found = (difference.places, difference.moments, difference.aliases)
            previews = difference.previews
            for key in difference.keys if any((*found, previews)) else ():
                if path := addresses.article_path(key):
                    remember(self._store, path, *found, previews=previews)
        if aliases:
            Reconciler(self._store, self._settings).settle_aliases(sorted(aliases))
        pictures = sorted(key for key in keys if key.startswith(addresses.MEDIA))
        if pictures and self._settings.media_queue_url:
            self._store.send(messages_for(pictures), self._settings.media_queue_url)
        self._carry_out(Repairs(frozenset(keys.difference(pictures)), frozenset(mend)))

    def _carry_out(self, repairs: Repairs) -> None:
        """Do these, and those that an attempt that died has written down."""
        stored = self._store.read_state(addresses.REPAIRS)
        for attempt in range(ROUNDS):
            repairs |= Repairs.of(stored)
            if repairs == Repairs():
                return
            try:
                replaces = stored.etag if stored else None
                tag = self._store.write_state(addresses.REPAIRS, repairs.to_bytes(), replaces)
            except ConflictError:
                pause(attempt)
                stored = self._store.read_state(addresses.REPAIRS)
            else:
                break
        else:
            raise ContendedError(f"{addresses.REPAIRS} kept changing")
        self._do(repairs)
        with suppress(ConflictError):  # by who has written these down, too, and does them again
            self._store.write_state(addresses.REPAIRS, Repairs().to_bytes(), tag)

    def _do(self, repairs: Repairs) -> None:
        reconciler = Reconciler(self._store, self._settings)
        keys, places = sorted(repairs.keys), sorted(repairs.places)
        for i in range(0, len(places), MONTHS):
            reconciler.mend(places[i : i + MONTHS])
        if keys and self._settings.queue_url:
            self._store.send(messages_for(keys, by_path=True))
        elif keys:
            for error in reconciler.reconcile(keys, by_path=True).failures.values():
                raise error

    def _keys(self, walk: Walk) -> tuple[list[str], Walk | None]:
        limit = KEYS[walk.part]
        following = [Walk(part) for part in PARTS[PARTS.index(walk.part) + 1 :]]
        if walk.part == "redirects":
            return self._redirects(walk, following[0])
        if walk.part == "schedules":
            if not self._settings.schedule_group:
                return [], None
            names, token = self._store.list_schedules(walk.after, limit)
            return names, Walk(walk.part, token) if token else None
        if walk.part in {"articles", "media"}:
            folder = addresses.ARTICLES if walk.part == "articles" else addresses.MEDIA
            keys = self._store.list_source(folder, walk.after or folder, limit)
        else:
            prefix = {"indexes": "_index/", "aliases": "_alias/"}.get(walk.part, "")
            keys = self._store.list_site(prefix, walk.after, limit)
        then = Walk(walk.part, keys[-1]) if keys else next(iter(following), None)
        if walk == Walk():
            # The one index that there must be, listed or not.
            keys = sorted({addresses.ROOT_INDEX, *keys})
        if walk.part == "objects":
            public = [key for key in keys if not key.startswith("_")]
            if keys and not public:
                then = Walk(walk.part, _AFTER_STATE)
            keys = public
        return keys, then

    def _redirects(self, walk: Walk, following: Walk) -> tuple[list[str], Walk]:
        """The old addresses of which the edge is told; a token of the store says where to go on."""
        if not self._settings.redirects_store:
            return [], following
        found, token = self._store.list_redirects(walk.after)
        return sorted(found), Walk(walk.part, token) if token else following

    def _compare(self, part: Part, keys: list[str]) -> list[Difference]:
        look = Look(
            self._store,
            Sources(self._store, self._settings),
            Schedules(self._store, self._settings),
            self._settings.redirects_store or redirects.NO_STORE,
        )
        if part == "indexes":
            found = [look.index(key) for key in keys]
        else:
            looks = {
                "articles": look.article,
                "media": look.picture,
                "aliases": look.alias,
                "redirects": look.redirect,
                "objects": look.object,
                "schedules": look.schedule,
            }
            found = self._store.each(looks[part], keys)
        return [difference for differences in found for difference in differences]
