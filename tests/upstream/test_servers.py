"""The client against servers that we did not write: nginx, and hypercorn on h11."""

import asyncio
import contextlib
import gzip
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from gatewright.errors import UpstreamProtocolError, UpstreamTimeoutError
from gatewright.snapshot.address import Address

BIG = bytes(range(256)) * (32 << 10)  # 8 MiB

NGINX = """
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 256; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    client_max_body_size 1m;
    keepalive_requests 10;
    gzip_static always;
    server {{
        listen 127.0.0.1:{plain};
        listen 127.0.0.1:{secure} ssl http2;
        ssl_certificate {certificate};
        ssl_certificate_key {certificate};
        ssl_client_certificate {authority};
        ssl_verify_client optional;
        root {folder};
        add_header x-resumed $ssl_session_reused always;
        add_header x-client $ssl_client_verify always;
        location = /hello {{ return 200 "hello"; }}
        location = /empty {{ return 204; }}
        location = /gone {{ return 444; }}
        location = /close {{ keepalive_timeout 0; return 200 "bye"; }}
        location = /slow {{ limit_rate 20m; try_files /big =404; }}
        location = /packed {{ }}
        location = /chunked {{ gunzip on; }}
        location = /endless {{ gunzip on; chunked_transfer_encoding off; }}
        location = /forwarded {{
            proxy_pass http://127.0.0.1:{plain}/slow;
            proxy_http_version 1.1;
            proxy_buffering off;
        }}
    }}
}}
"""


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as found:
        return found.getsockname()[1]


def await_port(process, port):
    """Wait until a process listens."""
    deadline = time.monotonic() + 20
    while True:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
            return
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.02)


@contextlib.contextmanager
def running(command, *ports, **options):
    """A process with all its children, stopped at the end."""
    with subprocess.Popen(command, start_new_session=True, **options) as process:
        try:
            for port in ports:
                await_port(process, port)
            yield
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
            process.wait(20)


@pytest.fixture(scope="module")
def nginx(tmp_path_factory, authority):
    """A function from a scheme to the address of a running nginx."""
    program = shutil.which("nginx") or shutil.which("/usr/sbin/nginx")
    if program is None:
        pytest.skip("nginx is not installed (Debian package nginx-light)")
    folder = tmp_path_factory.mktemp("nginx")
    folder.chmod(0o755)
    (folder / "big").write_bytes(BIG)
    for name in ("packed", "chunked", "endless"):
        (folder / f"{name}.gz").write_bytes(gzip.compress(BIG))
    ports = {"http": free_port(), "https": free_port()}
    settings = folder / "nginx.conf"
    user = f"user {Path(folder).owner()};\n" if os.getuid() == 0 else ""
    settings.write_text(
        user
        + NGINX.format(
            folder=folder,
            plain=ports["http"],
            secure=ports["https"],
            certificate=authority.issue("127.0.0.1"),
            authority=authority.ca_file,
        )
    )
    with running([program, "-e", f"{folder}/error.log", "-p", folder, "-c", settings], *ports.values()):
        yield lambda scheme: Address(scheme, "127.0.0.1", ports[scheme], private=True)


APPLICATION = """
import asyncio

async def app(scope, receive, send):
    assert scope["type"] in ("http", "lifespan")
    if scope["type"] == "lifespan":
        while (await receive())["type"] != "lifespan.shutdown":
            await send({"type": "lifespan.startup.complete"})
        await send({"type": "lifespan.shutdown.complete"})
        return
    body = bytearray()
    more = scope["path"] != "/early"
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    size = b"%d" % len(body)
    headers = [(b"x-size", size), (b"x-http", scope["http_version"].encode())]
    if scope["path"] == "/echo":
        headers.append((b"content-length", size))
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    if scope["path"] == "/echo":
        await send({"type": "http.response.body", "body": bytes(body)})
        return
    for number in range(5):
        await send({"type": "http.response.body", "body": b"data: %d\\n\\n" % number, "more_body": True})
        if scope["path"] == "/wait":
            await asyncio.sleep(3600)
        if scope["path"] == "/break":
            raise RuntimeError("the application gave up")
    await send({"type": "http.response.body", "body": b""})
"""


@pytest.fixture(scope="module")
def hypercorn(tmp_path_factory, authority):
    """A function from a scheme to the address of a running hypercorn."""
    folder = tmp_path_factory.mktemp("hypercorn")
    (folder / "application.py").write_text(APPLICATION)
    certificate = authority.issue("127.0.0.1")
    ports = {"http": free_port(), "https": free_port()}
    command = [sys.executable, "-m", "hypercorn", "--bind", f"127.0.0.1:{ports['https']}", "--certfile", certificate]
    command += ["--keyfile", certificate, "--insecure-bind", f"127.0.0.1:{ports['http']}", "application:app"]
    with (folder / "log").open("wb") as log, running(command, *ports.values(), cwd=folder, stdout=log, stderr=log):
        yield lambda scheme: Address(scheme, "127.0.0.1", ports[scheme], private=True)


BOTH = pytest.mark.parametrize("scheme", ["http", "https"])
pytestmark = pytest.mark.slow


@pytest.fixture
def call(make_client, authority):
    """Sends a request and reads its answer whole; `call.client` is the client."""
    client = make_client(ca_file=authority.ca_file, client_cert=str(authority.issue("gateway.test")))

    async def send(address, method, path, body=b""):
        response = await client.send(address, method, path, (), body)
        return response, await response.read()

    send.client = client
    return send


@BOTH
async def test_nginx_small_answers_over_one_connection(nginx, call, scheme):
    """With a length, without a body, of HEAD and of GET."""
    for method, path, status, body in [
        (b"GET", b"/hello", 200, b"hello"),
        (b"GET", b"/empty", 204, b""),
        (b"POST", b"/hello", 200, b"hello"),
        (b"GET", b"/nowhere", 404, None),
    ]:
        response, found = await call(nginx(scheme), method, path, b"x" if method == b"POST" else b"")
        assert response.status == status
        assert body is None or found == body
    assert len(call.client._pool.connections) == 1
    response, found = await call(nginx(scheme), b"HEAD", b"/big")
    assert (response.header(b"content-length"), found) == (b"%d" % len(BIG), b"")


@BOTH
async def test_nginx_closes_kept_connections_and_nothing_is_lost(nginx, call, scheme):
    """It ends each after ten requests; over two hundred requests at once, none fails."""
    answers = await asyncio.gather(*(call(nginx(scheme), b"GET", b"/hello") for _ in range(200)))
    assert [body for _, body in answers] == [b"hello"] * 200
    assert [body for _, body in [await call(nginx(scheme), b"GET", b"/close") for _ in range(3)]] == [b"bye"] * 3


@BOTH
@pytest.mark.parametrize("path", [b"/big", b"/slow", b"/packed", b"/chunked", b"/endless", b"/forwarded"])
async def test_nginx_large_answers_arrive_whole(nginx, call, scheme, path):
    """By length, in chunks, until the end of the stream, compressed unasked, and from nginx as a proxy."""
    _, body = await call(nginx(scheme), b"GET", path)
    assert body == BIG


@BOTH
async def test_nginx_refuses_a_large_request_early(nginx, call, scheme):
    """A 413 is heard though the body was not read."""
    response, _ = await call(nginx(scheme), b"POST", b"/hello", BIG)
    assert response.status == 413


@BOTH
async def test_nginx_that_closes_without_an_answer_is_an_error(nginx, call, scheme):
    """Its 444: the request was sent and may not be sent again."""
    with pytest.raises(UpstreamProtocolError, match="without an answer"):
        await call(nginx(scheme), b"GET", b"/gone")


async def test_nginx_resumes_sessions_and_trusts_our_certificate(nginx, call):
    """What it says of each connection: the first handshake is a full one, the next are short."""
    said = []
    for _ in range(3):
        response, _ = await call(nginx("https"), b"GET", b"/close")
        said.append((response.header(b"x-resumed"), response.header(b"x-client")))
    assert said == [(b".", b"SUCCESS"), (b"r", b"SUCCESS"), (b"r", b"SUCCESS")]


@BOTH
@pytest.mark.parametrize("size", [0, 1, 100_000, len(BIG)])
async def test_hypercorn_gets_and_gives_bodies_of_any_size(hypercorn, call, scheme, size):
    """Both ways, over HTTP/1.1 though it offers HTTP/2."""
    response, body = await call(hypercorn(scheme), b"POST", b"/echo", BIG[:size])
    assert (body == BIG[:size], response.header(b"x-http")) == (True, b"1.1")


@BOTH
async def test_hypercorn_streams(hypercorn, call, scheme):
    """In chunks, and the connection goes on."""
    for _ in range(3):
        _, body = await call(hypercorn(scheme), b"POST", b"/stream", b"{}")
        assert body == b"".join(b"data: %d\n\n" % number for number in range(5))
    assert len(call.client._pool.connections) == 1


@BOTH
async def test_hypercorn_breaking_off_is_told_from_an_end(hypercorn, call, scheme):
    """An application that fails in the middle of a stream leaves it without its last chunk."""
    response = await call.client.send(hypercorn(scheme), b"POST", b"/break", (), b"")
    assert await anext(response) == b"data: 0\n\n"
    with pytest.raises(UpstreamProtocolError, match="broke off"):
        await response.read()


@BOTH
async def test_hypercorn_that_falls_silent_meets_the_idle_timeout(hypercorn, make_client, authority, scheme):
    """After what it did send."""
    client = make_client(ca_file=authority.ca_file, idle=0.2)
    response = await client.send(hypercorn(scheme), b"POST", b"/wait", (), b"")
    assert await anext(response) == b"data: 0\n\n"
    with pytest.raises(UpstreamTimeoutError, match=r"no progress for 0\.2"):
        await response.read()
