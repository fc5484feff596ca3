"""What the source bucket says that the site must have.

A key is only a hint; what lies there now decides, or where that can't be used, the newest version
before it that can. So the site is a function of the source bucket alone and, of articles that have
a time to wait for, of the time.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from copy import copy
from dataclasses import replace
from datetime import datetime
from functools import lru_cache
from threading import Lock
from types import MappingProxyType
from typing import Any, Generic, Literal, NamedTuple, Self, TypeVar

from broadsheet import addresses, markdown, redirects
from broadsheet.article import OBJECT_BYTES, Article, Image
from broadsheet.errors import InvalidError
from broadsheet.index import UNREADABLE, Entry, Place
from broadsheet.manifest import Manifest
from broadsheet.page import Drawing, Page
from broadsheet.render import Renderer
from broadsheet.schedule import AHEAD, Standing
from broadsheet.segment import Document
from broadsheet.settings import Settings
from broadsheet.site_config import SiteConfig
from broadsheet.store import Store, Stored
from broadsheet.validation import Problem
from broadsheet.validation import shown as described

SITE_BYTES = 64 * 1024
NO_PICTURE = "expected a picture that was uploaded under that key; without it the page has none"
# Of the versions before an unusable upload, so many times its limit are read in all.
EARLIER_UPLOADS = 2

Status = Literal["published", "draft", "withdrawn", "scheduled", "expired", "removed", "rejected"]
V = TypeVar("V")
Picture = tuple[str, str | None]  # NAME, and its manifest's entity tag


class Outcome(NamedTuple):
    """What became of one key; ``url`` is where its page is live, "" where there is none.

    ``state`` identifies the upload that was looked at, if there was one. ``scheduled_for``,
    ``expires_at`` and ``preview_until`` are when that will change by itself.
    """

    key: str
    status: Status
    url: str = ""
    errors: tuple[Problem, ...] = ()
    warnings: tuple[Problem, ...] = ()
    state: tuple[str, str] | None = None
    scheduled_for: datetime | None = None
    expires_at: datetime | None = None
    preview_url: str = ""
    preview_until: datetime | None = None

    def receipt(self) -> dict[str, Any]:
        """The outcome as its receipt says it. By its upload an old receipt is told from a new one.

        Nothing else tells them apart for sure: S3 counts times in seconds.
        """
        said = {"status": self.status, "key": self.key, "url": self.url}
        if self.preview_url:
            said["preview_url"] = self.preview_url
        for name in ("scheduled_for", "expires_at", "preview_until"):
            if moment := getattr(self, name):
                said[name] = moment.isoformat()
        warnings = {"warnings": _listed(self.warnings)} if self.warnings else {}
        upload = {"upload": _upload(*self.state)} if self.state else {}
        return {**said, "errors": _listed(self.errors), **warnings, **upload}


def _upload(etag: str, version: str) -> dict[str, str]:
    return {"etag": etag.strip('"'), "version": version}


def _listed(problems: tuple[Problem, ...]) -> list[dict[str, str]]:
    return [{"path": problem.path, "message": problem.message} for problem in problems]


class Upload(NamedTuple):
    """A source key as read: what the site must have for it.

    ``state`` identifies what was read, ``picture`` the manifest that its picture follows.
    ``aliases`` are the old addresses that must lead to the page, each with its position among the
    article's, and ``claimed_at`` the date by which it claims them.
    ``usable`` is false where the upload can't be used and no earlier version can: then the site
    stays as it is. ``until`` is when something else is due without another upload, if ever.
    ``secret`` identifies what the address of its ``preview`` was made of.
    """

    path: str
    state: tuple[str, str] | None
    outcome: Outcome
    page: Page | None = None
    card: Drawing | None = None
    entry: Entry | None = None
    document: Document | None = None
    usable: bool = True
    picture: Picture | None = None
    aliases: Mapping[str, int] = MappingProxyType({})
    claimed_at: str = ""
    until: datetime | None = None
    preview: Page | None = None
    secret: tuple[str, str] | None = None

    def written(self) -> Self:
        """The same without the bytes of page and preview."""
        page = self.page and replace(self.page, body=b"")
        preview = self.preview and replace(self.preview, body=b"")
        return self._replace(page=page, preview=preview)

    @property
    def previews(self) -> frozenset[str]:
        """The token of its preview, if it is to have one."""
        token = addresses.previewed(self.preview.key) if self.preview else None
        return frozenset({token} if token else ())

    @property
    def places(self) -> frozenset[Place]:
        """Where the article belongs."""
        return self.entry.places if self.entry else frozenset()


class Reading(NamedTuple, Generic[V]):
    """An upload as read: what it says, if anything usable; its state; and what is wrong with it.

    ``gone`` tells that there is none, or none since it was last deleted but unusable ones. Without
    it and without a value nothing is known of a good version: what is live stays.
    """

    value: V | None
    state: tuple[str, str] | None
    problems: tuple[Problem, ...] = ()
    gone: bool = False


class _Rendered(NamedTuple):
    """An article with its image as it can be shown, what is missing for that, its page and card.

    And what lists show of it, and search knows, if anything: as the time is.
    """

    article: Article
    standing: Standing
    picture: Picture | None = None
    missing: tuple[Problem, ...] = ()
    page: Page | None = None
    card: Drawing | None = None
    entry: Entry | None = None
    document: Document | None = None
    preview: Page | None = None


# The site.json of each bucket that this process read last.
_last_site: dict[str, Reading[SiteConfig]] = {}


# It keeps what it has rendered, until site.json is another.
_renderer = lru_cache(maxsize=1)(Renderer)


class Sources:
    """The source bucket under one site.json, which is read at once.

    ``site`` identifies that site.json, ``outcome`` is its own; ``renderer`` was made for it. Unless
    it is to be ``fresh``, it may be one that an earlier invocation of this process read: that saves
    a request, and the site's index tells whether it still is the right one.
    Of the articles, those that were ``read`` before are not read again. They are all looked at as
    of the time at which this begins. Raises UnavailableError where a read fails.
    """

    def __init__(
        self,
        store: Store,
        settings: Settings,
        *,
        fresh: bool = True,
        read: dict[str, Stored] | None = None,
    ) -> None:
        self._store = store
        self._now = store.now()
        self._read = {} if read is None else read
        self._scheduling = bool(settings.schedule_group)
        self._parsing = Lock()
        self._secret: Stored | None = None
        key = addresses.SITE_JSON
        known = None if fresh else _last_site.get(settings.source_bucket)
        reading = known or newest_good(store, key, SITE_BYTES, SiteConfig.parse)
        _last_site[settings.source_bucket] = reading
        status: Status = "published" if reading.state else "removed"
        status = "rejected" if reading.problems else status
        self.outcome = Outcome(
            key, status, f"{settings.site_url}/", reading.problems, state=reading.state
        )
        self.site = " ".join(reading.state) if reading.state else "none"
        self.config = reading.value or SiteConfig()
        self.renderer = _renderer(settings.site_url, self.config)
        self._site_url = settings.site_url

    def article(self, path: str) -> Upload:
        """What the site must have for a path. Raises UnavailableError."""
        key = addresses.source_key(path)
        reading = newest_good(
            self._store,
            key,
            OBJECT_BYTES,
            lambda data: self._render(path, data),
            self._read.pop(key, None),
        )
        rejected = bool(reading.problems)
        status: Status
        if reading.value is None:
            status = "rejected" if rejected else "removed"
            outcome = Outcome(key, status, "", reading.problems, state=reading.state)
            return Upload(path, reading.state, outcome, usable=reading.gone)
        found, standing = reading.value, reading.value.standing
        aliases, others = redirects.aliases_of(path, found.article.aliases)
        url = self._site_url + addresses.url_path(found.page.key) if found.page else ""
        outcome = Outcome(
            key,
            "rejected" if rejected else standing.phase,
            url,
            reading.problems,
            found.missing + others + (() if self._scheduling else standing.unattended()),
            reading.state,
            standing.scheduled_for,
            standing.expires_at,
            self._site_url + addresses.url_path(found.preview.key) if found.preview else "",
            standing.preview_until,
        )
        return Upload(
            path,
            reading.state,
            outcome,
            found.page,
            found.card,
            found.entry,
            found.document,
            picture=found.picture,
            until=standing.next_moment,
            preview=found.preview,
            secret=_state(self._secret) if found.preview and self._secret else None,
            aliases=aliases if found.page else {},
            claimed_at=redirects.claimed_at(found.article.published_at),
        )

    def ahead(self) -> Self:
        """The same as it is by a clock that is as far ahead of this one as any may be."""
        sources = copy(self)
        sources._now = self._now + AHEAD  # noqa: SLF001 (its own)
        return sources

    def has_changed(self, upload: Upload) -> bool:
        """Whether something else is due of an article by now. Raises UnavailableError."""
        if upload.until and upload.until <= self._store.now():
            return True
        return self._store.source_state(upload.outcome.key) != upload.state

    def have_moved(self, upload: Upload) -> bool:
        """Whether an article or its picture is no longer what was read. Raises UnavailableError.

        Nor is a preview where it was, once there is another secret.
        """
        if self.has_changed(upload):
            return True
        secret = addresses.PREVIEW_SECRET
        if upload.preview and self._store.source_state(secret) != upload.secret:
            return True
        if upload.picture is None:
            return False
        name, etag = upload.picture
        return self._store.state_tag(addresses.manifest_key(name)) != etag

    def _render(self, path: str, data: bytes) -> _Rendered:
        """An article and its page. A draft is rendered too, so that its problems show in time.

        So is what is held back until its time, of which nothing is kept either.
        """
        # One at a time: it is no slower, and a batch of huge uploads needs the memory of one.
        with self._parsing:
            article = Article.parse(path, data)
        standing = Standing.of(article, self._now)
        rendered = _Rendered(article, standing)
        image = article.image
        if image and image.src.startswith(addresses.MEDIA):
            rendered = self._with_picture(rendered, image)
        article = rendered.article
        unlisted = standing.phase == "expired"
        with self._parsing:
            page = self.renderer.article(article, unlisted=unlisted)
            entry = Entry.of(article, self.config.timezone)
            document = self._document(article, entry)
        if standing.preview_until:
            with self._parsing:
                preview = self.renderer.preview(article, self._token(path))
            rendered = rendered._replace(preview=preview)
        if not standing.has_page:
            return rendered
        rendered = rendered._replace(page=page, card=self.renderer.card(article))
        if not standing.is_listed:
            return rendered
        return rendered._replace(entry=entry, document=document)

    def _document(self, article: Article, entry: Entry) -> Document | None:
        if article.status != "published":
            return None
        day = article.published_at.astimezone(self.config.timezone).day
        return Document.of(entry, markdown.to_text(article.body, article.body_place), day)

    def _token(self, path: str) -> str:
        """That of a path's preview. The secret is read once, and for the first that needs it."""
        if self._secret is None:
            self._secret = self._store.preview_secret()
        return addresses.preview_token(self._secret.data, path)

    def _with_picture(self, rendered: _Rendered, image: Image) -> _Rendered:
        picture, shown = None, None
        if image.name:
            stored = self._store.read_state(addresses.manifest_key(image.name))
            picture = image.name, stored.etag if stored else None
            with suppress(*UNREADABLE):
                shown = Manifest.from_bytes(stored.data).shown(image) if stored else None
        missing = () if shown else (missing_picture(image),)
        article = rendered.article._replace(image=shown)
        return rendered._replace(article=article, picture=picture, missing=missing)


def missing_picture(image: Image) -> Problem:
    """What is told of a picture that is not there."""
    return Problem("/image/src", f"is {described(image.src)}; {NO_PICTURE}")


def newest_good(
    store: Store,
    key: str,
    limit: int,
    parse: Callable[[bytes], V],
    stored: Stored | None = None,
) -> Reading[V]:
    """What an upload says or, where it can't be used, the newest version before it that can.

    So the good version stays live, whether or not it was reconciled before the bad one came.
    The upload is read, unless it is given as ``stored``.
    """
    stored = stored or store.read_source(key, limit)
    if stored is None:
        return Reading(None, None, gone=True)
    state = _state(stored)
    try:
        return Reading(parse(within(stored.data, limit)), state)
    except InvalidError as error:
        problems = tuple(error.problems)
    size = 0
    for version in store.earlier_versions(key):
        if version is None:
            return Reading(None, state, problems, gone=True)
        if size >= EARLIER_UPLOADS * limit:
            break
        older = store.read_source(key, limit, version)
        size += len(older.data) if older else 0
        with suppress(InvalidError):
            if older:
                return Reading(parse(within(older.data, limit)), state, problems)
    return Reading(None, state, problems)


def _state(stored: Stored) -> tuple[str, str]:
    return stored.etag, stored.version


def within(data: bytes, limit: int) -> bytes:
    """The data, unless it is longer than may be. Raises InvalidError."""
    if len(data) > limit:
        raise InvalidError([Problem("", f"has more than {limit:,} bytes; expected at most that")])
    return data
