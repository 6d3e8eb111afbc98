"""The database of the settings, opened for one command."""

from collections.abc import Iterator
from contextlib import contextmanager

from gatewright.control.store import schema
from gatewright.control.store.database import Database
from gatewright.errors import ConfigError
from gatewright.settings import Settings


@contextmanager
def opened(settings: Settings, *, create: bool = False) -> Iterator[Database]:
    """Open the database after making sure that its schema is this program's, and close it at the end.

    Args:
        settings: where it is.
        create: make the data directory's own database when there is none yet.

    Raises:
        ConfigError: when there is none, or its schema is another program version's.
        UnavailableError: when it cannot be reached.
    """
    own = settings.data_dir / "gatewright.db"
    fresh = not settings.database and not own.exists()
    if fresh and not create:
        raise ConfigError(
            f"There is no database at {own}. Name another --data-dir or --database, or make one: "
            "gatewright serve, or gatewright db upgrade."
        )
    database = Database(settings.database_url)
    try:
        if fresh:
            schema.upgrade(database)
        else:
            schema.check(database)
        yield database
    finally:
        database.close()
