from __future__ import annotations

from typing import TYPE_CHECKING

from tests.browser import tools

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_what_is_missing_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def install(name: str, says: str = "") -> None:
        program = tmp_path / name
        program.write_text(f"#!/bin/sh\necho {says}\n")
        program.chmod(0o755)

    monkeypatch.delenv("CHROMIUM", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(tools, "MODULES", tmp_path)

    assert "install chromium" in tools.missing()
    install("chromium")
    assert "install default-jre-headless" in tools.missing()
    install("java")
    assert "install npm" in tools.missing()
    (tmp_path / "ready").touch()
    assert "Node.js 22.19" in tools.missing()
    install("node", "v22.18.0")
    assert "Node.js 22.19" in tools.missing()
    install("node", "v23.0.1")
    assert tools.missing() == ""
