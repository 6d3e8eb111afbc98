"""`gatewright serve`: takes the port, then keeps workers running on it."""

import functools
import importlib
import logging
import resource
import socket
import sys

from gatewright import __version__
from gatewright.errors import ConfigError
from gatewright.settings import Settings
from gatewright.supervisor.line import Line
from gatewright.supervisor.running import entered
from gatewright.supervisor.supervisor import Supervisor

APP = "gatewright.app"
"""What a worker runs. It is loaded by the worker, by its name: this process is to be small."""

FILES = 65536
"""Open files a process asks the system for, sockets included; many systems give 1024 unless asked."""


def run(settings: Settings) -> None:
    """Serve until SIGINT or SIGTERM; requests under way are completed. SIGHUP replaces the workers, one by one.

    Raises:
        ConfigError: when the server cannot start as it is set up.
        UnavailableError: when the database cannot be reached, and no configuration that can be used is on disk.
    """
    bound, url = _begin(settings)
    with entered(settings.running_folder, url) as entry:
        Supervisor(
            functools.partial(_work, settings, bound),
            settings.workers,
            drain=settings.drain_seconds,
            lasting=settings.lasting_seconds,
            ready=lambda: say(f"Gatewright {__version__} serves on {url} (API: {url}/docs)"),
            reloaded=entry.note,
            release=bound.close,
        ).run()


def run_alone(settings: Settings) -> None:
    """Serve in this process, without workers; the rest is as with `run`."""
    bound, _ = _begin(settings)
    _work(settings, bound, Line())


def say(text: str) -> None:
    """Tell the operator at the terminal; not a log record, and not to be filtered like one."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def _begin(settings: Settings) -> tuple[socket.socket, str]:
    """Do all that can fail for what the operator set; the port, and the address to reach it."""
    _log_to_stderr(settings)
    _allow_many_files()
    bound = _bind(settings)  # first, for a port that is taken must not cost the first key
    try:
        settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as problem:
        raise ConfigError(f"The data directory {settings.data_dir} cannot be made: {problem.strerror}.") from None
    host, port = bound.getsockname()[:2]
    url = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    if settings.no_auth:
        say(f"WARNING: no keys are asked for (--no-auth); everybody on this machine can use and manage {url}.")
    return bound, url


def _work(settings: Settings, bound: socket.socket, line: Line) -> None:
    importlib.import_module(APP).work(settings, bound, line)


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
    return bound


def _allow_many_files() -> None:
    """Raise the limit of open files as far as the system lets us; workers inherit it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = FILES if hard == resource.RLIM_INFINITY else min(FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _log_to_stderr(settings: Settings) -> None:
    logging.basicConfig(
        level=settings.log_level.upper(), format="%(asctime)s %(levelname)-7s %(name)s: %(message)s", stream=sys.stderr
    )
    # The libraries' own chatter about starting and migrating is not what an operator looks for.
    for name in ("uvicorn.error", "alembic", "asyncio"):
        logging.getLogger(name).setLevel(logging.WARNING)
