"""The schema told: the file of a new workspace, docs/config.md, and `mailcore config` with what holds and why."""

from __future__ import annotations

import re
import tomllib
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from mailcore.config import Config, read_config
from mailcore.config.reference import TABLES, find_keys, keys
from mailcore.config.template import MAX_WIDTH, template
from mailcore.exceptions import UsageError
from tests.mailcore.conftest import House
from tests.tools import config_docs

EMPTY: tuple[Any, ...] = ({}, {"NAME": {}}, {"tiers": {"2": {}}})
KEYS = [key for section in TABLES for key in keys(section)]


@pytest.mark.parametrize("key", KEYS, ids=lambda key: key.name)
def test_every_key_says_what_it_means_in_sentences(key: Any) -> None:
    assert key.meaning[0].isupper() and key.meaning.endswith(".") and "\n" not in key.meaning
    assert key.allowed and (not key.unit or f"of {key.unit}" in key.allowed)
    if key.default in ("", ()) or key.table:
        assert key.example is not None or "Empty" in key.meaning, "what may stand there is shown"


def test_the_file_of_a_new_workspace_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text(template())
    assert read_config(path) == Config()
    assert all(len(line) <= MAX_WIDTH for line in template().splitlines())


def test_a_section_can_be_written_below_it(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    for section in ("dispatch", "alarms", "sound", "usage", "agents", "agents.writer", "sound.kinds"):
        path.write_text(f"{template()}\n[{section}]\n")
        assert read_config(path) is not None


def test_with_all_comments_off_it_says_exactly_the_defaults_and_examples(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text(re.sub(r"^#(?! )", "", template(), flags=re.M))
    read_config(path)
    said = tomllib.loads(path.read_text())
    for key in KEYS:
        table: Any = said
        for part in key.section.split("."):
            table = table[part]
        wanted = key.default if key.example is None else key.example
        assert table.pop(key.key) == (list(wanted) if isinstance(wanted, tuple) else wanted), key.name
        if key.section == "agents.NAME":
            assert said["agents"].pop(key.key) is not None
    left = {section: table for section, table in said.items() if table not in EMPTY}
    assert left == {}, "nothing else stands there"


def test_the_page_of_docs_is_current() -> None:
    assert config_docs.main(["--check"]) == 0
    assert all(f"`{key.key}`" in config_docs.document() or f"`[{key.name}]`" in config_docs.document() for key in KEYS)


def test_a_stale_page_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(config_docs, "PAGE", tmp_path / "config.md")
    assert config_docs.main(["--check"]) == 1
    assert (config_docs.main([]), config_docs.main(["--check"])) == (0, 0)


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("alarms.repeat", ["alarms.repeat"]),
        ("hard_limit", ["dispatch.hard_limit"]),
        ("max_runs", ["dispatch.max_runs", "programs.NAME.max_runs"]),
        (
            "[usage]",
            [
                f"usage.{key}"
                for key in ("daily_cost", "daily_tokens", "fleet_daily_cost", "fleet_daily_tokens", "warn", "hold")
            ],
        ),
        ("agents.writer.model", ["agents.NAME.model"]),
        ("agents.web.dev.model", ["agents.NAME.model"]),
        ("agents.model", ["agents.NAME.model"]),
        ("programs.command", ["programs.NAME.max_runs"]),
        ("programs", ["programs.NAME.max_runs"]),
        ("prices.gpt-5.1.cache_read", ["prices.NAME.cache_read"]),
        ("sound.agents.writer", ["sound.agents"]),
        ("sound.kinds.tool.web", ["sound.kinds"]),
        ("approval.tiers.7.expires", ["approval.tiers.2.expires"]),
        ("approval.tiers.7", [f"approval.tiers.2.{key}" for key in ("proposal", "expires", "approver", "proof")]),
    ],
)
def test_a_key_is_found_by_what_one_would_type(name: str, found: list[str]) -> None:
    assert [key.name for key in find_keys(name)] == found
    assert {key.section for key in find_keys("agents.writer")} == {"agents.NAME"}


@pytest.mark.parametrize(
    ("name", "nearest"), [("hard_limt", "hard_limit"), ("alarm.repeat", "alarms.repeat"), ("dispach", "dispatch")]
)
def test_of_an_unknown_key_the_nearest_is_named(name: str, nearest: str) -> None:
    with pytest.raises(UsageError, match=re.escape(f"no setting {name!r}") + rf".*; did you mean {nearest}\?$"):
        find_keys(name)


def test_config_explains_a_key(house: House, tmp_path: Path) -> None:
    said = house.mailcore("config", "--explain", "alarms.look", cwd=tmp_path).stdout.decode()
    assert said.splitlines()[0] == "[alarms] look" and "  default  5\n" in said and "  unit     seconds\n" in said
    assert "  allowed  a number of seconds from 0.1 to 1_000_000_000\n" in said
    (row,) = house.json("config", "--explain", "sound.quiet", cwd=tmp_path)
    assert row == asdict(find_keys("sound.quiet")[0]) and row["example"] == "22:00-07:00"
    assert house.json("config", "--explain", "nosuchthing", cwd=tmp_path, status=2)["error"]["code"] == "usage"


SAID = """\
[dispatch]
startup_timeout = 300
[sound.kinds]
"tool.web" = 0.5
[agents]
model = "m"
[agents.Writer]
command = ["./agent"]
[agents.lead]
max_turns = 7
[programs.command]
max_runs = 2
[prices."GPT-5.1"]
input = 1
output = 2
[approval.tiers.7]
expires = "2h"
"""


def test_config_prints_what_holds_and_from_where(house: House) -> None:
    (house.root / ".praxmonitor" / "config.toml").write_text(SAID)
    told = house.json("config")["settings"]
    found = {f"{section}.{key}": (one["value"], one["from"]) for section, at in told.items() for key, one in at.items()}
    assert found["dispatch.startup_timeout"] == (300, "file")
    assert found["dispatch.attempts"] == (3, "default")
    assert found["alarms.silence_start"] == (330, "startup_timeout and 30 s more")
    assert found["sound.kinds.tool.web"] == (0.5, "file")
    assert found["agents.model"] == ("m", "file") and found["agents.program"] == ("", "default")
    assert found["agents.writer.program"] == ("command", "its command") and found["agents.writer.model"][0] == ""
    assert found["agents.lead.model"] == ("m", "[agents]") and found["agents.lead.max_turns"] == (7, "file")
    assert found["programs.command.max_runs"] == (2, "file")
    assert found['prices."gpt-5.1".output'] == (2, "file") and found['prices."gpt-5.1".cache_read'] == (0, "default")
    assert found["approval.tiers.7.expires"] == (7200, "file") and found["approval.tiers.1.proposal"][1] == "default"
    text = house.mailcore("config").stdout.decode()
    assert re.search(r"^startup_timeout = 300 +# file$", text, re.M) and tomllib.loads(text)["alarms"]["storm"] == 10


def test_config_tells_every_fault_and_names_who_is_no_agent(house: House) -> None:
    path = house.root / ".praxmonitor" / "config.toml"
    path.write_text("[agents.wrier]\nmax_turns = 7\n")
    assert house.json("config")["notes"] == [
        f"[agents.wrier] is no agent of {house.workspace.registry.name}; did you mean writer?"
    ]
    path.write_text("[dispatch]\nattempts = 0\n[alarms]\nlook = 0\n")
    said = house.mailcore("config")
    assert (said.returncode, said.stdout) == (2, b"")
    assert said.stderr.decode().splitlines() == [
        f"mailcore config: {path}: 2 faults; the defaults are used meanwhile",
        "  [dispatch] attempts = 0; allowed: a whole number from 1 up",
        "  [alarms] look = 0; allowed: a number of seconds from 0.1 to 1_000_000_000",
    ]
    path.unlink()
    assert ": not there, so all is default" in house.mailcore("config").stdout.decode().splitlines()[0]
