"""Signals and the death of processes, with streams under way."""

import concurrent.futures
import contextlib
import os
import signal
import socket
import time

import psutil
import pytest

from fixtures.callers import CHAT, keep, last_answer
from fixtures.server import BOTH_SERVERS

pytestmark = BOTH_SERVERS
ONE_AND_TWO = pytest.mark.parametrize("workers", ["1", "2"])


@pytest.fixture
def streaming(serve, provider):
    """Starts a server with streams under way, of about a second each: the server, and the streams as futures."""
    pools = []

    def start(*arguments, pause=0.2, **environment):
        provider.pause = pause
        server = serve(*arguments, **environment)
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


@ONE_AND_TWO
def test_a_hangup_replaces_workers_and_loses_no_request(streaming, workers):
    """Also when it is sent to every process of the group; the server is ready all the time."""
    server, streams = streaming("--workers", workers)
    before = {one.pid for one in server.workers()}
    os.killpg(server.process.pid, signal.SIGHUP)
    deadline = time.monotonic() + 30
    while before & {one.pid for one in server.workers()}:
        assert server.get("/health", key="").status == 200
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert all(is_complete(stream) for stream in streams)
    assert len(server.workers()) == int(workers)
    assert "Traceback" not in server.output


@ONE_AND_TWO
def test_the_second_ctrl_c_stops_at_once_and_quietly(streaming, workers):
    """The first one waits for what is under way."""
    server, _ = streaming("--workers", workers, pause=5.0)
    os.killpg(server.process.pid, signal.SIGINT)
    with pytest.raises(Exception, match="timed out"):
        server.process.wait(1)
    os.killpg(server.process.pid, signal.SIGINT)
    assert server.process.wait(5) == 0
    assert "Traceback" not in server.output


@ONE_AND_TWO
def test_workers_that_stop_leave_no_client_waiting(streaming, workers):
    """A client that comes too late is refused, not left to hang on a socket that nobody serves."""
    server, streams = streaming("--workers", workers)
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


def test_a_server_that_stops_is_not_ready_and_closes_kept_connections(streaming):
    """A load balancer that keeps a connection learns it there; one that is not used is closed before streams end."""
    server, streams = streaming(pause=1.5)
    kept, unused = keep(server), keep(server)
    server.process.send_signal(signal.SIGTERM)
    assert last_answer(kept) == 503
    assert unused.sock.recv(1) == b""
    assert not any(stream.done() for stream in streams)
    assert all(is_complete(stream) for stream in streams)
    assert server.process.wait(10) == 0
    kept.close()
    unused.close()


def test_what_takes_longer_than_the_drain_time_is_cut(streaming):
    """No stream is taken for complete; the server ends by itself."""
    server, streams = streaming(pause=5.0, GATEWRIGHT_DRAIN_SECONDS="1")
    began = time.monotonic()
    server.process.send_signal(signal.SIGTERM)
    assert server.process.wait(10) == 0
    assert 1 <= time.monotonic() - began < 6
    assert not any(is_complete(stream) for stream in streams)
    assert "Traceback" not in server.output


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


def test_while_the_only_worker_is_replaced_new_requests_wait(server, provider):
    """The port stays open: who comes in that time is served by the next one."""
    server.publish("chat", provider.url)
    first = server.worker
    first.kill()
    assert server.post("/v1/chat/completions", CHAT).status == 200
    assert server.worker != first


@ONE_AND_TWO
def test_workers_do_not_outlive_their_parent(streaming, workers):
    """Else they keep the port from the next server."""
    server, streams = streaming("--workers", workers)
    found = server.workers()
    server.process.kill()
    server.process.wait()
    assert all(is_complete(stream) for stream in streams)
    gone, alive = psutil.wait_procs(found, timeout=10)
    assert (len(gone), alive) == (int(workers), [])
