"""Keeps the gateway fast: what a small chat costs it, against the committed number in bench/guard.json.

    python -m bench.guard             fail when a request costs over 10% more than committed
    python -m bench.guard --update    commit to what is measured now: writes bench/guard.json
    python -m bench.guard --turns     by CPU time even where valgrind is installed

Requests go through a real `gatewright serve` with a key, over sockets. With valgrind the cost is counted in
instructions, which nothing else on the machine changes. Without, it is CPU time in turns of a fixed Python loop on the
same core: load and loop alternate, and the least of all rounds counts, for whatever else a machine does only adds.
"""

import argparse
import dataclasses
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from bench import machine
from bench.contestants.base import Launch, Place
from bench.contestants.gatewright import Gatewright
from bench.generator import Generator
from bench.process import free_port
from bench.run import started
from bench.upstreams import upstreams
from bench.workloads import FORMS, Scene

NUMBERS = Path(__file__).parent / "guard.json"
TOLERANCE = 0.10

ATTEMPTS = 3
"""How often a cost over the limit is measured again, rounds added to rounds, before it counts."""

TURNS = 10_000
"""Turns of the fixed loop in one round."""


class Watched(Gatewright):
    """A gateway whose instructions callgrind can count."""

    def launch(self, place: Place) -> Launch:
        """The same, under valgrind; counting is off until it is asked for."""
        launch = super().launch(place)
        output = f"--callgrind-out-file={place.folder / 'counted'}"
        command = ["valgrind", "--quiet", "--tool=callgrind", "--instr-atstart=no", output, *launch.command]
        # With fixed hashes every run walks its dictionaries the same way.
        return dataclasses.replace(launch, command=command, environment={**launch.environment, "PYTHONHASHSEED": "0"})


def fixed_loop() -> float:
    """CPU microseconds of one turn: calls, small objects, dictionaries and bytes, as a server's code has them."""
    fields = [(b"name-%d" % number, b"value") for number in range(8)]
    began = time.process_time()
    for _ in range(TURNS):
        found = {name.lower(): value for name, value in fields}
        b"\r\n".join(b"%b: %b" % pair for pair in found.items()).partition(b": ")
    return (time.process_time() - began) / TURNS * 1e6


def turns(scene: Scene, folder: Path) -> list[float]:
    """Turns of the loop that a request costs, three times: in 4 rounds, the least request by the least turn."""
    del folder
    gateway, _ = machine.cores()
    found = []
    for _ in range(3):
        requests, loops = [], []
        for _ in range(4):
            seen, cpu = scene.run(scene.job("closed", connections=16, seconds=0.5))
            requests.append(sum(cpu) * 1e6 / seen["requests"])
            with machine.pinned(gateway):
                loops.append(fixed_loop())
        found.append(min(requests) / min(loops))
    return found


def instructions(scene: Scene, folder: Path) -> list[float]:
    """Instructions of a request, three times; those of an idle gateway in that time are taken off."""
    pid = str(scene.running.pid)
    subprocess.run(["callgrind_control", "-i", "on", pid], check=True, capture_output=True)
    _count(pid, folder)
    began = time.monotonic()
    time.sleep(1)
    idle = _count(pid, folder) / (time.monotonic() - began)
    found = []
    for _ in range(3):
        began = time.monotonic()
        seen, _ = scene.run(scene.job("closed", connections=1, seconds=2))
        total = _count(pid, folder)
        found.append((total - idle * (time.monotonic() - began)) / seen["requests"])
    subprocess.run(["callgrind_control", "-i", "off", pid], check=True, capture_output=True)
    return found


def _count(pid: str, folder: Path) -> int:
    """Instructions since the last call, and begin anew."""
    subprocess.run(["callgrind_control", "-d", pid], check=True, capture_output=True)
    newest = max(folder.glob("*/counted.*"), key=lambda path: int(path.suffix[1:]))
    last = next(line for line in reversed(newest.read_text().splitlines()) if line.startswith("totals:"))
    return int(last.split()[1])


@contextmanager
def warm(contestant: Gatewright, folder: Path) -> Iterator[Scene]:
    """A gateway that has answered for a while, in front of the mock."""
    _, others = machine.cores()
    with upstreams(folder, others, fast=False) as mocks:
        place = Place(
            folder=Path(tempfile.mkdtemp(dir=folder)),
            port=free_port(),
            spare_port=free_port(),
            origin=mocks.origin("plain"),
            ca=mocks.ca,
        )
        with started(contestant, place, Generator(others, folder, wrk=False), FORMS["quick"]) as scene:
            scene.run(scene.job("closed", connections=4, seconds=2))
            yield scene


def judge(name: str, measure: Callable[[], list[float]], known: float | None) -> tuple[float, bool]:
    """Measure and say what came of it.

    Args:
        name: what is counted.
        measure: gives one or more costs of a request.
        known: the committed cost; None when there is none.

    Returns:
        The least cost, and whether it is within the limit.
    """
    found = measure()
    while known is not None and min(found) > known * (1 + TOLERANCE) and len(found) < ATTEMPTS * 3:
        found += measure()
    least = min(found)
    print(f"A request costs {least:,.1f} {name}; measurements differ by {max(found) / least - 1:.1%}.")
    if known is None:
        print("There is no committed number for this; `python -m bench.guard --update` writes one.")
        return least, False
    print(f"Committed: {known:,.1f}. That is {least / known - 1:+.1%}; up to {TOLERANCE:+.0%} is allowed.")
    return least, least <= known * (1 + TOLERANCE)


def main() -> int:
    """Measure and compare; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m bench.guard", description="Is the gateway as fast as committed?")
    parser.add_argument("--update", action="store_true", help="write the result to bench/guard.json")
    parser.add_argument("--turns", action="store_true", help="compare CPU time even where valgrind is installed")
    options = parser.parse_args()
    counted = not options.turns and shutil.which("callgrind_control") is not None
    # Another Python takes other instructions for the same code.
    name = f"{'instructions' if counted else 'turns'} on Python {sys.version_info.major}.{sys.version_info.minor}"
    numbers = json.loads(NUMBERS.read_text()) if NUMBERS.exists() else {}
    with tempfile.TemporaryDirectory(prefix="gatewright-guard-") as made:
        folder = Path(made)
        with warm((Watched if counted else Gatewright)("gatewright", "Gatewright"), folder) as scene:
            measure = instructions if counted else turns
            least, good = judge(name, lambda: measure(scene, folder), numbers.get(name))
    if options.update:
        NUMBERS.write_text(json.dumps(numbers | {name: round(least, 1)}, indent=1, sort_keys=True) + "\n")
        print(f"Wrote {NUMBERS.name}.")
        return 0
    if not good:
        print("Make the request path cheaper, or say in the commit that runs bench.guard --update why it costs more.")
    return int(not good)


if __name__ == "__main__":
    sys.exit(main())
