"""The benchmark of libraries: all are measured, and what it says of wheels is what there is."""

from __future__ import annotations

import pytest

from benchmarks import figures, libraries
from benchmarks.candidates import CANDIDATES
from benchmarks.libraries import Row

ROWS = [Row(one, 10.0 * number, 1.0) for number, one in enumerate(CANDIDATES, 1)]


def test_all_candidates_are_measured() -> None:
    if not libraries.PYTHON.exists():
        pytest.skip("needs the candidates' own environment: make .venv-libraries/ready")
    rows = libraries.measure(rounds=1, starts=1)
    assert [row.candidate for row in rows] == CANDIDATES
    assert all(row.microseconds > 0 for row in rows)


def test_the_tables_have_a_row_and_a_reason_for_each_candidate() -> None:
    page = libraries.page(ROWS)
    for one in CANDIDATES:
        assert f"- *{one.name}*: {one.why}." in page
    assert sum(line.startswith("| ") for line in page.splitlines()) == len(CANDIDATES) + 5


def test_the_page_has_a_row_for_each_candidate_of_the_version_that_is_pinned() -> None:
    """Where a version has changed: `python -m benchmarks.libraries --write`."""
    page = figures.PERFORMANCE.read_text("utf-8")
    rows = figures.between(page, "libraries", "")
    assert rows != page
    for number, one in enumerate(CANDIDATES):
        shown = libraries._line(ROWS[number], ROWS[number])[0].replace("*", "")  # noqa: SLF001 (its first cell)
        assert f"| {shown} |" in page.replace("*", "")
        assert f"- *{one.name}*: {one.why}." in page


@pytest.mark.parametrize(
    ("package", "where"),
    [
        ("comrak", "x86_64, aarch64"),
        ("mistune", "any machine"),
        # Python alone, but what it needs is not.
        ("pydantic", "x86_64, aarch64"),
        ("jsonschema", "x86_64, aarch64"),
    ],
)
def test_wheels_are_those_of_a_package_and_of_all_that_it_needs(package: str, where: str) -> None:
    assert libraries.wheels(package) == where


def test_a_wheel_is_for_python_3_13_and_the_architecture() -> None:
    for architecture in libraries.ARCHITECTURES:
        found = libraries.wheel("orjson", architecture)
        assert found
        assert f"_{architecture}." in found["url"]
        assert "-cp313-cp313-manylinux" in found["url"]


def test_a_package_needs_what_it_names_and_what_that_names() -> None:
    assert libraries.needed("lxml-html-clean") == {"lxml-html-clean", "lxml"}
    assert {"markupsafe", "jinja2"} == libraries.needed("jinja2")
