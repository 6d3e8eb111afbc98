"""A great many requests, and what is left of them afterwards: no memory, no task, no socket, no file.

    PYTHONPATH=tests python scripts/soak.py [--requests 1000000] [--seed 1] [--write]

Workers of a real server on PostgreSQL, users in four dialects: a fifth of their requests are streams, and of one in
twenty the user leaves before the end. A tenth of the requests warms up. Then, and at the end, users go and each worker
is looked at once it is quiet.

It fails when a worker has grown by 5 % since it was warm, holds a task, a socket or a file more than then, or when the
ledger is not exactly what users saw and providers served. `--write` writes docs/soak.md and its picture.
"""

import asyncio
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import uvloop

from faults.books import differences, ledger
from faults.command import command, say
from faults.curves import Memory, Points, drawn
from faults.stage import ENDPOINTS, Stage, machine, settled, staged
from faults.users import Told, Users

DOCS = Path(__file__).parent.parent / "docs"
TARGET, PICTURE = DOCS / "soak.md", DOCS / "images" / "soak.svg"

WORKERS, USERS = 2, 32
STREAMS, LEAVES, WARMING = 0.2, 0.05, 0.1
GROWTH = 1.05
"""What a worker's memory may grow by."""

MANY = 50_000
"""Requests there must be for that to be judged: with fewer a worker is not warm after a tenth of them."""

QUIET = 3.0
"""Seconds until what users have left behind is closed."""


@dataclass(frozen=True)
class Held:
    """What a worker holds.

    Attributes:
        memory: bytes, once its garbage is collected.
        tasks: asyncio tasks that are not done, but for those that were there when it was ready.
        files: open files and sockets, but for connections to providers that are kept.
        connections: to users.
        kept: connections to providers that no request uses.
    """

    memory: int
    tasks: int
    files: int
    connections: int
    kept: int


@dataclass
class Run:
    """One run, and what came of it.

    Attributes:
        requests: how many.
        seed: of what users choose.
        told: what they have seen.
        warm: what each worker held when it was warm, by its process id.
        after: the same at the end.
        records: how many the ledger has.
        seconds: how long it took.
        wrong: what is not as it must be.
    """

    requests: int
    seed: int
    told: Told = field(default_factory=Told)
    warm: dict[int, Held] = field(default_factory=dict)
    after: dict[int, Held] = field(default_factory=dict)
    records: int = 0
    seconds: float = 0.0
    wrong: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._began = time.monotonic()
        self._lines: list[tuple[str, Points]] = []

    def play(self) -> None:
        """Start everything, let users ask, and look at what is left."""
        with staged({}, self.seed, workers=WORKERS, GATEWRIGHT_LOG_LEVEL="error") as stage:
            uvloop.run(self._ask(stage))
            [served] = stage.mocks.served().values()
            records = ledger(stage.postgres.url, self.told.answers)
            self.records = len(records)
            self.wrong += [f"request {number}: {why}" for number, why in self.told.failed.items()]
            self.wrong += [f"request {number} lost its connection" for number in self.told.lost]
            self.wrong += differences(records, self.told, served.answers)
            self.wrong += self._left()
            if "Traceback" in stage.server.output:
                self.wrong.append(f"the log has a traceback:\n{stage.server.output[:3000]}")

    async def _ask(self, stage: Stage) -> None:
        users = Users(
            stage.port,
            stage.server.admin_key,
            tuple(ENDPOINTS),
            self.seed,
            streams=STREAMS,
            leaves=LEAVES,
            most=self.requests * WARMING,
            told=self.told,
        )
        self._began = time.monotonic()
        memory = Memory(stage.server)
        beside = [asyncio.create_task(one) for one in (self._tell(), memory.follow())]
        await asyncio.gather(*(users.ask() for _ in range(USERS)))
        self.warm = await _held(stage)
        users.most = self.requests
        await asyncio.gather(*(users.ask() for _ in range(USERS)))
        self.seconds = time.monotonic() - self._began
        self.after = await _held(stage)
        for one in beside:
            one.cancel()
        self._lines = [(f"worker {number}", line) for number, line in enumerate(memory.seen.values(), 1)]

    async def _tell(self) -> None:
        while True:
            await asyncio.sleep(10)
            rate = max(1, self.told.requests) / (time.monotonic() - self._began)
            left = (self.requests - self.told.requests) / rate / 60
            say(
                f"{self.told.requests:,} of {self.requests:,} requests, {len(self.told.failed)} failed; "
                f"{rate:,.0f} a second, {left:.1f} minutes to go"
            )

    def _left(self) -> Iterator[str]:
        if self.warm.keys() != self.after.keys():
            yield "a worker has ended"
        for pid, now in self.after.items():
            then = self.warm.get(pid, now)
            if self.requests >= MANY and now.memory > GROWTH * then.memory:
                yield f"worker {pid} grew from {then.memory >> 10:,} to {now.memory >> 10:,} KiB"
            for what in ("tasks", "files", "connections"):
                if getattr(now, what) > getattr(then, what):
                    yield f"worker {pid} has {getattr(now, what)} {what}, and had {getattr(then, what)}"

    def picture(self) -> str:
        """The memory of the workers over time."""
        return drawn("Memory of the workers", self._lines)

    def page(self) -> str:
        """The report."""
        rows = [("requests", self.told.requests), *sorted(self.told.kinds.items()), ("records", self.records)]
        held = "".join(
            f"| {number} | {when} | {one.memory / 2**20:.1f} MiB | {one.tasks} | {one.files} | {one.kept} |\n"
            for number, pid in enumerate(self.after, 1)
            for when, one in (("warm", self.warm.get(pid, self.after[pid])), ("at the end", self.after[pid]))
        )
        return _PAGE.format(
            requests=self.requests,
            seed=self.seed,
            workers=WORKERS,
            users=USERS,
            machine=machine(),
            rows="".join(f"| {what} | {count:,} |\n" for what, count in rows),
            minutes=self.seconds / 60,
            held=held,
            wrong="".join(f"- {line}\n" for line in self.wrong) or "Nothing.\n",
        )


_PAGE = """\
# A long run

`make soak N={requests} SEED={seed} WRITE=1` wrote this page: {workers} workers on PostgreSQL, {users} users in four
dialects, {minutes:.0f} minutes, all on one machine: {machine}. A fifth of the requests are streams; of one in twenty
the user leaves before the end.

## What was wrong

{wrong}
Wrong is a request that fails or loses its connection; a request whose record is missing, is there twice or says
something else than its user saw; a worker that has grown by 5 % since a tenth of the requests had been made, or that
holds a task, a file or a socket more than then.

## What happened

| | |
|---|---|
{rows}
## What the workers hold

![Memory of the workers over time](images/soak.svg)

*Files* are open files and sockets but for the connections to providers that are *kept* for the next request.

| worker | when | memory | tasks | files | kept |
|---|---|---|---|---|---|
{held}"""


async def _held(stage: Stage) -> dict[int, Held]:
    """What each worker holds when it is quiet."""
    await asyncio.sleep(QUIET)
    return {one.pid: await _held_by(stage, one) for one in stage.server.workers()}


async def _held_by(stage: Stage, worker: psutil.Process) -> Held:
    memory, tasks = await settled(stage, worker)
    sockets = [one for one in worker.net_connections("tcp") if one.status == psutil.CONN_ESTABLISHED]
    kept = sum(one.raddr.port in stage.mocks.ports.values() for one in sockets)
    users = sum(one.laddr.port == stage.port for one in sockets)
    return Held(memory, tasks, worker.num_fds() - kept, users, kept)


def main() -> bool:
    """Run as asked on the command line; whether all is well."""
    run = command(__doc__, "--requests", 1_000_000, Run, TARGET, PICTURE)
    say(f"{run.told.requests:,} requests, {run.records:,} records, {len(run.wrong)} wrong, {run.seconds:.0f} s")
    for pid, held in run.after.items():
        say(f"worker {pid}: {run.warm.get(pid)} -> {held}")
    return not run.wrong


if __name__ == "__main__":
    sys.exit(not main())
