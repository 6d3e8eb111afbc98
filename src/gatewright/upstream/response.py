"""An answer whose body may still be on its way."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol, Self

from gatewright.errors import GatewrightError, UpstreamProtocolError
from gatewright.upstream.coding import Decoder

Headers = tuple[tuple[bytes, bytes], ...]

HIGH_WATER = 256 << 10
"""Bytes of unread body at which the sender is asked to stop."""

READ_LIMIT = 64 << 20
"""Largest body `Response.read` takes unless told otherwise."""


class Source(Protocol):
    """Where a body comes from."""

    loop: asyncio.AbstractEventLoop

    def pause(self) -> None:
        """Stop sending for now."""

    def resume(self) -> None:
        """Send again."""

    def abort(self) -> None:
        """Nobody wants the rest."""


class Response:
    """Status, headers and a body that is read once, by one task.

    A caller reads to the end or calls `close`; until then a connection is held.

    Attributes:
        status: HTTP status, 200 or above.
        headers: as sent, in order, names in lower case. Trailers are dropped. The body is read unpacked, whatever
            `content-encoding` says.
        credential: the headers that proved to the provider who asked, which must never be shown; empty until `call`
            sets them.
        mark: bytes that what comes must hold now and then to be progress; empty when anything is.

    Raises:
        UpstreamProtocolError: the body is in a coding that we do not know.
    """

    __slots__ = (
        "_chunks",
        "_complete",
        "_decoder",
        "_error",
        "_fault",
        "_paused",
        "_size",
        "_source",
        "_taker",
        "_waiter",
        "credential",
        "headers",
        "mark",
        "status",
    )

    def __init__(self, status: int, headers: Headers, source: Source) -> None:
        self.status = status
        self.headers = headers
        self.credential: Headers = ()
        self.mark = b""
        self._source = source
        self._chunks: list[bytes] = []
        self._size = 0
        self._paused = False
        self._complete = False
        self._error: GatewrightError | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._taker: Callable[[bytes], bool] | None = None
        self._fault: Exception | None = None
        self._decoder: Decoder | None = None
        for name, value in headers:
            if name == b"content-encoding" and value not in (b"", b"identity"):
                self._decoder = Decoder(value)

    # The side of the connection.

    def feed(self, data: bytes) -> None:
        """Add a piece of the body; too many unread bytes pause the source."""
        take = self._taker
        if take is not None:
            self._give(take, data)
            return
        self._chunks.append(data)
        self._size += len(data)
        if self._size > HIGH_WATER and not self._paused:
            self._paused = True
            self._source.pause()
        self._wake()

    def _give(self, take: Callable[[bytes], bool], data: bytes) -> None:
        """Give a piece away; wakes the reader when that has failed, or no more is taken."""
        try:
            if take(data):
                return
        except Exception as fault:  # noqa: BLE001 - the reader meets it
            self._fault = fault
        self._taker = None
        self._wake()

    def finish(self, error: GatewrightError | None = None) -> None:
        """Mark the end. With an error, the reader meets it after the bytes that did arrive."""
        if not self._complete:
            self._complete = True
            self._error = error
            self._wake()

    def _wake(self) -> None:
        waiter = self._waiter
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    # The side of the reader.

    def header(self, name: bytes) -> bytes:
        """First value of a header by its lower-case name; empty when there is none."""
        for key, value in self.headers:
            if key == name:
                return value
        return b""

    def expect(self, mark: bytes) -> None:
        """Take it for a stream, in which bytes are progress only with what marks its pieces; see `Timeouts.floor`."""
        if self._decoder is None:  # what is packed shows no marks
            self.mark = mark

    def here(self, limit: int) -> bytes:
        """The whole body, when it came with its head, as short ones do; else nothing, and it must be read."""
        if self._complete and self._decoder is None and self._error is None and 0 < self._size <= limit:
            return self._take()
        return b""

    async def read(self, limit: int = READ_LIMIT) -> bytes:
        """Read the body to its end.

        Raises:
            UpstreamProtocolError: it broke off, or is longer than `limit` bytes.
            UpstreamTimeoutError: it did not come in time.
        """
        chunks = []
        size = 0
        async for chunk in self:
            size += len(chunk)
            if size > limit:
                self.abort()
                raise UpstreamProtocolError(f"The provider's answer is longer than {limit} bytes.")
            chunks.append(chunk)
        return chunks[0] if len(chunks) == 1 else b"".join(chunks)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        """What arrived since the last call, never empty; cancelling it closes the connection."""
        if self._decoder is None:
            if not self._chunks:
                await self._arrival()
            return self._take()
        while True:
            if not self._decoder.pending:
                await self._arrival()
            try:
                unpacked = self._decoder.feed(b"" if self._decoder.pending else self._take())
            except UpstreamProtocolError:
                self.abort()
                raise
            if unpacked:
                return unpacked

    async def pour(self, take: Callable[[bytes], bool], ready: Callable[[], Awaitable[None]]) -> None:
        """Give every piece away in the turn of the loop in which it comes, until the end; cancelling it closes.

        Args:
            take: takes a piece; False when it can take no more for now.
            ready: returns when it can.

        Raises:
            GatewrightError: that of the body, or whatever `take` raises.
        """
        while self._decoder is None:
            while self._chunks:
                if not take(self._take()):
                    await ready()
            if self._error is not None:
                raise self._error
            if self._complete:
                return
            self._taker = take
            await self._turn()
            full, self._taker = self._taker is None, None
            if self._fault is not None:
                raise self._fault
            if full:
                await ready()
        async for piece in self:
            if not take(piece):
                await ready()

    async def _arrival(self) -> None:
        """Wait until there are bytes to take."""
        while not self._chunks:
            if self._error is not None:
                raise self._error
            if self._complete:
                if self._decoder is not None:
                    self._decoder.finish()
                raise StopAsyncIteration
            await self._turn()

    async def _turn(self) -> None:
        """Wait until the connection has something to tell."""
        self._waiter = self._source.loop.create_future()
        try:
            await self._waiter
        except BaseException:
            self._taker = None
            self.abort()
            raise
        finally:
            self._waiter = None

    def _take(self) -> bytes:
        chunks = self._chunks
        data = chunks[0] if len(chunks) == 1 else b"".join(chunks)
        chunks.clear()
        self._size = 0
        if self._paused:
            self._paused = False
            if not self._complete:
                self._source.resume()
        return data

    def abort(self) -> None:
        """Give up what has not arrived yet; a finished response is left as it is."""
        if not self._complete:
            self.finish(UpstreamProtocolError("The answer was closed before its end."))
            self._source.abort()

    async def close(self) -> None:
        """Be done with it: drops what is unread, and the connection too when the body is not complete."""
        self.abort()
        self._chunks.clear()
