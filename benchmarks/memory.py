"""S3 and CloudFront in a dictionary, in place of boto3's clients: for what Broadsheet itself takes.

Answers have what the store reads of them, and conditions are kept. Nobody else writes here, and
nothing ever fails.
"""

from __future__ import annotations

import hashlib
import io
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from botocore.exceptions import ClientError

from broadsheet import card, store
from broadsheet.reconcile import KEYS_PER_LISTING, Reconciler
from broadsheet.settings import Settings
from broadsheet.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from benchmarks.stories import Story

SETTINGS = Settings("source", "site", "DISTRIBUTION", "https://news.example", parallel_calls=1)


@dataclass
class MemoryS3:
    """Buckets as boto3's client of S3 has them: by bucket and key the last PutObject's request."""

    objects: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    calls: Counter[str] = field(default_factory=Counter)
    written: dict[tuple[str, str], int] = field(default_factory=dict)

    def get_object(self, *, Bucket: str, Key: str, **_: Any) -> dict[str, Any]:  # noqa: N803 (boto3's names)
        """GetObject."""
        self.calls["GetObject"] += 1
        found = self._found(Bucket, Key, "GetObject")
        return {"Body": io.BytesIO(found["Body"]), "ETag": found["ETag"]}

    def head_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:  # noqa: N803 (as above)
        """HeadObject."""
        self.calls["HeadObject"] += 1
        found = self._found(Bucket, Key, "HeadObject")
        return {"Metadata": {}, **found}

    def put_object(self, *, Bucket: str, Key: str, **request: Any) -> dict[str, Any]:  # noqa: N803 (as above)
        """PutObject."""
        self.calls["PutObject"] += 1
        there = self.objects.get((Bucket, Key))
        tag = there["ETag"] if there else None
        if ("IfNoneMatch" in request and there) or request.get("IfMatch", tag) != tag:
            raise _error("PutObject", "PreconditionFailed")
        request["ETag"] = f'"{hashlib.md5(request["Body"], usedforsecurity=False).hexdigest()}"'
        self.objects[Bucket, Key] = request
        self.written[Bucket, Key] = len(request["Body"])
        return request

    def delete_object(self, *, Bucket: str, Key: str, **_: Any) -> dict[str, Any]:  # noqa: N803 (as above)
        """DeleteObject."""
        self.calls["DeleteObject"] += 1
        self.objects.pop((Bucket, Key), None)
        return {}

    def list_object_versions(self, **_: Any) -> dict[str, Any]:
        """ListObjectVersions: there are no others."""
        return {"IsTruncated": False}

    def _found(self, bucket: str, key: str, operation: str) -> dict[str, Any]:
        found = self.objects.get((bucket, key))
        if found is None:
            raise _error(operation, "NoSuchKey")
        return found


def _error(operation: str, code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": code}}, operation)


@contextmanager
def playing_aws(s3: MemoryS3) -> Iterator[None]:
    """Let the store call these buckets, and a distribution that keeps nothing."""

    def invalidate(**_: Any) -> None:
        s3.calls["CreateInvalidation"] += 1

    clients = SimpleNamespace(s3=s3, cloudfront=SimpleNamespace(create_invalidation=invalidate))
    with patch.object(store, "clients_of", lambda *_: clients):
        yield


def build(stories: Iterable[Story], *, cards: bool = False) -> MemoryS3:
    """Publish all of an archive into empty buckets, with or without drawing cards."""
    s3 = MemoryS3()
    keys = upload(s3, stories)
    with playing_aws(s3):
        rebuild(keys, cards=cards)
    return s3


def upload(s3: MemoryS3, stories: Iterable[Story]) -> list[str]:
    """Put articles into the source bucket; their keys."""
    keys = []
    for story in stories:
        keys.append(f"articles/{story.path}.json")
        s3.put_object(Bucket=SETTINGS.source_bucket, Key=keys[-1], Body=story.json())
    return keys


def rebuild(keys: Sequence[str], *, cards: bool = False) -> None:
    """Reconcile keys, a thousand at a time, as a function without a queue does after site.json.

    Raises what kept any of them from it.
    """
    # A stand-in, once it lies there, is as good as a card: nothing is drawn again.
    drawn = card.drawn if cards else lambda _: b"a card"
    reconciler = Reconciler(Store(SETTINGS), SETTINGS)
    with patch.object(card, "drawn", drawn):
        for i in range(0, len(keys), KEYS_PER_LISTING):
            report = reconciler.reconcile(keys[i : i + KEYS_PER_LISTING])
            for error in report.failures.values():
                raise error
