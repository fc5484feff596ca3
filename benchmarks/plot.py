"""Plots as SVG: lines over a logarithmic axis, and bars. They depend on nothing.

Text stays text, and a title and a description tell what is shown to who does not see it. The
colours follow the reader's light or dark scheme; no series is told by its colour alone: each has a
mark, or a place, and its name beside it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from html import escape
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

WIDTH, HEIGHT = 720, 410
# The plot itself, in the picture's units.
LEFT, RIGHT, TOP, BOTTOM = 76, 548, 84, 342
# The share of a group's place that its bars take.
FILLED = 0.7
TICKS = 6

# Of each on its paper at least 4.5 : 1, which does for text too (WCAG 2.2, 1.4.3 and 1.4.11).
# https://www.w3.org/TR/WCAG22/#contrast-minimum
LIGHT = ("#0b5cad", "#a8420a", "#4b6b00", "#7a3e9d", "#b0005a", "#00695c")
DARK = ("#79b8ff", "#ffab70", "#b5d45a", "#d2a8ff", "#ff9bce", "#5ad6bd")
# A mark's outline from its middle: a circle, a square, triangles, a diamond and a cross.
MARKS = (
    "m-5 0a5 5 0 1 0 10 0a5 5 0 1 0 -10 0z",
    "m-5 -5h10v10h-10z",
    "m0 -6l6 11h-12z",
    "m0 6l6 -11h-12z",
    "m0 -7l6 7l-6 7l-6 -7z",
    "m-2 -6h4v4h4v4h-4v4h-4v-4h-4v-4h4z",
)
_STYLE = f"""
text {{ font: 14px system-ui, sans-serif; fill: #1b1f24 }}
.title {{ font-size: 18px; font-weight: 600 }}
.soft {{ fill: #57606a }}
.value {{ paint-order: stroke; stroke: #ffffff; stroke-width: 6px }}
.end {{ text-anchor: end }} .middle {{ text-anchor: middle }}
.paper {{ fill: #ffffff }}
.grid {{ stroke: #d0d7de }} .axis {{ stroke: #57606a }}
.target {{ stroke: #57606a; stroke-width: 1.5; stroke-dasharray: 6 4 }}
.line {{ fill: none; stroke-width: 2.5 }}
{"".join(f".s{i} {{ stroke: {c} }} .f{i} {{ fill: {c} }} " for i, c in enumerate(LIGHT))}
@media (prefers-color-scheme: dark) {{
text {{ fill: #e6edf3 }} .soft {{ fill: #9da7b3 }}
.paper {{ fill: #0d1117 }} .value {{ stroke: #0d1117 }}
.grid {{ stroke: #30363d }} .axis, .target {{ stroke: #9da7b3 }}
{"".join(f".s{i} {{ stroke: {c} }} .f{i} {{ fill: {c} }} " for i, c in enumerate(DARK))}
}}
"""


@dataclass(frozen=True)
class Series:
    """A name, and a value for each place of the horizontal axis."""

    name: str
    values: Sequence[float]


@dataclass(frozen=True)
class Plot:
    """What a plot says besides its values.

    ``description`` is for who does not see it; ``target`` is a value to hold against, and its name.
    """

    title: str
    description: str
    across: str
    up: str
    target: tuple[float, str] | None = None

    def lines(self, places: Sequence[float], series: Sequence[Series]) -> str:
        """Series over places whose logarithms are drawn, all above 0."""
        scale = self._scale(series)
        low, high = math.log10(min(places)), math.log10(max(places))
        middle = (LEFT + RIGHT) / 2
        across = [
            LEFT + (RIGHT - LEFT) * (math.log10(place) - low) / (high - low)
            if high > low
            else middle
            for place in places
        ]
        parts = [*self._frame(scale), *_below(across, [f"{place:,}" for place in places])]
        for number, one in enumerate(series):
            points = [(x, scale.up(value)) for x, value in zip(across, one.values, strict=True)]
            path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
            parts.append(f'<polyline class="line s{number}" points="{path}"/>')
            parts += [_mark(number, x, y) for x, y in points]
        ends = [scale.up(one.values[-1]) for one in series]
        return self._whole([*parts, *self._beside(scale, series, ends)])

    def bars(self, places: Sequence[str], series: Sequence[Series]) -> str:
        """Groups of bars, one for each place, each with its value above it."""
        scale = self._scale(series)
        step = (RIGHT - LEFT) / len(places)
        across = [LEFT + step * (i + 0.5) for i in range(len(places))]
        parts = [*self._frame(scale), *_below(across, places)]
        width = step * FILLED / len(series)
        for number, one in enumerate(series):
            for x, value in zip(across, one.values, strict=True):
                left, top = x - step * FILLED / 2 + number * width, scale.up(value)
                parts.append(
                    f'<rect class="f{number}" x="{left:.1f}" y="{top:.1f}" '
                    f'width="{width - 2:.1f}" height="{BOTTOM - top:.1f}"/>'
                )
                parts.append(_text(left + width / 2 - 1, top - 6, shown(value), "value middle"))
        # What a single series is, the title says.
        named = series if len(series) > 1 else []
        return self._whole([*parts, *self._beside(scale, named, [float(TOP)] * len(named))])

    def _scale(self, series: Sequence[Series]) -> Scale:
        most = max(value for one in series for value in one.values)
        return Scale.to(max(most, self.target[0] if self.target else 0))

    def _frame(self, scale: Scale) -> list[str]:
        parts = []
        for tick in scale.ticks:
            y = scale.up(tick)
            parts.append(
                f'<path class="{"grid" if tick else "axis"}" d="M{LEFT} {y:.1f}H{RIGHT}"/>'
            )
            parts.append(_text(LEFT - 10, y + 5, shown(tick), "soft end"))
        parts.append(_text(24, TOP - 24, self.up, "soft"))
        parts.append(_text((LEFT + RIGHT) / 2, BOTTOM + 50, self.across, "soft middle"))
        if self.target:
            y = scale.up(self.target[0])
            parts.append(f'<path class="target" d="M{LEFT} {y:.1f}H{RIGHT}"/>')
        return parts

    def _beside(
        self, scale: Scale, series: Sequence[Series], heights: Sequence[float]
    ) -> list[str]:
        """The names of series, with their marks, and of the target, at the right."""
        target = [self.target] if self.target else []
        places = _apart([*heights, *(scale.up(value) for value, _ in target)])
        parts = []
        for number, (one, y) in enumerate(zip(series, places, strict=False)):
            parts.append(_mark(number, RIGHT + 20, y))
            parts.append(_text(RIGHT + 34, y + 5, one.name, f"f{number}"))
        parts += [_text(RIGHT + 14, places[-1] + 5, name, "soft") for _, name in target]
        return parts

    def _whole(self, parts: Sequence[str]) -> str:
        head = (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
            f'width="{WIDTH}" height="{HEIGHT}" role="img" aria-labelledby="title desc">'
        )
        said = (
            f'<title id="title">{escape(self.title)}</title>'
            f'<desc id="desc">{escape(self.description)}</desc>'
        )
        paper = f'<rect class="paper" width="{WIDTH}" height="{HEIGHT}" rx="6"/>'
        title = _text(24, 32, self.title, "title")
        return "\n".join(
            [head, said, f"<style>{_STYLE}</style>", paper, title, *parts, "</svg>", ""]
        )


@dataclass(frozen=True)
class Scale:
    """The vertical axis: from 0 to its last tick."""

    ticks: tuple[float, ...]

    @classmethod
    def to(cls, most: float) -> Scale:
        """One that has room for a value, with ticks at 1, 2 or 5 times a power of ten."""
        if most <= 0:
            return cls((0, 1))
        power = 10.0 ** math.floor(math.log10(most / TICKS))
        step = next(power * n for n in (1, 2, 5, 10) if most <= power * n * TICKS)
        return cls(tuple(step * i for i in range(math.ceil(most / step - 1e-9) + 1)))

    def up(self, value: float) -> float:
        """Where a value is drawn."""
        return BOTTOM - (BOTTOM - TOP) * value / self.ticks[-1]


def shown(value: float) -> str:
    """A value in few digits."""
    return f"{value:,.0f}" if value >= 10 or value == int(value) else f"{value:.1f}"  # noqa: PLR2004 (below ten a digit more)


def _text(x: float, y: float, text: str, kind: str) -> str:
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}">{escape(text)}</text>'


def _below(across: Sequence[float], names: Sequence[str]) -> list[str]:
    """The names of the places of the horizontal axis."""
    return [
        _text(x, BOTTOM + 22, name, "soft middle") for x, name in zip(across, names, strict=True)
    ]


def _mark(number: int, x: float, y: float) -> str:
    return f'<path class="f{number}" d="M{x:.1f} {y:.1f}{MARKS[number]}"/>'


def _apart(heights: Sequence[float], least: float = 20) -> list[float]:
    """Heights of names, moved down where they would lie on one another, and up from the bottom."""
    moved = dict(enumerate(heights))
    ordered = sorted(moved, key=lambda i: moved[i])
    for above, below in pairwise(ordered):
        moved[below] = max(moved[below], moved[above] + least)
    for place, i in enumerate(reversed(ordered)):
        moved[i] = min(moved[i], BOTTOM - place * least)
    return [moved[i] for i in range(len(heights))]
