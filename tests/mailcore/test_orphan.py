"""A dead holder's lock: what it names is ended only where it is this agent's own run."""

from __future__ import annotations

import json
import subprocess

import pytest

from mailcore.dispatch.lifecycle import after_run, orphans
from mailcore.model.run import Phase
from mailcore.system.processes import alive
from tests.mailcore.conftest import House

pytestmark = pytest.mark.backends


def gone() -> int:
    child = subprocess.Popen(["true"])
    child.wait()
    return child.pid


def test_a_dead_lock_that_names_another_agents_run_harms_nobody(house: House) -> None:
    house.shell("editor", "echo up; exec sleep 100")
    run_id = house.started("@operator", "@editor")
    pid = house.attempt_pid("@editor", run_id)
    stolen = json.loads(house.agent("@editor").dispatch_lock.read_bytes())
    writer = house.agent("@writer")
    writer.dispatch_lock.write_text(json.dumps({**stolen, "pid": gone()}))
    with orphans.clearing(house.workspace, house.config, writer) as cleared:
        assert cleared is not None and cleared.unreported is None
    assert alive(pid) and house.run("@editor", run_id).phase is Phase.RUNNING
    assert not writer.dispatch_lock.exists() and not writer.runs_dir.exists()


def test_a_journal_without_the_locks_nonce_proves_nothing(house: House) -> None:
    house.shell("editor", "echo up; exec sleep 100")
    run_id = house.started("@operator", "@editor")
    pid = house.attempt_pid("@editor", run_id)
    writer = house.agent("@writer")
    (writer.runs_dir / run_id).mkdir(parents=True)
    planted = {"event": "queued", "run_id": run_id, "target": "@writer", "sender": "@lead", "nonce": ""}
    (writer.runs_dir / run_id / "run.jsonl").write_text(json.dumps(planted) + "\n")
    writer.dispatch_lock.write_text(json.dumps({"pid": gone(), "run_id": run_id}))
    with orphans.clearing(house.workspace, house.config, writer) as cleared:
        assert cleared is not None and cleared.unreported is None
    assert alive(pid) and not house.run("@writer", run_id).phase.ended


def test_whose_end_the_disk_lets_nobody_tell_is_told_by_the_next_look(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither the mail nor the word that it could not be sent is written: the lock has to stay for that look."""
    house.shell("writer", "echo up; exec sleep 100")
    house.limit(attempts=1)
    run_id = house.started("@operator", "@writer")
    house.attempt_pid("@writer", run_id)
    house.orphan("@writer")
    with monkeypatch.context() as patch:

        def full(*of: object, **how: object) -> None:
            raise OSError(28, "No space left on device")

        patch.setattr(after_run, "report_end", full)
        with pytest.raises(OSError, match="No space"):
            after_run.clean_up(house.workspace, house.config, house.agent("@writer"))
    assert house.agent("@writer").dispatch_lock.exists()
    after_run.clean_up(house.workspace, house.config, house.agent("@writer"))
    assert [mail.subject for mail in house.inbox("@operator")] == ["BOUNCE: Dispatch to @writer failed"]
    assert not house.agent("@writer").dispatch_lock.exists()
