"""Fixtures: a clean environment with fake credentials, and a newsroom in moto."""

from __future__ import annotations

import gc
import io
import time
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings
from moto import mock_aws

import app
import pictures
from broadsheet import sources
from tests.hostile.browser import chromium
from tests.newsroom import ENVIRONMENT, Newsroom, make_buckets, make_distribution

if TYPE_CHECKING:
    from collections.abc import Iterator

# For test_histories.py; see there.
settings.register_profile(
    "long",
    max_examples=10_000,
    stateful_step_count=50,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    report_multiple_bugs=False,
)


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test sees the credentials and settings of the machine, nor what another one has read."""
    monkeypatch.setattr(sources, "_last_site", {})
    for name in (
        "AWS_PROFILE",
        "AWS_REGION",
        "AWS_ENDPOINT_URL",
        "AWS_SESSION_TOKEN",
        "QUEUE_URL",
        "EVENT_BUS",
        "SCHEDULE_GROUP",
        "REBUILD_MACHINE_ARN",
        "INVALIDATE_BY",
    ):
        monkeypatch.delenv(name, raising=False)
    for name, value in (ENVIRONMENT | {"DISTRIBUTION_ID": "EDFDVBD6EXAMPLE"}).items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def browser() -> str:
    """The program of a browser; without one a test that needs it is skipped."""
    program = chromium()
    if program is None:
        pytest.skip("no Chromium on PATH: install chromium or set CHROMIUM")
    return program


@pytest.fixture
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits between two attempts."""
    monkeypatch.setattr(time, "sleep", lambda _seconds: None)


@pytest.fixture
def uncollected() -> Iterator[None]:
    """Nobody looks for garbage: what is let go of is gone at once, or stays."""
    gc.disable()
    yield
    gc.enable()


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """What the function logs."""
    stream = io.StringIO()
    monkeypatch.setattr(app.logger.registered_handler, "stream", stream)
    return stream


_encode = pictures.Picture.variant
_encoded: dict[tuple[str, int, str], bytes] = {}


def _variant(picture: pictures.Picture, width: int, extension: str) -> bytes:
    """A variant that was encoded before is the same again, and AVIF takes its time."""
    key = (picture.digest, width, extension)
    if key not in _encoded:
        _encoded[key] = _encode(picture, width, extension)
    return _encoded[key]


@pytest.fixture
def newsroom(monkeypatch: pytest.MonkeyPatch) -> Iterator[Newsroom]:
    """An empty site, its source bucket versioned, its handler's calls made one after the other."""
    monkeypatch.setattr(pictures.Picture, "variant", _variant)
    with mock_aws():
        make_buckets()
        monkeypatch.setenv("DISTRIBUTION_ID", make_distribution())
        yield Newsroom()
