"""The words of a text, which the function and the search page must find alike."""

from __future__ import annotations

import json
import sys
import unicodedata
from pathlib import Path

import pytest

from broadsheet.words import indexed, words
from tests import node

TABLE: list[tuple[str, list[str]]] = [
    (text, found) for text, found in json.loads((Path(__file__).parent / "words.json").read_text())
]
PARTS = 8


@pytest.mark.parametrize(("text", "found"), TABLE)
def test_the_words_of_a_text(text: str, found: list[str]) -> None:
    assert words(text) == found


def test_the_search_page_finds_the_same_words() -> None:
    assert node.run({"texts": [text for text, _ in TABLE]}) == [found for _, found in TABLE]


@pytest.mark.parametrize("part", range(PARTS))
def test_both_take_every_character_alike(part: int) -> None:
    """Of those that this Python knows; a browser may know more."""
    known = [chr(i) for i in range(sys.maxunicode + 1)[part::PARTS]]
    known = [c for c in known if unicodedata.category(c) not in {"Cn", "Cs", "Co"}]
    texts = [f"x{c}x {c} {c.upper()}s" for c in known]

    theirs = node.run({"texts": texts})

    assert [(t, words(t), w) for t, w in zip(texts, theirs, strict=True) if words(t) != w] == []


@pytest.mark.parametrize("text", [text for text, _ in TABLE])
def test_what_a_query_asks_for_is_what_a_text_is_found_by(text: str) -> None:
    assert set(words(text)) <= set(indexed(text))


def test_a_single_letter_finds_a_text_without_spaces() -> None:
    assert {"東", "京"} <= set(indexed("東京"))
    assert "f" not in indexed("ferry")
