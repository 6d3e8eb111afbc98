"""The mock providers of a run: plain answers as fast as can be, streams, and plain answers over TLS."""

import contextlib
import datetime as dt
import ipaddress
import json
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from bench import payload
from bench.process import Ask, free_port, serving

ROOT = Path(__file__).parent.parent

_NGINX = """\
worker_processes 1;
daemon off;
pid {folder}/mock.pid;
error_log {folder}/mock.log crit;
events {{ worker_connections 16000; }}
http {{
  access_log off;
  keepalive_requests 1000000000;
  client_max_body_size 0;
  client_body_buffer_size 2m;
  client_body_temp_path {folder}/mock-bodies;
  default_type application/json;
  server {{
    listen 127.0.0.1:{plain} backlog=4096;
    listen 127.0.0.1:{tls} ssl backlog=4096;
    ssl_certificate {certificate};
    ssl_certificate_key {key};
    location / {{ return 200 '{openai}'; }}
    location ~ /messages$ {{ return 200 '{anthropic}'; }}
    location ~ /models$ {{ return 200 '{models}'; }}
  }}
}}
"""


@dataclass(frozen=True, slots=True)
class Upstreams:
    """Where the mocks listen.

    Attributes:
        ports: by what they serve: `plain`, `stream`, `tls`.
        ca: PEM file that vouches for the TLS one.
        plain: what the plain one is: `nginx` or `bench.mock`.
    """

    ports: dict[str, int]
    ca: Path
    plain: str

    def origin(self, kind: str) -> str:
        """The address of one of them, without a path."""
        return f"{'https' if kind == 'tls' else 'http'}://127.0.0.1:{self.ports[kind]}"


def nginx() -> str | None:
    """Debian's nginx, when it is installed."""
    return shutil.which("nginx", path="/usr/sbin:/usr/bin:/sbin:/bin")


@contextmanager
def upstreams(folder: Path, cores: set[int], *, fast: bool) -> Iterator[Upstreams]:
    """Start the mocks on these cores.

    Args:
        folder: for their files.
        cores: where they run.
        fast: answer plainly with nginx, where it is installed.
    """
    certificate, key = _certificate(folder)
    ports = {"stream": free_port(), "tls": free_port()}
    found = nginx() if fast else None
    ports["plain"] = free_port() if found else ports["stream"]
    own = [sys.executable, "-m", "bench.mock", str(ports["stream"])]
    if found is None:
        own += [str(ports["tls"]), str(certificate), str(key)]
    with contextlib.ExitStack() as stack:

        def start(name: str, command: list[str], port: int) -> None:
            ready = Ask(port=port, path="/v1/models")
            log = folder / f"{name}.log"
            stack.enter_context(serving(command, ready, cores=cores, log=log, environment={"PYTHONPATH": str(ROOT)}))

        start("mock", own, ports["stream"])
        if found is not None:
            start("mock-nginx", [found, "-c", str(_nginx_file(folder, ports, certificate, key))], ports["plain"])
        yield Upstreams(ports, certificate, "nginx" if found else "bench.mock")


def _nginx_file(folder: Path, ports: dict[str, int], certificate: Path, key: Path) -> Path:
    answers = {
        "openai": payload.openai_answer().decode(),
        "anthropic": payload.anthropic_answer().decode(),
        "models": json.dumps(json.loads(payload.models())),
    }
    path = folder / "mock.conf"
    path.write_text(
        _NGINX.format(
            folder=folder, plain=ports["plain"], tls=ports["tls"], certificate=certificate, key=key, **answers
        )
    )
    return path


def _certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 that vouches for itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "bench")])
    now = dt.datetime.now(dt.UTC)
    names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1")), x509.DNSName("localhost")])
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=2))
        .add_extension(names, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    certificate, secret = folder / "mock.pem", folder / "mock.key"
    certificate.write_bytes(built.public_bytes(serialization.Encoding.PEM))
    secret.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return certificate, secret
