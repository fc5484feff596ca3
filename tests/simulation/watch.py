"""What must hold: at every instant, and in the end."""

from __future__ import annotations

import json
import os
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from broadsheet import addresses
from broadsheet.schedule import rounded
from broadsheet.settings import Settings
from broadsheet.sources import Sources
from broadsheet.store import Store
from tests.newsroom import SOURCE, Newsroom
from tests.simulation.fences import Fences

if TYPE_CHECKING:
    from random import Random

    from tests.newsroom import Copy
    from tests.simulation.plan import Fault, Operation, Plan
    from tests.simulation.scheduler import Actor

# Rebuilds kept, of some 50 KB each.
REMEMBERED = 500

_REBUILT: dict[tuple[int, str], tuple[dict[str, Copy], dict[str, str]]] = {}


class Clock:
    """Lambda's context, as far as it tells the time; a plan decides when it is short."""

    aws_request_id = "simulated"

    def __init__(self) -> None:
        self.seconds = 300

    def get_remaining_time_in_millis(self) -> int:
        """What is left of the invocation."""
        return self.seconds * 1000


@dataclass
class Invocation:
    """What the world knows of an invocation under way or over.

    ``place`` is its number in a plan's storm, and negative in the calm before; ``order`` decides
    which of calls made in parallel comes first.
    """

    actor: Actor
    place: int
    order: Random
    began: int
    ended: int | None = None
    clock: Clock = field(default_factory=Clock)
    seen: Counter[str] = field(default_factory=Counter)
    fired: list[Fault] = field(default_factory=list)
    lasting: list[Fault] = field(default_factory=list)
    pages: set[str] = field(default_factory=set)
    owed: dict[str, Copy] = field(default_factory=dict)
    pending: tuple[str, dict[str, Any], Fault | None] | None = None
    out_of_memory: str = ""


class Watched(Newsroom):
    """A newsroom with an eye on every write.

    ``violations`` says in words what was broken; ``trace`` has every step; ``coverage`` counts.
    """

    def __init__(self, plan: Plan) -> None:
        super().__init__()
        self.plan = plan
        self.violations: list[str] = []
        self.coverage: Counter[str] = Counter()
        self.trace: list[str] = []
        self.uploaded: set[str] = set()
        self._by_actor: dict[Actor, Invocation] = {}
        self._excepted: set[str] = set()
        self._index_damaged = False
        self._fences = Fences()
        self._slipped: set[str] = set()
        self._dangling_now: set[tuple[str, str]] = set()
        # What must not be seen before its time: words of an upload. Some may be at a preview, of
        # the path given.
        self.embargoes: dict[bytes, datetime] = {}
        self._previewed: dict[bytes, str] = {}
        # What others have put there last, and what they have taken away.
        self._forged: dict[str, Copy] = {}
        self._robbed: set[str] = set()

    # What must hold at every instant

    def watch(self, invocation: Invocation, name: str, params: dict[str, Any]) -> None:
        """See what a call that was carried out has done."""
        key = params.get("Key", "")
        ours = params.get("Bucket") == self.site_bucket and not key.startswith("_")
        if ours and key.startswith("articles/"):
            link = key.removesuffix("/index.html")
            if name == "PutObject":
                invocation.pages.add(link)
                self._excepted.discard(link)
            elif name == "DeleteObject" and self._being_published(key, invocation):
                self._excepted.add(link)
            elif addresses.carded_path(key):
                invocation.pages.add(link)  # found, and perhaps good as it is
        if ours and name == "PutObject" and (copy := self._origin(key)):
            self.see_secrets(copy.body, key)
        self._see_fence(invocation, name, params)
        self._observe(name, params)
        if ours and name in {"PutObject", "DeleteObject"}:
            copy = self.cdn.get(key)
            if copy and copy != self._origin(key):
                invocation.owed[key] = copy
        if params.get("Bucket") == SOURCE and name == "PutObject" and key[:9] == "receipts/":
            self._check_receipt(invocation, key.removeprefix("receipts/"))
            self._check_told(key.removeprefix("receipts/"), params["Metadata"].get("event", ""))
        if name == "PutEvents":
            self._check_events(invocation, self.events[-len(params["Entries"]) :])

    def _see_fence(self, invocation: Invocation, name: str, params: dict[str, Any]) -> None:
        """Note listings that were written over newer ones, and no condition could have told."""
        key = params.get("Key", "")
        if params.get("Bucket") != self.site_bucket or addresses.paged_path(key):
            return
        # To look whether an index has moved tells nothing of the pages that it remembers.
        if (name == "HeadObject") != key.startswith("_index/"):
            self._fences.learns(invocation.place, key, swaps=name == "PutObject")
        elif name in {"PutObject", "DeleteObject"}:
            body = copy.body if (copy := self._origin(key)) else None
            slips = self._fences.passes(invocation.place, key, body)
            slips = slips and not {"IfMatch", "IfNoneMatch"}.isdisjoint(params)
            (self._slipped.add if slips else self._slipped.discard)(key)

    def see_upload(self, key: str, body: bytes) -> None:
        """Remember the title of an article that is held back, by which it can be told apart."""
        try:
            article = json.loads(body)
            moment = datetime.fromisoformat(article["published_at"])
        except (ValueError, KeyError, TypeError):
            return
        title, path = article["title"].encode(), addresses.article_path(key)
        if article.get("status") == "draft":
            moment = datetime.max.replace(tzinfo=UTC)
        if moment > self.now and len(title) > 1:
            self.embargoes[title] = moment
            if path and "preview_until" in article:
                self._previewed[title] = path

    def see_secrets(self, data: bytes, what: str) -> None:
        """See that nothing is public before its time."""
        for title, moment in self.embargoes.items():
            if title in data and moment > self.now and what != self._preview_of(title):
                self._violate(f"{what} shows {title.decode()}, which is held back until {moment}")

    def _preview_of(self, title: bytes) -> str:
        """The key at which an upload, by its title, may be seen before its time, if it ever may."""
        secret = self._backend().get_object(SOURCE, addresses.PREVIEW_SECRET)
        if title not in self._previewed or secret is None:
            return ""
        token = addresses.preview_token(secret.value, self._previewed[title])
        return addresses.preview_key(token)

    def damage(self, operation: Operation) -> bool:
        """Do to the site bucket what nobody should; false where there is nothing to do it to.

        Readers get to see it. What is written has the cache tag of what belongs there: by others an
        ordinary publish does not invalidate. What is put there and taken away again leaves no trace
        but a copy, of which nobody can know; here the CDN forgets it.
        """
        key, body = operation.key, operation.body
        there = self._origin(key)
        if operation.does == "forget" and there:
            index = json.loads(there.body)
            del index["newest" if "newest" in index else "entries"][:1]
            body = json.dumps(index).encode()
        if there is None and body is None:
            return False
        if key.startswith("_"):
            self._index_damaged = True
        if body is None:
            self.s3.delete_object(Bucket=self.site_bucket, Key=key)
            self._gone(key)
            self._robbed.add(key)
            if there == self._forged.get(key):
                self.cdn.pop(key, None)
            self._excepted.add(key.removesuffix("/index.html"))
            return True
        path = addresses.paged_path(key) or addresses.carded_path(key)
        tag = addresses.article_tag(path) if path else addresses.TAG_LISTINGS
        tags = {"cache-tag": f"{addresses.TAG_EVERYTHING},{tag}"}
        self.s3.put_object(Bucket=self.site_bucket, Key=key, Body=body, Metadata=tags)
        if copy := not key.startswith("_") and self._origin(key):
            self.cdn[key] = self._forged[key] = copy
            self._moved.pop(key, None)
            self._links[key] = set()
            self._shown[key] = set()
            if path:
                (self._pages if addresses.paged_path(key) else self._pictures).add(key)
        return True

    def _being_published(self, key: str, remover: Invocation) -> bool:
        """Whether another invocation, at work when this one was, has written the page.

        Of a card, whether it has written or found it, or written the page, which may name it.
        """
        links = {key.removesuffix("/index.html"), key.removesuffix("/card.png")}
        return any(
            not links.isdisjoint(other.pages)
            and (other.ended is None or other.ended > remover.began)
            for other in self._by_actor.values()
            if other is not remover
        )

    def _check_receipt(self, invocation: Invocation, key: str) -> None:
        """That of a published article comes after the CDN has been told: it is live."""
        receipt = self.receipt(key)
        if invocation.owed and receipt["status"] == "published":
            self._check_live(invocation, key, "receipt")
        times = ("scheduled_for", "expires_at", "preview_until")
        if moments := [datetime.fromisoformat(receipt[at]) for at in times if at in receipt]:
            self._check_scheduled(invocation, key, min(moments))

    def _check_scheduled(self, invocation: Invocation, key: str, moment: datetime) -> None:
        """What a receipt says will happen has its schedule, unless others were at work, too."""
        alone = all(
            other is invocation or (other.ended is not None and other.ended < invocation.began)
            for other in self._by_actor.values()
        )
        if alone and moment > self.now:
            found = [at for name, at in self.schedules().items() if name.rstrip("'") == key]
            if not any(at >= moment for at in found):
                self._violate(f"receipt for {key} says {moment}, for which there is no schedule")

    def _check_live(self, invocation: Invocation, key: str, what: str) -> None:
        path = addresses.article_path(key)
        own = path and addresses.page_key(path)
        for owed, copy in invocation.owed.items():
            told = self.cdn.get(owed) is not copy or self._is_unknown(owed)
            if not told and (owed == own or self._shows(owed, copy, path)):
                self._violate(f"{what} for {key} while the CDN has an old {owed}")

    def _is_unknown(self, page: str) -> bool:
        """Whether others have taken away all by which an article could be known until a verify."""
        path = addresses.paged_path(page)
        return path is not None and {page, addresses.record_key(path)} <= self._robbed

    def _shows(self, listing: str, old: Copy, path: str | None) -> bool:
        """Whether a listing shows an article, or its old copy does.

        Others may have failed in this invocation, and are to be told of when they come again.
        """
        link = f"articles/{path}".encode()
        now = self._origin(listing)
        shown = link in old.body or (now is not None and link in now.body)
        return shown and not listing.startswith("articles/")

    def _check_events(self, invocation: Invocation, events: list[dict[str, Any]]) -> None:
        """An article that is told to be published is live."""
        for event in events:
            if event["type"] == "ArticlePublished":
                self._check_live(invocation, event["key"], "event")

    def _check_told(self, key: str, mark: str) -> None:
        """What a receipt says was told before it, unless nobody can have known of the article."""
        if not self.plan.events or key == addresses.SITE_JSON:
            return
        told = [event for event in self.events if event["key"] == key]
        known = {"published", "rejected", "scheduled"}
        if any(e["type"] == "ArticlePublished" for e in told):
            known |= {"removed", "draft", "expired", "withdrawn"}
        receipt = self.receipt(key)
        if self._is_outdated(key, receipt):
            return  # Who told of what came since is to come again: this is no receipt of theirs.
        seen = receipt["status"] == "withdrawn" and receipt["url"]
        if (seen or receipt["status"] in known) and mark not in {event["id"] for event in told}:
            self._violate(f"receipt for {key} that nobody was told")

    def _is_outdated(self, key: str, receipt: dict[str, Any]) -> bool:
        found = self._backend().get_object(SOURCE, key)
        there = found.etag.strip('"') if found else None
        return bool(there != receipt.get("upload", {}).get("etag"))

    def _check_links(self) -> None:
        before = self._dangling_now
        self._dangling_now = {
            (listing, link)
            for listing, links in self._links.items()
            for link in links
            if f"{link}/index.html" not in self._pages
        } | {
            (page, picture)
            for page, pictures in self._shown.items()
            for picture in pictures - self._pictures
        }
        self._dangling_now |= {*self._led_astray()}
        for listing, link in sorted(self._dangling_now - before):
            said = f"{listing} links to {link}, which has no page"
            if addresses.carded_path(link):
                said = f"{listing} names {link}, which is not there"
            self.trace.append(f"  {said}")
            if self._index_damaged or link in self._excepted or listing in self._slipped:
                self.coverage["links excepted"] += 1
            else:
                self._violate(said)

    def _violate(self, text: str) -> None:
        if text not in self.violations:
            self.violations.append(text)

    # What must hold in the end

    def rebuilt_with_redirects(self) -> tuple[dict[str, Copy], dict[str, str]]:
        """What a clean rebuild gives; one serves all runs with the same uploads."""
        key = (self.plan.newest, self.history())
        if key not in _REBUILT:
            if len(_REBUILT) >= REMEMBERED:
                _REBUILT.clear()
            _REBUILT[key] = super().rebuilt_with_redirects()
        return _REBUILT[key]

    def check(self) -> None:
        """Compare what is there with a clean rebuild, and the CDN with what is there."""
        known = set(self.keys(SOURCE))
        for key in sorted(self.uploaded):
            if addresses.receipt_key(key) not in known:
                self._violate(f"no receipt for {key}: its message was lost")
        self._check_sources(known)
        site = self.site()
        rebuilt, redirects = self.rebuilt_with_redirects()
        self._check_redirects(redirects)
        for key in sorted(site.keys() | rebuilt.keys()):
            if key not in site:
                self._violate(f"{key} is missing")
            elif key not in rebuilt:
                if not self._is_left(key):
                    self._violate(f"{key} should not exist")
            elif site[key] != rebuilt[key]:
                self._violate(f"{key} differs from a rebuild")
        for key, copy in sorted(self.cdn.items()):
            if copy != site.get(key):
                self._violate(f"the CDN has an old {key}")

    def _is_left(self, key: str) -> bool:
        """Whether others have put it where an article lies of which no version can be used."""
        path = addresses.paged_path(key) or addresses.carded_path(key)
        if not path or self._origin(key) != self._forged.get(key):
            return False
        receipt = addresses.receipt_key(addresses.source_key(path))
        found = self._backend().get_object(SOURCE, receipt)
        return found is not None and json.loads(found.value)["status"] == "rejected"

    def _check_redirects(self, rebuilt: dict[str, str]) -> None:
        """Compare the store of redirects with what a clean rebuild tells it."""
        for path in sorted(self.redirects().keys() | rebuilt.keys()):
            found, wanted = self.redirects().get(path), rebuilt.get(path)
            if found != wanted:
                self._violate(f"the store leads from {path} to {found}, a rebuild to {wanted}")

    def _check_sources(self, known: set[str]) -> None:
        """Compare schedules and receipts with what is uploaded, and the time.

        There is a schedule for each article that waits for its time, and no other. Of a receipt the
        warnings may be old, where no queue tells those who have lost an old address.
        """
        settings = Settings.from_environment(os.environ)
        sources = Sources(Store(settings, now=lambda: self.now), settings)
        paths = {path for key in self.uploaded if (path := addresses.article_path(key))}
        uploads = [sources.article(path) for path in sorted(paths)]
        wanted = {u.outcome.key: rounded(u.until) for u in uploads if u.until}
        for key in sorted(wanted.keys() | self.schedules().keys()):
            if wanted.get(key) != self.schedules().get(key):
                what = f"{self.schedules().get(key)}, wanted is {wanted.get(key)}"
                self._violate(f"the schedule for {key} is for {what}")
        for outcome in (*(upload.outcome for upload in uploads), sources.outcome):
            if addresses.receipt_key(outcome.key) in known:
                found, right = self.receipt(outcome.key), outcome.receipt()
                if found | {"warnings": ""} != right | {"warnings": ""}:
                    self.trace.append(f"  receipt {found}, wanted is {right}")
                    self._violate(f"the receipt for {outcome.key} is out of date")
