"""What is remembered of names and addresses, and for how long."""

import asyncio

import pytest

from fixtures.scripted import CLOSE, REQUEST
from gatewright.errors import UpstreamRefusedError
from gatewright.snapshot.address import Address
from gatewright.upstream.names import DENIED, FRESH, REMEMBERED, Names

LAST = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello"


@pytest.fixture
async def later(monkeypatch):
    """Lets the loop's clock jump: `later(seconds)`."""
    loop = asyncio.get_running_loop()
    real, ahead = loop.time, [0.0]
    monkeypatch.setattr(loop, "time", lambda: real() + ahead[0])

    def jump(seconds):
        ahead[0] += seconds

    return jump


async def test_an_answer_serves_for_a_while(names, later):
    """Then the name is asked again, and may lead elsewhere."""
    resolver = Names()
    names["llm.test"] = ["192.0.2.1"]
    assert await resolver.find("llm.test") == ("192.0.2.1",)
    names["llm.test"] = ["192.0.2.2"]
    later(FRESH - 1)
    assert await resolver.find("llm.test") == ("192.0.2.1",)
    later(2)
    assert await resolver.find("llm.test") == ("192.0.2.2",)
    assert names.asked == ["llm.test"] * 2


async def test_that_a_name_leads_nowhere_is_kept_shortly(names, later):
    """A storm of requests for it does not become one of questions, and a repaired name is soon found."""
    resolver = Names()
    assert [await resolver.find("llm.test") for _ in range(5)] == [()] * 5
    assert names.asked == ["llm.test"]
    names["llm.test"] = ["192.0.2.1"]
    later(DENIED + 0.1)
    assert await resolver.find("llm.test") == ("192.0.2.1",)


async def test_who_asks_at_the_same_time_shares_a_question(names):
    """Somebody who stops waiting does not take the answer from the others."""
    resolver = Names()
    names["llm.test"] = ["192.0.2.1"]
    tasks = [asyncio.create_task(resolver.find("llm.test")) for _ in range(50)]
    await asyncio.sleep(0)
    tasks[0].cancel()
    found = await asyncio.gather(*tasks, return_exceptions=True)
    assert (type(found[0]), found[1:]) == (asyncio.CancelledError, [("192.0.2.1",)] * 49)
    assert names.asked == ["llm.test"]


async def test_the_families_take_turns(names):
    """A network without IPv6 costs one attempt, however many such addresses a name has."""
    names["llm.test"] = ["2001:db8::1", "2001:db8::2", "2001:db8::1", "192.0.2.1", "192.0.2.2", "192.0.2.3"]
    assert await Names().find("llm.test") == (*("2001:db8::1", "192.0.2.1", "2001:db8::2", "192.0.2.2", "192.0.2.3"),)


async def test_an_address_that_failed_is_doubted_for_a_while(names, later):
    """Until it answers, or the doubt is old."""
    resolver = Names()
    for ip in ("192.0.2.1", "192.0.2.2"):
        resolver.failed(ip, 443)
    resolver.works("192.0.2.2", 443)
    doubted = [resolver.is_doubtful(*one) for one in (("192.0.2.1", 443), ("192.0.2.1", 80), ("192.0.2.2", 443))]
    assert doubted == [True, False, False]
    later(FRESH + 1)
    assert not resolver.is_doubtful("192.0.2.1", 443)


async def test_the_memory_is_bounded(names):
    """Names and addresses both."""
    resolver = Names()
    for number in range(REMEMBERED + 5):
        await resolver.find(f"{number}.test")
        resolver.failed("192.0.2.1", number)
    assert (len(resolver._answers), len(resolver._failed)) == (REMEMBERED, REMEMBERED)


async def get(client, address):
    response = await client.send(address, b"GET", b"/", (), b"")
    return await response.read()


async def test_an_address_that_failed_is_tried_last(client, scripted, names, monkeypatch):
    """The second connection does not begin with what refused the first."""
    loop = asyncio.get_running_loop()
    connect, tried = loop.create_connection, []

    async def create_connection(make, ip, port, **options):
        tried.append(ip)
        return await connect(make, ip, port, **options)

    monkeypatch.setattr(loop, "create_connection", create_connection)
    server = scripted([REQUEST, LAST, CLOSE])
    names["llm.test"] = ["127.0.0.77", "127.0.0.1"]
    address = Address("http", "llm.test", server.port, private=True)
    for _ in range(2):
        assert await get(client, address) == b"hello"
    assert tried == ["127.0.0.77", "127.0.0.1", "127.0.0.1"]


async def test_a_name_that_moved_is_followed_at_once(client, scripted, names, later):
    """When none of the remembered addresses answers any more, the name is asked again in the same request."""
    names["llm.test"] = ["127.0.0.77"]
    server = scripted([REQUEST, LAST, CLOSE])
    address = Address("http", "llm.test", server.port, private=True)
    with pytest.raises(UpstreamRefusedError, match="connection refused"):
        await get(client, address)
    assert names.asked == ["llm.test"], "an answer of this very request is not asked for twice"
    names["llm.test"] = ["127.0.0.77", "127.0.0.1"]
    later(1)
    assert await get(client, address) == b"hello"
    assert names.asked == ["llm.test"] * 2


async def test_a_name_that_moved_inward_is_not_followed(client, scripted, names, later):
    """What is remembered was judged, and so is what comes in its place."""
    server = scripted([REQUEST, LAST])
    names["rebind.test"] = ["127.0.0.1"]
    for _ in range(2):
        with pytest.raises(UpstreamRefusedError, match="private address"):
            await get(client, Address("http", "rebind.test", server.port))
        later(1)
    assert server.connections == 0
    assert names.asked == ["rebind.test"] * 2
