"""Publishes each case beside a neighbour, in a process of its own whose time and memory are bound.

``python -m tests.hostile.worker FOLDER [NAME…]`` writes the results to FOLDER/results.json, and
what was published to FOLDER/site/CASE/. The processes are forks of one that has everything loaded
and one article live, so that each has a newsroom to itself and costs nothing to start.
"""

from __future__ import annotations

import json
import math
import os
import re
import resource
import signal
import sys
import time
import traceback
from collections import Counter
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote_plus

from moto import mock_aws

import app
from tests.cloudformation import TEMPLATE, properties
from tests.hostile.corpus import Case, cases, together
from tests.newsroom import (
    DONE,
    LATE,
    SITE,
    SOURCE,
    URL,
    Newsroom,
    make_distribution,
    s3_client,
    sqs_record,
)

if TYPE_CHECKING:
    from collections.abc import Callable

SECONDS = 5
MEGABYTES = 512
# A process that neither computes nor ends is stopped.
HANGS = 300
# What the function has for all that comes together. With 1,769 MB it would have a whole processor:
# https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html
FUNCTION_MEGABYTES: int = TEMPLATE["Parameters"]["MemorySize"]["Default"]
FUNCTION_TIMEOUT: int = properties("PublishFunction")["Timeout"]
FUNCTION_SECONDS: float = FUNCTION_TIMEOUT * FUNCTION_MEGABYTES / 1769
LIVE = "neighbours/live"
NEW = "neighbours/new"
ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_DEFAULT_REGION": "eu-west-1",
    "AWS_EC2_METADATA_DISABLED": "true",
    "POWERTOOLS_TRACE_DISABLED": "true",
    "SOURCE_BUCKET": SOURCE,
    "SITE_BUCKET": SITE,
    "SITE_URL": URL,
    "PARALLEL_CALLS": "1",
}


@dataclass
class Result:
    """What became of a case; ``seconds`` of CPU and ``megabytes`` of memory at the most.

    ``faults`` is what should not be; empty where all is well.
    """

    name: str
    size: int = 0
    status: str = ""
    errors: list[dict[str, str]] = field(default_factory=list)
    seconds: float = 0.0
    megabytes: float = 0.0
    faults: list[str] = field(default_factory=list)


def run(folder: Path, names: list[str]) -> list[Result]:
    """Run the cases named, or all; needs a process without threads."""
    os.environ.update(ENVIRONMENT)
    for name in ("AWS_ENDPOINT_URL", "QUEUE_URL", "INVALIDATE_BY", "AWS_SESSION_TOKEN"):
        os.environ.pop(name, None)
    with mock_aws():
        newsroom = _newsroom()
        single = {case.name: partial(_publish, newsroom, case, folder) for case in cases()}
        crowds = {
            name: partial(_publish_together, newsroom, name, crowd)
            for name, crowd in together().items()
        }
        return [
            *(
                _forked(name, work, folder, MEGABYTES)
                for name, work in single.items()
                if not names or name in names
            ),
            *(
                _forked(name, work, folder, FUNCTION_MEGABYTES)
                for name, work in crowds.items()
                if not names or name in names
            ),
        ]


def _newsroom() -> Newsroom:
    for bucket in (SOURCE, SITE):
        s3_client().create_bucket(
            Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}
        )
    s3_client().put_bucket_versioning(Bucket=SOURCE, VersioningConfiguration={"Status": "Enabled"})
    os.environ["DISTRIBUTION_ID"] = make_distribution()
    newsroom = Newsroom()
    assert newsroom.deliver(newsroom.upload(LIVE, topics=["Harbour"])) == DONE
    return newsroom


def _forked(name: str, work: Callable[[], Result], folder: Path, most: int) -> Result:
    place = folder / f"{name}.result"
    child = os.fork()
    if not child:
        status = 1
        try:
            place.write_text(json.dumps(asdict(work())))
            status = 0
        except BaseException:  # noqa: BLE001 (whatever it is, it must not go on as the parent)
            traceback.print_exc()
        finally:
            os._exit(status)
    _, status, usage = os.wait4(child, 0)
    result = Result(name)
    if status:
        result.faults.append(f"the process ended with {os.waitstatus_to_exitcode(status)}")
        result.seconds = usage.ru_utime + usage.ru_stime
    else:
        result = Result(**json.loads(place.read_text()))
    result.megabytes = usage.ru_maxrss / 1024
    place.unlink(missing_ok=True)
    if result.megabytes > most:
        result.faults.append(f"took {result.megabytes:.0f} MB")
    return result


def _publish(newsroom: Newsroom, case: Case, folder: Path) -> Result:
    data = case.data()
    for _ in range(case.copies):
        newsroom.upload_bytes(case.source_key, data)
    neighbour = newsroom.upload(NEW, topics=["Harbour"])
    live = newsroom.page(f"articles/{LIVE}/index.html")
    _limit(SECONDS, MEGABYTES)
    start = time.process_time()
    answer = newsroom.deliver(quote_plus(case.source_key), neighbour)
    result = Result(case.name, len(data), seconds=time.process_time() - start)
    if answer != DONE:
        result.faults.append(f"is delivered again for ever: {answer}")
        return result
    receipt = newsroom.receipt(case.source_key)
    result.status, result.errors = receipt["status"], receipt["errors"]
    result.faults += _neighbour_faults(newsroom, neighbour, live)
    if result.seconds > SECONDS:
        result.faults.append(f"took {result.seconds:.1f} s")
    if result.status in {"published", "withdrawn"}:
        _save(newsroom, folder / "site" / case.name, receipt)
    return result


@dataclass(frozen=True)
class Context:
    """What Lambda tells an invocation: time passes as its share of a processor is used up."""

    began: float = field(default_factory=time.process_time)
    aws_request_id: str = "hostile"

    @property
    def spent(self) -> float:
        """Seconds of a processor so far."""
        return time.process_time() - self.began

    def get_remaining_time_in_millis(self) -> int:
        """What is left of the function's time."""
        return int(1000 * (1 - self.spent / FUNCTION_SECONDS) * FUNCTION_TIMEOUT)


def _publish_together(newsroom: Newsroom, name: str, crowd: list[Case]) -> Result:
    """Deliver all of them, and a good neighbour, to one invocation with its calls in parallel.

    What it hands back for want of time is delivered again.
    """
    result = Result(name)
    for case in crowd:
        data = case.data()
        result.size += len(data) * case.copies
        for _ in range(case.copies):
            newsroom.upload_bytes(case.source_key, data)
    neighbour = newsroom.upload(NEW, topics=["Harbour"])
    live = newsroom.page(f"articles/{LIVE}/index.html")
    records = [
        sqs_record(str(i), [key])
        for i, key in enumerate([*(c.source_key for c in crowd), neighbour])
    ]
    os.environ["PARALLEL_CALLS"] = "32"
    while records:
        _limit(math.ceil(FUNCTION_SECONDS), FUNCTION_MEGABYTES)
        context = Context()
        # Not by way of the newsroom, whose books are kept for one call at a time.
        answer = app.lambda_handler({"Records": records}, context, now=lambda: LATE)
        result.seconds = max(result.seconds, context.spent)
        failed = {item["itemIdentifier"] for item in answer["batchItemFailures"]}
        if len(failed) == len(records):
            result.faults.append(f"is delivered again for ever: {answer}")
            return result
        records = [record for record in records if record["messageId"] in failed]
    statuses = Counter(newsroom.receipt(case.source_key)["status"] for case in crowd)
    result.status = ", ".join(f"{number} {status}" for status, number in sorted(statuses.items()))
    result.faults += _neighbour_faults(newsroom, neighbour, live)
    result.faults += [
        f"{case.name} was not {case.expected}"
        for case in crowd
        if newsroom.receipt(case.source_key)["status"] != case.expected
    ]
    if result.seconds > FUNCTION_SECONDS:
        result.faults.append(f"took {result.seconds:.1f} s")
    return result


def _limit(seconds: int, megabytes: int) -> None:
    """From here on the process has so much CPU and memory more than it has now."""
    signal.alarm(HANGS)
    spent = math.ceil(time.process_time()) + seconds
    resource.setrlimit(resource.RLIMIT_CPU, (spent, spent + 1))
    with suppress(OSError):
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        room = pages * resource.getpagesize() + megabytes * 1024 * 1024
        resource.setrlimit(resource.RLIMIT_AS, (room, room))


def _neighbour_faults(newsroom: Newsroom, neighbour: str, live: str) -> list[str]:
    faults = []
    if newsroom.receipt(neighbour)["status"] != "published":
        faults.append("the neighbour was not published")
    if newsroom.page(f"articles/{LIVE}/index.html") != live:
        faults.append("the page that was live changed")
    faults += [
        f"{listing} lacks {path}"
        for listing in ("2026/05/index.html", "topics/harbour/index.html")
        for path in (LIVE, NEW)
        if f"/articles/{path}/" not in newsroom.page(listing)
    ]
    faults += [f"{listing} links to {link} too soon" for listing, link in newsroom.dangling]
    return faults


def _save(newsroom: Newsroom, folder: Path, receipt: dict[str, Any]) -> None:
    """What a browser is to open: the page, and the home page and feeds that show the same texts."""
    page = receipt["url"].removeprefix(f"{URL}/") + "index.html"
    topics = set(re.findall(r'href="/(topics/[^"]*)"', newsroom.page(page)))
    copies = {"article.html": page, "home.html": "index.html", "rss.xml": "rss.xml"}
    copies["atom.xml"] = "atom.xml"
    copies |= {f"topic-{i}.html": f"{key}index.html" for i, key in enumerate(sorted(topics))}
    folder.mkdir(parents=True)
    for name, key in copies.items():
        (folder / name).write_text(newsroom.page(key), encoding="utf-8")


def main(arguments: list[str]) -> None:
    """Run and write the results."""
    folder = Path(arguments[0])
    results = [asdict(result) for result in run(folder, arguments[1:])]
    (folder / "results.json").write_text(json.dumps(results), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
