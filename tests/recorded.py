"""The events of events/, and what the samples there are called."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[1] / "events"
# The bucket that the recorded events name.
BUCKET = "broadsheet-source-111122223333-eu-west-1"
NAMES = sorted(path.name for path in FOLDER.glob("*.json") if path.name != "site.json")


def event(name: str) -> dict[str, Any]:
    """A recorded event, by its file's name."""
    value: dict[str, Any] = json.loads((FOLDER / name).read_text(encoding="utf-8"))
    return value


def articles() -> dict[str, bytes]:
    """The sample articles by their keys in the source bucket."""
    return {
        path.relative_to(FOLDER).as_posix(): path.read_bytes()
        for path in sorted((FOLDER / "articles").rglob("*.json"))
    }
