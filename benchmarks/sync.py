"""What a folder that was built again costs to bring into a bucket, by content and by `aws s3 sync`.

`aws s3 sync` lists the bucket, 1,000 keys a request, and uploads a file that the bucket lacks, that
has another size there, or that is newer than the object; it compares no content.
https://docs.aws.amazon.com/cli/latest/reference/s3/sync.html
"""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from local.template import ROOT

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

AWS = ROOT / ".venv-sync" / "bin" / "aws"
KEYS_PER_LIST = 1_000
# How the command tells of each request, where it is to tell all.
_REQUEST = re.compile(rb"Making request for OperationModel\(name=(\w+)\)")


@dataclass(frozen=True)
class File:
    """What tells a file from another one; ``written`` is when it was, in nanoseconds."""

    size: int
    written: int
    digest: str


@dataclass(frozen=True)
class Sync:
    """Requests, and the bytes that they upload."""

    lists: int
    puts: int
    deletes: int
    sent: int

    @property
    def requests(self) -> int:
        """All of them."""
        return self.lists + self.puts + self.deletes


Files = dict[str, File]


def files_of(folder: Path) -> Files:
    """The files below a folder, by their paths in it."""
    return {
        path.relative_to(folder).as_posix(): File(
            path.stat().st_size,
            path.stat().st_mtime_ns,
            hashlib.sha256(path.read_bytes()).hexdigest(),
        )
        for path in folder.rglob("*")
        if path.is_file()
    }


def changed(before: Mapping[str, File], after: Mapping[str, File]) -> Files:
    """The files that are new, or have other bytes."""
    return {
        name: file
        for name, file in after.items()
        if name not in before or before[name].digest != file.digest
    }


def uploaded(before: Mapping[str, File], after: Mapping[str, File]) -> Files:
    """The files that `aws s3 sync` takes for changed, where it had synced ``before``."""
    return {
        name: file
        for name, file in after.items()
        if name not in before
        or before[name].size != file.size
        or before[name].written < file.written
    }


def sync(before: Mapping[str, File], after: Mapping[str, File], sent: Mapping[str, File]) -> Sync:
    """What it takes to list what is there before, to send these files, and to delete the others."""
    return Sync(
        lists=max(1, -(-len(before) // KEYS_PER_LIST)),
        puts=len(sent),
        deletes=len(before.keys() - after.keys()),
        sent=sum(file.size for file in sent.values()),
    )


def aws_s3_sync(folder: Path, bucket: str) -> dict[str, int]:
    """Let the real command do it, to the endpoint of the environment: its requests by operation."""
    command = [str(AWS), "s3", "sync", "--delete", "--debug", str(folder), f"s3://{bucket}"]
    done = subprocess.run(command, env=os.environ, capture_output=True, check=True)  # noqa: S603 (a pinned program)
    return dict(Counter(name.decode() for name in _REQUEST.findall(done.stderr)))
