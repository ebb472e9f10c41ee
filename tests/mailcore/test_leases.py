"""Leases: who changes what, until when; others are warned before they do, once, and kept out of nothing."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from mailcore.exceptions import MailcoreError, Refused
from mailcore.hooks.install import install_hooks
from mailcore.programs.registry import hooks_of
from mailcore.workspace import leases
from tests.mailcore.conftest import House, git


def leased(house: House, *words: str, status: int = 0, by: str = "@editor") -> Any:
    return house.json("lease", *words, "--from", by, status=status)


def test_a_lease_is_taken_listed_renewed_and_ended(house: House) -> None:
    taken = leased(house, "src/web", "README", "--for", "30m", "--why", "the login")
    assert taken["paths"] == ["src/web", "README"] and taken["by"] == "@editor"
    assert [one["why"] for one in leased(house)] == ["the login"]
    leased(house, "README")
    assert sorted(path for one in leased(house) for path in one["paths"]) == ["README", "src/web"], "once each"
    assert leased(house, "--end", "src")["ended"] == 1
    assert [one["paths"] for one in leased(house)] == [["README"]]
    assert leased(house, "--end", by="@lead")["ended"] == 0, "nobody ends another's"
    assert leased(house, "--end", by="@operator")["ended"] == 1
    assert not (house.root / ".praxmonitor" / leases.LEASES).exists(), "while nothing is leased nothing is looked into"


@pytest.mark.parametrize("path", ["src/web/login.py", "src/web", "src", "."])
def test_what_another_has_is_refused_with_whom_to_ask(house: House, path: str) -> None:
    leased(house, "src/web", "--why", "the login")
    said = leased(house, path, by="@writer", status=3)["error"]
    assert said["code"] == "leased" and "@editor" in said["message"] and "the login" in said["message"]
    assert leased(house, "src/webs", by="@writer")


@pytest.mark.parametrize(("words", "why"), [(("/etc/passwd",), "no path of the project"), (("a", "--for", "x"), "30m"),
                                            (("a", "--for", "30d"), "at most")])  # fmt: skip
def test_what_cannot_be_leased(house: House, words: tuple[str, ...], why: str) -> None:
    assert why in leased(house, *words, status=2)["error"]["message"]


def test_a_lease_is_over_at_its_end(house: House) -> None:
    leases.take_lease(house.workspace, "@editor", ["src"], 0.001)
    time_over = time.time() + 0.01
    while time.time() < time_over:
        pass
    assert leases.read_leases(house.workspace) == ()
    leases.remove_if_over(house.workspace)
    assert not (house.root / ".praxmonitor" / leases.LEASES).exists()


def test_no_list_is_written_that_nobody_reads_any_more(house: House) -> None:
    leases.take_lease(house.workspace, "@editor", ["src"], 60)
    many = [f"{'d' * 200}/{number}" for number in range(6000)]
    with pytest.raises(Refused, match="lease directories"):
        leases.take_lease(house.workspace, "@writer", many, 60)
    assert [one.by for one in leases.read_leases(house.workspace)] == ["@editor"]


def test_what_is_kept_of_who_was_warned_is_bounded(house: House) -> None:
    leases.take_lease(house.workspace, "@editor", ["src"], 60)
    for number in range(leases.MOST_WARNED + 5):
        assert leases.warn_once(house.workspace, "@writer", f"{number}-{'s' * 5000}", ["src/a"])
    assert leases.warn_once(house.workspace, "@writer", f"{number}-{'s' * 5000}", ["src/a"]) is None
    assert (house.root / ".praxmonitor" / leases.LEASES).stat().st_size < 10_000


@pytest.mark.parametrize("text", ["", "[]", '{"leases": [1]}', '{"leases": {"by": 1}}'])
def test_a_spoilt_list_is_said_and_kept(house: House, text: str) -> None:
    path = house.root / ".praxmonitor" / leases.LEASES
    path.write_text(text)
    with pytest.raises(MailcoreError, match="remove it"):
        leases.read_leases(house.workspace)
    assert path.read_text() == text


def hook(house: House, name: str, tool: str, given: dict[str, Any], session: str = "s-1") -> str:
    """What the program reads of our line at PreToolUse."""
    agent = house.agent(name)
    hooks = hooks_of("claude")
    assert hooks is not None
    install_hooks(agent, hooks)
    settings = json.loads((agent.branch / hooks.settings).read_text())["hooks"]["PreToolUse"]
    line = settings[0]["hooks"][0]["command"]
    event = {
        "hook_event_name": "PreToolUse", "session_id": session, "cwd": str(agent.branch), "tool_name": tool,
        "tool_input": given, "tool_use_id": "t1",
    }  # fmt: skip
    done = house.mailcore("-c", line, program=("sh",), cwd=agent.branch, stdin=json.dumps(event).encode())
    assert done.returncode == 0 and not done.stderr
    return done.stdout.decode()


def test_before_it_changes_what_another_leased_an_agent_is_warned_once(house: House) -> None:
    edit = {"file_path": str(house.root / "src" / "a.py"), "old_string": "a", "new_string": "b"}
    assert hook(house, "writer", "Edit", edit) == ""
    leased(house, "src", "--why", "the login")
    said = json.loads(hook(house, "writer", "Edit", edit))["hookSpecificOutput"]
    assert said["permissionDecision"] == "deny" and said["hookEventName"] == "PreToolUse"
    assert "@editor" in said["permissionDecisionReason"] and '"the login"' in said["permissionDecisionReason"]
    assert hook(house, "writer", "Edit", edit) == "", "it may, if it must"
    assert "@editor" in hook(house, "writer", "Edit", edit, session="s-2"), "another session was not warned"
    assert hook(house, "editor", "Edit", edit) == "", "who leased it goes on"


@pytest.mark.parametrize(
    ("tool", "given", "warned"),
    [
        ("Write", {"file_path": "../../src/a.py"}, True),
        ("NotebookEdit", {"notebook_path": "/ROOT/src/a.ipynb"}, True),
        ("apply_patch", {"command": "*** Begin Patch\n*** Update File: /ROOT/src/a.py\n@@\n"}, True),
        ("Read", {"file_path": "/ROOT/src/a.py"}, False),
        ("Write", {"file_path": "/ROOT/docs/a.md"}, False),
        ("Bash", {"command": "ls"}, False),
        ("Write", {"file_path": 7}, False),
    ],
)
def test_which_calls_are_warned_of(house: House, tool: str, given: dict[str, Any], warned: bool) -> None:
    leased(house, "src")
    known = json.loads(json.dumps(given).replace("/ROOT", str(house.root)))
    assert bool(hook(house, "writer", tool, known)) is warned


def test_a_path_in_a_worktree_is_that_of_the_project_whoever_names_it(house: House) -> None:
    (house.root / "README").write_text("one\n")
    git(house.root, "init", "-q")
    git(house.root, "add", "README")
    git(house.root, "commit", "-qm", "a file")
    tree = house.root.parent / "tree"
    git(house.root, "worktree", "add", "-q", str(tree))
    (tree / "src").mkdir()
    taken = house.json("lease", "a.py", str(tree / "b"), "--from", "@operator", cwd=tree / "src")
    assert taken["paths"] == ["src/a.py", "b"]
