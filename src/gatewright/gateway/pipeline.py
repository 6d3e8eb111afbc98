"""The way of a request, station by station."""

import logging
import random
from collections.abc import Callable

from gatewright.errors import GatewrightError
from gatewright.gateway.attempt import attempt
from gatewright.gateway.authenticate import authenticate, require_admin
from gatewright.gateway.deliver import JSON, deliver, deliver_error
from gatewright.gateway.exchange import Exchange, Headers
from gatewright.gateway.operations import Operation, Params
from gatewright.gateway.origin import check_origin
from gatewright.gateway.plan import plan
from gatewright.gateway.resolve import resolve
from gatewright.gateway.understand import Asked
from gatewright.snapshot.holder import Holder
from gatewright.snapshot.model import Principal, Snapshot
from gatewright.upstream.client import Upstream

log = logging.getLogger(__name__)


class Pipeline:
    """Serves operations from the snapshot in force.

    Args:
        holder: where the snapshot is; taken once a request.
        upstream: how requests reach providers.
        draw: uniform in [0, 1); decides which PRIMARY target serves.
    """

    def __init__(self, holder: Holder, upstream: Upstream, draw: Callable[[], float] = random.random) -> None:
        self._holder = holder
        self._upstream = upstream
        self._draw = draw

    @property
    def ready(self) -> bool:
        """Whether there is a configuration to serve from."""
        return self._holder.ready

    def caller(self, exchange: Exchange) -> Principal:
        """Who calls.

        Raises:
            AccessError: without a valid key.
            ForbiddenError: from a page of another site, at a server without keys.
        """
        principal = authenticate(self._holder.current, exchange.headers, exchange.query)
        if principal.anonymous:
            check_origin(exchange.method, exchange.headers, open_server=True)
        return principal

    def administrator(self, exchange: Exchange) -> Principal:
        """Who calls, if they may manage. A browser may hold a key of theirs, so its origin is looked at too.

        Raises:
            AccessError: without a valid key.
            ForbiddenError: with one that may only call endpoints, or from a page of another site.
        """
        principal = self.caller(exchange)
        require_admin(principal)
        check_origin(exchange.method, exchange.headers, open_server=False)
        return principal

    async def serve(self, exchange: Exchange, operation: Operation, params: Params) -> None:
        """Answer one request; every failure we know is answered in the operation's dialect."""
        headers: Headers = ((b"x-gatewright-request-id", b"req_%024x" % random.getrandbits(96)),)
        try:
            snapshot = self._holder.current
            self.caller(exchange)
            if operation.answer is not None:
                await exchange.respond(200, (JSON, *headers), operation.answer(snapshot, params))
                return
            await self._forward(exchange, snapshot, operation, params, headers)
        except GatewrightError as problem:
            await deliver_error(exchange, problem, headers, operation.dialect)
        except Exception:
            log.exception("a fault of ours while serving %s", operation.path)
            if exchange.started:
                raise
            fault = GatewrightError("Gatewright failed on this request; its log says why.")
            await deliver_error(exchange, fault, headers, operation.dialect)

    async def _forward(
        self, exchange: Exchange, snapshot: Snapshot, operation: Operation, params: Params, headers: Headers
    ) -> None:
        if operation.parse is None:
            raise AssertionError("an operation has an answer of its own or is parsed to a call")
        if "endpoint" in params:
            resolve(snapshot, params["endpoint"])  # an unknown name is told before anything about the body
        body = await exchange.body()
        call = operation.parse(Asked(body=body, params=params, query=exchange.query, headers=exchange.headers))
        endpoint = resolve(snapshot, call.endpoint)
        route = plan(endpoint, call.operation, self._draw())
        answer = await attempt(self._upstream, route, call)
        headers = (*headers, (b"x-gatewright-endpoint", endpoint.name.encode("ascii", "replace")))
        await deliver(exchange, answer, headers, operation.dialect)
