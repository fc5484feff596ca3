"""Says on the terminal what became of each article, from the receipts that the function writes."""

import json
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError
from rich.console import Console, Group
from rich.markup import escape
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from local.aws import REGION, SITE_BUCKET, SOURCE_BUCKET, LocalAws
from local.pump import Delivery, Invocation
from local.receipts import COLOURS
from local.watch import Folder

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

READS_AT_ONCE = 8
# An invocation with more articles than this is told in one line.
MOST_LINES = 10
MOST_PANELS = 5
MOST_NAMES = 3
# A file that was written longer ago than this was not just saved: moved here, or uploaded again.
RECENT_SECONDS = 10


@dataclass
class Teller:
    """Tells of invocations; counts what became of the keys."""

    console: Console
    s3: "S3Client"
    bucket: str
    folder: Folder
    log: Path
    quiet: bool = False
    statuses: dict[str, str] = field(default_factory=dict)

    def tell(self, invocation: Invocation) -> None:
        """Read the receipts of an invocation's keys and say what they hold."""
        self._tell_failures(invocation)
        done = {
            key: delivery
            for delivery in invocation.deliveries
            if not delivery.failed
            for key in delivery.keys
        }
        with ThreadPoolExecutor(READS_AT_ONCE) as pool:
            receipts = dict(zip(done, pool.map(self._receipt, done), strict=True))
        self.statuses |= {key: str(receipt["status"]) for key, receipt in receipts.items()}
        self._tell_good(receipts, done, invocation)
        self._tell_previews(receipts.values())
        rejected = [key for key, receipt in receipts.items() if receipt["status"] == "rejected"]
        for key in rejected[:MOST_PANELS]:
            self._tell_rejected(key, receipts[key])
        if others := rejected[MOST_PANELS:]:
            where = f"s3://{self.bucket}/receipts/"
            self._say(
                f"[bold red]rejected[/]   {len(others)} more: {escape(_named(others))}; see {where}"
            )

    def handled(self) -> int:
        """Return how many keys were handled so far, for good or bad."""
        return len(self.statuses)

    def counts(self) -> Counter[str]:
        """Return how many keys have each status."""
        return Counter(self.statuses.values())

    def _receipt(self, key: str) -> dict[str, Any]:
        try:
            found = self.s3.get_object(Bucket=self.bucket, Key=f"receipts/{key}")
        except ClientError:  # no receipt, or a key that S3 can't have
            return {"status": "ignored"}
        receipt: dict[str, Any] = json.loads(found["Body"].read())
        return receipt

    def _tell_good(
        self,
        receipts: dict[str, dict[str, Any]],
        deliveries: dict[str, Delivery],
        invocation: Invocation,
    ) -> None:
        good = {key: one for key, one in receipts.items() if one["status"] != "rejected"}
        if self.quiet or not good:
            return
        if len(good) > MOST_LINES:
            counted = Counter(str(receipt["status"]) for receipt in good.values())
            self._say(f"{listed(counted)} in {invocation.seconds:.1f} s")
            return
        for key, receipt in good.items():
            status = str(receipt["status"])
            saved = self._saved_at(key, deliveries[key])
            until = receipt.get("scheduled_for")
            self._say(
                f"[{COLOURS.get(status, 'dim')}]{escape(status):9}[/]  "
                f"{escape(str(receipt.get('url') or key))}  "
                f"{escape(f'for {until}  ') if until else ''}"
                f"[dim]{(invocation.ended_at - saved) * 1000:.0f} ms after the change[/]"
            )
            for warning in receipt.get("warnings", []):
                said = f"{warning['path']} {warning['message']}"
                self._say(f"[yellow]but[/]        {escape(said)}")

    def _tell_previews(self, receipts: Iterable[dict[str, Any]]) -> None:
        """Say where previews are, of many articles, too: nobody could guess it."""
        found = [receipt for receipt in receipts if receipt.get("preview_url")]
        for receipt in found[:MOST_LINES]:
            said = f"{receipt['preview_url']}  until {receipt.get('preview_until')}"
            self._say(f"[cyan]preview[/]    {escape(said)}")
        if others := len(found[MOST_LINES:]):
            self._say(f"[cyan]preview[/]    {others} more; see s3://{self.bucket}/receipts/")

    def _saved_at(self, key: str, delivery: Delivery) -> float:
        saved = self.folder.saved_at(key)
        return saved if 0 <= delivery.sent_at - saved < RECENT_SECONDS else delivery.sent_at

    def _tell_rejected(self, key: str, receipt: dict[str, Any]) -> None:
        table = Table(box=None, padding=(0, 2, 0, 0), show_header=False)
        for error in receipt.get("errors", []):
            table.add_row(
                Text(str(error.get("path") or "(whole file)"), style="bold"),
                Text(str(error.get("message", ""))),
            )
        note = Text("The last good version, if there was one, stays live.", style="dim")
        title = f"[bold red]rejected[/]  {escape(self._name(key))}"
        panel = Panel(
            Group(table, note), title=title, title_align="left", border_style="red", expand=False
        )
        self.console.print(panel)

    def _name(self, key: str) -> str:
        file = self.folder.file_of(key)
        return str(file) if file.exists() else f"s3://{self.bucket}/{key}"

    def _tell_failures(self, invocation: Invocation) -> None:
        """Say what failed, but of each message only the first and the last attempt."""
        failed = [delivery for delivery in invocation.deliveries if delivery.failed]
        dead = [delivery for delivery in failed if delivery.dead]
        self.statuses |= dict.fromkeys(_keys(dead), "failed")
        why = f": {invocation.error!r}" if invocation.error else ""
        log = escape(str(self.log))
        if first := [delivery for delivery in failed if delivery.attempt == 1]:
            named = escape(_named(_keys(first)) + why)
            self._say(f"[bold red]failed[/]     {named}; trying again. The reason is in {log}")
        if dead:
            named = escape(_named(_keys(dead)) + why)
            self._say(f"[bold red]given up[/]   {named}; moved to the dead-letter queue. See {log}")

    def _say(self, text: str) -> None:
        self.console.print(
            f"[dim]{datetime.now().astimezone():%H:%M:%S}[/]  {text}", soft_wrap=True
        )


def _keys(deliveries: Iterable[Delivery]) -> list[str]:
    return [key for delivery in deliveries for key in delivery.keys]


def _named(keys: list[str]) -> str:
    more = f" and {len(keys) - MOST_NAMES} more" if len(keys) > MOST_NAMES else ""
    return ", ".join(keys[:MOST_NAMES]) + more


def listed(counts: Counter[str]) -> str:
    """Say how many keys have each status: `12 published, 1 draft`."""
    said = ", ".join(f"{count:,} {status}" for status, count in counts.most_common())
    return said or "nothing to publish"


def explain(console: Console, site_url: str, aws: LocalAws, folder: Path, log: Path) -> None:
    """Say what runs where, and what one can do with it."""
    upload = (
        f"AWS_ACCESS_KEY_ID=local AWS_SECRET_ACCESS_KEY=local AWS_REGION={REGION} "
        f"aws --endpoint-url {aws.endpoint} "
        f"s3 cp story.json s3://{SOURCE_BUCKET}/articles/story.json"
    )
    lines = {
        "Site": f"[bold]{site_url}/[/]",
        "Articles": f"{escape(str(folder))}/ is watched: save, change or delete a .json file there",
        "Pictures": f"likewise in {escape(str(folder))}/media/: harbour.jpg is media/harbour.jpg",
        "S3": f"{aws.endpoint}  source bucket {SOURCE_BUCKET}, site bucket {SITE_BUCKET}",
        "Upload": upload,
        "Log": escape(str(log)),
        "Stop": "Ctrl-C",
    }
    console.print()
    for name, text in lines.items():
        console.print(f"[cyan]{name:9}[/] {text}", soft_wrap=True)
    console.print()
