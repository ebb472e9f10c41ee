"""What an agent did is told after it was removed or renamed."""

from __future__ import annotations

import json
import re

from mailcore.mail import post
from mailcore.workspace import create, find
from tests.mailcore.conftest import House


def done(house: House) -> dict[str, str]:
    """A task of @lead's that @writer's run has done."""
    task = "ID=$(echo \"$MAILCORE_PROMPT\" | sed 's/.*message \\([0-9a-f]*\\):.*/\\1/')"
    house.shell("writer", f"{task}; mailcore read $ID >/dev/null; mailcore done $ID 'it is there'; echo up")
    sent = house.json("dispatch", "@writer", "build it", "b", "--from", "@operator")
    house.over("@writer", sent["run_id"])
    return dict(sent)


def told(house: House, sent: dict[str, str]) -> None:
    """The whole story of that task is there, whoever is left."""
    events = [event for event in house.json("history") if event.get("run") == sent["run_id"]]
    assert {event["agent"] for event in events} == {"@writer"} and len(events) > 4
    for name in (sent["run_id"], "@writer"):
        run = house.json("run", name)["run"]
        assert (run["target"], run["sender"], run["subject"]) == ("@writer", "@operator", "build it")
    assert [run["run_id"] for run in house.json("runs", "@writer")] == [sent["run_id"]]
    trace = house.json("trace", sent["message_id"])
    assert (trace["rung"], trace["result"], trace["run"]) == ("done", "it is there", sent["run_id"])
    assert [one["subject"] for one in house.json("search", "build", "--closed")] == ["build it"]


def test_of_an_agent_that_was_removed(house: House) -> None:
    sent = done(house)
    told(house, sent)
    house.json("agent", "remove", "@writer")
    assert [agent.address for agent in find.find_workspace(house.root).agents] == ["@editor", "@lead"]
    told(house, sent)
    assert house.json("retry", sent["run_id"], "--from", "@operator", status=3)["error"]["code"] == "unknown_agent"
    editor = house.agent("@editor").branch
    assert house.json("run", sent["run_id"], cwd=editor, status=3)["error"]["code"] in ("visibility", "unknown_agent")
    assert not [event for event in house.json("history", cwd=editor) if event.get("run")]
    assert house.json("run", "@nobody", status=3)["error"]["code"] == "unknown_agent"


def test_of_an_agent_whose_row_was_taken_out_by_hand(house: House) -> None:
    sent = done(house)
    registry = house.workspace.registry
    document = json.loads(registry.read_bytes())
    rows = document["branches"]
    document["branches"] = (
        {name: row for name, row in rows.items() if "writer" not in name.lower()}
        if isinstance(rows, dict)
        else [row for row in rows if "writer" not in row["name"].lower()]
    )
    registry.write_text(json.dumps(document))
    post.send_mail(find.find_workspace(house.root), "@lead", ["@editor"], "s", "b")  # the next act notes it
    told(house, sent)
    back = create.add_agent(find.find_workspace(house.root), "writer", "agents/writer")
    assert "@writer" in [agent.address for agent in back.agents] and back.former_agents() == ()
    told(house, sent)


def test_of_an_agent_that_was_renamed(house: House) -> None:
    sent = done(house)
    registry = house.workspace.registry
    text = registry.read_text()
    registry.write_text(re.sub('"(@?)writer"', r'"\1author"', text, flags=re.IGNORECASE))
    assert "@author" in [agent.address for agent in find.find_workspace(house.root).agents]
    told(house, sent)
    assert [run["target"] for run in house.json("runs", "@author")] == ["@writer"]
