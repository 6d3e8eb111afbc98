"""A worker process as its parent sees it."""

import contextlib
import logging
import math
import os
import signal
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import NoReturn

from gatewright.errors import GatewrightError, UnavailableError
from gatewright.supervisor.line import FAILED, READY, Line, problem_in

HANDLED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD)
"""The signals that the parent answers itself, and a worker must not take over from it."""

Work = Callable[[Line], None]
"""What a worker does; when it returns or raises, the process ends."""

log = logging.getLogger(__name__)


@dataclass(slots=True, eq=False, kw_only=True)
class Worker:
    """One process.

    Attributes:
        pid: its id.
        report: file descriptor on which it speaks.
        heard: when it said something last, by the monotonic clock.
        served: since when it serves; infinite before.
        kill_at: when it is to be killed; infinite for not at all.
        why: why it was killed; empty when it was not.
    """

    pid: int
    report: int
    heard: float
    served: float = math.inf
    kill_at: float = math.inf
    why: str = ""
    _words: bytes = field(default=b"", repr=False)

    @property
    def ready(self) -> bool:
        """Whether it serves."""
        return self.served < math.inf

    def listen(self, now: float) -> None:
        """Take in what it has said."""
        with contextlib.suppress(BlockingIOError):
            while said := os.read(self.report, 4096):
                self.heard = now
                if self._words or FAILED in said:
                    self._words += said
                elif READY in said:
                    self.served = now

    def tell(self, what: signal.Signals) -> None:
        """Send it a signal."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, what)

    def kill(self, why: str) -> None:
        """End it at once, for this reason: what follows 'A worker process '."""
        self.why, self.kill_at = why, math.inf
        self.tell(signal.SIGKILL)

    def ended(self, now: float) -> GatewrightError | None:
        """Why it has ended; None while it runs. To be asked no more after that."""
        pid, status = os.waitpid(self.pid, os.WNOHANG)
        if not pid:
            return None
        self.listen(now)
        os.close(self.report)
        return problem_in(self._words) or UnavailableError(f"A worker process {self.why or _end(status)}.")


def start(work: Work, now: float, *, first: bool, lifeline: int, foreign: Iterable[int]) -> Worker:
    """Fork a worker.

    Args:
        work: what it does.
        now: by the monotonic clock.
        first: see `Line`.
        lifeline: the same.
        foreign: file descriptors of this process that are to be closed in the worker.

    Raises:
        OSError: when the system has no room for another process.
    """
    report, told = os.pipe()
    for one in (report, told):
        os.set_blocking(one, False)
    sys.stdout.flush()
    sys.stderr.flush()
    # A signal that comes before the worker has handlers of its own must not be taken for one to its parent.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, HANDLED)
    try:
        pid = os.fork()
        if not pid:
            _become(work, Line(first=first, lifeline=lifeline, report=told), (report, *foreign), before)
    except OSError:
        os.close(report)
        raise
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        os.close(told)
    return Worker(pid=pid, report=report, heard=now)


def _become(work: Work, line: Line, foreign: Iterable[int], mask: Iterable[int]) -> NoReturn:
    """What the child does from the fork to its end; it never comes back to the code of its parent."""
    code = 1
    try:
        for one in foreign:
            os.close(one)
        signal.set_wakeup_fd(-1)
        for number in HANDLED:
            signal.signal(number, signal.SIG_DFL)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)  # a terminal sends it to all; it is the parent's to answer
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        work(line)
        code = 0
    except GatewrightError as problem:
        line.failed(problem)
    except BaseException:
        log.exception("a worker process ends for a fault of ours")
    finally:
        with contextlib.suppress(OSError, ValueError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


def _end(status: int) -> str:
    code = os.waitstatus_to_exitcode(status)
    return f"ended with exit code {code}" if code >= 0 else f"was ended by {signal.Signals(-code).name}"
