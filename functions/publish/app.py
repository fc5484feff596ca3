"""The publish function: events in, results out; the layer reconciles what the events name."""

from __future__ import annotations

import gc
import os
import random
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if on_lambda := "AWS_LAMBDA_FUNCTION_NAME" in os.environ:
    # Modules leave no garbage; to look for it while they are loaded takes a tenth of a cold start.
    gc.disable()
    # Python runs one thread at a time; on one processor they hand over to each other for a third
    # less of a publish's processor time. Lambda gives a function its share on any of them.
    with suppress(OSError):
        os.sched_setaffinity(0, {random.choice([*os.sched_getaffinity(0)])})  # noqa: S311 (no secret)

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

from broadsheet import templating
from broadsheet.addresses import SITE_JSON
from broadsheet.errors import BroadsheetError, SettingsError
from broadsheet.invocation import hasten, seconds_left, traced
from broadsheet.notifications import Message, is_batch, messages_of
from broadsheet.reconcile import Reconciler, Report
from broadsheet.settings import Settings
from broadsheet.store import Store, utc_now

if TYPE_CHECKING:
    from collections.abc import Callable

    from aws_lambda_powertools.utilities.typing import LambdaContext

    from broadsheet.verify import Verifier, Walk

logger = Logger(service="publish")
metrics = Metrics(namespace="Broadsheet", service="publish")


_GONE = {"removed", "withdrawn", "expired"}


class PublishError(BroadsheetError):
    """Something that an event named could not be published for now: try it again."""


@traced("publish")
@metrics.log_metrics
def lambda_handler(
    event: dict[str, Any],
    context: LambdaContext | None,
    now: Callable[[], datetime] = utc_now,
) -> dict[str, Any]:
    """Take an SQS batch of S3 notifications, a bare S3 notification or an EventBridge S3 event.

    Each may be a message of the function's own instead: to reconcile keys, or to verify the site.

    Of a batch it answers with the messages to try again (``batchItemFailures``); of any other event
    it raises PublishError if there is something to try again.

    ``now`` is the clock by which articles are held back and expire.
    """
    if _initialization() == "snap-start":
        # Or all that start from one snapshot would wait alike before they try again.
        random.seed()
    settings = Settings.from_environment(os.environ)
    request_id = context.aws_request_id if context else "local"
    messages = messages_of(event, settings.source_bucket, request_id)
    store = Store(settings, seconds_left(context), now)
    reconciler = Reconciler(store, settings)
    report = reconciler.reconcile(
        (key for message in messages for key in message.keys),
        continue_after=[m.after for m in messages if m.after is not None],
        by_path=any(message.by_path for message in messages),
        asked_by=[message.id for message in messages if SITE_JSON in message.keys],
    )
    for message in messages:
        if message.walk:
            from broadsheet.verify import Verifier  # noqa: PLC0415 (once a week)

            _verify(message.walk, Verifier(store, settings), report)
    _measure(messages, report)
    failed = [message for message in messages if _has_failed(message, report)]
    # By them an error holds all that was at hand where it was raised, and so the report itself.
    for error in report.failures.values():
        error.__traceback__ = error.__cause__ = error.__context__ = None
    if is_batch(event):
        hasten(failed, store, settings.queue_url, logger)
        return {"batchItemFailures": [{"itemIdentifier": message.id} for message in failed]}
    if failed:
        raise PublishError("could not be published for now; the log says why")
    return {"batchItemFailures": []}


def _verify(walk: Walk, verifier: Verifier, report: Report) -> None:
    """Go on comparing the site with its sources, and repair what differs."""
    try:
        for at, step in verifier.steps(walk, repair=True):
            for difference in step.differences:
                logger.warning("differs", extra={"key": difference.key, "what": difference.what})
            repairs = [difference for difference in step.differences if not difference.foreign]
            metrics.add_metric(name="Differences", unit=MetricUnit.Count, value=len(repairs))
            extra = {"checked": step.checked, "differences": len(step.differences)}
            logger.info(str(at), extra=extra)
    except Exception as error:  # noqa: BLE001 (others' messages must not suffer)
        report.failures[str(walk)] = error


def _has_failed(message: Message, report: Report) -> bool:
    """Whether a message has to come again; logs what became of it, never an article's text."""
    logger.set_correlation_id(message.id)
    if message.fault:
        logger.error("message not understood", extra={"fault": message.fault})
        return True
    failures = [report.failures[key] for key in message.asked if key in report.failures]
    for key in message.asked:
        if error := report.failures.get(key):
            logger.error("not reconciled", extra={"key": key, "error": str(error)}, exc_info=error)
        elif outcome := report.outcomes.get(key):
            extra = {"key": key, "url": outcome.url, "errors": [e.path for e in outcome.errors]}
            logger.info(outcome.status, extra=extra)
    return bool(failures)


def _measure(messages: list[Message], report: Report) -> None:
    now = datetime.now(UTC)
    for message in messages:
        if message.happened_at and not any(key in report.failures for key in message.keys):
            milliseconds = (now - message.happened_at).total_seconds() * 1000
            metrics.add_metric(
                name="PublishLatency", unit=MetricUnit.Milliseconds, value=max(0, milliseconds)
            )
    # Last, since a hundred latencies are sent off at once and must not leave nothing to send.
    statuses = [o.status for key, o in report.outcomes.items() if key != SITE_JSON]
    counts = {
        "ArticlesPublished": statuses.count("published"),
        "ArticlesRejected": statuses.count("rejected"),
        "ArticlesRemoved": sum(status in _GONE for status in statuses),
        "InvalidationItems": report.invalidation_items,
        "IndexConflicts": report.index_conflicts,
    }
    if report.redirects_refused:
        counts["RedirectsRefused"] = report.redirects_refused
        logger.warning("no room for redirects", extra={"count": report.redirects_refused})
    for name, count in counts.items():
        metrics.add_metric(name=name, unit=MetricUnit.Count, value=count)


def _initialization() -> str:
    """How Lambda came to start this process."""
    return os.environ.get("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand")


def make_ready() -> None:
    """Make what any event needs, where a process starts before there is one. It asks AWS nothing.

    SnapStart then keeps it for all that start from the snapshot.
    """
    with suppress(SettingsError):  # the handler tells
        Store(Settings.from_environment(os.environ))
    templating.load()


if on_lambda:
    # Else an event is there already, and would wait as long for it.
    if _initialization() != "on-demand":
        make_ready()
    # Nor does what is there by now ever become garbage.
    gc.freeze()
    gc.enable()
