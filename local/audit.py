"""Audits pinned packages for known vulnerabilities, by pip-audit: `make audit`.

No answer must not pass for a good one. pip-audit leaves out, and ends well, what its service does
not know: everything, say, where an index has no advisories. So each service is first asked of a
release that is known to be vulnerable, and is believed only if it knows that.
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.template import ROOT

PIP_AUDIT = ROOT / ".venv-audit" / "bin" / "pip-audit"
# Its sandbox can be left: PYSEC-2019-217 and others.
KNOWN = "jinja2==2.10"
# PyPI's own advisories, or else those of OSV: https://github.com/pypa/pip-audit
SERVICES = ("pypi", "osv")
MINUTES = 10
# How pip-audit ends where its service does not answer, or not as it should; any other end is a
# fault of what it was given.
_NO_ANSWER = re.compile(
    r"requests\.exceptions\.|pip_audit\._service\.interface\.|Could not connect|not redirecting"
)


class UnreachedError(Exception):
    """The service with the advisories did not answer."""


@dataclass(frozen=True)
class Audit:
    """Which releases were looked up, what was found, and what the service does not know."""

    releases: frozenset[str] = frozenset()
    findings: frozenset[str] = frozenset()
    unknown: frozenset[str] = frozenset()

    def __or__(self, other: "Audit") -> "Audit":
        """Both together: environments have packages in common, and in different versions."""
        return Audit(
            self.releases | other.releases,
            self.findings | other.findings,
            self.unknown | other.unknown,
        )

    @classmethod
    def parse(cls, report: str) -> "Audit":
        """Read pip-audit's JSON. Raises ValueError for anything else."""
        try:
            dependencies: list[dict[str, Any]] = json.loads(report)["dependencies"]
            known = [one for one in dependencies if "skip_reason" not in one]
            return cls(
                frozenset(f"{one['name']} {one['version']}" for one in known),
                frozenset(_line(one, flaw) for one in known for flaw in one["vulns"]),
                frozenset(one["name"] for one in dependencies if "skip_reason" in one),
            )
        except (KeyError, TypeError) as error:
            raise ValueError("is no report of pip-audit") from error


def _line(package: dict[str, Any], flaw: dict[str, Any]) -> str:
    names = ", ".join([flaw["id"], *flaw.get("aliases", ())])
    mended = ", ".join(flaw["fix_versions"]) or "no version yet"
    return f"{package['name']} {package['version']}: {names}; mended in {mended}"


@dataclass(frozen=True)
class Auditor:
    """pip-audit with one service; ``options`` are given on to it."""

    service: str
    options: tuple[str, ...] = ()

    def audit(self, requirements: Path) -> Audit:
        """Look up what is pinned in a requirements file.

        Raises UnreachedError if the service did not answer, ValueError if pip-audit failed.
        """
        command = [str(PIP_AUDIT), "--vulnerability-service", self.service, *self.options]
        command += ["--format", "json", "--progress-spinner", "off", "--no-deps", "--disable-pip"]
        command += ["-r", str(requirements)]
        try:
            done = subprocess.run(  # noqa: S603 (a program of the project's own environment)
                command,
                capture_output=True,
                text=True,
                check=False,
                timeout=60 * MINUTES,
            )
        except subprocess.TimeoutExpired as error:
            raise UnreachedError(f"it took more than {MINUTES} minutes") from error
        # It ends with 1 where it found something and where it failed: only the report tells which.
        if done.stdout.strip():
            return Audit.parse(done.stdout)
        reason = (done.stderr.strip() or f"pip-audit ended with {done.returncode}").splitlines()[-1]
        if _NO_ANSWER.search(reason):
            raise UnreachedError(reason)
        raise ValueError(reason)

    def is_reached(self) -> bool:
        """Whether the service knows of a vulnerability that is well known; says if not.

        Raises ValueError if pip-audit failed.
        """
        with tempfile.TemporaryDirectory() as folder:
            known = Path(folder) / "requirements.txt"
            known.write_text(f"{KNOWN}\n", encoding="utf-8")
            try:
                found = self.audit(known).findings
            except UnreachedError as error:
                _say(f"  {self.service} is not reached: {error}")
                return False
        if not found:
            _say(f"  {self.service} has no advisories here: it knows nothing of {KNOWN}")
        return bool(found)


def verdict(auditors: Iterable[Auditor], requirements: Sequence[Path], *, required: bool) -> int:
    """Audit by the first service that is reached, and say what came of it; the exit status.

    It is 1 if something was found or, where an audit is ``required``, if not all was audited.
    Raises ValueError if pip-audit failed.
    """
    auditor = next((one for one in auditors if one.is_reached()), None)
    if auditor is None:
        _say("NOT AUDITED: no service with advisories is reached from here.")
        return int(required)
    audit, complete = Audit(), True
    try:
        for path in requirements:
            audit |= auditor.audit(path)
    except UnreachedError as error:
        _say(f"NOT AUDITED: {auditor.service} was reached and then failed: {error}")
        complete = False
    for finding in sorted(audit.findings):
        _say(f"VULNERABLE: {finding}")
    if audit.unknown:
        _say(f"NOT AUDITED: {auditor.service} does not know {', '.join(sorted(audit.unknown))}")
        complete = False
    if not audit.findings:
        _say(f"{auditor.service} knows of no vulnerability in {len(audit.releases)} releases")
    return int(bool(audit.findings) or (required and not complete))


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Read the command line and audit; the exit status."""
    parser = argparse.ArgumentParser(prog="local.audit", description=__doc__)
    parser.add_argument("requirements", nargs="+", type=Path)
    parser.add_argument("--required", action="store_true", help="fail where nothing is audited")
    parser.add_argument("--osv-url", help="ask this service, which speaks as OSV does")
    options = parser.parse_args(arguments)
    auditors = [Auditor(service) for service in SERVICES]
    if options.osv_url:
        auditors = [Auditor("osv", ("--osv-url", options.osv_url))]
    try:
        return verdict(auditors, options.requirements, required=options.required)
    except (ValueError, OSError) as error:
        _say(f"THE AUDIT FAILED: {error}")
        return 1


if __name__ == "__main__":
    sys.exit(main())
