"""Runs the search page's script in Node."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from local.template import ROOT
from tests.browser import tools

if TYPE_CHECKING:
    from collections.abc import Mapping

SCRIPT = ROOT / "layers/broadsheet/broadsheet/static/search.js"
_HARNESS = Path(__file__).parent / "search.mjs"


def run(job: Mapping[str, Any]) -> Any:
    """What became of a job; see search.mjs. Skips the test where there is no Node."""
    node = tools.node() or shutil.which("node")
    if node is None:
        pytest.skip("there is no Node.js")
    done = subprocess.run(
        [node, str(_HARNESS), str(SCRIPT)],
        input=json.dumps(job).encode(),
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    return json.loads(done.stdout)
