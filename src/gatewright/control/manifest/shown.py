"""Objects as fields that can be compared: what the file wants and what is stored, in the file's own terms."""

import struct
from collections.abc import Iterable, Mapping

from gatewright.control.manifest.changes import Difference
from gatewright.control.manifest.model import Endpoint, Secret
from gatewright.control.store.secrets import Revealed
from gatewright.entities import (
    GatewayEndpoint,
    GatewayEndpointModelMapping,
    GatewayModelDefinition,
    GatewayModelLinkageType,
    RoutingStrategy,
)

Fields = dict[str, object]


def dotted(name: str, values: Mapping[str, str] | None) -> Fields:
    """A map as one field a key."""
    return {f"{name}.{key}": value for key, value in (values or {}).items()}


def value_differences(wanted: Secret, stored: Revealed | None) -> tuple[Difference, ...]:
    """Which values of a secret differ, told without showing one. A value that cannot be opened differs."""
    if wanted.values is None:
        return ()
    held = stored.values if stored else {}
    if stored is not None and stored.problem:
        held = dict.fromkeys(wanted.values, "")
    return tuple(
        Difference(
            f"secret_value.{name}",
            "the stored value" if name in held else None,
            f"the value from {wanted.values[name].source}" if name in wanted.values else None,
        )
        for name in {**wanted.values, **held}
        if name not in wanted.values or held.get(name) != wanted.values[name].text
    )


def stored_definition(stored: GatewayModelDefinition) -> Fields:
    """A stored model definition."""
    return {"provider": stored.provider, "model_name": stored.model_name, "secret": stored.secret_name}


def wanted_endpoint(wanted: Endpoint) -> Fields:
    """An endpoint of the file."""
    fields: Fields = {
        "models": tuple((share.model.name, _single(share.weight)) for share in wanted.models),
        "fallbacks": tuple(model.name for model in wanted.fallbacks) or None,
        "max_attempts": _attempts(wanted.max_attempts) if wanted.fallbacks else None,
        "routing_strategy": RoutingStrategy.REQUEST_BASED_TRAFFIC_SPLIT,
        "usage_tracking": wanted.usage_tracking,
    }
    return fields | dotted("tags", wanted.tags)


def stored_endpoint(stored: GatewayEndpoint) -> Fields:
    """A stored endpoint."""
    primaries = [one for one in stored.model_mappings if one.linkage_type is GatewayModelLinkageType.PRIMARY]
    fallbacks = [one for one in stored.model_mappings if one.linkage_type is GatewayModelLinkageType.FALLBACK]
    fallbacks.sort(key=lambda one: one.fallback_order or 0)
    config = stored.fallback_config
    fields: Fields = {
        "models": tuple((name, _single(one.weight)) for name, one in _named(primaries)),
        "fallbacks": tuple(name for name, _ in _named(fallbacks)) or None,
        "max_attempts": _attempts(config.max_attempts if config else None) if fallbacks else None,
        "routing_strategy": stored.routing_strategy,
        "usage_tracking": stored.usage_tracking,
    }
    return fields | dotted("tags", {tag.key: tag.value or "" for tag in stored.tags})


def _named(mappings: Iterable[GatewayEndpointModelMapping]) -> list[tuple[str, GatewayEndpointModelMapping]]:
    return [(one.model_definition.name if one.model_definition else "", one) for one in mappings]


def _attempts(most: int | None) -> str:
    return str(most) if most else "all"


def _single(weight: float) -> float:
    """A weight as the wire carries it, so that one set over the API is the same as one set by a file."""
    rounded: float = struct.unpack("<f", struct.pack("<f", weight))[0]
    return rounded
