"""What the system tells of a process: proc(5). Where there is no `/proc`, as on macOS, that is nothing."""

import os
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path

_LIMIT = re.compile(r"^Max open files\s+(\d+)", re.MULTILINE)


def read(pid: int) -> Mapping[str, float]:
    """The values of `families.PROCESS`, by name; what cannot be read, as of a process that is gone, is absent."""
    folder = Path("/proc") / str(pid)
    found: dict[str, float] = {}
    try:
        # The name of the program stands in parentheses and may hold anything; 0 is the third field of proc(5).
        fields = (folder / "stat").read_text(errors="replace").rpartition(")")[2].split()
        tick, page = os.sysconf("SC_CLK_TCK"), os.sysconf("SC_PAGE_SIZE")
        found["process_cpu_seconds_total"] = (int(fields[11]) + int(fields[12])) / tick
        found["process_resident_memory_bytes"] = int(fields[21]) * page
        found["process_start_time_seconds"] = _booted() + int(fields[19]) / tick
        found["process_open_fds"] = sum(1 for _ in (folder / "fd").iterdir())
        limit = _LIMIT.search((folder / "limits").read_text())
        if limit is not None:  # it is a number, or `unlimited`
            found["process_max_fds"] = int(limit[1])
    except OSError:
        pass
    return found


@cache
def _booted() -> int:
    """When the machine started, in seconds since the epoch."""
    line = next(one for one in Path("/proc/stat").read_text().splitlines() if one.startswith("btime "))
    return int(line.split()[1])
