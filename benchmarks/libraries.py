"""`python -m benchmarks.libraries`: the libraries that were tried for each job of a publish.

Of each, in the same environment: microseconds of processor time a call, for one typical article,
and what its import adds to a new process. What wheels there are, how large and how old, is read
from uv.lock. `--write` writes the tables of docs/performance.md. `make bench-libraries` makes the
environment.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from functools import cache
from itertools import groupby
from pathlib import Path
from statistics import median
from typing import Any

from rich.console import Console

from benchmarks import figures
from benchmarks.builders import processor_time
from benchmarks.candidates import CANDIDATES, ROUNDS, Candidate
from benchmarks.figures import Figures
from benchmarks.stories import stories

ROOT = Path(__file__).parents[1]
PYTHON = ROOT / ".venv-libraries" / "bin" / "python"
LOCK = ROOT / "uv.lock"
# So often each module is imported by a new process, in turn with all others.
STARTS = 9
ARCHITECTURES = ("x86_64", "aarch64")
# What Python 3.13 can install on Linux with glibc, as Lambda's is: made for it, for the stable ABI
# of it or an older one, or of Python alone.
# https://packaging.python.org/en/latest/specifications/platform-compatibility-tags/
_OWN = r"-(?:cp313-cp313|cp3(?:\d|1[0-3])-abi3)-[^-]*manylinux[^-]*_{architecture}\b"
_PURE = re.compile(r"-(?:py2\.)?py3-none-any\.whl$")


@dataclass(frozen=True)
class Row:
    """What was measured: microseconds a call, and milliseconds that an import adds to a start."""

    candidate: Candidate
    microseconds: float
    milliseconds: float


def article() -> bytes:
    """The article that all begin with."""
    (story,) = stories(1)
    return story.json()


def measure(rounds: int, starts: int) -> list[Row]:
    """Measure all in turn. Raises CalledProcessError where a candidate fails."""
    done = subprocess.run(  # noqa: S603 (no part comes from outside)
        [PYTHON, "-m", "benchmarks.candidates", str(rounds)],
        input=article(),
        capture_output=True,
        check=True,
        cwd=ROOT,
        env={"PYTHONPATH": f"{ROOT}:{ROOT / 'layers' / 'broadsheet'}"},
    )
    calls = [median(times) for times in json.loads(done.stdout)]
    imports = _imports(starts)
    return [
        Row(one, call, imports[one.module] - imports[""])
        for one, call in zip(CANDIDATES, calls, strict=True)
    ]


def _imports(starts: int) -> dict[str, float]:
    """Milliseconds of processor time, the median, of a process that imports a module, or none."""
    took: dict[str, list[float]] = {"": [], **{one.module: [] for one in CANDIDATES}}
    for _ in range(1 + starts):
        for module, times in took.items():
            command = [str(PYTHON), "-I", "-c", f"import {module}" if module else ""]
            times.append(processor_time(command, ROOT, {}) * 1000)
    # The first compiles.
    return {module: median(times[1:]) for module, times in took.items()}


@cache
def _locked() -> dict[str, dict[str, Any]]:
    """What uv.lock says of each package; of several versions, the last."""
    packages = tomllib.loads(LOCK.read_text("utf-8"))["package"]
    return {package["name"]: package for package in packages}


def wheel(package: str, architecture: str) -> dict[str, Any] | None:
    """The wheel for Python 3.13 on Linux, as uv.lock has it; None where there is none."""
    own = re.compile(_OWN.format(architecture=architecture))
    wheels = _locked()[package].get("wheels", ())
    found = [one for one in wheels if own.search(one["url"]) or _PURE.search(one["url"])]
    return found[0] if found else None


def needed(package: str) -> set[str]:
    """A package, and all that it needs on Python 3.13, whoever else needs that, too."""
    found, todo = set(), [package]
    while todo:
        name = todo.pop()
        if name not in found:
            found.add(name)
            todo += [
                one["name"]
                for one in _locked()[name].get("dependencies", ())
                if not re.search(
                    r"python_full_version < '3\.1[0-3]|win32|PyPy'", one.get("marker", "")
                )
            ]
    return found


def table(rows: list[Row]) -> Figures:
    """Those of one job: the first is what is used."""
    columns = (
        *("library", "wheels"),
        *("microseconds", "times ours", "import, ms", "kB", "with what it needs", "released"),
    )
    return Figures(rows[0].candidate.job, columns, [_line(row, rows[0]) for row in rows], texts=2)


def _line(row: Row, ours: Row) -> list[str]:
    package = row.candidate.package
    name = f"**{row.candidate.name}**" if row is ours else row.candidate.name
    digits = 0 if row.microseconds >= 10 else 1  # noqa: PLR2004 (below ten a digit more)
    took = [
        f"{row.microseconds:,.{digits}f}",
        f"{row.microseconds / ours.microseconds:.1f}",
        f"{max(0, row.milliseconds):.0f}",
    ]
    if not package:
        return [name, "Python’s own", *took, "–", "–", "–"]
    return [
        f"{name} {_locked()[package]['version']}",
        wheels(package),
        *took,
        f"{_size(package) / 1000:,.0f}",
        f"{sum(map(_size, needed(package))) / 1000:,.0f}",
        _locked()[package]["sdist"]["upload-time"][:10],
    ]


def _size(package: str) -> int:
    """Bytes of the wheel for the architecture that template.yaml has by default."""
    found = wheel(package, "aarch64")
    return int(found["size"]) if found else 0


def wheels(package: str) -> str:
    """Where a package and all that it needs can be installed from wheels alone."""
    found = {
        architecture: [wheel(name, architecture) for name in needed(package)]
        for architecture in ARCHITECTURES
    }
    if all(one and _PURE.search(one["url"]) for one in found[ARCHITECTURES[0]]):
        return "any machine"
    return ", ".join(name for name, there in found.items() if all(there)) or "none"


def page(rows: list[Row]) -> str:
    """All jobs: a table of each, and why what is used is used."""
    parts = []
    for job, ours in groupby(rows, lambda row: row.candidate.job):
        those = list(ours)
        whys = [f"- *{row.candidate.name}*: {row.candidate.why}." for row in those]
        parts += [f"{job}:", table(those).markdown(), "\n".join(whys)]
    return "\n\n".join(parts)


def main() -> int:
    """Read the command line and do it; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.libraries")
    parser.add_argument("--write", action="store_true", help="write docs/performance.md")
    options = parser.parse_args()
    console = Console(highlight=False, width=140)
    rows = measure(ROUNDS, STARTS)
    for _, ours in groupby(rows, lambda row: row.candidate.job):
        console.print(table(list(ours)).rich())
    if options.write:
        figures.write(figures.PERFORMANCE, "libraries", page(rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
