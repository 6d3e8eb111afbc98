"""Applications' own SDKs through a real server."""

import openai
import pytest

MESSAGES = [{"role": "user", "content": "Who are you?"}]


@pytest.fixture
def server(shared_server):
    """One server for all."""
    return shared_server


@pytest.fixture
def client(server):
    """OpenAI's SDK, set up as an application would."""
    with openai.OpenAI(base_url=f"{server.url}/v1", api_key=server.admin_key, max_retries=0) as one:
        yield one


def test_openais_sdk_chats(server, provider, client):
    """Plain, with the answer's own fields and our headers."""
    server.publish("chat", provider.url)
    raw = client.chat.completions.with_raw_response.create(model="chat", messages=MESSAGES)
    answer = raw.parse()
    assert answer.choices[0].message.content == "I am model-0."
    assert answer.usage.total_tokens == 4
    assert raw.headers["x-gatewright-target"] == "openai-compatible/model-0"
    assert provider.requests[0][1]["authorization"] == "Bearer sk-chat-0"


def test_openais_sdk_streams(server, provider, client):
    """The pieces come one by one."""
    provider.pause = 0.01
    server.publish("chat", provider.url)
    pieces = [
        chunk.choices[0].delta.content
        for chunk in client.chat.completions.create(model="chat", messages=MESSAGES, stream=True)
    ]
    assert pieces == ["I ", "am ", "model-0", "."]


def test_openais_sdk_embeds_and_lists(server, provider, client):
    """Embeddings, the list of models, and one model."""
    server.publish("embed", provider.url)
    answer = client.embeddings.create(model="embed", input=["a", "b"], encoding_format="float")
    assert [one.embedding for one in answer.data] == [[0.5, 0.0], [0.5, 1.0]]
    assert [one.id for one in client.models.list()] == ["embed"]
    assert client.models.retrieve("embed").owned_by == "gatewright"


async def test_openais_async_sdk_streams(server, provider):
    """The other client of the same SDK."""
    server.publish("chat", provider.url)
    async with openai.AsyncOpenAI(base_url=f"{server.url}/v1", api_key=server.admin_key) as client:
        stream = await client.chat.completions.create(model="chat", messages=MESSAGES, stream=True)
        assert "".join([chunk.choices[0].delta.content async for chunk in stream]) == "I am model-0."


def test_errors_arrive_as_the_sdks_own_exceptions(server, provider, client):
    """Unknown endpoint, wrong key, and what the provider finds wrong."""
    server.publish("chat", provider.url)
    with pytest.raises(openai.NotFoundError, match="ghost"):
        client.chat.completions.create(model="ghost", messages=MESSAGES)
    with pytest.raises(openai.AuthenticationError):
        client.with_options(api_key="gw-wrong").chat.completions.create(model="chat", messages=MESSAGES)
    provider.fail = (400, b'{"error":{"message":"no such tool","code":"tool_missing"}}')
    with pytest.raises(openai.BadRequestError, match="no such tool") as caught:
        client.chat.completions.create(model="chat", messages=MESSAGES)
    assert caught.value.code == "tool_missing"


def test_a_fallback_answers_when_the_primary_fails(server, provide, client):
    """The application sees an answer and who gave it."""
    broken, spare = provide(), provide()
    broken.fail = (503, b"overloaded")
    server.publish("chat", broken.url, fallbacks=(spare.url,))
    raw = client.chat.completions.with_raw_response.create(model="chat", messages=MESSAGES)
    assert raw.parse().choices[0].message.content == "I am model-1."
    assert raw.headers["x-gatewright-attempts"] == "3"  # an overloaded one is asked twice


def test_a_split_shares_the_traffic(server, provide, client):
    """Weight 0 gets nothing; the others are both asked."""
    first, second, idle = provide(), provide(), provide()
    server.publish("chat", first.url, second.url, idle.url, weights=(3, 7, 0))
    for _ in range(60):
        client.chat.completions.create(model="chat", messages=MESSAGES)
    assert len(first.requests) + len(second.requests) == 60
    assert len(first.requests) > 0
    assert len(second.requests) > len(first.requests)
    assert idle.requests == []


def test_mlflows_routes_serve_the_same(server, provider):
    """Invocations and the unified chat route, with Basic as MLflow's clients send the key."""
    server.publish("chat", provider.url)
    reply = server.post("/gateway/chat/mlflow/invocations", {"messages": MESSAGES})
    assert reply.json["choices"][0]["message"]["content"] == "I am model-0."
    reply = server.post("/gateway/mlflow/v1/chat/completions", {"model": "chat", "messages": MESSAGES})
    assert reply.status == 200
    reply = server.post("/gateway/chat/mlflow/invocations", {"input": "text"})
    assert reply.json["data"][0]["embedding"] == [0.5, 0.0]
