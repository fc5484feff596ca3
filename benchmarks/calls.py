"""Calls of AWS as they were made, with their answers: to be weighed, and to be made once more.

``Recorder`` listens to boto3's clients, ``answering`` answers the same calls over HTTP, and
``make`` makes them in a loop that does nothing else.
"""

from __future__ import annotations

import io
import time
from collections import defaultdict
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from threading import Lock, Thread
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from botocore import xform_name
from botocore.exceptions import ClientError
from botocore.response import StreamingBody

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

_METHODS = {"GetObject": "GET", "HeadObject": "HEAD", "PutObject": "PUT", "DeleteObject": "DELETE"}
# What a server says of a connection, and not of what it answers.
_OF_THE_CONNECTION = {"connection", "content-length", "date", "server", "transfer-encoding"}
GOOD = 200
# What a process has on Lambda, where the function keeps to one processor.
ON_LAMBDA = {"AWS_LAMBDA_FUNCTION_NAME": "publish", "POWERTOOLS_TRACE_DISABLED": "true"}


@dataclass(frozen=True)
class Call:
    """A call: what boto3 was asked with, what came back, and when that was there.

    ``path`` is the URL's, with the bucket before the key of an object.
    """

    operation: str
    params: dict[str, Any]
    path: str
    status: int
    headers: dict[str, str]
    body: bytes
    ended: float

    @property
    def method(self) -> str:
        """HTTP's."""
        return _METHODS.get(self.operation, "POST")

    @property
    def key(self) -> str:
        """The object's key, "" where there is none."""
        return str(self.params.get("Key", ""))

    @property
    def read(self) -> int:
        """Bytes of an object that were read."""
        return len(self.body) if self.operation == "GetObject" and self.status == GOOD else 0

    @property
    def written(self) -> int:
        """Bytes of an object that were written."""
        return len(self.params["Body"]) if self.operation == "PutObject" else 0

    @property
    def items(self) -> int:
        """Items of an invalidation."""
        batch = self.params.get("InvalidationBatch")
        return len(batch["Paths"]["Items"]) if batch else 0


class Recorder:
    """Keeps the calls of clients, each with the time that ``clock`` tells at its end."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.calls: list[Call] = []
        self._clock = clock

    @contextmanager
    def listening(self, clients: Sequence[Any]) -> Iterator[None]:
        """To these clients."""
        hooks = {"provide-client-params": self._ask, "after-call": self._hear}
        for client in clients:
            for name, hook in hooks.items():
                client.meta.events.register(name, hook)
        try:
            yield
        finally:
            for client in clients:
                for name, hook in hooks.items():
                    client.meta.events.unregister(name, hook)

    def _ask(self, params: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
        context["asked"] = dict(params)

    def _hear(
        self, model: Any, context: dict[str, Any], http_response: Any, parsed: Any, **_: Any
    ) -> None:
        params = context["asked"]
        streamed = parsed.get("Body")
        body = streamed.read() if streamed else http_response.content
        if streamed:
            parsed["Body"] = StreamingBody(io.BytesIO(body), len(body))
        bucket = params.get("Bucket")
        path = f"/{bucket}/{params['Key']}" if bucket else urlsplit(http_response.url).path
        answer = parsed["ResponseMetadata"]
        self.calls.append(
            Call(
                model.name,
                params,
                path,
                answer["HTTPStatusCode"],
                answer["HTTPHeaders"],
                body,
                self._clock(),
            )
        )


def make(calls: Iterable[Call], clients: Callable[[str], Any]) -> None:
    """Make the same calls, one after the other, and read what they answer.

    ``clients`` gives that of a service.
    """
    for call in calls:
        client = clients("s3" if "Bucket" in call.params else "cloudfront")
        with suppress(ClientError):  # what is not there
            answer = getattr(client, xform_name(call.operation))(**call.params)
            if "Body" in answer:
                answer["Body"].read()


@contextmanager
def answering(
    calls: Iterable[Call], delay: Callable[[Call], float] = lambda _call: 0
) -> Iterator[str]:
    """A server that answers these calls, each like the one to its path; its URL.

    Whoever makes all of them, in any order that keeps those to one path, may make them again.
    ``delay`` says how many seconds each answer takes.
    """
    answers: defaultdict[tuple[str, str], list[Call]] = defaultdict(list)
    for call in calls:
        answers[call.method, call.path].append(call)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(answers, delay))
    server.daemon_threads = True
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def _handler(
    answers: defaultdict[tuple[str, str], list[Call]], delay: Callable[[Call], float]
) -> type[BaseHTTPRequestHandler]:
    lock = Lock()
    turns: defaultdict[tuple[str, str], Iterator[int]] = defaultdict(count)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        wbufsize = -1  # an answer leaves whole

        def handle_expect_100(self) -> bool:
            super().handle_expect_100()
            self.wfile.flush()  # or boto3 waits a second before it sends what it has
            return True

        def _answer(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            place = self.command, unquote(urlsplit(self.path).path)
            with lock:
                found = answers.get(place)
                call = found[next(turns[place]) % len(found)] if found else None
            if call is None:
                self.send_error(501, f"nobody has called {place}")
                return
            time.sleep(delay(call))
            self.send_response_only(call.status)
            for name, value in call.headers.items():
                if name.lower() not in _OF_THE_CONNECTION:
                    self.send_header(name, value)
            length = call.headers.get("content-length", "0") if call.method == "HEAD" else None
            self.send_header("Content-Length", length or str(len(call.body)))
            self.end_headers()
            if call.method != "HEAD":
                self.wfile.write(call.body)

        do_GET = do_HEAD = do_PUT = do_DELETE = do_POST = _answer  # noqa: N815 (the names that http.server calls)

        def log_message(self, *_: object) -> None:
            """Keep the terminal for the tables."""

    return Handler
