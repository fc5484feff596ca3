"""The one module that calls AWS: buckets, a distribution and its store, queues, bus, schedules.

Errors of botocore leave this module as ConflictError or UnavailableError.
"""

from __future__ import annotations

import json
import math
import secrets
import uuid
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import suppress
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from broadsheet import addresses
from broadsheet.clients import CALL_SECONDS, clients_of
from broadsheet.errors import ConflictError, FullError, OutOfTimeError, UnavailableError
from broadsheet.page import Headers, entity_tag

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from broadsheet.page import Page
    from broadsheet.settings import Settings

T = TypeVar("T")
R = TypeVar("R")

# How many earlier versions of an upload are looked through for one that can be published.
VERSIONS = 20

# What S3 answers when a condition fails (412), when two conditional writes race (409) and when
# If-Match names a key that is gone (404):
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
_CONFLICTS = {"PreconditionFailed", "412", "ConditionalRequestConflict", "409"}
_MISSING = {"NoSuchKey", "404", "NoSuchVersion"}
# What EventBridge Scheduler answers to a name that is taken, and to one that is not; and a
# KeyValueStore to a tag that is another by now, and for a key that it lacks.
# https://docs.aws.amazon.com/scheduler/latest/APIReference/API_CreateSchedule.html
_CONFLICTS |= {"ConflictException"}
# What Step Functions answers to the name of an execution that is over.
_CONFLICTS |= {"ExecutionAlreadyExists"}
_MISSING |= {"ResourceNotFoundException"}
# What a KeyValueStore answers where it, or one entry of it, would become too large.
_FULL = {"ServiceQuotaExceededException", "ValidationException"}
# Of the secret that makes previews' addresses; a shorter one could be guessed.
SECRET_BYTES = 32
# A schedule that can't reach the queue tries for a day, as AWS does by itself.
_RETRIES = {"MaximumEventAgeInSeconds": 86_400, "MaximumRetryAttempts": 185}
_MARK = "event"
# An entry of the store of redirects that no address can be.
_NO_PATH = "-"


class Stored(NamedTuple):
    """An object as read: its bytes, entity tag and version ("" in a bucket without versions)."""

    data: bytes
    etag: str
    version: str = ""


@cache
def _pool(threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads, thread_name_prefix="aws")


def utc_now() -> datetime:
    """The time by this machine's clock."""
    return datetime.now(UTC)


class Store:
    """The source bucket, the site bucket, the distribution and the queue of one deployment.

    ``seconds_left`` tells how much of the invocation's time is left; a call that might not end
    within it raises OutOfTimeError. ``now`` is the clock by which articles are public or not.
    """

    def __init__(
        self,
        settings: Settings,
        seconds_left: Callable[[], float] = lambda: math.inf,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        clients = clients_of(settings.endpoint_url, settings.parallel_calls)
        self._s3, self._cloudfront = clients.s3, clients.cloudfront
        self._clients = clients
        self._settings = settings
        self._seconds_left = seconds_left
        self.now = now

    def see_time(self, seconds: float) -> None:
        """Raise OutOfTimeError if less than so many seconds are left."""
        left = self._seconds_left()
        if left < seconds:
            raise OutOfTimeError(f"{left:.0f} s are left of the invocation, {seconds:.0f} needed")

    # Source bucket

    def read_source(self, key: str, limit: int, version: str = "") -> Stored | None:
        """An upload, now or as of a version; no more than ``limit`` and one byte of it."""
        return self._read(self._settings.source_bucket, key, limit=limit, version=version)

    def source_state(self, key: str) -> tuple[str, str] | None:
        """The entity tag and version of an upload, which change whenever it does."""
        head = self._head(self._settings.source_bucket, key)
        return (head["ETag"], head.get("VersionId", "")) if head else None

    def earlier_versions(self, key: str) -> Iterator[str | None]:
        """Versions of an upload before the present one, newest first; None for a deletion.

        Ends with that, or after VERSIONS. One item is asked for at a time: versions and delete
        markers come as two lists, whose order among each other no field tells within a second.
        """
        request: dict[str, Any] = {"Prefix": key, "MaxKeys": 1}
        for position in range(1 + VERSIONS):
            with self._call("ListObjectVersions", self._settings.source_bucket, key):
                answer = self._s3.list_object_versions(
                    Bucket=self._settings.source_bucket, **request
                )
            if any(marker["Key"] == key for marker in answer.get("DeleteMarkers", [])):
                yield None
                return
            found = [v["VersionId"] for v in answer.get("Versions", []) if v["Key"] == key]
            if position:
                yield from found
            if not found or not answer["IsTruncated"]:
                return
            request["KeyMarker"] = answer["NextKeyMarker"]
            request["VersionIdMarker"] = answer["NextVersionIdMarker"]

    def list_source(self, prefix: str, after: str, limit: int) -> list[str]:
        """Up to ``limit`` keys of the source bucket that follow ``after``, in their order."""
        return self._list(self._settings.source_bucket, prefix, after, limit)

    def write_receipt(self, key: str, receipt: dict[str, Any]) -> None:
        """Write a receipt, which no notification filter takes for an upload, whatever is there."""
        bucket = self._settings.source_bucket
        with self._call("PutObject", bucket, key):
            self._s3.put_object(Bucket=bucket, Key=key, **_json(_receipt(receipt)))

    def replace_receipt(
        self, key: str, receipt: dict[str, Any], mark: str, replaces: str | None
    ) -> None:
        """Write a receipt with its mark over that with the tag ``replaces``, or where is none.

        Raises ConflictError if that is not how it is now.
        """
        made = _json(_receipt(receipt)) | {"Metadata": {_MARK: mark} if mark else {}}
        self._put(key, replaces, made, self._settings.source_bucket)

    def preview_secret(self) -> Stored:
        """The secret that previews' addresses are made of. Who needs it first makes it."""
        bucket, key = self._settings.source_bucket, addresses.PREVIEW_SECRET
        while True:
            stored = self._read(bucket, key, limit=SECRET_BYTES)
            if stored and len(stored.data) >= SECRET_BYTES:
                return stored
            made = {"Body": secrets.token_bytes(SECRET_BYTES)}
            # Somebody else may just have made it; then that one is read.
            with suppress(ConflictError):
                self._put(key, stored.etag if stored else None, made, bucket)

    def receipt_state(self, key: str) -> tuple[str | None, str]:
        """The tag of the receipt that lies there, None if none does, and its mark; see hooks."""
        head = self._head(self._settings.source_bucket, key)
        return (head["ETag"], head["Metadata"].get(_MARK, "")) if head else (None, "")

    def has_receipt(self, key: str, receipt: dict[str, Any]) -> bool:
        """Whether this receipt lies there."""
        head = self._head(self._settings.source_bucket, key)
        return bool(head) and head["ETag"] == entity_tag(_receipt(receipt))

    # Site bucket

    def read_state(self, key: str) -> Stored | None:
        """One of the function's own objects, or a page with its bytes."""
        return self._read(self._settings.site_bucket, key)

    def write_state(self, key: str, data: bytes, replaces: str | None) -> str:
        """Write an own object over the tag ``replaces``, or where there is none; its new tag.

        Raises ConflictError if that is not how the object is now.
        """
        return self._put(key, replaces, _json(data))

    def state_tag(self, key: str) -> str | None:
        """The entity tag of an own object."""
        head = self._head(self._settings.site_bucket, key)
        return head["ETag"] if head else None

    def page_headers(self, key: str) -> Headers | None:
        """What the site bucket holds under a public key, by its headers."""
        head = self._head(self._settings.site_bucket, key)
        if head is None:
            return None
        return Headers(
            etag=head["ETag"],
            content_type=head.get("ContentType", ""),
            cache_control=head.get("CacheControl", ""),
            cache_tag=head["Metadata"].get("cache-tag", ""),
            made_from=head["Metadata"].get("made-from", ""),
        )

    def list_site(self, prefix: str, after: str, limit: int) -> list[str]:
        """Up to ``limit`` keys of the site bucket that follow ``after``, in their order."""
        return self._list(self._settings.site_bucket, prefix, after, limit)

    def write_page(self, page: Page) -> None:
        """Write a page whatever is there."""
        with self._call("PutObject", self._settings.site_bucket, page.key):
            self._s3.put_object(
                Bucket=self._settings.site_bucket, Key=page.key, **_page_request(page)
            )

    def replace_page(self, page: Page, replaces: str | None) -> None:
        """Write a page over the entity tag ``replaces``, or where there is none.

        Raises ConflictError if that is not how the object is now.
        """
        self._put(page.key, replaces, _page_request(page))

    def delete_page(self, key: str) -> None:
        """Delete a page; nothing happens where there is none."""
        with self._call("DeleteObject", self._settings.site_bucket, key):
            self._s3.delete_object(Bucket=self._settings.site_bucket, Key=key)

    def remove_page(self, key: str, replaces: str) -> None:
        """Delete a page that has this entity tag; raises ConflictError of any other, or none.

        https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-deletes.html
        """
        bucket = self._settings.site_bucket
        try:
            with self._call("DeleteObject", bucket, key):
                self._s3.delete_object(Bucket=bucket, Key=key, IfMatch=replaces)
        except _MissingError as error:
            raise ConflictError(f"{key} is gone") from error

    # Distribution, queue and bus

    def invalidate(self, items: list[str]) -> None:
        """One invalidation of paths ("/…") and cache tags ("#…").

        The reference is new for each call and the same in botocore's retries of it, so that a lost
        answer does not start, or bill, a second one.
        """
        with self._call("CreateInvalidation", self._settings.distribution_id, ", ".join(items[:3])):
            self._cloudfront.create_invalidation(
                DistributionId=self._settings.distribution_id,
                InvalidationBatch={
                    "Paths": {"Quantity": len(items), "Items": items},
                    "CallerReference": str(uuid.uuid4()),
                },
            )

    def send(self, bodies: Iterable[str], queue_url: str = "", delay: int = 0) -> None:
        """Send messages to a queue (the publish function's if none) with a delay in seconds."""
        url = queue_url or self._settings.queue_url
        for entries in _tens([{"MessageBody": body, "DelaySeconds": delay} for body in bodies]):
            with self._call("SendMessageBatch", url, ""):
                answer = self._clients.sqs.send_message_batch(QueueUrl=url, Entries=entries)
            if failed := answer.get("Failed"):
                raise UnavailableError(f"SendMessageBatch: {failed[0]['Code']}")

    def hide(self, seconds: Mapping[str, int], queue_url: str) -> None:
        """Hide received messages, by their receipt handles, for so many seconds from now.

        Late as it may be: without it they come again after the queue's visibility timeout.
        """
        hidden = [{"ReceiptHandle": h, "VisibilityTimeout": s} for h, s in seconds.items()]
        for entries in _tens(hidden):
            with _Translated("ChangeMessageVisibilityBatch", queue_url, ""):
                self._clients.sqs.change_message_visibility_batch(
                    QueueUrl=queue_url, Entries=entries
                )

    def start_rebuild(self, name: str) -> None:
        """Have all articles reconciled by the state machine, once for each name of 1 to 80 letters.

        https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html
        """
        machine = self._settings.rebuild_machine
        with suppress(ConflictError), self._call("StartExecution", machine, name):
            self._clients.states.start_execution(stateMachineArn=machine, name=name, input="{}")

    def put_events(self, entries: Sequence[dict[str, str]]) -> list[str]:
        """Send events in one call; for each the code of why the bus refused it, or ""."""
        bus = self._settings.event_bus
        named: Any = [{**entry, "EventBusName": bus} for entry in entries]
        with self._call("PutEvents", bus, ""):
            answer = self._clients.events.put_events(Entries=named)
        return [result.get("ErrorCode", "") for result in answer["Entries"]]

    # Store of redirects

    def redirects_tag(self) -> str:
        """The entity tag of the store of redirects, which any change of it changes."""
        arn = self._settings.redirects_store
        try:
            with self._call("DescribeKeyValueStore", arn, ""):
                return self._clients.redirects.describe_key_value_store(KvsARN=arn)["ETag"]
        except _MissingError as error:
            raise UnavailableError(f"there is no {arn}") from error

    def redirect(self, path: str) -> str | None:
        """Where the store leads from a path."""
        arn = self._settings.redirects_store
        try:
            with self._call("GetKey", arn, path):
                return self._clients.redirects.get_key(KvsARN=arn, Key=path)["Value"]
        except _MissingError:
            return None

    def list_redirects(self, after: str = "") -> tuple[dict[str, str], str]:
        """Some of the store's redirects, and from where to go on; "" at its end."""
        arn = self._settings.redirects_store
        start: dict[str, Any] = {"NextToken": after} if after else {}
        with self._call("ListKeys", arn, ""):
            answer = self._clients.redirects.list_keys(KvsARN=arn, **start)
        found = {item["Key"]: item["Value"] for item in answer.get("Items", [])}
        found.pop(_NO_PATH, None)
        return found, answer.get("NextToken", "")

    def update_redirects(self, puts: Mapping[str, str], deletes: Sequence[str], tag: str) -> None:
        """Change the store of redirects, all at once or not at all, if it has this tag.

        It has another one afterwards in any case: where there is nothing to change, an entry that
        is no path gets another value. Raises ConflictError if it has another tag, FullError if
        there is no room.
        """
        arn = self._settings.redirects_store
        if not puts and not deletes:
            puts = {_NO_PATH: uuid.uuid4().hex}
        try:
            with self._call("UpdateKeys", arn, ""):
                self._clients.redirects.update_keys(
                    KvsARN=arn,
                    IfMatch=tag,
                    Puts=[{"Key": key, "Value": value} for key, value in sorted(puts.items())],
                    Deletes=[{"Key": key} for key in sorted(deletes)],
                )
        except _MissingError as error:
            raise ConflictError(f"{arn} has lost a redirect since") from error
        except UnavailableError as error:
            cause = error.__cause__
            if isinstance(cause, ClientError) and cause.response["Error"]["Code"] in _FULL:
                raise FullError(str(error)) from error
            raise

    # Schedules

    def put_schedule(self, name: str, at: datetime, body: str) -> None:
        """Have a message sent to the queue at a moment, in whole seconds of UTC, and once."""
        group = self._settings.schedule_group
        request = self._schedule(at, body)
        for _ in range(2):
            try:
                with self._call("CreateSchedule", group, name):
                    self._clients.scheduler.create_schedule(Name=name, GroupName=group, **request)
            except _MissingError as error:
                raise UnavailableError(f"CreateSchedule: there is no group {group}") from error
            except ConflictError:
                pass  # there already, it seems; but what is being deleted is there no less
            else:
                return
            # It may just have been deleted by somebody else.
            with suppress(ConflictError, _MissingError), self._call("UpdateSchedule", group, name):
                self._clients.scheduler.update_schedule(Name=name, GroupName=group, **request)
                return
        raise UnavailableError(f"UpdateSchedule {group} {name}: kept coming and going")

    def has_schedule(self, name: str, at: datetime, body: str) -> bool:
        """Whether there is the schedule that ``put_schedule`` sets."""
        found = self._read_schedule(name)
        wanted = self._schedule(at, body)
        keys = ("ScheduleExpression", "ScheduleExpressionTimezone", "State")
        same = bool(found) and all(found[key] == wanted[key] for key in keys)
        return same and all(
            found["Target"][key] == wanted["Target"][key] for key in ("Arn", "RoleArn", "Input")
        )

    def scheduled_body(self, name: str) -> str | None:
        """The message that a schedule sends; None if there is no such schedule."""
        found = self._read_schedule(name)
        return str(found["Target"].get("Input", "")) if found else None

    def delete_schedule(self, name: str) -> None:
        """Delete a schedule; nothing happens where there is none."""
        group = self._settings.schedule_group
        with suppress(_MissingError), self._call("DeleteSchedule", group, name):
            self._clients.scheduler.delete_schedule(GroupName=group, Name=name)

    def list_schedules(self, token: str, limit: int) -> tuple[list[str], str]:
        """Names of schedules of the group, and the token of those that follow, "" for none."""
        group = self._settings.schedule_group
        going_on: Any = {"NextToken": token} if token else {}
        with self._call("ListSchedules", group, ""):
            answer = self._clients.scheduler.list_schedules(
                GroupName=group, MaxResults=limit, **going_on
            )
        return [one["Name"] for one in answer["Schedules"]], answer.get("NextToken", "")

    def _read_schedule(self, name: str) -> Any:
        group = self._settings.schedule_group
        try:
            with self._call("GetSchedule", group, name):
                return self._clients.scheduler.get_schedule(GroupName=group, Name=name)
        except _MissingError:
            return None

    def _schedule(self, at: datetime, body: str) -> dict[str, Any]:
        target: dict[str, Any] = {
            "Arn": self._settings.queue_arn,
            "RoleArn": self._settings.schedule_role_arn,
            "Input": body,
            "RetryPolicy": _RETRIES,
        }
        if self._settings.dead_letter_arn:
            target["DeadLetterConfig"] = {"Arn": self._settings.dead_letter_arn}
        return {
            "ScheduleExpression": f"at({at:%Y-%m-%dT%H:%M:%S})",
            "ScheduleExpressionTimezone": "UTC",
            "FlexibleTimeWindow": {"Mode": "OFF"},
            "State": "ENABLED",
            "ActionAfterCompletion": "DELETE",
            "Target": target,
        }

    # All at once

    def each(self, call: Callable[[T], R], items: Iterable[T]) -> list[R]:
        """Call for each item in parallel; the results in order.

        Raises the first error, but not before all calls have ended.
        """
        ordered = list(items)
        if self._settings.parallel_calls == 1:
            return [call(item) for item in ordered]
        # The first is left to this thread, which would only wait: most have no other.
        pool = _pool(self._settings.parallel_calls - 1)
        futures = [pool.submit(call, item) for item in ordered[1:]]
        try:
            results = [call(item) for item in ordered[:1]]
        finally:
            wait(futures)
        return results + [future.result() for future in futures]

    # Plumbing

    def _call(self, operation: str, where: str, key: str) -> _Translated:
        self.see_time(CALL_SECONDS)
        return _Translated(operation, where, key)

    def _read(self, bucket: str, key: str, *, limit: int = -1, version: str = "") -> Stored | None:
        request: dict[str, Any] = {"Bucket": bucket, "Key": key}
        if version:
            request["VersionId"] = version
        try:
            with self._call("GetObject", bucket, key):
                answer = self._s3.get_object(**request)
                with answer["Body"] as body:
                    data = body.read(limit + 1 if limit >= 0 else None)
        except _MissingError:
            return None
        return Stored(data, answer["ETag"], answer.get("VersionId", ""))

    def _list(self, bucket: str, prefix: str, after: str, limit: int) -> list[str]:
        with self._call("ListObjectsV2", bucket, prefix):
            answer = self._s3.list_objects_v2(
                Bucket=bucket, Prefix=prefix, StartAfter=after, MaxKeys=limit
            )
        return [item["Key"] for item in answer.get("Contents", [])]

    def _head(self, bucket: str, key: str) -> Any:
        try:
            with self._call("HeadObject", bucket, key):
                return self._s3.head_object(Bucket=bucket, Key=key)
        except _MissingError:
            return None

    def _put(
        self, key: str, replaces: str | None, request: dict[str, Any], bucket: str = ""
    ) -> str:
        condition: dict[str, Any] = (
            {"IfNoneMatch": "*"} if replaces is None else {"IfMatch": replaces}
        )
        bucket = bucket or self._settings.site_bucket
        try:
            with self._call("PutObject", bucket, key):
                return self._s3.put_object(Bucket=bucket, Key=key, **condition, **request)["ETag"]
        except _MissingError as error:
            raise ConflictError(f"{key} is gone") from error


class _MissingError(Exception):
    """The key does not exist: for a reader no error at all."""


def _tens(entries: list[dict[str, Any]]) -> Iterator[Any]:
    """Entries as SQS takes them, each with an id, ten a call."""
    for i in range(0, len(entries), 10):
        yield [{"Id": str(n), **entry} for n, entry in enumerate(entries[i : i + 10])]


def _receipt(receipt: dict[str, Any]) -> bytes:
    return json.dumps(receipt, ensure_ascii=False, indent=2).encode()


def _json(data: bytes) -> dict[str, Any]:
    return {"Body": data, "ContentType": "application/json"}


def _page_request(page: Page) -> dict[str, Any]:
    metadata = {"cache-tag": page.cache_tag}
    if page.made_from:
        metadata["made-from"] = page.made_from
    return {
        "Body": page.body,
        "ContentType": page.content_type,
        "CacheControl": page.cache_control,
        "Metadata": metadata,
    }


class _Translated:
    """Errors of botocore, raised in here, as errors of this package.

    It is no generator (contextlib.contextmanager): from Python 3.13 on, that would hold the first
    error, and by its traceback all that its callers have at hand, until garbage is collected.
    """

    def __init__(self, operation: str, where: str, key: str) -> None:
        self._call = f"{operation} {where} {key}"
        self._key = key

    def __enter__(self) -> None:
        pass

    def __exit__(self, _type: object, error: BaseException | None, _traceback: object) -> None:
        if isinstance(error, ClientError):
            code = error.response.get("Error", {}).get("Code", "")
            if code in _MISSING:
                raise _MissingError(self._key) from error
            if code in _CONFLICTS:
                raise ConflictError(f"{self._call}: {code}") from error
            raise UnavailableError(f"{self._call}: {code}: {error}") from error
        if isinstance(error, BotoCoreError):
            raise UnavailableError(f"{self._call}: {error}") from error
