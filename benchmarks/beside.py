"""`python -m benchmarks.beside [N]`: one article into an archive of N, beside Hugo and others.

Hugo, Eleventy and Pelican build a site of the archive, then one article is added, and they build
again: in a new process, and as a process that was kept running, where they offer that. Broadsheet
publishes the same article into the same archive. Of each: processor time, what changed, and what it
takes to bring that into S3. ``--write`` writes docs/performance.md.

Needs Node.js, and `make bench-beside` installs the rest.
"""

from __future__ import annotations

import sys
import tempfile
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks import memory, written
from benchmarks.builders import BUILDERS, OUTPUT
from benchmarks.plot import Plot, Series
from benchmarks.publish import FIRST, publish
from benchmarks.stories import stories
from benchmarks.sync import Sync, aws_s3_sync, changed, files_of, sync, uploaded
from local.aws import local_aws
from local.template import Template

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from benchmarks.builders import Builder
    from benchmarks.stories import Story
    from benchmarks.sync import Files

    # Syncs a folder; the requests that it took, by operation.
    Syncing = Callable[[Path], dict[str, int]]

# Up to so many articles the real command syncs as well what was built.
REALLY = 1_000
# What is to hold against Hugo in a new process: so many times less time, and fewer writes.
LESS_TIME, FEWER_WRITES = 300, 20
AGAINST = "Hugo"
PUBLISHED = 5
# By this clock no article lies ahead.
LATE = datetime(9999, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Row:
    """What one way of building took: seconds of processor time, files, and to bring them into S3.

    ``whole`` is a build of everything, ``again`` the one after an article was added; ``really`` has
    the requests of `aws s3 sync` itself, by operation, where it was run.
    """

    name: str
    whole: float
    again: float
    files: int
    changed: int
    by_content: Sync
    as_sync: Sync
    really: dict[str, int]


def compare(
    builder: Builder, archive: Sequence[Story], root: Path, syncing: Syncing
) -> Iterator[Row]:
    """Build with one of them: all but the newest article, and then with it."""
    *old, new = archive
    folder = root / builder.name
    site = folder / OUTPUT
    builder.prepare(folder)
    for story in old:
        builder.add(folder, story)
    if builder.watching:
        with builder.kept_running(folder) as running:
            before, whole = files_of(site), running.processor_time()
            syncing(site)
            builder.add(folder, new)
            running.wait(builder.built)
            again = running.processor_time() - whole
        after = files_of(site)
        name = f"{builder.name}, kept running"
        yield _row(name, (whole, again), before, after, syncing(site))
        # In a new process each build is one of everything.
        whole = again = builder.build(folder)
        if changed(after, files_of(site)):
            raise RuntimeError(f"{name} does not build what it builds anew")
    else:
        whole = builder.build(folder)
        before = files_of(site)
        syncing(site)
        builder.add(folder, new)
        again = builder.build(folder)
    yield _row(builder.name, (whole, again), before, files_of(site), syncing(site))


def _row(
    name: str, took: tuple[float, float], before: Files, after: Files, really: dict[str, int]
) -> Row:
    other = changed(before, after)
    by_content, as_sync = (sync(before, after, sent) for sent in (other, uploaded(before, after)))
    return Row(name, *took, len(after), len(other), by_content, as_sync, really)


def _no_sync(_: Path) -> dict[str, int]:
    return {}


def measure(count: int, tell: Callable[[str], None]) -> dict[str, Any]:
    """Everything, at so many articles: figures as JSON can carry them."""
    archive = list(stories(count + FIRST + PUBLISHED))
    rows = []
    with ExitStack() as stack:
        root = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        s3 = stack.enter_context(local_aws(Template.read())).s3 if count <= REALLY else None
        for builder in BUILDERS:
            tell(builder.name)
            syncing = _no_sync
            if s3:
                bucket = builder.name.lower().replace(", ", "-").replace(" ", "-")
                s3.create_bucket(Bucket=bucket)
                syncing = partial(aws_s3_sync, bucket=bucket)
            rows += [asdict(row) for row in compare(builder, archive[: count + 1], root, syncing)]
    tell("Broadsheet")
    published = publish(memory.build(archive[:count]), archive[count:], LATE)
    return {"others": rows, "broadsheet": asdict(published)}


def page(kept: dict[str, Any]) -> str:
    """The tables, in Markdown, of all numbers of articles that were measured."""
    return "\n\n".join(
        part for count, figures in kept.items() for part in _tables(int(count), figures)
    )


def _tables(count: int, figures: dict[str, Any]) -> Iterator[str]:
    ours = figures["broadsheet"]
    requests = sum(n for name, n in ours["calls"].items() if name.endswith("Object"))
    yield f"{count:,} articles and one more:"
    yield written.table(
        ["", "CPU s", "times ours", "written", "times ours", "S3 requests", "kB sent"],
        [
            [
                "**Broadsheet**",
                f"{ours['seconds']:.3f}",
                "1",
                ours["objects"],
                "1",
                requests,
                f"{ours['sent'] / 1000:,.0f}",
            ],
            *(_line(row, ours) for row in figures["others"]),
        ],
    )
    own = f"Of Broadsheet's {ours['seconds']:.3f} s {ours['own']:.3f} are its own, not boto3's."
    yield " ".join([own, *targets(figures)])
    yield written.table(
        ["`aws s3 sync`", "lists", "uploads", "counted", "MB sent", "times ours", "needed"],
        [
            [
                row["name"],
                row["as_sync"]["lists"],
                f"{row['as_sync']['puts']:,}",
                f"{row['really']['PutObject']:,}" if row["really"] else "–",
                f"{row['as_sync']['sent'] / 1e6:,.1f}",
                f"{row['as_sync']['puts'] / ours['objects']:,.0f}",
                f"{row['changed']:,}",
            ]
            for row in figures["others"]
        ],
    )


def _line(row: dict[str, Any], ours: dict[str, Any]) -> list[object]:
    best = row["by_content"]
    return [
        row["name"],
        f"{row['again']:.2f}",
        f"{row['again'] / ours['seconds']:,.0f}",
        f"{row['changed']:,}",
        f"{row['changed'] / ours['objects']:.1f}",
        f"{best['lists'] + best['puts'] + best['deletes']:,}",
        f"{best['sent'] / 1000:,.0f}",
    ]


def targets(figures: dict[str, Any]) -> Iterator[str]:
    """What is reached, and what is to be."""
    ours = figures["broadsheet"]
    (other,) = (row for row in figures["others"] if row["name"] == AGAINST)
    for what, theirs, own, wanted in (
        ("processor time", other["again"], ours["seconds"], LESS_TIME),
        ("objects written", other["changed"], ours["objects"], FEWER_WRITES),
    ):
        yield f"Of {AGAINST}'s {what} it is 1/{theirs / own:,.1f}; to be 1/{wanted} or less."


def plots(kept: dict[str, Any]) -> dict[str, str]:
    """Processor time and objects written, of builds by a new process, by the number of articles."""
    counts = [int(count) for count in kept]
    took, wrote = _series(kept, "seconds", "again"), _series(kept, "objects", "changed")
    across = "articles there were before"
    return {
        "beside-processor": Plot(
            "Processor time for one article more",
            written.told("Seconds", counts, took),
            across,
            "seconds",
        ).lines(counts, took),
        "beside-written": Plot(
            "Files or objects written for one article more",
            written.told("Files or objects", counts, wrote),
            across,
            "files or objects",
        ).lines(counts, wrote),
    }


def _series(kept: dict[str, Any], ours: str, theirs: str) -> list[Series]:
    """A line for Broadsheet, and one for the others, those that lie on one another in one."""
    lines: dict[tuple[float, ...], list[str]] = {}
    for builder in BUILDERS:
        values = [
            row[theirs]
            for figures in kept.values()
            for row in figures["others"]
            if row["name"] == builder.name
        ]
        lines.setdefault(tuple(values), []).append(written.short(builder.name))
    own = Series("Broadsheet", [figures["broadsheet"][ours] for figures in kept.values()])
    return [own, *(Series(_together(names), values) for values, names in lines.items())]


def _together(names: Sequence[str]) -> str:
    first, *others = names
    return f"{first} and {len(others)} more" if others else first


if __name__ == "__main__":
    sys.exit(written.main("beside", measure, page, plots))
