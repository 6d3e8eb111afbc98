"""The way of a request, station by station."""

import asyncio
import logging
import random
import time
from collections.abc import Callable

from gatewright.dialects import gemini, openai
from gatewright.errors import AccessError, GatewrightError, UnavailableError, UpstreamTimeoutError
from gatewright.gateway.admit import Admission, Turn
from gatewright.gateway.asking import Answer
from gatewright.gateway.attempt import AttemptsFailedError, Walk, tell
from gatewright.gateway.authenticate import authenticate, require_admin, uses_basic
from gatewright.gateway.continuing import Continuation
from gatewright.gateway.deadline import deadline, within
from gatewright.gateway.deliver import AS_JSON, answer_fields, deliver, deliver_error, overhead
from gatewright.gateway.exchange import Exchange, Headers
from gatewright.gateway.health import Health
from gatewright.gateway.hedge import Hedged, Paces
from gatewright.gateway.operations import Operation, Params
from gatewright.gateway.origin import check_origin
from gatewright.gateway.plan import plan
from gatewright.gateway.record import Note, Recorder, unrecorded
from gatewright.gateway.resolve import resolve
from gatewright.gateway.understand import RAW, Asked, Call
from gatewright.snapshot.holder import Holder
from gatewright.snapshot.model import Principal, Snapshot
from gatewright.upstream.client import Upstream

log = logging.getLogger(__name__)


_EVENTS = {"responses": openai.response_error}
"""How a stream of an operation ends that breaks off, where that is not how its dialect ends others."""


class Pipeline:
    """Serves operations from the snapshot in force.

    Args:
        holder: where the snapshot is; taken once a request.
        upstream: how requests reach providers.
        draw: uniform in [0, 1); decides which PRIMARY target serves.
        record: takes the record of every request that a known caller has made, when it is over.
        health: which targets are in, for this process; None for one of its own.
        admission: how many requests may be under way; None for the usual limits.

    Attributes:
        admission: as given.
        active: requests under way, those that wait for their turn included.
        refused: requests without a valid key, since the start.
    """

    def __init__(
        self,
        holder: Holder,
        upstream: Upstream,
        draw: Callable[[], float] = random.random,
        record: Recorder = unrecorded,
        health: Health | None = None,
        admission: Admission | None = None,
    ) -> None:
        self._holder = holder
        self._upstream = upstream
        self._draw = draw
        self._record = record
        self._health = health or Health()
        self._paces = Paces()
        self.admission = admission or Admission()
        self.active = self.refused = 0

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
        return self._caller(self._holder.current, exchange)

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
        """Answer one request; every failure we know is answered in the operation's dialect.

        It is cancelled when the client leaves, or when the server cannot wait any longer.
        """
        note = Note(self._record if operation.parse is not None else unrecorded)
        turn = self.admission.turn()
        self.active += 1
        try:
            snapshot = self._holder.current
            note.key_id = self._caller(snapshot, exchange).key_id
            if "endpoint" in params:
                resolve(snapshot, params["endpoint"])  # an unknown name is told before anything about the body
            queue = turn.enter(exchange.announced())
            if queue is not None:
                await note.queue(queue)
            body = b"" if exchange.method == "GET" else await exchange.body(turn.hold)
            note.begun = time.perf_counter()  # a client that sends slowly is no overhead of ours
            asked = Asked(body, params, exchange.query, exchange.headers)
            if operation.answer is not None:
                await exchange.respond(200, (AS_JSON, *note.headers), operation.answer(snapshot, asked))
            elif operation.parse is not None:
                await self._call(exchange, snapshot, operation, operation.parse(asked), note, turn)
        except GatewrightError as problem:
            note.failed(problem)
            await deliver_error(exchange, problem, _fields(note, problem), operation.dialect)
        except asyncio.CancelledError:  # the client has left, or the server cannot wait any longer
            if exchange.gone or exchange.started:
                raise
            stopping = UnavailableError("Gatewright is shutting down. Send the request again.")
            note.failed(stopping)
            await deliver_error(exchange, stopping, note.headers, operation.dialect)
        except Exception:
            log.exception("%s a fault of ours while serving %s", note.request_id, operation.path)
            fault = GatewrightError(f"Gatewright failed on this request; its log says why under {note.request_id}.")
            note.failed(fault)
            if exchange.started:
                raise
            await deliver_error(exchange, fault, note.headers, operation.dialect)
        finally:
            self.active -= 1
            turn.leave()
            note.close()

    async def _call(
        self, exchange: Exchange, snapshot: Snapshot, operation: Operation, call: Call, note: Note, turn: Turn
    ) -> None:
        note.call = call
        note.endpoint = endpoint = resolve(snapshot, call.endpoint)
        ends = deadline(exchange.headers, endpoint.policy.timeout, note.arrived)
        queue = turn.enter_endpoint(endpoint)
        if queue is not None:
            late = UpstreamTimeoutError("The time that the request has was over while it waited for its turn.")
            await note.queue(within(ends, queue, late))
        health = self._health
        route = plan(endpoint, call.operation, self._draw(), health)
        policy = endpoint.policy
        if policy.hedge is None or call.operation == RAW:  # what that does twice is not known
            walk = Walk(self._upstream, health, policy, call, note.request_id, ends)
        else:
            pace = self._paces.of(endpoint, call)
            walk = Hedged(self._upstream, health, policy, call, note.request_id, ends, pace, note.lost)
        answer = await walk.attempt(route)
        note.answered(answer)
        fields = (*note.headers, overhead(note.begun, answer.waited))
        if answer.rest is None:
            note.delivered(None)
            await exchange.respond(answer.response.status, answer_fields(answer, fields), answer.body)
        else:
            broken = gemini.array_error if call.array else _EVENTS.get(call.operation, operation.dialect.event)

            def settled(last: Answer, problem: AttemptsFailedError | None) -> None:
                note.delivered(problem)
                tell(health, policy, last, problem)

            def followed(cut: Answer, problem: AttemptsFailedError, following: Answer) -> None:
                note.continued(cut, problem, following)
                tell(health, policy, cut, problem)

            resume = None
            if answer.sending.transcript is not None:
                resume = Continuation(walk, route, policy.retries, followed).resume
            await deliver(exchange, answer, fields, ends, broken, settled, resume)

    def _caller(self, snapshot: Snapshot, exchange: Exchange) -> Principal:
        try:
            principal = authenticate(snapshot, exchange.headers, exchange.query)
        except AccessError:
            self.refused += 1
            raise
        if principal.anonymous or uses_basic(exchange.headers):
            check_origin(exchange.method, exchange.headers, open_server=principal.anonymous)
        return principal


def _fields(note: Note, problem: GatewrightError) -> Headers:
    """Our header fields of an error; where providers were called, also how long it took without them."""
    if isinstance(problem, AttemptsFailedError):
        return (*note.headers, overhead(note.begun, problem.waited))
    return note.headers
