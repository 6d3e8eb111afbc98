"""Station 3: endpoint, health and one random draw to a route plan."""

import math
from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate

from gatewright.errors import ClientError, RestingError, UnavailableError
from gatewright.gateway.conversations import serves
from gatewright.gateway.failures import Kind
from gatewright.gateway.health import Health
from gatewright.snapshot.model import Endpoint, Routes, Target

RoutePlan = tuple[Target, ...]
"""The targets to try, in order; never empty."""

_Weighted = Sequence[tuple[Target, float]]


def plan(endpoint: Endpoint, operation: str, draw: float, health: Health) -> RoutePlan:
    """One PRIMARY target by weight, then the FALLBACK targets in their order, as far as they serve the operation.

    Those that are out are left out, and the weights of the others count as if they were alone. When all are out, the
    one due back first is the plan.

    Args:
        endpoint: where the request goes.
        operation: key of `Access.ways`, e.g. `chat`.
        draw: uniform in [0, 1).
        health: which targets are in. A first target that is due is kept for this request.

    Raises:
        UnavailableError: when no target of the endpoint can be called.
        RestingError: when the providers of all targets have asked to be left alone.
        ClientError: when none of those that can be called serves the operation.
    """
    routes = endpoint.routes.get(operation)
    if routes is None:
        routes = endpoint.routes[operation] = _routes(endpoint, operation)
    if health.out and not health.out.keys().isdisjoint(routes.keys):
        return _around(endpoint, routes, draw, health)
    plans = routes.plans
    return plans[0] if len(plans) == 1 else plans[_drawn(routes.cumulative, draw)]


def _around(endpoint: Endpoint, routes: Routes, draw: float, health: Health) -> RoutePlan:
    """A plan when some target is not wholly in."""
    shares = [health.share(target.key) for target, _ in routes.primaries]
    whole = [(target, weight) for target, weight in routes.primaries if target.key not in health.out]
    part = [
        (target, weight * share)
        for (target, weight), share in zip(routes.primaries, shares, strict=True)
        if share and target.key in health.out
    ]
    spares = [target for target in routes.spares if health.share(target.key)][: endpoint.most_fallbacks]
    total, rest = sum(weight for _, weight in routes.primaries), sum(weight for _, weight in whole)
    kept = sum(weight for _, weight in part)
    if whole:  # what the others do not get goes to these, as their weights are
        part += [(target, weight * (total - kept) / rest) for target, weight in whole]
        first = _choose(part, draw)
    elif part and (not spares or draw * total < kept):
        first = _choose(part, draw * total / kept if spares else draw)
    else:
        return tuple(spares) or _last_resort(endpoint, routes, health)
    if first.key not in health.out:
        return (first, *spares)
    health.admits(first.key)
    # It may well fail again: there must be a second for what the fallbacks are not for.
    second = [_choose(whole, draw)] if whole else []
    return (first, *second, *spares)


def _last_resort(endpoint: Endpoint, routes: Routes, health: Health) -> RoutePlan:
    """The target that is due back first, of those whose providers have not asked to be left alone."""
    targets = [*(target for target, _ in routes.primaries), *routes.spares]
    found = [(health.condition(target.key), target) for target in targets]
    failing = [one for one in found if not one[0].rests]
    if failing:
        return (min(failing, key=lambda one: one[0].seconds)[1],)
    first = min((condition for condition, _ in found), key=lambda one: one.rests)
    raise RestingError(
        f"Every provider behind endpoint '{endpoint.name}' has asked to be left alone for a while. "
        f"Send the request again in {math.ceil(first.rests)} s.",
        first.rests,
        limited=first.reason == Kind.RATE_LIMITED,
    )


def _choose(weighted: _Weighted, draw: float) -> Target:
    return weighted[_drawn(tuple(accumulate(weight for _, weight in weighted)), draw)][0]


def _drawn(cumulative: Sequence[float], draw: float) -> int:
    # The product can round up to the total, so the last target also takes what lies on the edge.
    return min(bisect_right(cumulative, draw * cumulative[-1]), len(cumulative) - 1)


def _routes(endpoint: Endpoint, operation: str) -> Routes:
    if not endpoint.primaries and not endpoint.fallbacks:
        raise UnavailableError(f"Endpoint '{endpoint.name}' cannot be served: {endpoint.problem}.")
    serving = tuple(pair for pair in endpoint.primaries if serves(pair[0].access, operation))
    spares = tuple(target for target in endpoint.fallbacks if serves(target.access, operation))
    if not serving and not spares:
        targets = [target for target, _ in endpoint.primaries] + list(endpoint.fallbacks)
        models = ", ".join(sorted({f"{target.provider}/{target.model}" for target in targets}))
        raise ClientError(f"Unsupported operation '{operation}' for endpoint '{endpoint.name}' (its models: {models}).")
    fallbacks = spares[: endpoint.most_fallbacks]
    return Routes(
        plans=tuple((target, *fallbacks) for target, _ in serving) or (fallbacks,),
        cumulative=tuple(accumulate(weight for _, weight in serving)),
        primaries=serving,
        spares=spares,
        keys=frozenset(target.key for target in (*(target for target, _ in serving), *spares)),
    )
