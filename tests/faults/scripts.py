"""What goes wrong: each fault as the literal bytes and steps of an upstream, for each dialect, whole or streamed.

After the last step the connection stays open until the other side closes it: a script that ends too early stalls.
"Whole" and "streamed" are what the client asked for. Where a fault only makes sense in a stream, `whole` is None.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache

from faults.wires import Wire, event
from fixtures.scripted import CLOSE, RESET, Step

Steps = Iterable[bytes | float | Step]
Script = Callable[[Wire], Steps]

PRIMARY, FALLBACK = "primary", "fallback"
LATER = 10
"""Events after which a fault comes that comes after content."""

DRIP = 0.02
"""Seconds from byte to byte of an upstream that drips."""

ARRIVED = 0.02
"""Seconds for what was sent to arrive, so that it does not come in one piece with what follows."""

TOO_LONG = (16 << 20) + 1
"""Bytes of an event that is longer than any client will read."""

JSON, EVENTS = b"application/json", b"text/event-stream; charset=utf-8"


def head(
    status: int = 200, media: bytes = JSON, *fields: bytes, length: int | None = None, kept: bool = False
) -> bytes:
    """The head of an answer: chunked unless it has a length, the last one of its connection unless that is kept."""
    framing = b"transfer-encoding: chunked" if length is None else b"content-length: %d" % length
    end = [] if kept else [b"connection: close"]
    return b"\r\n".join([b"HTTP/1.1 %d X" % status, b"content-type: " + media, framing, *fields, *end, b"", b""])


def chunk(data: bytes) -> bytes:
    """A piece of a chunked body."""
    return b"%x\r\n%b\r\n" % (len(data), data)


END = chunk(b"")


def whole(body: bytes, status: int = 200, media: bytes = JSON, *fields: bytes) -> bytes:
    """An answer whole."""
    return head(status, media, *fields, length=len(body)) + body


def well(wire: Wire, speaker: str, *fields: bytes, stream: bool) -> Iterator[bytes]:
    """A complete answer, with header fields besides those it needs."""
    if stream:
        yield head(200, EVENTS, *fields, kept=True)
        yield from map(chunk, _all_events(wire, speaker))
        yield END
    else:
        body = _body(wire, speaker)
        yield head(200, JSON, *fields, length=len(body), kept=True) + body


@cache
def _all_events(wire: Wire, speaker: str) -> list[bytes]:
    return wire.events(speaker)


@cache
def _body(wire: Wire, speaker: str = PRIMARY) -> bytes:
    return json.dumps(wire.whole(speaker)).encode()


def _error(wire: Wire, status: int, *fields: bytes) -> Steps:
    return [whole(json.dumps(wire.error(status)).encode(), status, JSON, *fields)]


def _events(wire: Wire, count: int | None = None) -> list[bytes]:
    """The head of a stream and its first events, each a chunk."""
    return [head(media=EVENTS), *map(chunk, wire.events(PRIMARY)[:count])]


def _cut(at: int) -> tuple[Script, Script]:
    """A connection that is closed in the middle: after so many events, or at the start, near it or near the end."""
    until = {0: 0, 1: 1, 40: -1}[at]

    def cut_whole(wire: Wire) -> Steps:
        return [whole(_body(wire)).removesuffix(_body(wire)) + _body(wire)[:until], CLOSE]

    return cut_whole, lambda wire: [*_events(wire, at), CLOSE]


def _stalled(wire: Wire) -> Steps:
    """In the middle of an event, as a network stalls."""
    following = wire.events(PRIMARY)[LATER]
    return [*_events(wire, LATER), chunk(following[: len(following) // 2])]


def _dripping(data: bytes) -> Steps:
    for at in range(len(data)):
        yield chunk(data[at : at + 1])
        yield DRIP


def _drips(after: int) -> Script:
    """An event whose end nobody waits for."""

    def script(wire: Wire) -> Steps:
        yield from _events(wire, after)
        yield from _dripping(wire.events(PRIMARY)[after].replace(b"data: ", b"data: " + b" " * 2000))

    return script


def _drips_whole(wire: Wire) -> Steps:
    yield head()
    yield from _dripping(_body(wire))


def _endless(wire: Wire) -> Steps:
    """An event that is well but for its length."""
    yield head(media=EVENTS)
    piece = b"x" * (1 << 18)
    yield chunk(b'data: {"')
    for _ in range(TOO_LONG // len(piece) + 1):
        yield chunk(piece)
    yield chunk(b'": 0}\n\n') + END


def _long_field(wire: Wire) -> Steps:
    """A header field that is longer than any client will read."""
    return [whole(_body(wire), 200, JSON, b"x-long: " + b"x" * (65 << 10))]


def _unnamed(wire: Wire) -> Steps:
    """Events without the name of their field, as if they were lines of JSON."""
    bare = [one.replace(b"data: ", b"").replace(b"event: ", b"") for one in wire.events(PRIMARY)]
    return [head(media=EVENTS), *map(chunk, bare), END]


_NO_JSON = b'{"id": nothing, "choices": [}'
_PAGE = b"<html><body>Please log in.</body></html>"


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One thing that goes wrong.

    Attributes:
        says: what happens, for the page.
        whole: an answer that was asked for whole; None where there is no such fault.
        streamed: an answer that was asked for as a stream.
        unreached: whether no request ever comes to be answered; then there are no scripts.
        after: events of a stream that come before it.
    """

    says: str
    whole: Script | None = None
    streamed: Script | None = None
    unreached: bool = False
    after: int = 0


def _same(script: Script) -> dict[str, Script]:
    return {"whole": script, "streamed": script}


def _either(scripts: tuple[Script, Script]) -> dict[str, Script]:
    return {"whole": scripts[0], "streamed": scripts[1]}


FAULTS: dict[str, Fault] = {
    "refused": Fault(says="nobody listens at its address", unreached=True),
    "dns": Fault(says="its name cannot be resolved", unreached=True),
    "tls": Fault(says="the TLS handshake fails", unreached=True),
    "reset": Fault(says="the connection is reset before an answer", **_same(lambda _: [RESET])),
    "stall-before-head": Fault(says="nothing comes after the request", **_same(lambda _: [])),
    "429": Fault(
        says="429 with `Retry-After: 7`",
        **_same(lambda wire: _error(wire, 429, b"retry-after: 7")),
    ),
    "500": Fault(says="500", **_same(lambda wire: _error(wire, 500))),
    "529-in-200": Fault(
        says="200, but an error is all of the body, or the first event",
        whole=lambda wire: [whole(json.dumps(wire.failure).encode())],
        streamed=lambda wire: [head(media=EVENTS), chunk(wire.failed), END],
    ),
    "wrong-content-type": Fault(
        says="200 with a web page", **_same(lambda _: [whole(_PAGE, 200, b"text/html; charset=utf-8")])
    ),
    "bad-chunk-size": Fault(
        says="a chunk whose size is no number",
        whole=lambda wire: [head(), b"zz\r\n", _body(wire)],
        streamed=lambda wire: [head(media=EVENTS), b"zz\r\n", *wire.events(PRIMARY)],
    ),
    "malformed-sse": Fault(
        says="events without `data:`, or an answer with it",
        whole=lambda wire: [whole(event(wire.whole(PRIMARY)))],
        streamed=_unnamed,
    ),
    "bad-json": Fault(
        says="the answer, or the first event, is not JSON",
        whole=lambda _: [whole(_NO_JSON)],
        streamed=lambda wire: [
            head(media=EVENTS),
            chunk(b"data: " + _NO_JSON + b"\n\n"),
            *map(chunk, wire.events(PRIMARY)),
            END,
        ],
    ),
    "oversized-line": Fault(
        says="a header field of 65 KiB, or an event of 16 MiB", whole=_long_field, streamed=_endless
    ),
    "slow-drip": Fault(
        says=f"a byte every {DRIP * 1000:.0f} ms from the start", whole=_drips_whole, streamed=_drips(0)
    ),
    "cut-0": Fault(says="closed after the head", **_either(_cut(0))),
    "cut-1": Fault(says="closed after the first event, or byte", **_either(_cut(1)), after=1),
    "cut-40": Fault(says="closed after 40 events, or before the last byte", **_either(_cut(40)), after=40),
    "stall-mid-stream": Fault(
        says=f"nothing comes after {LATER} events and a half, or half of the body",
        whole=lambda wire: [whole(_body(wire))[: -len(_body(wire)) // 2]],
        streamed=_stalled,
        after=LATER,
    ),
    "missing-terminator": Fault(
        says="a stream without the events that end an answer, or a chunked body without its last chunk",
        whole=lambda wire: [head(), chunk(_body(wire)), CLOSE],
        streamed=lambda wire: [*_events(wire, -wire.ending), END],
        after=LATER,
    ),
    "error-early": Fault(
        says="an error as the second event of a stream",
        streamed=lambda wire: [*_events(wire, 1), chunk(wire.failed_later or wire.failed), END],
        after=1,
    ),
    "error-later": Fault(
        says=f"an error as the event after {LATER}",
        streamed=lambda wire: [*_events(wire, LATER), chunk(wire.failed_later or wire.failed), END],
        after=LATER,
    ),
    "bad-json-later": Fault(
        says=f"the event after {LATER} is not JSON, those after it are",
        streamed=lambda wire: [
            *_events(wire, LATER),
            ARRIVED,
            chunk(b"data: " + _NO_JSON + b"\n\n"),
            *map(chunk, wire.events(PRIMARY)[LATER:]),
            END,
        ],
        after=LATER,
    ),
    "drip-later": Fault(
        says=f"a byte every {DRIP * 1000:.0f} ms after {LATER} events", streamed=_drips(LATER), after=LATER
    ),
}
