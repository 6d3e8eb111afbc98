"""The drain: what is in the journal comes into the ledger, once, whatever happens to the database and the process."""

import asyncio
import contextlib
import logging
import os

import pytest

from fixtures.ledger import record, stored
from gatewright.control import drain
from gatewright.control.drain import Drain
from gatewright.control.store import requests
from gatewright.control.store.rows import now
from gatewright.errors import UnavailableError
from gatewright.ledger.journal import Journal

DAY = 86_400_000


class Flaky:
    """A database that can be away.

    Attributes:
        away: whether it is.
        tried: how often it was asked while it was.
        committed_last: break off after the next commit, as if the answer to it never came.
    """

    def __init__(self, database):
        self._database = database
        self.away = self.committed_last = False
        self.tried = 0

    @contextlib.contextmanager
    def connection(self):
        if self.away:
            self.tried += 1
            raise UnavailableError("the database is away")
        with self._database.connection() as connection:
            yield connection
        if self.committed_last:
            self.committed_last = False
            raise UnavailableError("the connection broke off")


@pytest.fixture(autouse=True)
def short_waits(monkeypatch):
    """Tests wait for the drain."""
    for name, seconds in {"PACE": 0.01, "LONGEST_PAUSE": 0.04, "LOOK": 0.02, "PRUNE": 0.02}.items():
        monkeypatch.setattr(drain, name, seconds)


@pytest.fixture
def flaky(database):
    """The database of the test, that can be away."""
    return Flaky(database)


@pytest.fixture
def journal(tmp_path):
    """A journal with small files."""
    return Journal(tmp_path / "journal", limit=1 << 30, segment=1000)


@contextlib.asynccontextmanager
async def draining(journal, database, **options):
    """A drain that runs."""
    one = Drain(journal, database, **options)
    await one.start()
    yield one
    await one.stop()


async def until(condition, seconds=10.0):
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - another thread makes it true
            await asyncio.sleep(0.005)


def appended(journal, count):
    records = [record() for _ in range(count)]
    for one in records:
        journal.append(one)
    return {one.record_id: one for one in records}


async def test_records_come_into_the_ledger_as_they_are(journal, database):
    """Every field, soon, while more are written; nothing stays in the journal."""
    async with draining(journal, database):
        sent = appended(journal, 100)
        await until(lambda: journal.depth == 0)
        sent |= appended(journal, 30)
        await until(lambda: journal.depth == 0)
        assert stored(database) == sent
    assert list((journal.spool.folder.parent).iterdir()) == []


async def test_storing_requests_is_no_change_of_the_configuration(journal, database):
    """The revision stays, so nothing is compiled; a writer who holds its lock keeps no record away."""
    before = database.revision()
    appended(journal, 5)
    async with draining(journal, database):
        await until(lambda: journal.depth == 0)
    assert database.revision() == before
    if not database.sqlite:  # there a writer has the whole file
        with database.write():
            appended(journal, 1)
            async with draining(journal, database):
                await until(lambda: journal.depth == 0)


async def test_what_is_left_at_the_end_is_stored_by_a_stop(journal, database, monkeypatch):
    """A stopping server stores what it has; its folder is gone."""
    monkeypatch.setattr(drain, "PACE", 60.0)
    async with draining(journal, database):
        await asyncio.sleep(0)
        sent = appended(journal, 50)
    assert stored(database) == sent
    assert list(journal.spool.folder.parent.iterdir()) == []


async def test_a_drain_that_is_cancelled_stores_what_is_left_all_the_same(journal, database):
    """A server that is made to stop at once cancels every task, and then stops its parts."""
    async with draining(journal, database) as one:
        sent = appended(journal, 500)
        one._task.cancel()
    assert stored(database) == sent
    assert list(journal.spool.folder.parent.iterdir()) == []


async def test_while_the_database_is_away_records_wait(journal, flaky, database, caplog):
    """It is said once; tries become rare; all are stored when it is back, and that is said too."""
    caplog.set_level(logging.INFO)
    flaky.away = True
    async with draining(journal, flaky):
        sent = appended(journal, 40)
        await until(lambda: flaky.tried > 5)
        assert journal.depth == 40
        flaky.away = False
        await until(lambda: journal.depth == 0)
        await until(lambda: "requests are stored again" in caplog.text)
    assert stored(database) == sent
    assert caplog.text.count("they wait in the journal") == 1


async def test_a_server_that_stops_while_the_database_is_away_keeps_all_for_the_next_start(
    journal, flaky, database, tmp_path, caplog
):
    """The next process finds its folder, and says what it stored."""
    caplog.set_level(logging.INFO)
    flaky.away = True
    async with draining(journal, flaky):
        sent = appended(journal, 40)
    assert "40 requests wait in the journal for the next start" in caplog.text
    async with draining(Journal(tmp_path / "journal", limit=1 << 30), database):
        await until(lambda: len(stored(database)) == 40)
        await until(lambda: "stored 40 requests that a process left" in caplog.text)
    assert stored(database) == sent
    assert list((tmp_path / "journal").iterdir()) == []


async def test_a_commit_that_was_never_answered_doubles_nothing(journal, flaky, database):
    """The batch is stored again under the same ids."""
    flaky.committed_last = True
    sent = appended(journal, 40)
    async with draining(journal, flaky):
        await until(lambda: journal.depth == 0)
    assert not flaky.committed_last
    assert stored(database) == sent


async def test_records_of_a_process_that_died_are_stored_by_one_that_lives(journal, database, tmp_path):
    """Also those it had stored, but not deleted yet; a process that lives keeps its own."""
    dead, living = (Journal(tmp_path / "journal", limit=1 << 30) for _ in range(2))
    dead.open()
    living.open()
    left, kept = appended(dead, 20), appended(living, 3)
    with database.connection() as connection:
        requests.insert(connection, list(left.values())[:15])
    os.close(dead._lock)  # as the system does for a process that died
    async with draining(journal, database):
        await until(lambda: len(stored(database)) == 20)
        await until(lambda: not dead.spool.folder.exists())
    assert stored(database) == left
    assert living.depth == len(kept)
    living.close()


async def test_a_record_that_does_not_fit_is_made_to(journal, database):
    """It keeps no other from the ledger, and is not lost."""
    odd = record("odd", upstream_request_id="a\0b", model="m" * 300, input_tokens=2**63)
    journal.append(odd)
    sent = appended(journal, 2)
    async with draining(journal, database):
        await until(lambda: journal.depth == 0)
    found = stored(database)
    assert found.pop("odd").input_tokens == odd.fitted().input_tokens
    assert found == sent


async def test_records_that_are_too_old_are_deleted_in_small_batches(journal, database, monkeypatch):
    """Those within the days stay; without a limit all do."""
    monkeypatch.setattr(drain, "PRUNED", 4)
    old = [record(at=now() - 8 * DAY) for _ in range(10)]
    young = [record(at=now() - 6 * DAY) for _ in range(3)]
    with database.connection() as connection:
        requests.insert(connection, old + young)
    async with draining(journal, database):
        appended(journal, 1)
        await until(lambda: journal.depth == 0)
    assert len(stored(database)) == 14
    async with draining(journal, database, days=7):
        await until(lambda: len(stored(database)) == 4)
    assert {one.record_id for one in young} <= set(stored(database))


async def test_a_fault_of_ours_is_logged_and_tried_again(journal, database, monkeypatch, caplog):
    """The drain goes on, and nothing is lost."""
    with monkeypatch.context() as broken:
        broken.setattr(requests, "insert", lambda *_: 1 / 0)
        async with draining(journal, database):
            sent = appended(journal, 3)
            await until(lambda: "a fault of ours while storing requests" in caplog.text)
            broken.undo()
            await until(lambda: journal.depth == 0)
    assert stored(database) == sent


async def test_two_drains_beside_each_other_store_everything_once(database, tmp_path):
    """Two workers on one database and one folder."""
    journals = [Journal(tmp_path / "journal", limit=1 << 30, segment=1000) for _ in range(2)]
    sent = {}
    async with draining(journals[0], database), draining(journals[1], database):
        for _ in range(20):
            for one in journals:
                sent |= appended(one, 10)
            await asyncio.sleep(0.005)
        await until(lambda: not any(one.depth for one in journals))
    assert stored(database) == sent
