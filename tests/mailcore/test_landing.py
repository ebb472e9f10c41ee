"""`accept` that commits, merges, or opens a pull request: in real repositories, with a stub of `gh`."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from mailcore.model.agent import Agent
from mailcore.workspace import find
from tests.mailcore.conftest import House, git

GH = r"""#!/bin/sh
printf '%s\n' "$*" >> "$GH_LOG"
case "$1 $2" in
"pr list") case "$*" in *--state=open*) cat "$GH_LOG.made" 2>/dev/null || :;; esac;;
"pr view") echo https://example.org/pull/of-another;;
"pr create") [ -z "$GH_FAILS" ] || { echo "$GH_FAILS" >&2; exit 1; }
  echo https://example.org/pull/7 | tee "$GH_LOG.made";;
"pr checks") printf 'build\tpending\n'; exit 8;;
esac
"""


@pytest.fixture
def project(house: House, monkeypatch: pytest.MonkeyPatch) -> House:
    """A repository with a commit, and an agent in a worktree of it."""
    for who in ("AUTHOR", "COMMITTER"):
        for what in ("NAME", "EMAIL"):
            monkeypatch.setenv(f"GIT_{who}_{what}", "a@b")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    (house.root / "README").write_text("one\n")
    (house.root / ".gitignore").write_text(".praxmonitor/\n*_REGISTRY.json\n.*.lock\nagents/*/.trinity/\n")
    git(house.root, "init", "-q", "-b", "main")
    git(house.root, "add", "README", ".gitignore")
    git(house.root, "commit", "-qm", "a file")
    house.json("agent", "add", "drafter", "--worktree", "--from", "@operator")
    house.workspace = find.load_workspace(house.workspace.registry)
    return house


def told_done(house: House, name: str = "drafter", subject: str = "Say two") -> tuple[Agent, str]:
    """The agent did a task of the lead's; the id of the mail that says so."""
    assert house.mailcore("send", f"@{name}", subject, "b", "--from", "@lead").returncode == 0
    task = house.inbox(name)[-1].id
    assert house.mailcore("done", task, "it says two", "--from", f"@{name}").returncode == 0
    return house.agent(name), house.inbox("lead")[0].id


def accept(house: House, notice: str, *words: str, status: int = 0) -> Any:
    return house.json("accept", notice, *words, "--from", "@lead", status=status)


def head(house: House) -> str:
    return git(house.root, "rev-parse", "HEAD")


def test_how_the_work_stands_is_said_and_nothing_is_done(project: House) -> None:
    agent, notice = told_done(project)
    (agent.branch / "README").write_text("two\n")
    before = head(project)
    work = accept(project, notice, "--checks")["work"]
    assert work[0] == "✗ 1 file not committed: README" and "0 commits of drafter" in work[1]
    assert work[2] == "✓ no conflict with main" and head(project) == before
    assert [one.id for one in project.inbox("lead")] == [notice], "it is not accepted by that"


def test_work_is_committed_and_merged(project: House) -> None:
    agent, notice = told_done(project)
    (agent.branch / "README").write_text("two\n")
    (agent.branch / ".claude").mkdir()
    (agent.branch / ".claude" / "settings.local.json").write_text("{}")
    (agent.branch / "new").write_text("new\n")
    assert "--commit" in accept(project, notice, "--merge", status=3)["error"]["message"]
    assert [one.id for one in project.inbox("lead")] == [notice], "what was refused is not accepted"
    accept(project, notice, "--commit", "--merge")
    assert (project.root / "README").read_text() == "two\n" and (project.root / "new").is_file()
    assert git(agent.branch, "log", "-1", "--format=%s").strip() == "Say two"
    files = git(agent.branch, "show", "--name-only", "--format=").split()
    assert sorted(files) == ["README", "new"], "its settings, mail and passport are no work"
    assert not project.inbox("lead")
    again = accept(project, notice, "--merge")
    assert "nothing to merge" in again["work"][-1], "said again it does nothing twice"
    verbs = [
        json.loads(line)["verb"] for line in (project.root / ".praxmonitor" / "audit.jsonl").read_text().splitlines()
    ]
    assert [verb for verb in verbs if verb in ("commit", "merge", "accept")] == ["commit", "merge", "accept"]


def test_nothing_is_merged_over_a_conflict(project: House) -> None:
    agent, notice = told_done(project)
    (agent.branch / "README").write_text("two\n")
    (project.root / "README").write_text("three\n")
    git(project.root, "commit", "-qam", "three")
    before = head(project)
    said = accept(project, notice, "--commit", "--merge", status=3)["error"]
    assert said["code"] == "conflict" and "README" in said["message"]
    assert head(project) == before and (project.root / "README").read_text() == "three\n"
    assert git(project.root, "status", "--porcelain", "--untracked-files=no") == ""
    assert "✗ 1 file in conflict: README" in accept(project, notice, "--checks")["work"]
    assert accept(project, notice, "--pr", status=3)["error"]["code"] == "conflict"


@pytest.mark.parametrize("where", ["checkout", "worktree"])
def test_what_is_not_committed_in_the_checkout_is_not_merged_over(project: House, where: str) -> None:
    agent, notice = told_done(project)
    (agent.branch / "README").write_text("two\n")
    git(agent.branch, "commit", "-qam", "two")
    if where == "checkout":
        (project.root / "README").write_text("mine\n")
    else:
        git(project.root, "switch", "-qc", "other")
        (project.root / "README").write_text("mine\n")
        git(project.root, "commit", "-qam", "mine")
        (project.root / ".git" / "rebase-merge").mkdir()
    before = head(project)
    assert accept(project, notice, "--merge", status=3)["error"]["code"] in ("git", "conflict")
    assert (project.root / "README").read_text() == "mine\n" and head(project) == before
    assert not (project.root / ".git" / "MERGE_HEAD").exists()


def test_hooks_of_the_project_may_refuse_a_commit(project: House) -> None:
    agent, notice = told_done(project)
    (agent.branch / "README").write_text("two\n")
    hook = project.root / ".git" / "hooks" / "pre-commit"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho the tests fail; exit 1\n")
    hook.chmod(0o755)
    assert "the tests fail" in accept(project, notice, "--commit", status=3)["error"]["message"]
    assert project.inbox("lead")


def test_in_the_projects_own_tree_an_agents_directory_alone_is_committed(project: House) -> None:
    agent, notice = told_done(project, "writer")
    (agent.branch / "text").write_text("two\n")
    (project.root / "README").write_text("mine\n")
    git(project.root, "add", "README")
    assert "nothing to merge" in accept(project, notice, "--merge", status=3)["error"]["message"]
    accept(project, notice, "--commit", "--message", "The text")
    assert git(project.root, "show", "--name-only", "--format=%s").split("\n")[:1] == ["The text"]
    assert git(project.root, "show", "--name-only", "--format=").split() == ["agents/writer/text"]
    assert git(project.root, "diff", "--cached", "--name-only").strip() == "README", "what was staged stays staged"


@pytest.fixture
def hub(project: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A place to push to, and `gh` that notes how it is called."""
    git(project.root, "init", "-q", "--bare", str(tmp_path / "hub.git"))
    git(project.root, "remote", "add", "origin", str(tmp_path / "hub.git"))
    command = tmp_path / "bin" / "gh"
    command.parent.mkdir()
    command.write_text(GH)
    command.chmod(0o755)
    monkeypatch.setenv("PATH", f"{command.parent}:{os.environ['PATH']}")
    monkeypatch.setenv("GH_LOG", str(tmp_path / "gh.log"))
    return tmp_path


def test_a_pull_request_is_opened_once_and_its_checks_are_shown(project: House, hub: Path) -> None:
    agent, notice = told_done(project)
    (agent.branch / "README").write_text("two\n")
    work = "\n".join(accept(project, notice, "--commit", "--pr")["work"])
    assert "https://example.org/pull/7" in work and "build\tpending" in work
    made = [line for line in (hub / "gh.log").read_text().splitlines() if line.startswith("pr create")]
    assert made == ["pr create --head=drafter --base=main --title=Say two --body=Task of @drafter: Say two"]
    assert git(hub / "hub.git", "log", "-1", "--format=%s", "drafter").strip() == "Say two"
    accept(project, notice, "--pr")
    said = (hub / "gh.log").read_text()
    assert said.count("pr create") == 1 and said.count("pr checks https://example.org/pull/7\n") == 2
    assert "isCrossRepository | not" in said, "one from a fork, of a branch called the same, is another's"


def test_what_gh_refuses_leaves_the_notice_open(project: House, hub: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    agent, notice = told_done(project)
    (agent.branch / "README").write_text("two\n")
    monkeypatch.setenv("GH_FAILS", "not logged in")
    assert "not logged in" in accept(project, notice, "--commit", "--pr", status=3)["error"]["message"]
    assert project.inbox("lead")
    monkeypatch.setenv("PATH", os.environ["PATH"].split(":", 1)[1])
    (hub / "bin" / "gh").unlink()
    assert "gh" in accept(project, notice, "--pr", status=3)["error"]["message"]


def test_words_that_do_not_go_together_are_refused(project: House) -> None:
    _, notice = told_done(project)
    for words in (("--merge", "--pr"), ("--checks", "--merge")):
        assert accept(project, notice, *words, status=2)["error"]
    assert "no work in git" in _operators(project)


def _operators(house: House) -> str:
    house.mailcore("send", "@operator", "s", "b", "--from", "@lead")
    task = house.inbox("operator")[-1].id
    house.mailcore("done", task, "r", "--from", "@operator")
    notice = next(one for one in house.inbox("lead") if one.sender == "@operator").id
    return str(accept(house, notice, "--checks", status=3)["error"]["message"])


def test_what_was_looked_at_is_merged_and_no_tag_of_its_name(project: House) -> None:
    agent, notice = told_done(project)
    git(project.root, "switch", "-qc", "hidden")
    (project.root / "hidden").write_text("never looked at\n")
    git(project.root, "add", "hidden")
    git(project.root, "commit", "-qm", "hidden")
    git(project.root, "tag", "drafter")
    git(project.root, "switch", "-q", "main")
    (agent.branch / "README").write_text("two\n")
    accept(project, notice, "--commit", "--merge")
    assert (project.root / "README").read_text() == "two\n" and not (project.root / "hidden").exists()


def test_nothing_is_committed_while_a_merge_of_the_agents_is_not_finished(project: House) -> None:
    agent, notice = told_done(project)
    (agent.branch / "README").write_text("two\n")
    git(agent.branch, "commit", "-qam", "two")
    (project.root / "README").write_text("three\n")
    git(project.root, "commit", "-qam", "three")
    assert "CONFLICT" in git(agent.branch, "merge", "main", fails=True)
    before = git(agent.branch, "status", "--porcelain")
    assert "not finished" in accept(project, notice, "--commit", status=3)["error"]["message"]
    assert git(agent.branch, "status", "--porcelain") == before == "UU README\n", "the conflict stays one"
