"""A worker under more load than it takes: everybody is answered soon, and memory stays."""

import asyncio
import collections
import json
import threading
import time

from fixtures.scripted import AGAIN, REQUEST
from fixtures.server import BOTH_SERVERS

pytestmark = BOTH_SERVERS

LIMIT = 20
MEGABYTE = 1_000_000
QUEUE = 1.0
SLACK = 3.0
"""Seconds that a busy machine may take besides."""

ANSWER = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}"


async def ask(server, size=0, model="chat"):
    """Status, `retry-after` and seconds of one request on a connection of its own."""
    body = json.dumps({"model": model, "messages": [{"role": "user", "content": "x" * size}]}).encode()
    host, _, port = server.url.removeprefix("http://").partition(":")
    began = time.monotonic()
    reader, writer = await asyncio.open_connection(host, int(port))
    head = f"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {server.admin_key}\r\n"
    writer.write(f"{head}connection: close\r\ncontent-length: {len(body)}\r\n\r\n".encode() + body)
    async with asyncio.timeout(30):
        answer = await reader.read()
    writer.close()
    lines = answer.partition(b"\r\n\r\n")[0].lower().split(b"\r\n")
    fields = dict(line.split(b": ", 1) for line in lines[1:])
    return int(lines[0].split()[1]), fields.get(b"retry-after"), time.monotonic() - began


def check(answers):
    """Each is an answer or a refusal that says when to come back; how many of each."""
    for status, retry_after, _ in answers:
        assert (status, retry_after) in ((200, None), (503, b"1"), (429, b"1"))
    return collections.Counter(status for status, _, _ in answers)


async def test_over_its_limit_a_worker_serves_as_many_as_it_may_and_tells_the_others_soon(serve, scripted):
    """Three times the limit at once: the first are served, the next wait, the last are refused at once."""
    finish = threading.Event()
    provider = scripted([REQUEST, finish, ANSWER, AGAIN])
    server = serve(GATEWRIGHT_MAX_CONCURRENCY=str(LIMIT), GATEWRIGHT_QUEUE_SECONDS=str(QUEUE))
    server.publish("chat", provider.url)
    asking = [asyncio.create_task(ask(server)) for _ in range(3 * LIMIT)]
    await asyncio.wait(asking, return_when=asyncio.FIRST_COMPLETED)
    finish.set()
    answers = await asyncio.gather(*asking)
    counts = check(answers)
    assert LIMIT <= counts[200] < 3 * LIMIT
    assert provider.connections <= LIMIT
    assert len(provider.requests) == counts[200], "no provider is called for those that are refused"
    assert max(seconds for _, _, seconds in answers) < QUEUE + SLACK
    page = server.get("/metrics").body.decode()
    assert f"gatewright_shed_total {counts[503]}" in page
    assert 'gatewright_requests_waiting{worker="0"} 0' in page
    assert (await ask(server))[0] == 200


async def first(number, asking):
    """Wait until so many of those who ask have their answers."""
    for _, one in zip(range(number), asyncio.as_completed(asking), strict=False):
        await one


async def test_over_the_limit_of_an_endpoint_others_are_served(serve, scripted):
    """A 429 for those of the endpoint; the other one answers meanwhile."""
    finish = threading.Event()
    provider, free = scripted([REQUEST, finish, ANSWER, AGAIN]), scripted([REQUEST, ANSWER, AGAIN])
    server = serve(GATEWRIGHT_QUEUE_SECONDS="0.1")
    endpoint = server.publish("chat", provider.url)
    server.publish("other", free.url)
    server.manage("endpoints/set-tag", endpoint_id=endpoint, key="gatewright.max-concurrency", value="5")
    asking = [asyncio.create_task(ask(server)) for _ in range(15)]
    await first(10, asking)
    assert (await ask(server, model="other"))[0] == 200
    finish.set()
    assert check(await asyncio.gather(*asking)) == {200: 5, 429: 10}


async def test_memory_is_bounded_by_what_bodies_may_hold(serve, scripted):
    """Two hundred bodies of a megabyte at once where eight may be held."""
    finish = threading.Event()
    provider = scripted([REQUEST, ANSWER, REQUEST, finish, ANSWER], [REQUEST, finish, ANSWER])
    server = serve(GATEWRIGHT_MAX_BODY="2M", GATEWRIGHT_MAX_HELD="8M", GATEWRIGHT_QUEUE_SECONDS="0.3")
    server.publish("chat", provider.url)
    process = server.worker
    assert (await ask(server, MEGABYTE))[0] == 200
    before, most = process.memory_info().rss, 0
    asking = [asyncio.create_task(ask(server, MEGABYTE)) for _ in range(200)]
    refused = asyncio.create_task(first(192, asking))
    while not refused.done():
        most = max(most, process.memory_info().rss)
        await asyncio.wait([refused], timeout=0.01)
    finish.set()
    assert check(await asyncio.gather(*asking)) == {200: 8, 503: 192}
    assert most - before < 80 << 20
