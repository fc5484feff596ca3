"""A newsroom for tests: two buckets, a distribution and a CDN in moto, and the real handler.

The CDN is the worst there can be: it caches every public object the instant it is written, for
ever, and forgets it only on an invalidation, after which it caches what it finds at that instant.
Every write is followed by a look whether all articles that a listing links to have their pages.
"""

from __future__ import annotations

import fnmatch
import io
import json
import os
import re
import threading
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import boto3
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.exceptions import ClientError
from botocore.handlers import BUILTIN_HANDLERS
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.s3.models import s3_backends
from moto.scheduler.models import scheduler_backends

import app
import handler
from broadsheet import addresses
from broadsheet.clients import clients_of
from broadsheet.segment import Segment
from local.kvs import KeyValueStores
from local.kvs import Store as KeyValueStore
from tests import policies, swift

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from mypy_boto3_cloudfront import CloudFrontClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_scheduler import EventBridgeSchedulerClient

    from tests.iam import Request
swift.apply()

SOURCE = "source-bucket"
SITE = "site-bucket"
URL = "https://news.example"
STORE = "arn:aws:cloudfront::123456789012:key-value-store/9a6d4ba2-3a7e-4e2e-8ad2-1c0e0f3d6c6b"
# Of the function, which calls one after the other; nothing in it is the machine's own.
ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_DEFAULT_REGION": "eu-west-1",
    "AWS_EC2_METADATA_DISABLED": "true",
    "SOURCE_BUCKET": SOURCE,
    "SITE_BUCKET": SITE,
    "SITE_URL": URL,
    "REDIRECTS_STORE_ARN": STORE,
    "PARALLEL_CALLS": "1",
}
DONE: dict[str, Any] = {"batchItemFailures": []}
GROUP = "articles"
# The variables of a function that has schedules.
SCHEDULING = {
    "SCHEDULE_GROUP": GROUP,
    "SCHEDULE_ROLE_ARN": "arn:aws:iam::123456789012:role/paper-schedules",
    "QUEUE_ARN": "arn:aws:sqs:eu-west-1:123456789012:paper-publish",
    "DEAD_LETTER_ARN": "arn:aws:sqs:eu-west-1:123456789012:paper-dead-letters",
}
# By the clock of a newsroom nothing lies ahead, unless it is turned back.
LATE = datetime(9999, 1, 1, tzinfo=UTC)
FEEDS = ("rss.xml", "atom.xml", "feed.json")
# Every listing of an article of May 2026 with the topic Harbour.
LISTINGS = [
    "index.html",
    "2026/05/index.html",
    "sitemap-2026-05.xml",
    "news-sitemap.xml",
    "search/2026/05.idx",
    *FEEDS,
    "topics/harbour/index.html",
    "topics/harbour/2026/05/index.html",
    *(f"topics/harbour/{feed}" for feed in FEEDS),
]
_PICTURE_LINK = re.compile(
    r"(?:https://news\.example|[\"'\s])/(media/[A-Za-z0-9._/-]+|articles/[a-z0-9/-]+/card\.png)"
)
_REFRESH = re.compile(r'content="0; url=https://news\.example(/articles/[a-z0-9/-]+/)"')
_ARTICLE_LINK = re.compile(r"(?:https://news\.example|[\"'])/(articles/[a-z0-9/-]+)/[\"'<]")


# What plays the KeyValueStores, which moto lacks: those of the newsroom that was called last.
_playing = KeyValueStores()


def _play_store(request: Any, **_: Any) -> AWSResponse | None:
    if ".cloudfront-kvs." not in request.url:
        return None
    tag = request.headers.get("If-Match", b"")
    headers = {"If-Match": tag.decode() if isinstance(tag, bytes) else tag}
    answer = _playing.answer(request.method, request.url, headers, request.body or b"")
    found = HTTPHeaders.from_pairs(answer.headers.items())
    raw = Raw(json.dumps(answer.body).encode())
    return AWSResponse(request.url, answer.status.value, found, raw)


BUILTIN_HANDLERS.append(("before-send.cloudfront-keyvaluestore", _play_store))


@cache
def s3_client() -> S3Client:
    """A client of the tests' own, none of whose calls are counted or stopped."""
    return boto3.client("s3")


@cache
def _scheduler() -> EventBridgeSchedulerClient:
    return boto3.client("scheduler")


@cache
def _cloudfront(endpoint_url: str | None) -> CloudFrontClient:
    return boto3.client("cloudfront", endpoint_url=endpoint_url)


def make_buckets() -> None:
    """An empty source bucket, with versions, and an empty site bucket."""
    s3 = s3_client()
    for bucket in (SOURCE, SITE):
        s3.create_bucket(
            Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}
        )
    s3.put_bucket_versioning(Bucket=SOURCE, VersioningConfiguration={"Status": "Enabled"})


def make_group() -> None:
    """A group of schedules, and nothing in it."""
    _scheduler().create_schedule_group(Name=GROUP)


def make_distribution(endpoint_url: str | None = None) -> str:
    """A distribution of the site bucket; its id."""
    answer = _cloudfront(endpoint_url).create_distribution(
        DistributionConfig={
            "CallerReference": "test",
            "Comment": "",
            "Enabled": True,
            "Origins": {
                "Quantity": 1,
                "Items": [
                    {
                        "Id": "site",
                        "DomainName": f"{SITE}.s3.amazonaws.com",
                        "S3OriginConfig": {"OriginAccessIdentity": ""},
                    }
                ],
            },
            "DefaultCacheBehavior": {
                "TargetOriginId": "site",
                "ViewerProtocolPolicy": "redirect-to-https",
            },
        }
    )
    return answer["Distribution"]["Id"]


class Crash(BaseException):
    """The process has died at this call."""


@dataclass(frozen=True)
class Copy:
    """A public object with all that a reader or a cache gets of it."""

    body: bytes
    content_type: str
    cache_control: str
    cache_tag: str
    made_from: str = ""


@dataclass
class Newsroom:
    """One deployment.

    ``gate`` is called before each AWS call of the handler, with its name and request; ``lose``
    after each one that was carried out. What they raise reaches the handler as AWS's answer.

    A call that the template's policies do not allow raises AccessDenied; ``needed`` collects what
    calls of each function ("Publish", "Media") had to be allowed. Calls may come from several
    threads at once; the gate stands before the lock, since another invocation may happen in it.
    """

    site_bucket: str = SITE
    calls: Counter[str] = field(default_factory=Counter)
    invalidations: list[list[str]] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)
    cdn: dict[str, Copy] = field(default_factory=dict)
    dangling: list[tuple[str, str]] = field(default_factory=list)
    needed: defaultdict[str, set[Request]] = field(default_factory=lambda: defaultdict(set))
    gate: Callable[[str, dict[str, Any]], None] | None = None
    lose: Callable[[str, dict[str, Any]], None] | None = None
    stores: KeyValueStores = field(default_factory=KeyValueStores)
    now: datetime = LATE

    def __post_init__(self) -> None:
        self.s3 = s3_client()
        if self.site_bucket == SITE:
            self._play()
        self._lock = threading.Lock()
        self._here = threading.local()
        self._rebuilt: tuple[str, tuple[dict[str, Copy], dict[str, str]]] = ("", ({}, {}))
        self.forget()

    def forget(self) -> None:
        """Have seen nothing yet."""
        self.calls.clear()
        self.invalidations.clear()
        self.events.clear()
        self.cdn.clear()
        self.dangling.clear()
        self._links: dict[str, set[str]] = {}
        self._pages: set[str] = set()
        self._shown: dict[str, set[str]] = {}
        self._pictures: set[str] = set()
        self._moved: dict[str, str] = {}
        self._function = "Publish"
        self._depth = 0

    # What the newsroom does

    def upload(self, path: str, **fields: Any) -> str:
        """Upload an article, complete but for the fields given; its key."""
        return self.upload_bytes(addresses.source_key(path), json.dumps(article(**fields)).encode())

    def upload_bytes(self, key: str, body: bytes) -> str:
        """Upload anything; its key."""
        self.s3.put_object(Bucket=SOURCE, Key=key, Body=body)
        return key

    def delete(self, path: str) -> str:
        """Delete an article; its key."""
        key = addresses.source_key(path)
        self.s3.delete_object(Bucket=SOURCE, Key=key)
        return key

    # What the deployment does

    def deliver(
        self, *messages: Iterable[str] | str, event: Any = None, context: Any = None
    ) -> dict[str, Any]:
        """Invoke the publish function with one SQS message for each key, or group of keys."""
        return self._call("Publish", messages, event, context)

    def deliver_media(
        self, *messages: Iterable[str] | str, event: Any = None, context: Any = None
    ) -> dict[str, Any]:
        """Invoke the media function likewise."""
        return self._call("Media", messages, event, context)

    def _call(
        self, function: str, messages: Iterable[Iterable[str] | str], event: Any, context: Any
    ) -> dict[str, Any]:
        groups = [[message] if isinstance(message, str) else message for message in messages]
        event = event or {"Records": [sqs_record(str(i), keys) for i, keys in enumerate(groups)]}
        clients = clients_of("", int(os.environ["PARALLEL_CALLS"]))
        outer = os.environ["SITE_BUCKET"], self._function
        os.environ["SITE_BUCKET"], self._function = self.site_bucket, function
        played = self._play()
        self._hook(clients, "register")
        self._depth += 1
        try:
            clock: dict[str, Any] = {"now": lambda: self.now} if function == "Publish" else {}
            called = app if function == "Publish" else handler
            answer: dict[str, Any] = called.lambda_handler(event, context, **clock)
            return answer
        finally:
            self._depth -= 1
            self._hook(clients, "unregister")
            os.environ["SITE_BUCKET"], self._function = outer
            self._play(played)

    def _play(self, stores: KeyValueStores | None = None) -> KeyValueStores:
        """Let our KeyValueStores, or others, be AWS's; those that were before."""
        global _playing
        before, _playing = _playing, stores or self.stores
        return before

    def _hook(self, clients: Any, action: str) -> None:
        """Stand between the handler and AWS; an invocation within another one does already."""
        if self._depth:
            return
        bus: list[Any] = [clients.events] if os.environ.get("EVENT_BUS") else []
        if os.environ.get("SCHEDULE_GROUP"):
            bus.append(clients.scheduler)
        if os.environ.get("REDIRECTS_STORE_ARN"):
            bus.append(clients.redirects)
        if os.environ.get("REBUILD_MACHINE_ARN"):
            bus.append(clients.states)
        for client in (clients.s3, clients.cloudfront, clients.sqs, *bus):
            getattr(client.meta.events, action)("provide-client-params", self._before)
            getattr(client.meta.events, action)("after-call", self._after)

    def _before(self, params: dict[str, Any], model: Any, **_: Any) -> None:
        with self._lock:
            self.calls[model.name] += 1
            self._permit(policies.demands(model.name, params))
        if self.gate:
            self.gate(model.name, params)
        # A thread has one call at a time, and whatever happened in the gate is over.
        self._here.call = (model.name, params)

    def _after(self, model: Any, http_response: Any, **_: Any) -> None:
        name, params = self._here.call
        assert name == model.name
        with self._lock:
            if http_response.status_code < 300:
                self._observe(name, params)
            if http_response.status_code == 404 and "Bucket" in params:
                self._permit(policies.demands_if_missing(params))
        if self.lose:
            self.lose(name, params)

    def _permit(self, requests: Iterable[Request]) -> None:
        """Let the function's role make these requests, as IAM would."""
        deployment = policies.present(self._function)
        self.needed[self._function] |= {deployment.demand(request) for request in requests}

    def work_off(self) -> None:
        """Deliver what both queues hold, and what that leads to, until nothing is left."""
        sqs = boto3.client("sqs")
        for _ in range(1000):
            left = 0
            for name, deliver in (("", self.deliver), ("MEDIA_", self.deliver_media)):
                url = os.environ[f"{name}QUEUE_URL"]
                # What failed may come again at once.
                answer = sqs.receive_message(
                    QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=0
                )
                records = {
                    m["ReceiptHandle"]: {"messageId": m["MessageId"], "body": m["Body"]}
                    for m in answer.get("Messages", [])
                }
                left += len(records)
                again = failed(deliver(event={"Records": [*records.values()]})) if records else []
                for handle, record in records.items():
                    if record["messageId"] not in again:
                        sqs.delete_message(QueueUrl=url, ReceiptHandle=handle)
            if not left:
                return
        raise AssertionError("the queues are never empty")

    # What time does

    def schedules(self) -> dict[str, datetime]:
        """What is sent at which moment, by the schedules of the group that the environment names.

        A message of the function's own by its keys, joined; any other as it is.
        """
        found = {}
        for schedule in self._group().values():
            key = " ".join(json.loads(schedule.target["Input"])["reconcile"]["keys"])
            while key in found:
                key += "'"
            found[key] = _moment_of(schedule)
        return found

    def due(self) -> list[dict[str, Any]]:
        """Take the schedules that are due, which are gone then: the messages that they send."""
        group = self._group()
        due = [name for name, schedule in group.items() if _moment_of(schedule) <= self.now]
        return [
            {"messageId": name, "body": group.pop(name).target["Input"]} for name in sorted(due)
        ]

    def turn(self, now: datetime) -> None:
        """Let it be that time, and everything be done that is due then."""
        self.now = now
        for record in self.due():
            assert self.deliver(event={"Records": [record]}) == DONE

    def _group(self) -> dict[str, Any]:
        backend = scheduler_backends[DEFAULT_ACCOUNT_ID]["eu-west-1"]
        schedules: dict[str, Any] = backend.schedule_groups[GROUP].schedules
        return schedules

    # What readers and caches see

    def _observe(self, name: str, params: dict[str, Any]) -> None:
        if name == "CreateInvalidation":
            items = params["InvalidationBatch"]["Paths"]["Items"]
            self.invalidations.append(items)
            self._forget(items)
        if name == "PutEvents":
            self.events += [
                {"type": entry["DetailType"], **json.loads(entry["Detail"])}
                for entry in params["Entries"]
            ]
        if name == "UpdateKeys":
            self._check_links()
        key = params.get("Key", "")
        if params.get("Bucket") == self.site_bucket and not key.startswith("_"):
            if name == "PutObject":
                self._come(key)
            elif name == "DeleteObject":
                self._gone(key)
                self._check_links()

    def _come(self, key: str) -> None:
        copy = self._origin(key)
        if copy is None:
            return  # another thread has deleted it since, which is seen next
        self.cdn.setdefault(key, copy)
        if copy.content_type.startswith("image/") and key != addresses.ICON:
            self._pictures.add(key)
            return
        self._moved.pop(key, None)
        if addresses.TAG_REDIRECTS in copy.cache_tag.split(","):
            self._moved[key] = _leads_to(copy)
        self._links[key] = _linked(key, copy)
        self._shown[key] = set(_PICTURE_LINK.findall(copy.body.decode(errors="replace")))
        if key.startswith("articles/"):
            self._links[key] = set()
            self._pages.add(key)
        self._check_links()

    def _gone(self, key: str) -> None:
        for known in (self._links, self._shown, self._moved):
            known.pop(key, None)
        self._pages.discard(key)
        self._pictures.discard(key)

    def _check_links(self) -> None:
        for listing, links in self._links.items():
            for link in links:
                if f"{link}/index.html" not in self._pages:
                    self.dangling.append((listing, link))
        for page, pictures in self._shown.items():
            self.dangling += [(page, picture) for picture in pictures - self._pictures]
        self.dangling += self._led_astray()

    def _led_astray(self) -> list[tuple[str, str]]:
        """Redirects, of the store and of pages, to what is not there."""
        stored = {key: target.strip("/") for key, target in self.redirects().items()}
        led = [*self._moved.items(), *stored.items()]
        return [(old, link) for old, link in led if f"{link}/index.html" not in self._pages]

    def redirects(self) -> dict[str, str]:
        """What the store has: where each old address leads."""
        entries = self.store().entries
        return {path: target for path, target in entries.items() if path.startswith("/")}

    def store(self) -> KeyValueStore:
        """The store of redirects itself."""
        return self.stores.store(os.environ.get("REDIRECTS_STORE_ARN", ""))

    def _forget(self, items: list[str]) -> None:
        for key, copy in list(self.cdn.items()):
            tags = {f"#{tag}" for tag in copy.cache_tag.split(",")}
            names = {f"/{key}", addresses.url_path(key)}
            if tags & set(items) or any(fnmatch.filter(names, item) for item in items):
                fresh = self._origin(key)
                if fresh:
                    self.cdn[key] = fresh
                else:
                    del self.cdn[key]

    def _origin(self, key: str) -> Copy | None:
        found = self._backend().get_object(self.site_bucket, key)
        if found is None:
            return None
        return Copy(
            found.value,
            found.metadata.get("content-type", ""),
            found.metadata.get("cache-control", ""),
            found.metadata.get("x-amz-meta-cache-tag", ""),
            found.metadata.get("x-amz-meta-made-from", ""),
        )

    def _backend(self) -> Any:
        """Moto's own state: to look at the whole site through the API takes minutes in all."""
        return s3_backends[DEFAULT_ACCOUNT_ID]["aws"]

    def site(self) -> dict[str, Copy]:
        """All public objects by key."""
        return {
            key: copy
            for key in self.keys(self.site_bucket)
            if not key.startswith("_") and (copy := self._origin(key))
        }

    def page(self, key: str) -> str:
        """A public object's text; KeyError where there is none."""
        copy = self._origin(key)
        if copy is None:
            raise KeyError(key)
        return copy.body.decode(errors="replace" if addresses.searched_month(key) else "strict")

    def keys(self, bucket: str) -> list[str]:
        """All keys of a bucket."""
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket)
        return [item["Key"] for page in pages for item in page.get("Contents", [])]

    def receipt(self, key: str) -> dict[str, Any]:
        """What the function said of a source key."""
        answer = self.s3.get_object(Bucket=SOURCE, Key=addresses.receipt_key(key))
        receipt: dict[str, Any] = json.loads(answer["Body"].read())
        return receipt

    def state(self, key: str) -> tuple[str, str]:
        """The entity tag, without quotes, and version of a source key."""
        head = self.s3.head_object(Bucket=SOURCE, Key=key)
        return head["ETag"].strip('"'), head["VersionId"]

    def age_receipts(self) -> None:
        """Let all receipts have been written a minute ago."""
        for key in self.keys(SOURCE):
            if key.startswith("receipts/"):
                self._backend().get_object(SOURCE, key).last_modified -= timedelta(minutes=1)

    def history(self) -> str:
        """What decides what a rebuild gives: all versions of all uploads, and the time."""
        history = self._backend().get_bucket(SOURCE).keys
        return f"{self.now} " + str(
            {
                key: [getattr(version, "etag", "deleted") for version in history.getlist(key)]
                for key in sorted(history)
                if not key.startswith("receipts/")
            }
        )

    def rebuilt(self) -> dict[str, Copy]:
        """The public objects that a clean rebuild of the same sources gives."""
        return self.rebuilt_with_redirects()[0]

    def rebuilt_with_redirects(self) -> tuple[dict[str, Copy], dict[str, str]]:
        """The same, and what such a rebuild tells the store of redirects."""
        state = self.history()
        if state != self._rebuilt[0]:
            name = "rebuilt-bucket"
            self.s3.create_bucket(
                Bucket=name, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}
            )
            clean = Newsroom(site_bucket=name, now=self.now)
            keys = [k for k in self.keys(SOURCE) if k.startswith("articles/")]
            for picture in self.keys(SOURCE):
                if picture.startswith("media/"):
                    assert clean.deliver_media(picture) == DONE
            # The other's schedules are not to be touched, nor set once more, nor is it rebuilt.
            with patch.dict(os.environ, {"SCHEDULE_GROUP": "", "REBUILD_MACHINE_ARN": ""}):
                assert clean.deliver("site.json", *keys) == {"batchItemFailures": []}
            self._rebuilt = state, (clean.site(), clean.redirects())
            self.empty(name, *((key, "null") for key in self.keys(name)))
            self.s3.delete_bucket(Bucket=name)
        return self._rebuilt[1]

    def empty(self, bucket: str, *versions: tuple[str, str]) -> None:
        """Delete these keys and versions, a thousand at the most."""
        if versions:
            self.s3.delete_objects(
                Bucket=bucket,
                Delete={"Objects": [{"Key": key, "VersionId": id_} for key, id_ in versions]},
            )

    def assert_converged(self, excepted: Iterable[str] = ()) -> None:
        """The site is what a rebuild gives, no copy of the CDN is old, and no link ever dangled.

        Links to the ``excepted`` may have.
        """
        site = self.site()
        rebuilt, redirects = self.rebuilt_with_redirects()
        assert sorted(site) == sorted(rebuilt), site.keys() ^ rebuilt.keys()
        for key, copy in site.items():
            assert copy == rebuilt[key], key
        for key, copy in self.cdn.items():
            assert copy == site.get(key), f"stale: {key}"
        assert self.redirects() == redirects
        assert [link for link in self.dangling if link[1] not in excepted] == []


class Raw(io.BytesIO):
    """The body of an answer, as botocore reads it."""

    def stream(self, **_: Any) -> Iterator[bytes]:
        yield self.read()


def _leads_to(copy: Copy) -> str:
    """The article that the page of an old address leads to."""
    link: str
    (link,) = set(_REFRESH.findall(copy.body.decode()))
    return link.strip("/")


def _moment_of(schedule: Any) -> datetime:
    """When a schedule of moto's is due."""
    assert schedule.schedule_expression_timezone == "UTC"
    assert schedule.state == "ENABLED"
    found = re.fullmatch(r"at\((.*)\)", schedule.schedule_expression)
    assert found
    return datetime.fromisoformat(found[1]).replace(tzinfo=UTC)


def _linked(key: str, copy: Copy) -> set[str]:
    """The articles that a public object leads to."""
    if addresses.searched_month(key):
        return {f"articles/{path}" for path in Segment.from_bytes(copy.body).paths}
    if copy.content_type.startswith("image/"):
        return set()
    return set(_ARTICLE_LINK.findall(copy.body.decode()))


def article(**fields: Any) -> dict[str, Any]:
    """A small article with the fields given; a field of None is left out."""
    whole = {
        "title": "Ferry runs again",
        "summary": "The ferry is back after a week of repairs.",
        "body": "The ferry *runs* again.",
        "published_at": "2026-05-04T09:30:00+02:00",
    }
    return {name: value for name, value in (whole | fields).items() if value is not None}


def refused(operation: str, code: str) -> ClientError:
    """An answer of AWS that is an error."""
    return ClientError({"Error": {"Code": code, "Message": "refused"}}, operation)


def refusing(
    key: str, operation: str = "", *, code: str = "InternalError", times: int = 1_000
) -> Callable[[str, dict[str, Any]], None]:
    """A gate at which AWS answers the first calls for a key (or a distribution) with an error."""
    left = times

    def gate(name: str, params: dict[str, Any]) -> None:
        nonlocal left
        asked = params.get("Key") or params.get("DistributionId")
        if left and asked == key and operation in {"", name}:
            left -= 1
            raise refused(name, code)

    return gate


def sqs_record(message_id: str, keys: Iterable[str]) -> dict[str, Any]:
    """An SQS record whose body is an S3 notification of these keys."""
    records = [
        {
            "eventTime": "2026-05-04T07:30:00.000Z",
            "eventName": "ObjectCreated:Put",
            "s3": {"bucket": {"name": SOURCE}, "object": {"key": key}},
        }
        for key in keys
    ]
    return {"messageId": message_id, "body": json.dumps({"Records": records})}


def publish(newsroom: Newsroom, path: str, **fields: Any) -> str:
    """Upload an article and deliver its message; its key."""
    key = newsroom.upload(path, **fields)
    assert newsroom.deliver(key) == DONE
    return key


def links(newsroom: Newsroom, path: str) -> list[str]:
    """The public objects, other than its own page, that link to an article."""
    link = f"/articles/{path}/".encode()
    site = newsroom.site()
    own = f"articles/{path}/index.html"
    return sorted(
        key
        for key, copy in site.items()
        if key != own and (link in copy.body or link[1:-1].decode() in _linked(key, copy))
    )


def failed(answer: dict[str, Any]) -> list[str]:
    """The messages that an answer sends back."""
    return [item["itemIdentifier"] for item in answer["batchItemFailures"]]


def status(newsroom: Newsroom, key: str) -> str:
    """What the receipt of a key says became of it."""
    value: str = newsroom.receipt(key)["status"]
    return value
