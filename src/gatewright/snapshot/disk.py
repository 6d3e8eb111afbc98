"""The last good snapshot on local disk, encrypted, so that a process can start while the database is away.

The file is one line that tells its form and what it is a snapshot of, then the sealed content: MessagePack of the
snapshot as plain data (see `plain`) and of the time it was written. The line is bound to the content, so neither can be
changed alone. A file takes the place of the one before it as a whole.
"""

import fcntl
import hashlib
import logging
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import msgspec

from gatewright.errors import ConfigError
from gatewright.snapshot.model import Snapshot
from gatewright.snapshot.plain import plain, restored

FORM = 2
"""Of the content. A field with a default may be added to the snapshot without another one; a default that is changed
needs one."""

_MAGIC = "gatewright-snapshot"

log = logging.getLogger(__name__)


class Vault(Protocol):
    """What encrypts; see `control/crypto.py`."""

    def seal_file(self, binding: str, content: bytes) -> bytes:
        """Encrypt for `binding`."""
        ...

    def open_file(self, binding: str, data: bytes, path: Path) -> bytes:
        """Decrypt, or raise a ConfigError that names `path`."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved:
    """What was on disk.

    Attributes:
        snapshot: of the database alone, without what the settings admit.
        at: when it was written, in seconds since the epoch.
    """

    snapshot: Snapshot
    at: float


class Disk:
    """One file. Several processes may write it, one after the other, and read it at any time.

    Args:
        path: the file; its folder is there.
        vault: encrypts it.
        of: what the snapshot is of: the database, and the settings it was compiled under. What was written for
            anything else is passed over.
    """

    def __init__(self, path: Path, vault: Vault, of: str) -> None:
        self.path = path
        self._vault = vault
        self._line = f"{_MAGIC} {FORM} {hashlib.sha256(of.encode()).hexdigest()}\n"

    def write(self, snapshot: Snapshot) -> None:
        """Put `snapshot` in the place of what was there; when this returns it survives a power cut.

        Raises:
            OSError: when the file cannot be written; the one before stays.
            ConfigError: when the keys cannot be read.
        """
        content = msgspec.msgpack.encode({"at": time.time(), "snapshot": plain(snapshot)})
        data = self._line.encode("ascii") + self._vault.seal_file(self._line, content)
        draft = self.path.with_name(f"{self.path.name}.draft")
        with self._alone():
            descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(descriptor)
            draft.replace(self.path)
            _sync(self.path.parent)

    def holds(self) -> bool:
        """Whether there is a file for this database, as far as its first line tells, and in whatever form."""
        try:
            with self.path.open("rb") as file:
                return self._is_ours(file.readline(len(self._line) + 10))
        except OSError:
            return False

    def read(self) -> Saved | None:
        """What is there; None when there is nothing, or only the snapshot of something else.

        Raises:
            ConfigError: when it cannot be used: another key or form, damage; says which, and what to do.
        """
        try:
            data = self.path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as problem:
            raise ConfigError(f"The file {self.path} cannot be read: {problem.strerror}.") from None
        line, _, sealed = data.partition(b"\n")
        if line + b"\n" != self._line.encode("ascii"):
            if not self._is_ours(line):
                log.warning("%s is passed over: it is of another database, or of other settings", self.path)
                return None
            raise self._unfit("it was written by another version of Gatewright")
        content = self._vault.open_file(self._line, sealed, self.path)
        try:
            found = msgspec.msgpack.decode(content)
            return Saved(snapshot=restored(Snapshot, found["snapshot"]), at=float(found["at"]))
        except (ValueError, TypeError, KeyError) as problem:
            raise self._unfit(f"it was written by another version of Gatewright ({problem})") from None

    def _is_ours(self, line: bytes) -> bool:
        """Whether a first line is of this database; one that cannot be read is taken for it, for it must be told."""
        words = line.decode("ascii", "replace").split()
        return len(words) != 3 or words[0] != _MAGIC or words[2] == self._line.split()[2]

    def _unfit(self, why: str) -> ConfigError:
        return ConfigError(f"The file {self.path} cannot be used: {why}. Delete the file.")

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Let no other process write meanwhile. The lock is a file of its own, for the other one is replaced."""
        descriptor = os.open(self.path.with_name(f"{self.path.name}.lock"), os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
