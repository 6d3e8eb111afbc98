"""The client without sockets behaves like the real one."""

import asyncio

import pytest

from gatewright.errors import UnavailableError, UpstreamProtocolError, UpstreamRefusedError, UpstreamTimeoutError
from gatewright.snapshot.address import Address
from gatewright.upstream.fake import Answer, FakeClient, in_turn
from gatewright.upstream.response import HIGH_WATER

ADDRESS = Address("https", "llm.test", 443)


async def send(client, body=b"{}"):
    return await client.send(ADDRESS, b"POST", b"/v1", [(b"a", b"b")], body)


async def test_it_plays_answers_in_turn():
    """Answers and errors come in order, and the requests are kept."""
    client = FakeClient(in_turn(Answer(body=[b"one"]), UpstreamTimeoutError("slow"), Answer(status=429)))
    assert await (await send(client, b"1")).read() == b"one"
    with pytest.raises(UpstreamTimeoutError):
        await send(client)
    assert (await send(client)).status == 429
    with pytest.raises(UpstreamRefusedError, match="no answer left"):
        await send(client)
    assert (client.requests[0].path, client.requests[0].headers, client.requests[0].body) == (
        b"/v1",
        ((b"a", b"b"),),
        b"1",
    )
    assert len(client.requests) == 4


async def test_it_streams_with_pauses():
    """A number in the body is a pause in seconds."""
    response = await send(FakeClient(lambda _: Answer(body=[b"one", 0.01, b"two", 0.01, b"three"])))
    assert [chunk async for chunk in response] == [b"one", b"two", b"three"]


async def test_it_can_break_off():
    """An error in the body ends it."""
    response = await send(FakeClient(lambda _: Answer(body=[b"one", UpstreamProtocolError("cut")])))
    assert await anext(response) == b"one"
    with pytest.raises(UpstreamProtocolError, match="cut"):
        await anext(response)


async def test_it_holds_back_for_a_slow_reader():
    """The script stops while too much is unread, and goes on after."""
    steps = iter([bytes(HIGH_WATER)] * 8)
    response = await send(FakeClient(lambda _: Answer(body=steps)))
    assert response._size == 2 * HIGH_WATER
    assert len(await response.read()) == 8 * HIGH_WATER


async def test_it_counts_answers_given_up():
    """Closing or cancelling in the middle is visible to the test that asks."""
    client = FakeClient(lambda _: Answer(body=[b"one", 9.0, b"two"]))
    await (await send(client)).close()
    task = asyncio.create_task((await send(client)).read())
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert client.aborted == 2


async def test_it_refuses_after_close():
    """A closed client is closed."""
    client = FakeClient(lambda _: Answer())
    await client.close()
    with pytest.raises(UnavailableError):
        await send(client)
