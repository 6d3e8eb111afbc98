"""The beginning of a stream that is passed through: whether there is an answer, its first event tells.

Pure: bytes in, bytes out.
"""

from gatewright.dialects.sse import SSEReader
from gatewright.errors import UpstreamProtocolError
from gatewright.gateway.conversations import LINES

LARGEST = 1 << 20
"""Bytes that are held until the first event is whole, at most; some repeat what they were asked."""

_PINGS = (b"ping",)
"""Names of events that say only that the connection lives (https://docs.anthropic.com/en/api/messages-streaming)."""


class Opening:
    """Reads a stream up to its first event that says something.

    Args:
        media: content type of the stream: server-sent events, or lines of JSON.
    """

    def __init__(self, media: bytes) -> None:
        self._reader = None if media == LINES else SSEReader()
        self._pieces: list[bytes] = []
        self._size = 0

    @property
    def read(self) -> bytes:
        """All that was read."""
        return self._pieces[0] if len(self._pieces) == 1 else b"".join(self._pieces)

    def feed(self, piece: bytes) -> bytes:
        """The data of the first event; empty while it is not whole. Comments, pings and empty events are passed over.

        Raises:
            UpstreamProtocolError: when there is none in `LARGEST` bytes.
        """
        self._pieces.append(piece)
        self._size += len(piece)
        if self._size > LARGEST:
            raise UpstreamProtocolError(f"the first event of its stream is not whole after {LARGEST} bytes.")
        if self._reader is not None:
            found = (event.data for event in self._reader.feed(piece) if event.name not in _PINGS)
            return next(filter(None, found), b"")
        if b"\n" not in piece:
            return b""
        *lines, _ = self.read.split(b"\n")
        return next(filter(None, map(bytes.strip, lines)), b"")

    def end(self) -> bytes:
        """The data of the first event, where the stream ended without the end of that."""
        if self._reader is None:
            return self.read.strip()
        return next((event.data for event in self._reader.end()), b"")
