"""A request, and its head in bytes; the one place that keeps line breaks out of it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from gatewright.errors import ClientError
from gatewright.snapshot.address import Address
from gatewright.upstream.proxy import Proxy

OWN = frozenset(
    (
        b"accept-encoding",
        b"connection",
        b"content-length",
        b"expect",
        b"host",
        b"keep-alive",
        b"proxy-authorization",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
    )
)
"""Headers that belong to the connection and are written here; given ones are left out."""

Headers = Sequence[tuple[bytes, bytes]]

_TOKEN = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_USUAL = frozenset((b"POST", b"GET", b"PUT", b"HEAD"))
_BODILESS = frozenset((b"GET", b"HEAD"))
_TARGET = re.compile(rb"/[!-~]*")


@dataclass(frozen=True, slots=True)
class Request:
    """What one call of `Client.send` sends.

    Attributes:
        address: where to; its `path` is not added.
        method: e.g. `POST`.
        path: the whole request target, percent-encoded, base path included.
        headers: those of the request; the ones in `OWN` are left out.
        body: request body, empty for none.
    """

    address: Address
    method: bytes
    path: bytes
    headers: Headers = field(repr=False)
    body: bytes


class Opening:
    """How every request to one origin begins.

    A proxy that is sent plain HTTP gets the whole URL (RFC 9112, section 3.2.2) and the credentials for itself; one
    that tunnels TLS sees nothing of the request.

    Args:
        address: the origin.
        proxy: who is connected to in its place, if anybody.
    """

    __slots__ = ("_before", "_begin", "_own")

    def __init__(self, address: Address, proxy: Proxy | None = None) -> None:
        # Calls to a target differ in their bodies, and seldom in their headers.
        self._begin = lru_cache(maxsize=256)(self._write)
        host = address.authority.encode("ascii")
        forwarded = proxy if address.scheme == "http" else None
        self._before = b"http://" + host if forwarded else b""
        self._own = b" HTTP/1.1\r\nhost: " + host + b"\r\naccept-encoding: identity\r\n"
        if forwarded:
            self._own += forwarded.authorization

    def head(self, method: bytes, target: bytes, headers: Headers, length: int) -> bytes:
        """Write the request line and the headers.

        Args:
            method: e.g. `POST`.
            target: path and query, percent-encoded.
            headers: name and value pairs; those of `OWN` are left out.
            length: bytes of the body that follows.

        Raises:
            ClientError: something in it would break the framing. The value is not repeated: it may be a credential.
        """
        begin = self._begin(method, target, tuple(headers))
        return begin + (b"content-length: %d\r\n\r\n" % length if length or method not in _BODILESS else b"\r\n")

    def _write(self, method: bytes, target: bytes, headers: tuple[tuple[bytes, bytes], ...]) -> bytes:
        """All of a head but for the length of the body and the empty line."""
        if not _TARGET.fullmatch(target):
            raise ClientError("Invalid request target: it must start with '/' and be percent-encoded.")
        if method not in _USUAL and not _TOKEN.fullmatch(method):
            raise ClientError("Invalid request method.")
        given = _lines(headers)
        return b"".join((method, b" ", self._before, target, self._own, given))


def _lines(headers: tuple[tuple[bytes, bytes], ...]) -> bytes:
    lines = [start + value for name, value in headers if (start := _line_start(name))]
    given = b"\r\n".join(lines)
    breaks = len(lines) - 1 if lines else 0
    if given.count(b"\n") != breaks or given.count(b"\r") != breaks or b"\0" in given:
        raise ClientError("Invalid header value: it holds a line break or a NUL character.")
    return given + b"\r\n" if given else b""


@lru_cache(maxsize=1024)
def _line_start(name: bytes) -> bytes:
    """`name: `, or nothing for a header that is not the caller's to set."""
    if not _TOKEN.fullmatch(name):
        raise ClientError("Invalid header name: only letters, digits and !#$%&'*+-.^_`|~ are allowed.")
    return b"" if name.lower() in OWN else name + b": "
