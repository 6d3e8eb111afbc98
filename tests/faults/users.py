"""Users of a gateway that ask again and again, in all four dialects, and keep what became of each request.

A request whose connection ends before a byte of its answer is sent again, as the vendors' SDKs do, twice at most.
"""

import asyncio
import math
import random
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from faults.judge import ANSWER, BROKEN, hear
from faults.mock import said
from faults.wires import WIRES
from fixtures.lanes import Answered, Reader

AGAIN = 2
"""Times a request is sent again whose connection was lost."""

PATIENCE = 30.0
"""Seconds a user waits for an answer."""


class Answer(NamedTuple):
    """An answer that a user got whole.

    Attributes:
        number: of the request.
        status: HTTP status.
        kind: what a client of its dialect makes of it; see `judge.py`.
    """

    number: int
    status: int
    kind: str


class LostError(Exception):
    """The connection ended.

    Attributes:
        answered: whether a byte of the answer had come.
    """

    def __init__(self, *, answered: bool) -> None:
        super().__init__("the connection ended")
        self.answered = answered


@dataclass
class Told:
    """What users have seen.

    Attributes:
        answers: by the id that the gateway gave the request.
        lost: numbers of requests with a connection that was lost, whatever came of sending them again.
        left: numbers of those whose user has left.
        failed: what must not be: numbers, and why.
        kinds: how often which kind of answer came.
        partings: how often a connection ended before the answer had: lost, or left by its user.
    """

    answers: dict[str, Answer] = field(default_factory=dict)
    lost: set[int] = field(default_factory=set)
    left: set[int] = field(default_factory=set)
    failed: dict[int, str] = field(default_factory=dict)
    kinds: Counter[str] = field(default_factory=Counter)
    partings: int = 0

    @property
    def requests(self) -> int:
        """How many requests were made."""
        return sum(self.kinds.values())


@dataclass
class Users:
    """Users of one gateway.

    Attributes:
        port: of the gateway, on loopback.
        key: of its users.
        endpoints: what they ask for.
        seed: of their choices.
        streams: share of requests that are answered by a stream.
        leaves: share whose user leaves before the end.
        most: requests they make together.
    """

    port: int
    key: str
    endpoints: Sequence[str]
    seed: int
    streams: float = 0.4
    leaves: float = 0.03
    most: float = math.inf
    told: Told = field(default_factory=Told)

    def __post_init__(self) -> None:
        self._made = 0
        self._chance = random.Random(f"{self.seed} users")

    async def ask(self, until: float = math.inf) -> None:
        """One user: asks again and again, until a time of the monotonic clock."""
        connection = _Connection(self.port)
        try:
            while time.monotonic() < until and self._made < self.most:
                self._made += 1
                await self._request(connection, self._made)
        finally:
            connection.leave()

    async def _request(self, connection: "_Connection", number: int) -> None:
        chance, told = self._chance, self.told
        dialect, stream = chance.choice(tuple(WIRES)), chance.random() < self.streams
        leaves = chance.choice((0, 1)) if chance.random() < self.leaves else None
        path, body = WIRES[dialect].request(chance.choice(self.endpoints), stream=stream, words=said(dialect, number))
        raw = _raw(path, body, self.key)
        for _ in range(1 + AGAIN):
            try:
                async with asyncio.timeout(PATIENCE):
                    answered = await connection.ask(raw, leaves)
            except LostError as problem:
                told.lost.add(number)
                told.partings += 1
                if problem.answered and stream:
                    told.kinds["stream cut off"] += 1
                    return
                continue
            except TimeoutError:
                connection.leave()
                self._failed(number, "no answer")
                return
            if answered is None:
                told.left.add(number)
                told.partings += 1
                told.kinds["left"] += 1
            else:
                self._heard(number, dialect, answered, stream=stream)
            return
        self._failed(number, "no connection")

    def _heard(self, number: int, dialect: str, answered: Answered, *, stream: bool) -> None:
        kind = hear(dialect, answered, stream=stream).kind
        request_id = answered.headers.get(b"x-gatewright-request-id", b"").decode()
        self.told.answers[request_id] = Answer(number, answered.status, kind)
        if kind == ANSWER or (stream and kind == BROKEN):
            self.told.kinds[f"{kind}, streamed" if stream else kind] += 1
        else:
            self._failed(number, f"{dialect}: {answered.status}, {kind}: {answered.body[-300:]!r}")

    def _failed(self, number: int, why: str) -> None:
        self.told.failed[number] = why
        self.told.kinds["failed"] += 1


class _Connection:
    """One connection that is kept, and opened again when it is gone."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._writer: asyncio.StreamWriter | None = None

    async def ask(self, raw: bytes, leaves: int | None) -> Answered | None:
        """The answer to a request; None when the user leaves: at once (0), or at its first bytes (1).

        Raises:
            LostError: the connection ended.
        """
        found = Reader()
        try:
            if self._writer is None:
                self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)
            self._writer.write(raw)
            if leaves == 0:
                await self._writer.drain()
                await asyncio.sleep(0)
            while leaves != 0 and not (found.answers and found.answers[0].whole):
                data = await self._reader.read(1 << 18)
                if not data:
                    raise ConnectionResetError
                found.feed(data)
                if leaves:
                    break
        except OSError:
            self.leave()
            raise LostError(answered=bool(found.answers)) from None
        if leaves is not None:
            self.leave()
            return None
        if found.answers[0].headers.get(b"connection") == b"close":
            self.leave()
        return found.answers[0]

    def leave(self) -> None:
        """Close it."""
        if self._writer is not None:
            self._writer.transport.abort()
            self._writer = None


def _raw(path: str, body: bytes, key: str) -> bytes:
    fields = {"host": "gateway", "authorization": f"Bearer {key}", "content-type": "application/json"}
    lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return f"POST {path} HTTP/1.1\r\n{lines}content-length: {len(body)}\r\n\r\n".encode() + body
