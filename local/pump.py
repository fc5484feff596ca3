"""Moves messages from the queue into the handler, as Lambda's event source mapping does."""

import json
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_plus

from local.aws import REGION

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import MessageTypeDef

Handler = Callable[[dict[str, Any], Any], dict[str, Any] | None]

# What SQS takes or gives in one request.
SQS_BATCH = 10
# The function hides a failed message for longer and longer; a developer need not wait.
RETRY_SECONDS = 1


@dataclass(frozen=True)
class FakeLambdaContext:
    """What Lambda passes to a handler as its second argument."""

    deadline: float
    function_name: str = "broadsheet-local-publish"
    function_version: str = "$LATEST"
    memory_limit_in_mb: int = 1024
    aws_request_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    log_group_name: str = "/aws/lambda/broadsheet-local-publish"
    log_stream_name: str = "local"

    @property
    def invoked_function_arn(self) -> str:
        """The ARN that the function would have."""
        return f"arn:aws:lambda:{REGION}:123456789012:function:{self.function_name}"

    def get_remaining_time_in_millis(self) -> int:
        """Return how long the invocation may still take, by `deadline` (of time.monotonic)."""
        return max(0, int((self.deadline - time.monotonic()) * 1000))


@dataclass(frozen=True)
class Delivery:
    """One message of an invocation and what came of it."""

    keys: tuple[str, ...]
    sent_at: float
    attempt: int
    failed: bool
    dead: bool


@dataclass(frozen=True)
class Invocation:
    """One call of the handler: its deliveries, when it ended, and what it raised, if it did."""

    deliveries: tuple[Delivery, ...]
    ended_at: float
    seconds: float
    error: Exception | None = None


@dataclass(frozen=True)
class Pump:
    """Feeds `handler` from the queue; `tell` hears of every invocation.

    What failed comes again after `retry_seconds`, or when the handler has it so.
    """

    sqs: "SQSClient"
    queue_url: str
    queue_arn: str
    handler: Handler
    timeout_seconds: int
    max_receive_count: int
    tell: Callable[[Invocation], None]
    batch_size: int = 100
    retry_seconds: int | None = RETRY_SECONDS

    def run(self, stop: threading.Event) -> None:
        """Deliver until `stop` is set."""
        while not stop.is_set():
            self.deliver(wait_seconds=1)

    def deliver(self, wait_seconds: int = 0) -> bool:
        """Deliver one batch; return whether there was any message within `wait_seconds`."""
        messages = self._gather(wait_seconds)
        if messages:
            self._invoke(messages)
        return bool(messages)

    def is_waiting(self) -> bool:
        """Tell whether the queue holds messages, those in flight included."""
        attributes = self.sqs.get_queue_attributes(
            QueueUrl=self.queue_url,
            AttributeNames=[
                "ApproximateNumberOfMessages",
                "ApproximateNumberOfMessagesNotVisible",
            ],
        )["Attributes"]
        return any(int(number) for number in attributes.values())

    def _gather(self, wait_seconds: int) -> list["MessageTypeDef"]:
        messages = self._receive(wait_seconds)
        while messages and len(messages) < self.batch_size:
            more = self._receive(0, self.batch_size - len(messages))
            if not more:
                break
            messages += more
        return messages

    def _receive(self, wait_seconds: int, most: int = SQS_BATCH) -> list["MessageTypeDef"]:
        answer = self.sqs.receive_message(
            QueueUrl=self.queue_url,
            MaxNumberOfMessages=min(most, self.batch_size, SQS_BATCH),
            WaitTimeSeconds=wait_seconds,
            MessageSystemAttributeNames=["All"],
        )
        return answer.get("Messages", [])

    def _invoke(self, messages: list["MessageTypeDef"]) -> None:
        event = {"Records": [self._record(message) for message in messages]}
        began = time.monotonic()
        error = None
        try:
            failed = failed_ids(
                self.handler(event, FakeLambdaContext(began + self.timeout_seconds)), messages
            )
        # Lambda outlives whatever a handler raises, and retries the whole batch.
        except Exception as raised:  # noqa: BLE001 (as Lambda does)
            failed, error = {message["MessageId"] for message in messages}, raised
        seconds = time.monotonic() - began
        self._settle(messages, failed)
        deliveries = tuple(self._delivery(message, failed) for message in messages)
        self.tell(Invocation(deliveries, time.time(), seconds, error))

    def _record(self, message: "MessageTypeDef") -> dict[str, Any]:
        return {
            "messageId": message["MessageId"],
            "receiptHandle": message["ReceiptHandle"],
            "body": message["Body"],
            "attributes": dict(message["Attributes"]),
            "messageAttributes": {},
            "md5OfBody": message["MD5OfBody"],
            "eventSource": "aws:sqs",
            "eventSourceARN": self.queue_arn,
            "awsRegion": REGION,
        }

    def _settle(self, messages: list["MessageTypeDef"], failed: set[str]) -> None:
        """Delete the messages that succeeded; let the others be received again."""
        done = [message for message in messages if message["MessageId"] not in failed]
        for some in _tens(done):
            self.sqs.delete_message_batch(
                QueueUrl=self.queue_url,
                Entries=[
                    {"Id": str(number), "ReceiptHandle": message["ReceiptHandle"]}
                    for number, message in enumerate(some)
                ],
            )
        for message in messages:
            if message["MessageId"] in failed and self.retry_seconds is not None:
                self.sqs.change_message_visibility(
                    QueueUrl=self.queue_url,
                    ReceiptHandle=message["ReceiptHandle"],
                    VisibilityTimeout=self.retry_seconds,
                )

    def _delivery(self, message: "MessageTypeDef", failed: set[str]) -> Delivery:
        did_fail = message["MessageId"] in failed
        attributes = message["Attributes"]
        attempt = int(attributes["ApproximateReceiveCount"])
        return Delivery(
            keys=keys_in(message["Body"]),
            sent_at=int(attributes["SentTimestamp"]) / 1000,
            attempt=attempt,
            failed=did_fail,
            dead=did_fail and attempt >= self.max_receive_count,
        )


def failed_ids(answer: dict[str, Any] | None, messages: Sequence["MessageTypeDef"]) -> set[str]:
    """Return the ids of the messages that failed, by the rules of ReportBatchItemFailures.

    No answer, or an empty list, is a success; an item without a known id fails the whole batch.
    """
    sent = {message["MessageId"] for message in messages}
    items = (answer or {}).get("batchItemFailures") or []
    failed = {item.get("itemIdentifier") for item in items}
    return sent if failed - sent else failed


def keys_in(body: str) -> tuple[str, ...]:
    """Return the object keys that a message names, and none if it is no message for the function.

    It is a notification of S3, or one that the function sends itself to work off a change of
    site.json.
    """
    try:
        message = json.loads(body)
        records = message.get("Records", [])
        named = [unquote_plus(record["s3"]["object"]["key"]) for record in records]
        return tuple(named + message.get("reconcile", {}).get("keys", []))
    except (ValueError, KeyError, TypeError, AttributeError):
        return ()


def _tens(messages: list["MessageTypeDef"]) -> Iterator[list["MessageTypeDef"]]:
    for start in range(0, len(messages), SQS_BATCH):
        yield messages[start : start + SQS_BATCH]
