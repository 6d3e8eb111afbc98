"""Keeps the snapshot in force up to date: waits for a new revision, compiles it and swaps it in.

If compiling fails, the old snapshot keeps serving, the failure is logged, and it is tried again. Each new snapshot is
written to disk too; a process that starts while the database is away serves from that until the database is back.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from gatewright.errors import ConfigError, GatewrightError, UnavailableError
from gatewright.snapshot.disk import Saved
from gatewright.snapshot.holder import Holder
from gatewright.snapshot.model import Snapshot

log = logging.getLogger(__name__)

WAIT = 2.0
"""Seconds one wait for a new revision lasts, at most; also the pause after a failure."""

SETTLE = 1.0
"""Seconds a writer waits, at most, until this process serves what was written."""

PATIENCE = 3.0
"""Seconds a start waits for a database that does not answer, when there is a snapshot on disk."""

GATHER = 0.2
"""Seconds after a new snapshot until it is written to disk, so that of many changes at once the last one is."""

AGAIN = 30.0
"""Seconds after which that is tried again when it failed."""

UNKNOWN = -1
"""No revision of a database: what is waited after when, since an outage, any revision may be another state."""

_STAYS = "cannot read the configuration, serving the last good state"
_FAULT = "A fault of Gatewright's own; its log says which."
_SILENT = "The database does not answer."


class Waiter(Protocol):
    """What waits for a new revision; see `store/listener.py`."""

    def wait(self, after: int, timeout: float) -> int:
        """Block until the revision is not `after`, or for `timeout` seconds; the revision now."""
        ...


class Disk(Protocol):
    """Where the last good snapshot is kept; see `snapshot/disk.py`."""

    def write(self, snapshot: Snapshot) -> None:
        """Keep it."""
        ...

    def holds(self) -> bool:
        """Whether there seems to be one."""
        ...

    def read(self) -> Saved | None:
        """What is kept; None when there is nothing."""
        ...


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why the snapshot in force may be old.

    Attributes:
        why: a message for people, free of secrets.
        since: when that began, in seconds since the epoch.
    """

    why: str
    since: float


class Watcher:
    """Follows the database's revision.

    Args:
        holder: where the snapshot is put in force.
        waiter: waits for a new revision; called in a thread.
        compile_snapshot: makes the snapshot of the database as it is; called in a thread.
        admit: adds to a snapshot whom the settings let in; what is on disk is without them.
        disk: where the last good snapshot is kept.

    Attributes:
        failures: how often a new snapshot could not be made, or looked for, since the start.
        trouble: why the snapshot in force may be old; None while all is well.
    """

    def __init__(
        self,
        holder: Holder,
        waiter: Waiter,
        compile_snapshot: Callable[[], Snapshot],
        admit: Callable[[Snapshot], Snapshot],
        disk: Disk,
    ) -> None:
        self._holder = holder
        self._waiter = waiter
        self._compile = compile_snapshot
        self._admit = admit
        self._disk = disk
        self._unkept: Snapshot | None = None  # the newest, until it is on disk
        self._came = asyncio.Event()
        self._one_at_a_time = asyncio.Lock()
        self._written = 0  # writes of this process so far
        self._covered = 0  # of those, how many the snapshot in force holds for certain
        self._tasks: list[asyncio.Task[None]] = []
        self.failures = 0
        self.trouble: Trouble | None = None

    @property
    def degraded(self) -> str:
        """Since when the snapshot in force may be old, why, and of when it is; empty while all is well."""
        if self.trouble is None:
            return ""
        return (
            f"since {moment(self.trouble.since)}: {self.trouble.why} "
            f"Serving the configuration of {moment(self._holder.since)}."
        )

    async def start(self) -> None:
        """Put the first snapshot in force, then follow.

        Raises:
            GatewrightError: when the first snapshot cannot be made, and none that can be used is on disk.
        """
        served = UNKNOWN
        try:
            await self._first()
            served = self._holder.revision
        except UnavailableError as problem:
            await self._start_from_disk(problem)
        self._run(self._follow(served), "gatewright-watch")
        self._run(self._keep(), "gatewright-keep")

    async def stop(self) -> None:
        """Stop following; returns when the newest snapshot is on disk."""
        for one in self._tasks:
            one.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._write()

    async def settle(self) -> None:
        """After a write: return once this process serves it, or after `SETTLE` seconds."""
        self._written += 1
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(asyncio.shield(self._catch_up(self._written)), SETTLE)

    def _run(self, work: Coroutine[Any, Any, None], name: str) -> None:
        self._tasks.append(asyncio.create_task(work, name=name))

    async def _first(self) -> None:
        if not self._disk.holds():
            await self._refresh()
            return
        refreshed = asyncio.ensure_future(self._refresh_alone())
        refreshed.add_done_callback(lambda done: done.cancelled() or done.exception())
        try:
            await asyncio.wait_for(asyncio.shield(refreshed), PATIENCE)
        except TimeoutError:
            raise UnavailableError(_SILENT) from None

    async def _start_from_disk(self, problem: UnavailableError) -> None:
        try:
            saved = await asyncio.to_thread(self._disk.read)
        except ConfigError as unusable:
            raise UnavailableError(f"{problem.public} {unusable.public}") from problem
        if saved is None:
            raise problem
        self._holder.swap(self._admit(saved.snapshot), saved.at)
        self._fail(problem.public)
        log.warning(
            "started without the database, with the configuration on disk, which was written at %s: %s",
            moment(saved.at),
            problem.public,
        )

    async def _catch_up(self, written: int) -> None:
        async with self._one_at_a_time:
            # A compilation that began after this write, for a later one, has covered it.
            if written > self._covered:
                with self._told():
                    await self._refresh()

    async def _follow(self, served: int) -> None:
        while True:
            served = await self._next(served)

    async def _next(self, served: int) -> int:
        """Wait for another revision than `served` and put it in force; the revision to wait after next."""
        found = UNKNOWN
        with self._told():
            # A lower revision is news too: a backup that was put in the database's place.
            if served == UNKNOWN or await self._wait(served) != self._holder.revision:
                await self._refresh_alone()
            found = self._holder.revision
        if found == UNKNOWN:
            await asyncio.sleep(WAIT)
        return found

    async def _wait(self, served: int) -> int:
        return await asyncio.to_thread(self._waiter.wait, served, WAIT)

    async def _refresh_alone(self) -> None:
        async with self._one_at_a_time:
            await self._refresh()

    async def _refresh(self) -> None:
        covered = self._written
        self._unkept = snapshot = await asyncio.to_thread(self._compile)
        self._holder.swap(self._admit(snapshot))
        self._covered = covered
        self._came.set()

    async def _keep(self) -> None:
        while True:
            await self._came.wait()
            await asyncio.sleep(GATHER)
            self._came.clear()
            if not await self._write():
                await asyncio.sleep(AGAIN)
                self._came.set()

    async def _write(self) -> bool:
        """Write the newest snapshot to disk, unless it is there; that it cannot be is logged, and nothing fails."""
        snapshot = self._unkept
        if snapshot is None:
            return True
        try:
            await asyncio.to_thread(self._disk.write, snapshot)
        except (GatewrightError, OSError) as problem:
            log.warning("the configuration cannot be kept on disk, for a start without the database: %s", problem)
            return False
        if self._unkept is snapshot:
            self._unkept = None
        return True

    def _fail(self, why: str) -> None:
        self.failures += 1
        self.trouble = Trouble(why, self.trouble.since if self.trouble else time.time())

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        """Log why there is no new snapshot, and go on; with a traceback only when the fault is ours."""
        try:
            yield
        except GatewrightError as problem:
            self._fail(problem.public)
            log.warning("%s: %s", _STAYS, problem.public)
        except Exception:
            self._fail(_FAULT)
            log.exception(_STAYS)
        else:
            if self.trouble is not None:
                log.warning("the configuration is read from the database again, after %s", _lasted(self.trouble))
            self.trouble = None


def moment(seconds: float) -> str:
    """A time since the epoch, as people and programs write it."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def _lasted(trouble: Trouble) -> str:
    return f"{time.time() - trouble.since:.0f} seconds"
