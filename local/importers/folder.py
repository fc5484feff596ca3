"""What an import leaves: a folder that `make run` and `broadsheet upload` take, and a report."""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from broadsheet.errors import InvalidError
from broadsheet.site_config import SiteConfig
from local.importers import article, paths
from local.importers.item import Importer, ImportFailedError, Item, Site
from local.watch import REPORT_FILE, SITE_FILE

_SITE_CHARACTERS = {"name": 100, "description": 300}


@dataclass
class Line:
    """What became of one item; ``file`` is where its article was written, "" if it was not."""

    id: str
    title: str
    file: str = ""
    reason: str = ""
    warnings: list[str] = field(default_factory=list)


@dataclass
class Report:
    """What became of an export. ``files`` are all that was written, but for the report itself."""

    format: str
    items: list[Line] = field(default_factory=list)
    site: list[str] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    complete: bool = False

    def counts(self) -> dict[str, int]:
        """How many items were written, and how many of them with warnings; how many were not."""
        return {
            "written": sum(1 for line in self.items if line.file),
            "with warnings": sum(1 for line in self.items if line.file and line.warnings),
            "left out": sum(1 for line in self.items if not line.file),
            "pictures": sum(1 for file in self.files if file.startswith("media/")),
        }

    def said(self) -> Counter[str]:
        """How often each thing was said of an item."""
        return Counter(m for line in self.items for m in (*line.warnings, line.reason) if m)


def write(
    importer: Importer, name: str, out: Path, done: Callable[[], None] = lambda: None
) -> Report:
    """Write all articles of an export to a folder; ``done`` hears of each item.

    The folder must be new, empty, or an earlier import's, whose files are then replaced. Raises
    ImportFailedError where it is none of these, or the export can't be read.
    """
    folder = _Folder(out)
    report = Report(name)
    folder.begin(report)
    wished, moved = _paths(importer)
    for number, item in enumerate(_items(importer)):
        report.items.append(_line(item, wished.get(number, ""), importer, moved, folder))
        done()
    _write_site(importer.site, report, folder)
    report.files = sorted(folder.written)
    report.complete = True
    folder.put(REPORT_FILE, _json(report))
    return report


def _items(importer: Importer) -> Iterator[Item]:
    return (item.clean() for item in importer.items())


def _json(report: Report) -> bytes:
    said = {"format": report.format, "counts": report.counts(), **asdict(report)}
    return (json.dumps(said, ensure_ascii=False, indent=2) + "\n").encode(errors="replace")


def _paths(importer: Importer) -> tuple[dict[int, str], dict[str, str]]:
    """The path of each item, by its number, and of each old address."""
    wishes, urls = [], {}
    for number, item in enumerate(_items(importer)):
        if not item.skip:
            wish = paths.path_of(item.url, item.path, item.title, item.id) or "article"
            wishes.append((wish, (article.utc(item.published_at), item.id), number))
            urls[number] = item.url
    settled = paths.settle(wishes)
    moved = {article.old_path(paths.alias_of(url) or ""): settled[n] for n, url in urls.items()}
    moved.pop("", None)
    return settled, moved


def _line(
    item: Item, path: str, importer: Importer, moved: dict[str, str], folder: "_Folder"
) -> Line:
    line = Line(item.id, item.title[:200], warnings=item.warnings)
    if item.skip:
        line.reason = item.skip
        return line
    if not item.title.strip():
        line.reason = "has no title"
        return line
    wish = paths.path_of(item.url, item.path, item.title, item.id)
    if wish != path:
        item.warn(f"is at {path}, since another article is at {wish}")
    try:
        made = article.make(item, path, importer, moved)
    except article.RefusedError as error:
        line.reason = str(error)
        return line
    for name, file in made.media.items():
        folder.copy(f"media/{name}", file)
    line.file = f"{path}.json"
    folder.put(line.file, made.data)
    return line


def _write_site(site: Site, report: Report, folder: "_Folder") -> None:
    """Suggest a site.json of what the export tells of the site."""
    report.site += site.warnings
    document: dict[str, Any] = {}
    for name, value in site.fields.items():
        text = " ".join(value.split())[: _SITE_CHARACTERS.get(name, 100)]
        if not text:
            continue
        try:
            SiteConfig.parse(json.dumps({name: text}).encode())
        except InvalidError as error:
            report.site.append(f"{SITE_FILE}: {error}")
        else:
            document[name] = text
    if document:
        text = json.dumps(document, ensure_ascii=False, indent=2)
        folder.put(SITE_FILE, f"{text}\n".encode())


@dataclass
class _Folder:
    """The folder to write, and nothing beside it."""

    path: Path
    written: set[str] = field(default_factory=set)

    def begin(self, report: Report) -> None:
        """Make the folder, or take it over from an earlier import."""
        if self.path.exists() and not self.path.is_dir():
            raise ImportFailedError(f"{self.path} is no folder")
        earlier = self.path / REPORT_FILE
        if earlier.is_file():
            self._clear(_files(earlier))
        elif self.path.exists() and any(self.path.iterdir()):
            raise ImportFailedError(f"{self.path} has files that no import wrote; choose another")
        self.path.mkdir(parents=True, exist_ok=True)
        self.put(REPORT_FILE, _json(report))

    def _clear(self, files: Iterable[str]) -> None:
        for name in files:
            file = self._file(name)
            if file.is_file():
                file.unlink()
                for parent in file.relative_to(self.path).parents[:-1]:
                    if not any((self.path / parent).iterdir()):
                        (self.path / parent).rmdir()

    def _file(self, name: str) -> Path:
        """The file of that name; raises ImportFailedError where links lead it out of the folder."""
        file = self.path / name
        root = self.path.resolve()
        if not file.resolve().is_relative_to(root) or file.is_symlink():
            raise ImportFailedError(f"{file} leads out of {self.path}")
        return file

    def put(self, name: str, data: bytes) -> None:
        """Write a file of the folder."""
        file = self._file(name)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
        if name != REPORT_FILE:
            self.written.add(name)

    def copy(self, name: str, source: Path) -> None:
        """Copy a file to the folder, once."""
        if name not in self.written:
            self.put(name, source.read_bytes())


def _files(report: Path) -> list[str]:
    try:
        files = json.loads(report.read_bytes())["files"]
    except (ValueError, LookupError, TypeError) as error:
        raise ImportFailedError(f"{report} is no report of an import") from error
    return [name for name in files if isinstance(name, str)] if isinstance(files, list) else []
