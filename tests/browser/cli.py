"""Judges every page of a folder of articles, or writes the figures of the samples.

``python -m tests.browser DIR`` or ``python -m tests.browser --figures``.
"""

from __future__ import annotations

import re
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from app import logger
from local.template import ROOT
from tests.browser import sample
from tests.browser.published import serving_site, uploads
from tests.browser.report import Look, Report, browse, name, validated
from tests.browser.tools import missing
from tests.hostile.browser import chromium

if TYPE_CHECKING:
    from collections.abc import Sequence

DOCUMENT = ROOT / "docs" / "pages.md"
# What every page of a folder is looked at for.
_CHECKS = ("axe", "targets", "headings", "landmarks", "times", "overflow")
# The browser's own words of a file that it could not fetch.
_UNFETCHED = "Failed to load resource"
_SHOWN = 5
_FIGURES = re.compile(r"(?<=<!-- figures -->\n).*(?=<!-- end of figures -->)", re.DOTALL)


def main(arguments: Sequence[str]) -> int:
    """Do what the command line asks for; the exit status is 1 where something was found."""
    logger.setLevel("ERROR")
    console = Console(highlight=False)
    if reason := missing():
        console.print(reason)
        return 2
    if list(arguments) == ["--figures"]:
        text = DOCUMENT.read_text(encoding="utf-8")
        DOCUMENT.write_text(_FIGURES.sub(lambda _: figures(), text), encoding="utf-8")
        return 0
    if len(arguments) != 1 or not Path(arguments[0]).is_dir():
        console.print("usage: make audit-pages ARTICLES=DIR")
        return 2
    return _judge(Path(arguments[0]), console)


def _judge(folder: Path, console: Console) -> int:
    articles = uploads(folder)
    site_file = articles.pop("articles/site.json", b"{}")
    with serving_site(site_file, articles) as site:
        refused = site.refused(articles)
        pages = site.pages()
        report = validated(site, pages)
        looks = {path: Look(site.url + path, _CHECKS, views=1) for path in pages}
        browse(report, looks)
        elsewhere = _left_out(report, site.url)
    table = Table("check", "pages or feeds", "with faults", "faults")
    checks = sorted({check for found in report.found.values() for check in found})
    faults = [check for check in checks if report.of(check)]
    for check in checks:
        found = report.of(check)
        number = sum(map(len, found.values()))
        judged = sum(check in said for said in report.found.values())
        table.add_row(check, str(judged), str(len(found)), str(number))
        for path, said in list(found.items())[:_SHOWN]:
            console.print(f"{check}: {path}: {said[0]}", markup=False, soft_wrap=True)
    console.print(f"{len(articles) - len(refused)} articles published, {len(refused)} refused")
    console.print(table)
    if elsewhere:
        console.print("Not counted, as articles ask for it and nobody is asked here:")
        for address, pages_asking in sorted(elsewhere.items()):
            console.print(f"  {address} ({len(pages_asking)})", markup=False, soft_wrap=True)
    return 1 if faults or refused else 0


def _left_out(report: Report, site_url: str) -> dict[str, set[str]]:
    """Take out of a report what pages fetch from elsewhere; return which of them fetch it.

    Articles may show pictures from anywhere, and the browser has no way there.
    """
    elsewhere: dict[str, set[str]] = {}
    for path, found in report.found.items():
        for said in found.get("requests", []):
            address = said.split(": ", 1)[1]
            if not address.startswith(f"{site_url}/"):
                elsewhere.setdefault(address, set()).add(path)
        own = [
            said for said in found.get("requests", []) if said.split(": ", 1)[1] not in elsewhere
        ]
        if len(own) < len(found.get("requests", [])):
            found["requests"] = own
            found["console"] = [c for c in found["console"] if not c.startswith(_UNFETCHED)]
    return elsewhere


def figures() -> str:
    """What Lighthouse says of the samples, and what their pages weigh, as tables in Markdown."""
    with sample.serving_samples() as site:
        report = Report({})
        looks = {path: Look(site.url + path, ()) for path in sample.KINDS}
        browse(report, looks, sample.SCORED)
    day = datetime.now(UTC).date().isoformat()
    browser = subprocess.run(
        [chromium() or "", "--version"], capture_output=True, text=True, check=True
    )
    lines = [
        "",
        f"Written by `make page-figures` on {day} with {browser.stdout.strip()}.",
        "",
        "| page | accessibility | best practices | SEO | performance | largest paint | shift |",
        "|---|--:|--:|--:|--:|--:|--:|",
    ]
    for path, s in report.scores.items():
        lines.append(
            f"| {name(path)} | {s['accessibility']} | {s['best-practices']} | {s['seo']}"
            f" | {s['performance']} | {s['paint'] / 1000:.1f} s | {s['shift']:.3f} |"
        )
    lines += ["", "| page | HTML and CSS, gzip | requests |", "|---|--:|--:|"]
    lines += [
        f"| {name(path)} | {report.weight[path]:,} bytes | {report.requests[path]} |"
        for path in sample.KINDS
    ]
    return "\n".join(lines) + "\n\n"
