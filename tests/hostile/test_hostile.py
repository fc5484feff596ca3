"""Every hostile upload is published safely or rejected with errors that help, and harms nobody."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from broadsheet.validation import MOST_PROBLEMS
from tests.hostile.browser import executed
from tests.hostile.corpus import BREAKOUT, RUN, SCRIPT, Case, cases, together
from tests.hostile.make import results

if TYPE_CHECKING:
    from pathlib import Path

    from tests.hostile.worker import Result

CASES = cases()
# The whole corpus is published once, for all tests here.
pytestmark = pytest.mark.xdist_group("hostile")
LONGEST_ERROR = 1000


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("hostile")


@pytest.fixture(scope="module")
def published(folder: Path) -> dict[str, Result]:
    return {result.name: result for result in results(folder)}


def test_the_corpus_is_large() -> None:
    assert len(CASES) >= 60


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_it_is_published_or_rejected_in_bounds(case: Case, published: dict[str, Result]) -> None:
    result = published[case.name]
    assert result.faults == []
    assert result.status == case.expected
    assert set(case.at) <= {error["path"] for error in result.errors}
    assert bool(result.errors) == (result.status == "rejected")


@pytest.mark.parametrize("crowd", together())
def test_the_worst_together_stay_within_what_the_function_has(
    crowd: str, published: dict[str, Result]
) -> None:
    assert published[crowd].faults == []
    assert published[crowd].seconds


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_its_errors_help(case: Case, published: dict[str, Result]) -> None:
    errors = published[case.name].errors
    assert len(errors) <= 2 * MOST_PROBLEMS
    for error in errors:
        assert set(error) == {"path", "message"}
        assert not error["path"] or error["path"].startswith("/")
        assert "expected" in error["message"]
        assert len(error["path"]) + len(error["message"]) <= LONGEST_ERROR
    told = json.dumps(errors)
    for internal in ("Traceback", "Error(", "object at 0x", "broadsheet.", "<class", 'File "'):
        assert internal not in told


@pytest.mark.usefixtures("published")
def test_what_was_published_executes_nothing_in_a_browser(folder: Path, browser: str) -> None:
    report = executed(folder / "site", browser)
    assert len({path.split("/")[1] for path in report}) > 40
    assert {path: found for path, found in report.items() if found} == {}


def test_the_browser_shows_what_executes(tmp_path: Path, browser: str) -> None:
    xhtml = f"<x xmlns='http://www.w3.org/1999/xhtml'>{SCRIPT}</x>"
    pages = {
        "script.html": SCRIPT,
        "handler.html": f"<img src=x onerror={RUN}>",
        "click.html": f'<p onclick="{RUN}">x</p>',
        "breakout.html": f'<p title="{BREAKOUT}">',
        "link.html": f'<a href="javascript:{RUN}">x</a>',
        "refresh.html": "<meta http-equiv=refresh content='0;url=/pwned'>",
        "feed.xml": xhtml,
        "broken.xml": "<x>",
        "harmless.html": "<p>x</p>",
    }
    for name, text in pages.items():
        (tmp_path / name).write_text(text)
    report = executed(tmp_path, browser)
    assert report.pop("/harmless.html") == []
    assert all(report.values())
    for name in ("script.html", "handler.html", "click.html", "breakout.html", "feed.xml"):
        assert "ran a script" in report[f"/{name}"]
