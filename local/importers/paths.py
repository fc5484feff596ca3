"""Where an imported article goes, and what its old addresses were."""

import re
from collections.abc import Iterable
from urllib.parse import quote, unquote, urlsplit

from anyascii import anyascii

from broadsheet import addresses

# A segment need not be longer to be told from others; a whole path has many.
SEGMENT_CHARACTERS = 150
_SEGMENTS = 8
_ALIAS_CHARACTERS = 512
_MOST_ALIASES = 20
_ALIAS = re.compile(r"/[A-Za-z0-9._~!$&'()*+,;=:@%/-]*")
_PAGE_ENDING = re.compile(r"\.(?:html?|php|aspx?|md)$", re.IGNORECASE)
# Names that a folder of articles has for other things.
_TAKEN = {"site": "site-article", "import-report": "import-report-article"}


def path_of(*wishes: str) -> str:
    """The first of some old paths, slugs or titles that makes a PATH; "" if none does.

    Only what [a-z0-9-] can say is left, so nothing leads out of a folder.
    """
    for wish in wishes:
        path = _path(wish)
        if path:
            return _TAKEN.get(path, path)
    return ""


def _path(wish: str) -> str:
    plain = _PAGE_ENDING.sub("", unquote(urlsplit(wish).path if "/" in wish else wish))
    segments = [segment(part) for part in plain.split("/")]
    if segments and segments[-1] == "index":
        segments.pop()
    path = "/".join([s for s in segments if s][-_SEGMENTS:])
    return path if addresses.article_path(addresses.source_key(path)) else ""


def segment(text: str) -> str:
    """A text as one segment of a path; "" if nothing is left of it."""
    slug = re.sub(r"[^a-z0-9]+", "-", anyascii(text).lower())
    return slug.strip("-")[:SEGMENT_CHARACTERS].rstrip("-")


def alias_of(url: str) -> str | None:
    """An old address as an alias; None if it is none: the home page's, or one with a query."""
    parts = urlsplit(url)
    path = quote(parts.path, safe="/%!$&'()*+,;=:@~-._")
    fits = _ALIAS.fullmatch(path) and len(path) <= _ALIAS_CHARACTERS and path.strip("/")
    return path if fits and not parts.query else None


def settle(wishes: Iterable[tuple[str, tuple[str, str], int]]) -> dict[int, str]:
    """The path of each item, by its number: no two the same.

    An item is (the path that it wishes for, (when it was published, its id), its number). Who was
    published first has the path, others "-2", "-3" …: the order of the items does not count.
    """
    ordered = sorted(wishes)
    taken = {wish for wish, _, _ in ordered}
    given: set[str] = set()
    settled: dict[int, str] = {}
    for wish, _, number in ordered:
        path, tries = wish, 1
        while path in given or (path != wish and path in taken):
            tries += 1
            path = f"{wish}-{tries}"
        given.add(path)
        settled[number] = path
    return settled


def aliases_of(urls: Iterable[str], path: str) -> tuple[list[str], list[str]]:
    """Old addresses as aliases of the page at ``path``; and those that can't be kept."""
    kept: list[str] = []
    lost: list[str] = []
    own = {f"/articles/{path}", f"/articles/{path}/"}
    for url in dict.fromkeys(urls):
        alias = alias_of(url)
        if alias in own or alias in kept:
            continue
        (kept if alias and len(kept) < _MOST_ALIASES else lost).append(alias or url)
    return kept, lost
