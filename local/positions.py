"""Where in a file each thing stands that is wrong with its JSON."""

import codecs
import json
import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from broadsheet.validation import DEPTH, REPEATED, TOO_DEEP, UNKNOWN, Problem, pointer

# A string, a bracket, a comma, a colon, or any other run of what is not white space.
_TOKEN = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?|[][{},:]|[^][{},:"\s]+', re.DOTALL)
_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
# Characters of a line that are shown before a place and from it on.
_BEFORE, _BEHIND = 50, 60


@dataclass(frozen=True, order=True)
class Place:
    """A place in a file: line and column, both from 1, and a part of the line to show.

    A column is a character, whatever its width or its bytes; a tab is one. ``mark`` is the index in
    ``excerpt`` of the place.
    """

    line: int
    column: int
    excerpt: str = ""
    mark: int = 0


@dataclass
class _Open:
    """An object or array that the scan is in; ``pointer`` is None where nothing in it is wanted."""

    pointer: str | None
    is_object: bool
    index: int = 0
    name: str | None = None
    name_at: int = 0

    @property
    def inner(self) -> str | None:
        """The pointer of the value that begins here."""
        if self.pointer is None:
            return None
        # As validation spells it, which has a question mark for what UTF-8 can't carry.
        step = pointer((self.name or "") if self.is_object else self.index)
        return self.pointer + step.encode(errors="replace").decode()


# Where a value begins, and the name of it if it has one: offsets in the text.
_Offsets = tuple[int, int]


def locate(data: bytes, problems: Iterable[Problem]) -> list[tuple[Place, Problem]]:
    """The place in a file of each problem with it, in the order of the file.

    What is missing is at the object that lacks it; what is said twice is where it is said last.
    """
    text = data.decode("utf-16" if data.startswith(_UTF_16) else "utf-8", errors="replace")
    distinct = set(problems)
    found = _find(text, {problem.path for problem in distinct})
    return sorted((_place(text, _offset(data, text, one, found)), one) for one in distinct)


def _offset(data: bytes, text: str, problem: Problem, found: dict[str, _Offsets]) -> int:
    if not problem.path:
        return _fault(data, text, problem, found)
    path = problem.path
    while path and path not in found:
        path = path.rpartition("/")[0]
    value, name = found.get(path, (0, 0))
    is_of_name = path == problem.path and problem.message.startswith((UNKNOWN, REPEATED))
    return name if is_of_name else value


def _fault(data: bytes, text: str, problem: Problem, found: dict[str, _Offsets]) -> int:
    """Where a file begins to be wrong as a whole."""
    if data.startswith((codecs.BOM_UTF8, *_UTF_16)):
        return 0
    if problem.message == TOO_DEEP:
        return _too_deep(text)
    try:
        json.loads(data.decode())
    except UnicodeDecodeError as error:
        return len(data[: error.start].decode())
    except json.JSONDecodeError as error:
        return error.pos
    except (ValueError, RecursionError):  # digits without end: whatever it is, it is not this
        pass
    return found.get("", (0, 0))[0]


def _too_deep(text: str) -> int:
    """Where the first thing stands that is nested deeper than is allowed."""
    depth = 0
    for token in _TOKEN.finditer(text):
        first = token[0][0]
        if depth > DEPTH and first not in "]},:":
            return token.start()
        depth += (first in "[{") - (first in "]}")
    return 0


def _find(text: str, pointers: Collection[str]) -> dict[str, _Offsets]:
    """Where the values with these pointers stand, the last of those that have the same one.

    What is no JSON is read as far as it makes sense, and nothing deeper than an article can be.
    """
    ways = {path[:end] for path in pointers for end in _ends(path)}
    found: dict[str, _Offsets] = {}
    stack: list[_Open] = []
    for token in _TOKEN.finditer(text):
        at, first = token.start(), token[0][0]
        outer = stack[-1] if stack else None
        if first in "]}":
            del stack[-1:]
        elif first == "," and outer:
            outer.index, outer.name = outer.index + 1, None
        elif outer and outer.is_object and outer.name is None:
            outer.name, outer.name_at = _name(token[0]) if outer.pointer is not None else "", at
        elif first not in ",:":
            here = outer.inner if outer else ""
            if here in ways:
                found[here] = at, outer.name_at if outer else at
            if ways == {""} or len(stack) > DEPTH:
                break
            if first in "[{":
                stack.append(_Open(here if here in ways else None, first == "{"))
    return found


def _ends(path: str) -> Iterator[int]:
    """Where each pointer ends that leads to a value on the way to ``path``, and that itself."""
    yield from (i for i, character in enumerate(path) if character == "/")
    yield len(path)


def _name(token: str) -> str:
    try:
        return str(json.loads(token, strict=False))
    except ValueError:
        return token


def _place(text: str, offset: int) -> Place:
    # As JSON's own errors are counted: only a line feed ends a line.
    begin = text.rfind("\n", 0, offset) + 1
    end = text.find("\n", offset)
    line = text[begin : end if end >= 0 else None].rstrip("\r")
    at = offset - begin
    start = max(0, at - _BEFORE)
    shown = harmless(line[start : at + _BEHIND])
    before, behind = "…" * (start > 0), "…" * (len(line) > at + _BEHIND)
    return Place(
        line=text.count("\n", 0, offset) + 1,
        column=at + 1,
        excerpt=before + shown + behind,
        mark=at - start + len(before),
    )


def harmless(text: str) -> str:
    """What is shown of a text on one line: nothing that moves the cursor or turns the line around.

    It has as many characters as the text.
    """
    plain = text.replace("\t", " ")
    return (
        plain if plain.isprintable() else "".join(c if c.isprintable() else "\ufffd" for c in plain)
    )
