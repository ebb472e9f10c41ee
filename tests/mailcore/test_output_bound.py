"""The output of an attempt is bounded on disk while it is written."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mailcore.dispatch.supervision.attempt_output import limit_size
from mailcore.model.run import Phase
from tests.mailcore.conftest import House

MB = 2**20


def on_disk(path: Path) -> int:
    return path.stat().st_blocks * 512


@pytest.mark.linux_only("no POSIX call frees a part of a file")
def test_a_growing_file_keeps_its_end(tmp_path: Path) -> None:
    path = tmp_path / "log"
    with path.open("ab") as file:
        for n in range(40):
            file.write(b"%07d\n" % n * (MB // 8))
            file.flush()
            os.fsync(file.fileno())
            large = on_disk(path) > 5 * MB
            assert limit_size(path, 4 * MB) is large
            assert on_disk(path) <= 6 * MB
    assert path.stat().st_size == 40 * MB  # readers of the end and the writer see no difference
    data = path.read_bytes()
    assert data.endswith(b"0000039\n") and data[-4 * MB :].startswith(b"0000036\n")
    assert set(data[: 30 * MB]) == {0}


def test_what_is_small_or_gone_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"x" * MB)
    assert not limit_size(path, 4 * MB) and path.read_bytes() == b"x" * MB
    assert not limit_size(tmp_path / "none", 1)


@pytest.mark.linux_only("no POSIX call frees a part of a file")
def test_an_agent_that_goes_on_writing_is_bounded_while_it_runs(house: House) -> None:
    """It waits after each 4 MB until they were freed: a supervisor that looks only at the end would hang it."""
    house.limit(output_limit=2 * MB, attempts=1, hard_limit=30)
    house.python(
        "writer",
        "import os\nfrom threading import Event\n"
        f"for n in range(8):\n    os.write(1, b'x' * {4 * MB})\n    os.fsync(1)\n"
        f"    while os.fstat(1).st_blocks * 512 > {4 * MB}: Event().wait(0.01)\n"
        "print('\\nend')\n",
    )
    run_id = house.started("@operator", "@writer")
    run = house.over("@writer", run_id)
    assert (run.phase, run.result) == (Phase.COMPLETED, "end")
    assert on_disk(house.agent("@writer").runs_dir / run_id / "attempt-1.stdout.log") <= 4 * MB


def test_a_symlink_in_its_place_is_not_followed(tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.write_bytes(b"x" * 8 * MB)
    (tmp_path / "log").symlink_to(target)
    assert not limit_size(tmp_path / "log", MB) and target.read_bytes() == b"x" * 8 * MB
