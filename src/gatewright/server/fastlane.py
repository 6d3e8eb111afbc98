"""The fast lane: requests of the pipeline's operations go to it straight from uvicorn's protocol, without ASGI.

Everything else goes uvicorn's ASGI way, through `asgi.Server`, which serves the same operations under any other server.
"""

from functools import lru_cache
from typing import Any
from urllib.parse import unquote

import httptools

from gatewright.gateway.exchange import Headers
from gatewright.gateway.operations import Table
from gatewright.server.fastexchange import FastExchange, Found
from gatewright.server.protocol import Protocol
from gatewright.server.template import Template

SHORT = 256
"""Longest request target, in bytes, that is remembered with what it stands for."""

LESSONS = 8
"""Heads that are looked at on one connection to know others by; a client that goes on to change is parsed."""

_TABLE = Table()


class FastLane(Protocol):
    """One connection of a client, to a `Server`; made by uvicorn for each."""

    cycle: Any  # a FastExchange, or uvicorn's own
    pipeline: Any

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._between = True  # whether the parser waits for the first byte of a request
        self._left = 0  # bytes of a body that the parser does not see
        self._known: tuple[Template, Found] | None = None
        self._seen: tuple[Found, Headers] | None = None
        self._lessons = LESSONS

    def data_received(self, data: bytes) -> None:
        """Take a request whose head is known as it is, and its body; have all else parsed."""
        while self._surplus is None and not self._refusal:
            if self._left:
                data = self._go_on(data)
            elif self._between and self._known is not None:
                template, found = self._known
                read = template.read(data)
                if read is None:
                    break
                headers, begin, self._left = read
                self._heard = self.loop.time()
                self._begin(found, headers, chunked=True, keep_alive=True, expects=False)
                data = self._go_on(data[begin:])
            else:
                break
            if not data:
                return
        self._parse(data)

    def _go_on(self, data: bytes) -> bytes:
        """Take what there is of a body; what follows it."""
        left, size = self._left, len(data)
        body, rest = (data, b"") if size <= left else (data[:left], data[left:])
        self._left = left = left - len(body)
        self._heard = self.loop.time()
        if body:
            self.cycle.feed(body)
        if not left:
            self.cycle.feed_end()
        return rest

    def _parse(self, data: bytes) -> None:
        """Have bytes parsed; learn from a request that begins with them."""
        learns = self._between and self._lessons > 0
        super().data_received(data)
        seen, self._seen = self._seen, None
        if learns and seen is not None:
            self._lessons -= 1
            found, headers = seen
            template = Template.of(data, headers)
            if template is not None:
                self._known = (template, found)

    def on_message_begin(self) -> None:
        """The first byte of a request; what only ASGI needs is made when it is known to be needed."""
        self.url = b""
        self.headers = []
        self.expect_100_continue = False
        self._in_head = True
        self._between = False

    def on_headers_complete(self) -> None:
        """Begin to serve it here if it is for an operation."""
        parser = self.parser
        found = None
        if not parser.should_upgrade():
            target = self.url
            find = _found if len(target) <= SHORT else _found.__wrapped__
            found = find(parser.get_method(), target)
        if found is None:
            self._on_headers_complete_for_asgi()
            return
        self._in_head = False
        headers, self.headers = self.headers, []  # trailers are not for anybody
        chunked = parser.get_http_version() == "1.1"
        keep_alive = chunked and parser.should_keep_alive()
        if keep_alive and self._seen is None:
            self._seen = (found, headers)
        expects = chunked and self.expect_100_continue
        self._begin(found, headers, chunked=chunked, keep_alive=keep_alive, expects=expects)

    def _begin(self, found: Found, headers: Headers, *, chunked: bool, keep_alive: bool, expects: bool) -> None:
        before = self.cycle
        keep_alive = keep_alive and not self.stopping
        self.cycle = cycle = FastExchange(self, found, headers, chunked=chunked, keep_alive=keep_alive, expects=expects)
        if before is None or before.response_complete:
            self._start_asgi_task(cycle, self.app)
        else:
            self.flow.pause_reading()
            self.pipeline.appendleft((cycle, self.app))

    def _on_headers_complete_for_asgi(self) -> None:
        url, headers, expects = self.url, self.headers, self.expect_100_continue
        super().on_message_begin()
        self.url, self.expect_100_continue = url, expects
        self.headers += headers
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """A piece of the body."""
        cycle = self.cycle
        if isinstance(cycle, FastExchange):
            self._barren = 0
            cycle.feed(body)
        else:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """The whole request is here."""
        self._between = True
        cycle = self.cycle
        if isinstance(cycle, FastExchange) and not self.parser.should_upgrade():
            self._barren = 0
            cycle.feed_end()
        else:
            super().on_message_complete()

    def _start_asgi_task(self, cycle: Any, app: Any) -> None:
        if isinstance(cycle, FastExchange):
            self._serving = cycle
            cycle.begin(app)
        else:
            super()._start_asgi_task(cycle, app)

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell the request being served."""
        if isinstance(self.cycle, FastExchange):
            self.cycle = None  # it is not uvicorn's to tell
        super().connection_lost(exc)

    def abandon(self, cycle: Any) -> None:
        """Tell a request that nobody waits for its answer any more."""
        if isinstance(cycle, FastExchange):
            cycle.leave()
        else:
            super().abandon(cycle)


@lru_cache(1024)
def _found(method: bytes, target: bytes) -> Found | None:
    """What a request asks of the pipeline, its path read as uvicorn reads it; None for all other requests."""
    url = httptools.parse_url(target)
    name, path = method.decode("ascii"), url.path.decode("ascii")
    if "%" in path:
        path = unquote(path)
    found = _TABLE.find(name, path)
    return found and (*found, name, path, url.query or b"")
