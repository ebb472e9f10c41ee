"""What `doctor` says of a restart of the machine: whether anything finds runs that wait."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.mailcore.conftest import House


def test_doctor_says_what_finds_waiting_runs_after_a_restart(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, tools = tmp_path / "home", tmp_path / "tools"
    monkeypatch.setenv("HOME", str(home))
    tools.mkdir()
    cron = tools / "crontab"
    cron.write_text("#!/bin/sh\nexit 1\n")
    cron.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tools}:{os.environ['PATH']}")

    def said() -> str:
        (found,) = [one["finding"] for one in house.json("doctor", status=4)["checks"] if one["name"] == "restart"]
        return str(found)

    (house.root / ".praxmonitor" / "config.toml").write_text("[mail]\norchestrator = 7\n")  # so that it exits with 4
    assert "by the next command or screen alone" in said() and f"@reboot mailcore -C {house.root} queue" in said()
    cron.write_text(f"#!/bin/sh\necho '@reboot mailcore -C {house.root} queue'\n")
    assert "cron's @reboot line finds what waits" in said()
    cron.write_text("#!/bin/sh\necho '@reboot mailcore -C /another/project queue'\n")
    unit = home / ".config" / "systemd" / "user" / "praxmonitor-guard.service"
    unit.parent.mkdir(parents=True)
    unit.write_text(f"[Service]\nExecStart=/usr/bin/praxmonitor guard {house.root}\n")
    assert f"{unit} finds what waits" in said()
