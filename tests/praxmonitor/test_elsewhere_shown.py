"""Sessions of nobody's on the screen: a row of their own kind, no key that acts, attach where their program allows."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest
from msgspec import structs

from mailcore.config import Config
from mailcore.dispatch.attach import job_attachment, session_attachment
from mailcore.exceptions import Refused
from mailcore.model.activity import Activity, Kind
from mailcore.model.agent import Agent
from mailcore.model.fleet import AgentFacts, Fleet, State
from mailcore.model.session import LiveSession
from mailcore.observe.facts import Roster, Seen, SessionsLive
from mailcore.observe.fold import apply
from mailcore.programs.claude import places
from praxmonitor.actions.preconditions import Situation, agent, background_job, holdable, runs, session
from praxmonitor.alarms.rules.evaluate import AlarmRules
from praxmonitor.cli.status import render, status
from praxmonitor.state.needs import needs_of
from praxmonitor.state.snapshot import EMPTY, next_snapshot
from praxmonitor.views.agent import AgentScreen
from praxmonitor.widgets.detail import detail_lines
from tests.clock import NOON
from tests.mailcore.conftest import House
from tests.praxmonitor.fake_feed import PATIENT, ROOT, FakeFeed, app_on, fleet_screen, lighthouse, text_of, until
from tests.praxmonitor.fake_feed import workspace as workspace_of

SESSION = "7e95e617-e61a-43a2-8952-80a10b22a7ea"
ROW = "~claude-7e95e617"


def stray(*, job: str = "", terminal: str = "/dev/pts/3") -> AgentFacts:
    """A session in the project's `src`, at work."""
    place = Agent(ROW, ROW[1:], ROOT / "src", "mend it, in src", ROOT, program="claude", session=SESSION)
    does = Activity(NOON - 20, ROW, Kind.TOOL, "cargo test", "session", session=SESSION)
    live = LiveSession(4711, NOON - 600, SESSION, terminal, job=job)
    return AgentFacts(place, activities=(does,), open=(does,), sessions=(live,), turn_open=True, last_active=NOON - 20)


def with_strays(fleet: Fleet, *strays: AgentFacts) -> Fleet:
    return structs.replace(fleet, elsewhere=strays)


def test_the_fold_keeps_them_beside_the_agents() -> None:
    facts = stray()
    fleet = lighthouse()
    roster = Roster(tuple(one.agent for one in fleet.agents), (), (facts.agent,))
    fleet = apply(fleet, [roster, Seen(ROW, facts.activities), SessionsLive(ROW, facts.sessions)], NOON)
    assert [one.address for one in fleet.elsewhere] == [ROW] and ROW not in [one.address for one in fleet.agents]
    found = fleet.find(ROW)
    assert found is not None and found.activities == facts.activities and found.sessions == facts.sessions
    assert fleet.shown[-1] is found and fleet.shown[:-1] == fleet.agents
    again = apply(fleet, [SessionsLive(ROW, facts.sessions)], NOON + 1)
    assert again is fleet, "nothing changed"
    gone = apply(fleet, [Roster(roster.agents)], NOON + 1)
    assert gone.elsewhere == () and gone.find(ROW) is None


def test_its_state_is_derived_beside_those_of_the_agents() -> None:
    first = next_snapshot(EMPTY, with_strays(lighthouse(), stray()), NOON, PATIENT.alarms)
    assert first.status(ROW).state is State.IN_TOOL and ROW not in first.statuses and ROW in first.shown_statuses
    assert ROW not in first.needs_me()
    same = next_snapshot(first, first.fleet, NOON + 0.1, PATIENT.alarms)
    assert same is first
    done = structs.replace(stray(), open=(), turn_open=False, turn_ended=NOON)
    second = next_snapshot(first, with_strays(first.fleet, done), NOON + 0.2, PATIENT.alarms)
    assert second.status(ROW).state is State.IDLE and second.status(ROW).reason == ""
    third = next_snapshot(second, with_strays(first.fleet), NOON + 0.3, PATIENT.alarms)
    assert third.elsewhere == {} and third.shown_statuses is third.statuses


@pytest.mark.anyio
async def test_it_has_a_row_of_its_own_kind_and_no_key_acts_on_it() -> None:
    app = app_on(FakeFeed(fleet := with_strays(lighthouse(), stray())), workspace_of(fleet), config=PATIENT)
    async with app.run_test(size=(160, 50)) as pilot:
        await until(pilot, lambda: "claude-7e95e617" in text_of(app), "its row")
        screen = fleet_screen(app)
        assert screen.grid.addresses[-1] == ROW and "~claude-7e95e617" in screen.grid.lines.text
        assert "mend it, in src" in screen.grid.lines.text and "cargo test" in screen.grid.lines.text
        screen.select_agent(ROW)
        await pilot.press("D")
        refusal = f"{ROW} is no agent of this project: it is shown, and nothing of it is asked"
        await until(pilot, lambda: refusal in {notice.text for notice in app.notices}, "it says why not")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, AgentScreen), "the view of one")
        await until(pilot, lambda: "cargo test" in text_of(app), "what it does")
        await pilot.press("escape")
        await until(pilot, lambda: fleet_screen(app).grid.selected == ROW, "back on its row")


def waiting_stray(*, focused: bool | None = None) -> AgentFacts:
    asks = Activity(NOON - 30, ROW, Kind.WAITING, "asks for permission: Bash: make", "hooks", "Bash", session=SESSION)
    facts = stray()
    (live,) = facts.sessions
    return structs.replace(facts, open=(), prompts=(asks,), sessions=(structs.replace(live, focused=focused),))


def test_one_that_waits_is_the_last_of_what_needs_the_operator_where_it_is_sure() -> None:
    known = next_snapshot(EMPTY, with_strays(lighthouse(), waiting_stray()), NOON, PATIENT.alarms)
    assert known.status(ROW).state is State.WAITING
    *before, last = needs_of(known, ())
    assert (last.address, last.words) == (ROW, f"{ROW} waiting: asks for permission: Bash: make")
    assert before and ROW not in {need.address for need in before}
    for other in (waiting_stray(focused=True), structs.replace(waiting_stray(), sessions=()), stray()):
        unsure = next_snapshot(EMPTY, with_strays(lighthouse(), other), NOON, PATIENT.alarms)
        assert needs_of(unsure, ()) == tuple(before), "its person sits there, or it may be gone, or it asks nothing"
    assert not [one for one in AlarmRules(PATIENT).alarms(known.fleet, NOON) if one.address == ROW]


@pytest.mark.anyio
async def test_the_key_of_what_needs_the_operator_goes_to_its_row() -> None:
    fleet = Fleet(ROOT, elsewhere=(waiting_stray(),))
    app = app_on(FakeFeed(fleet), workspace_of(fleet), config=PATIENT)
    async with app.run_test(size=(160, 50)) as pilot:
        await until(pilot, lambda: "claude-7e95e617" in text_of(app), "its row", 30)
        await pilot.press("n")
        said = f"1 of 1: {ROW} waiting: asks for permission: Bash: make"
        await until(pilot, lambda: said in {notice.text for notice in app.notices}, "it goes there", 30)
        assert fleet_screen(app).grid.selected == ROW


def test_what_is_said_of_it_names_neither_mail_nor_task() -> None:
    facts = stray(job="7e95e617")
    known = next_snapshot(EMPTY, with_strays(lighthouse(), facts), NOON, PATIENT.alarms)
    lines = ["".join(text for text, _ in line) for line in detail_lines(facts, known.status(ROW), None, NOON, 70, 40)]
    text = "\n".join(lines)
    assert "in the background   pid 4711, since" in text and "cargo test" in text and "mend it, in src" in text
    assert "no mailbox" not in text and "task" not in text


def test_acts_are_refused_and_attach_is_where_nobody_has_it_open() -> None:
    fleet = with_strays(lighthouse(), stray())
    now = Situation(fleet, ROW)
    for condition in (agent, runs, holdable):
        assert condition(now, "hold") == f"{ROW} is no agent of this project: it is shown, and nothing of it is asked"
    assert session(now, "attach") == (
        f"{ROW} is open at /dev/pts/3: go there; two in one session would overwrite each other"
    )
    assert session(Situation(with_strays(fleet, stray(job="7e95e617")), ROW), "attach") == ""
    alone = structs.replace(stray(), sessions=())
    assert session(Situation(with_strays(fleet, alone), ROW), "attach") == ""
    unknown = structs.replace(alone, agent=Agent(ROW, ROW[1:], ROOT, program="codex"))
    assert session(Situation(with_strays(fleet, unknown), ROW), "attach") == f"the session of {ROW} is not known yet"


def claude(directory: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """Where Claude Code keeps its sessions, and a program of that name, which alone is on PATH."""
    home, tool = directory / "claude", directory / "tools" / "claude"
    tool.parent.mkdir()
    tool.write_text(f"#!{sys.executable}\n")
    tool.chmod(0o755)
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", str(home))
    monkeypatch.setenv("PATH", str(tool.parent))
    return home, tool


def test_attach_joins_the_background_job_or_goes_on_in_the_session(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, tool = claude(tmp_path, monkeypatch)
    source = house.workspace.root / "src"
    one = Agent(ROW, ROW[1:], source, root=house.workspace.root, program="claude", session=SESSION)
    with pytest.raises(Refused, match="keeps no session"):
        session_attachment(house.workspace, Config(), "@operator", one, "")
    kept = places.directory(source, home) / f"{SESSION}.jsonl"
    kept.parent.mkdir(parents=True)
    kept.write_text("{}\n")
    found = session_attachment(house.workspace, Config(), "@operator", one, "7e95e617")
    assert found.argv == (str(tool), "attach", "7e95e617") and found.directory == source
    found = session_attachment(house.workspace, Config(), "@operator", one, "")
    assert found.argv == (str(tool), "--resume", SESSION)
    with pytest.raises(Refused, match="joins none"):
        session_attachment(house.workspace, Config(), "@operator", one, "--rm")


def test_status_tells_them_apart_from_the_agents() -> None:
    fleet = with_strays(lighthouse(), stray(job="7e95e617"))
    told = status(fleet, PATIENT, NOON)
    (one,) = told["elsewhere"]
    assert (one["address"], one["state"], one["background"], one["pid"]) == (ROW, "in tool", True, 4711)
    assert one["session"] == SESSION and one["directory"] == str(ROOT / "src") and one["dollars_today"] is None
    assert ROW not in [each["address"] for each in told["agents"]]
    text = render(told)
    assert "elsewhere in this project, 1 session" in text and f"{ROW}  in tool" in text
    assert "elsewhere" not in render(status(lighthouse(), PATIENT, time.time()))


def test_a_background_job_in_an_agent_s_directory_is_joined_too(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, tool = claude(tmp_path, monkeypatch)
    writer = house.agent("@writer")
    job = LiveSession(4711, NOON - 600, SESSION, job="7e95e617")
    facts = AgentFacts(writer, sessions=(LiveSession(4712, NOON - 700, "other", "/dev/pts/3"), job))
    assert background_job(facts) == job and session(Situation(Fleet(house.root, (facts,)), "@writer"), "attach") == ""
    assert background_job(AgentFacts(writer, sessions=facts.sessions[:1])) is None
    with pytest.raises(Refused, match="no program keeps the session"):
        job_attachment(house.workspace, Config(), "@operator", writer, job)
    kept = places.directory(writer.branch, home) / f"{SESSION}.jsonl"
    kept.parent.mkdir(parents=True)
    kept.write_text("{}\n")
    found = job_attachment(house.workspace, Config(), "@operator", writer, job)
    assert found.argv == (str(tool), "attach", "7e95e617") and found.directory == writer.branch
