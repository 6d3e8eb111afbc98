"""Connections kept per origin: reuse, a limit with a fair queue, and the sweep that keeps all deadlines."""

import asyncio
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from gatewright.errors import (
    UnavailableError,
    UpstreamBusyError,
    UpstreamConnectTimeoutError,
    UpstreamResetError,
    UpstreamTimeoutError,
)
from gatewright.snapshot.address import Address
from gatewright.upstream.connection import Connection
from gatewright.upstream.dial import Dialer
from gatewright.upstream.proxy import Proxies
from gatewright.upstream.request import Opening
from gatewright.upstream.timeouts import Timeouts
from gatewright.upstream.tls import Context

Key = tuple[str, str, int, bool]


@dataclass(frozen=True, slots=True)
class Usage:
    """How connections are used now.

    Attributes:
        open: connections.
        idle: those of them that no request uses.
        waiting: requests that wait for one.
    """

    open: int = 0
    idle: int = 0
    waiting: int = 0


class Origin:
    """The connections to one scheme, host and port.

    A connection holds its slot from before it is opened until it is gone. Somebody waits only while every slot is taken
    and no connection is idle; what becomes free goes to whoever waits longest.

    Attributes:
        opening: how its requests begin.
        proxy: who requests are sent to in its place.
    """

    def __init__(self, pool: "Pool", address: Address) -> None:
        self._pool = pool
        self._address = address
        self.proxy = pool.dialer.proxies.of(address)
        self.opening = Opening(address, self.proxy)
        self._name = f"{address.scheme}://{address.authority}"
        self._taken = 0
        self._idle: dict[Connection, None] = {}  # the one used last stands last
        self._waiting: OrderedDict[asyncio.Future[Connection | None], bool] = OrderedDict()  # to whether it must be new

    @property
    def unused(self) -> bool:
        """Whether it can be forgotten."""
        return not self._taken and not self._waiting

    @property
    def idle(self) -> int:
        """How many connections no request uses."""
        return len(self._idle)

    @property
    def waiting(self) -> int:
        """How many requests wait for a connection."""
        return len(self._waiting)

    def checkout(self) -> Connection | None:
        """Take the idle connection used last, if there is one."""
        while self._idle:
            connection, _ = self._idle.popitem()
            if connection.usable:
                return connection
            connection.abort()
        return None

    async def acquire(self, deadline: float, *, fresh: bool) -> Connection:
        """Take an idle connection or open one, waiting for a slot when all are taken.

        Args:
            deadline: loop time at which to give up.
            fresh: only a newly opened connection will do.

        Raises:
            UpstreamRefusedError: none could be opened.
            UpstreamBusyError: none was free within the queue time.
            UpstreamTimeoutError: none was opened in time.
            UnavailableError: the client was closed meanwhile.
        """
        pool = self._pool
        late: UpstreamTimeoutError = UpstreamBusyError(
            f"All {pool.limit} connections to {self._name} are busy. "
            "Send the request again later, or let there be more with GATEWRIGHT_UPSTREAM_CONNECTIONS.",
            pool.queue,
        )
        try:
            async with asyncio.timeout_at(min(deadline, pool.loop.time() + pool.queue)) as scope:
                with pool.opening(scope):
                    connection = await self._take(fresh=fresh)
                    if connection is None:
                        late = UpstreamConnectTimeoutError(
                            f"{self._name}: no connection within {pool.timeouts.connect:g} seconds."
                        )
                        scope.reschedule(deadline)
                        connection = await self._open()
                    return connection
        except TimeoutError:
            pool.refuse_when_closed()
            raise late from None

    async def _take(self, *, fresh: bool) -> Connection | None:
        """Take an idle connection, or (None) a slot to open one, waiting while there is neither."""
        again = False
        while True:
            if not fresh and (connection := self.checkout()) is not None:
                return connection
            if self._taken < self._pool.limit:
                self._taken += 1
                return None
            if self._idle:
                next(iter(self._idle)).abort()
                continue
            handed = await self._wait(fresh=fresh, again=again)
            if handed is None or handed.usable:
                return handed
            handed.abort()  # closed in the turn in which it was given away
            again = True

    async def _wait(self, *, fresh: bool, again: bool) -> Connection | None:
        """Wait for a connection, or (None) for a slot to open one; in front of the others when it is not our fault."""
        turn: asyncio.Future[Connection | None] = self._pool.loop.create_future()
        self._waiting[turn] = fresh
        if again:
            self._waiting.move_to_end(turn, last=False)
        try:
            return await turn
        except BaseException:
            self._waiting.pop(turn, None)
            if turn.done() and not turn.cancelled():  # it came, but too late for us
                handed = turn.result()
                if handed is None:
                    self._free()
                elif not handed.closed:
                    self.released(handed)
            raise

    async def _open(self) -> Connection:
        pool = self._pool

        def make() -> Connection:
            return Connection(self._name, pool.timeouts, pool.loop)

        try:
            pool.refuse_when_closed()  # a slot may have come with the end
            connection = await pool.dialer.dial(self._address, make)
        except BaseException:
            self._free()
            raise
        if connection.closed:  # nobody would be told that it is gone
            self._free()
            raise UpstreamResetError(f"{self._name} closed the connection as soon as it was open.")
        connection.adopt(self)
        pool.connections.add(connection)
        if pool.closed:
            connection.abort()
            pool.refuse_when_closed()
        return connection

    def _next(self) -> asyncio.Future[Connection | None] | None:
        """Whoever waits longest and is still there; some leave in this very turn."""
        return next((turn for turn in self._waiting if not turn.done()), None)

    def released(self, connection: Connection) -> None:
        """A connection can take another request."""
        turn = self._next() if self._waiting else None
        if turn is None:
            self._idle[connection] = None
        elif self._waiting[turn]:
            connection.abort()  # its slot goes to the same waiter, through `gone`
        else:
            del self._waiting[turn]
            turn.set_result(connection)

    def gone(self, connection: Connection) -> None:
        """A connection is closed."""
        self._idle.pop(connection, None)
        self._pool.connections.discard(connection)
        self._free()

    def _free(self) -> None:
        """Pass a slot on, or put it back."""
        turn = self._next()
        if turn is None:
            self._taken -= 1
        else:
            del self._waiting[turn]
            turn.set_result(None)


class Pool:
    """All origins of one event loop.

    Attributes:
        dialer: opens connections.
        connections: every open connection; the sweep looks at each.
        limit: connections per origin.
        queue: seconds a request waits for one while all are busy.
        closed: nothing can be sent any more.
    """

    def __init__(self, *, timeouts: Timeouts, context: Context, limit: int, queue: float, proxies: Proxies) -> None:
        self.loop = asyncio.get_running_loop()
        self.timeouts = timeouts
        self.dialer = Dialer(context, proxies)
        self.limit = limit
        self.queue = queue
        self.connections: set[Connection] = set()
        self._origins: dict[Key, Origin] = {}
        self._opening: set[asyncio.Timeout] = set()
        self.closed = False
        shortest = min(timeouts.first_byte, timeouts.idle, timeouts.total, timeouts.keep_alive)
        # A byte may be seen one sweep late, and a deadline another.
        self._period = min(max(shortest / 20, 0.01), 0.5)
        self._timer = self.loop.call_later(self._period, self._sweep)

    @property
    def usage(self) -> Usage:
        """Of all origins together."""
        origins = self._origins.values()
        return Usage(len(self.connections), sum(one.idle for one in origins), sum(one.waiting for one in origins))

    def origin(self, address: Address) -> Origin:
        """The origin of an address. What may be private is kept apart from what may not."""
        key = (address.scheme, address.host, address.port, address.private)
        origin = self._origins.get(key)
        if origin is None:
            origin = self._origins[key] = Origin(self, address)
        return origin

    @contextmanager
    def opening(self, scope: asyncio.Timeout) -> Iterator[None]:
        """Let `close` end a wait for a connection.

        Raises:
            UnavailableError: the pool is closed already.
        """
        self.refuse_when_closed()
        self._opening.add(scope)
        try:
            yield
        finally:
            self._opening.discard(scope)

    def refuse_when_closed(self) -> None:
        """Raise UnavailableError once `close` was called."""
        if self.closed:
            raise _shutting_down()

    async def close(self) -> None:
        """End every exchange and every wait, and return when all transports are gone."""
        self.closed = True
        self._timer.cancel()
        for scope in tuple(self._opening):
            scope.reschedule(self.loop.time())
        for connection in tuple(self.connections):
            connection.fail(_shutting_down())

    def _sweep(self) -> None:
        now = self.loop.time()
        for connection in tuple(self.connections):
            connection.sweep(now)
        for key, origin in tuple(self._origins.items()):
            if origin.unused:
                del self._origins[key]
        self._timer = self.loop.call_later(self._period, self._sweep)


def _shutting_down() -> UnavailableError:
    return UnavailableError("Gatewright is shutting down. Send the request again.")
