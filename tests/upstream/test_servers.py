"""The client against servers that we did not write: the same of each, but for what only some of them can do."""

import asyncio

import pytest

from fixtures.origins import BIG, EVENTS, FRONTS
from gatewright.errors import UpstreamProtocolError, UpstreamTimeoutError

BEFORE = [name for name in FRONTS if name != "caddy"]  # which serves files alone
OURS_BEHIND = [*BEFORE, "hypercorn"]

pytestmark = pytest.mark.slow


def over(servers, schemes=("http", "https")):
    """Run a test over each of these servers with each scheme."""
    return pytest.mark.parametrize(
        ("origin", "scheme"), [(server, scheme) for server in servers for scheme in schemes], indirect=["origin"]
    )


# The model is served without TLS.
ALL = pytest.mark.parametrize(
    ("origin", "scheme"),
    [*((server, scheme) for server in OURS_BEHIND for scheme in ("http", "https")), ("llama", "http")],
    indirect=["origin"],
)


@pytest.fixture
def origin(request):
    """A running server, by its name."""
    return request.getfixturevalue(request.param)


@pytest.fixture
def address(origin, scheme):
    """Where it listens."""
    return origin.addresses[scheme]


@pytest.fixture
def client(make_client, authority):
    """A client that trusts them and has time for a model."""
    return make_client(ca_file=authority.ca_file, first_byte=30, idle=30, total=60)


@pytest.fixture
def ask(client, origin, address):
    """Sends a request and gives its answer as soon as it begins."""

    async def send(asked, method=b""):
        return await client.send(address, method or asked.method, asked.path, origin.headers, asked.body)

    return send


@pytest.fixture
def whole(ask):
    """Sends a request and reads its answer to the end."""

    async def send(asked):
        response = await ask(asked)
        body = await response.read()
        assert response.status == 200
        assert asked.right(body)
        return response

    return send


@ALL
async def test_requests_follow_each_other_on_one_connection(origin, client, whole):
    """Small ones, large ones and streams, in any order."""
    for asked in (origin.small, origin.large, origin.stream, origin.small):
        await whole(asked)
    assert client.usage.open == 1


@ALL
async def test_many_requests_at_once_are_all_answered(origin, client, whole):
    """Whenever a server closes a kept connection, as nginx does after ten requests, nothing is lost."""
    await asyncio.gather(*(whole(origin.small) for _ in range(200)))
    for _ in range(20):
        await asyncio.gather(*(whole(origin.small) for _ in range(4)))
    assert client.usage.open <= 200


@ALL
async def test_an_answer_to_head_has_no_body(origin, ask):
    """Whatever length it tells."""
    response = await ask(origin.small, b"HEAD")
    assert response.status == 200
    assert await response.read() == b""


@ALL
async def test_answers_with_a_length_and_in_chunks_arrive_as_they_are_framed(origin, whole):
    """The length is that of the body; a stream has none."""
    response = await whole(origin.large)
    assert int(response.header(b"content-length")) > 200_000
    response = await whole(origin.stream)
    assert (response.header(b"content-length"), response.header(b"transfer-encoding")) == (b"", b"chunked")


@ALL
async def test_a_stream_comes_as_it_is_written(origin, ask):
    """Its first piece long before the last."""
    response = await ask(origin.stream)
    pieces = [piece async for piece in response]
    assert len(pieces) > 1
    assert origin.stream.right(b"".join(pieces))


@ALL
async def test_a_stream_may_be_left_in_the_middle(origin, client, ask, whole):
    """Its connection goes, and the next request is served on another."""
    response = await ask(origin.stream)
    await anext(response)
    await response.close()
    assert client.usage.open == 0
    await whole(origin.small)


@over(OURS_BEHIND)
@pytest.mark.parametrize("size", [0, 1, 100_000, len(BIG)])
async def test_bodies_of_any_size_go_both_ways(client, address, size):
    """Over HTTP/1.1, though nginx and hypercorn also offer HTTP/2."""
    response = await client.send(address, b"POST", b"/echo", (), BIG[:size])
    assert await response.read() == BIG[:size]


@over(OURS_BEHIND)
@pytest.mark.parametrize("path", [b"/files/large", b"/chunked"])
async def test_large_answers_arrive_whole(client, address, path):
    """A file with its length, and an answer in chunks."""
    response = await client.send(address, b"GET", path, (), b"")
    assert await response.read() == BIG
    assert bool(response.header(b"content-length")) == (path == b"/files/large")


@over(OURS_BEHIND)
async def test_a_reader_that_pauses_loses_nothing(client, address):
    """The server waits, and the connection is used again."""
    response = await client.send(address, b"GET", b"/chunked", (), b"")
    found = bytearray()
    async for piece in response:
        found += piece
        await asyncio.sleep(0.001)
    assert found == BIG
    assert client.usage.open == 1


@over(["nginx", "hypercorn"])
async def test_an_application_that_fails_is_told_from_an_end(client, address):
    """The stream has no last chunk; h2o 2.2 would send one itself."""
    response = await client.send(address, b"POST", b"/break", (), b"")
    assert await anext(response) == EVENTS[0]
    with pytest.raises(UpstreamProtocolError, match="broke off"):
        await response.read()


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("name", BEFORE)
async def test_a_server_that_dies_in_the_middle_is_told_from_an_end(client, front, name, scheme):
    """Whatever it is the proxy of."""
    with front(name) as origin:
        response = await client.send(origin.addresses[scheme], b"POST", b"/wait", (), b"")
        assert await anext(response) == EVENTS[0]
        origin.kill()
        with pytest.raises(UpstreamProtocolError, match="broke off"):
            await response.read()


@over(OURS_BEHIND)
async def test_a_stream_that_falls_silent_meets_the_idle_timeout(make_client, authority, address):
    """After what it did send."""
    client = make_client(ca_file=authority.ca_file, idle=0.2)
    response = await client.send(address, b"POST", b"/wait", (), b"")
    assert await anext(response) == EVENTS[0]
    with pytest.raises(UpstreamTimeoutError, match=r"no progress for 0\.2"):
        await response.read()


@over(OURS_BEHIND, ["https"])
async def test_the_session_of_one_connection_is_resumed_by_the_next(client, origin, ask, whole):
    """While the first one is busy."""
    await whole(origin.small)
    busy = await ask(origin.stream)
    await whole(origin.small)
    objects = [one._transport.get_extra_info("ssl_object") for one in client._pool.connections]
    assert sorted(one.session_reused for one in objects) == [False, True]
    assert origin.stream.right(await busy.read())


@over(["caddy"])
async def test_an_interim_answer_is_passed_over(client, address):
    """Early hints; the connection is used again."""
    for _ in range(2):
        response = await client.send(address, b"GET", b"/files/hinted", (), b"")
        assert response.status == 200
        assert await response.read() == b"hello"
    assert client.usage.open == 1


@over(["caddy"])
async def test_files_follow_each_other_on_one_connection(client, address):
    """Small ones and large ones, in any order; over HTTP/1.1, though Caddy also offers HTTP/2."""
    for path, body in ((b"/files/small", b"hello"), (b"/files/large", BIG), (b"/files/small", b"hello")):
        response = await client.send(address, b"GET", path, (), b"")
        assert await response.read() == body
        assert int(response.header(b"content-length")) == len(body)
    assert client.usage.open == 1


@over(["caddy"])
async def test_many_files_at_once_all_arrive(client, address):
    """And the connections are used again."""

    async def fetch():
        response = await client.send(address, b"GET", b"/files/small", (), b"")
        return await response.read()

    for _ in range(3):
        assert set(await asyncio.gather(*(fetch() for _ in range(100)))) == {b"hello"}
    assert client.usage.open <= 100
