"""What clients of Ollama ask besides answers, through its own SDK."""

import json

import httpx
import ollama
import pytest

from gatewright.dialects.ollama import ERRORS, models, shown, version
from gatewright.errors import NotFoundError

MADE = 1786082894000  # milliseconds since the epoch


def client(status, body, kind="application/json"):
    """The SDK against a server that always answers so."""
    answer = httpx.Response(status, content=body, headers={"content-type": kind})
    return ollama.Client(host="http://ollama.test", transport=httpx.MockTransport(lambda _: answer))


def test_the_sdk_lists_the_models():
    """Each with its name and time, and a digest that tells them apart."""
    found = client(200, models([("a", MADE), ("b", MADE)])).list().models
    assert [one.model for one in found] == ["a", "b"]
    assert found[0].modified_at.timestamp() == MADE / 1000
    assert (found[0].size, len(found[0].digest)) == (0, 64)
    assert found[0].digest != found[1].digest
    assert client(200, models([])).list().models == []


def test_the_sdk_shows_a_model():
    """What it can do and how much it reads."""
    found = client(200, shown("a", MADE, capabilities=["completion", "vision"], context_length=8192)).show("a")
    assert found.capabilities == ["completion", "vision"]
    assert found.modelinfo == {
        "general.architecture": "endpoint",
        "general.basename": "a",
        "endpoint.context_length": 8192,
    }
    assert found.modified_at.timestamp() == MADE / 1000
    assert client(200, shown("a", MADE)).show("a").capabilities == ["completion", "tools"]


def test_the_version_is_one_that_clients_can_compare():
    """Three numbers."""
    assert len([int(part) for part in json.loads(version())["version"].split(".")]) == 3


def test_the_sdk_reads_an_error():
    """Its words and the status."""
    with pytest.raises(ollama.ResponseError, match="There is no endpoint 'x'") as raised:
        client(404, ERRORS.body(NotFoundError("There is no endpoint 'x'."))).show("x")
    assert raised.value.status_code == 404


def test_the_sdk_reads_an_error_inside_a_stream():
    """After the pieces that came before it."""
    piece = b'{"model":"m","message":{"role":"assistant","content":"a"},"done":false}\n'
    broken = client(200, piece + ERRORS.event(NotFoundError("It broke off.")), "application/x-ndjson")
    stream = broken.chat("m", [], stream=True)
    assert next(stream).message.content == "a"
    with pytest.raises(ollama.ResponseError, match="It broke off"):
        next(stream)
