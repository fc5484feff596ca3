"""`broadsheet check`: what is wrong with files, before they are uploaded."""

import json
from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from local.cli.common import Root, counted
from local.inspection import Finding, gather, inspect
from local.positions import harmless


class Format(StrEnum):
    """How problems are told."""

    TEXT = "text"
    JSON = "json"
    GITHUB = "github"


def check(
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE", exists=True, help="Articles, site.json, pictures, or folders of them."
        ),
    ],
    root: Root = None,
    output: Annotated[
        Format, typer.Option("--format", help="For people, programs or GitHub's annotations.")
    ] = Format.TEXT,
) -> None:
    """Check files as the site's functions will, with line and column of each problem.

    The exit status is 0 if they can be published, 1 if something is wrong with one of them.
    """
    try:
        sources = gather(files, root)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    findings = [finding for source in sources for finding in inspect(source)]
    if output is Format.JSON:
        typer.echo(json.dumps([_as_json(finding) for finding in findings], indent=2))
    elif output is Format.GITHUB:
        for finding in findings:
            typer.echo(annotation(finding))
    else:
        console = Console(highlight=False, soft_wrap=True)
        show(console, findings)
        console.print(_summary(len(sources), findings))
    if any(not finding.is_warning for finding in findings):
        raise typer.Exit(1)


def show(console: Console, findings: Iterable[Finding]) -> None:
    """Tell findings with the line that each is in and a caret below the place."""
    for finding in findings:
        place, problem = finding.place, finding.problem
        where = (f"{harmless(str(finding.file))}:{place.line}:{place.column}", "bold")
        kind = ("warning", "yellow") if finding.is_warning else ("error", "bold red")
        said = harmless(f"{problem.path or '(whole file)'} {problem.message}")
        console.print(Text.assemble(where, ": ", kind, f": {said}"))
        if place.excerpt:
            # Some characters are two cells wide, and some none.
            before = " " * cell_len(place.excerpt[: place.mark])
            console.print(Text.assemble((f"{place.line:>6} │ ", "dim"), place.excerpt))
            console.print(Text.assemble((f"{'':>6} │ ", "dim"), before, ("^", "bold red")))


def _summary(looked_at: int, findings: list[Finding]) -> Text:
    errors = [finding for finding in findings if not finding.is_warning]
    warnings = len(findings) - len(errors)
    wrong = len({finding.file for finding in errors})
    said = f"{counted(looked_at, 'file')} looked at, "
    said += f"{counted(len(errors), 'problem')} in {wrong}" if errors else "nothing wrong"
    said += f", {counted(warnings, 'warning')}" if warnings else ""
    return Text(f"{said}.", style="bold red" if errors else "bold green")


def _as_json(finding: Finding) -> dict[str, str | int]:
    return {
        "file": str(finding.file),
        "line": finding.place.line,
        "column": finding.place.column,
        "path": finding.problem.path,
        "message": finding.problem.message,
        "level": "warning" if finding.is_warning else "error",
    }


def annotation(finding: Finding) -> str:
    """A finding as a command of GitHub's workflows.

    https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands; the
    escapes are those of its toolkit: of data %, CR and LF, of properties also colon and comma.
    """
    problem, place = finding.problem, finding.place
    level = "warning" if finding.is_warning else "error"
    name = str(finding.file).encode(errors="replace").decode()
    file = _escaped(name).replace(":", "%3A").replace(",", "%2C")
    said = _escaped(f"{problem.path} {problem.message}".strip())
    return f"::{level} file={file},line={place.line},col={place.column}::{said}"


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
