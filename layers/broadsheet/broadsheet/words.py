"""The words of a text as search looks for them. ``static/search.js`` has the same rules.

tests/words.json is a table of texts and words that both must agree on.
"""

from __future__ import annotations

import re
import unicodedata

# Soft hyphens, accents, and what stands for vowels in Hebrew and Arabic: many write without them.
# The marks of other scripts are letters to their readers and stay.
_ACCENTS = (
    "[\u00ad\u0300-\u036f\u0483-\u0487\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7"
    "\u0610-\u061a\u0640\u064b-\u065f\u0670\u06d6-\u06dc\u06df-\u06e4\u06e7\u06e8\u06ea-\u06ed]"
)
# Letters that Unicode does not take apart, but readers without them on their keyboard do.
_PLAIN = str.maketrans(
    {
        "ß": "ss",
        "æ": "ae",
        "œ": "oe",
        "ø": "o",
        "đ": "d",
        "ð": "d",
        "ħ": "h",
        "\u0131": "i",
        "ł": "l",
    }
    | {"þ": "th", "\u03c2": "\u03c3"}
)
_POSSESSIVE = re.compile(r"['’]s(?!\w)")
# Scripts that put no space between words, or put particles behind them: Thai to Khmer, Chinese,
# Japanese, Korean.
_SOLID = (
    "\u0e00-\u0fff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf"
    "\u4e00-\u9fff\uac00-\ud7a3\uf900-\ufaff\U00020000-\U0003ffff"
)
_PIECES = f"([{_SOLID}]+)"
_SHORTEST_PLURAL = 4


# The first character beyond Unicode's basic plane.
_RARE = 0x10000


class _Spaced(dict[int, str]):
    """What each character is to ``str.translate``: itself, or a space where it parts words.

    Only those of everyday scripts are kept: an upload of nothing but rare ones takes no memory.
    """

    def __missing__(self, code: int) -> str:
        character = chr(code)
        within = character.isalnum() or unicodedata.category(character)[0] == "M"
        found = character if within else " "
        return self.setdefault(code, found) if code < _RARE else found


_SPACED = _Spaced()


def words(text: str) -> list[str]:
    """The words that a query asks for: folded, and pairs of letters where no spaces part words."""
    return [word for run in _runs(text) for word in _of(run, letters=False)]


def indexed(text: str) -> list[str]:
    """The words by which a text is found: those of a query, and single letters of such pairs.

    What comes again is not looked at again, so most come once.
    """
    found: list[str] = []
    for run in dict.fromkeys(_runs(text)):
        if run.isascii():
            found.append(_singular(run))
        else:
            found += _of(run, letters=True)
    return found


def _runs(text: str) -> list[str]:
    """Runs of letters, digits and marks."""
    text = text.lower() if text.isascii() else _folded(text)
    return _POSSESSIVE.sub(" ", text).translate(_SPACED).split()


def _folded(text: str) -> str:
    """A text as those write it who have not all letters on their keyboard."""
    text = unicodedata.normalize("NFKD", text).lower()
    return unicodedata.normalize("NFC", re.sub(_ACCENTS, "", text).translate(_PLAIN))


def _of(run: str, *, letters: bool) -> list[str]:
    """The words of a run; of a script without spaces the single ``letters`` as well, if wanted."""
    found: list[str] = []
    for number, text in enumerate(re.split(_PIECES, run)):
        # The first is of a script with spaces, or empty; then they take turns.
        if number % 2 == 0:
            found += [_singular(text)] if text else []
            continue
        found += [text[i : i + 2] for i in range(max(1, len(text) - 1))]
        found += text if letters and len(text) > 1 else ""
    return found


def _singular(word: str) -> str:
    """Harman's stemmer of plurals ("How effective is suffixing?", 1991), and "churches".

    It does no harm to other languages, as a query goes the same way.
    """
    if not word.endswith("s") or len(word) < _SHORTEST_PLURAL or not word.isascii():
        return word
    if word.endswith("ies") and word[-4] not in "ae":
        return f"{word[:-3]}y"
    if word.endswith(("ches", "shes", "sses", "xes")):
        return word[:-2]
    return word if word[-2] in "us" else word[:-1]
