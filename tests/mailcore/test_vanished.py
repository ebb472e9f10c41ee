"""What is gone: a run goes on while its directory is away, is found where it was moved; nothing missing is empty."""

from __future__ import annotations

import os
import shutil
import signal
import sys
from pathlib import Path

import pytest

from mailcore.formats import journal
from mailcore.model.run import Phase
from mailcore.system import PORTABLE
from mailcore.system.processes import alive
from tests.mailcore.conftest import House, git, wait_until

GO = "echo up; while [ ! -e {go} ]; do sleep 0.05; done; {then}"


def going(house: House, then: str = "mailcore done 1 ok") -> tuple[str, Path]:
    """A run that goes on when a file is made, outside of the workspace; its id and that file."""
    go = house.root.with_name("go")
    house.shell("writer", GO.format(go=go, then=then))
    run_id = house.started("@operator", "@writer")
    house.attempt_pid("@writer", run_id)
    return run_id, go


def test_a_run_goes_on_while_its_directory_is_away(house: House) -> None:
    house.limit(vanished_grace=30)
    run_id, go = going(house, "sleep 0.3; exit 0")
    branch = house.agent("@writer").branch
    away = branch.rename(house.root.with_name("away"))
    go.touch()  # the program ends while it is away
    kept = Path(shutil.copytree(away, house.root.with_name("copy"), symlinks=True))
    shutil.rmtree(away)
    kept.rename(branch)  # another directory of the same content, as git stash pop makes it
    run = house.over("@writer", run_id)
    assert run.phase is Phase.COMPLETED and len(run.attempts) == 1


@pytest.mark.skipif(PORTABLE and sys.platform != "darwin", reason="psutil does not say where an open directory lies")
def test_a_run_is_found_where_its_agent_was_moved(house: House) -> None:
    """The row still says the old place: its end is told all the same, by the new one."""
    run_id, go = going(house, "exit 3")
    supervisor = house.run("@writer", run_id).supervisor_pid
    branch = house.agent("@writer").branch
    moved = branch.rename(branch.with_name("scribe"))
    go.touch()
    wait_until(lambda: not alive(supervisor), what="the supervisor is over")
    assert [m.raw["run_ended"] for m in house.inbox("@operator")] == ["bounced"]
    assert not (moved / ".ai_mail.local" / ".dispatch.lock").exists() and not branch.exists()
    events = [one["event"] for one in journal.read_records(moved / ".ai_mail.local" / "runs" / run_id / "run.jsonl")]
    assert events[-2:] == ["ended", "told"] and events.count("attempt") == 3


def test_a_run_whose_directory_left_the_workspace_ends_after_its_grace(house: House) -> None:
    run_id, _ = going(house)
    pid, supervisor = house.attempt_pid("@writer", run_id), house.run("@writer", run_id).supervisor_pid
    away = house.agent("@writer").branch.rename(house.root.with_name("away"))
    wait_until(lambda: not alive(supervisor), 15, "the supervisor is over")
    assert not alive(pid) and "is gone" in house.inbox("@operator")[0].body
    away.rename(house.agent("@writer").branch)


def test_whoever_stops_it_does_not_wait_for_the_grace(house: House) -> None:
    house.limit(vanished_grace=600)
    run_id, _ = going(house)
    supervisor = house.run("@writer", run_id).supervisor_pid
    away = house.agent("@writer").branch.rename(house.root.with_name("away"))
    os.kill(supervisor, signal.SIGTERM)
    wait_until(lambda: not alive(supervisor), 15, "the supervisor is over")
    away.rename(house.agent("@writer").branch)


@pytest.mark.elsewhere
def test_an_agents_own_stash_takes_nothing_of_its_run(house: House) -> None:
    git(house.root, "init", "-q")
    (house.root / "README").write_text("hi\n")
    git(house.root, "add", "README")
    git(house.root, "commit", "-qm", "base")
    go = house.root.with_name("go")
    identity = "-c user.name=a -c user.email=b"
    script = f"git {identity} stash -u -q; mailcore done 1 ok; git {identity} stash pop -q"
    house.shell("writer", GO.format(go=go, then=script))
    run_id = house.started("@operator", "@writer")
    house.attempt_pid("@writer", run_id)
    go.touch()
    run = house.over("@writer", run_id)
    assert (run.phase, run.replied, len(run.attempts)) == (Phase.COMPLETED, True, 1)
    assert house.workspace.registry.exists() and git(house.root, "stash", "list") == ""


@pytest.mark.parametrize("what", ["", ".ai_mail.local/inbox.json"])
def test_what_is_missing_is_not_empty(house: House, what: str) -> None:
    house.mailcore("send", "@writer", "s", "b", "--from", "@lead")
    gone = house.agent("@writer").branch / what
    gone.rename(house.root.with_name("gone"))
    done = house.mailcore("inbox", "@writer")
    assert done.returncode == 4 and f"{gone} is gone".encode() in done.stderr
    said = house.mailcore("agents").stdout.decode()
    assert "GONE" in said.splitlines()[0] and f"{gone} is gone" in said
    assert f"{gone} is gone" in house.mailcore("doctor").stdout.decode()
    if not what:
        assert "is gone" in house.mailcore("runs", "@writer").stdout.decode()


def test_an_agent_that_never_had_mail_has_no_mailbox_yet(house: House) -> None:
    shutil.rmtree(house.agent("@writer").mail_dir)
    done = house.mailcore("inbox", "@writer")
    assert done.returncode == 0 and b"no mailbox yet" in done.stdout


def test_doctor_tells_of_mail_that_git_tracks(house: House) -> None:
    """As in a workspace that was committed before it ignored itself; the remedy is a command that works."""
    git(house.root, "init", "-q")
    assert " git:" not in house.mailcore("doctor").stdout.decode()
    git(house.root, "add", "-f", "agents/writer/.ai_mail.local", ".praxmonitor/config.toml", ".praxmonitor/.gitignore")
    (house.agent("@lead").mail_dir / ".gitignore").write_text("# ours\n")
    said = house.mailcore("doctor").stdout.decode()
    assert "git tracks state: .praxmonitor agents/writer/.ai_mail.local;" in said
    assert "git does not ignore agents/lead/.ai_mail.local" in said
    remedy = next(line for line in said.splitlines() if "git rm" in line).strip().split(" && ")[0]
    git(house.root, *remedy.split()[1:])
    assert "git tracks" not in house.mailcore("doctor").stdout.decode()
