"""Text for who only puts one glyph beside the other: letters joined, and in the order of the eye.

Pure. Two of what a shaping engine does: Arabic letters in the forms that they take beside each
other, and the Unicode Bidirectional Algorithm, https://www.unicode.org/reports/tr9/. Text comes
without controls and without marks, so that the rules for those (X1 to X8, W1) have nothing to do.
What characters are is taken from Python's own tables.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from itertools import pairwise

# Beside these an Arabic letter takes a joined form, and they have no forms of their own.
_TATWEEL = "\u0640"
_LAM_ALEF = {f"\u0644{alef}" for alef in "\u0622\u0623\u0625\u0627"}
# Arabic Presentation Forms, A and B.
_FORMS = (*range(0xFB50, 0xFE00), *range(0xFE70, 0xFF00))
# Bracket pairs (UAX 9, BD16) of the scripts that can be drawn, and what else has a mirror image.
_PAIRS = dict(zip("([{⟨〈《「『【〔（［｛", ")]}⟩〉》」』】〕）］｝", strict=True))
_MIRRORED = dict(zip([*_PAIRS, *"«‹<≤"], [*_PAIRS.values(), *"»›>≥"], strict=True))
_MIRRORED |= {image: character for character, image in _MIRRORED.items()}

# One letter for each class of characters, so that rules are patterns: L and R (which A, Arabic,
# becomes), E and N (numbers), S, T and C (what stands in and beside them), and O for all others.
_CLASSES = {"L": "L", "R": "R", "AL": "A", "EN": "E", "AN": "N", "ES": "S", "ET": "T", "CS": "C"}


def is_rtl(text: str) -> bool:
    """Whether a text runs from right to left: as its first letter does (P2, P3)."""
    return next((c != "L" for c in map(_class, text) if c in "LRA"), False)


def visual(line: str, *, rtl: bool) -> str:
    """The characters of a line from left to right, those that have one as their mirror images.

    ``rtl`` is the direction of the text that the line belongs to.
    """
    levels = levels_of(line, rtl=rtl)
    return "".join(
        _MIRRORED.get(line[i], line[i]) if levels[i] == 1 else line[i] for i in ordered(levels)
    )


def ordered(levels: list[int]) -> list[int]:
    """The places of a line's characters in the order in which they stand from left to right."""
    places = [*range(len(levels))]
    for lowest in (2, 1):  # L2
        start = 0
        for end in range(len(places) + 1):
            if end == len(places) or levels[places[end]] < lowest:
                places[start:end] = reversed(places[start:end])
                start = end + 1
    return places


def levels_of(line: str, *, rtl: bool) -> list[int]:
    """The embedding level of each character: 0 and 2 run to the right, 1 to the left."""
    base = "R" if rtl else "L"
    # What begins and ends a line counts as a letter of its direction.
    classes = f"{base}{''.join(map(_class, line))}{base}"
    classes = re.sub("A[^LRA]*", lambda m: m[0].replace("E", "N"), classes)  # W2
    classes = classes.replace("A", "R")  # W3
    classes = re.sub("(?<=E)[SC](?=E)", "E", classes)  # W4
    classes = re.sub("(?<=N)C(?=N)", "N", classes)
    classes = re.sub("T+(?=E)|(?<=E)T+", lambda m: "E" * len(m[0]), classes)  # W5
    classes = re.sub("[STC]", "O", classes)  # W6
    classes = re.sub("L[^LR]*", lambda m: m[0].replace("E", "L"), classes)  # W7
    classes = _bracketed(f"{base}{line}{base}", classes, base)
    classes = re.sub("(?<=L)O+(?=L)", lambda m: "L" * len(m[0]), classes)  # N1
    classes = re.sub("(?<=[REN])O+(?=[REN])", lambda m: "R" * len(m[0]), classes)
    classes = classes.replace("O", base)  # N2
    levels = {"L": 2, "R": 1, "E": 2, "N": 2} if rtl else {"L": 0, "R": 1, "E": 2, "N": 2}
    return [levels[c] for c in classes[1:-1]]  # I1, I2


def _bracketed(line: str, classes: str, base: str) -> str:
    """Brackets run as what they enclose, or else as what is before them (N0)."""
    strong = list(classes.replace("E", "R").replace("N", "R"))
    result = list(classes)
    for opened, closed in _brackets(line, classes):
        inside = set(strong[opened:closed])
        if base in inside:
            runs = base
        elif inside & {"L", "R"}:
            runs = next(c for c in reversed(strong[:opened]) if c in "LR")
        else:
            continue
        for place in (opened, closed):
            strong[place] = result[place] = runs
    return "".join(result)


def _brackets(line: str, classes: str) -> list[tuple[int, int]]:
    """The places of the bracket pairs of a line, by where they open (BD16)."""
    pairs, waiting = [], []
    for place, character in enumerate(line):
        if classes[place] != "O":
            continue
        if character in _PAIRS:
            waiting.append(place)
        if partners := [i for i in waiting if _PAIRS[line[i]] == character]:
            pairs.append((partners[-1], place))
            del waiting[waiting.index(partners[-1]) :]
    return sorted(pairs)


def _class(character: str) -> str:
    return _CLASSES.get(unicodedata.bidirectional(character), "O")


def joined(text: str) -> str:
    """A text with its Arabic letters in the forms that they have where they stand.

    The forms are characters of their own (Arabic Presentation Forms), which fonts keep for this.
    """
    letters = re.findall("|".join((*sorted(_LAM_ALEF), ".")), text, re.DOTALL)
    shown, is_joined = [], False
    for letter, following in pairwise([*letters, ""]):
        forms = _forms().get(letter, {})
        joins = "initial" in forms and "final" in _forms().get(following[:1], {})
        name = {
            (False, False): "isolated",
            (False, True): "initial",
            (True, True): "medial",
            (True, False): "final",
        }[is_joined and "final" in forms, joins]
        shown.append(forms.get(name, letter))
        is_joined = joins
    return "".join(shown)


def is_unjoined(character: str) -> bool:
    """Whether a character is a letter that ought to be joined and has no forms for it."""
    kind = unicodedata.bidirectional(character), unicodedata.category(character)
    return kind == ("AL", "Lo") and ord(character) < _FORMS[0]


@cache
def _forms() -> dict[str, dict[str, str]]:
    """The forms of each letter, and of lam with alef, by their names."""
    forms: dict[str, dict[str, str]] = {
        _TATWEEL: dict.fromkeys(("isolated", "initial", "medial", "final"), _TATWEEL)
    }
    for code in _FORMS:
        name, _, letters = unicodedata.decomposition(chr(code)).partition("> ")
        letter = "".join(chr(int(part, 16)) for part in letters.split())
        if len(letter) == 1 or letter in _LAM_ALEF:
            forms.setdefault(letter, {})[name.removeprefix("<")] = chr(code)
    return forms
