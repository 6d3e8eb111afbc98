"""Who calls a provider, where that is more than a fixed header: identities that sign requests or trade for tokens.

They are values of the snapshot: what `upstream/auth.py` makes of them (signatures, tokens and their renewal) is not
known here. Two equal identities are one, and share their tokens. `repr` never shows a secret.
"""

from dataclasses import dataclass, field

import msgspec

from gatewright.errors import ClientError, ConfigError
from gatewright.snapshot.address import Address, parse_base

GOOGLE_TOKENS = "https://oauth2.googleapis.com/token"
"""Where Google Cloud gives out tokens, and the audience of what is signed for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AwsIdentity:
    """Signs with Signature Version 4.

    Attributes:
        region: e.g. `us-east-1`.
        service: name to sign for, e.g. `bedrock`.
        key_id: access key id; empty to use the credentials the server itself finds.
        secret_key: secret access key.
        session_token: goes with temporary keys; empty without.
        role: ARN of a role to assume first; empty for none.
        session_name: of the assumed role's session.
    """

    region: str
    service: str
    key_id: str = field(default="", repr=False)
    secret_key: str = field(default="", repr=False)
    session_token: str = field(default="", repr=False)
    role: str = ""
    session_name: str = "gatewright"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceAccount:
    """The key of a service account of Google Cloud.

    Attributes:
        email: name of the account.
        private_key: RSA key as PEM, not looked into here.
        key_id: which of the account's keys it is; may be empty.
        project: the account's project; may be empty.
        server: where its tokens are given out.
    """

    email: str
    private_key: str = field(repr=False)
    key_id: str
    project: str
    server: Address


@dataclass(frozen=True, slots=True, kw_only=True)
class GoogleIdentity:
    """Trades for an access token of Google Cloud.

    Attributes:
        account: a service account; None to use the credentials the server itself finds.
        scope: what the token is for.
    """

    account: ServiceAccount | None = None
    scope: str = "https://www.googleapis.com/auth/cloud-platform"


@dataclass(frozen=True, slots=True, kw_only=True)
class OAuthIdentity:
    """Trades a client id and secret for an access token (RFC 6749, section 4.4).

    Attributes:
        server: where tokens are given out, the path included.
        client_id: public name of the client.
        client_secret: its secret.
        scope: what the token is for; empty for the server's choice.
    """

    server: Address
    client_id: str
    client_secret: str = field(repr=False)
    scope: str = ""


Identity = AwsIdentity | GoogleIdentity | OAuthIdentity


class _Key(msgspec.Struct):
    type: str
    client_email: str = ""
    private_key: str = ""
    private_key_id: str = ""
    project_id: str = ""
    token_uri: str = GOOGLE_TOKENS


def service_account(text: str | bytes, *, allow_private: bool) -> ServiceAccount:
    """Read the JSON key of a service account.

    Args:
        text: content of the key's file.
        allow_private: `GATEWRIGHT_ALLOW_PRIVATE_UPSTREAMS`, for the `token_uri` it names.

    Raises:
        ConfigError: it is not such a key; nothing of it is repeated but its type and the host of its `token_uri`.
    """
    try:
        key = msgspec.json.decode(text, type=_Key)
    except (msgspec.DecodeError, UnicodeError):
        raise ConfigError("the service account's key is not the JSON that Google Cloud gives out") from None
    if key.type != "service_account":
        raise ConfigError(f"the service account's key is of type {key.type[:40]!r}; use one of type 'service_account'")
    if not (key.client_email and key.private_key):
        raise ConfigError("the service account's key has no 'client_email' or no 'private_key'")
    try:
        server = parse_base(key.token_uri, allow_private=allow_private)
    except ClientError as problem:
        said = problem.public.removesuffix(".").replace("api_base", "token_uri")
        raise ConfigError(f"the service account's key cannot be used: {said}") from None
    return ServiceAccount(
        email=key.client_email,
        private_key=key.private_key,
        key_id=key.private_key_id,
        project=key.project_id,
        server=server,
    )
