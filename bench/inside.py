"""The whole way of a request inside one process, without sockets: what it costs can be counted to the instruction.

    python -m bench.inside FOLDER

From uvicorn's parser over the fast lane, the pipeline and the client to providers to the journal and the metrics, all
of it the real thing; only the transports at both ends are played. It takes one command a line, `requests N` or
`turns N` (of a fixed Python loop, to compare with), and answers each with the CPU seconds it took.
"""

import asyncio
import gc
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import uvicorn
import uvloop
from uvicorn.server import ServerState

from gatewright.gateway.pipeline import Pipeline
from gatewright.ledger.journal import Journal
from gatewright.ledger.record import BUCKETS, Record
from gatewright.server.asgi import Server
from gatewright.server.fastlane import FastLane
from gatewright.snapshot.address import Address
from gatewright.snapshot.holder import Holder
from gatewright.snapshot.model import Access, Endpoint, Principal, Snapshot, Target, Way, key_digest
from gatewright.telemetry.families import READ_COUNTERS, READ_GAUGES
from gatewright.telemetry.metrics import Metrics
from gatewright.telemetry.shelf import Shelf
from gatewright.upstream.client import Client
from gatewright.upstream.connection import Connection
from gatewright.upstream.dial import Dialer

KEY = "gw-key-of-the-bench"
CONNECTIONS = 64

_BODY = (
    b'{"model":"chat","messages":[{"role":"system","content":"You are a helpful assistant."},'
    b'{"role":"user","content":"Hello, how are you today?"}],"max_tokens":100,"temperature":0.7}'
)
# The header fields are those of OpenAI's Python client, but for its eight about itself.
REQUEST = (
    b"POST /v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1:4040\r\naccept: application/json\r\n"
    b"accept-encoding: gzip, deflate\r\nuser-agent: OpenAI/Python 2.0.0\r\ncontent-type: application/json\r\n"
    b"authorization: Bearer %b\r\ncontent-length: %d\r\n\r\n%b" % (KEY.encode(), len(_BODY), _BODY)
)
_TEXT = (
    b'{"id":"chatcmpl-1","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":'
    b'{"role":"assistant","content":"Hello! I am fine, thank you. How can I help you today?"},"finish_reason":"stop"}],'
    b'"usage":{"prompt_tokens":20,"completion_tokens":12,"total_tokens":32}}'
)
ANSWER = (
    b"HTTP/1.1 200 OK\r\nserver: mock\r\ndate: Mon, 05 Jan 2026 12:00:00 GMT\r\ncontent-type: application/json\r\n"
    b"content-length: %d\r\nconnection: keep-alive\r\n\r\n%b" % (len(_TEXT), _TEXT)
)


class _Played(asyncio.Transport):
    """A transport that goes nowhere."""

    def write(self, data: Any) -> None:
        """Forget it."""

    def is_closing(self) -> bool:
        """Never."""
        return False

    def get_extra_info(self, name: str, default: Any = None) -> Any:  # noqa: ARG002 - the transport's signature
        """Nothing is known."""
        return default

    def get_write_buffer_size(self) -> int:
        """Nothing waits."""
        return 0


class _Provider(_Played):
    """A provider's end of a connection: each request that is written waits for its answer."""

    def __init__(self, connection: Connection, asked: list[Connection]) -> None:
        super().__init__()
        self._connection = connection
        self._asked = asked

    def write(self, data: Any) -> None:  # noqa: ARG002 - the transport's signature
        """Remember who asks."""
        self._asked.append(self._connection)


class Inside:
    """A gateway over played transports; made inside a running event loop.

    Args:
        folder: for its journal and metrics.
    """

    def __init__(self, folder: Path) -> None:
        self._asked: list[Connection] = []
        self._state = ServerState()
        self._state.default_headers = [(b"date", b"Mon, 05 Jan 2026 12:00:00 GMT")]
        client = Client()
        _play(self._asked)
        journal = Journal(folder / "journal", limit=1 << 40)
        journal.open()
        sources: Mapping[str, Any] = {family.name: float for family in (*READ_COUNTERS, *READ_GAUGES)}
        metrics = Metrics(Shelf(folder / "metrics"), kinds=BUCKETS, sources=sources)

        def record(finished: Record) -> None:
            journal.append(finished)
            metrics.record(finished)

        async def nothing() -> None:
            pass

        async def no_control(*_: Any) -> None:
            raise AssertionError("only the pipeline is asked")

        pipeline = Pipeline(Holder(_snapshot()), client, record=record)
        app = Server(pipeline=pipeline, control=no_control, max_body=1 << 20, start=nothing, stop=nothing)
        config = uvicorn.Config(app, http=FastLane, ws="none", log_config=None, access_log=False, proxy_headers=False)
        config.load()
        self._lanes = [FastLane(config, self._state, {}) for _ in range(CONNECTIONS)]
        for lane in self._lanes:
            lane.connection_made(_Played())

    async def serve(self, rounds: int) -> None:
        """Serve so many requests on each connection."""
        for _ in range(rounds):
            until = self._state.total_requests + CONNECTIONS
            for lane in self._lanes:
                lane.data_received(REQUEST)
            while self._state.total_requests < until:
                await asyncio.sleep(0)
                asked, self._asked[:] = tuple(self._asked), []
                for connection in asked:
                    connection.data_received(ANSWER)


def _play(asked: list[Connection]) -> None:
    """Let every connection of the client be to a played provider."""

    async def dial(_self: Any, _address: Address, make: Any) -> Connection:
        connection: Connection = make()
        connection.connection_made(_Provider(connection, asked))
        return connection

    Dialer.dial = dial  # type: ignore[assignment, method-assign]


def _snapshot() -> Snapshot:
    access = Access(
        address=Address("https", "provider.example.com", 443, "/v1"),
        ways={"chat": Way(path=b"/v1/chat/completions")},
        headers=((b"authorization", b"Bearer sk-of-the-provider"),),
    )
    target = Target(provider="openai", model="m", access=access, shown=b"openai/m", key="t-1")
    endpoint = Endpoint(endpoint_id="e-1", name="chat", created_at=0, primaries=((target, 1.0),))
    return Snapshot(
        revision=1,
        endpoints=MappingProxyType({"chat": endpoint}),
        principals=MappingProxyType({key_digest(KEY): Principal(key_id="k-1", name="bench")}),
    )


def turn(fields: list[tuple[bytes, bytes]]) -> bytes:
    """One turn of the fixed loop: calls, small objects, dictionaries and bytes, as a server's code has them."""
    found = {name.lower(): value for name, value in fields}
    return b"\r\n".join(b"%b: %b" % pair for pair in found.items()).partition(b": ")[2]


async def _main(folder: Path) -> None:
    inside = Inside(folder)
    fields = [(b"name-%d" % number, b"value") for number in range(8)]
    await inside.serve(10)
    for _ in range(1000):
        turn(fields)
    gc.disable()  # when it looks, what a request costs would depend on what came before
    print("ready", flush=True)
    for line in sys.stdin:
        what, _, count = line.partition(" ")
        began = time.process_time()
        if what == "requests":
            await inside.serve(int(count) // CONNECTIONS)
        else:
            for _ in range(int(count)):
                turn(fields)
        print(time.process_time() - began, flush=True)


if __name__ == "__main__":
    uvloop.run(_main(Path(sys.argv[1])))
