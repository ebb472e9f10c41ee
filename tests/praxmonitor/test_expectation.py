"""What is expected where no supervisor works: seen on real processes and real files, by the screen's engine."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from msgspec import structs

from mailcore.config import AgentConfig, Alarms, Config
from mailcore.dispatch.control import wake_agent
from mailcore.exceptions import Refused
from mailcore.model.activity import Activity, Kind
from mailcore.model.agent import Agent
from mailcore.model.fleet import AgentFacts, Fleet, State
from mailcore.model.lock import Lock
from mailcore.model.machine_status import MachineStatus
from mailcore.model.run import Phase
from mailcore.model.session import LiveSession
from mailcore.observe.cpu import CpuActivity
from mailcore.observe.fold import apply
from mailcore.observe.reader import WorkspaceReader
from mailcore.programs.registry import built_in
from mailcore.programs.session_processes import session_processes
from mailcore.workspace.create import create_workspace
from praxmonitor.alarms.alarm import Alarm, AlarmKind
from praxmonitor.alarms.engine import AlarmEngine
from praxmonitor.alarms.episode import AlarmEvents
from praxmonitor.alarms.machine_check import check_machine
from praxmonitor.alarms.rules.evaluate import AlarmRules
from praxmonitor.alarms.wake_signs import wake_signs
from praxmonitor.state.snapshot import EMPTY, next_snapshot
from tests.clock import NOON, Clock
from tests.mailcore.conftest import wait_until
from tests.praxmonitor.fake_feed import run
from tests.stories.expectation import EXPECTATION
from tests.stories.play import Story, play

Start = Callable[[str, Path], subprocess.Popen[bytes]]
CONFIG = Config(alarms=Alarms(silence_tool=2.0, silence=2.0))


@pytest.fixture
def begins(tmp_path: Path) -> Iterator[Start]:
    """Begins a program of that name in a directory, that does nothing."""
    started: list[subprocess.Popen[bytes]] = []

    def begin(name: str, directory: Path) -> subprocess.Popen[bytes]:
        directory.mkdir(parents=True, exist_ok=True)
        program = tmp_path / "bin" / name
        program.parent.mkdir(exist_ok=True)
        if not program.exists():
            shutil.copy(shutil.which("sleep") or "/bin/sleep", program)
        started.append(subprocess.Popen([program, "120"], cwd=directory))
        return started[-1]

    yield begin
    for process in started:
        process.kill()
        process.wait()


def in_tool(root: Path, at: float, name: str = "writer", *sessions: LiveSession) -> AgentFacts:
    """An agent in whose own session a tool is open since then."""
    agent = Agent(f"@{name}", name.upper(), root / name, root=root)
    tool = Activity(at, agent.address, Kind.TOOL, "Bash: make", "hooks", "Bash", "t1", "s1")
    return AgentFacts(agent, turn_open=True, last_active=at, open=(tool,), activities=(tool,), sessions=sessions)


def raised(fleet: Fleet, now: float) -> list[Alarm]:
    """As `praxmonitor alarms` finds them."""
    found = check_machine(fleet, CONFIG, now)
    return list(AlarmRules(CONFIG).alarms(fleet, now, machine_status=found))


def test_a_session_of_ones_own_hangs_in_its_tool_while_its_program_runs(tmp_path: Path, begins: Start) -> None:
    """As the files and the processes of the workspace tell it."""
    place = create_workspace(tmp_path / "project", [("writer", "agents/writer")])
    writer = place.agent("@writer")
    program = begins("claude", writer.branch)
    wait_until(lambda: list(session_processes(built_in())), 10, "its program is seen")
    at = time.time()
    call = {"tool_name": "Bash", "tool_use_id": "t1", "tool_input": {"command": "make"}, "session_id": "s1", "ts": at}
    writer.logs_dir.mkdir(parents=True, exist_ok=True)
    writer.hooks_log.write_text(json.dumps({"hook_event_name": "PreToolUse", **call}) + "\n")
    reader = WorkspaceReader(place)
    fleet = apply(Fleet(place.root), [*reader.initial(), *reader.live_sessions()], time.time())
    assert [session.pid for facts in fleet.agents for session in facts.sessions] == [program.pid]
    assert raised(fleet, at + 1.9) == []
    (alarm,) = raised(fleet, at + 2.1)
    assert (alarm.kind, alarm.address) == (AlarmKind.SILENCE, "@writer") and alarm.since == pytest.approx(at + 2.0)
    assert alarm.what == "silent: an interactive session, in Bash: make" and "Esc" in alarm.remedy
    assert "kill (D)" not in alarm.text, "it has no run that could be killed"
    assert alarm.seen.endswith("its processes idle")
    program.kill()
    program.wait()
    reader = WorkspaceReader(place)
    fleet = apply(Fleet(place.root), [*reader.initial(), *reader.live_sessions()], time.time())
    assert fleet.agents[0].tool is not None and raised(fleet, at + 2.1) == []


def test_the_screen_s_engine_looks_below_the_program_of_a_session(tmp_path: Path, begins: Start) -> None:
    program, at = begins("claude", tmp_path / "writer"), time.time()
    one = in_tool(tmp_path, at, "writer", LiveSession(program.pid, at - 1))
    other = in_tool(tmp_path, at, "editor")
    fleet, clock = Fleet(tmp_path, (one, other)), Clock(at + 2.1)
    looked_below: list[Collection[str]] = []
    work = CpuActivity()

    def measure(pids: Mapping[str, int], now: float, screens: Collection[str]) -> Mapping[str, float]:
        looked_below.append(screens)
        return work.measure(pids, now, screens)

    engine = AlarmEngine(CONFIG, tmp_path, None, period=0.5, clock=clock, work=measure)
    snapshot = next_snapshot(EMPTY, fleet, clock(), CONFIG.alarms, engine.machine_status)
    suspects = engine.nearly_silent(snapshot)
    assert suspects == {"@writer": program.pid}

    def looked() -> bool:
        _, found = engine.check_machine(suspects, fleet)
        engine.update_machine_status(replace(engine.machine_status, work=found))
        return "@writer" in found

    wait_until(looked, 10, "it was looked at, twice")
    assert all("@writer" in screens for screens in looked_below)
    snapshot = next_snapshot(snapshot, fleet, clock(), CONFIG.alarms, engine.machine_status)
    assert [snapshot.status(address).state for address in ("@writer", "@editor")] == [State.SILENT, State.IDLE]


def test_the_first_wake_is_waited_for_since_the_settings_and_the_agent_are_as_they_are(tmp_path: Path) -> None:
    woken = Config(agents={"writer": AgentConfig(wake_every=3600.0)})
    config_file, one = tmp_path / "config.toml", in_tool(tmp_path, 0.0)
    editor = in_tool(tmp_path, 0.0, "editor")
    assert wake_signs(config_file, woken, [one, editor]) == {}, "nothing is known"
    config_file.touch()
    os.utime(config_file, (NOON, NOON))
    assert wake_signs(config_file, woken, [one, editor]) == {"@writer": NOON}
    one.agent.passport.parent.mkdir(parents=True)
    one.agent.passport.touch()
    os.utime(one.agent.passport, (NOON + 50, NOON + 50))
    assert wake_signs(config_file, woken, [one]) == {"@writer": NOON + 50}
    one.agent.runs_dir.mkdir(parents=True)
    os.utime(one.agent.runs_dir, (NOON + 90, NOON + 90))
    assert wake_signs(config_file, woken, [one]) == {"@writer": NOON + 90}, "its runs were cleaned away then"
    ran = structs.replace(one, run=run("writer", "x", Phase.COMPLETED, 9))
    assert wake_signs(config_file, woken, [ran]) == {}


def test_a_wake_that_finds_no_mail_is_a_sign_of_its_timer(tmp_path: Path) -> None:
    place = create_workspace(tmp_path / "project", [("writer", "agents/writer")])
    woken = Config(agents={"writer": AgentConfig(wake_every=3600.0)})
    began = time.time() - 1
    former = replace(run("writer", "x", Phase.COMPLETED, 9), created_at=began - 9000)
    one = AgentFacts(place.agent("@writer"), run=former)
    with pytest.raises(Refused, match="no unread mail"):
        wake_agent(place, woken, "@operator", "@writer", if_mail=True)
    at = wake_signs(place.config_file, woken, [one])["@writer"]
    assert began <= at <= time.time() + 1
    fleet, rules = Fleet(place.root, (one,)), AlarmRules(woken)
    assert not rules.alarms(fleet, at + 3900, machine_status=check_machine(fleet, woken, at + 3900))
    (alarm,) = rules.alarms(fleet, at + 3960, machine_status=check_machine(fleet, woken, at + 3960))
    assert alarm.what == "silent: its timer did not wake it" and "when no mail waited" in alarm.seen


def test_a_timer_that_never_came_is_told_by_the_command_too(tmp_path: Path) -> None:
    woken = Config(agents={"writer": AgentConfig(wake_every=3600.0)})
    settings = tmp_path / ".praxmonitor" / "config.toml"
    settings.parent.mkdir()
    settings.touch()
    os.utime(settings, (NOON, NOON))
    one = AgentFacts(in_tool(tmp_path, 0.0).agent)
    fleet, rules = Fleet(tmp_path, (one,)), AlarmRules(woken)
    assert not rules.alarms(fleet, NOON + 3900, machine_status=check_machine(fleet, woken, NOON + 3900))
    (alarm,) = rules.alarms(fleet, NOON + 3960, machine_status=check_machine(fleet, woken, NOON + 3960))
    assert (alarm.what, alarm.since) == ("silent: its timer never woke it", NOON + 3960)
    assert "wake (w)" in alarm.remedy and "wake_every" in alarm.expected


def test_the_words_of_an_alarm_stay_while_it_stands() -> None:
    """Of a call that is past its own timeout while its processes are at it."""
    one = structs.replace(in_tool(Path("/"), NOON - 200), lock=Lock(7, NOON - 300))
    late = structs.replace(one, open=(structs.replace(one.open[0], timeout=120.0),))
    rules = AlarmRules(Config())
    first, second = (
        rules.alarms(Fleet(Path("/"), (late,)), now, machine_status=MachineStatus(work={"@writer": now - 1}))
        for now in (NOON, NOON + 20)
    )
    assert first == second and [alarm.kind for alarm in first] == [AlarmKind.SILENCE]
    assert "its processes use the CPU" in first[0].seen


TOLD = {
    "a tool of one's own session that never ends": (
        "silent: an interactive session, in Bash: make all", "the end of Bash: make all", "last sign of life",
        "go to its terminal: Esc",
    ),
    "a tool past its own timeout of 2 min": (
        "silent: Report, attempt 1/3, past its own timeout of 2 min in Bash: make all", "the end of Bash: make all",
        "last sign of life", "kill (D)",
    ),
    "processes that use the CPU for ever, and not one line": (
        "spinning: Report, attempt 1/3, on the CPU without one line in Bash: make all",
        "a hook event, or a line of its session or output, within 20 min ([alarms] spin_tool)", "last heard",
        "kill (D), then retry (r) it",
    ),
    "hooks stop while the session goes on: told once": (
        "hooks stopped", "a hook event at each tool call", "5 calls since", "mailcore hooks install @writer",
    ),
    "a timer that never woke its agent": (
        "silent: its timer never woke it", "a wake every 1 h (wake_every", "no run yet", "wake (w) it",
    ),
}  # fmt: skip


def told(story: Story) -> list[Alarm]:
    """Every alarm that the story raises."""
    alarms: list[Alarm] = []

    def keep(events: AlarmEvents) -> None:
        alarms.extend(episode.alarm for episode in events.raised)

    play(story, on_events=keep)
    return alarms


@pytest.mark.parametrize("name", TOLD)
def test_it_says_what_was_expected_what_was_seen_and_how_to_lift_it(name: str) -> None:
    (story,) = (one for one in EXPECTATION if one.name == name)
    (alarm,) = told(story)
    for words, part in zip(TOLD[name], (alarm.what, alarm.expected, alarm.seen, alarm.remedy), strict=True):
        assert words in part


@pytest.mark.parametrize("story", [one for one in EXPECTATION if one.expected], ids=lambda story: story.name)
def test_one_line_says_one_thing(story: Story) -> None:
    """No clause stands twice in an alarm, no moment does, and no two alarms of a story share one but its remedy."""
    alarms = told(story)
    for alarm in alarms:
        parts = (alarm.what, alarm.expected, alarm.seen, alarm.remedy)
        assert alarm.what and alarm.seen and alarm.remedy, parts
        clauses = [clause.strip() for part in parts for clause in re.split("[;,]", part) if part]
        assert len(clauses) == len(set(clauses)), clauses
        moments = re.findall(r"\d\d:\d\d(?::\d\d)?", alarm.text)
        assert len(moments) == len(set(moments)), alarm.text
    said = [(alarm.what, alarm.seen) for alarm in alarms]
    assert len(said) == len(set(said)), said
