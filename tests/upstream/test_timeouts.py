"""Every wait has an end."""

import asyncio
import gzip
import math
import socket
import time

import pytest

from fixtures.scripted import AGAIN, HEAD, REQUEST
from gatewright.errors import (
    UpstreamConnectTimeoutError,
    UpstreamSilentError,
    UpstreamStalledError,
    UpstreamTimeoutError,
)
from gatewright.snapshot.address import Address
from gatewright.upstream.connection import SLICE, Connection
from gatewright.upstream.timeouts import Timeouts

OK = b"HTTP/1.1 200 OK\r\n"
HELLO = OK + b"Content-Length: 5\r\n\r\nhello"
DRIP = [b"x", 0.04] * 20


async def post(client, server, body=b"{}"):
    response = await client.send(server.address, b"POST", b"/", (), body)
    return await response.read()


TIMES_OUT = {
    "no answer": ({"first_byte": 0.2}, [REQUEST], UpstreamSilentError, "did not answer within 0.2"),
    "stuck in the head": ({"idle": 0.2}, [REQUEST, OK + b"x: "], UpstreamStalledError, "no progress for 0.2"),
    "stuck in the body": (
        {"idle": 0.2},
        [REQUEST, OK + b"Content-Length: 9\r\n\r\nh"],
        UpstreamStalledError,
        "no progress for 0.2",
    ),
    "stuck after 100": (
        {"idle": 0.2},
        [REQUEST, b"HTTP/1.1 100 C\r\n\r\n"],
        UpstreamStalledError,
        "no progress for 0.2",
    ),
    "dripping head": ({"total": 0.3}, [REQUEST, OK, b"x: ", *DRIP], UpstreamTimeoutError, "did not finish within 0.3"),
    "dripping body": ({"total": 0.3}, [REQUEST, OK, b"\r\n", *DRIP], UpstreamTimeoutError, "did not finish within 0.3"),
}


@pytest.mark.parametrize(("timeouts", "script", "kind", "message"), TIMES_OUT.values(), ids=TIMES_OUT)
async def test_a_server_that_is_too_slow_is_given_up(make_client, scripted, timeouts, script, kind, message):
    """Each timeout ends its own kind of wait, in time, says which, and closes the connection."""
    client = make_client(**timeouts)
    server = scripted(script)
    start = time.monotonic()
    with pytest.raises(UpstreamTimeoutError, match=message) as caught:
        await post(client, server)
    assert caught.type is kind
    assert 0.15 < time.monotonic() - start < 1.5
    assert not client._pool.connections
    assert await asyncio.to_thread(server.wait, lambda s: s.open == 0)


async def test_a_stuck_upload_is_given_up(make_client, scripted):
    """A server that takes no more of a large body is as stuck as one that sends none."""
    client = make_client(idle=0.2)
    server = scripted([HEAD, 5.0])
    with pytest.raises(UpstreamStalledError, match=r"no progress for 0\.2"):
        await post(client, server, bytes(40 << 20))


class Slow(asyncio.Transport):
    """A transport that asks for a pause after each write; `unsent` is how many bytes it holds."""

    unsent = 100_000

    def __init__(self, protocol):
        super().__init__()
        self._protocol = protocol
        protocol.connection_made(self)

    def write(self, _data):
        self._protocol.pause_writing()

    def get_write_buffer_size(self):
        return self.unsent

    def is_closing(self):
        return False

    def get_extra_info(self, _name, default=None):
        return default

    def abort(self):
        pass


async def test_a_slow_but_steady_upload_goes_on():
    """As long as bytes leave, a piece of the body may take longer than the idle timeout; then it is over."""
    loop = asyncio.get_running_loop()
    connection = Connection("test", Timeouts(idle=5), loop)
    transport = Slow(connection)
    task = asyncio.create_task(connection.exchange(b"", bytes(SLICE + 1), bodiless=False, total_until=math.inf))
    await asyncio.sleep(0)
    connection.resume_writing()
    await asyncio.sleep(0)
    for transport.unsent in (80_000, 60_000, 59_999):
        now = connection.quiet_until + 1
        connection.expire(now)
        assert (connection.closed, connection.quiet_until) == (False, now + 5)
    connection.expire(connection.quiet_until)
    with pytest.raises(UpstreamStalledError, match="no progress for 5 seconds"):
        await task


async def test_a_slow_but_steady_answer_is_read(make_client, scripted):
    """The idle timeout counts from the last byte."""
    client = make_client(idle=0.3, first_byte=0.3)
    server = scripted([REQUEST, 0.1, OK, 0.1, b"Content-Length: 20\r\n\r\n", *DRIP])
    assert await post(client, server) == b"x" * 20


STREAM = OK + b"Transfer-Encoding: chunked\r\n\r\n"


def chunks(*pieces, pause=0.04):
    """Each piece a chunk, with a pause before it."""
    return [step for piece in pieces for step in (pause, b"%x\r\n%b\r\n" % (len(piece), piece))]


async def follow(client, server):
    """Read a stream of lines."""
    response = await client.send(server.address, b"POST", b"/", (), b"{}")
    response.expect(b"\n")
    return await response.read()


DRIPS = {
    "from the start": chunks(*[b"x"] * 20),
    "after whole events": [*chunks(b"data: 1\n\n", pause=0.02) * 10, *chunks(b"d", b"a", b"ta", *[b" "] * 20)],
}


@pytest.mark.parametrize("steps", DRIPS.values(), ids=DRIPS)
async def test_a_stream_that_only_drips_is_given_up(make_client, scripted, steps):
    """Bytes below the floor, of which none ends anything, are no progress. The framing of HTTP is none either."""
    client = make_client(idle=0.3, floor=1000)
    server = scripted([REQUEST, STREAM, *steps, 5.0])
    start = time.monotonic()
    with pytest.raises(UpstreamStalledError, match=r"sent \d+ bytes in 0\.3 seconds, and nothing whole"):
        await follow(client, server)
    assert time.monotonic() - start < 1.5
    assert not client._pool.connections


GOES_ON = {
    "comments": (100, [b":\n\n"] * 20),
    "events": (100, [b"data: ", b"1\n\n"] * 10),
    "a long event above the floor": (100, [bytes(100)] * 20),
    "drips without a floor": (0, [b"x"] * 20),
}


@pytest.mark.parametrize(("floor", "pieces"), GOES_ON.values(), ids=GOES_ON)
async def test_a_stream_goes_on_with_little_that_is_whole_or_enough_that_is_not(make_client, scripted, floor, pieces):
    """A model that thinks sends a comment now and then; an image in one event is long on its way."""
    client = make_client(idle=0.5, floor=floor)
    server = scripted([REQUEST, STREAM, *chunks(*pieces), b"0\r\n\r\n"])
    assert await follow(client, server) == b"".join(pieces)


async def test_an_answer_that_is_no_stream_has_no_floor(make_client, scripted):
    """It may be preceded by blank lines for long."""
    client = make_client(idle=0.5)
    server = scripted([REQUEST, STREAM, *chunks(*[b" "] * 20), b"0\r\n\r\n"])
    assert await post(client, server) == b" " * 20


async def test_a_stream_that_is_packed_has_no_floor(make_client, scripted):
    """Its bytes do not show where anything in it ends."""
    client = make_client(idle=0.5)
    packed = gzip.compress(b"data: 1\n\n")
    pieces = [packed[at : at + 1] for at in range(len(packed))]
    head = STREAM.replace(b"Transfer", b"Content-Encoding: gzip\r\nTransfer")
    server = scripted([REQUEST, head, *chunks(*pieces), b"0\r\n\r\n"])
    assert await follow(client, server) == b"data: 1\n\n"


@pytest.mark.parametrize("mark", [b"", b"\n"], ids=["whole", "stream"])
async def test_a_slow_reader_is_not_the_servers_fault(make_client, scripted, mark):
    """While reading is paused the idle timeout does not run."""
    client = make_client(idle=0.2)
    size = 16 << 20
    server = scripted([REQUEST, OK + b"Content-Length: %d\r\n\r\n" % size, bytes(size)])
    response = await client.send(server.address, b"POST", b"/", (), b"")
    response.expect(mark)
    await asyncio.sleep(0.6)
    assert len(await response.read()) == size


async def test_a_reader_that_never_comes_meets_the_total_timeout(make_client, scripted):
    """A forgotten answer does not hold its connection for ever."""
    client = make_client(total=0.3)
    size = 16 << 20
    server = scripted([REQUEST, OK + b"Content-Length: %d\r\n\r\n" % size, bytes(size)])
    await client.send(server.address, b"POST", b"/", (), b"")
    await asyncio.sleep(0.6)
    assert not client._pool.connections


async def test_a_timeout_is_not_replayed(make_client, scripted):
    """A request that timed out on a reused connection may have been acted on: it is not sent again."""
    client = make_client(first_byte=0.2)
    server = scripted([REQUEST, HELLO, REQUEST], [REQUEST, HELLO])
    await post(client, server)
    with pytest.raises(UpstreamTimeoutError):
        await post(client, server)
    assert len(server.requests) == 2


async def test_a_server_that_is_silent_is_told_as_such_whatever_it_sent_before(make_client, scripted):
    """Bytes of the answer before are not held against the next one on the connection."""
    client = make_client(first_byte=0.3, idle=0.3, floor=1000)
    server = scripted([REQUEST, STREAM, *chunks(b"data: 1\n\n", b"d", pause=0.1), b"0\r\n\r\n", REQUEST])
    assert await follow(client, server) == b"data: 1\n\nd"
    with pytest.raises(UpstreamSilentError, match=r"did not answer within 0\.3"):
        await post(client, server)
    assert server.connections == 1


async def test_an_old_connection_is_not_used_again(make_client, scripted):
    """After `lifetime` the next request opens a new one, though the old one works: its name may lead elsewhere."""
    client = make_client(lifetime=0.2)
    server = scripted([REQUEST, 0.05, HELLO, AGAIN])
    async with asyncio.timeout(5):
        while server.connections < 2:
            assert await post(client, server) == b"hello"
    assert len(server.requests) > 2


async def test_idle_connections_are_closed(make_client, scripted):
    """A connection nobody used for `keep_alive` seconds goes."""
    client = make_client(keep_alive=0.2)
    server = scripted([REQUEST, HELLO, AGAIN])
    await post(client, server)
    assert client._pool.connections
    assert await asyncio.to_thread(server.wait, lambda s: s.open == 0)
    assert not client._pool.connections
    await asyncio.sleep(0.1)
    assert not client._pool._origins


async def test_a_tls_handshake_that_never_comes_is_given_up(make_client, scripted):
    """The connect timeout covers TLS."""
    client = make_client(connect=0.2)
    server = scripted([5.0])
    address = Address("https", "127.0.0.1", server.port, private=True)
    with pytest.raises(UpstreamConnectTimeoutError, match=f"127.0.0.1:{server.port}"):
        await client.send(address, b"GET", b"/", (), b"")


async def test_a_connection_that_is_not_accepted_is_given_up(make_client):
    """The connect timeout covers TCP: the listener's queue is full, so the handshake hangs."""
    client = make_client(connect=0.3)
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        port = listener.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)):
            start = time.monotonic()
            with pytest.raises(UpstreamConnectTimeoutError, match=f"127.0.0.1:{port}"):
                await client.send(Address("http", "127.0.0.1", port, private=True), b"GET", b"/", (), b"")
            assert time.monotonic() - start < 1.5
