"""Reads the raw data of a run: the best of the rounds, its spread, and what is derived from several figures."""

from collections import defaultdict
from collections.abc import Callable
from typing import Any

from bench.contestants import DIRECT, REFERENCE

SMALL = "chat-64"
"""The workload that others are compared with where they have no reference of their own."""


class Figures:
    """The figures of one run.

    Args:
        result: the raw data, as `bench.run.run` returns it.
    """

    def __init__(self, result: dict[str, Any]) -> None:
        self._rounds: dict[tuple[str, str, str], dict[int, float]] = defaultdict(dict)
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
        """How far apart the rounds are, as a part of the best."""
        values = self._rounds.get((contestant, workload, metric), {}).values()
        best = self.best(contestant, workload, metric)
        return (max(values) - min(values)) / best if best else None

    def added(self, contestant: str, workload: str, metric: str) -> float | None:
        """What a contestant adds to the mock asked directly: the least of the rounds, each against its own."""
        ours = self._rounds.get((contestant, workload, metric), {})
        direct = self._rounds.get((DIRECT, workload, metric), {})
        both = [value - direct[round_] for round_, value in ours.items() if round_ in direct]
        return min(both) if both else None

    def speed(self, contestant: str, workload: str, *, than: str = REFERENCE, at: str = "") -> float | None:
        """How many requests it serves with the CPU time in which another serves one, in the best of their rounds.

        Args:
            contestant: whose speed.
            workload: at what.
            than: the other.
            at: the other's workload, where it is not the same.
        """
        ours = self._rounds.get((contestant, workload, "cpu_us"), {})
        theirs = self._rounds.get((than, at or workload, "cpu_us"), {})
        both = ours.keys() & theirs.keys()  # who was measured more often had more chances
        return ratio(min(map(theirs.__getitem__, both)), min(map(ours.__getitem__, both))) if both else None

    def scaling(self, contestant: str) -> float | None:
        """How much more two workers serve than one, when each has a core: the busier one sets the limit."""
        return ratio(self.best(contestant, SMALL, "busiest_us"), self.best(contestant, "workers-2", "busiest_us"))

    def slowdown(self, contestant: str, workload: str) -> float | None:
        """How much more CPU time a request takes than at `SMALL`, as a part of that."""
        more = ratio(self.best(contestant, workload, "cpu_us"), self.best(contestant, SMALL, "cpu_us"))
        return None if more is None else more - 1


def ratio(above: float | None, below: float | None) -> float | None:
    """A quotient, when both are there."""
    return None if above is None or not below else above / below


def scaled(value: float | None, by: float) -> float | None:
    """A figure in another unit."""
    return None if value is None else value * by


Compute = Callable[[Figures], float | None]
