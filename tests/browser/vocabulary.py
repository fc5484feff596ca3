"""What pages say in JSON-LD, held against schema.org's vocabulary: its types, properties, values.

The vocabulary is read from Google's TypeScript definitions of it (schema-dts), one interface for
what each type adds to those above it: https://github.com/google/schema-dts.
"""

from __future__ import annotations

import json
import re
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from tests.browser.tools import MODULES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

DEFINITIONS = MODULES / "schema-dts" / "dist" / "schema.d.ts"
_DATA = re.compile(r'<script type="application/ld\+json">(.*?)</script>', re.DOTALL)
_INTERFACE = re.compile(r"(?ms)^(?:export )?interface (\w+) extends ([^{]+) \{\n(.*?)^\}")
_PROPERTY = re.compile(r'^    "(\w+)"\?: SchemaValue<([^,]+), "\1">;$', re.MULTILINE)
_DAY = r"\d{4}-\d\d-\d\d"
# How a text looks that is a value of each of these types.
_TEXTS = {
    "Text": ".*",
    "URL": "https?://.+",
    "Date": _DAY,
    "DateTime": rf"{_DAY}T\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)",
}
# Pixels are said as numbers, as in search engines' own examples.
_NUMBERS = {"Integer", "Number", "Distance"}


class _Type(NamedTuple):
    """What a type has: the names of itself and all above it, and the types that values may have."""

    names: frozenset[str]
    values: dict[str, tuple[str, ...]]


def faults(page: str) -> list[str]:
    """What a page's JSON-LD says that the vocabulary does not know."""
    found: list[str] = []
    for text in _DATA.findall(page):
        try:
            document = json.loads(text)
        except ValueError as error:
            found.append(f"is not JSON: {error}")
            continue
        if document.get("@context") != "https://schema.org":
            found.append("has another context")
        for node in document.get("@graph", [document]):
            found += _faults(node)
    return found


def _faults(node: Mapping[str, Any]) -> Iterator[str]:
    kind = _type(node.get("@type", ""))
    if not kind:
        yield f"{node.get('@type')} is no type"
        return
    for name, value in node.items():
        if name.startswith("@"):
            continue
        place = f"{node['@type']}.{name}"
        if name not in kind.values:
            yield f"{place} is no property"
            continue
        for one in value if isinstance(value, list) else [value]:
            if not _fits(one, kind.values[name]):
                yield f"{place} is {json.dumps(one)[:80]}; expected {kind.values[name]}"
            if isinstance(one, dict) and "@type" in one:
                yield from _faults(one)


def _fits(value: Any, expected: tuple[str, ...]) -> bool:
    if isinstance(value, str):
        # Of anything, and of a member of an enumeration, the address will do.
        named = {"URL" if k == "Thing" or k.endswith("Enumeration") else k for k in expected}
        patterns = [pattern for kind, pattern in _TEXTS.items() if kind in named]
        return bool(value) and any(re.fullmatch(p, value, re.DOTALL) for p in patterns)
    if isinstance(value, dict) and set(value) == {"@id"}:
        return "IdReference" in expected
    if isinstance(value, dict):
        kind = _type(value.get("@type", ""))
        return kind is not None and not kind.names.isdisjoint(expected)
    return isinstance(value, int) and not _NUMBERS.isdisjoint(expected)


@cache
def _type(name: str) -> _Type | None:
    """A type by its name; None where there is none of that name."""
    interfaces = _interfaces()
    values: dict[str, tuple[str, ...]] = {}
    names, waiting = {name}, [f"{name}Leaf"]
    if waiting[0] not in interfaces:
        return None
    while waiting:
        parents, properties = interfaces.get(waiting.pop(), ((), {}))
        values |= properties
        waiting += parents
        names |= {parent.removesuffix("Base") for parent in parents}
    return _Type(frozenset(names), values)


@cache
def _interfaces() -> dict[str, tuple[tuple[str, ...], dict[str, tuple[str, ...]]]]:
    """What each interface is based on, and its own properties with the types of their values."""
    text = DEFINITIONS.read_text(encoding="utf-8")
    return {
        name: (
            tuple(re.findall(r"\w+(?:Base|Leaf)\b", parents)),
            {key: tuple(kinds.split(" | ")) for key, kinds in _PROPERTY.findall(body)},
        )
        for name, parents, body in _INTERFACE.findall(text)
    }
