"""`python -m benchmarks.cost`: what publishing costs, as docs/cost.md; `--write` writes that page.

All prices stand in PRICES and all quantities below it, each with where it is from. To renew the
page,
look the prices up, change them and CHECKED, and write it. tests/test_cost.py counts the requests,
and
sees that the page is what this makes.
"""

from __future__ import annotations

import argparse
import sys
import textwrap
from dataclasses import dataclass
from pathlib import Path

PAGE = Path(__file__).parents[1] / "docs" / "cost.md"
CHECKED = "26 November 2026"
REGIONS = ("us-east-1", "eu-west-1")
DAYS = 30


@dataclass(frozen=True)
class Price:
    """US dollars for so many units in each region, and the page that says so."""

    what: str
    unit: str
    units: int
    dollars: tuple[float, float]
    source: str

    def of(self, count: float, region: str = REGIONS[0]) -> float:
        """What so many cost."""
        return count / self.units * self.dollars[REGIONS.index(region)]


S3 = "https://aws.amazon.com/s3/pricing/"
LAMBDA = "https://aws.amazon.com/lambda/pricing/"
CLOUDFRONT = "https://aws.amazon.com/cloudfront/pricing/"
PUT = Price("S3 PUT, LIST", "1,000", 1_000, (0.005, 0.005), S3)
GET = Price("S3 GET, HEAD", "1,000", 1_000, (0.0004, 0.0004), S3)
STORED = Price("S3 Standard, first 50 TB", "GB a month", 1, (0.023, 0.023), S3)
SECOND = Price("Lambda, arm64, first tier", "million GB-s", 1_000_000, (13.3334, 13.3334), LAMBDA)
CALL = Price("Lambda invocation", "million", 1_000_000, (0.20, 0.20), LAMBDA)
MESSAGE = Price(
    "SQS request", "million", 1_000_000, (0.40, 0.40), "https://aws.amazon.com/sqs/pricing/"
)
ITEM = Price("CloudFront invalidation, over 1,000 a month", "item", 1, (0.005, 0.005), CLOUDFRONT)
KEY = Price("CloudFront KeyValueStore, API call", "1,000", 1_000, (1.00, 1.00), CLOUDFRONT)
LOOK = Price(
    "CloudFront KeyValueStore, read at the edge", "million", 1_000_000, (0.03, 0.03), CLOUDFRONT
)
SCHEDULE = Price(
    "EventBridge Scheduler, over 14 million a month",
    "million",
    1_000_000,
    (1.00, 1.00),
    "https://aws.amazon.com/eventbridge/pricing/",
)
STEP = Price(
    "Step Functions, standard, transition",
    "1,000",
    1_000,
    (0.025, 0.025),
    "https://aws.amazon.com/step-functions/pricing/",
)
MINUTE = Price(
    "CI, Linux, 2 cores",
    "minute",
    1,
    (0.006, 0.006),
    "https://docs.github.com/en/billing/reference/actions-runner-pricing",
)
PRICES = (PUT, GET, STORED, SECOND, CALL, MESSAGE, ITEM, KEY, LOOK, SCHEDULE, STEP, MINUTE)

# A publish of a new article with three topics: counted by tests/test_cost.py, and the upload.
WRITES, READS, ITEMS = 32 + 1, 17, 1
# An assumption: the function's log has the real duration.
SECONDS, GIGABYTES = 1.0, 1.0
MESSAGES = 3  # to send, receive and delete
FREE_ITEMS = 1_000
VOLUMES = (10, 100, 10_000)
# Messages of a full batch, as the template has it.
MOST_MESSAGES = 100

# Hugo at 10,000 articles, one added: CPU-seconds of a build and files that it changes, as
# benchmarks/beside.py measured them on two cores. What CI needs besides (checkout, set-up) is an
# assumption, and each job is billed in whole minutes. A sync lists all objects, a thousand a
# request: of 10,000 articles, their months and topics.
BUILD_SECONDS, SETUP_SECONDS, CHANGED, LISTED = 11, 40, 640, 11


@dataclass(frozen=True)
class Cost:
    """Dollars a month, by what they are for."""

    writes: float
    reads: float
    compute: float
    messages: float
    items: float

    @property
    def total(self) -> float:
        """All of it."""
        return self.writes + self.reads + self.compute + self.messages + self.items


def broadsheet(publishes: int, items: float, region: str = REGIONS[0]) -> Cost:
    """So many new articles a month, with so many items of invalidations in all."""
    return Cost(
        writes=PUT.of(publishes * WRITES, region),
        reads=GET.of(publishes * READS, region),
        compute=SECOND.of(publishes * SECONDS * GIGABYTES, region) + CALL.of(publishes, region),
        messages=MESSAGE.of(publishes * MESSAGES, region),
        items=ITEM.of(max(0, items - FREE_ITEMS), region),
    )


def pipeline(builds: int, region: str = REGIONS[0]) -> Cost:
    """So many builds and syncs a month of a site of 10,000 articles, each with an invalidation."""
    minutes = -(-(BUILD_SECONDS + SETUP_SECONDS) // 60)
    return Cost(
        writes=PUT.of(builds * (CHANGED + LISTED), region),
        reads=0,
        compute=MINUTE.of(builds * minutes, region),
        messages=0,
        items=ITEM.of(max(0, builds - FREE_ITEMS), region),
    )


def page() -> str:
    """The page, in Markdown."""
    parts = [_head(), _prices(), _one(), _volumes(), _beside(), _rebuild(), _rest()]
    return "\n\n".join(map(_filled, "\n\n".join(parts).split("\n\n"))) + "\n"


def _head() -> str:
    return f"""# Cost

What publishing costs a month, beside a pipeline that builds the whole site and syncs it. This page
is
made by `python -m benchmarks.cost --write` from one table of prices; a test sees that it is as
made.

**Check the prices before you count on them.** They are public list prices without taxes, discounts
and
the free tiers of S3 and Lambda, as known on {CHECKED}. That of Step Functions was read in a copy of
AWS's own page and that of CI in a copy of GitHub's; those of S3, Lambda, SQS and invalidations are
the
ones that the README has; those of the KeyValueStore and of Scheduler are as commonly known, and
were
not looked up. The links lead to the pages that decide."""


def _prices() -> str:
    rows = [
        f"| [{p.what}]({p.source}) | {p.unit} | {_plain(p.dollars[0])} | {_plain(p.dollars[1])} |"
        for p in PRICES
    ]
    head = "| price in $ | for | us-east-1 | eu-west-1 |\n|---|---|--:|--:|"
    return "\n".join(["## Prices\n", head, *rows])


def _one() -> str:
    cost = broadsheet(1, 0)
    return f"""## One article

A new article with three topics takes {WRITES - 1} PUT and {READS} GET and HEAD, whatever the size
of the
archive (`pytest -s tests/test_cost.py` prints them), one PUT to upload it, {MESSAGES} requests of
SQS, and
one item of an invalidation. That the function runs {SECONDS:g} s at {GIGABYTES:g} GB is an
assumption.

| | | $ |
|---|---|--:|
| S3 writes | {WRITES} at {_plain(PUT.of(1))} | {cost.writes:.6f} |
| S3 reads | {READS} at {_plain(GET.of(1))} | {cost.reads:.6f} |
| Lambda | {SECONDS:g} s at {GIGABYTES:g} GB, 1 invocation | {cost.compute:.6f} |
| SQS | {MESSAGES} at {_plain(MESSAGE.of(1))} | {cost.messages:.6f} |
| **one publish** | | **{cost.total:.6f}** |
| invalidation | {ITEMS} item, after {FREE_ITEMS:,} a month | {ITEM.of(ITEMS):.3f} |

A change of an article takes about as many requests and two items. A change of an old address takes
two
calls of a KeyValueStore for each 50 ({_plain(KEY.of(2))}); an article that waits for its time one
invocation of Scheduler, of which the first 14 million a month are free."""


def _volumes() -> str:
    rows = []
    for region in REGIONS:
        for day in VOLUMES:
            publishes = day * DAYS
            alone = broadsheet(publishes, publishes * ITEMS, region)
            rows.append(
                f"| {region} | {day:,} | {publishes:,} | {alone.writes:.2f} | {alone.reads:.2f} "
                f"| {alone.compute:.2f} | {alone.messages:.2f} | {alone.items:,.2f} "
                f"| **{alone.total:,.2f}** |"
            )
    head = (
        "| region | a day | a month | writes | reads | Lambda | SQS | invalidations | $ a month |\n"
        "|---|--:|--:|--:|--:|--:|--:|--:|--:|"
    )
    many = VOLUMES[-1] * DAYS
    shared = broadsheet(many, many / MOST_MESSAGES)
    return "\n".join(
        [
            "## A month\n",
            (
                f"{DAYS} days; each article arrives alone, has three topics and its own "
                f"invalidation, of whose items {FREE_ITEMS:,} a month are free."
            ),
            "",
            head,
            *rows,
            "",
            (
                f"Invalidations are nearly all of it. Articles that come together share one: "
                f"in full batches of {MOST_MESSAGES} (`BatchSize`) {VOLUMES[-1]:,} a day have "
                f"{many // MOST_MESSAGES:,} items and cost at most ${shared.total:,.2f}; their "
                "shared lists are written once, too, which is not counted here."
            ),
        ]
    )


def _beside() -> str:
    rows = []
    for day in VOLUMES:
        number = day * DAYS
        ours, theirs = broadsheet(number, number * ITEMS), pipeline(number)
        rows.append(
            f"| {day:,} | {ours.total - ours.items:,.2f} | {ours.items:,.2f} | "
            f"**{ours.total:,.2f}** "
            f"| {theirs.compute:,.2f} | {theirs.writes:,.2f} | {theirs.items:,.2f} "
            f"| **{theirs.total:,.2f}** |"
        )
    again = DAYS * 24 * 4
    quarter = pipeline(again)
    busiest = 86_400 // VOLUMES[-1]
    head = (
        "| articles a day | ours: requests | items | $ a month "
        "| theirs: CI | sync | `/*` | $ a month |\n|--:|--:|--:|--:|--:|--:|--:|--:|"
    )
    return "\n".join(
        [
            "## Beside a build and a sync\n",
            (
                "A pipeline that builds the site with Hugo at each article, syncs it and "
                "invalidates `/*`, "
                f"at 10,000 articles: {BUILD_SECONDS} s of processor and {CHANGED} changed "
                f"files for one "
                f"added article (measured on two cores), {SETUP_SECONDS} s to set up "
                f"(assumed), billed by "
                f"the minute; {LISTED} LIST requests to compare 10,000 pages and their lists, "
                f"and one PUT "
                "a changed file. us-east-1:"
            ),
            "",
            head,
            *rows,
            "",
            (
                f"The invalidation costs both the same: `/*` is one item, and so is "
                f"`#listings`. But `/*` "
                f"empties the caches: each page is fetched from S3 again, by each edge "
                f"location, for "
                f"{_plain(GET.of(1))} and a slower answer; readers' traffic decides how often. "
                f"At 10,000 a "
                f"day an article comes every {busiest} s, while a build takes {BUILD_SECONDS}: "
                f"no pipeline "
                "can build for each, so its last row is what it would cost, not what can be "
                "done. One that "
                f"builds every quarter of an hour costs ${quarter.total:,.2f} a month at any "
                f"volume, and "
                "shows articles up to a quarter of an hour late; an archive ten times as "
                "large takes ten "
                "times the build, and ours the same."
            ),
        ]
    )


# A rebuild, by `python -m benchmarks.rebuild 300 --at-once 5 --order listing`.
REBUILD_WRITES, REBUILD_READS = 3.4, 7.1
BATCH, BATCH_SECONDS, TRANSITIONS = 50, 6.0, 2


def rebuild(articles: int) -> Cost:
    """A rebuild of so many articles by the state machine."""
    batches = -(-articles // BATCH)
    return Cost(
        writes=PUT.of(articles * REBUILD_WRITES + articles / 1000),
        reads=GET.of(articles * REBUILD_READS),
        compute=SECOND.of(batches * BATCH_SECONDS * GIGABYTES) + CALL.of(batches),
        messages=STEP.of(batches * TRANSITIONS),
        items=ITEM.of(max(0, batches - FREE_ITEMS)),
    )


def _rebuild() -> str:
    rows = []
    for articles in (10_000, 100_000, 1_000_000, 10_000_000):
        cost = rebuild(articles)
        rows.append(
            f"| {articles:,} | {-(-articles // BATCH):,} | {cost.writes:,.2f} | {cost.reads:,.2f} "
            f"| {cost.compute:,.2f} | {cost.messages:,.2f} | {cost.items:,.2f} "
            f"| **{cost.total:,.2f}** |"
        )
    head = (
        "| articles | batches | writes | reads | Lambda | Step Functions | invalidations | $ |\n"
        "|--:|--:|--:|--:|--:|--:|--:|--:|"
    )
    return "\n".join(
        [
            "## A rebuild\n",
            (
                f"All pages anew by the state machine, {BATCH} articles a batch: "
                f"{REBUILD_WRITES:g} writes "
                f"and {REBUILD_READS:g} reads an article ([measured](load.md#a-rebuild) in moto), "
                f"{BATCH_SECONDS:g} s of Lambda at {GIGABYTES:g} GB a batch (assumed), "
                f"{TRANSITIONS} "
                "transitions and one item of an invalidation a batch. "
                "[Operating](operating.md#rebuild) has the time it takes."
            ),
            "",
            head,
            *rows,
        ]
    )


def _rest() -> str:
    return f"""## What comes on top

- Storage: 10,000 articles of 10 kB with versions, pages, cards and lists are some 2 GB,
  ${STORED.of(2):.2f} a month.
- Readers: CloudFront's traffic and requests (1 TB and 10 million a month are free), its function,
  and a look of it into the KeyValueStore at ${_plain(LOOK.of(1_000_000))} a million.
- Logs, traces and metrics beyond what CloudWatch gives free.
- `verify`, once a week: six requests an article."""


def _filled(block: str) -> str:
    """A paragraph in lines of even width; headings, tables and lists are left as they are."""
    if block.startswith(("#", "|", "- ")):
        return block
    return textwrap.fill(block, 104, break_long_words=False, break_on_hyphens=False)


def _plain(dollars: float) -> str:
    """A number of dollars without an exponent or needless zeros."""
    return f"{dollars:.9f}".rstrip("0").rstrip(".")


def main() -> int:
    """Read the command line and do it; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cost")
    parser.add_argument("--write", action="store_true", help="write docs/cost.md")
    if parser.parse_args().write:
        PAGE.write_text(page(), encoding="utf-8")
    else:
        sys.stdout.write(page())
    return 0


if __name__ == "__main__":
    sys.exit(main())
