"""How records stand in a file, one after the other, so that damage to one costs no other.

A frame is a mark, the length of the record and its CRC-32, then the record as MessagePack. A frame that broke off, or
that the disk spoiled, is recognised; reading goes on at the next mark that begins a whole one.
"""

import contextlib
import struct
import zlib
from dataclasses import dataclass

import msgspec

from gatewright.ledger.record import Record

LARGEST = 16384
"""Bytes of the largest record; one with `LONGEST` characters in each of its texts is smaller."""

_MARK = b"\xc1GWR"  # C1 begins no value of MessagePack and no character of UTF-8
_HEAD = struct.Struct("<4sII")
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Record).decode


@dataclass(frozen=True, slots=True)
class Found:
    """What was read.

    Attributes:
        records: those of whole frames, in order.
        taken: bytes that need not be read again; less than all when the last frame is not complete yet.
        damaged: bytes of these that are no frame.
    """

    records: list[Record]
    taken: int
    damaged: int


def write(record: Record) -> bytes:
    """The frame of a record; one with values that cannot be stored, or too large, is `fitted` first."""
    try:
        body = _encode(record)
    except (UnicodeEncodeError, OverflowError):
        body = _encode(record.fitted())
    if len(body) > LARGEST:
        body = _encode(record.fitted())
    return _HEAD.pack(_MARK, len(body), zlib.crc32(body)) + body


def read(data: bytes, *, last: bool) -> Found:
    """The records in a piece of a file.

    Args:
        data: bytes from where a frame begins, or from anywhere.
        last: whether nothing follows and nothing will; else what is incomplete at the end is left for later.
    """
    records: list[Record] = []
    position = damaged = 0
    while position < len(data):
        record, end = _frame(data, position)
        if record is None:
            if end > len(data) and not last:
                break
            end = _next_mark(data, position, last=last)
            damaged += end - position
        else:
            records.append(record)
        position = end
    return Found(records, position, damaged)


def _frame(data: bytes, position: int) -> tuple[Record | None, int]:
    """The record that begins at a position, if one does, and where it ends: past the data when it is not complete."""
    begin = position + _HEAD.size
    if begin > len(data):
        return None, begin
    mark, length, checksum = _HEAD.unpack_from(data, position)
    if mark != _MARK or length > LARGEST:
        return None, begin
    body = data[begin : begin + length]
    if len(body) == length and zlib.crc32(body) == checksum:
        with contextlib.suppress(msgspec.DecodeError, UnicodeDecodeError):
            return _decode(body), begin + length
    return None, begin + length


def _next_mark(data: bytes, position: int, *, last: bool) -> int:
    """Where reading goes on after a broken frame: at the next mark, or at the end, which may hold half a mark."""
    found = data.find(_MARK, position + 1)
    if found >= 0:
        return found
    return len(data) if last else max(position + 1, len(data) - len(_MARK) + 1)
