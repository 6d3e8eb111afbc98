"""Requests that no client library would send, as bytes on a socket: each gets an answer, none is an error of ours."""

import http.client
import socket

import pytest

from fixtures.server import ADMIN_KEY, BOTH_SERVERS

pytestmark = BOTH_SERVERS

LIST = "/api/3.0/mlflow/gateway/secrets/list"
CREATE = "/api/3.0/mlflow/gateway/secrets/create"
CHAT = "/v1/chat/completions"
LIMIT = 1 << 20
BIG = b'{"secret_name": "%b"}' % (b"a" * 2 * LIMIT)
CHUNKED = b"%x\r\n%b\r\n0\r\n\r\n" % (len(BIG), BIG)


@pytest.fixture(scope="module")
def settings_of_module():
    """The limit of bodies."""
    return {"GATEWRIGHT_MAX_BODY": str(LIMIT)}


@pytest.fixture
def send(shared_server):
    """Sends bytes and reads until the end: the status and the body of the answer."""
    server = shared_server
    host, port = server.url.removeprefix("http://").split(":")

    def exchange(head: str, body: bytes = b"", *, key: str = ADMIN_KEY) -> tuple[int, bytes]:
        fields = f"authorization: Bearer {key}\r\n" if key else ""
        with socket.create_connection((host, int(port)), timeout=10) as connection:
            connection.sendall(f"{head}\r\n{fields}\r\n".encode("utf-8", "surrogateescape") + body)
            answer = http.client.HTTPResponse(connection, method=head.partition(" ")[0])
            answer.begin()
            return answer.status, answer.read()

    yield exchange
    assert "Traceback" not in server.output
    assert server.get(LIST).json == {}, "something was written"


def raw(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


def test_no_method_path_or_header_is_an_error_of_ours(send):
    """Every method on every kind of route; paths that lead up or are no text; hosts and keys that are none."""
    paths = [LIST, CREATE, CHAT, "/openapi.json", "/docs", "/nothing", "/gateway/x/mlflow/invocations"]
    odd = [
        "/..%2f..%2fetc/passwd", "/api/3.0/mlflow/gateway/../../../x", "/%ff%fe", "/%00", "//", "*", "http://evil/x",
        "/gateway/..%2f..%2fx/mlflow/invocations", "/v1beta/models/%ff%00:generateContent", raw(b"/\xff\xfe"),
        f"{LIST}?provider=%ff%00%ed%a0%80", f"{LIST}?=&&;%", raw(b"/docs?\xff"), f"{LIST}?{'a=b&' * 5000}",
        "/api/3.0/mlflow/gateway/secrets/get?secret_name=%00",
        "/ajax-api/3.0/mlflow/gateway/provider-config?provider=%00",
        "/api/3.0/mlflow/gateway/budgets/list?max_results=1e400&page_token=%ff",
    ]  # fmt: skip
    methods = ["GET", "HEAD", "OPTIONS", "TRACE", "PUT", "PATCH", "DELETE", "CONNECT", "PROPFIND", "BREW"]
    heads = [f"{method} {path} HTTP/1.1\r\nhost: x" for method in methods for path in paths]
    heads += [f"{method} {path} HTTP/1.1\r\nhost: x" for method in ("GET", "POST") for path in odd]
    hosts = ["[", "[::1", raw(b"\xff"), "a b", "x@y:99999", "", "a\r\nhost: b", "http://["]
    heads += [f"GET {path} HTTP/1.1\r\nhost: {host}" for host in hosts for path in (LIST, CHAT, "/nothing")]
    assert {head: status for head in heads if (status := send(head)[0]) >= 500} == {}
    for key in (raw(b"\xff\xfe"), raw(b"\xed\xa0\x80"), "x" * 10_000, "a b c"):
        assert send(f"GET {LIST} HTTP/1.1\r\nhost: x", key=key)[0] == 401
    for basic in ("/////w==", "=", raw(b"\xff"), ""):
        assert send(f"GET {LIST} HTTP/1.1\r\nhost: x\r\nauthorization: Basic {basic}", key="")[0] == 401


@pytest.mark.parametrize("path", [CREATE, CHAT])
def test_a_body_that_is_none_is_refused(send, path):
    """Wrong lengths and chunks, two meanings at once, other encodings, another type."""
    post = f"POST {path} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
    length = "content-length: {}".format
    chunked = "transfer-encoding: chunked"
    assert send(post + f"{length(2)}\r\n{length(3)}", b"{}x")[0] == 400
    assert send(post + f"{length(2)}\r\n{chunked}", b"2\r\n{}\r\n0\r\n\r\n")[0] == 400
    assert send(post + length(-2), b"{}")[0] == 400
    assert send(post + length("9" * 30), b"{}")[0] == 400
    assert send(post + chunked, b"zz\r\n{}\r\n0\r\n\r\n")[0] == 400
    for body in (b'"\xff"', b"\xfe\xff{}", b"[" * 100_000, b'{"a":' * 50_000, b'{"secret_name":1e400}', b"NaN", b"1"):
        assert send(post + length(len(body)), body)[0] == 400


@pytest.mark.parametrize("path", [CREATE, CHAT])
def test_a_body_over_the_limit_is_refused_however_it_comes(send, path):
    """With its length, in chunks, and announced by a client that waits for leave to send it."""
    post = f"POST {path} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
    assert send(f"{post}transfer-encoding: chunked", CHUNKED)[0] == 413
    assert send(f"{post}content-length: {len(BIG)}", BIG)[0] == 413
    status, body = send(f"{post}content-length: {len(BIG)}\r\nexpect: 100-continue")
    assert status == 413
    assert b"GATEWRIGHT_MAX_BODY" in body


def test_an_answer_repeats_no_more_of_a_name_than_could_be_stored(send):
    """A name of nearly the limit comes back shortened."""
    body = b'{"secret_id": "%b", "secret_value": {"a": "12345678"}}' % (b"x" * (LIMIT - 100))
    head = "POST /api/3.0/mlflow/gateway/secrets/update HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
    status, told = send(f"{head}content-length: {len(body)}", body)
    assert status == 404
    assert len(told) < 1000
