"""What the functions would say of files before they are uploaded, and where in them it stands."""

import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Self

from broadsheet import addresses
from broadsheet.article import OBJECT_BYTES, Article
from broadsheet.errors import InvalidError
from broadsheet.reconcile import no_address
from broadsheet.render import Renderer
from broadsheet.site_config import SiteConfig
from broadsheet.sources import SITE_BYTES, missing_picture, within
from broadsheet.validation import Problem
from local.positions import Place, locate
from local.watch import SITE_FILE, key_for, name_for, scan
from media import LARGEST, no_name
from pictures import Picture


@dataclass(frozen=True, order=True)
class Source:
    """A file that is, or could be, uploaded as ``key`` from the folder ``root``."""

    file: Path
    key: str
    root: Path = field(compare=False)

    @classmethod
    def of(cls, file: Path, root: Path | None = None) -> Self:
        """A file in ``root``, or in its own. Raises ValueError for one that is not in there."""
        root = root or root_of(file)
        if not _full(file).is_relative_to(_full(root)):
            raise ValueError(f"{file} is not in {root}")
        return cls(file, key_for(_full(file).relative_to(_full(root)).as_posix()), root)

    def read(self) -> bytes:
        """What is in it, as far as the functions read on. Raises OSError."""
        with self.file.open("rb") as stream:
            return stream.read(limit(self.key) + 1)


@dataclass(frozen=True, order=True)
class Finding:
    """A problem with a file; of a warning the article is published all the same."""

    file: Path
    place: Place
    problem: Problem
    is_warning: bool = False


def gather(paths: Iterable[Path], root: Path | None = None) -> list[Source]:
    """The sources that files are, and those in folders, each file once.

    They are uploaded from ``root``; without one, from the folder given, or a file's own root.
    Raises ValueError for what does not lie in ``root``.
    """
    found: dict[Path, Source] = {}
    for path in sorted(paths, key=lambda path: not path.is_dir()):
        for source in _sources(path, root):
            found.setdefault(_full(source.file), source)
    return sorted(found.values())


def _sources(path: Path, root: Path | None) -> Iterator[Source]:
    if path.is_dir():
        yield from (Source.of(path / name_for(key), root or path) for key in scan(path))
    else:
        yield Source.of(path, root)


def root_of(file: Path) -> Path:
    """The folder that a file is uploaded from: the nearest with a site.json, or its own."""
    folders = _full(file).parents
    return next((folder for folder in folders if (folder / SITE_FILE).is_file()), folders[0])


def _full(path: Path) -> Path:
    """An absolute path without a step back, whatever its links lead to."""
    return Path(os.path.abspath(path))  # noqa: PTH100 (resolve would follow them)


def limit(key: str) -> int:
    """How many bytes the object of a key may have."""
    if key == addresses.SITE_JSON:
        return SITE_BYTES
    return LARGEST if key.startswith(addresses.MEDIA) else OBJECT_BYTES


def inspect(source: Source) -> list[Finding]:
    """All that the functions would say of a file. Raises OSError."""
    data = source.read()
    errors: list[Problem] = []
    warnings: list[Problem] = []
    try:
        article = understand(source.key, data)
        if (
            isinstance(article, Article)
            and article.image
            and _lacks(source.root, article.image.src)
        ):
            warnings.append(missing_picture(article.image))
    except InvalidError as error:
        errors = error.problems
    return [
        *found(source, data, errors),
        *found(source, data, warnings, are_warnings=True),
    ]


def found(
    source: Source, data: bytes, problems: Iterable[Problem], *, are_warnings: bool = False
) -> list[Finding]:
    """Problems with a file as findings in it."""
    if source.key.startswith(addresses.MEDIA):
        return [Finding(source.file, Place(1, 1), problem, are_warnings) for problem in problems]
    located = locate(data, problems)
    return [Finding(source.file, place, problem, are_warnings) for place, problem in located]


def understand(key: str, data: bytes) -> Article | SiteConfig | Picture:
    """What an upload says, with what is found only when it is rendered. Raises InvalidError."""
    data = within(data, limit(key))
    if key == addresses.SITE_JSON:
        return SiteConfig.parse(data)
    if key.startswith(addresses.MEDIA):
        if name := addresses.media_name(key):
            return Picture(name, data)
        raise InvalidError([no_name(key)])
    path = addresses.article_path(key)
    if path is None:
        raise InvalidError([no_address(key)])
    article = Article.parse(path, data)
    _renderer().article(article)
    return article


@cache
def _renderer() -> Renderer:
    return Renderer("http://127.0.0.1", SiteConfig())


def _lacks(root: Path, src: str) -> bool:
    """Whether an image is to be in media/ and can't be seen there."""
    if not src.startswith(addresses.MEDIA):
        return False
    with suppress(OSError):
        return addresses.media_name(src) is None or not (root / src).is_file()
    return True
