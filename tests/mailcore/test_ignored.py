"""Within git: no stash, checkout or clean takes what is ours away, and nothing of it is committed."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from mailcore.mail import post
from mailcore.model.run import Phase
from mailcore.system import self_ignore
from mailcore.workspace import create
from mailcore.workspace.find import Workspace, find_workspace
from tests.mailcore.conftest import House, git


@pytest.fixture
def project(tmp_path: Path) -> Path:
    root = tmp_path / "project"
    root.mkdir()
    git(root, "init", "-q", "-b", "main")
    (root / "README").write_text("hi\n")
    git(root, "add", "-A")
    git(root, "commit", "-qm", "base")
    return root


@pytest.fixture
def made(project: Path) -> Workspace:
    return create.create_workspace(project, [("writer", "agents/writer"), ("lead", "agents/lead")])


def send(workspace: Workspace, subject: str) -> int:
    return post.send_mail(workspace, "@lead", ["@writer"], subject, "b")[0].seq


def test_what_is_ours_is_neither_committed_nor_seen(project: Path, made: Workspace) -> None:
    send(made, "one")
    git(project, "add", "-A")
    held = git(project, "ls-files").splitlines()
    assert not [path for path in held if ".ai_mail.local" in path or "/logs/" in path]
    assert [path for path in held if path.startswith((".praxmonitor", ".aipass"))] == [".praxmonitor/config.toml"]
    git(project, "commit", "-qm", "workspace")
    send(made, "two")
    assert git(project, "status", "--porcelain") == ""


@pytest.mark.parametrize(
    "act", [["stash", "-u"], ["clean", "-fd"], ["checkout", "-q", "-f", "main"], ["reset", "--hard"]]
)
def test_mail_and_count_survive_what_tidies(project: Path, made: Workspace, act: list[str]) -> None:
    number = send(made, "one")
    git(project, *act)
    assert "one" in (project / "agents/writer/.ai_mail.local/inbox.json").read_text()
    assert (project / ".praxmonitor/audit.jsonl").exists()
    (project / "README").touch()
    assert send(find_workspace(project), "two") == number + 1


def test_mail_survives_a_change_of_branches(project: Path, made: Workspace) -> None:
    git(project, "add", "-A")
    git(project, "commit", "-qm", "workspace")
    git(project, "checkout", "-q", "-b", "feature")
    send(made, "on feature")
    (project / "x").write_text("x")
    git(project, "add", "-A")
    git(project, "commit", "-qm", "work")
    git(project, "checkout", "-q", "main")
    assert "on feature" in (project / "agents/writer/.ai_mail.local/inbox.json").read_text()


def test_what_teams_share_is_not_ignored(project: Path, made: Workspace) -> None:
    for name in (
        "templates/task.md",
        "themes/night.toml",
        "config.toml",
        "operator/config.toml",
        "templates/deep/a.md",
    ):
        path = made.state_dir / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x = 1\n")
    git(project, "add", "-A", ".praxmonitor")
    assert set(git(project, "ls-files", ".praxmonitor").splitlines()) == {
        f".praxmonitor/{name}"
        for name in ("config.toml", "templates/task.md", "templates/deep/a.md", "themes/night.toml")
    }


@pytest.mark.elsewhere
def test_an_old_workspace_is_mended_by_the_next_write(house: House) -> None:
    places = [house.agent("writer").mail_dir, house.agent("lead").mail_dir, house.root / ".praxmonitor"]
    for place in places:
        (place / self_ignore.IGNORE_FILE).unlink()
    post.send_mail(house.workspace, "@lead", ["@writer"], "s", "b")
    assert all((place / self_ignore.IGNORE_FILE).read_bytes().endswith(b"\n") for place in places)


def test_a_gitignore_that_stands_is_left_alone(house: House) -> None:
    mine = house.agent("writer").mail_dir / self_ignore.IGNORE_FILE
    mine.write_text("# we keep our mail\n")
    post.send_mail(house.workspace, "@lead", ["@writer"], "s", "b")
    assert mine.read_text() == "# we keep our mail\n"


def test_a_project_keeps_what_it_has_in_aipass(project: Path, made: Workspace) -> None:
    """Only AIPass's register, feed and reports are state."""
    made.aipass_dir.mkdir()
    (made.aipass_dir / "prompt.md").write_text("be kind\n")
    self_ignore.make_ignored(made.aipass_dir)
    for name in ("dispatch_register.jsonl", "notifications.jsonl", ".notifications.lock", "dispatch_reports/1.json"):
        (made.aipass_dir / name).parent.mkdir(exist_ok=True)
        (made.aipass_dir / name).write_text("{}")
    git(project, "add", "-A", ".aipass")
    assert git(project, "ls-files", ".aipass").splitlines() == [".aipass/prompt.md"]


def test_logs_that_were_there_before_stay_the_projects(project: Path) -> None:
    logs = project / "agents/writer/logs"
    logs.mkdir(parents=True)
    (logs / "mine.log").write_text("mine\n")
    create.create_workspace(project, [("writer", "agents/writer")])
    assert not (logs / self_ignore.IGNORE_FILE).exists()


@pytest.mark.parametrize("act", ["stash -u", "clean -fdq", "checkout -q --orphan other"])
def test_a_run_answers_and_is_told_while_git_has_taken_registry_and_passports(
    house: House, tmp_path: Path, act: str
) -> None:
    """Nothing of the workspace was ever committed: all of it is untracked, and goes with a stash."""
    git(house.root, "init", "-q", "-b", "main")
    (house.root / "README").write_text("hi\n")
    git(house.root, "add", "README")
    git(house.root, "commit", "-qm", "base")
    cli = f"{sys.executable} -m mailcore.cli"
    number = "$(echo $MAILCORE_PROMPT | sed 's/.*message \\([0-9a-f]*\\).*/\\1/')"
    house.shell(
        "writer",
        f"echo up; until [ -e {tmp_path}/go ]; do sleep 0.02; done; {cli} done {number} ok >{tmp_path}/said 2>&1",
    )
    run_id = house.started("@lead", "@writer")
    house.attempt_pid("@writer", run_id)
    git(house.root, *act.split())
    assert house.workspace.registry.exists() == act.startswith("checkout")
    (tmp_path / "go").touch()
    assert house.over("@writer", run_id).phase is Phase.COMPLETED, (tmp_path / "said").read_text()
    assert [mail.subject for mail in house.inbox("@lead")] == ["DONE: a task"]
    assert house.mailcore("send", "@writer", "next", "b", "--from", "@lead").returncode == 0
    if act == "stash -u":
        git(house.root, "stash", "pop", "-q")
        assert house.workspace.registry.exists() and [one.subject for one in house.inbox("@writer")] == ["next"]


@pytest.mark.parametrize("act", [["stash", "-u"], ["clean", "-fdq"], ["reset", "-q", "--hard", "HEAD~1"]])
def test_in_a_repository_of_an_agents_own_its_mail_stays(house: House, act: list[str]) -> None:
    """An agent whose branch is a clone, or a submodule, tidies up there itself."""
    branch = house.agent("@writer").branch
    git(branch, "init", "-q")
    for name in ("one", "two"):
        (branch / name).write_text(name)
        git(branch, "add", "-A")
        git(branch, "commit", "-qm", name)
    assert ".ai_mail.local" not in git(branch, "ls-files")
    post.send_mail(house.workspace, "@lead", ["@writer"], "s", "b")
    git(branch, *act)
    assert [mail.subject for mail in house.inbox("@writer")] == ["s"]
    assert git(branch, "status", "--porcelain") == ""


@pytest.mark.parametrize("act", [["clean", "-fdxq"], ["stash", "-a"]])
def test_what_takes_the_ignored_too_takes_the_mail(project: Path, made: Workspace, act: list[str]) -> None:
    """`-x` and `-a` are asked for by name: nothing that lies in the project can withstand them."""
    send(made, "one")
    git(project, *act)
    assert not (project / "agents/writer/.ai_mail.local/inbox.json").exists()
