"""Reading exports: nothing outside of them, nothing without end."""

import html
import json
import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from broadsheet import wire
from local.importers.item import ImportFailedError

MOST_BYTES = 512 * 1024 * 1024


def read_text(file: Path, most: int = MOST_BYTES) -> str:
    """A text file. Raises ImportFailedError where it can't be read, or is too large."""
    try:
        size = file.stat().st_size
        if size > most:
            raise ImportFailedError(f"{file} has {size:,} bytes; at most {most:,} are read")
        return file.read_text("utf-8-sig", errors="replace")
    except OSError as error:
        raise ImportFailedError(f"{file} can't be read: {error.strerror}") from error


def read_json(file: Path) -> Any:
    """A JSON file. Raises ImportFailedError where it is none."""
    try:
        return json.loads(read_text(file))
    except (ValueError, RecursionError) as error:
        raise ImportFailedError(f"{file} is not JSON: {error}") from error


def below(root: Path, *endings: str) -> Iterator[Path]:
    """The file itself, or all files with these endings below a folder, in order of their names.

    Hidden files and links that lead out of the folder are passed by.
    """
    if root.is_file():
        yield root
        return
    if not root.is_dir():
        raise ImportFailedError(f"there is no file or folder {root}")
    top = root.resolve()
    for file in sorted(root.rglob("*")):
        parts = file.relative_to(root).parts
        if file.suffix.lower() not in endings or any(p.startswith(".") for p in parts):
            continue
        if file.is_file() and file.resolve().is_relative_to(top):
            yield file


def text(value: object) -> str:
    """A value that should be a text; "" if it is none."""
    return value if isinstance(value, str) else ""


def number(value: object) -> int:
    """A value that should be a number, or its digits; 0 if it is none."""
    if isinstance(value, bool):
        return 0
    if isinstance(value, int):
        return value
    return int(value) if isinstance(value, str) and re.fullmatch(r"[0-9]{1,9}", value) else 0


def objects(value: object) -> list[dict[str, Any]]:
    """The objects of a value that should be a list of them."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def texts(value: object) -> list[str]:
    """The texts of a list, or the one that stands for it."""
    if isinstance(value, str):
        return [value]
    found = value if isinstance(value, list) else []
    return [str(item) for item in found if isinstance(item, str | int | float)]


def plain(markup: object) -> str:
    """HTML as text on one line, entities that were escaped twice included."""
    return " ".join(html.unescape(wire.text_of(text(markup))).split())


def date(value: object, timezone: ZoneInfo) -> str:
    """A date as RFC 3339, in that time zone if it names none; "" if it is none."""
    if isinstance(value, datetime):
        moment = value
    else:
        given = str(value or "").strip()
        given = re.sub(r"^(\d{4}-\d\d-\d\d)\s+(\d)", r"\1T\2", given)
        given = re.sub(r"\s+(UTC|Z|[+-]\d\d:?\d\d)$", r"\1", given).replace("UTC", "Z")
        given = re.sub(r"T(\d):", r"T0\1:", given)
        try:
            moment = datetime.fromisoformat(given)
        except ValueError:
            return ""
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=timezone)
    try:
        return moment.replace(microsecond=0).isoformat() if moment.year > 1 else ""
    except (ValueError, OverflowError):
        return ""
