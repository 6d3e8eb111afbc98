"""Operations over HTTP/1.1, as bytes on a socket: the same from the fast lane and the plain ASGI form."""

import asyncio
import json
import socket
import struct

import pytest

from fixtures.lanes import AUTHORIZATION, BOTH, CHAT, LAST, MAX_BODY, PATH, post, until
from gatewright.server import protocol
from gatewright.server.fastlane import FastLane
from gatewright.upstream.fake import Answer

pytestmark = BOTH

EVENT = b'data: {"choices":[{"finish_reason":"stop"}]}\n\n'
STREAM = Answer(headers=((b"content-type", b"text/event-stream"),), body=[b"data: 1\n\n", 0.01, EVENT])
STREAMED = b'{"model":"ep","stream":true,"messages":[]}'
WAITING = Answer(body=[3600.0])
HEAD = b"\r\n".join([b"POST " + PATH + b" HTTP/1.1", b"host: x", AUTHORIZATION])


async def test_an_operation_is_served_on_a_connection_that_is_kept(opened):
    """Headers of ours and the date with it."""
    client = await opened()
    for _ in range(3):
        client.send(post(PATH, CHAT))
        answer = await client.answer()
        assert (answer.status, answer.body) == (200, b'{"answer":1}')
        assert answer.headers[b"date"]
        assert answer.headers[b"x-gatewright-request-id"].startswith(b"req_")
        assert b"connection" not in answer.headers


async def test_the_fast_lane_makes_no_scope_for_an_operation_and_asgi_serves_the_rest(opened, state, form):
    """Else these tests would test the same thing twice."""
    client = await opened()
    client.send(post(PATH, CHAT))
    assert (await client.answer()).status == 200
    (connection,) = state.connections
    assert (connection.scope is None) == (form is FastLane)
    client.send(b"GET /health/live HTTP/1.1\r\nhost: x\r\n\r\n")
    assert (await client.answer()).body == b"OK"
    assert connection.scope["path"] == "/health/live"


@pytest.mark.parametrize("cut", [1, 7, 200])
async def test_pipelined_requests_are_answered_in_order(opened, upstream, cut):
    """However they are cut, whoever serves them, and however long the first one takes."""
    upstream.answer = STREAM
    sent = post(PATH, STREAMED) + post(PATH, CHAT) + post(b"/nothing", b"")
    sent += post(b"/v1/models", b"").replace(b"POST", b"GET", 1) + post(b"/v1/embeddings", CHAT, LAST)
    client = await opened()
    for start in range(0, len(sent), cut):
        client.send(sent[start : start + cut])
        await asyncio.sleep(0)
    answers = await client.answers()
    assert [one.status for one in answers] == [200, 200, 403, 200, 200]
    assert answers[0].body == answers[1].body == b"data: 1\n\n" + EVENT
    assert b"list" in answers[3].body
    assert answers[4].headers[b"connection"] == b"close"


async def test_a_thousand_pipelined_requests_are_answered(opened):
    """More than are read at once."""
    client = await opened()
    client.send(post(PATH, CHAT) * 999 + post(PATH, CHAT, LAST))
    assert [one.status for one in await client.answers()] == [200] * 1000


async def test_a_stream_goes_out_in_chunks_as_it_comes(opened, upstream):
    """Each piece by itself, and the connection is kept."""
    upstream.answer = STREAM
    client = await opened()
    client.send(post(PATH, STREAMED) + post(PATH, STREAMED, LAST))
    head = await client.reader.readuntil(b"\r\n\r\n")
    assert b"transfer-encoding: chunked\r\n" in head
    assert await client.reader.readuntil(b"1\n\n\r\n") == b"9\r\ndata: 1\n\n\r\n"
    assert await client.reader.readuntil(b"0\r\n\r\n") == b"%x\r\n%b\r\n0\r\n\r\n" % (len(EVENT), EVENT)
    assert [one.body for one in await client.answers()] == [b"data: 1\n\n" + EVENT]


async def test_a_body_in_chunks_is_put_together(opened, upstream):
    """Trailers do not become headers."""
    client = await opened()
    chunks = b"".join(b"%x\r\n%b\r\n" % (1, bytes([byte])) for byte in CHAT)
    client.send(HEAD + b"\r\ntransfer-encoding: chunked\r\n\r\n" + chunks + b"0\r\nopenai-beta: x\r\n\r\n")
    assert (await client.answer()).status == 200
    assert upstream.requests[0].body == CHAT.replace(b"ep", b"one")
    assert b"openai-beta" not in dict(upstream.requests[0].headers)


async def test_a_body_may_come_byte_by_byte(opened, upstream):
    """Each by itself."""
    client = await opened()
    for byte in post(PATH, CHAT):
        client.send(bytes([byte]))
        await asyncio.sleep(0.001)
    assert (await client.answer()).status == 200
    assert upstream.requests[0].body == CHAT.replace(b"ep", b"one")


async def test_a_client_that_waits_to_send_its_body_is_asked_for_it(opened):
    """And the connection is kept."""
    client = await opened()
    for _ in range(2):
        client.send(HEAD + b"\r\nexpect: 100-Continue\r\ncontent-length: %d\r\n\r\n" % len(CHAT))
        assert await client.reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        client.send(CHAT)
        assert (await client.answer()).status == 200


@pytest.mark.parametrize(
    ("path", "key"), [(PATH, "error"), (b"/v1/messages", "type"), (b"/gateway/ep/mlflow/invocations", "detail")]
)
@pytest.mark.parametrize("fields", [(), (b"expect: 100-continue",)], ids=["sent", "waiting"])
async def test_a_body_that_is_announced_too_long_is_refused_unread(opened, path, key, fields):
    """In the caller's dialect; the answer reaches a client that sends on, and the connection is closed."""
    client = await opened()
    head = HEAD.replace(PATH, path)
    client.send(b"\r\n".join([head, *fields, b"content-length: %d" % (20 * MAX_BODY), b"", b""]))
    sending = asyncio.create_task(_send_much(client)) if not fields else None
    (answer,) = await client.answers()
    assert (answer.status, answer.headers[b"connection"]) == (413, b"close")
    assert key in json.loads(answer.body)
    assert f"over the limit of {MAX_BODY} bytes" in answer.body.decode()
    if sending is not None:
        await sending  # nothing was reset


async def _send_much(client, times=20):
    for _ in range(times):
        client.send(bytes(MAX_BODY))
        await client.writer.drain()


async def test_a_body_in_chunks_that_gets_too_long_is_refused_then(opened):
    """In the caller's dialect."""
    client = await opened()
    piece = b"%x\r\n%b\r\n" % (MAX_BODY // 4, bytes(MAX_BODY // 4))
    client.send(HEAD + b"\r\ntransfer-encoding: chunked\r\n\r\n")
    client.send(piece * 8)
    (answer,) = await client.answers()
    assert (answer.status, answer.headers[b"connection"]) == (413, b"close")


async def test_a_body_of_exactly_the_limit_is_no_longer_than_it(opened, upstream):
    """By its length and in chunks."""
    body = b'{"model":"ep","messages":"%b"}' % (b"x" * (MAX_BODY - 28))
    assert len(body) == MAX_BODY
    client = await opened()
    client.send(post(PATH, body))
    assert (await client.answer()).status == 200
    client.send(HEAD + b"\r\ntransfer-encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (len(body), body))
    assert (await client.answer()).status == 200
    assert {len(one.body) for one in upstream.requests} == {MAX_BODY + 1}


async def test_a_refused_client_may_send_only_so_much_more(opened, monkeypatch):
    """Then it is cut off, whatever it misses."""
    monkeypatch.setattr(protocol, "SURPLUS", 1 << 16)
    client = await opened()
    client.send(HEAD + b"\r\ncontent-length: %d\r\n\r\n" % (1 << 40))
    with pytest.raises(ConnectionError):
        await _send_much(client, 200)


async def test_a_refused_client_may_keep_the_connection_only_so_long(opened, monkeypatch, state):
    """One that neither sends on nor closes."""
    monkeypatch.setattr(protocol, "LINGER", 0.1)
    client = await opened()
    client.send(HEAD + b"\r\ncontent-length: %d\r\n\r\n" % (1 << 40))
    assert [one.status for one in await client.answers()] == [413]
    await until(lambda: not state.connections)


async def test_an_upload_that_nobody_asks_for_yet_is_not_read(opened, state, upstream):
    """It waits in the sockets while the request before it is served."""
    upstream.answer = WAITING
    client = await opened()
    client.send(post(PATH, CHAT))
    await until(lambda: upstream.requests)
    client.send(HEAD + b"\r\ncontent-length: 500000000\r\n\r\n")
    sending = asyncio.create_task(_send_much(client, 500))
    await asyncio.sleep(0.3)
    assert not sending.done()
    sending.cancel()
    (connection,) = state.connections
    assert connection.flow.read_paused


async def test_a_client_that_does_not_read_is_not_written_for(opened, state, upstream):
    """Of a stream of 200 MB hardly anything is taken from the provider."""
    taken = []

    class Pieces(list):
        def __iter__(self):
            yield EVENT
            yield 0.01
            for number in range(1000):
                taken.append(number)
                yield b"data: %b\n\n" % bytes(200_000)
            yield EVENT

    upstream.answer = Answer(headers=STREAM.headers, body=Pieces())
    client = await opened()
    client.send(post(PATH, STREAMED))
    await client.reader.readuntil(b"\r\n\r\n")
    client.writer.transport.pause_reading()
    (connection,) = state.connections
    await until(lambda: connection.flow.write_paused)
    before = len(taken)
    await asyncio.sleep(0.1)
    assert len(taken) == before < 200
    client.writer.transport.resume_reading()
    received, tail = 0, b""
    while not tail.endswith(b"\r\n0\r\n\r\n"):
        data = await client.reader.read(1 << 20)
        received += len(data)
        tail = (tail + data)[-16:]
    assert received > 200_000_000


async def test_a_client_that_takes_nothing_of_its_answer_is_given_up(opened, state, upstream, monkeypatch):
    """Or it would hold the request for good."""
    monkeypatch.setattr(protocol, "STUCK", 0.2)
    monkeypatch.setattr(protocol, "PATIENCE", 0.1)
    upstream.answer = Answer(headers=STREAM.headers, body=[EVENT, 0.01, *[b"data: %b\n\n" % bytes(20_000_000)] * 3])
    client = await opened()
    client.writer.transport.pause_reading()
    client.send(post(PATH, STREAMED))
    await until(lambda: upstream.requests)
    await until(lambda: not (state.connections or state.tasks))
    assert upstream.aborted == 1


@pytest.mark.parametrize("how", ["close", "reset", "half"])
@pytest.mark.parametrize("sent", [post(PATH, CHAT), post(PATH, CHAT) * 2], ids=["one", "two"])
async def test_a_client_that_leaves_stops_its_request_at_once(opened, state, upstream, how, sent):
    """Also by ending its side of the connection, for the end of both sides looks the same to us."""
    upstream.answer = WAITING
    client = await opened()
    client.send(sent)
    await until(lambda: upstream.requests)
    sock = client.writer.get_extra_info("socket")
    if how == "half":
        client.writer.write_eof()
    else:
        if how == "reset":
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.writer.close()
    await until(lambda: upstream.aborted == 1 and not state.tasks and not state.connections)
    assert len(upstream.requests) == 1


async def test_a_lost_connection_ends_its_request_within_a_turn_of_the_loop(opened, state, upstream):
    """The provider's answer is dropped before anything else happens."""
    upstream.answer = WAITING
    client = await opened()
    client.send(post(PATH, CHAT))
    await until(lambda: upstream.requests)
    (connection,) = state.connections
    connection.connection_lost(ConnectionResetError())
    for _ in range(3):
        await asyncio.sleep(0)
    assert upstream.aborted == 1
    connection.transport.abort()


@pytest.mark.parametrize("answer", [WAITING, STREAM], ids=["waiting", "stream"])
async def test_a_client_may_leave_at_any_byte(opened, state, upstream, answer):
    """Of the request or of the answer; nothing is left of it and the server serves on."""
    upstream.answer = answer
    sent = HEAD + b"\r\nexpect: 100-continue\r\ntransfer-encoding: chunked\r\n\r\n"
    sent += b"%x\r\n%b\r\n0\r\n\r\n" % (len(STREAMED), STREAMED)
    for cut in range(1, len(sent) + 1, 2):
        client = await opened()
        client.send(sent[:cut])
        await client.writer.drain()
        if cut % 3:
            await asyncio.sleep(0.001)
        client.writer.transport.abort()
    await until(lambda: not state.connections and not state.tasks)
    upstream.answer = STREAM
    client = await opened()
    client.send(post(PATH, STREAMED, LAST))
    assert (await client.answers())[0].whole


async def test_an_idle_connection_is_closed_after_the_keep_alive_timeout(opened, config, monkeypatch):
    """Counted from the end of the answer, which may take longer itself; line breaks between requests are none."""
    config.timeout_keep_alive = 0.3
    monkeypatch.setattr(protocol, "PATIENCE", 0.3)
    loop = asyncio.get_running_loop()
    client = await opened()
    client.send(post(PATH, CHAT) + b"\r\n")
    await client.answer()
    began = loop.time()
    assert await client.answers() == []
    assert 0.25 < loop.time() - began < 1


async def test_an_answer_may_take_longer_than_any_silence(opened, config, monkeypatch, upstream):
    """It is not the client's turn."""
    config.timeout_keep_alive = 0.1
    monkeypatch.setattr(protocol, "PATIENCE", 0.1)
    upstream.answer = Answer(body=[0.5, b"{}"])
    client = await opened()
    client.send(post(PATH, CHAT))
    assert (await client.answer()).body == b"{}"


@pytest.mark.parametrize("sent", [HEAD, HEAD + b"\r\ncontent-length: 9\r\n\r\n{"], ids=["head", "body"])
async def test_a_request_that_does_not_come_on_is_given_up(opened, monkeypatch, sent, state):
    """Whatever part of it is missing."""
    monkeypatch.setattr(protocol, "PATIENCE", 0.1)
    client = await opened()
    client.send(sent)
    assert await client.answers() == []
    await until(lambda: not state.tasks)


async def test_a_request_that_asks_for_another_protocol_is_served_as_it_is(opened):
    """As Java's client asks."""
    client = await opened()
    upgrade = (b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c", b"HTTP2-Settings: AAMAAABk")
    client.send(post(PATH, CHAT, *upgrade) + post(PATH, CHAT) + post(PATH, CHAT, *upgrade[1:], LAST))
    assert [one.status for one in await client.answers()] == [200, 200, 200]


@pytest.mark.parametrize(("method", "status"), [(b"HEAD", 405), (b"OPTIONS", 405), (b"PUT", 405)])
async def test_other_methods_of_an_operations_path_are_refused(opened, method, status):
    """With those it takes."""
    client = await opened()
    client.send(HEAD.replace(b"POST", method) + b"\r\n\r\n")
    head = await client.reader.readuntil(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 %d " % status)
    assert b"\r\nallow: POST\r\n" in head


@pytest.mark.parametrize(
    "target",
    [b"/v1/chat%2Fcompletions", b"/v1/ch%61t/completions", b"http://other/v1/chat/completions", PATH + b"?a=b"],
)
async def test_a_path_may_be_written_in_other_ways(opened, target):
    """Percent-encoded, absolute, with a query."""
    client = await opened()
    client.send(post(target, CHAT, LAST))
    assert [one.status for one in await client.answers()] == [200]


async def test_a_target_too_long_to_be_remembered_is_served(opened):
    """Like any other."""
    client = await opened()
    client.send(post(PATH + b"?" + b"a" * 2000, CHAT, LAST))
    assert [one.status for one in await client.answers()] == [200]


async def test_a_header_that_would_break_the_framing_is_an_error_of_ours(opened, upstream):
    """Nothing of it reaches the client."""
    upstream.answer = Answer(headers=(*upstream.answer.headers, (b"x-request-id", b"a\r\nset-cookie: b")), body=[b"{}"])
    client = await opened()
    client.send(post(PATH, CHAT, LAST))
    (answer,) = await client.answers()
    assert answer.status == 500
    assert b"set-cookie" not in answer.headers


@pytest.mark.parametrize("fields", [(), (LAST,)])
async def test_the_answer_to_a_fault_that_nobody_met_is_the_last_one_and_says_so_once(
    opened, config, monkeypatch, fields
):
    """Whether or not the client has said that it will not ask more."""

    async def fault(*_):
        raise RuntimeError

    monkeypatch.setattr(config.app, "serve", fault)
    client = await opened()
    client.send(post(PATH, CHAT, *fields))
    raw = await client.reader.read()
    assert raw.startswith(b"HTTP/1.1 500 ")
    assert raw.lower().count(b"connection: close") == 1


async def test_an_answer_before_the_whole_request_is_the_last_one(opened):
    """What follows could be the rest of it: here a body that looks like a request."""
    client = await opened()
    inner = post(PATH, CHAT)
    wrong = post(PATH, inner).replace(AUTHORIZATION, b"x: y", 1)
    client.send(wrong[: -len(inner)])
    answer = await client.answer()
    assert (answer.status, answer.headers[b"connection"]) == (401, b"close")
    client.send(inner)
    assert await client.answers() == []


async def test_what_is_no_http_is_refused_after_the_answers_before_it(opened, upstream):
    """Not in the middle of them."""
    upstream.answer = STREAM
    client = await opened()
    client.send(post(PATH, STREAMED) * 2 + b"\x16\x03\x01 no HTTP at all\r\n\r\n")
    answers = await client.answers()
    assert [one.status for one in answers] == [200, 200, 400]
    assert answers[1].body == b"data: 1\n\n" + EVENT
    assert answers[2].headers[b"connection"] == b"close"


async def test_a_pipelined_body_that_is_none_is_refused_after_the_answers_before_it(opened, upstream):
    """Its request is never begun."""
    upstream.answer = STREAM
    client = await opened()
    client.send(post(PATH, STREAMED) + HEAD + b"\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n")
    answers = await client.answers()
    assert [one.status for one in answers] == [200, 400]
    assert len(upstream.requests) == 1
