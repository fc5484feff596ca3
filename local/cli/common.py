"""What commands share: the deployment that was asked for, and how they speak."""

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text

from broadsheet import addresses
from local.deployment import Deployment, RefusedError, Target
from local.positions import harmless
from local.receipts import COLOURS

Root = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR",
        exists=True,
        file_okay=False,
        help="The folder that it is uploaded from, with site.json and media/: by default the "
        "nearest above the file with a site.json, or the file's own.",
    ),
]


def connect(context: typer.Context) -> Deployment:
    """The deployment that the options before the command name; says on stderr which it is."""
    target = context.obj
    assert isinstance(target, Target)  # noqa: S101 (the callback's)
    deployment = target.connect()
    errors().print(Text(harmless(deployment.name), style="dim"))
    return deployment


def out() -> Console:
    """Where results go."""
    return Console(highlight=False, soft_wrap=True)


def errors() -> Console:
    """Where everything else goes: progress, and what goes wrong."""
    return Console(stderr=True, highlight=False, soft_wrap=True)


def bars() -> Progress:
    """Progress bars, which leave nothing behind."""
    columns = (TextColumn("{task.description:9}"), BarColumn(), MofNCompleteColumn())
    console = errors()
    return Progress(
        *columns,
        TimeElapsedColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )


def coloured(status: str) -> Text:
    """A status in its colour, as wide as any."""
    return Text(f"{harmless(status):9}", style=COLOURS.get(status, ""))


def key_of(text: str, site_url: str) -> str:
    """The source key that is meant: by itself, its PATH, or its page's URL or path.

    Raises RefusedError where none can be meant.
    """
    path = text.removeprefix(site_url)
    if path == addresses.SITE_JSON or path.startswith(addresses.MEDIA):
        return path
    path = path.strip("/").removesuffix("/index.html")
    path = path.removeprefix(addresses.ARTICLES).removesuffix(".json")
    key = addresses.source_key(path)
    if addresses.article_path(key) is None:
        expected = "articles/PATH.json, PATH, or the address of an article"
        raise RefusedError(f"{text!r} names no article; expected {expected}")
    return key


def counted(number: int, what: str) -> str:
    """So many of something."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def is_interactive() -> bool:
    """Whether somebody can answer a question."""
    return sys.stdin.isatty()
