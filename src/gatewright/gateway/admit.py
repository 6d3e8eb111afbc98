"""Load shedding: how many requests may be under way at once, who waits for a turn, and who is sent away.

A worker has one gate, and each endpoint with a limit of its own has one; the connections to each provider have theirs
in `upstream/pool.py`. While there is room, a request passes without waiting for anything. While there is none, requests
wait in the order in which they came: no more of them than may be under way, and none for longer than the queue time.
"""

import asyncio
import sys
from collections import OrderedDict
from collections.abc import Callable, Coroutine
from typing import Any

from gatewright.errors import OverloadedError
from gatewright.snapshot.model import Endpoint


class Gate:
    """A limit with a fair queue. For one event loop.

    Args:
        limit: requests under way.
        seconds: longest time in the queue.
        refuse: makes the error for a request that is sent away.
        held: bytes of their bodies.

    Attributes:
        limit: may be changed; those who are in stay.
        taken: requests that are in.
        held: bytes that these hold.
    """

    def __init__(
        self, limit: int, seconds: float, refuse: Callable[["Gate"], OverloadedError], *, held: int = sys.maxsize
    ) -> None:
        self.limit = limit
        self.taken = self.held = 0
        self._most_held = held
        self._seconds = seconds
        self._refuse = refuse
        self._queue: OrderedDict[asyncio.Future[bool], int] = OrderedDict()  # to the bytes each will hold

    @property
    def waiting(self) -> int:
        """How many requests are in the queue."""
        return len(self._queue)

    def take(self, size: int = 0) -> bool:
        """Enter if there is room and nobody waits for it; else `wait`.

        Args:
            size: bytes that will be held.
        """
        if self.taken >= self.limit or self.held + size > self._most_held or self._queue:
            return False
        self.taken += 1
        self.held += size
        return True

    async def wait(self, size: int = 0) -> None:
        """Enter when it is our turn.

        Raises:
            OverloadedError: the queue is full, or the time was over before.
        """
        if len(self._queue) >= self.limit:
            raise self._refuse(self)
        loop = asyncio.get_running_loop()
        turn: asyncio.Future[bool] = loop.create_future()
        self._queue[turn] = size
        self._admit()  # the limit may have been raised
        timer = loop.call_later(self._seconds, self._expire, turn)
        try:
            entered = await turn
        except BaseException:
            if turn.cancelled() or not turn.done():
                self._queue.pop(turn, None)
                self._admit()  # there may be room for those behind
            elif turn.result():  # it came, but too late for us
                self.leave(size)
            raise
        finally:
            timer.cancel()
        if not entered:
            raise self._refuse(self)

    def hold(self, more: int) -> bool:
        """Let one that is in hold more bytes, if there is room; waiting for it, such could wait for each other."""
        if self.held + more > self._most_held:
            return False
        self.held += more
        return True

    def leave(self, size: int = 0) -> None:
        """Give the place back, and all bytes that are held."""
        self.taken -= 1
        self.held -= size
        if self._queue:
            self._admit()

    def _admit(self) -> None:
        """Let those in who wait longest, as far as there is room."""
        while self._queue and self.taken < self.limit:
            turn, size = next(iter(self._queue.items()))
            if not turn.done():
                if self.held + size > self._most_held:
                    return
                self.taken += 1
                self.held += size
                turn.set_result(True)
            del self._queue[turn]

    def _expire(self, turn: asyncio.Future[bool]) -> None:
        if not turn.done():
            del self._queue[turn]
            turn.set_result(False)
            self._admit()


class Admission:
    """The gates of one worker.

    Args:
        limit: most requests under way.
        held: most bytes of their bodies; at least the largest body.
        seconds: longest time a request waits for its turn, at each gate.

    Attributes:
        worker: the gate of all requests.
        shed: requests that were sent away, since the start.
    """

    def __init__(self, *, limit: int = 2000, held: int = 1 << 30, seconds: float = 1.0) -> None:
        self.worker = Gate(limit, seconds, self._refuse, held=held)
        self.shed = 0
        self._held = held
        self._seconds = seconds
        # By name. One that is gone leaves its gate behind, but only an operator can make many.
        self._endpoints: dict[str, Gate] = {}

    @property
    def waiting(self) -> int:
        """How many requests are in a queue."""
        return self.worker.waiting + sum(gate.waiting for gate in self._endpoints.values())

    def turn(self) -> "Turn":
        """What one request is let in with."""
        return Turn(self)

    def gate(self, endpoint: Endpoint) -> Gate | None:
        """The gate of an endpoint; None for one without a limit."""
        limit = endpoint.policy.max_concurrency
        if limit is None:
            return None
        found = self._endpoints.get(endpoint.name)
        if found is None:
            found = Gate(limit, self._seconds, lambda gate: self._refuse_at(endpoint.name, gate))
            self._endpoints[endpoint.name] = found
        found.limit = limit
        return found

    def _refuse(self, gate: Gate) -> OverloadedError:
        if gate.taken >= gate.limit:
            return self._shed(
                f"Gatewright serves {gate.limit} requests already, as many as one process may "
                "(GATEWRIGHT_MAX_CONCURRENCY).",
                limited=False,
            )
        return self.refuse_bytes()

    def refuse_bytes(self) -> OverloadedError:
        """The error for a request whose body finds no room."""
        return self._shed(
            "The requests that Gatewright serves already hold nearly all the memory that they may "
            f"({self._held} bytes, GATEWRIGHT_MAX_HELD).",
            limited=False,
        )

    def _refuse_at(self, name: str, gate: Gate) -> OverloadedError:
        return self._shed(
            f"Endpoint '{name}' serves {gate.limit} requests already, as many as it may "
            "(its tag gatewright.max-concurrency).",
            limited=True,
        )

    def _shed(self, why: str, *, limited: bool) -> OverloadedError:
        self.shed += 1
        return OverloadedError(f"{why} Send the request again later.", self._seconds, limited=limited)


class Turn:
    """The places that one request has. `leave` gives them back, whatever happened.

    `enter` and `enter_endpoint` let it in at once where there is room, and return None. Else they return what is to be
    awaited: it raises OverloadedError when the request is sent away.
    """

    __slots__ = ("_admission", "_endpoint", "_entered", "_size")

    def __init__(self, admission: Admission) -> None:
        self._admission = admission
        self._endpoint: Gate | None = None
        self._entered = False
        self._size = 0

    def enter(self, size: int) -> Coroutine[Any, Any, None] | None:
        """Pass the gate of the worker.

        Args:
            size: bytes of the body, as far as they are known.
        """
        if self._admission.worker.take(size):
            self._entered, self._size = True, size
            return None
        return self._enter(size)

    async def _enter(self, size: int) -> None:
        await self._admission.worker.wait(size)
        self._entered, self._size = True, size

    def hold(self, more: int) -> None:
        """Hold more bytes than were known.

        Raises:
            OverloadedError: there is no room for them.
        """
        if not self._admission.worker.hold(more):
            raise self._admission.refuse_bytes()
        self._size += more

    def enter_endpoint(self, endpoint: Endpoint) -> Coroutine[Any, Any, None] | None:
        """Pass the gate of an endpoint."""
        gate = self._admission.gate(endpoint)
        if gate is None:
            return None
        if gate.take():
            self._endpoint = gate
            return None
        return self._enter_endpoint(gate)

    async def _enter_endpoint(self, gate: Gate) -> None:
        await gate.wait()
        self._endpoint = gate

    def leave(self) -> None:
        """Give back what it has."""
        if self._endpoint is not None:
            self._endpoint.leave()
        if self._entered:
            self._admission.worker.leave(self._size)
