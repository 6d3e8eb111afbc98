"""The machine: its cores, and what processes use of it, read from the kernel (Linux)."""

import os
import platform
import resource
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

MEGABYTE = 10**6


def cores() -> tuple[set[int], set[int]]:
    """The gateway's core, and those of the load generator and the mock; the same one when there is only one."""
    first, *others = sorted(os.sched_getaffinity(0))
    return {first}, set(others) or {first}


@contextmanager
def pinned(to: set[int]) -> Iterator[None]:
    """Keep this process, and those it starts meanwhile, on these cores."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, to)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def allow_files(wanted: int) -> int:
    """Raise the limit of open files of this process and those it starts; the limit reached."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(ValueError, OSError):  # only root may go past the hard limit
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), max(hard, wanted)))
        return max(soft, wanted)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


def tree(pid: int) -> list[int]:
    """A process and all that descend from it."""
    found = [pid]
    for parent in found:
        with suppress(OSError):
            for task in Path(f"/proc/{parent}/task").iterdir():
                found += [int(child) for child in (task / "children").read_text().split()]
    return found


def cpu_seconds(pid: int) -> float:
    """CPU time of one process since its start, all threads, kernel included.

    The number is that of Linux's clock of another process (`clock_getcpuclockid`), which counts nanoseconds;
    /proc/PID/stat counts hundredths of a second.
    """
    with suppress(OSError):
        return time.clock_gettime_ns((~pid << 3) | 2) / 1e9
    return 0.0


def memory_bytes(pid: int) -> int:
    """Memory of a process and its descendants, pages that they share counted once (PSS)."""
    total = 0
    for one in tree(pid):
        with suppress(OSError):
            lines = Path(f"/proc/{one}/smaps_rollup").read_text().splitlines()
            total += sum(int(line.split()[1]) << 10 for line in lines if line.startswith("Pss:"))
    return total


def folder_bytes(*folders: Path) -> int:
    """Size of all files in folders; links, compiled Python and the installer itself are not counted."""
    files = (one for folder in folders for one in folder.rglob("*") if one.is_file() and not one.is_symlink())
    return sum(
        one.stat().st_size
        for one in files
        if one.suffix != ".pyc" and not {"pip", "setuptools"}.intersection(one.parts)
    )


def description() -> dict[str, str]:
    """What a reader of the figures wants to know of the machine."""
    model = "unknown"
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                model = line.partition(":")[2].strip()
                break
    return {
        "processor": model,
        "cores": str(len(os.sched_getaffinity(0))),
        "kernel": f"{platform.system()} {platform.release().partition('-')[0]}",
        "python": _python(),
    }


def _python() -> str:
    """The interpreter; one that is no package's may have been built without optimizations, and be slower for it."""
    system = "another build"
    if sys.base_prefix == "/usr":
        with suppress(OSError):
            system = platform.freedesktop_os_release()["PRETTY_NAME"]
    return f"{platform.python_version()} ({system})"
