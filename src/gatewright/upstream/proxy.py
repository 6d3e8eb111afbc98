"""Proxies to the outside: which one an address is reached through, and the way through it."""

import asyncio
import base64
import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import cast
from urllib.parse import SplitResult, unquote, urlsplit

from gatewright.errors import ConfigError, UpstreamRefusedError
from gatewright.snapshot.address import Address, literal

HEAD_LIMIT = 16 << 10
"""Largest head in bytes of a proxy's answer to CONNECT."""

_STATUS = re.compile(rb"HTTP/1\.[01] ([0-9]{3})[ \r]")
_PORTS = {"http": 80, "https": 443}
# Where AWS tells a machine or a container who it is, by IPv6.
_METADATA = ipaddress.ip_network("fd00:ec2::/32")


@dataclass(frozen=True, slots=True)
class Proxy:
    """A forward proxy.

    Attributes:
        address: where it is, `http` or `https`. It is the operator's own and may be private.
        authorization: the header line that says who asks, with its line break; empty for none.
    """

    address: Address
    authorization: bytes = field(default=b"", repr=False)


class Proxies:
    """The proxies that the environment names.

    `NO_PROXY` lists, with commas, what is reached directly: a name, which stands for the names below it too; an
    address; one of these with a port; a network such as `10.0.0.0/8`; or `*` for everything. What is near is always
    reached directly, `localhost`, loopback and link-local addresses: to a proxy they would be its own.

    Args:
        variables: `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY`, those that are set.

    Raises:
        ConfigError: one is no proxy that can be used. Its value is not repeated: it may hold a password.
    """

    def __init__(self, variables: Mapping[str, str]) -> None:
        self._proxies = {
            scheme: _parse(name, variables[name])
            for scheme, name in (("https", "HTTPS_PROXY"), ("http", "HTTP_PROXY"))
            if variables.get(name)
        }
        self._direct = [_Entry.parse(one.strip().lower()) for one in variables.get("NO_PROXY", "").split(",")]

    def of(self, address: Address) -> Proxy | None:
        """The proxy for an address, None when it is reached directly."""
        proxy = self._proxies.get(address.scheme)
        if proxy is None or _is_near(address.host) or any(one.covers(address) for one in self._direct):
            return None
        return proxy


def _parse(name: str, text: str) -> Proxy:
    wrong = f"{name} cannot be used: write it as http://[user:password@]host[:port], or with https."
    try:
        parts = urlsplit(text if "://" in text else f"http://{text}")
        port = parts.port
    except ValueError:
        raise ConfigError(wrong) from None
    if parts.scheme not in _PORTS or not parts.hostname or port == 0 or not parts.hostname.isascii():
        raise ConfigError(wrong)
    address = Address(parts.scheme, parts.hostname, port or _PORTS[parts.scheme], private=True)
    return Proxy(address, _authorization(parts))


def _authorization(parts: SplitResult) -> bytes:
    if parts.username is None:
        return b""
    pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}".encode()
    return b"proxy-authorization: Basic " + base64.b64encode(pair) + b"\r\n"


def _is_near(host: str) -> bool:
    ip = literal(host)
    if ip is None:
        return host == "localhost" or host.endswith(".localhost")
    return ip.is_loopback or ip.is_link_local or ip in _METADATA


@dataclass(frozen=True, slots=True)
class _Entry:
    """One entry of `NO_PROXY`."""

    name: str
    network: ipaddress.IPv4Network | ipaddress.IPv6Network | None
    port: str

    @classmethod
    def parse(cls, text: str) -> "_Entry":
        network = _network(text)
        if network is not None:
            return cls("", network, "")
        host, colon, port = text.rpartition(":")
        if not colon or not port.isdecimal():
            host, port = text, ""
        return cls(host.removeprefix("*.").removeprefix("."), _network(host.strip("[]")), port)

    def covers(self, address: Address) -> bool:
        if self.port and self.port != str(address.port):
            return False
        if self.network is not None:
            ip = literal(address.host)
            return ip is not None and ip in self.network
        return self.name == "*" or (self.name != "" and f".{address.host}".endswith(f".{self.name}"))


def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None


class Tunnel(asyncio.Protocol):
    """Asks a proxy for a way through (CONNECT: RFC 9110, section 9.3.6), until TLS takes the transport over."""

    def __init__(self) -> None:
        self._head = b""
        self._answer: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    async def open(self, proxy: Proxy, address: Address) -> None:
        """Ask for the way to an address and wait until it is open.

        Raises:
            UpstreamRefusedError: the proxy said no, or nothing that can be understood.
        """
        host = f"[{address.host}]" if ":" in address.host else address.host
        target = f"{host}:{address.port}".encode("ascii")
        self._transport.write(
            b"CONNECT " + target + b" HTTP/1.1\r\nhost: " + target + b"\r\n" + proxy.authorization + b"\r\n"
        )
        status = await self._answer
        if status == 407:
            raise wrong_credentials(proxy)
        if not 200 <= status < 300:
            said = f"answered {status}" if status else "did not answer as a proxy does"
            raise UpstreamRefusedError(
                f"No connection to {address.authority}: the proxy {proxy.address.authority} {said}."
            )

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Read the head of the answer. What follows it is the other side's to say, once TLS has begun."""
        self._head += data
        head, end, surplus = self._head.partition(b"\r\n\r\n")
        if end or len(self._head) > HEAD_LIMIT:
            found = _STATUS.match(head + b"\r")
            status = int(found[1]) if found and end else 0
            self._settle(0 if surplus and 200 <= status < 300 else status)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - the transport's signature
        """The proxy has closed."""
        self._settle(0)

    def _settle(self, status: int) -> None:
        if not self._answer.done():
            self._answer.set_result(status)


def wrong_credentials(proxy: Proxy) -> UpstreamRefusedError:
    """What a 407 means."""
    return UpstreamRefusedError(
        f"The proxy {proxy.address.authority} asks for a user name and a password, or for others. "
        "Write them into HTTPS_PROXY and HTTP_PROXY: http://user:password@host:port."
    )
