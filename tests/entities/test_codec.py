"""Entities to messages and back, and what the derived conversion refuses."""

import dataclasses
import importlib
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from types import NoneType
from typing import get_args, get_origin, get_type_hints

import pytest
from google.protobuf import json_format
from hypothesis import given, settings
from hypothesis import strategies as st
from mlflow.protos import service_pb2 as mlflow_pb2

import gatewright.entities as entities_of_gatewright
from gatewright.entities import (
    BudgetDuration,
    BudgetDurationUnit,
    FallbackConfig,
    FallbackStrategy,
    GatewayEndpoint,
    GatewayEndpointBinding,
    GatewayEndpointModelConfig,
    GatewayEndpointModelMapping,
    GatewayEndpointTag,
    GatewayGuardrail,
    GatewayModelDefinition,
    GatewayModelLinkageType,
    GatewaySecretInfo,
    GuardrailAction,
    GuardrailStage,
    RoutingStrategy,
    Scorer,
)
from gatewright.entities.codec import Entity, wired
from gatewright.entities.proto import bindings_pb2, budgets_pb2, endpoints_pb2, guardrails_pb2, scorers_pb2
from gatewright.errors import ClientError

EXPORTED = [getattr(entities_of_gatewright, name) for name in entities_of_gatewright.__all__]
ENTITIES = [kind for kind in EXPORTED if issubclass(kind, Entity)]
TEXT = st.text(st.characters(exclude_categories=["Cs"]))
WHOLE = st.integers(-(2**31), 2**31 - 1)  # the narrowest whole number on the wire
# What a 32-bit float holds exactly, short of its very last binade, which protobuf's JSON parser refuses.
SINGLES = st.floats(-(2.0**127), 2.0**127, width=32)
# Fields that do not come back from the wire.
LOCAL = {(GatewayGuardrail, "action_endpoint_id")}
# Whole numbers on the wire, text in the entity.
NUMERALS = {(Scorer, "experiment_id")}


@cache
def values(hint):
    """Random values of a type. Text that may be None is never empty: the wire does not tell the two apart."""
    if NoneType in get_args(hint):
        (kind,) = set(get_args(hint)) - {NoneType}
        return st.none() | values(kind).filter(lambda value: value not in ("", {}))
    if get_origin(hint) is list:
        return st.lists(values(*get_args(hint)), max_size=3)
    if get_origin(hint) is dict:
        return st.dictionaries(TEXT, TEXT, max_size=3)
    if issubclass(hint, Entity):
        return instances(hint)
    if issubclass(hint, StrEnum):
        return st.sampled_from(hint)
    return {str: TEXT, int: WHOLE, float: SINGLES, bool: st.booleans()}[hint]


@cache
def instances(kind):
    """Random entities of one class."""
    hints = get_type_hints(kind)
    content = {
        part.name: WHOLE.map(str) if (kind, part.name) in NUMERALS else values(hints[part.name])
        for part in dataclasses.fields(kind)
        if (kind, part.name) not in LOCAL
    }
    return st.builds(kind, **content)


every_entity = pytest.mark.parametrize("kind", ENTITIES, ids=[kind.__name__ for kind in ENTITIES])


def definition(**changes):
    content = {
        "model_definition_id": "d-1",
        "name": "smart",
        "provider": "openai",
        "model_name": "gpt-4o",
        "created_at": 1,
        "last_updated_at": 2,
    }
    return GatewayModelDefinition(**{**content, **changes})


def guardrail(**changes):
    judge = Scorer(experiment_id="7", scorer_name="polite", scorer_version=1, serialized_scorer="{}", creation_time=5)
    content = {
        "guardrail_id": "gr-1",
        "name": "manners",
        "scorer": judge,
        "stage": GuardrailStage.BEFORE,
        "action": GuardrailAction.SANITIZATION,
        "created_at": 1,
        "last_updated_at": 2,
    }
    return GatewayGuardrail(**{**content, **changes})


def shown(entity):
    """The entity as a JSON answer has it."""
    return json_format.MessageToDict(entity.to_proto(), preserving_proto_field_name=True)


def test_every_exported_name_is_an_entity_or_an_enum():
    """The package exports nothing else, and all thirteen nouns and one window are there."""
    assert all(issubclass(kind, Entity | StrEnum) for kind in EXPORTED)
    assert len(ENTITIES) == 14


@every_entity
@settings(max_examples=25)
@given(data=st.data())
def test_an_entity_comes_back_as_it_went(kind, data):
    """Through the message, its bytes, and its JSON, every entity returns equal."""
    entity = data.draw(instances(kind))
    message = entity.to_proto()
    assert kind.from_proto(message) == entity
    assert kind.from_proto(type(message).FromString(message.SerializeToString())) == entity
    assert kind.from_proto(json_format.Parse(json_format.MessageToJson(message), type(message)())) == entity


def test_an_entity_cannot_be_changed():
    """Entities are values: no attribute is set after making, known or new."""
    tag = GatewayEndpointTag(key="team", value="blue")
    with pytest.raises(dataclasses.FrozenInstanceError):
        tag.key = "other"
    assert not hasattr(tag, "__dict__")


def test_unknown_makers_are_left_out_of_definitions_mappings_secrets_and_bindings():
    """These four omit created_by and last_updated_by while unset."""
    mapping = GatewayEndpointModelMapping(
        mapping_id="m-1",
        endpoint_id="e-1",
        model_definition_id="d-1",
        linkage_type=GatewayModelLinkageType.PRIMARY,
        created_at=1,
    )
    secret = GatewaySecretInfo(secret_id="s-1", secret_name="k", created_at=1, last_updated_at=1)
    binding = GatewayEndpointBinding(
        endpoint_id="e-1", resource_type="scorer", resource_id="r", created_at=1, last_updated_at=1
    )
    for entity in (definition(), mapping, secret, binding):
        assert {"created_by", "last_updated_by"}.isdisjoint(shown(entity))


def test_unknown_makers_are_empty_texts_in_endpoints_budgets_and_guardrails():
    """These always write both, and read the empty text as None."""
    endpoint = GatewayEndpoint(endpoint_id="e-1", name="chat", created_at=1, last_updated_at=1)
    budget = entities_of_gatewright.GatewayBudgetPolicy(
        budget_policy_id="bp-1",
        budget_unit="USD",
        budget_amount=1.0,
        duration=BudgetDuration(unit=BudgetDurationUnit.DAYS, value=1),
        target_scope="GLOBAL",
        budget_action="ALERT",
        created_at=1,
        last_updated_at=1,
    )
    for entity in (endpoint, budget, guardrail()):
        assert (shown(entity)["created_by"], shown(entity)["last_updated_by"]) == ("", "")
        again = type(entity).from_proto(entity.to_proto())
        assert (again.created_by, again.last_updated_by) == (None, None)
    config = entities_of_gatewright.GatewayGuardrailConfig(endpoint_id="e", guardrail_id="g", created_at=1)
    assert shown(config) == {"endpoint_id": "e", "guardrail_id": "g", "created_by": "", "created_at": "1"}


def test_an_endpoint_shows_what_is_always_there_and_omits_what_is_empty():
    """Tracking is always written; lists, strategy, fallback and experiment only when there are any."""
    endpoint = GatewayEndpoint(endpoint_id="e-1", name="chat", created_at=1, last_updated_at=2)
    assert shown(endpoint) == {
        "endpoint_id": "e-1",
        "name": "chat",
        "created_at": "1",
        "last_updated_at": "2",
        "created_by": "",
        "last_updated_by": "",
        "usage_tracking": True,
    }


def test_an_empty_fallback_config_is_written():
    """`{}` turns fallback on, so it is not the same as none."""
    endpoint = GatewayEndpoint(
        endpoint_id="e-1", name="chat", created_at=1, last_updated_at=2, fallback_config=FallbackConfig()
    )
    assert shown(endpoint)["fallback_config"] == {}
    assert GatewayEndpoint.from_proto(endpoint.to_proto()).fallback_config == FallbackConfig()


def test_usage_tracking_is_on_when_absent_and_off_when_said_so():
    """Absent means True."""
    assert GatewayEndpoint.from_proto(endpoints_pb2.GatewayEndpoint()).usage_tracking is True
    assert GatewayEndpoint.from_proto(endpoints_pb2.GatewayEndpoint(usage_tracking=False)).usage_tracking is False


def test_an_absent_weight_is_one_and_a_zero_is_zero():
    """Both the asked-for and the stored model weigh 1.0 unless told otherwise."""
    assert GatewayEndpointModelConfig.from_proto(endpoints_pb2.GatewayEndpointModelConfig()).weight == 1.0
    zero = endpoints_pb2.GatewayEndpointModelConfig(weight=0)
    assert GatewayEndpointModelConfig.from_proto(zero).weight == 0.0
    mapping = endpoints_pb2.GatewayEndpointModelMapping(linkage_type="PRIMARY")
    assert GatewayEndpointModelMapping.from_proto(mapping).weight == 1.0


def test_a_weight_is_a_32_bit_float_on_the_wire():
    """A decimal that needs more digits comes back rounded."""
    config = GatewayEndpointModelConfig(model_definition_id="d", linkage_type=None, weight=0.1234567891)
    assert shown(config)["weight"] == 0.12345679


def test_an_absent_and_an_unspecified_enum_are_none():
    """The zero of an enum is the same as nothing, where nothing is allowed."""
    for message in (
        endpoints_pb2.GatewayEndpointModelConfig(),
        endpoints_pb2.GatewayEndpointModelConfig(linkage_type="LINKAGE_TYPE_UNSPECIFIED"),
    ):
        assert GatewayEndpointModelConfig.from_proto(message).linkage_type is None
    unspecified = endpoints_pb2.GatewayEndpoint(routing_strategy="ROUTING_STRATEGY_UNSPECIFIED")
    assert GatewayEndpoint.from_proto(unspecified).routing_strategy is None


def test_an_enum_number_that_is_not_known_is_none():
    """A newer sender's value reads like an absent one, as with any unknown field."""
    message = endpoints_pb2.FallbackConfig.FromString(b"\x08\x63")
    assert FallbackConfig.from_proto(message) == FallbackConfig()


def test_max_attempts_tells_absent_from_zero():
    """Unset stays None; zero stays zero."""
    assert FallbackConfig.from_proto(endpoints_pb2.FallbackConfig()).max_attempts is None
    assert FallbackConfig.from_proto(endpoints_pb2.FallbackConfig(max_attempts=0)).max_attempts == 0
    assert shown(FallbackConfig(strategy=FallbackStrategy.SEQUENTIAL, max_attempts=0)) == {
        "strategy": "SEQUENTIAL",
        "max_attempts": 0,
    }


def test_a_model_config_without_an_id_has_an_empty_one():
    """Text without a default reads as protobuf's own default, so that the caller can name what is missing."""
    config = GatewayEndpointModelConfig.from_proto(endpoints_pb2.GatewayEndpointModelConfig())
    assert (config.model_definition_id, config.fallback_order) == ("", None)


def test_an_empty_tag_value_is_written_and_read_as_none():
    """The server shows the empty text; a client sees None."""
    tag = GatewayEndpointTag(key="team", value="")
    assert shown(tag) == {"key": "team", "value": ""}
    assert GatewayEndpointTag.from_proto(tag.to_proto()).value is None
    assert shown(GatewayEndpointTag(key="team")) == {"key": "team"}


def test_an_orphaned_definition_has_no_secret():
    """Secret id and name are left out, and empty ones read as None."""
    assert {"secret_id", "secret_name"}.isdisjoint(shown(definition()))
    message = definition(secret_id="", secret_name="").to_proto()
    assert GatewayModelDefinition.from_proto(message).secret_id is None


def test_empty_maps_of_a_secret_are_left_out():
    """No masked values and no settings show nothing; settings read as None then."""
    secret = GatewaySecretInfo(secret_id="s", secret_name="k", created_at=1, last_updated_at=1, auth_config={})
    assert {"masked_values", "auth_config"}.isdisjoint(shown(secret))
    again = GatewaySecretInfo.from_proto(secret.to_proto())
    assert (again.masked_values, again.auth_config) == ({}, None)


def test_the_action_endpoint_travels_by_name_in_the_field_of_the_id():
    """The wire field action_endpoint_id holds the name; the id stays here."""
    entity = guardrail(action_endpoint_name="cleaner", action_endpoint_id="e-9")
    assert shown(entity)["action_endpoint_id"] == "cleaner"
    again = GatewayGuardrail.from_proto(entity.to_proto())
    assert (again.action_endpoint_name, again.action_endpoint_id) == ("cleaner", None)
    assert "action_endpoint_id" not in shown(guardrail(action_endpoint_id="e-9"))


def test_a_scorer_has_its_experiment_as_a_number_on_the_wire():
    """Text here, a number there."""
    assert shown(guardrail())["scorer"]["experiment_id"] == 7
    assert Scorer.from_proto(scorers_pb2.Scorer(experiment_id=12)).experiment_id == "12"


@pytest.mark.parametrize(
    ("kind", "message", "named"),
    [
        (
            BudgetDuration,
            budgets_pb2.BudgetDuration(value=1),
            "BudgetDuration.unit: it is missing; give one of MINUTES, HOURS",
        ),
        (
            BudgetDuration,
            budgets_pb2.BudgetDuration(unit="DURATION_UNIT_UNSPECIFIED", value=1),
            "BudgetDuration.unit: it is missing",
        ),
        (GatewayGuardrail, guardrails_pb2.GatewayGuardrail(), "GatewayGuardrail.scorer: it is missing"),
        (
            GatewayEndpointBinding,
            bindings_pb2.GatewayEndpointBinding(resource_type="job"),
            "GatewayEndpointBinding.resource_type: 'job' is not allowed; give one of scorer",
        ),
        (GatewayEndpointBinding, bindings_pb2.GatewayEndpointBinding(), "resource_type: it is missing"),
    ],
    ids=["enum absent", "enum unspecified", "message absent", "text not known", "text absent"],
)
def test_a_message_that_lacks_what_has_no_default_is_refused(kind, message, named):
    """The error names message and field, and is the sender's (400)."""
    with pytest.raises(ClientError, match=named):
        kind.from_proto(message)


@pytest.mark.parametrize(
    ("entity", "kind", "named"),
    [
        (GatewayEndpointTag(key=5), TypeError, "GatewayEndpointTag.key"),
        (GatewayEndpointTag(key=None), TypeError, "GatewayEndpointTag.key"),
        (definition(created_at="now"), TypeError, "GatewayModelDefinition.created_at"),
        (definition(created_at=2**63), ValueError, "GatewayModelDefinition.created_at"),
        (definition(name="\ud800"), ValueError, "GatewayModelDefinition.name"),
        (FallbackConfig(strategy="RANDOM"), ValueError, "FallbackConfig.strategy"),
        (
            GatewayEndpointModelConfig(model_definition_id="d", linkage_type=None, weight=1e39),
            OverflowError,
            "GatewayEndpointModelConfig.weight",
        ),
        (guardrail(scorer=definition()), TypeError, "GatewayGuardrail.scorer"),
        (
            Scorer(
                experiment_id="one",
                scorer_name="",
                scorer_version=1,
                serialized_scorer="",
                creation_time=1,
            ),
            ValueError,
            "Scorer.experiment_id",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_value_that_does_not_fit_the_wire_is_refused(entity, kind, named):
    """Nothing is bent into shape; the note on the error names the field."""
    with pytest.raises(kind) as caught:
        entity.to_proto()
    assert any(named in note for note in caught.value.__notes__)


def test_a_message_of_another_type_is_refused():
    """Neither a sibling's message nor MLflow's own is taken for ours."""
    for message in (endpoints_pb2.FallbackConfig(), mlflow_pb2.GatewayEndpointTag(key="a")):
        with pytest.raises(TypeError, match="GatewayEndpointTag is read from GatewayEndpointTag"):
            GatewayEndpointTag.from_proto(message)


@dataclass(frozen=True, kw_only=True)
class TagWithoutValue(Entity[endpoints_pb2.GatewayEndpointTag]):
    key: str


@dataclass(frozen=True, kw_only=True)
class TagWithMore(Entity[endpoints_pb2.GatewayEndpointTag]):
    key: str
    value: str
    colour: str = "red"


@dataclass(frozen=True, kw_only=True)
class TagWithNumber(Entity[endpoints_pb2.GatewayEndpointTag]):
    key: str
    value: int


@dataclass(frozen=True, kw_only=True)
class TagWithStrayQuirk(Entity[endpoints_pb2.GatewayEndpointTag]):
    key: str
    value: str = field(metadata=wired(number=True))


class Colour(StrEnum):
    RED = "RED"


@dataclass(frozen=True, kw_only=True)
class DurationInColours(Entity[budgets_pb2.BudgetDuration]):
    unit: Colour
    value: int


@dataclass(frozen=True, kw_only=True)
class DurationInLists(Entity[budgets_pb2.BudgetDuration]):
    unit: list[BudgetDurationUnit]
    value: int


@dataclass(frozen=True, kw_only=True)
class GuardrailWithoutAScorer(Entity[endpoints_pb2.GatewayEndpointModelMapping]):
    model_definition: Scorer


@pytest.mark.parametrize(
    ("entity", "complaint"),
    [
        (TagWithoutValue(key="a"), "TagWithoutValue has no field for value of GatewayEndpointTag"),
        (TagWithMore(key="a", value="b"), "TagWithMore.colour has no wire field"),
        (TagWithNumber(key="a", value=1), "GatewayEndpointTag.value does not hold"),
        (TagWithStrayQuirk(key="a", value="1"), "GatewayEndpointTag.value does not hold"),
        (DurationInColours(unit=Colour.RED, value=1), "BudgetDuration.unit does not hold"),
        (DurationInLists(unit=[], value=1), "BudgetDuration.unit does not hold"),
        (GuardrailWithoutAScorer(model_definition=guardrail().scorer), "model_definition does not hold"),
    ],
    ids=["field missing", "field too many", "other type", "stray quirk", "other enum", "list", "other message"],
)
def test_a_class_that_does_not_fit_its_message_is_refused(entity, complaint):
    """A drift between a dataclass and its message is found at the first conversion, not on the wire."""
    with pytest.raises(TypeError, match=complaint):
        entity.to_proto()


def test_enums_are_text():
    """A member is its name, in JSON, in a database column and in a message to people."""
    assert f"{RoutingStrategy.REQUEST_BASED_TRAFFIC_SPLIT}" == "REQUEST_BASED_TRAFFIC_SPLIT"
    assert GatewayModelLinkageType("PRIMARY") is GatewayModelLinkageType.PRIMARY


MLFLOW_CLASSES = {
    "GatewaySecretInfo": "gateway_secrets.GatewaySecretInfo",
    "GatewayModelDefinition": "gateway_endpoint.GatewayModelDefinition",
    "GatewayEndpoint": "gateway_endpoint.GatewayEndpoint",
    "GatewayEndpointBinding": "gateway_endpoint.GatewayEndpointBinding",
    "GatewayEndpointModelMapping": "gateway_endpoint.GatewayEndpointModelMapping",
    "GatewayEndpointTag": "gateway_endpoint.GatewayEndpointTag",
    "FallbackConfig": "gateway_endpoint.FallbackConfig",
    "GatewayBudgetPolicy": "gateway_budget_policy.GatewayBudgetPolicy",
    "BudgetDuration": "gateway_budget_policy.BudgetDuration",
    "GatewayGuardrail": "gateway_guardrail.GatewayGuardrail",
    "GatewayGuardrailConfig": "gateway_guardrail.GatewayGuardrailConfig",
    "Scorer": "scorer.ScorerVersion",
}


@pytest.mark.parametrize("name", MLFLOW_CLASSES)
@settings(max_examples=25)
@given(data=st.data())
def test_mlflow_reads_an_entity_and_writes_it_the_same(name, data):
    """What MLflow's own class makes of our bytes, and writes again, is what we wrote."""
    module, _, attribute = MLFLOW_CLASSES[name].rpartition(".")
    other = getattr(importlib.import_module(f"mlflow.entities.{module}"), attribute)
    entity = data.draw(instances(getattr(entities_of_gatewright, name)))
    sent = entity.to_proto().SerializeToString(deterministic=True)
    read = other.from_proto(getattr(mlflow_pb2, name).FromString(sent))
    assert read.to_proto().SerializeToString(deterministic=True) == sent
