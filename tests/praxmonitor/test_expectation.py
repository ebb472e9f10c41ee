"""What is expected where no supervisor works: seen on real processes and real files, by the screen's engine."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from msgspec import structs

from mailcore.config import AgentConfig, Alarms, Config
from mailcore.dispatch.control import wake_agent
from mailcore.dispatch.process.run_processes import own_sessions
from mailcore.exceptions import Refused
from mailcore.model.activity import Activity, Kind
from mailcore.model.agent import Agent
from mailcore.model.fleet import AgentFacts, Fleet, State
from mailcore.model.lock import Lock
from mailcore.model.machine_status import MachineStatus
from mailcore.model.run import Phase
from mailcore.observe.cpu import CpuActivity
from mailcore.observe.state import state
from mailcore.programs.registry import built_in
from mailcore.system.processes import command_line
from mailcore.workspace.create import create_workspace
from praxmonitor.alarms.alarm import Alarm, AlarmKind
from praxmonitor.alarms.engine import AlarmEngine
from praxmonitor.alarms.episode import AlarmEvents
from praxmonitor.alarms.machine_check import check_machine
from praxmonitor.alarms.own_sessions import session_roots
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


def in_tool(root: Path, at: float, name: str = "writer") -> AgentFacts:
    """An agent in whose own session a tool is open since then."""
    agent = Agent(f"@{name}", name.upper(), root / name, root=root)
    tool = Activity(at, agent.address, Kind.TOOL, "Bash: make", "hooks", "Bash", "t1", "s1")
    return AgentFacts(agent, turn_open=True, last_active=at, open=(tool,), activities=(tool,))


def raised(fleet: Fleet, now: float) -> list[Alarm]:
    """As `praxmonitor alarms` finds them."""
    found = check_machine(fleet, CONFIG, now)
    return list(AlarmRules(CONFIG).alarms(fleet, now, machine_status=found))


def test_a_session_of_ones_own_hangs_in_its_tool_while_its_program_runs(tmp_path: Path, begins: Start) -> None:
    begun = time.time()
    program = begins("claude", tmp_path / "writer")
    wait_until(lambda: own_sessions(built_in()), 10, "it is seen")
    one = in_tool(tmp_path, time.time())
    fleet = Fleet(tmp_path, (one,))
    assert session_roots([one], [one.agent]) == {"@writer": program.pid}
    assert raised(fleet, one.last_active + 1.9) == []
    (alarm,) = raised(fleet, one.last_active + 2.1)
    assert (alarm.kind, alarm.address, alarm.since) == (AlarmKind.SILENCE, "@writer", one.last_active + 2.0)
    assert alarm.what == "silent: an interactive session, in Bash: make" and "Esc" in alarm.remedy
    assert "kill (D)" not in alarm.text, "it has no run that could be killed"
    earlier = in_tool(tmp_path, begun - 60)
    assert session_roots([earlier], [earlier.agent]) == {}, "what was open before it began is another session's"
    program.kill()
    program.wait()
    assert raised(fleet, one.last_active + 2.1) == []
    gone = check_machine(fleet, CONFIG, one.last_active + 2.1)
    assert state(one, one.last_active + 2.1, CONFIG.alarms, gone).state is State.IDLE


@pytest.mark.parametrize(
    ("name", "where", "counts"),
    [("codex", "writer", True), ("claude", "writer/src", True), ("claude", "editor", False), ("vim", "writer", False)],
)
def test_only_an_agent_program_at_work_there_is_its_session(
    tmp_path: Path, begins: Start, name: str, where: str, counts: bool
) -> None:
    program = begins(name, tmp_path / where)
    wait_until(lambda: command_line(program.pid) == [str(tmp_path / "bin" / name).encode(), b"120"], 10, "it runs")
    one = in_tool(tmp_path, time.time())
    assert session_roots([one], [one.agent]) == ({"@writer": program.pid} if counts else {})


def test_of_nested_agents_a_session_is_the_inner_one_s(tmp_path: Path, begins: Start) -> None:
    program = begins("claude", tmp_path / "writer" / "notes")
    wait_until(lambda: command_line(program.pid) == [str(tmp_path / "bin" / "claude").encode(), b"120"], 10, "it runs")
    outer, inner = in_tool(tmp_path, time.time()), in_tool(tmp_path, time.time(), "writer/notes")
    agents = [outer.agent, inner.agent]
    assert session_roots([outer, inner], agents) == {"@writer/notes": program.pid}


def test_the_screen_s_engine_finds_it_too(tmp_path: Path, begins: Start) -> None:
    program = begins("claude", tmp_path / "writer")
    wait_until(lambda: command_line(program.pid) == [str(tmp_path / "bin" / "claude").encode(), b"120"], 10, "it runs")
    one = in_tool(tmp_path, time.time())
    other = in_tool(tmp_path, time.time(), "editor")
    fleet, clock = Fleet(tmp_path, (one, other)), Clock(one.last_active + 2.1)
    engine = AlarmEngine(CONFIG, tmp_path, None, period=0.5, clock=clock, work=CpuActivity().measure)
    snapshot = next_snapshot(EMPTY, fleet, clock(), CONFIG.alarms, engine.machine_status)
    suspects = engine.nearly_silent(snapshot)
    assert [facts.address for facts in suspects] == ["@writer", "@editor"]

    def looked() -> bool:
        _, work, gone = engine.check_machine(suspects, fleet)
        engine.update_machine_status(replace(engine.machine_status, work=work, gone_sessions=gone))
        return "@writer" in work and gone == {"@editor"}

    wait_until(looked, 10, "both were looked at, twice")
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
        "a hook event, or a line of its session or output, within 20 min ([alarms] spin)", "last heard",
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
