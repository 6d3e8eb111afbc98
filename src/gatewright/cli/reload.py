"""`gatewright reload`."""

import os
import signal
import time

import click

from gatewright.cli.options import settings_from
from gatewright.errors import ConfigError, UnavailableError
from gatewright.settings import Settings
from gatewright.supervisor.running import Running, servers

LOOK = 0.05
"""Seconds between two looks at how far a server is."""


@click.command()
@settings_from("data_dir")
def reload(settings: Settings) -> None:
    """Replace the workers of the server that runs on a data directory, one by one; no request fails.

    New workers load the program and read the files of keys and certificates again; settings stay as they were when the
    server was started. It ends once all new ones serve, with exit code 1 when they cannot: those that there were serve
    on then. SIGHUP does the same.

    \b
    Example:
      gatewright reload --data-dir /var/lib/gatewright
    """
    found = servers(settings.running_folder)
    if not found:
        raise ConfigError(f"No server runs on the data directory {settings.data_dir}. Name another --data-dir.")
    for one in found:
        os.kill(one.pid, signal.SIGHUP)
    for one in found:
        _await(one, settings)
        click.echo(f"New workers serve on {one.url}.")


def _await(server: Running, settings: Settings) -> None:
    """Wait until a reload that was asked for now has ended."""
    wanted = server.reloads.asked + 1
    while True:
        now = next((one.reloads for one in servers(settings.running_folder) if one.pid == server.pid), None)
        if now is None:
            raise UnavailableError(f"The server on {server.url} ended meanwhile.")
        if now.done >= wanted:
            break
        time.sleep(LOOK)
    if now.problem:
        raise UnavailableError(f"The workers on {server.url} were not replaced, they serve on. {now.problem}")
