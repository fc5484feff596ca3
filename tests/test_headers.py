"""The headers that come with every page, and pages that obey them in a browser."""

from __future__ import annotations

import base64
import hashlib
import os
import re
import subprocess
from http import HTTPStatus
from typing import TYPE_CHECKING

import boto3
import pytest

from broadsheet.templating import search_script, stylesheet
from local.cdn import Answer, Cdn, CdnServer, Invalidations
from local.template import Template
from tests.cloudformation import properties
from tests.console import Shown, shown
from tests.hostile.browser import serving
from tests.newsroom import DONE, s3_client

if TYPE_CHECKING:
    from pathlib import Path

    from tests.newsroom import Newsroom

HEADERS = Template.read().security_headers()
# Everything that a body can be made of, and all that an article can have around it.
BODY = """
## A heading

*Some* **words**, `code`, ~~struck~~, a [link](https://example.org/ "Title") and a footnote[^1].

> A quote

| left | middle | right |
|:-----|:------:|------:|
| a    | b      | c     |

3. three
4. four

```python
print("code")
```

![A boat](https://example.org/boat.jpg "A boat")

<details><summary>More</summary><p style="color: red" onclick="alert(1)">Less</p></details>
<table><tr><td align="right" bgcolor="red">x</td></tr></table>
<script>alert(1)</script><style>p { color: red }</style><link rel="stylesheet" href="/x.css">
"""
EVERYTHING = {
    "body": BODY,
    "topics": ["Harbour", "Ferries"],
    "authors": [{"name": "Ada", "url": "https://example.org/ada"}],
    "updated_at": "2026-05-05T09:30:00+02:00",
    "source": {"title": "Original", "url": "https://example.org/", "author": "Bo"},
    "ai_disclosure": "rewritten",
    "human_review": {"by": "Cy", "at": "2026-05-04T08:00:00Z"},
    "image": {"src": "media/ferry.jpg", "alt": "The ferry", "caption": "c", "credit": "d"},
    "language": "ar",
    "corrections": [{"at": "2026-05-06T09:30:00Z", "text": "It was Tuesday."}],
}
SITE_JSON = b"""{"name": "The Harbour", "theme": {"light": {"accent": "#7a1f1f"}},
"publisher": {"name": "Press", "url": "https://p.example/"},
"ai_policy_url": "https://p.example/ai", "links": [{"title": "Imprint", "url": "/imprint/"}]}"""
# The greatest width that the style gives to a page's body.
WIDTH = "1296px"
NOTHING = Answer(HTTPStatus.NOT_FOUND, {})
MISSING = "/there-is-no-such-page/"
# One of each kind. Sitemaps are none that a browser shows without a style of its own, which the
# policy refuses too.
KINDS = {
    "/",
    "/archive/",
    "/search/",
    "/search/?q=ferry",
    "/2026/05/",
    "/topics/harbour/",
    "/topics/harbour/2026/05/",
    "/articles/everything/",
    "/articles/withdrawn/",
    "/404.html",
    MISSING,
    "/rss.xml",
    "/atom.xml",
    "/feed.json",
    "/robots.txt",
    "/icon.svg",
    "/theme.css",
}


def directives(path: str) -> dict[str, str]:
    """The Content-Security-Policy of an address."""
    policy = Template.read().security_headers(path)["Content-Security-Policy"]
    parts = (part.strip().partition(" ") for part in policy.split(";"))
    return {name: value for name, _, value in parts}


def digest(text: str) -> str:
    """A text as a policy names it."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def test_pages_run_nothing_and_are_styled_by_their_own_style_alone() -> None:
    assert directives("/articles/a/") == {
        "default-src": "'none'",
        "style-src": f"'self' {digest(stylesheet())}",
        "img-src": "'self' https:",
        "connect-src": "'self'",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
    }


def test_the_search_page_runs_its_own_script_alone() -> None:
    assert directives("/search/") == directives("/") | {
        "script-src": digest(search_script()),
        "form-action": "'self'",
    }
    search, others = (Template.read().security_headers(path) for path in ("/search/", "/search"))
    policy = "Content-Security-Policy"
    assert search | {policy: ""} == others | {policy: ""}


def test_browsers_are_told_to_be_careful() -> None:
    headers = properties("SecurityHeaders")["ResponseHeadersPolicyConfig"]["SecurityHeadersConfig"]

    assert headers["FrameOptions"]["FrameOption"] == "DENY"
    assert headers["ContentTypeOptions"]["Override"]
    assert headers["StrictTransportSecurity"]["AccessControlMaxAgeSec"] >= 31536000
    assert headers["ReferrerPolicy"]["ReferrerPolicy"] == "strict-origin-when-cross-origin"


def styled(page: Shown) -> bool:
    """Whether a rule of the style of every page was applied."""
    return page.width == WIDTH


def test_every_kind_of_page_obeys_the_policy_and_is_styled(
    newsroom: Newsroom, browser: str
) -> None:
    newsroom.upload_bytes("site.json", SITE_JSON)
    keys = [
        newsroom.upload("everything", **EVERYTHING),
        newsroom.upload("withdrawn", **EVERYTHING | {"status": "withdrawn"}),
        newsroom.upload("plain", topics=["Harbour"]),
    ]
    assert newsroom.deliver("site.json", *keys) == DONE
    invalidations = Invalidations(boto3.client("cloudfront"), os.environ["DISTRIBUTION_ID"])
    cdn = Cdn(s3_client(), newsroom.site_bucket, invalidations, Template.read().security_headers)

    pages = shown(cdn.answer, KINDS, browser)

    assert {path: page.complaints for path, page in pages.items() if page.complaints} == {}
    html = {path for path in KINDS if path.endswith(("/", ".html", "ferry"))}
    assert {path for path in html if styled(pages[path])} == html


FORBIDDEN = [
    "<script>document.title = 'x'</script>",
    "<script src='/x.js'></script>",
    "<details open ontoggle='x()'>x</details>",
    "<p style='color: red'>x</p>",
    "<style>p { color: red }</style>",
    "<link rel='stylesheet' href='https://example.org/x.css'>",
    "<iframe src='https://example.org/'></iframe>",
    "<object data='/x'></object>",
    "<base href='https://example.org/'>",
    "<img src='data:image/gif;base64,R0lGODlhAQABAAAAACwAAAAAAQABAAA='>",
    "<video src='/x'></video>",
]


def test_the_browser_tells_what_the_policy_forbids(browser: str) -> None:
    pages = {f"/{i}/": _page(stylesheet(), fault) for i, fault in enumerate(FORBIDDEN)}
    pages |= {"/good/": _page(stylesheet(), "<p>x</p>"), "/other/": _page(stylesheet() + " ")}

    found = shown(lambda path: pages.get(path, NOTHING), pages, browser)

    assert found.pop("/good/") == Shown(WIDTH)
    assert not styled(found["/other/"])
    for path, page in found.items():
        assert page.complaints, path
        assert all("Content Security Policy" in complaint for complaint in page.complaints)
        assert styled(page) == (path != "/other/")


def _page(style: str, body: str = "") -> Answer:
    text = f"<!doctype html><body><style>{style}</style>{body}"
    return Answer(HTTPStatus.OK, HEADERS | {"Content-Type": "text/html"}, text.encode())


@pytest.mark.parametrize("feed", ["rss.xml", "topics/harbour/atom.xml"])
def test_a_feed_is_shown_by_the_browser_that_opens_it_and_not_its_source(
    newsroom: Newsroom, browser: str, feed: str, tmp_path: Path
) -> None:
    newsroom.deliver(newsroom.upload("a", topics=["Harbour"]))
    invalidations = Invalidations(boto3.client("cloudfront"), os.environ["DISTRIBUTION_ID"])
    with serving(CdnServer(0)) as server:
        server.cdn = Cdn(s3_client(), newsroom.site_bucket, invalidations, lambda _: HEADERS)
        flags = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run"]
        quiet = ["--disable-quic", "--disable-background-networking", f"--user-data-dir={tmp_path}"]
        done = subprocess.run(
            [browser, *flags, *quiet, "--dump-dom", f"{server.url}/{feed}"],
            capture_output=True,
            text=True,
            check=True,
        )
    # What is shown as it is written stands in a <pre>.
    assert "<pre" not in done.stdout
    assert re.search("<(rss|feed) ", done.stdout)
