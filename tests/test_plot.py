"""Plots: where values are drawn, and that what they say is read as text."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

import pytest

from benchmarks import plot
from benchmarks.plot import Plot, Scale, Series

NAMES = {"svg": "http://www.w3.org/2000/svg"}
PLOT = Plot("Bytes & <requests>", 'of "one" publish', "articles", "count")


def parsed(text: str) -> ET.Element:
    return ET.fromstring(text)  # noqa: S314 (made here)


@pytest.mark.parametrize(
    ("most", "ticks"),
    [
        (0, (0, 1)),
        (6, (0, 1, 2, 3, 4, 5, 6)),
        (7, (0, 2, 4, 6, 8)),
        (50, (0, 10, 20, 30, 40, 50)),
        (1_234, (0, 500, 1_000, 1_500)),
    ],
)
def test_an_axis_begins_at_0_and_has_round_ticks_up_to_the_largest_value(
    most: float, ticks: tuple[float, ...]
) -> None:
    assert Scale.to(most).ticks == pytest.approx(ticks)


@pytest.mark.parametrize("most", [0.3, 0.6, 1, 9.99, 10, 33, 60, 61, 1e6, 3.3e9])
def test_an_axis_has_room_for_its_values_and_little_more(most: float) -> None:
    ticks = Scale.to(most).ticks

    assert ticks[-2] < most <= ticks[-1] * (1 + 1e-9)
    assert len(ticks) <= plot.TICKS + 1


def test_a_value_is_drawn_in_proportion() -> None:
    scale = Scale.to(10)

    assert scale.up(0) == plot.BOTTOM
    assert scale.up(10) == plot.TOP
    assert scale.up(5) == (plot.BOTTOM + plot.TOP) / 2


def test_ten_times_as_much_is_the_same_way_across() -> None:
    root = parsed(PLOT.lines([1_000, 10_000, 1_000_000], [Series("all", [1, 2, 3])]))
    line = root.find("svg:polyline", NAMES)
    assert line is not None
    first, second, last = (float(point.split(",")[0]) for point in line.attrib["points"].split())

    assert (first, last) == (plot.LEFT, plot.RIGHT)
    assert second - first == pytest.approx((last - first) / 3, abs=0.1)


def test_one_place_alone_is_in_the_middle() -> None:
    root = parsed(PLOT.lines([1_000], [Series("all", [7])]))
    line = root.find("svg:polyline", NAMES)
    assert line is not None
    assert float(line.attrib["points"].split(",")[0]) == (plot.LEFT + plot.RIGHT) / 2


def test_whatever_a_name_has_is_text_and_no_markup() -> None:
    for text in (
        PLOT.lines([1, 10], [Series("<b>&", [1, 2])]),
        PLOT.bars(["<i>", "&"], [Series("<b>&", [1, 2]), Series("b", [2, 1])]),
    ):
        root = parsed(text)
        texts = [element.text for element in root.findall("svg:text", NAMES)]
        assert {PLOT.title, "<b>&", "articles", "count"} <= set(texts)
        assert {element.tag.rpartition("}")[2] for element in root.iter()}.isdisjoint({"b", "i"})


def test_who_does_not_see_it_is_told_what_it_shows() -> None:
    root = parsed(PLOT.bars(["1"], [Series("a", [1])]))
    named = [root.find(f"svg:{tag}", NAMES) for tag in ("title", "desc")]

    assert root.attrib["role"] == "img"
    assert root.attrib["aria-labelledby"].split() == [
        e.attrib["id"] for e in named if e is not None
    ]
    assert [e.text for e in named if e is not None] == [PLOT.title, PLOT.description]


def test_a_target_is_drawn_at_its_value_and_has_room() -> None:
    aimed = Plot("t", "d", "a", "u", (20, "target"))
    text = aimed.bars(["1"], [Series("a", [3])])
    (height,) = re.findall(r'class="target" d="M\d+ ([0-9.]+)H', text)

    assert float(height) == pytest.approx(Scale.to(20).up(20))


def test_names_of_lines_that_end_together_do_not_lie_on_one_another() -> None:
    root = parsed(PLOT.lines([1, 10], [Series("a", [5, 5]), Series("b", [5, 5])]))
    heights = [
        float(e.attrib["y"]) for e in root.findall("svg:text", NAMES) if e.text in {"a", "b"}
    ]
    assert abs(heights[0] - heights[1]) >= 20


def test_names_of_lines_that_end_at_the_bottom_do_not_lie_on_the_places() -> None:
    names = ("a", "b", "c")
    root = parsed(PLOT.lines([1, 10], [Series(name, [9, 0]) for name in names]))
    heights = [float(e.attrib["y"]) for e in root.findall("svg:text", NAMES) if e.text in names]
    places = [float(e.attrib["y"]) for e in root.findall("svg:text", NAMES) if e.text == "10"]
    assert max(heights) + 15 < max(places)
    assert heights[0] + 40 == heights[1] + 20 == heights[2]


def test_a_series_has_a_mark_and_a_colour_of_its_own_in_either_scheme() -> None:
    for each in (plot.MARKS, plot.LIGHT, plot.DARK):
        assert len(set(each)) == len(plot.MARKS)


def test_colours_can_be_read_on_their_paper() -> None:
    for colours, paper in ((plot.LIGHT, "#ffffff"), (plot.DARK, "#0d1117")):
        for colour in colours:
            assert _contrast(colour, paper) >= 4.5


def _contrast(one: str, other: str) -> float:
    high, low = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def _luminance(colour: str) -> float:
    parts = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
