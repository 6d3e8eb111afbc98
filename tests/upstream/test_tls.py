"""TLS sessions that are resumed, and certificates of our own."""

import ssl

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from fixtures.scripted import AGAIN, CLOSE, REQUEST
from gatewright.errors import ConfigError, UpstreamProtocolError, UpstreamRefusedError
from gatewright.snapshot.address import Address
from gatewright.upstream.tls import SESSIONS, client_context

HELLO = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
LAST = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello"


async def get(client, address):
    response = await client.send(address, b"GET", b"/", (), b"")
    return await response.read()


def handshakes(context):
    """How many a server has finished, and how many of them were short ones."""
    stats = context.session_stats()
    return stats["accept_good"], stats["hits"]


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_the_session_of_one_connection_is_offered_to_the_next(make_client, scripted, authority, version):
    """From the second connection on the handshake is a short one, with either version of TLS."""
    context = authority.server("127.0.0.1")
    context.minimum_version = context.maximum_version = version
    server = scripted([REQUEST, LAST, CLOSE], tls=context)
    client = make_client(ca_file=authority.ca_file)
    for _ in range(3):
        assert await get(client, server.address) == b"hello"
    assert handshakes(context) == (3, 2)


async def test_a_session_belongs_to_a_name(make_client, scripted, authority, names):
    """Another name on the same server proves itself anew."""
    names["one.test"] = names["two.test"] = ["127.0.0.1"]
    server = scripted([REQUEST, HELLO, AGAIN], tls=authority.server("one.test"))
    client = make_client(ca_file=authority.ca_file)
    await get(client, Address("https", "one.test", server.port, private=True))
    with pytest.raises(UpstreamRefusedError, match="certificate is not trusted"):
        await get(client, Address("https", "two.test", server.port, private=True))
    assert len(server.requests) == 1


async def test_a_server_that_forgot_the_session_is_still_reached(make_client, scripted, authority):
    """What it does not know is no failure: the handshake is a full one."""
    client = make_client(ca_file=authority.ca_file)
    for _ in range(2):
        context = authority.server("127.0.0.1")
        server = scripted([REQUEST, LAST, CLOSE], tls=context)
        assert await get(client, server.address) == b"hello"
        assert handshakes(context) == (1, 0)


async def test_a_failed_handshake_forgets_the_session(make_client, scripted, authority):
    """Whatever was wrong, the next attempt starts from nothing."""
    server = scripted([REQUEST, LAST, CLOSE], tls=authority.server("127.0.0.1"))
    client = make_client(ca_file=authority.ca_file)
    await get(client, server.address)
    assert client._context._sessions
    broken = scripted([b"no TLS at all\r\n\r\n"])
    with pytest.raises(UpstreamRefusedError, match="TLS handshake failed"):
        await get(client, Address("https", "127.0.0.1", broken.port, private=True))
    assert not client._context._sessions


def test_sessions_are_bounded():
    """Names come from configuration, but even so the oldest go."""
    context = client_context()
    for number in range(SESSIONS + 2):
        context.keep(f"{number}.test", object())
    assert (len(context._sessions), "1.test" in context._sessions, "2.test" in context._sessions) == (
        SESSIONS,
        False,
        True,
    )


@pytest.fixture
def asking(authority):
    """The TLS of a server that lets in nobody without a certificate of our authority."""
    context = authority.server("127.0.0.1")
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(authority.ca_file)
    return context


async def test_a_certificate_is_shown_to_a_server_that_asks(make_client, scripted, authority, asking):
    """From one file, which holds the key as well."""
    server = scripted([REQUEST, HELLO], tls=asking)
    client = make_client(ca_file=authority.ca_file, client_cert=str(authority.issue("gateway.test")))
    assert await get(client, server.address) == b"hello"
    [shown] = [one.getpeercert()["subjectAltName"] for one in server._sockets if isinstance(one, ssl.SSLSocket)]
    assert shown == (("DNS", "gateway.test"),)


async def test_without_a_certificate_such_a_server_refuses(make_client, scripted, authority, asking):
    """The failure is the provider's, and nothing of the request was read."""
    server = scripted([REQUEST, HELLO], tls=asking)
    client = make_client(ca_file=authority.ca_file)
    with pytest.raises((UpstreamRefusedError, UpstreamProtocolError)):
        await get(client, server.address)
    assert server.requests == []


def split(pem, folder, *, password=None):
    """The certificate and the key of a file in two files, the key perhaps encrypted."""
    key, certificate = folder / "key.pem", folder / "cert.pem"
    text = pem.read_bytes()
    start = text.index(b"-----BEGIN CERTIFICATE")
    certificate.write_bytes(text[start:])
    loaded = serialization.load_pem_private_key(text[:start], None)
    hidden = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
    key.write_bytes(loaded.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, hidden))
    return str(certificate), str(key)


async def test_certificate_and_key_may_be_two_files(make_client, scripted, authority, asking, tmp_path):
    """As most tools write them."""
    server = scripted([REQUEST, HELLO], tls=asking)
    certificate, key = split(authority.issue("gateway.test"), tmp_path)
    client = make_client(ca_file=authority.ca_file, client_cert=certificate, client_key=key)
    assert await get(client, server.address) == b"hello"


@pytest.mark.parametrize("wrong", ["missing", "encrypted", "no key", "another's key", "key alone"])
def test_a_useless_client_certificate_is_a_config_error(authority, tmp_path, wrong):
    """The start stops with a message that names the variables; nobody is asked for a password."""
    certificate, key = split(
        authority.issue("gateway.test"), tmp_path, password=b"secret" if wrong == "encrypted" else None
    )
    if wrong == "missing":
        certificate += ".gone"
    elif wrong == "no key":
        key = ""
    elif wrong == "another's key":
        other = ec.generate_private_key(ec.SECP256R1())
        form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        (tmp_path / "key.pem").write_bytes(other.private_bytes(*form))
    elif wrong == "key alone":
        certificate = ""
    with pytest.raises(ConfigError, match="GATEWRIGHT_CLIENT_KEY"):
        client_context("", certificate, key)
