"""What both functions need of Lambda: its clock, and messages that come again."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from broadsheet.errors import UnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from aws_lambda_powertools import Logger

    from broadsheet.notifications import Message
    from broadsheet.store import Store

# Seconds until a message that failed comes again.
FIRST_WAIT = 5
LONGEST_WAIT = 300


def seconds_left(context: object) -> Callable[[], float]:
    """Lambda's own count, by which the rest of a batch is handed back before the end.

    What stands in for a context elsewhere need not count: then time is never short.
    """
    count = getattr(context, "get_remaining_time_in_millis", None)

    def left() -> float:
        milliseconds = count() if count else None
        return milliseconds / 1000 if isinstance(milliseconds, int | float) else math.inf

    return left


def hasten(failed: Iterable[Message], store: Store, queue_url: str, logger: Logger) -> None:
    """Let failed messages come again soon, and later after each attempt.

    Otherwise they stay hidden for the queue's visibility timeout, which has to be six times the
    function's: long for readers of a page whose invalidation was throttled.
    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-visibility-timeout.html
    """
    waits = {
        message.receipt_handle: min(FIRST_WAIT * 2 ** (message.attempt - 1), LONGEST_WAIT)
        for message in failed
        if message.receipt_handle
    }
    if waits and queue_url:
        try:
            store.hide(waits, queue_url)
        except UnavailableError as error:
            logger.warning("messages come again later", extra={"error": str(error)})
