"""Access tokens of Google Cloud: for a service account's key, and for what the server itself finds.

https://developers.google.com/identity/protocols/oauth2/service-account and
https://cloud.google.com/docs/authentication/application-default-credentials
"""

import asyncio
import base64
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from gatewright.errors import ConfigError, UpstreamCredentialError
from gatewright.snapshot.address import Address, parse_base
from gatewright.snapshot.identity import GOOGLE_TOKENS, GoogleIdentity, ServiceAccount, service_account
from gatewright.upstream.issuer import NEARBY, Issuer, Send, content, place, token, trade
from gatewright.upstream.leases import Clock, Lease

_METADATA = Address("http", "169.254.169.254", 80, private=True)
_METADATA_TOKEN = b"/computeMetadata/v1/instance/service-accounts/default/token"
_FLAVOR = (b"metadata-flavor", b"Google")
_LIFE = 3600
_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_NONE = (
    "Set GOOGLE_APPLICATION_CREDENTIALS, run the server where it has a service account, or put a service account's key "
    "into the secret."
)


class _User(msgspec.Struct):
    """What `gcloud auth application-default login` writes."""

    type: str
    client_id: str = ""
    client_secret: str = ""
    refresh_token: str = ""


class Google:
    """Gets tokens of Google Cloud.

    Args:
        send: how services are asked.
        cloud: environment variables of the server; see `Settings.cloud`.
        private: whether the file the environment names may have a private `token_uri`.
        clock: seconds since the epoch.
    """

    def __init__(self, send: Send, cloud: Mapping[str, str], clock: Clock, *, private: bool) -> None:
        self._send = send
        self._cloud = cloud
        self._private = private
        self._clock = clock

    async def fetch(self, identity: GoogleIdentity) -> Lease[str]:
        """A new token.

        Raises:
            UpstreamCredentialError: there is none; the message says what to do.
        """
        if identity.account is not None:
            return await self._account(identity.account, identity.scope)
        path = self._cloud.get("GOOGLE_APPLICATION_CREDENTIALS") or await asyncio.to_thread(self._usual_file)
        if path:
            return await self._file(await content(path, "GOOGLE_APPLICATION_CREDENTIALS"), identity.scope)
        return await self._instance()

    def _usual_file(self) -> str:
        folder = self._cloud.get("CLOUDSDK_CONFIG")
        path = Path(folder, "application_default_credentials.json") if folder else None
        return str(path) if path and path.is_file() else ""

    async def _file(self, text: str, scope: str) -> Lease[str]:
        try:
            user = msgspec.json.decode(text, type=_User)
            if user.type != "authorized_user":
                return await self._account(service_account(text, allow_private=self._private), scope)
        except msgspec.DecodeError:
            raise UpstreamCredentialError(f"Google's credentials file is not the JSON it should be. {_NONE}") from None
        except ConfigError as problem:
            raise UpstreamCredentialError(f"Google's credentials file: {problem.public}.") from None
        issuer = Issuer(
            "Google Cloud", parse_base(GOOGLE_TOKENS), "Log in again: gcloud auth application-default login."
        )
        form = {
            "grant_type": "refresh_token",
            "client_id": user.client_id,
            "client_secret": user.client_secret,
            "refresh_token": user.refresh_token,
        }
        return await trade(issuer, self._send, form, self._clock)

    async def _account(self, account: ServiceAccount, scope: str) -> Lease[str]:
        issuer = Issuer(account.server.authority, account.server, "Check that the service account's key still exists.")
        now = int(self._clock())
        claims = {"iss": account.email, "scope": scope, "aud": GOOGLE_TOKENS, "iat": now, "exp": now + _LIFE}
        try:
            assertion = await asyncio.to_thread(_signed, account, claims)
        except (ValueError, TypeError, UnsupportedAlgorithm):
            raise issuer.refusal("the 'private_key' of the service account's key is not an RSA key in PEM") from None
        return await trade(issuer, self._send, {"grant_type": _GRANT, "assertion": assertion}, self._clock)

    async def _instance(self) -> Lease[str]:
        own = self._cloud.get("GCE_METADATA_HOST")
        address = place(f"http://{own}", "GCE_METADATA_HOST") if own else _METADATA
        issuer = Issuer("Google's metadata service", address, _NONE, NEARBY)
        return token(issuer, await issuer.ask(self._send, b"GET", _METADATA_TOKEN, (_FLAVOR,)), self._clock)


def _signed(account: ServiceAccount, claims: Mapping[str, Any]) -> str:
    """A JSON Web Token (RFC 7519), signed with RS256; a TypeError when the key is none for that."""
    key = serialization.load_pem_private_key(account.private_key.encode("utf-8"), password=None)
    if not isinstance(key, rsa.RSAPrivateKey):
        raise TypeError("not an RSA key")
    head = {"alg": "RS256", "typ": "JWT"} | ({"kid": account.key_id} if account.key_id else {})
    text = b".".join(_base64(msgspec.json.encode(part)) for part in (head, claims))
    return (text + b"." + _base64(key.sign(text, padding.PKCS1v15(), hashes.SHA256()))).decode("ascii")


def _base64(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")
