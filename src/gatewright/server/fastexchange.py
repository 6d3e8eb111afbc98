"""One request of the fast lane and its answer, written straight to the client's connection."""

import asyncio
from collections.abc import Callable

from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT

from gatewright.errors import GatewrightError
from gatewright.gateway.exchange import Headers, Pieces
from gatewright.gateway.operations import Operation, Params
from gatewright.server.asgi import Server
from gatewright.server.exchange import ClientGoneError, announced, too_large
from gatewright.server.protocol import CLOSE, TEXT, Protocol

LARGE = 64 << 10
"""A body above this, in bytes, is written by itself instead of being copied behind the head."""

_CHUNKED = (b"transfer-encoding", b"chunked")
_FAULT = b"Internal Server Error"

Found = tuple[Operation, Params, str, str, bytes]
"""An operation, its path parameters, and the method, path and query string of the request."""


class FastExchange:
    """One request of a connection; see `gateway/exchange.py` for the contract.

    Where uvicorn has a request and its answer in its hands (`cycle`), this takes the place of its own one.

    Args:
        lane: the connection.
        found: what is asked.
        headers: request header fields.
        chunked: whether the client knows chunks (HTTP/1.1).
        keep_alive: whether it wants to ask more on the connection.
        expects: whether it waits to be told before it sends the body (RFC 9110, 10.1.1).

    Attributes:
        gone: whether the client has left before its answer was complete.
        keep_alive: whether another request may follow on the connection.
        more_body: whether the request is not whole yet.
        response_complete: whether its answer is.
    """

    __slots__ = (
        "_app",
        "_chunked",
        "_expects",
        "_held",
        "_hold",
        "_lane",
        "_operation",
        "_params",
        "_pieces",
        "_size",
        "_task",
        "_waiter",
        "gone",
        "headers",
        "keep_alive",
        "method",
        "more_body",
        "path",
        "query",
        "response_complete",
        "started",
    )

    def __init__(
        self, lane: Protocol, found: Found, headers: Headers, *, chunked: bool, keep_alive: bool, expects: bool
    ) -> None:
        self._operation, self._params, self.method, self.path, self.query = found
        self.headers = headers
        self._lane = lane
        self._chunked = chunked
        self.keep_alive = keep_alive
        self._expects = expects
        self.more_body = True
        self._pieces: list[bytes] = []
        self._size = self._held = 0
        self._hold: Callable[[int], None] | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._task: asyncio.Task[None] | None = None
        self.started = self.response_complete = self.gone = False

    # The side of the connection.

    def begin(self, app: Server) -> None:
        """Serve it."""
        self._app = app
        self._task = task = self._lane.loop.create_task(self._serve())
        self._lane.tasks.add(task)

    def feed(self, data: bytes) -> None:
        """A piece of the body; reading is paused while nobody asks for it."""
        self._pieces.append(data)
        self._size += len(data)
        if self._waiter is None:
            if self._size > HIGH_WATER_LIMIT:
                self._lane.flow.pause_reading()
        elif self._size > self._app.max_body:
            self._pieces.clear()
            self._wake()
        elif self._size > self._held:
            self._hold_more()

    def feed_end(self) -> None:
        """The body is whole."""
        self.more_body = False
        self._wake()

    def _hold_more(self) -> None:
        """Ask for room for bytes that were not announced; without it the body ends here."""
        if self._hold is None or self._waiter is None or self._waiter.done():
            self._pieces.clear()
            return
        try:
            self._hold(self._size - self._held)
        except GatewrightError as problem:
            self._pieces.clear()
            self._waiter.set_exception(problem)
        else:
            self._held = self._size

    def leave(self) -> None:
        """The client has left: end what is done for it."""
        if self.gone:
            return
        self.gone = True
        if self._waiter is not None and not self._waiter.done():
            self._wake()
        elif self._task is not None:
            self._task.cancel()
            self._task.add_done_callback(self._lane.tasks.discard)  # one that has not begun will not do it

    @property
    def response_started(self) -> bool:
        """As uvicorn names it."""
        return self.started

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def _serve(self) -> None:
        try:
            await self._app.serve(self, self._operation, self._params)
        except Exception:
            self._lane.logger.exception("a fault of ours on %s", self._operation.path)
        finally:
            self._lane.tasks.discard(self._task)
            if not self.response_complete and not self.gone:
                self._break_off()

    def _break_off(self) -> None:
        """End an answer that cannot be completed so that it cannot be taken for a complete one."""
        lane = self._lane
        if not self.started:
            self.keep_alive = False
            lane.transport.write(self._head(500, (TEXT, (b"content-length", b"%d" % len(_FAULT)))) + _FAULT)
        if self._chunked or not self.started:
            lane.transport.close()
        else:
            lane.reset()

    # The side of the pipeline.

    def announced(self) -> int:
        """Bytes of the body when it is already whole, else as the head tells, or 0.

        Raises:
            TooLargeError: over the limit.
        """
        limit = self._app.max_body
        self._held = length = announced(self.headers, limit) if self.more_body else self._size
        if length > limit:
            raise too_large(limit)
        return length

    async def body(self, hold: Callable[[int], None]) -> bytes:
        """The whole request body.

        Raises:
            TooLargeError: over the limit; as soon as that is known.
            ClientGoneError: when it never came whole.
        """
        lane, limit = self._lane, self._app.max_body
        if self._size > self._held:  # what has come while we waited
            hold(self._size - self._held)
            self._held = self._size
        lane.flow.resume_reading()
        if self.more_body and self._size <= limit:
            self._hold = hold
            if self._expects:
                lane.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            self._waiter = lane.loop.create_future()
            await self._waiter
        if self.gone:
            raise ClientGoneError("The connection was closed before the request had come whole.")
        if self._size > limit:
            raise too_large(limit)
        pieces, self._pieces = self._pieces, []
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    async def respond(self, status: int, headers: Headers, body: bytes) -> None:
        """Answer at once."""
        head = self._head(status, (*headers, (b"content-length", b"%d" % len(body))))
        await self._begin()
        if self.gone:
            return
        write = self._lane.transport.write
        if len(body) <= LARGE:
            write(head + body)
        else:
            write(head)
            write(body)
        self._complete()

    async def start(self, status: int, headers: Headers) -> None:
        """Begin an answer of unknown length; a client of HTTP/1.0 is told its end by closing."""
        head = self._head(status, (*headers, _CHUNKED) if self._chunked else headers)
        await self._begin()
        if not self.gone:
            self._lane.transport.write(head)

    async def write(self, chunk: bytes) -> None:
        """Send a piece of it; waits while the client reads slowly."""
        flow = self._lane.flow
        if flow.write_paused:
            await flow.drain()
        if chunk and not self.gone:
            self._lane.transport.write(b"%x\r\n%b\r\n" % (len(chunk), chunk) if self._chunked else chunk)

    async def relay(self, pieces: Pieces, given: Callable[[bytes], bytes]) -> None:
        """Send what is made of each piece, in the turn of the loop in which it comes."""
        flow, write, chunked = self._lane.flow, self._lane.transport.write, self._chunked

        def take(piece: bytes) -> bool:
            chunk = given(piece)
            if chunk and not self.gone:
                write(b"%x\r\n%b\r\n" % (len(chunk), chunk) if chunked else chunk)
            return not flow.write_paused

        await pieces.pour(take, flow.drain)

    async def end(self) -> None:
        """Complete it."""
        if self.gone:
            return
        if self._chunked:
            self._lane.transport.write(b"0\r\n\r\n")
        self._complete()

    def _head(self, status: int, headers: Headers) -> bytes:
        if self.more_body:  # what is left of the request is dropped
            self.keep_alive = False
        return self._lane.head(status, headers if self.keep_alive else (*headers, CLOSE))

    async def _begin(self) -> None:
        """Wait until the client has taken enough of the answers before."""
        self.started = True
        flow = self._lane.flow
        if flow.write_paused:
            await flow.drain()

    def _complete(self) -> None:
        self.response_complete = True
        if not self.keep_alive:
            self._lane.leave()
        self._lane.on_response_complete()
