"""Moves records from the journal into the ledger: in batches, each exactly once, while requests are served.

A record is deleted from the journal after the ledger has it, and stored by its id: one that a killed process leaves
behind is stored again and changes nothing. While the database is away the journal keeps them.
"""

import asyncio
import contextlib
import logging
import threading
import time
from collections.abc import Sequence

from gatewright.control.store import requests
from gatewright.control.store.database import Database
from gatewright.control.store.rows import now
from gatewright.errors import ClientError, UnavailableError
from gatewright.ledger.journal import Journal
from gatewright.ledger.record import Record
from gatewright.ledger.spool import Batch, Spool, claim

log = logging.getLogger(__name__)

PACE = 0.5
"""Seconds between two looks at the journal; what waits for a full batch is not waited for."""

LONGEST_PAUSE = 15.0
"""Seconds between two tries while the database is away, at most; the first pause is `PACE`, each is twice the last."""

LOOK = 5.0
"""Seconds between two looks for what other processes left behind."""

PRUNE = 600.0
"""Seconds between two looks for records that are too old."""

PRUNED = 1000
"""Records that are deleted in one transaction."""

LAST = 5.0
"""Seconds a stopping server takes for what is left, at most, but for a transaction under way; the rest stays."""

_DAY = 86_400_000


class Drain:
    """Empties the journal of this process, and those of processes that have died.

    Args:
        journal: of this process; closed by `stop`.
        database: with the ledger.
        days: how long the ledger keeps records; 0 for ever.
    """

    def __init__(self, journal: Journal, database: Database, *, days: int = 0) -> None:
        self._journal = journal
        self._database = database
        self._days = days
        self._stopping = asyncio.Event()
        self._look_at = self._prune_at = 0.0
        self._away = False
        self._reading = threading.Lock()  # a cancelled round goes on in its thread
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to empty the journal.

        Raises:
            ConfigError: when the journal cannot be written.
        """
        self._journal.open()
        self._task = asyncio.create_task(self._follow(), name="gatewright-drain")

    async def stop(self) -> None:
        """Store what is left, when the database takes it, and close the journal."""
        self._stopping.set()
        if self._task is not None:
            with contextlib.suppress(asyncio.CancelledError):  # the server is made to stop at once
                await self._task
        await asyncio.to_thread(self._finish)

    async def _follow(self) -> None:
        pause = PACE
        while not self._stopping.is_set():
            try:
                more = await asyncio.to_thread(self._round)
            except (UnavailableError, OSError) as problem:
                pause = min(max(PACE, 2 * pause), LONGEST_PAUSE)
                self._tell(problem)
            except Exception:
                pause = LONGEST_PAUSE
                log.exception("a fault of ours while storing requests; they wait in the journal")
            else:
                pause = 0 if more else PACE
                if self._away:
                    self._away = False
                    log.info("requests are stored again")
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), pause)

    def _round(self) -> bool:
        """Store a batch and do what is due; whether more waits already."""
        with self._reading:
            moved = self._move(self._journal.spool)
            if time.monotonic() >= self._look_at:
                self._journal.look()
                self._inherit()
                self._look_at = time.monotonic() + LOOK
        if self._days and time.monotonic() >= self._prune_at:
            self._prune()
        return moved is not None and moved.more

    def _move(self, spool: Spool) -> Batch | None:
        """Store the oldest batch of a journal; what it was."""
        batch = spool.read()
        if batch is not None:
            self._store(batch.records)
            spool.release(batch)
        return batch

    def _store(self, records: Sequence[Record]) -> None:
        try:
            with self._database.connection() as connection:
                requests.insert(connection, records)
        except ClientError:
            with self._database.connection() as connection:
                requests.insert(connection, [one.fitted() for one in records])

    def _inherit(self) -> None:
        """Store what processes have left that have died."""
        for folder in self._journal.others():
            with claim(folder) as left:
                while left is not None and not self._stopping.is_set() and self._move(left):
                    self._move(self._journal.spool)  # its own are not to wait for thousands of others
                if left is not None and left.taken:
                    log.info("stored %d requests that a process left in %s when it died", left.taken, folder)

    def _prune(self) -> None:
        with self._database.connection() as connection:
            deleted = requests.prune(connection, now() - self._days * _DAY, PRUNED)
        if deleted < PRUNED:
            self._prune_at = time.monotonic() + PRUNE

    def _finish(self) -> None:
        deadline = time.monotonic() + LAST
        with self._reading:
            try:
                while self._move(self._journal.spool) and time.monotonic() < deadline:
                    pass
            except (UnavailableError, OSError) as problem:
                self._tell(problem)
            finally:
                self._journal.close()
        if self._journal.depth:
            log.warning("%d requests wait in the journal for the next start", self._journal.depth)

    def _tell(self, problem: Exception) -> None:
        """Say once that the ledger is away."""
        if not self._away:
            self._away = True
            log.warning("requests cannot be stored, they wait in the journal: %s", problem)
