"""Server-sent events: bytes in, events out (WHATWG HTML, 9.2.6 "Interpreting an event stream")."""

import re
from dataclasses import dataclass

from gatewright.errors import UpstreamProtocolError

MAX_EVENT = 16 << 20
"""Bytes one event may have; a provider's image in base64 fits, an endless line does not."""

_BOM = b"\xef\xbb\xbf"
_END = re.compile(rb"\r\n\r\n|\n\n|\r\r")
_LINE = re.compile(rb"\r\n|\n|\r")


@dataclass(frozen=True, slots=True)
class ServerSentEvent:
    """One event.

    Attributes:
        name: its `event` field; empty for none.
        data: its `data` fields, joined by line feeds.
    """

    name: bytes
    data: bytes


class SSEReader:
    """Splits a stream into events, however its bytes are cut."""

    def __init__(self) -> None:
        self._left = bytearray()
        self._seen = 0  # where the search for the end of the event goes on
        self._mark = _BOM  # what the stream may begin with

    def feed(self, data: bytes) -> list[ServerSentEvent]:
        """The events that the bytes complete; comments and events without data are left out.

        Raises:
            UpstreamProtocolError: when an event is longer than `MAX_EVENT`.
        """
        self._left += data
        found = []
        begin = 0
        while (end := _END.search(self._left, max(begin, self._seen))) is not None:
            # A CR at the very end may be half of a CRLF, and what follows decides.
            if end.end() == len(self._left) and end[0] == b"\r\r":
                break
            event = self._event(bytes(self._left[begin : end.start()]))
            if event is not None:
                found.append(event)
            begin = self._seen = end.end()
        del self._left[:begin]
        self._seen = max(0, len(self._left) - 3)
        if len(self._left) > MAX_EVENT:
            raise UpstreamProtocolError(f"An event of its stream is longer than {MAX_EVENT} bytes.")
        return found

    @property
    def left(self) -> bytes:
        """What has come of an event whose end has not, without the white space around it."""
        return bytes(self._left).strip()

    def end(self) -> list[ServerSentEvent]:
        """The event that was complete but for its blank line; providers leave the last one out."""
        event = self._event(bytes(self._left).strip(b"\r\n"))
        self._left.clear()
        self._seen = 0
        return [] if event is None else [event]

    def _event(self, block: bytes) -> ServerSentEvent | None:
        mark, self._mark = self._mark, b""
        return _read(block.removeprefix(mark))


def _read(block: bytes) -> ServerSentEvent | None:
    name = b""
    data: list[bytes] = []
    for line in _LINE.split(block):
        field, _, value = line.partition(b":")
        if field == b"data":
            data.append(value.removeprefix(b" "))
        elif field == b"event":
            name = value.removeprefix(b" ")
    return ServerSentEvent(name, b"\n".join(data)) if data else None


def write(data: bytes, name: bytes = b"") -> bytes:
    """One event as bytes; `data` must hold no line break, which JSON in one line does not."""
    return (b"event: " + name + b"\n" if name else b"") + b"data: " + data + b"\n\n"
