"""Bindings: which resources elsewhere use an endpoint."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from gatewright.control.store import limits
from gatewright.control.store.rows import find, matches, require, shown, stamps
from gatewright.control.store.tables import BindingRow, EndpointRow
from gatewright.entities import GatewayEndpointBinding, GatewayResourceType
from gatewright.errors import AlreadyExistsError, ClientError


def create(
    tx: Session, *, endpoint_id: str, resource_type: str, resource_id: str, created_by: str | None = None
) -> GatewayEndpointBinding:
    """Note that a resource uses an endpoint.

    Raises:
        ClientError: for a missing or over-long text, or an unknown resource type.
        NotFoundError: when there is no such endpoint.
        AlreadyExistsError: when the binding is there.
    """
    limits.given(endpoint_id=endpoint_id, resource_type=resource_type, resource_id=resource_id)
    known = [kind.value for kind in GatewayResourceType]
    if resource_type not in known:
        raise ClientError(f"Invalid resource_type. Must be one of: {', '.join(known)}.")
    limits.fits(BindingRow, resource_id=resource_id, created_by=created_by)
    require(tx, EndpointRow, endpoint_id=endpoint_id)
    if find(tx, BindingRow, endpoint_id, resource_type, resource_id):
        raise AlreadyExistsError(f"Endpoint {endpoint_id!r} is already bound to {resource_type} {resource_id!r}")
    row = BindingRow(
        endpoint_id=endpoint_id, resource_type=resource_type, resource_id=resource_id, **stamps(created_by)
    )
    tx.add(row)
    tx.flush()
    return _entity(row)


def delete(tx: Session, *, endpoint_id: str, resource_type: str, resource_id: str) -> None:
    """Forget a binding.

    Raises:
        NotFoundError: when it is not there.
    """
    limits.given(endpoint_id=endpoint_id, resource_type=resource_type, resource_id=resource_id)
    key = {"endpoint_id": endpoint_id, "resource_type": resource_type, "resource_id": resource_id}
    tx.delete(require(tx, BindingRow, **key))
    tx.flush()


def list_all(
    tx: Session,
    *,
    endpoint_id: str | None = None,
    resource_type: str | None = None,
    resource_id: str | None = None,
) -> list[GatewayEndpointBinding]:
    """All bindings, oldest first; only those that match every filter given."""
    query = (
        select(BindingRow)
        .where(
            matches(BindingRow.endpoint_id, endpoint_id),
            matches(BindingRow.resource_type, resource_type),
            matches(BindingRow.resource_id, resource_id),
        )
        .order_by(BindingRow.created_at, BindingRow.endpoint_id, BindingRow.resource_id)
    )
    return [_entity(row) for row in tx.scalars(query)]


def _entity(row: BindingRow) -> GatewayEndpointBinding:
    return shown(GatewayEndpointBinding, row, resource_type=GatewayResourceType(row.resource_type))
