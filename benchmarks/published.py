"""What one publish did to an archive of N articles, and what it is to do at most."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks import cost
from broadsheet import addresses

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from benchmarks.calls import Call
    from benchmarks.processor import Processor

# What is asked for: the share by which nothing may grow, and items of an invalidation.
GROWTH = 0.05
ITEMS = 2
# What is aimed at.
TRIPS, REQUESTS, RATIO = 5, 40, 1.3

NEW, CHANGE, REMOVAL, BEGINS = "a new article", "a change", "a removal", "the first of a month"
# What must not grow; the first of a month writes the lists of months, which have one more.
BOUND = (NEW, CHANGE, REMOVAL)
KINDS = {"PutObject": "PUT", "GetObject": "GET", "HeadObject": "HEAD", "DeleteObject": "DELETE"}


@dataclass(frozen=True)
class Publish:
    """What one invocation did to an archive of so many articles."""

    articles: int
    what: str
    key: str
    calls: Sequence[Call]
    processor: Processor | None = None

    @property
    def read(self) -> int:
        """Bytes of objects."""
        return sum(call.read for call in self.calls)

    @property
    def written(self) -> int:
        """Likewise."""
        return sum(call.written for call in self.calls)

    @property
    def items(self) -> int:
        """Items of invalidations."""
        return sum(call.items for call in self.calls)

    @property
    def requests(self) -> Counter[str]:
        """Requests, by HTTP's method where it is S3's."""
        return Counter(KINDS.get(call.operation, call.operation) for call in self.calls)

    def trips(self, last: Callable[[Call], bool]) -> int:
        """Round trips, one after the other, until the last call of a kind is answered."""
        return max((int(call.ended) for call in self.calls if last(call)), default=0)

    @property
    def until_page(self) -> int:
        """Until the page, or what has become of it, is in the bucket."""
        page = addresses.page_key(addresses.article_path(self.key) or "")
        return self.trips(lambda call: call.key == page and call.method in {"PUT", "DELETE"})

    @property
    def until_seen(self) -> int:
        """Until the CDN has been told, after which a reader sees it in every list."""
        return self.trips(lambda call: call.operation == "CreateInvalidation")

    @property
    def dollars(self) -> float:
        """As benchmarks/cost.py counts it, without the items, of which there are free ones."""
        kinds = self.requests
        return (
            cost.PUT.of(kinds["PUT"] + (self.what != REMOVAL))  # and the upload
            + cost.GET.of(kinds["GET"] + kinds["HEAD"])
            + cost.SECOND.of(cost.SECONDS * cost.GIGABYTES)
            + cost.CALL.of(1)
            + cost.MESSAGE.of(cost.MESSAGES)
        )

    def weights(self) -> Counter[tuple[str, str]]:
        """Bytes by what was done ("read", "written") and key."""
        found: Counter[tuple[str, str]] = Counter()
        for call in self.calls:
            found["read", call.key] += call.read
            found["written", call.key] += call.written
        return +found
