"""A stream on its way back, piece by piece: what the client gets for each piece of the provider's.

Everything here is pure: bytes in, bytes out. Whoever reads the provider's stream feeds it and sends on what comes out.
"""

import re
from collections.abc import Iterable
from typing import Protocol

import msgspec

from gatewright.dialects.bedrock import ChunksToEvents
from gatewright.dialects.stream import Began, Counted, Event, Failed, StreamDecoder, StreamEncoder
from gatewright.errors import UpstreamError, UpstreamProtocolError, UpstreamStatusError
from gatewright.gateway.metering import MAX_USAGE, Meter

EVENT_ENDS = (b"\n\n", b"\n\r\n", b"\r\r")
"""How a server-sent event ends (WHATWG HTML, 9.2.5): a blank line, whatever ends lines."""

LINE_ENDS = (b"\n", b"\r", b"[DONE]")
"""How the last piece of a stream ends; one of them says so itself."""


class Transform(Protocol):
    """Makes of one stream another."""

    def feed(self, piece: bytes) -> bytes:
        """What the client gets for a piece; often nothing yet.

        Raises:
            UpstreamError: when the provider fails, or what it sends is not its dialect.
        """
        ...

    def end(self) -> bytes:
        """What is left for the client when the pieces have ended.

        Raises:
            UpstreamError: when the stream was not complete.
        """
        ...

    def fail(self, problem: UpstreamError) -> bytes:
        """How the stream ends when the provider fails; nothing where the caller's own dialect is to say it."""
        ...


class Answered(Protocol):
    """What is known of the whole answer."""

    meter: Meter

    def name(self, answer: Began) -> None:
        """Give it what its provider may have left out."""
        ...

    def told(self, message: str) -> str:
        """What the provider says of its failure, without our credential."""
        ...

    def marked(self, event: Event) -> Iterable[Event]:
        """An event with its signatures marked as those of their maker."""
        ...


class Translation:
    """A stream in another dialect.

    The head is held back until there is something to show for it, so that a provider that fails before that can be
    replaced by the next target. A failure after that is an event of the client's dialect.

    Args:
        answering: the answer.
        decoder: reads the provider's dialect.
        encoder: writes the client's.
    """

    def __init__(self, answering: Answered, decoder: StreamDecoder, encoder: StreamEncoder) -> None:
        self._answering = answering
        self._decoder = decoder
        self._encoder = encoder
        self._held = b""
        self._shown = False

    def feed(self, piece: bytes) -> bytes:
        """See `Transform`."""
        return self._show(self._decoder.feed(piece))

    def end(self) -> bytes:
        """See `Transform`."""
        return self._show(self._decoder.end())

    def fail(self, problem: UpstreamError) -> bytes:
        """See `Transform`."""
        return self._encoder.encode(Failed(message=problem.public, kind=problem.code, status=problem.status))

    def _show(self, events: Iterable[Event]) -> bytes:
        answering, encode = self._answering, self._encoder.encode
        pieces = [self._held] if self._held else []
        for event in events:
            if isinstance(event, Failed):
                event.message = answering.told(event.message)
                if not self._shown:
                    raise _failure(event)
                answering.meter.failed = UpstreamStatusError.code
            elif isinstance(event, Began):
                answering.name(event)
            elif isinstance(event, Counted):
                answering.meter.count(event.usage)
            self._shown = self._shown or not isinstance(event, Began | Counted)
            pieces += map(encode, answering.marked(event))
        shown = b"".join(pieces)
        if self._shown:
            self._held = b""
            return shown
        self._held = shown
        return b""


class Leg(Translation):
    """A stream that another one may go on with: when its provider fails, it breaks off before that is told."""

    _failed: Failed | None = None

    def fail(self, problem: UpstreamError) -> bytes:
        """See `Transform`; in the provider's own words where it has any."""
        return super().fail(problem) if self._failed is None else self._encoder.encode(self._failed)

    def _show(self, events: Iterable[Event]) -> bytes:
        events = tuple(events)
        for event in events:
            if isinstance(event, Failed):
                event.message = self._answering.told(event.message)
                self._failed = event
                raise _failure(event)
        return super()._show(events)


def _failure(event: Failed) -> UpstreamStatusError:
    """The error that a provider reports inside its stream."""
    said = {**event.rest, **event.form, "type": event.kind, "message": event.message}
    body = msgspec.json.encode({"error": said})
    return UpstreamStatusError(f"it failed: {event.message}", event.status, (), body, inside=True, native=False)


class Unframing:
    """Amazon's frames as the events they hold.

    Args:
        then: what becomes of these.
    """

    def __init__(self, then: Transform) -> None:
        self._reader = ChunksToEvents()
        self._then = then

    def feed(self, piece: bytes) -> bytes:
        """See `Transform`."""
        events = self._reader.feed(piece)
        return self._then.feed(events) if events else b""

    def end(self) -> bytes:
        """See `Transform`."""
        left = self._reader.end()
        return (self._then.feed(left) if left else b"") + self._then.end()

    def fail(self, problem: UpstreamError) -> bytes:
        """See `Transform`."""
        return self._then.fail(problem)


class Passing:
    """A stream as it is, in whole events only: after a part of one, nobody could read the error that ends the stream.

    What grows to `MAX_USAGE` bytes without an end goes on as it comes.

    Args:
        meter: gets the usage.
        ends: with what events can end.
        hides: whether the event is taken out that tells nothing but a chat's usage, where only we have asked for it.
    """

    __slots__ = ("_ends", "_held", "_hides", "_read", "fail")

    def __init__(self, meter: Meter, ends: tuple[bytes, ...] = EVENT_ENDS, *, hides: bool = False) -> None:
        self._read = meter.feed
        self._ends = ends
        self._hides = hides
        self._held = b""
        self.fail = meter.fail

    def feed(self, piece: bytes) -> bytes:
        """See `Transform`."""
        self._read(piece)
        if self._held or not piece.endswith(self._ends) or (self._hides and b'"usage"' in piece):
            return self._whole(piece)
        return piece  # as most are: whole events

    def end(self) -> bytes:
        """See `Transform`."""
        left, self._held = self._held, b""
        if left and not left.endswith(LINE_ENDS):
            raise UpstreamProtocolError("it ended the stream in the middle of an event.")
        return left

    def _whole(self, piece: bytes) -> bytes:
        data = self._held + piece if self._held else piece
        end = max((at + len(mark) for mark in self._ends if (at := data.rfind(mark)) >= 0), default=0)
        if not end:
            held = len(data) < MAX_USAGE
            self._held = data if held else b""
            return b"" if held else data
        self._held = data[end:]
        shown = data[:end]
        return _USAGE_ONLY.sub(b"", shown) if self._hides and b'"usage"' in shown else shown


# OpenAI API reference, "stream_options": the chunk with the usage has an empty list of choices.
_USAGE_ONLY = re.compile(
    rb'(?<![^\n])data:(?=[^\r\n]*"choices":\s?\[\])(?=[^\r\n]*"usage":\s?\{)[^\r\n]*(?:\r\n\r\n|\n\n)'
)
