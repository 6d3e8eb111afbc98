"""The small read-only answers around the calls, which MLflow's web pages and clients probe.

What providers there are, which fields their secrets have, which models are defined, and what server this is.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from gatewright.entities import GatewayModelDefinition
from gatewright.errors import ClientError

DISCOVERY = "/ajax-api/3.0/mlflow/gateway"
"""MLflow serves the discovery routes under this prefix alone."""

# A model's facts as MLflow's clients expect them, each null while there is no price catalogue.
_MODEL_FACTS = (
    "mode",
    "modality",
    "supports_function_calling",
    "supports_vision",
    "supports_reasoning",
    "supports_prompt_caching",
    "supports_response_schema",
    "max_input_tokens",
    "max_output_tokens",
    "input_cost_per_token",
    "output_cost_per_token",
    "deprecation_date",
    "last_updated_at",
)


class Catalogue(Protocol):
    """What is known about providers; `gatewright.providers.fields` is one."""

    def providers(self) -> list[str]:
        """Names of the providers that can be called, sorted."""

    def config(self, provider: str) -> Mapping[str, Any]:
        """The ways to authenticate at a provider and the fields each asks for, JSON-ready; any name is answered."""


def supported_providers(catalogue: Catalogue) -> dict[str, Any]:
    """Which providers a secret or a model definition may name."""
    return {"providers": catalogue.providers()}


def supported_models(definitions: Sequence[GatewayModelDefinition]) -> dict[str, Any]:
    """The models the operator has defined; each name once for each provider."""
    known = sorted({(definition.provider, definition.model_name) for definition in definitions})
    return {
        "models": [{"model": model, "provider": provider, **dict.fromkeys(_MODEL_FACTS)} for provider, model in known]
    }


def provider_config(catalogue: Catalogue, provider: str | None) -> Mapping[str, Any]:
    """The fields of a secret for a provider.

    Raises:
        ClientError: without a provider.
    """
    if not provider:
        raise ClientError("Missing value for required parameter 'provider'.")
    return catalogue.config(provider)


def secrets_config() -> dict[str, Any]:
    """Secrets can always be stored, and there is no default passphrase to warn about."""
    return {"secrets_available": True, "using_default_passphrase": False}


def server_info() -> dict[str, Any]:
    """What MLflow's clients ask a server before they use a feature: the gateway is there, the rest of MLflow is not."""
    return {
        "store_type": "SqlStore",
        "workspaces_enabled": False,
        "trace_archival_enabled": False,
        "multipart_uploads_enabled": False,
        "multipart_downloads_enabled": False,
        "presigned_upload_run_id_supported": False,
        "presigned_upload_model_id_supported": False,
        "features_enabled": {"gateway": True},
    }
