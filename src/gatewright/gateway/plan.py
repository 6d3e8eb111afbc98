"""Station 3: endpoint and one random draw to a route plan. Pure."""

from bisect import bisect_right
from itertools import accumulate

from gatewright.errors import ClientError, UnavailableError
from gatewright.gateway.conversations import serves
from gatewright.snapshot.model import Endpoint, Routes, Target

RoutePlan = tuple[Target, ...]
"""The targets to try, in order; never empty."""


def plan(endpoint: Endpoint, operation: str, draw: float) -> RoutePlan:
    """One PRIMARY target by weight, then the FALLBACK targets in their order, as far as they serve the operation.

    Args:
        endpoint: where the request goes.
        operation: key of `Access.ways`, e.g. `chat`.
        draw: uniform in [0, 1).

    Raises:
        UnavailableError: when no target of the endpoint can be called.
        ClientError: when none of those that can be called serves the operation.
    """
    routes = endpoint.routes.get(operation)
    if routes is None:
        routes = endpoint.routes[operation] = _routes(endpoint, operation)
    primaries, cumulative, fallbacks = routes
    if len(primaries) < 2:
        return primaries + fallbacks
    # The product can round up to the total, so the last target also takes what lies on the edge.
    drawn = min(bisect_right(cumulative, draw * cumulative[-1]), len(primaries) - 1)
    return (primaries[drawn], *fallbacks)


def _routes(endpoint: Endpoint, operation: str) -> Routes:
    if not endpoint.primaries and not endpoint.fallbacks:
        raise UnavailableError(f"Endpoint '{endpoint.name}' cannot be served: {endpoint.problem}.")
    serving = [pair for pair in endpoint.primaries if serves(pair[0].access, operation)]
    fallbacks = tuple(target for target in endpoint.fallbacks if serves(target.access, operation))
    if not serving and not fallbacks:
        targets = [target for target, _ in endpoint.primaries] + list(endpoint.fallbacks)
        models = ", ".join(sorted({f"{target.provider}/{target.model}" for target in targets}))
        raise ClientError(f"Unsupported operation '{operation}' for endpoint '{endpoint.name}' (its models: {models}).")
    cumulative = tuple(accumulate(weight for _, weight in serving))
    return tuple(target for target, _ in serving), cumulative, fallbacks[: endpoint.most_fallbacks]
