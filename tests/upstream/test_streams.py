"""Bodies that come slowly, are read slowly, or are not wanted any more."""

import asyncio

import pytest

from fixtures.scripted import AGAIN, CLOSE, HEAD, LEAVE, REQUEST
from gatewright.errors import UpstreamProtocolError
from gatewright.snapshot.address import Address
from gatewright.upstream.response import HIGH_WATER

OK = b"HTTP/1.1 200 OK\r\n"
HELLO = OK + b"Content-Length: 5\r\n\r\nhello"
BIG = 32 << 20


async def begin(client, server):
    return await client.send(server.address, b"POST", b"/", (), b"{}")


async def until(condition):
    """Let the loop run until something is true."""
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110 - there is nothing to wait on from outside
            await asyncio.sleep(0.005)


async def test_chunks_are_given_as_they_come(client, scripted):
    """A stream is not held back until its end."""
    server = scripted(
        [REQUEST, OK + b"Transfer-Encoding: chunked\r\n\r\n3\r\none\r\n", REQUEST, b"3\r\ntwo\r\n0\r\n\r\n"],
        [REQUEST, HELLO],
    )
    response = await begin(client, server)
    assert await anext(response) == b"one"
    [connection] = client._pool.connections
    connection._transport.write(b"GET /go HTTP/1.1\r\n\r\n")  # the script goes on after a second request
    assert [chunk async for chunk in response] == [b"two"]


@pytest.mark.parametrize("tls", [False, True])
async def test_a_slow_reader_stops_the_sender(make_client, scripted, authority, tls):
    """Unread bytes stay bounded, the sender is held back by TCP, and nothing is lost."""
    client = make_client(ca_file=authority.ca_file)
    server = scripted(
        [REQUEST, OK + b"Content-Length: %d\r\n\r\n" % BIG, bytes(BIG), REQUEST, HELLO],
        tls=authority.server("127.0.0.1") if tls else None,
    )
    response = await begin(client, server)
    await asyncio.sleep(0.3)
    assert HIGH_WATER < response._size < 4 * HIGH_WATER
    size = 0
    async for chunk in response:
        assert len(chunk) < 4 * HIGH_WATER
        size += len(chunk)
    assert size == BIG
    assert await (await begin(client, server)).read() == b"hello"
    assert server.connections == 1


@pytest.mark.parametrize("framing", [b"Content-Length: %d" % (2 * HIGH_WATER), b"Connection: close"])
@pytest.mark.parametrize("tls", [False, True])
async def test_a_server_that_closes_before_all_is_read_loses_nothing(make_client, scripted, authority, tls, framing):
    """A slow reader still gets what was sent before the orderly end."""
    client = make_client(ca_file=authority.ca_file)
    server = scripted(
        [REQUEST, OK + framing + b"\r\n\r\n", bytes(2 * HIGH_WATER), LEAVE if tls else CLOSE],
        tls=authority.server("127.0.0.1") if tls else None,
    )
    response = await begin(client, server)
    await until(lambda: response._paused)
    await asyncio.sleep(0.1)  # for whatever else has come to be read
    assert len(await response.read()) == 2 * HIGH_WATER


async def test_a_connection_paused_at_the_end_reads_again(client, scripted):
    """A body that ends while reading is paused leaves a connection that works for the next request."""
    body = bytes(HIGH_WATER + 1)
    server = scripted([REQUEST, OK + b"Content-Length: %d\r\n\r\n" % len(body) + body, REQUEST, HELLO])
    response = await begin(client, server)
    await until(lambda: response._size == len(body))
    assert await (await begin(client, server)).read() == b"hello"
    assert await response.read() == body
    assert server.connections == 1


async def test_a_body_over_the_readers_limit_is_given_up(client, scripted):
    """`read` takes no more than it was told, and closes."""
    server = scripted([REQUEST, OK + b"Content-Length: %d\r\n\r\n" % BIG, bytes(BIG)])
    response = await begin(client, server)
    with pytest.raises(UpstreamProtocolError, match="longer than 100000 bytes"):
        await response.read(100_000)
    assert not client._pool.connections


async def test_a_body_of_exactly_the_limit_is_read(client, scripted):
    """The limit is inclusive."""
    server = scripted([REQUEST, HELLO])
    assert await (await begin(client, server)).read(5) == b"hello"


async def test_closing_an_unfinished_answer_closes_its_connection(client, scripted):
    """Who does not want the rest frees the slot at once; reading on is an error."""
    server = scripted([REQUEST, OK + b"Content-Length: 9\r\n\r\nhello"], [REQUEST, HELLO])
    response = await begin(client, server)
    await response.close()
    await response.close()
    assert not client._pool.connections
    with pytest.raises(UpstreamProtocolError, match="closed before its end"):
        await response.read()
    assert await asyncio.to_thread(server.wait, lambda s: s.open == 0)


async def test_closing_a_finished_answer_keeps_its_connection(client, scripted):
    """A complete answer may be closed unread: its connection goes on."""
    server = scripted([REQUEST, HELLO, AGAIN])
    response = await begin(client, server)
    await until(lambda: response._complete)
    await response.close()
    await (await begin(client, server)).read()
    assert server.connections == 1


@pytest.mark.parametrize(
    "script",
    [
        [REQUEST],
        [REQUEST, OK],
        [REQUEST, OK + b"Content-Length: 9\r\n\r\n"],
        [REQUEST, OK + b"Content-Length: 9\r\n\r\nhello"],
        [REQUEST, OK + b"\r\n"],
    ],
    ids=["before the answer", "in the head", "before the body", "in the body", "in an endless body"],
)
async def test_cancelling_closes_the_connection(make_client, scripted, script):
    """Whatever the task waits for, cancelling it frees the only slot and tells the server."""
    client = make_client(limit=1)
    server = scripted(script, [REQUEST, HELLO])

    async def post():
        return await (await begin(client, server)).read()

    task = asyncio.create_task(post())
    await asyncio.to_thread(server.wait, lambda s: s.requests)
    await asyncio.sleep(0.05)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await post() == b"hello"
    assert await asyncio.to_thread(server.wait, lambda s: s.open == 1)


@pytest.mark.parametrize(
    "script",
    [[REQUEST], [REQUEST, OK + b"Content-Length: 9\r\n\r\nhello"]],
    ids=["before the answer", "in the body"],
)
async def test_a_client_that_leaves_closes_the_connection_in_one_turn(client, scripted, script):
    """The provider is told to stop in the turn of the loop that ends the task."""
    server = scripted(script)

    async def post():
        return await (await begin(client, server)).read()

    task = asyncio.create_task(post())
    await asyncio.to_thread(server.wait, lambda s: s.requests)
    [connection] = client._pool.connections
    await until(lambda: len(script) == 1 or (connection._response is not None and connection._response._waiter))
    task.cancel()
    await asyncio.sleep(0)
    assert (connection.closed, connection._transport.is_closing(), client._pool.connections) == (True, True, set())


@pytest.mark.parametrize("proxied", [False, True])
async def test_a_client_that_leaves_while_a_connection_opens_leaves_none(make_client, scripted, proxied):
    """Neither in the TLS handshake nor before a proxy's answer, and its slot is free."""
    server = scripted([HEAD] if proxied else [])
    client = make_client(limit=1, proxies={"HTTPS_PROXY": server.url} if proxied else {})
    host = "llm.test" if proxied else "127.0.0.1"
    address = Address("https", host, server.port, private=True)
    for number in (1, 2):
        task = asyncio.create_task(client.send(address, b"GET", b"/", (), b""))
        seen = (lambda s, n=number: len(s.requests) == n) if proxied else (lambda s, n=number: s.connections == n)
        assert await asyncio.to_thread(server.wait, seen)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await asyncio.to_thread(server.wait, lambda s: s.open == 0)
    assert client._pool.origin(address).unused


@pytest.mark.parametrize("turns", range(12))
async def test_cancelling_at_any_turn_leaks_nothing(make_client, scripted, turns):
    """A task cancelled after any number of turns of the loop leaves a pool of one that still works."""
    client = make_client(limit=1)
    server = scripted([REQUEST, HELLO, AGAIN])

    async def post():
        return await (await begin(client, server)).read()

    for _ in range(5):
        task = asyncio.create_task(post())
        other = asyncio.create_task(post())
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])
        assert await other == b"hello"
        assert await post() == b"hello"
    assert len(client._pool.connections) == 1


@pytest.mark.parametrize("first", ["cancellation", "answer"])
async def test_an_answer_that_meets_a_cancellation_does_not_harm_the_next(client, scripted, first):
    """A task is cancelled in the turn in which its answer frees the connection; who takes it then keeps it."""
    server = scripted([REQUEST, HELLO, REQUEST, REQUEST, HELLO, HELLO], [REQUEST, HELLO])
    await (await begin(client, server)).read()
    [connection] = client._pool.connections
    task = asyncio.create_task(begin(client, server))
    await asyncio.sleep(0)
    following = asyncio.create_task(begin(client, server))
    if first == "cancellation":
        task.cancel()
    connection.data_received(HELLO)
    if first == "answer":
        task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()
    assert await (await following).read() == b"hello"
    assert server.connections == (2 if first == "cancellation" else 1)


async def test_a_stream_closed_by_the_server_frees_its_slot(make_client, scripted):
    """A broken stream needs no close by its reader."""
    client = make_client(limit=1)
    server = scripted([REQUEST, OK + b"Content-Length: 9\r\n\r\nhello", CLOSE], [REQUEST, HELLO])
    await begin(client, server)
    assert await (await begin(client, server)).read() == b"hello"
