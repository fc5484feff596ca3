"""Commands for articles that are uploaded: `broadsheet status`, `list`, `withdraw` and `move`."""

import json
import urllib.error
import urllib.request
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from broadsheet import addresses
from broadsheet.article import OBJECT_BYTES, Article
from broadsheet.errors import InvalidError
from broadsheet.index import UNREADABLE, Month
from broadsheet.record import recorded
from broadsheet.store import Store
from local import receipts
from local.cli.common import coloured, connect, counted, errors, key_of, out
from local.cli.upload import PATIENCE
from local.deployment import Deployment, RefusedError
from local.positions import harmless
from local.receipts import Awaited, Receipt, State
from local.uploading import OvertakenError, delete, listed, put

# What has no receipt, or only one for an earlier upload.
WAITING = "waiting"
ATTEMPTS = 10
PAGE_SECONDS = 10

KEY = Annotated[
    str,
    typer.Argument(metavar="KEY", help="articles/PATH.json, PATH, or the address of its page."),
]


def status(context: typer.Context, key: KEY) -> None:
    """Say what is known of an article: its upload, its receipt, its page, and where it is listed.

    The exit status is 1 if it was rejected or its last change still waits.
    """
    deployment = connect(context)
    key = key_of(key, deployment.settings.site_url)
    state = receipts.state_of(deployment, key)
    receipt = receipts.read(deployment, key)
    if state is None and receipt is None:
        errors().print(Text(f"{key}: there is no such object, and there never was"))
        raise typer.Exit(1)
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    table.add_column(style="cyan")
    table.add_column(overflow="fold")
    table.add_row("key", Text(harmless(key)))
    table.add_row("upload", _upload(state))
    now = _status(state, receipt)
    table.add_row("status", coloured(now))
    if receipt:
        if receipt.until and now != WAITING:
            table.add_row("next", harmless(receipt.until))
        if receipt.url:
            table.add_row("page", Text(f"{harmless(receipt.url)}  {_answer(receipt.url)}"))
        if receipt.preview_url:
            url = receipt.preview_url
            table.add_row("preview", Text(f"{harmless(url)}  {_answer(url)}"))
        for problem in (*receipt.errors, *receipt.warnings):
            said = f"{problem.path or '(whole file)'} {problem.message}"
            table.add_row("error" if problem in receipt.errors else "warning", harmless(said))
    for place in _places(deployment, key):
        table.add_row("listed in", place)
    out().print(table)
    if now in {WAITING, "rejected"}:
        raise typer.Exit(1)


def _upload(state: State) -> Text:
    return Text(f"entity tag {state[0]}, version {state[1]}" if state else "none")


def _status(state: State, receipt: Receipt | None) -> str:
    """What a receipt says, if it is for what is there now."""
    if receipt is None or receipt.upload != state:
        return WAITING
    return receipt.status


def _answer(url: str) -> str:
    """What a reader gets at an address."""
    request = urllib.request.Request(url, method="HEAD")  # noqa: S310 (the site's own)
    try:
        with urllib.request.urlopen(request, timeout=PAGE_SECONDS) as answer:  # noqa: S310 (likewise)
            return f"answers {answer.status}"
    except urllib.error.HTTPError as error:
        return f"answers {error.code}"
    except (OSError, ValueError) as error:
        return f"does not answer ({error})"


def _places(deployment: Deployment, key: str) -> list[str]:
    """The months, and the topics in them, that list an article."""
    path = addresses.article_path(key)
    if path is None:
        return []
    store = Store(deployment.settings)
    months = {month for _, month in recorded(store.read_state(addresses.record_key(path)))}
    found = []
    for month in sorted(months):
        stored = store.read_state(addresses.month_index_key(month))
        try:
            entries = Month.from_bytes(stored.data).entries if stored else ()
        except UNREADABLE:
            found.append(f"{month}: the index can't be read; `broadsheet verify` repairs it")
            continue
        for entry in (entry for entry in entries if entry.path == path):
            topics = ", ".join(topic.slug for topic in entry.topics)
            found.append(f"{month}, with the topics {topics}" if topics else month)
    return found


@dataclass(frozen=True)
class _Line:
    """An article in a list."""

    key: str
    status: str
    url: str
    uploaded: datetime
    errors: tuple[dict[str, str], ...]
    until: str = ""


def list_articles(
    context: typer.Context,
    *,
    status: Annotated[
        str, typer.Option(metavar="STATUS", help="Only those: rejected, waiting, scheduled, …")
    ] = "",
    prefix: Annotated[
        str, typer.Option(metavar="PATH", help="Only those whose PATH begins like this.")
    ] = "",
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, for programs.")] = False,
) -> None:
    """List all articles that are uploaded, with the status that their receipts say."""
    deployment = connect(context)
    begin = addresses.ARTICLES + prefix.removeprefix(addresses.ARTICLES)
    objects = listed(deployment, begin)
    found = receipts.each(lambda key: receipts.read(deployment, key), objects)
    lines = []
    for (key, one), receipt in zip(objects.items(), found, strict=True):
        is_for_it = receipt is not None and receipt.upload and receipt.upload[0] == one.etag
        lines.append(
            _Line(
                key=key,
                status=receipt.status if receipt and is_for_it else WAITING,
                url=receipt.url if receipt else "",
                uploaded=one.modified,
                errors=tuple(
                    {"path": problem.path, "message": problem.message}
                    for problem in (receipt.errors if receipt and is_for_it else ())
                ),
                until=receipt.until if receipt and is_for_it else "",
            )
        )
    lines = [line for line in lines if status in {"", line.status}]
    if as_json:
        typer.echo(json.dumps([_as_json(line) for line in lines], indent=2))
        return
    for line in lines:
        said = Text.assemble(coloured(line.status), f"  {harmless(line.key)}")
        until = f"  {harmless(line.until)}" if line.until else ""
        out().print(said.append(f"  {harmless(line.url)}{until}", style="dim"))
    counts = Counter(line.status for line in lines)
    by_status = ", ".join(f"{number:,} {name}" for name, number in counts.most_common())
    errors().print(f"{counted(len(lines), 'article')}{': ' if lines else ''}{by_status}")


def _as_json(line: _Line) -> dict[str, Any]:
    return {
        "key": line.key,
        "status": line.status,
        "url": line.url,
        "uploaded": line.uploaded.isoformat(),
        "errors": list(line.errors),
        "next": line.until,
    }


def withdraw(
    context: typer.Context,
    key: KEY,
    *,
    reason: Annotated[
        str, typer.Option(help="Why, for readers: it becomes a correction on the page.")
    ] = "",
    wait: Annotated[bool, typer.Option(help="Wait until the page shows it.")] = True,
    timeout: Annotated[
        float, typer.Option(min=1, help="Seconds without any news after which to give up waiting.")
    ] = PATIENCE,
) -> None:
    """Put a notice in place of an article's text, and take it out of all lists.

    Only its status is changed in the bucket, whatever others are doing to it. The exit status is 1
    if it is not known to be withdrawn.
    """
    deployment = connect(context)
    key = key_of(key, deployment.settings.site_url)
    change = _withdraw(deployment, key, reason)
    warning = "In the file it was uploaded from it is still what it was: change it there as well."
    errors().print(f"[yellow]{warning}[/]")
    if not wait:
        return
    answer = receipts.wait(deployment, {key: change}, timeout).get(key)
    if answer is None:
        errors().print(f"{key}: has no receipt yet; `broadsheet status` asks again")
        raise typer.Exit(1)
    out().print(Text.assemble(coloured(answer.receipt.status), f"  {answer.receipt.url}"))
    if answer.receipt.status != "withdrawn":
        raise typer.Exit(1)


def _withdraw(deployment: Deployment, key: str, reason: str) -> Awaited:
    """Change an article's status, over what was read and nothing else; what to wait for."""
    path = addresses.article_path(key)
    if path is None:
        raise RefusedError(f"{key} is no article")
    for _ in range(ATTEMPTS):
        stored = Store(deployment.settings).read_source(key, OBJECT_BYTES)
        if stored is None:
            raise RefusedError(f"there is no {key}")
        try:
            data = _withdrawn(path, stored.data, reason)
            return put(deployment, key, data, receipts.bare(stored.etag))
        except InvalidError as error:
            raise RefusedError(
                f"{key} can't be changed: {error}. Upload a right one, or delete it"
            ) from error
        except OvertakenError:
            continue
    raise RefusedError(f"{key} is changed all the time by others; try again")


def _withdrawn(path: str, data: bytes, reason: str) -> bytes:
    """An article's file as withdrawn. Raises InvalidError if it is not right before or after."""
    Article.parse(path, data)
    document = json.loads(data)
    document["status"] = "withdrawn"
    if reason:
        now = datetime.now(UTC).isoformat(timespec="seconds")
        document.setdefault("corrections", []).append({"at": now, "text": reason})
    new = json.dumps(document, ensure_ascii=False, indent=2).encode() + b"\n"
    Article.parse(path, new)
    return new


def move(
    context: typer.Context,
    old: KEY,
    new: Annotated[str, typer.Argument(help="Where to: a key, its PATH, or an address.")],
    *,
    wait: Annotated[bool, typer.Option(help="Wait until the old address leads to the new.")] = True,
    timeout: Annotated[
        float, typer.Option(min=1, help="Seconds without any news after which to give up waiting.")
    ] = PATIENCE,
) -> None:
    """Move an article to another address, to which the old one then leads.

    It is uploaded under its new key, with the old address among its aliases, and once that is live
    deleted under the old one. What was interrupted goes on when it is said again. The exit status
    is 1 if the article is not known to have moved.
    """
    deployment = connect(context)
    site_url = deployment.settings.site_url
    old, new = key_of(old, site_url), key_of(new, site_url)
    etag, change = _copy(deployment, old, new)
    warning = "Move the file it was uploaded from as well, and add the alias: else it comes back."
    errors().print(f"[yellow]{warning}[/]")
    if wait and _outcome(deployment, new, change, timeout) in {"rejected", ""}:
        raise RefusedError(f"{new} is not known to be live, so {old} was left where it is")
    try:
        gone = delete(deployment, old, etag)
    except OvertakenError as error:
        raise RefusedError(f"{old} was changed meanwhile: now it is at both addresses") from error
    if wait and _outcome(deployment, old, gone, timeout) != "removed":
        raise typer.Exit(1)


def _outcome(deployment: Deployment, key: str, change: Awaited, timeout: float) -> str:
    """What becomes of a change, which is told; "" where it is not known in time."""
    answer = receipts.wait(deployment, {key: change}, timeout).get(key)
    if answer is None:
        errors().print(f"{key}: has no receipt yet; `broadsheet status` asks again")
        return ""
    out().print(Text.assemble(coloured(answer.receipt.status), f"  {answer.receipt.url or key}"))
    return answer.receipt.status


def _copy(deployment: Deployment, old: str, new: str) -> tuple[str, Awaited]:
    """Upload an article under a new key; the tag of what was copied, and what to wait for."""
    path = addresses.article_path(new)
    if path is None or old == new or addresses.article_path(old) is None:
        raise RefusedError(f"{old} can't be moved to {new}")
    store = Store(deployment.settings)
    stored = store.read_source(old, OBJECT_BYTES)
    if stored is None:
        raise RefusedError(f"there is no {old}")
    try:
        data = _moved(addresses.article_path(old) or "", path, stored.data)
    except InvalidError as error:
        raise RefusedError(f"{old} can't be moved: {error}") from error
    there = store.read_source(new, OBJECT_BYTES)
    if there and there.data == data:
        # As far as an earlier attempt came.
        return receipts.bare(stored.etag), Awaited((receipts.bare(there.etag), there.version))
    try:
        return receipts.bare(stored.etag), put(deployment, new, data, None)
    except OvertakenError as error:
        raise RefusedError(f"there is a {new} already") from error


def _moved(old: str, new: str, data: bytes) -> bytes:
    """An article's file with its old address as an alias. Raises InvalidError, RefusedError."""
    Article.parse(old, data)
    document = json.loads(data)
    aliases = [addresses.url_path(addresses.page_key(old)), *document.get("aliases", ())]
    own = {addresses.article_address(path) for path in (old, new)}
    others = [alias for alias in aliases[1:] if addresses.alias_path(alias) not in own]
    document["aliases"] = [aliases[0], *others]
    moved = json.dumps(document, ensure_ascii=False, indent=2).encode() + b"\n"
    if aliases[0] not in Article.parse(new, moved).aliases:
        raise RefusedError("an item of a wire or feed has no aliases: import it, then move that")
    return moved
