"""The key-encryption keys (KEK) of an installation, and the file they may come from.

They are given by `GATEWRIGHT_KEK`, or a file; the first encrypts, the others only decrypt. There is no built-in key.
"""

import base64
import binascii
import fcntl
import functools
import glob
import hashlib
import logging
import os
import re
import secrets
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from gatewright.errors import ConfigError
from gatewright.settings import Settings

KEY_BYTES = 32
_UNFINISHED = ".tmp"
_HEX_KEY = re.compile(r"[0-9a-fA-F]{64}")

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Key:
    """A key-encryption key.

    Attributes:
        material: 32 secret bytes.
    """

    material: bytes = field(repr=False)

    @property
    def id(self) -> str:
        """16 hex digits of a hash: which key wrapped a row, without telling anything about the key."""
        return hashlib.sha256(b"gatewright kek id\0" + self.material).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Rotation:
    """A rotation under way.

    Attributes:
        key: the new key.
        retire: takes every other key out of the key file and tells how many went. Only after
            `store.secrets.rewrap_all`: what an old key still wraps is lost with it, backups included.
    """

    key: Key
    retire: Callable[[], int]


class Keyring:
    """The key-encryption keys of this installation, the encrypting one first."""

    def __init__(self, keys: Iterable[Key], path: Path | None = None, seen: object = None) -> None:
        """Hold `keys`.

        Args:
            keys: the encrypting one first.
            path: the file they came from; None when they came from the environment.
            seen: the file's stamp from before it was read.
        """
        self._keys = _unique(keys)
        self._former: tuple[Key, ...] = ()
        self._refreshing = threading.Lock()
        self._path = path
        self._seen = seen

    @classmethod
    def load(cls, settings: Settings) -> "Keyring":
        """Read the keys from `GATEWRIGHT_KEK`, else from the key file, else make that file with a new random key.

        Several processes may do this at once: all of them end up with the same key. A file that was named by
        `GATEWRIGHT_KEK_FILE` is never made, for a misspelt path must not lead to a second key.

        Raises:
            ConfigError: for keys that cannot be read; their text is not repeated.
        """
        if settings.kek:
            return cls(_parse(settings.kek, "GATEWRIGHT_KEK"))
        path = settings.kek_path
        if not path.exists():
            if settings.kek_file:
                raise ConfigError(f"The key file {path} (GATEWRIGHT_KEK_FILE) does not exist.")
            _make(path)
        seen = _stamp(path)
        return cls(_read(path), path, seen)

    @property
    def primary(self) -> Key:
        """The key that encrypts."""
        return self._keys[0]

    @property
    def ids(self) -> tuple[str, ...]:
        """Ids of all keys, the encrypting one first."""
        return tuple(key.id for key in self._keys)

    def find(self, kek_id: str) -> Key | None:
        """The key with this id, or None; also one that went out of the file while this process runs.

        What was read from the database just before a rotation is opened just after it.
        """
        return next((key for key in (*self._keys, *self._former) if key.id == kek_id), None)

    def refresh(self) -> None:
        """Read the key file again if it changed, so that a rotation reaches a running process.

        Raises:
            ConfigError: when the changed file cannot be read; the keys in memory stay.
        """
        # One thread at a time: a slow one must not put older keys over those that another has just read.
        with self._refreshing:
            if self._path is not None and (seen := _stamp(self._path)) != self._seen:
                self._take(_unique(_read(self._path)), seen)

    @contextmanager
    def rotation(self) -> Iterator["Rotation"]:
        """Put a new random key in front of the others in the key file, in one atomic step, and use it.

        The old keys stay in the file and decrypt until `Rotation.retire` takes them out. Until the block ends no other
        rotation begins, in any process: each would drop the other's new key.

        Raises:
            ConfigError: when another rotation is under way, or the keys come from the environment, which only the
                operator can change.
        """
        path = self._path
        if path is None:
            raise ConfigError(
                "The keys come from GATEWRIGHT_KEK, so only you can rotate them: put the new key in front of the old "
                "one there, restart every process, then re-wrap the secrets."
            )
        with _alone(path):
            self.refresh()
            self._replace(path, (Key(secrets.token_bytes(KEY_BYTES)), *self._keys))
            yield Rotation(self.primary, functools.partial(self._retire, path))

    def _retire(self, path: Path) -> int:
        self.refresh()
        gone = len(self._keys) - 1
        self._replace(path, self._keys[:1])
        return gone

    def _replace(self, path: Path, keys: tuple[Key, ...]) -> None:
        temporary = _write_beside(path, keys)
        temporary.replace(path)
        _sync_folder(path.parent)
        self._take(keys, _stamp(path))
        # What a rotation left that was killed while it wrote; it holds keys.
        for leftover in path.parent.glob(f".{glob.escape(path.name)}-*{_UNFINISHED}"):
            leftover.unlink(missing_ok=True)

    def _take(self, keys: tuple[Key, ...], seen: object) -> None:
        self._former = _unique((*self._keys, *self._former))
        self._keys, self._seen = keys, seen


def _unique(keys: Iterable[Key]) -> tuple[Key, ...]:
    return tuple(dict.fromkeys(keys))


def _parse(text: str, source: str) -> tuple[Key, ...]:
    lines = (line.partition("#")[0] for line in text.splitlines())
    words = [word for line in lines for word in line.replace(",", " ").split()]
    if not words:
        raise ConfigError(f"{source} holds no key: give base64 or hex of 32 random bytes.")
    return tuple(_key(word, number, source) for number, word in enumerate(words, 1))


def _key(word: str, number: int, source: str) -> Key:
    try:
        if _HEX_KEY.fullmatch(word):
            material = bytes.fromhex(word)
        else:
            padded = word.rstrip("=") + "=" * (-len(word.rstrip("=")) % 4)
            material = base64.b64decode(padded.replace("-", "+").replace("_", "/"), validate=True)
    except (binascii.Error, ValueError):
        material = b""
    if len(material) != KEY_BYTES:
        raise ConfigError(f"{source}: key number {number} is not base64 or hex of 32 bytes.")
    return Key(material)


def _read(path: Path) -> tuple[Key, ...]:
    try:
        text = path.read_text("ascii")
        readable_by_others = path.stat().st_mode & 0o007
    except (OSError, UnicodeDecodeError) as problem:
        raise ConfigError(f"The key file {path} cannot be read: {type(problem).__name__}.") from None
    if readable_by_others:
        log.warning("The key file %s is open to every user of this machine: chmod 600 it.", path)
    return _parse(text, f"The key file {path}")


def _stamp(path: Path | None) -> tuple[int, int, int] | None:
    """What changes when a file is replaced or rewritten."""
    try:
        found = path.stat() if path else None
    except OSError:
        return None
    return found and (found.st_ino, found.st_mtime_ns, found.st_size)


def _make(path: Path) -> None:
    """Write a new random key to `path`, unless another process was faster."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        temporary = _write_beside(path, (Key(secrets.token_bytes(KEY_BYTES)),))
        try:
            # A link appears with its whole content, and never over an existing file.
            os.link(temporary, path)
        except FileExistsError:
            return
        finally:
            temporary.unlink()
        _sync_folder(path.parent)
    except OSError as problem:
        raise ConfigError(f"The key file {path} cannot be made: {problem.strerror}.") from None
    log.warning(
        "A new random key-encryption key was made in %s. Without this file no stored secret can be read: back it up, "
        "apart from the database.",
        path,
    )


def _write_beside(path: Path, keys: tuple[Key, ...]) -> Path:
    """A temporary file (mode 0600, on disk for sure) with the keys, ready to take the place of `path`."""
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}-", suffix=_UNFINISHED, dir=path.parent)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.writelines(f"{base64.b64encode(key.material).decode()}\n" for key in keys)
        file.flush()
        os.fsync(file.fileno())
    return Path(name)


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Let nobody else change a key file; the lock is on its folder, for the file itself is replaced."""
    descriptor = os.open(path.parent, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ConfigError(f"Another rotation of {path} is under way. Wait for it, then run this again.") from None
        yield
    finally:
        os.close(descriptor)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
