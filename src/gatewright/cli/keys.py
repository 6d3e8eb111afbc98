"""`gatewright keys`."""

import json

import click

from gatewright.cli.opened import opened
from gatewright.cli.options import STORE, settings_from
from gatewright.cli.table import moment, none_yet, plain, table
from gatewright.control.store import keys as store
from gatewright.settings import Settings


@click.group()
def keys() -> None:
    """Make, list and revoke the keys that callers send. A running server knows within a second."""


@keys.command()
@click.argument("name")
@click.option("--admin", is_flag=True, help="The key may also manage the gateway, not only call endpoints.")
@settings_from(*STORE)
def create(settings: Settings, name: str, admin: bool) -> None:
    """Make a key called NAME and print it, this once: only its hash is stored.

    The key alone goes to standard output, so that it can be piped into a secret store.

    \b
    Example:
      gatewright keys create my-app
    """
    with opened(settings, create=True) as database, database.write() as tx:
        made, key = store.create(tx, name=name, admin=admin)
    click.echo(key)
    kind = "An admin key" if made.admin else "A key"
    click.echo(f"{kind} was made, {made.key_id}. It is shown this once: keep it now.", err=True)


@keys.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@settings_from(*STORE)
def list_(settings: Settings, as_json: bool) -> None:
    """List all keys, masked, oldest first.

    \b
    Example:
      gatewright keys list --json
    """
    with opened(settings) as database, database.read() as tx:
        found = store.list_all(tx)
    if as_json:
        names = ("key_id", "name", "admin", "created_at", "masked")
        click.echo(json.dumps([{name: getattr(key, name) for name in names} for key in found], indent=2))
    elif found:
        rows = [(k.name, k.masked, "admin" if k.admin else "", moment(k.created_at), k.key_id) for k in found]
        click.echo(table(("NAME", "KEY", "ROLE", "CREATED", "ID"), rows))
    else:
        none_yet("keys", "Make one with: gatewright keys create NAME")


@keys.command()
@click.argument("name")
@settings_from(*STORE)
def revoke(settings: Settings, name: str) -> None:
    """Revoke the key NAME, given by its name or its id. Requests with it are refused within a second.

    \b
    Example:
      gatewright keys revoke my-app
    """
    with opened(settings) as database, database.write() as tx:
        gone = store.revoke(tx, name)
    click.echo(f"Revoked {plain(gone.name)} ({gone.key_id}).")
