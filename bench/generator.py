"""Calls the load generators: our own, and `wrk` for closed loops where it is installed and asked for."""

import dataclasses
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench import machine
from bench.load import Job

ROOT = Path(__file__).parent.parent

_LUA = """\
wrk.method = "POST"
local file = io.open("{body}", "rb")
wrk.body = file:read("*a")
file:close()
{headers}
function done(summary, latency, requests)
  local errors = summary.errors
  io.stderr:write(string.format(
    '{{"requests": %d, "errors": %d, "seconds": %f, "p50_ms": %f, "p99_ms": %f, "p999_ms": %f}}',
    summary.requests - errors.status, errors.connect + errors.read + errors.write + errors.status + errors.timeout,
    summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3, latency:percentile(99.9) / 1e3))
end
"""


class LoadError(Exception):
    """A load generator failed; the message holds what it said."""


@dataclasses.dataclass(frozen=True, slots=True)
class Generator:
    """Makes load from the cores that the gateway does not have.

    Attributes:
        cores: those cores.
        folder: for `wrk`'s scripts.
        wrk: whether closed loops are run by `wrk`.
    """

    cores: set[int]
    folder: Path
    wrk: bool

    def run(self, job: Job) -> dict[str, float]:
        """Do a job; what was seen.

        Raises:
            LoadError: it could not be done.
        """
        with machine.pinned(self.cores):
            if job.kind == "closed" and self.wrk:
                return self._wrk(job)
            run = subprocess.run(_OWN, input=_line(job), capture_output=True, text=True, check=False, cwd=ROOT)
        return _read(run.stdout, run.stderr)

    @contextmanager
    def holding(self, job: Job) -> Iterator[None]:
        """Hold idle streams open meanwhile.

        Raises:
            LoadError: not all of them could be held.
        """
        with machine.pinned(self.cores):
            process = subprocess.Popen(
                _OWN, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT
            )
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(_line(job))
            process.stdin.flush()
            if process.stdout.readline() != "held\n":
                raise LoadError(process.communicate()[1][-1000:])
            yield
            output, problem = process.communicate("\n")
            seen = _read(output, problem)
            if seen["errors"]:
                raise LoadError(f"{seen['errors']} of {job.connections} streams could not be held")
        finally:
            process.kill()
            process.wait()

    def _wrk(self, job: Job) -> dict[str, float]:
        body, script = self.folder / "body", self.folder / "wrk.lua"
        body.write_text(job.body)
        headers = "\n".join(f'wrk.headers["{name}"] = "{value}"' for name, value in job.headers.items())
        script.write_text(_LUA.format(body=body, headers=headers))
        seconds = max(1, round(job.seconds))
        command = ["wrk", "-t1", f"-c{job.connections}", f"-d{seconds}", "--timeout", "20s", "-s", str(script)]
        url = f"http://127.0.0.1:{job.port}{job.path}"
        run = subprocess.run([*command, url], capture_output=True, text=True, check=False)
        return _read(run.stderr, run.stdout)


def wrk_installed() -> bool:
    """Whether Debian's `wrk` is here."""
    return shutil.which("wrk") is not None


_OWN = [sys.executable, "-m", "bench.load"]


def _line(job: Job) -> str:
    return json.dumps(dataclasses.asdict(job)) + "\n"


def _read(output: str, problem: str) -> dict[str, float]:
    try:
        seen: dict[str, float] = json.loads(output)
    except ValueError:
        raise LoadError((output + problem)[-1000:]) from None
    return seen
