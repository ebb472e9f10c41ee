"""Whose directory has vanished, on real disks. When it is told is in the stories."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from msgspec import structs

from mailcore.model.agent import Agent
from mailcore.model.fleet import AgentFacts
from mailcore.model.run import Phase
from praxmonitor.alarms.alarm import Alarm, AlarmKind
from praxmonitor.alarms.episode import Episode
from praxmonitor.alarms.missing_directories import MISSING_FOR, NOBODY, MissingDirectories
from praxmonitor.alarms.store import AlarmStore
from praxmonitor.sound.mutes import mutes_path
from tests.clock import NOON
from tests.mailcore.conftest import House
from tests.praxmonitor.fake_feed import run
from tests.praxmonitor.test_watch import Watch, watches

__all__ = ["watches"]


def facts(branch: Path, **known: float) -> AgentFacts:
    return AgentFacts(Agent("@writer", "WRITER", branch, root=branch.parent), **known)  # type: ignore[arg-type]


def whole(branch: Path) -> None:
    (branch / ".ai_mail.local").mkdir(parents=True)


def look(
    vanished: MissingDirectories, branch: Path, at: float, known: Mapping[str, float] = NOBODY
) -> Mapping[str, float]:
    return vanished.check((facts(branch),), NOON + at, at, known)


def test_what_was_there_and_is_not_is_missing_once_that_is_sure(tmp_path: Path) -> None:
    branch, vanished = tmp_path / "writer", MissingDirectories()
    whole(branch)
    assert look(vanished, branch, 0.0) == {}
    shutil.rmtree(branch)
    assert look(vanished, branch, 5.0) == {} and look(vanished, branch, 5.0 + MISSING_FOR - 1) == {}
    # However the clock of the wall is set meanwhile.
    assert vanished.check((facts(branch),), 7 * NOON, 5.0 + MISSING_FOR - 1) == {}
    assert look(vanished, branch, 5.0 + MISSING_FOR) == {"@writer": NOON + 5.0}
    whole(branch)
    assert look(vanished, branch, 30.0) == {}


def test_an_empty_mount_point_is_missing_too_also_once_a_mail_made_a_mailbox_there(tmp_path: Path) -> None:
    branch, vanished = tmp_path / "writer", MissingDirectories(settle=0.0)
    whole(branch)
    (branch / ".trinity").mkdir()
    (branch / ".trinity" / "passport.json").write_text("{}")
    assert look(vanished, branch, 0.0) == {}
    disk = branch.rename(tmp_path / "disk")
    whole(branch)
    assert look(vanished, branch, 5.0) == {"@writer": NOON + 5.0}
    shutil.rmtree(branch)
    branch.mkdir()
    assert look(vanished, branch, 10.0) == {"@writer": NOON + 5.0}
    branch.rmdir()
    disk.rename(branch)
    (branch / ".trinity" / "passport.json").unlink()  # its own mailbox is enough
    assert look(vanished, branch, 15.0) == {}


@pytest.mark.parametrize("bare", [False, True])
def test_one_that_was_never_made_is_not_missing(tmp_path: Path, bare: bool) -> None:
    branch, vanished = tmp_path / "writer", MissingDirectories(settle=0.0)
    if bare:
        branch.mkdir()
    assert look(vanished, branch, 0.0) == look(vanished, branch, 60.0) == {}


def test_nor_is_one_that_was_taken_out_and_enrolled_anew(tmp_path: Path) -> None:
    branch, vanished = tmp_path / "writer", MissingDirectories(settle=0.0)
    whole(branch)
    look(vanished, branch, 0.0)
    shutil.rmtree(branch)
    assert vanished.check((), NOON, 5.0) == {} and look(vanished, branch, 10.0) == {}


def test_who_was_ever_at_work_or_was_missing_before_had_one(tmp_path: Path) -> None:
    branch = tmp_path / "writer"
    assert MissingDirectories(settle=0.0).check((facts(branch, last_active=1.0),), NOON, 5.0) == {"@writer": NOON}
    assert look(MissingDirectories(), branch, 500.0, {"@writer": 3.0}) == {"@writer": 3.0}
    branch.mkdir()  # its mount point
    assert look(MissingDirectories(), branch, 500.0, {"@writer": 3.0}) == {"@writer": 3.0}
    ran = structs.replace(facts(branch), run=run("writer", "Report", Phase.COMPLETED, 9.0))
    assert MissingDirectories(settle=0.0).check((ran,), NOON, 5.0) == {"@writer": NOON}


def test_a_deleted_directory_is_an_alarm_and_so_is_its_end(house: House, watches: list[Watch]) -> None:
    (house.root / ".praxmonitor").mkdir(exist_ok=True)
    (house.root / ".praxmonitor" / "config.toml").write_text("[alarms]\nlook = 0.5\n")
    branch = house.agent("@editor").branch
    watch = Watch(house.root, "--from-start")
    watches.append(watch)
    inbox = house.agent("@writer").inbox
    inbox.write_text("{ torn")
    watch.until("ALARM unreadable")
    inbox.unlink()
    watch.until("alarm over unreadable")  # a tick of 1 s later: the directories were looked at in between
    branch.rename(house.root / "aside")
    (*_, said) = watch.until("ALARM gone")
    assert f"@editor ALARM gone: gone: its directory {branch} is missing" in said and "mount or restore it" in said
    (house.root / "aside").rename(branch)
    watch.until("@editor alarm over gone")


def test_the_command_knows_it_of_one_that_was_told_before(house: House) -> None:
    command = [sys.executable, "-m", "praxmonitor", "alarms", str(house.root)]
    branch = house.agent("@editor").branch
    branch.rename(house.root / "aside")
    assert subprocess.run(command, capture_output=True, text=True, timeout=30).returncode == 0
    alarm = Alarm(AlarmKind.GONE, "@editor", 10.0, "gone")
    AlarmStore(mutes_path(house.root).parent).save_reported({alarm.key: Episode(alarm, 10.0)})
    done = subprocess.run(command, capture_output=True, text=True, timeout=30)
    assert done.returncode == 1 and f"its directory {branch} is missing" in done.stdout, done
