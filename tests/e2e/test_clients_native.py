"""Ollama's SDK against every dialect, and what the other SDKs ask beside conversations: models, files, rerank."""

import io
import json

import anthropic
import httpx
import ollama
import openai
import pytest
from google import genai
from google.genai import types

from fixtures.clients import PLACE, REFUSED, RESULT, THOUGHT
from fixtures.provider import Provider

MESSAGES = [{"role": "user", "content": "Who are you?"}]
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOLS = [{"type": "function", "function": {"name": "get_weather", "description": "Weather.", "parameters": SCHEMA}}]
NAMES = {"compatible", "openai", "anthropic", "gemini"}


@pytest.fixture(params=["", "/ollama"])
def client(gateway, request):
    headers = {"Authorization": f"Bearer {gateway.key}"}
    found = ollama.Client(host=gateway.url + request.param, headers=headers)
    yield found
    found._client.close()


def test_ollamas_sdk_chats(client, target):
    """Whole, and by default it is a stream that is asked for by other clients of this API."""
    found = client.chat(target, MESSAGES)
    assert (found.message.content, found.done, found.done_reason) == ("I am model-1.", True, "stop")
    assert (found.prompt_eval_count, found.eval_count) == (5, 3)
    pieces = list(client.chat(target, MESSAGES, stream=True))
    assert "".join(one.message.content or "" for one in pieces) == "I am model-1."
    assert [one.done for one in pieces] == [False] * (len(pieces) - 1) + [True]
    assert len(pieces) > 2, "it came in one piece"


def test_ollamas_sdk_calls_a_tool_and_goes_on(client, target):
    """Streamed; the result leads to an answer."""
    pieces = list(client.chat(target, MESSAGES, tools=TOOLS, stream=True))
    [call] = [call for one in pieces for call in one.message.tool_calls or ()]
    assert (call.function.name, call.function.arguments) == ("get_weather", PLACE)
    turn = [
        {"role": "assistant", "tool_calls": [call]},
        {"role": "tool", "tool_name": "get_weather", "content": RESULT},
    ]
    found = client.chat(target, [*MESSAGES, *turn], tools=TOOLS)
    assert found.message.content == f"It is {RESULT}."


def test_ollamas_sdk_thinks_and_keeps_to_a_schema(client, target):
    """Each in its own field."""
    found = client.chat(target, MESSAGES, think=True)
    if target != "openai":  # its Responses hide thoughts
        assert found.message.thinking == THOUGHT
    assert json.loads(client.chat(target, MESSAGES, format=SCHEMA).message.content) == PLACE


def test_ollamas_sdk_completes_a_prompt(client, target):
    """Whole and streamed."""
    assert client.generate(target, "Who are you?").response == "I am model-1."
    pieces = list(client.generate(target, "Who are you?", stream=True))
    assert "".join(one.response for one in pieces) == "I am model-1."
    assert pieces[-1].done


def test_ollamas_sdk_embeds(client):
    """By a target that speaks OpenAI's embeddings, and by one that speaks Google's."""
    for name in ("compatible", "gemini"):
        assert [len(one) for one in client.embed(name, ["a", "b"]).embeddings] == [2, 2]


def test_ollamas_sdk_lists_and_shows_the_endpoints(client):
    """As models."""
    assert {one.model for one in client.list().models} >= NAMES
    assert "completion" in client.show("gemini").capabilities


def test_ollamas_sdk_raises_what_went_wrong(client, target):
    """With the status, before a stream and within."""
    with pytest.raises(ollama.ResponseError, match="no such tool") as raised:
        client.chat(f"broken-{target}", MESSAGES)
    assert raised.value.status_code == 400
    with pytest.raises(ollama.ResponseError, match=REFUSED):
        list(client.chat(f"breaks-{target}", MESSAGES, stream=True))
    with pytest.raises(ollama.ResponseError, match="'none'"):
        client.chat("none", MESSAGES)


def test_each_sdk_lists_the_endpoints_as_its_own_models(gateway):
    """At the same path OpenAI's and Anthropic's see their own shapes."""
    with openai.OpenAI(base_url=f"{gateway.url}/v1", api_key=gateway.key) as asking:
        assert {one.id for one in asking.models.list()} >= NAMES
    for base in (gateway.url, f"{gateway.url}/anthropic"):
        with anthropic.Anthropic(base_url=base, api_key=gateway.key) as asking:
            assert {one.id for one in asking.models.list()} >= NAMES
            assert asking.models.retrieve("gemini").display_name == "gemini"
    with genai.Client(api_key=gateway.key, http_options=types.HttpOptions(base_url=f"{gateway.url}/gemini")) as asking:
        assert {one.name for one in asking.models.list(config={"query_base": True})} >= {
            f"models/{one}" for one in NAMES
        }
        assert asking.models.get(model="gemini").name == "models/gemini"


class Media(Provider):
    """Takes speech and pictures, and ranks documents as Voyage does."""

    def answer(self, path, body):  # noqa: ARG002 - as of every provider
        if path.endswith("/rerank"):
            ranked = [{"index": 1, "relevance_score": 0.9}, {"index": 0, "relevance_score": 0.1}]
            return 200, {"object": "list", "data": ranked, "model": "rerank-2", "usage": {"total_tokens": 7}}
        if path.endswith("/images/edits"):
            return 200, {"created": 1, "data": [{"b64_json": "aGk="}]}
        return 200, {"text": "hello there"}


@pytest.fixture
def media():
    one = Media()
    yield one
    one.stop()


def test_openais_sdk_sends_files(gateway, media):
    """The form goes on as it came, but for the model."""
    gateway.server.publish("files", media.url)
    sound = b"RIFF\x00\x01" + bytes(range(256)) * 400
    with openai.OpenAI(base_url=f"{gateway.url}/v1", api_key=gateway.key, max_retries=0) as client:
        heard = client.audio.transcriptions.create(model="files", file=("a.wav", io.BytesIO(sound)), language="en")
        assert heard.text == "hello there"
        drawn = client.images.edit(model="files", image=("a.png", b"\x89PNG"), prompt="bluer")
        assert drawn.data[0].b64_json == "aGk="
    assert [path for path, _, _ in media.requests] == [
        "/v1/audio/transcriptions",
        "/v1/images/edits",
    ]
    body = media.requests[0][2]
    assert sound in body
    assert b"model-0" in body
    assert all(gateway.key not in str(headers) for _, headers, _ in media.requests)


def test_rerank_in_the_usual_shape_reaches_voyage_in_its_own(gateway, media):
    """And a raw call reaches any path of it."""
    gateway.publish("ranking", "voyage", media.url, "rerank-2")
    with httpx.Client(base_url=gateway.url, headers={"Authorization": f"Bearer {gateway.key}"}) as client:
        asked = {"model": "rerank-2-ranking", "query": "q", "documents": ["a", "b"], "top_n": 2}
        found = client.post("/v1/rerank", json=asked).json()
        assert [(one["index"], one["relevance_score"]) for one in found["results"]] == [(1, 0.9), (0, 0.1)]
        assert json.loads(media.requests[-1][2])["top_k"] == 2
        raw = client.post("/gateway/proxy/rerank-2-ranking/v1/rerank", content=b'{"any":"bytes"}')
        assert raw.json()["usage"] == {"total_tokens": 7}
        assert media.requests[-1][0::2] == ("/v1/rerank", b'{"any":"bytes"}')
