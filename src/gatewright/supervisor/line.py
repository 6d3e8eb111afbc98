"""What joins a worker process with its parent: two pipes, and the signals between them."""

import contextlib
import os
import signal

from gatewright.errors import ConfigError, GatewrightError, UnavailableError

RETIRE = signal.SIGUSR1
"""Tells a worker that another one serves in its place: it completes what is under way, and ends."""

READY, BEAT, FAILED = b"+", b".", b"!"
"""What a worker says: it serves; it lives; it ends, followed by why."""

_SETUP, _OTHER = b"s", b"o"  # whether it ends for how it was set up

_LONGEST = 4000
"""Bytes of a message. A pipe takes up to 4096 (`PIPE_BUF`, pipe(7)) all at once or not at all."""


class Line:
    """A worker's end.

    Attributes:
        first: whether no worker has served before this one, so that it is the one to make ready what all share.
        lifeline: file descriptor that becomes readable when the parent is gone; None without a parent.
    """

    def __init__(self, *, first: bool = True, lifeline: int | None = None, report: int | None = None) -> None:
        """Speak on the descriptor `report`, which must not block; without one nobody listens."""
        self.first = first
        self.lifeline = lifeline
        self._report = report

    def ready(self) -> None:
        """The worker serves."""
        self._say(READY)

    def beat(self) -> None:
        """It lives."""
        self._say(BEAT)

    def failed(self, problem: GatewrightError) -> None:
        """It ends, and why."""
        kind = _SETUP if isinstance(problem, ConfigError) else _OTHER
        self._say(FAILED + kind + problem.public.encode("utf-8", "replace")[:_LONGEST])

    def _say(self, word: bytes) -> None:
        if self._report is not None:
            with contextlib.suppress(OSError):  # the parent is gone, or far behind
                os.write(self._report, word)


def problem_in(words: bytes) -> GatewrightError | None:
    """Why a worker ended, from all that it said; None when it said nothing of that."""
    told = words.partition(FAILED)[2]
    if not told:
        return None
    public = told[1:].decode("utf-8", "ignore")  # its end may be cut
    return ConfigError(public) if told[:1] == _SETUP else UnavailableError(public)
