"""The journal on disk: nothing that was appended is lost, and what cannot be kept is counted, never raised."""

import contextlib
import os
import resource
import shutil
import signal
import subprocess
import sys
import threading

import pytest

from fixtures.ledger import emptied, record
from gatewright.errors import ConfigError
from gatewright.ledger import frames, journal, spool
from gatewright.ledger.journal import Journal
from gatewright.ledger.spool import claim, files

SIZE = len(frames.write(record()))
PLENTY = 1 << 30


@pytest.fixture
def folder(tmp_path):
    """Where the journals are."""
    return tmp_path / "journal"


@pytest.fixture
def opened(folder):
    """A journal whose files hold ten records each."""
    made = Journal(folder, limit=PLENTY, segment=10 * SIZE)
    made.open()
    yield made
    made.close()


def appended(to, count):
    """Append so many records; their ids."""
    records = [record() for _ in range(count)]
    for one in records:
        to.append(one)
    return [one.record_id for one in records]


@contextlib.contextmanager
def files_no_longer_than(size):
    """As if the disk were full: the kernel refuses what would make a file longer."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_what_is_appended_waits_in_order_until_it_is_released(opened):
    """Reading alone takes nothing away; the depth tells what waits."""
    ids = appended(opened, 3)
    assert [one.record_id for one in opened.spool.read().records] == ids
    assert opened.depth == 3
    assert emptied(opened.spool) == ids
    assert (opened.depth, opened.spool.read()) == (0, None)


def test_files_are_deleted_once_they_are_complete_and_released(opened, folder):
    """Twenty-five records are in three files; the one that is being written stays."""
    ids = appended(opened, 25)
    (own,) = folder.iterdir()
    assert len(files(own)) == 3
    assert opened.size == sum(path.stat().st_size for path in files(own)) == 25 * SIZE
    assert emptied(opened.spool) == ids
    assert opened.size == sum(path.stat().st_size for path in files(own)) == 5 * SIZE
    assert appended(opened, 1) == emptied(opened.spool)


def test_files_and_folders_can_be_read_by_their_owner_alone(opened, folder):
    """They tell who called what."""
    appended(opened, 1)
    (own,) = folder.iterdir()
    assert [path.stat().st_mode & 0o777 for path in (folder, own, *files(own))] == [0o700, 0o700, 0o600]


def test_a_closed_journal_leaves_nothing_that_was_stored_and_all_that_was_not(opened, folder):
    """An empty one leaves no folder; a later record gets a new one, for the next start."""
    appended(opened, 2)
    emptied(opened.spool)
    opened.close()
    assert list(folder.iterdir()) == []
    ids = appended(opened, 2)
    opened.close()
    (left,) = folder.iterdir()
    with claim(left) as spool:
        assert emptied(spool) == ids
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("before", [0, 10])
def test_a_file_that_begins_while_another_thread_looks_is_not_taken_for_complete(opened, monkeypatch, before):
    """Nothing is lost of the first file, nor of the first after others, when its name is new to the reader."""
    first = appended(opened, before)
    assert emptied(opened.spool) == first
    listed = []

    def begun_meanwhile(folder):
        if not listed:
            listed.extend(appended(opened, 1))
        return files(folder)

    monkeypatch.setattr(spool, "files", begun_meanwhile)
    found = emptied(opened.spool)
    later = appended(opened, 3)
    assert found + emptied(opened.spool) == listed + later


def test_a_record_is_read_while_others_are_written(opened):
    """One thread writes, one reads and releases: all arrive, once, in order."""
    written = threading.Event()
    ids = []

    def write():
        for _ in range(200):
            ids.extend(appended(opened, 20))
        written.set()

    writer = threading.Thread(target=write)
    writer.start()
    found = []
    while not written.is_set():
        found += emptied(opened.spool)
    writer.join()
    assert found + emptied(opened.spool) == ids


@pytest.mark.parametrize("room", [0, 1, 11, 12, SIZE - 1])
def test_a_full_disk_costs_the_records_of_that_time_only(opened, caplog, room):
    """Wherever in a frame the room ends; the loss is counted and said once, and nobody is told by an error."""
    before = appended(opened, 3)
    with files_no_longer_than(3 * SIZE + room):
        appended(opened, 4)
    after = appended(opened, 3)
    assert opened.lost == 4
    assert [one.getMessage() for one in caplog.records if one.levelname == "ERROR"] == [
        f"the journal in {opened._folder} cannot keep requests, 1 are lost so far: "
        + os.strerror(27 if room == 0 else 28)
    ]
    assert emptied(opened.spool) == before + after
    assert opened.depth == 0


def test_what_cannot_be_cut_off_again_is_passed_over(opened, monkeypatch):
    """A disk that takes no more may not let a file be cut either."""

    def refuse(*_):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "ftruncate", refuse)
    before = appended(opened, 2)
    with files_no_longer_than(2 * SIZE + 30):
        appended(opened, 1)
    assert emptied(opened.spool) == before
    after = appended(opened, 2)
    assert emptied(opened.spool) == after


def test_a_journal_whose_next_file_cannot_be_made_goes_on_when_it_can(opened, monkeypatch):
    """No file is half begun."""
    before = appended(opened, 10)
    with monkeypatch.context() as broken:
        broken.setattr(os, "open", lambda *_: (_ for _ in ()).throw(OSError(24, "Too many open files")))
        appended(opened, 2)
    after = appended(opened, 2)
    assert opened.lost == 2
    assert emptied(opened.spool) == before + after


def test_the_limit_is_announced_long_before_it_is_reached(folder, caplog):
    """At 50, 80 and 95 %, once each; past it records are lost, counted and said."""
    small = Journal(folder, limit=100 * SIZE)
    small.open()
    said = []
    for _ in range(100):
        appended(small, 1)
        said.append(len([one for one in caplog.records if one.levelname == "WARNING"]))
    assert [said.index(count) + 1 for count in (1, 2, 3)] == [50, 80, 95]
    assert small.lost == 0
    appended(small, 5)
    assert small.lost == 5
    errors = [one.getMessage() for one in caplog.records if one.levelname == "ERROR"]
    assert len(errors) == 1
    assert "1 are lost so far: it holds" in errors[0]
    small.close()


def test_losses_are_said_again_after_a_while(folder, caplog, monkeypatch):
    """With their number so far."""
    monkeypatch.setattr(journal, "QUIET", 0.0)
    small = Journal(folder, limit=1)
    appended(small, 3)
    assert [one.getMessage().split("requests, ")[1][:1] for one in caplog.records if one.levelname == "ERROR"] == [
        *"123"
    ]
    small.close()


def test_a_journal_that_was_emptied_takes_records_again_and_announces_anew(folder, caplog):
    """What was deleted makes room."""
    small = Journal(folder, limit=20 * SIZE, segment=5 * SIZE)
    small.open()
    appended(small, 21)
    assert small.lost == 1
    caplog.clear()
    emptied(small.spool)
    small.look()
    appended(small, 10)
    assert small.lost == 1
    assert ["50 %" in one.getMessage() for one in caplog.records] == [True]
    small.close()


def test_the_limit_counts_what_other_processes_hold(folder):
    """It is one for all journals of the folder."""
    one, other = (Journal(folder, limit=10 * SIZE) for _ in range(2))
    one.open()
    appended(one, 6)
    other.open()
    appended(other, 6)
    assert (one.lost, other.lost) == (0, 2)
    one.close()
    other.close()


def test_a_folder_that_was_deleted_is_made_again(opened, folder, caplog):
    """What was in it is counted as lost; what comes later is kept."""
    appended(opened, 3)
    shutil.rmtree(folder)
    opened.look()
    ids = appended(opened, 2)
    assert opened.lost == 3
    assert "3 requests were not stored yet" in caplog.text
    assert emptied(opened.spool) == ids
    assert opened.depth == 0


def test_a_folder_that_cannot_be_made_keeps_the_server_from_starting(tmp_path):
    """The message says which, and why."""
    (tmp_path / "journal").write_text("a file")
    with pytest.raises(ConfigError, match=r"journal in .*/journal cannot be written: File exists"):
        Journal(tmp_path / "journal", limit=PLENTY).open()


def test_a_journal_is_claimed_by_one_process_at_a_time(opened, folder):
    """Not while its process lives; by the first who comes when it has died; a folder that is gone by nobody."""
    appended(opened, 1)
    (own,) = folder.iterdir()
    with claim(own) as spool:
        assert spool is None
    os.close(opened._lock)  # as the system does for a process that died
    with claim(own) as first, claim(own) as second:
        assert first is not None
        assert second is None
    with claim(folder / "gone") as spool:
        assert spool is None
    opened._lock = -1


def test_a_killed_process_leaves_every_record_it_had_appended(folder):
    """SIGKILL at any moment, ten times: whoever claims its folder finds all of them, and no other."""
    program = (
        "import sys\n"
        "from pathlib import Path\n"
        "from fixtures.ledger import record\n"
        "from gatewright.ledger.journal import Journal\n"
        f"journal = Journal(Path(sys.argv[1]), limit=1 << 30, segment={50 * SIZE})\n"
        "journal.open()\n"
        "for number in range(1_000_000):\n"
        "    journal.append(record(str(number)))\n"
        "    sys.stdout.write(f'{number}\\n'); sys.stdout.flush()\n"
    )
    for lines in (1, 2, 49, 50, 51, 99, 100, 101, 500, 1234):
        run = subprocess.Popen(
            [sys.executable, "-c", program, str(folder)],
            stdout=subprocess.PIPE,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        )
        for _ in range(lines):
            run.stdout.readline()
        run.send_signal(signal.SIGKILL)
        told = lines + run.communicate()[0].count(b"\n")
        (left,) = folder.iterdir()
        with claim(left) as spool:
            found = emptied(spool)
        assert found == [str(number) for number in range(len(found))]
        assert told <= len(found) <= told + 1
        assert list(folder.iterdir()) == []
