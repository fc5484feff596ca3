"""Text in the order and the forms in which its glyphs stand beside each other."""

from __future__ import annotations

import unicodedata

import pytest
from bidi import get_display  # type: ignore[import-untyped]  # a second implementation
from hypothesis import given, settings
from hypothesis import strategies as st

from broadsheet import bidi

# Of each class some, brackets more often.
CHARACTERS = st.sampled_from("abאבעد12٤٥ .,:()()[]{}-+%$/«!「」")


@settings(max_examples=2000, deadline=None)
@given(text=st.text(CHARACTERS, max_size=16), rtl=st.booleans())
def test_characters_stand_where_another_implementation_puts_them(text: str, *, rtl: bool) -> None:
    line = text.strip()
    ordered = "".join(line[i] for i in bidi.ordered(bidi.levels_of(line, rtl=rtl)))
    assert ordered == get_display(line, base_dir="R" if rtl else "L")


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("שלום (abc) 123!", "!123 (abc) םולש"),
        ("«שלום»", "«םולש»"),
        ("מדד 3<5", "5>3 דדמ"),
        ("plain", "plain"),
        ("", ""),
    ],
)
def test_what_has_a_mirror_image_turns_with_its_text(line: str, shown: str) -> None:
    assert bidi.visual(line, rtl=True) == shown


@pytest.mark.parametrize(
    ("text", "rtl"),
    [("הגשר opens", True), ("12: العبارة", True), ("Ferry שב", False), ("12!", False), ("", False)],
)
def test_a_text_runs_as_its_first_letter(text: str, *, rtl: bool) -> None:
    assert bidi.is_rtl(text) is rtl


def names(text: str) -> str:
    """One letter for each form: isolated, initial, medial or final."""
    kinds = {"<isolated>": "o", "<initial>": "i", "<medial>": "m", "<final>": "f"}
    return "".join(kinds.get(unicodedata.decomposition(c).split(" ")[0], c) for c in text)


@pytest.mark.parametrize(
    ("word", "joined"),
    [
        ("بحر", "imf"),
        ("دار", "ooo"),
        ("باب", "ifo"),
        ("سلام", "ifo"),
        ("لا", "o"),
        ("بـب", "iـf"),
        ("گچی", "imf"),
        ("می\u200cخواهیم", "if\u200cifoimf"),
        ("ب ب", "o o"),
        ("abc", "abc"),
    ],
)
def test_arabic_letters_join_where_they_can(word: str, joined: str) -> None:
    assert names(bidi.joined(word)) == joined


def test_a_joined_word_is_the_same_word() -> None:
    for word in ("العبارة", "الميناء", "چهارشنبه", "بندرگاہ"):
        assert unicodedata.normalize("NFKC", bidi.joined(word)) == word


def test_a_letter_without_forms_is_told() -> None:
    assert not any(map(bidi.is_unjoined, bidi.joined("العبارة تعود، ١٢!")))
    assert not bidi.is_unjoined("ש")
    assert bidi.is_unjoined("\N{ARABIC LETTER YEH WITH SMALL V}")
