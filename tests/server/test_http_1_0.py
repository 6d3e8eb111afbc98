"""What the fast lane does better than the plain ASGI form."""

from fixtures.lanes import PATH, post
from gatewright.upstream.fake import Answer

END = b'data: {"choices":[{"finish_reason":"stop"}]}\n\n'


async def test_a_stream_for_a_client_of_http_1_0_ends_with_the_connection(opened, upstream):
    """Chunks are of HTTP/1.1; under plain ASGI the framing is uvicorn's, which sends them all the same."""
    upstream.answer = Answer(headers=((b"content-type", b"text/event-stream"),), body=[b"data: 1\n\n", 0.01, END])
    client = await opened()
    client.send(post(PATH, b'{"model":"ep","stream":true,"messages":[]}', version=b"1.0"))
    head, _, body = (await client.reader.read()).partition(b"\r\n\r\n")
    assert b"transfer-encoding" not in head
    assert b"connection: close" in head
    assert body == b"data: 1\n\n" + END
