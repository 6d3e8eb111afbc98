"""LangChain's chat models and embeddings, as an application would use them, through a real server to every dialect."""

import pytest
from langchain_anthropic import ChatAnthropic
from langchain_core.messages import HumanMessage, ToolMessage
from langchain_openai import ChatOpenAI, OpenAIEmbeddings
from pydantic import BaseModel

from fixtures.clients import PLACE, RESULT, THOUGHT

WHO = "Who are you?"


class Place(BaseModel):
    """A place."""

    city: str


def get_weather(city: str) -> str:
    """Weather of a city."""
    return RESULT


def openai_chat(gateway, target):
    return ChatOpenAI(model=target, base_url=f"{gateway.url}/v1", api_key=gateway.key, max_retries=0, stream_usage=True)


def openai_responses(gateway, target):
    return ChatOpenAI(
        model=target, base_url=f"{gateway.url}/v1", api_key=gateway.key, max_retries=0, use_responses_api=True
    )


def anthropic(gateway, target, **options):
    return ChatAnthropic(
        model=target,
        base_url=f"{gateway.url}/anthropic",
        api_key=gateway.key,
        max_retries=0,
        max_tokens=2000,
        **options,
    )


@pytest.fixture(params=[openai_chat, openai_responses, anthropic], ids=lambda make: make.__name__)
def model(request, gateway, target):
    """A chat model of each package, for each endpoint."""
    return request.param(gateway, target)


def joined(chunks):
    """A stream's message."""
    first, *rest = chunks
    return sum(rest, first)


def test_it_asks_and_streams(model):
    """The same text and the same tokens, whole and in pieces."""
    answer = model.invoke(WHO)
    assert answer.text == "I am model-1."
    assert answer.usage_metadata["total_tokens"] == 8
    chunks = list(model.stream(WHO))
    assert [chunk.text for chunk in chunks if chunk.text] == ["I ", "am ", "model-1", "."]
    assert joined(chunks).usage_metadata["total_tokens"] == 8


def test_it_calls_a_tool_and_goes_on(model):
    """A streamed call, its result in the next turn, and the answer to that."""
    with_tool = model.bind_tools([get_weather])
    called = joined(with_tool.stream("How warm is it?"))
    [call] = called.tool_calls
    assert (call["name"], call["args"]) == ("get_weather", PLACE)
    answer = with_tool.invoke([HumanMessage("How warm is it?"), called, ToolMessage(RESULT, tool_call_id=call["id"])])
    assert answer.text == f"It is {RESULT}."


@pytest.mark.parametrize("method", ["function_calling", "json_schema"])
def test_it_gets_an_object_of_a_schema(model, method):
    """By a tool that must be called, and by a schema for the answer."""
    assert model.with_structured_output(Place, method=method).invoke("Where is it?") == Place(**PLACE)


def test_it_thinks(gateway, target):
    """Anthropic's thinking is asked for and shown whatever the target calls it, and is sent back in the next turn."""
    model = anthropic(gateway, target, thinking={"type": "enabled", "budget_tokens": 1024})
    for thought in (model.invoke(WHO), joined(model.stream(WHO))):
        kinds = [(block["type"], block.get("reasoning", block.get("text"))) for block in thought.content_blocks]
        assert kinds == [("reasoning", THOUGHT), ("text", "I am model-1.")]
        assert model.invoke([HumanMessage(WHO), thought, HumanMessage("Again?")]).text == "I am model-1."
        # A model behind OpenAI's API takes no thoughts of earlier turns.
        assert (THOUGHT in str(gateway.sent)) == (target in ("anthropic", "gemini"))


def test_it_counts_tokens(gateway):
    """By Anthropic's own count, where the target has one."""
    assert anthropic(gateway, "anthropic").get_num_tokens_from_messages([HumanMessage(WHO)]) == 5


def test_it_embeds(gateway):
    """Documents and a query; texts are sent as such, not as tokens."""
    model = OpenAIEmbeddings(
        model="openai", base_url=f"{gateway.url}/v1", api_key=gateway.key, check_embedding_ctx_length=False
    )
    assert model.embed_documents(["a", "b"]) == [[0.5, 0.0], [0.5, 1.0]]
    assert model.embed_query("a") == [0.5, 0.0]
