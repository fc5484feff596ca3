"""What the functions say of uploads: reads receipts, and waits for those that are still to come."""

import json
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeVar

from broadsheet import addresses
from broadsheet.validation import Problem
from local.deployment import CALLS_AT_ONCE, Deployment

T = TypeVar("T")
R = TypeVar("R")
# Entity tag, without quotes, and version of an upload; None: there is none.
State = tuple[str, str] | None
# How a status looks in a terminal.
COLOURS = {
    "published": "green",
    "removed": "yellow",
    "draft": "cyan",
    "withdrawn": "yellow",
    "scheduled": "cyan",
    "expired": "yellow",
    "rejected": "bold red",
    "waiting": "magenta",
}
# What a receipt says of times to come.
UNTIL = {
    "scheduled_for": "published at",
    "expires_at": "expires at",
    "preview_until": "preview until",
}
# Seconds between two looks at what has not come yet: the first, and the longest.
FIRST_PAUSE, LONGEST_PAUSE = 0.25, 3.0


@dataclass(frozen=True)
class Receipt:
    """A receipt as far as it can be read; ``version`` is its own, ``upload`` what it is for."""

    status: str
    url: str = ""
    errors: tuple[Problem, ...] = ()
    warnings: tuple[Problem, ...] = ()
    upload: State = None
    version: str = ""
    said: Mapping[str, Any] | None = None

    @property
    def preview_url(self) -> str:
        """Where its preview is, if it has one."""
        return str((self.said or {}).get("preview_url") or "")

    @property
    def until(self) -> str:
        """When that will change by itself, if it will, and to what."""
        said = self.said or {}
        found = [f"{word} {said[name]}" for name, word in UNTIL.items() if said.get(name)]
        return ", ".join(found)

    @classmethod
    def from_bytes(cls, data: bytes, version: str = "") -> "Receipt":
        """The receipt in an object; of one that is none, the status is "unreadable"."""
        try:
            said = json.loads(data)
            upload = said.get("upload")
            return cls(
                status=str(said["status"]),
                url=str(said.get("url") or ""),
                errors=_problems(said.get("errors")),
                warnings=_problems(said.get("warnings")),
                upload=(str(upload["etag"]), str(upload["version"])) if upload else None,
                version=version,
                said=said,
            )
        except (ValueError, KeyError, TypeError, AttributeError):
            return cls("unreadable", version=version)


@dataclass(frozen=True)
class Awaited:
    """A change whose receipt is to come: the upload, or None and the receipt before a deletion."""

    state: State
    before: str = ""


@dataclass(frozen=True)
class Answer:
    """A receipt that has come; ``overtaken`` where it is for a later change by somebody else."""

    receipt: Receipt
    overtaken: bool = False


def each(call: Callable[[T], R], items: Iterable[T]) -> list[R]:
    """Call for each item in parallel; the results in order."""
    with ThreadPoolExecutor(CALLS_AT_ONCE) as pool:
        return list(pool.map(call, items))


def read(deployment: Deployment, key: str) -> Receipt | None:
    """The receipt of a key; None if there is none yet."""
    bucket = deployment.settings.source_bucket
    try:
        found = deployment.s3.get_object(Bucket=bucket, Key=addresses.receipt_key(key))
    except deployment.s3.exceptions.NoSuchKey:
        return None
    return Receipt.from_bytes(found["Body"].read(), found.get("VersionId", ""))


def state_of(deployment: Deployment, key: str) -> State:
    """What is uploaded under a key."""
    bucket = deployment.settings.source_bucket
    try:
        head = deployment.s3.head_object(Bucket=bucket, Key=key)
    except deployment.s3.exceptions.ClientError as error:
        if error.response["ResponseMetadata"]["HTTPStatusCode"] == 404:  # noqa: PLR2004 (no receipt yet)
            return None
        raise
    return bare(head["ETag"]), head.get("VersionId", "")


def bare(etag: str) -> str:
    """An entity tag without its quotes."""
    return etag.strip('"')


def wait(
    deployment: Deployment,
    awaited: Mapping[str, Awaited],
    patience: float,
    done: Callable[[str], None] = lambda _: None,
) -> dict[str, Answer]:
    """The receipts of changes, by key; ``done`` hears of each as it comes.

    Those are left out that have not come when nothing has for ``patience`` seconds. A receipt is
    only ever taken for that of a change if it names its upload; a change that somebody else has
    overtaken is followed to theirs.
    """
    pending = {key: _Pending(deployment, key, change) for key, change in awaited.items()}
    answers: dict[str, Answer] = {}
    pause, last = FIRST_PAUSE, time.monotonic()
    while pending and time.monotonic() - last < patience:
        found = each(lambda one: one.look(), pending.values())
        come = {key: answer for key, answer in zip(pending, found, strict=True) if answer}
        for key, answer in come.items():
            answers[key] = answer
            del pending[key]
            done(key)
        if come:
            pause, last = FIRST_PAUSE, time.monotonic()
        if pending:
            time.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)
    return answers


class _Pending:
    def __init__(self, deployment: Deployment, key: str, change: Awaited) -> None:
        self._deployment, self._key, self._change = deployment, key, change
        self._seen: Receipt | None = None

    def look(self) -> Answer | None:
        """The receipt, if it has come."""
        receipt = read(self._deployment, self._key)
        if receipt is None or receipt == self._seen:
            return None
        self._seen = receipt
        if self._is_for(self._change.state, receipt):
            return Answer(receipt)
        # It is for an earlier change, or for one that somebody has made since.
        now = state_of(self._deployment, self._key)
        if now != self._change.state and self._is_for(now, receipt):
            return Answer(receipt, overtaken=True)
        return None

    def _is_for(self, state: State, receipt: Receipt) -> bool:
        if state is None:
            return receipt.status == "removed" and receipt.version != self._change.before
        return receipt.upload == state


def _problems(listed: Any) -> tuple[Problem, ...]:
    found: list[Problem] = []
    with suppress(KeyError, TypeError):
        found += [Problem(str(one["path"]), str(one["message"])) for one in listed or ()]
    return tuple(found)
