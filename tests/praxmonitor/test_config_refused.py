"""What the screen and the guard refuse of config.toml, `mailcore doctor` refuses before, in the same words."""

from __future__ import annotations

import json
import subprocess
import sys
from itertools import product
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailcore.config import read_config
from mailcore.config.kinds import Backend, SoundKind
from mailcore.exceptions import ConfigError
from praxmonitor.sound.player import configured_player

REFUSED = {
    "an unknown section": "[sounds]\nvolume = 1\n",
    "an unknown key": "[alarms]\nsilense = 7\n",
    "no toml": "[alarms\n",
    "a volume": "[sound]\nvolume = 80\n",
    "a volume of an agent": "[sound.agents]\nwriter = 2\n",
    "a kind of sound": "[sound.kinds]\ngong = 1\n",
    "a backend": '[sound]\nbackend = "gramophone"\n',
    "an output of a backend": '[sound]\nbackend = "miniaudio/nothing"\n',
    "quiet hours": '[sound]\nquiet = "22-7"\n',
    "a pack's name": '[sound]\npack = "../up"\n',
    "a pack that is not there": '[sound]\npack = "gone"\n',
    "a period": "[alarms]\nlook = 0\n",
    "a sweep": "[observe]\nsweep = 0\n",
    "no number": "[alarms]\nsilence = nan\n",
    "a notification": '[alarms]\nnotify = "toast"\n',
    "a command": '[alarms]\non_alarm = [""]\n',
}


def said(root: Path, *words: str) -> tuple[int, str]:
    done = subprocess.run([sys.executable, "-m", *words], capture_output=True, text=True, cwd=root, timeout=60)
    return done.returncode, done.stdout + done.stderr


def doctor(root: Path) -> tuple[int, list[str]]:
    """Its exit status, and what it finds wrong with the settings."""
    command = [sys.executable, "-c", "from mailcore.cli import main; raise SystemExit(main())", "doctor", "--json"]
    done = subprocess.run(command, capture_output=True, cwd=root, timeout=60)
    checks = json.loads(done.stdout)["checks"]
    return done.returncode, [check["finding"] for check in checks if check["name"] == "config" and not check["ok"]]


@pytest.mark.parametrize("text", REFUSED.values(), ids=REFUSED)
def test_doctor_refuses_what_guard_and_screen_refuse(aipass_workspace: Path, text: str) -> None:
    path = aipass_workspace / ".praxmonitor" / "config.toml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    status, (found,) = doctor(aipass_workspace)
    assert status == 4
    guard, screen = (said(aipass_workspace, "praxmonitor", *words) for words in (("guard",), ()))
    assert guard[0] == screen[0] == 2
    if "gone" in text:
        assert "no sound pack 'gone' in " in guard[1] and "no sound pack 'gone' in " in screen[1]
        assert found.startswith("[sound] pack = 'gone' is in none of ")
        assert found.partition(" of ")[2] == guard[1].strip().partition(" in ")[2] != ""
    else:
        assert guard[1].strip() == f"praxmonitor guard: {found}" and found in screen[1]


@settings(max_examples=100, deadline=None)
@given(
    st.sampled_from(get_args(Backend)),
    st.dictionaries(st.sampled_from(get_args(SoundKind)), st.floats(0, 1)),
    st.dictionaries(st.sampled_from(["@Writer", "ünï", ""]), st.floats(0, 1)),
    st.from_regex(r"\A[ ]?[0-9]{1,2}:[0-9]{2} ?- ?[0-9]{1,2}:[0-9]{2}\Z"),
)
def test_the_player_takes_every_sound_section_that_is_read(
    tmp_path_factory: pytest.TempPathFactory,
    backend: str,
    kinds: dict[str, float],
    agents: dict[str, float],
    quiet: str,
) -> None:
    root = tmp_path_factory.getbasetemp()
    path = root / "sound.toml"
    tables = [f"[sound.{name}]\n" + "".join(f"{json.dumps(key)} = {value}\n" for key, value in table.items())
              for name, table in (("kinds", kinds), ("agents", agents))]  # fmt: skip
    path.write_text(f'[sound]\nbackend = "{backend}"\nquiet = "{quiet}"\n' + "".join(tables))
    try:
        config = read_config(path)
    except ConfigError as error:
        assert "quiet" in str(error)
        hours = [int(part) for part in quiet.replace("-", ":").split(":")]
        assert not (hours[0] < 24 and hours[2] < 24 and hours[1] < 60 and hours[3] < 60)
    else:
        player = configured_player(config.sound, root)
        assert player.quiet in (True, False)


@pytest.mark.parametrize(("first", "last"), product(("0:00", "23:59"), repeat=2))
def test_every_pair_of_times_is_quiet_hours(tmp_path: Path, first: str, last: str) -> None:
    (tmp_path / "config.toml").write_text(f'[sound]\nquiet = "{first}-{last}"\n')
    sound = read_config(tmp_path / "config.toml").sound
    configured_player(sound, tmp_path)
    assert sound.quiet == f"{first}-{last}"
