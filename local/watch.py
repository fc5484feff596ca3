"""Keeps the source bucket equal to a folder of article files, with pictures in its media/."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from watchfiles import watch

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

SITE_FILE = "site.json"
# What an import says of itself, in the folder that it wrote; it is no article.
REPORT_FILE = "import-report.json"
MEDIA = "media/"
UPLOADS_AT_ONCE = 8
# Milliseconds: how long a burst of changes may last, and the silence that ends it.
DEBOUNCE = 400
STEP = 30
# Milliseconds after which the folder is looked at though nothing was heard.
RESCAN = 2000

# Two files with the same stamp are taken for the same: (modified, in nanoseconds; bytes; inode).
Stamp = tuple[int, int, int]


def key_for(name: str) -> str:
    """Return the key in the source bucket of the file `name` (relative, with `/`)."""
    is_picture = name.startswith(MEDIA) and not name.endswith(".json")
    return name if name == SITE_FILE or is_picture else f"articles/{name}"


def name_for(key: str) -> str:
    """Return the file, relative to the folder, that is uploaded as `key`."""
    return key.removeprefix("articles/")


def scan(folder: Path) -> dict[str, Stamp]:
    """Return the stamp of each `*.json` below the folder, and of all in media/, by key.

    Hidden files don't count, nor does the report of an import.
    """
    return dict(_scan(folder))


def _scan(folder: Path) -> Iterator[tuple[str, Stamp]]:
    for path in {*folder.rglob("*.json"), *(folder / MEDIA).rglob("*")}:
        relative = path.relative_to(folder)
        hidden = any(part.startswith(".") for part in relative.parts)
        if hidden or relative.as_posix() == REPORT_FILE:
            continue
        try:
            found = path.stat()
        except FileNotFoundError:  # deleted since it was listed
            continue
        if path.is_file():
            yield key_for(relative.as_posix()), (found.st_mtime_ns, found.st_size, found.st_ino)


@dataclass
class Folder:
    """A folder and what of it is in the source bucket. The folder is only ever read."""

    path: Path
    s3: "S3Client"
    bucket: str
    warn: Callable[[str], None] = print
    uploaded: dict[str, Stamp] = field(default_factory=dict)

    def file_of(self, key: str) -> Path:
        """Return the file that `key` is uploaded from."""
        return self.path / name_for(key)

    def saved_at(self, key: str) -> float:
        """Return when the file of `key` was last written, in seconds since 1970; 0: no file."""
        return self.uploaded[key][0] / 1e9 if key in self.uploaded else 0

    def count(self) -> int:
        """Return how many files there are to upload, the site's own included."""
        return len(scan(self.path))

    def sync(
        self,
        *,
        only: Callable[[str], bool] = lambda _: True,
        done: Callable[[str], None] = lambda _: None,
    ) -> None:
        """Upload what changed, delete what is gone; `done` hears of each key when it is up.

        `only` picks the keys that count. A folder that is gone as a whole changes nothing.
        """
        if not self.path.is_dir():
            return
        changes = differences(self.uploaded, scan(self.path))
        changes = {key: stamp for key, stamp in changes.items() if only(key)}
        gone = [key for key, stamp in changes.items() if stamp is None]
        # Before the uploads, so that saved_at is right when the first of them is live.
        self.uploaded.update({key: stamp for key, stamp in changes.items() if stamp})
        with ThreadPoolExecutor(UPLOADS_AT_ONCE) as pool:
            for key in pool.map(self._upload, changes.keys() - gone):
                done(key)
        for key in gone:
            del self.uploaded[key]
            self.s3.delete_object(Bucket=self.bucket, Key=key)

    def _upload(self, key: str) -> str:
        try:
            body = self.file_of(key).read_bytes()
        except FileNotFoundError:  # the next scan tells of its deletion
            return key
        except OSError as error:
            self.warn(f"{self.file_of(key)} cannot be read: {error.strerror}")
            return key
        self.s3.put_object(Bucket=self.bucket, Key=key, Body=body)
        return key

    def watch(self, stop: threading.Event) -> None:
        """Sync at each change below the folder until `stop` is set."""
        # Which files changed is for the scan to say: a folder that is renamed names none of its
        # files. The time-out catches what happened before the watch began.
        for _ in watch(
            self.path,
            debounce=DEBOUNCE,
            step=STEP,
            stop_event=stop,
            rust_timeout=RESCAN,
            yield_on_timeout=True,
        ):
            self.sync()


def differences(old: dict[str, Stamp], new: dict[str, Stamp]) -> dict[str, Stamp | None]:
    """Return the new stamp of each key that is new or changed, and None for each that is gone."""
    changes: dict[str, Stamp | None] = {
        key: stamp for key, stamp in new.items() if old.get(key) != stamp
    }
    return changes | dict.fromkeys(old.keys() - new.keys())
