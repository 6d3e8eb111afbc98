"""The supervisor: real processes, forked by a small program, that die, hang, come late and are replaced."""

import codecs
import contextlib
import os
import pty
import re
import signal
import subprocess
import sys
import threading
import time

import psutil
import pytest

PROGRAM = """
import logging, os, signal, sys, time
from pathlib import Path
from gatewright.errors import ConfigError, UnavailableError
from gatewright.supervisor import supervisor
from gatewright.supervisor.line import RETIRE

logging.basicConfig(stream=sys.stdout, format="%(levelname)s %(message)s", level="INFO")
folder = Path(sys.argv[1])
for setting in sys.argv[3:]:
    name, _, value = setting.partition("=")
    setattr(supervisor, name, float(value))

def tell(*words):
    os.write(1, (" ".join(map(str, words)) + "\\n").encode())

def serve(line, beat=True):
    ended = []
    signal.signal(signal.SIGTERM, lambda *_: ended.append("term"))
    signal.signal(signal.SIGINT, lambda *_: ended.append("int"))
    signal.signal(RETIRE, lambda *_: ended.append("retire"))
    tell("serves", os.getpid(), line.first)
    line.ready()
    while not ended and os.getppid() == PARENT:
        time.sleep(0.02)
        if beat:
            line.beat()
    return ended

def work(line):
{work}

PARENT = os.getpid()
supervisor.Supervisor(
    work, int(sys.argv[2]), drain={drain}, lasting={lasting},
    ready=lambda: tell("complete"),
    reloaded=lambda one: tell("reload", one.asked, one.done, one.problem),
    release=lambda: tell("release"),
).run()
tell("over")
"""
SERVE = 'tell("ended", os.getpid(), *serve(line))'


class Supervised:
    """A running program; what it told is in `text`, as it comes. Its workers know the folder too."""

    def __init__(self, command, folder, begin):
        self.text, self.folder = "", folder
        self.process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=begin,  # noqa: PLW1509 - a few system calls
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        decode = codecs.getincrementaldecoder("utf-8")().decode  # a piece may end within a character
        while piece := os.read(self.process.stdout.fileno(), 4096):
            self.text += decode(piece)

    def until(self, pattern, count=1, seconds=20):
        """Wait until it has told this, so often; what the pattern's group is, each time."""
        deadline = time.monotonic() + seconds
        while len(found := re.findall(pattern, self.text, re.MULTILINE)) < count:
            assert time.monotonic() < deadline, f"{pattern!r} in:\n{self.text}"
            time.sleep(0.01)
        return found

    def workers(self, count, seconds=20):
        """Wait until as many have told that they serve; the pids of all that have."""
        return [int(one) for one in self.until(r"^serves (\d+)", count, seconds)]

    def send(self, number):
        self.process.send_signal(number)

    def over(self, seconds=20):
        """Wait for its end; the exit code."""
        code = self.process.wait(seconds)
        self._reader.join(5)
        return code

    def stop(self):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGCONT)
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self._reader.join(5)
        self.process.stdout.close()


@pytest.fixture
def supervised(tmp_path):
    """Runs workers that do what is given: `supervised("…", count=2, SILENT=0.5)`; such keywords are constants."""
    running = []

    def start(work=SERVE, count=1, drain=1, lasting=30, begin=None, **constants):
        body = "\n".join(f"    {line}" for line in work.splitlines())
        program = tmp_path / "program.py"
        program.write_text(PROGRAM.format(work=body, drain=drain, lasting=lasting))
        settings = [f"{name}={value}" for name, value in constants.items()]
        command = [sys.executable, str(program), str(tmp_path), str(count), *settings]
        running.append(Supervised(command, tmp_path, begin))
        return running[-1]

    yield start
    for one in running:
        one.stop()


def gone(*pids, seconds=5):
    """Wait until these processes are no more."""
    deadline = time.monotonic() + seconds
    while any(psutil.pid_exists(pid) for pid in pids):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return True


def test_the_first_worker_starts_alone_and_the_others_once_it_serves(supervised):
    """It makes ready what all share; that all serve is told once."""
    one = supervised("time.sleep(0.3)\ntell('starts', line.first)\n" + SERVE, count=3)
    one.until("^complete")
    assert [line.split()[0] for line in one.text.splitlines()].index("serves") == 1
    assert one.until(r"^starts (\w+)", 3) == ["True", "False", "False"]
    one.send(signal.SIGTERM)
    assert one.over() == 0
    assert one.text.count("complete") == 1


def test_a_stop_releases_the_port_and_then_ends_all_workers(supervised):
    """In this order, and it waits for them."""
    one = supervised(count=2)
    one.until("^complete")
    one.send(signal.SIGTERM)
    assert one.over() == 0
    told = [line.partition(" ")[0] for line in one.text.splitlines()]
    assert told[-4:] == ["release", "ended", "ended", "over"]
    assert len(one.until(r"^ended \d+ term$", 2)) == 2


def test_a_worker_that_dies_is_replaced_at_once_and_one_that_dies_again_a_while_later(supervised):
    """Twice as long each time, up to a limit; the other place is not touched."""
    one = supervised(count=2, SHORTEST=0.3, LONGEST=0.6)
    first, other = one.workers(2)
    one.until("^complete")
    victim = first
    for count, least in enumerate((0.0, 0.3, 0.6, 0.6), 3):
        began = time.monotonic()
        os.kill(victim, signal.SIGKILL)
        victim = one.workers(count)[-1]
        assert time.monotonic() - began >= least
    told = one.until("is gone, another one takes its place (at once|in .*?): A worker process was ended by SIGKILL", 4)
    assert told == ["at once", "in 0.3 seconds", "in 0.6 seconds", "in 0.6 seconds"]
    assert psutil.pid_exists(other)


def test_a_worker_that_dies_after_long_service_is_replaced_at_once_again(supervised):
    """One death a day is not one after the other."""
    one = supervised(STEADY=0.2, SHORTEST=5.0)
    for count in (1, 2, 3):
        pid = one.workers(count, seconds=3)[-1]
        time.sleep(0.3)
        os.kill(pid, signal.SIGKILL)
    one.workers(4, seconds=3)


@pytest.mark.parametrize(
    ("work", "told"),
    [
        ("raise ConfigError('The port is made of wood.')", "ConfigError: The port is made of wood."),
        ("raise UnavailableError('The database is asleep.')", "UnavailableError: The database is asleep."),
        ("os._exit(7)", "UnavailableError: A worker process ended with exit code 7."),
        ("os.kill(os.getpid(), 9)", "UnavailableError: A worker process was ended by SIGKILL."),
        (
            "1 / 0",
            "ZeroDivisionError: division by zero(.|\n)*UnavailableError: A worker process ended with exit code 1.",
        ),
    ],
)
def test_what_keeps_the_first_worker_from_serving_is_raised(supervised, work, told):
    """As the error that it was, so that the command line can tell it; nothing is tried again."""
    one = supervised(work, count=2)
    assert one.over() == 1
    assert re.search(told, one.text)
    assert "over" not in one.text


def test_a_long_message_comes_through_in_part(supervised):
    """A pipe holds only so much; what is cut within a character ends before it."""
    one = supervised("raise ConfigError('x' + 'é' * 100_000)")
    assert one.over() == 1
    assert re.search("ConfigError: xé{1000,}$", one.text, re.MULTILINE)


def test_once_one_has_served_a_worker_that_cannot_start_is_tried_again(supervised):
    """The others serve on, whatever is wrong meanwhile."""
    work = "if not line.first and not (folder / 'back').exists():\n    raise UnavailableError('It is away.')\n" + SERVE
    one = supervised(work, count=2, SHORTEST=0.05, LONGEST=0.2)
    one.until("It is away", 4)
    assert "complete" not in one.text
    (one.folder / "back").touch()
    one.until("^complete")


def test_a_reload_lets_each_successor_serve_before_its_predecessor_retires(supervised):
    """One after the other; how far it is is told at its beginning and its end."""
    one = supervised(count=2)
    one.until("^complete")
    before = one.workers(2)
    one.send(signal.SIGHUP)
    one.until("^reload 1 1 $")
    assert one.until(r"^reload (.*)") == ["1 0 ", "1 1 "]
    after = one.workers(4)[2:]
    one.until(r"^ended \d+ retire", 2)
    assert gone(*before)
    told = [line for line in one.text.splitlines() if line.startswith(("serves", "ended"))]
    for old, new in zip(before, after, strict=True):
        assert told.index(f"serves {new} False") < told.index(f"ended {old} retire")
    assert told.index(f"serves {after[0]} False") < told.index(f"serves {after[1]} False")


def test_a_reload_does_not_wait_for_what_the_old_workers_complete(supervised):
    """A stream may take minutes; a stop meanwhile waits for it, within its time."""
    work = SERVE + "\nif line.first:\n    time.sleep(1.5)\n    tell('completed')"
    one = supervised(work, drain=5)
    one.until("^complete")
    began = time.monotonic()
    one.send(signal.SIGHUP)
    one.until("^reload 1 1 $")
    one.until(r"^ended \d+ retire")
    one.send(signal.SIGTERM)
    assert one.over() == 0
    assert time.monotonic() - began > 1.5
    assert "completed\nover" in one.text


def test_reloads_that_are_asked_for_during_one_replace_all_workers_again(supervised):
    """Whoever asked later may have changed something later."""
    one = supervised("time.sleep(0.2)\n" + SERVE, count=2)
    one.until("^complete")
    before = one.workers(2)
    one.send(signal.SIGHUP)
    one.until("^reload 1 0 $")
    one.send(signal.SIGHUP)
    one.until("^reload 2 2 $")
    assert gone(*before)
    assert "reload 2 1" not in one.text


@pytest.mark.parametrize(
    ("fault", "problem"),
    [
        ("raise ConfigError('The key is broken.')", r"The key is broken\."),
        ("os._exit(3)", r"A worker process ended with exit code 3\."),
        ("time.sleep(60)", r"A worker process was not ready within 3 seconds and was killed\."),
    ],
)
def test_a_reload_whose_successor_does_not_serve_is_given_up(supervised, fault, problem):
    """Those there were serve on, undisturbed; the next reload may work."""
    work = f"if (folder / 'broken').exists():\n    {fault}\n" + SERVE
    one = supervised(work, count=2, START=3.0)
    one.until("^complete")
    before = one.workers(2)
    broken = one.folder / "broken"
    broken.touch()
    one.send(signal.SIGHUP)
    one.until(f"^reload 1 1 {problem}$")
    assert one.workers(2) == before
    broken.unlink()
    one.send(signal.SIGHUP)
    one.until("^reload 2 2 $")
    one.until(r"^ended \d+ retire", 2)


def test_a_reload_takes_the_place_of_a_worker_that_waits_to_be_started(supervised):
    """Whatever it died of may be what the reload brings the end of."""
    one = supervised(count=2, SHORTEST=25.0)
    one.until("^complete")
    os.kill(one.workers(2)[0], signal.SIGKILL)
    os.kill(one.workers(3)[2], signal.SIGKILL)
    one.until("in 25 seconds")
    one.send(signal.SIGHUP)
    one.until("^reload 1 1 $")
    assert len(one.workers(5)) == 5


def test_a_worker_that_gives_no_sign_of_life_is_killed_and_replaced(supervised):
    """It is stuck, or somebody stopped it."""
    one = supervised(count=2, SILENT=2.0)
    one.until("^complete")
    stopped = one.workers(2)[0]
    os.kill(stopped, signal.SIGSTOP)
    assert one.workers(3)[2] != stopped
    assert gone(stopped)
    one.until(r"was stuck for 2 seconds")


def test_a_server_that_was_stopped_as_a_whole_goes_on_with_its_workers(supervised):
    """Ctrl-Z, or a machine that slept: they could give no sign."""
    one = supervised(count=2, SILENT=2.0)
    one.until("^complete")
    before = one.workers(2)
    os.killpg(one.process.pid, signal.SIGSTOP)
    time.sleep(3.0)
    os.killpg(one.process.pid, signal.SIGCONT)
    time.sleep(1.0)
    assert one.workers(2) == before
    assert "stuck" not in one.text


def test_a_retired_worker_may_take_longer_than_one_that_stops(supervised):
    """Until the server is stopped."""
    one = supervised(SERVE + "\ntime.sleep(60)", GRACE=0.3, drain=0.2, lasting=60)
    one.until("^complete")
    one.send(signal.SIGHUP)
    one.until(r"^ended \d+ retire")
    time.sleep(1.5)
    assert "is killed" not in one.text
    one.send(signal.SIGTERM)
    assert one.over(5) == 0
    assert len(one.until("did not end in time and is killed", 2)) == 2


DEAF = """
signal.signal(signal.SIGTERM, signal.SIG_IGN)
line.ready()
time.sleep(60)
"""


def test_a_worker_that_does_not_end_is_killed(supervised):
    """After the time for what is under way, and some more."""
    one = supervised(DEAF, GRACE=0.3, drain=0.2)
    one.until("^complete")
    one.send(signal.SIGTERM)
    assert one.over(5) == 0
    assert "did not end in time and is killed" in one.text


PATIENT = """
signal.signal(signal.SIGINT, lambda *_: os._exit(0))
signal.signal(signal.SIGTERM, lambda *_: tell("waits"))
line.ready()
while True:
    time.sleep(60)
"""


def test_a_second_ctrl_c_is_passed_on(supervised):
    """Workers that wait for something give up then."""
    one = supervised(PATIENT, drain=60)
    one.until("^complete")
    one.send(signal.SIGINT)
    one.until("^waits")
    one.send(signal.SIGINT)
    assert one.over(5) == 0


ORPHAN = """
import select
line.ready()
select.select([line.lifeline], [], [], 30)
tell("alone")
"""


@pytest.mark.parametrize("count", [1, 3])
def test_a_worker_learns_that_its_parent_is_gone(supervised, count):
    """On its lifeline; none of its siblings keeps that open."""
    one = supervised(ORPHAN, count=count)
    one.until("^complete")
    one.send(signal.SIGKILL)
    one.until("^alone", count, seconds=5)


def test_a_worker_has_the_signals_of_a_new_process(supervised):
    """A SIGTERM while it starts ends it; a hang-up of the terminal is its parent's to answer."""
    work = (
        "tell(signal.getsignal(signal.SIGTERM).name, signal.getsignal(signal.SIGINT).name, "
        "signal.getsignal(signal.SIGHUP).name, len(signal.pthread_sigmask(signal.SIG_BLOCK, [])))\n" + SERVE
    )
    one = supervised(work)
    assert one.until("^SIG.*") == ["SIG_DFL SIG_DFL SIG_IGN 0"]


@pytest.mark.parametrize("nohup", [False, True])
def test_a_terminal_that_is_closed_ends_the_server_unless_nohup_was_asked_for(supervised, nohup):
    """SIGHUP without a terminal is a reload, before and after."""
    controller, terminal = pty.openpty()
    name = os.ttyname(terminal)

    def begin():
        os.close(os.open(name, os.O_RDWR))  # the first terminal that a session opens becomes its own
        signal.signal(signal.SIGHUP, signal.SIG_IGN if nohup else signal.SIG_DFL)

    one = supervised(begin=begin)
    os.close(terminal)
    one.until("^complete")
    one.send(signal.SIGHUP)
    one.until("^reload 1 1 $")
    os.close(controller)
    if nohup:
        time.sleep(0.5)
        one.send(signal.SIGHUP)
        one.until("^reload 2 2 $")
        one.send(signal.SIGTERM)
    assert one.over() == 0
    assert one.text.endswith("over\n")
