"""The demo's processes. Each ends when it is told to, and also when the demo itself dies."""

import http.client
import multiprocessing
import os
import signal
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from gatewright.errors import UnavailableError

GRACE = 10.0
"""Seconds a process has to end by itself."""

_SPAWN = multiprocessing.get_context("spawn")


class Child:
    """A function that runs in a process of its own and serves HTTP on a loopback port."""

    def __init__(self, name: str, log: Path, port: int, target: Callable[..., None], *arguments: object) -> None:
        """Start it; `ready` tells when it serves.

        Args:
            name: what a person calls it.
            log: file that gets its output.
            port: where it will listen.
            target: a module's function; it takes `port`, then `arguments`, which are pickled.
            arguments: what only this process is told; no other process can see them.
        """
        self.name, self.log, self.port = name, log, port
        self._process = _SPAWN.Process(target=_run, args=(log, target, (port, *arguments)), name=name)
        self._process.start()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def sentinel(self) -> int:
        """What `multiprocessing.connection.wait` sees ready once the process has ended."""
        return self._process.sentinel

    def ready(self, seconds: float) -> None:
        """Wait until `GET /health` answers 200.

        Raises:
            UnavailableError: when the process ends first, or the time is over.
        """
        deadline = time.monotonic() + seconds
        while not _healthy(self.port):
            if not self._process.is_alive():
                raise UnavailableError(f"The {self.name} ended while starting{self.last_words()}.")
            if time.monotonic() > deadline:
                raise UnavailableError(f"The {self.name} did not start within {seconds:.0f} seconds; see {self.log}.")
            time.sleep(0.05)

    def last_words(self) -> str:
        """Why it ended, as far as its log tells: `: reason; see FILE`."""
        lines = self.log.read_text(errors="replace").splitlines() if self.log.exists() else []
        reason = next((line.strip() for line in reversed(lines) if line.strip()), "nothing was logged")
        return f": {reason[:200].rstrip('.')}; see {self.log}"

    def stop(self) -> None:
        """End it, by force after `GRACE` seconds."""
        self._process.terminate()
        self._process.join(GRACE)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()


def free_port(wanted: int = 0) -> int:
    """`wanted` when nobody listens on it, else a free loopback port."""
    with socket.socket() as probe:
        # As the server does: a port whose last connections still time out is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", wanted))
        except OSError:
            return free_port()
        return int(probe.getsockname()[1])


def _healthy(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", "/health")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _run(log: Path, target: Callable[..., None], arguments: tuple[object, ...]) -> None:
    # Out of the terminal's group: Ctrl-C reaches the demo alone, which ends its processes in order.
    os.setpgrp()
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    os.dup2(output, 1)
    os.dup2(output, 2)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    # What ends us is what we were told, not a failure to report.
    with suppress(KeyboardInterrupt):
        target(*arguments)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(GRACE)
    os.kill(os.getpid(), signal.SIGKILL)
