"""The end of a server, in both its forms: what is under way is completed, what waits is let go."""

import asyncio
import contextlib
import json
import os
import signal

import pytest

from fixtures.lanes import BOTH, CHAT, PATH, Client, post, until
from gatewright.errors import UnavailableError
from gatewright.server import graceful
from gatewright.server.graceful import GracefulServer
from gatewright.upstream.fake import Answer

pytestmark = BOTH

END = b'data: {"choices":[{"finish_reason":"stop"}]}\n\n'


def streaming(*body):
    return Answer(headers=((b"content-type", b"text/event-stream"),), body=[b"data: 1\n\n", *body])


STREAMED = b'{"model":"ep","stream":true,"messages":[]}'


HEALTH = b"GET /health HTTP/1.1\r\nhost: x\r\n\r\n"


class Running:
    """A server in its own task, and what it has told."""

    def __init__(self, config):
        self.told = []
        self.lifeline, self.life = os.pipe()
        config.lifespan = "off"
        self.app = config.app
        self.app.start, self.app.stop = self.note("start"), self.note("stop")
        self.server = GracefulServer(
            config,
            self.app,
            drain=1.5,
            lasting=60,
            ready=lambda: self.told.append("ready"),
            beat=lambda: self.told.append("beat"),
            lifeline=self.lifeline,
        )
        self.server.capture_signals = contextlib.nullcontext
        self.clients = []

    def abandon(self):
        """End the parent."""
        life, self.life = self.life, -1
        if life >= 0:
            os.close(life)

    def note(self, what):
        async def noted():
            self.told.append(what)

        return noted

    async def begin(self):
        self.task = asyncio.create_task(self.server.serve())
        await until(lambda: "beat" in self.told)

    async def connect(self):
        address = self.server.servers[0].sockets[0].getsockname()
        self.clients.append(Client(*await asyncio.open_connection(*address)))
        return self.clients[-1]

    async def keep(self):
        """A connection that has been used."""
        client = await self.connect()
        client.send(HEALTH)
        assert (await client.answer()).status == 200
        return client

    async def stop(self):
        """Tell it to stop; it has begun to when this returns."""
        self.server.handle_exit(signal.SIGTERM, None)
        await until(lambda: not self.server.servers[0].is_serving())

    async def retire(self):
        """The same, because another one serves in its place."""
        self.server.retire()
        await until(lambda: not self.server.servers[0].is_serving())


@pytest.fixture
async def running(config, monkeypatch):
    """A server that closes unused connections after half a second when it stops, and all after one and a half."""
    monkeypatch.setattr(graceful, "QUIET", 0.5)
    one = Running(config)
    await one.begin()
    yield one
    one.server.handle_exit(signal.SIGTERM, None)
    await one.task
    for client in one.clients:
        await client.close()
    one.abandon()
    os.close(one.lifeline)


async def test_it_starts_the_app_tells_that_it_serves_and_lives_and_stops_the_app(running):
    """In this order; the app is stopped when nobody uses it any more."""
    client = await running.keep()
    await running.stop()
    assert "stop" not in running.told
    await client.close()
    await running.task
    assert running.told[:3] == ["start", "ready", "beat"]
    assert running.told[-1] == "stop"


async def test_what_keeps_the_app_from_starting_is_raised(config):
    """Not only logged."""
    one = Running(config)

    async def fail():
        raise UnavailableError("The database is away.")

    one.app.start = fail
    with pytest.raises(UnavailableError, match="The database is away"):
        await one.server.serve()
    assert one.told == []
    one.abandon()
    os.close(one.lifeline)


async def test_requests_under_way_are_completed_and_unused_connections_closed(running, upstream):
    """A stream, a whole answer that has not begun, a kept connection, and one on which nothing ever came."""
    stream, waiting = await running.connect(), await running.connect()
    kept, silent = await running.keep(), await running.connect()
    upstream.answer = streaming(0.9, END)
    stream.send(post(PATH, STREAMED))
    await stream.reader.readuntil(b"data: 1")
    upstream.answer = Answer(body=[0.9, b"{}"])
    waiting.send(post(PATH, CHAT))
    await until(lambda: len(upstream.requests) == 2)
    await running.stop()
    assert await kept.answers() == []
    assert await silent.answers() == []
    (answer,) = await waiting.answers()
    assert (answer.status, answer.headers[b"connection"], answer.whole) == (200, b"close", True)
    assert (await stream.reader.readuntil(END + b"\r\n0\r\n\r\n")).endswith(b"0\r\n\r\n")
    assert await stream.reader.read() == b""
    await running.task


async def test_a_kept_connection_takes_one_more_request(running):
    """Its client could not know; the answer says that it is the last one. So with one that was just opened."""
    kept, fresh = await running.keep(), await running.connect()
    await asyncio.sleep(0.05)  # until the server has accepted it
    await running.stop()
    await asyncio.sleep(0.2)
    for client in (kept, fresh):
        client.send(post(PATH, CHAT) + post(PATH, CHAT))
        (answer,) = await client.answers()
        assert (answer.status, answer.headers[b"connection"], answer.whole) == (200, b"close", True)


async def test_a_stream_that_had_begun_takes_one_more_request_after_it(running, upstream):
    """Its head could not say that it would be the last one."""
    client = await running.connect()
    upstream.answer = streaming(0.8, END)
    client.send(post(PATH, STREAMED))
    await client.reader.readuntil(b"data: 1")
    await running.stop()
    await client.reader.readuntil(b"0\r\n\r\n")
    await asyncio.sleep(0.2)
    upstream.answer = Answer(body=[b"{}"])
    client.send(post(PATH, CHAT))
    (answer,) = await client.answers()
    assert (answer.status, answer.headers[b"connection"]) == (200, b"close")


async def test_readiness_fails_when_it_stops_but_not_when_it_retires(running):
    """For when it retires, another one is ready, and a load balancer must not go away."""
    retired, stopped = await running.keep(), await running.keep()
    await running.retire()
    retired.send(HEALTH)
    assert (await retired.answer()).status == 200
    await running.stop()
    stopped.send(HEALTH)
    assert (await stopped.answer()).status == 503


async def test_when_it_retires_streams_may_last_longer_than_when_it_stops(running, upstream):
    """Nobody waits for it to end, until the server is stopped: then the usual time is left."""
    short, long = await running.connect(), await running.connect()
    for client, pause in ((short, 2.2), (long, 3600.0)):
        upstream.answer = streaming(pause, END)
        client.send(post(PATH, STREAMED))
        await client.reader.readuntil(b"data: 1")
    await running.retire()
    await short.reader.readuntil(END + b"\r\n0\r\n\r\n")
    await running.stop()
    assert not (await asyncio.wait_for(long.reader.read(), 5)).endswith(b"0\r\n\r\n")
    await running.task


async def test_it_stops_when_its_parent_is_gone(running):
    """There is nobody to serve for."""
    running.abandon()
    await asyncio.wait_for(running.task, 5)
    assert running.server._captured_signals == [signal.SIGTERM]


async def test_a_second_interrupt_ends_it_without_waiting(running, upstream):
    """Nothing is completed, and the app is not stopped."""
    client = await running.connect()
    upstream.answer = Answer(body=[3600.0])
    client.send(post(PATH, CHAT))
    await until(lambda: upstream.requests)
    await running.stop()
    running.server.handle_exit(signal.SIGINT, None)
    await asyncio.wait_for(running.task, 1)
    assert "stop" not in running.told


async def test_what_is_not_begun_at_the_end_of_the_drain_time_is_told_to_come_again(running, upstream):
    """With 503; a stream that has begun is cut so that nobody takes it for complete."""
    stream, waiting, asked = [await running.connect() for _ in range(3)]
    upstream.answer = streaming(3600.0)
    stream.send(post(PATH, STREAMED))
    await stream.reader.readuntil(b"data: 1")
    upstream.answer = Answer(body=[3600.0])
    waiting.send(post(PATH, CHAT))
    asked.send(post(PATH, CHAT, b"expect: 100-continue")[: -len(CHAT)])
    await until(lambda: len(upstream.requests) == 2)
    await asked.reader.readuntil(b"\r\n\r\n")
    await running.stop()
    for one in (waiting, asked):
        (answer,) = await one.answers()
        assert answer.status == 503
        assert "shutting down" in json.loads(answer.body)["error"]["message"]
    assert not (await stream.reader.read()).endswith(b"0\r\n\r\n")
    await running.task
    assert upstream.aborted == 2


async def test_a_request_whose_body_still_comes_is_completed_too(running):
    """And says that it is the last one."""
    client = await running.connect()
    client.send(post(PATH, CHAT)[:-5])
    await asyncio.sleep(0.05)
    await running.stop()
    await asyncio.sleep(0.3)
    client.send(CHAT[-5:])
    (answer,) = await client.answers()
    assert (answer.status, answer.headers[b"connection"]) == (200, b"close")
    await running.task
