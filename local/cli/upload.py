"""`broadsheet upload`: what a folder holds into the source bucket, and what became of it."""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import Progress
from rich.text import Text

from broadsheet.errors import InvalidError
from broadsheet.sources import within
from broadsheet.validation import Problem
from local import receipts, uploading
from local.cli import common
from local.cli.check import show
from local.cli.common import bars, coloured, connect, counted, errors, out
from local.deployment import Deployment, RefusedError
from local.inspection import Finding, Source, found, limit
from local.positions import Place, harmless
from local.receipts import Answer, Awaited
from local.uploading import OvertakenError, Plan

SHOWN = 10
PATIENCE = 300.0

OVERTAKEN = Problem("", "was changed by somebody else meanwhile, and was not uploaded")
FOLLOWED = Problem("", "was uploaded, and changed by somebody else since")
UNKNOWN = Problem("", "has no receipt yet: nothing is known of it; `broadsheet status` asks again")


@dataclass
class _Work:
    """What has been done so far."""

    deployment: Deployment
    plan: Plan
    data: dict[str, bytes] = field(default_factory=dict)
    awaited: dict[str, Awaited] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)

    def upload(self, source: Source) -> None:
        """Upload one file, or note why not."""
        data = source.read()
        self.data[source.key] = data
        try:
            within(data, limit(source.key))
            replaces = self.plan.replaced.get(source.key)
            self.awaited[source.key] = uploading.put(self.deployment, source.key, data, replaces)
        except InvalidError as error:
            self.findings += found(source, data, error.problems)
        except OvertakenError:
            self.findings.append(Finding(source.file, Place(1, 1), OVERTAKEN))

    def delete(self, key: str) -> None:
        """Delete what no file has any more."""
        self.awaited[key] = uploading.delete(self.deployment, key)


def upload(  # noqa: PLR0913 (each is an option)
    context: typer.Context,
    folder: Annotated[
        Path,
        typer.Argument(metavar="DIR", exists=True, file_okay=False, help="A folder of articles."),
    ],
    *,
    delete: Annotated[
        bool, typer.Option("--delete", help="Also delete from the bucket what is not in DIR.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Delete without asking.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would be done.")
    ] = False,
    wait: Annotated[
        bool, typer.Option(help="Wait until the site shows it, and tell what was rejected.")
    ] = True,
    timeout: Annotated[
        float, typer.Option(min=1, help="Seconds without any news after which to give up waiting.")
    ] = PATIENCE,
) -> None:
    """Upload what has changed in a folder: articles, pictures, site.json.

    The exit status is 1 if something was rejected, or is not known to be live.
    """
    deployment = connect(context)
    plan = uploading.plan(deployment, folder)
    deletions = plan.deletions if delete else ()
    if dry_run:
        for source in plan.uploads:
            typer.echo(f"upload  {harmless(str(source.file))}")
        for key in deletions:
            typer.echo(f"delete  {harmless(key)}")
        return
    if deletions:
        _confirm(deletions, plan, yes=yes)
    work = _Work(deployment, plan)
    with bars() as progress:
        _send(work, deletions, progress)
        answers = _wait(work, timeout, progress) if wait else {}
    if wait:
        _judge(work, answers)
    show(out(), sorted(work.findings))
    for key, answer in sorted(answers.items()):
        if answer.receipt.preview_url:
            said = f"{answer.receipt.preview_url}  {answer.receipt.until}"
            out().print(Text(f"{harmless(key)}  preview at {harmless(said)}"), soft_wrap=True)
    out().print(_summary(work, answers))
    if any(not finding.is_warning for finding in work.findings):
        raise typer.Exit(1)


def _confirm(deletions: tuple[str, ...], plan: Plan, *, yes: bool) -> None:
    """Ask before anything is deleted. Raises typer.Abort or RefusedError."""
    if not plan.uploads and not plan.same:
        raise RefusedError("DIR has nothing in it: --delete would take the whole site down")
    if yes:
        return
    for key in deletions[:SHOWN]:
        errors().print(Text(f"delete  {harmless(key)}"))
    if more := deletions[SHOWN:]:
        errors().print(f"… and {len(more):,} more")
    if not common.is_interactive():
        raise RefusedError("--delete asks before it deletes, and nobody is there: give --yes")
    typer.confirm(
        f"Delete {counted(len(deletions), 'object')} from the bucket?", abort=True, err=True
    )


def _send(work: _Work, deletions: tuple[str, ...], progress: Progress) -> None:
    sending = progress.add_task("Upload", total=len(work.plan.uploads) + len(deletions))

    def upload_one(source: Source) -> None:
        work.upload(source)
        progress.advance(sending)

    def delete_one(key: str) -> None:
        work.delete(key)
        progress.advance(sending)

    receipts.each(upload_one, work.plan.uploads)
    receipts.each(delete_one, deletions)


def _wait(work: _Work, timeout: float, progress: Progress) -> dict[str, Answer]:
    waiting = progress.add_task("Publish", total=len(work.awaited))
    return receipts.wait(
        work.deployment, work.awaited, timeout, lambda _: progress.advance(waiting)
    )


def _judge(work: _Work, answers: dict[str, Answer]) -> None:
    """Find in the files what their receipts say."""
    for source in work.plan.uploads:
        if source.key not in work.awaited:
            continue
        answer = answers.get(source.key)
        if answer is None:
            work.findings.append(Finding(source.file, Place(1, 1), UNKNOWN))
        elif answer.overtaken:
            work.findings.append(Finding(source.file, Place(1, 1), FOLLOWED, is_warning=True))
        else:
            data, receipt = work.data[source.key], answer.receipt
            work.findings += found(source, data, receipt.errors)
            work.findings += found(source, data, receipt.warnings, are_warnings=True)
    for key in work.awaited.keys() - answers.keys() - work.data.keys():
        work.findings.append(Finding(Path(key), Place(1, 1), UNKNOWN))


def _summary(work: _Work, answers: dict[str, Answer]) -> Text:
    statuses = Counter(answer.receipt.status for answer in answers.values())
    said = Text(f"{len(work.awaited):,} sent")
    for status, number in statuses.most_common():
        said.append(f", {number:,} ").append_text(_trimmed(status))
    if unknown := len(work.awaited) - len(answers):
        said.append(f", {unknown:,} not known of yet")
    return said.append(f"; {work.plan.same:,} were there already.")


def _trimmed(status: str) -> Text:
    text = coloured(status)
    text.rstrip()
    return text
