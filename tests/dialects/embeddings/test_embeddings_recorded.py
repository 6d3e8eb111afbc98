"""The recorded embeddings of every provider: in their own wire, and as the official clients of others read them."""

import base64
import struct
from dataclasses import replace

import pytest

from fixtures.recorded import exchanges
from gatewright.dialects.conversation import Dropped, Text
from gatewright.dialects.embeddings import WIRES, EmbeddingInput, EmbeddingRequest
from gatewright.errors import ClientError

API = "embeddings"
BY_PROVIDER = {
    "azure": "openai",
    "openai": "openai",
    "openrouter": "openai",
    "mistral": "mistral",
    "voyage": "voyage",
    "perplexity": "perplexity",
    "cohere": "cohere",
    "cohere-v1": "cohere",
}
BY_PATH = {
    ":embedContent": "embedContent",
    ":batchEmbedContents": "batchEmbedContents",
    ":predict": "vertex-predict",
    "/api/embeddings": "ollama-embeddings",
}


def wire_of(exchange):
    """The wire an exchange is of."""
    name = next((name for end, name in BY_PATH.items() if exchange.url.endswith(end)), None)
    if exchange.provider == "bedrock":
        name = "bedrock-cohere" if "cohere" in exchange.url else "nova"
    return WIRES[name or BY_PROVIDER[exchange.provider]]


def model_of(exchange):
    """The model, of the body or of the path."""
    return exchange.request.get("model") or exchange.url.rpartition("/models/")[2].partition(":")[0]


def expected(exchange):
    """The vectors of an answer, read without our code."""
    body = exchange.answer
    if "data" in body:
        found = [item["embedding"] for item in body["data"]]
    elif "predictions" in body:
        found = [item["embeddings"]["values"] for item in body["predictions"]]
    elif "embedding" in body:
        found = [body["embedding"]]
    else:
        found = body["embeddings"]
        found = next(iter(found.values())) if isinstance(found, dict) else found
    return [bare(one, exchange) for one in found]


def bare(one, exchange):
    if isinstance(one, dict):
        one = one.get("values") or one.get("embedding")
    if isinstance(one, str):
        raw = base64.b64decode(one)
        code, size = ("b", 1) if exchange.provider == "perplexity" else ("f", 4)
        return list(struct.unpack(f"<{len(raw) // size}{code}", raw))
    return one["values"] if isinstance(one, dict) else one


@pytest.mark.parametrize("exchange", exchanges(api=API, error=None))
def test_a_recorded_request_survives_its_own_wire(exchange):
    """Decoding and encoding gives the original body, field by field."""
    wire, dropped = wire_of(exchange), Dropped()
    request = wire.decode_request(exchange.request)
    assert wire.encode_request(request, model_of(exchange), dropped) == exchange.request
    assert dropped == set()


@pytest.mark.parametrize("exchange", exchanges(api=API))
def test_a_recorded_answer_survives_its_own_wire(exchange):
    """Decoding and encoding gives the original body, field by field, base64 included."""
    wire, dropped = wire_of(exchange), Dropped()
    answer = wire.decode_answer(exchange.answer)
    assert answer.vectors == expected(exchange)
    assert wire.encode_answer(answer, wire.decode_request(exchange.request), dropped) == exchange.answer
    assert dropped == set()


@pytest.mark.parametrize("exchange", exchanges(api=API))
def test_recorded_usage_is_what_the_wire_says(exchange):
    """Every wire counts the tokens of the inputs, in words of its own, or says nothing."""
    body, usage = exchange.answer, wire_of(exchange).decode_answer(exchange.answer).usage
    said = body.get("usage") or body.get("usageMetadata") or body.get("meta", {}).get("billed_units")
    if "predictions" in body:
        said = {"prompt_tokens": sum(item["embeddings"]["statistics"]["token_count"] for item in body["predictions"])}
    if not said:
        assert usage is None
        return
    names = ("prompt_tokens", "promptTokenCount", "input_tokens", "total_tokens")
    assert usage.total == usage.prompt == next(said[name] for name in names if name in said)


def wires_for(inputs):
    """The wires whose requests have room for that many inputs."""
    return [wire for wire in WIRES.values() if wire.most is None or len(inputs) <= wire.most]


@pytest.mark.parametrize("exchange", exchanges(api=API))
def test_a_recorded_answer_keeps_its_vectors_in_every_wire(exchange):
    """Encoded for a client of another wire and decoded again, the numbers and the tokens are the same."""
    answer = wire_of(exchange).decode_answer(exchange.answer)
    inputs = [EmbeddingInput(parts=[Text(text="a")]) for _ in answer.vectors]
    for wire in wires_for(inputs):
        again = wire.decode_answer(
            wire.encode_answer(answer, EmbeddingRequest(dialect=wire.NAME, inputs=inputs), Dropped())
        )
        assert again.vectors == answer.vectors
        if wire.NAME not in ("ollama-embeddings", "nova") and answer.usage is not None:  # these say no tokens
            assert again.usage.prompt == answer.usage.prompt


@pytest.mark.parametrize("exchange", exchanges(api=API))
def test_a_recorded_request_keeps_its_texts_in_every_wire(exchange):
    """Asked of a provider with another wire and read as that provider reads it, the texts are the same."""
    request = wire_of(exchange).decode_request(exchange.request)
    texts = [[part.text for part in one.parts if isinstance(part, Text)] for one in request.inputs]
    for wire in wires_for(request.inputs):
        if texts == [[]] * len(texts) and wire is not WIRES["openai"]:  # token ids, which no other wire has
            with pytest.raises(ClientError, match="token ids"):
                wire.encode_request(replace(request, dialect="other"), "m", Dropped())
            continue
        again = wire.decode_request(wire.encode_request(request, "m", Dropped()))
        assert [[part.text for part in one.parts if isinstance(part, Text)] for one in again.inputs] == texts
