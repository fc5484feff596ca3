"""Where the links of pages lead: each address of the site must answer, each fragment be there."""

from __future__ import annotations

from functools import cache
from html.parser import HTMLParser
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import urldefrag, urljoin

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from local.cdn import Answer

_ADDRESSES = {"href", "src", "poster", "data"}


class _Page(HTMLParser):
    """The addresses and the ids of a page; what it is shared with is among the addresses."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.ids = {"", "top"}
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        # What says where a connection will be needed is not fetched.
        hint = tag == "link" and ("rel", "preconnect") in attrs
        shared = ("property", "og:image") in attrs
        for name, value in attrs:
            if name == "id" and value:
                self.ids.add(value)
            elif (name in _ADDRESSES and not hint) or (name == "content" and shared):
                self.addresses.append(value or "")
            elif name == "srcset" and value:
                self.addresses += [part.split()[0] for part in value.split(",")]


def broken(
    pages: Mapping[str, str], site_url: str, answer: Callable[[str], Answer]
) -> dict[str, list[str]]:
    """The links to the site itself that lead nowhere, by the path of the page that has them."""

    @cache
    def target(path: str) -> tuple[HTTPStatus, set[str]]:
        found = answer(path)
        html = found.headers.get("Content-Type", "").startswith("text/html")
        return found.status, _Page(found.body.decode()).ids if html else set()

    def fault(path: str, address: str) -> str:
        try:
            url, fragment = urldefrag(urljoin(f"{site_url}{path}", address.strip()))
        except ValueError as error:
            return f"{address}: {error}"
        if not (url + "/").startswith(f"{site_url}/"):
            return ""
        status, ids = target(url.removeprefix(site_url) or "/")
        if status != HTTPStatus.OK:
            return f"{address}: {status.value} {status.phrase}"
        return f"{address}: no such fragment" if fragment and fragment not in ids else ""

    return {
        path: sorted({said for address in _Page(text).addresses if (said := fault(path, address))})
        for path, text in pages.items()
    }
