"""The binding: a note that a resource outside the gateway uses an endpoint."""

from dataclasses import dataclass
from enum import StrEnum

from gatewright.entities.codec import Entity
from gatewright.entities.proto import bindings_pb2


class GatewayResourceType(StrEnum):
    """What may be bound to an endpoint. On the wire it is text, not an enum."""

    SCORER = "scorer"


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayEndpointBinding(Entity[bindings_pb2.GatewayEndpointBinding]):
    """A resource that uses an endpoint; the three leading attributes together are its key.

    Attributes:
        endpoint_id: the endpoint.
        resource_type: what kind of resource.
        resource_id: which one, at most 255 characters.
        created_at: milliseconds since 1970, UTC.
        last_updated_at: milliseconds since 1970, UTC.
        created_by: who made it, at most 255 characters; None when unknown.
        last_updated_by: who changed it last, at most 255 characters; None when unknown.
        display_name: a name to show; None when there is none.
    """

    endpoint_id: str
    resource_type: GatewayResourceType
    resource_id: str
    created_at: int
    last_updated_at: int
    created_by: str | None = None
    last_updated_by: str | None = None
    display_name: str | None = None
