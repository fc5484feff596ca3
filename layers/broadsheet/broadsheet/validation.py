"""Strict JSON and JSON Schema, with every problem named by its JSON pointer.

RFC 8259 leaves duplicate names, NaN and lone surrogates to the reader; here each is an error, since
each would be read differently by some other program.
"""

from __future__ import annotations

import codecs
import json
import re
import unicodedata
from collections import Counter
from functools import cache
from importlib.resources import files
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, NamedTuple

from jsonschema_rs import Draft202012Validator

from broadsheet.errors import InvalidError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jsonschema_rs import ValidationError

_BOMS = (codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
# What XML 1.0 can't carry (https://www.w3.org/TR/xml/#charsets), lone surrogates among it, and the
# C1 controls, which HTML forbids.
FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_SHOWN = 60
DEPTH = 20
# What begins, or is, the message of what is told of by these: who shows where it stands needs them.
TOO_DEEP = f"is nested too deeply; expected at most {DEPTH} levels"
UNKNOWN = "is not a known field"
REPEATED = "is given more than once"
# Of a million mistakes nobody reads more, and telling them all would take longer than we may run.
MOST_PROBLEMS = 100
# No list may be longer; the schema's validator need not see more of one than that it is.
_MOST_ITEMS = 100
# A hundred times what an article can have. A few bytes of text can cost the parser some hundred of
# memory, and a process that runs out of it takes all other articles of its batch along.
MOST_VALUES = 100_000
# A string of JSON, to its end or that of the text. Nothing in it is tried again, or a long one with
# many quotes would take forever.
_STRING = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.DOTALL)


class Problem(NamedTuple):
    """One thing wrong: ``path`` is a JSON pointer (RFC 6901, "" for the whole document)."""

    path: str
    message: str


# The way to a value, last step first; it is spelt out only where something is wrong, since names
# may be long and values many.
_Place = tuple["_Place", str | int] | None


class _NotANumber(str):
    """NaN and the infinities, kept until their place in the document is known."""

    __slots__ = ()


def decode(data: bytes) -> tuple[Any, list[Problem]]:
    """Read JSON strictly: the document, and what is wrong with its text.

    Raises InvalidError where there is no document at all. A document that has problems is fit for
    nothing but finding more of them.
    """
    if data.startswith(_BOMS):
        raise _invalid("begins with a byte order mark; expected JSON in UTF-8 without one")
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise _invalid(f"is not UTF-8 at byte {error.start}; expected JSON in UTF-8") from error
    duplicates: dict[int, list[str]] = {}
    document = _load(text, duplicates)
    if not _is_within(document, DEPTH):
        raise _invalid(TOO_DEEP)
    problems = list(islice(_text_problems(document, duplicates), MOST_PROBLEMS))
    return _mended(document) if problems else document, problems


def check(document: Any, name: str) -> list[Problem]:
    """Where a document departs from the schema ``name``, in its words; MOST_PROBLEMS at most."""
    validator, schema = _schema(name)
    found: dict[str, Problem] = {}
    errors = validator.iter_errors(_cut(document))
    for problem in chain.from_iterable(_explain(error, schema) for error in errors):
        # An empty text breaks minLength and pattern: one of them says enough.
        found.setdefault(problem.path, problem)
        if len(found) == MOST_PROBLEMS:
            break
    return list(found.values())


def pointer(*steps: str | int) -> str:
    """A JSON pointer of these steps, long ones cut: no field of ours has a name as long."""
    return "".join(
        "/" + _cut_text(str(step)).replace("~", "~0").replace("/", "~1") for step in steps
    )


def shown(value: object) -> str:
    """A value as an error message shows it: short, on one line, and harmless on a terminal."""
    cut = _cut_text(str(value))
    return json.dumps(cut, ensure_ascii=not cut.isprintable())


def _cut_text(text: str) -> str:
    return text[:_SHOWN] + ("…" if len(text) > _SHOWN else "")


@cache
def _schema(name: str) -> tuple[Draft202012Validator, dict[str, Any]]:
    text = files(__package__).joinpath("schemas", f"{name}.schema.json").read_text("utf-8")
    schema: dict[str, Any] = json.loads(text)
    return Draft202012Validator(schema), schema


def _invalid(message: str) -> InvalidError:
    return InvalidError([Problem("", message)])


def _load(text: str, duplicates: dict[int, list[str]]) -> Any:
    # Each value but the first stands behind one of these; an empty object or array counts twice.
    marks = _STRING.sub("", text)
    if sum(map(marks.count, ",[{")) > MOST_VALUES:
        raise _invalid(f"has more than {MOST_VALUES:,} values; expected at most that")
    kept: list[dict[str, Any]] = []  # keeps ids unique until the walk has used them

    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        value = dict(items)
        if len(value) < len(items):
            times = Counter(name for name, _ in items)
            duplicates[id(value)] = [name for name, count in times.items() if count > 1]
            kept.append(value)
        return value

    def integer(digits: str) -> int:
        # No field takes as many digits as these; int() refuses 5,000 of them.
        return int(digits[:18])

    try:
        return json.loads(
            text,
            object_pairs_hook=pairs,
            parse_constant=_NotANumber,
            parse_int=integer,
            # No field takes a fraction. 1e999 is JSON, but would be read as infinity, which is not.
            parse_float=lambda _: 0.5,
        )
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise _invalid(f"is not JSON: {error.msg} at {where}; expected one JSON object") from error
    except RecursionError as error:
        raise _invalid(TOO_DEEP) from error


def _is_within(value: Any, levels: int) -> bool:
    inner = list(value.values()) if isinstance(value, dict) else value
    if not isinstance(inner, list):
        return levels >= 0
    return levels >= 0 and all(_is_within(item, levels - 1) for item in inner)


def _text_problems(
    value: Any, duplicates: dict[int, list[str]], place: _Place = None
) -> Iterator[Problem]:
    if isinstance(value, _NotANumber):
        message = f"is {value}, which JSON does not have; expected a JSON value"
        yield Problem(_place_pointer(place), message)
    elif isinstance(value, str):
        yield from _character_problems(place, value)
    elif isinstance(value, list):
        for i, item in enumerate(value):
            yield from _text_problems(item, duplicates, (place, i))
    elif isinstance(value, dict):
        for name in duplicates.get(id(value), ()):
            message = f"{REPEATED}; expected it once"
            yield Problem(_place_pointer((place, name)), message)
        for name, item in value.items():
            yield from _character_problems(place, name)
            yield from _text_problems(item, duplicates, (place, name))


def _place_pointer(place: _Place) -> str:
    steps: list[str | int] = []
    while place:
        place, step = place
        steps.insert(0, step)
    return pointer(*steps).encode(errors="replace").decode()


def _cut(value: Any) -> Any:
    """The document with every list cut to what shows that it is too long."""
    if isinstance(value, list):
        return [_cut(item) for item in value[: _MOST_ITEMS + 1]]
    if isinstance(value, dict):
        return {name: _cut(item) for name, item in value.items()}
    return value


def _mended(value: Any) -> Any:
    """The document with stand-ins for what the schema's validator can't take at all."""
    if isinstance(value, _NotANumber):
        return 0
    if isinstance(value, str):
        return value.encode(errors="replace").decode()
    if isinstance(value, list):
        return [_mended(item) for item in value]
    if isinstance(value, dict):
        return {_mended(name): _mended(item) for name, item in value.items()}
    return value


def _character_problems(place: _Place, text: str) -> Iterator[Problem]:
    if match := FORBIDDEN.search(text):
        code = ord(match[0])
        is_surrogate = unicodedata.category(match[0]) == "Cs"
        kind = "a lone surrogate" if is_surrogate else "a control character"
        where = f"has {kind} (U+{code:04X}) at character {match.start() + 1}"
        yield Problem(_place_pointer(place), f"{where}; expected text without it")


def _explain(error: ValidationError, schema: dict[str, Any]) -> Iterator[Problem]:
    steps = list(error.instance_path)
    rule = schema
    for step in error.schema_path[:-1]:
        rule = rule[step]  # type: ignore[index]  # JSON: a path may lead through lists too
    detail = error.kind.as_dict()
    if error.kind.name == "required":
        name = detail["property"]
        yield Problem(
            pointer(*steps, name), f"is missing; expected {_expected(rule['properties'][name])}"
        )
    elif error.kind.name == "additionalProperties":
        for name in detail["unexpected"]:
            yield Problem(pointer(*steps, name), _unknown(name, list(rule["properties"])))
    else:
        yield Problem(pointer(*steps), f"{_wrong(error)}; expected {_expected(rule)}")


def _expected(rule: dict[str, Any]) -> str:
    return str(rule["description"])


def _unknown(name: str, known: list[str]) -> str:
    import difflib  # noqa: PLC0415 (only for what is wrong)

    close = difflib.get_close_matches(name[:_SHOWN], known, n=1)
    hint = f"; did you mean {close[0]}?" if close else ""
    return f"{UNKNOWN}{hint}; expected one of: {', '.join(known)}"


def _wrong(error: ValidationError) -> str:
    value: Any = error.instance
    match error.kind.name:
        case "type":
            return f"is {_type_name(value)}"
        case "enum" if not isinstance(value, str):
            return f"is {_type_name(value)}"
        case "minLength" | "maxLength":
            return f"has {len(value):,} characters" if value else "is empty"
        case "maxItems" if len(value) > _MOST_ITEMS:
            return f"has more than {_MOST_ITEMS} items"
        case "maxItems":
            return f"has {len(value)} items"
        case _:
            return f"is {shown(value)}"


def _type_name(value: object) -> str:
    names = {bool: "a boolean", str: "a string", list: "an array", dict: "an object"}
    return "null" if value is None else names.get(type(value), "a number")
