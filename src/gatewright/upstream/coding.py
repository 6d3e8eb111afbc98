"""Undoes the compression of an answer that was asked for as it is; some providers compress all the same.

gzip and deflate are in Python. Brotli and Zstandard are in libraries, the extra `codecs`, and loaded when first met.
"""

import importlib
import zlib
from typing import Any, Protocol

from gatewright.errors import UpstreamProtocolError

PIECE = 256 << 10
"""Most bytes one call of `feed` returns, so that a small answer cannot unpack to a huge one at once."""

_EITHER = 32 + zlib.MAX_WBITS  # gzip or zlib, told by the first bytes
# RFC 9659: what a decoder must have for Zstandard on the web, and all that a sender may ask for.
_ZSTD_WINDOW = 8 << 20
# Zstandard's library has no limit on what it returns. A block is 4 bytes or more and unpacks to 128 KiB at most.
_ZSTD_STEP = 32


class Decoder:
    """Unpacks an answer (RFC 9110, 8.4.1) as it comes.

    Args:
        coding: value of `content-encoding`.

    Attributes:
        pending: whether `feed` may have more to give without new bytes.

    Raises:
        UpstreamProtocolError: it is another coding, or its library is not installed.
    """

    def __init__(self, coding: bytes) -> None:
        self._unpacker = _unpacker(coding)
        self._ready = b""
        self._begun = False
        self.pending = False

    def feed(self, data: bytes = b"") -> bytes:
        """Add packed bytes and take unpacked ones; they can be none.

        Raises:
            UpstreamProtocolError: the bytes are not what was announced.
        """
        self._begun = self._begun or bool(data)
        unpacker = self._unpacker
        try:
            ready = self._ready or unpacker.unpack(data)
        except unpacker.error:
            raise UpstreamProtocolError("The provider's answer is not encoded as it says.") from None
        self._ready = ready[PIECE:]
        self.pending = bool(self._ready) or unpacker.pending
        return ready[:PIECE]

    def finish(self) -> None:
        """The packed bytes have ended.

        Raises:
            UpstreamProtocolError: they are cut short.
        """
        if self._begun and not self._unpacker.whole:
            raise UpstreamProtocolError("The provider's encoded answer is cut short.")


class _Unpacker(Protocol):
    """One coding: `pending` when it has more to give, `whole` at an end, `error` for bytes that it cannot be."""

    error: type[Exception]

    @property
    def pending(self) -> bool: ...

    @property
    def whole(self) -> bool: ...

    def unpack(self, data: bytes) -> bytes:
        """Some of what the bytes unpack to, at most a few times `PIECE`."""


class _Zlib:
    error: type[Exception] = zlib.error

    def __init__(self) -> None:
        self._member = zlib.decompressobj(_EITHER)
        self._packed = b""
        self.pending = False

    @property
    def whole(self) -> bool:
        return self._member.eof

    def unpack(self, data: bytes) -> bytes:
        packed = self._packed + data
        if self._member.eof and packed:  # RFC 1952: a file may have several members
            self._member = zlib.decompressobj(_EITHER)
        unpacked = self._member.decompress(packed, PIECE)
        self._packed = self._member.unconsumed_tail or self._member.unused_data
        self.pending = bool(self._packed) or len(unpacked) == PIECE
        return unpacked


class _Brotli:
    def __init__(self, library: Any) -> None:
        self.error = library.error
        self._decompressor = library.Decompressor()
        self.pending = False

    @property
    def whole(self) -> bool:
        return bool(self._decompressor.is_finished())

    def unpack(self, data: bytes) -> bytes:
        unpacked: bytes = self._decompressor.process(data, output_buffer_limit=PIECE)
        full = len(unpacked) >= PIECE
        self.pending = not self.whole and (full or not self._decompressor.can_accept_more_data())
        return unpacked


class _Zstandard:
    def __init__(self, library: Any) -> None:
        self.error = library.ZstdError
        self._context = library.ZstdDecompressor(max_window_size=_ZSTD_WINDOW)
        self._frame = self._context.decompressobj()
        self._packed = b""

    @property
    def pending(self) -> bool:
        return bool(self._packed)

    @property
    def whole(self) -> bool:
        return bool(self._frame.eof)

    def unpack(self, data: bytes) -> bytes:
        packed = self._packed + data
        unpacked: list[bytes] = []
        size = used = 0
        while used < len(packed) and size < PIECE:
            if self._frame.eof:  # RFC 8878: frames may follow one another
                self._frame = self._context.decompressobj()
            step = packed[used : used + _ZSTD_STEP]
            unpacked.append(self._frame.decompress(step))
            size += len(unpacked[-1])
            used += len(step) - len(self._frame.unused_data)
        self._packed = packed[used:]
        return b"".join(unpacked)


def _unpacker(coding: bytes) -> _Unpacker:
    name = coding.lower()
    advice = ""
    try:
        if name in (b"gzip", b"x-gzip", b"deflate"):
            return _Zlib()
        if name == b"br":
            return _Brotli(importlib.import_module("brotli"))
        if name == b"zstd":
            return _Zstandard(importlib.import_module("zstandard"))
    except ImportError:
        advice = " Install gatewright[codecs] on the gateway to read it."
    shown = ascii(coding[:40].decode("latin-1"))
    raise UpstreamProtocolError(f"The provider encoded its answer as {shown}, which was not asked for.{advice}")
