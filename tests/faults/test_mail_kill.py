"""kill -9 of looping writers: nothing torn, nothing acknowledged lost, nothing doubled."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from collections.abc import Callable

from mailcore.formats import journal
from mailcore.mail import lookup, post
from mailcore.workspace.find import Workspace
from tests.faults.conftest import ROOT, archived_mail, open_mail


def test_killed_writers_tear_lose_and_double_nothing(team: Workspace, rounds: Callable[[int, int], int]) -> None:
    kills = rounds(60, 1200)
    command = [sys.executable, "-m", "tests.faults.writers", "nursery", str(team.root), str(kills), "7"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    said = [line.split() for line in done.stdout.splitlines()]
    assert not [line for line in said if line[0] not in ("sent", "closed")], "torn, or ended by itself"
    acknowledged = {words[1]: words[2] for words in said if words[0] == "sent"}
    closed = {words[1] for words in said if words[0] == "closed"}
    assert len(acknowledged) > kills // 4 and closed, "the killed ones had done some work"

    target = team.agent("@target")
    waiting = open_mail(target)
    assert closed.isdisjoint(mail["id"] for mail in waiting), "what was closed came back"
    assert closed <= {mail["id"] for mail in archived_mail(target)}
    between = {mail["id"] for mail in waiting} & {mail["id"] for mail in archived_mail(target)}
    assert len(between) <= kills

    # Whoever goes on after the killed ones finishes their work: all is archived, once.
    post.close_messages(team, "@target", [mail["id"] for mail in waiting])
    assert open_mail(target) == []
    kept = archived_mail(target)
    times = Counter(mail["subject"] for mail in kept)
    ids = {mail["subject"]: mail["id"] for mail in kept}
    lost = acknowledged.keys() - times.keys()
    assert not lost, f"{len(lost)} acknowledged lost"
    assert set(times.values()) == {1}, f"doubled: {times.most_common(3)}"
    assert {subject: ids[subject] for subject in acknowledged} == acknowledged

    numbers = Counter(mail["seq"] for mail in kept)
    assert set(numbers.values()) == {1}, f"a number twice: {numbers.most_common(3)}"
    records = {raw["subject"] for name in ("@alpha", "@beta") for _, raw in lookup.sent_records(team.agent(name))}
    assert {subject for subject in acknowledged if not subject.startswith("bare-")} <= records

    # No repair was needed, and what the killed ones left half written is no heap.
    assert not [act for act in journal.read_records(team.state_dir / "audit.jsonl") if act["verb"] == "repair"]
    assert not list(target.mail_dir.glob("*corrupt*"))
    left = [path.name for path in target.mail_dir.iterdir() if path.suffix == ".tmp"]
    assert len(left) <= 1, f"{len(left)} temporary files left in the mailbox"
    print(
        f"{kills} kills: {len(acknowledged)} sends and {len(closed)} closings acknowledged, "
        f"{len(kept) - len(acknowledged)} delivered and killed before it was said, {len(between)} killed between "
        "archiving and removing; 0 torn, 0 lost, 0 doubled"
    )
