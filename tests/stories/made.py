"""Stories made by hand, at the limits that ship. Each says in its name what must be heard, and why."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from mailcore.config import AgentConfig, Alarms, Config, UsageCaps
from mailcore.formats.timestamps import utc_time
from mailcore.model.activity import Kind
from mailcore.model.limit import Limit
from mailcore.model.message import Ack
from mailcore.observe.facts import Roster
from praxmonitor.alarms.missing_directories import BARE, NOTHING
from tests.stories.play import (
    MAILED,
    Acknowledge,
    Busy,
    ClockSet,
    Disk,
    Heard,
    Restart,
    Sleep,
    Snooze,
    Stands,
    Step,
    Story,
    Works,
)
from tests.stories.words import START, Life, done, roster

HOUR = 3600.0
QUIET = Config(alarms=Alarms(repeat=()))
"""No repetitions, where a story is not about them."""


def story(
    name: str, seconds: float, *lives: Life, expected: tuple[Heard, ...] = (), config: Config = QUIET,
    steps: tuple[tuple[float, tuple[Step, ...]], ...] = (), slack: float = 1.0,
    notes: tuple[tuple[float, tuple[str, ...]], ...] = (),
) -> Story:  # fmt: skip
    """A story of these agents; a roster first, then everything in order of time."""
    names = tuple(life.name for life in lives) or ("writer",)
    told = [(0.0, (roster(*names),)), *((at, (roster(*names, notes=said),)) for at, said in notes)]
    happened = [step for life in lives for step in life.steps]
    ordered = sorted([*told, *happened, *steps], key=lambda step: step[0])
    return Story(name, tuple(ordered), expected, seconds, config, START, slack)


HOME, MOVED = Path("/house/writer"), Path("/house/author")


def moved() -> Roster:
    """The registry names another directory for @writer."""
    writer, operator = roster("writer").agents
    return Roster((replace(writer, branch=MOVED), operator))


def working(until: float, *, every: float = 60.0) -> Life:
    """An agent with a run from second 10 on, and a sign of life now and then."""
    return Life().mail(5, seen_at=START + 12, unread=False, status="opened").starts(10).steady(20, until, every)


def week(used: float, resets_in: float = 3000.0) -> Limit:
    return Limit("claude", "week", False, used, START + resets_in, START, window=604_800.0)


def waits_for_a_limit(name: str, second: float) -> Life:
    """It meets a limit, waits until the tenth minute, and goes on."""
    until = utc_time(START + 600)
    facts = {"until": until, "resets": until, "account": "work", "scope": "5 h", "why": "usage limit of work (5 h)"}
    life = Life(name).mail(5, seen_at=START + 12, unread=False, status="opened").starts(10).steady(20, second)
    life.journal(second, "attempt_ended", exit=1, cause="API 429", limited=True)
    life.journal(second, "waiting", limited=True, **facts)
    life.journal(600, "attempt", n=2, pid=12).journal(601, "running", n=2)
    return life.steady(610, 900)


def finished(life: Life, second: float) -> Life:
    return life.mail(second, ack=done(second), status="opened").ends(second)


def heard(at: float, kind: str = "silence", who: str = "@writer") -> Heard:
    return at, kind, who


def again(kind: str, *seconds: float) -> tuple[Heard, ...]:
    return tuple(heard(second, f"again {kind}") for second in seconds)


# Silence, by phase. The last sign of `working(until)` is at 20 + n * 60 below `until`.
RAISING = (
    story("thinking, and nothing for 5 min", 600, working(100), expected=(heard(80 + 300),)),
    story("silent from its first sign on", 600, Life().starts(10), expected=(heard(10.5 + 300),)),
    story("inside a tool that does nothing for 15 min", 1300, working(100).tool(100, None), expected=(heard(1000),)),
    story(
        "a compaction that does not end in 10 min", 900, working(100).does(90, Kind.COMPACT),
        expected=(heard(690),),
    ),
    story(
        "a subagent without a word for 15 min", 1300, working(100).does(90, Kind.SUBAGENT, subagent="a1"),
        expected=(heard(990),),
    ),
    story(
        "the tool ended: the shorter limit holds again", 900, working(50).tool(50, 400), expected=(heard(700),),
    ),
    story(
        "the supervisor began and starts nothing", 400, Life().queued(10), expected=(heard(190),),
    ),
    story(
        "an attempt without its first sign, and nobody ends it", 400,
        (life := Life().queued(10)).at(10, life.record(10, "attempt", n=1, pid=11)), expected=(heard(190),),
    ),
    story(
        "the next attempt does not come", 500,
        (life := working(60)).journal(70, "attempt_ended", exit=1, cause="exit 1")
        .journal(70, "waiting", until="2027-01-15T12:01:15+00:00", why="exit 1"),
        expected=(heard(75 + 180),),
    ),
    story("another program's run goes quiet", 500, Life().foreign(10).does(30, Kind.LOG), expected=(heard(330),)),
    story(
        "a sign of life ends it, the next silence is another", 900, working(50).does(400, Kind.TOOL_DONE, tool="Bash"),
        expected=(heard(320), heard(410, "over silence"), heard(410, "clear", ""), heard(700)),
    ),
    story(
        "killed while silent: over, and no other alarm", 600, working(50).ends(400, "killed", by="@operator"),
        expected=(heard(320), heard(410, "over silence"), heard(410, "clear", "")),
    ),
    story(
        "the build's processes stop working, then silence", 3000,
        working(50).tool(50, None), steps=((60, (Works("@writer"),)), (1500, (Works("@writer", False),))),
        expected=(heard(1500 + 900),), slack=6.0,
    ),
    story(
        "a timer's wake that did not come", 4300, finished(Life().mail(5).starts(10).steady(20, 90), 100),
        expected=(heard(10 + HOUR + 360),),
        config=replace(QUIET, agents={"writer": AgentConfig(wake_every=HOUR)}),
    ),
    story(
        "a timer's wake of every agent that is missed", 4300, finished(Life().mail(5).starts(10).steady(20, 90), 100),
        expected=(heard(10 + HOUR + 360),),
        config=replace(QUIET, default_agent=AgentConfig(wake_every=HOUR)),
    ),
    story(
        "five agents at once are five", 600,
        *(Life(name).starts(10).does(40, Kind.THINKING) for name in ("one", "two", "three", "four", "five")),
        expected=tuple(heard(340, who=f"@{name}") for name in ("one", "two", "three", "four", "five")),
    ),
    story(
        "one is silent, its neighbours work", 900, working(50), *(Life(n).starts(10).steady(20, 900) for n in "ab"),
        expected=(heard(320),),
    ),
    # The operator is wanted.
    story(
        "asks for permission, is answered", 300,
        working(60).does(70, Kind.WAITING, "may I?").does(130, Kind.TOOL, tool="Bash", tool_id="x").does(
            140, Kind.TOOL_DONE, tool="Bash", tool_id="x"),
        expected=(heard(70, "waiting"), heard(130, "over waiting"), heard(130, "clear", "")),
    ),
    story(
        "asks by two events: one alarm, and no silence on top", 900,
        working(60).does(70, Kind.WAITING, "may I?").does(71, Kind.WAITING, "asks for permission"),
        expected=(heard(70, "waiting"),),
    ),
    story(
        "waits in a session of its own", 400, Life().does(5, Kind.PROMPT).does(20, Kind.WAITING, "which one?"),
        expected=(heard(20, "waiting"),),
    ),
    # Ends.
    story(
        "bounced after three attempts", 300, working(60).ends(100, "bounced", reason="exit 1"),
        expected=(heard(100, "bounced"),),
    ),
    story(
        "a wake fails: nobody's task", 300, Life().queued(10, task="", sender="").ends(60, "bounced", reason="exit 1"),
        expected=(heard(60, "failed"),),
    ),
    story(
        "bounced, and the bounce could not be delivered: one alarm of the two", 300,
        working(60).ends(100, "bounced", reason="exit 1").journal(100, "undelivered", to="@x", reason="no such agent"),
        expected=(heard(100, "undelivered"),),
    ),
    story(
        "done, and nobody could be told", 300,
        finished(working(60), 100).journal(101, "undelivered", to="@x", reason="disk full"),
        expected=(heard(101, "undelivered"),),
    ),
    story(
        "nobody could be told, then a newer run: it stands until it is acknowledged", 600,
        finished(working(60), 100).journal(101, "undelivered", to="@x", reason="disk full").starts(200)
        .steady(210, 600), steps=((400, (Acknowledge(),)),),
        expected=(heard(101, "undelivered"), heard(400, "over undelivered")),
    ),
    story(
        "nobody could be told, a newer run, a restart: it still stands, and is heard again", 500,
        finished(working(60), 100).journal(101, "undelivered", to="@x", reason="disk full").starts(200)
        .steady(210, 500), steps=((300, (Restart(),)),), config=Config(),
        expected=(heard(101, "undelivered"), *again("undelivered", 161, 281)),
    ),
    story(
        "its directory is deleted, and restored", 400, working(60).ends(70), steps=(
            (100, (Stands(HOME, NOTHING),)), (300, (Stands(HOME),)),
        ),
        expected=(heard(114, "gone"), heard(303, "over gone"), heard(303, "clear", "")), slack=6.0,
    ),
    story(
        "its disk is not mounted any more", 400, Life().mail(5, is_task=False),
        steps=((100, (Stands(HOME, BARE),)),), expected=(heard(114, "gone"),), slack=6.0,
    ),
    story(
        "its disk is not mounted, and the screen restarts: the same alarm goes on", 600, working(60).ends(70),
        steps=((100, (Stands(HOME, BARE),)), (300, (Restart(),)), (500, (Stands(HOME),))),
        expected=(heard(114, "gone"), heard(503, "over gone"), heard(503, "clear", "")), slack=6.0,
    ),
    story(
        "its disk is not mounted, and a mail makes a mailbox there", 400, Life(),
        steps=((100, (Stands(HOME, MAILED),)), (300, (Stands(HOME),))),
        expected=(heard(114, "gone"), heard(303, "over gone"), heard(303, "clear", "")), slack=6.0,
    ),
    story(
        "its directory is moved, and the registry is not changed", 400, Life(),
        steps=((100, (Stands(HOME, NOTHING), Stands(MOVED))),), expected=(heard(114, "gone"),), slack=6.0,
    ),
    story(
        "its directory is gone, and the screen restarts: the same alarm goes on", 600, Life(),
        steps=((100, (Stands(HOME, NOTHING),)), (300, (Restart(),)), (500, (Stands(HOME),))),
        expected=(heard(114, "gone"), heard(503, "over gone"), heard(503, "clear", "")), slack=6.0,
    ),
    story(
        "bounced, retried, done", 400,
        finished(working(60).ends(100, "bounced", reason="exit 1").starts(150).steady(160, 200), 220),
        expected=(heard(100, "bounced"), heard(150, "over bounced"), heard(150, "clear", "")),
    ),
    story(
        "the supervisor died, its lock stayed", 300, working(60).dies(70), expected=(heard(70, "orphaned"),),
    ),
    story(
        "a run is open and nobody holds its lock", 300, working(60).unlocked(70), expected=(heard(70, "orphaned"),),
    ),
    # Mail.
    story(
        "an unreadable mailbox, mended, broken again: two episodes", 600,
        Life().mail(1, is_task=False).unreadable(50).readable(200).unreadable(400),
        expected=(
            heard(50, "unreadable"), heard(200, "over unreadable"), heard(200, "clear", ""), heard(400, "unreadable"),
        ),
    ),
    story(
        "an urgent task that nobody starts", 1000, Life().mail(10, priority="high"), expected=(heard(610, "stuck"),),
    ),
    story(
        "an urgent letter unread", 1000, Life().mail(10, priority="high", is_task=False),
        expected=(heard(610, "stuck"),),
    ),
    story("a task that nobody starts in 2 h", 8000, Life().mail(10), expected=(heard(7210, "stuck"),)),
    story(
        "a task that was read and left", 8000, Life().mail(10).mail(100, seen_at=START + 100, unread=False),
        expected=(heard(7300, "overdue"),),
    ),
    story(
        "a task passed on and never answered", 8000,
        working(60).journal(90, "act", verb="dispatch", to="@other").ends(100, replied=False),
        expected=(heard(7300, "overdue"),),
    ),
    story(
        "at work for long, and its urgent task not even read", 1000, Life().mail(5, priority="high").starts(10).steady(
            20, 1000), expected=(heard(610.5, "stuck"),),
    ),
    # Errors, limits, the machine.
    story(
        "limited, tried, limited again: one alarm", 500,
        (life := working(60)).journal(70, "attempt_ended", exit=1, cause="429")
        .journal(70, "waiting", until="2027-01-15T12:01:50+00:00", why="429", limited=True)
        .journal(110, "attempt", n=2, pid=12).journal(111, "running", n=2)
        .journal(120, "attempt_ended", exit=1, cause="429")
        .journal(120, "waiting", until="2027-01-15T12:02:40+00:00", why="429", limited=True)
        .journal(160, "attempt", n=3, pid=13).journal(161, "running", n=3).steady(170, 500),
        expected=(heard(70, "limit", ""), heard(160 + 120, "over limit", ""), heard(280, "clear", "")),
    ),
    story(
        "four fifths of a limit are used, then it is reset", 4000,
        working(4000).limit(60, week(0.79)).limit(120, week(0.81)).limit(180, week(0.9))
        .limit(3000, week(0.01, 700_000)),
        expected=(heard(120, "limit_near", ""), heard(3000, "over limit_near", ""), heard(3000, "clear", "")),
    ),
    story(
        "three wait for one limit, and go on", 900,
        waits_for_a_limit("a", 60), waits_for_a_limit("b", 61), waits_for_a_limit("c", 62),
        expected=(heard(60, "limit", ""), heard(600 + 120, "over limit", ""), heard(720, "clear", "")),
    ),
    story(
        "ten dollars in a day, and no more was allowed", 300,
        working(300).spends(30, 6).spends(60, 3.99).spends(90, 0.01).spends(120, 5),
        expected=(heard(60, "cap_near"), heard(90, "cap"), heard(90, "over cap_near")),
        config=replace(QUIET, usage=UsageCaps(daily_cost=10)),
    ),
    story(
        "its program says that the service refuses", 300, working(60).does(70, Kind.LIMIT, "429").steady(100, 300),
        expected=(heard(70, "limit"),),
    ),
    story(
        "the disk is nearly full", 300, Life(), steps=((100, (Disk(10**8),)),), expected=(heard(102, "disk_near", ""),),
        slack=6.0,
    ),
    story(
        "the watcher runs by sweeps only", 300, Life(), notes=((60, ("watching by a look every 2 s only: limit",)),),
        expected=(heard(60, "degraded", ""),),
    ),
    story(
        "PraxMonitor itself is late again and again", 300, Life(), steps=((60, (Busy(3.0),)),),
        expected=(heard(79, "slow", ""),), slack=6.0,
    ),
    # What the operator answers; restarts; clocks.
    story(
        "nobody answers: heard again, soon at first", 1102, working(50), config=Config(),
        expected=(heard(320), *again("silence", 330, 350, 380, 440, 560, 680, 800, 920, 1040)), slack=3.0,
    ),
    story(
        "acknowledged: not heard again, and no all-clear for it", 1100,
        working(50).does(1000, Kind.TOOL_DONE, tool="Bash"), config=Config(), steps=((400, (Acknowledge(),)),),
        expected=(heard(320), heard(1010, "over silence")),
    ),
    story(
        "snoozed for 10 min: heard again then, and once more", 1200, working(50), config=Config(),
        steps=((400, (Snooze(600),)),),
        expected=(heard(320), *again("silence", 330, 350, 380, 1000, 1120)), slack=3.0,
    ),
    story(
        "the screen restarts: the same alarm is not raised again, its repetition comes when it is due", 600,
        working(50), config=Config(), steps=((400, (Restart(),)),),
        expected=(heard(320), *again("silence", 330, 350, 380, 440, 560)), slack=3.0,
    ),
    story(
        "acknowledged, then a restart: quiet", 900, working(50), config=Config(),
        steps=((400, (Acknowledge(),)), (500, (Restart(),))), expected=(heard(320),),
    ),
    story(
        "the clock jumps an hour ahead: the silence comes 5 min later, not at once", 900, working(50),
        steps=((100, (ClockSet(HOUR),)),), expected=(heard(400),),
    ),
    story(
        "silent before the laptop slept: still the same alarm after it", 900, working(50),
        steps=((400, (Sleep(8 * HOUR),)),), expected=(heard(320),),
    ),
    story(
        "silent after the laptop slept", 900, working(50), steps=((100, (Sleep(8 * HOUR),)),), expected=(heard(400),),
    ),
    story(
        "the clock goes back an hour: a silence is found all the same", 900, working(50),
        steps=((100, (ClockSet(-HOUR),)),), expected=(heard(400),),
    ),
)  # fmt: skip


def storm() -> Story:
    life = Life().starts(10).steady(20, 400)
    for number in range(12):
        life.does(100 + 3 * number, Kind.ERROR, f"connection refused ({number})", source="log")
    return story("ten errors in half a minute are a storm", 400, life, expected=(heard(127, "storm"),))


def slow_errors() -> Story:
    life = Life().starts(10).steady(20, 400)
    for number in range(20):
        life.does(100 + 8 * number, Kind.ERROR, "again", source="log")
    return story("an error now and then is no storm", 400, life)


def approval() -> Story:
    mail = Life("operator").mail(
        50, is_task=False, priority="high", sender="@writer", subject="Deploy?", raw={"approval": {"tier": 1}}
    )  # fmt: skip
    mail.gone(200)
    return story(
        "a request for approval, until it is decided", 400, Life(), steps=tuple(mail.steps),
        expected=(
            heard(50, "approval", "@operator"), heard(200, "over approval", "@operator"), heard(200, "clear", ""),
        ),
    )  # fmt: skip


def shifted(name: str, second: float, by: float, step: Step, every: float = 60.0) -> Story:
    """An agent works on while the wall's clock changes by `by` at `second`."""
    life = Life().mail(5, seen_at=START + 12, unread=False).starts(10).steady(20, second, every)
    life.shift = by
    return story(name, 2400, life.steady(second + 20, 2400, every), steps=((second, (step,)),))


def sleeping_tool() -> Story:
    life = working(100).tool(100, None)
    life.shift = 8 * HOUR
    life.does(500, Kind.TOOL_DONE, tool="Bash", tool_id="t100").steady(510, 1200)
    return story("the laptop sleeps in the midst of a tool", 1200, life, steps=((300, (Sleep(8 * HOUR),)),))


def many_sleeps() -> Story:
    steps: list[tuple[float, tuple[Step, ...]]] = [(100.0 * n, (Sleep(HOUR),)) for n in range(1, 10)]
    life = Life().starts(10).steady(20, 90)
    for number in range(1, 10):
        life.shift = HOUR * number
        life.does(100 * number + 50, Kind.THINKING)
    return story("the lid is opened for a minute, again and again", 1100, life, steps=tuple(steps))


def subagents() -> Story:
    life = working(100).tool(100, None, "Task", "review").does(101, Kind.SUBAGENT, subagent="a1", session="s1")
    for second in range(500, 2400, 600):
        life.does(second, Kind.TOOL, "Read", tool="Read", tool_id=f"u{second}", subagent="a1", session="s1")
    return story("a subagent at work for 40 min", 2400, life)


HEALTHY = (
    story("idle from beginning to end", HOUR, Life().mail(5, is_task=False)),
    story("no agent, no file", 600, Life()),
    story("works, replies, ends, and is idle for an hour", 2 * HOUR, finished(working(600), 620)),
    story("a tool of 14 min", 1300, working(100).tool(100, 940).steady(950, 1300)),
    story(
        "a build of 50 min whose processes work, and whose call gives it an hour", 3400,
        working(100).tool(100, 3100, timeout=HOUR).steady(3110, 3400),
        steps=((105, (Works("@writer"),)), (3095, (Works("@writer", False),))),
    ),
    story(
        "a long build, and the screen opens in the midst of it", 3400,
        working(100).tool(100, 3100, timeout=HOUR).steady(3110, 3400),
        steps=((105, (Works("@writer"),)), (2000, (Restart(),)), (3095, (Works("@writer", False),))),
    ),
    story(
        "a compaction of 9 min", 1300,
        working(100).does(100, Kind.COMPACT).does(640, Kind.COMPACTED).steady(660, 1300),
    ),
    subagents(),
    story("held while idle, with a task in its mailbox", 4 * HOUR, Life().held(1).mail(10)),
    story("held while it works", 900, working(900).held(100)),
    story(
        "queued behind a hold, released, done", 900,
        finished(Life().held(1).mail(5).held(300, "").starts(301).steady(310, 500), 520),
    ),
    story("a turn of one's own that one leaves", HOUR, Life().does(5, Kind.PROMPT).does(20, Kind.TOOL, tool="Bash")),
    story("a session of one's own, at work", 1500, Life().does(5, Kind.PROMPT).steady(20, 1500)),
    story(
        "the first attempt fails, the second works", 900,
        (life := working(60)).journal(70, "attempt_ended", exit=1, cause="exit 1")
        .journal(70, "waiting", until="2027-01-15T12:01:15+00:00", why="exit 1")
        .journal(75, "attempt", n=2, pid=12).journal(76, "running", n=2).steady(80, 900),
    ),
    story(
        "no sign in 90 s: the supervisor itself acts", 600,
        (life := Life().queued(10)).at(10, life.record(10, "attempt", n=1, pid=11))
        .journal(100, "attempt_ended", cause="no sign of life in 90 s").journal(
            100, "waiting", until="2027-01-15T12:01:45+00:00", why="no sign").journal(105, "attempt", n=2, pid=12)
        .journal(106, "running", n=2).steady(110, 600),
    ),
    story("killed by the operator, its task stays", 4 * HOUR, working(60).ends(100, "killed", by="@operator")),
    story("a run of 100 min on an ordinary task", 6100, working(6000)),
    story("an urgent task, read at once and worked on for 30 min", 1900, Life().mail(5, priority="high").mail(
        15, seen_at=START + 15, unread=False).starts(10).steady(20, 1900)),
    story("ordinary letters lie unread", 2 * HOUR + 600, Life().mail(5, is_task=False).mail(6, "m2", is_task=False)),
    slow_errors(),
    story("one late tick", 300, Life(), steps=((60, (Busy(8.0),)), (69, (Busy(0.0),)))),
    story(
        "the screen restarts while all is well", 1500, working(1500), steps=((300, (Restart(),)), (900, (Restart(),))),
    ),
    story(
        "a lock before its journal, for a moment", 300,
        finished(Life().mail(1).queued(10).starts(12).steady(20, 60), 90),
    ),
    story("another program's run, at work", 1500, Life().foreign(10).steady(20, 1500)),
    story(
        "its directory is made late", 900, Life(), steps=((0, (Stands(HOME, NOTHING),)), (300, (Stands(HOME, BARE),)),
                                                          (400, (Stands(HOME),))),
    ),
    story(
        "moved, and the registry follows in 4 s", 900, working(60).ends(70),
        steps=((100, (Stands(HOME, NOTHING), Stands(MOVED))), (104, (moved(),))),
    ),
    story(
        "the registry first, then moved", 900, working(60).ends(70),
        steps=((0, (Stands(MOVED, NOTHING),)), (100, (moved(),)), (104, (Stands(HOME, NOTHING), Stands(MOVED)))),
    ),
    story(
        "deleted, and taken out of the registry", 900, Life(), Life("other"),
        steps=((100, (Stands(HOME, NOTHING),)), (106, (roster("other"),))),
    ),
    shifted("the clock jumps an hour ahead", 600, HOUR, ClockSet(HOUR)),
    shifted("the clock goes back an hour", 600, -HOUR, ClockSet(-HOUR)),
    shifted("the clock jumps ahead, and 240 s lie between two signs", 600, HOUR, ClockSet(HOUR), 240),
    shifted("the laptop sleeps for 8 h", 600, 8 * HOUR, Sleep(8 * HOUR)),
    shifted("the machine is frozen for 20 min", 600, 1200, Sleep(1200, frozen=True)),
    sleeping_tool(),
    many_sleeps(),
)  # fmt: skip


def asking(name: str, *after: Heard, ends: bool = False) -> Story:
    """An agent without hooks asks, and waits in `mailcore wait`; it is approved at 1800, or its run is killed then."""
    life = Life().starts(10).journal(50, "act", verb="ask").journal(51, "act", verb="wait")
    life.journal(51, "awaits", on="@operator", subject="Deploy?", want="approval", pid=12)
    raw: dict[str, Any] = {"approval": {"tier": 1, "run": "r2"}}
    mail = Life("operator").mail(50, is_task=False, priority="high", sender="@writer", subject="Deploy?", raw=raw)
    if ends:
        life.ends(1800, "killed", by="@operator")
        mail.mail(1801, ack=Ack("lapsed", "its run is over", START + 1801))
    else:
        mail.gone(1800)
        life.journal(1800.5, "awaited", pid=12)
    return story(
        name, 2400, life, steps=tuple(mail.steps), expected=(heard(50, "approval", "@operator"), *after),
    )  # fmt: skip


def waiting_for_another() -> Story:
    life = Life().starts(10).journal(51, "awaits", on="@builder", subject="Build it", pid=12)
    return story(
        "waits an hour for another agent's result", HOUR, finished(life.journal(3500, "awaited", pid=12), 3550)
    )


ASKING = (
    asking(
        "asked and waits for half an hour: never silent; answered, and nothing more: silent then",
        heard(1800, "over approval", "@operator"), heard(1800, "clear", ""), heard(1800.5 + 300),
    ),
    asking(
        "a request lapses with a run that is killed",
        heard(1801, "over approval", "@operator"), heard(1801, "clear", ""), ends=True,
    ),
)  # fmt: skip

STORIES = (*RAISING, storm(), approval(), *ASKING, waiting_for_another(), *HEALTHY)
