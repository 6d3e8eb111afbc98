"""The SDKs of Cohere and Amazon against every dialect: each calls its own API, with one of our keys."""

import json
from contextlib import closing

import botocore.session
import cohere
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError, EventStreamError
from cohere.core.api_error import ApiError

from fixtures.clients import PLACE, REFUSED

MESSAGES = [{"role": "user", "content": "Who are you?"}]
TURNS = [{"role": "user", "content": [{"text": "Who are you?"}]}]
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
FUNCTION = {"name": "get_weather", "description": "Weather of a city.", "parameters": SCHEMA}
TOOL = {"toolSpec": {"name": "get_weather", "description": "Weather.", "inputSchema": {"json": SCHEMA}}}


@pytest.fixture
def maker(gateway):
    client = cohere.ClientV2(api_key=gateway.key, base_url=f"{gateway.url}/cohere")
    yield client
    client._client_wrapper.httpx_client.httpx_client.close()


@pytest.fixture
def bedrock(gateway):
    """Amazon's SDK with a bearer key, as Bedrock's own API keys are given; of itself it sends none without TLS."""
    client = botocore.session.get_session().create_client(
        "bedrock-runtime",
        region_name="us-east-1",
        endpoint_url=f"{gateway.url}/bedrock",
        config=Config(retries={"total_max_attempts": 1}, signature_version=UNSIGNED),
    )
    client.meta.events.register(
        "request-created", lambda request, **_: request.headers.add_header("Authorization", f"Bearer {gateway.key}")
    )
    yield client
    client.close()


def test_coheres_sdk_chats(maker, target):
    """Whole and streamed, with usage."""
    found = maker.chat(model=target, messages=MESSAGES)
    assert found.message.content[0].text == "I am model-1."
    assert (found.finish_reason, found.usage.tokens.input_tokens, found.usage.tokens.output_tokens) == (
        "COMPLETE",
        5,
        3,
    )
    events = list(maker.chat_stream(model=target, messages=MESSAGES))
    said = [one.delta.message.content.text for one in events if one.type == "content-delta"]
    assert "".join(said) == "I am model-1."
    assert len(said) > 1
    assert events[-1].delta.finish_reason == "COMPLETE"


def test_coheres_sdk_calls_a_tool(maker, target):
    """Streamed, its arguments in pieces."""
    events = maker.chat_stream(model=target, messages=MESSAGES, tools=[{"type": "function", "function": FUNCTION}])
    name, arguments = "", ""
    for one in events:
        if one.type == "tool-call-start":
            name, arguments = (
                one.delta.message.tool_calls.function.name,
                one.delta.message.tool_calls.function.arguments,
            )
        elif one.type == "tool-call-delta":
            arguments += one.delta.message.tool_calls.function.arguments
    assert (name, json.loads(arguments)) == ("get_weather", PLACE)


def test_coheres_sdk_embeds(maker):
    """By a target of OpenAI's shape and by one of Google's."""
    for name in ("compatible", "gemini"):
        found = maker.embed(model=name, texts=["a", "b"], input_type="search_document", embedding_types=["float"])
        assert [len(one) for one in found.embeddings.float_] == [2, 2]


def test_coheres_sdk_raises_what_went_wrong(maker, target):
    """In its own shape."""
    with pytest.raises(ApiError) as raised:
        maker.chat(model=f"broken-{target}", messages=MESSAGES)
    assert (raised.value.status_code, REFUSED in raised.value.body["message"]) == (400, True)
    with pytest.raises(ApiError) as raised:
        maker.chat(model="nobody", messages=MESSAGES)
    assert raised.value.status_code == 404


def test_amazons_sdk_converses(bedrock, target):
    """Whole and streamed, with usage."""
    found = bedrock.converse(modelId=target, messages=TURNS)
    assert found["output"]["message"]["content"] == [{"text": "I am model-1."}]
    assert (found["stopReason"], found["usage"]["totalTokens"]) == ("end_turn", 8)
    events = list(bedrock.converse_stream(modelId=target, messages=TURNS)["stream"])
    said = [one["contentBlockDelta"]["delta"]["text"] for one in events if "contentBlockDelta" in one]
    assert "".join(said) == "I am model-1."
    assert len(said) > 1
    assert [one["messageStop"]["stopReason"] for one in events if "messageStop" in one] == ["end_turn"]


def test_amazons_sdk_calls_a_tool(bedrock, target):
    """Whole and streamed."""
    asked = {"modelId": target, "messages": TURNS, "toolConfig": {"tools": [TOOL]}}
    calls = [one["toolUse"] for one in bedrock.converse(**asked)["output"]["message"]["content"] if "toolUse" in one]
    assert [(one["name"], one["input"]) for one in calls] == [("get_weather", PLACE)]
    deltas = [
        one["contentBlockDelta"]["delta"]["toolUse"]["input"]
        for one in bedrock.converse_stream(**asked)["stream"]
        if "toolUse" in one.get("contentBlockDelta", {}).get("delta", {})
    ]
    assert json.loads("".join(deltas)) == PLACE


def test_amazons_sdk_raises_what_went_wrong(bedrock, target):
    """As Bedrock's own exceptions, before a stream and within."""
    with pytest.raises(ClientError, match=REFUSED) as raised:
        bedrock.converse(modelId=f"broken-{target}", messages=TURNS)
    assert raised.value.response["Error"]["Code"] == "ValidationException"
    stream = bedrock.converse_stream(modelId=f"breaks-{target}", messages=TURNS)["stream"]
    with closing(stream), pytest.raises(EventStreamError, match=REFUSED):
        list(stream)
    with pytest.raises(bedrock.exceptions.ResourceNotFoundException, match="nobody"):
        bedrock.converse(modelId="nobody", messages=TURNS)
