"""Counts finished requests, and shows what all workers of the machine have counted.

A request costs its worker one append here. Once a second the worker folds what was appended into its counts, and puts
them on the shelf, where whichever worker is asked finds those of all.
"""

import asyncio
import contextlib
import logging
import os
import platform
import threading
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from operator import add, attrgetter
from typing import Any, Protocol

from gatewright import __version__
from gatewright.telemetry import exposition, process
from gatewright.telemetry.families import (
    BUILD,
    BY_REQUEST,
    DURATION,
    FIRST_BYTE,
    OPEN,
    OVERHEAD,
    PROCESS,
    READ_COUNTERS,
    READ_GAUGES,
    REQUESTS,
    TOKENS,
    Family,
    Labels,
)
from gatewright.telemetry.shelf import Counts, Shelf, State, decode, encode

PACE = 1.0
"""Seconds until other workers know what this one has counted, at most."""

FULL = 500
"""Finished requests that are folded at once, without waiting for the second to pass."""

SERIES = 1000
"""Series a worker keeps of one family; what comes later is counted with `OTHER` for the labels in `families.OPEN`."""

OTHER = "other"

LONGEST = 128
"""Characters of the longest label."""

MOST = 2**62
"""Where a count stands still: a provider may claim any number of tokens, and 64 bits must hold the sum."""

log = logging.getLogger(__name__)


class Finished(Protocol):
    """What is read of a finished request, besides the counts of tokens; `ledger.record.Record` is one."""

    @property
    def endpoint(self) -> str:
        """Name of the endpoint; empty when there is none of the name that was asked for."""

    @property
    def provider(self) -> str:
        """Of the target that answered or failed last; empty when none was called."""

    @property
    def model(self) -> str:
        """That target's model."""

    @property
    def operation(self) -> str:
        """What was asked."""

    @property
    def status(self) -> int:
        """HTTP status."""

    @property
    def error(self) -> str:
        """Code of the error; empty for none."""

    @property
    def total_us(self) -> int:
        """Microseconds to the end of the answer."""

    @property
    def first_byte_us(self) -> int:
        """Microseconds to its first byte."""

    @property
    def overhead_us(self) -> int:
        """Microseconds of these that Gatewright took."""


_ALIKE = attrgetter("endpoint", "provider", "model", "operation", "status", "error")
_TIMES = (DURATION, FIRST_BYTE, OVERHEAD)
_SPENT = attrgetter("total_us", "first_byte_us", "overhead_us")
_Series = Callable[[Family, Mapping[str, str]], list[int]]


class Metrics:
    """The metrics of this worker. To be used by one event loop.

    Args:
        shelf: where all workers put their counts.
        kinds: names of the fields of a finished request that count tokens; each ends with `_tokens`.
        sources: by name, reads each of `families.READ_COUNTERS` and `families.READ_GAUGES`; cheap, once a second.
        limit: see `SERIES`.

    Raises:
        KeyError: a source is missing.
    """

    def __init__(
        self, shelf: Shelf, *, kinds: Sequence[str], sources: Mapping[str, Callable[[], float]], limit: int = SERIES
    ) -> None:
        self._shelf = shelf
        self._kinds = [name.removesuffix("_tokens") for name in kinds]
        self._tokens = attrgetter(*kinds)  # a tuple, for there are several
        self._counters = {family.name: sources[family.name] for family in READ_COUNTERS}
        self._gauges = {family.name: sources[family.name] for family in READ_GAUGES}
        self._limit = limit
        self._pending: list[Finished] = []
        self._counts: Counts = {family.name: {} for family in BY_REQUEST}
        self._before: Counts = {}  # of `READ_COUNTERS`, what earlier workers in our place have counted
        self._rows: dict[Any, _Row] = {}  # a shortcut to the counts, by what `_ALIKE` takes
        self._written = b""
        self._one_at_a_time = asyncio.Lock()
        self._putting = threading.Lock()  # what is cancelled goes on in its thread
        self._stopping = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def record(self, finished: Finished) -> None:
        """Count a finished request; never fails."""
        pending = self._pending
        pending.append(finished)
        if len(pending) >= FULL:
            self._fold()

    async def start(self) -> None:
        """Take a place on the shelf and begin to put our counts there.

        Raises:
            ConfigError: when they cannot be written.
        """
        left = await asyncio.to_thread(self._shelf.take)
        if left is not None:
            self._before = {name: left.counts.get(name, {}) for name in self._counters}
            self._counts = merged([self._counts, {name: left.counts.get(name, {}) for name in self._counts}])
            self._rows.clear()
        await self._publish()
        self._task = asyncio.create_task(self._follow(), name="gatewright-metrics")

    async def stop(self) -> None:
        """Put our counts on the shelf a last time, for the worker that comes after."""
        self._stopping.set()
        if self._task is not None:
            with contextlib.suppress(asyncio.CancelledError):  # the server is made to stop at once
                await self._task
        await self._publish()
        self._shelf.leave()

    async def page(self) -> bytes:
        """What all workers have counted: our own until now, that of others until a second ago, at most.

        What is shown is put on the shelf first: then no other worker ever shows less, which Prometheus would take for
        a restart.
        """
        async with self._one_at_a_time:
            data = self._encoded()
            return await asyncio.to_thread(self._render, data)

    async def _follow(self) -> None:
        while not self._stopping.is_set():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(PACE):
                    await self._stopping.wait()
            try:
                await self._publish()
            except Exception:
                log.exception("a fault of ours while counting requests")

    async def _publish(self) -> None:
        async with self._one_at_a_time:
            data = self._encoded()
            if data != self._written:
                await asyncio.to_thread(self._put, data)

    def _put(self, data: bytes) -> None:
        with self._putting:
            self._shelf.put(data)
            self._written = data

    def _encoded(self) -> bytes:
        """All we have counted; a copy, for another thread to work on."""
        self._fold()
        read: Counts = {name: {(): [int(source())]} for name, source in self._counters.items()}
        gauges = {name: float(source()) for name, source in self._gauges.items()}
        state = State(os.getpid(), {**self._counts, **merged([self._before, read])}, gauges)
        try:
            return encode(state)
        except OverflowError:
            for values in (values for series in self._counts.values() for values in series.values()):
                values[:] = [min(value, MOST) for value in values]
            return encode(state)

    def _fold(self) -> None:
        pending, self._pending = self._pending, []
        alike: defaultdict[Any, list[Finished]] = defaultdict(list)
        for finished in pending:
            alike[_ALIKE(finished)].append(finished)
        for key, group in alike.items():
            tokens = map(sum, zip(*map(self._tokens, group), strict=True))
            self._row(key).add([*zip(*map(_SPENT, group), strict=True)], tokens)

    def _row(self, key: Any) -> "_Row":
        """Where requests are counted that have all labels in common."""
        found = self._rows.get(key)
        if found is None:
            if len(self._rows) >= 2 * self._limit:
                self._rows.clear()
            found = self._rows[key] = _Row(self._series, self._kinds, key)
        return found

    def _series(self, family: Family, labels: Mapping[str, str]) -> list[int]:
        """The values of a series, made when it is new."""
        kept = self._counts[family.name]
        key = tuple([labels[name] for name in family.labels])
        if key not in kept and len(kept) >= self._limit:
            key = tuple([OTHER if name in OPEN else labels[name] for name in family.labels])
        found = kept.get(key)
        if found is None:
            found = kept[key] = [0] * family.width
        return found

    def _render(self, data: bytes) -> bytes:
        """Put our counts on the shelf and write the page; in a thread."""
        self._put(data)
        own = decode(data)
        others = list(self._shelf.others())
        counts = merged([own.counts, *(one.state.counts for one in others)])
        alive = {str(one.place): one.state for one in others if one.alive} | {str(self._shelf.place): own}
        told = {worker: process.read(state.pid) for worker, state in alive.items()}
        gauges = {worker: state.gauges for worker, state in alive.items()}
        return exposition.render(
            (
                *((family, counts.get(family.name, {})) for family in (*BY_REQUEST, *READ_COUNTERS)),
                *((family, _by_worker(family, gauges)) for family in READ_GAUGES),
                *((family, _by_worker(family, told)) for family in PROCESS),
                (BUILD, {(__version__, platform.python_version()): (1,)}),
            )
        )


class _Row:
    """The values that requests count in that have all labels in common.

    Args:
        series: finds the values of a family, by its labels.
        kinds: names of the kinds of tokens, in the order they are given to `add`.
        key: what `_ALIKE` takes of such a request.
    """

    __slots__ = ("_kinds", "_labels", "_requests", "_series", "_times", "_tokens")

    def __init__(self, series: _Series, kinds: Sequence[str], key: Any) -> None:
        *texts, status, error = key
        names = ("endpoint", "provider", "model", "operation", "error")
        self._labels = dict(zip(names, map(_label, (*texts, error)), strict=True)) | {"class": f"{status // 100}xx"}
        self._series = series
        self._kinds = kinds
        self._requests = series(REQUESTS, self._labels)
        self._times = [series(family, self._labels) for family in _TIMES]
        self._tokens: dict[int, list[int]] = {}  # made when there are some

    def add(self, times: Sequence[Sequence[int]], tokens: Iterable[int]) -> None:
        """Count requests.

        Args:
            times: for each of `_TIMES` one number a request.
            tokens: for each kind the sum.
        """
        self._requests[0] += len(times[0])
        for family, values, column in zip(_TIMES, self._times, times, strict=True):
            bounds = family.bounds
            for time in column:
                values[bisect_left(bounds, time)] += 1
            values[-1] += sum(column)
        for number, count in enumerate(tokens):
            if count > 0:
                if number not in self._tokens:
                    labels = self._labels | {"kind": self._kinds[number]}
                    self._tokens[number] = self._series(TOKENS, labels)
                self._tokens[number][0] += count


def merged(parts: Sequence[Counts]) -> Counts:
    """The sum of counts."""
    total: Counts = {}
    for part in parts:
        for name, series in part.items():
            into = total.setdefault(name, {})
            for key, values in series.items():
                into[key] = list(map(add, into[key], values)) if key in into else values
    return total


def _by_worker(family: Family, values: Mapping[str, Mapping[str, float]]) -> Mapping[Labels, Sequence[float]]:
    return {(worker,): (found[family.name],) for worker, found in values.items() if family.name in found}


def _label(text: str) -> str:
    """A text as a label can hold it. What would look the same in UTF-8 is made the same before it is counted."""
    return text[:LONGEST].encode("utf-8", "replace").decode()
