"""The programs that judge pages, and what is missing for them."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

from tests.hostile.browser import chromium

HERE = Path(__file__).parent
MODULES = HERE / "node_modules"
# What Lighthouse and Puppeteer ask for.
NODE = (22, 19)


def missing() -> str:
    """What must be installed before pages can be judged; empty where all is there."""
    if chromium() is None:
        return "no Chromium on PATH: install chromium or set CHROMIUM"
    if shutil.which("java") is None:
        return "no Java on PATH, which the Nu HTML checker needs: install default-jre-headless"
    if not (MODULES / "ready").exists():
        return "no axe and Lighthouse: install npm, then run make tests/browser/node_modules/ready"
    if node() is None:
        return "no Node.js {}.{} or newer: install it".format(*NODE)
    return ""


def node() -> str | None:
    """A Node.js that is new enough: the one among the packages, or that of PATH."""
    packaged = sorted(map(str, MODULES.glob("node-linux-*/bin/node")))
    for program in filter(None, [*packaged, shutil.which("node")]):
        told = subprocess.run([program, "--version"], capture_output=True, text=True, check=True)
        version = re.match(r"v(\d+)\.(\d+)", told.stdout)
        if version and (int(version[1]), int(version[2])) >= NODE:
            return program
    return None
