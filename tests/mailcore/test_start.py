"""Beginning a run: its id, whatever lies among the runs; and what waits at others, whatever one agent's files hold."""

from __future__ import annotations

import pytest

from mailcore.dispatch.admission.hold import WHOLE_WORKSPACE, place_hold
from mailcore.dispatch.lifecycle.after_run import start_all_waiting
from mailcore.dispatch.queueing import queue
from mailcore.dispatch.queueing.branch_gate import gate
from mailcore.exceptions import MailcoreError
from mailcore.formats import journal
from mailcore.model.run import Phase
from mailcore.workspace.holds import HOLD
from tests.mailcore.conftest import House, wait_until

IMPOSSIBLE = ["99999999T999999_999999-00000000", "99991231T235959_999999-00000000", "20260231T000000_000000-00000000"]


@pytest.mark.parametrize("name", IMPOSSIBLE)
def test_a_directory_whose_name_is_no_moment_keeps_nothing_from_starting(house: House, name: str) -> None:
    first = house.started("@operator", "@writer")
    house.over("@writer", first)
    (house.agent("@writer").runs_dir / name).mkdir()
    second = house.started("@operator", "@writer", "another")
    assert house.over("@writer", second).phase is Phase.COMPLETED and second > first


@pytest.mark.parametrize("spoilt", ["queue", "runs"])
def test_one_agents_trouble_keeps_no_other_from_starting(house: House, spoilt: str) -> None:
    place_hold(house.workspace, "@operator", WHOLE_WORKSPACE, "")
    for name in ("@writer", "@editor"):
        assert house.dispatch("@operator", name).queued
    (house.workspace.state_dir / HOLD).unlink()
    writer = house.agent("@writer")
    if spoilt == "queue":
        (writer.mail_dir / ".queue.jsonl").unlink()
        (writer.mail_dir / ".queue.jsonl").mkdir()
        assert [entry.agent.address for entry in queue.all_waiting(house.workspace)] == ["@editor"]
        (run_id,) = start_all_waiting(house.workspace, house.config)
    else:
        writer.runs_dir.write_text("no directory")
        with pytest.raises(MailcoreError, match="@writer"):
            start_all_waiting(house.workspace, house.config)
        (run_id,) = [run.run_id for run in house.runs("@editor")]
    assert house.over("@editor", run_id).phase is Phase.COMPLETED


def test_a_supervisor_that_can_start_nothing_at_another_ends_well_and_writes_it_down(house: House) -> None:
    house.shell("editor", "echo up; until [ -e go ]; do sleep 0.02; done")
    run_id = house.started("@operator", "@editor")
    house.attempt_pid("@editor", run_id)
    with gate(house.workspace, house.agent("@writer")):
        queue.add_start(house.workspace, house.agent("@writer"), {"subject": "s", "message_id": "m"}, "busy")
    house.agent("@writer").runs_dir.write_text("no directory")
    (house.agent("@editor").branch / "go").touch()
    assert house.over("@editor", run_id).phase is Phase.COMPLETED
    path = house.agent("@editor").runs_dir / run_id

    def failed() -> list[str]:
        return [str(r["reason"]) for r in journal.read_records(path / "run.jsonl") if r["event"] == "wake_failed"]

    (reason,) = wait_until(failed, what="it is written down")
    assert "@writer" in reason and (path / "supervisor.log").read_text() == ""
