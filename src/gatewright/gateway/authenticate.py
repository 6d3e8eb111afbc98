"""Station 1: headers to principal, by hash lookup in the snapshot."""

import binascii
from urllib.parse import parse_qsl

from gatewright.errors import AccessError, ForbiddenError
from gatewright.gateway.exchange import Headers
from gatewright.snapshot.model import Principal, Snapshot, key_digest

# Where the SDKs of Anthropic, Google and Azure put a key.
_HEADERS = frozenset({b"x-api-key", b"x-goog-api-key", b"api-key"})


def authenticate(snapshot: Snapshot, headers: Headers, query: bytes = b"") -> Principal:
    """Who calls, by the key in the place each SDK has for it.

    That is `Authorization: Bearer KEY`, or Basic with the key as the password (MLflow's clients), else `x-api-key`,
    `x-goog-api-key`, `api-key`, or `?key=` (Google's REST clients).

    Raises:
        AccessError: without a key, or with one that is unknown or revoked. The message never repeats the key.
    """
    for name, value in headers:
        if name == b"authorization":
            known = snapshot.callers.get(value)
            if known is not None:
                return known
            break
    key = _key(headers, query)
    if key is not None:
        principal = snapshot.principals.get(key_digest(key))
        if principal is not None:
            _remember(snapshot, headers, principal)
            return principal
    if snapshot.anonymous is not None:
        return snapshot.anonymous
    if key is None:
        raise AccessError("No API key: send one as 'Authorization: Bearer KEY' (or as the password of Basic).")
    raise AccessError("The API key is not valid: it is unknown or was revoked.")


def _remember(snapshot: Snapshot, headers: Headers, principal: Principal) -> None:
    """Spare a caller's next requests the search for the key and its hash; of each key one spelling is kept."""
    value = next((value for name, value in headers if name == b"authorization"), b"")
    if value[:7] == b"Bearer " and value.isascii() and value[7:] == value[7:].strip():
        snapshot.callers[value] = principal


def uses_basic(headers: Headers) -> bool:
    """Whether the key came as Basic credentials, which a browser adds to any page's requests once it has them."""
    for name, value in headers:  # noqa: SIM110 - on the way of every request, and faster than a generator
        if name == b"authorization" and value[:6].lower() == b"basic ":
            return True
    return False


def require_admin(principal: Principal) -> None:
    """Refuse a principal that may only call endpoints.

    Raises:
        ForbiddenError: when it may not manage.
    """
    if not principal.admin:
        raise ForbiddenError(f"The key {principal.name!r} may call endpoints but not manage them: use an admin key.")


def _key(headers: Headers, query: bytes) -> str | bytes | None:
    elsewhere = None
    for name, value in headers:
        if name == b"authorization":
            if value[:7] == b"Bearer " and value.isascii():  # as every SDK writes it
                return value[7:].strip()
            scheme, _, rest = value.decode("latin-1").strip().partition(" ")
            if scheme.lower() == "bearer":
                return rest.strip()
            if scheme.lower() == "basic":
                return _password(rest.strip())
        elif name in _HEADERS:
            elsewhere = value.decode("latin-1").strip()
    if elsewhere is None and query:
        return dict(parse_qsl(query.decode("latin-1"))).get("key")
    return elsewhere


def _password(token: str) -> str:
    """The password of Basic credentials (RFC 7617); an unreadable token is a key that is not valid."""
    try:
        return binascii.a2b_base64(token, strict_mode=True).decode().partition(":")[2]
    except ValueError:
        return ""
