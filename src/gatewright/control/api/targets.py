"""`GET /api/v1/targets`: how each target stands, as the worker that is asked knows it; and the reference of it."""

import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Any, get_args

import msgspec

from gatewright.snapshot.model import Snapshot
from gatewright.snapshot.outage import Condition
from gatewright.snapshot.outage import Standing as State

PATH = "/api/v1/targets"
"""Ours, not MLflow's, so under a prefix of its own."""

Standing = Callable[[], tuple[Snapshot, Mapping[str, Condition]]]
"""Gives the snapshot in force, and by key how those targets stand that are not wholly in."""

_INTEGER = {"type": "integer", "format": "int64"}
_FIELDS: dict[str, tuple[dict[str, Any], str]] = {
    "key": ({"type": "string"}, "Which target it is; it changes with its model, its address and its secret."),
    "provider": ({"type": "string"}, "Name of the provider."),
    "model": ({"type": "string"}, "The provider's own name of the model."),
    "endpoints": ({"type": "array", "items": {"type": "string"}}, "Names of the endpoints that use it."),
    "state": (
        {"type": "string", "enum": ["in", *get_args(State)]},
        "`in` serves, `out` is left alone, `due` may be asked by one request, `returning` gets a part of its traffic.",
    ),
    "share": ({"type": "number"}, "How much of its traffic it gets, from 0 to 1."),
    "out_until": (_INTEGER, "When its time out ends, in milliseconds since the epoch; 0 when it is not out."),
    "asked": ({"type": "boolean"}, "Whether its provider has asked for that time: it is not called before."),
    "reason": ({"type": "string"}, "Kind of the failure that took it out; empty when it is in."),
    "times": (_INTEGER, "How often in a row it was taken out for its failures."),
}


def answer(snapshot: Snapshot, conditions: Mapping[str, Condition]) -> bytes:
    """All targets as JSON, by provider and model."""
    used: defaultdict[str, set[str]] = defaultdict(set)
    found = {}
    for endpoint in snapshot.endpoints.values():
        for target in (*(target for target, _ in endpoint.primaries), *endpoint.fallbacks):
            found[target.key] = target
            used[target.key].add(endpoint.name)
    now = time.time()
    shown = [
        {"key": one.key, "provider": one.provider, "model": one.model, "endpoints": sorted(used[one.key])}
        | _shown(conditions.get(one.key), now)
        for one in sorted(found.values(), key=lambda one: (one.provider, one.model, one.key))
    ]
    return msgspec.json.format(msgspec.json.encode({"targets": shown}), indent=2)


def schemas() -> dict[str, dict[str, Any]]:
    """Schemas of the answer and of one target in it, by name."""
    properties = {name: schema | {"description": meaning} for name, (schema, meaning) in _FIELDS.items()}
    return {
        "Targets": {
            "type": "object",
            "required": ["targets"],
            "properties": {"targets": {"type": "array", "items": {"$ref": "#/components/schemas/Target"}}},
        },
        "Target": {"type": "object", "required": list(properties), "properties": properties},
    }


def _shown(condition: Condition | None, now: float) -> dict[str, Any]:
    if condition is None:
        return {"state": "in", "share": 1.0, "out_until": 0, "asked": False, "reason": "", "times": 0}
    return {
        "state": condition.state,
        "share": condition.share,
        "out_until": round((now + condition.seconds) * 1000) if condition.seconds else 0,
        "asked": condition.rests > 0,
        "reason": condition.reason,
        "times": condition.times,
    }
