"""Pages as the Nu HTML checker, which is the W3C's, sees them."""

from __future__ import annotations

import json
import shutil
import subprocess
from typing import TYPE_CHECKING

from tests.browser.tools import MODULES

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

JAR = MODULES / "vnu-jar" / "build" / "dist" / "vnu.jar"
# One run of Java for all; short runs are faster without the second compiler.
_JAVA = ["-Xss2m", "-XX:TieredStopAtLevel=1", "-jar", str(JAR)]


def complaints(pages: Mapping[str, str], folder: Path) -> dict[str, list[str]]:
    """The errors and warnings of each page, by its path; they are saved to the folder.

    The checker does not read from loopback addresses, hence the files.
    """
    files = {str(folder / f"{i}.html"): path for i, path in enumerate(pages)}
    for file, path in files.items():
        (folder / file).write_text(pages[path], encoding="utf-8")
    java = shutil.which("java") or "java"
    options = ["--format", "json", "--stdout", "--exit-zero-always"]
    said = subprocess.run(
        [java, *_JAVA, *options, str(folder)], capture_output=True, text=True, check=True
    )
    found: dict[str, list[str]] = {path: [] for path in pages}
    for message in json.loads(said.stdout)["messages"]:
        where = message.get("url", "").removeprefix("file:")
        extract = " ".join(message.get("extract", "").split())
        kind = message.get("subType", message["type"])
        found[files[where]].append(f"{kind}: {message['message']} ({extract})")
    return found
