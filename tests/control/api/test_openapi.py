"""The OpenAPI document is valid, complete, and says what the descriptors say."""

import pytest

from gatewright.control.api import openapi
from gatewright.control.api.calls import CALLS
from gatewright.gateway.operations import ROUTES


@pytest.fixture(scope="module")
def document():
    """The document of a whole server."""
    return openapi.document(ROUTES, version="1.2.3")


def schema(document, name):
    return document["components"]["schemas"][name]


def references(node):
    """Every $ref below a node."""
    if isinstance(node, dict):
        if "$ref" in node:
            yield node["$ref"]
        for value in node.values():
            yield from references(value)
    if isinstance(node, list):
        for value in node:
            yield from references(value)


def test_every_route_of_both_planes_is_there(document):
    """Each call under the first prefix, each operation of the data plane, and the discovery routes."""
    there = {(method.upper(), path) for path, methods in document["paths"].items() for method in methods}
    assert {(call.method, "/api/3.0" + call.path) for call in CALLS} <= there
    assert {(method, path) for method, path, _ in ROUTES} <= there
    assert ("GET", "/ajax-api/3.0/mlflow/gateway/provider-config") in there


def test_every_reference_points_at_a_schema(document):
    """No schema is missing, and none is empty."""
    known = {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}
    assert set(references(document)) <= known
    assert all(document["components"]["schemas"].values())


def test_operation_ids_are_unique(document):
    """Client generators make a function of each."""
    ids = [operation["operationId"] for methods in document["paths"].values() for operation in methods.values()]
    assert len(ids) == len(set(ids))


def test_the_limits_of_the_proto_are_in_the_schemas(document):
    """Required, lengths, ranges, defaults and confidential fields come from the field options."""
    created = schema(document, "CreateGatewayEndpoint")
    assert created["required"] == ["name", "model_configs"]
    assert created["properties"]["name"]["maxLength"] == 255
    assert created["properties"]["usage_tracking"]["default"] is True
    weight = schema(document, "GatewayEndpointModelConfig")["properties"]["weight"]
    assert (weight["minimum"], weight["default"], weight["format"]) == (0.0, 1.0, "float")
    assert schema(document, "CreateGatewaySecret")["properties"]["secret_value"]["writeOnly"] is True
    assert schema(document, "GatewaySecretInfo")["properties"]["created_at"]["format"] == "int64"


def test_enums_list_what_may_be_chosen(document):
    """The unspecified zero is no choice."""
    assert schema(document, "GatewayModelLinkageType")["enum"] == ["PRIMARY", "FALLBACK"]


def test_a_get_has_query_parameters_and_others_a_body(document):
    """As the requests are read."""
    shown = document["paths"]["/api/3.0/mlflow/gateway/secrets/get"]["get"]
    assert [(one["name"], one["required"]) for one in shown["parameters"]] == [
        ("secret_id", True),
        ("secret_name", False),
    ]
    deleted = document["paths"]["/api/3.0/mlflow/gateway/secrets/delete"]["delete"]
    assert deleted["requestBody"]["content"]["application/json"]["schema"] == {
        "$ref": "#/components/schemas/DeleteGatewaySecret"
    }
    assert "parameters" not in deleted


def test_descriptions_are_the_comments_of_the_proto(document):
    """What the .proto files say is what the reference says."""
    tag = schema(document, "FallbackConfig")["properties"]["max_attempts"]
    assert tag["description"].startswith("How many FALLBACK models are tried at most")


def test_both_ways_to_send_a_key_are_named(document):
    """Bearer for applications, Basic for MLflow's clients."""
    schemes = document["components"]["securitySchemes"]
    assert {one["scheme"] for one in schemes.values()} == {"bearer", "basic"}
    assert document["security"] == [{"bearer": []}, {"basic": []}]


def test_errors_have_the_shape_of_the_route(document):
    """Management errors have a code; OpenAI's routes an error object; MLflow's a detail."""
    paths = document["paths"]

    def refused(path):
        return paths[path]["post"]["responses"]["400"]["content"]["application/json"]["schema"]

    assert refused("/api/3.0/mlflow/gateway/secrets/create") == {"$ref": "#/components/schemas/Error"}
    assert refused("/v1/chat/completions")["required"] == ["error"]
    assert refused("/gateway/mlflow/v1/chat/completions")["required"] == ["detail"]


def test_a_path_parameter_is_required(document):
    """`{endpoint}` in a path is a parameter of it."""
    (parameter,) = document["paths"]["/gateway/{endpoint}/mlflow/invocations"]["post"]["parameters"]
    assert parameter == {"name": "endpoint", "in": "path", "required": True, "schema": {"type": "string"}}


@pytest.mark.parametrize("path", [path for method, path, _ in ROUTES if method == "POST"])
def test_every_inference_route_names_the_model_or_has_it_in_its_path(document, path):
    """A reader of the page can fill in every body."""
    described = document["paths"][path]["post"]
    (content,) = described["requestBody"]["content"].values()
    assert "model" in content["schema"].get("properties", {}) or "{endpoint}" in path
