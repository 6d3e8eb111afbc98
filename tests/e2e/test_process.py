"""Signals and the death of processes, with streams under way."""

import concurrent.futures
import contextlib
import os
import signal
import socket
import time

import psutil
import pytest

from fixtures.server import BOTH_SERVERS

pytestmark = BOTH_SERVERS

CHAT = {"model": "chat", "messages": [{"role": "user", "content": "hi"}]}


@pytest.fixture
def streaming(serve, provider):
    """Starts a server with streams under way, of about a second each: the server, and the streams as futures."""
    pools = []

    def start(*arguments, pause=0.2):
        provider.pause = pause
        server = serve(*arguments)
        server.publish("chat", provider.url)
        server.await_everywhere("chat")
        pools.append(concurrent.futures.ThreadPoolExecutor(4))
        streams = [pools[-1].submit(server.post, "/v1/chat/completions", {"stream": True, **CHAT}) for _ in range(4)]
        while len(provider.requests) < 4:
            time.sleep(0.005)
        return server, streams

    yield start
    for pool in pools:
        pool.shutdown()


def is_complete(stream):
    return stream.exception() is None and stream.result().body.endswith(b"data: [DONE]\n\n")


def test_a_hangup_lets_a_single_process_complete_what_is_under_way(streaming):
    """It ends, as with SIGTERM."""
    server, streams = streaming()
    server.process.send_signal(signal.SIGHUP)
    assert all(is_complete(stream) for stream in streams)
    assert server.process.wait(10) in (0, -signal.SIGTERM)


def test_a_hangup_replaces_workers_and_loses_no_request(streaming):
    """Also when a terminal sends it to every process; other workers serve meanwhile."""
    server, streams = streaming("--workers", "2")
    before = {one.pid for one in server.workers()}
    os.killpg(server.process.pid, signal.SIGHUP)
    deadline = time.monotonic() + 20
    while before & {one.pid for one in server.workers()}:
        assert server.get("/health", key="").status == 200
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert all(is_complete(stream) for stream in streams)
    assert len(server.workers()) == 2


@pytest.mark.parametrize("workers", ["1", "2"])
def test_the_second_ctrl_c_stops_at_once_and_quietly(streaming, workers):
    """The first one waits for what is under way."""
    server, _ = streaming("--workers", workers, pause=5.0)
    os.killpg(server.process.pid, signal.SIGINT)
    with pytest.raises(Exception, match="timed out"):
        server.process.wait(1)
    os.killpg(server.process.pid, signal.SIGINT)
    assert server.process.wait(5) == 0
    assert "Traceback" not in server.output


def test_workers_that_stop_leave_no_client_waiting(streaming):
    """A client that comes too late is refused, not left to hang on a socket that nobody serves."""
    server, streams = streaming("--workers", "2")
    server.process.send_signal(signal.SIGTERM)
    host, port = server.url.removeprefix("http://").split(":")
    refused = 0.0
    while not refused:
        began = time.monotonic()
        with contextlib.suppress(ConnectionError), socket.create_connection((host, int(port)), 5) as client:
            client.sendall(b"GET /health HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
            if client.recv(100):
                continue
        refused = time.monotonic() - began
    assert refused < 0.5
    assert not all(stream.done() for stream in streams), "streams were still under way"
    assert all(is_complete(stream) for stream in streams)
    assert server.process.wait(10) == 0


def test_a_killed_worker_is_replaced_while_the_other_serves(streaming):
    """No new request fails, and there are two again."""
    server, _ = streaming("--workers", "2")
    first = server.workers()[0]
    first.kill()
    deadline = time.monotonic() + 10
    while len(found := server.workers()) < 2 or first in found:
        assert server.post("/v1/chat/completions", CHAT).status == 200
        assert time.monotonic() < deadline
    assert server.post("/v1/chat/completions", CHAT).status == 200


def test_workers_do_not_outlive_their_parent(streaming):
    """Else they keep the port from the next server."""
    server, streams = streaming("--workers", "2")
    workers = server.workers()
    server.process.kill()
    server.process.wait()
    assert all(is_complete(stream) for stream in streams)
    gone, alive = psutil.wait_procs(workers, timeout=10)
    assert (len(gone), alive) == (2, [])
