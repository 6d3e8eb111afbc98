"""Keeps the gateway fast: what a small chat costs it, against the committed number in bench/guard.json.

    python -m bench.guard             fail when a request costs over 10% more than committed
    python -m bench.guard --update    commit to what is measured now: writes bench/guard.json
    python -m bench.guard --time      by CPU time even where valgrind is installed

What is measured is `bench/inside.py`: the whole way of a request in one process, with key, journal and metrics, but
without sockets. The cost is told in turns of a fixed Python loop, counted in the same process, so that another build of
Python or another processor changes it little. With valgrind both are counted in instructions, which nothing else on the
machine changes; without, in CPU time, the least of many short rounds, for whatever else a machine does only adds.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Self

NUMBERS = Path(__file__).parent / "guard.json"
TOLERANCE = 0.10

REQUESTS, TURNS = 1280, 4000
"""What is counted at once: some tenths of a second, or of a minute under valgrind."""

ROUNDS = 40
"""Rounds of CPU time; the least counts."""


class Measured:
    """A process of `bench/inside.py`.

    Args:
        folder: for its files.
        counted: whether its instructions are counted.
    """

    def __init__(self, folder: Path, *, counted: bool) -> None:
        self._folder = folder
        output = f"--callgrind-out-file={folder / 'counted'}"
        watched = ["valgrind", "--quiet", "--tool=callgrind", "--instr-atstart=no", output] if counted else []
        self._process = subprocess.Popen(
            [*watched, sys.executable, "-m", "bench.inside", str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            # With fixed hashes every run walks its dictionaries the same way.
            env={**os.environ, "PYTHONHASHSEED": "0"},
        )
        self._answer()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                stream.close()

    def seconds(self, command: str) -> float:
        """CPU seconds that a command takes."""
        if self._process.stdin is None:
            raise AssertionError("it was started with a pipe")
        self._process.stdin.write(command + "\n")
        self._process.stdin.flush()
        return float(self._answer())

    def instructions(self, command: str) -> int:
        """Instructions that a command takes."""
        self._control("-i", "on")
        self._control("-z")
        self.seconds(command)
        self._control("-d")
        self._control("-i", "off")
        newest = max(self._folder.glob("counted.*"), key=lambda path: int(path.suffix[1:]))
        last = next(line for line in reversed(newest.read_text().splitlines()) if line.startswith("totals:"))
        return int(last.split()[1])

    def _control(self, *options: str) -> None:
        command = ["callgrind_control", *options, str(self._process.pid)]
        subprocess.run(command, check=True, capture_output=True)

    def _answer(self) -> str:
        if self._process.stdout is None:
            raise AssertionError("it was started with a pipe")
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit("bench.inside has ended; run it by itself to see why.")
        return line


def cost(folder: Path, *, counted: bool, rounds: int = ROUNDS) -> float:
    """Turns of the loop that a request costs.

    Args:
        folder: for the files of the measured process.
        counted: whether to count instructions rather than CPU time.
        rounds: of CPU time.
    """
    with Measured(folder, counted=counted) as measured:
        if counted:
            requests, turns = measured.instructions(f"requests {REQUESTS}"), measured.instructions(f"turns {TURNS}")
            return requests / REQUESTS / (turns / TURNS)
        pairs = [(measured.seconds(f"requests {REQUESTS}"), measured.seconds(f"turns {TURNS}")) for _ in range(rounds)]
        return min(one for one, _ in pairs) / REQUESTS / (min(other for _, other in pairs) / TURNS)


def judge(found: float, known: float | None) -> bool:
    """Say what a cost is against the committed one; whether it is within the limit."""
    print(f"A request costs {found:.2f} turns of the fixed loop.")
    if known is None:
        print("There is no committed number to compare with; `python -m bench.guard --update` writes one.")
        return True
    print(f"Committed: {known:.2f}. That is {found / known - 1:+.1%}; up to {TOLERANCE:+.0%} is allowed.")
    if found > known * (1 + TOLERANCE):
        print("Make the request path cheaper, or say in the commit that runs bench.guard --update why it costs more.")
        return False
    return True


def main() -> int:
    """Measure and compare; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m bench.guard", description="Is the gateway as fast as committed?")
    parser.add_argument("--update", action="store_true", help="write the result to bench/guard.json")
    parser.add_argument("--time", action="store_true", help="by CPU time even where valgrind is installed")
    options = parser.parse_args()
    counted = not options.time and shutil.which("callgrind_control") is not None
    # Another Python takes other steps for the same code, and the loop does not mirror them all.
    name = f"{'instructions' if counted else 'CPU time'}, Python {sys.version_info.major}.{sys.version_info.minor}"
    numbers = json.loads(NUMBERS.read_text()) if NUMBERS.exists() else {}
    with tempfile.TemporaryDirectory(prefix="gatewright-guard-") as folder:
        found = cost(Path(folder), counted=counted)
    good = judge(found, numbers.get(name))
    if options.update:
        NUMBERS.write_text(json.dumps(numbers | {name: round(found, 2)}, indent=1, sort_keys=True) + "\n")
        print(f"Wrote {NUMBERS.name}.")
        return 0
    return int(not good)


if __name__ == "__main__":
    sys.exit(main())
