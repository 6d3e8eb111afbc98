"""The schema's version: what it is, what it should be, and the way up."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from gatewright.control.store.database import Database
from gatewright.errors import ConfigError

_MIGRATIONS = Path(__file__).parent.parent / "migrations"
# Any number will do, as long as every process takes the same.
_UPGRADE_LOCK = 0x6761_7465


def _config() -> Config:
    config = Config()
    # Alembic reads % as the start of a variable.
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    return config


def upgrade(database: Database) -> None:
    """Bring the schema to this program's version, in one transaction.

    Several processes may call this at once: one migrates, the others wait and find it done.

    Raises:
        ConfigError: when the database is newer than this program.
        UnavailableError: when it cannot be reached.
    """
    with database.connection() as connection:
        if not database.sqlite:
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _UPGRADE_LOCK})
        if _state(connection) != "current":
            config = _config()
            config.attributes["connection"] = connection
            command.upgrade(config, "head")


def check(database: Database) -> None:
    """Make sure the schema is exactly this program's.

    Raises:
        ConfigError: when it is empty, older or newer; says what to do.
        UnavailableError: when the database cannot be reached.
    """
    with database.connection() as connection:
        state = _state(connection)
    if state != "current":
        raise ConfigError(f"The database is {state}. Run `gatewright db upgrade`.")


def _state(connection: Connection) -> str:
    """`current`, or what is wrong with it."""
    scripts = ScriptDirectory.from_config(_config())
    found, head = MigrationContext.configure(connection).get_current_revision(), scripts.get_current_head()
    if found == head:
        return "current"
    if found is None:
        return "empty"
    if found not in {script.revision for script in scripts.walk_revisions()}:
        raise ConfigError(
            f"The database has schema {found}, made by a newer Gatewright; this one knows schemas up to {head}. "
            "Install the newer version, or go back to a backup from before the upgrade."
        )
    return f"at schema {found}, and this program needs {head}"
