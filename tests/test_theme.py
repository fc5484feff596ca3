"""Themes: what they put over the style of every page, and that it can be read."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import broadsheet
from broadsheet import addresses, theme
from broadsheet.render import Renderer
from broadsheet.site_config import SiteConfig
from broadsheet.templating import stylesheet
from broadsheet.theme import DARK, LIGHT, Palette, Theme

DARKER, LIGHTER = (
    st.tuples(channel, channel, channel).map(lambda rgb: "#{:02x}{:02x}{:02x}".format(*rgb))
    for channel in (st.integers(0, 110), st.integers(130, 255))
)


def properties(css: str, scheme: str = "light") -> dict[str, str]:
    """The custom properties that a style sheet sets on the root."""
    rules = re.findall(r":root\s*\{([^}]*)\}", css)
    found = rules[0] if scheme == "light" else rules[1]
    return dict(re.findall(r"--([a-z]+):\s*([^;}]+)", found))


def luminance_contrast(one: str, other: str) -> float:
    return theme.contrast(theme._colour(one), theme._colour(other))  # noqa: SLF001 (the rule itself)


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("#000000", "#ffffff", 21.0),
        ("#ffffff", "#ffffff", 1.0),
        # Examples of the W3C's, https://www.w3.org/WAI/WCAG22/Techniques/general/G18
        ("#777777", "#ffffff", 4.48),
        ("#0000ff", "#ffffff", 8.59),
        ("#ff0000", "#ffffff", 4.0),
    ],
)
def test_contrast_is_that_of_wcag(one: str, other: str, expected: float) -> None:
    assert luminance_contrast(one, other) == pytest.approx(expected, abs=0.01)
    assert luminance_contrast(other, one) == luminance_contrast(one, other)


def test_the_default_theme_can_be_read() -> None:
    assert Theme().problems() == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_default_theme_is_the_style_that_every_page_has_anyway(scheme: str) -> None:
    style, over = (properties(css, scheme) for css in (stylesheet(), Theme().stylesheet()))
    for name in ("paper", "ink", "link"):
        assert style[name] == over[name]


@given(DARKER, DARKER, LIGHTER, LIGHTER, st.sampled_from(["light", "dark"]))
def test_whatever_is_accepted_can_be_read_on_every_background(
    dark: str, darker: str, light: str, lighter: str, scheme: str
) -> None:
    palette = (
        Palette(darker, light, lighter) if scheme == "dark" else Palette(lighter, dark, darker)
    )
    assume(not list(palette.problems("light")))
    colours = palette.properties()
    for text in ("ink", "soft", "link"):
        for background in ("paper", "tint"):
            assert luminance_contrast(colours[text], colours[background]) >= theme.CONTRAST


def test_a_faint_colour_is_named_with_its_contrast() -> None:
    faint = Theme(LIGHT._replace(accent="#aaaaaa"), DARK._replace(ink="#222222"))
    found = {problem.path: problem.message for problem in faint.problems()}
    assert set(found) == {"/theme/light/accent", "/theme/dark/ink"}
    assert found["/theme/light/accent"].endswith("to the paper; expected at least 4.5")


def test_a_site_with_a_theme_links_it_and_one_without_does_not() -> None:
    for config, count in ((SiteConfig(), 0), (SiteConfig(theme=Theme()), 1)):
        pages = {page.key: page for page in Renderer("https://x.example", config).fixed()}
        assert pages[addresses.NOT_FOUND].body.count(b'href="/theme.css"') == count
        assert pages[addresses.THEME].content_type == "text/css; charset=utf-8"


def test_typefaces_and_masthead_are_set_once_for_both_schemes() -> None:
    css = Theme(text="sans", headings="didone", masthead="start").stylesheet()
    light, dark = properties(css), properties(css, "dark")
    assert light["text"] == theme.TYPEFACES["sans"]
    assert light["headings"] == theme.TYPEFACES["didone"]
    assert light["masthead"] == "flex-start"
    assert not {"text", "headings", "masthead"} & set(dark)


@pytest.mark.parametrize(("name", "initial"), [("the lantern", "T"), ("<&", "&lt;"), ("  é", "É")])
def test_the_icon_has_the_first_letter_of_the_sites_name(name: str, initial: str) -> None:
    config = SiteConfig(name=name, theme=Theme(LIGHT._replace(accent="#7a1f1f")))
    pages = {page.key: page for page in Renderer("https://x.example", config).fixed()}
    icon = pages[addresses.ICON]
    assert icon.content_type == "image/svg+xml"
    assert f">{initial}</text>" in icon.body.decode()
    assert 'fill="#7a1f1f"' in icon.body.decode()


def test_templates_of_ones_own_take_the_place_of_those_that_are_there(tmp_path: Path) -> None:
    package = tmp_path / "broadsheet"
    shutil.copytree(Path(broadsheet.__file__).parent, package)
    own = package / "overrides"
    (own / "base.html").write_text(
        '{% extends "default/base.html" %}{% block masthead %}<b>{{ site.name }}!</b>{% endblock %}'
    )
    (own / "404.html").write_text("Nothing at {{ site_url }}")
    code = (
        "import sys; from broadsheet.index import Scope;"
        "from broadsheet.render import Renderer; from broadsheet.site_config import SiteConfig;"
        "renderer = Renderer('https://x.example', SiteConfig());"
        "pages = [renderer.fixed()[0], renderer.scope('', Scope({}, ()))['index.html']];"
        "sys.stdout.write('|'.join(page.body.decode() for page in pages))"
    )
    # The copy comes before the package itself.
    path = ":".join([str(tmp_path), *sys.path])
    done = subprocess.run(
        [sys.executable, "-c", code], env={"PYTHONPATH": path}, capture_output=True, check=True
    )
    missing, home = done.stdout.decode().split("|", 1)
    assert missing == "Nothing at https://x.example"
    assert '<div class="masthead"><b>News!</b></div>' in home
    assert "Nothing has been published yet." in home
