"""The official clients send requests that our wires read, and read what our wires send back."""

import json
from dataclasses import replace

import httpx
import pytest

from gatewright.dialects.conversation import Dropped, Usage
from gatewright.dialects.embeddings import WIRES, EmbeddingAnswer

VECTORS = [[0.25, -1.5, 3.0], [0.5, 0.125, -2.0]]  # exact in 32 bits
TEXTS = ["one", "two"]
SOURCES = ["openai", "voyage", "batchEmbedContents", "vertex-predict", "cohere", "ollama-embed"]


class Served:
    """The far end of a client: reads its request, and answers with what a provider of some wire would."""

    def __init__(self, wire, source):
        self.wire, self.source, self.request = WIRES[wire], WIRES[source], None
        self.transport = httpx.MockTransport(self.answer)

    def answer(self, sent):
        self.request = self.wire.decode_request(json.loads(sent.content))
        made = EmbeddingAnswer(dialect="", vectors=VECTORS[: len(self.request.inputs)], usage=Usage(input=7))
        asked = replace(self.request, packed=None)
        answer = self.source.decode_answer(self.source.encode_answer(made, asked, Dropped()))
        return httpx.Response(200, json=self.wire.encode_answer(answer, self.request, Dropped()))

    @property
    def texts(self):
        return [part.text for one in self.request.inputs for part in one.parts]


@pytest.mark.parametrize("source", SOURCES)
def test_openais_client_gets_its_vectors_though_it_asks_for_base64(source):
    """The SDK asks for base64 of its own accord, and unpacks it."""
    openai = pytest.importorskip("openai", reason="OpenAI's SDK is not installed")
    served = Served("openai", source)
    with openai.OpenAI(
        api_key="k", base_url="http://gate/v1", http_client=httpx.Client(transport=served.transport)
    ) as client:
        answer = client.embeddings.create(model="e", input=TEXTS, dimensions=3, user="u")
    assert served.texts == TEXTS
    assert (served.request.packed, served.request.dimensions, served.request.user) == (True, 3, "u")
    assert [one.embedding for one in answer.data] == VECTORS
    assert [one.index for one in answer.data] == [0, 1]
    assert (answer.usage.prompt_tokens, answer.usage.total_tokens, answer.model) == (7, 7, "e")


@pytest.mark.parametrize("number", ["float", "base64"])
@pytest.mark.parametrize("source", [one for one in SOURCES if one != "cohere"])
def test_coheres_client_gets_its_vectors(source, number):
    """Under the type it asked for."""
    cohere = pytest.importorskip("cohere", reason="Cohere's SDK is not installed")
    served = Served("cohere", source)
    with httpx.Client(transport=served.transport) as http:
        client = cohere.ClientV2(api_key="k", base_url="http://gate", httpx_client=http)
        answer = client.embed(model="e", texts=TEXTS, input_type="search_query", embedding_types=[number])
    assert (served.texts, served.request.purpose) == (TEXTS, "query")
    found = answer.embeddings.float_ if number == "float" else answer.embeddings.base64
    assert found == (VECTORS if number == "float" else ["AACAPgAAwL8AAEBA", "AAAAPwAAAD4AAADA"])
    assert answer.meta.billed_units.input_tokens == 7


@pytest.mark.parametrize("source", SOURCES)
def test_googles_client_gets_its_vectors(source):
    """It sends every request as a batch."""
    genai = pytest.importorskip("google.genai", reason="Google's SDK is not installed")
    served = Served("batchEmbedContents", source)
    with httpx.Client(transport=served.transport) as http:
        client = genai.Client(
            api_key="k", http_options=genai.types.HttpOptions(base_url="http://gate", httpx_client=http)
        )
        config = genai.types.EmbedContentConfig(task_type="RETRIEVAL_DOCUMENT", title="t", output_dimensionality=3)
        answer = client.models.embed_content(model="e", contents=TEXTS, config=config)
    request = served.request
    assert (served.texts, request.purpose, request.dimensions, request.model) == (TEXTS, "document", 3, "models/e")
    assert [one.title for one in request.inputs] == ["t", "t"]
    assert [one.values for one in answer.embeddings] == VECTORS


@pytest.mark.parametrize("source", SOURCES)
def test_ollamas_client_gets_its_vectors(source):
    """By the call of several texts, and by the older one of a prompt."""
    ollama = pytest.importorskip("ollama", reason="Ollama's SDK is not installed")
    served = Served("ollama-embed", source)
    answer = ollama.Client("http://gate", transport=served.transport).embed("e", TEXTS, truncate=False, dimensions=3)
    assert (served.texts, served.request.truncate, served.request.dimensions) == (TEXTS, "none", 3)
    assert (answer.embeddings, answer.prompt_eval_count, answer.model) == (VECTORS, 7, "e")
    old = Served("ollama-embeddings", source)
    assert ollama.Client("http://gate", transport=old.transport).embeddings("e", "one").embedding == VECTORS[0]
    assert old.texts == ["one"]
