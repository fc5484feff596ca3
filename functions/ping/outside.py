"""POST to servers that are not ours: by TLS only, to public addresses only, within a time.

No redirect is followed and no answer's body is read, so a server can neither lead the function
elsewhere nor keep it busy for longer than it is waited for.
"""

from __future__ import annotations

import ipaddress
import socket
import ssl
from dataclasses import dataclass, field
from http.client import HTTPException, HTTPSConnection
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable

# Of each connecting and each wait for an answer.
CALL_SECONDS = 5.0
_TAKEN = range(200, 300)
# 429 asks for patience, 408 and 425 for another attempt, and 5xx is the server's own fault.
_LATER = {408, 425, 429, *range(500, 600)}


class OutsideError(Exception):
    """The root of what can go wrong with a request to somebody else's server."""


class RefusedError(OutsideError):
    """It will be refused however often it is tried."""


class LaterError(OutsideError):
    """It may be taken later."""


def is_public(address: str) -> bool:
    """Whether an IP address is one of the internet, and not of this machine or its network."""
    found = ipaddress.ip_address(address)
    # An IPv6 address that wraps an IPv4 one leads where that does.
    mapped = getattr(found, "ipv4_mapped", None) or getattr(found, "sixtofour", None)
    return found.is_global and not found.is_multicast and (mapped is None or mapped.is_global)


@dataclass(frozen=True)
class Outside:
    """The way out: whom it trusts, and to which addresses it goes."""

    trust: ssl.SSLContext = field(default_factory=ssl.create_default_context)
    is_allowed: Callable[[str], bool] = is_public
    seconds: float = CALL_SECONDS

    def post(self, url: str, body: bytes, content_type: str) -> int:
        """POST to an https URL; the status of a success.

        Raises RefusedError where another attempt would fare no better, and LaterError.
        """
        host, port, path = _parts(url)
        connection = _Connection(self, host, port)
        try:
            connection.request("POST", path, body, {"Content-Type": content_type})
            status = connection.getresponse().status
        except (OSError, HTTPException) as error:
            raise LaterError(f"{host}: {type(error).__name__} {error}") from error
        finally:
            connection.close()
        if status in _TAKEN:
            return status
        raise (LaterError if status in _LATER else RefusedError)(f"{host} answered {status}")


class _Connection(HTTPSConnection):
    """Connects to the very address that was looked at, so that no second look-up can differ."""

    def __init__(self, outside: Outside, host: str, port: int) -> None:
        super().__init__(host, port, timeout=outside.seconds, context=outside.trust)
        self._outside = outside

    def connect(self) -> None:
        """Look the host up, refuse what is not allowed, and speak TLS with the rest."""
        address = self._address()
        plain = socket.create_connection((address, self.port), self._outside.seconds)
        try:
            self.sock = self._outside.trust.wrap_socket(plain, server_hostname=self.host)
        except BaseException:
            plain.close()
            raise

    def _address(self) -> str:
        found = socket.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM)
        addresses = [str(where[0]) for *_, where in found]
        for address in addresses:
            if not self._outside.is_allowed(address):
                raise RefusedError(f"{self.host} is {address}, which is not on the internet")
        # IPv4 first: a function without a VPC has no other way out.
        return min(addresses, key=lambda address: ":" in address)


def _parts(url: str) -> tuple[str, int, str]:
    """Host, port and path of an https URL. Raises RefusedError."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port or 443
        (host or "").encode("idna")
    except ValueError as error:
        raise RefusedError(f"{url[:200]!r} is no URL") from error
    if parts.scheme != "https" or not host or parts.username is not None:
        raise RefusedError(f"{url[:200]!r} is no https URL")
    path = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
    if not path.isascii() or not path.isprintable() or " " in path:
        raise RefusedError(f"{url[:200]!r} has characters that no URL has")
    return host, port, path
