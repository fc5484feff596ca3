"""The ping function against servers that take, refuse, hang, lead elsewhere and flood."""

from __future__ import annotations

import io
import json
import ssl
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

import ping
from outside import LaterError, Outside, RefusedError, is_public
from tests.newsroom import URL, failed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FEEDS = [f"{URL}/rss.xml", f"{URL}/atom.xml"]
# Longer than any test waits.
FOR_EVER = threading.Event()


@dataclass
class Server:
    """Somebody else's server on the loopback, which does with each request what it is told."""

    url: str
    trust: ssl.SSLContext
    does: str = "204"
    requests: list[tuple[str, dict[str, list[str]] | dict[str, Any]]] = field(default_factory=list)
    connections: int = 0

    @property
    def outside(self) -> Outside:
        """A way out that leads here."""
        return Outside(self.trust, lambda address: address in {"127.0.0.1", "::1"}, seconds=0.5)

    @property
    def forms(self) -> list[dict[str, list[str]]]:
        return [body for path, body in self.requests if path == "/hub"]

    @property
    def lists(self) -> list[dict[str, Any]]:
        return [body for path, body in self.requests if path == "/indexnow"]


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate of localhost, and its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime.now(UTC) - timedelta(days=1))
        .not_valid_after(datetime.now(UTC) + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = tmp_path_factory.mktemp("tls") / "server.pem"
    file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return file


class Tls(ThreadingHTTPServer):
    """Counts its connections; what becomes of them is the test's business."""

    daemon_threads = True
    here: Server

    def get_request(self) -> Any:
        self.here.connections += 1
        return super().get_request()

    def handle_error(self, *_: Any) -> None:
        pass


class Answers(BaseHTTPRequestHandler):
    server: Tls

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        found = json.loads(body) if self.path == "/indexnow" else parse_qs(body.decode())
        self.server.here.requests.append((self.path, found))
        with suppress(OSError):
            self._answer(self.server.here.does)

    def _answer(self, does: str) -> None:
        match does:
            case "hang":
                FOR_EVER.wait(1.5)
            case "drip":
                for character in "HTTP/1.0 204 No Content":
                    self.wfile.write(character.encode())
                    FOR_EVER.wait(0.1)
            case "flood of headers":
                self.wfile.write(b"HTTP/1.0 200 OK\r\n" + b"X: y\r\n" * 100_000)
            case "flood of body":
                self.wfile.write(b"HTTP/1.0 200 OK\r\n\r\n")
                for _ in range(1000):
                    self.wfile.write(b"x" * 100_000)
            case "nonsense":
                self.wfile.write(b"what?\r\n\r\n")
            case "close":
                pass
            case status:
                self.send_response(int(status))
                self.send_header("Location", "/elsewhere")
                self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def server(certificate: Path) -> Iterator[Server]:
    serving = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    serving.load_cert_chain(certificate)
    trust = ssl.create_default_context(cafile=str(certificate))
    with Tls(("127.0.0.1", 0), Answers) as tls:
        tls.socket = serving.wrap_socket(
            tls.socket, server_side=True, do_handshake_on_connect=False
        )
        tls.here = Server(f"https://localhost:{tls.server_address[1]}", trust)
        thread = threading.Thread(target=tls.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield tls.here
        tls.shutdown()
        thread.join()


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    stream = io.StringIO()
    monkeypatch.setattr(ping.logger.registered_handler, "stream", stream)
    return stream


def record(message: str, server: Server, **detail: Any) -> dict[str, Any]:
    """A message of the queue with an event that names the server as hub."""
    event = {
        "source": "broadsheet",
        "detail-type": "ArticlePublished",
        "detail": {
            "id": "0" * 32,
            "site": URL,
            "url": f"{URL}/articles/{message}/",
            "feeds": FEEDS,
            "websub_hub": f"{server.url}/hub",
            **detail,
        },
    }
    return {"messageId": message, "body": json.dumps(event)}


def tell(server: Server, *records: dict[str, Any], seconds: float = 5) -> list[str]:
    return ping.tell(records, server.outside, f"{server.url}/indexnow", seconds)


# What is sent


def test_a_hub_is_told_of_each_feed(server: Server) -> None:
    assert tell(server, record("1", server)) == []

    assert sorted(server.forms, key=str) == sorted(
        ({"hub.mode": ["publish"], "hub.url": [feed], "hub.topic": [feed]} for feed in FEEDS),
        key=str,
    )
    assert server.lists == []


def test_search_engines_are_told_of_all_addresses_at_once(server: Server) -> None:
    records = [record(m, server, indexnow_key="0123-abcd", websub_hub=None) for m in ("1", "2")]

    assert tell(server, *records) == []

    assert server.requests == [
        (
            "/indexnow",
            {
                "host": "news.example",
                "key": "0123-abcd",
                "keyLocation": f"{URL}/indexnow.txt",
                "urlList": [f"{URL}/articles/1/", f"{URL}/articles/2/"],
            },
        )
    ]


def test_articles_that_come_together_share_one_ping_of_each_feed(server: Server) -> None:
    assert tell(server, *(record(str(i), server) for i in range(50))) == []

    assert len(server.forms) == len(FEEDS)


def test_an_event_without_hub_and_key_asks_for_nothing(server: Server) -> None:
    assert tell(server, record("1", server, websub_hub=None)) == []
    assert server.connections == 0


@pytest.mark.parametrize(
    "body",
    [
        "",
        "{",
        "[" * 100_000,
        "null",
        "{}",
        '{"source": "shop", "detail": {"site": "x", "url": "y"}}',
        '{"source": "broadsheet", "detail": []}',
        '{"source": "broadsheet", "detail": {"site": 1, "url": "y"}}',
    ],
)
def test_what_is_no_event_is_counted_and_dropped(
    server: Server, body: str, log: io.StringIO
) -> None:
    assert tell(server, {"messageId": "1", "body": body}, record("2", server)) == []

    assert len(server.forms) == len(FEEDS)
    assert "message not understood" in log.getvalue()


# What servers do


@pytest.mark.parametrize("does", ["200", "202", "204"])
def test_a_success_is_a_success(server: Server, does: str) -> None:
    server.does = does
    assert tell(server, record("1", server)) == []


@pytest.mark.parametrize(
    "does",
    [
        *("408", "425", "429", "500", "502", "503", "599"),
        *("hang", "drip", "flood of headers", "nonsense", "close"),
    ],
)
def test_what_may_pass_is_tried_again(server: Server, does: str, log: io.StringIO) -> None:
    server.does = does
    began = time.monotonic()

    assert tell(server, record("1", server), seconds=1) == ["1"]

    assert time.monotonic() - began < 3
    assert does == "drip" or "to be sent again" in log.getvalue()


@pytest.mark.parametrize("does", ["301", "302", "307", "308", "400", "403", "404", "410", "422"])
def test_what_will_not_pass_is_logged_and_dropped(
    server: Server, does: str, log: io.StringIO
) -> None:
    server.does = does

    assert tell(server, record("1", server)) == []

    assert f"localhost answered {does}" in log.getvalue()
    # No redirect is followed.
    assert {path for path, _ in server.requests} == {"/hub"}


def test_a_flood_is_not_read(server: Server) -> None:
    server.does = "flood of body"
    began = time.monotonic()

    assert tell(server, record("1", server)) == []
    assert time.monotonic() - began < 3


def test_one_that_fails_holds_up_only_the_messages_that_need_it(server: Server) -> None:
    server.does = "204"
    gone = record("2", server, websub_hub="https://localhost:1/hub")

    assert tell(server, record("1", server), gone, record("3", server)) == ["2"]
    assert len(server.forms) == len(FEEDS)


def test_what_is_not_begun_in_time_is_tried_again(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ping, "PINGS_AT_ONCE", 1)
    server.does = "hang"
    records = [record(str(i), server, feeds=[f"{URL}/{i}.xml"]) for i in range(9)]

    assert tell(server, *records, seconds=0.7) == [str(i) for i in range(9)]
    time.sleep(0.5)
    assert len(server.forms) < 5


def test_when_no_time_is_left_everything_comes_again(server: Server) -> None:
    assert tell(server, record("1", server), seconds=-5) == ["1"]


def test_a_server_that_nobody_vouches_for_is_told_nothing(server: Server) -> None:
    stranger = replace(server.outside, trust=ssl.create_default_context())

    with pytest.raises(LaterError, match="CERTIFICATE_VERIFY_FAILED"):
        stranger.post(f"{server.url}/hub", b"", "text/plain")
    assert server.requests == []


def test_a_server_under_another_name_than_its_certificates_is_told_nothing(
    server: Server,
) -> None:
    with pytest.raises(LaterError, match="CERTIFICATE_VERIFY_FAILED"):
        server.outside.post(server.url.replace("localhost", "127.0.0.1"), b"", "text/plain")
    assert server.requests == []


# Where it goes


def test_only_the_internet_is_gone_to(server: Server) -> None:
    way = replace(server.outside, is_allowed=is_public)

    with pytest.raises(RefusedError, match="is not on the internet"):
        way.post(f"{server.url}/hub", b"", "text/plain")
    assert server.connections == 0


def test_the_address_that_was_looked_at_is_the_one_that_is_connected_to(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name that leads elsewhere when it is looked up again leads nowhere new."""
    answers = iter(["127.0.0.1"])
    monkeypatch.setattr(
        "outside.socket.getaddrinfo",
        lambda _host, port, **_: [(2, 1, 6, "", (next(answers), port))],
    )
    connected: list[Any] = []

    def connect(address: Any, _seconds: float) -> Any:
        connected.append(address)
        raise ConnectionRefusedError

    monkeypatch.setattr("outside.socket.create_connection", connect)

    with pytest.raises(LaterError):
        server.outside.post("https://hub.example/", b"", "text/plain")
    assert connected == [("127.0.0.1", 443)]


def test_a_name_with_one_address_inside_is_not_gone_to_at_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = [(2, 1, 6, "", (address, 443)) for address in ("93.184.215.14", "169.254.169.254")]
    monkeypatch.setattr("outside.socket.getaddrinfo", lambda *_, **__: found)

    with pytest.raises(RefusedError, match=r"169\.254\.169\.254"):
        Outside().post("https://hub.example/", b"", "text/plain")


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.0.0.1",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",  # noqa: S104 (nobody listens)
        "224.0.0.1",
        "255.255.255.255",
        "::1",
        "::",
        "fe80::1",
        "fc00::1",
        "ff02::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "2002:7f00:1::",
        "fd00:ec2::254",
    ],
)
def test_addresses_inside(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c"])
def test_addresses_of_the_internet(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "/hub",
        "http://hub.example/",
        "ftp://hub.example/",
        "file:///etc/passwd",
        "https://",
        "https:///hub",
        "https://user:secret@hub.example/",
        "https://hub.example:port/",
        "https://hub.example:99999/",
        "https://[::1/",
        "https://hub.example/a b",
        "https://hub.example/\r\nX: y",
        "https://hub.example/?é",
        "https://" + "a" * 300 + ".example/",
        "https://a..example/",
    ],
)
def test_what_is_no_address_of_a_server_is_refused(url: str) -> None:
    with pytest.raises(RefusedError):
        Outside(is_allowed=lambda _: False).post(url, b"", "text/plain")


def test_a_name_that_does_not_exist_is_tried_again() -> None:
    with pytest.raises(LaterError, match="gaierror"):
        Outside().post("https://hub.invalid/", b"", "text/plain")


# The function


def test_the_handler_answers_with_the_messages_to_try_again(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ping, "_internet", lambda: server.outside)
    server.does = "503"
    context = SimpleNamespace(
        get_remaining_time_in_millis=lambda: 60_000,
        function_name="ping",
        memory_limit_in_mb=256,
        invoked_function_arn="arn",
        aws_request_id="request",
    )
    event = {"Records": [record("1", server), record("2", server, websub_hub=None)]}

    assert failed(ping.lambda_handler(event, context)) == ["1"]

    server.does = "204"
    assert failed(ping.lambda_handler(event, None)) == []


def test_by_itself_it_goes_to_the_internet_only() -> None:
    found = ping._internet()  # noqa: SLF001 (what the handler takes)

    assert found.is_allowed is is_public
    assert found.trust.verify_mode == ssl.CERT_REQUIRED
    assert found.trust.check_hostname
    assert ping.INDEXNOW_URL.startswith("https://")
