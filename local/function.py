"""Both functions inside this process, with the environment that Lambda would give them."""

import os
import threading
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from broadsheet.store import utc_now
from local.aws import REDIRECTS_STORE, SCHEDULE_GROUP, SITE_BUCKET, SOURCE_BUCKET, LocalAws
from local.pump import Handler


def environment(aws: LocalAws, site_url: str) -> dict[str, str]:
    """Return the environment variables that `template.yaml` gives the functions."""
    return {
        "SOURCE_BUCKET": SOURCE_BUCKET,
        "SITE_BUCKET": SITE_BUCKET,
        "DISTRIBUTION_ID": aws.distribution_id,
        "SITE_URL": site_url,
        "QUEUE_URL": aws.queue_url,
        "MEDIA_QUEUE_URL": aws.media_queue_url,
        # The one that every account has.
        "EVENT_BUS": "default",
        "REDIRECTS_STORE_ARN": REDIRECTS_STORE,
        "SCHEDULE_GROUP": SCHEDULE_GROUP,
        "SCHEDULE_ROLE_ARN": "arn:aws:iam::123456789012:role/broadsheet-schedules",
        "QUEUE_ARN": aws.queue_arn,
        "DEAD_LETTER_ARN": aws.dead_letter_arn,
        "POWERTOOLS_TRACE_DISABLED": "true",
    }


@contextmanager
def functions(
    variables: Mapping[str, str], log: Path, now: Callable[[], datetime] = utc_now
) -> Iterator[tuple[Handler, Handler]]:
    """Load the functions, publish and media; what they print (log, metrics) goes to the file `log`.

    The publish function has the clock ``now``. One invocation runs at a time, since what a process
    prints can go to one place only.
    """
    os.environ.update(variables)
    log.parent.mkdir(parents=True, exist_ok=True)
    busy = threading.Lock()
    with log.open("w", encoding="utf-8", buffering=1) as stream:
        # Powertools keeps the stream that it finds when it is imported.
        with redirect_stdout(stream), redirect_stderr(stream):
            import app  # noqa: PLC0415 (so not before this)
            import handler  # noqa: PLC0415 (likewise)

        def logged(function: Handler) -> Handler:
            def invoke(event: dict[str, Any], context: Any) -> dict[str, Any] | None:
                with busy, redirect_stdout(stream), redirect_stderr(stream):
                    try:
                        return function(event, context)
                    except Exception:
                        traceback.print_exc()
                        raise

            return invoke

        yield logged(partial(app.lambda_handler, now=now)), logged(handler.lambda_handler)
