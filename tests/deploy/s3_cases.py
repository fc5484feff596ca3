"""What AWS documents of S3, as far as the function relies on it, in scripts of a few calls."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_plus

import pytest
from botocore.exceptions import ClientError

from tests.deploy import programs

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sqs import SQSClient

GUIDE = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/"
API = "https://docs.aws.amazon.com/AmazonS3/latest/API/"
ETAG = f'"{hashlib.md5(b"1", usedforsecurity=False).hexdigest()}"'
KEY = "articles/fünf +.json"


@dataclass
class Buckets:
    """A fresh bucket with versions, one without, and a queue that is told of one of them.

    ``late`` says that events may come after the answer to the call that they tell of.
    """

    s3: S3Client
    sqs: SQSClient
    number: int
    late: bool

    def __post_init__(self) -> None:
        self.plain, self.versioned = f"plain-{self.number}", f"versioned-{self.number}"
        for bucket in (self.plain, self.versioned):
            self.s3.create_bucket(
                Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}
            )
        self.s3.put_bucket_versioning(
            Bucket=self.versioned, VersioningConfiguration={"Status": "Enabled"}
        )

    def put(self, bucket: str, key: str, body: bytes = b"1", **more: Any) -> Any:
        return self.s3.put_object(Bucket=bucket, Key=key, Body=body, **more)

    def listen(self, bucket: str) -> str:
        """A queue that gets the events of a bucket; its URL."""
        url = self.sqs.create_queue(QueueName=f"queue-{self.number}")["QueueUrl"]
        names: Any = ["QueueArn"]
        arn = self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
        events: Any = ["s3:ObjectCreated:*", "s3:ObjectRemoved:*"]
        self.s3.put_bucket_notification_configuration(
            Bucket=bucket,
            NotificationConfiguration={
                "QueueConfigurations": [{"QueueArn": arn["QueueArn"], "Events": events}]
            },
        )
        return url

    def messages(self, url: str) -> list[Any]:
        """All messages of a queue, at least one where they may be late."""
        found: list[Any] = []

        def receive() -> bool:
            while got := self.sqs.receive_message(QueueUrl=url).get("Messages"):
                found.extend(json.loads(message["Body"]) for message in got)
                for message in got:
                    self.sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
            return bool(found) or not self.late

        programs.wait_until(receive, "an event")
        return found

    def events_of(self, bucket: str, call: Callable[[], object]) -> list[dict[str, Any]]:
        """The records that a call makes S3 send."""
        url = self.listen(bucket)
        self.messages(url)  # the test event
        call()
        return [record for message in self.messages(url) for record in message["Records"]]


@dataclass(frozen=True)
class Case:
    """What is done, what AWS answers, the page that says so, and who answers otherwise how."""

    what: str
    script: Callable[[Buckets], Any]
    aws: Any
    source: str
    otherwise: dict[str, Any] = field(default_factory=dict)


def answer(call: Callable[..., Any], **request: Any) -> Any:
    """The status of an answer, and the code of an error."""
    try:
        return call(**request)["ResponseMetadata"]["HTTPStatusCode"]
    except ClientError as error:
        return error.response["ResponseMetadata"]["HTTPStatusCode"], error.response["Error"]["Code"]


def headers(call: Callable[..., Any], **request: Any) -> dict[str, str]:
    """The headers of an error."""
    with pytest.raises(ClientError) as caught:
        call(**request)
    found: dict[str, str] = caught.value.response["ResponseMetadata"]["HTTPHeaders"]
    return found


# The scripts


def put_if_none_match(b: Buckets) -> Any:
    return [answer(b.put, bucket=b.plain, key="a", IfNoneMatch="*") for _ in range(2)]


def put_if_match(b: Buckets) -> Any:
    b.put(b.plain, "a")
    return [answer(b.put, bucket=b.plain, key="a", body=b"2", IfMatch=ETAG) for _ in range(2)]


def put_if_match_on_nothing(b: Buckets) -> Any:
    return answer(b.put, bucket=b.plain, key="a", IfMatch=ETAG)


def conditions_on_a_delete_marker(b: Buckets) -> Any:
    b.put(b.versioned, "a")
    b.s3.delete_object(Bucket=b.versioned, Key="a")
    return [
        answer(b.put, bucket=b.versioned, key="a", IfMatch=ETAG),
        answer(b.put, bucket=b.versioned, key="a", IfNoneMatch="*"),
    ]


def etag(b: Buckets) -> Any:
    put = b.put(b.plain, "a")["ETag"]
    return [put, b.s3.head_object(Bucket=b.plain, Key="a")["ETag"]]


def missing(b: Buckets) -> Any:
    request = {"Bucket": b.plain, "Key": "a"}
    return [answer(call, **request) for call in (b.s3.get_object, b.s3.head_object)]


def delete_missing(b: Buckets) -> Any:
    return answer(b.s3.delete_object, Bucket=b.plain, Key="a")


def read_an_earlier_version(b: Buckets) -> Any:
    first = b.put(b.versioned, "a")["VersionId"]
    second = b.put(b.versioned, "a", b"2")["VersionId"]
    b.s3.delete_object(Bucket=b.versioned, Key="a")
    return [
        b.s3.get_object(Bucket=b.versioned, Key="a", VersionId=version)["Body"].read()
        for version in (first, second)
    ]


def marked(b: Buckets) -> str:
    b.put(b.versioned, "a")
    return b.s3.delete_object(Bucket=b.versioned, Key="a")["VersionId"]


def get_a_delete_marker(b: Buckets) -> Any:
    return answer(b.s3.get_object, Bucket=b.versioned, Key="a", VersionId=marked(b))


def head_a_delete_marker(b: Buckets) -> Any:
    return answer(b.s3.head_object, Bucket=b.versioned, Key="a", VersionId=marked(b))


def get_what_is_deleted(b: Buckets) -> Any:
    marked(b)
    return answer(b.s3.get_object, Bucket=b.versioned, Key="a")


def header_of_what_is_deleted(b: Buckets) -> Any:
    marked(b)
    request = {"Bucket": b.versioned, "Key": "a"}
    return [
        headers(call, **request).get("x-amz-delete-marker")
        for call in (b.s3.get_object, b.s3.head_object)
    ]


def delete_twice(b: Buckets) -> Any:
    marked(b)
    b.s3.delete_object(Bucket=b.versioned, Key="a")
    found = b.s3.list_object_versions(Bucket=b.versioned)
    return [len(found["Versions"]), len(found["DeleteMarkers"])]


def versions_one_by_one(b: Buckets) -> Any:
    """As store.py asks for them: one item of a page, and where the next begins."""
    for body in (b"1", b"2", None, b"3", None, None):
        if body:
            b.put(b.versioned, "a", body)
        else:
            b.s3.delete_object(Bucket=b.versioned, Key="a")
    b.put(b.versioned, "a.b")
    found, after = [], dict[str, Any]()
    while True:
        page = b.s3.list_object_versions(Bucket=b.versioned, Prefix="a", MaxKeys=1, **after)
        found += [("version", v["Key"], v["IsLatest"]) for v in page.get("Versions", [])]
        found += [("deletion", m["Key"], m["IsLatest"]) for m in page.get("DeleteMarkers", [])]
        if not page["IsTruncated"]:
            return found
        after = {
            "KeyMarker": page["NextKeyMarker"],
            "VersionIdMarker": page["NextVersionIdMarker"],
        }


def order_of_keys(b: Buckets) -> Any:
    for name in ("b", "B", "ä", "b/c", "b-", "_x", "\U0001f600", "\uffee"):
        b.put(b.plain, name)
    found = b.s3.list_objects_v2(Bucket=b.plain)["Contents"]
    after = b.s3.list_objects_v2(Bucket=b.plain, StartAfter="b-", MaxKeys=2)["Contents"]
    return [[item["Key"] for item in items] for items in (found, after)]


def metadata(b: Buckets) -> Any:
    b.put(
        b.plain,
        "a",
        ContentType="text/html; charset=utf-8",
        CacheControl="public, max-age=0",
        Metadata={"cache-tag": "site,listings", "Upper": "X"},
    )
    head = b.s3.head_object(Bucket=b.plain, Key="a")
    return [head["ContentType"], head["CacheControl"], head["Metadata"]]


def copy_in_place(b: Buckets) -> Any:
    b.put(b.plain, "a")
    source = {"Bucket": b.plain, "Key": "a"}
    return answer(b.s3.copy_object, Bucket=b.plain, Key="a", CopySource=source)


def event_of_a_copy_in_place(b: Buckets) -> Any:
    b.put(b.versioned, "a")
    request: Any = {"Bucket": b.versioned, "Key": "a", "MetadataDirective": "REPLACE"}
    source: Any = {"Bucket": b.versioned, "Key": "a"}
    records = b.events_of(b.versioned, lambda: b.s3.copy_object(CopySource=source, **request))
    return [record["eventName"] for record in records]


def event_of_configuring(b: Buckets) -> Any:
    return [message["Event"] for message in b.messages(b.listen(b.plain))]


def put_record(b: Buckets) -> dict[str, Any]:
    (record,) = b.events_of(b.versioned, lambda: b.put(b.versioned, KEY))
    return record


def event_of_a_put(b: Buckets) -> Any:
    record = put_record(b)
    there = record["s3"]["object"]
    name, size = record["s3"]["bucket"]["name"], there["size"]
    return [record["eventName"], name == b.versioned, size, f'"{there["eTag"]}"' == ETAG]


def key_in_an_event(b: Buckets) -> Any:
    key = put_record(b)["s3"]["object"]["key"]
    return [unquote_plus(key) == KEY, key.isascii(), "+" in key, " " in key]


def version_and_sequencer(b: Buckets) -> Any:
    return [name in put_record(b)["s3"]["object"] for name in ("versionId", "sequencer")]


def deletion(b: Buckets, bucket: str) -> Any:
    b.put(bucket, "a")
    records = b.events_of(bucket, lambda: b.s3.delete_object(Bucket=bucket, Key="a"))
    return [(record["eventName"], record["s3"]["object"]["key"]) for record in records]


FAILED = (412, "PreconditionFailed")
NOTHING = (404, "NoSuchKey")
VERSION, DELETION = "version", "deletion"

CASES = [
    Case(
        "PutObject with If-None-Match: * creates, and then is refused with 412",
        put_if_none_match,
        [200, FAILED],
        f"{GUIDE}conditional-writes.html",
    ),
    Case(
        "PutObject with If-Match writes over the entity tag, and then is refused with 412",
        put_if_match,
        [200, FAILED],
        f"{GUIDE}conditional-writes.html",
    ),
    Case(
        "PutObject with If-Match where nothing is gives 404",
        put_if_match_on_nothing,
        NOTHING,
        f"{GUIDE}conditional-writes.html",
    ),
    Case(
        "a delete marker is nothing to If-Match and If-None-Match",
        conditions_on_a_delete_marker,
        [NOTHING, 200],
        f"{GUIDE}conditional-writes.html",
    ),
    Case("an entity tag is the MD5 of what was put", etag, [ETAG, ETAG], f"{API}API_Object.html"),
    Case(
        "what is missing gives 404, without a code where the answer has no body",
        missing,
        [NOTHING, (404, "404")],
        f"{API}API_HeadObject.html",
    ),
    Case(
        "DeleteObject of what is missing succeeds",
        delete_missing,
        204,
        f"{API}API_DeleteObject.html",
    ),
    Case(
        "GetObject with a VersionId reads what was there",
        read_an_earlier_version,
        [b"1", b"2"],
        f"{GUIDE}RetrievingObjectVersions.html",
    ),
    Case(
        "GetObject with the VersionId of a delete marker gives 405",
        get_a_delete_marker,
        (405, "MethodNotAllowed"),
        f"{API}API_GetObject.html",
        {"moto": (404, "NoSuchVersion")},
    ),
    Case(
        "HeadObject with the VersionId of a delete marker gives 405",
        head_a_delete_marker,
        (405, "405"),
        f"{API}API_HeadObject.html",
    ),
    Case(
        "GetObject of what is deleted gives 404",
        get_what_is_deleted,
        NOTHING,
        f"{GUIDE}DeleteMarker.html",
    ),
    Case(
        "GetObject and HeadObject of what is deleted say x-amz-delete-marker",
        header_of_what_is_deleted,
        ["true", "true"],
        f"{GUIDE}DeleteMarker.html",
        {"moto": [None, "true"]},
    ),
    Case(
        "deleting what is deleted adds a delete marker",
        delete_twice,
        [1, 2],
        f"{GUIDE}ManagingDelMarkers.html",
    ),
    Case(
        "ListObjectVersions gives one item after the other: by key, the newest first",
        versions_one_by_one,
        [
            (DELETION, "a", True),
            (DELETION, "a", False),
            (VERSION, "a", False),
            (DELETION, "a", False),
            (VERSION, "a", False),
            (VERSION, "a", False),
            (VERSION, "a.b", True),
        ],
        f"{API}API_ListObjectVersions.html",
    ),
    Case(
        "ListObjectsV2 is in the order of UTF-8, and StartAfter leaves its key out",
        order_of_keys,
        [["B", "_x", "b", "b-", "b/c", "ä", "\uffee", "\U0001f600"], ["b/c", "ä"]],
        f"{API}API_ListObjectsV2.html",
    ),
    Case(
        "headers and metadata come back, names of metadata in lower case",
        metadata,
        [
            "text/html; charset=utf-8",
            "public, max-age=0",
            {"cache-tag": "site,listings", "upper": "X"},
        ],
        f"{GUIDE}UsingMetadata.html",
    ),
    Case(
        "CopyObject in place that changes nothing is refused",
        copy_in_place,
        (400, "InvalidRequest"),
        f"{API}ErrorResponses.html",
        {"MiniStack": 200},
    ),
    Case(
        "CopyObject in place with new metadata sends ObjectCreated:Copy",
        event_of_a_copy_in_place,
        ["ObjectCreated:Copy"],
        f"{GUIDE}notification-how-to-event-types-and-destinations.html",
    ),
    Case(
        "configuring notifications sends s3:TestEvent",
        event_of_configuring,
        ["s3:TestEvent"],
        f"{GUIDE}notification-content-structure.html",
    ),
    Case(
        "PutObject sends ObjectCreated:Put with bucket, size and entity tag",
        event_of_a_put,
        ["ObjectCreated:Put", True, 1, True],
        f"{GUIDE}notification-content-structure.html",
    ),
    Case(
        "the key in an event is encoded as in a form",
        key_in_an_event,
        [True, True, True, False],
        f"{GUIDE}notification-content-structure.html",
    ),
    Case(
        "an event of a bucket with versions has versionId and sequencer",
        version_and_sequencer,
        [True, True],
        f"{GUIDE}notification-content-structure.html",
        {"moto": [False, False]},
    ),
    Case(
        "DeleteObject without versions sends ObjectRemoved:Delete",
        lambda b: deletion(b, b.plain),
        [("ObjectRemoved:Delete", "a")],
        f"{GUIDE}notification-how-to-event-types-and-destinations.html",
    ),
    Case(
        "DeleteObject with versions sends ObjectRemoved:DeleteMarkerCreated",
        lambda b: deletion(b, b.versioned),
        [("ObjectRemoved:DeleteMarkerCreated", "a")],
        f"{GUIDE}notification-how-to-event-types-and-destinations.html",
        {"moto": []},
    ),
]
