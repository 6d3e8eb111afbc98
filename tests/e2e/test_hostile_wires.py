"""Whole servers between broken providers and clients that leave: no half answer as a whole one, each recorded once."""

import gzip
import http.client
import json
import socket
import time
from pathlib import Path

import psutil
import pytest

from fixtures.scripted import AGAIN, CLOSE, REQUEST, RESET
from fixtures.server import ADMIN_KEY, BOTH_SERVERS

pytestmark = BOTH_SERVERS

CHAT = {"model": "ep", "messages": [{"role": "user", "content": "x"}]}
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n"
CHUNK = b'{"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":%b}]}'
DELTA = b"data: " + CHUNK % b'{"content":"ab"},"finish_reason":null' + b"\n\n"
LAST = b"data: " + CHUNK % b'{},"finish_reason":"stop"' + b"\n\ndata: [DONE]\n\n"
CLIENTS = {
    "/v1/chat/completions": (CHAT | {"stream": True}, b'"finish_reason":"stop"'),
    "/v1/messages": (CHAT | {"stream": True, "max_tokens": 9}, b"message_stop"),
    "/v1/responses": ({"model": "ep", "input": "x", "stream": True}, b"response.completed"),
    "/v1beta/models/ep:streamGenerateContent?alt=sse": ({"contents": [{"parts": [{"text": "x"}]}]}, b'"STOP"'),
    "/api/chat": (CHAT, b'"done":true'),
}


def in_chunks(*pieces):
    """Bytes in chunked framing."""
    return b"".join(b"%x\r\n%b\r\n" % (len(one), one) for one in pieces) + b"0\r\n\r\n"


def ask(server, path, body):
    """What a client reads until the answer ends, and whether it ended well."""
    host, _, port = server.url.removeprefix("http://").partition(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=10)
    try:
        connection.request(
            "POST", path, json.dumps(body), {"authorization": f"Bearer {ADMIN_KEY}", "content-type": "application/json"}
        )
        answer = connection.getresponse()
        try:
            return answer.status, answer.read(), {name.lower(): value for name, value in answer.getheaders()}
        except http.client.IncompleteRead as broken:
            return 0, broken.partial, {}
    finally:
        connection.close()


def connected(server):
    """A bare connection."""
    host, _, port = server.url.removeprefix("http://").partition(":")
    return socket.create_connection((host, int(port)), timeout=10)


def post(target, body):
    """A POST whole, as bytes."""
    head = f"POST {target} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {ADMIN_KEY}\r\n"
    return f"{head}content-length: {len(body)}\r\n\r\n".encode() + body


@pytest.fixture
def server(shared_server):
    """One server for all."""
    return shared_server


@pytest.fixture
def records(server):
    """The ledger of this test, once it has so many records; none of them twice."""
    since = int(time.time() * 1000)

    def read(count):
        deadline = time.monotonic() + 30
        while True:
            found = server.get(f"/api/v1/requests?max_results=1000&since={since}").json.get("requests", [])
            assert len(found) <= count
            if len(found) == count:
                assert len({one["record_id"] for one in found}) == count
                return found
            assert time.monotonic() < deadline, (len(found), count)
            time.sleep(0.05)

    return read


def test_an_answer_that_breaks_off_anywhere_is_never_taken_for_whole(server, scripted, records):
    """All along it, by an end or a reset, in every client's dialect; each request is recorded once."""
    body = in_chunks(DELTA, LAST)
    whole = HEAD + b"transfer-encoding: chunked\r\n\r\n" + body
    cuts = range(0, len(whole) - 1, 23)
    provider = scripted(
        *([REQUEST, whole[:cut], RESET if cut % 2 else CLOSE] for cut in cuts for _ in CLIENTS), [REQUEST, whole, AGAIN]
    )
    endpoint = server.publish("ep", f"{provider.url}/v1")
    server.manage("endpoints/set-tag", endpoint_id=endpoint, key="gatewright.retries", value="0")
    server.await_everywhere("ep")
    for cut in cuts:
        for path, (asked, done) in CLIENTS.items():
            status, said, _ = ask(server, path, asked)
            assert status in (0, 200, 502)
            # What is passed through may have shown all events before the end of the framing was missed.
            complete = status == 200 and done in said and b'"error"' not in said
            assert not complete or b"[DONE]" in whole[:cut], (cut, path, said)
    for path, (asked, done) in CLIENTS.items():
        status, said, _ = ask(server, path, asked)
        assert (status, done in said) == (200, True)
    found = records((len(cuts) + 1) * len(CLIENTS))
    assert all(value >= 0 for one in found for value in one.values() if isinstance(value, int))
    assert "Traceback" not in server.output


def test_a_client_that_leaves_takes_its_provider_along(server, scripted, records):
    """While the provider thinks, and in the middle of a stream: the connection is closed, the request recorded."""
    stream = HEAD + b"transfer-encoding: chunked\r\n\r\n%x\r\n%b\r\n" % (len(DELTA), DELTA)
    provider = scripted([REQUEST], [REQUEST, stream], [REQUEST], [REQUEST, stream])
    server.publish("ep", f"{provider.url}/v1")
    for number, path in enumerate(("/v1/chat/completions",) * 2 + ("/v1/messages",) * 2):
        data = json.dumps(CLIENTS[path][0]).encode()
        with connected(server) as client:
            client.sendall(post(path, data))
            assert provider.wait(lambda one, wanted=number + 1: len(one.requests) == wanted)
            if number % 2:
                assert b"200 OK" in client.recv(1 << 16)
        assert provider.wait(lambda one: one.open == 0), "the provider's connection was left open"
    found = records(4)
    assert {one["error"] for one in found} == {"CLIENT_LEFT"}
    assert {int(one["status"]) for one in found} == {499}


def _peak(pid):
    """The most memory a process ever had, in bytes, where the system tells; else what it has now."""
    status = Path(f"/proc/{pid}/status")
    if not status.exists():
        return psutil.Process(pid).memory_info().rss
    return next(int(line.split()[1]) << 10 for line in status.read_text().splitlines() if line.startswith("VmHWM"))


def test_a_bomb_does_not_fill_the_memory(server, scripted, records):
    """A megabyte that unpacks to more than an answer may have."""
    bomb = gzip.compress(b'{"a":"' + bytes(300 << 20), 1)
    head = b"HTTP/1.1 200 OK\r\ncontent-type: %b\r\ncontent-encoding: gzip\r\ncontent-length: %d\r\n\r\n"
    kinds = (b"application/json", b"text/event-stream")
    provider = scripted(*([REQUEST, head % (kind, len(bomb)) + bomb, CLOSE] for kind in kinds))
    server.publish("ep", f"{provider.url}/v1")
    before = server.worker.memory_info().rss
    for stream in (False, True):
        status, said, _ = ask(server, "/v1/messages", CLIENTS["/v1/messages"][0] | {"stream": stream})
        assert status == 502, said
    assert _peak(server.worker.pid) - before < 700 << 20
    assert len(records(2)) == 2


FIELDS = [
    b"x-request-id: a\x01b\r\n",
    b"x-request-id: \x7f\r\n",
    b"x-request-id: \xff\xfe\r\n",
    b"x-request-id: " + b"a" * 20_000 + b"\r\n",
    b"x-gatewright-request-id: req_forged\r\nx-gatewright-endpoint: other\r\n",
    b"content-type: application/json\r\ncontent-type: text/html\r\n",
    b"set-cookie: a=b\r\nwww-authenticate: Basic\r\nlocation: http://evil\r\n",
    b"retry-after: 1\r\n 2\r\n",
]


def test_a_providers_header_fields_do_no_harm(server, scripted, records):
    """Control characters, folded lines, names that are ours: an answer or a 502, and only our own facts about it."""
    body = b'{"id":"c","choices":[]}'
    rest = b"content-length: %d\r\n\r\n" % len(body) + body
    provider = scripted(*([REQUEST, b"HTTP/1.1 200 OK\r\n" + fields + rest, CLOSE] for fields in FIELDS))
    server.publish("ep", f"{provider.url}/v1")
    ids = set()
    for fields in FIELDS:
        status, said, told = ask(server, "/v1/chat/completions", CHAT)
        assert status in (200, 502), (fields, said)
        assert "forged" not in str(told)
        assert not {"set-cookie", "location", "www-authenticate"} & told.keys()
        ids.add(told["x-gatewright-request-id"])
    assert {one["record_id"] for one in records(len(FIELDS))} == ids
    assert "Traceback" not in server.output


def test_trailers_and_bytes_after_the_end_reach_nobody(server, scripted):
    """Neither as a header field nor as the answer to the next request."""
    body = (
        in_chunks(DELTA, LAST).removesuffix(b"\r\n") + b"x-gatewright-request-id: req_forged\r\nset-cookie: a=b\r\n\r\n"
    )
    after = b'HTTP/1.1 200 OK\r\ncontent-length: 8\r\n\r\n{"x":10}'
    provider = scripted([REQUEST, HEAD + b"transfer-encoding: chunked\r\n\r\n" + body + after, AGAIN])
    server.publish("ep", f"{provider.url}/v1")
    for _ in range(3):
        status, said, told = ask(server, "/v1/chat/completions", CLIENTS["/v1/chat/completions"][0])
        assert (status, b'{"x":10}' in said, "forged" in str(told) + str(said)) == (200, False, False)


PATHS = [
    "..;/x", "%2e%2e/x", "a%2f..%2fx", "%2e%2e%3b/x", "%252e%252e%252fx", "a%5c..%5cx", "a%0d%0ahost:%20b",
    "a?b\x7f", "",
]  # fmt: skip
TARGETS = [
    *(f"/gateway/proxy/ep/{path}" for path in PATHS),
    "http://evil/gateway/proxy/ep/../x",
    "/gateway/proxy/ep%2f../x",
    "/gateway/proxy//x",
    "/gateway/proxy/%65p/..%2f",
    "/gateway/proxy/ep",
]


def test_no_path_leads_out_of_the_provider(server, scripted):
    """Refused or not found, and the provider sees nothing."""
    provider = scripted([REQUEST, b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}", AGAIN])
    server.publish("ep", f"{provider.url}/base/v1")
    statuses = {}
    for target in TARGETS:
        with connected(server) as client:
            client.sendall(post(target, b"x"))
            answer = http.client.HTTPResponse(client)
            answer.begin()
            statuses[target] = answer.status
    assert {target: status for target, status in statuses.items() if status not in (400, 404, 405)} == {}
    assert provider.requests == []
    assert "Traceback" not in server.output
