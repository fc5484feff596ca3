"""CloudFront's KeyValueStores, as far as a redirect needs them: moto has none.

https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_Operations_Amazon_CloudFront_KeyValueStore.html
"""

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

PREFIX = "/key-value-stores/"
# https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/cloudfront-limits.html
MOST_BYTES = 5 * 1024 * 1024
MOST_CHANGES = 50
MOST_KEY_BYTES = 512
MOST_PAIR_BYTES = 1024
PAGE = 50


@dataclass
class Store:
    """The entries of one store; its entity tag counts its changes."""

    entries: dict[str, str] = field(default_factory=dict)
    version: int = 0

    @property
    def tag(self) -> str:
        """What an update has to name."""
        return f"E{self.version}"

    @property
    def size(self) -> int:
        """Bytes of all keys and values."""
        return _size(self.entries)


@dataclass(frozen=True)
class Answer:
    """An HTTP response; its body is JSON."""

    status: HTTPStatus
    body: dict[str, Any]
    headers: dict[str, str] = field(default_factory=dict)


class Refused(Exception):  # noqa: N818 (an answer, not a fault of ours)
    """An error of the service, by its code."""

    def __init__(self, status: HTTPStatus, code: str, message: str = "") -> None:
        super().__init__(code)
        headers = {"x-amzn-ErrorType": code}
        self.answer = Answer(status, {"Message": message or code}, headers)


class KeyValueStores:
    """All stores by ARN. One is there, and empty, as soon as somebody asks for it."""

    def __init__(self) -> None:
        self.stores: dict[str, Store] = {}
        self.most_bytes = MOST_BYTES
        self._lock = threading.Lock()

    def store(self, arn: str) -> Store:
        """A store by its ARN."""
        return self.stores.setdefault(arn, Store())

    def answer(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """What the service says to a request."""
        where = urlsplit(url)
        arn, *rest = where.path.removeprefix(PREFIX).split("/")
        with self._lock:
            store = self.store(unquote(arn))
            try:
                if method == "POST":
                    return self._update(store, headers.get("If-Match", ""), json.loads(body))
                if not rest:
                    return Answer(HTTPStatus.OK, _about(store) | {"Created": 0}, _tag(store))
                if rest[1:]:
                    return _get(store, unquote("/".join(rest[1:])))
                return _list(store, parse_qs(where.query).get("NextToken", [""])[0])
            except Refused as refused:
                return refused.answer

    def _update(self, store: Store, tag: str, wanted: dict[str, Any]) -> Answer:
        puts = {item["Key"]: item["Value"] for item in wanted.get("Puts", [])}
        deletes = [item["Key"] for item in wanted.get("Deletes", [])]
        if tag != store.tag:
            raise Refused(HTTPStatus.CONFLICT, "ConflictException")
        if len(puts) + len(deletes) > MOST_CHANGES:
            raise Refused(HTTPStatus.BAD_REQUEST, "ValidationException", "too many changes")
        if missing := [key for key in deletes if key not in store.entries]:
            raise Refused(HTTPStatus.NOT_FOUND, "ResourceNotFoundException", missing[0])
        for key, value in puts.items():
            fits = len(key.encode()) <= MOST_KEY_BYTES and _size({key: value}) <= MOST_PAIR_BYTES
            if not fits:
                raise Refused(HTTPStatus.BAD_REQUEST, "ValidationException", "too large")
        entries = {k: v for k, v in store.entries.items() if k not in deletes} | puts
        if _size(entries) > self.most_bytes:
            raise Refused(HTTPStatus.PAYMENT_REQUIRED, "ServiceQuotaExceededException")
        store.entries = entries
        store.version += 1
        return Answer(HTTPStatus.OK, _about(store), _tag(store))


def _get(store: Store, key: str) -> Answer:
    if key not in store.entries:
        raise Refused(HTTPStatus.NOT_FOUND, "ResourceNotFoundException")
    entry = {"Key": key, "Value": store.entries[key]}
    return Answer(HTTPStatus.OK, entry | _about(store))


def _list(store: Store, after: str) -> Answer:
    keys = sorted(key for key in store.entries if key > after)
    items = [{"Key": key, "Value": store.entries[key]} for key in keys[:PAGE]]
    more = {"NextToken": keys[PAGE - 1]} if len(keys) > PAGE else {}
    return Answer(HTTPStatus.OK, {"Items": items, **more})


def _about(store: Store) -> dict[str, Any]:
    return {"ItemCount": len(store.entries), "TotalSizeInBytes": store.size, "KvsARN": ""}


def _tag(store: Store) -> dict[str, str]:
    return {"ETag": store.tag}


def _size(entries: Mapping[str, str]) -> int:
    return sum(len(key.encode()) + len(value.encode()) for key, value in entries.items())
