"""The ping function: tells WebSub hubs and, by IndexNow, search engines what the events say.

It calls no AWS and knows nothing but the events. What can't be delivered for now comes again with
its message; what is refused for good is logged, counted and dropped.
"""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

from broadsheet.addresses import INDEXNOW
from broadsheet.invocation import seconds_left, traced
from outside import Outside, RefusedError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aws_lambda_powertools.utilities.typing import LambdaContext

# Shares what it is told among all search engines that take part: https://www.indexnow.org/faq
INDEXNOW_URL = "https://api.indexnow.org/indexnow"
FORM = "application/x-www-form-urlencoded"
JSON = "application/json; charset=utf-8"
PINGS_AT_ONCE = 16
# So much of the invocation is left for its own end, and so long it lasts where nobody counts.
END_SECONDS = 10.0
LONGEST_SECONDS = 50.0

logger = Logger(service="ping")
metrics = Metrics(namespace="Broadsheet", service="ping")


@dataclass(frozen=True)
class Ping:
    """One request to somebody else's server."""

    url: str
    body: bytes
    content_type: str


@traced("ping")
@metrics.log_metrics
def lambda_handler(event: dict[str, Any], context: LambdaContext | None) -> dict[str, Any]:
    """Take a batch of SQS messages whose bodies are Broadsheet's events from EventBridge.

    Answers with the messages to try again (``batchItemFailures``).
    """
    left = min(seconds_left(context)() - END_SECONDS, LONGEST_SECONDS)
    again = tell(event["Records"], _internet(), INDEXNOW_URL, left)
    return {"batchItemFailures": [{"itemIdentifier": message} for message in again]}


@cache
def _internet() -> Outside:
    return Outside()


def tell(
    records: Iterable[dict[str, Any]], outside: Outside, indexnow_url: str, seconds: float
) -> list[str]:
    """Send each ping that some of the messages ask for once; the messages to try again.

    What has not ended within so many seconds is tried again, too.
    """
    wanted: dict[Ping, set[str]] = {}
    urls: dict[tuple[str, str], dict[str, set[str]]] = {}
    for record in records:
        message, detail = record["messageId"], _detail(record)
        for ping in _of_hub(detail):
            wanted.setdefault(ping, set()).add(message)
        if site := _keyed_site(detail):
            urls.setdefault(site, {}).setdefault(detail["url"], set()).add(message)
    for (site_url, key), changed in urls.items():
        ping = _of_search_engines(indexnow_url, site_url, key, list(changed))
        wanted[ping] = set().union(*changed.values())
    again = _send(wanted, outside, seconds)
    return sorted(set().union(*(wanted[ping] for ping in again)))


def _detail(record: dict[str, Any]) -> dict[str, Any]:
    """What an event says; nothing, where it is none of ours, since it would never be one."""
    try:
        match json.loads(record["body"]):
            case {"source": "broadsheet", "detail": {"site": str(), "url": str()} as detail}:
                return dict(detail)
    except (ValueError, RecursionError):
        pass
    _count("PingsRefused")
    logger.error("message not understood", extra={"message_id": record["messageId"]})
    return {}


def _of_hub(detail: dict[str, Any]) -> list[Ping]:
    """One for each feed: not every hub takes several at once.

    The Recommendation (https://www.w3.org/TR/websub/#publishing) leaves the request to hub and
    publisher; hubs take that of PubSubHubbub 0.3, and some want the newer name of the same thing.
    """
    match detail:
        case {"websub_hub": str(hub), "feeds": [*feeds]}:
            forms = [{"hub.mode": "publish", "hub.url": f, "hub.topic": f} for f in feeds]
            return [Ping(hub, urlencode(form).encode(), FORM) for form in forms]
    return []


def _keyed_site(detail: dict[str, Any]) -> tuple[str, str] | None:
    match detail:
        case {"indexnow_key": str(key), "site": str(site_url)}:
            return site_url, key
    return None


def _of_search_engines(endpoint: str, site_url: str, key: str, urls: list[str]) -> Ping:
    """All changed addresses of a site, of which one request takes 10,000.

    https://www.indexnow.org/documentation
    """
    body = {
        "host": urlsplit(site_url).netloc,
        "key": key,
        "keyLocation": f"{site_url}/{INDEXNOW}",
        "urlList": urls,
    }
    return Ping(endpoint, json.dumps(body).encode(), JSON)


def _send(pings: Iterable[Ping], outside: Outside, seconds: float) -> list[Ping]:
    """Send pings at once; those that have to be sent again."""

    def send(ping: Ping) -> None:
        outside.post(ping.url, ping.body, ping.content_type)

    pool = ThreadPoolExecutor(PINGS_AT_ONCE, thread_name_prefix="ping")
    futures = {pool.submit(send, ping): ping for ping in pings}
    done, late = wait(futures, timeout=max(0.0, seconds))
    # A thread that still waits for its answer gives up by itself: nobody waits for it.
    pool.shutdown(wait=False, cancel_futures=True)
    again = [futures[future] for future in late]
    sent = 0
    for future in done:
        error = future.exception()
        if error is None:
            sent += 1
        elif isinstance(error, RefusedError):
            logger.error("refused", extra={"error": str(error)})
            _count("PingsRefused")
        else:
            logger.warning("to be sent again", extra={"error": str(error)})
            again.append(futures[future])
    _count("PingsSent", sent)
    _count("PingsLate", len(again))
    return again


def _count(name: str, number: int = 1) -> None:
    metrics.add_metric(name=name, unit=MetricUnit.Count, value=number)
