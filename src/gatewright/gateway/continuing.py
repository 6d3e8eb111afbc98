"""Mid-stream continuation, where an endpoint asks for it: a stream that breaks off is gone on with by another target.

The client gets one stream. What of an answer can be gone on with, and how, `transcript.py` says; this asks for it. The
attempts of all targets are those of one `Walk`, so that its rules, its deadline and its count hold for all of them.
"""

from collections.abc import Callable

from gatewright.errors import GatewrightError
from gatewright.gateway.asking import Answer
from gatewright.gateway.attempt import AttemptsFailedError, Walk
from gatewright.gateway.failures import RULES, Action
from gatewright.gateway.plan import RoutePlan

Followed = Callable[[Answer, AttemptsFailedError, Answer], None]
"""Is told of an answer, of what broke it off, and of the one that goes on with it."""


class Continuation:
    """Who goes on with the stream of one request.

    Each target of the plan is asked once more at most, in its order; one that broke off only where it is the only one,
    the failure may pass by itself, and the endpoint lets the same target be asked again.

    Args:
        walk: the attempts of the request.
        route: its plan.
        again: how often a target may be asked again that is the only one.
        followed: is told when another answer goes on.
    """

    __slots__ = ("_again", "_followed", "_left", "_only", "_walk")

    def __init__(self, walk: Walk, route: RoutePlan, again: int, followed: Followed) -> None:
        self._walk = walk
        self._left = route
        self._only = len(route) == 1
        self._again = again
        self._followed = followed

    async def resume(self, answer: Answer, failed: AttemptsFailedError) -> Answer | None:
        """An answer that goes on with one that broke off; None when there is none.

        Args:
            answer: it.
            failed: what broke it off.
        """
        transcript = answer.sending.transcript
        if transcript is None or not transcript.open or self._walk.is_final(failed):
            return None
        route = self._others(answer, failed)
        if not route:
            return None
        try:
            following = await self._walk.go_on(route, failed, transcript)
        except GatewrightError:
            return None
        finally:
            answer.attempts = self._walk.called
        self._followed(answer, failed, following)
        return following

    def _others(self, answer: Answer, failed: AttemptsFailedError) -> RoutePlan:
        """Whom to ask: those of the plan after the one that broke off."""
        if not self._only:
            key, keys = answer.target.key, [target.key for target in self._left]
            self._left = tuple(target for target in self._left[keys.index(key) + 1 :] if target.key != key)
            return self._left
        if not self._again or RULES[failed.kind].action is not Action.RETRY:
            return ()
        self._again -= 1
        return self._left
