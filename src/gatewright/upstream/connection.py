"""One HTTP/1.1 connection: writes a request, reads the answer with llhttp, is then ready for the next one.

Everything here is driven by the transport's callbacks. A deadline is a number that the pool's sweep compares with the
clock (`sweep`), so that no request pays for a timer of its own, and no piece of an answer for a look at the clock.
"""

import asyncio
from math import inf
from typing import Protocol, cast

import httptools

from gatewright.errors import (
    GatewrightError,
    UpstreamCutError,
    UpstreamError,
    UpstreamProtocolError,
    UpstreamResetError,
    UpstreamSilentError,
    UpstreamStalledError,
    UpstreamTimeoutError,
)
from gatewright.upstream.response import Response
from gatewright.upstream.timeouts import Timeouts
from gatewright.upstream.tls import ended_orderly, keep_session

HEADER_LIMIT = 64 << 10
"""Largest response head in bytes, interim answers included; also the most framing without a byte of body."""

SLICE = 256 << 10
"""A request body above this is written in pieces of this size, each when the one before has left."""

TOGETHER = 16 << 10
"""A request body up to this, in bytes, is copied behind its head instead of being handed over beside it."""


class Owner(Protocol):
    """Who is told what becomes of a connection."""

    def released(self, connection: "Connection") -> None:
        """It can take another request."""

    def gone(self, connection: "Connection") -> None:
        """It is closed."""


class Connection(asyncio.Protocol):
    """The protocol of one transport, and the source of its current response.

    Attributes:
        name: the origin, for messages.
        closed: no more requests can be sent.
        quiet_until: loop time by which the next byte (or, unused, the next request) must come.
        total_until: loop time by which the exchange must end.
    """

    __slots__ = (
        "_active",
        "_answer",
        "_barren",
        "_blocked",
        "_bodiless",
        "_drained",
        "_ended",
        "_enough",
        "_error",
        "_headers",
        "_keep",
        "_owner",
        "_parser",
        "_paused",
        "_received",
        "_response",
        "_retires",
        "_size",
        "_stirred",
        "_timeouts",
        "_transport",
        "_unsent",
        "_uploading",
        "_used",
        "closed",
        "loop",
        "name",
        "quiet_until",
        "total_until",
    )

    def __init__(self, name: str, timeouts: Timeouts, loop: asyncio.AbstractEventLoop) -> None:
        self.name = name
        self.loop = loop
        self._retires = loop.time() + timeouts.lifetime
        self.closed = False
        self.quiet_until = self.total_until = inf
        self._timeouts = timeouts
        self._enough = timeouts.floor * timeouts.idle
        self._stirred = False  # whether what came since the last sweep is progress
        self._size = 0  # bytes of a stream since then that were none
        self._owner: Owner | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._answer: asyncio.Future[Response | None]
        self._drained: asyncio.Future[None] | None = None
        self._response: Response | None = None
        self._error: GatewrightError | None = None
        self._blocked = False
        self._paused = False
        self._active = False
        self._used = False

    def adopt(self, owner: Owner) -> None:
        """From now on `owner` is told when the connection is free or gone."""
        self._owner = owner

    @property
    def usable(self) -> bool:
        """Whether a request can be sent, as far as is known here; the other side may have closed."""
        return not self.closed and not self._transport.is_closing()

    async def exchange(self, head: bytes, body: bytes, *, bodiless: bool, total_until: float) -> Response | None:
        """Send a request and wait for the head of the answer.

        Args:
            head: request line and headers with the empty line that ends them.
            body: request body.
            bodiless: the answer has no body whatever its headers say (HEAD).
            total_until: loop time by which the whole answer must be here.

        Returns:
            The response; None when this was a kept-alive connection and the other side closed it without a byte of
            answer, so that the request may be sent again.

        Raises:
            UpstreamProtocolError, UpstreamTimeoutError: as their names say.
        """
        loop = self.loop
        answer: asyncio.Future[Response | None] = loop.create_future()
        self._answer = answer
        self._headers: list[tuple[bytes, bytes]] = []
        self._barren = self._size = 0
        self._received = self._ended = self._uploading = False
        self._keep = True
        self._bodiless = bodiless
        self.quiet_until = loop.time() + self._timeouts.first_byte
        self.total_until = total_until
        self._active = True
        try:
            if len(body) <= TOGETHER:
                self._transport.write(head + body)
            elif len(body) <= SLICE:
                self._transport.writelines((head, body))
            else:
                await self._upload(head, body)
            response = await answer
        except BaseException:
            # An answer that came together with the cancellation may have freed the connection for another task.
            if answer.done() and not answer.cancelled() and (late := answer.result()) is not None:
                late.abort()
            else:
                self.abort()
            raise
        if response is None and self._error is not None:
            raise self._error
        return response

    async def _upload(self, head: bytes, body: bytes) -> None:
        """Write a large body; stops when the connection is lost or the answer is already an error."""
        self._uploading = True
        self._transport.write(head)
        self._unsent = self._transport.get_write_buffer_size()
        view = memoryview(body)
        for start in range(0, len(body), SLICE):
            while self._blocked and not self._refused():
                self._drained = self.loop.create_future()
                await self._drained
            if self._refused():
                return
            self._transport.write(view[start : start + SLICE])
            self._unsent = self._transport.get_write_buffer_size()
            self.quiet_until = self.loop.time() + self._timeouts.idle
        self._uploading = False
        if not self._received:
            self.quiet_until = self.loop.time() + self._timeouts.first_byte

    def _refused(self) -> bool:
        return not self.usable or (self._response is not None and self._response.status >= 400)

    # Called by the transport.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Parse what came; bytes nobody asked for end the connection."""
        if not self._active:
            self.abort()
            return
        if self._response is None:
            self._received = self._stirred = True
        self._barren += len(data)
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            # The parser's reason is left out: it may quote what was sent. After the end, bytes are only surplus.
            self._keep = False
            if not self._ended:
                self._fail(UpstreamProtocolError(f"{self.name} sent an answer that is not valid HTTP/1.1."))
        if self._ended:
            self._finish()
            return
        if self._barren > HEADER_LIMIT:
            self._fail(self._oversized())

    def eof_received(self) -> None:
        """The other side ended its stream: the end of a body without a length, a failure anywhere else."""
        response = self._response
        framed = response is None or response.header(b"content-length") or response.header(b"transfer-encoding")
        if not framed and ended_orderly(self._transport):
            self._keep = False
            self._finish()
        else:
            self._fail(self._broken_off())

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - the transport's signature
        """The connection is gone."""
        self._fail(self._broken_off())
        del self._parser  # it refers back to this object

    def pause_writing(self) -> None:
        """The transport holds enough unsent bytes."""
        self._blocked = True

    def resume_writing(self) -> None:
        """The transport can take more."""
        self._blocked = False
        self._drain()

    # Called by the parser.

    def on_message_begin(self) -> None:
        """A second answer to one request: the connection cannot be trusted with another."""
        if self._ended:
            self._keep = False

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header; trailers are dropped."""
        if self._response is None:
            self._headers.append((name.lower(), value.rstrip()))

    def on_headers_complete(self) -> None:
        """Hand the response to the one who waits for it."""
        if self.closed or self._ended:
            return
        if self._answer.cancelled():
            self.abort()
            return
        headers = self._headers
        status = self._parser.get_status_code()
        if status < 200:
            if status == 101:
                self._fail(UpstreamProtocolError(f"{self.name} switched protocols without being asked."))
            self._headers = []
            return
        if status > 599:
            self._fail(UpstreamProtocolError(f"{self.name} answered with the status {status}, which is none of HTTP."))
            return
        if self._barren > HEADER_LIMIT and sum(len(n) + len(v) + 4 for n, v in headers) > HEADER_LIMIT:
            self._fail(self._oversized())
            return
        self._barren = 0
        # The parser cannot be told that no body follows; it is left behind with the connection.
        self._keep = self._parser.should_keep_alive() and not self._bodiless
        try:
            self._response = response = Response(status, tuple(headers), self)
        except UpstreamProtocolError as problem:
            self._fail(problem)
            return
        self._answer.set_result(response)
        self._ended = self._bodiless
        self._drain()

    def on_body(self, data: bytes) -> None:
        """Pass a piece of the body on."""
        response = self._response
        if response is not None and not self._ended:
            self._barren = 0
            if not self._stirred:
                self._size += len(data)
                self._stirred = response.mark in data or self._size >= self._enough
            response.feed(data)

    def on_message_complete(self) -> None:
        """The end of the answer; an interim one (1xx) ends nothing."""
        if self._response is not None:
            self._ended = True

    # Called by the response.

    def pause(self) -> None:
        """Stop reading; the other side is not at fault while it waits."""
        if self.usable:
            self._paused = True
            self._transport.pause_reading()
            self.quiet_until = inf

    def resume(self) -> None:
        """Read again."""
        if self.usable:
            self._paused = False
            self._transport.resume_reading()
            self.quiet_until = self.loop.time() + self._timeouts.idle

    def abort(self) -> None:
        """Close without a word; whoever waits for an answer gets none."""
        self._fail(None)

    # Ends.

    def fail(self, error: GatewrightError) -> None:
        """Close because of an error, which the current exchange meets."""
        self._fail(error if self._active else None)

    def sweep(self, now: float) -> None:
        """What the pool does with each connection, many times in the shortest timeout."""
        if self._stirred:
            self._stirred = False
            self._size = 0
            if not self._paused:
                self.quiet_until = now + self._timeouts.idle
        if now >= self.quiet_until or now >= self.total_until:
            self.expire(now)

    def expire(self, now: float) -> None:
        """A deadline has passed: give up the exchange, or close the unused connection."""
        timeouts = self._timeouts
        if not self._active:
            self.abort()
        elif now >= self.total_until:
            self._fail(UpstreamTimeoutError(f"{self.name} did not finish within {timeouts.total:g} seconds."))
        elif self._uploading and (unsent := self._transport.get_write_buffer_size()) < self._unsent:
            self._unsent = unsent  # slow, but steady
            self.quiet_until = now + timeouts.idle
        elif self._size:
            what = f"sent {self._size} bytes in {timeouts.idle:g} seconds, and nothing whole"
            self._fail(UpstreamStalledError(f"{self.name} {what}."))
        elif self._uploading or self._received:
            self._fail(UpstreamStalledError(f"{self.name} made no progress for {timeouts.idle:g} seconds."))
        else:
            self._fail(UpstreamSilentError(f"{self.name} did not answer within {timeouts.first_byte:g} seconds."))

    def _finish(self) -> None:
        response, self._response = self._response, None
        if response is None:
            return
        response.finish()
        if not self._used:
            self._used = True
            keep_session(self._transport)
        now = self.loop.time()
        if not self._keep or self._uploading or self.closed or now >= self._retires:
            self.abort()
            return
        self._active = self._stirred = False
        if self._paused:  # the reader was slow at the very end
            self.resume()
        self.quiet_until = now + self._timeouts.keep_alive
        self.total_until = inf
        if self._owner is not None:
            self._owner.released(self)

    def _fail(self, error: GatewrightError | None) -> None:
        if self.closed:
            return
        self.closed = True
        self._error = error
        self._transport.abort()
        response, self._response = self._response, None
        if response is not None:
            response.finish(error)
        if self._active and not self._answer.done():
            self._answer.set_result(None)
        self._drain()
        if self._owner is not None:
            self._owner.gone(self)

    def _drain(self) -> None:
        if self._drained is not None and not self._drained.done():
            self._drained.set_result(None)

    def _broken_off(self) -> UpstreamError | None:
        if not self._active or (self._used and not self._received):
            return None
        if not self._received:
            return UpstreamResetError(f"{self.name} closed the connection without an answer.")
        return UpstreamCutError(f"{self.name} broke off in the middle of its answer.")

    def _oversized(self) -> UpstreamError:
        return UpstreamProtocolError(f"{self.name} sent headers longer than {HEADER_LIMIT} bytes.")
