"""Brings the source bucket to what a folder holds: what differs, and the uploads themselves."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from botocore.exceptions import ClientError

from broadsheet.addresses import ARTICLES, MEDIA, SITE_JSON
from local.deployment import Deployment
from local.inspection import Source, gather
from local.receipts import Awaited, bare, read

# What S3 answers when an object is no longer what the request says that it replaces.
_CONFLICTS = {"PreconditionFailed", "ConditionalRequestConflict", "NoSuchKey", "404", "409", "412"}


@dataclass(frozen=True)
class Remote:
    """An object of the source bucket."""

    etag: str
    size: int
    modified: datetime


@dataclass(frozen=True)
class Plan:
    """What has to be done, and how many files need nothing.

    ``deletions`` are keys that no file has. Of what is uploaded, ``replaced`` has the entity tags
    that are there now.
    """

    uploads: tuple[Source, ...]
    deletions: tuple[str, ...]
    same: int
    replaced: dict[str, str]


def listed(deployment: Deployment, prefix: str) -> dict[str, Remote]:
    """All objects of the source bucket below a prefix."""
    return dict(_listed(deployment, prefix))


def _listed(deployment: Deployment, prefix: str) -> Iterator[tuple[str, Remote]]:
    pages = deployment.s3.get_paginator("list_objects_v2").paginate(
        Bucket=deployment.settings.source_bucket, Prefix=prefix
    )
    for page in pages:
        for one in page.get("Contents", []):
            yield one["Key"], Remote(bare(one["ETag"]), one["Size"], one["LastModified"])


def plan(deployment: Deployment, folder: Path) -> Plan:
    """Compare a folder with the bucket, by size and content. Raises OSError."""
    there: dict[str, Remote] = {}
    for prefix in (ARTICLES, MEDIA):
        there |= listed(deployment, prefix)
    site = listed(deployment, SITE_JSON)
    there |= {key: site[key] for key in site if key == SITE_JSON}
    sources = gather([folder])
    changed = tuple(one for one in sources if not _is_same(one, there.get(one.key)))
    ours = {source.key for source in sources}
    return Plan(
        # Everything depends on site.json, and articles on their pictures.
        uploads=tuple(sorted(changed, key=_turn)),
        # A key that ends in a slash is what consoles make of an empty folder.
        deletions=tuple(sorted(key for key in there.keys() - ours if not key.endswith("/"))),
        same=len(sources) - len(changed),
        replaced={one.key: there[one.key].etag for one in changed if one.key in there},
    )


def _turn(source: Source) -> tuple[int, str]:
    order = (SITE_JSON, MEDIA, ARTICLES)
    return next(i for i, prefix in enumerate(order) if source.key.startswith(prefix)), source.key


def _is_same(source: Source, remote: Remote | None) -> bool:
    """Whether the object is the file. One uploaded in parts, whose tag is no MD5, never is.

    https://docs.aws.amazon.com/AmazonS3/latest/API/API_Object.html
    """
    if remote is None or source.file.stat().st_size != remote.size:
        return False
    data = source.file.read_bytes()
    return hashlib.md5(data, usedforsecurity=False).hexdigest() == remote.etag


class OvertakenError(Exception):
    """Somebody else has changed the object meanwhile."""


def put(deployment: Deployment, key: str, data: bytes, replaces: str | None) -> Awaited:
    """Upload over the entity tag ``replaces``, or where there is nothing; what to wait for.

    Raises OvertakenError where that is not how it is any more, so that nobody's change is lost.
    """
    quoted = f'"{replaces}"'
    try:
        if replaces is None:
            answer = deployment.s3.put_object(
                Bucket=deployment.settings.source_bucket, Key=key, Body=data, IfNoneMatch="*"
            )
        else:
            answer = deployment.s3.put_object(
                Bucket=deployment.settings.source_bucket, Key=key, Body=data, IfMatch=quoted
            )
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") in _CONFLICTS:
            raise OvertakenError(key) from error
        raise
    return Awaited((bare(answer["ETag"]), answer.get("VersionId", "")))


def delete(deployment: Deployment, key: str, etag: str = "") -> Awaited:
    """Delete an object; what to wait for.

    Raises OvertakenError where it has another entity tag than the one given, if one is.
    """
    before = read(deployment, key)
    bucket = deployment.settings.source_bucket
    try:
        if etag:
            deployment.s3.delete_object(Bucket=bucket, Key=key, IfMatch=f'"{etag}"')
        else:
            deployment.s3.delete_object(Bucket=bucket, Key=key)
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") in _CONFLICTS:
            raise OvertakenError(key) from error
        raise
    return Awaited(None, before.version if before else "")
