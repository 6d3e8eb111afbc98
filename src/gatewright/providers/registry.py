"""Every provider by name."""

from collections.abc import Mapping
from types import MappingProxyType

from gatewright.errors import ConfigError
from gatewright.providers.azure import AZURE
from gatewright.providers.base import SERVER_PATHS, Provider
from gatewright.providers.bedrock import BEDROCK
from gatewright.providers.compatible import ROWS
from gatewright.providers.databricks import DATABRICKS
from gatewright.providers.vertex import VERTEX
from gatewright.snapshot.model import Access

_BY_NAME = {row.name: row for row in (AZURE, BEDROCK, DATABRICKS, VERTEX, *ROWS)}

# Fields of `auth_config` that the environment gives where a secret does not; the last variable that is set wins.
_USUAL = {"aws_region_name": ("AWS_DEFAULT_REGION", "AWS_REGION"), "vertex_project": ("GOOGLE_CLOUD_PROJECT",)}

COMPATIBLE = "openai-compatible"
"""The provider name for any other server that speaks OpenAI's dialect; its `api_base` says where."""


def names() -> list[str]:
    """The names of all providers that can be called, sorted."""
    return sorted([*_BY_NAME, COMPATIBLE])


def find(name: str) -> Provider | None:
    """A provider that can be called by its name; None for `openai-compatible` and any name we do not know."""
    return _BY_NAME.get(name)


def connect(
    provider: str,
    model: str,
    values: Mapping[str, str],
    config: Mapping[str, str],
    *,
    allow_private: bool = False,
    cloud: Mapping[str, str] = MappingProxyType({}),
) -> Access:
    """Join a provider's model with a secret.

    A provider name we do not know is OpenAI-compatible if the secret says where it lives.

    Args:
        provider: its name.
        model: the provider's own name of the model.
        values: the secret's decrypted values.
        config: the secret's `auth_config`.
        allow_private: `GATEWRIGHT_ALLOW_PRIVATE_UPSTREAMS`.
        cloud: what the environment says about the server's own place; see `Settings.cloud`.

    Raises:
        ConfigError: saying what the operator must change.
    """
    row = _BY_NAME.get(provider)
    if row is None:
        if provider != COMPATIBLE and not config.get("api_base"):
            raise ConfigError(
                f"provider {provider!r} is not supported; for a server that speaks OpenAI's API use provider "
                f"{COMPATIBLE!r} with 'api_base' in auth_config"
            )
        row = Provider(name=provider, paths=SERVER_PATHS, key=False)
    usual = {field: cloud[name] for field, names in _USUAL.items() for name in names if name in cloud}
    config = usual | {name: text for name, text in config.items() if text}
    return row.connect(model, values, config, allow_private=allow_private)
