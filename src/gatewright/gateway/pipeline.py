"""The way of a request, station by station."""

import logging
import random
import time
from collections.abc import Callable

from gatewright.dialects import gemini
from gatewright.errors import GatewrightError
from gatewright.gateway.attempt import AttemptsFailedError, attempt
from gatewright.gateway.authenticate import authenticate, require_admin, uses_basic
from gatewright.gateway.deliver import JSON, deliver, deliver_error, overhead
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
            ForbiddenError: from a page of another site that uses what the browser has.
        """
        return _caller(self._holder.current, exchange)

    def administrator(self, exchange: Exchange) -> Principal:
        """Who calls, if they may manage.

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
        request_id = f"req_{random.getrandbits(96):024x}"
        headers: Headers = ((b"x-gatewright-request-id", request_id.encode("ascii")),)
        begun = time.perf_counter()
        try:
            snapshot = self._holder.current
            _caller(snapshot, exchange)
            if operation.answer is not None:
                await exchange.respond(
                    200, (JSON, *headers), operation.answer(snapshot, await _asked(exchange, params))
                )
            elif operation.parse is not None:
                if "endpoint" in params:
                    resolve(snapshot, params["endpoint"])  # an unknown name is told before anything about the body
                asked = await _asked(exchange, params)
                begun = time.perf_counter()  # a client that sends slowly is no overhead of ours
                call = operation.parse(asked)
                endpoint = resolve(snapshot, call.endpoint)
                headers = (*headers, (b"x-gatewright-endpoint", endpoint.name.encode("ascii", "replace")))
                route = plan(endpoint, call.operation, self._draw())
                answer = await attempt(self._upstream, route, call, request_id, strict=endpoint.strict)
                broken = gemini.array_error if call.array else operation.dialect.event
                await deliver(exchange, answer, (*headers, overhead(begun, answer.waited)), broken)
        except GatewrightError as problem:
            if isinstance(problem, AttemptsFailedError):
                headers = (*headers, overhead(begun, problem.waited))
            await deliver_error(exchange, problem, headers, operation.dialect)
        except Exception:
            log.exception("%s a fault of ours while serving %s", request_id, operation.path)
            if exchange.started:
                raise
            fault = GatewrightError(f"Gatewright failed on this request; its log says why under {request_id}.")
            await deliver_error(exchange, fault, headers, operation.dialect)


def _caller(snapshot: Snapshot, exchange: Exchange) -> Principal:
    principal = authenticate(snapshot, exchange.headers, exchange.query)
    if principal.anonymous or uses_basic(exchange.headers):
        check_origin(exchange.method, exchange.headers, open_server=principal.anonymous)
    return principal


async def _asked(exchange: Exchange, params: Params) -> Asked:
    body = b"" if exchange.method == "GET" else await exchange.body()
    return Asked(body=body, params=params, query=exchange.query, headers=exchange.headers)
