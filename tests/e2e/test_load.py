"""Many clients at once, and what they leave behind."""

import contextlib
import json
import resource
import socket
import struct
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from fixtures.scripted import AGAIN, REQUEST
from fixtures.server import BOTH_SERVERS

pytestmark = BOTH_SERVERS

CHAT = {"messages": [{"role": "user", "content": "hi"}]}


@pytest.fixture(autouse=True)
def many_files():
    """The test's own clients and provider need many sockets."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def request(server, model, **fields):
    body = json.dumps({"model": model, **fields, **CHAT}).encode()
    head = f"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {server.admin_key}\r\n"
    return f"{head}connection: close\r\ncontent-length: {len(body)}\r\n\r\n".encode() + body


@pytest.fixture
def connect():
    """Opens connections, which are closed after the test at the latest."""
    with contextlib.ExitStack() as opened:

        def open_one(server):
            address = urlsplit(server.url)
            return opened.enter_context(socket.create_connection((address.hostname, address.port), timeout=20))

        yield open_one


def read(client):
    data = b""
    while piece := client.recv(1 << 16):
        data += piece
    client.close()
    return data


def open_files(process):
    return sum(1 for _ in Path(f"/proc/{process.pid}/fd").iterdir())


def within(seconds, condition):
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def test_many_streams_to_one_provider_run_side_by_side(serve, provider, connect):
    """None waits for another to end: none ends before all have begun."""
    provider.go_on.clear()
    server = serve(GATEWRIGHT_UPSTREAM_CONNECTIONS="1000")
    server.publish("chat", provider.url)
    clients = [connect(server) for _ in range(600)]
    for client in clients:
        client.sendall(request(server, "chat", stream=True))
    assert within(20, lambda: len(provider.requests) == 600)
    provider.go_on.set()
    assert all(b"[DONE]" in read(client) for client in clients)


@pytest.mark.parametrize("stream", [False, True])
def test_clients_that_leave_at_any_byte_leave_nothing_behind(server, scripted_provider, connect, stream):
    """Request cut anywhere, answer never taken, closed or reset: all sockets are closed, memory does not grow."""
    server.publish("chat", scripted_provider.url)
    process = server.worker
    sent = request(server, "chat", stream=stream)

    def leave(times):
        for number in range(times):
            client = connect(server)
            client.sendall(sent[: 1 + number * 7 % len(sent)] if number % 2 else sent)
            if number % 3 == 0:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.close()

    leave(100)
    assert within(5, lambda: scripted_provider.open == 0)
    # With these in the ledger, the server has opened the files it needs.
    assert within(5, lambda: server.get("/api/v1/requests?max_results=1").json.get("requests"))
    files, memory = open_files(process), process.memory_info().rss
    leave(400)
    assert within(5, lambda: scripted_provider.open == 0)
    assert within(5, lambda: open_files(process) <= files)
    assert process.memory_info().rss < 1.05 * memory


@pytest.fixture
def scripted_provider(scripted):
    """A provider that begins an answer and never ends it."""
    start = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
    return scripted([REQUEST, start + b"9\r\ndata: 1\n\n\r\n"])


def test_slow_readers_of_big_streams_are_not_buffered_for(server, scripted, connect):
    """Twenty clients that hardly read 100 MB each: the provider waits, memory stays."""
    events = b'data: {"choices":[{"index":0,"delta":{"content":"%b"}}]}\n\n' % (b"x" * 10_000) * 10_000
    start = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: %d\r\n\r\n" % len(events)
    provider = scripted([REQUEST, start + events])
    server.publish("chat", provider.url)
    process = server.worker
    before = process.memory_info().rss
    clients = [connect(server) for _ in range(20)]
    for client in clients:
        client.sendall(request(server, "chat", stream=True))
        client.recv(1000)
    time.sleep(1.0)
    assert process.memory_info().rss - before < 20 * (4 << 20)
    for client in clients:
        client.close()
    assert within(5, lambda: provider.open == 0)


def test_the_split_over_http_is_the_one_that_was_asked_for(server, scripted, connect):
    """A chi-square of 5,000 requests on kept connections; wrong once in 10,000 runs."""
    weights = (1.0, 2.5, 6.5)
    provider = scripted([REQUEST, b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}", AGAIN])
    server.publish("chat", *[provider.url] * 3, weights=weights)
    sent = request(server, "chat").replace(b"connection: close\r\n", b"")
    counts = dict.fromkeys(range(3), 0)
    for _ in range(50):
        client = connect(server)
        client.sendall(sent * 99 + request(server, "chat"))
        data = read(client)
        for number in counts:
            counts[number] += data.count(b"x-gatewright-target: openai-compatible/model-%d\r\n" % number)
    assert sum(counts.values()) == 5000
    expected = [500 * weight for weight in weights]
    chi_square = sum((counts[number] - one) ** 2 / one for number, one in enumerate(expected))
    assert chi_square < 18.4  # 2 degrees of freedom, p = 0.0001
