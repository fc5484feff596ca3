"""Which keys an event names. An event is only a hint: nothing else of it is believed.

Shapes: https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html,
https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html and
https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import unquote_plus

from broadsheet.addresses import ARTICLES, KEY_BYTES, SITE_JSON
from broadsheet.reconcile import continuation


@dataclass(frozen=True)
class Message:
    """What one SQS message, or an event that came without one, asks for.

    ``id`` is the message's or the request's. ``after`` continues the reconcile of all articles
    behind that key. ``happened_at`` is the earliest of the records' times. ``fault`` says why it
    can't be understood, and is empty where it can.
    """

    id: str
    keys: tuple[str, ...] = ()
    after: str | None = None
    happened_at: datetime | None = None
    fault: str = ""

    @property
    def asked(self) -> tuple[str, ...]:
        """Under what its results stand in a report."""
        return self.keys if self.after is None else (continuation(self.after),)


def is_batch(event: dict[str, Any]) -> bool:
    """Whether the event is a batch of SQS messages."""
    records = event.get("Records")
    return isinstance(records, list) and any("messageId" in record for record in records)


def messages_of(event: dict[str, Any], bucket: str, request_id: str) -> list[Message]:
    """The messages of an event, as far as they concern ``bucket``."""
    if not is_batch(event):
        return [_message(request_id, event, bucket)]
    return [_decoded(record["messageId"], record["body"], bucket) for record in event["Records"]]


def _decoded(message_id: str, body: str, bucket: str) -> Message:
    try:
        return _message(message_id, json.loads(body), bucket)
    except ValueError:
        return Message(message_id, fault="is not JSON")


def _message(message_id: str, value: Any, bucket: str) -> Message:
    try:
        match value:
            case {"Event": "s3:TestEvent"}:
                return Message(message_id)
            case {"reconcile": {"keys": keys}}:
                return Message(message_id, _known(keys))
            case {"reconcile": {"after": after}}:
                return Message(message_id, after=after)
            case {"source": "aws.s3", "detail": detail}:
                found = [(detail["bucket"]["name"], detail["object"]["key"], value["time"])]
            case {"Records": records}:
                found = [
                    (
                        record["s3"]["bucket"]["name"],
                        unquote_plus(record["s3"]["object"]["key"]),
                        record["eventTime"],
                    )
                    for record in records
                ]
            case _:
                return Message(message_id, fault="is no S3 notification")
        ours = [(key, time) for name, key, time in found if name == bucket]
        times = [datetime.fromisoformat(time) for _, time in ours]
        return Message(message_id, _known(key for key, _ in ours), None, min(times, default=None))
    except (KeyError, TypeError, ValueError) as error:
        return Message(message_id, fault=f"is no S3 notification: {type(error).__name__} {error}")


def _known(keys: Any) -> tuple[str, ...]:
    """The keys that concern the site: nothing but articles/ and site.json triggers anything."""
    return tuple(
        key
        for key in dict.fromkeys(keys)
        if key == SITE_JSON or (key.startswith(ARTICLES) and len(key.encode()) <= KEY_BYTES)
    )
