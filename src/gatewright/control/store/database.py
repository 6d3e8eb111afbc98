"""One database: transactions, the revision that every write raises, and what its errors mean.

Writers are serialised: a write first takes the lock of the one revision row (on SQLite, of the file). So a check and
the change that follows it see the same state, and two writers never lose an update.
"""

import logging
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy
from sqlalchemy import Connection, Engine, event, exc, select, text, update
from sqlalchemy.engine import URL, make_url
from sqlalchemy.orm import Session

from gatewright.control.store.tables import RevisionRow
from gatewright.errors import ClientError, ConfigError, GatewrightError, InvalidStateError, UnavailableError

CHANNEL = "gatewright_revision"
BUSY_SECONDS = 10

log = logging.getLogger(__name__)

_AWAY = "The database cannot be reached, or is busy. Try again; the server's log has the reason."
_UNFIT = "A value cannot be stored: it is too long or too large, or holds characters that are not text."
_STRANGE = "The database does not look as this program expects. Run `gatewright db check`."
_FAILURES: tuple[tuple[type[Exception], type[GatewrightError], str], ...] = (
    (
        exc.IntegrityError,
        InvalidStateError,
        "The change contradicts what is stored. Read the current state and try again.",
    ),
    (exc.DataError, ClientError, _UNFIT),
    (UnicodeEncodeError, ClientError, _UNFIT),
    (OverflowError, ClientError, _UNFIT),
    (exc.TimeoutError, UnavailableError, _AWAY),
    (exc.OperationalError, UnavailableError, _AWAY),
    (exc.InterfaceError, UnavailableError, _AWAY),
    (exc.SQLAlchemyError, UnavailableError, _STRANGE),
)
"""What each error of the database becomes; the first row that fits wins."""


class Database:
    """A SQLite file or a PostgreSQL database.

    Safe to share between threads. Everything is read and written through `read` and `write`.
    """

    def __init__(self, url: str, *, create: bool = True) -> None:
        """Prepare connections to `url`; nothing is opened yet.

        Args:
            url: `sqlite:///file` or `postgresql://user:password@host/name`.
            create: make SQLite's file when there is none; without it, a file that is gone is a database that is away.

        Raises:
            ConfigError: for another database, or when PostgreSQL's driver is not installed.
        """
        parsed = _parse(url)
        self.sqlite = parsed.get_backend_name() == "sqlite"
        try:
            self._engine = sqlalchemy.create_engine(
                parsed,
                hide_parameters=True,
                pool_timeout=BUSY_SECONDS,
                **(_sqlite_options(parsed, create=create) if self.sqlite else _postgres_options(parsed)),
            )
        except ModuleNotFoundError:
            raise ConfigError(
                "PostgreSQL needs its driver: pip install 'gatewright[postgres]', or use sqlite:///file."
            ) from None
        if self.sqlite:
            event.listen(self._engine, "do_connect", _open_existing)
            event.listen(self._engine, "connect", _prepare_sqlite)
            event.listen(self._engine, "checkout", _refuse_moved)
            event.listen(self._engine, "begin", _begin_sqlite)
            self.reading: Engine = self._engine
            self.writing: Engine = self._engine.execution_options(sqlite_begin="BEGIN IMMEDIATE")
        else:
            self.reading = self._engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
            self.writing = self._engine.execution_options(isolation_level="READ COMMITTED")

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A transaction that sees one state of the database from start to end.

        Raises:
            UnavailableError: when the database is away or busy.
        """
        with self._translated(), Session(self.reading, autoflush=False) as tx:
            yield tx

    @contextmanager
    def write(self) -> Iterator[Session]:
        """A transaction that may change rows: it raises the revision, and all of it happens or nothing.

        Raises:
            UnavailableError: when the database is away, or another writer keeps the lock for 10 seconds.
        """
        with self._translated(), Session(self.writing, expire_on_commit=False) as tx, tx.begin():
            if not self.sqlite:
                tx.execute(text(f"SET LOCAL lock_timeout = '{BUSY_SECONDS}s'"))
            revision = tx.scalar(update(RevisionRow).values(value=RevisionRow.value + 1).returning(RevisionRow.value))
            if revision is None:
                raise ConfigError("The database has no revision row. Run `gatewright db check`.")
            yield tx
            if not self.sqlite:
                tx.execute(
                    text("SELECT pg_notify(:channel, :revision)"),
                    {"channel": CHANNEL, "revision": str(revision)},
                )

    def revision(self) -> int:
        """The number of the last committed write.

        Raises:
            UnavailableError: when the database is away, or not migrated.
        """
        with self.read() as tx:
            return self.revision_in(tx)

    def revision_in(self, tx: Session) -> int:
        """The revision of the state that a transaction sees."""
        return tx.scalars(select(RevisionRow.value)).one()

    def close(self) -> None:
        """Close every connection that is not in use."""
        self._engine.dispose()

    @contextmanager
    def connection(self) -> Iterator[Connection]:
        """A writing connection without the revision, for migrations and the ledger: one transaction."""
        with self._translated(), self.writing.begin() as connection:
            yield connection

    def dedicated(self) -> Any:
        """A driver connection that never returns to the pool, for LISTEN."""
        with self._translated():
            pooled = self._engine.raw_connection()
            pooled.detach()
            return pooled.dbapi_connection

    @property
    def driver_error(self) -> type[Exception]:
        """Root of the errors that a `dedicated` connection raises."""
        error: type[Exception] = self._engine.dialect.loaded_dbapi.Error
        return error

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except tuple(kind for kind, _, _ in _FAILURES) as problem:
            for kind, becomes, message in _FAILURES:
                if isinstance(problem, kind) and not (kind is exc.OperationalError and _is_our_mistake(problem)):
                    if issubclass(becomes, UnavailableError):
                        log.warning("database: %s", getattr(problem, "orig", None) or problem)
                    raise becomes(message) from problem
            raise


def shown(url: str) -> str:
    """A database's URL without the password.

    Raises:
        ConfigError: for one that cannot be read.
    """
    return _parse(url).render_as_string(hide_password=True)


def _is_our_mistake(problem: Exception) -> bool:
    """Whether SQLite says with an "operational" error that a statement does not fit its tables."""
    return getattr(getattr(problem, "orig", None), "sqlite_errorcode", None) == sqlite3.SQLITE_ERROR


def _parse(url: str) -> URL:
    try:
        parsed = make_url(url)
    except exc.ArgumentError:
        raise ConfigError(
            "The database URL cannot be read. Use sqlite:///file or postgresql://user:password@host/name."
        ) from None
    if parsed.drivername in ("sqlite", "sqlite+pysqlite"):
        if not parsed.database or parsed.database.startswith((":memory:", "file:")):
            raise ConfigError("SQLite needs a file that all processes can open: sqlite:////full/path/gatewright.db.")
        return parsed
    if parsed.drivername in ("postgres", "postgresql", "postgresql+psycopg"):
        return parsed.set(drivername="postgresql+psycopg")
    raise ConfigError(
        f"The database {parsed.drivername!r} is not supported. "
        "Use sqlite:///file or postgresql://user:password@host/name."
    )


def _sqlite_options(url: URL, *, create: bool) -> dict[str, Any]:
    options = {"connect_args": {"timeout": BUSY_SECONDS}}
    if not create:
        return options
    path = Path(url.database or "")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Made here so that nobody else can read it: SQLite itself would follow the umask.
        path.touch(mode=0o600)
    except OSError as problem:
        raise ConfigError(f"The database file {path} cannot be made: {problem.strerror}.") from None
    return options


def _postgres_options(url: URL) -> dict[str, Any]:
    # By itself libpq waits minutes for a server that went away without a word. What the URL says comes first.
    patience = {
        "connect_timeout": BUSY_SECONDS,
        "tcp_user_timeout": 2 * BUSY_SECONDS * 1000,
        "keepalives_idle": BUSY_SECONDS,
        "keepalives_interval": BUSY_SECONDS // 2,
        "keepalives_count": 2,
    }
    return {
        "pool_pre_ping": True,
        "connect_args": {name: value for name, value in patience.items() if name not in url.query},
    }


def _open_existing(_dialect: Any, _record: Any, arguments: list[Any], options: dict[str, Any]) -> None:
    # A file that is gone is an outage; SQLite itself would go on with a new, empty one.
    arguments[0] = f"{Path(arguments[0]).as_uri()}?mode=rw"
    options["uri"] = True


def _prepare_sqlite(connection: Any, record: Any) -> None:
    record.info["file"] = _file_of(connection)
    # The driver must not start transactions by itself: `_begin_sqlite` does.
    connection.isolation_level = None
    if connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
        connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")


def _refuse_moved(connection: Any, record: Any, _proxy: Any) -> None:
    # What is written to a file that was deleted or replaced would be acknowledged and lost. The pool opens another.
    if _file_of(connection) != record.info["file"]:
        raise exc.DisconnectionError


def _file_of(connection: Any) -> tuple[int, int] | None:
    """Which file is at a connection's path now; None when there is none."""
    path = Path(connection.execute("PRAGMA database_list").fetchone()[2])
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _begin_sqlite(connection: Connection) -> None:
    connection.exec_driver_sql(connection.get_execution_options().get("sqlite_begin", "BEGIN"))
