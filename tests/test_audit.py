"""The audit of dependencies: the real pip-audit, asking a service of advisories on loopback."""

from __future__ import annotations

import json
import re
import threading
import tomllib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from local.audit import KNOWN, PIP_AUDIT, Audit, main
from tests.cloudformation import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

needs_pip_audit = pytest.mark.skipif(
    not PIP_AUDIT.exists(), reason="no .venv-audit: `make test` sets it up"
)
FLAW = {
    "id": "PYSEC-2019-217",
    "aliases": ["CVE-2019-10906"],
    "details": "The sandbox can be left.",
    "affected": [
        {
            "package": {"ecosystem": "PyPI", "name": "jinja2"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "2.10.1"}]}],
        }
    ],
}


class Service(ThreadingHTTPServer):
    """Speaks as OSV does: ``flawed`` are releases it knows to be, at ``broken`` it fails."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.flawed = {KNOWN}
        self.broken: set[str] = set()
        self.asked: list[str] = []
        self.url = f"http://127.0.0.1:{self.server_port}/v1/query"


class _Handler(BaseHTTPRequestHandler):
    server: Service

    def do_POST(self) -> None:
        query = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        release = f"{query['package']['name']}=={query['version']}"
        self.server.asked.append(release)
        vulns = [FLAW] if release in self.server.flawed else []
        body = json.dumps({"vulns": vulns} if vulns else {}).encode()
        self.send_response(500 if release in self.server.broken else 200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def service() -> Iterator[Service]:
    server = Service()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def pinned(tmp_path: Path) -> Path:
    """Requirements as uv exports them."""
    path = tmp_path / "requirements.txt"
    path.write_text("jinja2==3.1.6\nnh3==0.3.8 ; python_version >= '3.11'\n")
    return path


@needs_pip_audit
def test_an_audit_that_finds_nothing_says_how_much_it_has_seen(
    service: Service, pinned: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--required", "--osv-url", service.url, str(pinned)]) == 0

    assert capsys.readouterr().out == "osv knows of no vulnerability in 2 releases\n"
    assert service.asked == [KNOWN, "jinja2==3.1.6", "nh3==0.3.8"]


@needs_pip_audit
def test_a_vulnerable_pin_fails_the_audit(
    service: Service, pinned: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # Another environment has the package too, in another version.
    bad = pinned.with_name("more.txt")
    bad.write_text(f"{KNOWN}\n")

    assert main(["--osv-url", service.url, str(pinned), str(bad)]) == 1

    line = "VULNERABLE: {}: PYSEC-2019-217, CVE-2019-10906; mended in 2.10.1"
    assert capsys.readouterr().out.splitlines() == [line.format("jinja2 2.10")]


@needs_pip_audit
@pytest.mark.parametrize("required", [False, True])
def test_a_service_that_knows_nothing_is_not_believed(
    service: Service, pinned: Path, capsys: pytest.CaptureFixture[str], *, required: bool
) -> None:
    service.flawed.clear()

    status = main([*["--required"] * required, "--osv-url", service.url, str(pinned)])

    assert status == int(required)
    said = capsys.readouterr().out
    assert f"it knows nothing of {KNOWN}" in said
    assert "NOT AUDITED" in said
    assert service.asked == [KNOWN]


@needs_pip_audit
@pytest.mark.parametrize("required", [False, True])
def test_a_service_that_is_not_reached_is_no_finding(
    pinned: Path, capsys: pytest.CaptureFixture[str], *, required: bool
) -> None:
    # Nobody listens at port 9 (discard) of loopback.
    url = "http://127.0.0.1:9/v1/query"

    assert main([*["--required"] * required, "--osv-url", url, str(pinned)]) == int(required)

    said = capsys.readouterr().out
    assert "osv is not reached: " in said
    assert "NOT AUDITED" in said


@needs_pip_audit
@pytest.mark.parametrize("required", [False, True])
def test_a_service_that_fails_on_the_way_is_no_finding(
    service: Service, pinned: Path, capsys: pytest.CaptureFixture[str], *, required: bool
) -> None:
    service.broken.add("nh3==0.3.8")

    status = main([*["--required"] * required, "--osv-url", service.url, str(pinned)])

    assert status == int(required)
    assert "NOT AUDITED: osv was reached and then failed: " in capsys.readouterr().out


@needs_pip_audit
def test_what_was_found_before_the_service_failed_is_a_finding(
    service: Service, pinned: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = pinned.with_name("more.txt")
    bad.write_text(f"{KNOWN}\n")
    service.broken.add("nh3==0.3.8")

    assert main(["--osv-url", service.url, str(bad), str(pinned)]) == 1

    said = capsys.readouterr().out
    assert "NOT AUDITED: " in said
    assert "VULNERABLE: jinja2 2.10" in said


@needs_pip_audit
def test_requirements_that_can_not_be_audited_fail(
    service: Service, pinned: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pinned.write_text("jinja2>=3\n")

    assert main(["--osv-url", service.url, str(pinned)]) == 1

    assert "THE AUDIT FAILED: " in capsys.readouterr().out


def test_an_audit_without_pip_audit_fails(
    pinned: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("local.audit.PIP_AUDIT", pinned.with_name("none"))

    assert main([str(pinned)]) == 1

    assert "THE AUDIT FAILED: " in capsys.readouterr().out


def test_what_the_service_does_not_know_is_told_apart() -> None:
    report = {
        "dependencies": [
            {"name": "a", "version": "1", "vulns": []},
            {"name": "a", "version": "1", "vulns": []},
            {"name": "b", "version": "2", "vulns": [{"id": "X-1", "fix_versions": []}]},
            {"name": "c", "skip_reason": "Dependency not found on PyPI"},
        ]
    }

    assert Audit.parse(json.dumps(report)) == Audit(
        frozenset({"a 1", "b 2"}),
        frozenset({"b 2: X-1; mended in no version yet"}),
        frozenset({"c"}),
    )


@pytest.mark.parametrize("report", ["", "Traceback", "[]", "{}", '{"dependencies": [{}]}'])
def test_what_is_no_report_is_not_taken_for_one(report: str) -> None:
    with pytest.raises(ValueError, match=r"report|Expecting"):
        Audit.parse(report)


def test_every_group_of_dependencies_is_audited() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    recipe = makefile.partition("\naudit:")[2].partition("\n\n")[0]
    (alone,) = re.findall(r"for group in (.*);", recipe)

    audited = [*project["tool"]["uv"]["default-groups"], *alone.split()]
    assert sorted(audited) == sorted(project["dependency-groups"])
    assert "uv==$(UV_VERSION)" in recipe
    assert "\nmake audit\n" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")
