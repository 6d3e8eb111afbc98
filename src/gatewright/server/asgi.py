"""The whole server as an ASGI app: health, the pipeline's operations, and the control plane behind a key.

It is the reference form: it runs under any ASGI server and test client.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

from gatewright.dialects.errors import MANAGEMENT
from gatewright.errors import GatewrightError, MethodNotAllowedError
from gatewright.gateway.deliver import deliver_error
from gatewright.gateway.operations import Table
from gatewright.gateway.pipeline import Pipeline
from gatewright.server.exchange import ASGIExchange, Receive, Scope, Send
from gatewright.server.render import dialect_of, no_operation

ASGIApp = Callable[[Scope, Receive, Send], Awaitable[None]]
EXPOSITION = ((b"content-type", b"text/plain; version=0.0.4; charset=utf-8"), (b"cache-control", b"no-store"))
"""Headers of Prometheus' text format: https://prometheus.io/docs/instrumenting/exposition_formats/."""
TEXT = ((b"content-type", b"text/plain; charset=utf-8"), (b"cache-control", b"no-store"))


class Server:
    """An ASGI application.

    Args:
        pipeline: serves the operations, and knows who may manage.
        control: the management API; called for admins only, with the caller in `scope["state"]["principal"]`.
        max_body: largest request body in bytes.
        start: run before the first request; an error keeps the server from starting.
        stop: run after the last one.
        degraded: tells why and since when the configuration may be old; empty while all is well.
        metrics: writes the page at `/metrics`; None for no such page.
        open_metrics: whether it is for everybody, and not only for whoever has a valid key.

    Attributes:
        max_body, start, stop: as given.
        stopping: set when the server stops; readiness fails from then on.
        serve: answers one request for an operation; see `Pipeline.serve`.
    """

    def __init__(
        self,
        *,
        pipeline: Pipeline,
        control: ASGIApp,
        max_body: int,
        start: Callable[[], Awaitable[None]],
        stop: Callable[[], Awaitable[None]],
        degraded: Callable[[], str] = str,
        metrics: Callable[[], Awaitable[bytes]] | None = None,
        open_metrics: bool = False,
    ) -> None:
        self._pipeline = pipeline
        self.serve = pipeline.serve
        self._control = control
        self.max_body = max_body
        self.start = start
        self.stop = stop
        self._degraded = degraded
        self.stopping = False
        self._metrics = metrics
        self._open_metrics = open_metrics
        self._table = Table()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection scope."""
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        elif scope["type"] == "http":
            await self._http(scope, receive, send)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        exchange = ASGIExchange(scope, receive, send, self.max_body)
        if exchange.path in ("/health", "/health/live"):
            await self._health(exchange)
            return
        if exchange.path == "/metrics" and self._metrics is not None:
            await self._scrape(exchange, self._metrics)
            return
        found = self._table.find(exchange.method, exchange.path)
        if found is not None:
            try:
                with contextlib.suppress(asyncio.CancelledError):  # nobody waits for the rest
                    await self.serve(exchange, *found)
            finally:
                exchange.close()
        elif dialect_of(exchange.path) is MANAGEMENT:
            await self._manage(exchange, scope, receive, send)
        else:
            await self._refuse(exchange)

    async def _health(self, exchange: ASGIExchange) -> None:
        """`/health/live`: the process answers. `/health`: it has a configuration to serve from, and stays."""
        if exchange.path == "/health/live":
            await exchange.respond(200, TEXT, b"OK")
        elif self.stopping:
            await exchange.respond(503, TEXT, b"stopping: requests under way are completed")
        elif not self._pipeline.ready:
            await exchange.respond(503, TEXT, b"starting: no configuration is loaded yet")
        else:
            degraded = self._degraded()
            await exchange.respond(200, TEXT, f"degraded {degraded}".encode() if degraded else b"OK")

    async def _refuse(self, exchange: ASGIExchange) -> None:
        """Answer for a path of a provider's API that is not served."""
        problem: GatewrightError
        try:
            self._pipeline.caller(exchange)
            problem = no_operation(exchange.method, exchange.path, self._table.methods(exchange.path))
        except GatewrightError as found:
            problem = found
        await deliver_error(exchange, problem, (), dialect_of(exchange.path))

    async def _scrape(self, exchange: ASGIExchange, metrics: Callable[[], Awaitable[bytes]]) -> None:
        try:
            if not self._open_metrics:
                self._pipeline.caller(exchange)
            if exchange.method not in ("GET", "HEAD"):
                raise MethodNotAllowedError(f"/metrics takes GET, not {exchange.method}.", ("GET", "HEAD"))
        except GatewrightError as problem:
            await deliver_error(exchange, problem, (), MANAGEMENT)
        else:
            await exchange.respond(200, EXPOSITION, await metrics())

    async def _manage(self, exchange: ASGIExchange, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            principal = self._pipeline.administrator(exchange)
        except GatewrightError as problem:
            await deliver_error(exchange, problem, (), MANAGEMENT)
            return
        scope.setdefault("state", {})["principal"] = principal
        await self._control(scope, receive, send)

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        await receive()
        try:
            await self.start()
        except GatewrightError as problem:
            await send({"type": "lifespan.startup.failed", "message": problem.public})
            return
        await send({"type": "lifespan.startup.complete"})
        with contextlib.suppress(asyncio.CancelledError):  # the server is made to stop at once
            await receive()
        await self.stop()
        await send({"type": "lifespan.shutdown.complete"})
