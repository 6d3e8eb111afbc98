"""What a worker process is told before it does anything."""

import platform
import subprocess
import sys

import pytest

THREADS = """
import ctypes, sys, threading
from gatewright.app import tune
if sys.argv[1] == "tuned":
    tune()
together = threading.Barrier(4)
def work():
    held = [bytes(100_000) for _ in range(10)]
    together.wait()
threads = [threading.Thread(target=work) for _ in range(4)]
for one in threads: one.start()
for one in threads: one.join()
libc = ctypes.CDLL(None)
libc.malloc_info(0, ctypes.c_void_p.in_dll(libc, "stdout"))
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other C libraries have no arenas")
def test_threads_share_one_arena():
    """What one of them has freed the others use; without being told so, glibc keeps it for that thread."""
    told = {
        how: subprocess.run([sys.executable, "-c", THREADS, how], capture_output=True, text=True, check=True).stdout
        for how in ("tuned", "not tuned")
    }
    assert told["tuned"].count("<heap ") == 1
    assert told["not tuned"].count("<heap ") > 1
