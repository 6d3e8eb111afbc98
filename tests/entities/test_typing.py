"""What a type checker knows about the entities."""

import subprocess
import sys

import pytest

EXAMPLE = """
from typing import assert_type

from gatewright.entities import GatewayEndpoint, GatewayEndpointTag, RoutingStrategy
from gatewright.entities.proto import endpoints_pb2

tag = GatewayEndpointTag(key="team", value="blue")
assert_type(tag.to_proto(), endpoints_pb2.GatewayEndpointTag)
endpoint = GatewayEndpoint.from_proto(endpoints_pb2.GatewayEndpoint())
assert_type(endpoint, GatewayEndpoint)
assert_type(endpoint.routing_strategy, RoutingStrategy | None)
GatewayEndpoint.from_proto(tag.to_proto())  # line 12: a tag's message is no endpoint's
"""


@pytest.mark.slow
def test_conversions_are_typed_by_entity_and_message(tmp_path):
    """Each class converts to its own message type and back, and a mix-up is found before the code runs."""
    example = tmp_path / "example.py"
    example.write_text(EXAMPLE)
    command = [sys.executable, "-m", "mypy", "--strict", "--no-error-summary", example]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert [line.split(": error: ")[0] for line in run.stdout.splitlines()] == ["example.py:12"], run.stdout
