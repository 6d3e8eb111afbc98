"""Runs the cells of the fault matrix: real sockets on both sides, one process, one event loop.

Of Gatewright everything runs that serves a request; the snapshot is made by hand, and records go to a list.
"""

import asyncio
import itertools
import socket
from collections import defaultdict
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import NamedTuple, Self

import uvloop
from uvicorn.server import ServerState

from faults.judge import ANSWER, BROKEN, hear
from faults.scripts import FALLBACK, FAULTS, PRIMARY, Fault, Steps, well
from faults.upstream import Upstream
from faults.wires import WIRES, text
from fixtures.exchange import KEY
from fixtures.lanes import LAST, Answered, Client, Reader, configured, post
from gatewright.gateway.pipeline import Pipeline
from gatewright.gateway.record import Recorder
from gatewright.ledger.record import Record
from gatewright.providers import registry
from gatewright.server.fastlane import FastLane
from gatewright.snapshot.holder import Holder
from gatewright.snapshot.model import Endpoint, Principal, Snapshot, Target, key_digest
from gatewright.upstream.client import Client as Caller
from gatewright.upstream.timeouts import Timeouts

PATIENT, HASTY = Timeouts(), Timeouts(connect=5.0, first_byte=1.0, idle=1.0, total=3.0)
STEADY = Timeouts(connect=5.0, first_byte=1.0, idle=1.0, total=60.0)
"""How long gateways wait: the usual, little, and little for a byte but long for all of them."""

DRIPPING = frozenset({"slow-drip", "drip-later"})
WAITING = frozenset({"stall-before-head", "stall-mid-stream", *DRIPPING})
"""Faults that only time ends."""

HANGS = 8.0
"""Seconds after which a client that has not got its answer says that it hangs."""

AT_ONCE = dict.fromkeys(WAITING, 64) | {"oversized-line": 2}
"""Cells of a fault that run at a time, where it only waits or has much to send; 16 elsewhere."""

NOBODY = "provider.invalid"


class Cell(NamedTuple):
    """One cell of the matrix.

    Attributes:
        fault: what goes wrong at the first target.
        client: dialect of the client.
        provider: dialect of the targets.
        stream: whether a stream is asked for.
        fallback: whether there is a second target, which is well.
    """

    fault: str
    client: str
    provider: str
    stream: bool
    fallback: bool

    @property
    def name(self) -> str:
        """As an endpoint is named, and a cell in a message."""
        shape = "stream" if self.stream else "plain"
        return f"{self.fault}.{self.client}-{self.provider}.{shape}.{'fallback' if self.fallback else 'alone'}"

    @property
    def translated(self) -> bool:
        """Whether client and provider speak different dialects."""
        return self.client != self.provider


def cells(fault: str) -> list[Cell]:
    """Every cell of a fault."""
    known = FAULTS[fault]
    shapes = [False, True] if known.unreached or known.whole else [True]
    return [Cell(fault, *rest) for rest in itertools.product(WIRES, WIRES, shapes, [False, True])]


class Outcome(NamedTuple):
    """What became of a cell.

    Attributes:
        gets: what the client gets: `answer of TARGET`, `error`, `error event`; or what is wrong with it.
        status: HTTP status that it gets.
        calls: requests that the first target got, and the second.
        recorded: of the one record: status, error code, attempts, target; or how many there are.
        retry_after: the header of that name.
    """

    gets: str
    status: int
    calls: tuple[int, int]
    recorded: tuple[int, str, int, str] | int
    retry_after: str = ""


@dataclass
class _Gateway:
    """Gatewright, without its control plane."""

    caller: Caller
    pipeline: Pipeline
    server: asyncio.Server

    @classmethod
    async def start(cls, holder: Holder, timeouts: Timeouts, record: Recorder) -> Self:
        caller = Caller(timeouts=timeouts, private=True)
        pipeline = Pipeline(holder, caller, record=record)
        config, state = configured(FastLane, pipeline), ServerState()
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: FastLane(config, state, {}), "127.0.0.1", 0, backlog=1024)
        return cls(caller, pipeline, server)

    async def stop(self) -> None:
        self.server.close()
        await self.caller.close()

    @property
    def busy(self) -> int:
        return self.pipeline.active + self.caller.usage.open - self.caller.usage.idle

    async def ask(self, request: bytes) -> Answered:
        client = Client(*await asyncio.open_connection(*self.server.sockets[0].getsockname()))
        found = Reader()
        try:
            client.send(request)
            while data := await client.reader.read(1 << 20):
                found.feed(data)
        finally:
            await client.close()
        return found.answers[0] if found.answers else Answered()


class Matrix:
    """A gateway between clients and scripted upstreams, on an event loop of its own; `with` starts and stops them."""

    def __init__(self) -> None:
        self._cells: dict[str, Cell] = {cell.name: cell for fault in FAULTS for cell in cells(fault)}
        self._upstreams = {role: Upstream(self._script(role)) for role in (PRIMARY, FALLBACK)}
        self._records: dict[str, list[Record]] = defaultdict(list)
        self._outcomes: dict[str, dict[Cell, Outcome]] = {}

    def __enter__(self) -> Self:
        self._runner = asyncio.Runner(loop_factory=uvloop.new_event_loop)
        self._runner.run(self._start())
        return self

    def __exit__(self, *_: object) -> None:
        self._runner.run(self._stop())
        self._runner.close()

    async def _start(self) -> None:
        for one in self._upstreams.values():
            await one.start()
        self._silent = socket.socket()
        self._silent.bind(("127.0.0.1", 0))  # nobody listens
        loop = asyncio.get_running_loop()
        loop.getaddrinfo = _unknown  # type: ignore[method-assign] # the one name that is asked for
        self._plain = await asyncio.start_server(_answer_in_plain, "127.0.0.1", 0)
        holder = Holder(self._snapshot())
        self._gateways = {
            timeouts: await _Gateway.start(holder, timeouts, self._keep) for timeouts in (PATIENT, HASTY, STEADY)
        }

    async def _stop(self) -> None:
        self._plain.close()
        for gateway in self._gateways.values():
            await gateway.stop()
        for one in self._upstreams.values():
            await one.stop()
        self._silent.close()

    @property
    def busy(self) -> int:
        """Requests under way, and connections to upstreams that a request holds."""
        return sum(gateway.busy for gateway in self._gateways.values())

    def outcomes(self, fault: str) -> dict[Cell, Outcome]:
        """What became of each cell of a fault; they are run once."""
        if fault not in self._outcomes:
            self._outcomes[fault] = self._runner.run(self._run_all(cells(fault), AT_ONCE.get(fault, 16)))
        return self._outcomes[fault]

    async def _run_all(self, found: list[Cell], at_once: int) -> dict[Cell, Outcome]:
        turns = asyncio.Semaphore(at_once)

        async def in_turn(cell: Cell) -> Outcome:
            async with turns:
                return await self._run(cell)

        return dict(zip(found, await asyncio.gather(*map(in_turn, found)), strict=True))

    async def _run(self, cell: Cell) -> Outcome:
        path, body = WIRES[cell.client].request(cell.name, stream=cell.stream)
        try:
            async with asyncio.timeout(HANGS):
                answered = await self._gateways[_timeouts(cell)].ask(post(path.encode(), body, LAST))
        except TimeoutError:
            return Outcome("nothing: it hangs", 0, self._calls(cell), 0)
        heard = hear(cell.client, answered, stream=cell.stream)
        gets = heard.kind
        if gets == ANSWER:
            gets = next(
                (f"answer of {who}" for who in (PRIMARY, FALLBACK) if heard.text == text(who)), "half an answer"
            )
        elif gets == BROKEN and not text(PRIMARY).startswith(heard.text):
            gets = "words of two targets"
        retry_after = answered.headers.get(b"retry-after", b"").decode()
        recorded = self._recorded(cell)
        told = tuple(answered.headers.get(b"x-gatewright-" + name, b"").decode() for name in (b"attempts", b"target"))
        if isinstance(recorded, tuple) and told != (str(recorded[2]), f"{WIRES[cell.provider].provider}/{recorded[3]}"):
            gets += ", and headers that say otherwise than the ledger"
        return Outcome(gets, answered.status, self._calls(cell), recorded, retry_after)

    def _calls(self, cell: Cell) -> tuple[int, int]:
        first, second = (self._upstreams[role].asked[_path(cell, role)] for role in (PRIMARY, FALLBACK))
        return first, second

    def _recorded(self, cell: Cell) -> tuple[int, str, int, str] | int:
        records = self._records[cell.name]
        if len(records) != 1:
            return len(records)
        [one] = records
        return one.status, one.error, one.attempts, one.model

    def _keep(self, record: Record) -> None:
        self._records[record.endpoint].append(record)

    # The side of the providers.

    def _script(self, role: str):
        def script(path: str, _body: bytes) -> Steps:
            cell = self._cells[path.split("/")[1]]
            wire = WIRES[cell.provider]
            assert path == _path(cell, role)
            fault = FAULTS[cell.fault]
            wrong = fault.streamed if cell.stream else fault.whole
            return well(wire, role, stream=cell.stream) if role == FALLBACK or wrong is None else wrong(wire)

        return script

    def _address(self, fault: Fault, name: str) -> str:
        if not fault.unreached:
            return f"http://127.0.0.1:{self._upstreams[PRIMARY].port}"
        return {
            "refused": f"http://127.0.0.1:{self._silent.getsockname()[1]}",
            "dns": f"http://{NOBODY}",
            "tls": f"https://127.0.0.1:{self._plain.sockets[0].getsockname()[1]}",
        }[name]

    def _snapshot(self) -> Snapshot:
        endpoints = {name: self._endpoint(cell) for name, cell in self._cells.items()}
        principals = {key_digest(KEY): Principal(key_id="k-1", name="tests")}
        return Snapshot(revision=1, endpoints=MappingProxyType(endpoints), principals=MappingProxyType(principals))

    def _endpoint(self, cell: Cell) -> Endpoint:
        first = _target(cell, PRIMARY, self._address(FAULTS[cell.fault], cell.fault))
        second = _target(cell, FALLBACK, f"http://127.0.0.1:{self._upstreams[FALLBACK].port}")
        return Endpoint(
            endpoint_id=cell.name,
            name=cell.name,
            created_at=0,
            primaries=((first, 1.0),),
            fallbacks=(second,) if cell.fallback else (),
        )


def _path(cell: Cell, role: str) -> str:
    """What a target is asked for."""
    path, _ = WIRES[cell.provider].request(role, stream=cell.stream)
    return f"/{cell.name}{path}"


def _target(cell: Cell, role: str, address: str) -> Target:
    """A target of one cell alone, which speaks one dialect alone."""
    wire = WIRES[cell.provider]
    base = f"{address}/{cell.name}{wire.path[: wire.path.index('/', 1)]}"
    access = registry.connect(wire.provider, role, {"api_key": "sk-test"}, {"api_base": base}, allow_private=True)
    access = replace(access, ways=MappingProxyType({wire.operation: access.ways[wire.operation]}))
    shown = f"{wire.provider}/{role}"
    return Target(provider=wire.provider, model=role, access=access, shown=shown.encode(), key=f"{cell.name}/{role}")


def _timeouts(cell: Cell) -> Timeouts:
    """A stream that drips is to be noticed as such, and not by the time it takes."""
    if cell.fault in DRIPPING and cell.stream:
        return STEADY
    return HASTY if cell.fault in WAITING else PATIENT


async def _unknown(*_: object, **__: object) -> list[object]:
    """A resolver that knows no name."""
    raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")


async def _answer_in_plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A server without TLS."""
    await reader.read(1)
    writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    writer.close()
