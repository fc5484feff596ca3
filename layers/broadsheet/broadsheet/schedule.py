"""When an article is public, and what wakes the function when that changes by itself.

What the site must have of an article is a function of its source and of the time, and changes at
``published_at``, at ``expires_at`` and at ``preview_until``. For the next of these moments there is
a one-time schedule of EventBridge Scheduler, which sends the article's key to the queue. It is a
hint like any other: whoever takes the message looks at the clock, and at the article.

A schedule's name has the moment in it. So none is ever changed, and one that is just being carried
out and deleted by itself is never in the way of the next.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Self

from broadsheet import addresses
from broadsheet.article import OBJECT_BYTES, is_later
from broadsheet.errors import UnavailableError
from broadsheet.record import Record, change
from broadsheet.validation import Problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from broadsheet.article import Article
    from broadsheet.settings import Settings
    from broadsheet.store import Store, Stored

Phase = Literal["published", "draft", "withdrawn", "scheduled", "expired"]

# A schedule is never set for sooner: its time must not be over before AWS has it, whatever that
# call may take, nor may a clock that is behind AWS's keep setting it for now.
AHEAD = timedelta(seconds=30)
# What is due so soon may be on its way: AWS fires within the minute.
# https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
SOON = timedelta(minutes=5)
# Of what gets another time very often, no more of the times before are known at once.
MOST_MOMENTS = 16
# Uploads kept from the first look at a batch until their own turn.
KEPT_BYTES = 256 * 1024
_DOWN = ("draft", "withdrawn", "withheld", "canceled")
_TAKEN_BACK = rf'(?i)"(?:pub)?status"\s*:\s*"(?:{"|".join(_DOWN)})"'.encode()

NOTHING_RELEASES = (
    "expected a deployment with schedules (SCHEDULE_GROUP); in this one nothing acts at that time"
)


class Standing(NamedTuple):
    """What the site must have of an article at a time, and ``until`` when, if that ends by itself.

    An article that ``is_listed`` has a page; a page without that asks not to be indexed.
    ``preview_until`` is when its preview ends, if it has one.
    """

    phase: Phase
    has_page: bool
    is_listed: bool
    until: datetime | None = None
    preview_until: datetime | None = None

    @classmethod
    def of(cls, article: Article, now: datetime) -> Self:
        """What an article is now.

        One that was withdrawn before its time stays hidden until then, too: the notice would show
        the headline.
        """
        preview = article.preview_until if _lies_ahead(article.preview_until, now) else None
        if article.status == "draft":
            return cls("draft", has_page=False, is_listed=False, preview_until=preview)
        withdrawn = article.status == "withdrawn"
        if now < article.published_at:
            at = article.published_at
            if withdrawn:
                return cls("withdrawn", has_page=False, is_listed=False, until=at)
            preview = min(preview, at) if preview else None
            return cls(
                "scheduled", has_page=False, is_listed=False, until=at, preview_until=preview
            )
        if withdrawn:
            return cls("withdrawn", has_page=True, is_listed=False)
        if article.expires_at and article.expires_at <= now:
            return cls("expired", has_page=article.expiry == "unlist", is_listed=False)
        return cls("published", has_page=True, is_listed=True, until=article.expires_at)

    @property
    def next_moment(self) -> datetime | None:
        """When anything of this ends by itself, if it does."""
        return min(filter(None, (self.until, self.preview_until)), default=None)

    @property
    def scheduled_for(self) -> datetime | None:
        """When it will be published, if it is held back."""
        return self.until if self.phase == "scheduled" else None

    @property
    def expires_at(self) -> datetime | None:
        """When it will expire, if it is listed."""
        return self.until if self.phase == "published" else None

    def unattended(self) -> tuple[Problem, ...]:
        """What is told where nothing will act when it ends."""
        name = "expires_at" if self.expires_at else "published_at"
        ahead = [name] if self.until else []
        ahead += ["preview_until"] if self.preview_until else []
        return tuple(Problem(f"/{name}", f"lies ahead; {NOTHING_RELEASES}") for name in ahead)


def _lies_ahead(moment: datetime | None, now: datetime) -> bool:
    return moment is not None and now < moment


class Schedules:
    """The schedules of a deployment, if it has any."""

    def __init__(self, store: Store, settings: Settings) -> None:
        self._store = store
        self.exist = bool(settings.schedule_group)

    def settle(self, path: str, until: datetime | None, known: Iterable[datetime]) -> None:
        """Have a path looked at again once ``until`` is over, and at no other moment.

        The moment is recorded before its schedule is set, and those that are ``known`` from the
        record are deleted. They are forgotten only when they are over: who has recorded one may be
        slow, and set its schedule after it was deleted, and comes again, or is called again. And
        whoever has deleted what another needs looks at the source, and the clock, once more.
        """
        others = frozenset(known)
        if not self.exist or not (until or others):
            return
        key = addresses.source_key(path)
        now = self._store.now()
        if until:
            at = moment(until, now)
            _, record = change(self._store, path, lambda r: _with(r, at))
            self._store.put_schedule(name_of(key, at), at, body_of(key))
            others = (others | (record.moments if record else frozenset())) - {at}
        for one in others:
            # What is due deletes itself. What is so by others' clocks, if they are slow, has them
            # look again at what they took for held back still: it is to come, and does no harm.
            if one > now + AHEAD:
                self._store.delete_schedule(name_of(key, one))
        over = frozenset(one for one in others if one <= now)
        over = others if len(others) >= MOST_MOMENTS else over
        if over:
            change(self._store, path, lambda r: r and r._replace(moments=r.moments - over))

    def differs(self, path: str, until: datetime) -> str:
        """The name of the schedule for that moment, if it is not there as it should be.

        What is due soon is not looked at.
        """
        if not self.exist or until - self._store.now() < SOON:
            return ""
        key = addresses.source_key(path)
        at = rounded(until)
        name = name_of(key, at)
        return "" if self._store.has_schedule(name, at, body_of(key)) else name

    def is_surplus(self, at: datetime, until: datetime | None) -> bool:
        """Whether a schedule for ``at`` is for another moment than that, and not due soon."""
        wanted = rounded(until) if until else None
        return at != wanted and at - self._store.now() >= SOON


def _with(record: Record | None, at: datetime) -> Record:
    old = record or Record(unseen=True)
    return old._replace(moments=old.moments | {at})


def moment(until: datetime, now: datetime) -> datetime:
    """When to look again, in whole seconds: never before ``until``, nor too soon to be set."""
    return rounded(max(until, now + AHEAD))


def rounded(until: datetime) -> datetime:
    """A moment in whole seconds, never earlier, in UTC."""
    return datetime.fromtimestamp(math.ceil(until.timestamp()), UTC)


def name_of(key: str, at: datetime) -> str:
    """The name of the schedule that has a source key looked at."""
    return f"{hashlib.sha256(key.encode()).hexdigest()[:40]}-{at:%Y%m%dT%H%M%S}"


def moment_in(name: str) -> datetime | None:
    """The moment in a schedule's name; None of a name that is none of ours."""
    try:
        return datetime.strptime(name.partition("-")[2], "%Y%m%dT%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        return None


def body_of(key: str) -> str:
    """The message that a schedule sends."""
    return json.dumps({"reconcile": {"keys": [key]}})


def key_in(body: str) -> str | None:
    """The key in a message that a schedule sends; None of any other message."""
    try:
        (key,) = json.loads(body)["reconcile"]["keys"]
    except (ValueError, KeyError, TypeError):
        return None
    return key if isinstance(key, str) else None


# What goes, before all else


def going_first(store: Store, keys: Sequence[str]) -> tuple[list[str], dict[str, Stored]]:
    """Those of the keys whose articles seem to go down, and uploads that were read for it.

    It decides nothing but the order: what is taken from the site must not wait until everything
    else of its batch is rendered.
    """
    now = store.now()
    read: dict[str, Stored] = {}

    def goes(key: str) -> bool:
        path = addresses.article_path(key)
        if path is None:
            return False
        try:
            stored = store.read_source(key, OBJECT_BYTES)
            if stored and len(stored.data) <= KEPT_BYTES:
                read[key] = stored
            if stored and not _seems_down(stored.data, now):
                return False
            record = Record.of(store.read_state(addresses.record_key(path)))
        except UnavailableError:
            return False
        return record is not None and not record.unseen

    return [key for key, first in zip(keys, store.each(goes, keys), strict=True) if first], read


def _seems_down(data: bytes, now: datetime) -> bool:
    """Whether an upload, if it can be used at all, is in no list."""
    if len(data) > KEPT_BYTES:
        # To parse it twice would take too long, and here it is enough to guess.
        return re.search(_TAKEN_BACK, data) is not None
    try:
        document: Any = json.loads(data)
    except (ValueError, RecursionError):
        return False
    if not isinstance(document, dict):
        return False
    said = [document.get(name) for name in ("status", "pubStatus", "pubstatus")]
    if any(status in _DOWN for status in said):
        return True
    at = now.isoformat()
    expires_at = document.get("expires_at")
    over = expires_at is not None and not is_later(expires_at, at)
    return over or is_later(document.get("published_at"), at)
