"""AWS's binary event stream (`application/vnd.amazon.eventstream`): bytes in, frames out, and back.

Format: "Amazon Event Stream Specification" of Smithy (https://smithy.io/2.0/aws/amazon-eventstream.html). A frame is
its length and that of its headers, the CRC of these eight bytes, headers, payload, and the CRC of all that. What a
frame means is in its `:message-type`: an `event` named by `:event-type`, an `exception` named by `:exception-type`, or
an `error` told in `:error-code` and `:error-message`.
"""

import struct
import uuid
import zlib
from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from gatewright.errors import UpstreamProtocolError

MAX_HEADERS = 128 << 10
"""Bytes the headers of one frame may have."""

MAX_PAYLOAD = 24 << 20
"""Bytes the payload of one frame may have."""

Header = bool | int | bytes | str | uuid.UUID
"""A header's value; a time is its milliseconds since the epoch."""

_PRELUDE = struct.Struct(">III")
_CRC = struct.Struct(">I")
_AROUND = _PRELUDE.size + _CRC.size  # bytes of a frame besides headers and payload
_STRING = 7

_NUMBERS = {2: struct.Struct(">b"), 3: struct.Struct(">h"), 4: struct.Struct(">i"), 5: struct.Struct(">q")}
_NUMBERS[8] = _NUMBERS[5]  # a time
_SIZED: dict[int, Callable[[bytes], Header]] = {6: bytes, _STRING: bytes.decode}
_SIZE = struct.Struct(">H")
_UUID = 9


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame.

    Attributes:
        headers: values by name.
        payload: its bytes.
    """

    headers: dict[str, Header]
    payload: bytes

    def label(self, name: str) -> str:
        """A header's text; empty when it is absent or no text."""
        found = self.headers.get(name)
        return found if isinstance(found, str) else ""


def broken(what: str) -> UpstreamProtocolError:
    """The error of a stream that is no such stream."""
    return UpstreamProtocolError(f"Its event stream is broken: {what}.")


class FrameReader:
    """Splits a stream into frames, however its bytes are cut."""

    def __init__(self) -> None:
        self._left = bytearray()
        self._length = 0  # of the frame that is being read; 0 before its prelude is complete

    def feed(self, data: bytes) -> list[Frame]:
        """The frames that the bytes complete.

        Raises:
            UpstreamProtocolError: when a checksum, a length or a header is wrong, or a frame is over the limits.
        """
        self._left += data
        frames, begin = [], 0
        while len(self._left) - begin >= _PRELUDE.size:
            self._length = self._length or _length(bytes(self._left[begin : begin + _PRELUDE.size]))
            if len(self._left) - begin < self._length:
                break
            frames.append(_read(bytes(self._left[begin : begin + self._length])))
            begin += self._length
            self._length = 0
        del self._left[:begin]
        return frames

    def end(self) -> None:
        """Check that nothing is left when the bytes have ended.

        Raises:
            UpstreamProtocolError: when the last frame is cut.
        """
        if self._left:
            raise broken("it ended within a frame")


def _length(prelude: bytes) -> int:
    """The bytes of a frame, by its prelude."""
    total, headers, check = _PRELUDE.unpack(prelude)
    if zlib.crc32(prelude[:8]) != check:
        raise broken("the checksum of a prelude does not fit")
    if headers > MAX_HEADERS or not 0 <= total - headers - _AROUND <= MAX_PAYLOAD:
        raise broken("the length of a frame is not allowed")
    return int(total)


def _read(frame: bytes) -> Frame:
    if zlib.crc32(frame[: -_CRC.size]) != _CRC.unpack(frame[-_CRC.size :])[0]:
        raise broken("the checksum of a frame does not fit")
    payload = _PRELUDE.size + _PRELUDE.unpack_from(frame)[1]
    try:
        headers = _headers(frame[_PRELUDE.size : payload])
    except (struct.error, IndexError, ValueError):
        raise broken("the headers of a frame are cut or no text") from None
    return Frame(headers, frame[payload : -_CRC.size])


def _headers(data: bytes) -> dict[str, Header]:
    found: dict[str, Header] = {}
    at = 0
    while at < len(data):
        name, at = _slice(data, at + 1, data[at])
        kind, at = data[at], at + 1
        value: Header
        if kind in (0, 1):
            value = kind == 0
        elif kind in _NUMBERS:
            (value,), at = _NUMBERS[kind].unpack_from(data, at), at + _NUMBERS[kind].size
        elif kind in _SIZED:
            raw, at = _slice(data, at + _SIZE.size, _SIZE.unpack_from(data, at)[0])
            value = _SIZED[kind](raw)
        elif kind == _UUID:
            raw, at = _slice(data, at, 16)
            value = uuid.UUID(bytes=raw)
        else:
            raise ValueError(kind)
        found[name.decode()] = value
    return found


def _slice(data: bytes, begin: int, size: int) -> tuple[bytes, int]:
    """The bytes at a place, and the place after them."""
    if begin + size > len(data):
        raise IndexError(begin)
    return data[begin : begin + size], begin + size


def frame(headers: dict[str, str], payload: bytes) -> bytes:
    """One frame as bytes; its headers are texts of at most 32767 bytes, with names of at most 255."""
    block = b"".join(
        bytes((len(name.encode()),))
        + name.encode()
        + bytes((_STRING,))
        + _SIZE.pack(len(value.encode()))
        + value.encode()
        for name, value in headers.items()
    )
    lengths = struct.pack(">II", len(block) + len(payload) + _AROUND, len(block))
    checked = lengths + _CRC.pack(zlib.crc32(lengths)) + block + payload
    return checked + _CRC.pack(zlib.crc32(checked))


def event(kind: str, payload: bytes) -> bytes:
    """An event with a JSON payload, as bytes."""
    return frame({":event-type": kind, ":content-type": "application/json", ":message-type": "event"}, payload)


def exception(kind: str, message: str) -> bytes:
    """An exception, as bytes."""
    headers = {":exception-type": kind, ":content-type": "application/json", ":message-type": "exception"}
    return frame(headers, msgspec.json.encode({"message": message}))
