"""The lines of the detail: what waits for the agent in view."""

from __future__ import annotations

from dataclasses import replace

from msgspec import structs

from mailcore.model.activity import Kind
from mailcore.model.message import Message
from mailcore.model.run import Phase
from mailcore.model.session import LiveSession
from praxmonitor.actions.confirm_texts import close_lines, start_lines, start_question
from praxmonitor.state.agent_details import AgentDetails, WaitingStart
from praxmonitor.text.lines import wrapped
from praxmonitor.widgets.agent_story import story_lines
from praxmonitor.widgets.detail import detail_lines, mail_line, process_lines, seen_lines, waiting_lines
from tests.clock import NOON
from tests.praxmonitor.fake_feed import FakeFeed, act, app_on, box, facts, lighthouse, mail, workspace

BUSY = "@writer is busy on 'Write chapter two' (PID 4200)"


def start(number: int, reason: str = BUSY, subject: str = "") -> WaitingStart:
    return WaitingStart(f"{number:08x}", NOON - 60 * number, subject or f"Chapter {number}", reason)


def text(lines: object) -> str:
    return "\n".join("".join(part for part, _ in line) for line in lines)  # type: ignore[attr-defined]


def test_what_waits_is_counted_and_its_reason_said_once() -> None:
    details = AgentDetails("@writer", starts=(start(9), start(8), start(2, "@writer is held by @operator: lunch")))
    lines = text(waiting_lines(details, NOON, 60)).splitlines()
    assert [line.split() for line in lines] == [
        ["3", "tasks", "wait", "x", "cancels", "one"],
        ["Chapter", "9", "9m"],
        ["Chapter", "8", "8m"],
        BUSY.split(),
        ["Chapter", "2", "2m"],
        ["@writer", "is", "held", "by", "@operator:", "lunch"],
    ]


def test_where_nothing_waits_nothing_is_said_and_of_many_the_rest_is_counted() -> None:
    assert not list(waiting_lines(None, NOON, 60)) and not list(waiting_lines(AgentDetails("@writer"), NOON, 60))
    many = text(waiting_lines(AgentDetails("@writer", starts=tuple(start(n) for n in range(9))), NOON, 60))
    assert "9 tasks wait" in many and "and 5 more" in many and many.count("PID 4200") == 1


def test_what_an_agent_named_is_harmless_and_fits() -> None:
    evil = AgentDetails("@writer", starts=(start(1, "\x1b[2J" + "why " * 90, "\x1b]0;owned\x07" + "x" * 200),))
    lines = text(waiting_lines(evil, NOON, 40)).splitlines()
    assert "\x1b" not in "".join(lines) and "\x07" not in "".join(lines)
    assert len(lines) == 4 and all(len(line) <= 40 for line in lines)


def test_the_detail_and_the_story_both_tell_what_waits() -> None:
    fleet = lighthouse()
    app = app_on(FakeFeed(fleet), workspace(fleet))
    status, details = app.snapshot.status("@writer"), AgentDetails("@writer", starts=(start(3),))
    for lines in (
        detail_lines(fleet.agents[0], status, details, NOON, 60, 40),
        story_lines(fleet.agents[0], status, details, NOON, 60),
    ):
        assert "waiting  1 task waits" in text(lines) and "Chapter 3" in text(lines)


def test_a_session_by_hand_is_said_where_no_run_is_at_work() -> None:
    """Seen by a stranger: `process none` beside a live session."""
    session = LiveSession(4711, NOON - 3600, terminal="/dev/pts/3\x1b[2J")
    writer = structs.replace(lighthouse().agents[0], sessions=(session,))
    for details in (None, AgentDetails("@writer")):
        said = text(process_lines(writer, details))
        assert said.startswith("by hand   pid 4711 at /dev/pts/3") and "since 11:00" in said
        assert "none" not in said and "\x1b" not in said
    both = text(process_lines(writer, AgentDetails("@writer", pid=1, alive=True, started_at=NOON)))
    assert "pid 1 " in both and "by hand" in both
    assert text(process_lines(facts("writer"), None)) == "none"
    status = app_on(FakeFeed(lighthouse()), workspace(lighthouse())).snapshot.status("@writer")
    assert "process  by hand" in text(detail_lines(writer, status, None, NOON, 60, 40))
    assert "process  by hand" in text(story_lines(writer, status, None, NOON, 60))


def test_the_detail_says_when_an_agent_was_seen_last_and_when_it_goes_on() -> None:
    fleet = lighthouse()
    assert text(seen_lines(fleet.agents[0], NOON)) == "11:59:57, 3s ago"
    assert (
        text(seen_lines(structs.replace(fleet.agents[0], last_active=0.0, activities=()), NOON))
        == "no sign of life yet"
    )
    run = fleet.agents[0].run
    assert run is not None
    waits = replace(run, phase=Phase.WAITING, next_at=NOON + 1800)
    assert text(seen_lines(structs.replace(fleet.agents[0], run=waits), NOON)).endswith("   next try 12:30")
    parked = replace(waits, limited=True)
    assert text(seen_lines(structs.replace(fleet.agents[0], run=parked), NOON)).endswith("   goes on 12:30")
    assert text(seen_lines(structs.replace(fleet.agents[0], run=parked), NOON + 3600)).endswith("   goes on now")
    asleep = fleet.agents[5]
    assert text(seen_lines(asleep, NOON, 600.0)).endswith("   timer 12:08"), "from its last run on"
    assert text(seen_lines(asleep, NOON + 900, 600.0)).endswith("   timer late since 12:08")


def test_what_room_is_left_tells_what_the_agent_did_lately_and_the_log_keeps_its_lines() -> None:
    builder = structs.replace(lighthouse().agents[4], activities=tuple(
        act("builder", Kind.LOG, f"step {number}", 60 - number) for number in range(30)
    ))  # fmt: skip
    status = app_on(FakeFeed(lighthouse()), workspace(lighthouse())).snapshot.status("@builder")
    details = AgentDetails("@builder", log_name="build.log", log=tuple(f"line {n}" for n in range(50)))
    for height in (20, 30, 40, 60, 90):
        lines = text(detail_lines(builder, status, details, NOON, 70, height)).splitlines()
        assert len(lines) <= max(height, 30)
        assert "line 49" in lines[-1] and "line 46" in lines[-4], "the log is not crowded out"
    assert "lately" in lines and "step 29" in "\n".join(lines)
    assert "lately" not in text(detail_lines(builder, status, details, NOON, 70, 20))


def test_the_question_before_a_start_says_what_the_last_one_came_to() -> None:
    builder = lighthouse().agents[4]
    assert start_question("retry", builder) == ("Run the last task of @builder again?", "Build the site")
    assert text(start_lines(builder, NOON, True, 60)).splitlines() == [
        "last run  bounced 1m ago: three attempts failed: exit 1",
        "BYPASS    it works without asking for permissions",
    ]
    new = facts("new", mailbox=box(mail(1, "@a", "s", 0), mail(2, "@a", "s", 0)))
    assert start_question("wake", new) == ("Wake @new?", "2 new mails wait for it")
    assert "no new mail" in start_question("wake", facts("new"))[1]
    assert text(start_lines(new, NOON, False, 60)) == "last run  none yet"


def test_the_mails_that_would_be_closed_are_listed_and_counted() -> None:
    lines = text(close_lines([mail(n, "@editor", f"Old {n}", 60) for n in range(12)], NOON, 60)).splitlines()
    assert len(lines) == 11 and lines[0].split() == ["@editor", "Old", "0", "1m"] and lines[-1] == "and 2 more"


def test_a_mail_that_was_rewritten_says_how_often() -> None:
    raw = {"from": "@writer", "subject": "progress", "timestamp": "2026-11-22 00:00:00", "updates": 3}
    message = Message.from_json(raw)
    assert "x3" in "".join(text for text, _ in mail_line(message, message.at, 60))
    once = Message.from_json({**raw, "updates": 1})
    assert "x" not in "".join(text for text, _ in mail_line(once, message.at, 60))


def test_a_reason_that_is_too_long_says_that_more_of_it_is_missing() -> None:
    short, long = "one two three", " ".join(f"word{n}" for n in range(60))
    assert wrapped(short, 40, 3) == [short]
    told = wrapped(long, 40, 3)
    assert len(told) == 3 and told[-1].endswith("…") and all(len(row) <= 40 for row in told)
    assert long.startswith(" ".join(told).removesuffix("…").rstrip())
    assert wrapped("x" * 200, 40, 2)[-1].endswith("…")
