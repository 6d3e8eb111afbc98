"""Every provider by name."""

from collections.abc import Mapping

from gatewright.errors import ConfigError
from gatewright.providers.azure import AZURE
from gatewright.providers.base import SERVER_PATHS, Provider
from gatewright.providers.compatible import ROWS
from gatewright.snapshot.model import Access

_BY_NAME = {row.name: row for row in (AZURE, *ROWS)}

COMPATIBLE = "openai-compatible"
"""The provider name for any other server that speaks OpenAI's dialect; its `api_base` says where."""


def names() -> list[str]:
    """The names of all providers that can be called, sorted."""
    return sorted([*_BY_NAME, COMPATIBLE])


def find(name: str) -> Provider | None:
    """A provider that can be called by its name; None for `openai-compatible` and any name we do not know."""
    return _BY_NAME.get(name)


def connect(
    provider: str, model: str, values: Mapping[str, str], config: Mapping[str, str], *, allow_private: bool = False
) -> Access:
    """Join a provider's model with a secret.

    A provider name we do not know is OpenAI-compatible if the secret says where it lives.

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
    return row.connect(model, values, config, allow_private=allow_private)
