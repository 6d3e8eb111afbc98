"""Reading a request: protobuf's JSON, and a precise refusal of everything else."""

import json

import pytest

from gatewright.control.api import decode
from gatewright.control.api.calls import CALLS
from gatewright.entities import BudgetDuration, BudgetDurationUnit, GatewayEndpointModelConfig, RoutingStrategy
from gatewright.errors import ClientError

BY_NAME = {call.name: call for call in CALLS}
CANARY = "sk-canary-9f8e7d"


def read(name, body):
    """The arguments a call gets from a body, JSON text or a value to be written as JSON."""
    text = body if isinstance(body, bytes) else json.dumps(body).encode()
    return decode.arguments(decode.message(BY_NAME[name], decode.json_object(text)))


def endpoint(**config):
    return {"name": "e", "model_configs": [{"model_definition_id": "d-1", "linkage_type": "PRIMARY"} | config]}


@pytest.mark.parametrize(
    ("given", "weight"),
    [(2, 2.0), ("0.5", 0.5), (0.1234567891, 0.12345679104328156), ("1e-3", 0.0010000000474974513), (0, 0.0)],
)
def test_numbers_may_be_text_and_weights_have_32_bits(given, weight):
    """Protobuf JSON takes numeric text; a weight is rounded to a 32-bit float."""
    assert read("createGatewayEndpoint", endpoint(weight=given))["model_configs"][0].weight == weight


@pytest.mark.parametrize("given", [3, "3", 3.0, "-0003"])
def test_whole_numbers_may_be_text_or_end_in_zero(given):
    """A whole number is one however it is written."""
    found = read("createGatewayEndpoint", endpoint(fallback_order=given))["model_configs"][0]
    assert abs(found.fallback_order) == 3


@pytest.mark.parametrize("given", ["PRIMARY", 1, "1"])
def test_enums_are_given_by_name_or_number(given):
    """The name, the number, and the number as text mean the same."""
    found = read("createGatewayEndpoint", endpoint(linkage_type=given))["model_configs"]
    assert found == [GatewayEndpointModelConfig(model_definition_id="d-1", linkage_type="PRIMARY")]


@pytest.mark.parametrize("given", ["ROUTING_STRATEGY_UNSPECIFIED", 0, None])
def test_an_unspecified_routing_strategy_is_not_given(given):
    """Its absence has a meaning of its own, so all ways to say "none" are one."""
    assert "routing_strategy" not in read("createGatewayEndpoint", endpoint() | {"routing_strategy": given})


def test_arguments_are_entities_enums_and_plain_values():
    """The store gets the types it works with, and only what was given."""
    body = endpoint() | {"routing_strategy": 1, "usage_tracking": False, "created_by": None, "unknown": {"x": 1}}
    found = read("createGatewayEndpoint", body)
    assert found["routing_strategy"] is RoutingStrategy.REQUEST_BASED_TRAFFIC_SPLIT
    assert found["usage_tracking"] is False
    assert set(found) == {"name", "model_configs", "routing_strategy", "usage_tracking"}


def test_messages_become_entities():
    """A nested message arrives as its dataclass."""
    body = {"budget_policy_id": "bp-1", "duration": {"unit": "WEEKS", "value": "2"}}
    assert read("updateBudgetPolicy", body)["duration"] == BudgetDuration(unit=BudgetDurationUnit.WEEKS, value=2)


def test_lower_camel_names_are_understood_but_not_for_required_fields():
    """MLflow's rule: the parser knows both spellings, the check for required fields one."""
    assert read("createGatewayEndpoint", endpoint(fallbackOrder=7))["model_configs"][0].fallback_order == 7
    with pytest.raises(ClientError, match="Missing value for required parameter 'secret_id'"):
        read("getGatewaySecretInfo", {"secretId": "s-1"})


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({"secret_name": "a", "secretName": "b"}, "'secret_name' and 'secretName'"),
        ({"secret_name": "a", "auth_config": {}, "authConfig": None}, "'auth_config' and 'authConfig'"),
    ],
)
def test_two_spellings_of_one_field_are_refused(body, named):
    """Nobody can say which of the two was meant."""
    with pytest.raises(ClientError, match=named):
        read("createGatewaySecret", body)


def test_two_spellings_are_refused_at_any_depth():
    """Nested messages follow the same rule."""
    with pytest.raises(ClientError, match=r"model_configs\[0\]\.fallback_order"):
        read("createGatewayEndpoint", endpoint(fallback_order=1, fallbackOrder=1))


def test_map_keys_are_not_field_names():
    """Keys of a map may differ in spelling only."""
    found = read("createGatewaySecret", {"secret_name": "a", "secret_value": {"api_key": "x", "apiKey": "y"}})
    assert found["secret_value"] == {"api_key": "x", "apiKey": "y"}


@pytest.mark.parametrize("empty", [{}, {"secret_id": None}, {"secret_id": ""}])
def test_null_and_empty_count_as_missing(empty):
    """A required field must hold something."""
    with pytest.raises(ClientError, match="Missing value for required parameter 'secret_id'"):
        read("getGatewaySecretInfo", empty)


@pytest.mark.parametrize("body", [b"", b"  ", b"null", b'"null"', b'""', b"{}"])
def test_no_body_is_an_empty_object(body):
    """The first missing field is named, as MLflow does."""
    assert decode.json_object(body) == {}


def test_a_json_string_is_read_once_more():
    """Old clients encode their bodies twice."""
    assert decode.json_object(json.dumps(json.dumps({"a": 1})).encode()) == {"a": 1}


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"{", "not valid JSON"),
        (b'{"a":1} x', "not valid JSON"),
        (b'{"a":NaN}', "not valid JSON"),
        (b'{"a":Infinity}', "not valid JSON"),
        (b'{"a":1e999}', "not valid JSON"),
        (b'{"a":' + b"9" * 10_000 + b"}", "not valid JSON"),
        (b'{"a":"\\ud800"}', "not valid JSON"),
        (b'{"a":"\xff"}', "not valid UTF-8"),
        (b"[" * 100_000, "nests too deep"),
        (b'{"a":' * 100_000, "nests too deep"),
        (b"[1,2]", "not a list"),
        (b"7", "not a number"),
        (b"true", "not a boolean"),
        (b'"\\"x\\""', "not a string"),
    ],
    ids=lambda value: value[:16].decode("latin-1") if isinstance(value, bytes) else "",
)
def test_what_is_no_json_object_is_refused(body, says):
    """Every way to be no JSON object gets a sentence of its own."""
    with pytest.raises(ClientError, match=says):
        decode.json_object(body)


@pytest.mark.parametrize(
    ("call", "body", "named"),
    [
        ("createGatewayEndpoint", endpoint(weight="heavy"), r"model_configs\[0\]\.weight"),
        ("createGatewayEndpoint", endpoint(weight="nan"), "finite number"),
        ("createGatewayEndpoint", endpoint(weight="Infinity"), "finite number"),
        ("createGatewayEndpoint", endpoint(weight=True), "finite number"),
        ("createGatewayEndpoint", endpoint(weight=1e39), "at most 3.40282e[+]38"),
        ("createGatewayEndpoint", endpoint(weight=-1), "at least 0"),
        ("createGatewayEndpoint", endpoint(weight=[1]), "not a list"),
        ("createGatewayEndpoint", endpoint(fallback_order="first"), "whole number"),
        ("createGatewayEndpoint", endpoint(fallback_order=1.5), "whole number"),
        ("createGatewayEndpoint", endpoint(fallback_order=2**31), "at most 2147483647"),
        ("createGatewayEndpoint", endpoint(fallback_order=-(2**31) - 1), "at least -2147483648"),
        ("createGatewayEndpoint", endpoint(linkage_type="primary"), "use one of PRIMARY, FALLBACK"),
        ("createGatewayEndpoint", endpoint(linkage_type=9), "use one of PRIMARY, FALLBACK"),
        ("createGatewayEndpoint", endpoint(linkage_type=True), "use one of PRIMARY, FALLBACK"),
        ("createGatewayEndpoint", endpoint(linkage_type=0), "use one of PRIMARY, FALLBACK"),
        ("createGatewayEndpoint", endpoint() | {"usage_tracking": "false"}, "'usage_tracking': it must be a boolean"),
        ("createGatewayEndpoint", endpoint() | {"routing_strategy": {}}, "REQUEST_BASED_TRAFFIC_SPLIT"),
        ("createGatewayEndpoint", endpoint() | {"fallback_config": []}, "'fallback_config': it must be an object"),
        ("createGatewayEndpoint", {"name": "e", "model_configs": [None]}, r"'model_configs\[0\]': .* not null"),
        ("createGatewayEndpoint", {"name": "e", "model_configs": {"a": 1}}, "'model_configs': it must be a list"),
        ("createGatewayEndpoint", {"name": "e" * 256}, "256 characters, the limit is 255"),
        ("createGatewayEndpoint", {"name": "a\0b"}, "NUL"),
        ("createGatewayEndpoint", {"name": 5}, "'name': it must be a string, not a number"),
        ("createGatewaySecret", {"secret_name": "a", "secret_value": CANARY}, "'secret_value': it must be an object"),
        ("createGatewaySecret", {"secret_name": "a", "secret_value": {"k": 5}}, r"secret_value\['k'\]"),
        ("createGatewaySecret", {"secret_name": "a", "secret_value": {"k": None}}, "not null"),
        ("createGatewaySecret", {"secret_name": "a", "secret_value": [CANARY]}, "not a list"),
        ("createBudgetPolicy", {"budget_unit": "USD", "budget_amount": "lots"}, "'budget_amount': .* finite number"),
        ("updateBudgetPolicy", {"budget_policy_id": "b", "budget_action": 0}, "use one of ALERT, REJECT"),
        ("updateEndpointGuardrailConfig", {"endpoint_id": "e", "guardrail_id": "g", "execution_order": 2**63}, "most"),
    ],
)
def test_a_wrong_value_is_refused_by_name(call, body, named):
    """Nothing that was sent is lost in silence, and no value is repeated."""
    with pytest.raises(ClientError, match=named) as refused:
        read(call, body)
    assert CANARY not in refused.value.public


def test_a_query_counts_by_exact_name():
    """Unknown and lower-camel parameters are ignored, the first of several values wins, lists take all."""
    descriptor = BY_NAME["listScorers"].request.DESCRIPTOR
    pairs = [("experiment_id", "1"), ("experiment_id", "2"), ("experimentId", "3"), ("x", "4")]
    pairs += [("experiment_ids", "5"), ("experiment_ids", "6")]
    found = decode.query_object(descriptor, pairs)
    assert found == {"experiment_id": "1", "experiment_ids": ["5", "6"]}


@pytest.mark.parametrize(("text", "value"), [("true", True), ("FALSE", False)])
def test_a_boolean_in_a_query_is_true_or_false(text, value):
    """In any case of letters."""
    descriptor = BY_NAME["createGatewayEndpoint"].request.DESCRIPTOR
    assert decode.query_object(descriptor, [("usage_tracking", text)]) == {"usage_tracking": value}


def test_any_other_boolean_in_a_query_is_refused():
    """`1` and `yes` are not guessed at."""
    with pytest.raises(ClientError, match="'usage_tracking': it must be true or false"):
        decode.query_object(BY_NAME["createGatewayEndpoint"].request.DESCRIPTOR, [("usage_tracking", "1")])
