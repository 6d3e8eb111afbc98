"""Keeps the workers running: starts them, replaces those that die, changes all for new ones without a gap.

A worker is a fork of this process, which loads next to nothing and has no threads: it stays small, and what a worker
needs the worker loads itself, as it is on disk by then.
"""

import contextlib
import logging
import math
import os
import select
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass

from gatewright.errors import GatewrightError
from gatewright.supervisor import worker
from gatewright.supervisor.line import RETIRE
from gatewright.supervisor.worker import HANDLED, Work, Worker

STEADY = 60.0
"""Seconds a worker must have served for its death to be taken for a single one, and not for one more in a row."""

SHORTEST, LONGEST = 0.5, 30.0
"""Seconds until the place of a worker that died again is taken, twice as long each time; the first time, at once."""

SILENT = 30.0
"""Seconds after which a worker that serves is given up when it does not tell that it lives: it is stuck, or stopped."""

START = 120.0
"""Seconds that a successor has to be ready; its predecessor serves meanwhile, and after that too."""

GRACE = 10.0
"""Seconds that a worker has to end, beside those for what is under way."""

LOOK = 1.0
"""Seconds between two looks for what is due, at most."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reloads:
    """How far the reloads are.

    Attributes:
        asked: how many were asked for.
        done: how many of them have ended, one way or the other.
        problem: why the last one left workers that there were before; empty when it did not.
    """

    asked: int = 0
    done: int = 0
    problem: str = ""


@dataclass(slots=True, eq=False)
class _Place:
    """Of one worker.

    Attributes:
        worker: who serves, or is about to.
        successor: who will in its place, once it is ready.
        deaths: how many died here in a row.
        start_at: when the next one is to be started.
    """

    worker: Worker | None = None
    successor: Worker | None = None
    deaths: int = 0
    start_at: float = 0.0


class Supervisor:
    """Runs `count` workers. SIGTERM and SIGINT stop them, SIGHUP changes them for new ones, one by one.

    Args:
        work: what each does.
        count: how many there are. The first one is started alone, and the others once it serves.
        drain: seconds that a worker takes, at most, to complete what is under way when it is told to end.
        lasting: the same when it is told to retire.
        ready: called once, when all serve.
        reloaded: called when a reload is asked for, and when it has ended.
        release: called before the workers are stopped: nobody will serve what this process holds open.
    """

    def __init__(
        self,
        work: Work,
        count: int,
        *,
        drain: float,
        lasting: float,
        ready: Callable[[], None],
        reloaded: Callable[[Reloads], None],
        release: Callable[[], None],
    ) -> None:
        self._work = work
        self._drain = drain
        self._lasting = lasting
        self._ready = ready
        self._reloaded = reloaded
        self._release = release
        self._places = [_Place() for _ in range(count)]
        self._leaving: list[Worker] = []
        self._renewing: list[_Place] = []  # whose worker is yet to be changed
        self._reloads = Reloads()
        self._served = self._complete = self._stopping = False
        self._problem: GatewrightError | None = None
        self._lifeline, self._life = os.pipe()  # nothing is ever written; it ends when this process does
        self._woken, self._wake = os.pipe()
        self._looked = time.monotonic()
        self._terminal = _has_terminal()
        self._nohup = signal.getsignal(signal.SIGHUP) is signal.SIG_IGN

    def run(self) -> None:
        """Until all workers have ended.

        Raises:
            GatewrightError: what kept the very first worker from serving.
            OSError: the system has no room for it.
        """
        os.set_blocking(self._woken, False)
        os.set_blocking(self._wake, False)
        for number in HANDLED:
            signal.signal(number, _take)
        signal.set_wakeup_fd(self._wake)
        self._look(time.monotonic())
        while self._workers() or not self._stopping:
            self._wait()
            self._look(time.monotonic())
        if self._problem is not None:
            raise self._problem

    def _look(self, now: float) -> None:
        """Take in what has happened, and do what follows."""
        if now - self._looked > SILENT / 2:  # this process was stopped, or the machine slept, and so did the workers
            for one in self._workers():
                one.heard = now
        self._looked = now
        for one in self._workers():
            one.listen(now)
        for one in self._workers():
            problem = one.ended(now)
            if problem is not None:
                self._on_end(one, problem, now)
        self._kill(now)
        if not self._stopping:
            self._promote()
            self._fill(now)
            self._renew(now)

    def _wait(self) -> None:
        """Until a worker says something or ends, a signal comes, or something is due."""
        now = time.monotonic()
        due = min((one.start_at for one in self._places if one.worker is None), default=math.inf)
        seconds = min(LOOK, max(0.0, due - now)) if self._served and not self._stopping else LOOK
        news = select.poll()
        for descriptor in (self._woken, *(one.report for one in self._workers())):
            news.register(descriptor, select.POLLIN)
        news.poll(1000 * seconds)
        with contextlib.suppress(BlockingIOError):
            for number in os.read(self._woken, 4096):
                self._on_signal(number)

    def _workers(self) -> list[Worker]:
        held = [one for place in self._places for one in (place.worker, place.successor) if one is not None]
        return held + self._leaving

    # Signals.

    def _on_signal(self, number: int) -> None:
        if number == signal.SIGHUP and self._is_hung_up():
            if not self._nohup:
                self._stop()
        elif number == signal.SIGHUP and not self._stopping:
            self._renewing = list(self._places)
            self._report(Reloads(asked=self._reloads.asked + 1, done=self._reloads.done))
        elif number == signal.SIGINT and self._stopping:
            for one in self._workers():
                one.tell(signal.SIGINT)
        elif number in (signal.SIGINT, signal.SIGTERM):
            self._stop()

    def _is_hung_up(self) -> bool:
        """Whether a SIGHUP says that the terminal is gone; it does so once."""
        had, self._terminal = self._terminal, self._terminal and _has_terminal()
        return had and not self._terminal

    def _stop(self) -> None:
        if self._stopping:
            return
        self._stopping = True
        log.info("the server stops; what is under way may take %g seconds", self._drain)
        self._release()
        for one in self._workers():
            self._dismiss(one, signal.SIGTERM, self._drain)
        for place in self._places:
            place.worker = place.successor = None

    def _dismiss(self, one: Worker, how: signal.Signals, seconds: float) -> None:
        one.tell(how)
        until = time.monotonic() + seconds + GRACE
        if one in self._leaving:
            one.kill_at = min(one.kill_at, until)
        else:
            one.kill_at = until
            self._leaving.append(one)

    # Ends.

    def _on_end(self, one: Worker, problem: GatewrightError, now: float) -> None:
        if one in self._leaving:
            self._leaving.remove(one)
            return
        place = next(place for place in self._places if one in (place.worker, place.successor))
        if place.successor is one:
            place.successor = None
            self._end_reload(problem.public)
            return
        place.worker = None
        if not self._served:
            self._problem = problem
            self._stop()
            return
        place.deaths = 1 if now - one.served >= STEADY else place.deaths + 1
        pause = 0.0 if place.deaths == 1 else min(SHORTEST * 2 ** (place.deaths - 2), LONGEST)
        place.start_at = now + pause
        when = f"in {pause:g} seconds" if pause else "at once"
        log.error("a worker process (%d) is gone, another one takes its place %s: %s", one.pid, when, problem.public)

    def _kill(self, now: float) -> None:
        """End those that take too long."""
        for one in self._workers():
            if now >= one.kill_at:
                late = "did not end in time" if one in self._leaving else f"was not ready within {START:.0f} seconds"
                self._kill_one(one, late)
            elif one.ready and one not in self._leaving and now - one.heard > SILENT:
                self._kill_one(one, f"was stuck for {SILENT:.0f} seconds")

    def _kill_one(self, one: Worker, why: str) -> None:
        log.warning("a worker process (%d) %s and is killed", one.pid, why)
        one.kill(f"{why} and was killed")

    # Beginnings.

    def _promote(self) -> None:
        """Let those serve alone in their place that are ready to."""
        for place in self._places:
            ready = place.successor
            if ready is not None and ready.ready:
                if place.worker is not None:
                    self._dismiss(place.worker, RETIRE, self._lasting)
                place.worker, place.successor = ready, None
                ready.kill_at = math.inf
                place.deaths = 0
        serving = [place for place in self._places if place.worker is not None and place.worker.ready]
        self._served = self._served or bool(serving)
        if not self._complete and len(serving) == len(self._places):
            self._complete = True
            self._ready()

    def _fill(self, now: float) -> None:
        """Start who is missing."""
        for place in self._places:
            if place.worker is None and place.successor is None and now >= place.start_at:
                try:
                    place.worker = self._start(now)
                except OSError as problem:
                    if not self._served:
                        raise
                    place.start_at = now + LONGEST
                    log.error("no worker process can be started: %s", problem.strerror)  # noqa: TRY400 - the system's
            if not self._served:
                return

    def _renew(self, now: float) -> None:
        """Start the next successor, once the one before serves."""
        if not self._complete or any(place.successor is not None for place in self._places):
            return
        if self._renewing:
            place = self._renewing.pop(0)
            try:
                place.successor = self._start(now)
            except OSError as problem:
                self._end_reload(f"No worker process can be started: {problem.strerror}.")
            else:
                place.successor.kill_at = now + START
        elif self._reloads.done < self._reloads.asked:
            self._end_reload("")

    def _end_reload(self, problem: str) -> None:
        self._renewing = []
        if problem:
            log.error("the reload has failed, the workers that there were serve on: %s", problem)
        else:
            log.info("the workers were changed for new ones")
        self._report(Reloads(asked=self._reloads.asked, done=self._reloads.asked, problem=problem))

    def _report(self, reloads: Reloads) -> None:
        self._reloads = reloads
        self._reloaded(reloads)

    def _start(self, now: float) -> Worker:
        foreign = (self._life, self._woken, self._wake, *(one.report for one in self._workers()))
        return worker.start(self._work, now, first=not self._served, lifeline=self._lifeline, foreign=foreign)


def _take(_number: int, _frame: object) -> None:
    """Python writes the signal's number to the pipe that `_wait` reads; nothing else is to happen."""


def _has_terminal() -> bool:
    """Whether this process belongs to a terminal that is still there."""
    try:
        os.close(os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY | os.O_NONBLOCK))
    except OSError:
        return False
    return True
