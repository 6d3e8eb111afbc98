"""uvicorn's HTTP/1.1 protocol, with what a server on the open internet needs and it lacks.

- A limit for the head of a request, and for how long the next byte of a request may take.
- `Upgrade` is ignored, as RFC 9110, 7.8 allows: Java's HTTP client asks for HTTP/2 with every first request, and llhttp
  would drop the body of such a request.
- After an answer that came before the body was asked for (`Expect: 100-continue`), the connection is closed: nobody
  can tell whether the client's next bytes are that body.
- When a client leaves, every request it has pipelined is told, not only the last.
"""

import asyncio
from typing import Any

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

HEAD_LIMIT = 64 << 10
"""Largest request head in bytes, trailers too. What comes in one piece with a whole request is not measured."""

PATIENCE = 60.0
"""Seconds the next byte of a request may take, the first one of a connection included."""


class Protocol(HttpToolsProtocol):
    """One connection of a client; made by uvicorn for each."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._in_head = False
        self._barren = 0  # bytes since the last byte of a body, or the last whole request
        self._heard = self.loop.time()
        self._silence: asyncio.TimerHandle | None = None
        self._serving: RequestResponseCycle | None = None
        self._keep_alive = True

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to watch for silence."""
        super().connection_made(transport)
        self._silence = self.loop.call_later(PATIENCE, self._look)

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell the request being served; uvicorn tells the last one that came."""
        if self._silence is not None:
            self._silence.cancel()
        super().connection_lost(exc)
        serving = self._serving
        if serving is not None and not serving.response_complete:
            serving.disconnected = True
            serving.message_event.set()

    def data_received(self, data: bytes) -> None:
        """Parse what came."""
        self._unset_keepalive_if_required()
        self._heard = self.loop.time()
        self._barren += len(data)
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as found:
            self._ignore_upgrade(data[found.args[0] :])
        except httptools.HttpParserError:
            self.send_400_response("Invalid HTTP request received.")
        if self._barren > HEAD_LIMIT:
            self.send_400_response(f"The head of the request is longer than {HEAD_LIMIT} bytes.")

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
        if self.expect_100_continue:
            self._keep_alive, self.cycle.keep_alive = self.cycle.keep_alive, False

    def on_body(self, body: bytes) -> None:
        """A piece of the body."""
        self._barren = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """The whole request is here."""
        self._barren = 0
        if self.parser.should_upgrade():
            return
        if self.expect_100_continue:
            self.cycle.keep_alive = self._keep_alive
        super().on_message_complete()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._serving = cycle
        super()._start_asgi_task(cycle, app)

    def _ignore_upgrade(self, rest: bytes) -> None:
        """Read the request again as if it had not asked for another protocol."""
        method = self.parser.get_method()
        if method == b"CONNECT":
            self.send_400_response("This is not a proxy.")
            return
        fields = [b"%b: %b\r\n" % field for field in self.headers if field[0] != b"upgrade"]
        version = self.parser.get_http_version().encode("ascii")
        head = b"%b %b HTTP/%b\r\n%b\r\n" % (method, self.url, version, b"".join(fields))
        self.parser = httptools.HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)
        self.data_received(head + rest)

    def _look(self) -> None:
        """Close a connection whose request does not come on."""
        now = self.loop.time()
        unread = self._serving is None or self._in_head or (self.cycle.more_body and not self.flow.read_paused)
        if unread and now - self._heard >= PATIENCE:
            self.transport.close()
        else:
            self._silence = self.loop.call_later(PATIENCE / 2, self._look)
