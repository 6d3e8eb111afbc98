"""The load generator: a job as JSON on standard input, what was seen as JSON on standard output.

It runs in a process of its own, on the cores that the gateway does not have. Four kinds of job: `closed` (each
connection asks again once it is answered), `rate` (a request every so often, whatever became of those before),
`streams`, and `idle` (streams opened and held until a line comes on standard input).
"""

import asyncio
import json
import statistics
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import httptools
import uvloop

from bench.payload import CHUNKS, PACE, STAMP


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What to do.

    Attributes:
        kind: `closed`, `rate`, `streams` or `idle`.
        port: where, on 127.0.0.1.
        path: request target.
        headers: without Host and Content-Length.
        body: of each request, ASCII.
        connections: how many at once; of `rate`, the most that are opened.
        seconds: how long; `idle` ignores it.
        rate: requests a second, for `rate`.
    """

    kind: str
    port: int
    path: str
    headers: dict[str, str]
    body: str
    connections: int
    seconds: float
    rate: float = 0.0

    @property
    def raw(self) -> bytes:
        """The request as it goes out."""
        fields = {"host": f"127.0.0.1:{self.port}", **self.headers, "content-length": str(len(self.body))}
        head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        return f"POST {self.path} HTTP/1.1\r\n{head}\r\n{self.body}".encode("ascii")


@dataclass(slots=True)
class Seen:
    """One answer; times in nanoseconds of the monotonic clock.

    Attributes:
        status: HTTP status; 0 when the connection broke.
        sent: when the request went out.
        first: when the first byte of the body came.
        last: when the answer was complete.
        stamps: (sent, arrived) of each chunk.
    """

    sent: int
    status: int = 0
    first: int = 0
    last: int = 0
    stamps: list[tuple[int, int]] = field(default_factory=list)


class Connection(asyncio.Protocol):
    """One kept-alive connection; asks one request at a time."""

    def __init__(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self._done: asyncio.Future[Seen] | None = None
        self._seen = Seen(0)
        self._begun: asyncio.Event | None = None
        self.open = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Ready to ask."""
        self.transport, self.open = transport, True

    def connection_lost(self, exc: Exception | None) -> None:
        """What was asked and not answered has status 0."""
        del exc
        self.open = False
        self._finish()

    def data_received(self, data: bytes) -> None:
        """Parse what came."""
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self.transport.close()

    def ask(self, raw: bytes, begun: asyncio.Event | None = None) -> "asyncio.Future[Seen]":
        """Send a request; `begun` is set at the first byte of the answer's body."""
        self._begun = begun
        self._done = asyncio.get_running_loop().create_future()
        self._seen = Seen(time.monotonic_ns())
        self.transport.write(raw)
        return self._done

    def on_body(self, body: bytes) -> None:
        """A piece of the answer."""
        now = time.monotonic_ns()
        if not self._seen.first:
            self._seen.first = now
            if self._begun is not None:
                self._begun.set()
        self._seen.stamps += [(int(stamp), now) for stamp in STAMP.findall(body)]

    def on_message_complete(self) -> None:
        """The whole answer is here."""
        self._seen.status = self._parser.get_status_code()
        if not self._parser.should_keep_alive():
            self.open = False
        self._finish()

    def _finish(self) -> None:
        if self._done is None or self._done.done():
            return
        self._seen.last = time.monotonic_ns()
        self._done.set_result(self._seen)
        if self._begun is not None:
            self._begun.set()


async def connect(port: int) -> Connection:
    """A new connection."""
    return (await asyncio.get_running_loop().create_connection(Connection, "127.0.0.1", port))[1]


async def closed(job: Job) -> dict[str, float]:
    """Requests per second, and their latency, of so many clients that ask again and again."""
    answers: list[Seen] = []
    began = time.monotonic()

    async def client() -> None:
        connection = await connect(job.port)
        while time.monotonic() - began < job.seconds:
            if not connection.open:
                connection = await connect(job.port)
            answers.append(await connection.ask(job.raw))
        connection.transport.close()

    await asyncio.gather(*(client() for _ in range(job.connections)))
    return _summary(answers, time.monotonic() - began)


async def paced(job: Job) -> dict[str, float]:
    """Latency at a fixed rate: a request is sent when its time has come, on a connection that is free."""
    free = [await connect(job.port) for _ in range(min(8, job.connections))]
    room = asyncio.Semaphore(job.connections)
    waiting: set[asyncio.Task[None]] = set()
    answers: list[Seen] = []
    began = time.monotonic()

    async def one() -> None:
        async with room:
            connection = free.pop() if free else await connect(job.port)
            if not connection.open:
                connection = await connect(job.port)
            answers.append(await connection.ask(job.raw))
            free.append(connection)

    for number in range(int(job.seconds * job.rate)):
        await asyncio.sleep(max(0.0, began + number / job.rate - time.monotonic()))
        task = asyncio.create_task(one())
        waiting.add(task)
        task.add_done_callback(waiting.discard)
    await asyncio.gather(*waiting)
    return _summary(answers, time.monotonic() - began)


async def streams(job: Job) -> dict[str, float]:
    """Streams beside each other, again and again: time to the first byte, and how late each chunk came."""
    answers: list[Seen] = []
    began = time.monotonic()

    async def client(number: int) -> None:
        await asyncio.sleep(PACE * number / job.connections)  # so that their chunks do not all come at once
        connection = await connect(job.port)
        while time.monotonic() - began < job.seconds:
            if not connection.open:
                connection = await connect(job.port)
            answers.append(await connection.ask(job.raw))
        connection.transport.close()

    await asyncio.gather(*(client(number) for number in range(job.connections)))
    # An answer without all of its chunks is an error, whatever its status.
    whole = [one for one in answers if one.status == 200 and len(one.stamps) == CHUNKS]
    delays = sorted((came - sent) / 1e6 for one in whole for sent, came in one.stamps)
    firsts = sorted((one.first - one.sent) / 1e6 for one in whole)
    return {
        "streams": len(whole),
        "chunks": len(delays),
        "errors": len(answers) - len(whole),
        "first_byte_ms": _at(firsts, 50),
        "first_byte_p99_ms": _at(firsts, 99),
        "chunk_ms": _at(delays, 50),
        "chunk_p99_ms": _at(delays, 99),
        "jitter_ms": statistics.pstdev(delays) if delays else 0.0,
    }


async def idle(job: Job) -> dict[str, float]:
    """Open streams and hold them until a line comes in."""
    held: list[asyncio.Future[Seen]] = []
    failed = 0
    for start in range(0, job.connections, 200):
        events = []
        for _ in range(min(200, job.connections - start)):
            event = asyncio.Event()
            connection = await connect(job.port)
            held.append(connection.ask(job.raw, event))
            events.append(event)
        await asyncio.gather(*(event.wait() for event in events))
    failed = sum(one.done() for one in held)
    sys.stdout.write("held\n")
    sys.stdout.flush()
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
    return {"held": len(held) - failed, "errors": failed}


def _summary(answers: Sequence[Seen], seconds: float) -> dict[str, float]:
    good = sorted((one.last - one.sent) / 1e6 for one in answers if one.status == 200)
    return {
        "requests": len(good),
        "errors": len(answers) - len(good),
        "seconds": seconds,
        "p50_ms": _at(good, 50),
        "p99_ms": _at(good, 99),
        "p999_ms": _at(good, 99.9),
    }


def _at(ordered: Sequence[float], percent: float) -> float:
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))] if ordered else 0.0


KINDS: dict[str, Callable[[Job], Awaitable[dict[str, float]]]] = {
    "closed": closed,
    "rate": paced,
    "streams": streams,
    "idle": idle,
}


def main() -> None:
    """Do the job that standard input describes."""
    given: dict[str, Any] = json.loads(sys.stdin.readline())
    job = Job(**given)

    async def run() -> dict[str, float]:
        return await KINDS[job.kind](job)

    sys.stdout.write(json.dumps(uvloop.run(run())) + "\n")


if __name__ == "__main__":
    main()
