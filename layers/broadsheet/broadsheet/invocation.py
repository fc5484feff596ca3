"""What the functions need of Lambda: its clock, its traces, and messages that come again."""

from __future__ import annotations

import math
import os
from typing import TYPE_CHECKING, Any, TypeVar

from broadsheet.errors import UnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    Handler = TypeVar("Handler", bound=Callable[..., Any])

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


def traced(service: str) -> Callable[[Handler], Handler]:
    """Decorates a handler, of whose invocations X-Ray is to have traces if the template says so.

    Else the tracer is left alone: it loads X-Ray's SDK even if it is disabled.
    https://docs.aws.amazon.com/powertools/python/latest/core/tracer/
    """
    if os.environ.get("POWERTOOLS_TRACE_DISABLED") == "true":
        return lambda handler: handler
    from aws_lambda_powertools import Tracer  # noqa: PLC0415 (only for those who want traces)

    # Calls are made in threads, which have no segment of their own to hang theirs from.
    tracer = Tracer(service=service, auto_patch=False)
    return tracer.capture_lambda_handler(capture_response=False)


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
