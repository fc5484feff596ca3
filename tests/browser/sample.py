"""The sample site: which pages of it are looked at, and what all checks say of them."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from local.template import ROOT
from tests.browser.awkward import articles
from tests.browser.published import EMPTY, Site, serving_site, uploads

if TYPE_CHECKING:
    from collections.abc import Iterator

SCREENSHOTS = ROOT / "build" / "screenshots"
EVENTS = ROOT / "events"
ARTICLE = "/articles/2026/10/harbour-ferry-timetable/"
TOPIC = "/topics/harbour/"
SEARCH = "/search/"
FOUND = "/search/?q=ferry"
# Those that a script makes.
SCRIPTED = {SEARCH, FOUND}
SCORED = ["/", ARTICLE, TOPIC, SEARCH]
# One of each kind of page, and the articles that have something special.
KINDS = [
    "/",
    EMPTY,
    "/archive/",
    SEARCH,
    FOUND,
    "/2026/11/",
    TOPIC,
    f"{TOPIC}2026/05/",
    "/404.html",
    ARTICLE,
    "/articles/2026/08/swimming-pool-vote/",
    "/articles/2026/09/the-long-way-to-a-new-light/",
    "/articles/2026/10/seagrass-meadow-returns/",
    "/articles/arts/a-tide-organ-for-the-breakwater/",
    *(f"/{key.removesuffix('.json')}/" for key in articles()),
]


@contextmanager
def serving_samples() -> Iterator[Site]:
    """The site of events/ and of the awkward articles."""
    site_json = (EVENTS / "site.json").read_bytes()
    with serving_site(site_json, uploads(EVENTS / "articles") | articles()) as site:
        yield site
