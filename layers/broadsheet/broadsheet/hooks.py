"""Events for others: an article was published, rejected, removed or scheduled.

An event tells of a change of what became of a key, never of a delivery. For that, each receipt
bears a mark: a digest of what it speaks of (key, status, upload, picture), and one of the mark that
it replaces. Where the first half is what the receipt bears already, there is nothing to tell: not
to a duplicate, not when site.json makes every article anew. Both halves are the event's id. So a
retry sends the same event under the same id, and what comes back later (a deletion undone) is told
under another. Events go out after the invalidation and before the receipt, hence at least once.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any, NamedTuple

from broadsheet import addresses
from broadsheet.errors import UnavailableError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from broadsheet.index import Entry, Place
    from broadsheet.settings import Settings
    from broadsheet.site_config import SiteConfig
    from broadsheet.sources import Outcome, Upload
    from broadsheet.store import Store

SOURCE = "broadsheet"
REMOVED = "ArticleRemoved"
# By the receipt's status; any other means that the article is in no list any more.
KINDS = {
    "published": "ArticlePublished",
    "rejected": "ArticleRejected",
    "scheduled": "ArticleScheduled",
}
# What one call takes; of its 256 KB something is left for the entries' other fields.
# https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevents.html
MOST_EVENTS = 10
MOST_BYTES = 250_000
# An event names no more errors, nor more of each, and feeds of no more topics.
MOST_ERRORS = 20
_PATH_CHARACTERS, _MESSAGE_CHARACTERS = 200, 500
MOST_TOPICS = 20


class Change(NamedTuple):
    """What became of a key, and what it needs to tell of it.

    ``version`` identifies the upload and the picture that it shows. ``places`` are all that the
    article was ever listed in; ``public`` tells that it has a page, or had one, and ``announced``
    that others were told of it at least.
    """

    outcome: Outcome
    version: str = ""
    entry: Entry | None = None
    places: frozenset[Place] = frozenset()
    public: bool = False
    announced: bool = False

    @classmethod
    def of(
        cls, upload: Upload, places: frozenset[Place], *, public: bool, announced: bool
    ) -> Change:
        """The change that an upload makes."""
        image = upload.entry.image if upload.entry else None
        version = " ".join((*(upload.state or ()), image.digest if image else ""))
        return cls(upload.outcome, version, upload.entry, places, public, announced)

    @property
    def kind(self) -> str:
        """The event's detail-type."""
        return KINDS.get(self.outcome.status, REMOVED)

    @property
    def concerns_others(self) -> bool:
        """Whether anybody can have known of it: nobody is told that a first draft was removed."""
        return self.public or self.announced or self.kind != REMOVED


class News(NamedTuple):
    """A change, the mark for its receipt ("" for none), and whether there is something to tell."""

    change: Change
    mark: str
    untold: bool


class Hooks:
    """Tells of changes on the event bus, if there is one."""

    def __init__(self, store: Store, settings: Settings, config: SiteConfig) -> None:
        self._store = store
        self._settings = settings
        self._config = config

    def look(self, change: Change, before: str) -> News:
        """See whether a change is news, by the mark of the key's receipt ``before``.

        Who has one was told of the key before, whatever else is known of it.
        """
        outcome = change.outcome
        what = _digest(outcome.key, outcome.status, change.version)
        known = bool(before) or change.concerns_others
        if not self._settings.event_bus:
            return News(change, what + _digest() if known else "", untold=False)
        if before.startswith(what):
            return News(change, before, untold=False)
        return News(change, what + _digest(before) if known else "", untold=known)

    def send(self, news: Iterable[News]) -> dict[str, UnavailableError]:
        """Send the events of what is untold; by key, why some could not be sent.

        The bus may take some events of a call and refuse others.
        """
        failures: dict[str, UnavailableError] = {}
        for batch in _batches([self._entry(one) for one in news if one.untold]):
            keys, entries = zip(*batch, strict=True)
            try:
                refusals = self._store.put_events(entries)
            except UnavailableError as error:
                failures |= dict.fromkeys(keys, error)
                continue
            for key, refusal in zip(keys, refusals, strict=True):
                if refusal:
                    failures[key] = UnavailableError(f"PutEvents: {refusal}")
        return failures

    def _entry(self, news: News) -> tuple[str, dict[str, str]]:
        change = news.change
        detail = json.dumps(self._detail(change, news.mark), ensure_ascii=False)
        entry = {"Source": SOURCE, "DetailType": change.kind, "Detail": detail}
        return change.outcome.key, entry

    def _detail(self, change: Change, event_id: str) -> dict[str, Any]:
        """What the event says: schemas/event.schema.json."""
        outcome, entry = change.outcome, change.entry
        site_url = self._settings.site_url
        path = addresses.article_path(outcome.key)
        url = f"{site_url}{addresses.url_path(addresses.page_key(path))}" if path else ""
        detail: dict[str, Any] = {
            "id": event_id,
            "site": site_url,
            "key": outcome.key,
            "status": outcome.status,
            "url": outcome.url if outcome.status == "rejected" else url,
        }
        if outcome.status == "rejected":
            return detail | {"errors": _errors(outcome)}
        if outcome.scheduled_for:
            detail["scheduled_for"] = outcome.scheduled_for.isoformat()
        if entry:
            detail |= {
                "title": entry.title,
                "topics": [{"slug": topic.slug, "label": topic.label} for topic in entry.topics],
                "published_at": entry.published_at.isoformat(),
            }
            if entry.updated_at:
                detail["updated_at"] = entry.updated_at.isoformat()
        if change.public:
            detail["feeds"] = [f"{site_url}/{key}" for key in _feeds(change)]
            if self._config.websub_hub:
                detail["websub_hub"] = self._config.websub_hub
            if self._config.indexnow_key:
                detail["indexnow_key"] = self._config.indexnow_key
        return detail


def _digest(*parts: str) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]


def _errors(outcome: Outcome) -> list[dict[str, str]]:
    return [
        {"path": error.path[:_PATH_CHARACTERS], "message": error.message[:_MESSAGE_CHARACTERS]}
        for error in outcome.errors[:MOST_ERRORS]
    ]


def _feeds(change: Change) -> list[str]:
    """The keys of the feeds that show the article or, where it was listed before, showed it."""
    now = {topic.slug for topic in change.entry.topics} if change.entry else set()
    before = {topic for topic, _ in change.places} - now - {""}
    topics = ["", *[*sorted(now), *sorted(before)][:MOST_TOPICS]]
    return [f"{addresses.folder(topic)}{feed}" for topic in topics for feed in addresses.FEEDS]


def _batches(
    events: list[tuple[str, dict[str, str]]],
) -> Iterator[list[tuple[str, dict[str, str]]]]:
    """Events in as many calls as their number and size need."""
    batch: list[tuple[str, dict[str, str]]] = []
    size = 0
    for event in events:
        length = len(event[1]["Detail"].encode())
        if batch and (len(batch) == MOST_EVENTS or size + length > MOST_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(event)
        size += length
    if batch:
        yield batch
