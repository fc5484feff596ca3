"""The site as readers get it: accessible, valid, light, without scripts and on any screen."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from tests.browser.broken import BROKEN, WORSE, broken_pages
from tests.browser.report import Look, Report, browse, gallery, validated
from tests.browser.sample import ARTICLE, KINDS, SCORED, SCREENSHOTS, serving_samples
from tests.browser.tools import missing

if TYPE_CHECKING:
    from collections.abc import Iterator

# The site is published and looked at once, for all tests here.
pytestmark = pytest.mark.xdist_group("pages")

# A sample shows a link that is harmless, but leads nowhere.
NOWHERE = {"/articles/2026/09/letters-page-and-the-script/"}
BYTES = 14 * 1024
REQUESTS = 4
CHECKS = sorted({check for check, _, _ in BROKEN.values()})


@pytest.fixture(scope="module")
def report() -> Iterator[Report]:
    if reason := missing():
        pytest.skip(reason)
    with serving_samples() as site:
        pages = site.pages()
        bad = broken_pages(pages[ARTICLE])
        for path, page in bad.items():
            site.put(path, page)
        report = validated(site, pages | bad)
        looks = {path: Look(site.url + path) for path in KINDS}
        for path, (check, _, _) in BROKEN.items():
            # What makes a page bad must not be kept from doing so by the site's policy.
            url = site.url if check == "console" else site.lax_url
            looks[path] = Look(url + path, (check,), views=1)
        looks[WORSE] = Look(site.lax_url + WORSE, ())
        shutil.rmtree(SCREENSHOTS, ignore_errors=True)
        SCREENSHOTS.mkdir(parents=True)
        browse(report, looks, [*SCORED, WORSE], str(SCREENSHOTS))
        gallery(SCREENSHOTS)
        yield report


def good(found: dict[str, list[str]]) -> dict[str, list[str]]:
    """What was found on pages that are not broken on purpose."""
    return {path: said for path, said in found.items() if not path.startswith("/broken/")}


@pytest.mark.parametrize("check", CHECKS)
def test_no_page_fails(check: str, report: Report) -> None:
    found = good(report.of(check))
    if check == "links":
        found = {path: said for path, said in found.items() if path not in NOWHERE}
    assert found == {}


def test_feeds_and_sitemaps_keep_to_their_specifications(report: Report) -> None:
    assert report.of("feeds") == {}
    judged = {path for path, found in report.found.items() if "feeds" in found}
    assert {"/rss.xml", "/topics/harbour/atom.xml", "/sitemap.xml", "/news-sitemap.xml"} <= judged


@pytest.mark.parametrize("path", BROKEN)
def test_the_check_notices_what_is_broken(path: str, report: Report) -> None:
    assert report.found[path][BROKEN[path][0]] != []


def test_every_kind_of_page_was_looked_at(report: Report) -> None:
    assert set(KINDS) <= set(report.weight)
    assert all(set(CHECKS) <= set(report.found[path]) for path in KINDS)
    pictures = {file.name for file in SCREENSHOTS.glob("*.webp")}
    assert {
        f"home-{width}-{scheme}.webp" for width in (390, 1280) for scheme in ("light", "dark")
    } <= pictures


def test_pages_are_light(report: Report) -> None:
    assert {p: size for p, size in report.weight.items() if p in KINDS and size > BYTES} == {}
    assert {p: n for p, n in report.requests.items() if p in KINDS and n > REQUESTS} == {}
    assert all(size > 1000 for size in report.weight.values())


@pytest.mark.parametrize("path", SCORED)
def test_lighthouse_is_content(path: str, report: Report) -> None:
    scores = report.scores[path]
    assert scores["faults"] == []
    assert (scores["accessibility"], scores["best-practices"], scores["seo"]) == (100, 100, 100)
    assert scores["performance"] >= 95
    assert scores["shift"] == 0


def test_lighthouse_is_not_content_with_anything(report: Report) -> None:
    scores = report.scores[WORSE]
    assert scores["accessibility"] < 100
    assert scores["best-practices"] < 100
    assert scores["seo"] < 100
