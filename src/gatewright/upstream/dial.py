"""From an address to an open connection: resolve, judge, connect, shake hands."""

import asyncio
import contextlib
import ipaddress
import socket
import ssl
from collections.abc import Callable

from gatewright.errors import UpstreamError, UpstreamRefusedError, UpstreamTimeoutError
from gatewright.snapshot.address import Address, is_public, literal
from gatewright.upstream.connection import Connection


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


async def dial(
    address: Address, context: ssl.SSLContext, make: Callable[[], Connection], deadline: float
) -> Connection:
    """Open a connection to the first address that answers.

    The addresses tried are the ones judged: nothing is resolved again in between. Each gets an equal share of the time
    that is left, so that one that swallows packets does not use up the others' time.

    Args:
        address: where to.
        context: the TLS context, used for `https`.
        make: makes the protocol of the connection.
        deadline: loop time at which to give up.

    Raises:
        UpstreamRefusedError: DNS, TCP or TLS said no.
        UpstreamTimeoutError: nobody answered in time.
    """
    loop = asyncio.get_running_loop()
    secure = address.scheme == "https"
    candidates = await resolve(address)
    failure: UpstreamError | None = None
    for tried, ip in enumerate(candidates):
        share = (deadline - loop.time()) / (len(candidates) - tried)
        try:
            async with asyncio.timeout(share):
                transport, connection = await loop.create_connection(
                    make,
                    ip,
                    address.port,
                    ssl=context if secure else None,
                    server_hostname=address.host if secure else None,
                )
        except TimeoutError:
            failure = UpstreamTimeoutError(f"{address.authority} did not accept a connection in time.")
        except (OSError, ValueError) as error:
            failure = UpstreamRefusedError(f"No connection to {address.authority}: {_reason(error)}.")
        else:
            if connection.usable:
                _keep_alive(transport)
                return connection
            failure = UpstreamRefusedError(f"{address.authority} closed the connection at once.")
    raise failure or UpstreamRefusedError(f"{address.authority} has no address.")


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
