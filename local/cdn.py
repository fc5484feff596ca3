"""A stand-in for CloudFront: serves the site bucket over HTTP and keeps what it has served.

It is the strictest CDN that there can be: it keeps every copy for ever, so whatever the function
forgets to invalidate stays visibly stale. An invalidation is obeyed before the next answer: each
request first asks the distribution (moto) for invalidations that it has not seen.
"""

import gzip
import re
import sys
import threading
import traceback
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from socketserver import ThreadingTCPServer
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from local.edge import Cache, Copy, is_current, nowhere, route, shown_as, tags_of

if TYPE_CHECKING:
    from mypy_boto3_cloudfront import CloudFrontClient
    from mypy_boto3_s3 import S3Client

NOT_FOUND_KEY = "404.html"
# Few, because a poll reads the last page of the list again each time.
POLL_ITEMS = 5
# Of what CloudFront compresses, types that a site has, and how many bytes at least.
# https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/ServingCompressedFiles.html
COMPRESSED_TYPES = {
    "application/json",
    "application/rss+xml",
    "application/xml",
    "image/svg+xml",
    "text/css",
    "text/html",
    "text/plain",
}
COMPRESSED_BYTES = 1_000
_RANGE = re.compile(r"bytes=(\d*)-(\d*)")


@dataclass(frozen=True)
class Answer:
    """An HTTP response."""

    status: HTTPStatus
    headers: dict[str, str]
    body: bytes = b""

    def compressed(self) -> "Answer":
        """Return what a client that accepts gzip gets."""
        kind = self.headers.get("Content-Type", "").partition(";")[0]
        if kind not in COMPRESSED_TYPES or len(self.body) < COMPRESSED_BYTES:
            return self
        if self.status == HTTPStatus.PARTIAL_CONTENT:
            return self
        headers = {"Content-Encoding": "gzip", "Vary": "Accept-Encoding"}
        if "ETag" in self.headers:
            headers["ETag"] = "W/" + self.headers["ETag"]
        return Answer(self.status, self.headers | headers, gzip.compress(self.body, mtime=0))

    def opened(self, fetched: str) -> "Answer":
        """Return what a client gets that fetches for this; a browser that opens it: document."""
        kind = self.headers.get("Content-Type", "")
        if not kind:
            return self
        headers = self.headers | {"Content-Type": shown_as(kind, fetched)}
        return Answer(self.status, headers, self.body)

    def part(self, wanted: str, if_range: str = "") -> "Answer":
        """Return what a GET with a Range header, and perhaps an If-Range, gets.

        https://www.rfc-editor.org/rfc/rfc9110#name-range-requests: one range only; what is not
        understood, and what is none of the copy that If-Range names, is answered in full.
        """
        match = _RANGE.fullmatch(wanted)
        current = not if_range or if_range == self.headers.get("ETag")
        if self.status != HTTPStatus.OK or not match or match[0] == "bytes=-" or not current:
            return self
        size = len(self.body)
        if match[1]:
            start, end = int(match[1]), min(int(match[2] or size), size - 1)
            if match[2] and int(match[2]) < start:
                return self
        else:
            start, end = max(0, size - int(match[2])), size - 1
        if start >= size:
            headers = self.headers | {"Content-Range": f"bytes */{size}"}
            return Answer(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, headers)
        headers = self.headers | {"Content-Range": f"bytes {start}-{end}/{size}"}
        return Answer(HTTPStatus.PARTIAL_CONTENT, headers, self.body[start : end + 1])


@dataclass
class Invalidations:
    """The invalidations of one distribution, each handed out once.

    moto lists them oldest first, and a marker names the first one of a page: by keeping the last
    page's marker a poll stays one small request, however many there have been.
    """

    cloudfront: "CloudFrontClient"
    distribution_id: str
    _marker: str = ""
    _seen: set[str] = field(default_factory=set)

    def new(self) -> Iterator[list[str]]:
        """Yield the items of each invalidation that has not been handed out yet."""
        while True:
            page = self.cloudfront.list_invalidations(
                DistributionId=self.distribution_id,
                MaxItems=str(POLL_ITEMS),
                **({"Marker": self._marker} if self._marker else {}),
            )["InvalidationList"]
            for summary in page.get("Items", []):
                if summary["Id"] not in self._seen:
                    self._seen.add(summary["Id"])
                    yield self._items(summary["Id"])
            if not page["IsTruncated"]:
                return
            self._marker = page["NextMarker"]

    def _items(self, invalidation_id: str) -> list[str]:
        answer = self.cloudfront.get_invalidation(
            DistributionId=self.distribution_id, Id=invalidation_id
        )
        return answer["Invalidation"]["InvalidationBatch"]["Paths"].get("Items", [])


class Cdn:
    """Answers requests for the site as the distribution in `template.yaml` does."""

    def __init__(
        self,
        s3: "S3Client",
        bucket: str,
        invalidations: Invalidations,
        headers: Callable[[str], Mapping[str, str]],
        redirect: Callable[[str], str] = nowhere,
    ) -> None:
        """Serve `bucket`; the `headers` of a request's path are added to its answer.

        `redirect` tells where an old address leads, if it leads anywhere.
        """
        self._s3 = s3
        self._bucket = bucket
        self._invalidations = invalidations
        self._headers = headers
        self._redirect = redirect
        self._cache = Cache()
        self._obeyed = 0
        self._lock = threading.Lock()

    def answer(self, target: str, if_none_match: str = "") -> Answer:
        """Answer a GET of `target` (the request target: path and query)."""
        try:
            answer = self._answer(target, if_none_match)
        except (BotoCoreError, ClientError) as error:
            answer = _plain(HTTPStatus.BAD_GATEWAY, f"The site bucket cannot be read: {error}\n")
        added = self._headers(target.partition("?")[0])
        return Answer(answer.status, {**added, **answer.headers}, answer.body)

    def _answer(self, target: str, if_none_match: str) -> Answer:
        path, _, query = target.partition("?")
        where = route(path, query, self._redirect)
        if where.location:
            headers = {"Location": where.location, "Cache-Control": "max-age=0, must-revalidate"}
            return Answer(HTTPStatus.MOVED_PERMANENTLY, headers)
        if not where.key:
            return _plain(HTTPStatus.NOT_FOUND, "")
        copy, hit = self._copy(where.key)
        if copy is None:
            return self._missing()
        headers = copy.headers | {"X-Cache": "Hit" if hit else "Miss"}
        if if_none_match and is_current(if_none_match, copy.headers["ETag"]):
            return Answer(HTTPStatus.NOT_MODIFIED, headers)
        return Answer(HTTPStatus.OK, headers, copy.body)

    def _missing(self) -> Answer:
        """Answer with the site's own page for what is missing; the miss itself is not kept."""
        copy, _ = self._copy(NOT_FOUND_KEY)
        if copy is None:
            return _plain(HTTPStatus.NOT_FOUND, "There is no such page.\n")
        headers = {name: value for name, value in copy.headers.items() if name != "ETag"}
        return Answer(HTTPStatus.NOT_FOUND, headers | {"X-Cache": "Miss"}, copy.body)

    def _copy(self, key: str) -> tuple[Copy | None, bool]:
        """Return the copy for `key`, if there is such an object, and whether it was cached."""
        with self._lock:
            self._obey()
            cached = self._cache.copies.get(key)
            obeyed = self._obeyed
        if cached is not None:
            return cached, True
        fetched = self._fetch(key)
        with self._lock:
            self._obey()
            # What an invalidation overtook on its way may be the old version: not to be kept.
            if fetched is not None and self._obeyed == obeyed:
                self._cache.copies[key] = fetched
        return fetched, False

    def _obey(self) -> None:
        for items in self._invalidations.new():
            self._cache.invalidate(items)
            self._obeyed += 1

    def _fetch(self, key: str) -> Copy | None:
        try:
            found = self._s3.get_object(Bucket=self._bucket, Key=key)
        except self._s3.exceptions.NoSuchKey:
            return None
        metadata = found["Metadata"]
        headers = {"Content-Type": found["ContentType"], "ETag": found["ETag"]}
        headers["Accept-Ranges"] = "bytes"
        headers |= {f"x-amz-meta-{name}": value for name, value in metadata.items()}
        if "CacheControl" in found:
            headers["Cache-Control"] = found["CacheControl"]
        tags = tags_of(metadata.get("cache-tag", ""))
        return Copy(key, found["Body"].read(), headers, tags)


def _plain(status: HTTPStatus, text: str) -> Answer:
    headers = {"Content-Type": "text/plain; charset=utf-8", "Cache-Control": "no-store"}
    return Answer(status, headers | {"X-Cache": "Miss"}, text.encode())


class _Handler(BaseHTTPRequestHandler):
    """Speaks HTTP for a CdnServer's Cdn."""

    server: "CdnServer"
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        self._send(with_body=True)

    def do_HEAD(self) -> None:
        self._send(with_body=False)

    def version_string(self) -> str:
        """Return the Server header."""
        return "broadsheet-local"

    def log_message(self, *_: object) -> None:
        """Keep the terminal for what is published."""

    def _send(self, *, with_body: bool) -> None:
        answer = self.server.cdn.answer(self.path, self.headers.get("If-None-Match", ""))
        if with_body:
            answer = answer.part(self.headers.get("Range", ""), self.headers.get("If-Range", ""))
        if "gzip" in self.headers.get("Accept-Encoding", ""):
            answer = answer.compressed()
        answer = answer.opened(self.headers.get("Sec-Fetch-Dest", ""))
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if answer.status != HTTPStatus.NOT_MODIFIED:
            self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        if with_body:
            self.wfile.write(answer.body)


class CdnServer(ThreadingTCPServer):
    """An HTTP server on the loopback; `cdn` is set before it starts to serve."""

    cdn: Cdn
    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, port: int) -> None:
        """Take the port (0: any that is free). Raises OSError when it is taken."""
        super().__init__(("127.0.0.1", port), _Handler)

    @property
    def url(self) -> str:
        """The site's address, without a slash at its end."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, *_: object) -> None:
        """Show what went wrong, unless it is only a browser that hung up."""
        if not isinstance(sys.exception(), ConnectionError):
            traceback.print_exc()
