"""What nginx can do besides what the client meets in every server."""

import pytest

from fixtures.origins import BIG
from gatewright.errors import UpstreamProtocolError

BOTH = pytest.mark.parametrize("scheme", ["http", "https"])
pytestmark = pytest.mark.slow


@pytest.fixture
def call(nginx, make_client, authority):
    """Sends a request and reads its answer whole; `call.client` is the client."""
    client = make_client(ca_file=authority.ca_file, client_cert=str(authority.issue("gateway.test")))

    async def send(scheme, method, path, body=b""):
        response = await client.send(nginx.addresses[scheme], method, path, (), body)
        return response, await response.read()

    send.client = client
    return send


@BOTH
async def test_answers_without_a_body_leave_the_connection_usable(call, scheme):
    """A 204, and an error's page after it."""
    for method, path, status, body in [
        (b"GET", b"/hello", 200, b"hello"),
        (b"GET", b"/empty", 204, b""),
        (b"POST", b"/hello", 200, b"hello"),
        (b"GET", b"/files/nowhere", 404, None),
    ]:
        response, found = await call(scheme, method, path, b"x" if method == b"POST" else b"")
        assert response.status == status
        assert body is None or found == body
    assert call.client.usage.open == 1


@BOTH
async def test_head_of_a_large_file_tells_its_length(call, scheme):
    """And brings nothing of it."""
    response, found = await call(scheme, b"HEAD", b"/files/large")
    assert (response.header(b"content-length"), found) == (b"%d" % len(BIG), b"")


@BOTH
async def test_a_connection_that_the_server_closes_is_not_used_again(call, scheme):
    """It says so in its answer."""
    assert [body for _, body in [await call(scheme, b"GET", b"/close") for _ in range(3)]] == [b"bye"] * 3
    assert call.client.usage.open == 0


@BOTH
@pytest.mark.parametrize("path", [b"slow", b"packed", b"chunked", b"endless"])
async def test_a_file_arrives_whole_however_it_is_sent(call, scheme, path):
    """Slowly, compressed unasked, in chunks, until the end of the stream."""
    _, body = await call(scheme, b"GET", b"/files/" + path)
    assert body == BIG


@BOTH
async def test_a_large_request_is_refused_early(call, scheme):
    """A 413 is heard though the body was not read."""
    response, _ = await call(scheme, b"POST", b"/hello", BIG)
    assert response.status == 413


@BOTH
async def test_closing_without_an_answer_is_an_error(call, scheme):
    """Its 444: the request was sent and may not be sent again."""
    with pytest.raises(UpstreamProtocolError, match="without an answer"):
        await call(scheme, b"GET", b"/gone")


async def test_sessions_are_resumed_and_our_certificate_is_trusted(call):
    """What it says of each connection: the first handshake is a full one, the next are short."""
    said = []
    for _ in range(3):
        response, _ = await call("https", b"GET", b"/close")
        said.append((response.header(b"x-resumed"), response.header(b"x-client")))
    assert said == [(b".", b"SUCCESS"), (b"r", b"SUCCESS"), (b"r", b"SUCCESS")]
