"""Secrets: stored encrypted, shown masked, opened only for the snapshot."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy import select
from sqlalchemy.orm import Session

from gatewright.control.crypto import Sealed, Vault
from gatewright.control.store import auth, limits
from gatewright.control.store.database import Database
from gatewright.control.store.rows import matches, new_id, require, shown, stamps, touch
from gatewright.control.store.tables import SecretRow
from gatewright.entities import GatewaySecretInfo
from gatewright.errors import AlreadyExistsError, ClientError, ConfigError, NotFoundError


@dataclass(frozen=True, slots=True, kw_only=True)
class Revealed:
    """A secret with its values, for the compiler of snapshots only.

    Attributes:
        secret_id: which one.
        secret_name: its name, for messages.
        values: the decrypted values; empty when there is a problem.
        auth_config: settings that are not confidential.
        last_updated_at: when its values or settings were changed, in milliseconds since the epoch.
        problem: why it cannot be opened; empty when it can.
    """

    secret_id: str
    secret_name: str
    values: Mapping[str, str] = field(repr=False)
    auth_config: Mapping[str, str]
    last_updated_at: int
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rewrapped:
    """What a rotation did.

    Attributes:
        count: secrets now under the current key.
        problems: secrets left as they were, by name, and why.
    """

    count: int
    problems: Mapping[str, str]


def mask(value: str) -> str:
    """A value as it is shown: first 3 and last 4 characters, or `***` when it is shorter than 8."""
    return f"{value[:3]}...{value[-4:]}" if len(value) >= 8 else "***"


def create(
    tx: Session,
    vault: Vault,
    *,
    secret_name: str,
    secret_value: Mapping[str, str] | None = None,
    provider: str | None = None,
    auth_config: Mapping[str, str] | None = None,
    created_by: str | None = None,
    allow_private: bool = False,
) -> GatewaySecretInfo:
    """Store a secret. Call `auth.refuse_private` before the transaction.

    Values may be missing only when `auth_config` is there, for upstreams that need no key.

    Raises:
        ClientError: for a missing name, reserved keys, empty values, or an `api_base` that is not allowed.
        AlreadyExistsError: when the name is taken.
    """
    limits.given(secret_name=secret_name)
    values = dict(secret_value or {})
    auth.check_secret_value(values)
    settings = auth.normalise(auth_config or {}, allow_private=allow_private)
    if not values and not auth_config:
        raise ClientError("Missing value for required parameter 'secret_value'.")
    limits.fits(SecretRow, secret_name=secret_name, provider=provider, created_by=created_by)
    if tx.scalar(select(SecretRow.secret_id).where(SecretRow.secret_name == secret_name)):
        raise AlreadyExistsError(f"Secret with name {secret_name!r} already exists")
    row = SecretRow(
        secret_id=new_id("s"),
        secret_name=secret_name,
        provider=provider or None,
        auth_config=settings,
        **stamps(created_by),
    )
    _seal(vault, row, values)
    tx.add(row)
    tx.flush()
    return _entity(row)


def get(tx: Session, *, secret_id: str | None = None, secret_name: str | None = None) -> GatewaySecretInfo:
    """One secret, masked, by id, or by name when no id is given.

    Raises:
        NotFoundError: when there is none.
    """
    if secret_name and not secret_id:
        row = tx.scalar(select(SecretRow).where(matches(SecretRow.secret_name, secret_name)))
        if row is None:
            raise NotFoundError(f"{SecretRow.called} not found (secret_name={secret_name!r})")
        return _entity(row)
    return _entity(require(tx, SecretRow, secret_id=secret_id or ""))


def list_all(tx: Session, *, provider: str | None = None) -> list[GatewaySecretInfo]:
    """All secrets, masked, by name; only those of a provider when one is given."""
    query = select(SecretRow).where(matches(SecretRow.provider, provider)).order_by(SecretRow.secret_name)
    return [_entity(row) for row in tx.scalars(query)]


def update(
    tx: Session,
    vault: Vault,
    *,
    secret_id: str,
    secret_value: Mapping[str, str] | None = None,
    auth_config: Mapping[str, str] | None = None,
    updated_by: str | None = None,
    allow_private: bool = False,
) -> GatewaySecretInfo:
    """Replace the values, the settings, or both. An empty map leaves its part unchanged.

    `last_updated_by` becomes `updated_by` even when that is absent, as in MLflow. Settings with nothing but a blank
    `api_base` clear them. Call `auth.refuse_private` before the transaction.

    Raises:
        ClientError: as `create`.
        NotFoundError: when there is no such secret.
    """
    auth.check_secret_value(secret_value or {})
    settings = auth.normalise(auth_config or {}, allow_private=allow_private)
    limits.fits(SecretRow, updated_by=updated_by)
    row = require(tx, SecretRow, secret_id=secret_id)
    if secret_value:
        _seal(vault, row, secret_value)
    if auth_config:
        row.auth_config = settings
    touch(row, updated_by)
    row.last_updated_by = updated_by or None
    tx.flush()
    return _entity(row)


def delete(tx: Session, *, secret_id: str) -> None:
    """Delete a secret; model definitions that use it stay, without a secret.

    Raises:
        NotFoundError: when there is no such secret.
    """
    tx.delete(require(tx, SecretRow, secret_id=secret_id))
    tx.flush()
    # The database took the secret off its model definitions; what is loaded of them is out of date.
    tx.expire_all()


def reveal_all(tx: Session, vault: Vault) -> dict[str, Revealed]:
    """Every secret opened, by id. One that cannot be opened has a `problem` and never fails the rest."""
    return {row.secret_id: _reveal(vault, row) for row in tx.scalars(select(SecretRow))}


def rewrap_all(database: Database, vault: Vault) -> Rewrapped:
    """Put every secret's data key under the current KEK, in one transaction, while servers run.

    A secret that cannot be opened stays as it is and is named in the result.
    """
    count, problems = 0, {}
    with database.write() as tx:
        for row in tx.scalars(select(SecretRow).where(SecretRow.kek_id != vault.keyring.primary.id)):
            try:
                sealed = vault.rewrap(row.secret_id, row.secret_name, _sealed(row))
            except ConfigError as problem:
                problems[row.secret_name] = problem.public
            else:
                row.wrapped_key, row.kek_id = sealed.wrapped_key, sealed.kek_id
                count += 1
    return Rewrapped(count=count, problems=problems)


def _sealed(row: SecretRow) -> Sealed:
    return Sealed(row.ciphertext, row.wrapped_key, row.kek_id)


def _seal(vault: Vault, row: SecretRow, values: Mapping[str, str]) -> None:
    sealed = vault.seal(row.secret_id, row.secret_name, values)
    row.ciphertext, row.wrapped_key, row.kek_id = sealed.ciphertext, sealed.wrapped_key, sealed.kek_id
    row.masked_values = {key: mask(value) for key, value in values.items()}


def _reveal(vault: Vault, row: SecretRow) -> Revealed:
    values: Mapping[str, str] = {}
    problem = ""
    try:
        values = vault.open(row.secret_id, row.secret_name, _sealed(row))
    except ConfigError as found:
        problem = found.public
    return shown(Revealed, row, values=values, problem=problem)


def _entity(row: SecretRow) -> GatewaySecretInfo:
    return shown(
        GatewaySecretInfo,
        row,
        masked_values=dict(row.masked_values),
        auth_config=dict(row.auth_config) or None,
    )
