"""Guardrails: scorers put to use, and their places on endpoints. They are stored here, and run elsewhere."""

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from gatewright.control.store import limits, pages, scorers
from gatewright.control.store.rows import find as find_row
from gatewright.control.store.rows import new_id, now, require, shown, stamps
from gatewright.control.store.tables import (
    EndpointRow,
    GuardrailConfigRow,
    GuardrailRow,
    ScorerRow,
    ScorerVersionRow,
)
from gatewright.entities import GatewayGuardrail, GatewayGuardrailConfig, GuardrailAction, GuardrailStage
from gatewright.errors import AlreadyExistsError, ClientError

_ENDPOINT = "Endpoint"


def create(
    tx: Session,
    *,
    name: str,
    scorer_id: str,
    scorer_version: int,
    stage: GuardrailStage | None,
    action: GuardrailAction | None,
    action_endpoint_id: str | None = None,
    created_by: str | None = None,
) -> GatewayGuardrail:
    """Store a guardrail; names need not be unique.

    Args:
        tx: transaction.
        name: for people.
        scorer_id: the judge.
        scorer_version: its version.
        stage: None when the request's was not a known one.
        action: None when the request's was not a known one.
        action_endpoint_id: the endpoint that rewrites; SANITIZATION needs one.
        created_by: the caller, as the server knows it.

    Raises:
        ClientError: for a value that is missing or makes no sense.
        NotFoundError: when the scorer, its version or the endpoint does not exist.
    """
    limits.given(name=name, scorer_id=scorer_id)
    if stage is None:
        raise ClientError("Invalid stage. Must be one of: BEFORE, AFTER.")
    if action is None:
        raise ClientError("Invalid action. Must be one of: VALIDATION, SANITIZATION.")
    limits.fits(GuardrailRow, name=name, created_by=created_by)
    scorers.require(tx, scorer_id, scorer_version)
    if action is GuardrailAction.SANITIZATION and not action_endpoint_id:
        raise ClientError("Missing value for required parameter 'action_endpoint_id': SANITIZATION needs it.")
    if action_endpoint_id:
        require(tx, EndpointRow, endpoint_id=action_endpoint_id)
    row = GuardrailRow(
        guardrail_id=new_id("gr"),
        name=name,
        scorer_id=scorer_id,
        scorer_version=scorer_version,
        stage=stage,
        action=action,
        action_endpoint_id=action_endpoint_id or None,
        **stamps(created_by),
    )
    tx.add(row)
    tx.flush()
    return get(tx, guardrail_id=row.guardrail_id)


def get(tx: Session, *, guardrail_id: str) -> GatewayGuardrail:
    """One guardrail.

    Raises:
        NotFoundError: when there is none.
    """
    row = require(tx, GuardrailRow, guardrail_id=guardrail_id)
    return _entities(tx, select(GuardrailRow.guardrail_id).filter_by(guardrail_id=row.guardrail_id))[guardrail_id]


def find(
    tx: Session, *, max_results: int | None = None, page_token: str | None = None
) -> tuple[list[GatewayGuardrail], str | None]:
    """One page of the guardrails by id, and the token of the next page; see `pages.load`."""
    query = select(GuardrailRow.guardrail_id).order_by(GuardrailRow.guardrail_id)
    ids, token = pages.load(tx, query, max_results, page_token)
    if not ids:
        return [], token
    # The ids of a page are a range, which is asked for more cheaply than 50,000 single ids.
    loaded = _entities(tx, select(GuardrailRow.guardrail_id).where(GuardrailRow.guardrail_id.between(ids[0], ids[-1])))
    return [loaded[one] for one in ids], token


def delete(tx: Session, *, guardrail_id: str) -> None:
    """Delete a guardrail and its places on endpoints.

    Raises:
        NotFoundError: when there is none.
    """
    tx.delete(require(tx, GuardrailRow, guardrail_id=guardrail_id))
    tx.flush()
    tx.expire_all()


def add(
    tx: Session,
    *,
    endpoint_id: str,
    guardrail_id: str,
    execution_order: int | None = None,
    created_by: str | None = None,
) -> GatewayGuardrailConfig:
    """Put a guardrail on an endpoint.

    Raises:
        NotFoundError: when the endpoint or the guardrail does not exist.
        AlreadyExistsError: when it is there already.
    """
    limits.given(endpoint_id=endpoint_id, guardrail_id=guardrail_id)
    require(tx, EndpointRow, called=_ENDPOINT, endpoint_id=endpoint_id)
    require(tx, GuardrailRow, guardrail_id=guardrail_id)
    if find_row(tx, GuardrailConfigRow, endpoint_id, guardrail_id):
        raise AlreadyExistsError(f"Guardrail {guardrail_id!r} is already added to endpoint {endpoint_id!r}")
    limits.fits(GuardrailConfigRow, created_by=created_by)
    row = GuardrailConfigRow(
        endpoint_id=endpoint_id,
        guardrail_id=guardrail_id,
        execution_order=execution_order,
        created_at=now(),
        created_by=created_by or None,
    )
    tx.add(row)
    tx.flush()
    return shown(GatewayGuardrailConfig, row, guardrail=get(tx, guardrail_id=guardrail_id))


def remove(tx: Session, *, endpoint_id: str, guardrail_id: str) -> None:
    """Take a guardrail off an endpoint.

    Raises:
        NotFoundError: when it is not there.
    """
    limits.given(endpoint_id=endpoint_id, guardrail_id=guardrail_id)
    tx.delete(require(tx, GuardrailConfigRow, endpoint_id=endpoint_id, guardrail_id=guardrail_id))
    tx.flush()


def list_for_endpoint(tx: Session, *, endpoint_id: str) -> list[GatewayGuardrailConfig]:
    """The guardrails of an endpoint: by execution order, those without one last, then by id.

    Raises:
        NotFoundError: when there is no such endpoint.
    """
    require(tx, EndpointRow, called=_ENDPOINT, endpoint_id=endpoint_id)
    query = (
        select(GuardrailConfigRow)
        .filter_by(endpoint_id=endpoint_id)
        .order_by(
            GuardrailConfigRow.execution_order.is_(None),
            GuardrailConfigRow.execution_order,
            GuardrailConfigRow.guardrail_id,
        )
    )
    loaded = _entities(tx, select(GuardrailConfigRow.guardrail_id).filter_by(endpoint_id=endpoint_id))
    return [shown(GatewayGuardrailConfig, row, guardrail=loaded[row.guardrail_id]) for row in tx.scalars(query)]


def update_config(
    tx: Session, *, endpoint_id: str, guardrail_id: str, execution_order: int | None = None
) -> GatewayGuardrailConfig:
    """Set the place of a guardrail on an endpoint; None takes its place away, so that it comes last.

    Raises:
        NotFoundError: when it is not there.
    """
    limits.given(endpoint_id=endpoint_id, guardrail_id=guardrail_id)
    row = require(tx, GuardrailConfigRow, endpoint_id=endpoint_id, guardrail_id=guardrail_id)
    row.execution_order = execution_order
    tx.flush()
    return shown(GatewayGuardrailConfig, row, guardrail=get(tx, guardrail_id=guardrail_id))


def _entities(tx: Session, guardrail_ids: Select[str]) -> dict[str, GatewayGuardrail]:
    """Guardrails by id, with scorer and action endpoint, for those a query selects: one statement."""
    query = (
        select(GuardrailRow, ScorerRow, ScorerVersionRow, EndpointRow.name)
        .join(ScorerRow, ScorerRow.scorer_id == GuardrailRow.scorer_id)
        .join(
            ScorerVersionRow,
            (ScorerVersionRow.scorer_id == GuardrailRow.scorer_id)
            & (ScorerVersionRow.scorer_version == GuardrailRow.scorer_version),
        )
        .outerjoin(EndpointRow, EndpointRow.endpoint_id == GuardrailRow.action_endpoint_id)
        .where(GuardrailRow.guardrail_id.in_(guardrail_ids))
    )
    return {
        row.guardrail_id: shown(
            GatewayGuardrail,
            row,
            scorer=scorers.entity(scorer, version),
            stage=GuardrailStage(row.stage),
            action=GuardrailAction(row.action),
            action_endpoint_name=endpoint_name,
        )
        for row, scorer, version, endpoint_name in tx.execute(query)
    }
