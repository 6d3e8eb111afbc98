"""From an address to an open connection: resolve, judge, connect, shake hands."""

import asyncio
import contextlib
import ipaddress
import socket
import ssl
from collections import deque
from collections.abc import Callable

from gatewright.errors import UpstreamRefusedError
from gatewright.snapshot.address import Address, is_public, literal
from gatewright.upstream.connection import Connection

PATIENCE = 0.25
"""Seconds an address of a name has for itself before the next one is tried beside it."""


async def resolve(address: Address) -> list[str]:
    """Numeric addresses that may be connected to, in the resolver's order.

    Raises:
        UpstreamRefusedError: the name is unknown, or every address of it is private and `address.private` is not set.
    """
    host = address.host
    if literal(host) is not None:
        found = [host]
    else:
        loop = asyncio.get_running_loop()
        try:
            answers = await loop.getaddrinfo(host, address.port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            raise UpstreamRefusedError(f"The name {host!r} cannot be resolved. Check api_base and DNS.") from None
        found = list(dict.fromkeys(str(sockaddr[0]) for *_, sockaddr in answers))
    if address.private:
        return found
    public = [ip for ip in found if is_public(ipaddress.ip_address(ip.partition("%")[0]))]
    if not public:
        raise UpstreamRefusedError(
            f"{host!r} leads to a private address, which is not called. "
            "Set GATEWRIGHT_ALLOW_PRIVATE_UPSTREAMS=1 to allow upstreams inside your own network."
        )
    return public


async def dial(address: Address, context: ssl.SSLContext, make: Callable[[], Connection]) -> Connection:
    """Open a connection to the address that answers first; the caller bounds the time.

    The addresses tried are the ones judged: nothing is resolved again in between. They are tried in the resolver's
    order. The next one has its turn when one has failed, or beside it after `PATIENCE`, so that an address that
    swallows packets costs little (RFC 8305, section 5). Once one has answered, the others are given up.

    Args:
        address: where to.
        context: the TLS context, used for `https`.
        make: makes the protocol of the connection.

    Raises:
        UpstreamRefusedError: DNS, TCP or TLS said no at each address; the reason is the last one's.
    """
    rest = deque(await resolve(address))
    failure = UpstreamRefusedError(f"{address.authority} has no address.")
    attempts: set[asyncio.Task[Connection]] = set()
    try:
        while rest or attempts:
            if rest:
                attempts.add(asyncio.create_task(_connect(address, rest.popleft(), context, make)))
            done, _ = await asyncio.wait(
                attempts, timeout=PATIENCE if rest else None, return_when=asyncio.FIRST_COMPLETED
            )
            for attempt in done:
                attempts.discard(attempt)
                try:
                    return attempt.result()
                except UpstreamRefusedError as problem:
                    failure = problem
    finally:
        for attempt in attempts:
            attempt.cancel()
            attempt.add_done_callback(_give_up)
    raise failure


async def _connect(address: Address, ip: str, context: ssl.SSLContext, make: Callable[[], Connection]) -> Connection:
    """Connect to one of an address's numeric addresses."""
    secure = address.scheme == "https"
    try:
        transport, connection = await asyncio.get_running_loop().create_connection(
            make,
            ip,
            address.port,
            ssl=context if secure else None,
            server_hostname=address.host if secure else None,
        )
    except (OSError, ValueError) as problem:
        raise UpstreamRefusedError(f"No connection to {address.authority}: {_reason(problem)}.") from None
    if not connection.usable:
        raise UpstreamRefusedError(f"{address.authority} closed the connection at once.")
    _keep_alive(transport)
    return connection


def _give_up(attempt: asyncio.Task[Connection]) -> None:
    """Close what came although another address had answered already."""
    if not attempt.cancelled() and attempt.exception() is None:
        attempt.result().abort()


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
