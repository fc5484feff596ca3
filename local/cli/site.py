"""Commands for the whole site: `broadsheet rebuild` and `broadsheet verify`."""

import json
import time
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Annotated

import typer
from rich.text import Text

from broadsheet import addresses
from broadsheet.settings import Settings
from broadsheet.store import Store
from broadsheet.verify import Verifier, Walk
from local.cli.common import bars, connect, out
from local.cli.upload import PATIENCE
from local.deployment import Deployment
from local.positions import harmless
from local.rebuilds import Counts, counts_since
from local.uploading import listed

# Seconds between two looks at the receipts of all articles.
PAUSE = 2.0
# As S3 counts time; one more than it can be off by.
SECOND = 1.1


def rebuild(
    context: typer.Context,
    *,
    wait: Annotated[bool, typer.Option(help="Wait until every page has been made anew.")] = True,
    timeout: Annotated[
        float, typer.Option(min=1, help="Seconds without any news after which to give up waiting.")
    ] = PATIENCE,
) -> None:
    """Make every page anew, as after a new version or a change of the domain.

    The site stays up meanwhile. The exit status is 1 if it is not known that all were made.
    """
    deployment = connect(context)
    if deployment.settings.rebuild_machine:
        _by_map(deployment, timeout if wait else 0)
        return
    keys = listed(deployment, addresses.ARTICLES).keys()
    due = {addresses.receipt_key(key) for key in (addresses.SITE_JSON, *keys)}
    began = _now(deployment)
    # What has a receipt of this second may be older than the message.
    time.sleep(SECOND)
    _ask(deployment)
    if not wait:
        out().print(f"{len(keys):,} articles are made anew in the background.")
        return
    last = time.monotonic()
    with bars() as progress:
        making = progress.add_task("Rebuild", total=len(due))
        while due and time.monotonic() - last < timeout:
            made = {
                key
                for key, receipt in listed(deployment, "receipts/").items()
                if receipt.modified.timestamp() > began
            }
            last = time.monotonic() if due & made else last
            due -= made
            progress.update(making, completed=len(keys) + 1 - len(due))
            if due:
                time.sleep(PAUSE)
    if due:
        out().print(
            f"[bold red]{len(due):,} of {len(keys) + 1:,} are not known to be made anew.[/]"
        )
        raise typer.Exit(1)
    out().print(f"[bold green]OK[/]  {len(keys):,} articles made anew.")


def _ask(deployment: Deployment) -> None:
    message = {"reconcile": {"keys": [addresses.SITE_JSON]}}
    deployment.sqs.send_message(
        QueueUrl=deployment.settings.queue_url, MessageBody=json.dumps(message)
    )


def _by_map(deployment: Deployment, timeout: float) -> None:
    """Have it done by the state machine, and follow it as long as there is news."""
    # What began in this second may be older than the message, and have read an older site.json.
    began = datetime.fromtimestamp(_now(deployment) + 1, UTC)
    time.sleep(SECOND)
    _ask(deployment)
    if not timeout:
        out().print("All articles are made anew in the background.")
        return
    last = time.monotonic()
    counts = Counts()
    with bars() as progress:
        making = progress.add_task("Rebuild", total=None)
        while counts.is_running and time.monotonic() - last < timeout:
            time.sleep(PAUSE)
            newest = counts_since(deployment, began)
            last = time.monotonic() if newest != counts else last
            counts = newest
            progress.update(making, total=counts.total or None, completed=counts.done)
    if counts.status == "SUCCEEDED" and not counts.failed:
        out().print(f"[bold green]OK[/]  {counts.total:,} articles made anew.")
        return
    if counts.is_running:
        out().print(
            f"[bold red]{counts.done:,} of {counts.total:,} are made anew[/], and nothing more for "
            f"{timeout:,.0f} s. It goes on in the background."
        )
    else:
        out().print(
            f"[bold red]{counts.failed:,} of {counts.total:,} could not be made anew[/] and "
            f"were left to the queue ({counts.status}). Details: "
            f"s3://{deployment.settings.source_bucket}/receipts/rebuild.json"
        )
    raise typer.Exit(1)


def _now(deployment: Deployment) -> float:
    """The time by S3's clock, by which receipts are dated."""
    answer = deployment.s3.head_bucket(Bucket=deployment.settings.source_bucket)
    headers = answer["ResponseMetadata"]["HTTPHeaders"]
    return parsedate_to_datetime(headers["date"]).timestamp() if "date" in headers else time.time()


def verify(
    context: typer.Context,
    *,
    repair: Annotated[bool, typer.Option("--repair", help="Repair what differs.")] = False,
) -> None:
    """Compare the site with its sources, as the stack itself does every week.

    Use the version that is deployed: another one makes other pages, and would call all of them
    different. The exit status is 1 if something differs that has not been repaired.
    """
    deployment = connect(context)
    console = out()
    settings = _without_queue(deployment.settings)
    console.print(f"Comparing {settings.site_bucket} with {settings.source_bucket} …")
    checked = ours = foreign = 0
    for walk, step in Verifier(Store(settings), settings).steps(Walk(), repair=repair):
        checked += step.checked
        for difference in step.differences:
            said = f"{walk.part:9} {harmless(difference.key)} {difference.what}"
            console.print(Text(said, style="dim" if difference.foreign else "yellow"))
            foreign += difference.foreign
            ours += not difference.foreign
    if foreign:
        console.print(f"{foreign:,} objects are none of the site's and were left alone.")
    if not ours:
        console.print(f"[bold green]OK[/]  {checked:,} keys looked at, nothing differs.")
        return
    told = f"{checked:,} keys looked at, {ours:,} differences"
    if not repair:
        console.print(f"[bold red]differs[/]  {told}. To repair them: broadsheet verify --repair")
        raise typer.Exit(1)
    console.print(f"[bold green]repaired[/]  {told}, all repaired.")


def _without_queue(settings: Settings) -> Settings:
    """So that repairs are made from here: then the end of this is the end of them."""
    return settings._replace(queue_url="")
