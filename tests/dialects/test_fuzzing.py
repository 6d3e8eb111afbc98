"""Coverage-guided fuzzing (`make fuzz GUIDED=1`), for some seconds, and that it can find something."""

import os
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from fixtures.conformance import guided
from gatewright.dialects import chat
from gatewright.errors import UpstreamProtocolError
from gatewright.gateway.conversations import CONVERSATIONS

SCRIPT = Path(__file__).parents[2] / "scripts" / "fuzz_guided.py"
SECONDS = 5

needs_atheris = pytest.mark.skipif(
    sys.platform != "linux" or sys.version_info >= (3, 14), reason="atheris runs on Linux, up to Python 3.13"
)


@needs_atheris
def test_seconds_of_guided_fuzzing_find_nothing(tmp_path):
    """It reads thousands of inputs, reaches more code than it began with, and ends in good order."""
    environment = os.environ | {
        "GATEWRIGHT_RECORDED": str(tmp_path),
        "PYTHONPATH": path_with(SCRIPT.parents[1] / "tests"),
    }
    done = subprocess.run(
        [sys.executable, SCRIPT, str(SECONDS)],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert int(re.search(r"Done (\d+) runs", done.stderr)[1]) > 100
    covered = [int(number) for number in re.findall(r"cov: (\d+)", done.stderr)]
    assert covered[-1] > covered[0] > 500


def path_with(folder):
    """A folder before what is on Python's path already."""
    return os.pathsep.join(filter(None, (str(folder), os.environ.get("PYTHONPATH"))))


@pytest.mark.parametrize("cut", [0, 1, 7])
@pytest.mark.parametrize("reader", guided.readers(), ids=lambda reader: reader.name)
def test_every_reader_begins_with_what_it_can_read(reader, cut):
    """What a dialect wrote itself is read whole, byte by byte and in pieces, for some other dialect."""
    assert reader.seeds
    for seed in reader.seeds:
        reader.read(seed, cut)


def test_every_dialect_of_the_table_is_read():
    """Requests, answers and streams of each dialect that the gateway translates."""
    names = {reader.name for reader in guided.readers()}
    for one in CONVERSATIONS:
        assert {f"{one.dialect.NAME} {kind}" for kind in ("request", "answer", "stream")} <= names


def test_an_error_that_is_not_ours_is_found():
    """A dialect that lets one out, and one that blames the client for a provider's answer."""

    def hasty(body):
        return body["choices"][0]["message"]

    def blaming(_body):
        raise UpstreamProtocolError("This is the client's.")

    dialect = SimpleNamespace(**vars(chat) | {"decode_answer": hasty, "decode_request": blaming})
    every = {reader.name: reader for reader in guided.readers([dialect])}
    with pytest.raises(KeyError):
        every["chat answer"].read(b'{"object":"chat.completion"}', 0)
    with pytest.raises(UpstreamProtocolError):
        every["chat request"].read(b"{}", 0)


def test_an_input_is_changed_in_its_json_or_in_its_bytes():
    """Half of the changes leave JSON valid; a body that is none is changed as bytes."""
    inputs = [guided.mutated(b'\x00\x00data: {"a":[1,2,3]}', seed, lambda found: found + b"!") for seed in range(40)]
    assert any(one.endswith(b"!") for one in inputs)
    assert any(one.startswith(b"\x00\x00data: ") and not one.endswith(b"!") for one in inputs)
    assert {guided.mutated(b"\x00\x00no JSON", seed, lambda _: b"bytes") for seed in range(9)} == {b"bytes"}
