"""`python -m benchmarks.compression`: what it would take, and save, to compress private state.

The indexes that a publish with three topics reads and writes, as benchmarks/century.py seeds them,
by zlib: bytes, and milliseconds of processor time to read all and to write all. `--write` writes
the table of docs/performance.md.
"""

from __future__ import annotations

import argparse
import sys
import time
import zlib
from functools import partial
from typing import TYPE_CHECKING

from rich.console import Console

from benchmarks import figures, memory
from benchmarks.century import Archive
from benchmarks.figures import Figures
from broadsheet.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable

TOPICS = ("harbour", "markets", "weather")
SIZES = (10_000, 1_000_000)
LEVELS = (1, 6)
ROUNDS = 9
PLACE = "compression"


def indexes(count: int) -> list[bytes]:
    """The indexes that a publish touches in an archive of so many articles."""
    s3 = memory.MemoryS3()
    with memory.playing_aws(s3):
        Archive(count).seed(Store(memory.SETTINGS), memory.SETTINGS.site_url, TOPICS)
    newest = max(key for _, key in s3.objects if key.startswith("_index/2"))
    wanted = {newest, "_index/site.json", *(f"_index/topics/{topic}.json" for topic in TOPICS)}
    return [found["Body"] for (_, key), found in s3.objects.items() if key in wanted]


def compressed(plain: list[bytes], level: int) -> list[bytes]:
    """Each by itself, as they are objects."""
    return [zlib.compress(data, level) for data in plain]


def decompressed(packed: list[bytes]) -> list[bytes]:
    """As they were before."""
    return list(map(zlib.decompress, packed))


def milliseconds(call: Callable[[], object]) -> float:
    """The processor time of a call, the least of ROUNDS."""

    def once() -> float:
        began = time.process_time()
        call()
        return time.process_time() - began

    return min(once() for _ in range(ROUNDS)) * 1000


def rows(count: int) -> list[list[str]]:
    """A row for each level."""
    plain = indexes(count)
    size = sum(map(len, plain))
    made = [[f"{count:,}", "none", f"{size / 1000:,.0f}", "1.0", "–", "–"]]
    for level in LEVELS:
        packed = compressed(plain, level)
        small = sum(map(len, packed))
        writing = milliseconds(partial(compressed, plain, level))
        reading = milliseconds(partial(decompressed, packed))
        shown = [f"{small / 1000:,.0f}", f"{size / small:.1f}", f"{reading:.1f}", f"{writing:.1f}"]
        made.append([f"{count:,}", f"{level}", *shown])
    return made


def table() -> Figures:
    """What is read and written, for archives of both sizes."""
    columns = ("articles", "level", "kB of indexes", "times smaller", "read, ms", "written, ms")
    found = [row for count in SIZES for row in rows(count)]
    return Figures("The indexes of a publish with three topics, compressed", columns, found)


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.compression")
    parser.add_argument("--write", action="store_true", help="write docs/performance.md")
    options = parser.parse_args()
    made = table()
    Console(file=sys.stdout, highlight=False).print(made.rich())
    if options.write:
        figures.write(figures.PERFORMANCE, PLACE, made.markdown())


if __name__ == "__main__":
    main()
