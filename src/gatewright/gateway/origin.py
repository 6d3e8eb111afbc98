"""Keeps web pages of other sites from using a browser's access to the gateway.

A browser adds stored Basic credentials, or the reach to a loopback address, to requests any page makes. So a request
that changes something must not come from another origin, and a server without keys answers only to names of its own
(else a page could point its own host name at the loopback address: DNS rebinding).
"""

import ipaddress
import re

from gatewright.errors import ForbiddenError
from gatewright.gateway.exchange import Headers

_PORT = re.compile(r"(?<=[^:]):\d*$")
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


def check_origin(method: str, headers: Headers, *, open_server: bool) -> None:
    """Refuse what a page of another site can make a browser send.

    Args:
        method: HTTP method.
        headers: request header fields.
        open_server: whether the server serves without keys.

    Raises:
        ForbiddenError: naming the header that gives it away.
    """
    found = dict(headers)
    host = found.get(b"host", b"").decode("latin-1")
    origin = found.get(b"origin", b"").decode("latin-1")
    if open_server and not _is_loopback(host):
        raise ForbiddenError(
            f"Host {host!r} is not a loopback name: a server started with --no-auth answers only as localhost."
        )
    if method not in _SAFE and origin and origin.partition("://")[2] != host:
        raise ForbiddenError(f"Origin {origin!r} is another site than {host!r}: cross-site changes are refused.")


def _is_loopback(authority: str) -> bool:
    name = _PORT.sub("", authority).strip("[]").lower()
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return name == "localhost" or name.endswith(".localhost")
