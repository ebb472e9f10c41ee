"""Four processes send to one agent while somebody tidies the lock files of its mail and the workspace away."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from mailcore.workspace import create
from tests.faults.conftest import ROOT, open_mail

NAMES = tuple(f"writer{n}" for n in range(4))
TIDY = """
import sys, threading
from pathlib import Path
locks = [Path(name) for name in sys.argv[1:]]
removed, pace = 0, threading.Event()
print(flush=True)
while not Path("stop").exists():
    for lock in locks:
        try:
            lock.unlink()
            removed += 1
        except FileNotFoundError:
            pass
    pace.wait(0.002)
print(removed)
"""


def test_removed_lock_files_lose_no_acknowledged_mail(tmp_path: Path, rounds: Callable[[int, int], int]) -> None:
    each = rounds(60, 500)
    team = create.create_workspace(tmp_path / "team", [(name, f"agents/{name}") for name in (*NAMES, "target")])
    target = team.agent("@target")
    tidy = subprocess.Popen(
        [sys.executable, "-c", TIDY, str(target.mail_dir / ".inbox.lock")],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert tidy.stdout is not None and tidy.stdout.readline() == "\n"
    writers = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.faults.writers", "loop", str(team.root), f"@{name}", str(each)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        for name in NAMES
    ]
    said = [writer.communicate(timeout=900)[0].split()[1::3] for writer in writers]
    (tmp_path / "stop").touch()
    removed = int(tidy.communicate(timeout=60)[0])
    assert [writer.returncode for writer in writers] == [0] * 4
    acknowledged = sorted(subject for subjects in said for subject in subjects)
    assert len(acknowledged) == 4 * each and removed > each
    assert sorted(mail["subject"] for mail in open_mail(target)) == acknowledged
    print(f"4 processes x {each}, the lock removed {removed} times: each arrived once")
