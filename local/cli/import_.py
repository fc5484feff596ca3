"""`broadsheet import`: what other systems export, as a folder of articles."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from local.importers import open_export
from local.importers.folder import Report, write
from local.importers.item import Options
from local.positions import harmless
from local.watch import REPORT_FILE

_SAID = 40


class Format(StrEnum):
    """What exports can be of; local.importers has one module for each."""

    WORDPRESS = "wordpress"
    GHOST = "ghost"
    JSONFEED = "jsonfeed"
    NINJS = "ninjs"
    HUGO = "hugo"


def import_(  # noqa: PLR0913, PLR0917 (a command has as many parameters as options)
    source: Annotated[
        Path, typer.Argument(metavar="PATH", exists=True, help="The export: a file or a folder.")
    ],
    name: Annotated[Format, typer.Option("--from", help="What the export is of.")],
    out: Annotated[
        Path,
        typer.Option(
            metavar="DIR", file_okay=False, help="Where to write: a new folder, or an import's."
        ),
    ] = Path("imported"),
    media: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            exists=True,
            file_okay=False,
            help="The uploaded pictures, such as wp-content/uploads; by default those beside the "
            "export.",
        ),
    ] = None,
    timezone: Annotated[
        str,
        typer.Option(
            metavar="ZONE",
            help="Of dates that say none, such as Europe/Berlin; by default the export's, or UTC.",
        ),
    ] = "",
    base_url: Annotated[
        str,
        typer.Option(metavar="URL", help="Where the old site was, if the export does not say."),
    ] = "",
) -> None:
    """Make a folder of articles of another system's export, and tell what was left out.

    Nothing is uploaded: look at DIR, then publish it. The exit status is 1 if no article was made.
    """
    options = Options(_zone(timezone), media, _address(base_url))
    console = Console(highlight=False, soft_wrap=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed:,}"))
    with Progress(*columns, TimeElapsedColumn(), console=console, transient=True) as progress:
        task = progress.add_task("Import", total=None)
        export = open_export(name.value, source, options)
        report = write(export, name.value, out, lambda: progress.advance(task))
    show(console, report)
    console.print(_summary(report, out))
    if not report.counts()["written"]:
        raise typer.Exit(1)


def _zone(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name) if name else None
    except (LookupError, ValueError, OSError) as error:
        raise typer.BadParameter(f"there is no time zone {name}") from error


def _address(url: str) -> str:
    if url and not url.startswith(("https://", "http://")):
        raise typer.BadParameter(f"{url} is no http or https URL")
    return url


def show(console: Console, report: Report) -> None:
    """Tell what was left out, in how many items; the report has it for each."""
    said = report.said()
    if said:
        table = Table(title="Not carried over", title_justify="left", box=None)
        table.add_column("items", justify="right")
        table.add_column("what", overflow="fold")
        for message, times in sorted(said.items(), key=lambda pair: (-pair[1], pair[0]))[:_SAID]:
            table.add_row(f"{times:,}", Text(harmless(message)))
        if len(said) > _SAID:
            table.add_row("", f"and {len(said) - _SAID:,} more")
        console.print(table)
    for message in report.site:
        console.print(Text.assemble(("site ", "yellow"), harmless(message)))


def _summary(report: Report, out: Path) -> Text:
    counts = report.counts()
    made = f"{counts['written']:,} articles and {counts['pictures']:,} pictures are in {out}"
    left = f"{counts['left out']:,} items left out, {counts['with warnings']:,} not whole"
    style = "bold green" if counts["written"] else "bold red"
    return Text(f"{made}; {left}: see {out / REPORT_FILE}.", style=style)
