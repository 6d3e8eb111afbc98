"""Where the workers of a machine keep what they have counted: a folder, with a place of its own for each.

A worker holds the lock of its place. The system frees the lock of a worker that dies, however it dies; the next worker
to start takes the place, and counts on from what it finds there. So nothing is lost when a worker is replaced, and
there are never more places than there were workers at once.
"""

import contextlib
import fcntl
import itertools
import logging
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from gatewright.errors import ConfigError
from gatewright.telemetry.families import BY_REQUEST, READ_COUNTERS, Labels

SUFFIX = ".m1"
"""Of a worker's file: another form of `State` would have another one."""

Counts = dict[str, dict[Labels, list[int]]]
"""Values by family and labels; see `exposition.render` for those of a histogram."""

log = logging.getLogger(__name__)


class State(msgspec.Struct, array_like=True):
    """What one worker has counted, its predecessors in the same place included.

    Attributes:
        pid: the worker.
        counts: all counters and histograms.
        gauges: by family, as they were when this was written.
    """

    pid: int
    counts: Counts
    gauges: dict[str, float]


encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(State).decode
_SHAPES = {family.name: (len(family.labels), family.width) for family in (*BY_REQUEST, *READ_COUNTERS)}


def decode(data: bytes) -> State:
    """A state as it was written; what another version counted in another way is left out.

    Raises:
        msgspec.DecodeError: when it is none.
    """
    state = _decode(data)
    for name, series in state.counts.items():
        shape = _SHAPES.get(name)
        state.counts[name] = {key: values for key, values in series.items() if (len(key), len(values)) == shape}
    return state


@dataclass(frozen=True, slots=True)
class Found:
    """What another worker has written.

    Attributes:
        place: number of its place.
        state: what it counted.
        alive: whether the worker lives; else only its counts mean something.
    """

    place: int
    state: State
    alive: bool


class Shelf:
    """The folder, and the place in it that this process has taken. To be used by one thread at a time.

    Args:
        folder: where all workers of this machine have theirs; made when it is not there.

    Attributes:
        place: number of the place; 0 before one was taken.
    """

    def __init__(self, folder: Path) -> None:
        self.place = 0
        self._folder = folder
        self._lock = -1
        self._failing = False

    def take(self) -> State | None:
        """Take the first free place; what was left there.

        Raises:
            ConfigError: when the folder cannot be written.
        """
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            for place in itertools.count():
                handle = os.open(self._folder / f"{place}.lock", os.O_RDWR | os.O_CREAT, 0o600)
                if _locked(handle, fcntl.LOCK_EX):
                    self.place, self._lock = place, handle
                    break
                os.close(handle)
        except OSError as problem:
            raise ConfigError(f"The metrics in {self._folder} cannot be written: {problem.strerror}.") from None
        return _read(self._path(self.place))

    def put(self, data: bytes) -> None:
        """Replace what is in the place, all at once. That it cannot be written is said once, and nothing fails."""
        if self._lock < 0:
            return
        draft = self._folder / f"{self.place}.draft"
        try:
            draft.write_bytes(data)
            draft.replace(self._path(self.place))
            self._failing = False
        except OSError as problem:
            if not self._failing:
                self._failing = True
                log.warning("other workers cannot see the metrics of this one in %s: %s", self._folder, problem)

    def others(self) -> Iterator[Found]:
        """What is in all other places."""
        with contextlib.suppress(OSError):
            for path in sorted(self._folder.glob(f"*{SUFFIX}")):
                place = int(path.stem) if path.stem.isdecimal() else self.place
                state = None if place == self.place else _read(path)
                if state is not None:
                    yield Found(place, state, _is_held(path.with_suffix(".lock")))

    def leave(self) -> None:
        """Give the place to whoever comes next."""
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def _path(self, place: int) -> Path:
        return self._folder / f"{place}{SUFFIX}"


def clear(folder: Path) -> None:
    """Forget what workers have counted that are gone: a server that starts counts from zero, as all servers do."""
    with contextlib.suppress(OSError):  # a worker that cannot write there says so
        for path in folder.glob(f"*{SUFFIX}"):
            if not _is_held(path.with_suffix(".lock")):
                path.unlink(missing_ok=True)


def _read(path: Path) -> State | None:
    with contextlib.suppress(FileNotFoundError, msgspec.DecodeError):
        return decode(path.read_bytes())
    return None


def _is_held(path: Path) -> bool:
    try:
        handle = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        return not _locked(handle, fcntl.LOCK_SH)
    finally:
        os.close(handle)


def _locked(handle: int, kind: int) -> bool:
    """Lock an open file, unless another process has it."""
    try:
        fcntl.flock(handle, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
