"""A workspace from a stranger: what its config starts or permits is followed when its owner here said so."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from mailcore.config.reader import read_settings
from mailcore.system import self_ignore
from mailcore.workspace import trust
from tests.mailcore.conftest import House, wait_until

ALARM = '[alarms]\non_alarm = ["sh", "-c", "touch pwned"]\n'
AGENTS = '[agents]\ncommand = ["sh", "-c", "echo up; touch ../../ran"]\n'

needs_git = pytest.mark.skipif(not shutil.which("git"), reason="git is not installed")


def git(directory: Path, *words: str) -> str:
    settings = ["-c", "user.email=a@b", "-c", "user.name=n", "-c", "init.defaultBranch=main"]
    environment = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    done = subprocess.run(
        ["git", *settings, *words], cwd=directory, env=environment, check=True, capture_output=True, text=True
    )
    return done.stdout


@pytest.fixture
def cloned(house: House) -> House:
    """A workspace that came by git."""
    house.workspace.config_file.write_text(AGENTS + ALARM)
    git(house.root, "init")
    git(house.root, "add", "-A")
    git(house.root, "commit", "-m", "all")
    return house


def withheld(house: House) -> str:
    return trust.trust_status(house.workspace, read_settings(house.workspace.config_file)[0]).why


def dispatch(house: House, status: int) -> Any:
    done = house.mailcore("dispatch", "@writer", "s", "b", "--from", "@operator", "--json")
    assert done.returncode == status, (done.stdout, done.stderr)
    return json.loads(done.stdout)


@needs_git
def test_what_came_by_git_is_asked_for_once_and_on_a_change(cloned: House) -> None:
    assert "git tracks the file" in withheld(cloned)
    refused = dispatch(cloned, 3)["error"]
    assert refused["code"] == "trust" and "`mailcore trust --show`" in refused["message"]
    assert "agents.command" in refused["message"] and cloned.inbox("@writer") == ()
    assert cloned.mailcore("inbox").returncode == 0, "looking is always safe"
    shown = cloned.mailcore("trust", "--show").stdout.decode()
    assert 'agents.command = ["sh", "-c", ' in shown and "withheld: git tracks the file" in shown
    assert cloned.mailcore("trust", "--from", "@operator").returncode == 0
    assert withheld(cloned) == ""
    cloned.over("@writer", dispatch(cloned, 0)["run_id"])
    assert (cloned.root / "ran").exists()
    with cloned.workspace.config_file.open("a") as file:
        file.write("[sound]\nvolume = 0.5\n")
    git(cloned.root, "commit", "-am", "what starts nothing")
    assert withheld(cloned) == "", "another key changed"
    cloned.workspace.config_file.write_text(AGENTS.replace("ran", "more") + ALARM)
    git(cloned.root, "commit", "-am", "pulled")
    assert withheld(cloned), "a key that starts something changed"
    git(cloned.root, "reset", "--hard", "HEAD~1")
    assert withheld(cloned) == "", "what was allowed once is allowed"
    assert cloned.mailcore("trust", "--revoke", "--from", "@operator").returncode == 0
    assert withheld(cloned)


def test_what_is_ones_own_and_in_no_repository_is_followed(house: House) -> None:
    house.workspace.config_file.write_text(AGENTS + ALARM)
    assert withheld(house) == ""
    house.over("@writer", dispatch(house, 0)["run_id"])
    assert (house.root / "ran").exists()


@needs_git
def test_an_empty_git_directory_is_no_repository_where_git_cannot_be_asked(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mailcore.system import git_repository

    (house.root / ".git").mkdir()
    monkeypatch.setenv("PATH", "/nonexistent")
    config = house.root / ".praxmonitor" / "config.toml"
    assert git_repository.git_state(config).how is git_repository.Tracked.NO
    (house.root / ".git" / "HEAD").write_text("ref: refs/heads/main\n")
    assert git_repository.git_state(config).how is git_repository.Tracked.UNKNOWN


def test_what_a_hand_here_changed_in_a_workspace_made_here_is_followed(tmp_path: Path, house: House) -> None:
    """init, commit, edit, dispatch: as everybody does; and what comes with a pull is asked for all the same."""
    root = tmp_path / "mine"
    made = house.mailcore("init", str(root), "--agent", "writer=agents/writer", "--json")
    assert made.returncode == 0
    git(root, "init")
    git(root, "add", "-A")
    git(root, "commit", "-m", "workspace")
    (root / ".praxmonitor" / "config.toml").write_text(AGENTS)
    done = house.mailcore("dispatch", "@writer", "s", "b", "--from", "@operator", cwd=root)
    assert done.returncode == 0, done.stderr
    wait_until(lambda: (root / "ran").exists(), what="the agent ran")
    wait_until(lambda: not (root / "agents/writer/.ai_mail.local/.dispatch.lock").exists(), what="the run is over")
    git(root, "commit", "-am", "mine")
    assert house.mailcore("trust", "--show", cwd=root).stdout.endswith(b"followed\n"), "it was in use before"
    (root / ".praxmonitor" / "config.toml").write_text(AGENTS.replace("ran", "theirs"))
    git(root, "commit", "-am", "theirs")
    assert b"withheld: git tracks" in house.mailcore("trust", "--show", cwd=root).stdout


@needs_git
@pytest.mark.parametrize(
    "how", ["a repository around it", "a link to what git tracks", "a worktree", "git is not there"]
)
def test_other_ways_by_which_git_brings_it(house: House, how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    config = house.workspace.config_file
    config.write_text(AGENTS)
    if how == "a link to what git tracks":
        (house.root / "conf").mkdir()
        config.rename(house.root / "conf" / "prax.toml")
        config.symlink_to("../conf/prax.toml")
    top = house.root.parent if how == "a repository around it" else house.root
    git(top, "init")
    git(top, "add", "-A", str(house.root.relative_to(top) if top != house.root else "."))
    git(top, "commit", "-m", "all")
    if how == "a worktree":
        git(house.root, "worktree", "add", str(house.root.parent / "tree"))
        from mailcore.workspace.find import find_workspace

        there = find_workspace(house.root.parent / "tree")
        assert trust.trust_status(there, read_settings(there.config_file)[0]).why
        return
    if how == "git is not there":
        monkeypatch.setenv("PATH", "/nonexistent")
        assert "git does not say" in withheld(house)
        return
    assert "git tracks the file" in withheld(house)


@needs_git
def test_asking_git_runs_nothing_of_the_repositorys(cloned: House) -> None:
    git(cloned.root, "config", "core.fsmonitor", f"touch {cloned.root}/pwned; true")
    assert withheld(cloned) and not (cloned.root / "pwned").exists()


@needs_git
def test_a_run_that_waited_does_not_start_what_came_meanwhile(cloned: House) -> None:
    """The supervisor looks again: between the dispatch and its start a pull may have come."""
    assert cloned.mailcore("trust", "--from", "@operator").returncode == 0
    assert cloned.mailcore("hold", "@writer", "--from", "@operator").returncode == 0
    dispatch(cloned, 0)
    cloned.workspace.config_file.write_text(AGENTS.replace("ran", "theirs"))
    git(cloned.root, "commit", "-am", "pulled")
    released = cloned.mailcore("release", "@writer", "--from", "@operator")
    assert released.returncode == 3 and b"mailcore trust" in released.stderr
    from mailcore.dispatch.release import release_hold

    release_hold(cloned.workspace, cloned.config, "@operator", "@writer")
    run = cloned.over("@writer", cloned.runs("@writer")[0].run_id)
    assert run.phase == "bounced" and "mailcore trust" in run.reason and not (cloned.root / "theirs").exists()


@needs_git
def test_the_approver_that_a_stranger_named_decides_nothing(cloned: House) -> None:
    cloned.workspace.config_file.write_text('[mail]\napprover = "@lead"\n')
    git(cloned.root, "commit", "-am", "theirs")
    asked = cloned.mailcore("ask", "@operator", "may I", "b", cwd=cloned.agent("@writer").branch)
    assert asked.returncode == 0, asked.stderr
    number = str(cloned.inbox("@operator")[0].seq)
    refused = cloned.mailcore("approve", number, "yes", cwd=cloned.agent("@lead").branch)
    assert refused.returncode == 3 and b"only @operator can do this" in refused.stderr


@needs_git
def test_high_priority_wakes_nobody_there(cloned: House) -> None:
    sent = cloned.mailcore("send", "@writer", "s", "b", "--priority", "high", "--from", "@operator")
    assert sent.returncode == 0 and b"not woken" in sent.stdout and b"mailcore trust" in sent.stdout
    assert cloned.runs("@writer") == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file to another user")
@pytest.mark.parametrize("what", ["registry", "config", "state", "root"])
def test_what_another_user_owns_is_asked_for(house: House, what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace = house.workspace
    workspace.config_file.write_text(AGENTS)
    places = {
        "registry": workspace.registry, "config": workspace.config_file, "state": workspace.state_dir,
        "root": workspace.root,
    }  # fmt: skip
    os.chown(places[what], 65534, 65534)
    assert f"{places[what]} belongs to another user (uid 65534)" in withheld(house)
    monkeypatch.setenv("SUDO_UID", "65534")
    assert withheld(house) == "", "as with git, what its owner's sudo does is its owner's"


def test_a_config_that_starts_nothing_is_asked_for_nothing(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    house.workspace.config_file.write_text("[sound]\nvolume = 0.1\n[dispatch]\nattempts = 1\n")
    monkeypatch.setattr(trust, "_foreign_owner", lambda _: "a stranger's")
    assert withheld(house) == ""


def test_no_home_and_no_state_directory_keep_nobody_from_working(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    house.workspace.config_file.write_text(AGENTS)
    monkeypatch.setenv("XDG_STATE_HOME", "/dev/null/nothing")
    assert house.over("@writer", dispatch(house, 0)["run_id"]).phase.ended


def test_a_new_workspace_in_the_place_of_an_old_one_is_not_made_here(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trust.record_made_here(house.workspace)
    registry = json.loads(house.workspace.registry.read_text())
    registry["metadata"]["id"] = "another"
    house.workspace.registry.write_text(json.dumps(registry))
    from mailcore.system import git_repository

    house.workspace.config_file.write_text(AGENTS)
    monkeypatch.setattr(
        git_repository, "git_state", lambda _: git_repository.GitState(git_repository.Tracked.YES, (b"",))
    )
    assert withheld(house)


def why(root: Path) -> str:
    from mailcore.workspace.find import find_workspace

    there = find_workspace(root)
    return trust.trust_status(there, read_settings(there.config_file)[0]).why


@needs_git
@pytest.mark.parametrize("how", ["other line ends", "its $Id$", "a filter", "beside a change of one's own"])
def test_what_a_pull_brought_is_no_hands_own_though_the_file_is_not_as_git_keeps_it(
    house: House, tmp_path: Path, how: str
) -> None:
    """What comes with the file says how git writes it; and a stash or merge puts both hands into one file."""
    root, upstream = tmp_path / "mine", tmp_path / "upstream"
    assert house.mailcore("init", str(root), "--agent", "writer=agents/writer").returncode == 0
    config, theirs = root / ".praxmonitor/config.toml", upstream / ".praxmonitor/config.toml"
    config.write_text("# mine\n" * 20)
    git(root, "init")
    git(root, "add", "-A")
    git(root, "commit", "-m", "workspace")
    git(tmp_path, "clone", str(root), str(upstream))
    attributes = {"other line ends": "text eol=crlf", "its $Id$": "ident", "a filter": "filter=up"}.get(how)
    if attributes:
        (upstream / ".gitattributes").write_text(f".praxmonitor/config.toml {attributes}\n")
    if how == "a filter":  # as Git LFS is one, which a user has for every repository
        git(root, "config", "filter.up.smudge", "sed s/^%//")
        git(root, "config", "filter.up.clean", "sed s/^/%/")
    said = '[alarms]\non_alarm = ["sh", "-c", "touch pwned # $Id$"]\n'
    theirs.write_text(
        "# mine\n" * 20 + (said.replace("[al", "%[al").replace("on_", "%on_") if "filter" in how else said)
    )
    git(upstream, "add", "-A")
    git(upstream, "commit", "-m", "theirs")
    if how.startswith("beside"):
        config.write_text(AGENTS + config.read_text())
    git(root, "pull", "--rebase", "--autostash", str(upstream))
    assert read_settings(config)[1].alarms.on_alarm, "it is there, as the project's commit has it"
    assert "git tracks the file" in why(root)
    if how.startswith("beside"):
        config.write_text(AGENTS + "# mine\n")
        assert why(root) == "", "what a hand here wrote alone"


@needs_git
def test_a_directory_that_looks_like_a_repository_does_not_answer_for_the_one_around_it(house: House) -> None:
    """Git takes a directory with HEAD, objects and refs for a bare repository, and heeds its config."""
    house.workspace.config_file.write_text(AGENTS)
    state = house.workspace.state_dir
    (state / self_ignore.IGNORE_FILE).unlink()
    for name in ("objects", "refs"):
        (state / name).mkdir()
        (state / name / "keep").touch()
    (state / "HEAD").write_text("ref: refs/heads/main\n")
    (state / "config").write_text(
        f"[core]\nrepositoryformatversion=0\nbare=false\nworktree={state}\nfsmonitor=touch {house.root}/pwned\n"
    )
    git(house.root, "init")
    git(house.root, "add", "-A")
    git(house.root, "commit", "-m", "all")
    assert "git tracks the file" in withheld(house)
    assert house.mailcore("doctor").returncode in (0, 4) and not (house.root / "pwned").exists()


@needs_git
def test_no_look_starts_what_the_repository_names(cloned: House) -> None:
    """A project that was sent as an archive brings `.git/config` along."""
    trap = f"touch {cloned.root}/pwned; true"
    for name in ("core.fsmonitor", "core.pager", "core.sshCommand", "core.hooksPath", "diff.external"):
        git(cloned.root, "config", name, trap)
    git(cloned.root, "config", "extensions.partialClone", "origin")
    git(cloned.root, "config", "remote.origin.url", f"ext::sh -c 'touch {cloned.root}/pwned'")
    git(cloned.root, "config", "protocol.ext.allow", "always")
    shutil.rmtree(cloned.root / ".git" / "objects")
    (cloned.root / ".git" / "objects").mkdir()
    for words in (["doctor"], ["trust", "--show"], ["tasks"], ["whoami", "--explain"]):
        cloned.mailcore(*words)
    subprocess.run([sys.executable, "-m", "praxmonitor", "status"], cwd=cloned.root, capture_output=True, timeout=60)
    assert withheld(cloned) and not (cloned.root / "pwned").exists()


@needs_git
@pytest.mark.parametrize("what", ["a waiting start", "a request past its time", "a run that nobody told of"])
def test_a_clones_files_of_state_start_nothing_until_that_is_allowed(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    """What waited when it was committed, or is made up: a look at the clone must not start it."""
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "claude").write_text(f"#!/bin/sh\ntouch {tmp_path}/pwned; exec sleep 60\n")
    (programs / "claude").chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    house.workspace.config_file.unlink()
    writer, editor = house.agent("@writer"), house.agent("@editor")
    for agent in (writer, editor):
        agent.mail_dir.mkdir(exist_ok=True)
    first = {"at": "2026-01-01T00:00:00Z", "sender": "@editor", "subject": "s", "prompt": "evil", "program": "claude"}
    lock = {"pid": 4194304, "start_ticks": 1, "timestamp": "2026-01-01T00:00:00", "nonce": "n", "run_id": ""}
    if what == "a waiting start":
        line = {**first, "message_id": "", "depth": 0, "waits": "busy", "queue_id": "aaaa"}
        (editor.mail_dir / ".queue.jsonl").write_text(json.dumps(line) + "\n")
    elif what == "a request past its time":
        assert house.mailcore("ask", "@operator", "may I", "b", cwd=editor.branch).returncode == 0
        (house.root / ".praxmonitor/expiring").mkdir()
        due = json.dumps({"approver": "@operator", "expires_at": 1.0})
        (house.root / ".praxmonitor/expiring" / house.inbox("@operator")[0].sent_id).write_text(due)
    else:
        house.shell("writer", "echo up; sleep 60")
        house.attempt_pid("@writer", house.started("@editor", "@writer"))
        house.orphan("@writer")
        house.workspace.config_file.unlink()
    if not writer.dispatch_lock.exists():
        writer.dispatch_lock.write_text(json.dumps(lock))
    git(house.root, "init")
    git(house.root, "add", "-A", "-f")
    git(house.root, "commit", "-m", "all of it")
    clone = tmp_path / "clone"
    git(tmp_path, "clone", str(house.root), str(clone))
    from mailcore.dispatch.recovery import recover
    from mailcore.workspace.find import find_workspace

    there = find_workspace(clone)
    told = "".join(recover(there, house.config, there.agents))  # as a screen does
    for words in (["inbox"], ["tasks"], ["runs"], ["wait", "--any", "--timeout", "0.2"]):
        house.mailcore(*words, cwd=clone)
    assert "so that others may have written it: nothing starts by that until `mailcore trust`" in told
    assert not (tmp_path / "pwned").exists() and git(clone, "status", "--porcelain", "agents") == ""
    assert b"nothing starts by that" in house.mailcore("trust", "--show", cwd=clone).stdout
    assert house.mailcore("trust", "--from", "@operator", cwd=clone).returncode == 0
    assert house.mailcore("inbox", cwd=clone).returncode == 0
    wait_until(lambda: (tmp_path / "pwned").exists(), what="what was allowed has begun")
    assert house.mailcore("kill", "@editor", "--from", "@operator", cwd=clone).returncode == 0
