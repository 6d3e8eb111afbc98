"""Station 3: endpoint and one random draw to a route plan. Pure."""

from bisect import bisect_right
from itertools import accumulate

from gatewright.errors import ClientError, UnavailableError
from gatewright.gateway.conversations import serves
from gatewright.snapshot.model import Endpoint, Target

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
    if not endpoint.primaries and not endpoint.fallbacks:
        raise UnavailableError(f"Endpoint '{endpoint.name}' cannot be served: {endpoint.problem}.")
    fallbacks = tuple(target for target in endpoint.fallbacks if serves(target.access, operation))
    serving = _drawn(endpoint, operation, draw) + fallbacks[: endpoint.most_fallbacks]
    if not serving:
        targets = [target for target, _ in endpoint.primaries] + list(endpoint.fallbacks)
        models = ", ".join(sorted({f"{target.provider}/{target.model}" for target in targets}))
        raise ClientError(f"Unsupported operation '{operation}' for endpoint '{endpoint.name}' (its models: {models}).")
    return serving


def _drawn(endpoint: Endpoint, operation: str, draw: float) -> RoutePlan:
    """At most one PRIMARY target: one that serves the operation, by weight; a single one needs no draw."""
    serving = [pair for pair in endpoint.primaries if serves(pair[0].access, operation)]
    if len(serving) < 2:
        return tuple(target for target, _ in serving)
    cumulative = tuple(accumulate(weight for _, weight in serving))
    # The product can round up to the total, so the last target also takes what lies on the edge.
    return (serving[min(bisect_right(cumulative, draw * cumulative[-1]), len(serving) - 1)][0],)
