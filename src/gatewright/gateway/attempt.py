"""Station 4: walk the route plan until a target answers.

What follows from which failure is in the table of `failures.py`. The rule that spans its rows: nothing is ever tried
again after the first byte went to the client, so a stream's first event is read here, before the answer begins. Where
an endpoint asks for it, another target may go on with what was said until then (`continuing.py`).
"""

import asyncio
import logging
import random
import time
from collections.abc import Coroutine
from typing import Any

from gatewright.errors import GatewrightError, UpstreamError, UpstreamSilentError
from gatewright.gateway.asking import Answer, ask
from gatewright.gateway.deadline import OutOfTimeError, within
from gatewright.gateway.diagnosis import kind, retry_after
from gatewright.gateway.failures import RULES, Action
from gatewright.gateway.health import Health
from gatewright.gateway.plan import RoutePlan
from gatewright.gateway.transcript import Transcript
from gatewright.gateway.translate import Sender, StrictError
from gatewright.gateway.understand import Call
from gatewright.snapshot.model import Policy, Target
from gatewright.upstream.client import Upstream

log = logging.getLogger(__name__)

PAUSE = (0.05, 0.25)
"""Seconds until the same target is asked once more, drawn between these, so that requests that failed together do not
come back together."""


class AttemptsFailedError(UpstreamError):
    """The last target of the plan failed, or one failed in a way that is final.

    Attributes:
        cause: what happened at that target.
        kind: what that is in the failure table.
        wait: for how many seconds the provider wants to be left alone; None when it does not say.
        target: the target.
        attempts: how many calls were made.
        waited: seconds spent waiting for them.
    """

    def __init__(self, cause: UpstreamError, target: Target, attempts: int, waited: float = 0.0) -> None:
        tried = "" if attempts == 1 else f" (the last of {attempts} attempts)"
        super().__init__(f"{target.provider}/{target.model}{tried}: {cause.public}")
        self.status, self.code, self.retry_after = cause.status, cause.code, cause.retry_after
        self.kind, self.wait = kind(cause), retry_after(cause, time.time())
        self.cause, self.target, self.attempts, self.waited = cause, target, attempts, waited


class Walk:
    """The attempts of one request.

    Args:
        upstream: how requests reach providers.
        health: which targets are in; learns the outcomes.
        policy: of the endpoint.
        call: what was asked.
        request_id: for the log, which tells each failure.
        deadline: loop time by which the whole answer must be given on; None for no limit.
    """

    __slots__ = (
        "_call",
        "_called",
        "_deadline",
        "_health",
        "_policy",
        "_request_id",
        "_sender",
        "_upstream",
        "_waited",
    )

    def __init__(
        self, upstream: Upstream, health: Health, policy: Policy, call: Call, request_id: str, deadline: float | None
    ) -> None:
        self._upstream = upstream
        self._health = health
        self._policy = policy
        self._call = call
        self._request_id = request_id
        self._deadline = deadline
        self._sender = Sender(call, request_id, strict=policy.strict, continued=policy.continuation)
        self._waited, self._called = 0.0, 0

    @property
    def called(self) -> int:
        """How many calls were made."""
        return self._called

    async def attempt(self, route: RoutePlan, failed: GatewrightError | None = None) -> Answer:
        """Call the targets in order until one answers.

        Args:
            route: the targets.
            failed: why those before them have not answered; None when they are the first.

        Raises:
            ClientError: when what was asked cannot be translated for a target.
            StrictError: when no target can express all of a strict call.
            AttemptsFailedError: when none did, or one failed in a way that another target would not mend.
        """
        health = self._health
        for target in route:
            if failed is not None and not health.admits(target.key):
                continue
            try:
                answer = await self._ask(target)
            except StrictError as refused:
                health.abandoned(target.key)
                failed = failed or refused
            except AttemptsFailedError as problem:
                if self.is_final(problem):
                    raise
                failed = problem
            else:
                if answer.rest is None:
                    tell(health, self._policy, answer, None)
                return answer
        if failed is None:
            raise AssertionError("a route plan is never empty")
        raise failed

    async def go_on(self, route: RoutePlan, broken: AttemptsFailedError, transcript: Transcript) -> Answer:
        """Call the targets in order until one goes on with an answer that broke off.

        Args:
            route: the targets.
            broken: what broke it off.
            transcript: what the client was told of it.

        Raises:
            GatewrightError: as of `attempt`.
        """
        log.warning("%s endpoint %s, a stream broke off: %r", self._request_id, self._call.endpoint, str(broken))
        self._sender.follow(transcript)
        return await Walk.attempt(self, route, broken)

    async def _ask(self, target: Target) -> Answer:
        """Call a target; once more, or as often as the policy says, where the failure may well pass by itself."""
        retries = self._policy.retries
        while True:
            try:
                return await self._once(target)
            except AttemptsFailedError as problem:
                again = RULES[problem.kind].action is Action.RETRY and problem.wait is None
                if not (again and retries) or target.key in self._health.out:
                    raise
            retries -= 1
            await asyncio.sleep(random.uniform(*PAUSE))  # noqa: S311 - not a secret

    async def _once(self, target: Target) -> Answer:
        sending = self._sender.to(target)
        self._called += 1
        began = time.perf_counter()
        asking = ask(self._upstream, target, sending, self._call, self._called, began)
        try:
            limited = self._deadline is not None or self._policy.first_token is not None
            answer = await (self._in_time(asking, target) if limited else asking)
        except UpstreamError as problem:
            raise self._failed(problem, target, began) from problem
        except BaseException:
            self._health.abandoned(target.key)
            raise
        self._waited += time.perf_counter() - began
        answer.waited = self._waited
        return answer

    async def _in_time(self, doing: Coroutine[Any, Any, Answer], target: Target) -> Answer:
        """Do it, but no longer than the target has for its first content, and the request in all."""
        first = self._policy.first_token
        own = None if first is None else asyncio.get_running_loop().time() + first
        if own is None or (self._deadline is not None and self._deadline < own):
            return await within(self._deadline, doing, OutOfTimeError())
        late = UpstreamSilentError(f"{target.provider} told nothing of its answer within {first:g} seconds.")
        return await within(own, doing, late)

    def _failed(self, problem: UpstreamError, target: Target, began: float) -> AttemptsFailedError:
        """Note a failure, and tell it to whoever watches the target's health."""
        self._waited += time.perf_counter() - began
        failed = AttemptsFailedError(problem, target, self._called, self._waited)
        _blame(self._health, self._policy, target, failed, began)
        # A provider's words may hold line breaks, which must not look like lines of ours.
        log.warning("%s endpoint %s, attempt %d: %r", self._request_id, self._call.endpoint, self._called, str(failed))
        return failed

    def is_final(self, problem: AttemptsFailedError) -> bool:
        """Whether no other target is asked after a failure."""
        if isinstance(problem.cause, OutOfTimeError):
            return True
        action = RULES[problem.kind].action
        return action is Action.FINAL or (
            action is Action.NEXT_IF_ASKED and problem.kind not in self._policy.fallback_on
        )


def tell(health: Health, policy: Policy, answer: Answer, problem: AttemptsFailedError | None) -> None:
    """Tell the health of a target how its answer ended.

    Args:
        health: of all targets.
        policy: of the endpoint.
        answer: what the target answered.
        problem: what broke it off; None when it is complete.
    """
    if problem is None:
        if health.out or health.failing:  # else all is well already
            health.succeeded(answer.target.key, answer.began)
    else:
        _blame(health, policy, answer.target, problem, answer.began)


def _blame(health: Health, policy: Policy, target: Target, problem: AttemptsFailedError, began: float) -> None:
    if isinstance(problem.cause, OutOfTimeError):
        health.abandoned(target.key)
    else:
        health.failed(target.key, problem.kind, began, wait=problem.wait, cooldown=policy.cooldown)
