"""How the workers of one machine tell each other of outages at once: a datagram from each to each.

The shared store is slower, by as long as one waits between two looks at it; and it may be away.
"""

import asyncio
import contextlib
import logging
import os
import socket
from collections.abc import Callable, Iterable
from pathlib import Path

import msgspec

from gatewright.snapshot.outage import Outage

MOST = 4096
"""Bytes of the longest datagram."""

SUFFIX = ".sock"

log = logging.getLogger(__name__)

_decode = msgspec.msgpack.Decoder(Outage).decode


class Neighbours:
    """The sockets of all workers, in a folder that only the server's user can enter.

    Args:
        folder: made when it is not there.
        heard: is told what another worker has noticed.
    """

    def __init__(self, folder: Path, heard: Callable[[Iterable[Outage]], None]) -> None:
        self._folder = folder
        self._heard = heard
        self._path = folder / f"{os.getpid()}{SUFFIX}"
        self._handle = -1
        self._socket: socket.socket | None = None

    def open(self) -> None:
        """Begin to listen. Where that cannot be, the workers learn from the shared store alone."""
        one = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        one.setblocking(False)
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._handle = os.open(self._folder, os.O_RDONLY)
            self._path.unlink(missing_ok=True)  # of a process that had our number before
            one.bind(self._address(self._path))
        except OSError as problem:
            one.close()
            log.warning("workers tell each other of outages through the shared store alone: %s", problem)
            return
        self._socket = one
        asyncio.get_running_loop().add_reader(one.fileno(), self._read, one)

    def close(self) -> None:
        """Listen no more."""
        if self._socket is not None:
            asyncio.get_running_loop().remove_reader(self._socket.fileno())
            self._socket.close()
            self._socket = None
            self._path.unlink(missing_ok=True)
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1

    def tell(self, outage: Outage) -> None:
        """Tell the others; whoever cannot hear it now learns it from the shared store."""
        if self._socket is None:
            return
        said = msgspec.msgpack.encode(outage)
        with contextlib.suppress(OSError):
            for path in self._folder.iterdir():
                if path.suffix == SUFFIX and path != self._path:
                    self._send(self._socket, said, path)

    def _send(self, own: socket.socket, said: bytes, path: Path) -> None:
        try:
            own.sendto(said, self._address(path))
        except ConnectionRefusedError:  # its process was killed
            path.unlink(missing_ok=True)
        except OSError:  # it has gone meanwhile, or has more to read than it can
            pass

    def _read(self, own: socket.socket) -> None:
        with contextlib.suppress(OSError, msgspec.MsgspecError):
            self._heard([_decode(own.recv(MOST))])

    def _address(self, path: Path) -> str:
        """The path of a socket; where the system has one a short form of it, for it takes no more than 107 bytes."""
        short = Path(f"/proc/self/fd/{self._handle}")
        return str(short / path.name if short.exists() else path)
