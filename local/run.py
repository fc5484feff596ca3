"""`make run`: the whole of Broadsheet on this machine, without an AWS account.

An article saved in the watched folder goes the way that it goes on AWS: source bucket,
notification, queue, function, site bucket, invalidation, CDN. Only AWS itself is played (by moto),
and CloudFront by `local.cdn`.
"""

import errno
import os
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from http import HTTPStatus
from pathlib import Path

from botocore.exceptions import BotoCoreError
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from broadsheet.settings import Settings
from broadsheet.store import Store, utc_now
from local.aws import SCHEDULE_GROUP, SITE_BUCKET, SOURCE_BUCKET, LocalAws, LocalAwsError, local_aws
from local.cdn import Cdn, CdnServer, Invalidations
from local.function import environment, functions
from local.options import Options, copy_samples, parse
from local.pump import Handler, Invocation, Pump
from local.running import announced
from local.tell import Teller, explain, listed
from local.template import Template
from local.timer import Timer
from local.watch import SITE_FILE, Folder

Pumps = tuple[Pump, Pump]  # for articles and for pictures
WORKING_FOLDER = Path("articles")
# What a shell reports for a program that Ctrl-C ended.
INTERRUPTED = 128 + signal.SIGINT
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class UsageError(Exception):
    """What was asked for can't be done; the message says why and what can."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run until Ctrl-C or SIGTERM, or once; return the exit status."""
    options = parse(arguments)
    console = Console(file=sys.stdout, highlight=False)
    for number in STOP_SIGNALS:
        signal.signal(number, _interrupt)
    try:
        with ExitStack() as stack:
            return _run(options, console, stack)
    except (UsageError, LocalAwsError, BotoCoreError, OSError) as error:
        console.print(f"[bold red]error[/]  {escape(str(error))}", soft_wrap=True)
        return 1
    except KeyboardInterrupt:
        console.print("Stopped.")
        return INTERRUPTED if options.once else 0


def _interrupt(*_: object) -> None:
    """End by way of KeyboardInterrupt, and let nothing interrupt the cleaning up."""
    for number in STOP_SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


def _run(options: Options, console: Console, stack: ExitStack) -> int:
    folder_path = _articles(options, console, stack)
    server = stack.enter_context(take_port(options.port))
    template = Template.read()
    with console.status("Starting a local AWS …"):
        aws = stack.enter_context(local_aws(template))
        variables = environment(aws, server.url)
        handlers = stack.enter_context(functions(variables, options.log))
    folder = Folder(folder_path, aws.s3, SOURCE_BUCKET, console.print)
    teller = Teller(console, aws.s3, SOURCE_BUCKET, folder, options.log)
    pumps = pumps_of(aws, template, handlers, teller.tell)
    server.cdn = cdn_of(aws, template)
    good = _publish_all(folder, pumps, teller, console)
    if options.once:
        return 0 if good and _home_is_there(server.cdn, console) else 1
    stack.enter_context(announced(aws.endpoint, variables))
    explain(console, server.url, aws, folder_path, options.log)
    timer = Timer(aws.scheduler, aws.sqs, SCHEDULE_GROUP, aws.queue_url, utc_now)
    return _serve(server, pumps, folder, timer, console)


def pumps_of(
    aws: LocalAws,
    template: Template,
    handlers: tuple[Handler, Handler],
    tell: Callable[[Invocation], None],
) -> Pumps:
    """What feeds the handlers, publish and media, from their queues."""
    publish, media = handlers
    pump = Pump(
        sqs=aws.sqs,
        queue_url=aws.queue_url,
        queue_arn=aws.queue_arn,
        handler=publish,
        timeout_seconds=template.timeout_seconds(),
        max_receive_count=int(template.queue()["RedrivePolicy"]["maxReceiveCount"]),
        tell=tell,
    )
    of_media = replace(
        pump,
        queue_url=aws.media_queue_url,
        queue_arn=aws.media_queue_arn,
        handler=media,
        timeout_seconds=template.timeout_seconds("Media"),
        batch_size=1,
    )
    return pump, of_media


def cdn_of(aws: LocalAws, template: Template) -> Cdn:
    """What stands for the distribution of the site bucket."""
    invalidations = Invalidations(aws.cloudfront, aws.distribution_id)
    store = Store(Settings.from_environment({**os.environ, "AWS_ENDPOINT_URL": aws.endpoint}))
    return Cdn(
        aws.s3,
        SITE_BUCKET,
        invalidations,
        template.security_headers,
        lambda path: store.redirect(path) or "",
    )


@contextmanager
def take_port(port: int) -> Iterator[CdnServer]:
    """A server without a CDN yet. Raises UsageError where the port can't be had."""
    try:
        server = CdnServer(port)
    except (OSError, OverflowError) as error:
        taken = isinstance(error, OSError) and error.errno == errno.EADDRINUSE
        reason = "is in use by another program" if taken else f"can't be used ({error})"
        raise UsageError(f"Port {port} {reason}. Choose another: make run PORT=8081") from error
    with server:
        yield server


def _articles(options: Options, console: Console, stack: ExitStack) -> Path:
    """Return the folder to publish; without one, a copy of the samples that may be edited."""
    if options.articles is not None:
        if not options.articles.is_dir():
            raise UsageError(f"There is no folder {options.articles}.")
        return options.articles
    if options.once:
        temporary = stack.enter_context(tempfile.TemporaryDirectory())
        copy_samples(Path(temporary) / "articles")
        return Path(temporary) / "articles"
    if not WORKING_FOLDER.exists():
        copy_samples(WORKING_FOLDER)
        console.print(f"Copied the sample articles to {WORKING_FOLDER}/: they are yours to change.")
    return WORKING_FOLDER


def _publish_all(folder: Folder, pumps: Pumps, teller: Teller, console: Console) -> bool:
    """Publish all of the folder with a progress bar; return whether nothing was refused."""
    began = time.monotonic()
    columns = (TextColumn("{task.description:9}"), BarColumn(), MofNCompleteColumn())
    teller.quiet = True
    with Progress(*columns, TimeElapsedColumn(), console=console, transient=True) as progress:
        # The site's own file first: once there are articles, a change of it publishes them again.
        folder.sync(only=SITE_FILE.__eq__)
        _drain(pumps, lambda: None)
        total = folder.count()
        uploading = progress.add_task("Upload", total=total)
        publishing = progress.add_task("Publish", total=total)
        folder.sync(done=lambda _: progress.advance(uploading))
        _drain(pumps, lambda: progress.update(publishing, completed=teller.handled()))
    teller.quiet = False
    counts = teller.counts()
    seconds = time.monotonic() - began
    console.print(f"{folder.path}: {listed(counts)} in {seconds:.1f} s", soft_wrap=True)
    return not counts["rejected"] and not counts["failed"]


def _drain(pumps: Pumps, after_each: Callable[[], None]) -> None:
    """Deliver until the queues are empty, what waits for another attempt included."""
    while waiting := [pump for pump in pumps if pump.is_waiting()]:
        for pump in waiting:
            pump.deliver(wait_seconds=0 if len(waiting) > 1 else 1)
            after_each()


def _home_is_there(cdn: Cdn, console: Console) -> bool:
    status = cdn.answer("/").status
    console.print(f"The home page answers {status.value} {status.phrase}.")
    return status == HTTPStatus.OK


def _serve(server: CdnServer, pumps: Pumps, folder: Folder, timer: Timer, console: Console) -> int:
    """Serve, deliver and watch until somebody stops us; return 1 if one of these broke."""
    stop = threading.Event()
    broken: list[Exception] = []

    def guarded(work: Callable[[threading.Event], None]) -> None:
        try:
            work(stop)
        # Whatever it is, the others must not go on as if all were well.
        except Exception as error:  # noqa: BLE001 (ends the run, below)
            broken.append(error)
            stop.set()

    threads = [
        threading.Thread(target=guarded, args=(work,), daemon=True)
        for work in (
            lambda _: server.serve_forever(poll_interval=0.1),
            *(pump.run for pump in pumps),
            folder.watch,
            timer.run,
        )
    ]
    for thread in threads:
        thread.start()
    try:
        stop.wait()
    finally:
        stop.set()
        server.shutdown()
        for thread in threads:
            thread.join(timeout=5)
    console.print(f"[bold red]error[/]  {escape(repr(broken[0]))}", soft_wrap=True)
    return 1


if __name__ == "__main__":
    sys.exit(main())
