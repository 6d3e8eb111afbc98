"""Whole servers while everything around them fails: providers, workers, the database, Valkey.

    PYTHONPATH=tests python scripts/chaos.py [--minutes 5] [--seed 1] [--write]

Several workers of a real server with a PostgreSQL and a Valkey of its own; users in four dialects; two mock providers
that fail at random and now and then refuse connections, and a healthy one as the fallback of every endpoint. Workers
are killed with SIGKILL, the database and Valkey are stopped and started again; for the first quarter of the time the
workers are replaced again and again, as by `gatewright reload`.

It fails when a request fails that had not begun streaming, when the ledger is not exactly what users saw and providers
served, when a reload fails for anything but a new worker that was killed, or when a worker grows. A request whose
worker was killed before a byte of its answer is sent again, as the vendors' SDKs do. `--write` writes docs/chaos.md and
its picture.
"""

import asyncio
import contextlib
import os
import random
import signal
import sys
import time
from collections import Counter
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
TARGET, PICTURE = DOCS / "chaos.md", DOCS / "images" / "chaos.svg"

WORKERS, USERS = 3, 24
FLAKY = {"first": 0.3, "second": 0.3}
"""Providers that fail, each with the share of requests that do."""

TIMEOUTS = {f"GATEWRIGHT_{name}_TIMEOUT": seconds for name, seconds in (("CONNECT", "2"), ("FIRST_BYTE", "2"))}
TIMEOUTS |= {"GATEWRIGHT_IDLE_TIMEOUT": "2", "GATEWRIGHT_TOTAL_TIMEOUT": "6"}

RELOADS = 0.25
"""Part of the run in which workers are replaced; then one is spared all that, to see whether it grows."""

WARM, GROWTH = 0.6, 1.05
"""Part of the run after which its memory is looked at first, and what it may grow by from then on."""

LONG = 300.0
"""Seconds a run must take for that to be judged: in a shorter one the worker is not warm by then."""


@dataclass
class Run:
    """One run, and what came of it.

    Attributes:
        seconds: how long users ask.
        seed: of all that is drawn.
        told: what they have seen.
        faults: how often providers failed, by the way in which they did.
        troubles: what else was done.
        records: how many the ledger has.
        memory: bytes of the worker that was spared, when it was warm and at the end; its garbage collected.
        wrong: what is not as it must be.
    """

    seconds: float
    seed: int
    told: Told = field(default_factory=Told)
    faults: Counter[str] = field(default_factory=Counter)
    troubles: Counter[str] = field(default_factory=Counter)
    records: int = 0
    memory: tuple[int, int] = (0, 0)
    wrong: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._chance = random.Random(f"{self.seed} chaos")  # noqa: S311 - it draws troubles
        self._over = asyncio.Event()
        self._spared: psutil.Process | None = None
        self._lines: list[tuple[str, Points]] = []

    def play(self) -> None:
        """Start everything, let it be disturbed, and look at what is left."""
        with staged(FLAKY, self.seed, workers=WORKERS, GATEWRIGHT_LOG_LEVEL="error", **TIMEOUTS) as stage:
            uvloop.run(self._disturb(stage))
            given: dict[str, int] = {}
            for served in stage.mocks.served().values():
                given |= served.answers
                self.faults += Counter(served.faults)
            records = ledger(stage.postgres.url, self.told.answers)
            self.records = len(records)
            self.wrong += [f"request {number}: {why}" for number, why in self.told.failed.items()]
            self.wrong += differences(records, self.told, given)
            warm, after = self.memory
            if self.seconds >= LONG and after > GROWTH * warm:
                self.wrong.append(f"a worker grew from {warm >> 10:,} to {after >> 10:,} KiB")
            log = stage.server.output
            if "Traceback" in log:
                self.wrong.append(f"the log has a traceback:\n{log[log.index('Traceback') :][:3000]}")

    async def _disturb(self, stage: Stage) -> None:
        users = Users(stage.port, stage.server.admin_key, tuple(ENDPOINTS), self.seed, told=self.told)
        began = time.monotonic()
        memory = Memory(stage.server)
        watching = asyncio.create_task(memory.follow())
        async with asyncio.TaskGroup() as group:
            for trouble in (self._kill_workers, self._stop_database, self._stop_valkey):
                group.create_task(trouble(stage))
            group.create_task(self._tell())
            group.create_task(self._refuse(stage))
            asking = asyncio.gather(*(users.ask(began + self.seconds) for _ in range(USERS)))
            await self._reload(stage, began + RELOADS * self.seconds)
            spared = self._spared = max(stage.server.workers(), key=lambda one: one.create_time())
            await asyncio.sleep(began + WARM * self.seconds - time.monotonic())
            warm, _ = await settled(stage, spared)
            await asking
            self._over.set()
        self.memory = (warm, (await settled(stage, spared))[0])
        watching.cancel()
        self._lines = [("the spared worker" if pid == spared.pid else "", line) for pid, line in memory.seen.items()]

    async def _reload(self, stage: Stage, until: float) -> None:
        """Replace the workers again and again; at the end they are all there, and ready."""
        while time.monotonic() < until:
            done = await asyncio.to_thread(stage.server.reload)
            self.troubles["reloads"] += 1
            if done.returncode and "SIGKILL" not in done.stderr:
                self.wrong.append(f"a reload failed: {done.stderr}")
            await self._pause(0.5, 3)

    async def _pause(self, least: float, most: float) -> bool:
        """Wait; whether the run is not over yet."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._over.wait(), self._chance.uniform(least, most))
        return not self._over.is_set()

    async def _kill_workers(self, stage: Stage) -> None:
        """Any but the one that is spared."""
        while await self._pause(2, 5):
            mortal = [one.pid for one in stage.server.workers() if one != self._spared]
            if mortal:
                os.kill(self._chance.choice(mortal), signal.SIGKILL)
                self.troubles["workers killed"] += 1

    async def _stop_database(self, stage: Stage) -> None:
        while await self._pause(4, 10):
            await asyncio.to_thread(stage.postgres.kill)
            self.troubles["outages of the database"] += 1
            await self._pause(2, 5)
            stage.postgres.start()

    async def _stop_valkey(self, stage: Stage) -> None:
        while await self._pause(3, 8):
            await asyncio.to_thread(stage.valkey.stop)
            self.troubles["outages of Valkey"] += 1
            await self._pause(1, 4)
            await asyncio.to_thread(stage.valkey.start)

    async def _refuse(self, stage: Stage) -> None:
        while await self._pause(2, 6):
            name = self._chance.choice(list(FLAKY))
            stage.mocks.down(name)
            self.troubles["times a provider refused connections"] += 1
            await self._pause(0.5, 2)
            stage.mocks.up(name)

    async def _tell(self) -> None:
        while await self._pause(10, 10):
            done = ", ".join(f"{count} {what}" for what, count in self.troubles.items())
            say(f"{self.told.requests} requests, {len(self.told.failed)} failed; {done}")

    def picture(self) -> str:
        """The memory of the workers over time."""
        return drawn("Memory of the workers", self._lines)

    def page(self) -> str:
        """The report."""
        rows = [("requests", self.told.requests), *sorted(self.told.kinds.items())]
        rows += [("requests that lost a connection", len(self.told.lost)), ("records", self.records)]
        rows += self.troubles.items()
        return _PAGE.format(
            minutes=self.seconds / 60,
            seed=self.seed,
            workers=WORKERS,
            users=USERS,
            machine=machine(),
            part=WARM,
            rows="".join(f"| {what} | {count:,} |\n" for what, count in rows),
            faults="".join(f"| {fault} | {count:,} |\n" for fault, count in self.faults.items()),
            warm=f"{self.memory[0] / 2**20:.1f}",
            after=f"{self.memory[1] / 2**20:.1f}",
            wrong="".join(f"- {line}\n" for line in self.wrong) or "Nothing.\n",
        )


_PAGE = """\
# A run of chaos

`make chaos MINUTES={minutes:g} SEED={seed} WRITE=1` wrote this page: {workers} workers with PostgreSQL and Valkey,
{users} users in four dialects, two providers that fail at random and a healthy one as the fallback. Workers were killed
with SIGKILL; the database and Valkey were stopped and started again; providers refused connections; in the first
quarter of the time the workers were replaced again and again, as by `gatewright reload`. All of it ran on one machine:
{machine}.

## What was wrong

{wrong}
Wrong is a request that fails and had not begun streaming; a request whose record is missing, is there twice or says
something else than its user saw; an answer of a provider that no record has; and a worker that grows.

## What happened

| | |
|---|---|
{rows}
*Error event* is a stream that broke after it had begun and said so. *Stream cut off* is one whose worker was killed. A
request whose worker was killed before the first byte of its answer was sent again, as the vendors' SDKs do. *Left* are
users who did not wait for the end. A request that was under way in a worker that was killed has no record.

![Memory of the workers over time](images/chaos.svg)

One worker was spared after the last reload. It had {warm} MiB after {part:.0%} of the time and {after} MiB at the
end, its garbage collected.

| fault of a provider | times |
|---|---|
{faults}"""


def main() -> bool:
    """Run as asked on the command line; whether all is well."""
    run = command(__doc__, "--minutes", 5.0, lambda minutes, seed: Run(minutes * 60, seed), TARGET, PICTURE)
    seen = ", ".join(f"{count} {kind}" for kind, count in sorted(run.told.kinds.items()))
    say(f"{run.told.requests} requests ({seen}), {run.records} records, {len(run.wrong)} wrong")
    return not run.wrong


if __name__ == "__main__":
    sys.exit(not main())
