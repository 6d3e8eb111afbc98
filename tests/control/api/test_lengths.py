"""The lengths that the calls allow are those that the tables keep."""

from gatewright.control.api.calls import CALLS, rules
from gatewright.control.store import tables

ROWS = {
    "secrets": tables.SecretRow,
    "endpoints": tables.EndpointRow,
    "model-definitions": tables.ModelDefinitionRow,
    "models": tables.MappingRow,
    "bindings": tables.BindingRow,
    "set-tag": tables.TagRow,
    "budgets": tables.BudgetPolicyRow,
    "guardrails": tables.GuardrailRow,
    "scorers": tables.ScorerRow,
}
COLUMNS = {"updated_by": "last_updated_by", ("scorers", "name"): "scorer_name"}


def lengths():
    """Of each text that a call stores: the call, the field, its longest by the proto and by the table; 0 for any."""
    for call in CALLS:
        where = next((part for part in reversed(call.path.split("/")) if part in ROWS), None)
        stores = call.path.endswith(("create", "update", "attach", "set-tag", "register"))
        for field in call.request.DESCRIPTOR.fields if where and stores else ():
            is_id = field.name.endswith("_id") and field.name != "resource_id"  # looked up, never stored as it came
            if is_id or field.type != field.TYPE_STRING:
                continue
            name = COLUMNS.get((where, field.name)) or COLUMNS.get(field.name, field.name)
            column = ROWS[where].__table__.columns.get(name)
            if column is not None:  # the others are kept elsewhere, without a limit
                yield call.name, field.name, rules(field).max_length, getattr(column.type, "length", None) or 0


def test_the_proto_and_the_tables_have_the_same_limits():
    """A text that the decoder lets through fits, and what fits is let through."""
    found = list(lengths())
    assert len(found) > 25
    assert [one for one in found if one[2] != one[3]] == []
