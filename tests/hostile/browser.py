"""Opens pages in headless Chromium without any security header, and tells what they executed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import BaseServer
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SECONDS = 120
_FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run"
    " --disable-background-networking --disable-component-update --disable-sync"
).split()
_NO_NETWORK = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"
# Feeds as XML that a browser renders, which is worse than their own types.
_TYPES = {".html": "text/html; charset=utf-8", ".xml": "application/xml; charset=utf-8"}
# Opens every page in turn in a frame of the same origin, sends each element the events that a
# reader's mouse and keyboard would, and reports what a page did or holds that could do something.
_HARNESS = """<!doctype html><title>harness</title><script>
const MAY = new Set(['http:', 'https:', 'mailto:', 'tel:']);
const DATA = 'script[type="application/ld+json"]';
const RUNS = `script:not(${DATA}),iframe,object,embed,base,form,svg,math,link[rel=stylesheet],` +
  'meta[http-equiv]';
const pause = ms => new Promise(done => setTimeout(done, ms));
async function look(path) {
  const frame = document.createElement('iframe');
  const loaded = new Promise(done => frame.onload = done);
  frame.src = path;
  document.body.append(frame);
  await Promise.race([loaded, pause(2000)]);
  const found = [];
  const page = frame.contentDocument;
  if (!page) return ['left the site'];
  if (frame.contentWindow.location.pathname !== path) found.push('left for another page');
  if (page.querySelector('parsererror')) found.push('is not well-formed');
  for (const element of page.querySelectorAll('*')) {
    if (element.matches(RUNS)) found.push(`has <${element.localName}>`);
    if (element.matches(DATA))
      try { JSON.parse(element.textContent) } catch { found.push('has broken JSON-LD') }
    for (const {name} of element.attributes)
      if (/^on|^(style|srcdoc|formaction|action)$/.test(name)) found.push(`has ${name}`);
    for (const name of ['href', 'src']) {
      const value = element.getAttribute(name);
      if (value === null || !/xhtml/.test(element.namespaceURI)) continue;
      let url; try { url = new URL(value, page.baseURI) } catch { continue }
      if (!MAY.has(url.protocol)) found.push(`has ${name} ${url.protocol}`);
    }
    element.addEventListener?.('click', event => event.preventDefault());
    for (const type of ['mouseover', 'focus', 'click', 'toggle', 'error'])
      element.dispatchEvent(new MouseEvent(type, {bubbles: type === 'click', cancelable: true}));
  }
  await pause(30);
  frame.remove();
  return [...new Set(found)];
}
async function all() {
  const paths = await (await fetch('/paths')).json();
  const report = {};
  const turn = async () => { for (let p; p = paths.shift();) report[p] = await look(p); };
  await Promise.all(Array.from({length: 8}, turn));
  await pause(500);
  await fetch('/report', {method: 'POST', body: JSON.stringify(report)});
}
</script><body onload="all()">"""


Server = TypeVar("Server", bound=BaseServer)


def chromium() -> str | None:
    """The browser: CHROMIUM of the environment, or the first on PATH."""
    names = ("chromium", "chromium-browser", "google-chrome")
    return os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, names)), None)


def executed(folder: Path, program: str) -> dict[str, list[str]]:
    """What each page below a folder did or could do, by its path; an empty list is as it should be.

    Raises TimeoutError if the browser reports nothing.
    """
    paths = sorted(f"/{p.relative_to(folder)}" for p in folder.rglob("*") if p.suffix in _TYPES)
    # Chromium's helpers may still be writing to the profile when it has ended.
    profiles = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
    with serving(_Server(folder, paths)) as server, profiles as profile:
        url = f"http://127.0.0.1:{server.server_port}/harness"
        browser = subprocess.Popen(
            [program, *_FLAGS, _NO_NETWORK, f"--user-data-dir={profile}/data", url],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            if not server.reported.wait(SECONDS):
                message = f"{program} reported nothing in {SECONDS} seconds"
                raise TimeoutError(message)
        finally:
            browser.terminate()
            browser.wait(30)
        report = server.report
        for page in server.pwned:
            report.setdefault(page, []).append("ran a script")
        assert set(paths) <= set(report)
        return report


class _Server(ThreadingHTTPServer):
    def __init__(self, folder: Path, paths: list[str]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.folder, self.paths = folder, paths
        self.reported = threading.Event()
        self.report: dict[str, list[str]] = {}
        self.pwned: set[str] = set()


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if path == "/harness":
            self._answer(_HARNESS.encode(), _TYPES[".html"])
        elif path == "/paths":
            self._answer(json.dumps(self.server.paths).encode(), "application/json")
        elif path in self.server.paths:
            file = self.server.folder / path[1:]
            self._answer(file.read_bytes(), _TYPES[file.suffix])
        else:
            if path == "/pwned":
                referrer = self.headers.get("Referer", "")
                self.server.pwned.add("/" + "/".join(referrer.split("/")[3:]))
            self._answer(b"", "text/plain", 404)

    def do_POST(self) -> None:
        self.server.report = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self._answer(b"", "text/plain")
        self.server.reported.set()

    def _answer(self, body: bytes, content_type: str, status: int = 200) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@contextmanager
def serving(server: Server) -> Iterator[Server]:
    """Let a server answer for as long as this lasts."""
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
