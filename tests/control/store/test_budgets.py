"""Budget policies, their windows and their pages."""

import base64
import calendar
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatewright.control.store import budgets, pages
from gatewright.entities import BudgetAction, BudgetDuration, BudgetDurationUnit, BudgetTargetScope, BudgetUnit
from gatewright.errors import ClientError, NotFoundError

DAY = BudgetDuration(unit=BudgetDurationUnit.DAYS, value=1)
PLAIN = {
    "budget_unit": BudgetUnit.USD,
    "budget_amount": 100.5,
    "duration": DAY,
    "target_scope": BudgetTargetScope.GLOBAL,
    "budget_action": BudgetAction.ALERT,
}
GLOBAL, ENDPOINT, USER = (BudgetTargetScope(name) for name in ("GLOBAL", "ENDPOINT", "USER"))


def create(database, **fields):
    with database.write() as tx:
        return budgets.create(tx, **(PLAIN | fields))


def change(database, made, **fields):
    with database.write() as tx:
        return budgets.update(tx, budget_policy_id=made.budget_policy_id, **fields)


def test_a_policy_comes_back_as_it_was_given(database):
    """With equal times and who made it."""
    made = create(database, created_by="alice")
    assert made.budget_policy_id.startswith("bp-")
    assert {name: getattr(made, name) for name in PLAIN} == PLAIN
    assert (made.created_by, made.last_updated_by, made.target_value) == ("alice", "alice", None)
    assert made.created_at == made.last_updated_at
    with database.read() as tx:
        assert budgets.get(tx, budget_policy_id=made.budget_policy_id) == made
        assert budgets.list_all(tx) == [made]


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"budget_unit": None}, "budget_unit"),
        ({"target_scope": None}, "target_scope"),
        ({"budget_action": None}, "budget_action"),
        ({"duration": None}, "duration"),
        ({"duration": BudgetDuration(unit=None, value=1)}, "duration.unit"),
        ({"duration": BudgetDuration(unit=BudgetDurationUnit.DAYS, value=0)}, "duration.value"),
        ({"duration": BudgetDuration(unit=BudgetDurationUnit.DAYS, value=-1)}, "duration.value"),
        ({"duration": BudgetDuration(unit=BudgetDurationUnit.MONTHS, value=2**31 - 1)}, "duration.value"),
        ({"budget_amount": 0.0}, "budget_amount"),
        ({"budget_amount": -5.0}, "budget_amount"),
        ({"budget_amount": math.nan}, "budget_amount"),
        ({"budget_amount": math.inf}, "budget_amount"),
        ({"budget_amount": None}, "budget_amount"),
        ({"target_scope": ENDPOINT}, "target_value is required"),
        ({"target_scope": ENDPOINT, "target_value": ""}, "target_value is required"),
        ({"target_value": "x"}, "can only be set"),
        ({"target_scope": USER, "target_value": "bob", "authentication": False}, "authentication"),
        ({"target_scope": USER, "target_value": "b" * 256}, "at most 255"),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(database, fields, named):
    """And nothing is stored."""
    with pytest.raises(ClientError, match=named):
        create(database, **fields)
    with database.read() as tx:
        assert budgets.list_all(tx) == []


def test_targets_follow_the_scope(database, make):
    """The resulting policy is judged: a new scope drops the old target, the same scope keeps it."""
    one, two = make.endpoint("one").endpoint_id, make.endpoint("two").endpoint_id
    made = create(database)
    with pytest.raises(ClientError, match="target_value is required"):
        change(database, made, target_scope=ENDPOINT)
    with pytest.raises(NotFoundError, match="GatewayEndpoint not found"):
        change(database, made, target_scope=ENDPOINT, target_value="e-0")
    assert change(database, made, target_scope=ENDPOINT, target_value=one).target_value == one
    assert change(database, made, target_value=two).target_value == two
    assert change(database, made, target_scope=ENDPOINT).target_value == two
    with pytest.raises(ClientError, match="target_value is required"):
        change(database, made, target_value="")
    back = change(database, made, target_scope=GLOBAL)
    assert (back.target_scope, back.target_value) == (GLOBAL, None)
    with pytest.raises(ClientError, match="can only be set"):
        change(database, made, target_value=one)
    assert change(database, made, target_scope=USER, target_value="bob").target_value == "bob"
    assert create(database, target_scope=ENDPOINT, target_value=one).target_value == one


def test_an_update_changes_what_is_given(database):
    """The last person stays when none is named; a refused update changes nothing."""
    made = create(database, created_by="alice")
    hours = BudgetDuration(unit=BudgetDurationUnit.HOURS, value=4)
    changed = change(database, made, budget_amount=3.0, duration=hours, updated_by="bob")
    assert (changed.budget_amount, changed.duration, changed.last_updated_by) == (3.0, hours, "bob")
    again = change(database, made, budget_action=BudgetAction.REJECT)
    assert (again.budget_action, again.budget_amount, again.last_updated_by) == (BudgetAction.REJECT, 3.0, "bob")
    with pytest.raises(ClientError, match=r"duration\.value"):
        change(database, made, budget_amount=9.0, duration=BudgetDuration(unit=BudgetDurationUnit.DAYS, value=0))
    with database.read() as tx:
        assert budgets.get(tx, budget_policy_id=made.budget_policy_id) == again


def test_a_deleted_policy_is_not_found(database):
    """By get, update and delete."""
    made = create(database)
    with database.write() as tx:
        budgets.delete(tx, budget_policy_id=made.budget_policy_id)
    with pytest.raises(NotFoundError, match="BudgetPolicy not found"), database.write() as tx:
        budgets.delete(tx, budget_policy_id=made.budget_policy_id)
    with pytest.raises(NotFoundError), database.read() as tx:
        budgets.get(tx, budget_policy_id=made.budget_policy_id)
    with pytest.raises(NotFoundError):
        change(database, made, budget_amount=1.0)


def test_pages_join_to_the_whole_list(database):
    """Each token leads to the next page; the last page has none; 0 means the default."""
    for _ in range(5):
        create(database)
    with database.read() as tx:
        whole = budgets.list_all(tx)
        found, token, sizes = [], None, []
        while token is not None or not sizes:
            page, token = budgets.find(tx, max_results=2, page_token=token)
            found += page
            sizes.append(len(page))
        assert found == whole
        assert sizes == [2, 2, 1]
        assert budgets.find(tx, max_results=0) == budgets.find(tx) == (whole, None)
        assert budgets.find(tx, max_results=5) == (whole, None)


def token_of(text):
    return base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    "token",
    ["!!!", "é", "x", *map(token_of, ["hello", "[]", "7", '{"a": 1}', '{"offset": "1"}', '{"offset": true}'])]
    + [token_of(f'{{"offset": {number}}}') for number in ("-1", "0", "1.5", "1e999", "9" * 30)]
    + [token_of("[" * 100_000)],
)
def test_a_made_up_page_token_is_refused(database, token):
    """Whatever is in it, the error is the caller's."""
    with pytest.raises(ClientError, match="page token"), database.read() as tx:
        budgets.find(tx, page_token=token)


@pytest.mark.parametrize("size", [-1, pages.MOST_RESULTS + 1])
def test_a_page_has_limits(database, size):
    """Negative and huge pages are refused by number."""
    with pytest.raises(ClientError, match=str(size)), database.read() as tx:
        budgets.find(tx, max_results=size)


def at(*moment):
    return calendar.timegm((*moment, *(0,) * (6 - len(moment)))) * 1000


@pytest.mark.parametrize(
    ("unit", "value", "start", "end"),
    [
        ("MINUTES", 15, (2026, 7, 15, 12, 30), (2026, 7, 15, 12, 45)),
        ("HOURS", 6, (2026, 7, 15, 12), (2026, 7, 15, 18)),
        ("DAYS", 1, (2026, 7, 15), (2026, 7, 16)),
        ("WEEKS", 1, (2026, 7, 12), (2026, 7, 19)),
        ("MONTHS", 1, (2026, 7, 1), (2026, 8, 1)),
        ("MONTHS", 3, (2026, 7, 1), (2026, 10, 1)),
        ("MONTHS", 12, (2026, 1, 1), (2027, 1, 1)),
    ],
)
def test_windows_follow_the_calendar(unit, value, start, end):
    """In UTC, weeks from Sunday, months from the first in blocks since January 1970."""
    duration = BudgetDuration(unit=BudgetDurationUnit(unit), value=value)
    assert budgets.window(duration, at(2026, 7, 15, 12, 34, 56)) == (at(*start), at(*end))


@given(
    unit=st.sampled_from(BudgetDurationUnit),
    value=st.integers(1, 1200),
    moment=st.integers(0, at(2100, 1, 1)),
)
def test_windows_tile_time(unit, value, moment):
    """Every moment lies in its window, and the next window starts where it ends."""
    duration = BudgetDuration(unit=unit, value=value)
    span = budgets.window(duration, moment)
    assert span.start <= moment < span.end
    assert budgets.window(duration, span.end - 1) == span
    assert budgets.window(duration, span.end).start == span.end


def test_every_policy_has_its_window(database):
    """Nothing is spent yet."""
    made = create(database)
    with database.read() as tx:
        [window] = budgets.windows(tx, at(2026, 7, 15, 12))
    assert window.budget_policy_id == made.budget_policy_id
    assert (window.window_start_ms, window.window_end_ms, window.current_spend) == (
        at(2026, 7, 15),
        at(2026, 7, 16),
        0.0,
    )
