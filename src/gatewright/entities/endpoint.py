"""The endpoint: a name that applications call, with its models, its tags and how traffic is spread."""

from dataclasses import dataclass, field
from enum import StrEnum

from gatewright.entities.codec import Entity, wired
from gatewright.entities.model_definition import GatewayModelDefinition
from gatewright.entities.proto import endpoints_pb2


class RoutingStrategy(StrEnum):
    """How one PRIMARY model is chosen for a request: by weight, whether or not an endpoint names the strategy."""

    REQUEST_BASED_TRAFFIC_SPLIT = "REQUEST_BASED_TRAFFIC_SPLIT"


class FallbackStrategy(StrEnum):
    """How FALLBACK models follow a failed attempt: one after the other, by `fallback_order`."""

    SEQUENTIAL = "SEQUENTIAL"


class GatewayModelLinkageType(StrEnum):
    """What a model does for an endpoint: share its traffic, or wait for a failure."""

    PRIMARY = "PRIMARY"
    FALLBACK = "FALLBACK"


@dataclass(frozen=True, slots=True, kw_only=True)
class FallbackConfig(Entity[endpoints_pb2.FallbackConfig]):
    """How an endpoint's FALLBACK models are tried.

    Attributes:
        strategy: how FALLBACK models are tried; None is SEQUENTIAL.
        max_attempts: how many FALLBACK models are tried at most, 0 or more; None (unset) and 0 mean all.
    """

    strategy: FallbackStrategy | None = None
    max_attempts: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayEndpointModelConfig(Entity[endpoints_pb2.GatewayEndpointModelConfig]):
    """A model definition as a request wants it in an endpoint.

    Attributes:
        model_definition_id: which definition; empty when the request named none.
        linkage_type: PRIMARY or FALLBACK; None when the request named neither, which is refused later.
        weight: odds in a traffic split, relative to the other PRIMARY models; finite, 0 or more, a 32-bit float
            on the wire; 1.0 when absent.
        fallback_order: place among the FALLBACK models, lowest first; None is last.
    """

    model_definition_id: str
    linkage_type: GatewayModelLinkageType | None
    weight: float = 1.0
    fallback_order: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayEndpointModelMapping(Entity[endpoints_pb2.GatewayEndpointModelMapping]):
    """A model definition at work in an endpoint.

    Attributes:
        mapping_id: `m-` and 32 hex digits; new whenever an update replaces the models.
        endpoint_id: the endpoint.
        model_definition_id: the definition.
        model_definition: the definition itself, as it is now; None when it was not asked for.
        weight: odds in a traffic split; 1.0 when absent on the wire, where it is a 32-bit float.
        linkage_type: PRIMARY or FALLBACK.
        fallback_order: place among the FALLBACK models, lowest first; None is last.
        created_at: milliseconds since 1970, UTC.
        created_by: who attached it, at most 255 characters; None when unknown.
    """

    mapping_id: str
    endpoint_id: str
    model_definition_id: str
    model_definition: GatewayModelDefinition | None = None
    weight: float = 1.0
    linkage_type: GatewayModelLinkageType
    fallback_order: int | None = None
    created_at: int
    created_by: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayEndpointTag(Entity[endpoints_pb2.GatewayEndpointTag]):
    """A key and a value that an operator keeps with an endpoint.

    Attributes:
        key: at least 1 and at most 250 characters; unique in its endpoint.
        value: at most 5000 characters; written as it is, even empty, but empty and absent are both read as None,
            as MLflow's clients do.
    """

    key: str
    value: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayEndpoint(Entity[endpoints_pb2.GatewayEndpoint]):
    """A name that applications call, and the models behind it.

    Attributes:
        endpoint_id: `e-` and 32 hex digits.
        name: ASCII letters, digits, `_`, `-` and `.`; unique, case-sensitive, 1 to 255 characters.
        created_at: milliseconds since 1970, UTC.
        last_updated_at: milliseconds since 1970, UTC; tags do not move it.
        model_mappings: its models in the order they were given.
        tags: its tags in the order they were first set.
        created_by: who made it, at most 255 characters; None when unknown, which is written as an empty text.
        last_updated_by: who changed it last; limits and wire form as `created_by`.
        routing_strategy: how a PRIMARY model is chosen; None is REQUEST_BASED_TRAFFIC_SPLIT, the only one there is.
        fallback_config: how FALLBACK models are tried; None means in their order, all of them.
        experiment_id: where usage is recorded, a number as text; None for nowhere.
        usage_tracking: whether calls are recorded; True when absent on the wire.
    """

    endpoint_id: str
    name: str
    created_at: int
    last_updated_at: int
    model_mappings: list[GatewayEndpointModelMapping] = field(default_factory=list)
    tags: list[GatewayEndpointTag] = field(default_factory=list)
    created_by: str | None = field(default=None, metadata=wired(none_as=""))
    last_updated_by: str | None = field(default=None, metadata=wired(none_as=""))
    routing_strategy: RoutingStrategy | None = None
    fallback_config: FallbackConfig | None = None
    experiment_id: str | None = None
    usage_tracking: bool = True
