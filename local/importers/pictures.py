"""Pictures of an export: found beside it, copied to media/NAME."""

import hashlib
import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

from anyascii import anyascii

from broadsheet import addresses

# What the media function takes at most.
MOST_BYTES = 30 * 1024 * 1024
ENDINGS = {".jpg", ".jpeg", ".png", ".webp", ".avif", ".gif"}


def inside(root: Path, relative: str) -> Path | None:
    """The picture at a path below a folder; None if there is none, or if it lies elsewhere.

    Links that lead out of the folder are not followed: an export must not publish other files.
    """
    try:
        found = (root / relative.lstrip("/")).resolve(strict=True)
        is_picture = found.is_file() and found.suffix.lower() in ENDINGS
    except (OSError, ValueError, RuntimeError):
        return None
    return found if is_picture and found.is_relative_to(root.resolve()) else None


def after(src: str, folder: str) -> str | None:
    """What follows a folder in the path of an address: 2026/05/a.jpg of …/uploads/2026/05/a.jpg."""
    path = unquote(urlsplit(src).path)
    return path.partition(folder)[2] if folder in path else None


def name_for(relative: str) -> str:
    """NAME of media/NAME for a file; the same for the same file, another for any other."""
    folders, _, last = relative.replace("\\", "/").strip("/").rpartition("/")
    stem, _, ending = last.rpartition(".")
    parts = [*(_plain(folder, "") for folder in folders.split("/")), _plain(stem, "._")]
    path, ending = "/".join(part for part in parts if part), f".{ending.lower()}"
    if path + ending == relative and addresses.media_name(addresses.media_key(relative)):
        return relative
    digest = hashlib.sha256(relative.encode(errors="replace")).hexdigest()[:8]
    return f"{path[:150].strip('/.-_') or 'picture'}-{digest}{ending}"


def _plain(text: str, also: str) -> str:
    kept = re.sub(rf"[^A-Za-z0-9{re.escape(also)}-]+", "-", anyascii(text))
    return kept.strip("-._")
