"""Station 3: endpoint and one random draw to a route plan. Pure."""

from bisect import bisect_right
from itertools import accumulate

from gatewright.errors import ClientError, UnavailableError
from gatewright.snapshot.model import Endpoint, Target

RoutePlan = tuple[Target, ...]
"""The targets to try, in order; never empty."""


def plan(endpoint: Endpoint, operation: str, draw: float) -> RoutePlan:
    """One PRIMARY target by weight, then the FALLBACK targets in their order, as far as they serve the operation.

    Args:
        endpoint: where the request goes.
        operation: key of `Target.paths`, e.g. `chat`.
        draw: uniform in [0, 1).

    Raises:
        UnavailableError: when no target of the endpoint can be called.
        ClientError: when none of those that can be called serves the operation.
    """
    if not endpoint.primaries and not endpoint.fallbacks:
        raise UnavailableError(f"Endpoint '{endpoint.name}' cannot be served: {endpoint.problem}.")
    first = _drawn(endpoint, operation, draw)
    serving = first + tuple(target for target in endpoint.fallbacks if operation in target.paths)
    if not serving:
        models = ", ".join(sorted({f"{target.provider}/{target.model}" for target in endpoint.primaries}))
        raise ClientError(f"Unsupported operation '{operation}' for endpoint '{endpoint.name}' (its models: {models}).")
    return serving


def _drawn(endpoint: Endpoint, operation: str, draw: float) -> RoutePlan:
    """At most one PRIMARY target: one that serves the operation, by weight."""
    targets, cumulative = endpoint.primaries, endpoint.cumulative
    if any(operation not in target.paths for target in targets):
        weights = [high - low for high, low in zip(cumulative, (0.0, *cumulative), strict=False)]
        kept = [pair for pair in zip(targets, weights, strict=True) if operation in pair[0].paths]
        targets = tuple(target for target, _ in kept)
        cumulative = tuple(accumulate(weight for _, weight in kept))
    if len(targets) < 2:
        return targets
    # The product can round up to the total, so the last target also takes what lies on the edge.
    return (targets[min(bisect_right(cumulative, draw * cumulative[-1]), len(targets) - 1)],)
