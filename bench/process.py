"""Processes of the benchmark: started on given cores, waited for, measured, and always stopped."""

import contextlib
import http.client
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bench import machine

PATIENCE = 90.0
"""Seconds a server may take to be ready."""


class NotReadyError(Exception):
    """A server did not come up; the message holds the end of its log."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """An HTTP request that a server answers once it is ready.

    Attributes:
        port: on 127.0.0.1.
        path: with the query, if any.
        headers: without Host and Content-Length.
        body: POSTed unless empty.
    """

    port: int
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    def answer(self) -> tuple[int, bytes]:
        """Send it; status and body of the answer, 0 when there is none."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        with contextlib.closing(connection):
            try:
                connection.request("POST" if self.body else "GET", self.path, self.body or None, dict(self.headers))
                reply = connection.getresponse()
                return reply.status, reply.read()
            except (OSError, http.client.HTTPException) as problem:
                return 0, str(problem).encode()


@dataclass(frozen=True, slots=True)
class Running:
    """A process that serves.

    Attributes:
        pid: its id; 0 for none at all.
        ready_seconds: from its start to its first answer.
    """

    pid: int
    ready_seconds: float

    def cpu_by_process(self) -> dict[int, float]:
        """CPU seconds so far, of it and each of its descendants."""
        return {one: machine.cpu_seconds(one) for one in machine.tree(self.pid)} if self.pid else {}

    def cpu_seconds(self) -> float:
        """The same, added up."""
        return sum(self.cpu_by_process().values())

    def memory_bytes(self) -> int:
        """Memory now; pages shared by its processes count once."""
        return machine.memory_bytes(self.pid) if self.pid else 0


@contextmanager
def serving(
    command: list[str], ready: Ask, *, cores: set[int], log: Path, environment: Mapping[str, str] | None = None
) -> Iterator[Running]:
    """Start a server on these cores, wait until it answers `ready` with 200, stop it at the end.

    Raises:
        NotReadyError: it ended, or did not answer within `PATIENCE`.
    """
    with log.open("wb") as output, machine.pinned(cores):
        began = time.monotonic()
        process = subprocess.Popen(
            command, env=environment, stdout=output, stderr=output, cwd=log.parent, start_new_session=True
        )
    try:
        while (answer := ready.answer())[0] != 200:
            late = time.monotonic() - began > PATIENCE
            if late or process.poll() is not None:
                last = log.read_text(errors="replace")[-1500:]
                raise NotReadyError(f"{command[0]} is not ready; its last answer: {answer}; its log ends:\n{last}")
            time.sleep(0.005)
        yield Running(process.pid, time.monotonic() - began)
    finally:
        _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    """Politely, then by force, with all it has started."""
    process.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(5)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def free_port() -> int:
    """A loopback port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
