"""Writes the corpus to a folder, or the table of what became of it to docs/hostile-input.md.

``python -m tests.hostile.make FOLDER`` or ``python -m tests.hostile.make --table``, with
``PYTHONPATH=.:layers/broadsheet:functions/publish:functions/media:functions/ping``.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from tests.cloudformation import arenas
from tests.hostile.corpus import BATCH, cases
from tests.hostile.worker import (
    FUNCTION_MEGABYTES,
    FUNCTION_SECONDS,
    MEGABYTES,
    SECONDS,
    Result,
)

ROOT = Path(__file__).parents[2]
TABLE = ROOT / "docs" / "hostile-input.md"
PYTHONPATH = ".:layers/broadsheet:functions/publish:functions/media:functions/ping"


def results(folder: Path) -> list[Result]:
    """Publish the corpus in another process: what became of each case, with its pages in folder."""
    with (folder / "log").open("wb") as log:
        subprocess.run(
            [sys.executable, "-m", "tests.hostile.worker", str(folder)],
            cwd=ROOT,
            env=os.environ | {"PYTHONPATH": PYTHONPATH} | arenas(),
            stdout=log,
            stderr=log,
            check=True,
        )
    found = json.loads((folder / "results.json").read_text(encoding="utf-8"))
    return [Result(**result) for result in found]


def write(folder: Path) -> None:
    """Write every upload as a file of its case's name."""
    folder.mkdir(parents=True, exist_ok=True)
    for case in cases():
        (folder / f"{case.name}.json").write_bytes(case.data())


def table(found: list[Result]) -> str:
    """The results as a page of the documentation."""
    day = datetime.now(UTC).date().isoformat()
    found, crowds = found[: len(cases())], found[len(cases()) :]
    rejected = sum(result.status == "rejected" for result in found)
    command = f"PYTHONPATH={PYTHONPATH} .venv/bin/python -m tests.hostile.make --table"
    lines = [
        "# Hostile input",
        "",
        f"What became of {len(found)} uploads of `tests/hostile/corpus.py`, {rejected} of which",
        "were rejected. Each was delivered to the real handler together with a good neighbour.",
        f"Bounds: {SECONDS} s of processor time for both, {MEGABYTES} MB for the whole process,",
        "moto and the upload included (it takes about 140 MB with nothing to do).",
        "`tests/hostile/test_hostile.py` holds them, and opens what was published in headless",
        "Chromium without CSP, where nothing may execute.",
        "",
        "Below them stand those that one invocation was given together: the ten that cost most;",
        "one upload with 20 earlier versions, all as bad as it, all of which are read; and a whole",
        f"batch, {BATCH} articles as large as may be. Their",
        f"bounds are the function's: {FUNCTION_MEGABYTES} MB, and {FUNCTION_SECONDS:.0f} s of a",
        "processor, which is its timeout times the share of one that Lambda gives for its memory.",
        "What moto holds counts as well.",
        "",
        f"Made on {day} by `{command}`.",
        "",
        "| case | bytes | outcome | first error at | CPU s | MB |",
        "|---|--:|---|---|--:|--:|",
    ]
    for r in [*found, *crowds]:
        at = (r.errors[0]["path"] or "the document") if r.errors else ""
        at = f"`{at}`".replace("|", "\\|") if at.startswith("/") else at
        outcome = "; ".join(r.faults) or r.status
        lines.append(
            f"| {r.name} | {r.size:,} | {outcome} | {at} | {r.seconds:.2f} | {r.megabytes:.0f} |"
        )
    return "\n".join(lines) + "\n"


def main(arguments: list[str]) -> None:
    """Do what the command line asks for."""
    if arguments == ["--table"]:
        with tempfile.TemporaryDirectory() as folder:
            TABLE.write_text(table(results(Path(folder))), encoding="utf-8")
    elif len(arguments) == 1:
        write(Path(arguments[0]))
    else:
        sys.exit("usage: python -m tests.hostile.make FOLDER | --table")


if __name__ == "__main__":
    main(sys.argv[1:])
