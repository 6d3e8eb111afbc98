"""Hedging: a target that is slow to begin is raced against the next one, where the endpoint asks for it.

The first answer wins and the other call is given up at once. Only the first target of a plan is raced: a request is
with two targets at a time at most.
"""

import asyncio
import time
from bisect import bisect_left, insort
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from gatewright.errors import GatewrightError
from gatewright.gateway.asking import Answer
from gatewright.gateway.attempt import AttemptsFailedError, Walk
from gatewright.gateway.health import Health
from gatewright.gateway.plan import RoutePlan
from gatewright.gateway.translate import Sender, Sending, StrictError
from gatewright.gateway.understand import Call
from gatewright.snapshot.model import Endpoint, Policy, Target
from gatewright.upstream.client import Upstream

WINDOW = 200
"""Answers of late that the 95th percentile is taken of."""

ENOUGH = 20
"""Answers without which there is no such percentile, and nothing is hedged by it."""

KNOWN = 1_000
"""Most kinds of requests that times are remembered for; past it the oldest kind is forgotten."""


_Attempt = asyncio.Task[Answer]


class Pace:
    """How long the last `WINDOW` answers took to begin."""

    __slots__ = ("_ordered", "_times")

    def __init__(self) -> None:
        self._times: deque[float] = deque()
        self._ordered: list[float] = []

    def add(self, seconds: float) -> None:
        """One more answer; of one that was not waited for to the end, how long it was."""
        if len(self._times) == WINDOW:
            del self._ordered[bisect_left(self._ordered, self._times.popleft())]
        self._times.append(seconds)
        insort(self._ordered, seconds)

    @property
    def p95(self) -> float | None:
        """Seconds within which 95 of 100 began; None while too few are known."""
        known = len(self._ordered)
        return self._ordered[(known * 95 - 1) // 100] if known >= ENOUGH else None


class Paces:
    """The pace of each endpoint, by what is asked of it: a whole answer begins when a stream has long ended."""

    __slots__ = ("_known",)

    def __init__(self) -> None:
        self._known: dict[tuple[str, str, bool], Pace] = {}

    def of(self, endpoint: Endpoint, call: Call) -> Pace:
        """That of requests like this one."""
        kind = (endpoint.endpoint_id, call.operation, call.stream)
        pace = self._known.get(kind)
        if pace is None:
            if len(self._known) >= KNOWN:
                del self._known[next(iter(self._known))]
            pace = self._known[kind] = Pace()
        return pace


@dataclass(frozen=True, slots=True)
class Leg:
    """A call that went out.

    Attributes:
        target: who was called.
        sending: what was sent; its meter has what is known of the usage.
        began: when, as `time.perf_counter` tells it.
    """

    target: Target
    sending: Sending
    began: float


class _Noting(Sender):
    """Keeps what it has made."""

    __slots__ = ("legs",)

    def __init__(self, call: Call, request_id: str, policy: Policy) -> None:
        super().__init__(call, request_id, strict=policy.strict, continued=policy.continuation)
        self.legs: list[Leg] = []

    def to(self, target: Target) -> Sending:
        sending = super().to(target)
        self.legs.append(Leg(target, sending, time.perf_counter()))
        return sending


class Hedged(Walk):
    """The attempts of one request whose first target is raced when it is slow to begin.

    Args:
        upstream: as for `Walk`, like all up to `deadline`.
        pace: of requests like this one; learns how long the first target took.
        lost: is told of the call that was given up for the other.
    """

    __slots__ = ("_lost", "_noting", "_pace")

    def __init__(
        self,
        upstream: Upstream,
        health: Health,
        policy: Policy,
        call: Call,
        request_id: str,
        deadline: float | None,
        pace: Pace,
        lost: Callable[[Leg], None],
    ) -> None:
        super().__init__(upstream, health, policy, call, request_id, deadline)
        self._sender = self._noting = _Noting(call, request_id, policy)
        self._pace, self._lost = pace, lost

    async def attempt(self, route: RoutePlan, failed: GatewrightError | None = None) -> Answer:
        """As `Walk.attempt`.

        A call that fails leaves the other one running. When both have failed, the error is the later target's, but for
        one that is final.
        """
        if len(route) == 1:
            return await super().attempt(route, failed)
        hedge = self._policy.hedge
        delay = self._pace.p95 if isinstance(hedge, str) else hedge
        legs = [asyncio.create_task(super().attempt(route[:1], failed))]
        winner: _Attempt | None = None
        try:
            await asyncio.wait(legs, timeout=delay)
            rest = () if legs[0].done() else self._others(route)
            if rest:
                legs.append(asyncio.create_task(super().attempt(rest)))
            winner = await _first(legs)
        finally:
            for leg in legs:
                if leg is not winner:
                    leg.cancel()
                    leg.add_done_callback(self._drop)
        if winner is not None:
            return self._won(winner.result(), legs, winner)
        problems = [leg.exception() for leg in legs]
        if rest:
            raise self._told(problems)
        problem = problems[0]
        if isinstance(problem, StrictError) or (
            isinstance(problem, AttemptsFailedError) and not self.is_final(problem)
        ):
            return await super().attempt(route[1:], problem)
        raise problem or AssertionError("who has not failed has won")

    def _others(self, route: RoutePlan) -> RoutePlan:
        """Whom the first target is raced against: the others, from the first on that may be called now."""
        others = tuple(target for target in route if target.key != route[0].key)
        for place, target in enumerate(others):
            if self._health.admits(target.key):
                return others[place:]
        return ()

    def _won(self, answer: Answer, legs: Sequence[_Attempt], winner: _Attempt) -> Answer:
        """What is known when a call has won: the pace of the first target, and who has lost."""
        now, noted = time.perf_counter(), self._noting.legs
        first = noted[0].target.key
        asked = {leg.target.key == first: leg for leg in noted}  # the last call of each leg
        raced = len(legs) == 2
        if not (raced and legs[0].done() and legs[0] is not winner):
            self._pace.add(now - asked[True].began)
        answer.attempts = self._called
        if raced:
            answer.waited = now - noted[0].began  # for both at once
            loser = legs[legs[0] is winner]
            if not loser.done() or loser.exception() is None:
                self._lost(asked[legs[0] is not winner])
        return answer

    def _told(self, problems: Sequence[BaseException | None]) -> BaseException:
        """The error that the client gets when both legs have failed."""
        failed = [problem for problem in problems if isinstance(problem, AttemptsFailedError)]
        if not failed:
            return problems[0] or AssertionError("who has not failed has won")
        told = next(filter(self.is_final, failed), failed[-1])
        told.attempts, told.waited = self._called, time.perf_counter() - self._noting.legs[0].began
        return told

    def _drop(self, leg: _Attempt) -> None:
        """Let go of what a call has come to that nobody waits for any more."""
        if not leg.cancelled() and leg.exception() is None:
            answer = leg.result()
            answer.response.abort()
            self._health.abandoned(answer.target.key)


async def _first(legs: Sequence[_Attempt]) -> _Attempt | None:
    """The leg that answers first; None when all have failed."""
    pending = set(legs)
    while pending:
        _, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
        for leg in legs:
            if leg.done() and leg.exception() is None:
                return leg
    return None
