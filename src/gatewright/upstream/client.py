"""The client the gateway sends with: one request to one address, answered or failed."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType
from typing import Protocol

from gatewright.errors import UnavailableError
from gatewright.snapshot.address import Address
from gatewright.snapshot.model import Access
from gatewright.upstream.auth import Authorizer
from gatewright.upstream.connection import Timeouts
from gatewright.upstream.leases import Clock
from gatewright.upstream.pool import Pool
from gatewright.upstream.request import Headers, encode_head
from gatewright.upstream.response import Response
from gatewright.upstream.tls import client_context


class Upstream(Protocol):
    """What the gateway needs of a client; `fake.FakeClient` is one without sockets."""

    @property
    def call(self) -> Callable[[Access, bytes, bytes, Headers, bytes], Awaitable[Response]]:
        """Takes who is called, and the parts of a `Request`; see `Client.call`."""


class Client:
    """An HTTP/1.1 client with a pool per origin, for one event loop.

    Args:
        timeouts: how long to wait for what.
        ca_file: PEM file of the authorities to trust instead of the system's; empty for the system's.
        limit: connections per origin; more requests than that wait their turn, as long as `timeouts.connect`.
        cloud: what the environment says about the server's own identity; see `Settings.cloud`.
        private: `GATEWRIGHT_ALLOW_PRIVATE_UPSTREAMS`, for services that give out credentials.
        clock: seconds since the epoch, for signatures and the ends of credentials.

    Raises:
        ConfigError: `ca_file` cannot be used.
    """

    def __init__(
        self,
        *,
        timeouts: Timeouts | None = None,
        ca_file: str = "",
        limit: int = 512,
        cloud: Mapping[str, str] = MappingProxyType({}),
        private: bool = False,
        clock: Clock = time.time,
    ) -> None:
        self._timeouts = timeouts or Timeouts()
        self._context = client_context(ca_file)
        self._limit = limit
        self._authorizer = Authorizer(self.send, cloud, private=private, clock=clock)
        self._pool: Pool | None = None
        self._closed = False

    async def call(self, access: Access, method: bytes, path: bytes, headers: Headers, body: bytes) -> Response:
        """Send a request with the credential of an access; as `send` otherwise.

        A credential that is refused is fetched anew for the next request.

        Raises:
            UpstreamRefusedError: also when there is no credential; the message says what to do.
        """
        identity = access.identity
        if identity is None:
            credential = access.headers
        else:
            credential = await self._authorizer.headers(identity, access.address, method, path, headers, body)
        response = await self.send(access.address, method, path, (*credential, *headers), body)
        response.credential = credential
        if identity is not None and response.status in (401, 403):
            self._authorizer.refused(identity)
        return response

    async def send(self, address: Address, method: bytes, path: bytes, headers: Headers, body: bytes) -> Response:
        """Send a request and return when the head of the answer is here.

        A request is sent a second time, on a new connection, only when a kept-alive connection was closed by the other
        side before a byte of answer. Cancelling the call closes the connection.

        The arguments are the parts of a `Request`, one by one: nothing is wrapped on the way of every call.

        Returns:
            The response, to be read to its end or closed.

        Raises:
            ClientError: a header or the path would break the framing.
            UpstreamRefusedError: no connection could be made.
            UpstreamTimeoutError: a deadline of `Timeouts` has passed, or every connection was busy until then.
            UpstreamProtocolError: the answer broke off or is not HTTP.
            UnavailableError: the client is closed.
        """
        pool = self._pool or self._start()
        origin = pool.origin(address)
        head = encode_head(method, path, origin.host, headers, len(body))
        bodiless = method == b"HEAD"
        now = pool.loop.time()
        total_until = now + self._timeouts.total
        connection = origin.checkout()
        fresh = False
        while True:
            if connection is None:
                patience = min(pool.loop.time() + self._timeouts.connect, total_until)
                connection = await origin.acquire(patience, fresh=fresh)
            response = await connection.exchange(head, body, bodiless=bodiless, total_until=total_until)
            if response is not None:
                return response
            pool.refuse_when_closed()
            connection, fresh = None, True

    def _start(self) -> Pool:
        if self._closed:
            raise UnavailableError("Gatewright is shutting down. Send the request again.")
        self._pool = Pool(timeouts=self._timeouts, context=self._context, limit=self._limit)
        return self._pool

    async def close(self) -> None:
        """End every request that is under way, with UnavailableError, and close every connection."""
        self._closed = True
        if self._pool is not None:
            await self._pool.close()
            await self._authorizer.close()
            await asyncio.sleep(0)  # let the transports say goodbye
