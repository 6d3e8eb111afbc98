"""Which dialect an error is written in before an operation is found."""

import pytest

from gatewright.control.api.inference import inference
from gatewright.dialects.errors import MANAGEMENT
from gatewright.gateway.operations import OPERATIONS
from gatewright.gateway.understand import raw
from gatewright.server.render import dialect_of


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda one: f"{one.method} {one.path}")
def test_a_paths_errors_are_in_the_dialect_of_its_operation(operation):
    """The prefixes of render.py agree with the table of operations."""
    assert dialect_of(operation.path) is operation.dialect


@pytest.mark.parametrize("path", ["/", "/docs", "/api/3.0/mlflow/gateway/secrets/list", "/version", "/nothing"])
def test_everything_else_is_managements(path):
    """What is no provider's API."""
    assert dialect_of(path) is MANAGEMENT


@pytest.mark.parametrize(
    "operation", [one for one in OPERATIONS if one.parse and one.parse is not raw], ids=lambda one: one.path
)
def test_the_reference_names_the_fields_of_every_operation(operation):
    """A new surface has its row in the OpenAPI document's table too."""
    described = inference(operation.method, operation.path, operation.summary)
    (content,) = described["requestBody"]["content"].values()
    assert content["schema"]["properties"]
