"""`make demo`: a newsroom's day in about a minute, each step of which is looked at on the site.

It runs what `make run` runs, fed by the commands that a newsroom has, but for the clock: that goes
forward to whatever is next. The exit status is 1 if anything on the site is not as it should be.
"""

import argparse
import json
import os
import random
import re
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, chdir
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

from rich.console import Console
from rich.markup import escape

from broadsheet.segment import Segment
from broadsheet.settings import Settings
from broadsheet.store import Store
from broadsheet.verify import Verifier, Walk
from broadsheet.words import words
from local.aws import SCHEDULE_GROUP, SOURCE_BUCKET, LocalAws, local_aws
from local.function import environment, functions
from local.run import cdn_of, pumps_of, take_port
from local.running import announced
from local.template import Template
from local.timer import Timer

MORNING = datetime(2026, 12, 1, 6, tzinfo=UTC)
IMPORTED = 300
# Seconds until something must be on the site.
PATIENCE = 60.0
PAUSE = 0.1
# Lists and feeds of an article with one topic, the search among them.
LISTS = 8


class Clock:
    """The time of the day that is played: it passes like ours, and can be moved forward."""

    def __init__(self, start: datetime) -> None:
        self._start = start
        self._began = time.monotonic()

    def __call__(self) -> datetime:
        """What time it is."""
        return self._start + timedelta(seconds=time.monotonic() - self._began)

    def move_to(self, moment: datetime) -> None:
        """Let it be that time."""
        self._start += moment - self()


@dataclass(frozen=True)
class Page:
    """What a reader got."""

    status: int
    text: str
    body: bytes = b""


@dataclass
class Day:
    """The site as its readers see it, and a newsroom that works on it."""

    url: str
    folder: Path
    clock: Clock
    aws: LocalAws
    settings: Settings
    console: Console
    wrong: list[str] = field(default_factory=list)

    # Telling

    def step(self, at: datetime, what: str) -> None:
        """Let it be that time, and say what happens then."""
        self.clock.move_to(at)
        self.console.print(f"\n[bold]{at:%H:%M}[/]  {escape(what)}")

    def see(self, what: str, holds: Callable[[], bool], patience: float = PATIENCE) -> None:
        """See that something comes true, and say so."""
        end = time.monotonic() + patience
        while not (good := holds()) and time.monotonic() < end:
            time.sleep(PAUSE)
        if not good:
            self.wrong.append(what)
        mark = "[green]yes[/]" if good else "[bold red]NO[/] "
        self.console.print(f"       {mark}  {escape(what)}", soft_wrap=True)

    # The newsroom

    def write(self, path: str, **fields: Any) -> None:
        """Write an article into the folder of the day."""
        file = self.folder / "today" / f"{path}.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        known = {
            "title": "News from Larkhaven",
            "summary": "What the town on the bay talks about today.",
            "body": "The harbour office has **more**.",
            "published_at": MORNING.isoformat(),
            "topics": ["Harbour"],
        }
        if file.exists():
            known = json.loads(file.read_text(encoding="utf-8"))
        file.write_text(json.dumps(known | fields, indent=2), encoding="utf-8")

    def command(self, *arguments: str) -> None:
        """Run a command of `broadsheet`, as a newsroom would, and show what it says last."""
        program = "import sys; from local.cli import main; sys.exit(main())"
        done = subprocess.run(  # noqa: S603 (our own)
            [sys.executable, "-c", program, *arguments],
            cwd=self.folder,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "BROADSHEET_STACK": ""},
            capture_output=True,
            text=True,
            check=False,
        )
        said = (done.stdout.strip() or done.stderr.strip()).splitlines()
        shown = " ".join(arguments).replace(str(self.folder), "…")
        self.console.print(f"       [dim]$ broadsheet {escape(shown)}[/]", soft_wrap=True)
        self.console.print(f"       [dim]{escape(said[-1] if said else '')}[/]", soft_wrap=True)
        if done.returncode:
            self.wrong.append(f"broadsheet {shown} ended with {done.returncode}")
            self.console.print(escape(done.stdout + done.stderr), style="red")

    def upload(self, folder: str = "today") -> None:
        """Upload what has changed in a folder, and wait for the receipts."""
        self.command("--local", "upload", folder)

    def receipt(self, path: str) -> dict[str, Any]:
        """What the function said of an article last."""
        key = f"receipts/articles/{path}.json"
        found = self.aws.s3.get_object(Bucket=SOURCE_BUCKET, Key=key)
        receipt: dict[str, Any] = json.loads(found["Body"].read())
        return receipt

    # The readers

    def get(self, path: str, headers: dict[str, str] | None = None) -> Page:
        """What a reader gets at a path of the site."""
        request = urllib.request.Request(self.url + path, headers=headers or {})  # noqa: S310 (our own)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 (our own)
                body, status = answer.read(), answer.status
        except urllib.error.HTTPError as error:
            body, status = error.read(), error.code
        return Page(status, body.decode(errors="replace"), body)

    def has(self, path: str, *texts: str) -> bool:
        """Whether a page is there and has all the texts."""
        page = self.get(path)
        return page.status == HTTPStatus.OK and all(text in page.text for text in texts)

    def leads(self, path: str, to: str) -> bool:
        """Whether an old address answers that its page has moved for good."""
        connection = HTTPConnection(urlsplit(self.url).netloc, timeout=30)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            location = urljoin(self.url, answer.getheader("Location", ""))
            return (answer.status, location) == (HTTPStatus.MOVED_PERMANENTLY, self.url + to)
        finally:
            connection.close()

    def lists(self, text: str) -> list[str]:
        """The lists and feeds in which a text can be read."""
        month = f"{self.clock():%Y/%m}"
        lists = (
            "/",
            "/rss.xml",
            "/atom.xml",
            "/feed.json",
            "/news-sitemap.xml",
            "/topics/harbour/",
            f"/{month}/",
            f"/search/{month}.idx",
        )
        return [path for path in lists if text in self.get(path).text]

    def search(self, query: str) -> list[str]:
        """The paths of what has all words of a query, as the page's script finds them.

        Of each month's segment it gets the head, and the block of each word.
        """
        page = self.get("/search/").text
        months = dict.fromkeys(re.findall(r'href="/(\d{4}/\d{2})/"', page))
        return [path for month in months for path in self._found(month, words(query))]

    def _found(self, month: str, wanted: Sequence[str]) -> list[str]:
        address = f"/search/{month}.idx"
        head = self._range(address, 0, 16 + 1024)
        number = int.from_bytes(head[12:16], "little")
        ends = [int.from_bytes(head[16 + 4 * i : 20 + 4 * i], "little") for i in range(256)]
        hits = set(range(number))
        for word in wanted:
            code = zlib.crc32(word.encode())
            block = code >> 24
            start = ends[block - 1] if block else 0
            data = self._range(address, 16 + 1024 + number + start, ends[block] - start)
            hits &= set(_having(data, number, code & 0xFFFFFC))
        if not hits:
            return []
        paths = Segment.from_bytes(self.get(address).body).paths
        return [paths[at] for at in sorted(hits)]

    def _range(self, address: str, start: int, size: int) -> bytes:
        wanted = {"Range": f"bytes={start}-{start + size - 1}"}
        return self.get(address, wanted).body


def _having(block: bytes, number: int, code: int) -> Iterator[int]:
    """Which of so many articles have a word, by a block of a segment."""
    at = number
    for article in range(number):
        own = [block[at + 3 * i : at + 3 * i + 3] for i in range(block[article])]
        at += 3 * block[article]
        if any(int.from_bytes(one, "big") & 0xFFFFFC == code for one in own):
            yield article


# The day


def play(day: Day) -> None:
    """Go through the day, and see each step on the site."""
    for act in (_begins, _schedules, _corrects, _renames, _withdraws, _imports, _expires, _ends):
        act(day)


def _hour(hour: int, minute: int = 0) -> datetime:
    return MORNING.replace(hour=hour, minute=minute)


def _begins(day: Day) -> None:
    day.step(_hour(6), "The day begins: two articles")
    site = {"name": "The Larkhaven Lantern", "description": "News of a town on a bay"}
    day.write("ferry", title="Ferry to Gull Island sails again")
    day.write("market", title="Fish market gets a roof", topics=["Harbour", "Market"])
    (day.folder / "today" / "site.json").write_text(json.dumps(site), encoding="utf-8")
    day.upload()
    day.see("both are on the front page", lambda: day.has("/", "Gull Island", "gets a roof"))
    day.see("and at their addresses", lambda: day.has("/articles/ferry/", "Gull Island"))


def _schedules(day: Day) -> None:
    day.step(_hour(6, 30), "The harbour's budget is written, and held back until eight")
    day.write(
        "budget",
        title="Harbour budget doubles",
        summary="A second crane is to come.",
        published_at=_hour(8).isoformat(),
    )
    day.upload()
    receipt = day.receipt("budget")
    said = f"the receipt says {receipt['status']} for {receipt.get('scheduled_for')}"
    day.see(said, lambda: receipt["status"] == "scheduled", 0)
    day.see(
        "its page is not there",
        lambda: day.get("/articles/budget/").status == HTTPStatus.NOT_FOUND,
        0,
    )
    day.see("nor is it in any list or feed", lambda: not day.lists("Harbour budget"), 0)
    day.see("nor does search find it", lambda: not day.search("harbour budget"), 0)
    day.step(_hour(7, 59), "A neighbour is changed, a minute before")
    day.write("ferry", summary="Twice a day, and three times on Sundays.")
    day.upload()
    day.see("the budget is still not there", lambda: not day.lists("Harbour budget"), 0)
    day.step(_hour(8), "It is eight; nobody does anything")
    day.see("the budget is on its page", lambda: day.has("/articles/budget/", "budget doubles"))
    day.see("and in all lists and feeds", lambda: len(day.lists("Harbour budget")) == LISTS)
    day.see("and in the sitemap", lambda: day.has("/sitemap-2026-12.xml", "/articles/budget/"))
    day.see("and search finds it", lambda: day.search("harbour budget") == ["budget"])


def _corrects(day: Day) -> None:
    day.step(_hour(9, 10), "The budget's article is corrected")
    guid = f'<guid isPermaLink="true">{day.url}/articles/budget/</guid>'
    text = "It is one crane, not two."
    day.write(
        "budget",
        updated_at=_hour(9, 10).isoformat(),
        corrections=[{"at": _hour(9, 10).isoformat(), "text": text}],
    )
    day.upload()
    day.see("the page says what was wrong", lambda: day.has("/articles/budget/", text))
    day.see("so do the feeds, under the same guid", lambda: day.has("/rss.xml", text, guid))
    day.see(
        "and Atom dates it anew", lambda: day.has("/atom.xml", text, "09:10:00+00:00</updated>")
    )


def _renames(day: Day) -> None:
    day.step(_hour(10), "The market's article moves to another address")
    day.command("--local", "move", "market", "2026/fish-market")
    (day.folder / "today" / "market.json").unlink()
    day.see("it is at the new one", lambda: day.has("/articles/2026/fish-market/", "gets a roof"))
    day.see(
        "to which the old one leads",
        lambda: day.leads("/articles/market/", "/articles/2026/fish-market/"),
    )
    day.see("all lists lead to the new", lambda: not day.lists("/articles/market/"))
    day.see("and search, too", lambda: day.search("fish market") == ["2026/fish-market"])


def _withdraws(day: Day) -> None:
    day.step(_hour(11), "The ferry does not sail after all")
    day.command("--local", "withdraw", "ferry", "--reason", "The ferry stays in the harbour.")
    notice = "This article has been withdrawn."
    day.see("its page has a notice", lambda: day.has("/articles/ferry/", notice, "noindex"))
    day.see("and no list has it", lambda: not day.lists("Gull Island"))
    (day.folder / "today" / "ferry.json").unlink()


def _imports(day: Day) -> None:
    day.step(_hour(12), f"The archive of the old site comes: {IMPORTED} articles")
    export = day.folder / "export.json"
    export.write_text(json.dumps(_archive(IMPORTED)), encoding="utf-8")
    day.command("import", "--from", "jsonfeed", str(export), "--out", "imported")
    # This site has its name already.
    (day.folder / "imported" / "site.json").unlink(missing_ok=True)
    day.upload("imported")
    day.see("the archive has its months", lambda: day.has("/archive/", "/2024/05/"))
    found: list[str] = []
    day.see(f"all {IMPORTED} are in the sitemaps", lambda: _mapped(day, found) == IMPORTED)
    day.see("each has a page", lambda: all(day.get(p).status == HTTPStatus.OK for p in found))
    day.see(
        "and its address on the old site leads there",
        lambda: any(day.leads("/regatta-7/", path) for path in found if "regatta-7/" in path),
    )
    day.see(
        "and search finds the one that is asked for",
        lambda: [path.endswith("regatta-7") for path in day.search("cake sandcastle7")] == [True],
    )


def _mapped(day: Day, found: list[str]) -> int:
    """How many of the sitemaps' addresses are of the archive; ``found`` has their paths."""
    months = re.findall(r"/(sitemap-\d{4}-\d{2}\.xml)<", day.get("/sitemap.xml").text)
    pages = [day.get(f"/{month}").text for month in months]
    address = re.compile(r"<loc>[^<]*?(/articles/[^<]*regatta[^<]*)</loc>")
    found[:] = [path for page in pages for path in address.findall(page)]
    return len(found)


def _archive(number: int) -> dict[str, Any]:
    """A JSON Feed of invented reports of boat races."""
    rng = random.Random(2026)  # noqa: S311 (no secret)
    boats = ("the blue gig", "an old cutter", "the baker's dinghy", "a raft of barrels")
    items = []
    for i in range(number):
        moment = datetime(2024, 1, 6, 14, tzinfo=UTC) + timedelta(days=3 * i)
        text = f"After {rng.randint(20, 90)} minutes {rng.choice(boats)} came in first."
        items.append(
            {
                "id": f"https://old.example/regatta-{i}/",
                "url": f"https://old.example/regatta-{i}/",
                "title": f"Regatta number {i} is over",
                "content_html": f"<p>{text}</p><p>The prize was a cake for sandcastle{i}.</p>",
                "summary": text,
                "date_published": moment.isoformat(),
                "tags": ["Regatta"],
                "authors": [{"name": "The rowing club"}],
            }
        )
    return {
        "version": "https://jsonfeed.org/version/1.1",
        "title": "The old Lantern",
        "home_page_url": "https://old.example/",
        "items": items,
    }


def _expires(day: Day) -> None:
    day.step(_hour(13, 30), "Two notes that are over at three")
    ends = {"published_at": _hour(13, 30).isoformat(), "expires_at": _hour(15).isoformat()}
    day.write("tide", title="High tide in the afternoon", **ends)
    day.write("sale", title="Jumble sale on the quay", expiry="remove", **ends)
    day.upload()
    day.see("both are listed", lambda: bool(day.lists("High tide") and day.lists("Jumble sale")))
    day.step(_hour(15), "It is three; nobody does anything")
    day.see("neither is in any list", lambda: not day.lists("High tide") + day.lists("Jumble sale"))
    day.see("the first keeps its page", lambda: day.has("/articles/tide/", "High tide", "noindex"))
    day.see("the other is gone", lambda: day.get("/articles/sale/").status == HTTPStatus.NOT_FOUND)
    day.see("and search has forgotten both", lambda: not day.search("tide") + day.search("jumble"))


def _ends(day: Day) -> None:
    day.step(_hour(18), "The site is compared with its sources")
    verifier = Verifier(Store(day.settings, now=day.clock), day.settings)
    steps = [step for _, step in verifier.steps(Walk(), repair=False)]
    found = [f"{one.key} {one.what}" for step in steps for one in step.differences]
    checked = sum(step.checked for step in steps)
    day.see(
        f"of {checked:,} keys none differs: {', '.join(found[:3]) or 'OK'}", lambda: not found, 0
    )
    waiting = day.aws.scheduler.list_schedules(GroupName=SCHEDULE_GROUP)["Schedules"]
    day.see("no schedule is left", lambda: not waiting, 0)


def main(arguments: Sequence[str] | None = None) -> int:
    """Play the day; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m local.demo", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="the site's port (default: any)")
    port = parser.parse_args(arguments).port
    console = Console(file=sys.stdout, highlight=False)
    began = time.monotonic()
    with ExitStack() as stack:
        day = _set_up(stack, port, console)
        play(day)
    console.print()
    seconds = time.monotonic() - began
    if day.wrong:
        console.print(f"[bold red]FAILED[/] after {seconds:.0f} s: {escape('; '.join(day.wrong))}")
        return 1
    console.print(f"[bold green]OK[/]  A day in {seconds:.0f} s, and all was as it should be.")
    return 0


def _set_up(stack: ExitStack, port: int, console: Console) -> Day:
    """A site that runs, and a folder to work in."""
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="broadsheet-demo-")))
    server = stack.enter_context(take_port(port))
    template = Template.read()
    aws = stack.enter_context(local_aws(template))
    variables = environment(aws, server.url)
    clock = Clock(MORNING)
    handlers = stack.enter_context(functions(variables, folder / "function.log", clock))
    server.cdn = cdn_of(aws, template)
    timer = Timer(aws.scheduler, aws.sqs, SCHEDULE_GROUP, aws.queue_url, clock)
    stop = threading.Event()
    works = (*(pump.run for pump in pumps_of(aws, template, handlers, lambda _: None)), timer.run)
    threads = [threading.Thread(target=work, args=(stop,), daemon=True) for work in works]
    threads.append(threading.Thread(target=server.serve_forever, args=(0.1,), daemon=True))
    for thread in threads:
        thread.start()
    stack.callback(_stop, stop, server.shutdown, threads)
    # What a command finds there, as in the folder of a `make run`.
    stack.enter_context(chdir(folder))
    stack.enter_context(announced(aws.endpoint, variables))
    console.print(f"The site is at {server.url}/ for as long as this runs.", soft_wrap=True)
    endpoint = {"AWS_ENDPOINT_URL": aws.endpoint}
    settings = Settings.from_environment({**variables, **endpoint, "QUEUE_URL": ""})
    return Day(server.url, folder, clock, aws, settings, console)


def _stop(
    stop: threading.Event, shutdown: Callable[[], None], threads: list[threading.Thread]
) -> None:
    stop.set()
    shutdown()
    for thread in threads:
        thread.join(timeout=5)


if __name__ == "__main__":
    sys.exit(main())
