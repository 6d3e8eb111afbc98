"""Answers that are compressed though they were asked for as they are."""

import gzip
import sys
import threading
import zlib

import brotli
import pytest
import zstandard

from fixtures.scripted import REQUEST
from gatewright.errors import UpstreamProtocolError
from gatewright.upstream.coding import PIECE, Decoder
from gatewright.upstream.response import HIGH_WATER

TEXT = b"data: hello\n\n" * 100
PACKED = {
    "gzip": gzip.compress(TEXT),
    "x-gzip": gzip.compress(TEXT),
    "GZIP": gzip.compress(TEXT[:500]) + gzip.compress(TEXT[500:]),
    "deflate": zlib.compress(TEXT),
    "br": brotli.compress(TEXT),
    "zstd": zstandard.compress(TEXT[:500]) + zstandard.compress(TEXT[500:]),
}
HUGE = bytes(50 << 20)
BOMBS = {"gzip": gzip.compress(HUGE), "br": brotli.compress(HUGE, quality=1), "zstd": zstandard.compress(HUGE)}


def answer(coding, body, step=7):
    pieces = (body[start : start + step] for start in range(0, len(body), step))
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces)
    head = b"HTTP/1.1 200 OK\r\ncontent-encoding: %b\r\ntransfer-encoding: chunked\r\n\r\n" % coding.encode()
    return head + chunks + b"0\r\n\r\n"


@pytest.fixture
def post(scripted, client):
    """Plays one answer to one request."""

    async def send(*played):
        return await client.send(scripted([REQUEST, *played]).address, b"POST", b"/", (), b"")

    return send


@pytest.mark.parametrize(("coding", "body"), PACKED.items(), ids=PACKED)
async def test_a_compressed_answer_is_unpacked(post, coding, body):
    """Whole, in small chunks, of several members, and under each name of a coding."""
    assert await (await post(answer(coding, body))).read() == TEXT
    assert await (await post(answer(coding, body, 10_000))).read() == TEXT


def packers():
    """Each coding with what packs a first and a last piece of a stream, flushed in between."""
    for coding, packer in {
        "gzip": zlib.compressobj(wbits=31),
        "zstd": zstandard.ZstdCompressor().compressobj(),
    }.items():
        flush = zlib.Z_SYNC_FLUSH if coding == "gzip" else zstandard.COMPRESSOBJ_FLUSH_BLOCK
        yield (
            coding,
            packer.compress(b"data: 1\n\n") + packer.flush(flush),
            packer.compress(b"data: 2\n\n") + packer.flush(),
        )
    packer = brotli.Compressor()
    yield "br", packer.process(b"data: 1\n\n") + packer.flush(), packer.process(b"data: 2\n\n") + packer.finish()


@pytest.mark.parametrize(
    ("coding", "first", "last"), list(packers()), ids=lambda one: one if isinstance(one, str) else ""
)
async def test_a_compressed_stream_arrives_as_it_is_sent(post, coding, first, last):
    """A provider that flushes after each event is passed on event by event."""
    wait = threading.Event()
    length = len(first + last)
    head = b"HTTP/1.1 200 OK\r\ncontent-encoding: %b\r\ncontent-length: %d\r\n\r\n" % (coding.encode(), length)
    response = await post(head + first, wait, last)
    assert await anext(response) == b"data: 1\n\n"
    wait.set()
    assert await anext(response) == b"data: 2\n\n"
    with pytest.raises(StopAsyncIteration):
        await anext(response)


@pytest.mark.parametrize(("coding", "library"), [("br", "brotli"), ("zstd", "zstandard")])
async def test_a_library_that_is_not_installed_is_named(post, monkeypatch, coding, library):
    """The core has neither; the message says what to install."""
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(
        UpstreamProtocolError, match=rf"'{coding}', which was not asked for\. Install gatewright\[codecs\]"
    ):
        await post(answer(coding, PACKED[coding]))


@pytest.mark.parametrize("coding", ["compress", "gzip, gzip", "\x80\xff"])
async def test_a_coding_we_do_not_know_is_refused(post, coding):
    """By name, in place of bytes that nobody can read."""
    with pytest.raises(UpstreamProtocolError, match="not asked for"):
        await post(answer(coding, b"whatever"))


@pytest.mark.parametrize(
    ("coding", "body"),
    [
        ("gzip", PACKED["gzip"][:-9]),
        ("gzip", PACKED["gzip"][:-8] + bytes(8)),
        ("gzip", PACKED["gzip"] + b"more"),
        ("gzip", b"plain text"),
        ("gzip", PACKED["deflate"][:9]),
        *((coding, PACKED[coding][:-3]) for coding in ("br", "zstd")),
        *((coding, PACKED[coding] + b"more") for coding in ("br", "zstd")),
        *((coding, b"\xff plain text") for coding in ("br", "zstd")),
        (
            "zstd",
            zstandard.ZstdCompressor(compression_params=zstandard.ZstdCompressionParameters(window_log=27)).compress(
                HUGE
            ),
        ),
    ],
)
async def test_what_cannot_be_unpacked_whole_is_no_answer(post, coding, body):
    """A cut, a damage or a lie, or a window that would take too much memory."""
    with pytest.raises(UpstreamProtocolError, match="encoded"):
        await (await post(answer(coding, body))).read()


@pytest.mark.parametrize("coding", ["identity", "", "gzip", "br", "zstd"])
async def test_an_answer_without_bytes_is_empty(post, coding):
    """And the usual coding is none."""
    assert await (await post(answer(coding, b""))).read() == b""


@pytest.mark.parametrize(("coding", "body"), BOMBS.items(), ids=BOMBS)
async def test_a_small_answer_that_unpacks_to_a_huge_one_is_cut_off(post, coding, body):
    """A limit counts unpacked bytes, and no piece is larger than another answer's."""
    response = await post(answer(coding, body, 1 << 20))
    assert len(await anext(response)) <= PIECE
    with pytest.raises(UpstreamProtocolError, match="longer than"):
        await response.read(4 << 20)


@pytest.mark.parametrize(
    ("coding", "pack"), [("gzip", gzip.compress), ("br", brotli.compress), ("zstd", zstandard.compress)]
)
@pytest.mark.parametrize("size", [PIECE - 1, PIECE, PIECE + 1, 2 * PIECE, 3 * HIGH_WATER + 17])
def test_pieces_lose_nothing_at_their_edges(coding, pack, size):
    """Exactly full pieces included."""
    text = bytes(size)
    decoder = Decoder(coding.encode())
    found = decoder.feed(pack(text))
    while decoder.pending:
        piece = decoder.feed()
        assert len(piece) <= PIECE
        found += piece
    decoder.finish()
    assert found == text
