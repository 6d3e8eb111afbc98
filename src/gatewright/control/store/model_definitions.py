"""Model definitions: a provider's model under a name of its own, with the secret that opens it."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from gatewright.control.store import limits
from gatewright.control.store.rows import matches, new_id, require, shown, stamps, touch
from gatewright.control.store.tables import MappingRow, ModelDefinitionRow, SecretRow
from gatewright.entities import GatewayModelDefinition
from gatewright.errors import AlreadyExistsError, InvalidStateError


def create(
    tx: Session,
    *,
    name: str,
    secret_id: str,
    provider: str,
    model_name: str,
    created_by: str | None = None,
) -> GatewayModelDefinition:
    """Store a model definition.

    Raises:
        ClientError: for a missing or over-long text.
        NotFoundError: when there is no such secret.
        AlreadyExistsError: when the name is taken.
    """
    limits.given(name=name, secret_id=secret_id, provider=provider, model_name=model_name)
    limits.fits(ModelDefinitionRow, name=name, provider=provider, model_name=model_name, created_by=created_by)
    secret = _secret(tx, secret_id)
    _refuse_taken(tx, name)
    row = ModelDefinitionRow(
        model_definition_id=new_id("d"),
        name=name,
        secret_id=secret_id,
        provider=provider,
        model_name=model_name,
        **stamps(created_by),
    )
    tx.add(row)
    tx.flush()
    return entity(row, secret.secret_name)


def get(tx: Session, *, model_definition_id: str) -> GatewayModelDefinition:
    """One model definition.

    Raises:
        NotFoundError: when there is none.
    """
    row = require(tx, ModelDefinitionRow, model_definition_id=model_definition_id)
    return entity(row, _secret(tx, row.secret_id).secret_name if row.secret_id else None)


def list_all(tx: Session, *, provider: str | None = None, secret_id: str | None = None) -> list[GatewayModelDefinition]:
    """All model definitions, by name; only those that match every filter given."""
    query = (
        select(ModelDefinitionRow, SecretRow.secret_name)
        .outerjoin(SecretRow, SecretRow.secret_id == ModelDefinitionRow.secret_id)
        .where(matches(ModelDefinitionRow.provider, provider), matches(ModelDefinitionRow.secret_id, secret_id))
        .order_by(ModelDefinitionRow.name)
    )
    return [entity(row, secret_name) for row, secret_name in tx.execute(query)]


def update(
    tx: Session,
    *,
    model_definition_id: str,
    name: str | None = None,
    secret_id: str | None = None,
    model_name: str | None = None,
    updated_by: str | None = None,
    provider: str | None = None,
) -> GatewayModelDefinition:
    """Change what is given and not empty; `last_updated_at` moves in any case.

    Raises:
        ClientError: for an over-long text.
        NotFoundError: when the definition or the secret does not exist.
        AlreadyExistsError: when the name is taken.
    """
    limits.fits(ModelDefinitionRow, name=name, provider=provider, model_name=model_name, updated_by=updated_by)
    row = require(tx, ModelDefinitionRow, model_definition_id=model_definition_id)
    if secret_id:
        row.secret_id = _secret(tx, secret_id).secret_id
    if name and name != row.name:
        _refuse_taken(tx, name)
        row.name = name
    row.provider = provider or row.provider
    row.model_name = model_name or row.model_name
    touch(row, updated_by)
    tx.flush()
    return get(tx, model_definition_id=model_definition_id)


def delete(tx: Session, *, model_definition_id: str) -> None:
    """Delete a model definition that no endpoint uses.

    Raises:
        NotFoundError: when there is none.
        InvalidStateError: when an endpoint uses it.
    """
    row = require(tx, ModelDefinitionRow, model_definition_id=model_definition_id)
    used = select(MappingRow.mapping_id).where(MappingRow.model_definition_id == model_definition_id).limit(1)
    if tx.scalar(used):
        raise InvalidStateError(
            f"Cannot delete model definition {row.name!r}: it is currently in use by endpoints. "
            "Detach it from all endpoints first."
        )
    tx.delete(row)
    tx.flush()


def entity(row: ModelDefinitionRow, secret_name: str | None) -> GatewayModelDefinition:
    """The entity of a row and its secret's name."""
    return shown(GatewayModelDefinition, row, secret_name=secret_name)


def _secret(tx: Session, secret_id: str) -> SecretRow:
    return require(tx, SecretRow, secret_id=secret_id)


def _refuse_taken(tx: Session, name: str) -> None:
    if tx.scalar(select(ModelDefinitionRow.name).where(ModelDefinitionRow.name == name)):
        raise AlreadyExistsError(f"Model definition with name {name!r} already exists")
