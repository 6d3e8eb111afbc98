"""The watcher: new revisions are served, failures leave the old snapshot in force."""

import asyncio
import threading
import time
from dataclasses import replace

import pytest

from gatewright.control import watch
from gatewright.control.watch import Watcher
from gatewright.errors import ConfigError, UnavailableError
from gatewright.snapshot.disk import Saved
from gatewright.snapshot.holder import Holder
from gatewright.snapshot.model import ANONYMOUS, Snapshot


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
        assert after != watch.UNKNOWN
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
        if self.away:
            raise self.away
        if self.failing:
            raise UnavailableError("the database is away")
        return Snapshot(revision=revision)


class FakeDisk:
    """Keeps what is written in memory; it can be full, and what is on it can be unusable."""

    def __init__(self, saved=None):
        self.saved = saved
        self.unusable = None
        self.full = False
        self.tries = 0
        self.written = []

    def holds(self):
        return self.saved is not None or self.unusable is not None

    def read(self):
        if self.unusable:
            raise self.unusable
        return self.saved

    def write(self, snapshot):
        self.tries += 1
        if self.full:
            raise OSError(28, "No space left on device")
        self.written.append(snapshot)


@pytest.fixture
def short(monkeypatch):
    """Short waits."""
    for name, seconds in (("WAIT", 0.05), ("GATHER", 0.02), ("AGAIN", 0.05), ("PATIENCE", 0.2)):
        monkeypatch.setattr(watch, name, seconds)


@pytest.fixture
async def make_watcher(short):
    """Makes watchers over a fake database and disk; all are stopped at the end."""
    made = []

    def make(database, disk):
        holder = Holder()
        made.append(Watcher(holder, database, database.compile, admit, disk))
        return holder, made[-1]

    yield make
    for one in made:
        await one.stop()


def admit(snapshot):
    """Everybody may come in."""
    return replace(snapshot, anonymous=ANONYMOUS)


@pytest.fixture
async def watched(make_watcher):
    """A running watcher: its database, its holder and itself."""
    database = FakeDatabase()
    holder, watcher = make_watcher(database, FakeDisk())
    await watcher.start()
    return database, holder, watcher


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


async def test_trouble_is_told_with_its_beginning_while_it_lasts(watched):
    """Since the first failure in a row, however many follow; none once the database is back."""
    database, _, watcher = watched
    assert (watcher.trouble, watcher.degraded) == (None, "")
    before = time.time()
    database.away = UnavailableError("The database is away.")
    await until(lambda: watcher.failures >= 3)
    since = watcher.trouble.since
    assert before <= since <= time.time()
    assert watcher.degraded.startswith(f"since {watch.moment(since)}: The database is away. Serving the configuration")
    database.away = RuntimeError("with a secret in it")
    await until(lambda: "secret" not in watcher.degraded and "own" in watcher.degraded)
    assert watcher.trouble.since == since
    database.away = None
    await until(lambda: watcher.trouble is None)


async def test_a_first_snapshot_that_cannot_be_made_stops_the_start(make_watcher):
    """There is nothing to serve from, in the database or on disk."""
    database = FakeDatabase()
    database.failing = True
    _, watcher = make_watcher(database, FakeDisk())
    with pytest.raises(UnavailableError, match=r"^the database is away$"):
        await watcher.start()


async def test_each_new_snapshot_goes_to_disk_without_whom_the_settings_let_in(watched_disk):
    """The last of several that come at once; those before it need not."""
    database, disk, watcher = watched_disk
    await until(lambda: disk.written == [Snapshot(revision=1)])
    for _ in range(20):
        database.revision += 1
        await watcher.settle()
    await until(lambda: disk.written[-1] == Snapshot(revision=21))
    assert len(disk.written) < 15


@pytest.fixture
async def watched_disk(make_watcher):
    """A running watcher: its database, its disk and itself."""
    database, disk = FakeDatabase(), FakeDisk()
    _, watcher = make_watcher(database, disk)
    await watcher.start()
    return database, disk, watcher


async def test_what_is_not_on_disk_when_the_watcher_stops_is_written_then(watched_disk):
    """The next start may be without the database."""
    database, disk, watcher = watched_disk
    database.revision = 5
    await watcher.settle()
    await watcher.stop()
    assert disk.written[-1] == Snapshot(revision=5)


async def test_a_disk_that_is_full_is_told_and_tried_again(watched_disk, caplog):
    """Nothing else fails for it."""
    database, disk, watcher = watched_disk
    await until(lambda: disk.written)
    disk.full = True
    database.revision = 5
    await watcher.settle()
    await until(lambda: disk.tries >= 3)
    assert "No space left" in caplog.text
    assert watcher.trouble is None
    disk.full = False
    await until(lambda: disk.written[-1] == Snapshot(revision=5))


SAVED = Saved(snapshot=Snapshot(revision=9), at=1_700_000_000.0)


async def test_without_the_database_the_snapshot_on_disk_is_served_until_it_is_back(make_watcher, caplog):
    """As of the time it was written, with whom the settings let in now; the log and the watcher say so."""
    database, disk = FakeDatabase(), FakeDisk(SAVED)
    database.away = UnavailableError("The database is away.")
    holder, watcher = make_watcher(database, disk)
    await watcher.start()
    assert (holder.current, holder.since) == (admit(SAVED.snapshot), SAVED.at)
    assert "away. Serving the configuration of 2023-11-14T22:13:20Z." in watcher.degraded
    assert "on disk, which was written at 2023-11-14T22:13:20Z: The database is away." in caplog.text
    assert disk.written == []
    database.away = None
    await until(lambda: watcher.trouble is None)
    assert holder.current == admit(Snapshot(revision=1))
    await until(lambda: disk.written == [Snapshot(revision=1)])


async def test_a_database_that_does_not_answer_is_not_waited_for_when_there_is_a_snapshot(make_watcher):
    """Once it answers after all, that is served."""
    database = FakeDatabase()
    database.slow = 0.6
    holder, watcher = make_watcher(database, FakeDisk(SAVED))
    began = time.monotonic()
    await watcher.start()
    assert time.monotonic() - began < 0.5
    assert holder.revision == 9
    assert "does not answer" in watcher.degraded
    await until(lambda: holder.revision == 1)
    await until(lambda: watcher.trouble is None)


async def test_a_database_that_answers_slowly_is_waited_for_when_there_is_no_snapshot(make_watcher):
    """There is nothing else."""
    database = FakeDatabase()
    database.slow = 0.6
    holder, watcher = make_watcher(database, FakeDisk())
    await watcher.start()
    assert (holder.revision, watcher.trouble) == (1, None)


async def test_a_snapshot_that_cannot_be_used_stops_the_start_and_says_why(make_watcher):
    """With what is wrong with the database too; nothing of it is served."""
    database, disk = FakeDatabase(), FakeDisk()
    database.away = UnavailableError("The database is away.")
    disk.unusable = ConfigError("The file cannot be used.")
    holder, watcher = make_watcher(database, disk)
    with pytest.raises(UnavailableError, match=r"^The database is away\. The file cannot be used\.$"):
        await watcher.start()
    assert not holder.ready


async def test_a_fault_of_the_settings_is_no_outage(make_watcher):
    """A schema that is newer than the program must not be served around."""
    database = FakeDatabase()
    database.away = ConfigError("The database has schema 9999.")
    holder, watcher = make_watcher(database, FakeDisk(SAVED))
    with pytest.raises(ConfigError, match="9999"):
        await watcher.start()
    assert not holder.ready
