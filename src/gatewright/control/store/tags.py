"""Tags of endpoints."""

from collections import defaultdict

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from gatewright.control import policy
from gatewright.control.store import limits
from gatewright.control.store.rows import find, require
from gatewright.control.store.tables import EndpointRow, TagRow
from gatewright.entities import GatewayEndpointTag


def put(tx: Session, *, endpoint_id: str, key: str, value: str | None = None) -> None:
    """Set a tag, keeping its place when the key is there already. The endpoint's times do not move.

    Raises:
        ClientError: for an empty or over-long key, an over-long value, or a tag of ours that cannot be used.
        NotFoundError: when there is no such endpoint.
    """
    limits.given(endpoint_id=endpoint_id, key=key)
    limits.fits(TagRow, key=key, value=value)
    policy.check(key, value or "")
    require(tx, EndpointRow, endpoint_id=endpoint_id)
    row = find(tx, TagRow, endpoint_id, key)
    if row is None:
        last = tx.scalar(select(func.max(TagRow.position)).where(TagRow.endpoint_id == endpoint_id))
        row = TagRow(endpoint_id=endpoint_id, key=key, position=0 if last is None else last + 1)
        tx.add(row)
    row.value = value or ""
    tx.flush()


def delete(tx: Session, *, endpoint_id: str, key: str) -> None:
    """Take a tag off; a key that is not there is fine.

    Raises:
        ClientError: for an empty key.
        NotFoundError: when there is no such endpoint.
    """
    limits.given(endpoint_id=endpoint_id, key=key)
    require(tx, EndpointRow, endpoint_id=endpoint_id)
    row = find(tx, TagRow, endpoint_id, key)
    if row is not None:
        tx.delete(row)
        tx.flush()


def of_endpoints(tx: Session, endpoint_ids: Select[str]) -> defaultdict[str, list[GatewayEndpointTag]]:
    """Tags by endpoint id, in their order, for the endpoints a query selects: one statement."""
    query = (
        select(TagRow.endpoint_id, TagRow.key, TagRow.value)
        .where(TagRow.endpoint_id.in_(endpoint_ids))
        .order_by(TagRow.position)
    )
    found: defaultdict[str, list[GatewayEndpointTag]] = defaultdict(list)
    for endpoint_id, key, value in tx.execute(query):
        found[endpoint_id].append(GatewayEndpointTag(key=key, value=value))
    return found
