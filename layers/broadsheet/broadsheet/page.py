"""Objects of the site: their bytes and headers, and what tells two copies apart."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from broadsheet import addresses, card
from broadsheet.article import Image

if TYPE_CHECKING:
    from broadsheet.card import Card

HTML = "text/html; charset=utf-8"
XML = "application/xml; charset=utf-8"
RSS = "application/rss+xml; charset=utf-8"
ATOM = "application/atom+xml; charset=utf-8"
JSON_FEED = "application/feed+json; charset=utf-8"
JSON = "application/json"
TEXT = "text/plain; charset=utf-8"
CSS = "text/css; charset=utf-8"
SVG = "image/svg+xml"
BINARY = "application/octet-stream"
PNG = "image/png"

# The CDN keeps a copy until it is invalidated; a browser, which nobody can invalidate, asks again.
CACHE_CONTROL = "public, max-age=0, s-maxage=31536000, must-revalidate"

# What is shown to a few, and for a time, nobody is to keep.
PREVIEW_CACHE_CONTROL = "private, no-store"

_QUOTE = '"'


class Headers(NamedTuple):
    """What tells two copies of a public object apart without reading them."""

    etag: str
    content_type: str
    cache_control: str
    cache_tag: str
    made_from: str = ""


@dataclass(frozen=True)
class Page:
    """One public object of the site bucket, complete with its headers.

    ``made_from`` is what tells of a drawing, without drawing it, whether it is the right one; of a
    preview it names the article's key, which nobody finds in the address.
    """

    key: str
    body: bytes
    content_type: str
    cache_tag: str
    cache_control: str = CACHE_CONTROL
    made_from: str = ""

    @cached_property
    def etag(self) -> str:
        """The entity tag of the page's bytes."""
        return entity_tag(self.body)

    @property
    def headers(self) -> Headers:
        """What S3 says of an object that is this page."""
        return Headers(
            self.etag, self.content_type, self.cache_control, self.cache_tag, self.made_from
        )

    def is_there(self, headers: Headers) -> bool:
        """Whether an object is this page, by its headers."""
        return headers == self.headers


class Drawing(NamedTuple):
    """An article's card, which is drawn only where it is not there already."""

    path: str
    card: Card

    @property
    def key(self) -> str:
        """Where it is stored."""
        return addresses.card_key(self.path)

    @property
    def image(self) -> Image:
        """The card as an article's picture.

        Who keeps pictures by their URLs is told of another one by the query.
        """
        address = f"{addresses.url_path(self.key)}?{self.card.digest}"
        return Image(address, self.card.title, width=card.WIDTH, height=card.HEIGHT)

    def is_there(self, headers: Headers | None) -> bool:
        """Whether an object is this card, by its headers.

        They say what the object was made from and which bytes came of that: who writes others over
        it would have to forge both.
        """
        return headers is not None and headers == Headers(
            headers.etag, PNG, CACHE_CONTROL, self._tags, self._made_from(headers.etag)
        )

    def page(self) -> Page:
        """The card as it is stored."""
        body = self.card.png()
        made_from = self._made_from(entity_tag(body))
        return Page(self.key, body, PNG, self._tags, made_from=made_from)

    @property
    def _tags(self) -> str:
        return tags_of(addresses.article_tag(self.path))

    def _made_from(self, etag: str) -> str:
        return f"{self.card.digest} {etag.strip(_QUOTE)}"


def entity_tag(data: bytes) -> str:
    """The entity tag that S3 gives these bytes: their MD5 under SSE-S3 and in one part.

    https://docs.aws.amazon.com/AmazonS3/latest/API/API_Object.html
    """
    return f'"{hashlib.md5(data, usedforsecurity=False).hexdigest()}"'


def tags_of(tag: str) -> str:
    """The cache tags of a page with this one: all pages have one in common."""
    return f"{addresses.TAG_EVERYTHING},{tag}" if tag else addresses.TAG_EVERYTHING
