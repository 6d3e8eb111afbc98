"""The composition root: builds every part from Settings and joins the planes."""

import asyncio
import contextlib
import functools
import gc
import logging
import multiprocessing
import os
import resource
import signal
import socket
import sys
import threading
from multiprocessing import resource_tracker
from typing import Any

import uvicorn
from uvicorn.supervisors import Multiprocess

from gatewright import __version__
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
from gatewright.errors import ConfigError, UnavailableError
from gatewright.gateway.health import Health
from gatewright.gateway.operations import ROUTES
from gatewright.gateway.pipeline import Pipeline
from gatewright.ledger.journal import Journal
from gatewright.ledger.record import BUCKETS, Record
from gatewright.providers import fields, registry
from gatewright.server.asgi import Server
from gatewright.server.fastlane import FastLane
from gatewright.server.protocol import Protocol
from gatewright.settings import Settings
from gatewright.snapshot.disk import Disk
from gatewright.snapshot.holder import Holder
from gatewright.telemetry import shelf
from gatewright.telemetry.metrics import Metrics
from gatewright.upstream.client import Client
from gatewright.upstream.connection import Timeouts

COLLECT = (20_000, 20, 50)
"""Thresholds of the garbage collector: objects that may be left over until it looks, then how often it looks deeper."""

RETRY = 2.0
"""Seconds until a worker that cannot start while the database is away makes room for the next try."""

GRACE = 30
"""Seconds a stopping server gives requests under way."""

FILES = 65536
"""Open files a process asks the system for, sockets included; many systems give 1024 unless asked."""


def build(settings: Settings, *, replaceable: bool = False) -> Server:
    """The whole server as one ASGI app. The database must be up to date; see `prepare`.

    Args:
        settings: what the operator set.
        replaceable: whether a supervisor starts another process when this one ends; see `_start_or_leave`.
    """
    vault = Vault(Keyring.load(settings))
    disk = _disk(settings, vault)
    database = Database(settings.database_url, create=not disk.holds())  # then a SQLite file that is gone is an outage
    holder, health, upstream = Holder(), Health(), _client(settings)
    cooldowns = Cooldowns(health, shared(settings.redis, database), settings.neighbours)
    connect = functools.partial(registry.connect, allow_private=settings.allow_private_upstreams, cloud=settings.cloud)
    listener = Listener(database)
    compiler = Compiler(database, vault, settings, connect)
    watcher = Watcher(holder, listener, compiler.compile, compiler.admit, disk)
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
        metrics.record(finished)

    pipeline = Pipeline(holder, upstream, record=record)
    metrics = _metrics(settings, pipeline, upstream, journal, holder, watcher, health)

    async def start() -> None:
        await (_start_or_leave(watcher) if replaceable else watcher.start())
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
            "gatewright_requests_in_flight": lambda: pipeline.active,
            "gatewright_upstream_connections": lambda: upstream.usage.open,
            "gatewright_upstream_connections_idle": lambda: upstream.usage.idle,
            "gatewright_upstream_waiting": lambda: upstream.usage.waiting,
            "gatewright_journal_records": lambda: journal.depth,
            "gatewright_journal_bytes": lambda: journal.size,
            "gatewright_journal_lost_total": lambda: journal.lost,
            "gatewright_snapshot_revision": lambda: holder.revision,
            "gatewright_snapshot_timestamp_seconds": lambda: holder.since,
            "gatewright_snapshot_failures_total": lambda: watcher.failures,
        },
    )


async def _start_or_leave(watcher: Watcher) -> None:
    """Start a worker, or end its process for the supervisor to try again.

    A worker that is started while the database is away has nothing to serve from. uvicorn's supervisor takes a failed
    start for a fault of the app and stops all workers; those that serve on must not go down with this one.
    """
    try:
        await watcher.start()
    except UnavailableError as problem:
        logging.getLogger(__name__).warning("this worker cannot start yet, another one will try: %s", problem.public)
        await asyncio.sleep(RETRY)
        os._exit(os.EX_TEMPFAIL)


def create() -> Server:
    """What each worker process runs: the same server, from the settings in its environment."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # the parent's to answer, by one worker after the other
    threading.Thread(target=_follow_parent, name="gatewright-parent", daemon=True).start()
    settings = Settings.load()
    _log_to_stderr(settings)
    return build(settings, replaceable=True)


def prepare(settings: Settings) -> str | None:
    """Make ready what all workers share: the data directory, the key file, the schema, a first admin key.

    Returns:
        The first admin key, to be shown once; None when there are keys already or none is needed.

    Raises:
        ConfigError: when the settings do not allow to serve.
        UnavailableError: when the database cannot be reached.
    """
    try:
        settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as problem:
        raise ConfigError(f"The data directory {settings.data_dir} cannot be made: {problem.strerror}.") from None
    shelf.clear(settings.metrics_folder)
    Keyring.load(settings)
    database = Database(settings.database_url)
    try:
        schema.upgrade(database)
        if settings.no_auth or settings.admin_key:
            return None
        with database.read() as tx:
            known = any(key.admin for key in keys.list_all(tx))
        return None if known else _make_admin_key(database)
    finally:
        database.close()


def _make_admin_key(database: Database) -> str | None:
    with database.write() as tx:
        if any(key.admin for key in keys.list_all(tx)):
            return None  # another process of a first start was faster
        return keys.create(tx, name="admin", admin=True)[1]


def run(settings: Settings) -> None:
    """Serve until SIGINT or SIGTERM; requests under way are completed.

    SIGHUP ends a single process the same way, and replaces the workers of several, one by one.

    Raises:
        ConfigError: when the server cannot start as it is set up.
        UnavailableError: when the database cannot be reached.
    """
    _log_to_stderr(settings)
    _allow_many_files()
    bound = _bind(settings)  # first, for a port that is taken must not cost the first key
    first_key = prepare(settings)
    host, port = bound.getsockname()[:2]
    url = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    if first_key is not None:
        _say(_FIRST_KEY.format(key=first_key))
    if settings.no_auth:
        _say(f"WARNING: no keys are asked for (--no-auth); everybody on this machine can use and manage {url}.")
    if settings.workers == 1:
        if signal.getsignal(signal.SIGHUP) is signal.SIG_DFL:  # nohup has it ignored
            signal.signal(signal.SIGHUP, lambda *_: signal.raise_signal(signal.SIGTERM))
        config = uvicorn.Config(build(settings), http=_protocol(settings), **_UVICORN)
        with contextlib.suppress(KeyboardInterrupt):  # raised once it has stopped
            _Announcing(config, url).run(sockets=[bound])
    else:
        settings.export()
        # A terminal hangs up on all processes at once; multiprocessing's own helper inherits that it is to stay.
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        resource_tracker.ensure_running()
        config = uvicorn.Config(
            "gatewright.app:create", http=_protocol(settings), factory=True, workers=settings.workers, **_UVICORN
        )
        _say(f"Gatewright {__version__} starts {settings.workers} workers")
        _Workers(config, bound, url).run()


def _protocol(settings: Settings) -> type[Protocol]:
    return FastLane if settings.fast_lane else Protocol


_UVICORN: dict[str, Any] = {
    "ws": "none",
    "lifespan": "on",
    "log_config": None,
    "access_log": False,
    "server_header": False,
    "proxy_headers": False,  # nothing here asks for the client's address
    "timeout_keep_alive": 75,
    "timeout_graceful_shutdown": GRACE,
}

_SERVES = "Gatewright {version} serves on {url} (API: {url}/docs)"

_FIRST_KEY = """
  This is the admin key of this gateway. It is shown once; only its hash is stored.

      {key}

  Send it as 'Authorization: Bearer KEY'. Make more with: gatewright keys create NAME
"""


class _Announcing(uvicorn.Server):
    """A server that says where it listens once it answers."""

    def __init__(self, config: uvicorn.Config, url: str) -> None:
        super().__init__(config)
        self._url = url

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            _say(_SERVES.format(version=__version__, url=self._url))


class _Workers(Multiprocess):
    """Starts the workers, says when all of them serve, replaces those that die, and stops them."""

    def __init__(self, config: uvicorn.Config, bound: socket.socket, url: str) -> None:
        super().__init__(config, [bound])
        self._unsaid: str | None = url

    def keep_subprocess_alive(self) -> None:
        """Called twice a second."""
        super().keep_subprocess_alive()
        if self._unsaid is not None and all(one.is_ready() for one in self.processes):
            _say(_SERVES.format(version=__version__, url=self._unsaid))
            self._unsaid = None

    def terminate_all(self) -> None:
        """Let no client connect to a socket that nobody serves any more."""
        for one in self.sockets:
            one.close()
        super().terminate_all()


def _follow_parent() -> None:
    """Stop when the parent process has died: without it a worker only keeps the port from the next server."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)


def _allow_many_files() -> None:
    """Raise the limit of open files as far as the system lets us; workers inherit it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = FILES if hard == resource.RLIM_INFINITY else min(FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _bind(settings: Settings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    bound = socket.socket(family)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((settings.host, settings.port))
    except OSError as problem:
        bound.close()
        raise ConfigError(
            f"Cannot listen on {settings.host} port {settings.port}: {problem.strerror}. "
            "Another program may have it; choose one with --port (0 takes a free one)."
        ) from None
    bound.set_inheritable(True)
    return bound


def _client(settings: Settings) -> Client:
    return Client(
        timeouts=Timeouts(
            connect=settings.connect_timeout,
            first_byte=settings.first_byte_timeout,
            idle=settings.idle_timeout,
            total=settings.total_timeout,
        ),
        ca_file=settings.ca_file,
        client_cert=settings.client_cert,
        client_key=settings.client_key,
        proxies=settings.proxies,
        limit=settings.upstream_connections,
        cloud=settings.cloud,
        private=settings.allow_private_upstreams,
    )


def _log_to_stderr(settings: Settings) -> None:
    logging.basicConfig(
        level=settings.log_level.upper(), format="%(asctime)s %(levelname)-7s %(name)s: %(message)s", stream=sys.stderr
    )
    # The libraries' own chatter about starting and migrating is not what an operator looks for.
    for name in ("uvicorn.error", "alembic", "asyncio"):
        logging.getLogger(name).setLevel(logging.WARNING)


def _say(text: str) -> None:
    """Tell the operator at the terminal; not a log record, and not to be filtered like one."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()
