"""Exports of other systems as a folder of articles: what `broadsheet import` does.

    export → items (one module a format) → articles within the limits → folder, and a report

Nothing is fetched, and nothing is written outside the folder. docs/import.md says what becomes of
each format's fields.
"""

from collections.abc import Mapping
from pathlib import Path

from local.importers.ghost import Ghost
from local.importers.hugo import Hugo
from local.importers.item import Importer, Options
from local.importers.jsonfeed import JsonFeed
from local.importers.ninjs import Ninjs
from local.importers.wordpress import WordPress

FORMATS: Mapping[str, type[Ghost | Hugo | JsonFeed | Ninjs | WordPress]] = {
    "wordpress": WordPress,
    "ghost": Ghost,
    "jsonfeed": JsonFeed,
    "ninjs": Ninjs,
    "hugo": Hugo,
}


def open_export(name: str, source: Path, options: Options) -> Importer:
    """The export at ``source``. Raises ImportFailedError where it is none of that format."""
    return FORMATS[name](source, options)
