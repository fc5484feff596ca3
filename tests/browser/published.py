"""A whole site, published by the real handler on moto and served on loopback as CloudFront does."""

from __future__ import annotations

import os
import re
import struct
import zlib
from contextlib import ExitStack, contextmanager, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from typing import TYPE_CHECKING
from unittest.mock import patch

import boto3
from moto import mock_aws

import app
from broadsheet.addresses import HOME, SITE_JSON
from local.cdn import Cdn, CdnServer, Invalidations
from local.template import Template
from tests.hostile.browser import serving
from tests.newsroom import (
    DONE,
    ENVIRONMENT,
    LATE,
    SITE,
    SOURCE,
    make_buckets,
    make_distribution,
    s3_client,
    sqs_record,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

EMPTY = "/empty/"
HTML = "text/html; charset=utf-8"
# Pictures elsewhere, in articles: the site's own server stands in for elsewhere.
_ELSEWHERE = "https://example.com/media/"
_PICTURES = "/pictures/"
_PICTURE = re.compile(r"pictures/[\w.-]+")


@dataclass(frozen=True)
class Site:
    """A site that is being served. ``lax_url`` is the same one without its security headers."""

    url: str
    lax_url: str
    cdn: Cdn

    def pages(self) -> dict[str, str]:
        """The HTML of all pages by their paths."""
        paths = [f"/{key.removesuffix(HOME)}" for key in self._keys() if key.endswith(".html")]
        return {path: self.cdn.answer(path).body.decode() for path in paths}

    def feeds(self) -> dict[str, bytes]:
        """All feeds and sitemaps by their keys."""
        keys = [key for key in self._keys() if key.endswith((".xml", "feed.json"))]
        return {key: self.cdn.answer(f"/{key}").body for key in keys}

    def _keys(self) -> list[str]:
        listed = s3_client().get_paginator("list_objects_v2").paginate(Bucket=SITE)
        keys = [item["Key"] for page in listed for item in page.get("Contents", [])]
        return [key for key in keys if not key.startswith("_")]

    def put(self, path: str, page: str) -> None:
        """Put a page of one's own beside those published."""
        key = f"{path.removeprefix('/')}{HOME}"
        s3_client().put_object(Bucket=SITE, Key=key, Body=page.encode(), ContentType=HTML)

    def refused(self, keys: Mapping[str, bytes]) -> dict[str, str]:
        """The receipts of uploads that were not published as they are."""
        receipts = {
            key: s3_client().get_object(Bucket=SOURCE, Key=f"receipts/{key}")["Body"].read()
            for key in keys
        }
        return {k: r.decode() for k, r in receipts.items() if b'"rejected"' in r}


def uploads(folder: Path) -> dict[str, bytes]:
    """The article files of a folder by the keys that they are uploaded to."""
    files = {f"articles/{file.relative_to(folder)}": file for file in folder.rglob("*.json")}
    return {key: file.read_bytes() for key, file in sorted(files.items())}


@contextmanager
def serving_site(site_json: bytes, articles: Mapping[str, bytes]) -> Iterator[Site]:
    """Publish the articles, serve the site as long as this lasts.

    The home page that it had before its first article is at EMPTY.
    """
    with ExitStack() as stack:
        server = stack.enter_context(serving(CdnServer(0)))
        lax = stack.enter_context(serving(CdnServer(0)))
        stack.enter_context(mock_aws())
        stack.enter_context(patch.dict(os.environ, ENVIRONMENT | {"SITE_URL": server.url}))
        make_buckets()
        os.environ["DISTRIBUTION_ID"] = make_distribution()
        invalidations = Invalidations(boto3.client("cloudfront"), os.environ["DISTRIBUTION_ID"])
        server.cdn = Cdn(s3_client(), SITE, invalidations, Template.read().security_headers)
        lax.cdn = Cdn(s3_client(), SITE, invalidations, lambda _: {})
        site = Site(server.url, lax.url, server.cdn)
        _publish({SITE_JSON: site_json})
        site.put(EMPTY, lax.cdn.answer("/").body.decode())
        here = server.url + _PICTURES
        _publish({k: a.replace(_ELSEWHERE.encode(), here.encode()) for k, a in articles.items()})
        yield site


def _publish(objects: Mapping[str, bytes]) -> None:
    for key, body in objects.items():
        s3_client().put_object(Bucket=SOURCE, Key=key, Body=body)
        for name in set(_PICTURE.findall(body.decode())):
            s3_client().put_object(Bucket=SITE, Key=name, Body=picture(), ContentType="image/png")
    with redirect_stdout(StringIO()):  # its metrics
        assert (
            app.lambda_handler({"Records": [sqs_record("all", objects)]}, None, now=lambda: LATE)
            == DONE
        )


def picture(width: int = 1200, height: int = 800) -> bytes:
    """A PNG of one colour."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        checked = kind + data
        return struct.pack(">I", len(data)) + checked + struct.pack(">I", zlib.crc32(checked))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    rows = zlib.compress((b"\0" + b"\x90" * width) * height)
    parts = chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + parts
