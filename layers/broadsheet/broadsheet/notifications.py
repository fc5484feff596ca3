"""Which keys an event names, for both functions. An event is only a hint: no more is believed.

Shapes: https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html,
https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html and
https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html.
"""

import json
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import unquote_plus

from broadsheet.addresses import ARTICLES, KEY_BYTES, MEDIA, SITE_JSON, previewed
from broadsheet.reconcile import continuation

if TYPE_CHECKING:
    from broadsheet.verify import Walk


class Message(NamedTuple):
    """What one SQS message, or an event that came without one, asks for.

    ``id`` is the message's or the request's. ``after`` continues the reconcile of all articles
    behind that key, ``walk`` the comparison of the site with its sources. ``by_path`` asks for
    invalidation by path. ``uses`` (a picture and the mark to go on behind) has the articles that
    show a picture made anew, ``sweep`` (a picture and its manifest) deletes its old variants.
    ``happened_at`` is the earliest of the records' times. ``fault`` says why it can't be
    understood, and is empty where it can.
    """

    id: str
    keys: tuple[str, ...] = ()
    after: str | None = None
    walk: "Walk | None" = None
    by_path: bool = False
    uses: tuple[str, str] | None = None
    sweep: tuple[str, str] | None = None
    happened_at: datetime | None = None
    fault: str = ""
    receipt_handle: str = ""
    attempt: int = 1

    @property
    def asked(self) -> tuple[str, ...]:
        """Under what its results stand in a report."""
        if self.walk:
            return (str(self.walk),)
        return self.keys if self.after is None else (continuation(self.after),)


def is_batch(event: dict[str, Any]) -> bool:
    """Whether the event is a batch of SQS messages."""
    match event:
        case {"Records": [*records]}:
            return any(isinstance(record, dict) and "messageId" in record for record in records)
    return False


def concerns_articles(key: str) -> bool:
    """Whether a key concerns the publish function: nothing else in the bucket triggers it.

    That of a preview is one of the site bucket, and only the function's own messages name it.
    """
    is_article = key.startswith(ARTICLES) and len(key.encode()) <= KEY_BYTES
    return key == SITE_JSON or is_article or previewed(key) is not None


def concerns_media(key: str) -> bool:
    """Whether a key concerns the media function."""
    return key.startswith(MEDIA) and len(key.encode()) <= KEY_BYTES


def messages_of(
    event: dict[str, Any],
    bucket: str,
    request_id: str,
    concerned: Callable[[str], bool] = concerns_articles,
) -> list[Message]:
    """The messages of an event, with those of its keys in ``bucket`` that are ``concerned``."""
    if is_batch(event):
        found = [_of_queue(record, bucket) for record in event["Records"]]
    else:
        found = [_message(request_id, event, bucket)]
    return [one._replace(keys=tuple(filter(concerned, one.keys))) for one in found]


def _of_queue(record: dict[str, Any], bucket: str) -> Message:
    return _decoded(record["messageId"], record["body"], bucket)._replace(
        receipt_handle=record.get("receiptHandle", ""),
        attempt=int(record.get("attributes", {}).get("ApproximateReceiveCount", 1)),
    )


def _decoded(message_id: str, body: str, bucket: str) -> Message:
    try:
        return _message(message_id, json.loads(body), bucket)
    except (ValueError, RecursionError):
        return Message(message_id, fault="is not JSON")


def _message(message_id: str, value: Any, bucket: str) -> Message:
    try:
        return _own(message_id, value) or _notification(message_id, value, bucket)
    except (KeyError, TypeError, ValueError) as error:
        return Message(message_id, fault=f"is no S3 notification: {type(error).__name__} {error}")


def _own(message_id: str, value: Any) -> Message | None:
    """A message that the function sends itself, or an operator or a schedule sends it."""
    match value:
        case {"reconcile": {"keys": [*keys], **options}}:
            return Message(message_id, _distinct(keys), by_path=options.get("by_path") is True)
        case {"reconcile": {"after": str(after)}}:
            return Message(message_id, after=after)
        case {"verify": dict(walk)}:
            from broadsheet.verify import Walk  # noqa: PLC0415 (once a week)

            return Message(message_id, walk=Walk.from_json(walk))
        case {"uses": {"name": str(name), "after": str(after)}}:
            return Message(message_id, uses=(name, after))
        case {"sweep": {"name": str(name), "manifest": str(etag)}}:
            return Message(message_id, sweep=(name, etag))
    return None


def _notification(message_id: str, value: Any, bucket: str) -> Message:
    match value:
        case {"Event": "s3:TestEvent"}:
            return Message(message_id)
        case {"source": "aws.s3", "time": time, "detail": detail}:
            found = [(*_object(detail), time)]
        case {"Records": [*records]}:
            found = [_record(record) for record in records]
        case _:
            return Message(message_id, fault="is no S3 notification")
    ours = [(key, _moment(time)) for name, key, time in found if name == bucket]
    happened_at = min((moment for _, moment in ours), default=None)
    return Message(message_id, _distinct(key for key, _ in ours), happened_at=happened_at)


def _record(record: dict[str, Any]) -> tuple[str, str, str]:
    name, key = _object(record["s3"])
    return name, unquote_plus(key), record["eventTime"]


def _object(detail: Any) -> tuple[str, str]:
    match detail:
        case {"bucket": {"name": str(name)}, "object": {"key": str(key)}}:
            return name, key
    raise ValueError("a record names no object")


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _distinct(keys: Iterable[Any]) -> tuple[str, ...]:
    """The keys, each once. Raises TypeError or ValueError for what is none."""
    distinct = list(dict.fromkeys(keys))
    if not all(isinstance(key, str) for key in distinct):
        raise TypeError("a key is no text")
    "".join(distinct).encode()  # ValueError for a lone surrogate, which no key has
    return tuple(distinct)
