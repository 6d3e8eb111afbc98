"""From an address to an open connection: resolve, judge, connect, shake hands, perhaps through a proxy."""

import asyncio
import contextlib
import ipaddress
import socket
import ssl
from collections import deque
from collections.abc import Callable, Sequence
from typing import TypeVar

from gatewright.errors import UpstreamNameError, UpstreamRefusedError, UpstreamTlsError
from gatewright.snapshot.address import Address, is_public, literal
from gatewright.upstream.connection import Connection
from gatewright.upstream.names import Names
from gatewright.upstream.proxy import Proxies, Proxy, Tunnel
from gatewright.upstream.tls import Context, read_no_further

PATIENCE = 0.25
"""Seconds an address of a name has for itself before the next one is tried beside it."""

_Spoken = TypeVar("_Spoken", bound=asyncio.Protocol)
_Opened = tuple[asyncio.Transport, _Spoken]


class Dialer:
    """Opens connections, for one event loop.

    Only addresses that were judged are connected to, and nothing is resolved again between the judgement and the
    connection. A proxy is the operator's own: its address may be private. It resolves the names that it is asked for,
    so only what is written as an address is judged here when one is used; which others it calls is for its own rules.

    Args:
        context: TLS of everything `https`.
        proxies: who is reached how.
    """

    def __init__(self, context: Context, proxies: Proxies) -> None:
        self._loop = asyncio.get_running_loop()
        self._context = context
        self._names = Names()
        self.proxies = proxies

    async def dial(self, address: Address, make: Callable[[], Connection]) -> Connection:
        """Open a connection to the address that answers first; the caller bounds the time.

        Args:
            address: where to.
            make: makes the protocol of the connection.

        Raises:
            UpstreamRefusedError: DNS, the proxy, TCP or TLS said no at each address; the reason is the last one's.
        """
        proxy = self.proxies.of(address)
        if proxy is None:
            _, connection = await self._reach(address, make)
        else:
            _judge(address, [address.host] if literal(address.host) else [])
            if address.scheme == "http":
                _, connection = await self._reach(proxy.address, make)
            else:
                connection = await self._tunnel(proxy, address, make)
        return connection

    async def _tunnel(self, proxy: Proxy, address: Address, make: Callable[[], Connection]) -> Connection:
        """Go through a proxy without letting it read."""
        outer, tunnel = await self._reach(proxy.address, Tunnel)
        try:
            await tunnel.open(proxy, address)
            connection = make()
            inner = await self._loop.start_tls(outer, connection, self._context, server_hostname=address.host)
        except (OSError, ValueError) as problem:
            outer.abort()
            raise self._refused(address, problem) from None
        except BaseException:
            outer.abort()
            raise
        if inner is None or inner.is_closing():  # asyncio gives no transport when it was closed meanwhile
            raise _closed_at_once(address)
        read_no_further(inner)
        connection.connection_made(inner)
        return connection

    async def _reach(self, address: Address, make: Callable[[], _Spoken]) -> _Opened[_Spoken]:
        """Connect to an address, its name resolved anew when none of the remembered ones answers."""
        if literal(address.host):
            return await self._race(address, [address.host], make)
        began = self._loop.time()
        found = await self._names.find(address.host)
        try:
            return await self._race(address, found, make)
        except UpstreamRefusedError as problem:
            failure = problem
        again = await self._names.find(address.host, since=began) if found else ()
        if set(again) <= set(found):
            raise failure
        return await self._race(address, again, make)

    async def _race(self, address: Address, ips: Sequence[str], make: Callable[[], _Spoken]) -> _Opened[_Spoken]:
        """Connect to whichever of an address's numeric addresses answers first.

        The next one has its turn when one has failed, or beside it after `PATIENCE`, so that an address that swallows
        packets costs little (RFC 8305, section 5). Those that failed lately come last. Once one has answered, the
        others are given up.
        """
        port, names = address.port, self._names
        rest = deque(sorted(_judge(address, ips), key=lambda ip: names.is_doubtful(ip, port)))
        failure: UpstreamRefusedError = UpstreamNameError(
            f"The name {address.host!r} cannot be resolved. Check api_base and DNS."
        )
        attempts: dict[asyncio.Task[_Opened[_Spoken]], str] = {}
        try:
            while rest or attempts:
                if rest:
                    ip = rest.popleft()
                    attempts[self._loop.create_task(self._connect(address, ip, make))] = ip
                done, _ = await asyncio.wait(
                    attempts, timeout=PATIENCE if rest else None, return_when=asyncio.FIRST_COMPLETED
                )
                for attempt in done:
                    ip = attempts.pop(attempt)
                    try:
                        opened = attempt.result()
                    except UpstreamRefusedError as problem:
                        names.failed(ip, port)
                        failure = problem
                    else:
                        names.works(ip, port)
                        for slower in attempts.values():
                            names.failed(slower, port)
                        return opened
        finally:
            for attempt in attempts:
                attempt.cancel()
                attempt.add_done_callback(_give_up)
        raise failure

    async def _connect(self, address: Address, ip: str, make: Callable[[], _Spoken]) -> _Opened[_Spoken]:
        """Connect to one numeric address."""
        secure = address.scheme == "https"
        try:
            transport, protocol = await self._loop.create_connection(
                make,
                ip,
                address.port,
                ssl=self._context if secure else None,
                server_hostname=address.host if secure else None,
            )
        except (OSError, ValueError) as problem:
            raise self._refused(address, problem) from None
        if transport.is_closing():
            raise _closed_at_once(address)
        _keep_alive(transport)
        read_no_further(transport)
        return transport, protocol

    def _refused(self, address: Address, problem: OSError | ValueError) -> UpstreamRefusedError:
        words = f"No connection to {address.authority}: {_reason(problem)}."
        if isinstance(problem, ssl.SSLError):
            self._context.forget(address.host)
            return UpstreamTlsError(words)
        return UpstreamRefusedError(words)


def _judge(address: Address, ips: Sequence[str]) -> Sequence[str]:
    """Those of an address's numeric addresses that may be connected to.

    Raises:
        UpstreamRefusedError: there are some, but none of them.
    """
    if address.private:
        return ips
    public = [ip for ip in ips if is_public(ipaddress.ip_address(ip.partition("%")[0]))]
    if ips and not public:
        raise UpstreamRefusedError(
            f"{address.host!r} leads to a private address, which is not called. "
            "Set GATEWRIGHT_ALLOW_PRIVATE_UPSTREAMS=1 to allow upstreams inside your own network."
        )
    return public


def _closed_at_once(address: Address) -> UpstreamRefusedError:
    return UpstreamRefusedError(f"{address.authority} closed the connection at once.")


def _give_up(attempt: asyncio.Task[_Opened[_Spoken]]) -> None:
    """Close what came although another address had answered already."""
    if not attempt.cancelled() and attempt.exception() is None:
        attempt.result()[0].abort()


def _reason(error: OSError | ValueError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted ({error.verify_message.rstrip('.')})"
    if isinstance(error, ssl.SSLError):
        return f"the TLS handshake failed ({error.reason or 'no reason given'})"
    if isinstance(error, ConnectionRefusedError):
        return "connection refused"
    if isinstance(error, ConnectionError):
        return "the connection was closed at once"
    return (error.strerror or "network error") if isinstance(error, OSError) else "not a valid host name"


def _keep_alive(transport: asyncio.BaseTransport) -> None:
    """Let the kernel notice a peer that vanished, and keep NAT entries alive while a model thinks."""
    sock = transport.get_extra_info("socket")
    with contextlib.suppress(OSError):  # closed already, which is noticed elsewhere
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        if hasattr(socket, "TCP_KEEPIDLE"):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 60)
