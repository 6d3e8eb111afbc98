"""Keeps each finished request on disk, by one write, until the ledger has it. It survives the process, however it dies.

Each process writes files of its own, in a folder of its own; see `spool`. What it appends is safe from `kill -9` at
once; a power cut may cost what the system had not yet put on the disk. A journal that cannot write, or may not, loses
the record, counts it and says so: a request never fails for it.
"""

import contextlib
import errno
import logging
import os
import secrets
import time
from pathlib import Path

from gatewright.errors import ConfigError
from gatewright.ledger import frames
from gatewright.ledger.record import Record
from gatewright.ledger.spool import SUFFIX, Spool, files, lock

SEGMENT = 4 << 20
"""Bytes after which a file is closed and the next begun. Files are deleted whole."""

MARKS = (0.5, 0.8, 0.95)
"""How full the journal is when that is said; it is said again once it was a tenth emptier meanwhile."""

QUIET = 10.0
"""Seconds between two messages about lost records."""

log = logging.getLogger(__name__)


class Journal:
    """The journal of this process. One thread appends; another may read the `spool`, `look` and `close`.

    Args:
        folder: where all processes of this machine have theirs; made when it is not there.
        limit: most bytes of all their journals together.
        segment: bytes of one file.

    Attributes:
        spool: what waits to be stored.
        lost: records that could not be kept, since the start.
    """

    def __init__(self, folder: Path, *, limit: int, segment: int = SEGMENT) -> None:
        self._folder = folder
        self._limit = limit
        self._segment = segment
        self._number = 0  # of the next file
        self._name = self._next_name()  # of the file that is being written, or will be next
        self._left = 0  # bytes until it is begun
        self._file = self._lock = -1
        self._appended = self._written = 0  # records and bytes, since the start
        self._elsewhere = 0  # bytes of the other processes' journals, when last looked at
        self._said = 0  # how many of `MARKS`
        self._mark = 0.0  # bytes of our own after which something must be said or refused
        self._quiet_until = 0.0
        self.lost = 0
        self.spool = Spool(folder, lambda: self._name)
        self._set_mark()

    @property
    def depth(self) -> int:
        """How many records of this process wait to be stored."""
        return self._appended - self.spool.taken

    @property
    def size(self) -> int:
        """Bytes of this process's files."""
        return self._written - self.spool.freed

    def open(self) -> None:
        """Make the folder of this process and lock it, unless a record came first and it is there.

        Raises:
            ConfigError: when that cannot be done.
        """
        try:
            if self._lock < 0:
                self._open()
            self.look()
        except OSError as problem:
            raise ConfigError(f"The journal in {self._folder} cannot be written: {problem.strerror}.") from None

    def append(self, record: Record) -> None:
        """Keep a record, by one write of some microseconds; never raises."""
        frame = frames.write(record)
        size = len(frame)
        if self.size + size >= self._mark and not self._has_room(size):
            self._lose(f"it holds {self._limit >> 20} MiB, its limit")
            return
        try:
            if size > self._left:
                self._begin_file()
            self._write(frame)
        except OSError as problem:
            self._lose(str(problem.strerror))
            return
        self._left -= size
        self._written += size
        self._appended += 1

    def look(self) -> None:
        """See how much the other processes hold, and whether our own files are still there.

        Raises:
            OSError: when the folder cannot be read.
        """
        found = 0
        for path in (file for folder in self.others() for file in files(folder)):
            with contextlib.suppress(FileNotFoundError):  # stored and deleted meanwhile
                found += path.stat().st_size
        self._elsewhere = found
        held = self.size + found
        self._said = sum(held >= (mark - 0.1) * self._limit for mark in MARKS[: self._said])
        self._set_mark()
        if not self.spool.folder.exists():
            self._left = 0  # somebody deleted it: the next record begins a file that can be found

    def others(self) -> list[Path]:
        """The folders of other processes, those that have died included.

        Raises:
            OSError: when the folder cannot be read.
        """
        with contextlib.suppress(FileNotFoundError):
            return [one for one in self._folder.iterdir() if one != self.spool.folder and one.is_dir()]
        return []

    def close(self) -> None:
        """Close the files and delete what was stored of them. A record that comes later waits for the next start."""
        self._left, file, self._file = 0, self._file, -1
        if file >= 0:
            os.close(file)
        self._name = self._next_name()
        if self._lock >= 0:
            with contextlib.suppress(OSError):
                self.spool.read()
            with contextlib.suppress(OSError):  # something waits in it
                self.spool.folder.rmdir()
            os.close(self._lock)
            self._lock = -1

    def _open(self) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = None
        while handle is None:  # another process may have taken it for that of a dead one
            own = self._folder / f"{os.getpid()}-{secrets.token_hex(8)}"
            own.mkdir(mode=0o700)
            handle = lock(own)
        self.spool.folder = own
        self._lock = handle

    def _begin_file(self) -> None:
        """Write on in a new file."""
        self._left = 0
        # A reader takes every other file for complete, so it learns the name before there is a file.
        self._name = self._next_name()
        if self._lock >= 0 and not self.spool.folder.exists():
            self._forget()
        if self._lock < 0:
            self._open()
        file = os.open(self.spool.folder / self._name, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        if self._file >= 0:
            os.close(self._file)
        self._file = file
        self._number += 1
        self._left = self._segment

    def _next_name(self) -> str:
        return f"{self._number:08}{SUFFIX}"

    def _write(self, frame: bytes) -> None:
        if os.write(self._file, frame) != len(frame):
            # The disk had room for its beginning only. Where that cannot be taken back, readers pass over it.
            with contextlib.suppress(OSError):
                os.ftruncate(self._file, self._segment - self._left)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def _forget(self) -> None:
        """Somebody deleted the folder, with all that waited in it."""
        self.lost += self.depth
        log.error("the journal %s was deleted; %d requests were not stored yet", self.spool.folder, self.depth)
        self._appended, self._written = self.spool.taken, self.spool.freed
        os.close(self._lock)
        self._lock = -1

    def _has_room(self, size: int) -> bool:
        """Whether so many bytes still fit. Says how full it is, when it is fuller than what was said last."""
        held = self.size + self._elsewhere + size
        while self._said < len(MARKS) and held >= MARKS[self._said] * self._limit:
            log.warning(_FULLER, self._folder, MARKS[self._said] * 100, self._limit >> 20)
            self._said += 1
        self._set_mark()
        return held <= self._limit

    def _set_mark(self) -> None:
        self._mark = (*MARKS, 1.0)[self._said] * self._limit - self._elsewhere

    def _lose(self, why: str) -> None:
        self.lost += 1
        now = time.monotonic()
        if now >= self._quiet_until:
            self._quiet_until = now + QUIET
            log.error("the journal in %s cannot keep requests, %d are lost so far: %s", self._folder, self.lost, why)


_FULLER = (
    "the journal in %s is %d %% full: requests wait there while the database cannot store them. At its limit of %d MiB "
    "(GATEWRIGHT_JOURNAL_LIMIT) they are served on, but no longer recorded."
)
