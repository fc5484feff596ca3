"""Shows one article as it will be published, straight from its file, and anew when that changes.

Nothing is written and nothing is asked of AWS: the page is rendered from the file, the site.json
beside it and the pictures in media/, by the code that the functions have.
"""

import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from mimetypes import guess_type
from pathlib import Path
from socketserver import ThreadingTCPServer
from urllib.parse import parse_qs, unquote, urlsplit

from jinja2 import Environment
from markupsafe import Markup
from watchfiles import watch

from broadsheet import addresses
from broadsheet.article import Article, Image
from broadsheet.errors import InvalidError
from broadsheet.page import CSS, HTML, Page
from broadsheet.render import Renderer
from broadsheet.site_config import SiteConfig
from broadsheet.templating import stylesheet
from local.cdn import Answer
from local.inspection import Finding, Source, inspect, understand
from local.watch import RESCAN, SITE_FILE
from pictures import Picture

CHANGES = "/_preview/changes"
SCRIPT = "/_preview/reload.js"
STYLE = "/_preview/problems.css"
# Seconds after which a browser that waits for a change hears that it still may.
HEARTBEAT = 10
# Waits for a version after the one that is shown. Only the preview has it, and any script at all.
_RELOAD = """\
const shown = document.currentScript.dataset.version;
new EventSource('/_preview/changes?after=' + shown).onmessage = () => location.reload();
"""
_STYLE = """\
main > * { margin: 0 0 0.5rem; max-width: 60rem; overflow-wrap: anywhere; }
h1 { margin-block: 1.5rem; font-size: 1.75rem; }
h2 { margin-top: 2rem; font-size: 1.125rem; }
pre { padding: 0.75rem; overflow-x: auto; border: 1px solid; }
"""
_PROBLEMS = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True).from_string("""\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{{ file }}: can't be published</title>
<link rel="stylesheet" href="/theme.css">
<style>{{ style }}</style>
<link rel="stylesheet" href="{{ stylesheet }}">
</head>
<body>
<main>
<h1>{{ file }} can't be published</h1>
{% for finding in findings %}
<h2>Line {{ finding.place.line }}, column {{ finding.place.column }}: \
{{ finding.problem.path or "the whole file" }}</h2>
<p>{{ finding.problem.message }}</p>
{% if finding.place.excerpt %}
<pre>{{ finding.place.excerpt[:finding.place.mark] }}<mark>\
{{ finding.place.excerpt[finding.place.mark:][:1] }}</mark>\
{{ finding.place.excerpt[finding.place.mark + 1:] }}</pre>
{% endif %}
{% endfor %}
</main>
</body>
</html>
""")


@dataclass(frozen=True)
class Shot:
    """What the files hold at a moment: the article, if it can be published, and pages by URL path.

    The article's own, or what is wrong with it, is at ``path``.
    """

    path: str
    article: Article | None
    findings: tuple[Finding, ...]
    pages: dict[str, Page]


@dataclass
class Preview:
    """The files that one article is shown from; ``version`` counts their changes."""

    source: Source
    site_url: str
    version: int = 0
    _changed: threading.Condition = field(default_factory=threading.Condition)
    _seen: list[tuple[int, int, int]] = field(init=False)

    def __post_init__(self) -> None:
        # Before anything is shown, so that no change after it is missed.
        self._seen = self._stamps()

    def shot(self) -> Shot:
        """What there is to show now. Raises OSError where the file can't be read."""
        root = self.source.root
        site = Source(root / SITE_FILE, addresses.SITE_JSON, root)
        findings = inspect(self.source)
        config = SiteConfig()
        if site.file.is_file():
            findings += inspect(site)
            with suppress(InvalidError):
                config = SiteConfig.parse(site.read())
        renderer = Renderer(self.site_url, config)
        pages = {addresses.url_path(page.key): page for page in renderer.fixed()}
        article = self._article()
        path = "/"
        if article:
            article = article._replace(image=self._measured(article.image))
            page = renderer.article(article)
            path = addresses.url_path(page.key)
            pages[path] = page
        if not article or any(not finding.is_warning for finding in findings):
            pages[path] = self._problems(findings)
        return Shot(path, article, tuple(findings), pages)

    def _article(self) -> Article | None:
        with suppress(InvalidError):
            article = understand(self.source.key, self.source.read())
            return article if isinstance(article, Article) else None
        return None

    def _measured(self, image: Image | None) -> Image | None:
        """A picture as it will be shown, in its proportions; none where there is none."""
        if image is None or not image.src.startswith(addresses.MEDIA):
            return image
        with suppress(InvalidError, OSError):
            file = self.picture(f"/{image.src}")
            if file and image.name:
                picture = Picture(image.name, file.read_bytes())
                return image._replace(width=picture.width, height=picture.height)
        return None

    def picture(self, path: str) -> Path | None:
        """The file of a picture in media/, by its URL path."""
        key = path.removeprefix("/")
        file = self.source.root / key
        return file if addresses.media_name(key) and file.is_file() else None

    def _problems(self, findings: list[Finding]) -> Page:
        wrong = [finding for finding in findings if not finding.is_warning]
        style = Markup(stylesheet())  # noqa: S704 (a file of the layer)
        text = _PROBLEMS.render(
            file=self.source.file.name, findings=wrong, style=style, stylesheet=STYLE
        )
        return Page("", text.encode(), HTML, "")

    # Changes

    def watch(self, stop: threading.Event, changed: Callable[[Shot], None]) -> None:
        """Count changes of the files until ``stop`` is set; ``changed`` hears of what is there."""
        folders = {self.source.file.absolute().parent, self.source.root.absolute()}
        # Editors replace files, so the folders are watched; and looked at though nothing was heard.
        for _ in watch(
            *folders,
            stop_event=stop,
            recursive=False,
            rust_timeout=RESCAN,
            yield_on_timeout=True,
        ):
            if (now := self._stamps()) != self._seen:
                self._seen = now
                with self._changed:
                    self.version += 1
                    self._changed.notify_all()
                with suppress(OSError):
                    changed(self.shot())

    def _stamps(self) -> list[tuple[int, int, int]]:
        files = [self.source.file, self.source.root / SITE_FILE]
        with suppress(OSError):
            article = self._article()
            if article and article.image:
                files.append(self.source.root / article.image.src)
        return [_stamp(file) for file in files]

    def wait(self, after: int) -> int:
        """The present version, as soon as it is later than ``after``, or after some seconds."""
        with self._changed:
            self._changed.wait_for(lambda: self.version > after, timeout=HEARTBEAT)
            return self.version


def _stamp(file: Path) -> tuple[int, int, int]:
    with suppress(OSError):
        found = file.stat()
        return found.st_mtime_ns, found.st_size, found.st_ino
    return 0, 0, 0


class PreviewServer(ThreadingTCPServer):
    """Serves a preview on the loopback; ``preview`` is set before it starts to serve.

    ``headers`` are those of the site. Raises OSError where the port is taken.
    """

    preview: Preview
    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False

    def __init__(self, port: int, headers: dict[str, str]) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        policy = headers.get("Content-Security-Policy", "")
        self.headers = {**headers, "Content-Security-Policy": f"{policy}; script-src 'self'"}

    @property
    def url(self) -> str:
        """The preview's address, without a slash at its end."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def answer(self, target: str) -> Answer:
        """Answer a GET of a request target: path and query."""
        path = unquote(urlsplit(target).path)
        if path == SCRIPT:
            return self._found(_RELOAD.encode(), "text/javascript; charset=utf-8")
        if path == STYLE:
            return self._found(_STYLE.encode(), CSS)
        if file := self.preview.picture(path):
            return self._found(file.read_bytes(), guess_type(file.name)[0] or "image/webp")
        # Before what is shown, so that a change in between is one after it.
        version = self.preview.version
        shot = self.preview.shot()
        if path == "/" and shot.path != "/":
            return Answer(HTTPStatus.FOUND, {**self.headers, "Location": shot.path})
        if path.startswith(f"/{addresses.ARTICLES}"):
            path = shot.path
        page = shot.pages.get(path)
        status = HTTPStatus.OK if page else HTTPStatus.NOT_FOUND
        page = page or shot.pages[f"/{addresses.NOT_FOUND}"]
        body = page.body
        if page.content_type == HTML:
            script = f'<script src="{SCRIPT}" data-version="{version}"></script></body>'
            body = body.replace(b"</body>", script.encode())
        return replace(self._found(body, page.content_type), status=status)

    def _found(self, body: bytes, content_type: str) -> Answer:
        headers = {"Content-Type": content_type, "Cache-Control": "no-store"}
        return Answer(HTTPStatus.OK, self.headers | headers, body)


class _Handler(BaseHTTPRequestHandler):
    """Speaks HTTP for a PreviewServer."""

    server: PreviewServer
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        # What a page of another host asks for by a name of its own, drafts are not for.
        if self.headers.get("Host", "").partition(":")[0] not in {"127.0.0.1", "localhost"}:
            self._send(Answer(HTTPStatus.FORBIDDEN, {}))
        elif urlsplit(self.path).path == CHANGES:
            self._send_changes()
        else:
            try:
                answer = self.server.answer(self.path)
            except OSError as error:
                text = f"{error.filename}: {error.strerror}\n".encode()
                answer = Answer(HTTPStatus.NOT_FOUND, {"Content-Type": "text/plain"}, text)
            self._send(answer)

    def log_message(self, *_: object) -> None:
        """Keep the terminal for what is wrong with the article."""

    def _send(self, answer: Answer) -> None:
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body)

    def _send_changes(self) -> None:
        """Server-sent events: one when there is a later version than the browser has.

        https://html.spec.whatwg.org/multipage/server-sent-events.html
        """
        asked = parse_qs(urlsplit(self.path).query).get("after", ["0"])[0]
        after = int(asked) if asked.isdecimal() else 0
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Cache-Control", "no-store")
        self.send_header("Connection", "close")
        self.end_headers()
        with suppress(ConnectionError):
            while (version := self.server.preview.wait(after)) <= after:
                self.wfile.write(b": nothing yet\n\n")
            self.wfile.write(f"data: {version}\n\n".encode())
        self.close_connection = True
