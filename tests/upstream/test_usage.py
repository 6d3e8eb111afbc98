"""What a client tells of its connections."""

import asyncio
import threading

from fixtures.scripted import AGAIN, REQUEST
from gatewright.upstream.pool import Usage

HELLO = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"


async def post(client, server):
    response = await client.send(server.address, b"POST", b"/", (), b"{}")
    return await response.read()


async def test_connections_and_those_who_wait_for_one_are_counted(make_client, scripted):
    """Over all origins; a wait that was given up is over."""
    client = make_client(limit=1)
    assert client.usage == Usage()
    gate = threading.Event()
    busy, quick = scripted([REQUEST, gate, HELLO, AGAIN]), scripted([REQUEST, HELLO, AGAIN])
    assert await post(client, quick) == b"hello"
    assert client.usage == Usage(open=1, idle=1, waiting=0)
    asking = [asyncio.create_task(post(client, busy)) for _ in range(3)]
    await asyncio.to_thread(busy.wait, lambda s: s.requests)
    assert client.usage == Usage(open=2, idle=1, waiting=2)
    asking.pop().cancel()
    await asyncio.sleep(0)
    assert client.usage == Usage(open=2, idle=1, waiting=1)
    gate.set()
    assert await asyncio.gather(*asking) == [b"hello"] * 2
    assert client.usage == Usage(open=2, idle=2, waiting=0)
