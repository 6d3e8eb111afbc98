"""Undoes the compression of an answer that was asked for as it is; some providers compress all the same."""

import zlib

from gatewright.errors import UpstreamProtocolError

PIECE = 256 << 10
"""Most bytes one call of `feed` returns, so that a small answer cannot unpack to a huge one at once."""

_EITHER = 32 + zlib.MAX_WBITS  # gzip or zlib, told by the first bytes
_KNOWN = frozenset({b"gzip", b"x-gzip", b"deflate"})


class Decoder:
    """Unpacks gzip and deflate (RFC 9110, 8.4.1) as it comes.

    Args:
        coding: value of `content-encoding`.

    Attributes:
        pending: whether `feed` may have more to give without new bytes.

    Raises:
        UpstreamProtocolError: it is another coding.
    """

    def __init__(self, coding: bytes) -> None:
        if coding.lower() not in _KNOWN:
            shown = ascii(coding[:40].decode("latin-1"))
            raise UpstreamProtocolError(f"The provider encoded its answer as {shown}, which was not asked for.")
        self._zlib = zlib.decompressobj(_EITHER)
        self._packed = b""
        self._begun = False
        self.pending = False

    def feed(self, data: bytes = b"") -> bytes:
        """Add packed bytes and take unpacked ones; they can be none.

        Raises:
            UpstreamProtocolError: the bytes are not what was announced.
        """
        packed = self._packed + data
        self._begun = self._begun or bool(packed)
        if self._zlib.eof and packed:  # RFC 1952: a file may have several members
            self._zlib = zlib.decompressobj(_EITHER)
        try:
            unpacked = self._zlib.decompress(packed, PIECE)
        except zlib.error:
            raise UpstreamProtocolError("The provider's answer is not encoded as it says.") from None
        self._packed = self._zlib.unconsumed_tail or self._zlib.unused_data
        self.pending = bool(self._packed) or len(unpacked) == PIECE
        return unpacked

    def finish(self) -> None:
        """The packed bytes have ended.

        Raises:
            UpstreamProtocolError: they are cut short.
        """
        if self._begun and not self._zlib.eof:
            raise UpstreamProtocolError("The provider's encoded answer is cut short.")
