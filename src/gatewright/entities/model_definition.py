"""The model definition: a provider's model under a name of its own."""

from dataclasses import dataclass

from gatewright.entities.codec import Entity
from gatewright.entities.proto import model_definitions_pb2


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayModelDefinition(Entity[model_definitions_pb2.GatewayModelDefinition]):
    """A provider's model with the secret that opens it; several endpoints may share one.

    Attributes:
        model_definition_id: `d-` and 32 hex digits.
        name: unique, case-sensitive, at most 255 characters.
        secret_id: the secret in use; None once that secret was deleted.
        secret_name: its name; None together with `secret_id`.
        provider: free text, at most 64 characters, e.g. `openai`.
        model_name: the model's name at the provider, at most 256 characters, e.g. `gpt-4o`.
        created_at: milliseconds since 1970, UTC.
        last_updated_at: milliseconds since 1970, UTC; moves with every update, even an empty one.
        created_by: who made it, at most 255 characters; None when unknown.
        last_updated_by: who changed it last, at most 255 characters; None when unknown.
    """

    model_definition_id: str
    name: str
    secret_id: str | None = None
    secret_name: str | None = None
    provider: str
    model_name: str
    created_at: int
    last_updated_at: int
    created_by: str | None = None
    last_updated_by: str | None = None
