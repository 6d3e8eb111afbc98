"""A request, and its head in bytes; the one place that keeps line breaks out of it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from gatewright.errors import ClientError
from gatewright.snapshot.address import Address

OWN = frozenset(
    (
        b"accept-encoding",
        b"connection",
        b"content-length",
        b"expect",
        b"host",
        b"keep-alive",
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


def encode_head(method: bytes, target: bytes, host: bytes, headers: Headers, length: int) -> bytes:
    """Write the request line and the headers.

    Args:
        method: e.g. `POST`.
        target: path and query, percent-encoded.
        host: value of the `Host` header.
        headers: name and value pairs; those of `OWN` are left out.
        length: bytes of the body that follows.

    Raises:
        ClientError: something in it would break the framing. The value is not repeated: it may be a credential.
    """
    if not _TARGET.fullmatch(target):
        raise ClientError("Invalid request target: it must start with '/' and be percent-encoded.")
    if not _TOKEN.fullmatch(method):
        raise ClientError("Invalid request method.")
    lines = [method + b" " + target + b" HTTP/1.1", b"host: " + host, b"accept-encoding: identity"]
    if length or method not in (b"GET", b"HEAD"):
        lines.append(b"content-length: %d" % length)
    lines += [start + value for name, value in headers if (start := _line_start(name))]
    head = b"\r\n".join(lines)
    breaks = len(lines) - 1
    if head.count(b"\n") != breaks or head.count(b"\r") != breaks or b"\0" in head:
        raise ClientError("Invalid header value: it holds a line break or a NUL character.")
    return head + b"\r\n\r\n"


@lru_cache(maxsize=1024)
def _line_start(name: bytes) -> bytes:
    """`name: `, or nothing for a header that is not the caller's to set."""
    if not _TOKEN.fullmatch(name):
        raise ClientError("Invalid header name: only letters, digits and !#$%&'*+-.^_`|~ are allowed.")
    return b"" if name.lower() in OWN else name + b": "
