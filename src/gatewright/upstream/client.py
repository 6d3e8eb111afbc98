"""The client the gateway sends with: one request to one address, answered or failed."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from types import MappingProxyType
from typing import Any, Protocol

from gatewright.errors import UnavailableError
from gatewright.snapshot.address import Address
from gatewright.snapshot.identity import Identity
from gatewright.snapshot.model import Access
from gatewright.upstream.auth import Authorizer
from gatewright.upstream.leases import Clock
from gatewright.upstream.pool import Pool, Usage
from gatewright.upstream.proxy import Proxies, wrong_credentials
from gatewright.upstream.request import Headers
from gatewright.upstream.response import Response
from gatewright.upstream.timeouts import Timeouts
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
        client_cert: PEM file of the certificate to show to servers that ask for one; empty for none.
        client_key: PEM file of its key; empty when it is in `client_cert`.
        proxies: what the environment says about proxies; see `Settings.proxies`.
        limit: connections per origin; more requests than that wait their turn, as long as `queue`.
        queue: seconds a request waits for a connection while all that there may be are busy.
        cloud: what the environment says about the server's own identity; see `Settings.cloud`.
        private: `GATEWRIGHT_ALLOW_PRIVATE_UPSTREAMS`, for services that give out credentials.
        clock: seconds since the epoch, for signatures and the ends of credentials.

    Raises:
        ConfigError: one of the files, or a proxy, cannot be used.
    """

    def __init__(
        self,
        *,
        timeouts: Timeouts | None = None,
        ca_file: str = "",
        client_cert: str = "",
        client_key: str = "",
        proxies: Mapping[str, str] = MappingProxyType({}),
        limit: int = 2000,
        queue: float = 1.0,
        cloud: Mapping[str, str] = MappingProxyType({}),
        private: bool = False,
        clock: Clock = time.time,
    ) -> None:
        self._timeouts = timeouts or Timeouts()
        self._context = client_context(ca_file, client_cert, client_key)
        self._proxies = Proxies(proxies)
        self._limit, self._queue = limit, queue
        self._authorizer = Authorizer(self.send, cloud, private=private, clock=clock)
        self._pool: Pool | None = None
        self._closed = False

    def call(
        self, access: Access, method: bytes, path: bytes, headers: Headers, body: bytes
    ) -> Coroutine[Any, Any, Response]:
        """Send a request with the credential of an access; as `send` otherwise.

        A credential that is refused is fetched anew for the next request.

        Raises:
            UpstreamCredentialError: there is no credential; the message says what to do.
        """
        if access.identity is not None:
            return self._call_as(access.identity, access.address, method, path, headers, body)
        return self.send(access.address, method, path, headers, body, access.headers)

    async def _call_as(
        self, identity: Identity, address: Address, method: bytes, path: bytes, headers: Headers, body: bytes
    ) -> Response:
        credential = await self._authorizer.headers(identity, address, method, path, headers, body)
        response = await self.send(address, method, path, headers, body, credential)
        if response.status in (401, 403):
            self._authorizer.refused(identity)
        return response

    async def send(
        self,
        address: Address,
        method: bytes,
        path: bytes,
        headers: Headers,
        body: bytes,
        credential: tuple[tuple[bytes, bytes], ...] = (),
    ) -> Response:
        """Send a request and return when the head of the answer is here.

        A request is sent a second time, on a new connection, only when a kept-alive connection was closed by the other
        side before a byte of answer. Cancelling the call closes the connection.

        The arguments are the parts of a `Request`, one by one: nothing is wrapped on the way of every call. Headers of
        `credential` are sent before the others and stay with the response.

        Returns:
            The response, to be read to its end or closed.

        Raises:
            ClientError: a header or the path would break the framing.
            UpstreamRefusedError: no connection could be made.
            UpstreamBusyError: every connection was busy.
            UpstreamTimeoutError: a deadline of `Timeouts` has passed.
            UpstreamProtocolError: the answer broke off or is not HTTP.
            UnavailableError: the client is closed.
        """
        pool = self._pool or self._start()
        origin = pool.origin(address)
        head = origin.opening.head(method, path, (*credential, *headers), len(body))
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
                if response.status == 407 and origin.proxy is not None:
                    await response.close()
                    raise wrong_credentials(origin.proxy)
                response.credential = credential
                return response
            pool.refuse_when_closed()
            connection, fresh = None, True

    @property
    def usage(self) -> Usage:
        """How its connections are used now."""
        return self._pool.usage if self._pool else Usage()

    def _start(self) -> Pool:
        if self._closed:
            raise UnavailableError("Gatewright is shutting down. Send the request again.")
        self._pool = Pool(
            timeouts=self._timeouts, context=self._context, limit=self._limit, queue=self._queue, proxies=self._proxies
        )
        return self._pool

    async def close(self) -> None:
        """End every request that is under way, with UnavailableError, and close every connection."""
        self._closed = True
        if self._pool is not None:
            await self._pool.close()
            await self._authorizer.close()
            await asyncio.sleep(0)  # let the transports say goodbye
