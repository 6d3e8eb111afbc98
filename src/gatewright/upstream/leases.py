"""Credentials that expire: fetched once for all who wait, and renewed before they end."""

import asyncio
import logging
import math
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

from gatewright.errors import GatewrightError

log = logging.getLogger(__name__)

KNOWN = 1024
"""How many identities are remembered; one that is forgotten is fetched for anew."""

AHEAD = 300.0
"""Seconds before its end at which a credential is renewed, while it still serves; a quarter of a short life."""

SLACK = 10.0
"""Seconds before its end at which a credential serves no more, for it would end on its way; a tenth of a short life."""

PAUSE = 10.0
"""Seconds between two tries of a renewal that fails while the credential still serves."""

YOUNG = 60.0
"""Seconds for which a refusal is not blamed on a new credential, so that a lack of permission costs no renewals."""

T = TypeVar("T")
I = TypeVar("I", bound=Hashable)  # noqa: E741 - an identity
Clock = Callable[[], float]


@dataclass(frozen=True, slots=True)
class Lease(Generic[T]):
    """A credential and its end.

    Attributes:
        value: the credential.
        expires: seconds since the epoch.
    """

    value: T
    expires: float = math.inf


class Leases(Generic[I, T]):
    """The credentials of many identities, for one event loop.

    Args:
        fetch: gets an identity's credential; its errors reach whoever waits.
        clock: seconds since the epoch.
    """

    def __init__(self, fetch: Callable[[I], Awaitable[Lease[T]]], clock: Clock) -> None:
        self._fetch = fetch
        self._clock = clock
        self._known: dict[I, _Renewed[I, T]] = {}  # the one used last stands last

    async def get(self, identity: I) -> T:
        """An identity's credential. Nobody waits while there is one that serves."""
        one = self._known.pop(identity, None) or _Renewed(identity, self._fetch, self._clock)
        self._known[identity] = one
        if len(self._known) > KNOWN:
            del self._known[next(iter(self._known))]
        return await one.get()

    def drop(self, identity: I) -> None:
        """The credential was refused: fetch another one for the next request, unless it is new."""
        if identity in self._known:
            self._known[identity].drop()

    async def close(self) -> None:
        """Wait for the renewals that are under way; the client they ask by must be closed."""
        tasks = [one.task for one in self._known.values() if one.task is not None]
        await asyncio.gather(*tasks, return_exceptions=True)


class _Renewed(Generic[I, T]):
    """One identity's credential."""

    def __init__(self, identity: I, fetch: Callable[[I], Awaitable[Lease[T]]], clock: Clock) -> None:
        self._identity = identity
        self._fetch = fetch
        self._clock = clock
        self._lease: Lease[T] | None = None
        self._since = self._due = self._end = 0.0
        self.task: asyncio.Task[T] | None = None

    async def get(self) -> T:
        lease, now = self._lease, self._clock()
        if lease is None or now >= self._end:
            return await asyncio.shield(self._renewal())  # others wait for the same one
        if now >= self._due:
            self._renewal()
        return lease.value

    def drop(self) -> None:
        if self._clock() >= self._since + YOUNG:
            self._lease = None

    def _renewal(self) -> asyncio.Task[T]:
        if self.task is None:
            self.task = asyncio.create_task(self._renew())
            self.task.add_done_callback(self._ended)
        return self.task

    async def _renew(self) -> T:
        lease = await self._fetch(self._identity)
        self._since = self._clock()
        life = lease.expires - self._since
        self._due = lease.expires - min(AHEAD, life / 4)
        self._end = lease.expires - min(SLACK, life / 10)
        self._lease = lease
        return lease.value

    def _ended(self, task: asyncio.Task[T]) -> None:
        self.task = None
        problem = None if task.cancelled() else task.exception()
        if problem is not None:
            self._due = self._clock() + PAUSE
            said = problem.public if isinstance(problem, GatewrightError) else type(problem).__name__
            log.warning("a credential was not renewed: %r", said)
