"""`broadsheet preview`: an article in the browser before it is uploaded."""

import signal
import threading
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from broadsheet.schedule import Standing
from broadsheet.store import utc_now
from local.cli.check import show
from local.cli.common import Root, out
from local.deployment import RefusedError
from local.inspection import Source
from local.positions import harmless
from local.preview import Preview, PreviewServer, Shot
from local.template import Template


def preview(
    file: Annotated[
        Path,
        typer.Argument(metavar="FILE", exists=True, dir_okay=False, help="The article's file."),
    ],
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: any that is free.")] = 8081,
    root: Root = None,
) -> None:
    """Show an article as it will be published, drafts as well, and anew whenever its file changes.

    It is served to this machine alone, until Ctrl-C. Nothing is written.
    """
    try:
        source = Source.of(file, root)
        server = PreviewServer(port, Template.read().security_headers())
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    except OSError as error:
        reason = f"port {port} can't be had: {error.strerror}. Choose another: --port 8082"
        raise RefusedError(reason) from error
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    with server:
        server.preview = Preview(source, server.url)
        _tell(server.url, server.preview.shot())
        threading.Thread(target=server.serve_forever, args=(0.1,), daemon=True).start()
        server.preview.watch(stop, lambda shot: _tell(server.url, shot))
        server.shutdown()
    out().print("Stopped.")


def _tell(url: str, shot: Shot) -> None:
    """Say where it is to be seen, and what is wrong with it."""
    said = "can't be published"
    if shot.article:
        standing = Standing.of(shot.article, utc_now())
        said = f"{standing.phase} until {standing.until}" if standing.until else standing.phase
    out().print(Text.assemble((f"{url}{shot.path}", "bold"), f"  {harmless(said)}"))
    show(out(), shot.findings)
