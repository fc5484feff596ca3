"""Runs the command line as its users do, within the tests' process."""

from __future__ import annotations

import pytest

from local.cli import main


def broadsheet(*arguments: str) -> int:
    """The exit status of a command."""
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    return int(ended.value.code or 0)
