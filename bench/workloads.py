"""What is measured. A workload is a function from a running contestant to figures by name."""

import math
from collections.abc import Callable
from dataclasses import dataclass

from bench import payload
from bench.contestants.base import Launch
from bench.generator import Generator, LoadError
from bench.load import Job
from bench.process import Running

Values = dict[str, float]

RATE = 50.0
"""Requests a second for added latency: low enough for the slowest contestant."""

STREAMS = 20
"""Streams beside each other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """How long a run is.

    Attributes:
        name: `quick`, `short` or `long`.
        rounds: how often each contestant is started and measured, some only in every sixth.
        seconds: of each closed loop; streams take twice as long.
        rate_seconds: of the fixed rate.
        idle: streams held open; by contestants that are measured seldom, a twentieth of them.
        tools: whether nginx is the mock and wrk the load generator, as in every run whose figures count.
        most_endpoints: workloads with more are left out; they take long to set up.
    """

    name: str
    rounds: int
    seconds: float
    rate_seconds: float
    idle: int
    tools: bool = True
    most_endpoints: int = 10_000


FORMS = {
    "quick": Form(name="quick", rounds=1, seconds=0.3, rate_seconds=0.5, idle=20, tools=False, most_endpoints=1_000),
    "short": Form(name="short", rounds=6, seconds=1, rate_seconds=4, idle=10_000),
    "long": Form(name="long", rounds=9, seconds=5, rate_seconds=40, idle=10_000),
}


@dataclass(frozen=True, slots=True)
class Setup:
    """How contestants are started for a group of workloads.

    Attributes:
        origin: which mock is behind them: `plain`, `stream` or `tls`.
        workers: worker processes; more than one may use all cores.
        endpoints: how many are set up.
    """

    origin: str = "plain"
    workers: int = 1
    endpoints: int = 10


@dataclass(frozen=True, slots=True)
class Scene:
    """A contestant that runs, and the load generator."""

    running: Running
    launch: Launch
    generator: Generator
    form: Form
    every: int = 1

    def job(
        self,
        kind: str,
        *,
        connections: int,
        seconds: float,
        stream: bool = False,
        size: int = 0,
        translated: bool = False,
        prompt: str = "What is the capital of France?",
    ) -> Job:
        """A job for the generator: chat requests in OpenAI's form, for the OpenAI or the Anthropic target."""
        launch = self.launch
        given = launch.translated if translated and launch.translated else launch.headers
        body = payload.chat(launch.models[translated], stream=stream, size=size, prompt=prompt)
        return Job(
            kind=kind,
            port=launch.port,
            path=launch.path,
            headers={"content-type": "application/json", **given},
            body=body.decode(),
            connections=connections,
            seconds=seconds,
            rate=RATE,
        )

    def run(self, job: Job) -> tuple[Values, list[float]]:
        """Do a job; what was seen, and CPU seconds of each of the contestant's processes, the busiest first.

        Raises:
            LoadError: over one in a hundred was not answered as it should: such figures say nothing.
        """
        before = self.running.cpu_by_process()
        seen = self.generator.run(job)
        good = seen.get("requests", 0) + seen.get("streams", 0)
        if not good or seen["errors"] > good / 100:
            raise LoadError(f"{seen['errors']:.0f} failed, {good:.0f} did not")
        after = self.running.cpu_by_process()
        return seen, sorted((after[pid] - before.get(pid, 0.0) for pid in after), reverse=True)


@dataclass(frozen=True, slots=True)
class Workload:
    """One column of the tables.

    Attributes:
        name: short, for the command line and the raw data.
        title: for people.
        needs: the feature a contestant must have.
        setup: how it is started.
        measure: does it.
    """

    name: str
    title: str
    needs: str
    setup: Setup
    measure: Callable[[Scene], Values]


def closed(connections: int, *, size: int = 0, translated: bool = False) -> Callable[[Scene], Values]:
    """A closed loop of so many clients; prompts of `size` bytes."""

    def measure(scene: Scene) -> Values:
        job = scene.job("closed", connections=connections, seconds=scene.form.seconds, size=size, translated=translated)
        seen, cpu = scene.run(job)
        each = 1e6 / max(1.0, seen["requests"])
        return {
            "rps": seen["requests"] / seen["seconds"],
            "cpu_us": sum(cpu) * each,
            "busiest_us": max(cpu, default=0.0) * each,
            "busy": sum(cpu) / seen["seconds"],
            "p50_ms": seen["p50_ms"],
            "p99_ms": seen["p99_ms"],
            "errors": seen["errors"],
        }

    return measure


def rate(scene: Scene) -> Values:
    """Latency at a low fixed rate."""
    return scene.run(scene.job("rate", connections=64, seconds=scene.form.rate_seconds))[0]


def streams(*, translated: bool = False) -> Callable[[Scene], Values]:
    """Streams of 50 chunks, 20 ms apart."""

    def measure(scene: Scene) -> Values:
        # One stream lasts a second; whole ones are run.
        seconds = max(0.1, math.ceil(2 * scene.form.seconds) - 0.9)
        job = scene.job("streams", connections=STREAMS, seconds=seconds, stream=True, translated=translated)
        seen, cpu = scene.run(job)
        return seen | {"cpu_us": sum(cpu) * 1e6 / max(1.0, seen["chunks"])}

    return measure


def idle(scene: Scene) -> Values:
    """Memory of each stream that is open and says nothing."""
    count = scene.form.idle if scene.every == 1 else max(1, scene.form.idle // 20)
    job = scene.job("idle", connections=count, seconds=0, stream=True, prompt=payload.IDLE)
    before = scene.running.memory_bytes()
    with scene.generator.holding(job):
        after = scene.running.memory_bytes()
    return {"kb_each": (after - before) / count / 1024, "count": count, "errors": 0}


_PLAIN, _STREAM = Setup(), Setup("stream")

ALL: tuple[Workload, ...] = (
    Workload("chat-1", "small chat, 1 connection", "chat", _PLAIN, closed(1)),
    Workload("chat-64", "small chat, 64 connections", "chat", _PLAIN, closed(64)),
    Workload("chat-512", "small chat, 512 connections", "chat", _PLAIN, closed(512)),
    Workload("rate", f"small chat, {RATE:.0f} requests a second", "chat", _PLAIN, rate),
    Workload("prompt-100k", "100 KB prompt, 16 connections", "chat", _PLAIN, closed(16, size=100_000)),
    Workload("prompt-1m", "1 MB prompt, 16 connections", "chat", _PLAIN, closed(16, size=1_000_000)),
    Workload("translated", "translated chat, 64 connections", "translated", _PLAIN, closed(64, translated=True)),
    Workload("stream", "streams of 50 chunks", "stream", _STREAM, streams()),
    Workload("translated-stream", "translated streams", "translated", _STREAM, streams(translated=True)),
    Workload("idle", "idle streams", "stream", _STREAM, idle),
    Workload("tls", "TLS to the provider, 64 connections", "tls", Setup("tls"), closed(64)),
    Workload("workers-2", "small chat, 2 workers", "workers", Setup(workers=2), closed(64)),
    Workload("endpoints-1000", "small chat, 1,000 endpoints", "endpoints", Setup(endpoints=1_000), closed(64)),
    Workload("endpoints-10000", "small chat, 10,000 endpoints", "endpoints", Setup(endpoints=10_000), closed(64)),
)
