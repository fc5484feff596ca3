"""What each call of an invocation is for: the words in which a plan names a moment."""

from __future__ import annotations

from typing import Any

from broadsheet import addresses
from tests.newsroom import SOURCE

# An article is about to be parsed: no call of AWS.
PARSE = "parse"
# The site is about to be compared with its sources for the second time: no call of AWS either.
SECOND_LOOK = "second look"
# Each with as many as an invocation may well have. "" is any call.
MOMENTS = {
    "read source": 3,
    "read record": 1,
    "write record": 1,
    "write card": 1,
    "write page": 1,
    "read index": 4,
    "swap month": 1,
    "swap topic": 1,
    "swap site": 1,
    "swap segment": 1,
    "look at claims": 2,
    "read claims": 2,
    "swap claims": 2,
    "look at moved": 1,
    "write moved": 1,
    "delete moved": 1,
    "look at store": 1,
    "read store": 1,
    "tell store": 1,
    "write listing": 12,
    "delete listing": 4,
    "look at index": 2,
    "look at listing": 2,
    "look at source": 2,
    "look at card": 2,
    "look at page": 2,
    "list keys": 3,
    "write fixed": 2,
    "delete card": 1,
    "delete page": 1,
    "set schedule": 1,
    "cancel schedule": 1,
    "look at schedule": 1,
    "invalidate": 1,
    "look at receipt": 2,
    "event": 1,
    "receipt": 2,
}
_STORE = {
    "DescribeKeyValueStore": "look at store",
    "GetKey": "read store",
    "UpdateKeys": "tell store",
}
# The pages of old addresses that are no articles'.
MOVED = {"old/index.html", "older/index.html"}


_SCHEDULES = {
    "CreateSchedule": "set schedule",
    "UpdateSchedule": "set schedule",
    "DeleteSchedule": "cancel schedule",
    "GetSchedule": "look at schedule",
    "ListSchedules": "list keys",
}


def moment_of(name: str, params: dict[str, Any]) -> str:  # noqa: C901, PLR0911 (a table)
    """What a call is for."""
    key = params.get("Key", "")
    if name == "CreateInvalidation":
        return "invalidate"
    if name == "ListObjectsV2":
        return "list keys"
    if name == "PutEvents":
        return "event"
    if name in _SCHEDULES:
        return _SCHEDULES[name]
    if name == "HeadObject" and key.startswith("receipts/"):
        return "look at receipt"
    if "KvsARN" in params:
        return _STORE.get(name, "other")
    if params.get("Bucket") == SOURCE:
        moments = {
            "GetObject": "read source",
            "HeadObject": "look at source",
            "PutObject": "receipt",
        }
        if key == addresses.PREVIEW_SECRET:
            return "read secret" if name == "GetObject" else "write secret"
        return moments.get(name, "other")
    if key.startswith("_record/"):
        return "read record" if name == "GetObject" else "write record"
    if key == addresses.REPAIRS:
        return "other"
    if key.startswith("_alias/"):
        verb = {"GetObject": "read", "PutObject": "swap"}.get(name, "look at")
        return f"{verb} claims"
    return _page_moment(name, key)


def _page_moment(name: str, key: str) -> str:
    if key in MOVED:
        verb = {"DeleteObject": "delete", "HeadObject": "look at"}.get(name, "write")
        return f"{verb} moved"
    if key.startswith("_index/") or addresses.searched_month(key):
        return _index_moment(name, key)
    if key.startswith("articles/"):
        verb = {"DeleteObject": "delete", "HeadObject": "look at"}.get(name, "write")
        return f"{verb} card" if addresses.carded_path(key) else f"{verb} page"
    if addresses.previewed(key):
        verb = {"DeleteObject": "delete", "HeadObject": "look at"}.get(name, "write")
        return f"{verb} preview"
    if name == "PutObject" and key in {addresses.NOT_FOUND, addresses.ROBOTS}:
        return "write fixed"
    moments = {
        "PutObject": "write listing",
        "DeleteObject": "delete listing",
        "HeadObject": "look at listing",
    }
    return moments.get(name, "other")


def _index_moment(name: str, key: str) -> str:
    if name in {"PutObject", "DeleteObject"}:
        if addresses.searched_month(key):
            return "swap segment"
        if key == addresses.ROOT_INDEX:
            return "swap site"
        return "swap topic" if key.startswith("_index/topics/") else "swap month"
    return "read index" if name == "GetObject" else "look at index"
