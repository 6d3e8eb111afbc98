"""`gatewright serve`."""

import click

from gatewright.cli.options import settings_from, variables_beside
from gatewright.settings import Settings
from gatewright.supervisor.serve import run

_OPTIONS = ("host", "port", "data_dir", "database", "workers", "no_auth")


@click.command(epilog=variables_beside(*_OPTIONS))
@settings_from(*_OPTIONS)
def serve(settings: Settings) -> None:
    """Serve until Ctrl-C or SIGTERM; requests under way are completed.

    The first start makes the database and an admin key, which is printed once.

    \b
    Examples:
      gatewright serve
      gatewright serve --host 0.0.0.0 --port 8080 --workers 4 --database postgresql://user@db/gatewright
    """
    run(settings)
