"""The Node SDKs, as an application would use them: `tests/clients/node` through a real server to every dialect."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from fixtures.clients import PLACE, REFUSED
from fixtures.needed import missing

SCRIPTS = Path(__file__).parents[1] / "clients" / "node"
AI_PACKAGES = ("chat", "responses", "anthropic", "google", "compatible")
CALL = {"name": "get_weather", "arguments": PLACE, "answer": "It is 18 degrees."}


@pytest.fixture
def node(gateway, target):
    """Runs a script against one endpoint and returns what it printed."""

    def run(script):
        program = shutil.which("node")
        if program is None:
            missing("Node is not installed; its SDKs are run with Node 20 or newer")
        if not (SCRIPTS / "node_modules").is_dir():
            missing("the Node SDKs are not installed: run `make test`, or `npm ci` in tests/clients/node")
        command = [program, SCRIPTS / script, gateway.url, gateway.key, target]
        done = subprocess.run(command, capture_output=True, check=False, text=True, timeout=60)
        assert (done.returncode, done.stderr) == (0, ""), done.stderr
        return json.loads(done.stdout)

    return run


def test_openais_node_sdk_does_everything(node, target):
    """Chat, streams, tools, structured output, responses, embeddings and errors, whatever dialect the target has."""
    found = node("openai.mjs")
    assert found["chat"] == {"text": "I am model-1.", "finish": "stop", "tokens": 8, "endpoint": target}
    assert found["streamed"] == {"text": "I am model-1.", "pieces": 4, "tokens": 8}
    assert found["called"] == {**CALL, "finish": "tool_calls"}
    assert found["structured"] == PLACE
    assert found["responses"] == {
        "whole": "I am model-1.",
        "streamed": "I am model-1.",
        "first": "response.created",
        "last": "response.completed",
    }
    assert found["responsesCalled"] == {"name": "get_weather", "arguments": PLACE}
    assert found["embedded"] == [[0.5, 0.0], [0.5, 1.0]]
    errors = found["errors"]
    assert {case: one["name"] for case, one in errors.items()} == {
        "unknown": "NotFoundError",
        "key": "AuthenticationError",
        "refused": "BadRequestError",
        "broken": "APIError",
    }
    assert "ghost" in errors["unknown"]["said"]
    assert REFUSED in errors["refused"]["said"]


@pytest.fixture
def ai(node):
    """What Vercel's AI SDK makes of an endpoint, by package."""
    return node("ai.mjs")


def test_vercels_ai_sdk_does_everything(ai):
    """Each vendor's package asks, streams, calls a tool and goes on, gets an object, and reads errors."""
    for package in AI_PACKAGES:
        found = ai[package]
        assert found["asked"] == {"text": "I am model-1.", "finish": "stop", "tokens": 8}, package
        assert found["streamed"]["text"] == "I am model-1.", package
        assert found["streamed"]["pieces"] == 4, package
        assert found["streamed"]["finish"] == "stop", package
        assert found["called"] == CALL, package
        assert found["structured"] == PLACE, package
        assert found["refused"]["status"] == 400, package
        assert REFUSED in found["refused"]["said"], package
        assert found["broken"], package
    assert ai["embedded"] == {"openai": [[0.5, 0.0], [0.5, 1.0]], "google": [[0.5, 1.0], [0.5, 1.0]]}
    assert ai["warnings"] == []
