"""Transactions, the revision, and what the database's errors become."""

import shutil
import socket
import sqlite3
import stat
import subprocess
import sys
import textwrap
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import select, text
from sqlalchemy.engine import make_url

from gatewright.control.store import endpoints, model_definitions, secrets, tags
from gatewright.control.store.database import Database
from gatewright.control.store.schema import upgrade
from gatewright.control.store.tables import EndpointRow, ExperimentRow, MappingRow
from gatewright.errors import (
    AlreadyExistsError,
    ClientError,
    ConfigError,
    GatewrightError,
    InvalidStateError,
    UnavailableError,
)
from gatewright.settings import Settings


def test_a_write_raises_the_revision_by_one(database):
    """The number is seen inside the transaction and by others after it."""
    before = database.revision()
    with database.write() as tx:
        assert database.revision_in(tx) == before + 1
        assert database.revision() == before
    assert database.revision() == before + 1


def test_reading_leaves_the_revision_alone(database, make):
    """Only writes are news."""
    made = make.endpoint()
    before = database.revision()
    with database.read() as tx:
        endpoints.get(tx, endpoint_id=made.endpoint_id)
    assert database.revision() == before


@pytest.mark.parametrize("problem", [RuntimeError("boom"), ClientError("no"), KeyboardInterrupt()])
def test_a_failed_write_leaves_nothing_behind(database, make, vault, problem):
    """Neither rows nor the revision, whatever went wrong, and the error comes out as it is."""
    before = database.revision()

    def fail():
        with database.write() as tx:
            secrets.create(tx, vault, secret_name="half", secret_value={"api_key": "k"})
            raise problem

    with pytest.raises(type(problem)) as caught:
        fail()
    assert caught.value is problem
    assert database.revision() == before
    with database.read() as tx:
        assert secrets.list_all(tx) == []


def test_a_refused_endpoint_leaves_no_experiment_and_no_mapping(database, make):
    """The experiment is made in the endpoint's own transaction."""
    definition = make.definition()
    make.endpoint("taken", make.config(definition), usage_tracking=False)

    def create_two():
        with database.write() as tx:
            for name in ("fresh", "taken"):
                endpoints.create(tx, name=name, model_configs=[make.config(definition)])

    with pytest.raises(AlreadyExistsError):
        create_two()
    with database.read() as tx:
        assert tx.scalars(select(ExperimentRow.name)).all() == ["Default"]
        assert len(tx.scalars(select(MappingRow.mapping_id)).all()) == 1
        assert tx.scalars(select(EndpointRow.name)).all() == ["taken"]


def test_a_reader_sees_one_state_from_start_to_end(database, make):
    """A write that is committed meanwhile is not seen by half."""
    make.secret("first")
    with database.read() as tx:
        before = secrets.list_all(tx)
        make.secret("second")
        assert secrets.list_all(tx) == before
    with database.read() as tx:
        assert len(secrets.list_all(tx)) == 2


def test_two_writers_at_once_lose_no_update(database, make):
    """Eight threads read, add one and write, a hundred times in all."""
    endpoint_id = make.endpoint().endpoint_id
    with database.write() as tx:
        tags.put(tx, endpoint_id=endpoint_id, key="count", value="0")

    def add_one(_):
        with database.write() as tx:
            seen = int(endpoints.get(tx, endpoint_id=endpoint_id).tags[0].value)
            time.sleep(0.001)
            tags.put(tx, endpoint_id=endpoint_id, key="count", value=str(seen + 1))

    before = database.revision()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(add_one, range(100)))
    with database.read() as tx:
        assert endpoints.get(tx, endpoint_id=endpoint_id).tags[0].value == "100"
    assert database.revision() == before + 100


def test_of_many_writers_of_one_name_one_wins(database, vault):
    """The others are told that it exists, not that the database failed."""

    def create(_):
        try:
            with database.write() as tx:
                secrets.create(tx, vault, secret_name="one", secret_value={"api_key": "k"})
        except GatewrightError as problem:
            return problem.code
        return "made"

    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(create, range(8)))
    assert sorted(outcomes) == ["RESOURCE_ALREADY_EXISTS"] * 7 + ["made"]


@pytest.mark.slow
def test_an_acknowledged_write_survives_kill_9(database, database_url, make):
    """A process is killed in the middle of a stream of writes; every write it acknowledged is there."""
    endpoint_id = make.endpoint().endpoint_id
    code = textwrap.dedent("""
        import sys
        from gatewright.control.store import tags
        from gatewright.control.store.database import Database
        database = Database(sys.argv[1])
        for number in range(100_000):
            with database.write() as tx:
                tags.put(tx, endpoint_id=sys.argv[2], key="last", value=str(number))
                tags.put(tx, endpoint_id=sys.argv[2], key="again", value=str(number))
            print(number, flush=True)
    """)
    process = subprocess.Popen([sys.executable, "-c", code, database_url, endpoint_id], stdout=subprocess.PIPE)
    acknowledged = -1
    for line in process.stdout:
        acknowledged = int(line)
        if acknowledged == 50:
            process.kill()
    process.wait()
    process.stdout.close()
    with database.read() as tx:
        last, again = (int(tag.value) for tag in endpoints.get(tx, endpoint_id=endpoint_id).tags)
    assert last == again
    assert last in (acknowledged, acknowledged + 1)


def test_a_contradiction_that_no_check_saw_is_refused_without_sql(database, make):
    """The foreign keys hold even for code that forgets to ask; the message shows no statement."""
    made = make.definition()
    make.endpoint("e", make.config(made))
    with pytest.raises(InvalidStateError) as caught, database.write() as tx:
        tx.execute(text("DELETE FROM model_definitions"))
    assert "model_definitions" not in str(caught.value)


@pytest.mark.parametrize("name", ["half \ud800 a pair", "nul \0 inside"])
def test_text_that_cannot_be_stored_is_refused_and_never_found(database, make, name):
    """It is a client's error on both databases, and a look-up finds nothing."""
    secret_id = make.secret().secret_id
    with pytest.raises(ClientError, match="'name'"), database.write() as tx:
        model_definitions.create(tx, name=name, secret_id=secret_id, provider="openai", model_name="m")
    with pytest.raises(ClientError) as caught, database.read() as tx:
        endpoints.get(tx, name=name)
    assert caught.value.status == 404
    with pytest.raises(ClientError) as caught, database.read() as tx:
        model_definitions.get(tx, model_definition_id=name)
    assert caught.value.status == 404
    with database.read() as tx:
        assert model_definitions.list_all(tx, provider=name) == []


def test_a_value_that_no_check_saw_is_a_clients_error(database):
    """The driver's own complaint about text becomes a 400 too."""
    with pytest.raises(ClientError, match="cannot be stored"), database.write() as tx:
        tx.execute(select(EndpointRow).where(EndpointRow.name == "\ud800"))


def test_a_missing_table_is_unavailable_and_says_what_to_run(empty_database_url):
    """An unmigrated database is no crash and shows no SQL."""
    database = Database(empty_database_url)
    with pytest.raises(UnavailableError, match="gatewright db check") as caught:
        database.revision()
    assert "SELECT" not in str(caught.value)
    database.close()


def test_a_database_that_is_away_is_unavailable_without_its_password():
    """The error is a 503 and holds neither address nor password."""
    database = Database("postgresql://gatewright:hunter2@127.0.0.1:1/nowhere?connect_timeout=2")
    with pytest.raises(UnavailableError) as caught:
        database.revision()
    assert "hunter2" not in str(caught.value) + repr(caught.value)
    database.close()


def test_a_postgresql_that_never_answers_is_unavailable_soon(monkeypatch):
    """A host that takes connections and says nothing."""
    monkeypatch.setattr("gatewright.control.store.database.BUSY_SECONDS", 2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        database = Database(f"postgresql://u@127.0.0.1:{silent.getsockname()[1]}/x")
        began = time.monotonic()
        with pytest.raises(UnavailableError):
            database.revision()
        assert time.monotonic() - began < 8
        database.close()


@pytest.mark.parametrize(
    "url",
    ["", "nonsense", "mysql://u:hunter2@h/d", "sqlite://", "sqlite:///:memory:", "postgresql+asyncpg://u:hunter2@h/d"],
)
def test_another_database_is_refused_without_its_password(url):
    """The error says what can be used."""
    with pytest.raises(ConfigError, match="sqlite:///") as caught:
        Database(url)
    assert "hunter2" not in str(caught.value)


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    """A file where the folder should be is the operator's error."""
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="cannot be made"):
        Database(f"sqlite:///{tmp_path}/file/gatewright.db")


def test_the_sqlite_file_is_durable_and_for_its_owner_alone(sqlite_url):
    """WAL, a sync for every commit, foreign keys on, mode 0600 for a new file."""
    database = Database(sqlite_url)
    with database.read() as tx:
        pragmas = {name: tx.scalar(text(f"PRAGMA {name}")) for name in ("journal_mode", "synchronous", "foreign_keys")}
    database.close()
    assert pragmas == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}
    made = Path(make_url(sqlite_url).database).with_name("new.db")
    Database(f"sqlite:///{made}").close()
    assert stat.S_IMODE(made.stat().st_mode) == 0o600


def test_a_writer_that_waits_too_long_is_told_so(sqlite_url, monkeypatch):
    """Another program that holds the file makes a write a 503, not a crash."""
    monkeypatch.setattr("gatewright.control.store.database.BUSY_SECONDS", 0.1)
    database = Database(sqlite_url)
    other = sqlite3.connect(make_url(sqlite_url).database, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(UnavailableError, match="busy"), database.write():
        pass
    other.execute("ROLLBACK")
    with database.write():
        pass
    other.close()
    database.close()


def test_a_deleted_sqlite_file_is_an_outage_and_its_backup_ends_it(sqlite_url):
    """Nothing is acknowledged that goes to a file nobody will ever open; no new, empty file hides the loss."""
    database = Database(sqlite_url)
    path = Path(make_url(sqlite_url).database)
    with database.write():
        pass
    backup = sqlite3.connect(path.with_name("backup.db"))
    with sqlite3.connect(path) as source:
        source.backup(backup)
    source.close()
    backup.close()
    for one in path.parent.glob("gatewright.db*"):
        one.unlink()
    with pytest.raises(UnavailableError), database.write():
        pass
    with pytest.raises(UnavailableError):
        database.revision()
    assert not path.exists()
    path.with_name("backup.db").rename(path)
    with database.write():
        pass
    database.close()
    again = Database(sqlite_url)
    assert again.revision() == 3
    again.close()


def test_a_replaced_sqlite_file_is_read_at_once(sqlite_url, tmp_path, sqlite_template):
    """Also by connections that were open before."""
    database = Database(sqlite_url)
    with database.write():
        pass
    path = Path(make_url(sqlite_url).database)
    shutil.copy(sqlite_template, tmp_path / "other.db")
    for log in (path.with_name(f"{path.name}-wal"), path.with_name(f"{path.name}-shm")):
        log.unlink()
    (tmp_path / "other.db").rename(path)
    assert database.revision() == 1
    database.close()


@pytest.mark.parametrize("name", ["100%", "a#b", "ü ö", "%41", "a?b=c&d", "a'b"])
def test_a_data_directory_may_have_an_odd_name(tmp_path, name):
    """What a URL gives a meaning to is a plain character of a path."""
    database = Database(Settings(data_dir=tmp_path / name).database_url)
    upgrade(database)
    assert database.revision() == 1
    database.close()
    assert (tmp_path / name / "gatewright.db").stat().st_size > 0


def test_threads_share_one_database(database, make):
    """Readers and writers in many threads end without an error."""
    endpoint_id = make.endpoint().endpoint_id
    stop = threading.Event()

    def read():
        while not stop.is_set():
            with database.read() as tx:
                endpoints.list_all(tx)
        return True

    with ThreadPoolExecutor(4) as pool:
        readers = [pool.submit(read) for _ in range(4)]
        for number in range(30):
            with database.write() as tx:
                tags.put(tx, endpoint_id=endpoint_id, key="k", value=str(number))
        stop.set()
        assert all(reader.result() for reader in readers)
