"""The end of a server, in both its forms: what is under way is completed, what waits is let go."""

import asyncio
import contextlib
import json

import pytest
import uvicorn

from fixtures.lanes import BOTH, CHAT, PATH, Client, post, until
from gatewright.upstream.fake import Answer

pytestmark = BOTH

END = b'data: {"choices":[{"finish_reason":"stop"}]}\n\n'


def streaming(*body):
    return Answer(headers=((b"content-type", b"text/event-stream"),), body=[b"data: 1\n\n", *body])


STREAMED = b'{"model":"ep","stream":true,"messages":[]}'


@pytest.fixture
async def started(config):
    """A server in its own task; gives the means to connect and to stop."""
    server = uvicorn.Server(config)
    server.capture_signals = contextlib.nullcontext
    task = asyncio.create_task(server.serve())
    await until(lambda: server.started)
    clients = []

    async def connect():
        clients.append(Client(*await asyncio.open_connection(*server.servers[0].sockets[0].getsockname())))
        return clients[-1]

    def stop():
        server.should_exit = True
        return task

    yield connect, stop
    await stop()
    for one in clients:
        await one.close()


async def test_requests_under_way_are_completed_and_idle_connections_closed(started, upstream):
    """A stream, a whole answer that has not begun, a kept connection, and one on which nothing ever came."""
    connect, stop = started
    stream, waiting, kept, silent = [await connect() for _ in range(4)]
    kept.send(post(PATH, CHAT))
    assert (await kept.answer()).status == 200
    upstream.answer = streaming(0.6, END)
    stream.send(post(PATH, STREAMED))
    await stream.reader.readuntil(b"data: 1")
    upstream.answer = Answer(body=[0.6, b"{}"])
    waiting.send(post(PATH, CHAT))
    await until(lambda: len(upstream.requests) == 3)
    stopped = stop()
    assert await kept.answers() == []
    assert await silent.answers() == []
    (answer,) = await waiting.answers()
    assert (answer.status, answer.headers[b"connection"], answer.whole) == (200, b"close", True)
    assert (await stream.reader.read()).endswith(END + b"\r\n0\r\n\r\n")
    await stopped


async def test_what_is_not_begun_at_the_end_of_the_grace_is_told_to_come_again(started, upstream):
    """With 503; a stream that has begun is cut so that nobody takes it for complete."""
    connect, stop = started
    stream, waiting, asked = [await connect() for _ in range(3)]
    upstream.answer = streaming(3600.0)
    stream.send(post(PATH, STREAMED))
    await stream.reader.readuntil(b"data: 1")
    upstream.answer = Answer(body=[3600.0])
    waiting.send(post(PATH, CHAT))
    asked.send(post(PATH, CHAT, b"expect: 100-continue")[: -len(CHAT)])
    await until(lambda: len(upstream.requests) == 2)
    await asked.reader.readuntil(b"\r\n\r\n")
    stopped = stop()
    for one in (waiting, asked):
        (answer,) = await one.answers()
        assert answer.status == 503
        assert "shutting down" in json.loads(answer.body)["error"]["message"]
    assert not (await stream.reader.read()).endswith(b"0\r\n\r\n")
    await stopped
    assert upstream.aborted == 2


async def test_a_request_whose_body_still_comes_is_completed_too(started):
    """And says that it is the last one."""
    connect, stop = started
    client = await connect()
    client.send(post(PATH, CHAT)[:-5])
    await asyncio.sleep(0.05)
    stopped = stop()
    await asyncio.sleep(0.3)
    client.send(CHAT[-5:])
    (answer,) = await client.answers()
    assert (answer.status, answer.headers[b"connection"]) == (200, b"close")
    await stopped


async def test_the_first_request_of_a_connection_that_was_accepted_is_answered(started, upstream):
    """Its client could not know that the server stops; the answer says that it does. A second one is too late."""
    connect, stop = started
    late, silent = await connect(), await connect()
    await asyncio.sleep(0.05)  # until the server has accepted them
    stopped = stop()
    await asyncio.sleep(0.2)
    upstream.answer = Answer(body=[b"{}"])
    late.send(post(PATH, CHAT))
    answered = await late.answer()
    assert (answered.status, answered.headers[b"connection"]) == (200, b"close")
    assert await late.reader.read() == b""
    assert await silent.reader.read() == b""
    await asyncio.wait_for(stopped, 5)
