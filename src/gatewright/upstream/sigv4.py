"""AWS Signature Version 4: the headers that prove who sends a request. Pure: nothing is read, sent or kept here.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

import datetime as dt
import hashlib
import hmac
from dataclasses import dataclass, field
from urllib.parse import quote

from gatewright.upstream.request import Headers

_ALGORITHM = "AWS4-HMAC-SHA256"


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """AWS credentials.

    Attributes:
        key_id: access key id.
        secret: secret access key.
        token: session token of temporary keys; empty for lasting ones.
    """

    key_id: str = field(repr=False)
    secret: str = field(repr=False)
    token: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """What is signed: a request as it will be sent.

    Attributes:
        method: e.g. `POST`.
        host: value of the `Host` header.
        target: path and query, percent-encoded.
        headers: header fields that must arrive as they are, `host` and `x-amz-date` aside.
        body: request body.
    """

    method: bytes
    host: str
    target: bytes
    headers: Headers = ()
    body: bytes = b""


def sign(request: Signed, keys: Keys, *, region: str, service: str, at: float) -> tuple[tuple[bytes, bytes], ...]:
    """The headers to send besides those signed: `authorization`, `x-amz-date` and, with temporary keys, their token.

    Args:
        request: what is signed.
        keys: who signs.
        region: e.g. `us-east-1`.
        service: name the service signs under, e.g. `bedrock`.
        at: seconds since the epoch; AWS takes a signature for some five minutes around it.
    """
    moment = dt.datetime.fromtimestamp(at, dt.UTC).strftime("%Y%m%dT%H%M%SZ")
    scope = f"{moment[:8]}/{region}/{service}/aws4_request"
    added = [(b"x-amz-date", moment.encode("ascii"))]
    if keys.token:
        added.append((b"x-amz-security-token", keys.token.encode("utf-8")))
    names, canonical = _canonical(request, added)
    to_sign = "\n".join((_ALGORITHM, moment, scope, hashlib.sha256(canonical).hexdigest()))
    key = f"AWS4{keys.secret}".encode()
    for part in (*scope.split("/"), to_sign):
        key = hmac.digest(key, part.encode(), "sha256")
    value = f"{_ALGORITHM} Credential={keys.key_id}/{scope}, SignedHeaders={names}, Signature={key.hex()}"
    return ((b"authorization", value.encode("utf-8")), *added)


def _canonical(request: Signed, added: Headers) -> tuple[str, bytes]:
    """The names of the signed headers, and the request in the one form both sides compute."""
    headers: dict[str, list[str]] = {"host": [request.host]}
    for name, value in (*request.headers, *added):
        headers.setdefault(name.decode("latin-1").lower(), []).append(
            " ".join(value.decode("utf-8", "surrogateescape").split())
        )
    names = ";".join(sorted(headers))
    path, _, query = request.target.decode("ascii").partition("?")
    lines = (
        request.method.decode("ascii"),
        # The path is encoded once more, though it is encoded already; every service but S3 wants it so.
        quote(_plain(path), safe="/~"),
        "&".join("=".join(pair) for pair in sorted(_pairs(query))),
        *(f"{name}:{','.join(headers[name])}" for name in sorted(headers)),
        "",
        names,
        hashlib.sha256(request.body).hexdigest(),
    )
    return names, "\n".join(lines).encode("utf-8", "surrogateescape")


def _plain(path: str) -> str:
    """A path without empty and dot segments (RFC 3986, 5.2.4)."""
    kept: list[str] = []
    for segment in path.split("/"):
        if segment == "..":
            del kept[-1:]
        elif segment not in ("", "."):
            kept.append(segment)
    return "/" + "/".join(kept) + ("/" if kept and path.endswith("/") else "")


def _pairs(query: str) -> list[tuple[str, str]]:
    split = (pair.partition("=") for pair in query.split("&") if pair)
    return [(name, value) for name, _, value in split]
