"""An invocation in a process that is held to shares of a processor, while AWS takes its time.

The function runs in a process of its own, as in benchmarks/processor.py, against a server that
answers each call as late as it is told. A control group of Linux gives that process so much of a
processor in each period and no more, as Lambda does; only root may make one.
"""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import time
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from benchmarks import calls

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from benchmarks.calls import Call

# The period over which a share is kept, in microseconds.
PERIOD = 20_000
# A share that holds nobody back.
ALL = float(os.cpu_count() or 1)
# Where control groups are, of version 1 and 2, and the files by which one is held.
GROUPS = (
    (Path("/sys/fs/cgroup/cpu"), {"cpu.cfs_period_us": "{period}", "cpu.cfs_quota_us": "{quota}"}),
    (Path("/sys/fs/cgroup"), {"cpu.max": "{quota} {period}"}),
)


@dataclass(frozen=True)
class Run:
    """Seconds of an invocation, by the clock and of the processor, all threads'."""

    clock: float
    processor: float


@dataclass(frozen=True)
class Process:
    """One that invokes the function when it is asked to."""

    id: int
    asks: IO[str]
    answers: IO[str]

    def invoke(self, *, anew: bool = False) -> Run:
        """Invoke it once, with nothing kept from earlier invocations if it is to be ``anew``.

        Raises RuntimeError if it fails.
        """
        print("anew" if anew else "", file=self.asks, flush=True)
        answer = self.answers.readline()
        if not answer:
            raise RuntimeError("the function failed")
        return Run(*json.loads(answer))


@contextmanager
def process(
    made: Sequence[Call],
    event: dict[str, Any],
    now: datetime,
    variables: dict[str, str],
    delay: Callable[[Call], float],
) -> Iterator[Process]:
    """A process for an event whose handling makes these calls, with these environment variables."""
    with calls.answering(made, delay) as url:
        environ = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}
        environ |= variables | calls.ON_LAMBDA | {"AWS_ENDPOINT_URL": url}
        with subprocess.Popen(
            [sys.executable, "-m", "benchmarks.held"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environ,
            text=True,
        ) as started:
            if started.stdin is None or started.stdout is None:
                raise AssertionError("unreachable: both are pipes")
            print(json.dumps([event, now.isoformat()]), file=started.stdin, flush=True)
            try:
                yield Process(started.pid, started.stdin, started.stdout)
            finally:
                started.stdin.close()


@dataclass(frozen=True)
class Group:
    """A control group: its folder, and the files by which it is held, with what goes into each."""

    folder: Path
    files: dict[str, str]

    def take(self, process_id: int) -> None:
        """Take a process in, until it ends."""
        (self.folder / "cgroup.procs").write_text(str(process_id))

    def hold(self, share: float) -> None:
        """Hold it to so much of a processor."""
        for name, text in self.files.items():
            (self.folder / name).write_text(text.format(period=PERIOD, quota=int(share * PERIOD)))


@contextmanager
def group() -> Iterator[Group | None]:
    """A group for processes that end before it does; None where this machine lets nobody."""
    for root, files in GROUPS:
        made = Group(root / f"broadsheet-{os.getpid()}", files)
        try:
            made.folder.mkdir()
        except OSError:
            continue
        try:
            if all((made.folder / name).exists() for name in files):
                yield made
                return
        finally:
            made.folder.rmdir()
    yield None


def main() -> None:
    """Invoke the function once for each line after the first, which is its event and moment."""
    (event, moment), answers = json.loads(sys.stdin.readline()), sys.stdout
    now = datetime.fromisoformat(moment)
    with redirect_stdout(io.StringIO()) as log:
        # Its log goes where the standard output went when it was imported.
        import app  # noqa: PLC0415 (see above)

        for line in sys.stdin:
            forget(everything="anew" in line)
            clock, processor = time.perf_counter(), time.process_time()
            failures = app.lambda_handler(event, None, now=lambda: now)["batchItemFailures"]
            took = time.perf_counter() - clock, time.process_time() - processor
            if failures or '"level":"ERROR"' in log.getvalue():
                raise RuntimeError(log.getvalue())
            print(json.dumps(took), file=answers, flush=True)


def forget(*, everything: bool) -> None:
    """Forget what was made of the article, which the next would not have; or all that is kept."""
    from broadsheet import card, index, kept, listings, markdown, segment, sources  # noqa: PLC0415 (as in main)

    card.drawn.cache_clear()
    markdown.to_html.cache_clear()
    if everything:
        sources._renderer.cache_clear()  # noqa: SLF001 (it keeps what was rendered)
        index._entries = kept.Kept(index.ENTRIES_ROOM, index.entry_size)  # noqa: SLF001 (what was read)
        index._years = kept.Kept(index.YEARS_ROOM, index.year_size)  # noqa: SLF001 (likewise)
        room = listings.SEGMENTS_ROOM
        listings._segments = kept.Kept(room, segment.segment_size)  # noqa: SLF001 (likewise)


if __name__ == "__main__":
    main()
