"""The chunks of a stream: server-sent events, or the elements of one JSON array, however the bytes are cut.

`streamGenerateContent` answers with a JSON array unless the URL says `alt=sse`
(https://ai.google.dev/api/generate-content#method:-models.streamgeneratecontent).
"""

import re

from gatewright.dialects.sse import MAX_EVENT, SSEReader
from gatewright.errors import UpstreamProtocolError

_OUTSIDE = re.compile(rb'["{}\[\]]')
_IN_STRING = re.compile(rb'["\\]')
_SPACE = b" \t\r\n"
_BOM = b"\xef\xbb\xbf"


class ArrayReader:
    """Splits a JSON array of objects into its elements; a single object counts as an array of itself."""

    def __init__(self) -> None:
        self._left = bytearray()
        self._seen = 0  # where the search goes on
        self._begin = -1  # where the element that is open begins; -1 outside of one
        self._depth = 0  # open brackets of it
        self._quoted = False
        self._array: bool | None = None  # None before the first byte
        self._closed = False

    def feed(self, data: bytes) -> list[bytes]:
        """The elements that the bytes complete.

        Raises:
            UpstreamProtocolError: when they are no array of objects, or an element is longer than `MAX_EVENT`.
        """
        self._left += data
        found = []
        while (mark := (_IN_STRING if self._quoted else _OUTSIDE).search(self._left, self._seen)) is not None:
            sign = mark[0]
            if sign == b"\\":
                if mark.end() == len(self._left):
                    break  # the escaped byte is yet to come
                self._seen = mark.end() + 1
                continue
            if self._begin < 0:
                self._between(self._left[self._seen : mark.start()])
            self._seen = mark.end()
            if self._takes(sign, mark.start()):
                found.append(bytes(self._left[self._begin : self._seen]))
                self._begin = -1
        else:
            if self._begin < 0:
                self._between(self._left[self._seen :])
            self._seen = len(self._left)
        done = self._seen if self._begin < 0 else self._begin
        del self._left[:done]
        self._seen -= done
        self._begin = min(self._begin, 0)
        if len(self._left) > MAX_EVENT:
            raise UpstreamProtocolError(f"An element of its stream is longer than {MAX_EVENT} bytes.")
        return found

    def end(self) -> None:
        """Nothing more comes.

        Raises:
            UpstreamProtocolError: when the array is not complete.
        """
        if not self._closed:
            raise UpstreamProtocolError("Its stream broke off inside of a JSON array.")

    def _takes(self, sign: bytes, at: int) -> bool:
        """Counts a bracket or quote; whether it completes an element."""
        if sign == b'"' and self._begin >= 0:
            self._quoted = not self._quoted
        elif sign == b"{" or (sign == b"[" and self._begin >= 0):
            if self._begin < 0:
                self._open(array=False)
                self._begin = at
            self._depth += 1
        elif self._begin >= 0:
            self._depth -= 1
            self._closed = self._depth == 0 and self._array is False
            return self._depth == 0
        elif sign == b"[" and self._array is None:
            self._open(array=True)
        elif sign == b"]" and self._array and not self._closed:
            self._closed = True
        else:
            raise UpstreamProtocolError("Its stream is not a JSON array of objects.")
        return False

    def _open(self, *, array: bool) -> None:
        if self._closed:
            raise UpstreamProtocolError("Its stream goes on after the end of its JSON array.")
        self._array = array if self._array is None else self._array

    def _between(self, text: bytes | bytearray) -> None:
        if text.strip(_SPACE + b","):
            raise UpstreamProtocolError("Its stream is not a JSON array of objects.")


class ChunkReader:
    """The JSON texts of a stream's chunks, in whichever of the two forms it comes."""

    def __init__(self) -> None:
        self._events = SSEReader()
        self._array: ArrayReader | None = None
        self._head: bytes | None = b""  # what came before the form was known; None afterwards

    def feed(self, data: bytes) -> list[bytes]:
        """The chunks that the bytes complete.

        Raises:
            UpstreamProtocolError: when they are of neither form.
        """
        if self._head is not None:
            head = self._head + data
            start = head.removeprefix(_BOM).lstrip(_SPACE)
            if not start or _BOM.startswith(head):
                self._head = head[:3] if _BOM.startswith(head) else b" "
                return []
            self._head = None
            data = start
            if start[:1] in (b"[", b"{"):
                self._array = ArrayReader()
        if self._array is not None:
            return self._array.feed(data)
        return [event.data for event in self._events.feed(data)]

    def end(self) -> list[bytes]:
        """The chunks left when the bytes have ended.

        Raises:
            UpstreamProtocolError: when the stream is not complete.
        """
        if self._array is not None:
            self._array.end()
            return []
        left = self._events.left
        if left.startswith(b"{"):
            return [left]  # an error is written line by line, not as an event: see google-genai's reader of streams
        return [event.data for event in self._events.end()]
