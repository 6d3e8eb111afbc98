"""Answers to a client of HTTP/1.0: the same from the fast lane and the plain ASGI form."""

import pytest

from fixtures.lanes import BOTH, CHAT, PATH, post
from gatewright.upstream.fake import Answer

pytestmark = BOTH

PIECE = b"data: 1\n\n"
END = b'data: {"choices":[{"finish_reason":"stop"}]}\n\n'
STREAMED = b'{"model":"ep","stream":true,"messages":[]}'


def stream(*body):
    """A provider's answer in pieces."""
    return Answer(headers=((b"content-type", b"text/event-stream"),), body=list(body))


async def test_an_answer_is_whole_and_the_connection_closed(opened):
    """Nor is the client asked to go on, for it knows no interim answers."""
    client = await opened()
    client.send(post(PATH, CHAT, b"connection: keep-alive", b"expect: 100-continue", version=b"1.0"))
    (answer,) = await client.answers()
    assert (answer.status, answer.body, answer.headers[b"connection"]) == (200, b'{"answer":1}', b"close")


async def test_a_stream_ends_with_the_connection(opened, upstream):
    """Chunks are of HTTP/1.1."""
    upstream.answer = stream(PIECE, 0.01, END)
    client = await opened()
    client.send(post(PATH, STREAMED, version=b"1.0"))
    head, _, body = (await client.reader.read()).partition(b"\r\n\r\n")
    assert b"transfer-encoding" not in head
    assert b"connection: close" in head
    assert body == PIECE + END


async def test_a_stream_that_a_fault_of_ours_ends_is_reset(opened, upstream):
    """For an orderly close would tell that it is whole."""
    upstream.answer = stream(PIECE, 0.05, RuntimeError("a fault"))
    client = await opened()
    client.send(post(PATH, STREAMED, version=b"1.0"))
    await client.reader.readuntil(PIECE)
    with pytest.raises(ConnectionResetError):
        await client.reader.read()
