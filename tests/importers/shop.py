"""Exports as the systems write them, of invented content, and what an import makes of them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from broadsheet.article import Article
from broadsheet.markdown import to_html
from local.importers import open_export
from local.importers.folder import write
from local.importers.item import Options
from local.watch import REPORT_FILE

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from local.importers.folder import Report

JPEG = b"\xff\xd8\xff\xe0 a picture"


class Imported:
    """A folder that an import wrote, and its report."""

    def __init__(self, folder: Path, report: Report) -> None:
        self.folder = folder
        self.report = report

    @property
    def files(self) -> list[str]:
        """All files but the report."""
        every = (f.relative_to(self.folder).as_posix() for f in self.folder.rglob("*.*"))
        return sorted(name for name in every if name != REPORT_FILE)

    def raw(self, name: str) -> dict[str, Any]:
        """The JSON of a file."""
        found: dict[str, Any] = json.loads((self.folder / name).read_text("utf-8"))
        return found

    def article(self, path: str) -> Article:
        """The article at a path, read as the function reads it."""
        return Article.parse(path, (self.folder / f"{path}.json").read_bytes())

    def html(self, path: str) -> str:
        """What a page shows of its text."""
        return to_html(self.article(path).body)

    def warnings(self, path: str) -> list[str]:
        """What was said of the article at a path."""
        return next(line.warnings for line in self.report.items if line.file == f"{path}.json")

    @property
    def reasons(self) -> dict[str, str]:
        """Why items were left out, by their titles or ids."""
        return {line.title or line.id: line.reason for line in self.report.items if line.reason}


def run(name: str, source: Path, **options: Any) -> Imported:
    """Import an export to a folder beside it."""
    out = options.pop("out", source.parent / f"{source.name}-imported")
    if isinstance(zone := options.get("timezone"), str):
        options["timezone"] = ZoneInfo(zone)
    report = write(open_export(name, source, Options(**options)), name, out)
    return Imported(out, report)


def put(folder: Path, files: Mapping[str, str | bytes]) -> Path:
    """Write files below a folder."""
    for name, data in files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data if isinstance(data, bytes) else data.encode())
    return folder


def dumped(folder: Path, name: str, value: object) -> Path:
    """A JSON file."""
    put(folder, {name: json.dumps(value)})
    return folder / name
