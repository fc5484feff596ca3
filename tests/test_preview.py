"""`broadsheet preview`: one article, as it will be published."""

from __future__ import annotations

import http.client
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from local.inspection import Source
from local.preview import Preview, PreviewServer
from local.template import ROOT, Template
from tests.commands import broadsheet
from tests.newsroom import article, publish

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.newsroom import Newsroom

PATIENCE = 60
_SCRIPT = re.compile(rb'<script src="/_preview/reload\.js" data-version="\d+"></script>')


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A draft in a folder with a picture and a site.json."""
    folder = tmp_path / "articles"
    (folder / "2026").mkdir(parents=True)
    shutil.copytree(ROOT / "events" / "media", folder / "media")
    (folder / "site.json").write_text('{"name": "The Sellow Gazette"}')
    made = folder / "2026" / "a.json"
    write(made, status="draft", image={"src": "media/harbour.jpg", "alt": "A harbour"})
    return made


def write(file: Path, **fields: Any) -> None:
    new = file.with_suffix(".new")
    new.write_text(json.dumps(article(**fields), indent=1))
    new.replace(file)


@pytest.fixture
def server(file: Path) -> Iterator[PreviewServer]:
    """A preview that is served."""
    with PreviewServer(0, Template.read().security_headers()) as made:
        made.preview = Preview(Source.of(file), made.url)
        thread = threading.Thread(target=made.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield made
        made.shutdown()
        thread.join()


def get(
    server: PreviewServer, path: str, host: str = "127.0.0.1"
) -> tuple[int, http.client.HTTPMessage, bytes]:
    port = server.server_address[1]
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    connection.request("GET", path, headers={"Host": f"{host}:{port}"})
    answer = connection.getresponse()
    found = answer.status, answer.headers, answer.read()
    connection.close()
    return found


class TestPage:
    def test_a_draft_is_shown_with_its_site_and_its_picture(self, server: PreviewServer) -> None:
        status, headers, _ = get(server, "/")
        assert (status, headers["Location"]) == (302, "/articles/2026/a/")

        status, headers, body = get(server, "/articles/2026/a/")

        assert (status, headers["Content-Type"]) == (200, "text/html; charset=utf-8")
        assert b"The ferry <em>runs</em> again." in body
        assert b"The Sellow Gazette" in body
        assert b'width="1600" height="900" alt="A harbour"' in body
        picture = get(server, "/media/harbour.jpg")
        assert picture[1]["Content-Type"] == "image/jpeg"
        assert picture[2] == (ROOT / "events/media/harbour.jpg").read_bytes()
        assert get(server, "/theme.css")[1]["Content-Type"] == "text/css; charset=utf-8"

    def test_it_is_the_page_that_is_published_but_for_the_script(
        self, server: PreviewServer, file: Path, newsroom: Newsroom
    ) -> None:
        write(file, topics=["Harbour"])
        (file.parent.parent / "site.json").unlink()
        publish(newsroom, "2026/a", topics=["Harbour"])
        server.preview.source = Source.of(file, file.parent.parent)
        _, _, body = get(server, "/articles/2026/a/")

        plain = _SCRIPT.sub(b"", body).decode().replace(server.url, "https://news.example")

        assert plain == newsroom.page("articles/2026/a/index.html")

    def test_the_sites_headers_allow_one_script_more(self, server: PreviewServer) -> None:
        own = Template.read().security_headers()
        _, headers, body = get(server, "/articles/2026/a/")

        policy = own.pop("Content-Security-Policy")
        assert headers["Content-Security-Policy"] == f"{policy}; script-src 'self'"
        assert {name: headers[name] for name in own} == own
        assert _SCRIPT.search(body)
        assert body.count(b"<script") - body.count(b'type="application/ld+json"') == 1

    @pytest.mark.parametrize(
        "path",
        ["/media/../site.json", "/media/%2e%2e/2026/a.json", "/2026/a.json", "/media/", "/x"],
    )
    def test_nothing_else_of_the_machine_is_served(self, server: PreviewServer, path: str) -> None:
        status, _, body = get(server, path)

        assert status == 404
        assert b"published_at" not in body
        assert b'"name"' not in body

    def test_nobody_reaches_it_by_a_name_of_their_own(self, server: PreviewServer) -> None:
        assert get(server, "/articles/2026/a/", host="evil.example")[0] == 403
        assert get(server, "/articles/2026/a/", host="localhost")[0] == 200
        assert server.server_address[0] == "127.0.0.1"


class TestProblems:
    def test_they_are_a_page(self, server: PreviewServer, file: Path) -> None:
        write(file, published_at="<script>alert(1)</script>")

        for path in ("/", "/articles/2026/a/"):
            status, _, body = get(server, path)
            assert status == 200
            assert b"a.json can't be published" in body
            assert b"Line 5, column 18: /published_at" in body
            assert b"<script>alert" not in body

    def test_those_of_site_json_too(self, server: PreviewServer, file: Path) -> None:
        (file.parent.parent / "site.json").write_text("{")

        assert b"is not JSON" in get(server, "/articles/2026/a/")[2]

    def test_a_file_that_is_gone_is_told(self, server: PreviewServer, file: Path) -> None:
        file.unlink()

        status, _, body = get(server, "/articles/2026/a/")

        assert status == 404
        assert b"No such file" in body

    def test_without_a_picture_there_is_none(self, server: PreviewServer, file: Path) -> None:
        (file.parent.parent / "media" / "harbour.jpg").unlink()

        status, _, body = get(server, "/articles/2026/a/")

        assert status == 200
        assert b"<img" not in body


class TestReload:
    def test_a_change_is_told_to_who_shows_an_earlier_version(
        self, server: PreviewServer, file: Path
    ) -> None:
        stop = threading.Event()
        told = threading.Event()
        watching = threading.Thread(
            target=server.preview.watch, args=(stop, lambda _: told.set()), daemon=True
        )
        watching.start()
        for change in (
            lambda: write(file, title="Gerry"),
            lambda: (file.parent.parent / "site.json").write_text('{"name": "News"}'),
            file.unlink,
        ):
            before = server.preview.version
            _until_changed(change, server, before)
            _, headers, body = get(server, f"/_preview/changes?after={before}")
            assert headers["Content-Type"] == "text/event-stream"
            assert f"data: {server.preview.version}\n\n".encode() in body
        stop.set()
        watching.join(PATIENCE)
        assert told.is_set()

    def test_what_is_no_version_is_taken_for_the_first(self, server: PreviewServer) -> None:
        server.preview.version = 2

        assert get(server, "/_preview/changes?after=x")[2] == b"data: 2\n\n"


def _until_changed(change: Any, server: PreviewServer, before: int) -> None:
    """Make a change; that it is ever noticed, not how soon, is what counts."""
    change()
    for _ in range(PATIENCE):
        if server.preview.wait(before) > before:
            return
    raise AssertionError("the change was never noticed")


class TestCommand:
    def test_it_says_where_it_is_and_ends_at_ctrl_c(self, file: Path) -> None:
        before = {path: path.stat().st_mtime_ns for path in file.parent.parent.rglob("*")}
        with subprocess.Popen(
            [Path(sys.executable).parent / "broadsheet", "preview", "--port", "0", str(file)],
            env=os.environ | {"COLUMNS": "200", "PYTHONUNBUFFERED": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as program:
            assert program.stdout
            first = program.stdout.readline()
            program.send_signal(signal.SIGINT)
            said, _ = program.communicate(timeout=PATIENCE)
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+/articles/2026/a/  draft\n", first)
        assert (program.returncode, said) == (0, "Stopped.\n")
        assert before == {path: path.stat().st_mtime_ns for path in file.parent.parent.rglob("*")}

    def test_a_port_that_is_taken_is_said_clearly(
        self, server: PreviewServer, file: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        taken = str(server.server_address[1])

        assert broadsheet("preview", "--port", taken, str(file)) == 2

        assert f"port {taken} can't be had" in capsys.readouterr().err
