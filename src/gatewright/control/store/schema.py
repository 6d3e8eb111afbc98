"""The schema's version: what it is, what it should be, and the way up."""

from pathlib import Path

import sqlalchemy
from sqlalchemy import Connection, text

from gatewright.control.store.database import Database
from gatewright.errors import ConfigError, UnavailableError

_MIGRATIONS = Path(__file__).parent.parent / "migrations"
# Any number will do, as long as every process takes the same.
_UPGRADE_LOCK = 0x6761_7465

VERSIONS = tuple(sorted(path.name.partition("_")[0] for path in (_MIGRATIONS / "versions").glob("[0-9]*_*.py")))
"""All versions there are, by the files of their migrations; the last one is this program's."""


def upgrade(database: Database, *, create: bool = True) -> None:
    """Bring the schema to this program's version, in one transaction.

    Several processes may call this at once: one migrates, the others wait and find it done.

    Args:
        database: what to bring up.
        create: make the tables when there are none; without it, an empty database has lost what was in it.

    Raises:
        ConfigError: when the database is newer than this program.
        UnavailableError: when it cannot be reached, or is empty and must not be.
    """
    with database.read() as tx:
        state = _state(tx.connection())
    if state == "current":
        return
    if state == "empty" and not create:
        raise UnavailableError("The database is empty, and was not before. Put back what was in it.")
    with database.connection() as connection:
        if not database.sqlite:
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _UPGRADE_LOCK})
        if _state(connection) != "current":
            _migrate(connection)


def check(database: Database) -> None:
    """Make sure the schema is exactly this program's.

    Raises:
        ConfigError: when it is empty, older or newer; says what to do.
        UnavailableError: when the database cannot be reached.
    """
    with database.read() as tx:
        state = _state(tx.connection())
    if state != "current":
        raise ConfigError(f"The database is {state}. Run `gatewright db upgrade`.")


def _state(connection: Connection) -> str:
    """`current`, or what is wrong with it."""
    found = _found(connection)
    if found == VERSIONS[-1]:
        return "current"
    if found is None:
        return "empty"
    if found not in VERSIONS:
        raise ConfigError(
            f"The database has schema {found}, made by a newer Gatewright; this one knows schemas up to "
            f"{VERSIONS[-1]}. Install the newer version, or go back to a backup from before the upgrade."
        )
    return f"at schema {found}, and this program needs {VERSIONS[-1]}"


def _found(connection: Connection) -> str | None:
    """The version that Alembic noted down, read without it."""
    if not sqlalchemy.inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
    return found


def _migrate(connection: Connection) -> None:
    # Loading it takes longer than all else that a start does with the database, and seldom is anything to be migrated.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    # Alembic reads % as the start of a variable.
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
