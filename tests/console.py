"""Opens pages with their headers in headless Chromium: what its console says of each."""

from __future__ import annotations

import json
import re
import subprocess
import tempfile
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.hostile.browser import serving

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from local.cdn import Answer

SECONDS = 120
_FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-popup-blocking"
    " --disable-background-networking --disable-component-update --disable-sync"
    " --disable-background-timer-throttling --disable-renderer-backgrounding"
    " --disable-backgrounding-occluded-windows --enable-logging=stderr --v=0 --window-size=1200,900"
).split()
_NO_NETWORK = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"
_COMPLAINT = re.compile(
    r':CONSOLE:\d+\] "(?P<text>.*?)", source: http://127\.0\.0\.1:\d+(?P<path>\S*) \(\d+\)$',
    re.DOTALL | re.MULTILINE,
)
# What the network lacks is nothing of a policy's: the tests have no other host, and few files.
_NETWORK = "Failed to load resource"
# Opens every page in a window of its own, since none may be framed.
_HARNESS = """<!doctype html><title>harness</title><script>
const pause = ms => new Promise(done => setTimeout(done, ms));
async function look(path) {
  const page = window.open(path);
  const there = () => page.location.pathname === path && page.document.readyState === 'complete';
  for (let i = 0; i < 2000 && !there(); i++) await pause(10);
  await pause(100);
  const body = page.document.body;
  const width = body ? page.getComputedStyle(body).maxWidth : '';
  page.close();
  return width;
}
async function all() {
  const report = {};
  for (const path of await (await fetch('/harness/paths')).json()) report[path] = await look(path);
  // The console's last lines are still on their way.
  await pause(500);
  await fetch('/harness/report', {method: 'POST', body: JSON.stringify(report)});
}
</script><body onload="all()">"""


@dataclass
class Shown:
    """A page as the browser showed it: its body's greatest width, and the console's complaints."""

    width: str
    complaints: list[str] = field(default_factory=list)


def shown(answer: Callable[[str], Answer], paths: Iterable[str], program: str) -> dict[str, Shown]:
    """What the browser shows of each path as the site answers it.

    Raises TimeoutError if the browser reports nothing.
    """
    profiles = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
    with serving(_Server(answer, sorted(paths))) as server, profiles as profile:
        url = f"http://127.0.0.1:{server.server_port}/harness/"
        log = Path(profile) / "log"
        with log.open("wb") as stream:
            browser = subprocess.Popen(
                [program, *_FLAGS, _NO_NETWORK, f"--user-data-dir={profile}/data", url],
                stdout=subprocess.DEVNULL,
                stderr=stream,
            )
            try:
                if not server.reported.wait(SECONDS):
                    raise TimeoutError(f"{program} reported nothing in {SECONDS} seconds")
            finally:
                browser.terminate()
                browser.wait(30)
        pages = {path: Shown(width) for path, width in server.report.items()}
        for found in _COMPLAINT.finditer(log.read_text(encoding="utf-8", errors="replace")):
            if _NETWORK not in found["text"]:
                pages[found["path"]].complaints.append(found["text"])
        return pages


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, answer: Callable[[str], Answer], paths: list[str]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answer, self.paths = answer, paths
        self.reported = threading.Event()
        self.report: dict[str, str] = {}


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        if self.path == "/harness/":
            self._send(200, {"Content-Type": "text/html"}, _HARNESS.encode())
        elif self.path == "/harness/paths":
            self._send(200, {}, json.dumps(self.server.paths).encode())
        else:
            answer = self.server.answer(self.path)
            self._send(answer.status, answer.headers, answer.body)

    def do_POST(self) -> None:
        self.server.report = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self._send(200, {}, b"")
        self.server.reported.set()

    def _send(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""
