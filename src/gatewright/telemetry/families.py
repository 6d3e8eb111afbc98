"""The registry: every family of metrics there is, with its kind, its labels and its meaning.

The table of `docs/operations.md` is held against it by a test.
"""

from dataclasses import dataclass
from typing import Literal

Labels = tuple[str, ...]
"""Values of a family's labels, in their order."""


@dataclass(frozen=True, slots=True)
class Family:
    """One metric, with all its series.

    Attributes:
        name: as Prometheus knows it.
        kind: what Prometheus is told it is.
        meaning: one sentence.
        labels: names of the labels.
        bounds: of a histogram, the upper bound of each bucket but the last, in microseconds; shown in seconds.
    """

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    meaning: str
    labels: Labels = ()
    bounds: tuple[int, ...] = ()

    @property
    def width(self) -> int:
        """Numbers a series has: one, or a histogram's buckets and its sum."""
        return len(self.bounds) + 2 if self.bounds else 1


OPEN = frozenset({"endpoint", "provider", "model"})
"""Labels whose values operators make up; those of all others are few, and Gatewright's own."""

_TARGET = ("endpoint", "provider", "model")
_SECONDS = tuple(10_000 << step for step in range(17))  # 10 ms to 11 minutes: a total time-out is 15
_OWN = tuple(50 << step for step in range(12))  # 50 microseconds to 0.1 s

REQUESTS = Family(
    "gatewright_requests_total",
    "counter",
    "Finished requests of known callers; error is empty when all went well, class is that of the HTTP status.",
    (*_TARGET, "operation", "class", "error"),
)
TOKENS = Family(
    "gatewright_tokens_total",
    "counter",
    "Tokens as providers told them; the kinds do not overlap and sum to all.",
    (*_TARGET, "kind"),
)
DURATION = Family(
    "gatewright_request_duration_seconds",
    "histogram",
    "Time from a request to the end of its answer.",
    _TARGET,
    _SECONDS,
)
FIRST_BYTE = Family(
    "gatewright_first_byte_seconds",
    "histogram",
    "Time from a request to the first byte of its answer.",
    _TARGET,
    _SECONDS,
)
OVERHEAD = Family(
    "gatewright_overhead_seconds",
    "histogram",
    "Time up to the first byte of an answer that Gatewright itself took.",
    ("operation",),
    _OWN,
)
BY_REQUEST = (REQUESTS, TOKENS, DURATION, FIRST_BYTE, OVERHEAD)
"""What finished requests are counted in."""

READ_COUNTERS = (
    Family("gatewright_refused_total", "counter", "Requests without a valid key; they are counted nowhere else."),
    Family("gatewright_shed_total", "counter", "Requests that were refused because too many were under way."),
    Family("gatewright_target_outages_total", "counter", "Times a target was taken out because calls of it failed."),
    Family("gatewright_snapshot_failures_total", "counter", "Changes of the configuration that could not be loaded."),
    Family("gatewright_journal_lost_total", "counter", "Finished requests that could not be recorded."),
)
"""Counters that other parts of a worker keep."""

_WORKER = ("worker",)

READ_GAUGES = (
    Family("gatewright_requests_in_flight", "gauge", "Requests under way.", _WORKER),
    Family("gatewright_requests_waiting", "gauge", "Those of them that wait for their turn.", _WORKER),
    Family("gatewright_upstream_connections", "gauge", "Open connections to providers.", _WORKER),
    Family("gatewright_upstream_connections_idle", "gauge", "Those of them that no request uses.", _WORKER),
    Family("gatewright_upstream_waiting", "gauge", "Requests that wait for a connection to a provider.", _WORKER),
    Family(
        "gatewright_targets_out", "gauge", "Targets that are not wholly in: left alone, due, or returning.", _WORKER
    ),
    Family("gatewright_journal_records", "gauge", "Finished requests that wait to be stored.", _WORKER),
    Family("gatewright_journal_bytes", "gauge", "Bytes of the journal's files.", _WORKER),
    Family("gatewright_snapshot_revision", "gauge", "Revision of the configuration in force.", _WORKER),
    Family("gatewright_snapshot_timestamp_seconds", "gauge", "When that was made, since the epoch.", _WORKER),
    Family("gatewright_degraded", "gauge", "1 while that may be old, for the database cannot be read.", _WORKER),
)
"""What is true of a worker now."""

PROCESS = (
    Family("process_cpu_seconds_total", "counter", "CPU time of the worker, user and system.", _WORKER),
    Family("process_resident_memory_bytes", "gauge", "Memory of the worker that is in RAM.", _WORKER),
    Family("process_open_fds", "gauge", "Open files of the worker, sockets included.", _WORKER),
    Family("process_max_fds", "gauge", "Most open files it may have.", _WORKER),
    Family("process_start_time_seconds", "gauge", "When the worker started, since the epoch.", _WORKER),
)
"""What the system tells of a worker; where there is no `/proc`, nothing."""

BUILD = Family("gatewright_build_info", "gauge", "1; its labels say what runs.", ("version", "python"))

FAMILIES = (*BY_REQUEST, *READ_COUNTERS, *READ_GAUGES, *PROCESS, BUILD)
"""All, in the order they are shown."""
