"""Search beside Pagefind: what a query costs a reader, and an update the newsroom.

``python -m benchmarks.search N`` invents N articles of one year, indexes them both ways, asks the
same queries of both in headless Chromium, and prints tables. A server on loopback answers every
request after DELAY seconds, with ranges and gzip as CloudFront; Pagefind's page asks for as many
results as ours shows.
"""

from __future__ import annotations

import hashlib
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from functools import partial
from html import escape
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import accumulate
from pathlib import Path
from statistics import median
from threading import Thread
from typing import TYPE_CHECKING, Any, ClassVar
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.table import Table

from broadsheet.article import Article
from broadsheet.index import Entry, MonthCount, Scope
from broadsheet.render import Renderer
from broadsheet.segment import Document, Segment
from broadsheet.site_config import SiteConfig
from local.cdn import Answer
from local.template import ROOT
from tests.browser.tools import node
from tests.hostile.browser import chromium

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

DELAY = 0.03
RUNS = 3
VOCABULARY = 60_000
WORDS = 400
YEAR = datetime(2026, 1, 1, tzinfo=UTC)
TYPES = {".html": "text/html", ".js": "text/javascript", ".json": "application/json"}
PAGEFIND = ROOT / ".venv-search" / "bin" / "python"
# As the page of a site that uses Pagefind's API would.
PAGE = """<!doctype html><html lang=en><title>x</title><script type="module">
const pagefind = await import('/pagefind/pagefind.js');
window.ask = async query => {
  window.results = undefined;
  const found = await pagefind.search(query);
  const shown = await Promise.all(found.results.slice(0, 20).map(result => result.data()));
  window.results = shown.length;
};
await window.ask(new URLSearchParams(location.search).get('q'));
</script>"""


def vocabulary(rng: random.Random) -> list[str]:
    """Words of one to four syllables, the most frequent first and shortest."""
    syllables = [a + b for a in "bdfghklmnprstvwz" for b in ("a", "e", "i", "o", "u", "an", "er")]
    words: dict[str, None] = {}
    while len(words) < VOCABULARY:
        most = 1 + min(3, len(words) // 60)
        words["".join(rng.choices(syllables, k=rng.randint(1, most)))] = None
    return list(words)


def articles(number: int, rng: random.Random, words: Sequence[str]) -> Iterator[Article]:
    """Articles spread over a year; how often a word comes follows Zipf's law."""
    weights = list(accumulate(1 / (rank + 2.7) for rank in range(len(words))))

    def text(count: int) -> str:
        return " ".join(rng.choices(words, cum_weights=weights, k=count))

    for i in range(number):
        when = YEAR + i * timedelta(days=365) / number
        yield Article(
            f"{when:%Y/%m}/{'-'.join(text(4).split())}-{i}",
            title=text(9).capitalize(),
            summary=text(25),
            body=text(rng.randint(WORDS // 2, WORDS * 3 // 2)),
            published_at=when,
        )


def cpu() -> float:
    """Seconds of processor time of this process and of those it has waited for."""
    own, others = (
        resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    return own.ru_utime + own.ru_stime + others.ru_utime + others.ru_stime


def document(article: Article) -> Document:
    """What search knows of an article."""
    entry = Entry.of(article, ZoneInfo("UTC"))
    return Document.of(entry, article.body, article.published_at.day)


def index_ours(folder: Path, everything: Sequence[Article]) -> dict[str, bytes]:
    """Write the segments and the search page; the segments by month."""
    months: dict[str, list[Document]] = {}
    for article in everything:
        months.setdefault(f"{article.published_at:%Y/%m}", []).append(document(article))
    segments = {month: Segment.of(documents).to_bytes() for month, documents in months.items()}
    for month, data in segments.items():
        path = folder / "search" / f"{month}.idx"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    scope = Scope().counted({month: MonthCount(1, 1) for month in months})
    page = Renderer("https://x.example", SiteConfig()).scope("", scope)["search/index.html"]
    if page is None:
        raise RuntimeError("a site with search has no page for it")
    (folder / "search" / "index.html").write_bytes(page.body)
    return segments


def write_page(folder: Path, article: Article) -> None:
    """An article's page as Pagefind reads it."""
    path = folder / "articles" / article.path / "index.html"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        f"<!doctype html><html lang=en><title>{escape(article.title)}</title><body>"
        f"<main data-pagefind-body><h1>{escape(article.title)}</h1><p>{escape(article.summary)}</p>"
        f"<p>{escape(article.body)}</p></main>",
        encoding="utf-8",
    )


def index_pagefind(folder: Path) -> float:
    """Run Pagefind over all pages; its processor time in seconds."""
    before = cpu()
    command = [str(PAGEFIND), "-m", "pagefind_bin", "--site", str(folder), "--quiet"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)  # noqa: S603 (a pinned program)
    return cpu() - before


def digests(folder: Path) -> dict[str, tuple[int, str]]:
    """Size and digest of every file below a folder."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {
        str(path.relative_to(folder)): (
            path.stat().st_size,
            hashlib.sha256(path.read_bytes()).hexdigest(),
        )
        for path in files
    }


class Handler(BaseHTTPRequestHandler):
    """Serves a folder late, and at /sent what it has sent since it was last asked for that."""

    sent: ClassVar[list[int]] = []
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def __init__(self, folder: Path, *args: Any) -> None:
        self._folder = folder
        super().__init__(*args)

    def do_GET(self) -> None:
        """Answer with a file, or a part of it."""
        if self.path == "/sent":
            told = json.dumps({"requests": len(self.sent), "bytes": sum(self.sent)}).encode()
            self.sent.clear()
            self._send(Answer(HTTPStatus.OK, {}, told))
            return
        time.sleep(DELAY)
        path = self._folder / self.path.partition("?")[0].lstrip("/")
        path = path / "index.html" if path.is_dir() else path
        answer = Answer(HTTPStatus.NOT_FOUND, {})
        if path.is_file():
            kind = TYPES.get(path.suffix, "application/octet-stream")
            body = path.read_bytes()
            headers = {"Content-Type": kind, "ETag": f'"{hashlib.sha256(body).hexdigest()[:32]}"'}
            answer = Answer(HTTPStatus.OK, headers, body)
            answer = answer.part(self.headers.get("Range", ""))
            if "gzip" in self.headers.get("Accept-Encoding", ""):
                answer = answer.compressed()
        self.sent.append(len(answer.body))
        self._send(answer)

    def _send(self, answer: Answer) -> None:
        self.send_response(answer.status)
        for name, value in (answer.headers | {"Content-Length": str(len(answer.body))}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(answer.body)

    def log_message(self, *_: object) -> None:
        """Keep the terminal for the tables."""


def asked(folder: Path, queries: dict[str, str], following: str) -> dict[str, Any]:
    """What the browser found of each query."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, folder))
    server.daemon_threads = True
    Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}"
    job = {"browser": chromium(), "url": url, "runs": RUNS, "queries": queries, "next": following}
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(job, file)
        file.flush()
        script = Path(__file__).with_suffix(".mjs")
        done = subprocess.run(  # noqa: S603 (our own)
            [node() or "node", str(script), file.name], stdout=subprocess.PIPE, check=True
        )
    server.shutdown()
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def some_queries(everything: Sequence[Article], words: Sequence[str]) -> dict[str, str]:
    """One of each kind."""
    rare = next(
        word
        for article in everything[len(everything) // 3 :]
        for word in article.body.split()
        if words.index(word) > VOCABULARY // 3
    )
    return {
        "a common word": words[40],
        "a rare word": rare,
        "two words": f"{words[150]} {words[400]}",
        "three words": f"{words[60]} {words[100]} {words[160]}",
        "no such word": "qqqqjx",
    }


def update_ours(segment: bytes, article: Article) -> float:
    """The processor time of a publish for search, in seconds: the least of some."""
    times = []
    for _ in range(9):
        before = time.process_time()
        Segment.from_bytes(segment).merged({article.path: document(article)}).to_bytes()
        times.append(time.process_time() - before)
    return min(times)


def main(arguments: Sequence[str]) -> int:
    """Measure and print."""
    number = int(arguments[0]) if arguments else 10_000
    console = Console(highlight=False, width=120)
    rng = random.Random(1)  # noqa: S311 (no secret)
    words = vocabulary(rng)
    *everything, new = articles(number + 1, rng, words)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        segments = index_ours(folder, everything)
        for article in everything:
            write_page(folder, article)
        whole = index_pagefind(folder)
        before = digests(folder / "pagefind")
        (folder / "pagefind.html").write_text(PAGE, encoding="utf-8")
        found = asked(folder, some_queries(everything, words), words[50])
        write_page(folder, new)
        again = index_pagefind(folder)
        after = digests(folder / "pagefind")
    changed = [size for path, (size, digest) in after.items() if before.get(path) != (size, digest)]
    gone = len(before.keys() - after.keys())
    last = segments[max(segments)]

    table = Table(
        "query", "", "results", "requests", "bytes", "time", "next: requests", "bytes", "time"
    )
    for kind, queries in found.items():
        for label, runs in queries.items():
            rows = [[str(runs[0]["first"]["results"])]]
            for part in ("first", "next"):
                shown = [run[part] for run in runs]
                rows.append(
                    [
                        str(shown[0]["requests"]),
                        f"{median(one['bytes'] for one in shown):,.0f}",
                        f"{min(one['ms'] for one in shown):.0f} ms",
                    ]
                )
            table.add_row(label, kind, *(cell for row in rows for cell in row))
    console.print(table)
    costs = Table("an update", "broadsheet", "pagefind")
    costs.add_row("processor time", f"{update_ours(last, new) * 1000:.1f} ms", f"{again:.1f} s")
    costs.add_row("objects to write", "1", f"{len(changed)}, and {gone} to delete")
    costs.add_row("bytes to write", f"{len(last):,}", f"{sum(changed):,}")
    costs.add_row("bytes to read", f"{len(last):,}", "all pages")
    sizes = sum(map(len, segments.values())), sum(size for size, _ in after.values())
    costs.add_row("index: objects", str(len(segments)), str(len(after)))
    costs.add_row("index: bytes", *(f"{size:,}" for size in sizes))
    costs.add_row("first indexing, processor time", "", f"{whole:.1f} s")
    console.print(costs)
    console.print(f"{number:,} articles, {DELAY * 1000:.0f} ms before each answer")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
