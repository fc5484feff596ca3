"""Runs the tests of test_fuzz.py for as long as wanted, on inputs that lead somewhere new.

Hypothesis reads a test's arguments from bytes (``fuzz_one_input``). Bytes that reach a new line of
the code, or a new outcome, are kept and changed again, so inputs grow towards what is not seen yet:
what a coverage-guided fuzzer does, without instrumenting anything. The libraries in Rust can't be
traced; what they answer (each pair of tags, each message) counts instead. A failure is kept in
Hypothesis's database: `pytest tests/fuzz` then shows it at its smallest.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hypothesis.errors import UnsatisfiedAssumption
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

import broadsheet
from tests.fuzz import properties, test_fuzz

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CodeType, FrameType

# Turns of one test before the next has its own.
TURNS = 200
FRESH_BYTES = 8000
console = Console(highlight=False)
# What is traced.
OURS = (str(Path(broadsheet.__file__).parent),)


@dataclass
class Target:
    """One test, and what is known of it."""

    name: str
    run: Callable[[bytes], bytes | None]
    corpus: list[bytes] = field(default_factory=list)
    seen: set[object] = field(default_factory=set)
    failures: Counter[str] = field(default_factory=Counter)
    runs: int = 0

    def turn(self, rng: random.Random) -> None:
        """Run the test once, and keep what found something new."""
        data = _changed(rng, self.corpus) if self.corpus and rng.random() < 0.8 else b""
        data = data or rng.randbytes(rng.randint(1, FRESH_BYTES))
        properties.features.clear()
        lines = _Lines()
        sys.settrace(lines)
        try:
            used = self.run(data)
        except UnsatisfiedAssumption:
            used = None
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # noqa: BLE001 (a panic of a library in Rust is no Exception)
            sys.settrace(None)
            self._fail(error)
            used = None
        finally:
            sys.settrace(None)
        self.runs += 1
        if used is not None and not self.seen >= (found := lines.found | properties.features):
            self.seen |= found
            self.corpus.append(used)

    def _fail(self, error: BaseException) -> None:
        text = f"{type(error).__name__}: {error}".partition("\n")[0][:200]
        if not self.failures[text]:
            console.print(f"{self.name}: {text}", markup=False)
        self.failures[text] += 1


class _Lines:
    """A trace function that notes which lines of ours follow each other."""

    def __init__(self) -> None:
        self.found: set[object] = set()
        self._last: tuple[CodeType, int] | None = None

    def __call__(self, frame: FrameType, _event: str, _arg: object) -> Any:
        return self._line if frame.f_code.co_filename.startswith(OURS) else None

    def _line(self, frame: FrameType, event: str, _arg: object) -> Any:
        if event == "line":
            here = frame.f_code, frame.f_lineno
            self.found.add((self._last, here))
            self._last = here
        return self._line


def _changed(rng: random.Random, corpus: list[bytes]) -> bytes:
    """A member of the corpus, the newer the likelier, after some changes."""
    data = bytearray(corpus[max(rng.randrange(len(corpus)) for _ in range(2))])
    for _ in range(rng.choice([1, 1, 2, 4, 8])):
        start = rng.randrange(len(data) + 1)
        end = min(len(data), start + rng.choice([0, 1, 1, 2, 4, 16, 64]))
        match rng.randrange(5):
            case 0:
                data[start:end] = rng.randbytes(end - start)
            case 1:
                data[start:start] = rng.randbytes(rng.choice([1, 1, 4, 16]))
            case 2:
                del data[start:end]
            case 3:
                data[start:start] = data[start:end]
            case _:
                other = rng.choice(corpus)
                data[start:] = other[rng.randrange(len(other) + 1) :]
    return bytes(data)


def targets() -> list[Target]:
    """The tests of test_fuzz.py."""
    tests = {name: test for name, test in vars(test_fuzz).items() if name.startswith("test_")}
    return [Target(name, test.hypothesis.fuzz_one_input) for name, test in tests.items()]


def fuzz(minutes: float, seed: int) -> bool:
    """Fuzz for so many minutes of CPU, or until ^C, and print what came of it; whether all held."""
    rng = random.Random(seed)  # noqa: S311 (no secret)
    chosen = targets()
    begin = time.process_time()
    with Progress(console=console) as progress, suppress(KeyboardInterrupt):
        bar = progress.add_task("seconds of CPU", total=minutes * 60)
        while not progress.finished:
            for target in chosen:
                for _ in range(TURNS):
                    target.turn(rng)
            progress.update(bar, completed=time.process_time() - begin)
    console.print(f"{(time.process_time() - begin) / 60:.1f} minutes of CPU, seed {seed}")
    table = Table("test", "runs", "kept", "seen", "failures")
    for t in chosen:
        figures = (t.runs, len(t.corpus), len(t.seen), t.failures.total())
        table.add_row(t.name, *(f"{figure:,}" for figure in figures))
    console.print(table)
    return not any(target.failures for target in chosen)


def main() -> int:
    """Read the command line and do it; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz")
    parser.add_argument("minutes", nargs="?", type=float, default=10, help="of CPU (10)")
    parser.add_argument("seed", nargs="?", type=int, default=0, help="of the mutations (0)")
    options = parser.parse_args()
    return not fuzz(options.minutes, options.seed)
