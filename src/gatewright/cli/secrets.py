"""`gatewright secrets`."""

import click

from gatewright.cli.opened import opened
from gatewright.cli.options import STORE, settings_from
from gatewright.cli.table import plain
from gatewright.control.crypto import Vault
from gatewright.control.keyring import Keyring
from gatewright.control.store import secrets as store
from gatewright.control.store.database import Database
from gatewright.errors import ConfigError, InvalidStateError
from gatewright.settings import Settings


@click.group()
def secrets() -> None:
    """Look after the encryption of the stored secrets."""


@secrets.command()
@click.option("--keep-old", is_flag=True, help="Leave the old keys in the key file, for backups made under them.")
@settings_from(*STORE, "kek_file")
def rotate(settings: Settings, keep_old: bool) -> None:
    """Put every secret under a new key-encryption key (KEK). Servers keep running.

    With a key file: a new key is put first in the file, every secret's data key is wrapped under it in one transaction,
    then the old keys are taken out. It may be stopped at any point and run again. All servers must see the same file;
    where they cannot, use GATEWRIGHT_KEK.

    With GATEWRIGHT_KEK: make a key (openssl rand -base64 32), put it in front of the old one there, restart every
    server with both, and run this. It wraps every secret under the first key and says which keys can be removed.

    \b
    Example:
      gatewright secrets rotate
    """
    with opened(settings) as database:
        if settings.kek:
            _rotate_environment(database, Keyring.load(settings))
        else:
            _rotate_file(database, settings, keep_old=keep_old)


def _rotate_file(database: Database, settings: Settings, *, keep_old: bool) -> None:
    path = settings.kek_path
    if not path.exists():
        raise ConfigError(f"There is no key file {path}, so there is nothing to rotate.")
    keyring = Keyring.load(settings)
    with keyring.rotation() as rotation:
        old = ", ".join(keyring.ids[1:])
        # From here on every process encrypts under the new key, and decrypts with all of them.
        click.echo(f"1. New key {rotation.key.id} is first in {path}.")
        _rewrap(database, keyring)
        if keep_old:
            click.echo(f"3. Kept in {path}: {old}.")
        else:
            rotation.retire()
            click.echo(f"3. Dropped from {path}: {old}. Backups of the database from before now need the old file.")
    click.echo(f"Done. Back up {path}, apart from the database.")


def _rotate_environment(database: Database, keyring: Keyring) -> None:
    first, *others = keyring.ids
    if not others:
        raise ConfigError(
            "GATEWRIGHT_KEK holds one key, so there is none to rotate to. Put a new one in front (made with: openssl "
            "rand -base64 32), a comma between them, restart every server with both, and run this again."
        )
    click.echo(f"1. The first key of GATEWRIGHT_KEK is {first}.")
    _rewrap(database, keyring)
    click.echo(f"3. Once every server runs with {first} first, remove the other keys: {', '.join(others)}.")


def _rewrap(database: Database, keyring: Keyring) -> None:
    result = store.rewrap_all(database, Vault(keyring))
    click.echo(f"2. {result.count} secrets were wrapped under key {keyring.primary.id}.")
    if result.problems:
        told = "\n".join(f"  {plain(name)}: {problem}" for name, problem in sorted(result.problems.items()))
        raise InvalidStateError(
            f"{len(result.problems)} secrets could not be wrapped anew, so no old key was dropped:\n{told}"
        )
