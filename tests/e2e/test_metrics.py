"""What a real server of several workers shows at /metrics."""

import http.client
import json
import threading
import time

import pytest

from fixtures.metrics import exposed, values
from fixtures.scripted import REQUEST

CHAT = {"model": "chat", "messages": [{"role": "user", "content": "hi"}]}
REQUESTS = "gatewright_requests_total"


def page(server, **options):
    reply = server.get("/metrics", **options)
    assert reply.status == 200, reply.body
    assert reply.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    return exposed(reply.body)


def settled(server, count):
    """The page once it shows so many requests: what another worker has counted may be a second old."""
    deadline = time.monotonic() + 10
    while sum(values(found := page(server), REQUESTS).values()) < count:
        assert time.monotonic() < deadline, values(found, REQUESTS)
        time.sleep(0.05)
    return found


def send(server, times, seen, **fields):
    """Requests on connections of their own, so that all workers get some; the statuses go into `seen`."""
    host = server.url.removeprefix("http://")
    for _ in range(times):
        connection = http.client.HTTPConnection(host, timeout=30)
        headers = {"authorization": f"Bearer {server.admin_key}", "content-type": "application/json"}
        connection.request("POST", "/v1/chat/completions", json.dumps(CHAT | fields), headers)
        answer = connection.getresponse()
        answer.read()
        seen.append(answer.status)
        connection.close()


def test_two_workers_under_load_show_exactly_what_was_sent(serve, provider):
    """While they are asked all the time, and never less than a moment ago; tokens, times and errors too."""
    server = serve("--workers", "2")
    server.publish("chat", provider.url)
    server.await_everywhere("chat")
    seen = []
    sending = [
        threading.Thread(target=send, args=(server, 100, seen), kwargs=fields)
        for fields in ({}, {}, {"stream": True}, {"model": "nobody"})
    ]
    for one in sending:
        one.start()
    last = 0.0
    while any(one.is_alive() for one in sending):
        found = sum(values(page(server), REQUESTS).values())
        assert last <= found <= 400
        last = found
    found = settled(server, 400)
    assert (seen.count(200), seen.count(404)) == (300, 100)
    assert values(found, REQUESTS, "endpoint", "provider", "model", "operation", "class", "error") == {
        ("chat", "openai-compatible", "model-0", "chat", "2xx", ""): 300,
        ("", "", "", "chat", "4xx", "RESOURCE_DOES_NOT_EXIST"): 100,
    }
    for name in ("request_duration", "first_byte", "overhead"):
        assert sum(values(found, f"gatewright_{name}_seconds_count").values()) == 400
    # The streams of this provider do not tell their tokens.
    assert values(found, "gatewright_tokens_total", "kind") == {("input",): 200, ("output",): 600}
    assert set(values(found, "process_resident_memory_bytes", "worker")) == {("0",), ("1",)}
    assert len(set(values(found, "gatewright_snapshot_revision", "worker").values())) == 1
    assert values(found, "gatewright_requests_in_flight") == {(): 0}
    assert values(found, "gatewright_upstream_connections")[()] > 0


def test_a_worker_that_is_replaced_takes_nothing_from_the_sum(serve, provider):
    """Killed after its second has passed; the new one counts on."""
    server = serve("--workers", "2")
    server.publish("chat", provider.url)
    server.await_everywhere("chat")
    send(server, 40, [])
    settled(server, 40)
    for victim in server.workers():
        victim.kill()
        deadline = time.monotonic() + 10
        while victim in (now := server.workers()) or len(now) < 2:
            assert time.monotonic() < deadline
            time.sleep(0.05)
    server.await_everywhere("chat")
    send(server, 10, [])
    assert sum(values(settled(server, 50), REQUESTS).values()) == 50


def test_a_restarted_server_counts_from_zero(serve, provider):
    """As Prometheus expects it; names of endpoints that are long gone do not stay for ever."""
    server = serve()
    server.publish("chat", provider.url)
    send(server, 3, [])
    assert sum(values(page(server), REQUESTS).values()) == 3
    server.stop()
    server.start()
    assert values(page(server), REQUESTS) == {}
    assert values(page(server), "gatewright_snapshot_revision")[()] > 0


def test_the_page_is_for_whoever_has_a_key(server):
    """An application's is enough; strangers are refused, and counted."""
    assert server.get("/metrics", key="").status == 401
    assert server.get("/metrics", key="gw-wrong").status == 401
    assert server.request("POST", "/metrics", b"").status == 405
    assert server.request("HEAD", "/metrics").body == b""
    assert server.post("/v1/chat/completions", CHAT, key="").status == 401
    assert values(page(server), "gatewright_refused_total") == {(): 3}
    assert values(page(server), REQUESTS) == {}


def test_the_page_can_be_opened_to_everybody(serve):
    """By a setting, for a server that only a private network reaches."""
    server = serve(GATEWRIGHT_METRICS="open")
    page(server, key="")
    assert server.get("/v1/models", key="").status == 401


@pytest.mark.parametrize("stream", [False, True])
def test_a_request_under_way_is_shown(server, scripted, stream):
    """It is in flight, and so is its connection, until its client leaves."""
    over = threading.Event()
    provider = scripted([REQUEST, over])  # it does not answer
    server.publish("chat", provider.url)
    asking = http.client.HTTPConnection(server.url.removeprefix("http://"), timeout=30)
    asking.request(
        "POST", "/v1/chat/completions", json.dumps(CHAT | {"stream": stream}), {"x-api-key": server.admin_key}
    )

    def flying():
        found = page(server)
        return [
            values(found, f"gatewright_{name}")[()]
            for name in ("requests_in_flight", "upstream_connections", "upstream_connections_idle")
        ]

    deadline = time.monotonic() + 5
    while flying() != [1, 1, 0]:
        assert time.monotonic() < deadline
    asking.close()
    while flying() != [0, 0, 0]:
        assert time.monotonic() < deadline
    assert values(page(server), REQUESTS, "class", "error") == {("4xx", "CLIENT_LEFT"): 1}
    over.set()
