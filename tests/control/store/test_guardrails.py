"""Guardrails and the scorers they name."""

import json

import pytest

from gatewright.control.store import guardrails, scorers
from gatewright.entities import GuardrailAction, GuardrailStage
from gatewright.errors import AlreadyExistsError, ClientError, NotFoundError


def register(database, name="pii", definition='{"name": "pii"}', experiment_id="0"):
    with database.write() as tx:
        return scorers.register(tx, experiment_id=experiment_id, name=name, serialized_scorer=definition)


def create(database, scorer, **fields):
    plain = {
        "name": "no-pii",
        "scorer_id": scorer.scorer_id,
        "scorer_version": scorer.scorer_version,
        "stage": GuardrailStage.BEFORE,
        "action": GuardrailAction.VALIDATION,
    }
    with database.write() as tx:
        return guardrails.create(tx, **(plain | fields))


def add(database, endpoint, guardrail, **fields):
    with database.write() as tx:
        key = {"endpoint_id": endpoint.endpoint_id, "guardrail_id": guardrail.guardrail_id}
        return guardrails.add(tx, **key, **fields)


def test_registering_a_name_again_makes_its_next_version(database):
    """All versions share an id; the newest one is found when none is named."""
    one, two, other = register(database), register(database, definition="{}"), register(database, "other")
    assert (one.scorer_version, two.scorer_version, other.scorer_version) == (1, 2, 1)
    assert one.scorer_id == two.scorer_id != other.scorer_id
    assert (one.experiment_id, one.scorer_name, one.serialized_scorer) == ("0", "pii", '{"name": "pii"}')
    with database.read() as tx:
        assert scorers.get(tx, experiment_id="0", name="pii") == two
        assert scorers.get(tx, experiment_id="0", name="pii", version=1) == one
        assert scorers.list_all(tx, experiment_id="0") == [other, two]
        for missing in ({"name": "ghost"}, {"name": "pii", "version": 3}, {"name": "pii", "version": 2**40}):
            with pytest.raises(NotFoundError, match="not found"):
                scorers.get(tx, experiment_id="0", **missing)


@pytest.mark.parametrize(
    ("fields", "error", "named"),
    [
        ({"definition": "no json"}, ClientError, "not a JSON object"),
        ({"definition": "[1]"}, ClientError, "not a JSON object"),
        ({"definition": "[" * 100_000}, ClientError, "not a JSON object"),
        ({"definition": json.dumps({"call_source": "return True"})}, ClientError, "custom code"),
        ({"definition": ""}, ClientError, "'serialized_scorer'"),
        ({"name": "n" * 257}, ClientError, "at most 256"),
        ({"experiment_id": "77"}, NotFoundError, "Experiment"),
    ],
)
def test_a_scorer_that_cannot_be_kept_is_refused(database, fields, error, named):
    """Code to run above all."""
    with pytest.raises(error, match=named):
        register(database, **fields)
    with database.read() as tx:
        assert scorers.list_all(tx, experiment_id="0") == []


def test_a_guardrail_comes_back_with_its_scorer(database, make):
    """Names may repeat; the endpoint that rewrites is shown by name too."""
    scorer, endpoint = register(database), make.endpoint("fixer")
    made = create(database, scorer, created_by="alice")
    again = create(database, scorer, action=GuardrailAction.SANITIZATION, action_endpoint_id=endpoint.endpoint_id)
    assert made.guardrail_id.startswith("gr-")
    assert (made.scorer, made.created_by, made.last_updated_by) == (scorer, "alice", "alice")
    assert (again.action_endpoint_id, again.action_endpoint_name) == (endpoint.endpoint_id, "fixer")
    with database.read() as tx:
        assert guardrails.get(tx, guardrail_id=again.guardrail_id) == again
        whole = sorted([made, again], key=lambda one: one.guardrail_id)
        assert guardrails.find(tx) == (whole, None)
        first, token = guardrails.find(tx, max_results=1)
        assert first + guardrails.find(tx, page_token=token)[0] == whole


@pytest.mark.parametrize(
    ("fields", "error", "named"),
    [
        ({"name": ""}, ClientError, "'name'"),
        ({"scorer_id": ""}, ClientError, "'scorer_id'"),
        ({"name": "n" * 256}, ClientError, "at most 255"),
        ({"stage": None}, ClientError, "BEFORE, AFTER"),
        ({"action": None}, ClientError, "VALIDATION, SANITIZATION"),
        ({"scorer_id": "nope"}, NotFoundError, "Scorer with ID 'nope' not found"),
        ({"scorer_version": 99}, NotFoundError, "version 99 not found"),
        ({"scorer_version": 2**62}, NotFoundError, "not found"),
        ({"action": GuardrailAction.SANITIZATION}, ClientError, "'action_endpoint_id'"),
        ({"action_endpoint_id": "e-0"}, NotFoundError, "GatewayEndpoint not found"),
    ],
)
def test_a_guardrail_that_could_not_work_is_refused(database, fields, error, named):
    """And nothing is stored."""
    scorer = register(database)
    with pytest.raises(error, match=named):
        create(database, scorer, **fields)
    with database.read() as tx:
        assert guardrails.find(tx) == ([], None)


def test_guardrails_of_an_endpoint_come_in_their_order(database, make):
    """By execution order, those without one last; a place can be changed and taken away."""
    scorer, endpoint = register(database), make.endpoint("e")
    five, none, one = (create(database, scorer, name=name) for name in ("five", "none", "one"))
    made = add(database, endpoint, five, execution_order=5, created_by="alice")
    assert (made.guardrail, made.created_by, made.execution_order) == (five, "alice", 5)
    add(database, endpoint, none)
    add(database, endpoint, one, execution_order=1)

    def order():
        with database.read() as tx:
            found = guardrails.list_for_endpoint(tx, endpoint_id=endpoint.endpoint_id)
        return [(config.guardrail.name, config.execution_order) for config in found]

    def place(guardrail, **fields):
        with database.write() as tx:
            key = {"endpoint_id": endpoint.endpoint_id, "guardrail_id": guardrail.guardrail_id}
            return guardrails.update_config(tx, **key, **fields)

    assert order() == [("one", 1), ("five", 5), ("none", None)]
    assert place(none, execution_order=-(2**40)).execution_order == -(2**40)
    assert place(one).execution_order is None
    assert order() == [("none", -(2**40)), ("five", 5), ("one", None)]
    with database.write() as tx:
        guardrails.remove(tx, endpoint_id=endpoint.endpoint_id, guardrail_id=one.guardrail_id)
        guardrails.delete(tx, guardrail_id=five.guardrail_id)
    assert [name for name, _ in order()] == ["none"]
    with pytest.raises(NotFoundError, match="GuardrailConfig not found"):
        place(one)


def test_adding_and_removing_check_what_exists(database, make):
    """Endpoint, then guardrail, then whether it is there."""
    guardrail, endpoint = create(database, register(database)), make.endpoint("e")
    add(database, endpoint, guardrail)
    with database.write() as tx:
        for endpoint_id, guardrail_id, error, named in [
            ("e-0", "gr-0", NotFoundError, r"^Endpoint not found \(endpoint_id='e-0'\)"),
            (endpoint.endpoint_id, "gr-0", NotFoundError, "Guardrail not found"),
            (endpoint.endpoint_id, guardrail.guardrail_id, AlreadyExistsError, "already added"),
            ("", "gr-0", ClientError, "'endpoint_id'"),
        ]:
            with pytest.raises(error, match=named):
                guardrails.add(tx, endpoint_id=endpoint_id, guardrail_id=guardrail_id)
        with pytest.raises(NotFoundError, match="GuardrailConfig not found"):
            guardrails.remove(tx, endpoint_id=endpoint.endpoint_id, guardrail_id="gr-0")
        with pytest.raises(NotFoundError, match="Guardrail not found"):
            guardrails.delete(tx, guardrail_id="gr-0")
