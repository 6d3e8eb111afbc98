"""Answers that are compressed though they were asked for as they are."""

import gzip
import threading
import zlib

import pytest

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
}


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


async def test_a_compressed_stream_arrives_as_it_is_sent(post):
    """A provider that flushes after each event is passed on event by event."""
    packer = zlib.compressobj(wbits=31)
    first = packer.compress(b"data: 1\n\n") + packer.flush(zlib.Z_SYNC_FLUSH)
    last = packer.compress(b"data: 2\n\n") + packer.flush()
    wait = threading.Event()
    head = b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: %d\r\n\r\n" % len(first + last)
    response = await post(head + first, wait, last)
    assert await anext(response) == b"data: 1\n\n"
    wait.set()
    assert await anext(response) == b"data: 2\n\n"
    with pytest.raises(StopAsyncIteration):
        await anext(response)


@pytest.mark.parametrize("coding", ["br", "zstd", "gzip, gzip", "\x80\xff"])
async def test_a_coding_we_do_not_know_is_refused(post, coding):
    """By name, in place of bytes that nobody can read."""
    with pytest.raises(UpstreamProtocolError, match="not asked for"):
        await post(answer(coding, b"whatever"))


@pytest.mark.parametrize(
    "body",
    [
        PACKED["gzip"][:-9],
        PACKED["gzip"][:-8] + bytes(8),
        PACKED["gzip"] + b"more",
        b"plain text",
        PACKED["deflate"][:9],
    ],
    ids=["cut", "wrong sum", "surplus", "not packed", "barely begun"],
)
async def test_what_cannot_be_unpacked_whole_is_no_answer(post, body):
    """A cut, a damage or a lie."""
    with pytest.raises(UpstreamProtocolError, match="encoded"):
        await (await post(answer("gzip", body))).read()


@pytest.mark.parametrize("coding", ["identity", "", "gzip"])
async def test_an_answer_without_bytes_is_empty(post, coding):
    """And the usual coding is none."""
    assert await (await post(answer(coding, b""))).read() == b""


async def test_a_small_answer_that_unpacks_to_a_huge_one_is_cut_off(post):
    """A limit counts unpacked bytes, and no piece is larger than another answer's."""
    response = await post(answer("gzip", gzip.compress(bytes(50 << 20)), 1 << 20))
    assert len(await anext(response)) <= PIECE
    with pytest.raises(UpstreamProtocolError, match="longer than"):
        await response.read(4 << 20)


@pytest.mark.parametrize("size", [PIECE - 1, PIECE, PIECE + 1, 2 * PIECE, 3 * HIGH_WATER + 17])
def test_pieces_lose_nothing_at_their_edges(size):
    """Exactly full pieces included."""
    text = bytes(size)
    decoder = Decoder(b"gzip")
    found = decoder.feed(gzip.compress(text))
    while decoder.pending:
        found += decoder.feed()
    decoder.finish()
    assert found == text
