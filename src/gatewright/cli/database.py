"""`gatewright db`."""

import click

from gatewright.cli.opened import opened
from gatewright.cli.options import STORE, settings_from
from gatewright.control.store import schema
from gatewright.control.store.database import Database
from gatewright.settings import Settings


@click.group("db")
def database() -> None:
    """Bring the database's schema up to date, or check it.

    `gatewright serve` upgrades by itself; these are for upgrading ahead of it, or with another database user.
    """


@database.command()
@settings_from(*STORE)
def upgrade(settings: Settings) -> None:
    """Make the tables, or bring them to this program's version. Safe to run twice.

    \b
    Example:
      gatewright db upgrade --database postgresql://user@db/gatewright
    """
    store = Database(settings.database_url)
    try:
        schema.upgrade(store)
    finally:
        store.close()
    click.echo("The database is up to date.")


@database.command()
@settings_from(*STORE)
def check(settings: Settings) -> None:
    """Tell whether the schema is this program's; exit code 0 when it is, 2 when it is not.

    \b
    Example:
      gatewright db check --data-dir /var/lib/gatewright
    """
    with opened(settings) as store:
        click.echo(f"The database is up to date, at revision {store.revision()}.")
