"""The media function: events in, results out; ``media`` reconciles the pictures that they name."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

from broadsheet.errors import BroadsheetError, SettingsError
from broadsheet.invocation import hasten, seconds_left, traced
from broadsheet.notifications import Message, concerns_media, is_batch, messages_of
from broadsheet.settings import Settings
from broadsheet.store import Store
from media import Media

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

logger = Logger(service="media")
metrics = Metrics(namespace="Broadsheet", service="media")


class MediaError(BroadsheetError):
    """A picture that an event named could not be handled for now: try it again."""


@traced("media")
@metrics.log_metrics
def lambda_handler(event: dict[str, Any], context: LambdaContext | None) -> dict[str, Any]:
    """Take what the publish function takes, for keys under media/; or one of its own messages.

    Those have the articles that show a picture made anew, or old variants deleted.
    """
    settings = Settings.from_environment(os.environ)
    if not (settings.queue_url and settings.media_queue_url):
        raise SettingsError("environment variables not set: QUEUE_URL or MEDIA_QUEUE_URL")
    request_id = context.aws_request_id if context else "local"
    messages = messages_of(event, settings.source_bucket, request_id, concerns_media)
    store = Store(settings, seconds_left(context))
    media = Media(store, settings)
    metrics.add_metric(name="PicturesRejected", unit=MetricUnit.Count, value=0)
    failed = [message for message in messages if not _worked_off(message, media)]
    if is_batch(event):
        hasten(failed, store, settings.media_queue_url, logger)
        return {"batchItemFailures": [{"itemIdentifier": message.id} for message in failed]}
    if failed:
        raise MediaError("could not be handled for now; the log says why")
    return {"batchItemFailures": []}


def _worked_off(message: Message, media: Media) -> bool:
    """Do what a message asks for; whether it is done, and need not come again."""
    logger.set_correlation_id(message.id)
    if message.fault:
        logger.error("message not understood", extra={"fault": message.fault})
        return False
    try:
        for key in message.keys:
            outcome = media.reconcile(key)
            logger.info(outcome.status, extra={"key": key, "url": outcome.url})
            rejected = outcome.status == "rejected"
            metrics.add_metric(name="PicturesRejected", unit=MetricUnit.Count, value=rejected)
        if message.uses:
            media.tell_uses(*message.uses)
        if message.sweep:
            media.sweep(*message.sweep)
    except Exception:
        # Whatever it is, the other messages must not suffer, and this one comes again.
        logger.exception("not done", extra={"keys": message.keys})
        return False
    return True
