"""What one process has written to its journal and nobody has stored yet: its folder, read from the oldest file on.

A folder belongs to the process that holds its lock. The system frees the lock of a process that dies, however it
dies; whoever gets it then empties the folder.
"""

import contextlib
import fcntl
import logging
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from gatewright.ledger import frames
from gatewright.ledger.record import Record

CHUNK = 1 << 19
"""Bytes that are read, and stored in one transaction, at a time: some 2,500 records."""

SUFFIX = ".j1"
"""Of a journal's files: another form of frames would have another one."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Batch:
    """Records that were read together.

    Attributes:
        records: the records, in the order they were written.
        path: their file.
        offset: where reading goes on once they are stored.
        done: whether the file can be deleted then.
        more: whether others are known to follow.
    """

    records: list[Record]
    path: Path
    offset: int
    done: bool
    more: bool


class Spool:
    """The files of one folder. One thread reads; another may write the last file meanwhile.

    Args:
        folder: where the files are; it may be gone.
        written: name of the file that is being written, or will be next; empty when nothing will be.

    Attributes:
        taken: records that were released.
        freed: bytes of the files that were deleted.
    """

    def __init__(self, folder: Path, written: Callable[[], str] = str) -> None:
        self.folder = folder
        self.taken = 0
        self.freed = 0
        self._written = written
        self._name = ""  # the file that was read in part, and how far
        self._offset = 0

    def read(self) -> Batch | None:
        """The oldest records that were not released, at most `CHUNK` bytes; None when there are none.

        Raises:
            OSError: when a file cannot be read.
        """
        while (batch := self._next()) is not None and not batch.records:
            self.release(batch)
        return batch

    def release(self, batch: Batch) -> None:
        """Forget the records of the batch that was read last: they are stored."""
        self._name, self._offset = batch.path.name, batch.offset
        if batch.done:
            self.freed += batch.path.stat().st_size
            batch.path.unlink()
        self.taken += len(batch.records)

    def _next(self) -> Batch | None:
        """What comes next in the oldest file: records, damage or its end; None when that must be written first."""
        # In this order: then every file but the one that is being written is complete, and stays so.
        folder = self.folder
        written = self._written()
        path = min(files(folder), default=None)
        if path is None:
            return None
        begin = self._offset if path.name == self._name else 0
        data = _read(path, begin)
        complete = path.name != written
        done = complete and len(data) < CHUNK
        found = frames.read(data, last=done)
        if found.damaged:
            log.warning("%s: %d bytes after byte %d are no records, and are left out", path, found.damaged, begin)
        if not (done or found.taken):
            return None
        return Batch(found.records, path, begin + found.taken, done, complete or len(data) == CHUNK)


@contextlib.contextmanager
def claim(folder: Path) -> Iterator[Spool | None]:
    """What a process left that has died; None when it lives. A folder that was emptied is deleted at the end.

    Raises:
        OSError: when the folder cannot be read.
    """
    handle = lock(folder)
    if handle is None:
        yield None
        return
    try:
        yield Spool(folder)
    finally:
        with contextlib.suppress(OSError):  # not empty
            folder.rmdir()
        os.close(handle)


def lock(folder: Path) -> int | None:
    """Lock a folder; the handle that holds the lock until it is closed, or None when it is locked or gone.

    Raises:
        OSError: when the folder cannot be opened.
    """
    try:
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except FileNotFoundError:
        return None
    with contextlib.suppress(BlockingIOError, FileNotFoundError):
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # Whoever had the lock before may have deleted the folder; a lock on that is worth nothing.
        if folder.stat().st_ino == os.fstat(handle).st_ino:
            return handle
    os.close(handle)
    return None


def files(folder: Path) -> list[Path]:
    """The journal files of a folder; none when it is gone."""
    with contextlib.suppress(FileNotFoundError), os.scandir(folder) as found:
        return [folder / one.name for one in found if one.name.endswith(SUFFIX)]
    return []


def _read(path: Path, begin: int) -> bytes:
    with path.open("rb", buffering=0) as file:
        return os.pread(file.fileno(), CHUNK, begin)
