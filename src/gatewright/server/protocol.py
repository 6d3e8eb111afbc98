"""uvicorn's HTTP/1.1 protocol, with what a server on the open internet needs and it lacks.

- A limit for the head of a request, and for how long a client may keep silent when it is its turn.
- `Upgrade` is ignored, as RFC 9110, 7.8 allows: Java's HTTP client asks for HTTP/2 with every first request, and llhttp
  would drop the body of such a request.
- An answer that comes before the whole request closes the connection: nobody can tell whether the client's next bytes
  are the rest of it. What still comes is read for a while, for a socket closed with bytes unread is reset, and the
  reset can overtake the answer.
- A request that is no HTTP is refused after those before it are answered, not in the middle of an answer.
- Trailers do not become headers.
- An answer of unknown length to a client of HTTP/1.0 goes out without chunks, which it does not know.
- When a client leaves, every request it has pipelined is told, not only the last.
"""

import asyncio
import math
import socket
import struct
from typing import Any

import httptools
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from gatewright.gateway.exchange import Headers
from gatewright.server.exchange import CONTROLS, Message, Send

HEAD_LIMIT = 64 << 10
"""Largest request head in bytes, trailers too. What comes in one piece with a whole request is not measured."""

PATIENCE = 60.0
"""Seconds the next byte of a request may take, the first one of a connection included."""

STUCK = 300.0
"""Seconds after which a client is given up that takes nothing of its answer; told at the next look."""

LINGER = 10.0
"""Seconds for which more of a request is read that is answered already."""

SURPLUS = 64 << 20
"""Bytes of it that are read."""

AT_ONCE = struct.pack("ii", 1, 0)
"""The value of `SO_LINGER` with which a socket is closed by a TCP reset."""

CLOSE = (b"connection", b"close")

TEXT = (b"content-type", b"text/plain; charset=utf-8")


class Protocol(HttpToolsProtocol):
    """One connection of a client; made by uvicorn for each."""

    cycle: Any  # None before the first request
    stopping: bool  # the next answer that begins is the last one

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._in_head = False
        self._barren = 0  # bytes since the last byte of a body, or the last whole request
        self._heard = self.loop.time()  # when the last byte came, or the last answer went
        self._watch: asyncio.TimerHandle | None = None
        self._unsent = (0, self._heard)  # bytes that wait to be sent, and since when it is as many
        self._serving: Any = None
        self._keep_alive = True
        self.stopping = False
        self._refusal = ""
        self._surplus: int | None = None  # bytes that are still read after the last answer; None before
        self._defaults: list[tuple[bytes, bytes]] | None = None
        self._default_lines = b""

    # Called by the transport, and by uvicorn.

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to watch for silence."""
        super().connection_made(transport)
        self._watch = self.loop.call_later(min(PATIENCE, self.timeout_keep_alive), self._look)

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell the request being served; uvicorn tells the last one that came."""
        if self._watch is not None:
            self._watch.cancel()
        super().connection_lost(exc)
        serving, self._serving = self._serving, None
        if serving is not None and not serving.response_complete:
            self.abandon(serving)
        self.pipeline.clear()

    def data_received(self, data: bytes) -> None:
        """Parse what came."""
        if self._surplus is not None:
            self._surplus -= len(data)
            if self._surplus < 0:
                self.transport.abort()
            return
        if self._refusal:
            return
        self._heard = self.loop.time()
        self._barren += len(data)
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as found:
            self._ignore_upgrade(data[found.args[0] :])
        except httptools.HttpParserError:
            self._refuse("Invalid HTTP request received.")
        else:
            if self._barren > HEAD_LIMIT:
                self._refuse(f"The head of the request is longer than {HEAD_LIMIT} bytes.")

    def wind_down(self, quiet: float) -> None:
        """Close as soon as no client can be surprised by it; to be called again and again when the server stops.

        A client cannot know that its next request comes too late. So the next answer that begins tells that it is the
        last one, and a connection is closed without that only when nothing came for `quiet` seconds.
        """
        if not self.stopping:
            self.stopping, self._heard = True, self.loop.time()
        cycle = self.cycle
        if cycle is None or cycle.response_complete:
            if self.loop.time() - self._heard >= quiet:
                self.shutdown()
        elif not cycle.response_started:
            self._keep_alive = cycle.keep_alive = False

    # Called by the parser.

    def on_message_begin(self) -> None:
        """The first byte of a request."""
        super().on_message_begin()
        self._in_head = True

    def on_headers_complete(self) -> None:
        """Begin to serve it, unless the parser must first be told to go on after an `Upgrade`."""
        self._in_head = False
        if self.parser.should_upgrade():
            return
        super().on_headers_complete()
        self.headers = []  # for trailers, which nobody asks for
        cycle = self.cycle
        cycle.transport = _Outlet(self, cycle)
        if self.parser.get_http_version() == "1.0":
            cycle.waiting_for_100_continue = False  # RFC 9110, 10.1.1
            cycle.send = _unframed(cycle)
        self._keep_alive, cycle.keep_alive = cycle.keep_alive and not self.stopping, False

    def on_body(self, body: bytes) -> None:
        """A piece of the body."""
        self._barren = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """The whole request is here."""
        self._barren = 0
        if self.parser.should_upgrade():
            return
        if not self.cycle.response_started:
            self.cycle.keep_alive = self._keep_alive
        super().on_message_complete()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._serving = cycle
        super()._start_asgi_task(cycle, app)

    # Called for an answer.

    def head(self, status: int, headers: Headers) -> bytes:
        """Status line and header fields, those of every answer too, with the empty line that ends them.

        Raises:
            ValueError: a field would break the framing.
        """
        defaults = self.server_state.default_headers
        if defaults is not self._defaults:  # once a second, for the date
            self._defaults, self._default_lines = defaults, b"".join(b"%b: %b\r\n" % field for field in defaults)
        fields = b"\r\n".join(map(b": ".join, headers))
        if len(fields.translate(None, CONTROLS)) + 2 * (len(headers) - 1) != len(fields):
            raise ValueError("A header field of an answer holds a control character.")
        return b"".join((STATUS_LINE[status], self._default_lines, fields, b"\r\n\r\n"))

    def on_response_complete(self) -> None:
        """Serve the next one."""
        self.server_state.total_requests += 1
        if self._surplus is not None or self.transport.is_closing():
            return
        self.flow.resume_reading()
        self._heard = self.loop.time()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
        elif self._refusal:
            self._refuse(self._refusal)

    def leave(self) -> None:
        """Close after the last answer; a client that is still sending is let finish first, within limits."""
        if self.cycle is None or self.cycle.more_body or self._refusal:
            self._linger()
        else:
            self.transport.close()

    def reset(self) -> None:
        """Close in the middle of an answer whose end is that of the stream, so that this is not taken for it."""
        self.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, AT_ONCE)
        self.transport.abort()

    def abandon(self, cycle: Any) -> None:
        """Tell a request that nobody waits for its answer any more."""
        cycle.disconnected = True
        cycle.message_event.set()

    def _linger(self) -> None:
        self._surplus = SURPLUS
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self.flow.resume_reading()
        self._heard = self.loop.time()
        self._look()

    def _refuse(self, problem: str) -> None:
        """Answer 400 in its turn, and close."""
        self._refusal = problem
        serving, unread = self._serving, self.cycle is not None and self.cycle.more_body
        if unread and self.pipeline:  # its body will never be whole
            self.pipeline.popleft()
        if serving is not None and not serving.response_complete:
            if serving is not self.cycle or not unread or serving.response_started:
                return
            self.abandon(serving)
        length = (b"content-length", b"%d" % len(problem))
        self.transport.write(self.head(400, (TEXT, length, CLOSE)) + problem.encode("ascii"))
        self._linger()

    def _ignore_upgrade(self, rest: bytes) -> None:
        """Read the request again as if it had not asked for another protocol."""
        method = self.parser.get_method()
        if method == b"CONNECT":
            self._refuse("This is not a proxy.")
            return
        fields = [b"%b: %b\r\n" % field for field in self.headers if field[0] != b"upgrade"]
        version = self.parser.get_http_version().encode("ascii")
        head = b"%b %b HTTP/%b\r\n%b\r\n" % (method, self.url, version, b"".join(fields))
        self.parser = httptools.HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)
        self.data_received(head + rest)

    def _look(self) -> None:
        """Close a connection whose request does not come on, whose answer is not taken, or that is not used.

        One timer a connection, which seldom fires, so that no request pays for a timer of its own.
        """
        now = self.loop.time()
        unsent = self.transport.get_write_buffer_size()
        if not unsent or unsent != self._unsent[0]:
            self._unsent = (unsent, now)
        elif now - self._unsent[1] >= STUCK:
            self.transport.abort()
        rest = self._heard + self._patience() - now
        if rest <= 0:
            self.transport.close()
        if self._watch is not None:
            self._watch.cancel()
        self._watch = self.loop.call_later(
            min(rest, PATIENCE, self.timeout_keep_alive) if rest > 0 else PATIENCE, self._look
        )

    def _patience(self) -> float:
        """Seconds that the client may keep silent now."""
        serving = self._serving
        if self._surplus is not None:
            return LINGER
        if serving is None:
            return PATIENCE
        if serving.response_complete:
            return PATIENCE if self._in_head else self.timeout_keep_alive
        unread = serving is self.cycle and serving.more_body and not self.flow.read_paused
        return PATIENCE if unread else math.inf


class _Outlet:
    """What uvicorn's cycle takes for its transport: it closes the way the protocol closes."""

    __slots__ = ("_cycle", "_protocol", "is_closing", "write")

    def __init__(self, protocol: Protocol, cycle: Any) -> None:
        self._protocol = protocol
        self._cycle = cycle
        self.write = protocol.transport.write
        self.is_closing = protocol.transport.is_closing

    def close(self) -> None:
        """After the last answer, or in the middle of one that cannot be completed."""
        cycle = self._cycle
        if cycle.scope["http_version"] == "1.0" and not cycle.response_complete:
            self._protocol.reset()
        else:
            self._protocol.leave()


def _unframed(cycle: Any) -> Send:
    """The cycle's `send` for a client of HTTP/1.0: an answer of unknown length ends with the connection."""
    send: Send = cycle.send
    unknown = False

    async def send_unframed(message: Message) -> None:
        nonlocal unknown
        if message["type"] == "http.response.start":
            unknown = all(name.lower() != b"content-length" for name, _ in message.get("headers", ()))
            if unknown:
                cycle.chunked_encoding = False
        elif unknown:  # each piece is as long as it is
            cycle.expected_content_length = len(message.get("body", b""))
        await send(message)

    return send_unframed
