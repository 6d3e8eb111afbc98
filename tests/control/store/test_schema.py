"""The way up, and what is refused."""

import subprocess
import sys
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text

from gatewright.control.store import keys, schema
from gatewright.control.store.database import Database
from gatewright.control.store.tables import Table
from gatewright.errors import ConfigError, UnavailableError


@pytest.fixture
def empty_database(empty_database_url):
    """A database without tables."""
    opened = Database(empty_database_url)
    yield opened
    opened.close()


def set_version(database, version):
    with database.connection() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = :version"), {"version": version})


def test_an_empty_database_is_named_then_brought_up(empty_database):
    """The check says what to run, and is content afterwards."""
    with pytest.raises(ConfigError, match=r"empty.*gatewright db upgrade"):
        schema.check(empty_database)
    schema.upgrade(empty_database)
    schema.check(empty_database)
    assert empty_database.revision() == 1


def test_the_versions_are_those_of_the_migrations():
    """In the order in which Alembic goes up; they are read without it."""
    scripts = ScriptDirectory(str(Path(schema.__file__).parent.parent / "migrations"))
    assert tuple(one.revision for one in reversed(list(scripts.walk_revisions()))) == schema.VERSIONS


def test_a_database_that_is_up_to_date_is_not_migrated_again(database, monkeypatch):
    """Nor is what migrates loaded, which would take a good part of a start."""
    monkeypatch.delattr(schema, "_migrate")
    schema.upgrade(database)


def test_an_empty_database_that_must_not_be_is_left_alone(empty_database):
    """It has lost what was in it, and tables would look as if nothing had ever been."""
    with pytest.raises(UnavailableError, match=r"is empty, and was not before"):
        schema.upgrade(empty_database, create=False)
    with pytest.raises(ConfigError, match="empty"):
        schema.check(empty_database)
    schema.upgrade(empty_database)
    schema.upgrade(empty_database, create=False)


def test_upgrading_twice_changes_nothing(database):
    """Data and revision stay."""
    with database.write() as tx:
        keys.create(tx, name="one")
    before = database.revision()
    schema.upgrade(database)
    with database.read() as tx:
        assert [key.name for key in keys.list_all(tx)] == ["one"]
    assert database.revision() == before


def test_the_migrations_make_exactly_the_tables_of_the_program(database):
    """Nothing is in the tables' definition that no migration makes, and the other way round."""
    with database.connection() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Table.metadata) == []


@pytest.mark.parametrize("act", [schema.check, schema.upgrade])
def test_a_newer_database_is_refused(database, act):
    """Both commands say that the program is too old, and change nothing."""
    set_version(database, "9999")
    with pytest.raises(ConfigError, match=r"9999.*newer Gatewright"):
        act(database)
    with database.connection() as connection:
        assert MigrationContext.configure(connection).get_current_revision() == "9999"


def test_a_failed_migration_leaves_nothing_half_made(empty_database):
    """A table that is in the way stops the upgrade as a whole; without it the upgrade works."""
    with empty_database.connection() as connection:
        connection.execute(text("CREATE TABLE scorers (x INTEGER)"))
    with pytest.raises(UnavailableError, match="does not look as"):
        schema.upgrade(empty_database)
    with pytest.raises(ConfigError, match="empty"):
        schema.check(empty_database)
    with empty_database.connection() as connection:
        connection.execute(text("DROP TABLE scorers"))
    schema.upgrade(empty_database)
    schema.check(empty_database)


@pytest.mark.slow
def test_processes_that_upgrade_together_all_succeed(empty_database_url):
    """One migrates, the others wait; no process fails."""
    code = (
        "import sys; from gatewright.control.store import schema\n"
        "from gatewright.control.store.database import Database\n"
        "database = Database(sys.argv[1]); sys.stdin.read(1)\n"
        "schema.upgrade(database); schema.check(database); print(database.revision())"
    )
    running = [
        subprocess.Popen(
            [sys.executable, "-c", code, empty_database_url],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(5)
    ]
    for process in running:
        process.stdin.write("x")
        process.stdin.flush()
    assert [process.communicate() for process in running] == [("1\n", "")] * 5
