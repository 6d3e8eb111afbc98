"""Budget policies: stored and listed here; what is spent is counted elsewhere."""

import calendar
import math
from datetime import UTC, datetime
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from gatewright.control.store import limits, pages
from gatewright.control.store.rows import new_id, now, require, shown, stamps, touch
from gatewright.control.store.tables import BudgetPolicyRow, EndpointRow
from gatewright.entities import (
    BudgetAction,
    BudgetDuration,
    BudgetDurationUnit,
    BudgetTargetScope,
    BudgetUnit,
    BudgetWindow,
    GatewayBudgetPolicy,
)
from gatewright.errors import ClientError

_MINUTE = 60_000
_MILLISECONDS = {
    BudgetDurationUnit.MINUTES: _MINUTE,
    BudgetDurationUnit.HOURS: 60 * _MINUTE,
    BudgetDurationUnit.DAYS: 24 * 60 * _MINUTE,
    BudgetDurationUnit.WEEKS: 7 * 24 * 60 * _MINUTE,
}
# Weeks start on Sunday; the epoch was a Thursday.
_FIRST_SUNDAY = 3 * _MILLISECONDS[BudgetDurationUnit.DAYS]
_MOST = {
    BudgetDurationUnit.MINUTES: 525_600 * 100,
    BudgetDurationUnit.HOURS: 8_760 * 100,
    BudgetDurationUnit.DAYS: 365 * 100,
    BudgetDurationUnit.WEEKS: 52 * 100,
    BudgetDurationUnit.MONTHS: 12 * 100,
}
"""About a century of each unit, which a calendar can still count."""

_TARGETED = (BudgetTargetScope.ENDPOINT, BudgetTargetScope.USER)


class Span(NamedTuple):
    """A window of time in milliseconds since the epoch; `end` is the first moment after it."""

    start: int
    end: int


def create(
    tx: Session,
    *,
    budget_unit: BudgetUnit | None,
    budget_amount: float | None,
    duration: BudgetDuration | None,
    target_scope: BudgetTargetScope | None,
    budget_action: BudgetAction | None,
    created_by: str | None = None,
    target_value: str | None = None,
    authentication: bool = True,
) -> GatewayBudgetPolicy:
    """Store a policy.

    Args:
        tx: transaction.
        budget_unit: None when the request's was not a known one; so are all choices.
        budget_amount: above 0.
        duration: length of the window.
        target_scope: whose spend counts.
        budget_action: what happens at the limit.
        created_by: who makes it.
        target_value: endpoint id or user name, for these two scopes only.
        authentication: whether callers are known by name, which the USER scope needs.

    Raises:
        ClientError: for a value that is missing or makes no sense.
        NotFoundError: when the endpoint does not exist.
    """
    row = BudgetPolicyRow(
        budget_policy_id=new_id("bp"),
        budget_unit=_known("budget_unit", budget_unit),
        target_scope=_known("target_scope", target_scope),
        budget_action=_known("budget_action", budget_action),
        target_value=target_value or None,
        **stamps(created_by),
    )
    _set_duration(row, duration)
    _set_amount(row, budget_amount)
    limits.fits(BudgetPolicyRow, target_value=target_value, created_by=created_by)
    _check_target(tx, row, authentication=authentication)
    tx.add(row)
    tx.flush()
    return _entity(row)


def get(tx: Session, *, budget_policy_id: str) -> GatewayBudgetPolicy:
    """One policy.

    Raises:
        NotFoundError: when there is none.
    """
    return _entity(require(tx, BudgetPolicyRow, budget_policy_id=budget_policy_id))


def list_all(tx: Session) -> list[GatewayBudgetPolicy]:
    """All policies, by id."""
    query = select(BudgetPolicyRow).order_by(BudgetPolicyRow.budget_policy_id)
    return [_entity(row) for row in tx.scalars(query)]


def find(
    tx: Session, *, max_results: int | None = None, page_token: str | None = None
) -> tuple[list[GatewayBudgetPolicy], str | None]:
    """One page of the policies by id, and the token of the next page; see `pages.load`."""
    query = select(BudgetPolicyRow).order_by(BudgetPolicyRow.budget_policy_id)
    rows, token = pages.load(tx, query, max_results, page_token)
    return [_entity(row) for row in rows], token


def update(
    tx: Session,
    *,
    budget_policy_id: str,
    budget_unit: BudgetUnit | None = None,
    budget_amount: float | None = None,
    duration: BudgetDuration | None = None,
    target_scope: BudgetTargetScope | None = None,
    budget_action: BudgetAction | None = None,
    updated_by: str | None = None,
    target_value: str | None = None,
    authentication: bool = True,
) -> GatewayBudgetPolicy:
    """Change what is not None. Another scope drops the target, unless a new one is given.

    Raises:
        ClientError: as `create`, for the policy that would result.
        NotFoundError: when the policy or the endpoint does not exist.
    """
    limits.fits(BudgetPolicyRow, target_value=target_value, updated_by=updated_by)
    row = require(tx, BudgetPolicyRow, budget_policy_id=budget_policy_id)
    with tx.no_autoflush:
        row.budget_unit = budget_unit or row.budget_unit
        row.budget_action = budget_action or row.budget_action
        if duration is not None:
            _set_duration(row, duration)
        if budget_amount is not None:
            _set_amount(row, budget_amount)
        if target_scope is not None and target_scope != row.target_scope:
            row.target_scope, row.target_value = target_scope, None
        if target_value is not None:
            row.target_value = target_value or None
        if target_scope is not None or target_value is not None:
            _check_target(tx, row, authentication=authentication)
    touch(row, updated_by)
    tx.flush()
    return _entity(row)


def delete(tx: Session, *, budget_policy_id: str) -> None:
    """Delete a policy.

    Raises:
        NotFoundError: when there is none.
    """
    tx.delete(require(tx, BudgetPolicyRow, budget_policy_id=budget_policy_id))
    tx.flush()


def windows(tx: Session, at: int | None = None) -> list[BudgetWindow]:
    """The window of every policy at a moment (now when None), by policy id."""
    moment = now() if at is None else at
    found = []
    for policy in list_all(tx):
        span = window(policy.duration, moment)
        found.append(
            BudgetWindow(
                budget_policy_id=policy.budget_policy_id,
                window_start_ms=span.start,
                window_end_ms=span.end,
                current_spend=0.0,
            )
        )
    return found


def window(duration: BudgetDuration, at: int) -> Span:
    """The fixed window that a moment (milliseconds) lies in, in UTC.

    Minutes, hours and days count from the epoch, weeks from a Sunday, months in blocks from January 1970.
    """
    if duration.unit is BudgetDurationUnit.MONTHS:
        moment = datetime.fromtimestamp(at / 1000, UTC)
        months = (moment.year - 1970) * 12 + moment.month - 1
        first = months - months % duration.value
        return Span(_month_start(first), _month_start(first + duration.value))
    length = duration.value * _MILLISECONDS[duration.unit]
    origin = _FIRST_SUNDAY if duration.unit is BudgetDurationUnit.WEEKS else 0
    start = at - (at - origin) % length
    return Span(start, start + length)


def _month_start(months: int) -> int:
    """Milliseconds at the start of a month, counted from January 1970."""
    return calendar.timegm((1970 + months // 12, months % 12 + 1, 1, 0, 0, 0)) * 1000


def _known(parameter: str, choice: str | None) -> str:
    if choice is None:
        raise ClientError(f"Invalid {parameter}: it is missing, or not one of the known values.")
    return choice


def _set_duration(row: BudgetPolicyRow, duration: BudgetDuration | None) -> None:
    if duration is None:
        raise ClientError("Missing value for required parameter 'duration'.")
    row.duration_unit = _known("duration.unit", duration.unit)
    if not 0 < duration.value <= _MOST[duration.unit]:
        raise ClientError(
            f"duration.value must be a positive integer, at most {_MOST[duration.unit]} {duration.unit}, "
            f"got {duration.value}"
        )
    row.duration_value = duration.value


def _set_amount(row: BudgetPolicyRow, amount: float | None) -> None:
    if amount is None or not (math.isfinite(amount) and amount > 0):
        raise ClientError(f"Invalid value {amount} for parameter 'budget_amount': it must be a number above 0.")
    row.budget_amount = amount


def _check_target(tx: Session, row: BudgetPolicyRow, *, authentication: bool) -> None:
    scope = BudgetTargetScope(row.target_scope)
    if scope in _TARGETED and not row.target_value:
        raise ClientError(f"target_value is required when target_scope is {scope}.")
    if scope not in _TARGETED and row.target_value:
        raise ClientError("target_value can only be set when target_scope is ENDPOINT or USER.")
    if scope is BudgetTargetScope.USER and not authentication:
        raise ClientError(
            "USER-scoped budget policies require server authentication to be enabled: without it the gateway cannot "
            "tell who calls."
        )
    if scope is BudgetTargetScope.ENDPOINT:
        require(tx, EndpointRow, endpoint_id=row.target_value or "")


def _entity(row: BudgetPolicyRow) -> GatewayBudgetPolicy:
    return shown(
        GatewayBudgetPolicy,
        row,
        budget_unit=BudgetUnit(row.budget_unit),
        duration=BudgetDuration(unit=BudgetDurationUnit(row.duration_unit), value=row.duration_value),
        target_scope=BudgetTargetScope(row.target_scope),
        budget_action=BudgetAction(row.budget_action),
    )
