"""Shares outages of targets between all processes: what one has noticed the others know within a second, at most.

Those of the same machine are told at once. While the store is away, each machine goes by what its own have noticed.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from gatewright.control.neighbours import Neighbours
from gatewright.control.store import outages, valkey
from gatewright.control.store.database import Database
from gatewright.errors import UnavailableError
from gatewright.snapshot.outage import Condition, Outage

PACE = 0.5
"""Seconds between two looks at the store."""

LONGEST_PAUSE = 5.0
"""Seconds between two tries while it is away."""

log = logging.getLogger(__name__)


class Board(Protocol):
    """What notices and heeds outages; `gateway/health.py` has it."""

    publish: Callable[[Outage], None]

    def merge(self, outages: Iterable[Outage]) -> None:
        """Heed what others have noticed."""
        ...

    def conditions(self) -> Mapping[str, Condition]:
        """How those stand that are not wholly in; forgets those that need not be known any more."""
        ...


class Store(Protocol):
    """What all processes share; `store/outages.py` and `store/valkey.py` are such."""

    def exchange(self, told: Sequence[Outage]) -> Sequence[Outage]:
        """Store what one process has noticed; what all have noticed. It blocks."""
        ...

    def close(self) -> None:
        """No more of it."""
        ...


def shared(url: str, database: Database) -> Store:
    """The store of all machines: the Valkey or Redis at `url`, or the database where there is none.

    Raises:
        ConfigError: when the URL cannot be used, or the client is not installed.
    """
    return valkey.Outages(url) if url else outages.Outages(database)


class Cooldowns:
    """Publishes the outages of this process, and takes over those of the others.

    Args:
        board: of this process.
        store: shared by all.
        folder: where the workers of this machine find each other.
        clock: seconds that never go back.
    """

    def __init__(self, board: Board, store: Store, folder: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self._board = board
        self._store = store
        self._neighbours = Neighbours(folder, board.merge)
        self._clock = clock
        self._untold: dict[str, tuple[float, Outage]] = {}  # with when it was noticed
        self._news, self._looked = asyncio.Event(), asyncio.Event()
        self._away = False
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to share. What others know already is taken over first, unless the store lets us wait for it."""
        self._board.publish = self._tell
        self._neighbours.open()
        self._task = asyncio.create_task(self._follow(), name="gatewright-cooldowns")
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PACE):
                await self._looked.wait()

    async def stop(self) -> None:
        """Share no more; what was not told yet is told, when the store answers."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        self._neighbours.close()
        if self._untold and not self._away:
            await self._exchange()
        await asyncio.to_thread(self._store.close)

    def _tell(self, outage: Outage) -> None:
        self._neighbours.tell(outage)
        self._untold[outage.key] = (self._clock(), outage)
        self._news.set()

    async def _follow(self) -> None:
        while True:
            await self._exchange()
            self._looked.set()
            self._board.conditions()
            if self._away:  # what is new waits with what is old
                await asyncio.sleep(LONGEST_PAUSE)
            else:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(PACE):
                        await self._news.wait()

    async def _exchange(self) -> None:
        self._news.clear()
        told, self._untold = self._untold, {}
        try:
            found = await asyncio.to_thread(self._store.exchange, self._left(told))
        except UnavailableError as problem:
            self._failed(told)
            if not self._away:
                self._away = True
                log.warning("outages of targets are not shared with other machines: %s", problem.public)
        except Exception:
            self._failed(told)
            self._away = True
            log.exception("a fault of ours while sharing outages of targets")
        else:
            self._board.merge(found)
            if self._away:
                self._away = False
                log.info("outages of targets are shared again")

    def _left(self, told: Mapping[str, tuple[float, Outage]]) -> list[Outage]:
        """What is not over yet, by as much as is left of it."""
        now = self._clock()
        left = [replace(one, seconds=one.seconds - (now - at)) for at, one in told.values()]
        return [one for one in left if one.seconds > 0]

    def _failed(self, told: dict[str, tuple[float, Outage]]) -> None:
        """Tell it another time, but for what has become of it meanwhile."""
        self._untold = told | self._untold
