"""The picture that stands for an article without one wherever its link is shared.

Pure: the same words and colours give the same bytes, for one version of Pillow and of the fonts.
Pillow is imported when the first card is drawn, as most invocations draw none. Only fonts of the
package are read by it, never a picture.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import unicodedata
from contextlib import suppress
from functools import cache, lru_cache, partial
from importlib.resources import files
from threading import Lock
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import PIL

from broadsheet import bidi

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from PIL.Image import Image
    from PIL.ImageFont import FreeTypeFont

# What Open Graph's readers show uncropped: https://ogp.me has the properties, and
# https://developers.facebook.com/docs/sharing/webmasters/images the size.
WIDTH, HEIGHT = 1200, 630
# All that decides what a card looks like besides its own fields. The number stands for this code
# and for the fonts; a test tells when it must be raised.
RECIPE = f"2 {PIL.__version__}"

# In pixels: the margin of words; the base line of the site's name, and the rule below it; where a
# headline is, in so many sizes and lines of each; and the band at the foot.
MARGIN = 80
MASTHEADS = ((46, 1), (40, 1), (34, 1), (28, 1))
MASTHEAD_LINE = 106
RULE_TOP, RULE = 132, (120, 8)
TOP, BOTTOM = 172, 574
SIZES = ((132, 2), (104, 3), (88, 4), (76, 4), (66, 5), (58, 5))
BAND = 16
LEADING = 1.14
ELLIPSIS = "…"

# What is drawn is how much ink there is, or that it is the accent; of a card's 16 colours the first
# run from paper to ink.
INK, ACCENT = 254, 255
SHADES = 15

# What is drawn is one glyph beside the other. So marks that are not one character with their letter
# are left out, as the points of Hebrew and Arabic, which headlines have none of; and then controls,
# one of which has kept Persian letters apart.
_MARKS = {"Mn", "Me"}
_CONTROLS = {"Cc", "Cf", "Cn", "Co", "Cs"}
# A code point that never is a character, and so shows what a font draws for one that it lacks.
_MISSING = "\uffff"
# Lines end after a space, and after a hyphen, dash or slash behind a letter. In Chinese and in
# Japanese they end anywhere but before what closes and after what opens:
# https://www.w3.org/TR/clreq/ and https://www.w3.org/TR/jlreq/ have more such rules.
_WIDE = (
    r"[\u2e80-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff01-\uffef"
    r"\U00020000-\U0003ffff]"
)
_OPENS = r"[(\[{「『【〔〈《（［｛“‘]"
_CLOSES = (
    r"[)\]}」』】〕〉》）］｝”’、。，．・：；！？,.:;!?%％…ー々〜ゝゞヽヾ"
    r"ぁぃぅぇぉっゃゅょゎァィゥェォッャュョヮ]"
)
_BREAK = (
    r"(?<= )|(?<=[^\W\d][-–—/])(?=\w)"
    rf"|(?<={_WIDE})(?<!{_OPENS})(?!{_CLOSES}|\s|$)|(?<=\S)(?<!{_OPENS})(?={_WIDE})(?!{_CLOSES})"
)
_SPACES = re.compile(r"[^\S\u00a0\u202f]+")


class Face(NamedTuple):
    """A font: its file in a package, and where on the file's axes, in their order, it is.

    ``place`` is the font's in a file that is a collection.
    """

    package: str
    file: str
    axes: tuple[int, ...] = ()
    place: int = 0


# A character is drawn in the first face that has it, the last of which is the region's.
SERIF = (
    Face("fontpkg_source_serif_4", "files/SourceSerif4[opsz,wght].ttf", (650, 60)),
    Face("fontpkg_frank_ruhl_libre", "files/FrankRuhlLibre[wght].ttf", (700,)),
    Face("fontpkg_amiri", "files/Amiri-Bold.ttf"),
)
SANS = (
    Face("fontpkg_source_sans_3", "files/SourceSans3[wght].ttf", (700,)),
    Face("fontpkg_heebo", "files/Heebo[wght].ttf", (700,)),
    Face("fontpkg_noto_sans_arabic", "files/NotoSansArabic[wdth,wght].ttf", (700, 100)),
)
# The nearest to each family of theme.TYPEFACES.
FACES = {
    "serif": SERIF,
    "slab": SERIF,
    "didone": SERIF,
    "sans": SANS,
    "humanist": SANS,
    "mono": SANS,
}
# Han characters have other forms in each region, which one file has as several fonts.
REGIONS = {
    region: Face("manimgx_fonts_cjk", "NotoSansCJK-VF.otf.ttc", (700,), place)
    for place, region in enumerate(("JP", "KR", "CN", "TW", "HK"))
}

Faces: TypeAlias = tuple[Face, ...]

# FreeType's faces are used by one thread at a time, and a batch needs the memory of one card.
_drawing = Lock()


class Card(NamedTuple):
    """What a card shows: a headline under the site's name, in the colours of its paper (#rrggbb).

    ``typeface`` is a key of FACES, ``region`` of REGIONS.
    """

    title: str
    site: str
    paper: str
    ink: str
    accent: str
    typeface: str
    region: str = "JP"

    @property
    def faces(self) -> Faces:
        """What it is drawn in, the first of which has the Latin letters."""
        return (*FACES[self.typeface], REGIONS[self.region])

    @property
    def digest(self) -> str:
        """What it was made from, in 16 characters: other cards, and other recipes, have others."""
        made_from = f"{RECIPE}\n{json.dumps(self._asdict(), sort_keys=True)}"
        return hashlib.sha256(made_from.encode()).hexdigest()[:16]

    def png(self) -> bytes:
        """The picture. A headline that the fonts have no letters for is left out."""
        with _drawing:
            return drawn(self)


# Who begins anew, since site.json or a rival moved, wants the same cards again.
@lru_cache(64)
def drawn(card: Card) -> bytes:
    """A card as a PNG of 16 colours."""
    from PIL import Image  # noqa: PLC0415 (only when one is drawn)

    image = Image.new("L", (WIDTH, HEIGHT))
    image.paste(ACCENT, (0, HEIGHT - BAND, WIDTH, HEIGHT))
    # What FreeType can't do is left out: the article is no worse for that.
    with suppress(OSError):
        _draw(image, card)
    image = image.point([*(value * (SHADES - 1) // INK for value in range(INK + 1)), SHADES])
    image.putpalette(_palette(card))
    file = io.BytesIO()
    image.save(file, "PNG", bits=4, compress_level=4)
    return file.getvalue()


def _palette(card: Card) -> list[int]:
    paper, ink, accent = (bytes.fromhex(c[1:]) for c in (card.paper, card.ink, card.accent))
    shades = [
        round(a + (b - a) * shade / (SHADES - 1))
        for shade in range(SHADES)
        for a, b in zip(paper, ink, strict=True)
    ]
    return [*shades, *accent]


def _draw(image: Image, card: Card) -> None:
    faces = card.faces
    title, name = legible(card.title, faces), legible(card.site, faces)
    page = _Page(image, faces, rtl=bidi.is_rtl(title or name))
    if title and name:
        size, lines = fitted(faces, name, MASTHEADS)
        page.write(lines, size, MASTHEAD_LINE)
        page.rule()
    # Without a headline the name is one.
    page.headline(title or name)


class _Page(NamedTuple):
    """What is drawn on: from the margin where a text in its direction begins."""

    image: Image
    faces: Faces
    rtl: bool

    def rule(self) -> None:
        """The short line below the site's name."""
        left = WIDTH - MARGIN - RULE[0] if self.rtl else MARGIN
        self.image.paste(ACCENT, (left, RULE_TOP, left + RULE[0], RULE_TOP + RULE[1]))

    def headline(self, text: str) -> None:
        """In the middle of what is left, by its capitals and base lines."""
        if not text:
            return
        size, lines = fitted(self.faces, text, SIZES)
        height = round(size * LEADING)
        capitals = round(size * 0.68)
        line = (TOP + BOTTOM + capitals - height * (len(lines) - 1)) // 2
        self.write(lines, size, line, height)

    def write(self, lines: list[str], size: int, line: int, height: int = 0) -> None:
        """Write lines, the first of them on base line ``line``."""
        from PIL import ImageDraw  # noqa: PLC0415 (only when one is drawn)

        draw = ImageDraw.Draw(self.image)
        for i, text in enumerate(lines):
            shown = bidi.visual(text, rtl=self.rtl)
            left: float = MARGIN
            if self.rtl:
                left = WIDTH - MARGIN - _length(self.faces, size, shown)
            for face, run in _runs(self.faces, shown):
                place, font = (round(left), line + i * height), _font(face, size)
                draw.text(place, run, fill=INK, font=font, anchor="ls")
                left += font.getlength(run)


# Words


def region(language: str) -> str:
    """Whose forms of Han characters a language (a BCP 47 tag) is written with: a key of REGIONS."""
    primary, *subtags = language.upper().split("-")
    if primary != "ZH":
        return "KR" if primary == "KO" else "JP"
    if {"HK", "MO"} & set(subtags):
        return "HK"
    return "TW" if {"TW", "HANT"} & set(subtags) else "CN"


def legible(text: str, faces: Faces) -> str:
    """A text as it can be drawn; "" where the faces have not all of its letters.

    Symbols that they lack are left out, as emoji are: the words say the same.
    """
    composed = _SPACES.sub(" ", unicodedata.normalize("NFC", text))
    letters = bidi.joined(_without(composed, _MARKS))
    visible = _without(letters, _CONTROLS)
    lacking = {character for character in set(visible) if not _face(faces, character)}
    if any(not unicodedata.category(character).startswith("S") for character in lacking):
        return ""
    return _SPACES.sub(" ", "".join(c for c in visible if c not in lacking)).strip()


def _without(text: str, categories: set[str]) -> str:
    return "".join(c for c in text if unicodedata.category(c) not in categories)


# Lines


def fitted(faces: Faces, text: str, sizes: tuple[tuple[int, int], ...]) -> tuple[int, list[str]]:
    """The largest size in which a text fits into its lines, and these; or what fits, and "…"."""
    pieces = re.split(_BREAK, text)
    largest = sizes[0][0]
    # Widths grow as sizes do, nearly; so each piece is measured once.
    widths = [_length(faces, largest, piece) for piece in pieces]
    for size, most in sizes:
        scaled = [width * size / largest for width in widths]
        if max(scaled) <= _room() and len(_wrapped(pieces, scaled, _room())) <= most:
            return size, _balanced(pieces, scaled)
    measure = partial(_length, faces, size)
    pieces = [part for piece in pieces for part in _chopped(piece, measure)]
    lines = _wrapped(pieces, [measure(piece) for piece in pieces], _room())
    if len(lines) > most:
        lines = [*lines[: most - 1], _shortened(lines[most - 1], measure)]
    return size, lines


def _room() -> int:
    return WIDTH - 2 * MARGIN


def _wrapped(pieces: list[str], widths: list[float], room: float) -> list[str]:
    """Lines, each as full as can be."""
    lines, left = [""], room
    for piece, width in zip(pieces, widths, strict=True):
        if width > left and lines[-1]:
            lines.append("")
            left = room
        lines[-1] += piece
        left -= width
    return [line.strip() for line in lines]


def _balanced(pieces: list[str], widths: list[float]) -> list[str]:
    """No more lines, but of nearly one length: as CSS does by ``text-wrap: balance``."""
    count = len(_wrapped(pieces, widths, _room()))
    low, high = max(widths), float(_room())
    while high - low > 1:
        middle = (low + high) / 2
        if len(_wrapped(pieces, widths, middle)) > count:
            low = middle
        else:
            high = middle
    return _wrapped(pieces, widths, high)


def _chopped(piece: str, measure: Callable[[str], float]) -> Iterator[str]:
    """A piece in parts that fit into a line."""
    while len(piece) > 1 and measure(piece) > _room():
        low, high = 1, len(piece) - 1
        while low < high:
            middle = (low + high + 1) // 2
            if measure(piece[:middle]) > _room():
                high = middle - 1
            else:
                low = middle
        yield piece[:low]
        piece = piece[low:]
    yield piece


def _shortened(line: str, measure: Callable[[str], float]) -> str:
    """A line that ends in "…", at a word if there is one."""
    while measure(line + ELLIPSIS) > _room():
        *head, _ = re.split(_BREAK, line.rstrip())
        line = "".join(head) or line[:-1]
    return line.rstrip(" ,;:.–—-،؛、，；。") + ELLIPSIS


# Fonts


def _length(faces: Faces, size: int, text: str) -> float:
    return sum(_font(face, size).getlength(run) for face, run in _runs(faces, text))


def _runs(faces: Faces, text: str) -> Iterator[tuple[Face, str]]:
    """A text in parts of one face. Spaces and signs are drawn like the letter beside them."""
    letters = (_face(faces, c) for c in text if not _is_sign(c))
    run, before = "", next(filter(None, letters), faces[0])
    for character in text:
        follows = _is_sign(character) and not _lacks(before, character)
        face = before if follows else _face(faces, character) or before
        if face != before:
            if run:
                yield before, run
            run, before = "", face
        run += character
    yield before, run


def _is_sign(character: str) -> bool:
    return unicodedata.category(character)[0] in "PZ"


def _face(faces: Faces, character: str) -> Face | None:
    if bidi.is_unjoined(character):
        return None
    return next((face for face in faces if not _lacks(face, character)), None)


@lru_cache(64)
def _font(face: Face, size: int) -> FreeTypeFont:
    from PIL import ImageFont  # noqa: PLC0415 (only when one is drawn)

    # Raqm, which would shape text, needs the machine's FriBiDi: Lambda has none, and cards must not
    # differ from machine to machine.
    file = str(files(face.package).joinpath(face.file))
    font = ImageFont.truetype(file, size, face.place, layout_engine=ImageFont.Layout.BASIC)
    if face.axes:
        font.set_variation_by_axes(list(face.axes))
    return font


@lru_cache(4096)
def _lacks(face: Face, character: str) -> bool:
    """Whether a font draws for a character what it draws for all that it lacks."""
    return bytes(_font(face, 20).getmask(character)) == _blank(face)


@cache
def _blank(face: Face) -> bytes:
    return bytes(_font(face, 20).getmask(_MISSING))
