"""The ways through proxies: which is taken, what is said on it, and what is left to the proxy."""

import asyncio
import base64
import contextlib
import re
import shutil
import subprocess
import time
from dataclasses import replace

import pytest

from fixtures.scripted import AGAIN, CLOSE, HEAD, REQUEST, RESET
from gatewright.errors import ConfigError, UpstreamRefusedError, UpstreamTimeoutError
from gatewright.snapshot.address import Address
from gatewright.upstream.proxy import HEAD_LIMIT, Proxies

HELLO = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
ANYWHERE = Address("https", "llm.test", 443)


async def get(client, address, path=b"/"):
    response = await client.send(address, b"GET", path, (), b"")
    return await response.read()


def at(text):
    """An address from `host` or `scheme://host:port`."""
    scheme, _, rest = text.rpartition("://")
    host, _, port = rest.partition("|")
    return Address(scheme or "https", host, int(port or 443))


@pytest.mark.parametrize(
    ("direct", "address", "proxied"),
    [
        ("", "llm.test", True),
        ("*", "llm.test", False),
        ("llm.test", "llm.test", False),
        ("LLM.test", "llm.test", False),
        ("llm.test", "a.llm.test", False),
        ("llm.test", "allm.test", True),
        (".llm.test", "a.llm.test", False),
        (".llm.test", "llm.test", False),
        ("*.llm.test", "a.llm.test", False),
        ("other.test, llm.test ,", "llm.test", False),
        (",", "llm.test", True),
        ("llm.test:8443", "llm.test", True),
        ("llm.test:8443", "llm.test|8443", False),
        ("8.8.8.8", "8.8.8.8", False),
        ("8.8.8.8:443", "8.8.8.8", False),
        ("8.8.8.8:80", "8.8.8.8", True),
        ("8.8.0.0/16", "8.8.8.8", False),
        ("8.8.0.0/16", "9.8.8.8", True),
        ("8.8.0.0/16", "llm.test", True),
        ("2001:db8::/32", "2001:db8::1", False),
        ("2001:db8::1", "2001:db8::1", False),
        ("[2001:db8::1]", "2001:db8::1", False),
        ("[2001:db8::1]:443", "2001:db8::1", False),
        ("[2001:db8::1]:80", "2001:db8::1", True),
        ("", "localhost", False),
        ("", "127.0.0.1", False),
        ("", "::1", False),
        ("", "169.254.169.254", False),
        ("", "fe80::1%eth0", False),
        ("", "fd00:ec2::254", False),
        ("", "10.0.0.1", True),
        ("", "http://llm.test", False),
    ],
)
def test_who_is_reached_directly(direct, address, proxied):
    """NO_PROXY, what is near, and schemes without a proxy."""
    proxies = Proxies({"HTTPS_PROXY": "http://proxy.test", "NO_PROXY": direct})
    assert (proxies.of(at(address)) is not None) is proxied


@pytest.mark.parametrize(
    ("text", "address", "authorization"),
    [
        ("http://proxy.test:3128", Address("http", "proxy.test", 3128, private=True), b""),
        ("proxy.test:3128", Address("http", "proxy.test", 3128, private=True), b""),
        ("https://Proxy.test/", Address("https", "proxy.test", 443, private=True), b""),
        ("http://[::1]:8080", Address("http", "::1", 8080, private=True), b""),
        ("http://u:p%40ss@proxy.test", Address("http", "proxy.test", 80, private=True), b"u:p@ss"),
        ("http://token@proxy.test", Address("http", "proxy.test", 80, private=True), b"token:"),
    ],
)
def test_a_proxy_is_written_as_a_url(text, address, authorization):
    """With or without a scheme, a port, and who asks."""
    proxy = Proxies({"HTTPS_PROXY": text}).of(ANYWHERE)
    line = b"proxy-authorization: Basic " + base64.b64encode(authorization) + b"\r\n" if authorization else b""
    assert (proxy.address, proxy.authorization) == (address, line)
    assert "p@ss" not in repr(proxy)
    assert base64.b64encode(b"u:p@ss").decode() not in repr(proxy)


@pytest.mark.parametrize(
    "text", ["socks5://canary:x@proxy.test", "http://canary@", "http://canary:x@proxy.test:port", "http://canary@h:0"]
)
def test_what_is_no_proxy_is_a_config_error(text):
    """By the variable's name, and without its value."""
    with pytest.raises(ConfigError, match="HTTPS_PROXY cannot be used") as caught:
        Proxies({"HTTPS_PROXY": text})
    assert "canary" not in caught.value.public


async def test_plain_http_is_sent_to_the_proxy_whole(make_client, scripted):
    """The whole URL in the request line, the credentials for the proxy, one connection kept, and no look-up of ours."""
    proxy = scripted([REQUEST, HELLO, AGAIN])
    client = make_client(proxies={"HTTP_PROXY": f"http://user:word@127.0.0.1:{proxy.port}"})
    address = Address("http", "llm.test", 8080, private=True)
    assert [await get(client, address, b"/v1/x?y=z") for _ in range(2)] == [b"hello"] * 2
    assert proxy.connections == 1
    assert proxy.requests[0].head == (
        b"GET http://llm.test:8080/v1/x?y=z HTTP/1.1\r\nhost: llm.test:8080\r\naccept-encoding: identity\r\n"
        b"proxy-authorization: Basic dXNlcjp3b3Jk"
    )


async def test_credentials_for_a_proxy_are_not_the_callers_to_give(client, scripted):
    """Nor are they sent on to a provider."""
    server = scripted([REQUEST, HELLO])
    response = await client.send(server.address, b"GET", b"/", ((b"Proxy-Authorization", b"Basic x"),), b"")
    await response.read()
    assert server.requests[0].header(b"proxy-authorization") is None


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_a_proxy_that_wants_other_credentials_is_named(make_client, scripted, scheme):
    """A 407 is never taken for the provider's answer, and repeats nothing of what was sent."""
    proxy = scripted([HEAD, b"HTTP/1.1 407 Who\r\nProxy-Authenticate: Basic\r\nContent-Length: 0\r\n\r\n"])
    url = f"http://user:canary@127.0.0.1:{proxy.port}"
    client = make_client(proxies={"HTTP_PROXY": url, "HTTPS_PROXY": url})
    with pytest.raises(UpstreamRefusedError, match=rf"proxy 127\.0\.0\.1:{proxy.port} asks for a user name") as caught:
        await get(client, Address(scheme, "llm.test", 443, private=True))
    assert "canary" not in caught.value.public


class Relay:
    """A CONNECT proxy of a few lines: sends whatever it is asked for to one place, and keeps the heads."""

    def __init__(self, port):
        self._port = port
        self.heads = []
        self.tasks = set()

    async def serve(self, reader, writer):
        self.tasks.add(asyncio.current_task())
        self.heads.append(await reader.readuntil(b"\r\n\r\n"))
        there = await asyncio.open_connection("127.0.0.1", self._port)
        writer.write(b"HTTP/1.1 200 Connection established\r\nvia: relay\r\n\r\n")
        with contextlib.suppress(OSError):
            await asyncio.gather(pump(reader, there[1]), pump(there[0], writer))


async def pump(reader, writer):
    with contextlib.closing(writer):
        while data := await reader.read(1 << 16):
            writer.write(data)
            await writer.drain()


@pytest.fixture
async def relay():
    """Starts relays to a port, perhaps behind TLS of their own; gives each and the port it listens on."""
    started = []

    async def start(port, *, tls=None):
        one = Relay(port)
        server = await asyncio.start_server(one.serve, "127.0.0.1", 0, ssl=tls)
        started.append((one, server))
        return one, server.sockets[0].getsockname()[1]

    yield start
    for one, server in started:
        server.close()
        for task in one.tasks:
            task.cancel()
        await asyncio.gather(*one.tasks, return_exceptions=True)


@pytest.mark.parametrize("outer", ["http", "https"])
async def test_tls_goes_through_a_proxy_unread(make_client, scripted, authority, relay, outer):
    """The proxy learns a name and a port; it may be reached by TLS itself, and its name is proven too."""
    server = scripted([REQUEST, HELLO, AGAIN], tls=authority.server("llm.test"))
    one, port = await relay(server.port, tls=authority.server("127.0.0.1") if outer == "https" else None)
    client = make_client(ca_file=authority.ca_file, proxies={"HTTPS_PROXY": f"{outer}://user:word@127.0.0.1:{port}"})
    assert [await get(client, ANYWHERE) for _ in range(2)] == [b"hello"] * 2
    assert one.heads == [
        b"CONNECT llm.test:443 HTTP/1.1\r\nhost: llm.test:443\r\nproxy-authorization: Basic dXNlcjp3b3Jk\r\n\r\n"
    ]
    assert server.requests[0].head == b"GET / HTTP/1.1\r\nhost: llm.test\r\naccept-encoding: identity"


@pytest.mark.parametrize("outer", ["http", "https"])
async def test_large_bodies_pass_a_proxy_both_ways(make_client, scripted, authority, relay, outer):
    """Backpressure works through it, whatever it is made of."""
    size = 8 << 20
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size
    server = scripted([REQUEST, answer + bytes(size)], tls=authority.server("llm.test"))
    _, port = await relay(server.port, tls=authority.server("127.0.0.1") if outer == "https" else None)
    client = make_client(ca_file=authority.ca_file, proxies={"HTTPS_PROXY": f"{outer}://127.0.0.1:{port}"})
    response = await client.send(ANYWHERE, b"POST", b"/", (), bytes(size))
    assert len(await response.read()) == size
    assert len(server.requests[0].body) == size


async def test_who_stands_behind_a_proxy_must_prove_its_name(make_client, scripted, authority, relay):
    """A proxy that leads elsewhere gets nothing."""
    server = scripted([REQUEST, HELLO], tls=authority.server("other.test"))
    _, port = await relay(server.port)
    client = make_client(ca_file=authority.ca_file, proxies={"HTTPS_PROXY": f"127.0.0.1:{port}"})
    with pytest.raises(UpstreamRefusedError, match=r"No connection to llm\.test: its certificate is not trusted"):
        await get(client, ANYWHERE)
    assert server.requests == []


async def test_tls_sessions_are_resumed_through_a_proxy(make_client, scripted, authority, relay):
    """As they are without one."""
    context = authority.server("llm.test")
    last = HELLO.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
    server = scripted([REQUEST, last, CLOSE], tls=context)
    _, port = await relay(server.port)
    client = make_client(ca_file=authority.ca_file, proxies={"HTTPS_PROXY": f"127.0.0.1:{port}"})
    for _ in range(2):
        await get(client, ANYWHERE)
    assert context.session_stats()["hits"] == 1


SAYS_NO = {
    "forbidden": ([b"HTTP/1.1 403 No\r\nContent-Length: 2\r\n\r\nno"], "answered 403"),
    "bad gateway": ([b"HTTP/1.0 502 Bad\r\n\r\n"], "answered 502"),
    "in pieces": ([b"HTTP/1.", 0.02, b"1 503 X\r", 0.02, b"\n\r", 0.02, b"\n"], "answered 503"),
    "no reason": ([b"HTTP/1.1 504\r\n\r\n"], "answered 504"),
    "not HTTP": ([b"SSH-2.0-OpenSSH\r\n\r\n"], "did not answer as a proxy does"),
    "early bytes": ([b"HTTP/1.1 200 OK\r\n\r\n\x16\x03"], "did not answer as a proxy does"),
    "endless": ([b"HTTP/1.1 200 OK\r\nx: ", b"y" * (HEAD_LIMIT + 10)], "did not answer as a proxy does"),
    "cut": ([b"HTTP/1.1 200 OK\r\n", CLOSE], "did not answer as a proxy does"),
    "reset": ([0.02, RESET], "did not answer as a proxy does"),
    "closed": ([CLOSE], "did not answer as a proxy does"),
    "closed in the handshake": ([b"HTTP/1.1 200 OK\r\n\r\n", 0.05, CLOSE], "llm.test"),
    "no TLS behind it": ([b"HTTP/1.1 200 OK\r\n\r\n", 0.05, b"hello, who is there?"], "TLS handshake failed"),
}


@pytest.mark.parametrize(("script", "message"), SAYS_NO.values(), ids=SAYS_NO)
async def test_a_proxy_that_opens_no_way_is_a_refusal(make_client, scripted, script, message):
    """Nothing of the request was sent, both are named, and no connection is left."""
    proxy = scripted([HEAD, *script])
    client = make_client(proxies={"HTTPS_PROXY": f"http://127.0.0.1:{proxy.port}"}, limit=1)
    for _ in range(2):
        with pytest.raises(UpstreamRefusedError, match=message) as caught:
            await get(client, ANYWHERE)
        assert "No connection to llm.test" in caught.value.public or "llm.test closed" in caught.value.public
    assert await asyncio.to_thread(proxy.wait, lambda p: p.open == 0)


@pytest.mark.parametrize("script", [[], [HEAD], [HEAD, b"HTTP/1.1 200 OK\r\n\r\n"]])
async def test_a_proxy_that_hangs_meets_the_connect_timeout(make_client, scripted, script):
    """Before its answer or in the handshake behind it."""
    proxy = scripted(script)
    client = make_client(proxies={"HTTPS_PROXY": f"http://127.0.0.1:{proxy.port}"}, connect=0.2)
    with pytest.raises(UpstreamTimeoutError):
        await get(client, ANYWHERE)
    assert await asyncio.to_thread(proxy.wait, lambda p: p.open == 0)


async def test_an_unreachable_proxy_is_named(make_client):
    """It is the one that refuses, not the provider."""
    client = make_client(proxies={"HTTPS_PROXY": "http://127.0.0.1:1"})
    with pytest.raises(UpstreamRefusedError, match=r"No connection to 127\.0\.0\.1:1: connection refused"):
        await get(client, ANYWHERE)


async def test_a_private_address_is_refused_though_a_proxy_would_take_it(make_client, scripted):
    """What is written as an address is judged here; names are the proxy's to judge."""
    proxy = scripted([REQUEST, HELLO])
    client = make_client(proxies={"HTTPS_PROXY": f"http://127.0.0.1:{proxy.port}"})
    with pytest.raises(UpstreamRefusedError, match="private address"):
        await get(client, Address("https", "10.0.0.1", 443))
    assert proxy.connections == 0


@pytest.fixture
def tinyproxy(tmp_path, unused_tcp_port):
    """A proxy that we did not write; its URL."""
    program = shutil.which("tinyproxy")
    if program is None:
        pytest.skip("tinyproxy is not installed (Debian package tinyproxy)")
    settings = tmp_path / "tinyproxy.conf"
    settings.write_text(f"Port {unused_tcp_port}\nListen 127.0.0.1\nTimeout 60\nBasicAuth user word\nLogLevel Error\n")
    process = subprocess.Popen([program, "-d", "-c", str(settings)], stdout=subprocess.DEVNULL)
    try:
        asyncio.run(reachable(unused_tcp_port))
        yield f"127.0.0.1:{unused_tcp_port}"
    finally:
        process.terminate()
        process.wait(10)


async def reachable(port):
    """Wait until somebody listens."""
    deadline = time.monotonic() + 10
    while True:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.02)
        else:
            writer.close()
            return


@pytest.mark.parametrize("secure", [False, True])
async def test_a_real_proxy_lets_us_through(tinyproxy, make_client, scripted, authority, secure):
    """tinyproxy: plain HTTP and CONNECT, with the right credentials and with wrong ones."""
    server = scripted([REQUEST, HELLO, AGAIN], tls=authority.server("0.0.0.0") if secure else None)
    address = replace(server.address, host="0.0.0.0")  # leads to this machine and is yet no loopback address
    name = "HTTPS_PROXY" if secure else "HTTP_PROXY"
    client = make_client(ca_file=authority.ca_file, proxies={name: f"http://user:word@{tinyproxy}"})
    assert [await get(client, address) for _ in range(2)] == [b"hello"] * 2
    stranger = make_client(ca_file=authority.ca_file, proxies={name: f"http://user:other@{tinyproxy}"})
    if secure:
        with pytest.raises(UpstreamRefusedError, match=rf"the proxy {re.escape(tinyproxy)} answered 401"):
            await get(stranger, address)
    else:  # it should say 407, and without that its answer looks like any other
        assert b"401 Unauthorized" in await get(stranger, address)
    assert len(server.requests) == 2
