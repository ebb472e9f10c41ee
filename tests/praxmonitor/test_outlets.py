"""How alarms leave: neutral sequences, cues, and a command that is never waited for."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from praxmonitor.alarms import outlets
from praxmonitor.alarms.alarm import Alarm, AlarmKind
from praxmonitor.alarms.episode import AlarmEvents, Episode
from praxmonitor.alarms.outlets import (
    UserCommand,
    alarm_cues,
    episode_object,
    event_lines,
    event_objects,
    notification_sequence,
    title_sequence,
)
from praxmonitor.sound import Sound, Urgency

NOW = 1_800_000_000.0
EVIL = "x\x1b]0;owned\x07\x9b31m\nrm -rf"
Wait = Callable[[Callable[[], object], float, str], None]


def episode(address: str = "@writer", kind: AlarmKind = AlarmKind.SILENCE, told: int = 1, text: str = "x") -> Episode:
    return Episode(Alarm(kind, address, NOW - 60, f"silent: {text}", "a hook", "12:00", "kill (D)"), NOW, told)


FIVE = tuple(episode(f"@a{n}") for n in range(5))


def test_what_agents_wrote_reaches_no_terminal_as_a_command() -> None:
    evil = episode(text=EVIL)
    for sequence in (
        title_sequence(EVIL, [evil]),
        notification_sequence(f"{EVIL}", "9", {}),
        notification_sequence(EVIL, "777", {}),
    ):
        body = sequence[2:-1]
        assert sequence.startswith("\x1b]") and sequence.endswith("\x07")
        assert not {char for char in body if char < " " or "\x7f" <= char <= "\x9f"}
    for said in event_lines(AlarmEvents((evil,)), NOW):
        assert said.isprintable()


def test_the_title_says_how_many_and_goes_back_to_the_name() -> None:
    assert title_sequence("house", FIVE) == "\x1b]2;! 5 agents silent · house\x07"
    assert title_sequence("house", ()) == "\x1b]2;house\x07"


def test_notifications_go_where_the_terminal_has_them() -> None:
    assert notification_sequence("a;b", "777", {}) == "\x1b]777;notify;PraxMonitor;a,b\x07"
    assert notification_sequence("a", "9", {"TMUX": "x"}) == "\x1bPtmux;\x1b\x1b]9;a\x07\x1b\\"
    assert notification_sequence("a", "none", {"KITTY_WINDOW_ID": "1"}) == ""
    assert notification_sequence("a", "auto", {"KITTY_WINDOW_ID": "1"}).startswith("\x1b]9;")
    assert notification_sequence("a", "auto", {"TERM": "foot"}).startswith("\x1b]777;")
    assert notification_sequence("a", "auto", {"TERM": "xterm-256color"}) == ""
    assert notification_sequence("a", "auto", {"TERM": "foot", "TMUX": "x"}) == ""


def test_of_a_round_the_most_urgent_alone_sounds() -> None:
    failed = replace(episode("@b", AlarmKind.FAILED), urgency=Urgency.MEDIUM)
    silent = replace(episode("@a1"), urgency=Urgency.HIGH)
    disk = replace(episode("@c", AlarmKind.DISK), urgency=Urgency.LOW)
    (heard,) = alarm_cues(AlarmEvents((disk, failed), (silent,)), {"@a1": 7})
    assert (heard.sound, heard.urgency, heard.voice, heard.key) == (Sound.SILENCE, Urgency.HIGH, 7, "silence.high")
    assert alarm_cues(AlarmEvents(joined=(silent,)), {}) == [], "what joins is told, and not heard"
    (heard, end) = alarm_cues(AlarmEvents((failed,), over=FIVE, clear=True), {})
    assert (heard.key, end.sound, end.urgency) == ("failed.medium", Sound.ALL_CLEAR, Urgency.NONE)


def test_lines_say_how_many_then_each() -> None:
    said = list(event_lines(AlarmEvents(FIVE, (), FIVE[:1], clear=True), NOW))
    assert "ALARM 5 agents silent" in said[0] and len(said) == 8
    assert "expected: a hook" in said[1] and "OVER @a0" in said[6] and said[7].endswith("ALL CLEAR")


def test_events_are_json_with_every_key() -> None:
    raised, over = event_objects(AlarmEvents(FIVE, (), FIVE[:1], clear=True), Path("/house"), NOW)
    assert json.loads(json.dumps(raised)) == raised
    assert (raised["event"], raised["headline"], len(raised["alarms"])) == ("raised", "5 agents silent", 5)
    assert (over["event"], over["clear"], raised["clear"]) == ("over", True, False)
    assert set(raised["alarms"][0]) >= {"kind", "address", "since", "text", "expected", "seen", "remedy", "key"}


def script(path: Path, body: str) -> Sequence[str]:
    path.write_text(body)
    return [sys.executable, str(path)]


def test_the_users_command_gets_json_on_its_stdin(tmp_path: Path, wait_until: Wait) -> None:
    out, errors = tmp_path / "out.json", list[str]()
    body = "import os, sys\nopen('new', 'w').write(sys.stdin.read())\nos.rename('new', 'out.json')"
    command = UserCommand(script(tmp_path / "c.py", body), tmp_path, errors.append)
    command.run(AlarmEvents(FIVE), Path("/house"), NOW)
    wait_until(out.exists, 10.0, "it ran, in the workspace")
    assert json.loads(out.read_text())["headline"] == "5 agents silent"
    assert errors == []


def test_it_is_never_waited_for_and_bounded_and_that_is_said(tmp_path: Path, wait_until: Wait) -> None:
    errors: list[str] = []
    gate = tmp_path / "gate"
    body = f"import os, threading\nwhile not os.path.exists({str(gate)!r}): threading.Event().wait(0.02)"
    command = UserCommand(script(tmp_path / "c.py", body), tmp_path, errors.append)
    began = time.monotonic()
    for _ in range(outlets.MOST_COMMANDS + 2):
        command.run(AlarmEvents(FIVE), Path("/house"), NOW)
    assert time.monotonic() - began < 1.0
    assert len(errors) == 2 and "still run" in errors[0]
    gate.touch()
    wait_until(lambda: command._free._value == outlets.MOST_COMMANDS, 10.0, "all of them ended")


@pytest.mark.parametrize(
    ("argv", "word"),
    [
        (["/no/such/program"], "No such file"),
        ([sys.executable, "-c", "import sys; sys.exit('no\\x1b[31m route')"], "ended with 1: no"),
    ],
)
def test_its_errors_are_shown(tmp_path: Path, wait_until: Wait, argv: list[str], word: str) -> None:
    errors: list[str] = []
    UserCommand(argv, tmp_path, errors.append).run(AlarmEvents(FIVE), Path("/house"), NOW)
    wait_until(lambda: errors, 10.0, "the error is told")
    assert word in errors[0] and errors[0].isprintable()


def test_it_runs_for_the_first_repetitions_alone(tmp_path: Path, wait_until: Wait) -> None:
    errors: list[str] = []
    command = UserCommand(["/no/such/program"], tmp_path, errors.append)
    for told in range(2, 9):
        command.run(AlarmEvents(repeated=(episode(told=told),)), Path("/house"), NOW)
        wait_until(lambda: command._free._value == outlets.MOST_COMMANDS, 5.0, "it ended")
    assert len(errors) == 3


def test_it_is_ended_after_its_time(tmp_path: Path, wait_until: Wait, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outlets, "COMMAND_TIMEOUT", 0.2)
    errors: list[str] = []
    UserCommand(["sleep", "60"], tmp_path, errors.append).run(AlarmEvents(FIVE), Path("/house"), NOW)
    wait_until(lambda: errors, 5.0, "it was ended")
    assert "ended after 0.2 s" in errors[0]


def test_without_a_command_nothing_runs(tmp_path: Path) -> None:
    errors: list[str] = []
    UserCommand([], tmp_path, errors.append).run(AlarmEvents(FIVE), Path("/house"), NOW)
    assert errors == []


@pytest.mark.parametrize("at", [253_402_345_000.0, 1e18, -1e18, float("inf"), float("nan")])
def test_a_time_that_no_date_can_tell_is_null(at: float) -> None:
    told = episode()
    told = replace(told, alarm=replace(told.alarm, since=at))
    assert episode_object(told)["since"] is None


def test_a_child_that_the_command_leaves_behind_is_not_waited_for(tmp_path: Path, wait_until: Wait) -> None:
    errors: list[str] = []
    command = UserCommand(["sh", "-c", "sleep 20 & echo $! > pid; echo no route >&2; exit 1"], tmp_path, errors.append)
    command.run(AlarmEvents(FIVE), Path("/house"), NOW)
    try:
        wait_until(lambda: errors, 10.0, "the command ended, its child did not")
        assert "ended with 1: no route" in errors[0]
    finally:
        os.kill(int((tmp_path / "pid").read_text()), signal.SIGKILL)
