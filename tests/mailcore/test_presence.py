"""Who is there: the operator's last key and `away`, an agent at work or idle; the agents see it."""

from __future__ import annotations

import json
import sys
import time
from datetime import datetime, timedelta
from typing import Any

import pytest

from mailcore.workspace import presence
from tests.mailcore.conftest import House


def present(house: House, name: str = "@operator") -> str:
    return presence.presence_of(house.workspace, house.agent(name))


def test_the_operator_from_never_seen_to_gone(house: House) -> None:
    assert present(house) == "not seen yet"
    presence.key_pressed(house.workspace)
    assert present(house) == "at the screen"
    path = house.root / ".praxmonitor" / "presence.json"
    then = time.time() - 3600
    path.write_text(json.dumps({"away": "", "last_key": then}))
    assert present(house) == time.strftime("last seen %Y-%m-%d %H:%M", time.localtime(then))


def test_away_until_and_a_key_means_back(house: House) -> None:
    assert house.json("away", "15:00", "--from", "@operator") == {"away": "15:00"}
    assert present(house) == "away until 15:00"
    rows = {row["address"]: row["present"] for row in house.json("agents", cwd=house.agent("@writer").branch)}
    assert rows["@operator"] == "away until 15:00" and rows["@writer"] == "idle"
    presence.key_pressed(house.workspace)
    assert present(house) == "at the screen"
    house.json("away", "--from", "@operator")
    assert present(house) == "away until further notice"
    assert house.json("away", "--back", "--from", "@operator") == {"away": ""}
    assert present(house) == "at the screen"


def test_back_again_one_hears_once_what_was_done_without_a_reply(house: House) -> None:
    house.over("@editor", house.started("@operator", "@editor", "before"))
    house.json("away", "Monday", "--from", "@operator")
    house.over("@writer", house.started("@operator", "@writer", "meanwhile"))
    house.shell("editor", "exit 4")
    house.over("@editor", house.started("@operator", "@editor", "broken"))
    told = house.mailcore("away", "--back", "--from", "@operator").stdout.decode()
    first, headline, *lines = told.splitlines()
    assert first == "here again" and "): 1 failed, 1 done without a reply" in headline
    assert [one.split()[0] + one.split()[2] for one in lines[:2]] == ["✗@editor", "!@writer"]
    assert "broken: exit 4" in lines[0] and "meanwhile (no reply)" in lines[1]
    assert "before" not in told
    assert b"without a reply" not in house.mailcore("away", "--back", "--from", "@operator").stdout, "once"
    house.json("away", "--from", "@operator")
    run = house.over("@writer", house.started("@operator", "@writer", "later"))
    (row,) = house.json("away", "--back", "--from", "@operator")["done_without_reply"]
    assert (row["agent"], row["run"], row["subject"]) == ("@writer", run.run_id, "later")


def test_no_agent_sends_the_operator_away(house: House) -> None:
    house.shell(
        "writer", f"echo up; cd {house.root}; env -i {sys.executable} -m mailcore.cli away --from @operator; exit 0"
    )
    house.over("@writer", house.started("@operator", "@writer"))
    told = house.json("away", "--from", "@operator", cwd=house.agent("@writer").branch, status=3)
    assert told["error"]["code"] == "identity" and present(house) == "not seen yet"


def test_an_agent_at_work_and_after(house: House) -> None:
    house.shell("writer", "echo up; exec sleep 100")
    house.attempt_pid("@writer", house.started("@operator", "@writer"))
    assert present(house, "@writer") == "working"
    house.kill("@operator", "@writer")
    assert present(house, "@writer").startswith("idle since 20")


def test_a_person_at_the_command_line_is_there(house: House) -> None:
    """Also one who never opens the screen; the key counts where it is newer."""
    house.json("send", "@writer", "s", "b", "--from", "@operator")
    assert present(house) == "at the command line"
    path = house.root / ".praxmonitor" / "audit.jsonl"
    then = (datetime.now() - timedelta(hours=1)).astimezone()
    lines = [{**json.loads(line), "at": then.isoformat()} for line in path.read_text().splitlines()]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert present(house) == f"last seen {then:%Y-%m-%d %H:%M}"
    presence.key_pressed(house.workspace)
    assert present(house) == "at the screen"


def test_an_act_outside_every_run_is_a_sign_of_an_agent(house: House) -> None:
    assert present(house, "@writer") == "idle"
    house.json("send", "@lead", "s", "b", cwd=house.agent("@writer").branch)
    assert present(house, "@writer").startswith(f"idle since {datetime.now():%Y-}")
    rows = {row["address"]: row["present"] for row in house.json("agents")}
    assert rows["@writer"] == present(house, "@writer") and rows["@editor"] == "idle"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'{"last_key": 1e300}',
        b'{"last_key": NaN}',
        b'{"last_key": "x"}',
        b'{"last_key": -5}',
    ],
)
def test_a_broken_file_says_nothing_and_breaks_nothing(house: House, content: bytes) -> None:
    (house.root / ".praxmonitor" / "presence.json").write_bytes(content)
    assert present(house) == "not seen yet"
    presence.key_pressed(house.workspace)
    assert present(house) == "at the screen"


def test_hostile_words_stay_on_their_line(house: House) -> None:
    presence.set_away(house.workspace, "x\n@writer   FAKE\x1b[2J")
    lines = house.mailcore("agents").stdout.decode().splitlines()
    assert len(lines) == 4 and not any("\x1b" in text for text in lines)


def test_the_next_wake_of_a_timer_is_shown_and_a_missed_one_is_late(house: House) -> None:
    def row() -> dict[str, Any]:
        found: dict[str, Any] = next(row for row in house.json("agents") if row["address"] == "@writer")
        return found

    assert (row()["next_wake"], row()["wake_late"]) == (None, False)
    house.shell("writer", "echo up")
    text = (house.root / ".praxmonitor" / "config.toml").read_text()
    timed = text.replace("[agents.writer]\n", "[agents.writer]\nwake_every = 3600\n")
    (house.root / ".praxmonitor" / "config.toml").write_text(timed)
    house.over("@writer", house.json("wake", "@writer", "--from", "@operator")["run_id"])
    due = datetime.fromisoformat(row()["next_wake"])
    assert timedelta(minutes=59) < due - datetime.now().astimezone() < timedelta(minutes=61)
    assert not row()["wake_late"] and b"next wake" in house.mailcore("agents").stdout
    (house.root / ".praxmonitor" / "config.toml").write_text(timed.replace("3600", "0.001"))
    assert row()["wake_late"] and b"LATE since" in house.mailcore("agents").stdout


def test_a_wake_for_a_timer_starts_nothing_without_mail(house: House) -> None:
    house.shell("writer", "echo up")
    refused = house.json("wake", "@writer", "--if-mail", "--from", "@operator", status=3)
    assert refused["error"]["code"] == "no_mail" and house.json("runs") == []
    house.json("send", "@writer", "s", "b", "--from", "@lead")
    house.over("@writer", house.json("wake", "@writer", "--if-mail", "--from", "@operator")["run_id"])
