"""Keeps the snapshot in force up to date: waits for a new revision, compiles it and swaps it in.

If compiling fails, the old snapshot keeps serving, the failure is logged, and it is tried again.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterator
from typing import Protocol

from gatewright.errors import GatewrightError
from gatewright.snapshot.holder import Holder
from gatewright.snapshot.model import Snapshot

log = logging.getLogger(__name__)

WAIT = 2.0
"""Seconds one wait for a new revision lasts, at most; also the pause after a failure."""

SETTLE = 1.0
"""Seconds a writer waits, at most, until this process serves what was written."""

UNKNOWN = -1
"""No revision of a database: what is waited after when, since an outage, any revision may be another state."""

_STAYS = "cannot read the configuration, serving the last good state"


class Waiter(Protocol):
    """What waits for a new revision; see `store/listener.py`."""

    def wait(self, after: int, timeout: float) -> int:
        """Block until the revision is not `after`, or for `timeout` seconds; the revision now."""
        ...


class Watcher:
    """Follows the database's revision.

    Args:
        holder: where the snapshot is put in force.
        waiter: waits for a new revision; called in a thread.
        compile_snapshot: makes the snapshot of the database as it is; called in a thread.

    Attributes:
        failures: how often a new snapshot could not be made, or looked for, since the start.
    """

    def __init__(self, holder: Holder, waiter: Waiter, compile_snapshot: Callable[[], Snapshot]) -> None:
        self._holder = holder
        self._waiter = waiter
        self._compile = compile_snapshot
        self._one_at_a_time = asyncio.Lock()
        self._written = 0  # writes of this process so far
        self._covered = 0  # of those, how many the snapshot in force holds for certain
        self._task: asyncio.Task[None] | None = None
        self.failures = 0

    async def start(self) -> None:
        """Put the first snapshot in force, then follow.

        Raises:
            GatewrightError: when the first snapshot cannot be made.
        """
        await self._refresh()
        self._task = asyncio.create_task(self._follow(), name="gatewright-watch")

    async def stop(self) -> None:
        """Stop following; returns when the task has ended."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def settle(self) -> None:
        """After a write: return once this process serves it, or after `SETTLE` seconds."""
        self._written += 1
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(asyncio.shield(self._catch_up(self._written)), SETTLE)

    async def _catch_up(self, written: int) -> None:
        async with self._one_at_a_time:
            # A compilation that began after this write, for a later one, has covered it.
            if written > self._covered:
                with self._told():
                    await self._refresh()

    async def _follow(self) -> None:
        served = self._holder.current.revision
        while True:
            served = await self._next(served)

    async def _next(self, served: int) -> int:
        """Wait for another revision than `served` and put it in force; the revision to wait after next."""
        found = UNKNOWN
        with self._told():
            now = await asyncio.to_thread(self._waiter.wait, served, WAIT)
            # A lower revision is news too: a backup that was put in the database's place.
            if served == UNKNOWN or now != self._holder.current.revision:
                async with self._one_at_a_time:
                    await self._refresh()
            found = self._holder.current.revision
        if found == UNKNOWN:
            await asyncio.sleep(WAIT)
        return found

    async def _refresh(self) -> None:
        covered = self._written
        self._holder.swap(await asyncio.to_thread(self._compile))
        self._covered = covered

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        """Log why there is no new snapshot, and go on; with a traceback only when the fault is ours."""
        try:
            yield
        except GatewrightError as problem:
            self.failures += 1
            log.warning("%s: %s", _STAYS, problem.public)
        except Exception:
            self.failures += 1
            log.exception(_STAYS)
