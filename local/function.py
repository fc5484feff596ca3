"""The publishing function inside this process, with the environment that Lambda would give it."""

import importlib.util
import os
import sys
import traceback
from collections.abc import Iterator, Mapping, Sequence
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


def find_code(module: str, arguments: Sequence[str]) -> None:
    """Start `module` again with the function's code and its layer on the path, if they are not."""
    if importlib.util.find_spec("app") and importlib.util.find_spec("broadsheet"):
        return
    path = os.pathsep.join([*map(str, CODE), str(ROOT)])
    if os.environ.get("PYTHONPATH") != path:
        command = [sys.executable, "-m", module, *arguments]
        os.execve(sys.executable, command, os.environ | {"PYTHONPATH": path})  # noqa: S606 (itself)


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
