"""`broadsheet import`: from a command to a site."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from local.cli.import_ import Format
from local.importers import FORMATS
from local.watch import REPORT_FILE
from tests.commands import broadsheet
from tests.importers.shop import dumped

if TYPE_CHECKING:
    from pathlib import Path

ITEM = {
    "id": "1",
    "url": "https://log.example/ferry/",
    "title": "Ferry runs again",
    "content_html": "<p>It sails.</p><script>x</script>",
    "date_published": "2026-05-04T09:30:00Z",
}
VERSION = "https://jsonfeed.org/version/1.1"


def feed(folder: Path, *items: object) -> str:
    return str(dumped(folder, "feed.json", {"version": VERSION, "title": "Log", "items": items}))


def test_what_is_imported_can_be_checked_at_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = str(tmp_path / "out")
    assert broadsheet("import", "--from", "jsonfeed", feed(tmp_path, ITEM, {}), "--out", out) == 0
    told = " ".join(capsys.readouterr().out.split())
    assert "1 <script> is left out" in told
    assert "1 articles and 0 pictures" in told
    assert "1 items left out, 1 not whole" in told
    assert broadsheet("check", out) == 0
    report = json.loads((tmp_path / "out" / REPORT_FILE).read_text("utf-8"))
    assert [line["file"] for line in report["items"]] == ["ferry.json", ""]
    assert report["complete"] is True


def test_an_import_of_nothing_fails(tmp_path: Path) -> None:
    source, out = feed(tmp_path, {}), str(tmp_path / "out")
    assert broadsheet("import", "--from", "jsonfeed", source, "--out", out) == 1


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--from", "ghost"], "no Ghost export"),
        (["--from", "jsonfeed", "--timezone", "Mars/Base"], "no time zone Mars/Base"),
        (["--from", "jsonfeed", "--timezone", "../etc/passwd"], "no time zone"),
        (["--from", "jsonfeed", "--base-url", "old.example"], "no http or https URL"),
        (["--from", "rss"], "rss"),
        ([], "--from"),
    ],
)
def test_what_cannot_be_done_is_told(
    tmp_path: Path, options: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    out = ["--out", str(tmp_path / "out")]
    assert broadsheet("import", feed(tmp_path, ITEM), *options, *out) == 2
    assert said in " ".join(capsys.readouterr().err.replace("│", " ").split())


def test_a_message_cannot_reach_the_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    nasty = ITEM | {"tags": ["\x1b]0;x\x07" + "!" * 5, "[red]!"], "language": "\x1b[31mx"}
    broadsheet("import", "--from", "jsonfeed", feed(tmp_path, nasty), "--out", f"{tmp_path}/out")
    assert "\x1b" not in capsys.readouterr().out


def test_the_command_knows_all_formats() -> None:
    assert {found.value for found in Format} == set(FORMATS)
