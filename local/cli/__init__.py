"""The command line, `broadsheet`: one module for each command or group of commands.

Exit status of all: 0 if all is well, 1 if something is wrong with the articles or the site, 2 if
what was asked for can't be done.
"""

import sys
from collections.abc import Sequence
from typing import Annotated

import typer
from botocore.exceptions import BotoCoreError, ClientError
from rich.text import Text

from broadsheet.errors import BroadsheetError
from local.cli.articles import list_articles, move, status, withdraw
from local.cli.check import check
from local.cli.common import errors
from local.cli.import_ import import_
from local.cli.preview import preview
from local.cli.site import rebuild, verify
from local.cli.upload import upload
from local.deployment import RefusedError, Target, explained
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
app.command()(preview)
app.command()(upload)
app.command()(status)
app.command("list")(list_articles)
app.command()(withdraw)
app.command()(move)
app.command()(rebuild)
app.command()(verify)
app.command("import")(import_)


@app.callback()
def choose(
    context: typer.Context,
    *,
    stack: Annotated[
        str,
        typer.Option(
            envvar="BROADSHEET_STACK",
            help="The stack on AWS to work with. Without one: the `make run` of this folder.",
        ),
    ] = "",
    profile: Annotated[str, typer.Option(help="The profile with your AWS credentials.")] = "",
    region: Annotated[str, typer.Option(help="The stack's AWS region.")] = "",
    local: Annotated[
        bool, typer.Option("--local", help="Work with the `make run` of this folder.")
    ] = False,
) -> None:
    """Check, preview, upload and look after the articles of a Broadsheet site."""
    context.obj = Target(stack, profile, region, local)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command and exit. What can't be done is told in one line."""
    try:
        app(args=None if arguments is None else list(arguments))
    except (BroadsheetError, RefusedError, BotoCoreError, ClientError, OSError) as error:
        errors().print(Text.assemble(("error", "bold red"), f"  {harmless(_said(error))}"))
        sys.exit(IMPOSSIBLE)


def _said(error: Exception) -> str:
    if isinstance(error, BotoCoreError | ClientError):
        return explained(error)
    if isinstance(error, OSError) and error.filename:
        return f"{error.filename}: {error.strerror}"
    return str(error)
