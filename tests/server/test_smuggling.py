"""Requests whose end two readers could see at two places (RFC 9112, 11.2) are refused, by both forms of the server."""

import pytest

from fixtures.lanes import AUTHORIZATION, BOTH, CHAT, LAST, PATH, post

pytestmark = BOTH

SIZE = len(CHAT)
CHUNKS = b"%x\r\n%b\r\n0\r\n\r\n" % (SIZE, CHAT)
CHUNKED = b"transfer-encoding: chunked"
LENGTH = b"content-length: %d" % SIZE


def framed(*fields, body=CHAT, end=b"\r\n"):
    """A request with such framing."""
    return end.join([b"POST " + PATH + b" HTTP/1.1", b"host: x", AUTHORIZATION, *fields, b"", b""]) + body


REFUSED = {
    "a length and chunks": framed(LENGTH, CHUNKED, body=CHUNKS),
    "chunks and a length": framed(CHUNKED, LENGTH, body=CHUNKS),
    "the same length twice": framed(LENGTH, LENGTH),
    "two lengths": framed(LENGTH, b"content-length: 0"),
    "a list of lengths": framed(b"content-length: %d, %d" % (SIZE, SIZE)),
    "a length with a sign": framed(b"content-length: +%d" % SIZE),
    "a negative length": framed(b"content-length: -1"),
    "a hexadecimal length": framed(b"content-length: 0x%x" % SIZE),
    "a length with a space": framed(b"content-length: 1 2"),
    "an empty length": framed(b"content-length:"),
    "a length past all numbers": framed(b"content-length: " + b"9" * 40),
    "a folded field": framed(b"x-a: b\r\n c", LENGTH),
    "a folded length": framed(b"content-length:\r\n %d" % SIZE),
    "folded chunks": framed(b"transfer-encoding:\r\n chunked", body=CHUNKS),
    "space before the first field": framed(LENGTH).replace(b"\r\nhost", b"\r\n host"),
    "bare line feeds": framed(LENGTH, end=b"\n"),
    "one bare line feed": framed(LENGTH).replace(b"host: x\r\n", b"host: x\n"),
    "a bare line feed that ends the head": framed(LENGTH).replace(b"\r\n\r\n", b"\r\n\n", 1),
    "a bare carriage return": framed(b"x-a: b\r" + LENGTH),
    "a NUL in a name": framed(b"x\0a: b", LENGTH),
    "a NUL in a value": framed(b"transfer-encoding: chunked\0", body=CHUNKS),
    "space before a colon": framed(b"content-length : %d" % SIZE),
    "space before the colon of chunks": framed(b"transfer-encoding : chunked", body=CHUNKS),
    "no chunks but nearly": framed(b"transfer-encoding: xchunked", body=CHUNKS),
    "a vertical tab before chunks": framed(b"transfer-encoding: \x0bchunked", body=CHUNKS),
    "chunks that are not the last coding": framed(b"transfer-encoding: chunked, identity", body=CHUNKS),
    "chunks twice": framed(CHUNKED, CHUNKED, body=CHUNKS),
    "chunks and identity": framed(CHUNKED, b"transfer-encoding: identity", body=CHUNKS),
    "identity and a length": framed(b"transfer-encoding: identity", LENGTH),
    "a chunk without a size": framed(CHUNKED, body=b"zz\r\n" + CHUNKS),
    "a chunk size with a prefix": framed(CHUNKED, body=b"0x" + CHUNKS),
    "a negative chunk": framed(CHUNKED, body=b"-" + CHUNKS),
    "a chunk size past all numbers": framed(CHUNKED, body=b"f" * 20 + b"\r\n" + CHUNKS),
    "a chunk size with a space": framed(CHUNKED, body=CHUNKS.replace(b"\r\n", b" \r\n", 1)),
    "a bare line feed after a chunk size": framed(CHUNKED, body=CHUNKS.replace(b"\r\n", b"\n", 1)),
    "a bare line feed in a chunk extension": framed(CHUNKED, body=CHUNKS.replace(b"\r\n", b";a\nb\r\n", 1)),
    "a bare line feed after a chunk": framed(CHUNKED, body=CHUNKS.replace(b"}\r\n", b"}\n", 1)),
    "a chunk longer than it says": framed(CHUNKED, body=CHUNKS.replace(b"}\r\n", b"}}\r\n", 1)),
    "another version of HTTP": framed(LENGTH).replace(b"HTTP/1.1", b"HTTP/1.2"),
    "another protocol": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
}
SERVED = {
    "a length": framed(LENGTH),
    "chunks": framed(CHUNKED, body=CHUNKS),
    "chunks after a tab": framed(b"transfer-encoding:\tchunked", body=CHUNKS),
    "a chunk with an extension": framed(CHUNKED, body=CHUNKS.replace(b"\r\n", b";a=b\r\n", 1)),
}


@pytest.mark.parametrize("sent", REFUSED.values(), ids=REFUSED)
@pytest.mark.parametrize("after", [False, True], ids=["first", "second"])
async def test_a_request_of_two_meanings_is_refused_and_nothing_after_it_served(opened, upstream, sent, after):
    """With 400 as uvicorn refuses it, on a new connection and on one that was used; the provider sees nothing."""
    client = await opened()
    if after:
        client.send(post(PATH, CHAT))
        assert (await client.answer()).status == 200
    client.send(sent + post(PATH, CHAT) * 2)
    (answer,) = await client.answers()
    assert (answer.status, answer.body) == (400, b"Invalid HTTP request received.")
    assert answer.headers[b"connection"] == b"close"
    assert len(upstream.requests) == after


@pytest.mark.parametrize("sent", SERVED.values(), ids=SERVED)
async def test_the_table_refuses_nothing_that_is_right(opened, sent):
    """The same requests without their fault are served, and so is the next one."""
    client = await opened()
    client.send(sent + post(PATH, CHAT, LAST))
    assert [one.status for one in await client.answers()] == [200, 200]
