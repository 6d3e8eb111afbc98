"""Every test of this folder runs on both event loops; certificates are made on the spot."""

import asyncio
import datetime as dt
import ipaddress
import socket
import ssl

import pytest
import uvloop
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from gatewright.upstream.client import Client
from gatewright.upstream.timeouts import Timeouts

NOW = dt.datetime.now(dt.UTC)


def pytest_asyncio_loop_factories(config, item):
    """Plain asyncio and uvloop."""
    return {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}


@pytest.fixture
async def client():
    """A client with generous timeouts."""
    one = Client(timeouts=Timeouts(connect=5, first_byte=5, idle=5, total=10))
    yield one
    await one.close()


@pytest.fixture
async def make_client():
    """Make clients with other values; all are closed after the test."""
    made = []

    def make(*, ca_file="", client_cert="", client_key="", proxies=None, limit=512, queue=5, **timeouts):
        values = {"connect": 5, "first_byte": 5, "idle": 5, "total": 10, **timeouts}
        one = Client(
            timeouts=Timeouts(**values),
            ca_file=ca_file,
            client_cert=client_cert,
            client_key=client_key,
            proxies=proxies or {},
            limit=limit,
            queue=queue,
        )
        made.append(one)
        return one

    yield make
    for one in made:
        await one.close()


@pytest.fixture
async def names(monkeypatch):
    """A resolver of our own: `names[host] = [ip, …]`; `names.asked` lists the questions."""
    table = Table()
    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", table.getaddrinfo)
    return table


class Table(dict):
    def __init__(self):
        super().__init__()
        self.asked = []
        self.delay = 0.0

    async def getaddrinfo(self, host, port, **_):
        self.asked.append(host)
        await asyncio.sleep(self.delay)
        if host not in self:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return [
            (socket.AF_INET6 if ":" in ip else socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, port))
            for ip in self[host]
        ]


def _certificate(subject, *, issuer=None, issuer_key=None, names=(), expires=NOW + dt.timedelta(days=1)):
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)])
    issuer_name = issuer.subject if issuer else name
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer_name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - dt.timedelta(days=2))
        .not_valid_after(expires)
        .add_extension(x509.BasicConstraints(ca=not names, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    if issuer:
        builder = builder.add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.public_key()), critical=False
        )
    return key, builder.sign(issuer_key or key, hashes.SHA256())


def _pem(key, certificate):
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ) + certificate.public_bytes(serialization.Encoding.PEM)


@pytest.fixture(scope="session")
def authority(tmp_path_factory):
    """A certificate authority: `.ca_file`, `.issue(name…)` for a PEM file, `.server(name…)` for a TLS context."""
    return Authority(tmp_path_factory.mktemp("tls"))


class Authority:
    def __init__(self, folder):
        self._folder = folder
        self._key, self._certificate = _certificate("Test authority")
        self.ca_file = str(folder / "ca.pem")
        (folder / "ca.pem").write_bytes(self._certificate.public_bytes(serialization.Encoding.PEM))

    def issue(self, *names, signed=True, expired=False):
        """A PEM file of a certificate and its key."""
        alternatives = []
        for name in names:
            try:
                alternatives.append(x509.IPAddress(ipaddress.ip_address(name)))
            except ValueError:
                alternatives.append(x509.DNSName(name))
        key, certificate = _certificate(
            names[0],
            issuer=self._certificate if signed else None,
            issuer_key=self._key if signed else None,
            names=alternatives,
            expires=NOW - dt.timedelta(days=1) if expired else NOW + dt.timedelta(days=1),
        )
        path = self._folder / f"{certificate.serial_number}.pem"
        path.write_bytes(_pem(key, certificate))
        return path

    def server(self, *names, **certificate):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.issue(*names, **certificate))
        context.set_alpn_protocols(["h2", "http/1.1"])
        return context
