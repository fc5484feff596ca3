"""What all that judges pages has to say of a site, by page and check."""

from __future__ import annotations

import json
import re
import subprocess
import tempfile
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.browser import feeds, links, nu, vocabulary
from tests.browser.tools import HERE, node
from tests.hostile.browser import chromium

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from tests.browser.published import Site

# Patience, on a machine with other things to do.
SECONDS = 600
SECONDS_A_PAGE = 10
# What takes a browser and is not found by merely opening a page.
ALL = tuple(
    "axe targets headings landmarks times overflow motion colours print skip focus script".split()
)


@dataclass
class Report:
    """``found`` has what each check found on a page, by the page's path and the check's name.

    ``weight`` is the page's HTML and CSS in bytes as they were sent, ``requests`` how many the
    browser made for it, and ``scores`` is what Lighthouse says of some pages.
    """

    found: dict[str, dict[str, list[str]]]
    weight: dict[str, int] = field(default_factory=dict)
    requests: dict[str, int] = field(default_factory=dict)
    scores: dict[str, dict[str, Any]] = field(default_factory=dict)

    def of(self, check: str) -> dict[str, list[str]]:
        """What a check found, by page."""
        return {path: found[check] for path, found in self.found.items() if found.get(check)}


@dataclass(frozen=True)
class Look:
    """How to look at a page: at which address, for what, and in how many views (4 are all)."""

    url: str
    checks: tuple[str, ...] = ALL
    views: int = 4


def name(path: str) -> str:
    """A page's name, fit for a file."""
    return re.sub(r"[^\w.]+", "-", path.strip("/")).removesuffix(".html") or "home"


def validated(site: Site, pages: Mapping[str, str]) -> Report:
    """What needs no browser: the Nu checker, links, what JSON-LD says, feeds and sitemaps."""
    broken = links.broken(pages, site.url, site.cdn.answer)
    with tempfile.TemporaryDirectory() as folder:
        complaints = nu.complaints(pages, Path(folder))
    found = {
        path: {"html": complaints[path], "links": broken[path], "data": vocabulary.faults(page)}
        for path, page in pages.items()
    }
    others = {f"/{key}": {"feeds": said} for key, said in feeds.faults(site.feeds()).items()}
    return Report(found | others)


def browse(
    report: Report, looks: Mapping[str, Look], scored: Collection[str] = (), screenshots: str = ""
) -> None:
    """Open pages, by their paths, in a browser and add what is found to the report.

    Those ``scored`` are given to Lighthouse; screenshots go to a folder, if there is one.
    """
    job = {
        "browser": chromium(),
        "screenshots": screenshots,
        "pages": [{"path": p, "name": name(p)} | asdict(look) for p, look in looks.items()],
        "lighthouse": [{"path": path, "url": looks[path].url} for path in scored],
    }
    with tempfile.TemporaryDirectory() as folder:
        asked, told = Path(folder) / "job.json", Path(folder) / "report.json"
        asked.write_text(json.dumps(job), encoding="utf-8")
        command = [node() or "node", str(HERE / "audit.mjs"), str(asked), str(told)]
        subprocess.run(command, check=True, timeout=SECONDS + SECONDS_A_PAGE * len(looks))
        answer = json.loads(told.read_text(encoding="utf-8"))
    for page in answer["pages"]:
        report.found.setdefault(page["path"], {}).update(page["found"])
        report.weight[page["path"]], report.requests[page["path"]] = page["bytes"], page["count"]
    report.scores.update(answer["lighthouse"])


def gallery(screenshots: Path) -> None:
    """Write a page that shows all screenshots of a folder."""
    shown = [
        f'<figure><a href="{file.name}"><img src="{file.name}" alt="" loading="lazy" width="300">'
        f"</a><figcaption>{file.stem}</figcaption></figure>"
        for file in sorted(screenshots.glob("*.webp"))
    ]
    style = (
        "<style>body{display:flex;flex-wrap:wrap;align-items:start;font:14px sans-serif}</style>"
    )
    page = f"<!doctype html><meta charset=utf-8><title>Screenshots</title>{style}{''.join(shown)}"
    (screenshots / "index.html").write_text(page, encoding="utf-8")
