"""Which servers run on a data directory: a file each, locked while its server lives, with how far its reloads are.

The system frees the lock of a process that dies, however it dies, and does not give it to those forked from it. So a
file's number never stands for another process that has got the same one.
"""

import contextlib
import fcntl
import json
import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from gatewright.errors import ConfigError
from gatewright.supervisor.supervisor import Reloads

SIZE = 4096
"""Bytes of a file, always written as a whole."""

_SUM = 4
"""Bytes of the checksum it begins with: by that, whoever reads while it is written knows to read again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A server that runs.

    Attributes:
        pid: the process to send signals to.
        url: where it listens.
        reloads: how far they are.
    """

    pid: int
    url: str
    reloads: Reloads


class Entry:
    """The file of this process."""

    def __init__(self, descriptor: int, url: str) -> None:
        self._descriptor = descriptor
        self._url = url

    def note(self, reloads: Reloads) -> None:
        """Write how far the reloads are."""
        told = [self._url, reloads.asked, reloads.done, reloads.problem[: SIZE // 8]]
        text = json.dumps(told).encode().ljust(SIZE - _SUM)
        os.pwrite(self._descriptor, zlib.crc32(text).to_bytes(_SUM) + text, 0)


@contextmanager
def entered(folder: Path, url: str) -> Iterator[Entry]:
    """Make the file of this process, and delete it at the end.

    Args:
        folder: where all servers of a data directory have theirs; made when it is not there.
        url: where this one listens.

    Raises:
        ConfigError: when it cannot be written.
    """
    path = folder / str(os.getpid())
    draft = path.with_suffix(".draft")
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(draft, os.O_RDWR | os.O_CREAT, 0o600)
        fcntl.lockf(descriptor, fcntl.LOCK_EX)
        entry = Entry(descriptor, url)
        entry.note(Reloads())
        draft.replace(path)
    except OSError as problem:
        raise ConfigError(f"The data directory cannot be written at {folder}: {problem.strerror}.") from None
    try:
        yield entry
    finally:
        path.unlink(missing_ok=True)
        os.close(descriptor)


def servers(folder: Path) -> list[Running]:
    """All that run now; files that a dead one left are deleted."""
    found = []
    with contextlib.suppress(FileNotFoundError):
        for path in sorted(folder.iterdir()):
            one = _read(path) if path.name.isdecimal() else None
            if one is not None:
                found.append(one)
    return found


def _read(path: Path) -> Running | None:
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return None
    try:
        with contextlib.suppress(BlockingIOError):
            fcntl.lockf(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
            path.unlink(missing_ok=True)
            return None
        found = os.pread(descriptor, SIZE, 0)
        while zlib.crc32(found[_SUM:]) != int.from_bytes(found[:_SUM]):
            found = os.pread(descriptor, SIZE, 0)
        url, asked, done, problem = json.loads(found[_SUM:])
        return Running(pid=int(path.name), url=url, reloads=Reloads(asked=asked, done=done, problem=problem))
    finally:
        os.close(descriptor)
