"""Somebody else's program, installed as a package: it is used by name, and whatever it does wrong is told."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from mailcore.model.run import Phase
from tests.mailcore.conftest import House, wait_until
from tests.mailcore.programs.package import install

EXAMPLE = Path(__file__).parents[2] / "plugin_example"

ODD = """
import os
from mailcore.programs.command import Command

class Odd(Command):
    name = "odd"

def act(method):
    def odd(self, *given):
        if os.environ.get("ODD_FAILS") == method:
            raise LookupError("I am odd")
        return getattr(Command, method)(self, *given)
    return odd

for method in ("argv", "traces", "shows_life", "ending", "session", "bypasses"):
    setattr(Odd, method, act(method))
"""
PYPROJECT = """
[project]
name = "prax-odd"
[project.entry-points."mailcore.programs"]
odd = "{value}"
"""


@pytest.fixture
def example(house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> House:
    """@writer is an agent of the example's program."""
    install(EXAMPLE, tmp_path / "example", monkeypatch)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    del house.commands["writer"]
    house.extra = '[agents.writer]\nprogram = "example"\n'
    house.configure()
    return house


def test_a_program_that_was_installed_is_dispatched_and_its_session_is_seen(example: House) -> None:
    sent = example.json("dispatch", "@writer", "a task", "the body", "--from", "@operator")
    assert example.over("writer", sent["run_id"]).phase is Phase.COMPLETED
    told = watched(example, "the work")
    run = example.run("writer", sent["run_id"])
    assert run.attempt is not None and run.attempt.bypass and run.program == "example"
    assert (told["type"], told["agent"], told["source"]) == ("activity", "@writer", "transcript")
    assert told["session"] == run.attempt.session_id and run.result == "all of it is done"
    (used,) = [row for row in example.json("usage")["rows"] if row["agent"] == "@writer"]
    assert used["output"] == 42
    doctor = json.loads(example.mailcore("doctor", "--json").stdout)
    checks = [(check["name"], check["finding"]) for check in doctor["checks"]]
    assert ("@writer", "program example") in checks
    assert next(found for name, found in checks if name == "example").endswith("/prax-example")
    assert example.json("hooks", "install", "@writer")["agents"][0]["state"] == "unsupported"


def watched(house: House, text: str) -> dict[str, str]:
    """The event with that text, as `praxmonitor watch` tells it."""
    words = [sys.executable, "-m", "praxmonitor", "watch", "--jsonl", "--from-start", str(house.root), "@writer"]
    seen: list[dict[str, str]] = []
    with subprocess.Popen(words, stdout=subprocess.PIPE) as watch:
        assert watch.stdout is not None
        timer = threading.Timer(30, watch.kill)
        timer.start()
        for line in watch.stdout:
            seen.append(json.loads(line))
            if seen[-1]["text"] == text:
                break
        timer.cancel()
        watch.terminate()
    assert seen and seen[-1]["text"] == text, seen
    return seen[-1]


@pytest.fixture
def odd(house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> House:
    """@writer is an agent of a program that fails in what ODD_FAILS says."""
    (tmp_path / "odd").mkdir()
    (tmp_path / "odd" / "odd.py").write_text(ODD)
    (tmp_path / "odd" / "pyproject.toml").write_text(PYPROJECT.format(value="odd:Odd"))
    install(tmp_path / "odd", tmp_path / "installed", monkeypatch)
    house.shell("writer", "echo done")
    path = house.root / ".praxmonitor" / "config.toml"
    path.write_text(path.read_text().replace('program = "command"', 'program = "odd"', 1))
    return house


@pytest.mark.parametrize("method", ["argv", "traces", "shows_life", "ending", "session", "bypasses", ""])
def test_what_a_program_raises_is_the_outcome_of_its_attempt(
    odd: House, method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ODD_FAILS", method)
    sent = odd.json("dispatch", "@writer", "a task", "the body", "--from", "@operator")
    run = odd.over("writer", sent["run_id"])
    (told,) = odd.inbox("@operator")
    if not method:
        assert run.phase is Phase.COMPLETED and "done" in told.body
        return
    assert run.phase is Phase.BOUNCED and told.subject.startswith("BOUNCE")
    assert f"program odd failed in {method}(): LookupError: I am odd" in run.reason
    assert run.reason in told.body
    attempts = 3 if method in ("traces", "shows_life") else 1
    assert len(run.attempts) == attempts, "what may have been done is not done again"
    assert not (odd.agent("@writer").runs_dir / run.run_id / "supervisor.log").read_text()


def test_a_program_that_went_while_its_run_waited_is_told(odd: House, tmp_path: Path) -> None:
    odd.json("hold", "@writer", "--from", "@operator")
    assert odd.json("dispatch", "@writer", "a task", "the body", "--from", "@operator")["run_id"] is None
    (tmp_path / "installed" / "site" / "odd.py").write_text("import nothing_of_that_name")
    assert odd.mailcore("release", "@writer", "--from", "@operator").returncode == 0
    wait_until(lambda: odd.inbox("@operator"), what="the sender is told")
    assert "program odd (odd:Odd) cannot be loaded: ModuleNotFoundError" in odd.inbox("@operator")[0].body
    (check,) = [one for one in odd.json("doctor", status=4)["checks"] if one["name"] == "odd"]
    assert not check["ok"] and "cannot be loaded" in check["finding"]
    assert odd.json("agents")[0]["address"] == "@writer"
