"""Eight processes send to one agent while a foreign program rewrites the mailbox in place: all arrive, once."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from mailcore.workspace import create
from tests.faults.conftest import ROOT, open_mail

NAMES = tuple(f"writer{n}" for n in range(8))


def test_eight_senders_and_a_foreign_program(tmp_path: Path, rounds: Callable[[int, int], int]) -> None:
    each = rounds(60, 500)
    team = create.create_workspace(tmp_path / "team", [(name, f"agents/{name}") for name in (*NAMES, "target")])
    inbox = team.agent("@target").inbox
    foreign = subprocess.Popen(
        [sys.executable, str(ROOT / "tests" / "faults" / "foreign.py"), str(inbox)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    writers = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.faults.writers", "loop", str(team.root), f"@{name}", str(each)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        for name in NAMES
    ]
    said = [writer.communicate(timeout=900)[0].split() for writer in writers]
    strange = foreign.communicate("stop\n", timeout=60)[0].split()
    assert [writer.returncode for writer in (*writers, foreign)] == [0] * 9
    acknowledged = [words[1::3] for words in said]
    assert [len(subjects) for subjects in acknowledged] == [each] * 8
    assert len(strange) > 5

    mails = open_mail(team.agent("@target"))
    arrived = Counter(mail["subject"] for mail in mails)
    assert arrived == Counter(strange) + Counter(subject for subjects in acknowledged for subject in subjects)
    # Newest first, as each sender sent them.
    for subjects in (*acknowledged, strange):
        assert [mail["subject"] for mail in reversed(mails) if mail["subject"] in subjects] == subjects
    assert len({mail["id"] for mail in mails}) == len(mails)
    numbers = [mail["seq"] for mail in mails if "seq" in mail]
    assert len(set(numbers)) == len(numbers) >= 8 * each
    print(f"8 processes x {each} and {len(strange)} foreign: {len(mails)} arrived, each once")
