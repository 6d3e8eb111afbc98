"""Which fields a secret of each provider has: data for forms and for `provider-config`.

The names of modes and fields are those MLflow uses, so that a secret made for its gateway fits here. A field that is
confidential belongs in `secret_value`, any other in `auth_config`. Where a provider takes no more than an API key and
perhaps an address, its row in `compatible.py` says all; a provider nobody knows is taken for such a one.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gatewright.providers import registry
from gatewright.providers.base import Provider


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a secret.

    Attributes:
        name: key in `secret_value` or `auth_config`.
        description: what to enter.
        secret: whether it is confidential.
        required: whether the provider cannot be called without it.
        default: what is used when it is left out; empty for nothing.
    """

    name: str
    description: str
    secret: bool = False
    required: bool = True
    default: str = ""


@dataclass(frozen=True, slots=True)
class Mode:
    """One way to authenticate; `mode` goes into `auth_config` as `auth_mode`."""

    mode: str
    display_name: str
    description: str
    fields: tuple[Field, ...]


def _key(of: str, *, required: bool = True) -> Field:
    return Field("api_key", f"API key of {of}", secret=True, required=required)


def _base(description: str, *, required: bool = False, default: str = "") -> Field:
    return Field("api_base", description, required=required, default=default)


def _by_key(*fields: Field, description: str = "Send an API key with every request") -> tuple[Mode, ...]:
    return (Mode("api_key", "API key", description, fields),)


def of_row(row: Provider) -> tuple[Mode, ...]:
    """The way to authenticate that follows from a provider's row alone.

    Args:
        row: a provider with an address of its own.
    """
    if row.key:
        return _by_key(_key(row.title), _base("Base URL, to call another address than the provider's own"))
    return _by_key(
        _key(f"the {row.title} server", required=False),
        _base(f"Base URL of the {row.title} server", default=row.base),
        description="Call a model server of your own, with a key if it asks for one",
    )


_UNKNOWN = Provider(name="", title="the provider")
_REGION = Field("aws_region_name", "AWS region, such as us-east-1")
_ANY_REGION = Field("aws_region_name", "AWS region; the server's own when left out", required=False)
_ACCESS_KEYS = (
    Field("aws_access_key_id", "Access key id", secret=True),
    Field("aws_secret_access_key", "Secret access key", secret=True),
)
_TOKEN = Field("aws_session_token", "Session token of temporary keys", secret=True, required=False)
_ROLE = Field("aws_role_name", "ARN of the IAM role to assume")
_ANY_ROLE = Field("aws_role_name", "ARN of an IAM role to assume first", required=False)
_SESSION = Field("aws_session_name", "Name for the assumed role's session", required=False)
_PROJECT = Field("vertex_project", "Google Cloud project id; the server's own when left out", required=False)
_OF_KEY = Field("vertex_project", "Google Cloud project id; the service account's when left out", required=False)
_LOCATION = Field("vertex_location", "Google Cloud region, or 'global'", required=False, default="us-central1")
_OTHER = _base("Base URL, to call another address than the region's own")
_WORKSPACE = _base("URL of the Databricks workspace", required=True)


def _default_chain(*fields: Field) -> Mode:
    return Mode("default_chain", "Server's own identity", "Use the credentials the server itself finds", fields)


_SPECIAL: dict[str, tuple[Mode, ...]] = {
    "azure": _by_key(
        _key("the Azure OpenAI resource"),
        _base("Endpoint of the resource, such as https://NAME.openai.azure.com", required=True),
        Field("api_version", "API version, such as 2024-10-21; none for the v1 API", required=False),
    ),
    "bedrock": (
        *_by_key(_key("Amazon Bedrock"), _REGION, _OTHER),
        Mode("access_keys", "Access keys", "Sign with an AWS access key", (*_ACCESS_KEYS, _TOKEN, _ANY_REGION, _OTHER)),
        Mode(
            "iam_role", "IAM role", "Assume a role with the server's identity", (_ROLE, _SESSION, _ANY_REGION, _OTHER)
        ),
        _default_chain(_ANY_ROLE, _SESSION, _ANY_REGION, _OTHER),
    ),
    "sagemaker": (
        Mode("access_keys", "Access keys", "Sign with an AWS access key", (*_ACCESS_KEYS, _REGION)),
        Mode("iam_role", "IAM role", "Assume a role with an access key", (*_ACCESS_KEYS, _ROLE, _SESSION, _REGION)),
        _default_chain(_ANY_ROLE, _SESSION, _ANY_REGION),
    ),
    "vertex_ai": (
        Mode(
            "service_account_json",
            "Service account",
            "Use the JSON key of a Google Cloud service account",
            (
                Field("vertex_credentials", "Content of the JSON key file", secret=True),
                _OF_KEY,
                _LOCATION,
                _OTHER,
            ),
        ),
        _default_chain(_PROJECT, _LOCATION, _OTHER),
    ),
    "databricks": (
        Mode("pat_token", "Personal access token", "Use a token of a user", (_key("Databricks"), _WORKSPACE)),
        Mode(
            "oauth_m2m",
            "OAuth service principal",
            "Use the client id and secret of a service principal",
            (Field("client_secret", "Client secret", secret=True), _WORKSPACE, Field("client_id", "Client id")),
        ),
    ),
    "portkey": _by_key(
        _key("Portkey"),
        Field("portkey_provider", "Provider to route to, as Portkey names it", required=False),
        Field("portkey_config", "Config id, or a config as JSON", secret=True, required=False),
        Field("provider_api_key", "Key of a provider that Portkey does not store", secret=True, required=False),
        _base("Base URL of a Portkey gateway of your own"),
    ),
    "cloudflare": _by_key(
        _key("Cloudflare Workers AI"),
        Field("account_id", "Id of the Cloudflare account"),
        _base("Base URL, to call another address than the account's"),
    ),
    registry.COMPATIBLE: _by_key(
        _key("the server", required=False),
        _base("Base URL of a server that speaks OpenAI's API, such as https://host/v1", required=True),
        description="Call any server that speaks OpenAI's API",
    ),
}


def modes(provider: str) -> tuple[Mode, ...]:
    """The ways to authenticate at a provider, the usual one first."""
    return _SPECIAL.get(provider) or of_row(registry.find(provider) or _UNKNOWN)


class Catalogue:
    """What the management API tells about providers."""

    def providers(self) -> list[str]:
        """Names of the providers that can be called, sorted."""
        return registry.names()

    def config(self, provider: str) -> Mapping[str, Any]:
        """The ways to authenticate at a provider, JSON-ready, in the shape of MLflow's `provider-config`."""
        known = modes(provider)
        return {"auth_modes": [_mode(mode) for mode in known], "default_mode": known[0].mode}


def _mode(mode: Mode) -> dict[str, Any]:
    return {
        "mode": mode.mode,
        "display_name": mode.display_name,
        "description": mode.description,
        "secret_fields": [_field(field) for field in mode.fields if field.secret],
        "config_fields": [_field(field) for field in mode.fields if not field.secret],
    }


def _field(field: Field) -> dict[str, Any]:
    shown = {
        "name": field.name,
        "type": "string",
        "description": field.description,
        "required": field.required,
    }
    return shown | ({"default": field.default} if field.default else {})
