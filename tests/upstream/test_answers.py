"""How answers are framed, whole and broken, in plain text and over TLS."""

import asyncio
import itertools
import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fixtures.scripted import CLOSE, NOTIFY, REQUEST, RESET, SHUT
from gatewright.errors import UpstreamCutError, UpstreamProtocolError
from gatewright.upstream.connection import HEADER_LIMIT, Connection
from gatewright.upstream.timeouts import Timeouts

OK = b"HTTP/1.1 200 OK\r\n"
HELLO = OK + b"Content-Length: 5\r\n\r\nhello"


@pytest.fixture(params=["plain", "tls"])
def serve(request, scripted, authority, make_client):
    """Start a server, plain or TLS, and give a function that sends one request to it."""

    def start(*scripts):
        tls = authority.server("127.0.0.1") if request.param == "tls" else None
        server = scripted(*scripts, tls=tls)
        client = make_client(ca_file=authority.ca_file)

        async def post(method=b"POST"):
            response = await client.send(server.address, method, b"/", (), b"")
            return response.status, await response.read()

        post.server = server
        return post

    return start


REUSABLE = {
    "content-length": (HELLO, b"hello"),
    "empty": (OK + b"Content-Length: 0\r\n\r\n", b""),
    "chunked": (OK + b"Transfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n", b"hello"),
    "chunk extension": (OK + b"Transfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n0\r\n\r\n", b"hello"),
    "trailers": (OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nStatus: bad\r\n\r\n", b"hello"),
    "no content": (b"HTTP/1.1 204 No Content\r\n\r\n", b""),
    "not modified": (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", b""),
    "continue": (b"HTTP/1.1 100 Continue\r\n\r\n" + HELLO, b"hello"),
    "early hints": (b"HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\nHTTP/1.1 102 P\r\n\r\n" + HELLO, b"hello"),
    "no reason": (b"HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nhi", b"hi"),
    "1.0 keep-alive": (b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nhi", b"hi"),
}


@pytest.mark.parametrize(("answer", "body"), REUSABLE.values(), ids=REUSABLE)
async def test_a_framed_answer_leaves_its_connection_usable(serve, answer, body):
    """Every way to end a body without closing: the next request goes over the same connection."""
    post = serve([REQUEST, answer, REQUEST, HELLO])
    assert (await post())[1] == body
    assert await post() == (200, b"hello")
    assert post.server.connections == 1


ONE_SHOT = {
    "connection: close": (OK + b"Connection: close\r\nContent-Length: 5\r\n\r\nhello", b"hello"),
    "1.0": (b"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello", b"hello"),
}


@pytest.mark.parametrize(("answer", "body"), ONE_SHOT.values(), ids=ONE_SHOT)
async def test_an_answer_that_says_close_ends_its_connection(serve, answer, body):
    """The next request opens another connection."""
    post = serve([REQUEST, answer], [REQUEST, HELLO])
    assert (await post())[1] == body
    assert await post() == (200, b"hello")
    assert post.server.connections == 2


@pytest.mark.parametrize("version", [b"1.0", b"1.1"])
async def test_the_end_of_the_stream_ends_a_body_without_length(scripted, client, version):
    """Neither length nor chunks: the body is what comes until the server closes."""
    server = scripted([REQUEST, b"HTTP/%b 200 OK\r\nA: b\r\n\r\nhel" % version, 0.02, b"lo", SHUT])
    response = await client.send(server.address, b"POST", b"/", (), b"")
    assert await response.read() == b"hello"


@pytest.mark.parametrize(("ending", "whole"), [(NOTIFY, True), (SHUT, False)])
async def test_over_tls_only_an_orderly_end_ends_such_a_body(authority, make_client, scripted, ending, whole):
    """Without close_notify anybody on the way may have cut the stream."""
    server = scripted([REQUEST, OK + b"\r\nhel", 0.02, b"lo", ending], tls=authority.server("127.0.0.1"))
    client = make_client(ca_file=authority.ca_file)
    response = await client.send(server.address, b"POST", b"/", (), b"")
    if whole:
        assert await response.read() == b"hello"
    else:
        with pytest.raises(UpstreamCutError, match="broke off"):
            await response.read()


async def test_a_head_answer_has_no_body(serve):
    """The length of a HEAD answer is that of a body which is not sent."""
    post = serve([REQUEST, OK + b"Content-Length: 5\r\n\r\n"], [REQUEST, HELLO])
    assert await post(b"HEAD") == (200, b"")
    assert await post() == (200, b"hello")


BROKEN = {
    "no status line": b"hello\r\n\r\n",
    "other protocol": b"SSH-2.0-OpenSSH\r\n",
    "bad status": b"HTTP/1.1 abc OK\r\n\r\n",
    "bad version": b"HTTP/9.9 200 OK\r\n\r\n",
    "header without colon": OK + b"nonsense\r\n\r\n",
    "space before colon": OK + b"Content-Length : 5\r\n\r\nhello",
    "bad length": OK + b"Content-Length: five\r\n\r\nhello",
    "negative length": OK + b"Content-Length: -5\r\n\r\nhello",
    "huge length": OK + b"Content-Length: 99999999999999999999999\r\n\r\nhello",
    "two lengths": OK + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
    "length and chunks": OK + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunks and length": OK + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
    "bad chunk size": OK + b"Transfer-Encoding: chunked\r\n\r\nxyz\r\nhello\r\n0\r\n\r\n",
    "chunk longer than said": OK + b"Transfer-Encoding: chunked\r\n\r\n3\r\nhello\r\n0\r\n\r\n",
    "huge chunk size": OK + b"Transfer-Encoding: chunked\r\n\r\nfffffffffffffffffff\r\nhello",
    "switching protocols": b"HTTP/1.1 101 S\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
    "plain 101": b"HTTP/1.1 101 Switching\r\n\r\n" + HELLO,
    "large head": OK + b"".join(b"x-%d: %b\r\n" % (n, b"y" * 1000) for n in range(70)) + b"\r\n",
    "endless header": OK + b"x: " + b"y" * (HEADER_LIMIT + 4096),
    "endless interim answers": b"HTTP/1.1 100 Continue\r\n\r\n" * 4000,
    "endless trailer": OK + b"Transfer-Encoding: chunked\r\n\r\n0\r\nx: " + b"y" * (3 * HEADER_LIMIT),
}
CUT = {
    "in the status line": b"HTTP/1.1 2",
    "in the headers": OK + b"Content-Le",
    "before the body": OK + b"Content-Length: 5\r\n\r\n",
    "in the body": OK + b"Content-Length: 5\r\n\r\nhel",
    "in a chunk": OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhel",
    "before the last chunk": OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
    "in the trailers": OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n",
    "after an interim answer": b"HTTP/1.1 100 Continue\r\n\r\n",
    "with an unknown coding": OK + b"Transfer-Encoding: gzip\r\n\r\nhello",
}


@pytest.mark.parametrize("answer", BROKEN.values(), ids=BROKEN)
async def test_an_answer_that_is_not_http_is_an_error(serve, answer):
    """The error names the server, repeats nothing of the answer, and the connection is not used again."""
    post = serve([REQUEST, answer], [REQUEST, HELLO])
    with pytest.raises(UpstreamProtocolError, match=re.escape(f"127.0.0.1:{post.server.port} s")):
        await post()
    assert await post() == (200, b"hello")


@pytest.mark.parametrize("ending", [CLOSE, RESET])
@pytest.mark.parametrize("answer", CUT.values(), ids=CUT)
async def test_an_answer_that_breaks_off_is_an_error(serve, answer, ending):
    """A body is never taken for whole when its end is missing."""
    post = serve([REQUEST, answer, 0.02, ending], [REQUEST, HELLO])
    with pytest.raises(UpstreamCutError, match="broke off"):
        await post()
    assert await post() == (200, b"hello")


async def test_a_body_without_length_cut_by_a_reset_is_an_error(serve):
    """Only an orderly end of the stream ends such a body; over TLS that takes a close_notify."""
    post = serve([REQUEST, OK + b"\r\nhel", 0.05, RESET])
    with pytest.raises(UpstreamCutError, match="broke off"):
        await post()


async def test_bytes_before_the_break_are_delivered_first(scripted, client):
    """A stream that breaks off gives what came, then the error, also when read again."""
    server = scripted([REQUEST, OK + b"Content-Length: 9\r\n\r\nhello", CLOSE])
    response = await client.send(server.address, b"POST", b"/", (), b"")
    await asyncio.to_thread(server.wait, lambda s: s.open == 0)
    await asyncio.sleep(0.02)
    assert await anext(response) == b"hello"
    for _ in range(2):
        with pytest.raises(UpstreamCutError, match="broke off"):
            await anext(response)


async def test_headers_just_under_the_limit_are_read(scripted, client):
    """The limit is on the headers, not on what happens to arrive with them."""
    head = OK + b"Content-Length: 100000\r\nX: " + b"y" * (HEADER_LIMIT - 200) + b"\r\n\r\n"
    server = scripted([REQUEST, head + b"z" * 100_000])
    response = await client.send(server.address, b"POST", b"/", (), b"")
    assert len(await response.read()) == 100_000


async def test_repeated_headers_stay_apart(scripted, client):
    """Headers come as sent, in order, names in lower case."""
    server = scripted([REQUEST, OK + b"Set-Cookie: a\r\nVia: x\r\nSET-COOKIE: b\r\nContent-Length: 0\r\n\r\n"])
    response = await client.send(server.address, b"POST", b"/", (), b"")
    assert response.headers == (
        (b"set-cookie", b"a"),
        (b"via", b"x"),
        (b"set-cookie", b"b"),
        (b"content-length", b"0"),
    )
    assert (response.header(b"via"), response.header(b"none")) == (b"x", b"")
    await response.close()


class Wire(asyncio.Transport):
    """A transport whose other end is the test."""

    def __init__(self):
        super().__init__()
        self.closed = self.paused = False

    def write(self, data):
        pass

    def is_closing(self):
        return self.closed

    def abort(self):
        self.closed = True

    def pause_reading(self):
        self.paused = True

    def resume_reading(self):
        self.paused = False


async def played(pieces, *, then_eof):
    """Feed pieces to a fresh connection; what came of it."""
    loop = asyncio.get_running_loop()
    connection = Connection("test", Timeouts(), loop)
    connection.connection_made(Wire())
    task = loop.create_task(connection.exchange(b"", b"", bodiless=False, total_until=1e9))
    await asyncio.sleep(0)
    for piece in pieces:
        if not connection.closed:
            connection.data_received(piece)
    if then_eof:
        connection.eof_received()
    try:
        response = await task
        body = await response.read()
    except UpstreamProtocolError as error:
        return error.public
    finally:
        connection.abort()
    return response.status, response.headers, body, connection._used


WHOLE = [answer for answer, _ in (REUSABLE | ONE_SHOT).values()]
FAILED = [answer for name, answer in BROKEN.items() if len(answer) < 1000]


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(answer=st.sampled_from(WHOLE + FAILED + list(CUT.values()) + [OK + b"\r\nhello"]), data=st.data())
async def test_the_cut_of_the_bytes_changes_nothing(answer, data):
    """However an answer is cut into reads, the outcome is that of one read."""
    cuts = data.draw(st.sets(st.integers(1, len(answer) - 1), max_size=12))
    edges = [0, *sorted(cuts), len(answer)]
    pieces = [answer[a:b] for a, b in itertools.pairwise(edges)]
    assert await played(pieces, then_eof=True) == await played([answer], then_eof=True)


@pytest.mark.parametrize("answer", WHOLE)
async def test_byte_by_byte_is_the_same(answer):
    """One byte a read gives the answer that one read gives."""
    pieces = [answer[n : n + 1] for n in range(len(answer))]
    assert await played(pieces, then_eof=False) == await played([answer], then_eof=False)


async def test_a_status_that_http_does_not_have_is_no_answer(serve):
    """600 and up cannot be given on."""
    post = serve([REQUEST, b"HTTP/1.1 600 Odd\r\nContent-Length: 2\r\n\r\nhi"])
    with pytest.raises(UpstreamProtocolError, match="status 600"):
        await post()
