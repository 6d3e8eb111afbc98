"""Azure's two generations of paths."""

from urllib.parse import parse_qsl, urlsplit

import pytest

from fixtures.recorded import exchanges
from gatewright.errors import ConfigError
from gatewright.providers import registry

RESOURCE = "https://name.openai.azure.com"


def paths(deployment="m", **config):
    found = registry.connect("azure", deployment, {"api_key": "k"}, {"api_base": RESOURCE} | config)
    assert found.headers == ((b"api-key", b"k"),)
    return {operation: way.path.decode() for operation, way in found.ways.items()}


@pytest.mark.parametrize("end", ["", "/", "/openai", "/openai/v1", "/openai/v1/"])
def test_a_resource_without_a_version_is_called_by_its_v1_api(end):
    """The body names the deployment. The portal shows the address with its path, older pages without."""
    found = paths(api_base=RESOURCE + end)
    assert found["chat"] == "/openai/v1/chat/completions"
    assert found["responses"] == "/openai/v1/responses"
    assert "moderations" not in found


def test_a_preview_of_the_v1_api_is_asked_for_by_its_name():
    """As the query string of its paths."""
    assert paths(api_version="preview")["embeddings"] == "/openai/v1/embeddings?api-version=preview"


@pytest.mark.parametrize("end", ["", "/openai/v1"])
def test_a_dated_version_has_the_deployment_in_its_paths(end):
    """And nothing that Azure does not have."""
    found = paths(api_base=RESOURCE + end, api_version="2024-10-21")
    assert not {"moderations", "rerank", "responses"} & set(found)
    assert found["chat"] == "/openai/deployments/m/chat/completions?api-version=2024-10-21"


@pytest.mark.parametrize(
    ("version", "there"),
    [("2024-10-21", False), ("2025-02-01-preview", False), ("2025-03-01-preview", True), ("2025-04-01-preview", True)],
)
def test_responses_came_with_a_version_and_are_under_no_deployment(version, there):
    """For an earlier version they are translated to chat completions."""
    expected = f"/openai/responses?api-version={version}" if there else None
    assert paths(api_version=version).get("responses") == expected


def test_a_resource_behind_a_gateway_keeps_the_gateways_path():
    """Only the end that Azure itself would have is taken off."""
    assert paths(api_base="https://corp.example.com/ai/openai")["chat"] == "/ai/openai/v1/chat/completions"


@pytest.mark.parametrize("version", ["v2", "2024", "2024-10-21&x=y", "2024-10-21 HTTP/1.1", "\u0662024-10-21"])
def test_a_version_that_is_none_is_refused(version):
    """Nothing else gets into the path."""
    with pytest.raises(ConfigError, match="'api_version' in auth_config is"):
        paths(api_version=version)


CALLS = [param for api in ("chat", "embeddings", "responses") for param in exchanges(api=api, providers=["azure"])]


@pytest.mark.parametrize("exchange", [one for one in CALLS if one.values[0] is None or "/openai/" in one.values[0].url])
def test_recorded_calls_went_to_the_paths_we_call(exchange):
    """Those to its OpenAI APIs, by the resource, deployment and version in their address."""
    url = urlsplit(exchange.url.replace(".com//", ".com/"))
    deployment = url.path.split("/")[3] if "/deployments/" in url.path else ""
    version = dict(parse_qsl(url.query)).get("api-version", "")
    found = paths(deployment, api_base=f"https://{url.netloc}", api_version=version)
    expected = url.path + (f"?{url.query}" if url.query else "")
    assert found[exchange.api] == expected
