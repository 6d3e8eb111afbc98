"""The last good snapshot on disk: what is written is read again, and nothing that is not exactly that."""

import stat
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as property_settings
from hypothesis import strategies as st

from fixtures.exchange import make_holder
from gatewright.control.crypto import Vault
from gatewright.control.keyring import Key, Keyring
from gatewright.errors import ConfigError
from gatewright.gateway.health import Health
from gatewright.gateway.plan import plan
from gatewright.snapshot import disk as disk_module
from gatewright.snapshot.disk import Disk
from gatewright.snapshot.model import Snapshot

OLD, NEW = Key(b"o" * 32), Key(b"n" * 32)
SNAPSHOT = make_holder("one", "two").current


def disk_in(folder, *keys, of="sqlite:///gatewright.db"):
    return Disk(folder / "snapshot", Vault(Keyring(keys or [OLD])), of)


def test_what_was_written_is_read_by_another_process(tmp_path):
    """With the time it was written; the file is for its owner alone."""
    before = time.time()
    disk_in(tmp_path).write(SNAPSHOT)
    found = disk_in(tmp_path).read()
    assert found.snapshot == SNAPSHOT
    assert before <= found.at <= time.time()
    assert stat.S_IMODE((tmp_path / "snapshot").stat().st_mode) == 0o600
    assert sorted(path.name for path in tmp_path.iterdir()) == ["snapshot", "snapshot.lock"]


def test_a_later_snapshot_takes_the_place_of_the_one_before(tmp_path):
    """Also when a killed process left a draft."""
    disk = disk_in(tmp_path)
    disk.write(SNAPSHOT)
    (tmp_path / "snapshot.draft").write_bytes(b"half of a longer file" * 1000)
    disk.write(Snapshot(revision=7))
    assert disk.read().snapshot == Snapshot(revision=7)


def test_what_requests_have_left_in_a_snapshot_is_not_written(tmp_path):
    """Who has called, and what plans are made from, is found out anew."""
    disk = disk_in(tmp_path)
    disk.write(SNAPSHOT)
    size = disk.path.stat().st_size
    used = make_holder("one", "two").current
    plan(used.endpoints["ep"], "chat", 0.0, Health())
    used.callers[b"Bearer key"] = next(iter(used.principals.values()))
    disk.write(used)
    assert disk.path.stat().st_size == size
    found = disk.read().snapshot
    assert (found.callers, found.endpoints["ep"].routes) == ({}, {})


def test_nothing_of_it_can_be_read_in_the_file(tmp_path):
    """Neither names nor credentials nor the hashes of keys, nor whose database it is."""
    disk_in(tmp_path, of="postgresql://user@db.example.com/name").write(SNAPSHOT)
    data = (tmp_path / "snapshot").read_bytes()
    hidden = (b"primaries", b"sk-one", b"example.com", *SNAPSHOT.principals)
    assert [one for one in hidden if one in data] == []


def test_nothing_there_is_no_snapshot(tmp_path):
    """The first start of all."""
    assert not disk_in(tmp_path).holds()
    assert disk_in(tmp_path).read() is None


def test_the_snapshot_of_another_database_is_passed_over(tmp_path, caplog):
    """It would serve endpoints and keys that are not this gateway's; the log says so."""
    disk_in(tmp_path, of="other").write(SNAPSHOT)
    assert not disk_in(tmp_path).holds()
    assert disk_in(tmp_path).read() is None
    assert "another database" in caplog.text


def test_a_snapshot_under_a_key_that_is_gone_is_refused_by_the_name_of_both(tmp_path):
    """The keys that there are, and what to do."""
    disk_in(tmp_path, OLD).write(SNAPSHOT)
    with pytest.raises(ConfigError, match=rf"{tmp_path}/snapshot is encrypted under key {OLD.id}.*{NEW.id}.*delete"):
        disk_in(tmp_path, NEW).read()
    assert disk_in(tmp_path, NEW, OLD).read().snapshot == SNAPSHOT


def test_the_snapshot_of_another_version_is_refused(tmp_path, monkeypatch):
    """By its first line; and a line that was changed to fit does not open."""
    monkeypatch.setattr(disk_module, "FORM", disk_module.FORM + 1)
    disk_in(tmp_path).write(SNAPSHOT)
    monkeypatch.undo()
    assert disk_in(tmp_path).holds()
    with pytest.raises(ConfigError, match="another version of Gatewright"):
        disk_in(tmp_path).read()
    path = tmp_path / "snapshot"
    path.write_bytes(path.read_bytes().replace(*(b"snapshot %d" % (disk_module.FORM + one) for one in (1, 0)), 1))
    with pytest.raises(ConfigError, match="altered"):
        disk_in(tmp_path).read()


def test_a_snapshot_with_a_field_that_is_not_known_is_refused(tmp_path, monkeypatch):
    """A later version wrote it, and half of it would be served."""
    later = {"value": {"": "Snapshot", "revision": 1, "walls": []}, "maps": []}
    monkeypatch.setattr(disk_module, "plain", lambda _snapshot: later)
    disk_in(tmp_path).write(SNAPSHOT)
    with pytest.raises(ConfigError, match=r"another version of Gatewright.*'walls'"):
        disk_in(tmp_path).read()


@property_settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_damaged_file_is_refused_or_passed_over(tmp_path, data):
    """Bytes changed, cut off or added, wherever: never a snapshot, never another error."""
    disk = disk_in(tmp_path)
    disk.write(SNAPSHOT)
    whole = disk.path.read_bytes()
    damaged = bytearray(whole)
    start = data.draw(st.integers(0, len(damaged)))
    damaged[start : start + data.draw(st.integers(0, 40))] = data.draw(st.binary(max_size=40))
    if damaged == whole:
        return
    disk.path.write_bytes(damaged)
    try:
        found = disk.read()
    except ConfigError as problem:
        assert str(disk.path) in problem.public
    else:
        assert found is None


def test_a_file_that_cannot_be_written_leaves_the_one_before(tmp_path):
    """The error is the system's own."""
    disk = disk_in(tmp_path)
    disk.write(SNAPSHOT)
    (tmp_path / "snapshot.draft").mkdir()
    with pytest.raises(IsADirectoryError):
        disk.write(Snapshot(revision=7))
    assert disk.read().snapshot == SNAPSHOT


def test_a_file_that_cannot_be_read_is_refused(tmp_path):
    """It says which and why."""
    (tmp_path / "snapshot").mkdir()
    with pytest.raises(ConfigError, match="snapshot cannot be read: Is a directory"):
        disk_in(tmp_path).read()


def test_many_writers_at_once_leave_a_whole_snapshot(tmp_path):
    """And whoever reads meanwhile finds one too."""
    disks = [disk_in(tmp_path) for _ in range(8)]
    disks[0].write(Snapshot(revision=0))
    with ThreadPoolExecutor(8) as pool:
        writes = [pool.submit(one.write, Snapshot(revision=number)) for number, one in enumerate(disks * 5)]
        while not all(one.done() for one in writes):
            assert disks[0].read() is not None
    assert [one.exception() for one in writes] == [None] * 40


def test_a_writer_that_is_killed_leaves_the_whole_snapshot_before(tmp_path):
    """Wherever the kill fell."""
    program = (
        "import sys; from pathlib import Path\n"
        "from gatewright.control.crypto import Vault; from gatewright.control.keyring import Key, Keyring\n"
        "from gatewright.snapshot.disk import Disk; from gatewright.snapshot.model import Snapshot\n"
        "disk = Disk(Path(sys.argv[1]), Vault(Keyring([Key(b'o' * 32)])), 'sqlite:///gatewright.db')\n"
        "for revision in range(10**9):\n"
        "    disk.write(Snapshot(revision=revision)); print(revision, flush=True)\n"
    )
    for turn in range(5):
        with subprocess.Popen(
            [sys.executable, "-c", program, str(tmp_path / "snapshot")], stdout=subprocess.PIPE, text=True
        ) as writer:
            for _ in range(3 + turn):
                last = int(writer.stdout.readline())
            writer.kill()
            last = max([last, *(int(one) for one in writer.stdout.read().split())])
        assert disk_in(tmp_path).read().snapshot.revision in (last, last + 1)
