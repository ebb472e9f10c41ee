from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import pytest

from mailcore.observe.process_sample import Sampler, TreeSample

pytestmark = pytest.mark.backends

BUSY = "import subprocess, sys; p = subprocess.Popen([sys.executable, '-c', 'while True: pass']); p.wait()"


@pytest.fixture
def tree() -> Iterator[subprocess.Popen[bytes]]:
    """A process with one busy child, in a session of its own."""
    process = subprocess.Popen([sys.executable, "-c", BUSY], start_new_session=True)
    yield process
    os.killpg(process.pid, 9)
    process.wait()


def test_a_tree_is_measured_between_two_samples(
    tree: subprocess.Popen[bytes], wait_until: Callable[[Callable[[], object], float, str], None]
) -> None:
    sampler, taken = Sampler(), list[TreeSample]()

    def sampled() -> bool:
        sample = sampler.sample(tree.pid)
        assert sample is not None
        taken.append(sample)
        return sample.processes == 2 and sample.cpu_percent > 10

    wait_until(sampled, 20, "the child's work is seen")
    assert taken[0].cpu_percent == 0.0, "one sample tells no share"
    assert taken[-1].rss > 5_000_000
    assert taken[-1].pid == tree.pid
    assert abs(taken[-1].started_at - time.time()) < 60
    assert taken[-1].cpu_percent < 250


def test_no_process_no_sample(wait_until: Callable[[Callable[[], object], float, str], None]) -> None:
    process = subprocess.Popen([sys.executable, "-c", ""])
    wait_until(lambda: Sampler().sample(process.pid) is None, 20, "a zombie is no process")
    process.wait()
    assert Sampler().sample(process.pid) is None
    assert Sampler().sample(-1) is None


def test_another_tree_starts_anew(tree: subprocess.Popen[bytes]) -> None:
    sampler = Sampler()
    assert sampler.sample(tree.pid) is not None
    other = sampler.sample(os.getpid())
    assert other is not None
    assert other.cpu_percent == 0.0
