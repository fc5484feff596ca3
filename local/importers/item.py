"""What an importer finds in an export, before it is an article."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urljoin, urlsplit
from zoneinfo import ZoneInfo

from broadsheet.errors import BroadsheetError
from broadsheet.validation import FORBIDDEN


class ImportFailedError(BroadsheetError):
    """The export as a whole can't be read; the message says why."""


@dataclass(frozen=True)
class Options:
    """What the user says of an export that it does not say itself.

    ``media`` is the folder of uploaded pictures, ``base_url`` where the old site was.
    """

    timezone: ZoneInfo | None = None
    media: Path | None = None
    base_url: str = ""


@dataclass
class Picture:
    """The picture that goes with an item; ``src`` is an address, or a path of the old site."""

    src: str
    alt: str = ""
    caption: str = ""
    credit: str = ""
    width: int = 0
    height: int = 0


@dataclass
class Item:
    """One text of an export.

    The text is in ``html``, of which ``convert`` makes HTML, or in ``markdown``. Dates are RFC
    3339, or "" where there are none. ``url`` is where it was, absolute or from "/", and makes its
    path here; ``path`` does if there is no such address. ``skip`` says why it is no article, if it
    is none. ``folder`` is where its own files lie.
    """

    id: str
    title: str = ""
    html: str = ""
    markdown: str = ""
    published_at: str = ""
    updated_at: str = ""
    summary: str = ""
    authors: list[dict[str, str]] = field(default_factory=list)
    topics: list[str] = field(default_factory=list)
    picture: Picture | None = None
    language: str = ""
    status: str = "published"
    url: str = ""
    path: str = ""
    aliases: list[str] = field(default_factory=list)
    extra: dict[str, Any] = field(default_factory=dict)
    folder: Path | None = None
    convert: Callable[[str], str] = str
    skip: str = ""
    warnings: list[str] = field(default_factory=list)

    def clean(self) -> "Item":
        """The same without characters that no article may have."""
        for name, value in vars(self).items():
            setattr(self, name, _clean(value))
        return self

    def warn(self, message: str) -> None:
        """Say once what could not be carried over."""
        if message not in self.warnings:
            self.warnings.append(message)


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return FORBIDDEN.sub("", value)
    if isinstance(value, list):
        return [_clean(item) for item in value]
    if isinstance(value, dict):
        return {name: _clean(item) for name, item in value.items()}
    if isinstance(value, Picture):
        return Picture(**_clean(vars(value)))
    return value


@dataclass
class Site:
    """What an export tells of the site as a whole."""

    fields: dict[str, str] = field(default_factory=dict)
    base_url: str = ""
    warnings: list[str] = field(default_factory=list)

    def absolute(self, url: str) -> str:
        """An address of the old site in full, if it is known where that was."""
        return urljoin(self.base_url + "/", url) if self.base_url else url

    def is_own(self, url: str) -> bool:
        """Whether an address is one of the old site."""
        host = urlsplit(url).hostname
        return host is None or host == urlsplit(self.base_url).hostname


class Importer(Protocol):
    """One format. ``items`` can be called again, and gives the same items again."""

    site: Site

    def items(self) -> Iterator[Item]:
        """Everything in the export that could be an article, one at a time."""
        ...

    def find_picture(self, src: str, item: Item) -> Path | None:
        """The file of a picture of the old site, if the export, or the user's folder, has it."""
        ...

    def picture_name(self, file: Path) -> str:
        """The name by which a picture that was found is known, with "/" between folders."""
        ...
