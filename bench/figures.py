"""Reads the raw data of a run: the best of the rounds, its spread, and how figures of the same round compare."""

from collections import defaultdict
from collections.abc import Callable
from statistics import median
from typing import Any

from bench.contestants import DIRECT, REFERENCE

SMALL = "chat-64"
"""The workload that others are compared with where they have no reference of their own."""


Place = tuple[str, str, str]
"""A contestant, a workload and a metric."""


class Figures:
    """The figures of one run.

    Args:
        result: the raw data, as `bench.run.run` returns it.
    """

    def __init__(self, result: dict[str, Any]) -> None:
        self._rounds: dict[Place, dict[int, float]] = defaultdict(dict)
        for row in result["figures"]:
            for metric, value in row["values"].items():
                self._rounds[row["contestant"], row["workload"], metric][row["round"]] = value

    def best(self, contestant: str, workload: str, metric: str) -> float | None:
        """The best of the rounds: the highest of rates, the lowest of all else; None when it was not measured."""
        values = self._rounds.get((contestant, workload, metric))
        if not values:
            return None
        return max(values.values()) if metric in ("rps", "busy") else min(values.values())

    def spread(self, contestant: str, workload: str, metric: str) -> float | None:
        """How far apart the rounds are, as a part of the best; None where there is but one."""
        values = self._rounds.get((contestant, workload, metric), {}).values()
        best = self.best(contestant, workload, metric)
        return (max(values) - min(values)) / best if best and len(values) > 1 else None

    def added(self, contestant: str, workload: str, metric: str) -> float | None:
        """What a contestant adds to the mock asked directly, each round against its own: the median."""
        pairs = self._pairs((contestant, workload, metric), (DIRECT, workload, metric))
        return median(ours - direct for ours, direct in pairs) if pairs else None

    def share(self, above: Place, below: Place) -> float | None:
        """One figure as a part of another, each round by itself: the median.

        Windows that lie minutes apart may see a machine twice as fast; those of one round seldom do.
        """
        pairs = self._pairs(above, below)
        return median(one / other for one, other in pairs) if pairs else None

    def speed(self, contestant: str, workload: str, *, than: str = REFERENCE, at: str = "") -> float | None:
        """How many requests it serves with the CPU time in which another serves one.

        Args:
            contestant: whose speed.
            workload: at what.
            than: the other.
            at: the other's workload, where it is not the same.
        """
        return self.share((than, at or workload, "cpu_us"), (contestant, workload, "cpu_us"))

    def scaling(self, contestant: str) -> float | None:
        """How much more two workers serve than one, when each has a core: the busier one sets the limit."""
        return self.share((contestant, SMALL, "busiest_us"), (contestant, "workers-2", "busiest_us"))

    def slowdown(self, contestant: str, workload: str) -> float | None:
        """How much more CPU time a request takes than at `SMALL`, as a part of that."""
        more = self.share((contestant, workload, "cpu_us"), (contestant, SMALL, "cpu_us"))
        return None if more is None else more - 1

    def _pairs(self, one: Place, other: Place) -> list[tuple[float, float]]:
        """Two figures of each round in which both were measured."""
        ours, theirs = self._rounds.get(one, {}), self._rounds.get(other, {})
        return [(value, theirs[round_]) for round_, value in ours.items() if theirs.get(round_)]


def ratio(above: float | None, below: float | None) -> float | None:
    """A quotient, when both are there."""
    return None if above is None or not below else above / below


def scaled(value: float | None, by: float) -> float | None:
    """A figure in another unit."""
    return None if value is None else value * by


Compute = Callable[[Figures], float | None]
