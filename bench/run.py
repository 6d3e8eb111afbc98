"""One run: rounds over contestants over workloads; everything measured goes into one JSON value."""

import datetime as dt
import itertools
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from bench import machine, payload
from bench.contestants import DIRECT
from bench.contestants.base import Contestant, Place
from bench.generator import Generator, LoadError, wrk_installed
from bench.process import Ask, NotReadyError, Running, free_port, serving
from bench.upstreams import Upstreams, upstreams
from bench.workloads import Form, Scene, Setup, Values, Workload

START = "start"
"""The pseudo-workload of what is seen at the start: `ready_seconds`, `memory_bytes`, `size_bytes`."""


SPARE = 2200
"""Open files that are not for idle streams: connections that are kept from the workload before among them."""


@dataclass
class Record:
    """What a run has found so far.

    Attributes:
        figures: a row for each measurement: round, contestant, workload, values.
        failures: a row for each that failed, with the reason.
    """

    figures: list[dict[str, Any]] = field(default_factory=list)
    failures: list[dict[str, Any]] = field(default_factory=list)

    def add(self, round_: int, contestant: str, workload: str, values: Values) -> None:
        """Keep and show a measurement."""
        self.figures.append({"round": round_, "contestant": contestant, "workload": workload, "values": values})
        shown = "  ".join(f"{name}={value:,.4g}" for name, value in values.items() if name not in ("seconds", "held"))
        say(f"  {contestant:12} {workload:18} {shown}")

    def fail(self, round_: int, contestant: str, workload: str, reason: str) -> None:
        """Keep and show that something could not be measured."""
        self.failures.append({"round": round_, "contestant": contestant, "workload": workload, "reason": reason})
        say(f"  {contestant:12} {workload:18} FAILED: {reason}")


def say(text: str) -> None:
    """Progress for whoever waits."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def run(form: Form, contestants: Sequence[Contestant], workloads: Sequence[Workload]) -> dict[str, Any]:
    """Measure; the raw data as a JSON value.

    Args:
        form: how long.
        contestants: whom; those that are not installed are left out, and the result says so.
        workloads: what.
    """
    left_out = {one.name: f"not installed: {one.install}" for one in contestants if one.program() is None}
    present = [one for one in contestants if one.name not in left_out]
    gateway, others = machine.cores()
    files = machine.allow_files(65536)
    streams = (files - SPARE) // 2  # a gateway holds two sockets for each
    if streams < form.idle:
        say(f"Only {streams} idle streams: this system allows {files} open files.")
        form = Form(**asdict(form) | {"idle": streams})
    record = Record()
    began = dt.datetime.now(dt.UTC)
    wrk = form.tools and wrk_installed()
    with tempfile.TemporaryDirectory(prefix="gatewright-bench-") as name:
        Path(name).chmod(0o755)  # nginx's workers give up root
        folder = Path(name)
        with upstreams(folder, others, fast=form.tools) as mocks:
            say(f"{form.name} form: gateway on core {gateway}, load and mock ({mocks.plain}) on {others}")
            for round_, contestant in itertools.product(range(1, form.rounds + 1), present):
                if (round_ - 1) % contestant.every:
                    continue
                say(f"round {round_} of {form.rounds}: {contestant.title}")
                place = _Places(folder, mocks, form, streams)
                _measure(round_, contestant, workloads, place, Generator(others, folder, wrk), record)
    return {
        "began": began.isoformat(timespec="seconds"),
        "minutes": round((dt.datetime.now(dt.UTC) - began).total_seconds() / 60, 1),
        "form": asdict(form),
        "machine": machine.description() | {"load": str(os.getloadavg()[0])},
        "load_generator": "wrk" if wrk else "bench.load",
        "mock": mocks.plain,
        "contestants": [{"name": one.name, "title": one.title, "version": one.version()} for one in present],
        "workloads": {one.name: one.title for one in workloads},
        "left_out": left_out,
        "figures": record.figures,
        "failures": record.failures,
    }


@dataclass(frozen=True, slots=True)
class _Places:
    folder: Path
    mocks: Upstreams
    form: Form
    streams: int

    def make(self, setup: Setup) -> Place:
        return Place(
            folder=Path(tempfile.mkdtemp(dir=self.folder)),
            port=free_port(),
            spare_port=free_port(),
            origin=self.mocks.origin(setup.origin),
            ca=self.mocks.ca,
            workers=setup.workers,
            endpoints=setup.endpoints,
            streams=self.streams,
        )


def _measure(
    round_: int,
    contestant: Contestant,
    workloads: Sequence[Workload],
    places: _Places,
    generator: Generator,
    record: Record,
) -> None:
    """All workloads that a contestant is fit for, those of one setup in one start."""
    fit = [
        one
        for one in workloads
        if one.needs in contestant.features and one.setup.endpoints <= places.form.most_endpoints
    ]
    for setup in dict.fromkeys(one.setup for one in fit):
        group = [one for one in fit if one.setup == setup]
        try:
            with started(contestant, places.make(setup), generator, places.form) as scene:
                if setup == Setup() and contestant.name != DIRECT:
                    record.add(round_, contestant.name, START, _at_start(contestant, scene.running))
                _warm(scene)
                for one in group:
                    try:
                        record.add(round_, contestant.name, one.name, one.measure(scene))
                    except LoadError as problem:
                        record.fail(round_, contestant.name, one.name, str(problem))
        except (NotReadyError, RuntimeError) as problem:
            for one in group:
                record.fail(round_, contestant.name, one.name, str(problem))


@contextmanager
def started(contestant: Contestant, place: Place, generator: Generator, form: Form) -> Iterator[Scene]:
    """A contestant that has answered its first chat; stopped at the end.

    Raises:
        NotReadyError: it did not come up.
        RuntimeError: it could not be configured.
    """
    launch = contestant.launch(place)
    if not launch.command:
        yield Scene(Running(0, 0.0), launch, generator, form, contestant.every)
        return
    gateway, others = machine.cores()
    headers = {"content-type": "application/json", **launch.headers}
    ready = Ask(port=launch.port, path=launch.path, headers=headers, body=payload.chat(launch.models[0]))
    cores = gateway | others if place.workers > 1 else gateway
    log = place.folder / "output.log"
    with serving(launch.command, ready, cores=cores, log=log, environment=launch.environment) as running:
        yield Scene(running, launch, generator, form, contestant.every)


def _at_start(contestant: Contestant, running: Running) -> Values:
    return {
        "ready_seconds": running.ready_seconds,
        "memory_bytes": running.memory_bytes(),
        "size_bytes": contestant.size(),
    }


def _warm(scene: Scene) -> None:
    """Let caches fill and compilers run before anything counts."""
    scene.generator.run(scene.job("closed", connections=16, seconds=scene.form.seconds))
