"""Services that give out credentials: what they are asked, and what is said when they refuse."""

import asyncio
import base64
import math
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote, urlencode

import msgspec

from gatewright.errors import ClientError, UpstreamCredentialError, UpstreamError
from gatewright.snapshot.address import Address, parse_base
from gatewright.snapshot.identity import OAuthIdentity
from gatewright.upstream.leases import Clock, Lease
from gatewright.upstream.request import Headers
from gatewright.upstream.response import Response

Send = Callable[[Address, bytes, bytes, Headers, bytes], Awaitable[Response]]
"""The parts of a `Request` to its response; see `Client.send`."""

FORM = (b"content-type", b"application/x-www-form-urlencoded; charset=utf-8")

LARGEST = 64 << 10
"""Bytes of the largest answer."""

NEARBY = 2.0
"""Seconds to wait for a metadata service: it is on the same machine, or there is none."""

T = TypeVar("T")
# The one word of an error answer that is shown; what else it says may repeat what was sent.
_CODE = re.compile(rb'<Code>([\w.-]{1,64})</Code>|"(?:error|[cC]ode)"\s*:\s*"([\w.-]{1,64})"')


@dataclass(frozen=True, slots=True)
class Issuer:
    """A service that gives out credentials.

    Attributes:
        name: as messages name it.
        address: where it is; a request's path is added to its path.
        advice: what to do when it refuses.
        patience: seconds to wait for an answer.
    """

    name: str
    address: Address
    advice: str
    patience: float = 10.0

    async def ask(
        self, send: Send, method: bytes, path: bytes = b"", headers: Headers = (), body: bytes = b""
    ) -> bytes:
        """Ask, and return the body of the answer.

        Raises:
            UpstreamCredentialError: it cannot be reached or refuses; only its error code is repeated.
            UnavailableError: the gateway is shutting down.
        """
        target = (self.address.path.encode("ascii") + path) or b"/"
        try:
            async with asyncio.timeout(self.patience):
                response = await send(self.address, method, target, headers, body)
                answer = await response.read(LARGEST)
        except TimeoutError:
            raise self.refusal(f"no answer within {self.patience:g} seconds") from None
        except (UpstreamError, ClientError) as problem:
            raise self.refusal(problem.public.removesuffix(".")) from None
        if response.status != 200:
            found = _CODE.search(answer)
            code = f" ({(found[1] or found[2]).decode('ascii', 'replace')})" if found else ""
            raise self.refusal(f"it answered {response.status}{code}")
        return answer

    def refusal(self, why: str) -> UpstreamCredentialError:
        """The error that says it gave no credentials."""
        return UpstreamCredentialError(f"{self.name} gave no credentials: {why}. {self.advice}")

    def read(self, answer: bytes, kind: type[T]) -> T:
        """An answer that is JSON.

        Raises:
            UpstreamCredentialError: it is not what it must be.
        """
        try:
            return msgspec.json.decode(answer, type=kind, strict=False)
        except (msgspec.DecodeError, UnicodeError):
            raise self.refusal("its answer is not what it should be") from None


class _Token(msgspec.Struct):
    """https://www.rfc-editor.org/rfc/rfc6749#section-5.1; what has no end is used for an hour."""

    access_token: str
    expires_in: float = 3600.0


def token(issuer: Issuer, answer: bytes, clock: Clock) -> Lease[str]:
    """The access token of an answer.

    Raises:
        UpstreamCredentialError: there is none that can be sent.
    """
    found = issuer.read(answer, _Token)
    text = found.access_token
    if not (text and text.isascii() and text.isprintable() and math.isfinite(found.expires_in)):
        raise issuer.refusal("its token is not one that can be used")
    return Lease(text, clock() + found.expires_in)


async def trade(issuer: Issuer, send: Send, form: Mapping[str, str], clock: Clock, headers: Headers = ()) -> Lease[str]:
    """Post a form to a token endpoint.

    Raises:
        UpstreamCredentialError: as `Issuer.ask` and `token`.
    """
    return token(issuer, await issuer.ask(send, b"POST", b"", (FORM, *headers), urlencode(form).encode("ascii")), clock)


async def client_credentials(identity: OAuthIdentity, send: Send, clock: Clock) -> Lease[str]:
    """A token for a client id and secret, which go as RFC 6749, section 2.3.1 says.

    Raises:
        UpstreamCredentialError: as `Issuer.ask` and `token`.
    """
    issuer = Issuer(identity.server.authority, identity.server, "Check client_id and client_secret.")
    pair = f"{quote(identity.client_id, safe='')}:{quote(identity.client_secret, safe='')}"
    authorization = (b"authorization", b"Basic " + base64.b64encode(pair.encode("ascii")))
    form = {"grant_type": "client_credentials"} | ({"scope": identity.scope} if identity.scope else {})
    return await trade(issuer, send, form, clock, (authorization,))


async def content(path: str, variable: str) -> str:
    """The content of a file that an environment variable names.

    Raises:
        UpstreamCredentialError: it cannot be read.
    """
    try:
        return await asyncio.to_thread(Path(path).read_text, "utf-8")
    except (OSError, ValueError) as problem:
        why = problem.strerror if isinstance(problem, OSError) else "it is not text in UTF-8"
        raise UpstreamCredentialError(f"The file that {variable} names cannot be read: {why}.") from None


def place(url: str, variable: str) -> Address:
    """The address that an environment variable names; it is the operator's own, so it may be private.

    Raises:
        UpstreamCredentialError: it is not one.
    """
    try:
        return parse_base(url, allow_private=True)
    except ClientError as problem:
        raise UpstreamCredentialError(problem.public.replace("api_base", variable)) from None
