"""Which servers run on a data directory: told by themselves, forgotten when they are gone."""

import os
import subprocess
import sys

import pytest

from gatewright.errors import ConfigError
from gatewright.supervisor.running import SIZE, Running, entered, servers
from gatewright.supervisor.supervisor import Reloads

PROGRAM = """
import os, sys, time
from pathlib import Path
from gatewright.supervisor.running import entered
from gatewright.supervisor.supervisor import Reloads
with entered(Path(sys.argv[1]), "http://h:1") as entry:
    if not os.fork():
        os.close(1)
        time.sleep(60)  # a worker, which may live on for a while
    entry.note(Reloads(asked=2, done=1, problem="p"))
    print("entered", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def other(tmp_path):
    """Another process that has entered itself, and forked."""
    command = [sys.executable, "-c", PROGRAM, str(tmp_path / "run")]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        assert process.stdout.readline() == "entered\n"
        yield process
        os.killpg(process.pid, 9)


def test_a_server_is_found_with_how_far_its_reloads_are(tmp_path, other):
    """By another process."""
    reloads = Reloads(asked=2, done=1, problem="p")
    assert servers(tmp_path / "run") == [Running(pid=other.pid, url="http://h:1", reloads=reloads)]


def test_a_server_that_was_killed_is_forgotten_though_its_workers_live(tmp_path, other):
    """Its number may be another process's by now, which must not be sent signals."""
    other.kill()
    other.wait()
    assert list((tmp_path / "run").iterdir()) != []
    assert servers(tmp_path / "run") == []
    assert list((tmp_path / "run").iterdir()) == []


def test_a_server_that_ends_takes_its_entry_along(tmp_path):
    """And none of any server was there before the first."""
    assert servers(tmp_path / "run") == []
    with entered(tmp_path / "run", "http://h:1"):
        assert [path.name for path in (tmp_path / "run").iterdir()] == [str(os.getpid())]
    assert list((tmp_path / "run").iterdir()) == []


WRITER = """
import sys
from pathlib import Path
from gatewright.supervisor.running import SIZE, entered
from gatewright.supervisor.supervisor import Reloads
with entered(Path(sys.argv[1]), "http://h:1") as entry:
    for number in range(10**9):
        entry.note(Reloads(asked=number, done=number, problem="é" * (number % 2) * SIZE))
        if number == 0:
            print("entered", flush=True)
"""


@pytest.fixture
def writer(tmp_path):
    """A process that writes its entry again and again."""
    with subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"entered\n"
        yield process
        process.kill()


def test_whoever_reads_while_it_is_written_finds_one_or_the_other(tmp_path, writer):
    """Never half of each; a long problem is cut."""
    for _ in range(3000):
        [found] = servers(tmp_path)
        assert found.reloads.asked == found.reloads.done
        assert bool(found.reloads.problem) == bool(found.reloads.done % 2)
    assert (tmp_path / str(writer.pid)).stat().st_size == SIZE


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    """With the system's reason."""
    (tmp_path / "run").touch()
    with pytest.raises(ConfigError, match=f"{tmp_path}/run: File exists"), entered(tmp_path / "run", "http://h:1"):
        pass
