"""Names, addresses and certificates."""

import asyncio
import socket
import ssl

import pytest

from fixtures.scripted import AGAIN, REQUEST
from gatewright.errors import ConfigError, UpstreamNameError, UpstreamRefusedError, UpstreamTlsError
from gatewright.snapshot.address import Address

HELLO = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"


async def get(client, address):
    response = await client.send(address, b"GET", b"/", (), b"")
    return await response.read()


async def test_a_name_is_connected_to(client, scripted, names):
    """The name is asked once, and its port is part of the Host header."""
    server = scripted([REQUEST, HELLO, AGAIN])
    names["llm.test"] = ["127.0.0.1"]
    address = Address("http", "llm.test", server.port, private=True)
    assert await get(client, address) == b"hello"
    assert await get(client, address) == b"hello"
    assert names.asked == ["llm.test"]
    assert server.requests[0].header(b"host") == b"llm.test:%d" % server.port


async def test_the_second_address_is_tried_when_the_first_fails(client, scripted, names):
    """One address of a name that refuses does not make the provider unreachable."""
    server = scripted([REQUEST, HELLO])
    names["llm.test"] = ["127.0.0.77", "127.0.0.1"]
    assert await get(client, Address("http", "llm.test", server.port, private=True)) == b"hello"


async def test_an_address_that_hangs_leaves_time_for_the_next(make_client, scripted, names):
    """An address that takes no connection does not use up the connect timeout."""
    client = make_client(connect=0.6)
    server = scripted([REQUEST, HELLO])
    names["llm.test"] = ["127.0.0.2", "127.0.0.1"]
    with (
        socket.create_server(("127.0.0.2", server.port), backlog=0) as full,
        socket.create_connection(full.getsockname()),
    ):
        assert await get(client, Address("http", "llm.test", server.port, private=True)) == b"hello"


@pytest.fixture
async def connecting(monkeypatch):
    """Watches connections being opened, and can hold them up; see `Connecting`."""
    loop = asyncio.get_running_loop()
    watch = Connecting(loop.create_connection)
    monkeypatch.setattr(loop, "create_connection", watch.create_connection)
    return watch


class Connecting:
    """`log` tells what happened; `hold[ip]` is waited for first; `second` is set when two addresses were tried."""

    def __init__(self, create_connection):
        self._create_connection = create_connection
        self.hold = {}
        self.log = []
        self.second = asyncio.Event()

    async def create_connection(self, make, ip, port, **options):
        self.log.append(f"{ip} tried")
        if len(self.log) == 2:
            self.second.set()
        try:
            if ip in self.hold:
                await self.hold[ip].wait()
            return await self._create_connection(make, ip, port, **options)
        except asyncio.CancelledError:
            self.log.append(f"{ip} given up")
            raise


async def test_the_next_address_is_tried_beside_one_that_is_silent(client, scripted, names, connecting):
    """The silent one goes on meanwhile, and is given up once the other has answered."""
    server = scripted([REQUEST, HELLO])
    names["llm.test"] = ["127.0.0.2", "127.0.0.1"]
    connecting.hold["127.0.0.2"] = asyncio.Event()
    assert await get(client, Address("http", "llm.test", server.port, private=True)) == b"hello"
    await asyncio.sleep(0)
    assert connecting.log == ["127.0.0.2 tried", "127.0.0.1 tried", "127.0.0.2 given up"]


async def test_a_slow_first_address_wins_over_later_ones_that_fail(client, scripted, names, connecting):
    """It is not given up because another one refused."""
    server = scripted([REQUEST, HELLO])
    names["llm.test"] = ["127.0.0.1", "127.0.0.77"]
    connecting.hold["127.0.0.1"] = asyncio.Event()
    asyncio.get_running_loop().call_later(0.4, connecting.hold["127.0.0.1"].set)
    assert await get(client, Address("http", "llm.test", server.port, private=True)) == b"hello"
    assert connecting.log == ["127.0.0.1 tried", "127.0.0.77 tried"]


async def test_of_two_addresses_that_answer_one_is_kept(client, scripted, names, connecting):
    """The connection that lost is closed, not leaked."""
    server = scripted([REQUEST, HELLO, AGAIN], host="0.0.0.0")
    names["llm.test"] = ["127.0.0.1", "127.0.0.2"]
    both = connecting.hold["127.0.0.1"] = connecting.hold["127.0.0.2"] = asyncio.Event()
    asyncio.get_running_loop().call_later(0.4, both.set)
    address = Address("http", "llm.test", server.port, private=True)
    assert await get(client, address) == b"hello"
    assert await asyncio.to_thread(server.wait, lambda s: s.open == 1)
    assert await get(client, address) == b"hello"
    assert server.connections <= 2


async def test_a_dial_that_is_cancelled_gives_up_every_attempt(client, scripted, names, connecting):
    """A client that leaves while addresses are tried leaves no attempt behind."""
    names["llm.test"] = ["127.0.0.1", "127.0.0.2"]
    connecting.hold["127.0.0.1"] = connecting.hold["127.0.0.2"] = asyncio.Event()
    call = asyncio.create_task(get(client, Address("http", "llm.test", 1, private=True)))
    await connecting.second.wait()
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    await asyncio.sleep(0)
    assert sorted(connecting.log[2:]) == ["127.0.0.1 given up", "127.0.0.2 given up"]


@pytest.mark.parametrize(
    "ip",
    ["127.0.0.1", "10.0.0.1", "169.254.169.254", "::1", "fd00::1", "fe80::1%1", "::ffff:127.0.0.1", "0.0.0.0"],
)
async def test_a_name_that_leads_inward_is_refused(client, scripted, names, ip):
    """A public name may not lead to a private address; the address itself is not told."""
    server = scripted([REQUEST, HELLO])
    names["rebind.test"] = [ip]
    with pytest.raises(UpstreamRefusedError, match=r"'rebind\.test' leads to a private address") as caught:
        await get(client, Address("http", "rebind.test", server.port))
    assert ip not in caught.value.public
    assert server.connections == 0


async def test_a_literal_private_address_is_refused(client, scripted, names):
    """An address written as such is judged too, without asking anybody."""
    server = scripted([REQUEST, HELLO])
    with pytest.raises(UpstreamRefusedError, match="private address"):
        await get(client, Address("http", "127.0.0.1", server.port))
    assert names.asked == []
    assert server.connections == 0


async def test_a_private_address_among_public_ones_is_left_out(make_client, scripted, names, monkeypatch):
    """Only the judged addresses are connected to, and the name is not asked again for it."""
    client = make_client()
    server = scripted([REQUEST, HELLO])
    names["mixed.test"] = ["127.0.0.1", "8.8.8.8"]
    loop = asyncio.get_running_loop()
    tried = []

    async def create_connection(_make, host, _port, **_):
        tried.append(host)
        raise ConnectionRefusedError

    monkeypatch.setattr(loop, "create_connection", create_connection)
    with pytest.raises(UpstreamRefusedError, match="connection refused"):
        await get(client, Address("http", "mixed.test", server.port))
    assert tried == ["8.8.8.8"]
    assert names.asked == ["mixed.test"]


async def test_an_unknown_name_is_refused(client, names):
    """DNS failure is a refusal that names the host."""
    with pytest.raises(UpstreamNameError, match=r"'nobody\.test' cannot be resolved"):
        await get(client, Address("https", "nobody.test", 443))


async def test_a_name_that_cannot_be_one_is_refused(client):
    """A label over 63 characters fails in the encoder, not in DNS; it is a refusal as well."""
    with pytest.raises(UpstreamNameError, match="cannot be resolved"):
        await get(client, Address("https", "x" * 70 + ".test", 443))


@pytest.fixture
def secure(authority, make_client, scripted, names):
    """Call a TLS server whose certificate names are given, by the name `llm.test`."""
    names["llm.test"] = ["127.0.0.1"]

    async def call(*certified, trusted=True, **certificate):
        server = scripted([REQUEST, HELLO], tls=authority.server(*certified, **certificate))
        call.server = server
        client = make_client(ca_file=authority.ca_file if trusted else "")
        return await get(client, Address("https", "llm.test", server.port, private=True))

    return call


async def test_a_trusted_certificate_is_accepted(secure):
    """A certificate of the given authority, for the right name."""
    assert await secure("llm.test") == b"hello"


@pytest.mark.parametrize(
    ("certified", "options", "reason"),
    [
        ("other.test", {}, "mismatch"),
        ("127.0.0.1", {}, "mismatch"),
        ("llm.test", {"trusted": False}, "issuer"),
        ("llm.test", {"signed": False}, "self-signed"),
        ("llm.test", {"expired": True}, "expired"),
    ],
    ids=["other name", "address only", "unknown authority", "self-signed", "expired"],
)
async def test_a_certificate_that_proves_nothing_is_refused(secure, certified, options, reason):
    """Nothing is sent to a server that cannot prove its name, and the reason is told."""
    with pytest.raises(UpstreamTlsError, match=f"certificate is not trusted .*{reason}"):
        await secure(certified, **options)
    assert secure.server.requests == []


async def test_http_1_is_agreed_on(secure):
    """The server offers h2 too; ALPN settles on what this client speaks."""
    await secure("llm.test")
    [agreed] = {one.selected_alpn_protocol() for one in secure.server._sockets if isinstance(one, ssl.SSLSocket)}
    assert agreed == "http/1.1"


async def test_a_server_without_tls_is_refused(client, scripted):
    """Plain text on a TLS port is a failed handshake."""
    server = scripted([b"HTTP/1.1 400 Bad Request\r\n\r\n"])
    with pytest.raises(UpstreamTlsError, match="TLS handshake failed"):
        await get(client, Address("https", "127.0.0.1", server.port, private=True))


@pytest.mark.parametrize("content", [None, b"", b"no certificate"])
async def test_a_useless_ca_file_is_a_config_error(make_client, tmp_path, content):
    """A missing, empty or wrong file stops the start, and the message names it."""
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigError, match=r"GATEWRIGHT_CA_FILE.*ca\.pem"):
        make_client(ca_file=str(path))
