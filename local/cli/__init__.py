"""The command line, `broadsheet`: one module for each command or group of commands.

Exit status of all: 0 if all is well, 1 if something is wrong with the articles or the site, 2 if
what was asked for can't be done.
"""

import sys
from collections.abc import Sequence

import typer
from rich.console import Console
from rich.text import Text

from broadsheet.errors import BroadsheetError
from local.cli.check import check
from local.cli.import_ import import_
from local.positions import harmless

IMPOSSIBLE = 2

app = typer.Typer(
    name="broadsheet",
    help="Check, preview, upload and look after the articles of a Broadsheet site.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command()(check)
app.command("import")(import_)


@app.callback()
def common() -> None:
    """What all commands have in common."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command and exit. What can't be done is told in one line."""
    try:
        app(args=None if arguments is None else list(arguments))
    except (BroadsheetError, OSError) as error:
        said = Text.assemble(("error", "bold red"), f"  {harmless(_said(error))}")
        Console(stderr=True, highlight=False, soft_wrap=True).print(said)
        sys.exit(IMPOSSIBLE)


def _said(error: Exception) -> str:
    if isinstance(error, OSError) and error.filename:
        return f"{error.filename}: {error.strerror}"
    return str(error)
