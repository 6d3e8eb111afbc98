"""The composition root: builds every part from Settings and joins the planes."""

import asyncio
import ctypes
import functools
import gc
import signal
import socket
import sys
from collections.abc import Callable
from typing import Any

import uvicorn

from gatewright.control.api import app as api
from gatewright.control.compile import Compiler
from gatewright.control.cooldowns import Cooldowns, shared
from gatewright.control.crypto import Vault
from gatewright.control.drain import Drain
from gatewright.control.keyring import Keyring
from gatewright.control.store import keys, schema
from gatewright.control.store.database import Database, shown
from gatewright.control.store.listener import Listener
from gatewright.control.watch import Watcher
from gatewright.dialects import mlflow
from gatewright.gateway.admit import Admission
from gatewright.gateway.health import Health
from gatewright.gateway.operations import ROUTES
from gatewright.gateway.pipeline import Pipeline
from gatewright.ledger.journal import Journal
from gatewright.ledger.record import BUCKETS, Record
from gatewright.providers import fields, registry
from gatewright.server.asgi import Server
from gatewright.server.fastlane import FastLane
from gatewright.server.graceful import GracefulServer
from gatewright.server.protocol import Protocol
from gatewright.settings import Settings
from gatewright.snapshot.disk import Disk
from gatewright.snapshot.holder import Holder
from gatewright.snapshot.model import Snapshot
from gatewright.supervisor.line import RETIRE, Line
from gatewright.supervisor.serve import say
from gatewright.telemetry import shelf
from gatewright.telemetry.metrics import Metrics
from gatewright.upstream.client import Client
from gatewright.upstream.timeouts import Timeouts

COLLECT = (20_000, 20, 50)
"""Thresholds of the garbage collector: objects that may be left over until it looks, then how often it looks deeper."""

ARENA_MAX = -8
"""The parameter of that name in glibc's malloc.h."""

SWITCH = 0.0005
"""Seconds after which a thread that computes makes way for requests; Python's own 0.005 are long beside one."""


def build(settings: Settings) -> Server:
    """The whole server as one ASGI app. Its start brings the database up to date."""
    vault = Vault(Keyring.load(settings))
    disk = _disk(settings, vault)
    fresh = not disk.holds()  # else a database that is gone, or empty, is an outage
    database = Database(settings.database_url, create=fresh)
    holder, health, upstream = Holder(), Health(), _client(settings)
    cooldowns = Cooldowns(health, shared(settings.redis, database), settings.neighbours)
    connect = functools.partial(registry.connect, allow_private=settings.allow_private_upstreams, cloud=settings.cloud)
    listener = Listener(database)
    compiler = Compiler(database, vault, settings, connect)
    watcher = Watcher(
        holder, listener, _prepared(database, settings, compiler.compile, fresh=fresh), compiler.admit, disk
    )
    journal = Journal(settings.journal, limit=settings.journal_limit)
    drain = Drain(journal, database, days=settings.ledger_days)
    control = api.create(
        database=database,
        vault=vault,
        settings=settings,
        catalogue=fields.Catalogue(),
        operations=ROUTES,
        standing=lambda: (holder.current, health.conditions()),
        changed=watcher.settle,
        failure=mlflow.management_error,
    )

    def record(finished: Record) -> None:
        journal.append(finished)
        if not finished.part:  # the request itself is counted
            metrics.record(finished)

    pipeline = Pipeline(holder, upstream, record=record, health=health, admission=_admission(settings))
    metrics = _metrics(settings, pipeline, upstream, journal, holder, watcher, health)

    async def start() -> None:
        await watcher.start()
        for part in (drain, cooldowns, metrics):
            await part.start()
        _spare_the_collector()

    async def stop() -> None:
        for part in (watcher, cooldowns, drain):
            await part.stop()
        await upstream.close()
        await asyncio.to_thread(listener.close)
        await asyncio.to_thread(database.close)
        await metrics.stop()

    return Server(
        pipeline=pipeline,
        control=control,
        max_body=settings.max_body,
        start=start,
        stop=stop,
        degraded=lambda: watcher.degraded,
        metrics=metrics.page,
        open_metrics=settings.metrics == "open",
    )


def _admission(settings: Settings) -> Admission:
    return Admission(limit=settings.max_concurrency, held=settings.max_held, seconds=settings.queue_seconds)


def _disk(settings: Settings, vault: Vault) -> Disk:
    """Where the last good snapshot is kept: that of this database, compiled under these settings."""
    database = shown(settings.database_url)
    return Disk(settings.snapshot, vault, f"{database} private={settings.allow_private_upstreams}")


def _spare_the_collector() -> None:
    """Let the cyclic garbage collector look at what requests leave, and no more at what is there to stay.

    Nearly all of a request is freed by reference counts, so there is little to find; but a full look at all that the
    libraries have loaded takes tens of milliseconds, and whatever request is under way waits.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECT)


def _metrics(
    settings: Settings,
    pipeline: Pipeline,
    upstream: Client,
    journal: Journal,
    holder: Holder,
    watcher: Watcher,
    health: Health,
) -> Metrics:
    """Metrics that read what the parts of a worker count themselves."""
    return Metrics(
        shelf.Shelf(settings.metrics_folder),
        kinds=BUCKETS,
        sources={
            "gatewright_target_outages_total": lambda: health.outs,
            "gatewright_targets_out": lambda: len(health.out),
            "gatewright_refused_total": lambda: pipeline.refused,
            "gatewright_shed_total": lambda: pipeline.admission.shed,
            "gatewright_requests_in_flight": lambda: pipeline.active,
            "gatewright_requests_waiting": lambda: pipeline.admission.waiting,
            "gatewright_upstream_connections": lambda: upstream.usage.open,
            "gatewright_upstream_connections_idle": lambda: upstream.usage.idle,
            "gatewright_upstream_waiting": lambda: upstream.usage.waiting,
            "gatewright_journal_records": lambda: journal.depth,
            "gatewright_journal_bytes": lambda: journal.size,
            "gatewright_journal_lost_total": lambda: journal.lost,
            "gatewright_snapshot_revision": lambda: holder.revision,
            "gatewright_snapshot_timestamp_seconds": lambda: holder.since,
            "gatewright_degraded": lambda: watcher.trouble is not None,
            "gatewright_snapshot_failures_total": lambda: watcher.failures,
        },
    )


def work(settings: Settings, bound: socket.socket, line: Line) -> None:
    """What a worker process does: it serves on `bound` until it is told to end.

    Raises:
        ConfigError: when it cannot serve as it is set up.
        UnavailableError: when the database cannot be reached, and no configuration that can be used is on disk.
    """
    tune()
    if line.first:
        shelf.clear(settings.metrics_folder)
    app = build(settings)
    config = uvicorn.Config(app, http=FastLane if settings.fast_lane else Protocol, **_UVICORN)
    server = GracefulServer(
        config,
        app,
        drain=settings.drain_seconds,
        lasting=settings.lasting_seconds,
        ready=line.ready,
        beat=line.beat,
        lifeline=line.lifeline,
    )
    signal.signal(RETIRE, lambda *_: server.retire())
    server.run(sockets=[bound])


def tune() -> None:
    """Tell the interpreter and the C library how to treat threads; before there are any.

    What a thread has freed glibc keeps for it (https://man7.org/linux/man-pages/man3/mallopt.3.html, M_ARENA_MAX),
    so that a process grows to its largest batch of work times the number of its threads. One arena for all costs
    nothing here, for threads that run Python take turns. Other C libraries have no `mallopt`, and no such arenas.
    """
    sys.setswitchinterval(SWITCH)
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(ARENA_MAX, 1)


def _prepared(
    database: Database, settings: Settings, compile_snapshot: Callable[[], Snapshot], *, fresh: bool
) -> Callable[[], Snapshot]:
    """What compiles, and the first time brings the schema up to date and makes a first admin key before.

    Unless it is a `fresh` start, an empty database is not taken for the truth: it has lost what was in it.
    """
    ready = False

    def compile_prepared() -> Snapshot:
        nonlocal ready
        if not ready:
            schema.upgrade(database, create=fresh)
            if not (settings.no_auth or settings.admin_key):
                _make_first_key(database)
            ready = True
        return compile_snapshot()

    return compile_prepared


def _make_first_key(database: Database) -> None:
    """Make an admin key when there is none, and show it once."""
    with database.read() as tx:
        if any(key.admin for key in keys.list_all(tx)):
            return
    with database.write() as tx:
        if any(key.admin for key in keys.list_all(tx)):
            return  # another process of a first start was faster
        made = keys.create(tx, name="admin", admin=True)[1]
    say(_FIRST_KEY.format(key=made))


_UVICORN: dict[str, Any] = {
    "ws": "none",
    "lifespan": "off",  # the server itself starts the app
    "log_config": None,
    "access_log": False,
    "server_header": False,
    "proxy_headers": False,  # nothing here asks for the client's address
    "timeout_keep_alive": 75,
}

_FIRST_KEY = """
  This is the admin key of this gateway. It is shown once; only its hash is stored.

      {key}

  Send it as 'Authorization: Bearer KEY'. Make more with: gatewright keys create NAME
"""


def _client(settings: Settings) -> Client:
    return Client(
        timeouts=Timeouts(
            connect=settings.connect_timeout,
            first_byte=settings.first_byte_timeout,
            idle=settings.idle_timeout,
            floor=settings.stream_floor,
            total=settings.total_timeout,
        ),
        ca_file=settings.ca_file,
        client_cert=settings.client_cert,
        client_key=settings.client_key,
        proxies=settings.proxies,
        limit=settings.upstream_connections,
        queue=settings.queue_seconds,
        cloud=settings.cloud,
        private=settings.allow_private_upstreams,
    )
