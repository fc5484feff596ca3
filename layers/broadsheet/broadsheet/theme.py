"""Colours, type and masthead of a site, as custom properties that the style of every page uses."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, Self

from broadsheet.validation import Problem, pointer

Colour = tuple[int, int, int]

# WCAG 2.2, 1.4.3: what text needs against its background.
CONTRAST = 4.5
# Fonts that readers' systems have: https://www.w3.org/TR/css-fonts-4/#generic-font-families says
# which kinds there are; nothing is fetched.
TYPEFACES = {
    "serif": 'Charter,"Bitstream Charter","Sitka Text",Cambria,Georgia,serif',
    "sans": 'system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans",sans-serif',
    "humanist": 'Seravek,"Gill Sans Nova",Ubuntu,Calibri,"DejaVu Sans",source-sans-pro,sans-serif',
    "slab": 'Rockwell,"Rockwell Nova","Roboto Slab","DejaVu Serif","Sitka Small",serif',
    "didone": 'Didot,"Bodoni MT","Noto Serif Display","URW Palladio L",P052,Sylfaen,serif',
    "mono": 'ui-monospace,"Cascadia Code","Source Code Pro",Menlo,Consolas,monospace',
}
MASTHEADS = {"centre": "center", "start": "flex-start"}


class Palette(NamedTuple):
    """The three colours of a scheme, #rrggbb, from which the others are mixed."""

    paper: str
    ink: str
    accent: str

    def properties(self) -> dict[str, str]:
        """The custom properties of these colours."""
        paper, ink = _colour(self.paper), _colour(self.ink)
        tint = _mixed(ink, paper, 0.06)
        return {
            "paper": self.paper,
            "ink": self.ink,
            "link": self.accent,
            "tint": _hex(tint),
            "line": _hex(_mixed(ink, paper, 0.2)),
            "soft": _hex(_softest(ink, paper, tint)),
        }

    def problems(self, name: str) -> Iterator[Problem]:
        """Colours that can't be read on the paper, nor on the tint that notes stand on."""
        paper = _colour(self.paper)
        tint = _mixed(_colour(self.ink), paper, 0.06)
        for field in ("ink", "accent"):
            colour = _colour(getattr(self, field))
            found = min(contrast(colour, paper), contrast(colour, tint))
            if found < CONTRAST:
                yield Problem(
                    pointer("theme", name, field),
                    f"has a contrast of {found:.1f} to the paper; expected at least {CONTRAST}",
                )


LIGHT = Palette("#fdfcf9", "#1a1a1a", "#0b4f8a")
DARK = Palette("#161615", "#ecebe6", "#8fc1ee")


class Theme(NamedTuple):
    """A site's looks; ``text`` and ``headings`` are among TYPEFACES, ``masthead`` of MASTHEADS."""

    light: Palette = LIGHT
    dark: Palette = DARK
    text: str = "serif"
    headings: str = "serif"
    masthead: str = "centre"

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Self:
        """The theme that site.json asks for."""
        fields = dict(document)
        for name, default in (("light", LIGHT), ("dark", DARK)):
            fields[name] = Palette(**{**default._asdict(), **document.get(name, {})})
        return cls(**fields)

    def problems(self) -> list[Problem]:
        """What readers could not read."""
        return [*self.light.problems("light"), *self.dark.problems("dark")]

    def stylesheet(self) -> str:
        """The style sheet that puts the theme over the style of every page."""
        light = self.light.properties() | {
            "text": TYPEFACES[self.text],
            "headings": TYPEFACES[self.headings],
            "masthead": MASTHEADS[self.masthead],
        }
        dark = _root(self.dark.properties())
        return f"{_root(light)}\n@media(prefers-color-scheme:dark){{{dark}}}\n"


def contrast(one: Colour, other: Colour) -> float:
    """How far two colours differ in lightness: https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio."""
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: Colour) -> float:
    """https://www.w3.org/TR/WCAG22/#dfn-relative-luminance."""
    red, green, blue = (
        value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4  # noqa: PLR2004 (sRGB)
        for value in (channel / 255 for channel in colour)
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _softest(ink: Colour, paper: Colour, tint: Colour) -> Colour:
    """The palest mix of ink and paper that can still be read on either background."""
    for percent in range(55, 100):
        mixed = _mixed(ink, paper, percent / 100)
        if min(contrast(mixed, paper), contrast(mixed, tint)) >= CONTRAST + 0.5:
            return mixed
    return ink


def _mixed(one: Colour, other: Colour, share: float) -> Colour:
    red, green, blue = (round(share * a + (1 - share) * b) for a, b in zip(one, other, strict=True))
    return red, green, blue


def _colour(text: str) -> Colour:
    return int(text[1:3], 16), int(text[3:5], 16), int(text[5:7], 16)


def _hex(colour: Colour) -> str:
    return "#{:02x}{:02x}{:02x}".format(*colour)


def _root(properties: Mapping[str, str]) -> str:
    return ":root{" + ";".join(f"--{name}:{value}" for name, value in properties.items()) + "}"
