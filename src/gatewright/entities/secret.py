"""The secret: a provider credential, as it is shown."""

from dataclasses import dataclass, field

from gatewright.entities.codec import Entity
from gatewright.entities.proto import secrets_pb2


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewaySecretInfo(Entity[secrets_pb2.GatewaySecretInfo]):
    """A stored credential without its values; those never leave the server.

    Attributes:
        secret_id: `s-` and 32 hex digits; never changes.
        secret_name: unique, case-sensitive, at most 255 characters; never changes.
        masked_values: field name to masked value, e.g. `{"api_key": "sk-...9xyz"}`; empty when nothing is stored.
        created_at: milliseconds since 1970, UTC.
        last_updated_at: milliseconds since 1970, UTC; equals `created_at` at first.
        provider: whose credential it is, at most 64 characters; None for any.
        auth_config: settings that are not confidential (`api_base`, region, ...); None for none.
        created_by: who made it, at most 255 characters; None when unknown.
        last_updated_by: who changed it last, at most 255 characters; None when unknown.
    """

    secret_id: str
    secret_name: str
    masked_values: dict[str, str] = field(default_factory=dict)
    created_at: int
    last_updated_at: int
    provider: str | None = None
    auth_config: dict[str, str] | None = None
    created_by: str | None = None
    last_updated_by: str | None = None
