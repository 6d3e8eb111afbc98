"""Bodies, and the room there is for them in memory: over HTTP/1.1, from both forms of the server."""

import asyncio

import pytest

from fixtures.exchange import make_holder
from fixtures.lanes import AUTHORIZATION, BOTH, CHAT, LAST, MAX_BODY, PATH, configured, post, until
from gatewright.gateway.admit import Admission
from gatewright.gateway.pipeline import Pipeline

pytestmark = BOTH

HEAD = b"\r\n".join([b"POST " + PATH + b" HTTP/1.1", b"host: x", AUTHORIZATION])
CHUNKED = HEAD + b"\r\ntransfer-encoding: chunked\r\n\r\n"


def chunk(data):
    return b"%x\r\n%b\r\n" % (len(data), data)


@pytest.fixture
def admission():
    """Room for one body of the largest size, and one request more."""
    return Admission(limit=2, held=MAX_BODY, seconds=0.1)


@pytest.fixture
def config(form, upstream, admission):
    """A server with that room."""
    return configured(form, Pipeline(make_holder("one"), upstream, admission=admission))


async def test_a_body_is_held_from_its_head_to_the_end_of_its_request(opened, admission):
    """Its announced length, before it has come."""
    body = b'{"model":"ep","messages":[]' + b" " * 100_000 + b"}"
    client = await opened()
    client.send(HEAD + b"\r\ncontent-length: %d\r\n\r\n" % len(body))
    await until(lambda: admission.worker.taken)
    assert admission.worker.held == len(body)
    client.send(body)
    assert (await client.answer()).status == 200
    await until(lambda: not admission.worker.taken)
    assert admission.worker.held == 0


async def test_a_body_without_a_length_is_held_as_it_comes(opened, admission):
    """Nothing of it before."""
    client = await opened()
    client.send(CHUNKED)
    await until(lambda: admission.worker.taken)
    assert admission.worker.held == 0
    client.send(chunk(CHAT[:10]))
    await until(lambda: admission.worker.held == 10)
    client.send(chunk(CHAT[10:]) + b"0\r\n\r\n")
    assert (await client.answer()).status == 200
    await until(lambda: not admission.worker.taken)
    assert admission.worker.held == 0


async def test_a_body_that_finds_no_room_is_refused_and_what_comes_of_it_is_dropped(opened, admission):
    """The client is told in the middle of it; the one that has the room goes on, and so does the next."""
    slow = await opened()
    slow.send(HEAD + b"\r\ncontent-length: %d\r\n\r\n" % (MAX_BODY - 10))
    await until(lambda: admission.worker.taken)
    client = await opened()
    client.send(CHUNKED + chunk(b" " * 5))
    await until(lambda: admission.worker.taken == 2)
    client.send(chunk(b" " * 100_000) + chunk(b" " * 100_000))
    (refused,) = await client.answers()
    assert (refused.status, refused.headers[b"retry-after"]) == (503, b"1")
    assert b"GATEWRIGHT_MAX_HELD" in refused.body
    await until(lambda: admission.worker.taken == 1)
    assert admission.worker.held == MAX_BODY - 10
    slow.send(CHAT[:-1] + b" " * (MAX_BODY - 10 - len(CHAT)) + b"}")
    assert (await slow.answer()).status == 200


async def test_an_announced_body_waits_for_room_before_it_is_read(opened, admission):
    """And gets it when another is through."""
    slow, client = await opened(), await opened()
    slow.send(HEAD + b"\r\ncontent-length: %d\r\n\r\n" % MAX_BODY)
    await until(lambda: admission.worker.taken)
    client.send(post(PATH, CHAT, LAST))
    await until(lambda: admission.waiting)
    await slow.close()
    assert [one.status for one in await client.answers()] == [200]
    assert (admission.worker.held, admission.shed) == (0, 0)


async def test_a_client_that_leaves_the_queue_gives_its_place_to_the_next(opened, admission):
    """Under any server: at once, or at the end of the queue's time where that cannot tell earlier."""
    slow = await opened()
    slow.send(HEAD + b"\r\ncontent-length: %d\r\n\r\n" % MAX_BODY)
    await until(lambda: admission.worker.taken)
    leaving = await opened()
    leaving.send(post(PATH, CHAT))
    await until(lambda: admission.waiting)
    await leaving.close()
    await until(lambda: not admission.waiting)
    await slow.close()
    await until(lambda: not admission.worker.taken)
    client = await opened()
    client.send(post(PATH, CHAT, LAST))
    assert [one.status for one in await client.answers()] == [200]


async def test_a_body_over_the_limit_is_refused_whatever_room_there_is(opened, admission):
    """It is the client's mistake, and not to be sent again."""
    slow = await opened()
    slow.send(HEAD + b"\r\ncontent-length: %d\r\n\r\n" % MAX_BODY)
    await until(lambda: admission.worker.taken)
    client = await opened()
    async with asyncio.timeout(5):
        client.send(HEAD + b"\r\ncontent-length: %d\r\n\r\n" % (MAX_BODY + 1))
        assert (await client.answer()).status == 413
    assert admission.worker.taken == 1
