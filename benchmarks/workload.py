"""What a newsroom uploads in a load proof, what the site must then show, and what the stack allows.

All articles of a thousand share a month, and all share five topics, so that whoever publishes any
of them meets all others on the same indexes.
"""

from __future__ import annotations

import json
import random
import re
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, Self

from tests.cloudformation import TEMPLATE, properties, resolved
from tests.newsroom import article

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

TOPICS = ("Harbour", "Markets", "Weather", "Gardens", "Chess")
TOPICS_OF_ONE = 3
A_MONTH = 1000
# Of a hundred articles so many are changed later, deleted, and spoilt (the good version stays); of
# the last a few will do, as moto copies a whole bucket to list the versions of one key.
CHANGED, DELETED, SPOILT = 5, 2, 1
MOST_SPOILT = 20
# And in each wave of changes after that, whose articles are of all months.
CHANGED_IN_A_WAVE = 25
# Of a hundred messages so many come twice.
TWICE = 5
# A paragraph of a body, and how many it has.
TEXT = (
    "The ferry left the *harbour* at noon, with forty boxes of [apples](https://apples.example). "
)
PARAGRAPHS = 6

_LINK = re.compile(r'href="/(articles/[a-z0-9/-]+)/"')


@dataclass(frozen=True)
class Upload:
    """An upload to, or without fields a deletion from, the source bucket."""

    path: str
    fields: dict[str, Any] | None

    @property
    def key(self) -> str:
        """Its key in the source bucket."""
        return f"articles/{self.path}.json"

    @property
    def body(self) -> bytes | None:
        """What is uploaded; nothing for a deletion."""
        return None if self.fields is None else json.dumps(article(**self.fields)).encode()


@dataclass(frozen=True)
class Workload:
    """First the burst; the ``later`` ones come while the function is at work on it.

    Each of the ``waves`` comes when it has nothing left to do.
    """

    burst: list[Upload]
    later: list[Upload]
    waves: list[list[Upload]] = field(default_factory=list)

    @classmethod
    def of(cls, count: int, seed: int, waves: int = 0) -> Self:
        """So many articles, and what happens to some of them."""
        rng = random.Random(f"{seed} workload")  # noqa: S311 (no secret)
        burst = [Upload(_path(i), _fields(i, rng)) for i in range(count)]
        changed, deleted = count * CHANGED // 100, count * DELETED // 100
        spoilt = min(count * SPOILT // 100, MOST_SPOILT)
        chosen = iter(rng.sample(range(count), changed + deleted + spoilt))
        later = [
            *(Upload(_path(i), _fields(i, rng, "Changed: ")) for i in islice(chosen, changed)),
            *(Upload(_path(i), None) for i in islice(chosen, deleted)),
            *(Upload(_path(i), {"title": ""}) for i in chosen),
        ]
        rng.shuffle(later)
        again = [_wave(count, rng, f"Changed in wave {1 + i}: ") for i in range(waves)]
        return cls(burst, later, again)

    def listed(self) -> dict[str, set[str]]:
        """The lists of months, and of topics in months, with the articles that each must show."""
        live: dict[str, dict[str, Any]] = {}
        for upload in chain(self.burst, self.later, *self.waves):
            if upload.fields is None:
                del live[upload.path]
            elif upload.fields["title"]:
                live[upload.path] = upload.fields
        lists: dict[str, set[str]] = {}
        for path, fields in live.items():
            month = fields["published_at"][:7].replace("-", "/")
            for place in (month, *(f"topics/{t.lower()}/{month}" for t in fields["topics"])):
                lists.setdefault(f"{place}/index.html", set()).add(f"articles/{path}")
        return lists


def lost(workload: Workload, keys: Sequence[str], read: Callable[[str], str]) -> Iterator[str]:
    """Where a site's keys, and its lists as read, are not what the workload asks for."""
    lists = workload.listed()
    live = set().union(*lists.values())
    pages = {
        key.removesuffix("/index.html")
        for key in keys
        if key.startswith("articles/") and key.endswith("/index.html")
    }
    yield from (f"{path} has no page" for path in sorted(live - pages))
    yield from (f"{path} has a page" for path in sorted(pages - live))
    for key, paths in sorted(lists.items()):
        shown = set(_LINK.findall(read(key))) if key in keys else set()
        yield from (f"{key} lacks {path}" for path in sorted(paths - shown))
        yield from (f"{key} has {path}" for path in sorted(shown - paths))


@dataclass(frozen=True)
class Limits:
    """What template.yaml sets for the function and its queue; seconds, megabytes and counts."""

    concurrency: int
    batch: int
    window: int
    timeout: int
    memory: int
    visibility: int
    most_receives: int

    @classmethod
    def of_template(cls) -> Self:
        """As the template's parameters have it unless somebody says otherwise."""
        defaults = {n: p["Default"] for n, p in TEMPLATE["Parameters"].items() if "Default" in p}
        function, queue = properties("PublishFunction"), properties("PublishQueue")
        mapping = resolved(_numbers(function["Events"]["SourceChanges"]["Properties"]), defaults)
        return cls(
            concurrency=mapping["ScalingConfig"]["MaximumConcurrency"],
            batch=mapping["BatchSize"],
            window=mapping["MaximumBatchingWindowInSeconds"],
            timeout=function["Timeout"],
            memory=resolved(function["MemorySize"], defaults),
            visibility=queue["VisibilityTimeout"],
            most_receives=queue["RedrivePolicy"]["maxReceiveCount"],
        )


def _numbers(mapping: dict[str, Any]) -> dict[str, Any]:
    """What of an event source mapping has no name of another resource in it."""
    return {name: value for name, value in mapping.items() if name != "Queue"}


def _wave(count: int, rng: random.Random, prefix: str) -> list[Upload]:
    chosen = rng.sample(range(count), count * CHANGED_IN_A_WAVE // 100)
    return [Upload(_path(i), _fields(i, rng, prefix)) for i in chosen]


def _path(number: int) -> str:
    return f"load/{number:05}"


def _fields(number: int, rng: random.Random, prefix: str = "") -> dict[str, Any]:
    month, place = divmod(number, A_MONTH)
    day, minute = divmod(place * 28 * 1440 // A_MONTH, 1440)
    moment = f"{2026 + month // 12}-{1 + month % 12:02}-{1 + day:02}"
    return {
        "title": f"{prefix}Boxes of apples number {number}",
        "body": "\n\n".join([TEXT * 4] * PARAGRAPHS),
        "published_at": f"{moment}T{minute // 60:02}:{minute % 60:02}:00Z",
        "topics": rng.sample(TOPICS, TOPICS_OF_ONE),
    }
