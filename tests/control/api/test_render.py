"""Writing answers as MLflow's clients read them."""

import json

import pytest

from gatewright.control.api import render
from gatewright.control.api.calls import CALLS
from gatewright.entities import FallbackConfig, GatewayEndpoint, GatewayEndpointModelMapping, GatewaySecretInfo
from gatewright.entities.plain import plain

BY_NAME = {call.name: call for call in CALLS}
NOW = 1_700_000_000_123


def test_an_answer_is_pretty_in_field_order_with_numbers_as_numbers():
    """Two spaces, snake_case, fields by number, 64-bit times as JSON numbers, unset and empty fields left out."""
    secret = GatewaySecretInfo(
        secret_id="s-1", secret_name="clé", masked_values={"api_key": "***"}, created_at=NOW, last_updated_at=NOW
    )
    answer = render.pretty(render.response(BY_NAME["getGatewaySecretInfo"], secret))
    assert answer.decode() == (
        '{\n  "secret": {\n    "secret_id": "s-1",\n    "secret_name": "clé",\n    "masked_values": {\n'
        '      "api_key": "***"\n    },\n    "created_at": 1700000000123,\n    "last_updated_at": 1700000000123\n'
        "  }\n}"
    )


@pytest.mark.parametrize("weight", [0.1, 1.0, 0.12345679, 33.333332, 1e-45, 3.4028235e38, 16777216.0])
def test_a_32_bit_weight_is_written_with_the_fewest_digits(weight):
    """0.1 comes back as 0.1, not as 0.10000000149011612."""
    mapping = GatewayEndpointModelMapping(
        mapping_id="m-1",
        endpoint_id="e-1",
        model_definition_id="d-1",
        linkage_type="PRIMARY",
        created_at=NOW,
        weight=weight,
    )
    shown = json.loads(render.pretty(render.response(BY_NAME["attachModelToEndpoint"], mapping)))
    assert shown["mapping"]["weight"] == pytest.approx(weight, rel=1e-7)
    assert len(repr(shown["mapping"]["weight"]).partition("e")[0].replace(".", "")) <= 10


def test_an_empty_list_and_nothing_are_an_empty_object():
    """Empty lists are left out; a delete answers {}."""
    assert render.pretty(render.response(BY_NAME["listGatewayEndpoints"], [])) == b"{}"
    assert render.pretty(render.response(BY_NAME["deleteGatewayEndpoint"], None)) == b"{}"


def test_an_empty_message_is_written():
    """A fallback config without values is {}, which is not the same as none."""
    endpoint = GatewayEndpoint(
        endpoint_id="e-1", name="n", created_at=NOW, last_updated_at=NOW, fallback_config=FallbackConfig()
    )
    shown = plain(render.response(BY_NAME["getGatewayEndpoint"], endpoint))["endpoint"]
    assert shown["fallback_config"] == {}
    assert shown["created_by"] == ""


def test_a_page_fills_its_fields_by_name():
    """A list with a token; no token on the last page."""
    call = BY_NAME["listBudgetPolicies"]
    assert plain(render.response(call, {"budget_policies": [], "next_page_token": "t"})) == {"next_page_token": "t"}
    assert plain(render.response(call, {"budget_policies": [], "next_page_token": None})) == {}
