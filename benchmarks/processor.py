"""What an invocation takes of the processor, beside the same calls of AWS in a bare loop of boto3.

Both are measured in a process of their own, which has nothing of the tests in its memory, in turn:
the function as it is deployed, with its threads, and a loop of one client that makes the calls
which the function has made. What it has kept of the article, which a new one would not find, it
forgets before each run. Both talk HTTP to a server that answers what was answered before; so
either pays for the same requests, and neither for what AWS does. Without TLS a call is cheaper
than in truth, which is in favour of the loop.
"""

from __future__ import annotations

import io
import json
import os
import pickle
import subprocess
import sys
import time
from contextlib import redirect_stdout
from dataclasses import dataclass
from functools import cache
from statistics import median
from typing import TYPE_CHECKING, Any

from benchmarks import calls
from benchmarks.held import forget

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from benchmarks.calls import Call

RUNS = 15


@dataclass(frozen=True)
class Processor:
    """Seconds of processor time, one of each run: the function's, and the loop's after it."""

    function: Sequence[float]
    loop: Sequence[float]

    @property
    def ratio(self) -> float:
        """Of what was measured one after the other, as other work comes and goes."""
        return median(a / b for a, b in zip(self.function, self.loop, strict=True))


@dataclass(frozen=True)
class Job:
    """What the measuring process is given."""

    calls: Sequence[Call]
    event: dict[str, Any]
    now: datetime
    runs: int


def measure(  # noqa: PLR0913 (an invocation, and how it is measured)
    made: Sequence[Call],
    event: dict[str, Any],
    now: datetime,
    variables: dict[str, str],
    *,
    known: Sequence[Call] = (),
    runs: int = RUNS,
) -> Processor:
    """Measure an event whose handling has made these calls, with these environment variables.

    What is ``known`` to a process that has made calls before, a new one may ask for as well.
    Raises RuntimeError if it does not make them again.
    """
    job = pickle.dumps(Job(made, event, now, runs))
    with calls.answering([*made, *known]) as url:
        environ = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}
        environ |= variables | calls.ON_LAMBDA | {"AWS_ENDPOINT_URL": url}
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.processor"],
            input=job,
            env=environ,
            capture_output=True,
            check=False,
        )
    if done.returncode:
        raise RuntimeError(done.stderr.decode())
    return Processor(**json.loads(done.stdout))


def _seconds(call: Callable[[], object]) -> float:
    """The processor time of all threads of this process while something is called."""
    before = time.process_time()
    call()
    return time.process_time() - before


def _measured(job: Job) -> Processor:
    import boto3  # noqa: PLC0415 (only where it is measured)

    import app  # noqa: PLC0415 (likewise)

    session = boto3.Session()

    @cache
    def client(service: str) -> Any:
        # Any: boto3's types know a service by its literal name.
        make: Any = session.client
        return make(service)

    def invoke() -> None:
        if app.lambda_handler(job.event, None, now=lambda: job.now)["batchItemFailures"]:
            raise RuntimeError("the function failed")

    function, loop = [], []
    for _ in range(1 + job.runs):
        forget(everything=False)
        function.append(_seconds(invoke))
        loop.append(_seconds(lambda: calls.make(job.calls, client)))
    # The first makes the clients, and reads templates and site.json.
    return Processor(function[1:], loop[1:])


def main() -> None:
    """Measure the job that is given at the standard input."""
    job: Job = pickle.load(sys.stdin.buffer)  # noqa: S301 (from `measure`)
    with redirect_stdout(io.StringIO()) as log:
        measured = _measured(job)
    if '"level":"ERROR"' in log.getvalue():
        raise RuntimeError(log.getvalue())
    json.dump({"function": measured.function, "loop": measured.loop}, sys.stdout)


if __name__ == "__main__":
    main()
