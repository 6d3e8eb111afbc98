"""The budget policy: how much may be spent in a window of time, by whom, and what happens then."""

from dataclasses import dataclass, field
from enum import StrEnum

from gatewright.entities.codec import Entity, wired
from gatewright.entities.proto import budgets_pb2


class BudgetDurationUnit(StrEnum):
    """Unit of a window's length; windows are fixed and in UTC."""

    MINUTES = "MINUTES"
    HOURS = "HOURS"
    DAYS = "DAYS"
    WEEKS = "WEEKS"
    MONTHS = "MONTHS"


class BudgetTargetScope(StrEnum):
    """Whose spend counts."""

    GLOBAL = "GLOBAL"
    WORKSPACE = "WORKSPACE"
    ENDPOINT = "ENDPOINT"
    USER = "USER"


class BudgetAction(StrEnum):
    """What happens once the amount is spent: the operator is told, or calls are refused."""

    ALERT = "ALERT"
    REJECT = "REJECT"


class BudgetUnit(StrEnum):
    """What a budget counts."""

    USD = "USD"


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetDuration(Entity[budgets_pb2.BudgetDuration]):
    """Length of a window.

    Attributes:
        unit: what is counted.
        value: how many, at least 1.
    """

    unit: BudgetDurationUnit
    value: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayBudgetPolicy(Entity[budgets_pb2.GatewayBudgetPolicy]):
    """A limit on spend.

    Attributes:
        budget_policy_id: `bp-` and 32 hex digits.
        budget_unit: the currency.
        budget_amount: the limit, in `budget_unit`; finite.
        duration: length of the window.
        target_scope: whose spend counts.
        budget_action: what happens once the amount is spent.
        created_at: milliseconds since 1970, UTC.
        last_updated_at: milliseconds since 1970, UTC.
        created_by: who made it, at most 255 characters; None when unknown, which is written as an empty text.
        last_updated_by: who changed it last; limits and wire form as `created_by`.
        target_value: an endpoint's id for ENDPOINT, a user's name for USER, at most 255 characters; None for the rest.
    """

    budget_policy_id: str
    budget_unit: BudgetUnit
    budget_amount: float
    duration: BudgetDuration
    target_scope: BudgetTargetScope
    budget_action: BudgetAction
    created_at: int
    last_updated_at: int
    created_by: str | None = field(default=None, metadata=wired(none_as=""))
    last_updated_by: str | None = field(default=None, metadata=wired(none_as=""))
    target_value: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetWindow(Entity[budgets_pb2.ListGatewayBudgetWindows.BudgetWindow]):
    """What a policy has counted since its window opened.

    Attributes:
        budget_policy_id: the policy.
        window_start_ms: first millisecond of the window, since 1970, UTC.
        window_end_ms: first millisecond after it.
        current_spend: what was spent in it so far, in the policy's unit.
    """

    budget_policy_id: str
    window_start_ms: int
    window_end_ms: int
    current_spend: float
