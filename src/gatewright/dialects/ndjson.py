"""Newline-delimited JSON: bytes in, lines out (https://github.com/ndjson/ndjson-spec)."""

from gatewright.dialects.sse import MAX_EVENT
from gatewright.errors import UpstreamProtocolError


class LineReader:
    """Splits a stream into its lines, however its bytes are cut; blank ones are left out."""

    def __init__(self) -> None:
        self._left = bytearray()
        self._seen = 0  # where the search for the end of the line goes on

    def feed(self, data: bytes) -> list[bytes]:
        """The lines that the bytes complete.

        Raises:
            UpstreamProtocolError: when a line is longer than `sse.MAX_EVENT`.
        """
        self._left += data
        found = []
        end = self._left.rfind(b"\n", self._seen)
        if end >= 0:
            found = [line for line in bytes(self._left[:end]).split(b"\n") if line.strip()]
            del self._left[: end + 1]
        self._seen = len(self._left)
        if self._seen > MAX_EVENT or any(len(line) > MAX_EVENT for line in found):
            raise UpstreamProtocolError(f"A line of its stream is longer than {MAX_EVENT} bytes.")
        return found

    def end(self) -> list[bytes]:
        """The line that was complete but for its line feed."""
        line = bytes(self._left)
        self._left.clear()
        self._seen = 0
        return [line] if line.strip() else []


def write(data: bytes) -> bytes:
    """One line as bytes; `data` must hold no line break, which JSON in one line does not."""
    return data + b"\n"
