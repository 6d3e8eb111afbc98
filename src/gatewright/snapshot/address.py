"""Where an upstream lives, and the one rule for which addresses may be called.

The same rule is asked twice: when an operator writes an `api_base` (`control/`), and for the resolved address of every
connection that is opened (`upstream/`), so that a name that later points inward is refused too.
"""

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from gatewright.errors import ClientError

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

_NAT64 = ipaddress.ip_network("64:ff9b::/96")
# Never a provider's; a cloud has its metadata at .192. Only newer Pythons take the whole block for private.
_PROTOCOL_ASSIGNMENTS = ipaddress.ip_network("192.0.0.0/24")
_NAT64_LOCAL = ipaddress.ip_network("64:ff9b:1::/48")
# A host whose last label is a number is an IPv4 address to most resolvers, however oddly written (WHATWG URL, 4.).
_LOOKS_NUMERIC = re.compile(r"(.*\.)?(0[xX][0-9a-fA-F]*|[0-9]+)")
_NOT_IN_A_URL = re.compile(r"[^!-~]|[\\\"<>^`{|}]")  # RFC 3986, 2: what must be percent-encoded
_HOST_NAME = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*")


@dataclass(frozen=True, slots=True)
class Address:
    """A base URL taken apart.

    Attributes:
        scheme: `https` or `http`.
        host: lower-case name or IP literal, IPv6 without brackets.
        port: TCP port.
        path: base path without a trailing slash, percent-encoded; empty for none.
        private: whether a private or loopback address may be connected to.
    """

    scheme: str
    host: str
    port: int
    path: str = ""
    private: bool = False

    @property
    def authority(self) -> str:
        """Value of the `Host` header: the port only when it is not the scheme's own."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _DEFAULT_PORT[self.scheme] else f"{host}:{self.port}"


_DEFAULT_PORT = {"https": 443, "http": 80}


def is_public(ip: IPAddress) -> bool:
    """Whether an address is on the public internet.

    An address that carries an IPv4 address (mapped, 6to4, NAT64, Teredo) is judged by the one inside.
    """
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour
        if inner is None and ip in _NAT64:
            inner = ipaddress.IPv4Address(int(ip) & 0xFFFF_FFFF)
        if inner is None and ip.teredo is not None:
            inner = ip.teredo[1]
        if inner is not None:
            return is_public(inner)
        if ip in _NAT64_LOCAL or ip.is_site_local:
            return False
    elif ip in _PROTOCOL_ASSIGNMENTS:
        return False
    return ip.is_global and not ip.is_multicast and not ip.is_reserved


def literal(host: str) -> IPAddress | None:
    """The address a host spells, or None when it is a name."""
    try:
        return ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return None


def parse_base(url: str, *, allow_private: bool = False) -> Address:
    """Read an `api_base` and judge everything that can be judged without asking DNS.

    Args:
        url: e.g. `https://api.openai.com/v1`; surrounding blanks are ignored.
        allow_private: `GATEWRIGHT_ALLOW_PRIVATE_UPSTREAMS`: also `http` and private addresses.

    Raises:
        ClientError: naming the rule that is broken; a user name or password in the URL is never repeated.
    """
    text = url.strip()
    if _NOT_IN_A_URL.search(text):
        raise ClientError(
            "Invalid api_base: it holds a character that no URL has. Percent-encode it in a path; write a host name of "
            "another alphabet in Punycode."
        )
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise ClientError("Invalid api_base: it is not a URL. Use the form https://host[:port]/path.") from None
    schemes = ("https", "http") if allow_private else ("https",)
    if parts.scheme not in schemes:
        raise ClientError(
            f"Invalid api_base: scheme {parts.scheme or '(none)'!r} is not allowed; use {' or '.join(schemes)}."
            + (
                ""
                if allow_private
                else " Set GATEWRIGHT_ALLOW_PRIVATE_UPSTREAMS=1 to allow http and private addresses."
            )
        )
    _refuse_parts(parts)
    host = (parts.hostname or "").rstrip(".")
    _refuse_host(host, allow_private=allow_private)
    if port == 0:
        raise ClientError("Invalid api_base: port 0 cannot be called.")
    path = parts.path.rstrip("/")
    if any(segment in ("..", ".") for segment in path.lower().replace("%2e", ".").split("/")):
        raise ClientError("Invalid api_base: its path must not hold '.' or '..' segments.")
    return Address(parts.scheme, host, port or _DEFAULT_PORT[parts.scheme], path, private=allow_private)


def _refuse_parts(parts: SplitResult) -> None:
    if "@" in parts.netloc:
        raise ClientError("Invalid api_base: a URL with a user name or password is not allowed; use secret_value.")
    if parts.query or parts.fragment:
        raise ClientError("Invalid api_base: a query or fragment is not allowed.")
    if not parts.hostname:
        raise ClientError("Invalid api_base: it has no host.")


def _refuse_host(host: str, *, allow_private: bool) -> None:
    ip = literal(host)
    if ip is None:
        if _LOOKS_NUMERIC.fullmatch(host) or not _HOST_NAME.fullmatch(host):
            raise ClientError(
                f"Invalid api_base: host {host!r} must be a plain DNS name or an IP address in its usual form."
            )
        if not allow_private and (host == "localhost" or host.endswith((".localhost", ".local", ".internal"))):
            raise ClientError(_private(host))
    elif not allow_private and not is_public(ip):
        raise ClientError(_private(host))


def _private(host: str) -> str:
    return (
        f"Invalid api_base: {host!r} is a private address. "
        "Set GATEWRIGHT_ALLOW_PRIVATE_UPSTREAMS=1 to allow upstreams inside your own network."
    )
