"""Providers that differ in address and credential only, called through a whole server."""

import pytest

ASKED = {"model": "ep", "messages": [{"role": "user", "content": "Hi"}]}
KEY = "az-canary"


def publish(server, provider, model, auth_config, key=KEY):
    """An endpoint "ep" over one model of a provider."""
    secret = server.manage(
        "secrets/create",
        secret_name="s",
        secret_value={"api_key": key},
        provider=provider,
        auth_config=auth_config,
    )["secret"]
    definition = server.manage(
        "model-definitions/create", name="m", secret_id=secret["secret_id"], provider=provider, model_name=model
    )["model_definition"]
    link = {"model_definition_id": definition["model_definition_id"], "linkage_type": "PRIMARY", "weight": 1.0}
    server.manage("endpoints/create", name="ep", model_configs=[link])


@pytest.fixture
def server(shared_server):
    """One server for all."""
    return shared_server


@pytest.fixture
def azure(server, provider):
    """An endpoint over a deployment with a blank in its name, called by a dated version."""
    base = provider.url.removesuffix("/v1")
    publish(server, "azure", "my 4o", {"api_base": base, "api_version": "2024-10-21"})
    return server


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/messages", "/v1/responses"])
def test_azure_is_called_by_its_deployment_from_any_dialect(azure, provider, path):
    """The key goes into its own header and nowhere else, and the version into the query string."""
    body = {"/v1/responses": {"model": "ep", "input": "Hi"}}.get(path, {**ASKED, "max_tokens": 9})
    reply = azure.post(path, body)
    assert reply.status == 200, reply.body
    assert b"I am my 4o." in reply.body
    ((called, headers, _),) = provider.requests
    assert called == "/openai/deployments/my%204o/chat/completions?api-version=2024-10-21"
    assert headers["api-key"] == KEY
    assert "authorization" not in headers


def test_azures_key_is_taken_out_of_its_errors(azure, provider):
    """A provider that repeats it gives nothing away."""
    provider.fail = (401, b'{"error":{"code":"401","message":"Wrong key az-canary"}}')
    reply = azure.post("/v1/chat/completions", ASKED)
    assert reply.status == 401
    assert b"Wrong key ***" in reply.body


def test_azure_without_a_version_is_called_by_its_v1_api(server, provider):
    """The body names the deployment."""
    publish(server, "azure", "my-4o", {"api_base": provider.url.removesuffix("/v1")})
    assert server.post("/v1/embeddings", {"model": "ep", "input": "Hi"}).status == 200
    assert [path for path, _, _ in provider.requests] == ["/openai/v1/embeddings"]
    assert provider.models == ["my-4o"]


def test_databricks_is_called_by_the_name_of_a_serving_endpoint(server, provider):
    """The token is sent as a bearer's."""
    publish(server, "databricks", "claude", {"api_base": provider.url.removesuffix("/v1"), "auth_mode": "pat_token"})
    assert server.post("/v1/chat/completions", ASKED).status == 200
    ((called, headers, _),) = provider.requests
    assert called == "/serving-endpoints/chat/completions"
    assert headers["authorization"] == f"Bearer {KEY}"
    assert provider.models == ["claude"]


def test_a_secret_of_a_mode_that_cannot_be_called_says_so(server, provider):
    """When the endpoint is called; the secret itself is kept."""
    publish(server, "databricks", "claude", {"api_base": provider.url, "auth_mode": "oauth"})
    reply = server.post("/v1/chat/completions", ASKED)
    assert reply.status == 503
    assert b"cannot be called with auth_mode 'oauth'; use 'pat_token' or 'oauth_m2m'" in reply.body
    assert provider.requests == []


def test_chat_is_refused_where_there_are_only_embeddings(server, provider):
    """In the client's dialect, before anything is sent."""
    publish(server, "voyage", "voyage-4", {"api_base": provider.url})
    assert server.post("/v1/embeddings", {"model": "ep", "input": "Hi"}).status == 200
    reply = server.post("/v1/chat/completions", ASKED)
    assert reply.status == 400
    assert "Unsupported operation 'chat'" in reply.json["error"]["message"]
    assert provider.models == ["voyage-4"]
