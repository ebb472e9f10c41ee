"""Agents whose directories are git worktrees beside the project: made, worked in, proved, adopted, removed."""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest

from mailcore.cli.doctor_git import tracked, unignored
from mailcore.hooks.install import install_hooks
from mailcore.hooks.plugin_lines import agent_at
from mailcore.model.agent import Agent
from mailcore.model.fleet import Fleet
from mailcore.observe.fold import apply
from mailcore.observe.reader import WorkspaceReader
from mailcore.programs.registry import hooks_of
from mailcore.system.self_ignore import make_ignored
from mailcore.workspace import create, find
from mailcore.workspace.find import Workspace
from tests.mailcore.conftest import House, git


@pytest.fixture
def identified(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever commits here has a name, and no settings of this machine's user count."""
    for who in ("AUTHOR", "COMMITTER"):
        for what in ("NAME", "EMAIL"):
            monkeypatch.setenv(f"GIT_{who}_{what}", "a@b")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")


@pytest.fixture
def project(house: House, identified: None) -> House:
    """The workspace in a repository that has one commit, of a file."""
    (house.root / "README").write_text("one\n")
    git(house.root, "init", "-q", "-b", "main")
    git(house.root, "add", "README")
    git(house.root, "commit", "-qm", "a file")
    return house


def add(house: House, *words: str, status: int = 0) -> Any:
    return house.json("agent", "add", *words, "--worktree", "--from", "@operator", status=status)


def reloaded(house: House) -> Workspace:
    house.workspace = find.load_workspace(house.workspace.registry)
    return house.workspace


def drafter(house: House) -> Agent:
    add(house, "drafter")
    return reloaded(house).agent("drafter")


@pytest.mark.parametrize("registry", ["committed", "left out"])
def test_an_agent_is_added_in_a_worktree_of_its_own_and_works_from_inside(project: House, registry: str) -> None:
    if registry == "committed":
        git(project.root, "add", "-A")
        git(project.root, "commit", "-qm", "the workspace")
    made = add(project, "drafter")
    directory = project.root.parent / f"{project.root.name}-drafter"
    assert made["branch"] == str(directory) and made["worktree"] is True
    assert (directory / "README").read_text() == "one\n"
    assert git(directory, "branch", "--show-current").strip() == "drafter"
    assert git(directory, "status", "--porcelain") == "", "what is the agent's is none of the project's"
    assert "locked" in git(project.root, "worktree", "list", "--porcelain")
    row = json.loads(project.workspace.registry.read_bytes())["branches"][-1]
    assert row["worktree"] is True and row["path"] == "../project-drafter"
    (directory / "src").mkdir()
    for place in (directory, directory / "src"):
        assert find.find_workspace(place).root == project.root
        assert project.json("whoami", cwd=place)["address"] == "@drafter"
    assert project.mailcore("send", "@lead", "from there", "b", cwd=directory / "src").returncode == 0
    assert [(m.sender, m.subject) for m in project.inbox("lead")] == [("@drafter", "from there")]
    assert project.mailcore("send", "@drafter", "to there", "b", "--from", "@lead").returncode == 0
    reloaded(project)
    assert [m.subject for m in project.inbox("drafter")] == ["to there"]
    assert not tracked(project.workspace) and not unignored(project.workspace)


def test_passports_that_git_copied_into_a_worktree_are_nobodys_there(project: House) -> None:
    git(project.root, "add", "-A")
    git(project.root, "commit", "-qm", "the workspace")
    agent = drafter(project)
    copied = agent.branch / "agents" / "writer"
    assert (copied / ".trinity" / "passport.json").is_file()
    assert project.json("whoami", cwd=copied)["address"] == "@drafter"


def test_a_worktree_of_a_workspace_below_the_top_is_entered_at_the_same_place(tmp_path: Path, identified: None) -> None:
    top = tmp_path / "repository"
    made = create.create_workspace(top / "site", [("lead", "agents/lead")])
    git(top, "init", "-q")
    git(top, "add", "-A")
    git(top, "commit", "-qm", "all")
    house = House(made)
    added = add(house, "drafter")
    assert added["branch"] == str(tmp_path / "repository-drafter" / "site")
    assert house.json("whoami", cwd=Path(added["branch"]))["address"] == "@drafter"


def test_a_run_is_dispatched_into_a_worktree(project: House) -> None:
    drafter(project)
    script = "mailcore send @lead found here; pwd > where; git add where; git commit -qm work"
    project.shell("drafter", script.replace("mailcore", f"{sys.executable} -m mailcore.cli"))
    run = project.over("drafter", project.started("lead", "drafter"))
    assert str(run.phase) == "completed", run
    agent = project.agent("drafter")
    assert project.says(agent.branch / "where") == str(agent.branch)
    assert "found" in [m.subject for m in project.inbox("lead")]


def test_hooks_are_installed_in_a_worktree_and_deliver_its_mail(project: House) -> None:
    agent = drafter(project)
    hooks = hooks_of("claude")
    assert hooks is not None and install_hooks(agent, hooks)
    line = json.loads((agent.branch / hooks.settings).read_text())["hooks"]["SessionStart"][0]["hooks"][0]["command"]
    project.mailcore("send", "@drafter", "read me", "b", "--from", "@lead")
    event = {"hook_event_name": "SessionStart", "session_id": "s-1", "cwd": str(agent.branch), "source": "startup"}
    done = project.mailcore("-c", line, program=("sh",), cwd=agent.branch, stdin=json.dumps(event).encode())
    assert b"read me" in done.stdout, done
    assert (agent.branch / "logs" / "hooks.jsonl").is_file()


def test_mail_of_an_agent_in_a_worktree_is_seen_by_who_looks_on(project: House) -> None:
    agent = drafter(project)
    reader = WorkspaceReader(project.workspace)
    fleet = apply(Fleet(project.root), reader.initial(), 1.0)
    assert str(agent.mail_dir) in reader.watch_paths()
    project.mailcore("send", "@drafter", "look", "b", "--from", "@lead")
    fleet = apply(fleet, reader.changed([agent.inbox]), 2.0)
    reader.close()
    assert next(one for one in fleet.agents if one.agent == agent).mailbox.unread == 1


@pytest.mark.parametrize("how", ["no key", "no worktree", "a .git of somebody's", "another repository's", "gone"])
def test_what_lies_outside_of_the_project_is_an_agents_by_gits_own_record_alone(project: House, how: str) -> None:
    outside = project.root.parent / "outside"
    row = {"email": "@far", "name": "FAR", "path": "../outside", "worktree": True}
    if how == "no key":
        git(project.root, "worktree", "add", "-q", str(outside))
        row["worktree"] = "yes"
    elif how == "another repository's":
        other = project.root.parent / "other"
        other.mkdir()
        git(other, "init", "-q")
        git(other, "commit", "-qm", "empty", "--allow-empty")
        git(other, "worktree", "add", "-q", str(outside))
    elif how != "gone":
        outside.mkdir()
    if how == "a .git of somebody's":
        git(project.root, "worktree", "add", "-q", str(project.root.parent / "true"))
        (outside / ".git").write_text(f"gitdir: {project.root}/.git/worktrees/true\n")
    registry = project.workspace.registry
    document = json.loads(registry.read_bytes())
    document["branches"].append(row)
    registry.write_text(json.dumps(document))
    workspace = reloaded(project)
    if how == "gone":
        assert workspace.agent("far").branch == outside and not workspace.refused
        done = project.mailcore("send", "@far", "s", "b", "--from", "@lead")
        assert done.returncode and not outside.exists()
        assert project.mailcore("agent", "remove", "@far", "--from", "@operator").returncode == 0
    else:
        assert not [one for one in workspace.agents if one.address == "@far"]
        assert "leaves the project" in workspace.refused[0] or "git worktree list" in workspace.refused[0]


def test_a_worktree_is_not_made_over_what_is_there(project: House) -> None:
    directory = project.root.parent / "project-drafter"
    directory.mkdir()
    assert "adopt" in add(project, "drafter", status=3)["error"]["message"]
    git(project.root, "branch", "drafter")
    directory.rmdir()
    assert "--branch drafter" in add(project, "drafter", status=3)["error"]["message"]
    assert add(project, "drafter", "--branch", "drafter")["worktree"] is True
    assert "already" in add(project, "drafter", status=3)["error"]["message"]
    assert not (project.root.parent / "project-writer").exists()
    assert add(project, "writer", status=3) and not (project.root.parent / "project-writer").exists()
    assert add(project, "poet=../poems", "--branch", "verse")["branch"] == str(project.root.parent / "poems")
    assert "no name for a branch" in add(project, "p2", "--branch", "a..b", status=2)["error"]["message"]


@pytest.mark.parametrize("known", [True, False])
def test_where_no_agent_comes_of_it_the_worktree_goes_and_a_branch_that_was_there_stays(
    project: House, known: bool
) -> None:
    (project.root / ".trinity").write_text("a file where an agent's passport is to lie\n")
    git(project.root, "add", "-f", ".trinity")
    git(project.root, "commit", "-qm", "in the way")
    if known:
        git(project.root, "branch", "feature")
    done = project.mailcore("agent", "add", "drafter", "--worktree", "--branch", "feature", "--from", "@operator")
    assert done.returncode != 0 and b".trinity" in done.stderr + done.stdout
    assert not (project.root.parent / f"{project.root.name}-drafter").exists()
    assert ("feature" in git(project.root, "branch", "--list", "feature")) is known
    assert "@drafter" not in [one.address for one in reloaded(project).agents]


def test_without_a_commit_there_is_no_worktree_and_nothing_is_left(house: House, identified: None) -> None:
    assert "in no git repository" in add(house, "drafter", status=2)["error"]["message"]
    git(house.root, "init", "-q")
    assert add(house, "drafter", status=3)
    assert [agent.address for agent in reloaded(house).agents] == ["@writer", "@editor", "@lead"]
    assert not (house.root.parent / "project-drafter").exists()


def remove(house: House, *words: str, status: int = 0) -> Any:
    return house.json("agent", "remove", "@drafter", *words, "--from", "@operator", status=status)


def test_a_worktree_is_removed_with_its_agent_when_no_work_would_be_lost(project: House) -> None:
    agent = drafter(project)
    hooks = hooks_of("claude")
    assert hooks is not None and install_hooks(agent, hooks)
    project.mailcore("send", "@drafter", "keep me", "b", "--from", "@lead")
    said = remove(project, status=2)["error"]["message"]
    assert "--worktree" in said and "--keep" in said, "it is offered"
    (agent.branch / "new").write_text("x\n")
    assert "not committed: new" in remove(project, "--worktree", status=3)["error"]["message"]
    git(agent.branch, "add", "new")
    git(agent.branch, "commit", "-qm", "work")
    assert "1 commit of drafter not merged" in remove(project, "--worktree", status=3)["error"]["message"]
    assert agent.inbox.is_file() and reloaded(project).agent("drafter") == agent
    git(project.root, "merge", "-q", "drafter")
    project.mailcore("agents")  # so that the registry's copy has the row
    remove(project, "--worktree")
    assert not agent.branch.exists() and "project-drafter" not in git(project.root, "worktree", "list")
    assert "drafter" in git(project.root, "branch"), "what was merged stays named"
    kept = next((project.root / ".praxmonitor" / "former").iterdir())
    assert "keep me" in (kept / ".ai_mail.local" / "inbox.json").read_text()
    former = [one.branch for one in reloaded(project).former_agents() if one.address == "@drafter"]
    assert former[0] == kept


def test_a_worktree_that_git_does_not_let_go_keeps_its_mail(project: House) -> None:
    agent = drafter(project)
    (project.root / ".git" / "worktrees" / "project-drafter" / "locked").unlink()
    module = agent.branch / "module"
    git(project.root, "-c", "protocol.file.allow=always", "clone", "-q", str(project.root), str(module))
    (project.root / ".git" / "info").mkdir(exist_ok=True)
    (project.root / ".git" / "info" / "exclude").write_text("module/\n")
    git(
        agent.branch,
        "update-index",
        "--add",
        "--cacheinfo",
        f"160000,{git(module, 'rev-parse', 'HEAD').strip()},module",
    )
    git(agent.branch, "commit", "-qm", "a module")
    git(project.root, "merge", "-q", "drafter")
    done = remove(project, "--worktree", status=3)
    assert "git worktree remove" in done["error"]["message"]
    assert agent.inbox.is_file() and (agent.branch / ".trinity" / "passport.json").is_file()
    assert reloaded(project).agent("drafter") == agent, "what is refused leaves all as it was"
    assert "locked" in git(project.root, "worktree", "list", "--porcelain"), "git keeps it as it did before"


def test_where_not_all_can_be_kept_of_an_agent_it_stays_with_all_of_it(project: House) -> None:
    elsewhere = Path("/dev/shm")
    if not elsewhere.is_dir() or elsewhere.stat().st_dev == project.root.stat().st_dev:
        pytest.skip("one file system alone")
    top = Path(tempfile.mkdtemp(dir=elsewhere))
    try:
        add(project, f"drafter={top / 'tree'}")
        agent = reloaded(project).agent("drafter")
        assert project.mailcore("send", "@drafter", "keep me", "b", "--from", "@lead").returncode == 0
        make_ignored(agent.logs_dir)
        os.mkfifo(agent.logs_dir / "pipe")  # none is copied from one file system to another
        assert project.mailcore("agent", "remove", "@drafter", "--worktree", "--from", "@operator").returncode != 0
        assert [mail.subject for mail in project.inbox("drafter")] == ["keep me"]
        assert (agent.branch / ".trinity" / "passport.json").is_file()
    finally:
        shutil.rmtree(top)


def test_through_a_link_a_worktree_is_what_it_is(project: House, tmp_path: Path) -> None:
    agent = drafter(project)
    link = tmp_path / "link"
    link.symlink_to(agent.branch)
    assert find.find_workspace(link).root == project.root
    found = agent_at(project.workspace, link)
    assert found is not None and found.address == "@drafter"


def test_what_is_no_directory_and_no_session_is_not_adopted(project: House) -> None:
    done = project.mailcore("agent", "adopt", "~nobody-of-that-name", "--from", "@operator")
    assert done.returncode == 3 and b"is no directory" in done.stderr


def test_a_worktree_may_stay(project: House) -> None:
    agent = drafter(project)
    remove(project, "--keep")
    assert agent.inbox.is_file() and "@drafter" not in [one.address for one in reloaded(project).agents]
    again = project.json("agent", "adopt", str(agent.branch), "--name", "drafter", "--from", "@operator")
    assert again["branch"] == str(agent.branch) and again["worktree"] is True


def test_a_directory_is_adopted_if_it_is_the_projects(project: House) -> None:
    (project.root / "src" / "Web.App").mkdir(parents=True)
    made = project.json("agent", "adopt", "src/Web.App", "--role", "builds", "--from", "@operator")
    assert (made["address"], made["worktree"]) == ("@web-app", False)
    git(project.root, "worktree", "add", "-q", str(project.root.parent / "fix"))
    made = project.json("agent", "adopt", str(project.root.parent / "fix"), "--from", "@operator")
    assert (made["address"], made["worktree"]) == ("@fix", True)
    assert project.json("whoami", cwd=project.root.parent / "fix")["address"] == "@fix"
    stranger = project.root.parent / "stranger"
    stranger.mkdir()
    said = project.json("agent", "adopt", str(stranger), "--from", "@operator", status=3)["error"]
    assert said["code"] == "boundary" and not (stranger / ".ai_mail.local").exists()


def test_the_directory_of_a_session_is_adopted(project: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", str(tmp_path / "config"))
    place = project.root / "src"
    place.mkdir()
    session = "0b5e7a4c-1111-4222-8333-444455556666"
    file = tmp_path / "config" / "projects" / "-some-where" / f"{session}.jsonl"
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps({"type": "user", "sessionId": session, "cwd": str(place)}) + "\n")
    for name in (session, session[:8]):
        made = project.json("agent", "adopt", name, "--name", f"a{len(name)}", "--from", "@operator", status=0)
        assert made["branch"] == str(place)
        project.json("agent", "remove", made["address"], "--from", "@operator")
    (file.parent / f"{session[:8]}-2222.jsonl").write_text(json.dumps({"cwd": str(project.root)}) + "\n")
    said = project.json("agent", "adopt", session[:8], "--from", "@operator", status=3)["error"]
    assert said["code"] == "ambiguous"
    said = project.json("agent", "adopt", "ffffffff-no", "--from", "@operator", status=3)["error"]
    assert said["code"] == "no_session"
    shutil.rmtree(place)
    said = project.json("agent", "adopt", session, "--from", "@operator", status=3)["error"]
    assert "which is gone" in said["message"]
