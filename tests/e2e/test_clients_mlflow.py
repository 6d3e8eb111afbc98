"""MLflow's deployments client against a real server."""

import pytest
from mlflow.deployments import get_deploy_client
from requests import HTTPError

MESSAGES = [{"role": "user", "content": "Who are you?"}]


@pytest.fixture
def client(gateway, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", gateway.key)
    return get_deploy_client(gateway.url)


def test_it_predicts_by_a_target_of_any_dialect(client, target):
    """A chat completion in OpenAI's shape, which is MLflow's own."""
    found = client.predict(endpoint=target, inputs={"messages": MESSAGES})
    assert found["choices"][0]["message"]["content"] == "I am model-1."


def test_it_embeds(client):
    """The body's shape tells what is asked."""
    for name in ("compatible", "gemini"):
        found = client.predict(endpoint=name, inputs={"input": ["a", "b"]})
        assert [len(one["embedding"]) for one in found["data"]] == [2, 2]


def test_it_lists_and_gets_endpoints(client):
    """With the model that serves each first."""
    found = {one.name: one for one in client.list_endpoints()}
    assert {"compatible", "openai", "anthropic", "gemini"} <= set(found)
    one = client.get_endpoint("anthropic")
    assert one == found["anthropic"]
    assert (one.endpoint_type, one.model.provider, one.model.name) == ("llm/v1/chat", "anthropic", "model-1")


def test_it_raises_what_went_wrong(client):
    """By the words of the server."""
    with pytest.raises(HTTPError, match="nobody"):
        client.predict(endpoint="nobody", inputs={"messages": MESSAGES})
    with pytest.raises(HTTPError, match="payload format"):
        client.predict(endpoint="openai", inputs={})
