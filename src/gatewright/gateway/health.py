"""Which targets are in: a state machine for each, driven by the outcomes of calls. It waits for nothing.

A target is **in** until `THRESHOLD` calls in a row fail in a way that counts against it (`Rule.cools`), or its provider
says for how long it wants to be left alone. Then it is **out**: for that time, or for a second, which doubles each time
up to a minute. When the time is over it is **due**: one request may ask it. When that fails it is out again; when it
succeeds the target is **returning**: it gets a part of its traffic, which grows with every few successes, or with time,
until it is in.

Only outcomes of calls that began since the last change move a target that is not in: what was under way when it was
taken out says nothing new.
"""

import math
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from gatewright.gateway.failures import RULES, Kind
from gatewright.snapshot.outage import Condition, Outage

THRESHOLD = 3
"""Failures in a row that take a target out."""

FIRST, LONGEST = 1.0, 60.0
"""Seconds a target is out the first time, and at most, where its provider does not say."""

STEPS = (0.1, 0.25, 0.5)
"""Parts of its traffic that a returning target gets, one after the other."""

STEP_SUCCESSES, STEP_SECONDS = 5, 5.0
"""What ends a step: so many successes, or this time."""

PROBE = 30.0
"""Seconds a due target is kept for the one request that asks it, when nothing is heard of that any more."""

FORGOTTEN = 600.0
"""Seconds after which a target that is due, and that nobody asked, is taken for one that is in."""

KNOWN = 10_000
"""Most targets that are remembered for failures that have not taken them out; past it all of these are forgotten."""

SLACK = 1.0
"""Seconds by which two tellings of one outage may differ, each by its way through the store."""


@dataclass(slots=True)
class _Target:
    """What is known of a target that has failed.

    Attributes:
        failures: in a row, since it is in or returning.
        times: how often it was taken out for its failures since it was last in.
        until: when its time out ends, or ended.
        rests: until when its provider has asked to be left alone.
        since: when it was taken out, began to return, or took the last step.
        reason: the failure that took it out.
        probe: until when it is kept for the request that asks it.
        step: place in `STEPS`; negative when it is not returning.
        successes: in this step.
    """

    failures: int = 0
    times: int = 0
    until: float = -math.inf
    rests: float = -math.inf
    since: float = -math.inf
    reason: str = ""
    probe: float = -math.inf
    step: int = -1
    successes: int = 0


class Health:
    """The health of every target, by its key, for one process.

    Args:
        clock: seconds that never go back; those of `began` are of the same clock.

    Attributes:
        out: the targets that are not wholly in. Empty nearly always, so whoever asks looks here first.
        failing: those that are in, and whose last call has failed; a success is told only when one of the two has any.
        outs: how often a target was taken out by this process.
        publish: is told of each outage that this process notices, to tell the others; it must neither wait nor raise.
    """

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self.out: dict[str, _Target] = {}
        self.outs = 0
        self.publish: Callable[[Outage], None] = _to_nobody
        self._clock = clock
        self.failing: dict[str, _Target] = {}

    # Before a call.

    def share(self, key: str) -> float:
        """How much of its traffic a target may get now: 0 when it is out, or kept for another request."""
        target = self.out.get(key)
        if target is None:
            return 1.0
        now = self._clock()
        if target.step >= 0:
            return self._stepped(key, target, now)
        return 0.0 if now < target.until or now < target.probe else 1.0

    def admits(self, key: str) -> bool:
        """Whether a target may be called now. One that is due is then kept for the caller, who tells the outcome."""
        target = self.out.get(key)
        if target is None or target.step >= 0:
            return True
        now = self._clock()
        if now < target.until or now < target.probe:
            return False
        target.probe = now + PROBE
        return True

    def condition(self, key: str) -> Condition:
        """How a target of `out` stands."""
        target, now = self.out[key], self._clock()
        out = target.step < 0 and now < target.until
        returning = target.step >= 0
        return Condition(
            state="out" if out else "returning" if returning else "due",
            share=STEPS[target.step] if returning else 0.0,
            seconds=target.until - now if out else 0.0,
            rests=max(0.0, target.rests - now),
            reason=target.reason,
            times=target.times,
        )

    # After a call.

    def succeeded(self, key: str, began: float) -> None:
        """A call went well.

        Args:
            key: of the target.
            began: when the call began.
        """
        target = self.out.get(key)
        if target is None:
            self.failing.pop(key, None)
            return
        now = self._clock()
        if began < target.since or now < target.rests:
            return
        target.failures = 0
        if target.step < 0:
            self._step(key, target, now)
            return
        target.successes += 1
        if target.successes >= STEP_SUCCESSES:
            self._step(key, target, now)

    def failed(
        self, key: str, kind: Kind, began: float, *, wait: float | None = None, cooldown: float | None = None
    ) -> None:
        """A call failed. A failure that does not count against the target says that it is there: that is a success.

        Args:
            key: of the target.
            kind: of the failure.
            began: when the call began.
            wait: for how many seconds the provider wants to be left alone.
            cooldown: seconds to leave it alone where the provider does not say; 0 for never, None for the usual.
        """
        if kind is Kind.BUSY:
            self.abandoned(key)
            return
        if not RULES[kind].cools:
            self.succeeded(key, began)
            return
        now = self._clock()
        if wait is not None:
            target = self.out.get(key) or self.failing.pop(key, None) or _Target()
            if target.rests < now + wait:
                self._take_out(target, Outage(key=key, seconds=wait, reason=kind, times=target.times, stated=True))
        elif cooldown != 0:
            self._count(key, kind, began, now, cooldown)

    def abandoned(self, key: str) -> None:
        """A call ended without an outcome, or was never made: whoever comes next may ask a target that is due."""
        target = self.out.get(key)
        if target is not None:
            target.probe = -math.inf

    # Beside calls.

    def merge(self, outages: Iterable[Outage]) -> None:
        """Take over what other processes have noticed; what is known already changes nothing."""
        now = self._clock()
        for outage in outages:
            target = self.out.get(outage.key) or self.failing.pop(outage.key, None) or _Target()
            known = target.rests if outage.stated else target.until
            if now + outage.seconds > known + SLACK:
                self._put_out(target, outage, now)

    def conditions(self) -> Mapping[str, Condition]:
        """How all targets stand that are not wholly in; those that nobody asked for long are taken for in."""
        now = self._clock()
        for key, target in tuple(self.out.items()):
            if target.step >= 0:
                self._stepped(key, target, now)
            elif now > target.until + FORGOTTEN:
                del self.out[key]
        return {key: self.condition(key) for key in self.out}

    def _count(self, key: str, kind: Kind, began: float, now: float, cooldown: float | None) -> None:
        target = self.out.get(key)
        if target is None:
            target = self.failing.get(key)
            if target is None:
                if len(self.failing) >= KNOWN:
                    self.failing.clear()
                target = self.failing[key] = _Target()
        elif began < target.since or now < target.until:
            return
        target.failures += 1
        if target.failures >= THRESHOLD or (key in self.out and target.step < 0):
            self.failing.pop(key, None)
            seconds = min(FIRST * 2 ** min(target.times, 30), LONGEST) if cooldown is None else cooldown
            self._take_out(target, Outage(key=key, seconds=seconds, reason=kind, times=target.times + 1))

    def _take_out(self, target: _Target, outage: Outage) -> None:
        self._put_out(target, outage, self._clock())
        self.outs += 1
        self.publish(outage)

    def _put_out(self, target: _Target, outage: Outage, now: float) -> None:
        end = now + outage.seconds
        if outage.stated:
            target.until = target.rests = end
        else:
            target.until = max(end, target.rests)
        target.since, target.times, target.reason = now, outage.times, outage.reason
        target.failures, target.step, target.probe = 0, -1, -math.inf
        self.out[outage.key] = target

    def _stepped(self, key: str, target: _Target, now: float) -> float:
        """The share of a returning target, which may have grown with time."""
        while target.step >= 0 and now >= target.since + STEP_SECONDS:
            self._step(key, target, target.since + STEP_SECONDS)
        return STEPS[target.step] if target.step >= 0 else 1.0

    def _step(self, key: str, target: _Target, now: float) -> None:
        target.step, target.successes, target.since = target.step + 1, 0, now
        if target.step >= len(STEPS):
            target.step = -1
            del self.out[key]


def _to_nobody(outage: Outage) -> None:
    """There is no other process."""
