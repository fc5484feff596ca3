"""What stands above a text between two fences: YAML, TOML or JSON."""

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import yaml

from local.importers import files
from local.importers.item import ImportFailedError

# A parser may need a second for each ten thousand.
MOST_CHARACTERS = 64 * 1024
_FENCES = ("---", "+++")


class _Loader(yaml.SafeLoader):
    """YAML without aliases, by which a few lines can stand for a gigabyte."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("it has aliases")
        return super().compose_node(parent, index)


def split(text: str) -> tuple[dict[str, Any] | None, str]:
    """Front matter and text; None where there is no front matter.

    Raises ImportFailedError where it can't be read.
    """
    text = text.replace("\r\n", "\n")
    first, _, rest = text.partition("\n")
    fence = first.strip()
    if fence not in _FENCES:
        return _split_json(text)
    end = re.search(rf"^{re.escape(fence)}[ \t]*$", rest, re.MULTILINE)
    if end is None:
        return None, text
    head = rest[: end.start()]
    if len(head) > MOST_CHARACTERS:
        raise ImportFailedError(f"the front matter has more than {MOST_CHARACTERS:,} characters")
    return _parsed(head, ".toml" if fence == "+++" else ".yaml"), rest[end.end() :]


def _split_json(text: str) -> tuple[dict[str, Any] | None, str]:
    try:
        found, end = json.JSONDecoder().raw_decode(text)
    except (ValueError, RecursionError):
        return None, text
    return (found, text[end:]) if isinstance(found, dict) else (None, text)


def read(file: Path) -> dict[str, Any]:
    """A file that is nothing else, such as a site's configuration."""
    return _parsed(files.read_text(file), file.suffix)


def yaml_of(file: Path) -> Any:
    """What a YAML file says."""
    return _yaml(files.read_text(file))


def _parsed(text: str, ending: str) -> dict[str, Any]:
    try:
        found = {".toml": tomllib.loads, ".json": json.loads}.get(ending, _yaml)(text)
    except (ValueError, RecursionError) as error:
        raise ImportFailedError(f"the front matter can't be read: {error}") from error
    return found if isinstance(found, dict) else {}


def _yaml(text: str) -> Any:
    try:
        return yaml.load(text, _Loader)  # noqa: S506 (it is a safe loader)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise ImportFailedError(f"the YAML can't be read: {error}") from error
