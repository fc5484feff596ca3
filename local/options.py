"""The command line of `local.run`, and the folder that it means."""

import argparse
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from local.template import ROOT
from local.watch import SITE_FILE

SAMPLES = ROOT / "events" / "articles"
SAMPLE_PICTURES = ROOT / "events" / "media"
SAMPLE_SITE = ROOT / "events" / SITE_FILE
LOG = Path("build") / "function.log"


@dataclass(frozen=True)
class Options:
    """What the command line asks for. Without `articles` there are the samples."""

    articles: Path | None
    port: int
    once: bool
    log: Path


def parse(arguments: Sequence[str] | None = None) -> Options:
    """Return the options on the command line. Exits with 2 when they make no sense."""
    parser = argparse.ArgumentParser(
        prog="python -m local.run",
        description="Run Broadsheet on this machine and watch a folder of article files.",
    )
    parser.add_argument(
        "--articles",
        default="",
        metavar="DIR",
        help="folder to publish and watch; never written to (default: a copy of the samples)",
    )
    parser.add_argument("--port", type=int, default=8080, help="the site's port; 0: any free one")
    parser.add_argument(
        "--once", action="store_true", help="publish everything, say how it went, and end"
    )
    parser.add_argument(
        "--log", type=Path, default=LOG, metavar="FILE", help=f"the function's log ({LOG})"
    )
    found = parser.parse_args(arguments)
    articles = Path(found.articles).expanduser() if found.articles else None
    return Options(articles, found.port, found.once, found.log)


def copy_samples(folder: Path) -> None:
    """Copy the sample articles, their pictures and their site's configuration to a new folder."""
    shutil.copytree(SAMPLES, folder)
    shutil.copytree(SAMPLE_PICTURES, folder / "media")
    shutil.copy(SAMPLE_SITE, folder / SITE_FILE)
