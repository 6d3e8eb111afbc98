import asyncio

import pytest

from fixtures.scripted import AGAIN, CLOSE, HEAD, REQUEST, RESET
from gatewright.errors import (
    ClientError,
    UnavailableError,
    UpstreamCutError,
    UpstreamProtocolError,
    UpstreamRefusedError,
    UpstreamResetError,
)
from gatewright.snapshot.address import Address
from gatewright.upstream.pool import Usage

HELLO = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-Thing:  one \r\n\r\nhello"
BYE = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nbye"


async def post(client, server, body=b"{}", *, path=b"/v1/chat", headers=(), method=b"POST"):
    response = await client.send(server.address, method, path, headers, body)
    return response.status, response.headers, await response.read()


async def test_a_request_is_written_exactly(client, scripted):
    """The bytes on the wire are the request line, our headers, the caller's headers, and the body."""
    server = scripted([REQUEST, HELLO])
    answer = await post(client, server, b'{"a": 1}', headers=[(b"Authorization", b"Bearer s"), (b"x-y", b"")])
    assert answer == (200, ((b"content-length", b"5"), (b"x-thing", b"one")), b"hello")
    [request] = server.requests
    assert request.head == (
        b"POST /v1/chat HTTP/1.1\r\nhost: 127.0.0.1:%d\r\naccept-encoding: identity\r\n"
        b"Authorization: Bearer s\r\nx-y: \r\ncontent-length: 8" % server.port
    )
    assert request.body == b'{"a": 1}'


async def test_a_get_has_no_content_length(client, scripted):
    """A request without a body that needs none is sent without framing headers."""
    server = scripted([REQUEST, HELLO])
    await post(client, server, b"", method=b"GET")
    assert server.requests[0].header(b"content-length") is None


async def test_headers_of_the_connection_are_not_the_callers(client, scripted):
    """A second host, length, encoding or connection header never reaches the wire."""
    server = scripted([REQUEST, HELLO])
    given = [
        (b"Host", b"evil"),
        (b"content-length", b"999"),
        (b"Transfer-Encoding", b"chunked"),
        (b"connection", b"close"),
        (b"Accept-Encoding", b"br"),
        (b"Expect", b"100-continue"),
        (b"kept", b"yes"),
    ]
    await post(client, server, headers=given)
    head = server.requests[0].head.lower()
    assert head.count(b"host:") == head.count(b"content-length:") == head.count(b"accept-encoding:") == 1
    assert b"chunked" not in head
    assert b"connection:" not in head
    assert b"expect" not in head
    assert b"\r\nkept: yes\r\n" in head


@pytest.mark.parametrize(
    ("path", "name", "value"),
    [
        (b"/", b"x", b"secret\r\nevil: 1"),
        (b"/", b"x", b"secret\nevil: 1"),
        (b"/", b"x", b"secret\revil: 1"),
        (b"/", b"x", b"secret\0"),
        (b"/", b"x: y\r\nevil", b"secret"),
        (b"/", b"x ", b"secret"),
        (b"/", b"", b"secret"),
        (b"/\r\nevil: 1", b"x", b"secret"),
        (b"/a b", b"x", b"secret"),
        (b"/\xc3\xa4", b"x", b"secret"),
        (b"", b"x", b"secret"),
        (b"http://elsewhere/", b"x", b"secret"),
    ],
)
async def test_injection_is_refused(client, scripted, path, name, value):
    """Nothing that would break the framing is sent, and the error does not repeat it."""
    server = scripted([REQUEST, HELLO])
    with pytest.raises(ClientError) as caught:
        await post(client, server, path=path, headers=[(name, value)])
    assert "secret" not in caught.value.public
    assert server.connections == 0


@pytest.mark.parametrize("method", [b"", b"GET /x HTTP/1.1\r\n", b"PO ST"])
async def test_a_method_that_is_no_token_is_refused(client, scripted, method):
    """The request line cannot be broken by the method either."""
    server = scripted([REQUEST, HELLO])
    with pytest.raises(ClientError):
        await post(client, server, method=method)


async def test_one_connection_serves_requests_in_turn(client, scripted):
    """Keep-alive: three requests, one connection."""
    server = scripted([REQUEST, HELLO, AGAIN])
    for number in range(3):
        assert (await post(client, server, b"%d" % number))[2] == b"hello"
    assert server.connections == 1
    assert [request.body for request in server.requests] == [b"0", b"1", b"2"]


async def test_a_connection_is_reused_before_its_answer_is_read(client, scripted):
    """A complete answer frees its connection even while nobody has read it."""
    server = scripted([REQUEST, HELLO, REQUEST, BYE])
    first = await client.send(server.address, b"POST", b"/", (), b"1")
    while not first._complete:  # noqa: ASYNC110 - the head may arrive before the body
        await asyncio.sleep(0.01)
    second = await client.send(server.address, b"POST", b"/", (), b"2")
    assert (await first.read(), await second.read()) == (b"hello", b"bye")
    assert server.connections == 1


@pytest.mark.parametrize("ending", [CLOSE, RESET])
async def test_a_stale_connection_is_replaced(client, scripted, ending):
    """A kept-alive connection that the server closes on the next request costs nothing: it is sent again."""
    server = scripted([REQUEST, HELLO, REQUEST, ending], [REQUEST, BYE])
    await post(client, server, b"1")
    assert (await post(client, server, b"2"))[2] == b"bye"
    assert [(request.connection, request.body) for request in server.requests] == [
        (0, b"1"),
        (0, b"2"),
        (1, b"2"),
    ]


async def test_a_connection_closed_while_idle_is_not_used(client, scripted):
    """A connection that the server closed while nobody used it is noticed."""
    server = scripted([REQUEST, HELLO, CLOSE], [REQUEST, BYE])
    await post(client, server, b"1")
    assert await asyncio.to_thread(server.wait, lambda s: s.open == 0)
    assert (await post(client, server, b"2"))[2] == b"bye"


async def test_a_request_is_sent_again_only_once(client, scripted):
    """When the new connection is closed too, that is an error."""
    server = scripted([REQUEST, HELLO, REQUEST, CLOSE], [REQUEST, CLOSE])
    await post(client, server, b"1")
    with pytest.raises(UpstreamResetError, match="closed the connection without an answer"):
        await post(client, server, b"2")
    assert [request.body for request in server.requests] == [b"1", b"2", b"2"]


def _after(loop, turns, do):
    loop.call_soon(*((_after, loop, turns - 1, do) if turns else (do,)))


@pytest.mark.parametrize("turns", range(9))
async def test_a_connection_that_is_lost_in_any_turn_of_its_beginning_fails_its_request(
    make_client, scripted, monkeypatch, turns
):
    """Also before anybody is told of it: no request waits for what will not come, and no connection stays counted."""
    loop = asyncio.get_running_loop()
    connect = loop.create_connection
    server = scripted([], [REQUEST, HELLO])
    client = make_client(limit=1)

    async def lost(*args, **options):
        transport, protocol = await connect(*args, **options)
        _after(loop, turns, transport.abort)
        return transport, protocol

    with monkeypatch.context() as patch:
        patch.setattr(loop, "create_connection", lost)
        with pytest.raises((UpstreamResetError, UpstreamRefusedError), match="closed the connection"):
            await post(client, server)
    assert client.usage == Usage()
    assert (await post(client, server))[2] == b"hello"


async def test_a_first_connection_closed_without_an_answer_is_an_error(client, scripted):
    """A request is not repeated when its connection was new: the server may have acted on it."""
    server = scripted([REQUEST, CLOSE], [REQUEST, HELLO])
    with pytest.raises(UpstreamResetError, match="without an answer"):
        await post(client, server)
    assert len(server.requests) == 1


async def test_a_request_is_not_repeated_after_a_byte_of_answer(client, scripted):
    """A reused connection that breaks off inside the status line is an error, not a replay."""
    server = scripted([REQUEST, HELLO, REQUEST, b"H", CLOSE], [REQUEST, HELLO])
    await post(client, server)
    with pytest.raises(UpstreamCutError, match="broke off"):
        await post(client, server)
    assert len(server.requests) == 2


async def test_unasked_bytes_end_an_idle_connection(client, scripted):
    """An answer sent before its question is never given to the next request."""
    server = scripted([REQUEST, HELLO, 0.05, BYE], [REQUEST, HELLO])
    await post(client, server)
    await asyncio.sleep(0.3)
    assert not client._pool.connections
    assert (await post(client, server))[2] == b"hello"
    assert server.connections == 2


@pytest.mark.parametrize("surplus", [BYE, b"H", b"garbage", b"HTTP/1.1 100 Continue\r\n\r\n"])
async def test_bytes_after_an_answer_end_the_connection(client, scripted, surplus):
    """An answer with surplus bytes behind it is good; its connection is not."""
    server = scripted([REQUEST, HELLO + surplus], [REQUEST, HELLO])
    assert (await post(client, server))[2] == b"hello"
    assert (await post(client, server))[2] == b"hello"
    assert server.connections == 2


async def test_a_large_request_arrives_whole(client, scripted):
    """Twenty megabytes go out in pieces to a server that begins to read late."""
    server = scripted([0.1, REQUEST, HELLO, AGAIN])
    body = bytes(range(256)) * (80 << 10)
    assert (await post(client, server, body))[2] == b"hello"
    assert (await post(client, server, b"small"))[2] == b"hello"
    assert server.requests[0].body == body
    assert server.connections == 1


async def test_a_large_request_is_never_buffered_whole(client, scripted):
    """A server that does not read leaves at most a slice and the high-water mark in our memory."""
    server = scripted([HEAD, 30.0])
    body = bytes(40 << 20)
    task = asyncio.create_task(post(client, server, body))
    await asyncio.to_thread(server.wait, lambda s: s.requests)
    await asyncio.sleep(0.2)
    [connection] = client._pool.connections
    assert 0 < connection._transport.get_write_buffer_size() <= 1 << 20
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not client._pool.connections


async def test_an_early_error_answer_ends_a_large_request(client, scripted):
    """A server that says 413 without reading the body is heard."""
    refusal = b"HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nbig"
    server = scripted([HEAD, refusal, 30.0], [REQUEST, HELLO])
    assert (await post(client, server, bytes(40 << 20)))[::2] == (413, b"big")
    assert (await post(client, server))[::2] == (200, b"hello")
    assert server.connections == 2


async def test_an_error_answer_is_given_before_its_end(client, scripted):
    """The head of an early refusal ends the writing, though its body is still to come."""
    server = scripted([HEAD, b"HTTP/1.1 413 Too Large\r\nContent-Length: 9\r\n\r\nbig", 30.0])
    response = await asyncio.wait_for(client.send(server.address, b"POST", b"/", (), bytes(40 << 20)), 3)
    assert (response.status, await anext(response)) == (413, b"big")
    await response.close()


async def test_a_server_that_closes_while_a_large_request_is_written_is_an_error(client, scripted):
    """Closing in the middle of our body is reported, and the connection is gone."""
    server = scripted([HEAD, 0.05, CLOSE])
    with pytest.raises(UpstreamProtocolError):
        await post(client, server, bytes(40 << 20))
    assert not client._pool.connections


async def test_nobody_listening_is_refused(client):
    """A closed port is a refusal: nothing was sent."""
    with pytest.raises(UpstreamRefusedError, match=r"127\.0\.0\.1:1: connection refused"):
        await client.send(Address("http", "127.0.0.1", 1, private=True), b"GET", b"/", (), b"")


async def test_closing_ends_requests_under_way(client, scripted):
    """A request that waits for its answer, and a body being read, fail with UnavailableError."""
    server = scripted(
        [REQUEST, 30.0],
        [REQUEST, b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello", 30.0],
    )
    waiting = asyncio.create_task(post(client, server))
    await asyncio.to_thread(server.wait, lambda s: len(s.requests) == 1)
    response = await client.send(server.address, b"POST", b"/", (), b"")
    await client.close()
    with pytest.raises(UnavailableError):
        await waiting
    with pytest.raises(UnavailableError):
        await response.read()
    with pytest.raises(UnavailableError):
        await post(client, server)
    await client.close()


async def test_a_client_closed_before_its_first_request_refuses(client, scripted):
    """There is no way to send after close."""
    server = scripted([REQUEST, HELLO])
    await client.close()
    with pytest.raises(UnavailableError):
        await post(client, server)
