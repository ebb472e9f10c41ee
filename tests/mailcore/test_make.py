"""`agent add|remove`: the registry keeps what others wrote, AIPass's lock is taken, no file is overwritten."""

from __future__ import annotations

import fcntl
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from mailcore.exceptions import MailcoreError, Refused, UsageError
from mailcore.formats import journal
from mailcore.mail import post
from mailcore.workspace import create, find
from tests.mailcore.conftest import House


def document(house: House) -> Any:
    return json.loads(house.workspace.registry.read_bytes())


def strange(house: House, form: str) -> dict[str, Any]:
    """Give the registry keys of another program; `branches` as a list or as an object."""
    raw: dict[str, Any] = {"zebra": [1, None], **document(house), "trailer": {"x": 2}}
    raw["metadata"] |= {"credential": "abc"}
    raw["branches"][0] |= {"owner": True, "mood": "good"}
    if form == "object":
        raw["branches"] = {row["name"]: row for row in raw["branches"]}
    house.workspace.registry.write_text(json.dumps(raw))
    return raw


@pytest.mark.parametrize("form", ["list", "object"])
def test_unknown_keys_survive_adding_and_removing(house: House, form: str) -> None:
    before = strange(house, form)
    made = create.add_agent(house.workspace, "Newcomer", "agents/newcomer")
    assert [a.address for a in made.agents] == ["@writer", "@editor", "@lead", "@newcomer"]
    assert (
        json.loads((made.agent("newcomer").passport).read_bytes())["citizenship"]["registry_id"]
        == (before["metadata"]["id"])
    )
    after = document(house)
    assert list(after) == list(before) and (after["zebra"], after["trailer"]) == (before["zebra"], before["trailer"])
    assert after["metadata"]["credential"] == "abc" and after["metadata"]["total_branches"] == 4
    left = create.remove_agent(made, "@newcomer")
    assert [a.address for a in left.agents] == ["@writer", "@editor", "@lead"]
    assert document(house)["branches"] == before["branches"] and document(house)["metadata"]["total_branches"] == 3
    assert made.agent("newcomer").inbox.exists()


def test_a_newcomer_gets_mail_at_once_and_one_who_left_none(house: House) -> None:
    told = house.json("agent", "add", "poet=agents/poet")
    assert (told["address"], told["agents"]) == ("@poet", 4)
    assert house.mailcore("send", "@poet", "s", "b", "--from", "@lead").returncode == 0
    assert house.json("agent", "remove", "poet")["agents"] == 3
    assert house.json("send", "@poet", "s", "b", "--from", "@lead", status=3)["error"]["code"] == "unknown_agent"
    assert len(json.loads((house.root / "agents/poet/.ai_mail.local/inbox.json").read_bytes())["messages"]) == 1
    records = journal.read_records(house.root / ".praxmonitor" / "audit.jsonl")
    acts = [(r["by"], r["verb"], r["agent"]) for r in records if r["verb"].startswith("agent ")]
    assert acts == [("@operator", "agent add", "@poet"), ("@operator", "agent remove", "@poet")]


def test_a_returning_agent_finds_its_files_as_they_were(house: House) -> None:
    post.send_mail(house.workspace, "@lead", ["@writer"], "s", "b")
    branch = house.agent("@writer").branch
    before = {p: p.read_bytes() for p in branch.rglob("*") if p.is_file()}
    left = create.remove_agent(house.workspace, "@writer")
    back = create.add_agent(left, "writer", "agents/writer")
    assert {p: p.read_bytes() for p in branch.rglob("*") if p.is_file()} == before
    assert back.agent("@writer").branch == branch


@pytest.mark.parametrize(
    ("name", "path", "code"),
    [
        ("writer", "agents/other", "exists"),
        ("WRITER", "agents/other", "exists"),
        ("twin", "agents/writer", "exists"),
        ("twin", "agents/../agents/./writer", "exists"),
        ("operator", "agents/o", "usage"),
        ("out", "../outside", "usage"),
        ("out", "/etc", "usage"),
        ("a b", "agents/ab", "usage"),
        ("", "agents/x", "usage"),
        ("../x", "agents/x", "usage"),
    ],
)
def test_who_cannot_be_added_changes_nothing(house: House, name: str, path: str, code: str) -> None:
    before = house.workspace.registry.read_bytes()
    with pytest.raises(MailcoreError) as error:
        create.add_agent(house.workspace, name, path)
    assert error.value.code == code and house.workspace.registry.read_bytes() == before
    assert not (house.root / "agents" / "x").exists() and not (house.root.parent / "outside").exists()


def test_a_symlink_out_of_the_project_is_no_branch(house: House, tmp_path: Path) -> None:
    (house.root / "agents" / "way").symlink_to(tmp_path)
    with pytest.raises(UsageError, match="leaves the project"):
        create.add_agent(house.workspace, "way", "agents/way")
    assert not (tmp_path / ".trinity").exists()


@pytest.mark.parametrize("metadata", [None, [], "x", {}])
def test_a_registry_without_proper_metadata_is_kept_as_it_is(house: House, metadata: Any) -> None:
    house.workspace.registry.write_text(json.dumps(document(house) | {"metadata": metadata}))
    create.add_agent(house.workspace, "poet", "agents/poet")
    after = document(house)
    assert len(after["branches"]) == 4 and (after["metadata"] == metadata or isinstance(metadata, dict))


def test_adders_at_once_each_get_their_row_and_a_name_only_once(house: House) -> None:
    names = ["a", "b", "c", "same", "same", "same"]
    adders = [
        subprocess.Popen(
            [sys.executable, "-m", "mailcore.cli", "agent", "add", f"{name}=agents/{name}{n}"],
            cwd=house.root,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for n, name in enumerate(names)
    ]
    assert sorted(adder.wait(30) for adder in adders) == [0, 0, 0, 0, 3, 3]
    rows = [row["email"] for row in document(house)["branches"]]
    assert sorted(rows) == ["@a", "@b", "@c", "@editor", "@lead", "@same", "@writer"]


def test_it_waits_for_aipass_own_lock(house: House) -> None:
    registry = house.workspace.registry
    with open(registry.with_name(f".{registry.stem}.lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        adder = subprocess.Popen(
            [sys.executable, "-m", "mailcore.cli", "agent", "add", "poet=agents/poet"],
            cwd=house.root,
            stdout=subprocess.DEVNULL,
        )
        with pytest.raises(subprocess.TimeoutExpired):
            adder.wait(0.7)
        raw = document(house) | {"written": "meanwhile"}
        registry.write_text(json.dumps(raw))
    assert adder.wait(30) == 0
    assert document(house)["written"] == "meanwhile" and len(find.find_workspace(house.root).agents) == 4


def test_nobody_is_taken_out_while_it_works_and_the_operator_never(house: House) -> None:
    house.shell("writer", "echo up; exec sleep 100")
    house.attempt_pid("@writer", house.started("@operator", "@writer"))
    with pytest.raises(Refused, match="at work") as error:
        create.remove_agent(house.workspace, "@writer")
    assert error.value.code == "busy" and len(document(house)["branches"]) == 3
    for name, code in (("@operator", "reserved"), ("@nobody", "unknown_agent")):
        assert house.json("agent", "remove", name, status=3)["error"]["code"] == code
