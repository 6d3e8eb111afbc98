"""The Python SDKs of OpenAI, Anthropic and Google through a real server to every dialect."""

import json

import anthropic
import openai
import pytest
from google import genai
from google.genai import errors, types
from pydantic import BaseModel

from fixtures.clients import PLACE, REFUSED, RESULT, THOUGHT

WHO = "Who are you?"
MESSAGES = [{"role": "user", "content": WHO}]
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
FUNCTION = {"name": "get_weather", "description": "Weather of a city.", "parameters": SCHEMA}
TOOLS = [{"type": "function", "function": FUNCTION}]


class Place(BaseModel):
    """A place."""

    city: str


@pytest.fixture
def openai_client(gateway):
    with openai.OpenAI(base_url=f"{gateway.url}/v1", api_key=gateway.key, max_retries=0) as client:
        yield client


@pytest.fixture
async def async_client(gateway):
    async with openai.AsyncOpenAI(base_url=f"{gateway.url}/openai/v1", api_key=gateway.key, max_retries=0) as client:
        yield client


@pytest.fixture
def anthropic_client(gateway):
    with anthropic.Anthropic(base_url=f"{gateway.url}/anthropic", api_key=gateway.key, max_retries=0) as client:
        yield client


@pytest.fixture
def google_client(gateway):
    options = types.HttpOptions(base_url=f"{gateway.url}/gemini")
    with genai.Client(api_key=gateway.key, http_options=options) as client:
        yield client


def test_openais_sdk_streams_a_tool_call_and_goes_on(openai_client, target):
    """The SDK's own accumulator makes the call of its pieces, and the result leads to an answer."""
    with openai_client.chat.completions.stream(model=target, messages=MESSAGES, tools=TOOLS) as stream:
        events = [event.type for event in stream]
        [choice] = stream.get_final_completion().choices
    assert "tool_calls.function.arguments.done" in events
    assert choice.finish_reason == "tool_calls"
    [call] = choice.message.tool_calls
    assert (call.function.name, json.loads(call.function.arguments)) == ("get_weather", PLACE)
    result = {"role": "tool", "tool_call_id": call.id, "content": RESULT}
    turns = [*MESSAGES, choice.message.model_dump(exclude_none=True, include={"role", "tool_calls"}), result]
    answer = openai_client.chat.completions.create(model=target, messages=turns, tools=TOOLS)
    assert answer.choices[0].message.content == f"It is {RESULT}."


async def test_openais_async_sdk_asks_streams_and_parses(async_client, target):
    """The asynchronous client, under the other prefix."""
    raw = await async_client.chat.completions.with_raw_response.create(model=target, messages=MESSAGES)
    assert raw.parse().choices[0].message.content == "I am model-1."
    assert raw.headers["x-gatewright-endpoint"] == target
    stream = await async_client.chat.completions.create(
        model=target, messages=MESSAGES, stream=True, stream_options={"include_usage": True}
    )
    chunks = [chunk async for chunk in stream]
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks[:-1]) == "I am model-1."
    assert chunks[-1].choices == []
    assert chunks[-1].usage.total_tokens == 8
    parsed = await async_client.chat.completions.parse(model=target, messages=MESSAGES, response_format=Place)
    assert parsed.choices[0].message.parsed == Place(**PLACE)


def test_usage_is_shown_in_a_stream_only_to_who_asks(openai_client, target):
    """A stream without `include_usage` has none, though the provider was asked for it."""
    chunks = list(openai_client.chat.completions.create(model=target, messages=MESSAGES, stream=True))
    assert [chunk.usage for chunk in chunks if chunk.usage] == []
    assert all(chunk.choices for chunk in chunks)


def test_openais_sdk_streams_responses(openai_client, target):
    """Text, a call, an object: each with the events of the Responses API in their order."""
    with openai_client.responses.stream(model=target, input=WHO) as stream:
        events = list(stream)
        assert stream.get_final_response().output_text == "I am model-1."
    assert [event.sequence_number for event in events] == list(range(len(events)))
    assert (events[0].type, events[-1].type) == ("response.created", "response.completed")
    with openai_client.responses.stream(model=target, input=WHO, tools=[{"type": "function", **FUNCTION}]) as stream:
        stream.until_done()
        [call] = stream.get_final_response().output
    assert (call.type, call.name) == ("function_call", "get_weather")
    result = {"type": "function_call_output", "call_id": call.call_id, "output": RESULT}
    turns = [*MESSAGES, call.model_dump(include={"type", "call_id", "name", "arguments"}), result]
    assert openai_client.responses.create(model=target, input=turns).output_text == f"It is {RESULT}."
    parsed = openai_client.responses.parse(model=target, input=WHO, text_format=Place)
    assert parsed.output_parsed == Place(**PLACE)


def test_openais_sdk_raises_its_own_errors(openai_client, target):
    """A refusal of the provider, before the answer and inside of a stream."""
    with pytest.raises(openai.BadRequestError, match=REFUSED):
        openai_client.chat.completions.create(model=f"broken-{target}", messages=MESSAGES)
    with pytest.raises(openai.BadRequestError, match=REFUSED):
        openai_client.responses.create(model=f"broken-{target}", input=WHO)
    stream = openai_client.chat.completions.create(model=f"breaks-{target}", messages=MESSAGES, stream=True)
    with pytest.raises(openai.APIError, match=REFUSED):
        list(stream)


def test_anthropics_sdk_streams_a_tool_call_and_goes_on(anthropic_client, target):
    """The SDK's own accumulator makes the call of its pieces, and the result leads to an answer."""
    tools = [{"name": "get_weather", "input_schema": SCHEMA}]
    asked = {"model": target, "max_tokens": 100, "tools": tools}
    with anthropic_client.messages.stream(**asked, messages=MESSAGES) as stream:
        final = stream.get_final_message()
    [call] = final.content
    assert (final.stop_reason, call.type, call.name, call.input) == ("tool_use", "tool_use", "get_weather", PLACE)
    result = {"type": "tool_result", "tool_use_id": call.id, "content": RESULT}
    turns = [*MESSAGES, {"role": "assistant", "content": final.content}, {"role": "user", "content": [result]}]
    answer = anthropic_client.messages.create(**asked, messages=turns)
    assert answer.content[0].text == f"It is {RESULT}."


def test_anthropics_sdk_thinks(anthropic_client, target):
    """A thought comes first, streamed and whole, whatever the target calls it."""
    asked = {"model": target, "max_tokens": 2000, "thinking": {"type": "enabled", "budget_tokens": 1024}}
    with anthropic_client.messages.stream(**asked, messages=MESSAGES) as stream:
        kinds = [event.type for event in stream if event.type in ("thinking", "text")]
        streamed = stream.get_final_message()
    whole = anthropic_client.messages.create(**asked, messages=MESSAGES)
    assert kinds == ["thinking", "text", "text", "text", "text"]
    for answer in (streamed, whole):
        thought, text = answer.content
        assert (thought.thinking, text.text) == (THOUGHT, "I am model-1.")


def test_anthropics_sdk_counts_tokens(anthropic_client):
    """Where the target counts as Anthropic does."""
    assert anthropic_client.messages.count_tokens(model="anthropic", messages=MESSAGES).input_tokens == 5


def test_anthropics_sdk_raises_its_own_errors(gateway, anthropic_client, target):
    """An unknown endpoint, a wrong key, and a refusal of the provider before the answer and inside of a stream."""
    asked = {"max_tokens": 100, "messages": MESSAGES}
    with pytest.raises(anthropic.NotFoundError, match="ghost"):
        anthropic_client.messages.create(model="ghost", **asked)
    with pytest.raises(anthropic.AuthenticationError):
        anthropic_client.with_options(api_key="gw-wrong").messages.create(model=target, **asked)
    with pytest.raises(anthropic.BadRequestError, match=REFUSED):
        anthropic_client.messages.create(model=f"broken-{target}", **asked)
    with (
        anthropic_client.messages.stream(model=f"breaks-{target}", **asked) as stream,
        pytest.raises(anthropic.APIStatusError, match=REFUSED),
    ):
        stream.get_final_message()


def test_googles_sdk_asks_streams_and_thinks(google_client, target):
    """Text whole and in pieces, an object, and a thought."""
    assert google_client.models.generate_content(model=target, contents=WHO).text == "I am model-1."
    chunks = list(google_client.models.generate_content_stream(model=target, contents=WHO))
    assert "".join(chunk.text or "" for chunk in chunks) == "I am model-1."
    assert chunks[-1].usage_metadata.total_token_count == 8
    assert chunks[-1].candidates[0].finish_reason == types.FinishReason.STOP
    config = types.GenerateContentConfig(response_mime_type="application/json", response_schema=Place)
    parsed = google_client.models.generate_content(model=target, contents=WHO, config=config)
    assert parsed.parsed == Place(**PLACE)
    config = types.GenerateContentConfig(
        thinking_config=types.ThinkingConfig(thinking_budget=1024, include_thoughts=True), max_output_tokens=2000
    )
    [candidate] = google_client.models.generate_content(model=target, contents=WHO, config=config).candidates
    assert [(part.text, bool(part.thought)) for part in candidate.content.parts] == [
        (THOUGHT, True),
        ("I am model-1.", False),
    ]


def test_googles_sdk_calls_a_function_by_itself(google_client, target):
    """It is given a Python function, runs it where the model asks for it, and shows the answer to its result."""
    asked_of = []

    def get_weather(city: str) -> str:
        """Weather of a city."""
        asked_of.append(city)
        return RESULT

    config = types.GenerateContentConfig(tools=[get_weather])
    answer = google_client.models.generate_content(model=target, contents="How warm is it?", config=config)
    assert (asked_of, answer.text) == (["Paris"], f"It is {RESULT}.")


def test_googles_sdk_counts_and_embeds(google_client):
    """Where the target counts and embeds as Gemini does."""
    assert google_client.models.count_tokens(model="gemini", contents=WHO).total_tokens == 5
    answer = google_client.models.embed_content(model="gemini", contents="a")
    assert [one.values for one in answer.embeddings] == [[0.5, 1.0]]


def test_googles_sdk_raises_its_own_errors(google_client, target):
    """An unknown endpoint and a refusal of the provider, before the answer and inside of a stream."""
    with pytest.raises(errors.ClientError, match="ghost") as caught:
        google_client.models.generate_content(model="ghost", contents=WHO)
    assert caught.value.code == 404
    with pytest.raises(errors.ClientError, match=REFUSED):
        google_client.models.generate_content(model=f"broken-{target}", contents=WHO)
    with pytest.raises(errors.APIError, match=REFUSED):
        list(google_client.models.generate_content_stream(model=f"breaks-{target}", contents=WHO))
