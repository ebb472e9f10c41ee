"""Memory that is free within a process goes back to the system."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

SCRIPT = """
import threading
from mailcore.system import memory

def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096

def work():
    blocks = [bytearray(2000) for _ in range(20_000)]
    kept.extend(blocks[::50])

kept = []
memory.share_arenas(2)
thread = threading.Thread(target=work)
thread.start()
thread.join()
before = resident()
memory.give_back()
print(before - resident())
assert all(len(block) == 2000 for block in kept)
"""


@pytest.mark.linux_only("only glibc keeps what is free")
def test_what_a_thread_has_freed_goes_back_to_the_system() -> None:
    if platform.libc_ver()[0] != "glibc":
        pytest.skip("this Python stands on another C library")
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, timeout=60, check=True)
    assert int(done.stdout) > 20_000_000, "of the 40 MB"
