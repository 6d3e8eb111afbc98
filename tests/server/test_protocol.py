"""uvicorn's protocol as we run it, over real sockets with literal bytes."""

import asyncio
import contextlib

import pytest
import uvicorn
from uvicorn.server import ServerState

from fixtures.lanes import BOTH
from gatewright.server import protocol
from gatewright.server.protocol import HEAD_LIMIT

pytestmark = BOTH


class App:
    """Echoes the body; refuses `/refuse` unread; on `/wait`, waits until the client has left."""

    def __init__(self):
        self.left = asyncio.Event()

    async def __call__(self, scope, receive, send):
        body, more = b"", scope["path"] != "/refuse"
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        while scope["path"] == "/wait":
            if (await receive())["type"] == "http.disconnect":
                self.left.set()
                return
        headers = [(b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": 200 if body else 403, "headers": headers})
        await send({"type": "http.response.body", "body": body})


@pytest.fixture
def app():
    return App()


@pytest.fixture
async def connect(app, form):
    """Opens connections to a server that runs the app; gives a reader and a writer."""
    config = uvicorn.Config(app, log_config=None, ws="none", access_log=False)
    state = ServerState()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: form(config, state, {}), "127.0.0.1", 0)
    writers = []

    async def opened():
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        writers.append(writer)
        return reader, writer

    yield opened
    for writer in writers:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
    server.close()
    await asyncio.sleep(0.01)  # the server's side of them ends too


def post(path, body, *fields):
    lines = [b"POST " + path + b" HTTP/1.1", b"host: x", *fields, b"content-length: %d" % len(body)]
    return b"\r\n".join([*lines, b"", body])


LAST = b"connection: close"


async def answers(reader):
    """Everything until the server closes, each answer as (status, connection header, body)."""
    async with asyncio.timeout(5):
        data = await reader.read()
    found = []
    while data:
        head, _, data = data.partition(b"\r\n\r\n")
        fields = dict(line.split(b": ", 1) for line in head.split(b"\r\n")[1:])
        length = int(fields[b"content-length"])
        found.append((int(head.split()[1]), fields.get(b"connection", b""), data[:length]))
        data = data[length:]
    return found


@pytest.mark.parametrize("cut", [1, 40, 10_000])
async def test_a_request_that_asks_for_another_protocol_is_served_as_it_is(connect, cut):
    """With its body, as Java's client sends it, however it is cut; the next request on the connection too."""
    asked = post(b"/", b"one", b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c", b"HTTP2-Settings: AAMAAABk")
    sent = asked + post(b"/", b"two", LAST)
    reader, writer = await connect()
    for start in range(0, len(sent), cut):
        writer.write(sent[start : start + cut])
        await writer.drain()
        await asyncio.sleep(0)
    assert await answers(reader) == [(200, b"", b"one"), (200, b"close", b"two")]


async def test_connect_is_refused(connect):
    """It is no proxy."""
    reader, writer = await connect()
    writer.write(b"CONNECT example.com:443 HTTP/1.1\r\nhost: x\r\n\r\nsecret")
    assert await answers(reader) == [(400, b"close", b"This is not a proxy.")]


@pytest.mark.parametrize(
    "endless",
    [b"a: " + b"b" * 1000 + b"\r\n", b"b" * 1000],
    ids=["many fields", "one field"],
)
@pytest.mark.parametrize(
    "start",
    [b"GET / HTTP/1.1\r\nx: ", b"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nx: "],
    ids=["head", "trailers"],
)
async def test_a_head_without_an_end_is_cut_off(connect, start, endless):
    """Before it fills the memory; trailers after a body count like a head."""
    reader, writer = await connect()
    writer.write(start)
    answer = asyncio.create_task(reader.read())
    sent = 0
    while not answer.done() and sent < 100 * HEAD_LIMIT:
        writer.write(endless * 10)
        await writer.drain()
        await asyncio.sleep(0)
        sent += 10 * len(endless)
    assert b"HTTP/1.1 400 Bad Request\r\n" in await answer
    assert sent < 50 * HEAD_LIMIT


async def test_a_long_body_and_many_requests_are_no_long_head(connect):
    """Only heads are measured."""
    reader, writer = await connect()
    big = bytes(20 * HEAD_LIMIT)
    writer.write(post(b"/", big) + post(b"/", b"small") * 2000 + post(b"/", b"last", LAST))
    found = await answers(reader)
    assert found[0][2] == big
    assert found[-1] == (200, b"close", b"last")
    assert len(found) == 2002


async def test_a_refused_client_that_waits_to_send_its_body_is_let_go(connect):
    """Else its next request would be taken for the body."""
    reader, writer = await connect()
    writer.write(b"POST /refuse HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 100000\r\n\r\n")
    assert await answers(reader) == [(403, b"close", b"")]


async def test_a_client_that_waits_to_send_its_body_is_asked_for_it_and_may_go_on(connect):
    """The connection is kept when the body came."""
    reader, writer = await connect()
    head, _, body = post(b"/", b"hello", b"expect: 100-continue").rpartition(b"\r\n\r\n")
    writer.write(head + b"\r\n\r\n")
    assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
    writer.write(body + post(b"/", b"next", LAST))
    assert await answers(reader) == [(200, b"", b"hello"), (200, b"close", b"next")]


async def test_every_pipelined_request_is_told_that_the_client_left(connect, app):
    """The one being served too, though another has come since."""
    _, writer = await connect()
    writer.write(post(b"/wait", b"x") + post(b"/", b"x"))
    await writer.drain()
    await asyncio.sleep(0.05)
    writer.close()
    async with asyncio.timeout(5):
        await app.left.wait()


@pytest.mark.parametrize("sent", [b"", b"GET / HT", post(b"/", b"x" * 9)[:-1]], ids=["nothing", "head", "body"])
async def test_a_connection_on_which_no_request_comes_on_is_closed(connect, monkeypatch, sent):
    """Whatever part of it is missing."""
    monkeypatch.setattr(protocol, "PATIENCE", 0.2)
    reader, writer = await connect()
    writer.write(sent)
    async with asyncio.timeout(5):
        assert await reader.read() == b""


async def test_a_request_may_come_slowly_and_its_answer_take_long(connect, monkeypatch):
    """Only silence ends a request, and only while it is the client's turn."""
    monkeypatch.setattr(protocol, "PATIENCE", 0.2)
    reader, writer = await connect()
    for byte in post(b"/", b"slow"):
        writer.write(bytes([byte]))
        await asyncio.sleep(0.01)
    assert (await reader.readuntil(b"slow")).endswith(b"slow")
    writer.write(post(b"/wait", b"x"))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.6):
            await reader.read()
