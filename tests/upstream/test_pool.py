"""The limit of connections per origin, and the queue at it."""

import asyncio
import dataclasses
import threading

import pytest

from fixtures.scripted import AGAIN, CLOSE, REQUEST
from gatewright.errors import UnavailableError, UpstreamBusyError, UpstreamRefusedError
from gatewright.snapshot.address import Address

HELLO = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"


async def post(client, server, body=b"{}"):
    response = await client.send(server.address, b"POST", b"/", (), body)
    return await response.read()


async def test_no_more_connections_than_the_limit(make_client, scripted):
    """A hundred requests at once over three connections: all are answered."""
    client = make_client(limit=3)
    server = scripted([REQUEST, 0.002, HELLO, AGAIN])
    assert await asyncio.gather(*(post(client, server) for _ in range(100))) == [b"hello"] * 100
    assert server.connections == 3


@pytest.mark.parametrize("keep", [True, False])
async def test_who_waits_longest_goes_first(make_client, scripted, keep):
    """Requests that wait are sent in the order in which they came, on kept connections or new ones."""
    client = make_client(limit=1)
    close = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello"
    server = scripted([REQUEST, HELLO, AGAIN] if keep else [REQUEST, close, CLOSE])
    await asyncio.gather(*(post(client, server, b"%d" % number) for number in range(20)))
    assert [int(request.body) for request in server.requests] == list(range(20))


async def test_waiting_for_a_slot_has_an_end(make_client, scripted):
    """Its own one, which is not that of a slow network and says when to come back; the slot is not lost."""
    client = make_client(limit=1, queue=0.2)
    gate = threading.Event()
    server = scripted([REQUEST, gate, HELLO, AGAIN])
    first = asyncio.create_task(post(client, server))
    await asyncio.to_thread(server.wait, lambda s: s.requests)
    with pytest.raises(UpstreamBusyError, match=r"^All 1 connections to http://127\.0\.0\.1:\d+ are busy\.") as caught:
        await post(client, server)
    assert (caught.value.status, caught.value.retry_after) == (503, 0.2)
    gate.set()
    assert await first == b"hello"
    assert await post(client, server) == b"hello"


async def test_who_had_to_wait_still_has_the_time_to_connect(make_client, scripted, names):
    """The time of the queue ends with the queue: a connection that is opened then may take longer."""
    client = make_client(limit=1, queue=0.9)
    close = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello"
    server = scripted([REQUEST, close, CLOSE])
    address = dataclasses.replace(server.address, host="slow.example")
    names["slow.example"] = ["127.0.0.1"]
    names.delay = 0.5
    first, second = (asyncio.create_task(client.send(address, b"POST", b"/", (), b"{}")) for _ in range(2))
    for one in (first, second):
        assert await (await one).read() == b"hello"


async def test_a_cancelled_wait_leaves_the_queue(make_client, scripted):
    """Somebody who stops waiting is passed over."""
    client = make_client(limit=1)
    gate = threading.Event()
    server = scripted([REQUEST, gate, HELLO, AGAIN])
    tasks = [asyncio.create_task(post(client, server, b"%d" % number)) for number in range(4)]
    await asyncio.to_thread(server.wait, lambda s: s.requests)
    tasks[1].cancel()
    gate.set()
    done = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(one) for one in done] == [bytes, asyncio.CancelledError, bytes, bytes]
    assert [request.body for request in server.requests] == [b"0", b"2", b"3"]


async def test_those_who_left_take_no_place(make_client, scripted):
    """However many have waited in vain, nothing is kept of them while the connections stay busy."""
    client = make_client(limit=1)
    gate = threading.Event()
    server = scripted([REQUEST, gate, HELLO, AGAIN])
    first = asyncio.create_task(post(client, server))
    await asyncio.to_thread(server.wait, lambda s: s.requests)
    tasks = [asyncio.create_task(post(client, server)) for _ in range(100)]
    await asyncio.sleep(0)
    assert client.usage.waiting == 100
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    assert client.usage.waiting == 0
    gate.set()
    assert await first == b"hello"


async def test_who_is_given_a_closed_connection_stays_in_front(make_client, scripted):
    """A connection that ends in the very turn in which it is passed on costs nobody their place."""
    client = make_client(limit=1)
    server = scripted([REQUEST, HELLO, AGAIN])
    await post(client, server, b"0")
    origin = client._pool.origin(server.address)
    held = origin.checkout()
    tasks = [asyncio.create_task(post(client, server, b"%d" % number)) for number in (1, 2, 3)]
    await asyncio.sleep(0)
    origin.released(held)
    held.abort()
    assert await asyncio.gather(*tasks) == [b"hello"] * 3
    assert [request.body for request in server.requests] == [b"0", b"2", b"1", b"3"]


async def test_a_failed_connection_gives_its_slot_back(make_client):
    """Refusals do not use up the limit."""
    client = make_client(limit=1)
    for _ in range(3):
        with pytest.raises(UpstreamRefusedError):
            await client.send(Address("http", "127.0.0.1", 1, private=True), b"GET", b"/", (), b"")


async def test_a_stale_connection_is_replaced_at_the_limit(make_client, scripted):
    """The second sending gets a new connection even when others wait for the only slot."""
    client = make_client(limit=1)
    server = scripted([REQUEST, HELLO, REQUEST, CLOSE], [REQUEST, HELLO, AGAIN])
    await post(client, server, b"0")
    bodies = await asyncio.gather(*(post(client, server, b"%d" % number) for number in (1, 2, 3)))
    assert bodies == [b"hello"] * 3
    assert [request.body for request in server.requests][:2] == [b"0", b"1"]
    assert [(request.body, request.connection) for request in server.requests[2:]] == [
        (b"2", 1),
        (b"3", 1),
        (b"1", 2),
    ]


async def test_a_stale_connection_is_replaced_though_others_are_idle(make_client, scripted):
    """At the limit, an idle connection makes room for the new one: it may be stale as well."""
    client = make_client(limit=2)
    both = threading.Event()
    server = scripted([REQUEST, both, HELLO, REQUEST, CLOSE], [REQUEST, both, HELLO, REQUEST, CLOSE], [REQUEST, HELLO])
    first = [asyncio.create_task(post(client, server, b"old")) for _ in range(2)]
    await asyncio.to_thread(server.wait, lambda s: len(s.requests) == 2)
    both.set()
    await asyncio.gather(*first)
    assert await post(client, server, b"new") == b"hello"
    assert [request.body for request in server.requests] == [b"old", b"old", b"new", b"new"]


async def test_what_may_be_private_is_kept_apart(client, scripted):
    """A connection opened where private addresses are allowed is not lent to who may not use one."""
    server = scripted([REQUEST, HELLO, AGAIN])
    await post(client, server)
    public = dataclasses.replace(server.address, private=False)
    with pytest.raises(UpstreamRefusedError, match="private address"):
        await client.send(public, b"GET", b"/", (), b"")


async def test_closing_ends_the_queue(make_client, scripted):
    """Who waits for a connection, or for a handshake, is told at once."""
    client = make_client(limit=1)
    server = scripted([REQUEST, 5.0])
    silent = scripted([5.0])
    tasks = [asyncio.create_task(post(client, server)) for _ in range(3)]
    address = Address("https", "127.0.0.1", silent.port, private=True)
    tasks.append(asyncio.create_task(client.send(address, b"GET", b"/", (), b"")))
    await asyncio.to_thread(server.wait, lambda s: s.requests)
    await asyncio.to_thread(silent.wait, lambda s: s.connections)
    await client.close()
    done = await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), 1)
    assert [type(one) for one in done] == [UnavailableError] * 4


async def test_an_idle_connection_makes_room_for_a_new_one(make_client, scripted):
    """Who needs a new connection at the limit gets one in place of an idle one."""
    client = make_client(limit=1)
    server = scripted([REQUEST, HELLO, AGAIN])
    await post(client, server)
    [old] = client._pool.connections
    deadline = asyncio.get_running_loop().time() + 5
    new = await client._pool.origin(server.address).acquire(deadline, fresh=True)
    assert client._pool.connections == {new}
    assert old.closed


@pytest.mark.parametrize("given", ["connection", "slot"])
async def test_what_is_given_to_somebody_who_left_is_passed_on(make_client, scripted, given):
    """A wait that is cancelled in the very turn in which it is served loses neither connection nor slot."""
    client = make_client(limit=1)
    server = scripted([REQUEST, HELLO, AGAIN])
    await post(client, server)
    origin = client._pool.origin(server.address)
    deadline = asyncio.get_running_loop().time() + 5
    held = origin.checkout()
    waiting = asyncio.create_task(origin.acquire(deadline, fresh=False))
    await asyncio.sleep(0)
    if given == "connection":
        origin.released(held)
    else:
        held.abort()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert await asyncio.wait_for(post(client, server), 1) == b"hello"
    assert server.connections == (1 if given == "connection" else 2)
