"""The fields of secrets are complete and named as MLflow names them."""

import pytest

from gatewright.providers import registry
from gatewright.providers.fields import Catalogue, modes

KNOWN = sorted({*registry.names(), "anthropic", "azure", "bedrock", "databricks", "gemini", "sagemaker", "vertex_ai"})
DESTINATIONS = {"base_url", "model_list", "fallbacks", "custom_llm_provider"}


@pytest.mark.parametrize("provider", KNOWN)
def test_every_mode_can_be_stored(provider):
    """Names are unique in a mode, none is one the store refuses, and `api_base` is never confidential."""
    for mode in modes(provider):
        names = [field.name for field in mode.fields]
        assert len(names) == len(set(names))
        assert not set(names) & DESTINATIONS
        assert not any(field.secret for field in mode.fields if field.name == "api_base")
        assert all(field.description for field in mode.fields)
        assert mode.display_name
        assert mode.description


@pytest.mark.parametrize(
    ("provider", "names"),
    [
        ("bedrock", ["api_key", "access_keys", "iam_role", "default_chain"]),
        ("sagemaker", ["access_keys", "iam_role", "default_chain"]),
        ("vertex_ai", ["service_account_json", "default_chain"]),
        ("databricks", ["pat_token", "oauth_m2m"]),
        ("azure", ["api_key"]),
        ("nobody has heard of it", ["api_key"]),
    ],
)
def test_the_modes_are_mlflows(provider, names):
    """The first one is the default."""
    config = Catalogue().config(provider)
    assert [mode["mode"] for mode in config["auth_modes"]] == names
    assert config["default_mode"] == names[0]


def test_confidential_fields_are_apart_from_the_others():
    """`secret_fields` go into secret_value, `config_fields` into auth_config."""
    (mode,) = Catalogue().config("azure")["auth_modes"]
    assert [field["name"] for field in mode["secret_fields"]] == ["api_key"]
    assert [field["name"] for field in mode["config_fields"]] == ["api_base", "api_version"]


def test_a_resource_of_azure_needs_no_version():
    """MLflow asks for one; without it the v1 API is called, which MLflow does not know."""
    (mode,) = Catalogue().config("azure")["auth_modes"]
    assert [field["required"] for field in mode["config_fields"]] == [True, False]


def test_a_default_is_shown_only_where_there_is_one():
    """As MLflow leaves the key out."""
    service_account = Catalogue().config("vertex_ai")["auth_modes"][0]
    defaults = {field["name"]: field.get("default") for field in service_account["config_fields"]}
    assert defaults == {"vertex_project": None, "vertex_location": "us-central1", "api_base": None}


def test_a_server_of_ones_own_needs_no_key():
    """A key may be given; the address is the one that is called without another."""
    for provider in ("llama.cpp", "lmstudio", "ollama", "vllm"):
        (mode,) = Catalogue().config(provider)["auth_modes"]
        assert mode["secret_fields"][0]["required"] is False
        address = registry.connect(provider, "m", {}, {}, allow_private=True).address
        assert mode["config_fields"][0]["default"] == f"http://{address.authority}{address.path}"


def test_all_callable_providers_are_listed():
    """What the gateway can call is what it says it can."""
    assert Catalogue().providers() == registry.names()
