"""AWS's binary event stream, against its specification and botocore's reader."""

import random
import struct
import uuid
import zlib

import pytest
from botocore.eventstream import EventStreamBuffer
from hypothesis import given
from hypothesis import strategies as st

from fixtures.converse_wire import framed
from fixtures.recorded import exchanges
from gatewright.dialects import eventstream
from gatewright.dialects.bedrock import ChunksToEvents
from gatewright.dialects.eventstream import FrameReader
from gatewright.errors import UpstreamProtocolError


def sealed(headers, payload, total=None, size=None):
    """A frame of raw header bytes with true checksums."""
    total = 16 + len(headers) + len(payload) if total is None else total
    prelude = struct.pack(">II", total, len(headers) if size is None else size)
    checked = prelude + struct.pack(">I", zlib.crc32(prelude)) + headers + payload
    return checked + struct.pack(">I", zlib.crc32(checked))


def read(raw, cuts=()):
    reader, frames, begin = FrameReader(), [], 0
    for cut in (*cuts, len(raw)):
        frames += reader.feed(raw[begin:cut])
        begin = cut
    reader.end()
    return frames


def botocores(raw):
    buffer = EventStreamBuffer()
    buffer.add_data(raw)
    return [(event.headers, event.payload) for event in buffer]


FRAMED = [*exchanges(api="converse", stream=True), *exchanges(api="messages", providers=["bedrock"], stream=True)]


@pytest.mark.parametrize("exchange", FRAMED)
def test_a_recorded_stream_is_read_as_botocore_reads_it(exchange):
    """Every frame with its headers and its payload, however the bytes are cut."""
    expected = botocores(exchange.raw)
    assert len(expected) > 3
    chance = random.Random(exchange.name)
    cuts = sorted(chance.randrange(len(exchange.raw)) for _ in range(40))
    for some in ((), cuts, range(1, len(exchange.raw))):
        assert [(frame.headers, frame.payload) for frame in read(exchange.raw, some)] == expected


@given(st.dictionaries(st.text(min_size=1, max_size=20), st.text(max_size=50), max_size=5), st.binary(max_size=200))
def test_botocore_reads_what_we_write(headers, payload):
    """And so do we."""
    raw = eventstream.frame(headers, payload)
    assert botocores(raw) == [(headers, payload)]
    assert [(frame.headers, frame.payload) for frame in read(raw)] == [(headers, payload)]


def test_every_type_of_header_is_read():
    """Truth, numbers of four sizes, bytes, text, times and UUIDs."""
    made = uuid.UUID(int=7)
    kinds = [(0, b""), (1, b""), (2, b"\xff"), (3, b"\x01\x00"), (4, b"\x00\x01\x00\x00"), (5, b"\x00" * 7 + b"\x09")]
    kinds += [(6, b"\x00\x02ab"), (7, b"\x00\x02\xc3\xa4"), (8, b"\x00" * 7 + b"\x05"), (9, made.bytes)]
    headers = b"".join(bytes((1, 97 + kind, kind)) + value for kind, value in kinds)
    (frame,) = read(sealed(headers, b"x"))
    values = [True, False, -1, 256, 65536, 9, b"ab", "ä", 5, made]
    assert frame.headers == dict(zip("abcdefghij", values, strict=True))
    assert frame.payload == b"x"


GOOD = framed("chunk", b"{}")


@pytest.mark.parametrize(
    "raw",
    [
        GOOD[:8] + b"\0\0\0\0" + GOOD[12:],
        GOOD[:-1] + bytes((GOOD[-1] ^ 1,)),
        GOOD[:20] + bytes((GOOD[20] ^ 1,)) + GOOD[21:],
        sealed(b"", b"", total=15),
        sealed(b"", b"", size=1),
        sealed(b"", b"", total=1 << 31, size=(128 << 10) + 1),
        sealed(b"", b"", total=(24 << 20) + 17),
        sealed(b"\x01a\x0a", b""),
        sealed(b"\x05a", b""),
        sealed(b"\x01a\x07\x00\x05a", b""),
        sealed(b"\x01a\x04\x00", b""),
        sealed(b"\x01a\x09\x00", b""),
        sealed(b"\x01a", b""),
        sealed(b"\x01\xff\x00", b""),
    ],
)
def test_a_broken_frame_is_the_providers_fault(raw):
    """Wrong checksums, lengths that are not allowed, headers that are cut or unknown."""
    with pytest.raises(UpstreamProtocolError, match="event stream is broken"):
        FrameReader().feed(raw)


def test_a_length_over_the_limit_is_refused_before_its_bytes_come():
    """So that a stream cannot fill the memory."""
    with pytest.raises(UpstreamProtocolError, match="length"):
        FrameReader().feed(sealed(b"", b"", total=1 << 30)[:12])


@pytest.mark.parametrize("kept", [1, 11, 12, len(GOOD) - 1])
def test_a_cut_frame_is_noticed_at_the_end(kept):
    """Wherever it was cut."""
    reader = FrameReader()
    assert reader.feed(GOOD[:kept]) == []
    with pytest.raises(UpstreamProtocolError, match="within a frame"):
        reader.end()


@given(st.binary(max_size=64))
def test_any_bytes_are_read_or_refused(raw):
    """Only errors of ours escape."""
    for data in (raw, GOOD + raw, sealed(raw, b""), framed("chunk", raw)):
        for reader in (FrameReader(), ChunksToEvents()):
            try:
                reader.feed(data)
                reader.end()
            except UpstreamProtocolError:
                pass
