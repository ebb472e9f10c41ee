"""What changed since a run began, from real repositories; and that a hostile one starts nothing."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from pathlib import Path

import pytest

from mailcore.dispatch.runs.changes import MOST_LINES, read_changes, read_diff, whole_diff
from mailcore.model.agent import Agent
from mailcore.model.changes import ChangedFile, ChangeKind, ChangeSet, FileDiff
from mailcore.model.run import Phase, Run
from mailcore.system import git_command, git_worktree
from tests.mailcore.conftest import git

BEFORE = 1_764_400_000
"""When the first commit was made; a run begins 100 s later."""


def run_at(when: float) -> Run:
    return Run("r1", "@writer", "@lead", "a task", "m1", "command", when, phase=Phase.RUNNING)


def commit(root: Path, text: str, when: int, monkeypatch: pytest.MonkeyPatch) -> str:
    for who in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{who}_DATE", f"{when} +0000")
    git(root, "add", "-A")
    git(root, "commit", "-qm", text)
    return git(root, "rev-parse", "HEAD").strip()


@pytest.fixture
def agent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Agent:
    """@writer, in a directory of a repository with one commit."""
    root = tmp_path / "project"
    branch = root / "agents/writer"
    branch.mkdir(parents=True)
    git(root, "init", "-q", "-b", "main")
    (branch / "chapter.md").write_text("".join(f"line {n}\n" for n in range(1, 21)))
    (branch / "gone.md").write_text("old\n")
    (root / "elsewhere.md").write_text("not the agent's\n")
    commit(root, "first", BEFORE, monkeypatch)
    return Agent("@writer", "WRITER", branch, root=root)


def told(changes: ChangeSet) -> dict[str, tuple[ChangeKind, int | None, int | None]]:
    return {Path(f.path).name: (f.kind, f.added, f.removed) for f in changes.files}


def test_files_and_lines_since_the_run_began_committed_or_not(agent: Agent, monkeypatch: pytest.MonkeyPatch) -> None:
    first = git(agent.root, "rev-parse", "HEAD").strip()
    lines = (agent.branch / "chapter.md").read_text().splitlines()
    lines[11] = "the twelfth"
    (agent.branch / "chapter.md").write_text("\n".join(lines) + "\n")
    (agent.branch / "gone.md").unlink()
    (agent.branch / "made.md").write_text("a\nb\n")
    (agent.root / "elsewhere.md").write_text("changed\n")
    commit(agent.root, "the work", BEFORE + 200, monkeypatch)
    (agent.branch / "note with blanks.md").write_text("new\n")
    (agent.branch / ".trinity").mkdir()
    (agent.branch / ".trinity/local.json").write_text("[]\n")
    for unseen in ("logs", ".ai_mail.local"):
        (agent.branch / unseen).mkdir()
        (agent.branch / unseen / "x.md").write_text("x\n")
    changes = read_changes(agent, run_at(BEFORE + 100))
    assert told(changes) == {
        "chapter.md": (ChangeKind.CHANGED, 1, 1),
        "gone.md": (ChangeKind.DELETED, 0, 1),
        "made.md": (ChangeKind.NEW, 2, 0),
        "note with blanks.md": (ChangeKind.UNTRACKED, None, None),
        "local.json": (ChangeKind.UNTRACKED, None, None),
    }
    assert changes.files[-1].path == "agents/writer/.trinity/local.json", "its memories last"
    assert (changes.branch, changes.linked, changes.top, changes.trouble) == ("main", False, str(agent.root), "")
    assert changes.base == first and f"from {first[:8]}" in changes.since and "since the run began" in changes.since
    diffs = {Path(file.path).name: read_diff(agent, changes, file) for file in changes.files}
    assert diffs["chapter.md"].first_line == 12 and diffs["chapter.md"].more == 0
    assert {"-line 12", "+the twelfth", " line 13"} < set(diffs["chapter.md"].lines)
    assert diffs["gone.md"].lines[1:] == ("-old",) and diffs["gone.md"].note == "deleted"
    assert diffs["made.md"].lines[1:] == ("+a", "+b")
    assert diffs["note with blanks.md"].lines == ("+new",) and diffs["note with blanks.md"].first_line == 1


def test_what_it_is_compared_with_is_said(agent: Agent, monkeypatch: pytest.MonkeyPatch) -> None:
    (agent.branch / "chapter.md").write_text("other\n")
    assert told(read_changes(agent, None)) == {"chapter.md": (ChangeKind.CHANGED, 1, 20)}
    assert read_changes(agent, None).since.startswith("against the last commit")
    unborn = read_changes(agent, run_at(BEFORE - 100))
    assert "there was no commit yet" in unborn.since and told(unborn)["gone.md"] == (ChangeKind.NEW, 1, 0)
    (agent.root / ".git/logs/HEAD").unlink()
    unknown = read_changes(agent, run_at(BEFORE + 100))
    assert "the last commit dated before it" in unknown.since and told(unknown) == told(read_changes(agent, None))
    older = read_changes(agent, run_at(BEFORE - 100))
    assert "no commit dated before it" in older.since and told(older) == told(unborn)
    git(agent.root, "checkout", "-q", "--detach")
    git(agent.root, "pack-refs", "--all")
    assert read_changes(agent, None).branch == "" and told(read_changes(agent, None)) == told(unknown)
    git(agent.root, "checkout", "-q", "main")
    (agent.root / ".git/refs/heads/main").unlink(missing_ok=True)
    assert read_changes(agent, None).branch == "main" and told(read_changes(agent, None)) == told(unknown)


def test_a_linked_worktree_is_named(agent: Agent, tmp_path: Path) -> None:
    git(agent.root, "worktree", "add", "-q", "-b", "feature/x", str(tmp_path / "linked"))
    there = Agent("@writer", "WRITER", tmp_path / "linked/agents/writer", root=tmp_path / "linked")
    (there.branch / "chapter.md").write_text("other\n")
    changes = read_changes(there, run_at(time.time() + 10))
    assert (changes.branch, changes.linked, changes.top) == ("feature/x", True, str(tmp_path / "linked"))
    assert told(changes) == {"chapter.md": (ChangeKind.CHANGED, 1, 20)}


@pytest.mark.parametrize("format", ["sha1", "sha256"])
def test_a_repository_without_a_commit(tmp_path: Path, format: str) -> None:
    git(tmp_path, "init", "-q", f"--object-format={format}")
    agent = Agent("@writer", "WRITER", tmp_path, root=tmp_path)
    (tmp_path / "a.md").write_text("a\n")
    assert told(read_changes(agent, None)) == {"a.md": (ChangeKind.UNTRACKED, None, None)}
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "-qm", "first")
    (tmp_path / "a.md").write_text("b\nc\n")
    assert told(read_changes(agent, None)) == {"a.md": (ChangeKind.CHANGED, 2, 1)}


def test_without_git_the_files_by_their_time(tmp_path: Path) -> None:
    agent = Agent("@writer", "WRITER", tmp_path, root=tmp_path)
    (tmp_path / "old.md").write_text("old\n")
    os.utime(tmp_path / "old.md", (1000, 1000))
    (tmp_path / "new.md").write_text("new\n")
    changes = read_changes(agent, run_at(time.time() - 100))
    assert told(changes) == {"new.md": (ChangeKind.SEEN, None, None)} and "no git here" in changes.since
    assert read_diff(agent, changes, changes.files[0]).lines == (" new",)
    assert "no run" in read_changes(agent, None).trouble


def test_what_is_binary_large_or_gone_is_said(agent: Agent) -> None:
    (agent.branch / "chapter.md").write_bytes(b"\0\1\2")
    (agent.branch / "new.bin").write_bytes(b"\0" * 100)
    (agent.branch / "gone.md").write_text("".join(f"{n}\n" for n in range(MOST_LINES + 500)))
    (agent.branch / "large.txt").write_text("x" * 99 + "\n" + "y\n" * 600_000)
    (agent.branch / "empty.txt").touch()
    os.mkfifo(agent.branch / "pipe")
    (agent.branch / "link").symlink_to("/etc/passwd")
    changes = read_changes(agent, None)
    diffs = {Path(file.path).name: read_diff(agent, changes, file) for file in changes.files}
    assert "binary" in diffs["chapter.md"].note and diffs["chapter.md"].lines == ()
    assert diffs["new.bin"].note == "binary, 100 bytes"
    assert len(diffs["gone.md"].lines) == MOST_LINES and diffs["gone.md"].more == 502  # a head, and what was removed
    assert len(diffs["large.txt"].lines) == MOST_LINES and diffs["large.txt"].more == -1
    assert diffs["empty.txt"].note == "empty"
    assert "symlink" in diffs["link"].note and diffs["link"].lines == ()
    (agent.branch / "empty.txt").unlink()
    file = next(file for file in changes.files if file.path.endswith("empty.txt"))
    assert read_diff(agent, changes, file).note == "No such file or directory"


def test_a_file_whose_directory_became_a_link_is_not_followed_out_of_the_branch(agent: Agent, tmp_path: Path) -> None:
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret/key").write_text("secret\n")
    (agent.branch / "notes").mkdir()
    (agent.branch / "notes/key").write_text("mine\n")
    changes = read_changes(agent, None)
    (agent.branch / "notes/key").unlink()
    (agent.branch / "notes").rmdir()
    (agent.branch / "notes").symlink_to(tmp_path / "secret")
    (file,) = changes.files
    found = read_diff(agent, changes, file)
    assert found.lines == () and "leads out of the project" in found.note


def test_a_spoilt_repository_says_why_nothing_can_be_said(agent: Agent) -> None:
    (agent.root / ".git/index").write_bytes(b"not an index")
    assert "index" in read_changes(agent, None).trouble
    (agent.root / ".git/HEAD").unlink()
    (agent.root / ".git/HEAD").mkdir()
    assert "HEAD" in read_changes(agent, None).trouble


def test_git_that_does_not_answer_is_ended(agent: Agent, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(git_command, "GIT_PATIENCE", 0.2)
    (agent.root / ".gitignore").unlink(missing_ok=True)
    tools = agent.root / "tools"
    tools.mkdir()
    (tools / "git").write_text("#!/bin/sh\nexec sleep 60\n")
    (tools / "git").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tools}:{os.environ['PATH']}")
    began = time.monotonic()
    assert "within 0.2 s" in read_changes(agent, None).trouble
    monkeypatch.setenv("PATH", "/nonexistent")
    assert "No such file" in read_changes(agent, None).trouble and time.monotonic() - began < 5


HOSTILE = """
[core]
    fsmonitor = {mark}
    hooksPath = {hooks}
    pager = {mark}
    editor = {mark}
    attributesFile = {attributes}
    sshCommand = {mark}
    gitProxy = {mark}
[filter "evil"]
    clean = {mark}
    smudge = {mark}
    process = {mark}
    required = true
[diff]
    external = {mark}
[diff "evil"]
    command = {mark}
    textconv = {mark}
[alias]
    diff = !{mark}
    ls-files = !{mark}
[pager]
    diff = {mark}
[extensions]
    partialClone = evil
[remote "evil"]
    url = ext::{mark}
    promisor = true
    uploadpack = {mark}
[gpg]
    program = {mark}
[include]
    path = {included}
"""


def test_nothing_that_a_hostile_repository_names_is_run(agent: Agent, tmp_path: Path) -> None:
    """Filters, drivers, monitors, hooks, aliases, pagers, a submodule with the same: each would leave a file behind."""
    ran = tmp_path / "ran"
    mark = tmp_path / "mark"
    mark.write_text(f"#!/bin/sh\necho \"$0 $*\" >> '{ran}'\ncat\n")
    mark.chmod(0o755)
    (tmp_path / "attributes").write_text("* filter=evil diff=evil\n")
    (tmp_path / "included").write_text(f"[core]\n\tfsmonitor = {mark}\n")
    config = HOSTILE.format(
        mark=mark, hooks=tmp_path / "hooks", attributes=tmp_path / "attributes", included=tmp_path / "included"
    )
    inner = agent.branch / "module"
    inner.mkdir()
    git(inner, "init", "-q")
    (inner / "a").write_text("a\n")
    git(inner, "add", "-A")
    git(inner, "commit", "-qm", "a")
    git(agent.root, "-c", "advice.addEmbeddedRepo=false", "add", "-A")
    git(agent.root, "commit", "-qm", "with a module")
    hooks = tmp_path / "hooks"
    hooks.mkdir()
    for name in ("post-index-change", "fsmonitor-watchman", "post-checkout"):
        (hooks / name).symlink_to(mark)
        (agent.root / ".git/hooks").mkdir(exist_ok=True)
        (agent.root / ".git/hooks" / name).symlink_to(mark)
    for repository in (agent.root / ".git", inner / ".git"):
        (repository / "config").write_text((repository / "config").read_text() + config)
        (repository / "info").mkdir(exist_ok=True)
        (repository / "info/attributes").write_text("* filter=evil diff=evil\n")
    for directory in (agent.root, agent.branch, inner):
        (directory / ".gitattributes").write_text("* filter=evil diff=evil\n")
    (inner / "a").write_text("b\n")
    (agent.branch / "chapter.md").write_text("other\n")
    (agent.branch / "new.md").write_text("new\n")
    before = (agent.root / ".git/index").read_bytes(), sorted((agent.root / ".git").iterdir())
    for run in (None, run_at(time.time() + 10), run_at(BEFORE - 100)):
        changes = read_changes(agent, run)
        assert not changes.trouble and told(changes)["new.md"][0] is ChangeKind.UNTRACKED
        assert any("+other" in read_diff(agent, changes, file).lines for file in changes.files)
    reviewed = whole_diff(agent, run_at(BEFORE - 100))
    assert reviewed is not None and "+other" in reviewed[0] and "agents/writer/new.md" in reviewed[1]
    assert not ran.exists(), ran.read_text()
    assert ((agent.root / ".git/index").read_bytes(), sorted((agent.root / ".git").iterdir())) == before


def test_the_hostile_repository_runs_it_where_git_heeds_its_settings(agent: Agent, tmp_path: Path) -> None:
    """What the test above would find, had it not been kept from it: else it would show nothing."""
    ran = tmp_path / "ran"
    (tmp_path / "mark").write_text(f"#!/bin/sh\ntouch '{ran}'\ncat\n")
    (tmp_path / "mark").chmod(0o755)
    with (agent.root / ".git/config").open("a") as config:
        config.write(f'[filter "evil"]\n\tclean = {tmp_path / "mark"}\n')
    (agent.branch / ".gitattributes").write_text("* filter=evil\n")
    (agent.branch / "chapter.md").write_text("other\n")
    assert not read_changes(agent, None).trouble and not ran.exists()
    git(agent.root, "-c", "core.fsmonitor=false", "diff", "--no-ext-diff", "--no-textconv", "--numstat")
    assert ran.exists()


def test_hostile_names_and_records_are_taken_as_they_are(agent: Agent) -> None:
    (agent.branch / "a\tb\nc\x1b[31m.md").write_text("x\x1b]0;title\x07\n")
    (agent.branch / ":(top)x").write_text("x\n")
    (agent.branch / os.fsdecode(b"\xff.md")).write_text("x\n")
    git(agent.root, "add", "-A")
    changes = read_changes(agent, None)
    assert {Path(f.path).name: f.added for f in changes.files} == {
        "a\tb\nc\x1b[31m.md": 1, ":(top)x": 1, os.fsdecode(b"\xff.md"): 1,
    }  # fmt: skip
    assert all("+x" in read_diff(agent, changes, file).lines[1] for file in changes.files)
    (agent.root / ".git/logs/HEAD").write_text("--output=/tmp/x --output=/tmp/y a <b> 1 +0000\tx\nnot a line\n")
    assert "the last commit dated before it" in read_changes(agent, run_at(BEFORE + 100)).since
    (agent.root / ".git/HEAD").write_text("ref: refs/heads/../../../elsewhere\n")
    assert git_worktree.working_tree(agent.branch) is not None and not read_changes(agent, None).trouble


def test_a_diff_of_what_git_no_longer_has_says_so(agent: Agent) -> None:
    changes = replace(read_changes(agent, None), base="0123456789" * 4)
    found = read_diff(agent, changes, ChangedFile("agents/writer/chapter.md", ChangeKind.CHANGED))
    assert isinstance(found, FileDiff) and "bad object" in found.note


def test_what_git_prints_beyond_the_bound_is_not_waited_for(agent: Agent) -> None:
    (agent.branch / "chapter.md").write_text("word\n" * 2_000_000)
    data, whole = git_command.run_git("diff", cwd=agent.root, most=1000)
    assert (len(data), whole) == (1000, False)
    assert git_command.run_git("--version", cwd=agent.root, most=1000)[1] is True
