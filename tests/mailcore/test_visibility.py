"""An agent's commands show its own mail; the operator's, and those of a person outside every agent, show all."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from mailcore.mail import post
from tests.mailcore.conftest import House

CLI = f"{sys.executable} -m mailcore.cli"


@pytest.fixture
def mails(house: House) -> dict[str, str]:
    """Ids by subject: between lead and writer, and between lead and editor; one of each archived."""
    found = {}
    for to in ("writer", "editor"):
        for kind in ("open", "closed"):
            (sent,) = post.send_mail(house.workspace, "@lead", [f"@{to}"], f"{to} {kind}", "b", is_task=True)
            found[f"{to} {kind}"] = sent.id
        post.close_messages(house.workspace, f"@{to}", [found[f"{to} closed"]])
    return found


def subjects(rows: Any) -> set[str]:
    return {row["subject"] for row in rows if "subject" in row}


def test_the_operator_and_a_person_outside_see_all(house: House, mails: dict[str, str]) -> None:
    for sender in ([], ["--from", "@operator"]):
        assert subjects(house.json("tasks", *sender)) == {"writer open", "editor open"}
        assert subjects(house.json("history", *sender)) == set(mails)
        for name in ("writer", "editor"):
            assert subjects(house.json("inbox", f"@{name}", *sender)) == {f"{name} open"}
            assert house.json("trace", mails[f"{name} closed"], *sender)["subject"] == f"{name} closed"
            assert subjects(house.json("archive", "--of", f"@{name}", *sender)) == {f"{name} closed"}


def test_an_agent_sees_its_own(house: House, mails: dict[str, str]) -> None:
    writer, lead = house.agent("@writer").branch, house.agent("@lead").branch
    assert subjects(house.json("tasks", cwd=writer)) == {"writer open"}
    assert subjects(house.json("tasks", cwd=lead)) == {"writer open", "editor open"}  # it asked for both
    assert subjects(house.json("tasks", "@editor", cwd=writer)) == set()
    assert subjects(house.json("history", cwd=writer)) == {"writer open", "writer closed"}
    assert subjects(house.json("inbox", "@writer", cwd=writer)) == {"writer open"}
    assert house.json("trace", mails["writer closed"], cwd=writer)["subject"] == "writer closed"
    assert house.json("trace", mails["editor closed"], cwd=lead)["subject"] == "editor closed"
    for words in (
        ["inbox", "@editor"],
        ["trace", mails["editor open"]],
        ["trace", mails["editor closed"]],
        ["archive", "--of", "@editor"],
        ["archive", "search", "closed", "--of", "@editor"],
        ["archive", "restore", mails["editor closed"], "--of", "@editor"],
    ):
        assert house.json(*words, cwd=writer, status=3)["error"]["code"] == "visibility", words
    assert (
        house.json("archive", "restore", mails["editor closed"], cwd=writer, status=4)["error"]["code"] == "no_message"
    )
    assert len(house.inbox("@editor")) == 1


def test_a_thread_shows_no_mail_of_others(house: House) -> None:
    (first,) = post.send_mail(house.workspace, "@lead", ["@writer"], "s", "b")
    thread = {"thread_id": first.sent_id}
    post.send_mail(house.workspace, "@lead", ["@editor"], "about the writer", "b", extra=thread)
    assert subjects(house.json("trace", first.id, cwd=house.agent("@writer").branch)["thread"]) == {"s"}
    assert subjects(house.json("trace", first.id)["thread"]) == {"s", "about the writer"}


def test_no_variable_and_no_directory_gives_an_agent_of_a_run_other_eyes(
    house: House, mails: dict[str, str], tmp_path: Path
) -> None:
    ways = {
        "plain": f"{CLI} inbox @editor --json",
        "stale": f"MAILCORE_NONCE=wrong {CLI} inbox @editor --json",
        "outside": f"cd {house.root}; env -i {CLI} inbox @editor --json",
        "trace": f"cd {house.root}; env -i {CLI} trace {mails['editor open']} --json",
        "history": f"cd {house.root}; env -i {CLI} history --json",
    }
    script = [f"( {way} ) >{tmp_path}/{name}" for name, way in ways.items()]
    house.shell("writer", "\n".join(["echo up", *script, "exit 0"]))
    house.over("@writer", house.started("@operator", "@writer"))
    told = {name: json.loads((tmp_path / name).read_bytes()) for name in ways}
    acts = told.pop("history")
    assert {name: one["error"]["code"] for name, one in told.items()} == dict.fromkeys(told, "visibility")
    assert acts and not [act for act in acts if "@editor" in (act.get("by"), act.get("to"))], "its own acts alone"


def test_two_identities_are_refused_here_too(house: House) -> None:
    env = {"AIPASS_BRANCH_NAME": "editor"}
    done = house.mailcore("inbox", "@lead", "--json", cwd=house.agent("@writer").branch, env=env)
    assert json.loads(done.stdout)["error"]["code"] == "identity"
