"""Where a `make run` is that serves from this folder: a small file tells, as long as it is up."""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

FILE = Path("build") / "run.json"


@dataclass(frozen=True)
class Running:
    """A `make run`: its process, its AWS, and the environment of its functions."""

    pid: int
    endpoint: str
    variables: Mapping[str, str]


@contextmanager
def announced(endpoint: str, variables: Mapping[str, str]) -> Iterator[None]:
    """Tell of this process as long as the context is open."""
    file = FILE.absolute()
    ours = Running(os.getpid(), endpoint, variables)
    file.parent.mkdir(exist_ok=True)
    new = file.with_suffix(f".{ours.pid}")
    new.write_text(json.dumps(asdict(ours), indent=2), encoding="utf-8")
    new.replace(file)
    try:
        yield
    finally:
        # Another one in the same folder may have come after this one.
        if _read(file) == ours:
            file.unlink(missing_ok=True)


def find(folder: Path) -> tuple[Path, Running] | None:
    """The file of a `make run` in this folder or one above it, and what it says."""
    for above in (folder, *folder.parents):
        if running := _read(above / FILE):
            return above / FILE, running
    return None


def _read(file: Path) -> Running | None:
    with suppress(OSError, ValueError, TypeError):
        return Running(**json.loads(file.read_bytes()))
    return None
