"""The watcher: new revisions are served, failures leave the old snapshot in force."""

import asyncio
import threading
import time

import pytest

from gatewright.control import watch
from gatewright.control.watch import Watcher
from gatewright.errors import UnavailableError
from gatewright.snapshot.holder import Holder
from gatewright.snapshot.model import Snapshot


class FakeDatabase:
    """A revision, a waiter for it, and a compiler that can fail or be slow."""

    def __init__(self):
        self.revision = 1
        self.compiled = 0
        self.failing = False
        self.away = None
        self.slow = 0.0
        self.changed = threading.Event()

    def write(self):
        self.revision += 1
        self.changed.set()

    def wait(self, after, timeout):
        if self.away:
            raise self.away
        if self.revision == after:
            self.changed.wait(timeout)
        self.changed.clear()
        return self.revision

    def compile(self):
        revision = self.revision
        self.compiled += 1
        time.sleep(self.slow)
        if self.failing:
            raise UnavailableError("the database is away")
        return Snapshot(revision=revision)


@pytest.fixture
async def watched(monkeypatch):
    """A running watcher over a fake database, with short waits."""
    monkeypatch.setattr(watch, "WAIT", 0.05)
    database, holder = FakeDatabase(), Holder()
    watcher = Watcher(holder, database, database.compile)
    await watcher.start()
    yield database, holder, watcher
    await watcher.stop()


async def until(condition, seconds=2.0):
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - another thread makes it true
            await asyncio.sleep(0.005)


async def test_a_change_made_elsewhere_is_served_soon(watched):
    """The revision moved without this process writing."""
    database, holder, _ = watched
    assert holder.current.revision == 1
    database.write()
    await until(lambda: holder.current.revision == 2)


async def test_a_writer_comes_back_when_its_change_is_served(watched):
    """Read your writes, in this process."""
    database, holder, watcher = watched
    database.revision += 1
    await watcher.settle()
    assert holder.current.revision == 2


async def test_many_writers_share_a_few_compilations(watched):
    """Fifty writes at once do not compile fifty times."""
    database, holder, watcher = watched
    database.slow = 0.02
    before = database.compiled
    database.revision += 50
    await asyncio.gather(*(watcher.settle() for _ in range(50)))
    assert holder.current.revision == 51
    assert database.compiled - before <= 3


async def test_a_writer_does_not_wait_for_a_slow_compilation_for_ever(watched, monkeypatch):
    """The write is done; the answer comes after `SETTLE` seconds at most, and the change follows."""
    database, holder, watcher = watched
    monkeypatch.setattr(watch, "SETTLE", 0.05)
    database.slow = 0.3
    database.revision += 1
    began = time.monotonic()
    await watcher.settle()
    assert time.monotonic() - began < 0.25
    await until(lambda: holder.current.revision == 2)


async def test_the_old_snapshot_serves_on_while_compiling_fails(watched, caplog):
    """Loudly, and the change is served once it works again; failures are counted."""
    database, holder, watcher = watched
    assert watcher.failures == 0
    database.failing = True
    database.write()
    await until(lambda: "serving the last good state" in caplog.text)
    assert (holder.revision, watcher.failures) == (1, 1)
    database.failing = False
    await until(lambda: holder.current.revision == 2)
    assert time.time() - holder.since < 5


async def test_a_backup_put_in_the_databases_place_is_served(watched):
    """Its revision is lower than the one in force."""
    database, holder, _ = watched
    database.revision = 9
    database.changed.set()
    await until(lambda: holder.current.revision == 9)
    database.revision = 4
    database.changed.set()
    await until(lambda: holder.current.revision == 4)


@pytest.mark.parametrize("problem", [UnavailableError("the database is away"), RuntimeError("a fault of ours")])
async def test_after_an_outage_everything_is_read_again(watched, caplog, problem):
    """Whatever broke, the watcher goes on; the database may be another one with the same revision by then."""
    database, holder, _ = watched
    before = holder.current
    database.away = problem
    await until(lambda: "serving the last good state" in caplog.text)
    assert ("Traceback" in caplog.text) == isinstance(problem, RuntimeError)
    database.away = None
    await until(lambda: holder.current is not before)
    assert holder.current.revision == before.revision


async def test_a_first_snapshot_that_cannot_be_made_stops_the_start():
    """There is nothing to serve from."""
    database = FakeDatabase()
    database.failing = True
    with pytest.raises(UnavailableError):
        await Watcher(Holder(), database, database.compile).start()
