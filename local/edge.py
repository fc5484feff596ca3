"""What CloudFront decides without asking the origin: routes, cached copies, invalidations.

Pure values in and out; `local.cdn` does the talking. `route` has the rules of the edge function
in `template.yaml`.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from urllib.parse import unquote

# What can be a page's address without its last slash; no other is redirected.
PAGE = re.compile(r"(/[a-z0-9][a-z0-9-]*)+")
# What the three forms of one old address differ in.
END = re.compile(r"/(index\.html)?\Z")


@dataclass(frozen=True)
class Route:
    """Where a request leads: to the object `key`, to another `location`, or nowhere (neither)."""

    key: str = ""
    location: str = ""


def nowhere(_key: str) -> str:
    """Lead from no old address to anywhere."""
    return ""


def route(path: str, query: str = "", redirect: Callable[[str], str] = nowhere) -> Route:
    """Return where a request for `path` (as sent: percent-encoded, without its query) leads.

    `redirect` tells where an old address leads, if it leads anywhere.
    """
    plain = unquote(path)
    # S3 takes `..` for a name like any other; what plays S3 here might not.
    if not plain.startswith("/") or plain.startswith("/_") or {".", ".."} & {*plain.split("/")}:
        return Route()
    old = END.sub("", plain)
    location = redirect(old) if old and not old.startswith("/media/") else ""
    if location:
        return Route(location=f"{location}?{query}" if query else location)
    if path.endswith("/"):
        return Route(key=plain[1:] + "index.html")
    if PAGE.fullmatch(path):
        return Route(location=path + "/")
    return Route(key=plain[1:])


def shown_as(content_type: str, fetched: str) -> str:
    """Return the type that a feed is sent with; `fetched` is the request's Sec-Fetch-Dest.

    The rule of the feed function in `template.yaml`.
    """
    is_feed = content_type.startswith(("application/rss+xml", "application/atom+xml"))
    return "application/xml; charset=utf-8" if is_feed and fetched == "document" else content_type


@dataclass(frozen=True)
class Copy:
    """A cached object: its key in the site bucket, its bytes, response headers and cache tags."""

    key: str
    body: bytes
    headers: dict[str, str]
    tags: frozenset[str] = frozenset()


def tags_of(header: str) -> frozenset[str]:
    """Return the tags in a comma-separated cache-tag header, in lower case."""
    return frozenset(tag.strip().lower() for tag in header.split(",") if tag.strip())


def invalidates(item: str, copy: Copy) -> bool:
    """Tell whether the invalidation item (a path, `/path*` or `#tag`) concerns the copy."""
    if item.startswith("#"):
        return item[1:].strip().lower() in copy.tags
    pattern = unquote(item).lstrip("/")
    if pattern.endswith("*"):
        return copy.key.startswith(pattern[:-1])
    return copy.key == pattern


@dataclass
class Cache:
    """Copies that are kept for ever, or until an invalidation."""

    copies: dict[str, Copy] = field(default_factory=dict)

    def invalidate(self, items: Iterable[str]) -> None:
        """Drop every copy that one of the invalidation items concerns."""
        wanted = list(items)
        self.copies = {
            key: copy
            for key, copy in self.copies.items()
            if not any(invalidates(item, copy) for item in wanted)
        }


def is_current(if_none_match: str, etag: str) -> bool:
    """Tell whether an If-None-Match header covers the entity tag, compared weakly (RFC 9110)."""
    candidates = [candidate.strip().removeprefix("W/") for candidate in if_none_match.split(",")]
    return "*" in candidates or etag.removeprefix("W/") in candidates
