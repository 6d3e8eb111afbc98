"""Keys that callers send. Only their SHA-256 is stored, so a key is shown once, when it is made."""

import secrets
from dataclasses import dataclass, field

from sqlalchemy import select
from sqlalchemy.orm import Session

from gatewright.control.store import limits
from gatewright.control.store.rows import matches, new_id, now, shown
from gatewright.control.store.tables import ApiKeyRow
from gatewright.errors import AlreadyExistsError, NotFoundError
from gatewright.snapshot.model import key_digest

_RANDOM_BYTES = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """A key without its text.

    Attributes:
        key_id: `k-` and 32 hex digits.
        name: what the operator called it; unique.
        admin: whether it may manage, not only call endpoints.
        created_at: milliseconds since the epoch.
        masked: its first and last characters.
        digest: SHA-256 of its text.
    """

    key_id: str
    name: str
    admin: bool
    created_at: int
    masked: str
    digest: bytes = field(repr=False)


def create(tx: Session, *, name: str, admin: bool = False) -> tuple[ApiKey, str]:
    """Make a key; the second value is its text (`gw-` and 43 characters), which is not stored.

    Raises:
        ClientError: for a missing or over-long name.
        AlreadyExistsError: when the name is taken.
    """
    limits.given(name=name)
    limits.fits(ApiKeyRow, name=name)
    if tx.scalar(select(ApiKeyRow.key_id).where(ApiKeyRow.name == name)):
        raise AlreadyExistsError(f"Key with name {name!r} already exists")
    key = f"gw-{secrets.token_urlsafe(_RANDOM_BYTES)}"
    row = ApiKeyRow(
        key_id=new_id("k"),
        name=name,
        admin=admin,
        digest=key_digest(key),
        masked=f"{key[:6]}...{key[-4:]}",
        created_at=now(),
    )
    tx.add(row)
    tx.flush()
    return shown(ApiKey, row), key


def list_all(tx: Session) -> list[ApiKey]:
    """All keys, oldest first."""
    return [shown(ApiKey, row) for row in tx.scalars(select(ApiKeyRow).order_by(ApiKeyRow.created_at, ApiKeyRow.name))]


def digests(tx: Session) -> dict[bytes, ApiKey]:
    """All keys by the SHA-256 of their text, as callers are looked up."""
    return {key.digest: key for key in list_all(tx)}


def revoke(tx: Session, name_or_id: str) -> ApiKey:
    """Delete a key, named by its id or its name; what it was.

    Raises:
        NotFoundError: when there is none.
    """
    limits.given(key=name_or_id)
    by_id = tx.scalar(select(ApiKeyRow).where(matches(ApiKeyRow.key_id, name_or_id)))
    row = by_id or tx.scalar(select(ApiKeyRow).where(matches(ApiKeyRow.name, name_or_id)))
    if row is None:
        raise NotFoundError(f"Key not found (name or id {name_or_id!r})")
    key = shown(ApiKey, row)
    tx.delete(row)
    tx.flush()
    return key
