"""The publishing function inside this process, with the environment that Lambda would give it."""

import os
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

from local.aws import SITE_BUCKET, SOURCE_BUCKET, LocalAws
from local.pump import Handler
from local.template import ROOT

# Where Lambda finds the function's code and the layer's.
CODE = (ROOT / "functions" / "publish", ROOT / "layers" / "broadsheet")


def environment(aws: LocalAws, site_url: str) -> dict[str, str]:
    """Return the environment variables that `template.yaml` gives the function."""
    return {
        "SOURCE_BUCKET": SOURCE_BUCKET,
        "SITE_BUCKET": SITE_BUCKET,
        "DISTRIBUTION_ID": aws.distribution_id,
        "SITE_URL": site_url,
        "QUEUE_URL": aws.queue_url,
        "POWERTOOLS_TRACE_DISABLED": "true",
    }


@contextmanager
def publish_function(variables: Mapping[str, str], log: Path) -> Iterator[Handler]:
    """Load the function; whatever it prints (its log and metrics) goes to the file `log`."""
    os.environ.update(variables)
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w", encoding="utf-8", buffering=1) as stream:
        # Powertools keeps the stream that it finds when it is imported, so not before this.
        with redirect_stdout(stream), redirect_stderr(stream):
            from app import lambda_handler  # noqa: PLC0415

        def handler(event: dict[str, Any], context: Any) -> dict[str, Any] | None:
            with redirect_stdout(stream), redirect_stderr(stream):
                try:
                    answer: dict[str, Any] | None = lambda_handler(event, context)
                except Exception:
                    traceback.print_exc()
                    raise
                return answer

        yield handler
