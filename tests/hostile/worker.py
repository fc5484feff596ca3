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
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus

from moto import mock_aws

from tests.hostile.corpus import Case, cases
from tests.newsroom import DONE, SITE, SOURCE, URL, Newsroom, make_distribution, s3_client

SECONDS = 5
MEGABYTES = 512
# A process that neither computes nor ends is stopped.
HANGS = 60
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
        chosen = [case for case in cases() if not names or case.name in names]
        return [_forked(newsroom, case, folder) for case in chosen]


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


def _forked(newsroom: Newsroom, case: Case, folder: Path) -> Result:
    place = folder / f"{case.name}.result"
    child = os.fork()
    if not child:
        status = 1
        try:
            place.write_text(json.dumps(asdict(_publish(newsroom, case, folder))))
            status = 0
        except BaseException:  # noqa: BLE001 (whatever it is, it must not go on as the parent)
            traceback.print_exc()
        finally:
            os._exit(status)
    _, status, usage = os.wait4(child, 0)
    result = Result(case.name)
    if status:
        result.faults.append(f"the process ended with {os.waitstatus_to_exitcode(status)}")
        result.seconds = usage.ru_utime + usage.ru_stime
    else:
        result = Result(**json.loads(place.read_text()))
    result.megabytes = usage.ru_maxrss / 1024
    place.unlink(missing_ok=True)
    if result.megabytes > MEGABYTES:
        result.faults.append(f"took {result.megabytes:.0f} MB")
    return result


def _publish(newsroom: Newsroom, case: Case, folder: Path) -> Result:
    data = case.data()
    for _ in range(case.copies):
        newsroom.upload_bytes(case.source_key, data)
    neighbour = newsroom.upload(NEW, topics=["Harbour"])
    live = newsroom.page(f"articles/{LIVE}/index.html")
    _limit()
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


def _limit() -> None:
    """From here on the process has SECONDS of CPU and MEGABYTES more than it has now."""
    signal.alarm(HANGS)
    spent = math.ceil(time.process_time()) + SECONDS
    resource.setrlimit(resource.RLIMIT_CPU, (spent, spent + 1))
    with suppress(OSError):
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        room = pages * resource.getpagesize() + MEGABYTES * 1024 * 1024
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
