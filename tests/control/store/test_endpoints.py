"""Endpoints, and what goes with them."""

import math

import pytest
from sqlalchemy import event, insert, select

from gatewright.control.store import bindings, budgets, endpoints, guardrails, mappings, scorers, secrets, tags
from gatewright.control.store.tables import EndpointRow, ExperimentRow, MappingRow, TagRow
from gatewright.entities import (
    BudgetAction,
    BudgetDuration,
    BudgetDurationUnit,
    BudgetTargetScope,
    BudgetUnit,
    FallbackConfig,
    FallbackStrategy,
    GatewayEndpointModelConfig,
    GatewayModelLinkageType,
    GuardrailAction,
    GuardrailStage,
    RoutingStrategy,
)
from gatewright.errors import AlreadyExistsError, ClientError, NotFoundError

SPLIT = RoutingStrategy.REQUEST_BASED_TRAFFIC_SPLIT
EMPTY = FallbackConfig()
FULL = FallbackConfig(strategy=FallbackStrategy.SEQUENTIAL, max_attempts=2)


def config(definition_id, linkage_type="PRIMARY", **fields):
    linkage = GatewayModelLinkageType(linkage_type) if linkage_type else None
    return GatewayEndpointModelConfig(model_definition_id=definition_id, linkage_type=linkage, **fields)


def change(database, made, **fields):
    with database.write() as tx:
        return endpoints.update(tx, endpoint_id=made.endpoint_id, **fields)


def renamed(row, number):
    return {name: f"{row[name]}{number}"[-36:] for name in ("name", "mapping_id") if name in row}


def read(database, made):
    with database.read() as tx:
        return endpoints.get(tx, endpoint_id=made.endpoint_id)


def test_an_endpoint_comes_back_with_its_models_in_order(database, make):
    """By id and by name, with whole definitions, as it was given."""
    one, two, three = (make.definition(name) for name in ("zz", "mm", "aa"))
    made = make.endpoint(
        "ep.full_1-A",
        make.config(one, weight=0.75),
        make.config(two, "FALLBACK", fallback_order=1),
        make.config(three, weight=0.25),
        make.config(one, "FALLBACK", fallback_order=0),
        created_by="alice",
        routing_strategy=SPLIT,
        fallback_config=FULL,
        usage_tracking=False,
    )
    assert [mapping.model_definition for mapping in made.model_mappings] == [one, two, three, one]
    assert [mapping.weight for mapping in made.model_mappings] == [0.75, 1.0, 0.25, 1.0]
    assert [mapping.fallback_order for mapping in made.model_mappings] == [None, 1, None, 0]
    assert {mapping.created_by for mapping in made.model_mappings} == {"alice"}
    assert len({mapping.mapping_id for mapping in made.model_mappings}) == 4
    assert (made.routing_strategy, made.fallback_config, made.usage_tracking) == (SPLIT, FULL, False)
    assert (made.created_by, made.last_updated_by, made.experiment_id) == ("alice", "alice", None)
    assert made.created_at == made.last_updated_at
    with database.read() as tx:
        assert endpoints.get(tx, name="ep.full_1-A") == read(database, made) == made
        assert endpoints.list_all(tx) == [made]


@pytest.mark.parametrize(
    ("name", "named"),
    [
        ("", "'name'"),
        ("has space", "Invalid endpoint name"),
        ("a/b", "Invalid endpoint name"),
        ("é", "Invalid endpoint name"),
        ("a\n", "Invalid endpoint name"),
        ("..", "Invalid endpoint name"),
        ("n" * 256, "at most 255"),
    ],
)
def test_a_bad_name_is_refused_before_anything_else(database, make, name, named):
    """Even when the models are wrong as well."""
    with pytest.raises(ClientError, match=named), database.write() as tx:
        endpoints.create(tx, name=name, model_configs=[config("d-0")])
    if name:
        made = make.endpoint()
        with pytest.raises(ClientError, match=named):
            change(database, made, name=name)


@pytest.mark.parametrize(
    ("configs", "error", "named"),
    [
        ([], ClientError, "at least one model"),
        ([("d", None)], ClientError, r"model_configs\[0\]"),
        ([("d", "PRIMARY"), ("d-0", None)], ClientError, r"model_configs\[1\].*PRIMARY, FALLBACK"),
        ([("d", "FALLBACK", {"fallback_order": 0})], ClientError, "at least one PRIMARY"),
        ([("d", "PRIMARY"), ("e", "FALLBACK")], ClientError, r"'fallback_order' in model_configs\[1\]"),
        ([("d", "PRIMARY", {"weight": -1.0})], ClientError, "'weight'"),
        ([("d", "PRIMARY", {"weight": math.nan})], ClientError, "'weight'"),
        ([("d", "PRIMARY", {"weight": math.inf})], ClientError, "'weight'"),
        ([("d", "PRIMARY"), ("d", "PRIMARY")], AlreadyExistsError, "twice as PRIMARY"),
        ([("d", "PRIMARY"), ("d-0", "PRIMARY")], NotFoundError, "Model definitions not found: d-0"),
        ([("", "PRIMARY")], NotFoundError, "Model definitions not found"),
        ([("d\0", "PRIMARY")], NotFoundError, "Model definitions not found"),
        ([("d", "PRIMARY")] * 1001, ClientError, "at most 1000"),
    ],
)
def test_models_that_could_not_work_are_refused(database, make, configs, error, named):
    """On create and on update, which leaves the endpoint as it was."""
    known = {"d": make.definition("d"), "e": make.definition("e")}
    wanted = [
        config(known[one].model_definition_id if one in known else one, linkage, **(rest[0] if rest else {}))
        for one, linkage, *rest in configs
    ]
    with pytest.raises(error, match=named), database.write() as tx:
        endpoints.create(tx, name="new", model_configs=wanted)
    made = make.endpoint("old", make.config(known["e"]))
    if configs:
        with pytest.raises(error, match=named):
            change(database, made, model_configs=wanted, name="renamed")
    assert read(database, made) == made


def test_weight_zero_and_one_model_in_both_roles_are_allowed(make):
    """A weight of nothing is a drained model; a primary may be its own fallback."""
    one = make.definition()
    made = make.endpoint("e", make.config(one, weight=0.0), make.config(one, "FALLBACK", fallback_order=0))
    assert [(mapping.weight, mapping.linkage_type.value) for mapping in made.model_mappings] == [
        (0.0, "PRIMARY"),
        (1.0, "FALLBACK"),
    ]


def test_negative_attempts_are_refused_and_zero_is_not(database, make):
    """Zero means all of them."""
    made = make.endpoint("e", fallback_config=FallbackConfig(max_attempts=0))
    assert made.fallback_config == FallbackConfig(max_attempts=0)
    with pytest.raises(ClientError, match="'max_attempts'"):
        make.endpoint("f", fallback_config=FallbackConfig(max_attempts=-1))
    with pytest.raises(ClientError, match="'max_attempts'"):
        change(database, made, fallback_config=FallbackConfig(max_attempts=-1))


def test_a_fallback_config_is_none_empty_or_what_was_given(database, make):
    """None without fallbacks, empty with them, and kept without them when given."""
    fallback = make.config(None, "FALLBACK", fallback_order=0)
    assert make.endpoint().fallback_config is None
    assert make.endpoint("", make.config(), fallback).fallback_config == EMPTY
    assert make.endpoint("", make.config(), fallback_config=FULL).fallback_config == FULL
    made = make.endpoint("", make.config(), fallback_config=EMPTY)
    assert read(database, made).fallback_config == EMPTY


def test_a_taken_name_is_refused_and_case_matters(database, make):
    """On create and on rename; its own name is not taken."""
    make.endpoint("name")
    other = make.endpoint("NAME")
    with pytest.raises(AlreadyExistsError, match="'name'"):
        make.endpoint("name")
    with pytest.raises(AlreadyExistsError):
        change(database, other, name="name")
    assert change(database, other, name="NAME").name == "NAME"


def test_an_endpoint_is_found_by_exactly_one_key(database, make):
    """Both and neither are refused; names are case-sensitive."""
    made = make.endpoint("name")
    with database.read() as tx:
        for keys in ({}, {"endpoint_id": made.endpoint_id, "name": "name"}, {"endpoint_id": "", "name": ""}):
            with pytest.raises(ClientError, match="Exactly one"):
                endpoints.get(tx, **keys)
        with pytest.raises(NotFoundError, match=r"\(name='NAME'\)"):
            endpoints.get(tx, name="NAME")
        with pytest.raises(NotFoundError, match=r"\(endpoint_id='e-0'\)"):
            endpoints.get(tx, endpoint_id="e-0")


def test_an_update_changes_what_is_given(database, make):
    """An empty name, no models, no strategy and no person change nothing; the time moves."""
    made = make.endpoint("e", created_by="alice", routing_strategy=SPLIT, usage_tracking=False)
    changed = change(database, made, name="f", updated_by="bob")
    assert (changed.name, changed.created_by, changed.last_updated_by) == ("f", "alice", "bob")
    again = change(database, made, name="", model_configs=[])
    assert (again.name, again.last_updated_by, again.routing_strategy) == ("f", "bob", SPLIT)
    assert again.model_mappings == made.model_mappings
    assert again.last_updated_at >= changed.last_updated_at >= made.last_updated_at


def test_new_models_replace_the_old_ones_and_the_fallback_config(database, make):
    """New mapping ids, made by who updates; the config is the one given, or an empty one."""
    made = make.endpoint("e", fallback_config=FULL)
    one, two = make.config(weight=2.0), make.config(weight=3.0)
    changed = change(database, made, model_configs=[one, two], updated_by="carol")
    assert [mapping.weight for mapping in changed.model_mappings] == [2.0, 3.0]
    assert {mapping.created_by for mapping in changed.model_mappings} == {"carol"}
    assert {m.mapping_id for m in changed.model_mappings}.isdisjoint({m.mapping_id for m in made.model_mappings})
    assert changed.fallback_config == EMPTY
    assert change(database, made, model_configs=[one], fallback_config=FULL).fallback_config == FULL
    assert change(database, made, name="f").fallback_config == FULL


def test_a_fallback_config_is_replaced_as_a_whole(database, make):
    """Attempts that are not given again are unset."""
    made = make.endpoint("e", fallback_config=FULL)
    only_strategy = FallbackConfig(strategy=FallbackStrategy.SEQUENTIAL)
    assert change(database, made, fallback_config=only_strategy).fallback_config == only_strategy


def test_tracking_makes_an_experiment_of_the_endpoints_name(database, make):
    """Once: it is used again by an endpoint of the same name, and not made without tracking."""
    made = make.endpoint("e")
    assert make.endpoint("untracked", usage_tracking=False).experiment_id is None
    with database.read() as tx:
        assert tx.get(ExperimentRow, int(made.experiment_id)).name == "gateway/e"
    with database.write() as tx:
        endpoints.delete(tx, endpoint_id=made.endpoint_id)
    assert make.endpoint("e").experiment_id == made.experiment_id
    with database.read() as tx:
        assert tx.scalars(select(ExperimentRow.name)).all() == ["Default", "gateway/e"]


def test_tracking_can_be_turned_on_and_off(database, make):
    """On makes an experiment, off keeps it, and another one can be named."""
    made = make.endpoint("e", usage_tracking=False)
    on = change(database, made, usage_tracking=True)
    assert on.usage_tracking
    assert on.experiment_id
    off = change(database, made, usage_tracking=False)
    assert (off.usage_tracking, off.experiment_id) == (False, on.experiment_id)
    assert change(database, made, experiment_id="0").experiment_id == "0"


@pytest.mark.parametrize(
    ("experiment_id", "error"),
    [
        ("987654", NotFoundError),
        ("abc", ClientError),
        ("-1", ClientError),
        ("9" * 400, ClientError),
        ("٣", ClientError),
    ],
)
def test_an_experiment_must_exist(database, make, experiment_id, error):
    """Named by a whole number."""
    with pytest.raises(error, match=r"[Ee]xperiment"):
        make.endpoint("e", usage_tracking=False, experiment_id=experiment_id)
    assert make.endpoint("e", usage_tracking=False, experiment_id="0").experiment_id == "0"


def test_endpoints_are_listed_by_provider_and_secret(database, make):
    """One mapping is enough, a fallback too; without a filter all are there, also those without models."""
    openai, groq = make.definition("o", provider="openai"), make.definition("g", provider="groq")
    make.endpoint("a", make.config(openai))
    make.endpoint("b", make.config(openai), make.config(groq, "FALLBACK", fallback_order=0))
    bare = make.endpoint("c", make.config(openai))
    with database.write() as tx:
        keys = {"endpoint_id": bare.endpoint_id, "model_definition_id": openai.model_definition_id}
        mappings.detach(tx, **keys)
    with database.read() as tx:

        def names(**filters):
            return [found.name for found in endpoints.list_all(tx, **filters)]

        assert names() == names(provider="") == ["a", "b", "c"]
        assert names(provider="openai") == ["a", "b"]
        assert names(provider="groq") == names(secret_id=groq.secret_id) == ["b"]
        assert names(provider="cohere") == names(provider="groq", secret_id=openai.secret_id) == []
        assert len(endpoints.list_all(tx, provider="groq")[0].model_mappings) == 2


def test_deleting_an_endpoint_takes_what_belongs_to_it(database, make):
    """Mappings, tags, bindings and guardrail configs go; definition, guardrail, budget and secret stay."""
    definition = make.definition()
    made = make.endpoint("e", make.config(definition))
    keep = make.endpoint("keep", make.config(definition))
    key = {"endpoint_id": made.endpoint_id}
    with database.write() as tx:
        for endpoint_id in (made.endpoint_id, keep.endpoint_id):
            tags.put(tx, endpoint_id=endpoint_id, key="k", value="v")
            bindings.create(tx, endpoint_id=endpoint_id, resource_type="scorer", resource_id="r")
        scorer = scorers.register(tx, experiment_id="0", name="s", serialized_scorer="{}")
        guardrail = guardrails.create(
            tx,
            name="g",
            scorer_id=scorer.scorer_id,
            scorer_version=1,
            stage=GuardrailStage.AFTER,
            action=GuardrailAction.SANITIZATION,
            action_endpoint_id=made.endpoint_id,
        )
        guardrails.add(tx, **key, guardrail_id=guardrail.guardrail_id)
        policy = budgets.create(
            tx,
            budget_unit=BudgetUnit.USD,
            budget_amount=1.0,
            duration=BudgetDuration(unit=BudgetDurationUnit.DAYS, value=1),
            target_scope=BudgetTargetScope.ENDPOINT,
            budget_action=BudgetAction.ALERT,
            target_value=made.endpoint_id,
        )
    assert guardrail.action_endpoint_name == "e"
    with database.write() as tx:
        endpoints.delete(tx, **key)
    with database.read() as tx:
        assert [one.endpoint_id for one in bindings.list_all(tx)] == [keep.endpoint_id]
        assert tx.scalars(select(TagRow.endpoint_id)).all() == [keep.endpoint_id]
        assert tx.scalars(select(MappingRow.endpoint_id)).all() == [keep.endpoint_id]
        left = guardrails.get(tx, guardrail_id=guardrail.guardrail_id)
        assert (left.action_endpoint_id, left.action_endpoint_name) == (None, None)
        assert budgets.get(tx, budget_policy_id=policy.budget_policy_id).target_value == made.endpoint_id
        assert len(secrets.list_all(tx)) == 1
        with pytest.raises(NotFoundError, match="Endpoint not found"):
            guardrails.list_for_endpoint(tx, **key)
    with pytest.raises(NotFoundError), database.write() as tx:
        endpoints.delete(tx, **key)


@pytest.mark.slow
def test_two_thousand_endpoints_are_listed_in_as_many_statements_as_two(database, make):
    """The number of statements does not depend on the number of endpoints."""

    def statements():
        seen = []
        with database.read() as tx:

            def count(*arguments):
                seen.append(arguments[2])

            event.listen(tx.get_bind(), "before_cursor_execute", count)
            found = endpoints.list_all(tx)
            event.remove(tx.get_bind(), "before_cursor_execute", count)
        return len(found), len(seen)

    definition = make.definition()
    configs = [make.config(definition), make.config(definition, "FALLBACK", fallback_order=0)]
    sample = make.endpoint("", *configs)
    make.endpoint("", *configs)
    with database.write() as tx:
        tags.put(tx, endpoint_id=sample.endpoint_id, key="k", value="v")
    few, of_few = statements()
    with database.write() as tx:
        for table in (EndpointRow, MappingRow, TagRow):
            rows = tx.execute(select(table.__table__).filter_by(endpoint_id=sample.endpoint_id)).mappings().all()
            fresh = [
                {**row, "endpoint_id": f"e-{number}", **renamed(row, number)}
                for number in range(2000 - few)
                for row in rows
            ]
            tx.execute(insert(table), fresh)
    assert statements() == (2000, of_few)
    assert 0 < of_few <= 5
