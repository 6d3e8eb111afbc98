"""Mock providers in a process of their own, which fail at random and keep what they have served.

Each listens on a port of its own and speaks all four dialects. Every answer has an `x-request-id`, by which the ledger
can be held against what was served.
"""

import asyncio
import multiprocessing
import random
import re
import signal
from collections.abc import Iterator, Mapping
from multiprocessing.connection import Connection
from typing import NamedTuple, Self

import uvloop

from faults.expected import manageable
from faults.matrix import WAITING, Cell
from faults.scripts import FALLBACK, FAULTS, PRIMARY, Steps, well
from faults.upstream import Upstream
from faults.wires import Wire, wire_of

PLAYED = [fault for fault, known in FAULTS.items() if not (known.unreached or fault == "oversized-line")]
"""Faults that are drawn: the others are a mock that is down, and one that takes too long."""

SELDOM = WAITING | {"429"}
"""Faults after which for a while nothing is asked of a mock; they are drawn `RARE` times as often as the others."""

RARE = 0.1

_ASKED = re.compile(rb"hi n-(\w+)-(\d+)")


def said(dialect: str, number: int) -> str:
    """What a user says: its dialect, and a number of its own."""
    return f"hi n-{dialect}-{number}"


class Served(NamedTuple):
    """What a mock has done.

    Attributes:
        answers: of each complete answer its `x-request-id` and the number of the user's request.
        faults: how often it has failed in each way.
    """

    answers: dict[str, int]
    faults: dict[str, int]


class Mocks:
    """Mock providers; `with` starts and stops their process.

    Args:
        shares: by name, the share of requests that fail.
        seed: of the draws.

    Attributes:
        ports: by name, where they listen.
    """

    def __init__(self, shares: Mapping[str, float], seed: int) -> None:
        spawn = multiprocessing.get_context("spawn")
        self._pipe, far = spawn.Pipe()
        self._process = spawn.Process(target=_main, args=(far, dict(shares), seed), daemon=True)

    def __enter__(self) -> Self:
        self._process.start()
        self.ports: dict[str, int] = self._pipe.recv()
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.join()

    def down(self, name: str) -> None:
        """Let a mock refuse connections, and break off what it has."""
        self._told("down", name)

    def up(self, name: str) -> None:
        """Let it listen again."""
        self._told("up", name)

    def served(self) -> dict[str, Served]:
        """What each has done so far."""
        return {name: self._told("served", name) for name in self.ports}

    def _told(self, command: str, name: str):
        self._pipe.send((command, name))
        return self._pipe.recv()


def _main(pipe: Connection, shares: dict[str, float], seed: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal's is for whoever started this
    uvloop.run(_serve(pipe, shares, seed))


async def _serve(pipe: Connection, shares: dict[str, float], seed: int) -> None:
    providers = {name: _Provider(name, seed, share) for name, share in shares.items()}
    for one in providers.values():
        await one.upstream.start()
    pipe.send({name: one.upstream.port for name, one in providers.items()})
    while True:
        command, name = await asyncio.to_thread(pipe.recv)
        pipe.send(await providers[name].obey(command))


class _Provider:
    def __init__(self, name: str, seed: int, share: float) -> None:
        self._name, self._share = name, share
        self._chance = random.Random(f"{seed} {name}")
        self._count = 0
        self._served = Served({}, dict.fromkeys(PLAYED, 0))
        self.upstream = Upstream(self._script)

    async def obey(self, command: str) -> Served | None:
        if command == "served":
            return self._served
        await (self.upstream.stop() if command == "down" else self.upstream.start())
        return None

    def _script(self, path: str, body: bytes) -> Steps:
        wire, asked = wire_of(path), _ASKED.search(body)
        assert asked is not None, "no request of a user"
        stream = ":stream" in path or re.search(rb'"stream": ?true', body) is not None
        fault = self._drawn(asked[1].decode(), wire, stream=stream)
        if fault is None:
            return self._answer(wire, int(asked[2]), stream=stream)
        self._served.faults[fault] += 1
        script = FAULTS[fault].streamed if stream else FAULTS[fault].whole
        assert script is not None
        return script(wire)

    def _drawn(self, client: str, wire: Wire, *, stream: bool) -> str | None:
        """What goes wrong with this request; nothing that Gatewright is known not to manage yet."""
        if self._chance.random() >= self._share:
            return None
        fault = self._chance.choice(PLAYED)
        cell = Cell(fault, client, wire.name, stream, fallback=True)
        missing = not stream and FAULTS[fault].whole is None
        rare = fault in SELDOM and self._chance.random() >= RARE
        return fault if manageable(cell) and not (missing or rare) else None

    def _answer(self, wire: Wire, number: int, *, stream: bool) -> Iterator[bytes]:
        self._count += 1
        upstream_id = f"{self._name}-{self._count}"
        speaker = PRIMARY if self._share else FALLBACK
        yield from well(wire, speaker, b"x-request-id: " + upstream_id.encode(), stream=stream)
        self._served.answers[upstream_id] = number
