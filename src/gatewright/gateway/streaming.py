"""A stream on its way back, piece by piece: what the client gets for each piece of the provider's.

Everything here is pure: bytes in, bytes out. Whoever reads the provider's stream feeds it and sends on what comes out.
"""

from collections.abc import Iterable
from typing import Protocol

from gatewright.dialects.bedrock import ChunksToEvents
from gatewright.dialects.stream import Began, Counted, Event, Failed, StreamDecoder, StreamEncoder
from gatewright.errors import UpstreamError, UpstreamStatusError
from gatewright.gateway.metering import Hider, Meter


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
                    raise UpstreamStatusError(f"it failed: {event.message}", event.status, (), b"")
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


class Hiding:
    """A chat stream without the usage that only we have asked for.

    Args:
        meter: gets the usage.
    """

    def __init__(self, meter: Meter) -> None:
        self._read = meter.feed
        self._hider = Hider()
        self.fail = meter.fail

    def feed(self, piece: bytes) -> bytes:
        """See `Transform`."""
        self._read(piece)
        return self._hider.feed(piece)

    def end(self) -> bytes:
        """See `Transform`."""
        return self._hider.end()
