"""Fixtures of the deploy tests: what `sam build` makes of the real template, made once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.deploy import programs

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.deploy.programs import Built


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Built]:
    """A function that gives what is built for a version of Python."""
    done: dict[str, Built] = {}

    def of_version(version: str) -> Built:
        if version not in done:
            done[version] = programs.build(tmp_path_factory.mktemp("build"), version)
        return done[version]

    return of_version
