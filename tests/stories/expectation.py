"""Stories of work of which something is expected that no supervisor expects: by a call, a session, a timer, hooks."""

from __future__ import annotations

from dataclasses import replace

from mailcore.config import AgentConfig, Alarms
from mailcore.model.activity import Activity, Kind
from mailcore.model.session import LiveSession
from mailcore.observe.facts import Seen, SessionsLive
from tests.stories.made import HOUR, QUIET, finished, heard, story, working
from tests.stories.play import Restart, Sleep, Step, Woken, Works
from tests.stories.words import START, Life

HERE = (0.0, (SessionsLive("@writer", (LiveSession(20, START, "s1"),)),))
LEFT = SessionsLive("@writer", ())
"""The program of @writer's own session runs from the beginning; it ends."""


def at(second: float, *things: Step) -> tuple[float, tuple[Step, ...]]:
    return second, things


def wrote(name: str, second: float) -> Seen:
    """One call that writes a file of the project, over at once."""

    def told(kind: Kind, *writes: str) -> Activity:
        moment, call = START + second, f"w{second:g}"
        return Activity(moment, f"@{name}", kind, "Edit: plan.md", "hooks", "Edit", call, "s1", writes=writes)

    return Seen(f"@{name}", (told(Kind.TOOL, "/house/plan.md"), told(Kind.TOOL_DONE)))


def typed(second: float = 10) -> Life:
    """A person's own session, and a prompt in it."""
    return Life().does(second, Kind.SESSION, session="s1").does(second + 2, Kind.PROMPT, "build it", session="s1")


OWN_SESSIONS = (
    story(
        "a tool of one's own session that never ends",
        1300,
        typed().tool(20, None),
        steps=(HERE,),
        expected=(heard(20 + 900),),
        slack=6.0,
    ),
    story(
        "a tool of one's own session, whose terminal was closed: idle",
        1300,
        typed().tool(20, None),
        steps=(HERE, at(300, LEFT)),
    ),
    story(
        "silent in one's own session, then its program is ended: over",
        1300,
        typed().tool(20, None),
        steps=(HERE, at(1000, LEFT)),
        slack=7.0,
        expected=(heard(920), heard(1010, "over silence"), heard(1010, "clear", "")),
    ),
    story(
        "silent in one's own session, then the tool ends",
        1300,
        typed().tool(20, 1000).does(1010, Kind.TURN_END, session="s1"),
        steps=(HERE,),
        slack=6.0,
        expected=(heard(920), heard(1010, "over silence"), heard(1010, "clear", ""), heard(1130, "your_move")),
    ),
    story(
        "one's own session after its turn waits for its person, however long",
        2 * HOUR,
        typed().tool(20, 400).does(410, Kind.TURN_END, session="s1"),
        steps=(HERE,),
        expected=(heard(410 + 120, "your_move"),),
    ),
    story(
        "a turn of one's own session that was left in the midst, with nothing open",
        HOUR,
        typed().tool(20, 30),
        steps=(HERE,),
    ),
    story(
        "a build in one's own session that uses the CPU for 19 min",
        1300,
        typed().tool(20, 1160).does(1165, Kind.TURN_END),
        steps=(HERE, at(25, Works("@writer")), at(1150, Works("@writer", False))),
    ),
    story(
        "a subagent of one's own session without a word",
        1300,
        typed().does(20, Kind.SUBAGENT, subagent="a1", session="s1"),
        steps=(HERE,),
        expected=(heard(20 + 900),),
        slack=6.0,
    ),
    story(
        "a subagent of one's own session that goes on beside other calls",
        800,
        typed().does(20, Kind.SUBAGENT, subagent="a1", session="s1").tool(25, 30),
        steps=(HERE,),
    ),
    story(
        "a tool of one's own session hangs, the screen is opened anew",
        1600,
        typed().tool(20, None),
        steps=(HERE, at(1200, Restart())),
        expected=(heard(920),),
        slack=6.0,
    ),
    story(
        "one's own session: the laptop sleeps in the midst of a tool",
        1700,
        typed().tool(20, None),
        steps=(HERE, at(500, Sleep(3600))),
        expected=(heard(500 + 900),),
        slack=6.0,
    ),
    story(
        "a session of one's own after a run that failed: its tool hangs",
        1700,
        working(50).ends(100, "bounced", why="exit 1").does(200, Kind.PROMPT, session="s1").tool(220, None),
        steps=(HERE,),
        expected=(heard(100, "bounced"), heard(220 + 900)),
        slack=6.0,
    ),
)

TIMEOUTS = (
    story(
        "a tool past its own timeout of 2 min",
        600,
        working(100).tool(100, None, timeout=120),
        expected=(heard(100 + 150),),
    ),
    story(
        "a tool that its own timeout ended",
        400,
        working(100).tool(100, 221, timeout=120).steady(225, 400),
    ),
    story(
        "past its own timeout, though its processes use the CPU",
        600,
        working(100).tool(100, None, timeout=120),
        steps=(at(105, Works("@writer")),),
        expected=(heard(250),),
        slack=6.0,
    ),
    story(
        "an own timeout of an hour moves no limit that the operator set",
        1300,
        working(100).tool(100, None, timeout=HOUR),
        expected=(heard(1000),),
    ),
    story(
        "two calls at once, one of which gives itself no time",
        1300,
        working(100).tool(100, None, timeout=60).tool(101, None, name="Read", text="x"),
        expected=(heard(1001),),
    ),
    story(
        "a call that was granted has its time from then on",
        700,
        working(100)
        .tool(100, 480, timeout=120)
        .does(101, Kind.WAITING, tool="Bash", tool_id="t100", session="s1")
        .states(360, waits=False, session="s1")
        .does(485, Kind.THINKING)
        .steady(500, 700),
        expected=(heard(101, "waiting"),),
    ),
    story(
        "a call that was granted, and then is past its own timeout",
        700,
        working(100)
        .tool(100, None, timeout=120)
        .does(101, Kind.WAITING, tool="Bash", tool_id="t100", session="s1")
        .states(360, waits=False, session="s1"),
        expected=(heard(101, "waiting"), heard(360 + 150)),
    ),
    story(
        "silence in a tool means never: also past its own timeout",
        1300,
        working(100).tool(100, None, timeout=120),
        config=replace(QUIET, alarms=Alarms(repeat=(), silence_tool=0.0, spin_tool=1200.0)),
    ),
    story(
        "a tool of one's own session past its own timeout",
        600,
        typed().tool(20, None, timeout=120),
        steps=(HERE,),
        expected=(heard(170),),
        slack=6.0,
    ),
)

SPIN_IN_TOOL = replace(QUIET, alarms=Alarms(repeat=(), spin_tool=1200.0))
SPINS = (
    story(
        "processes that use the CPU for ever, and not one line",
        HOUR,
        working(100).tool(100, None),
        steps=(at(105, Works("@writer")),),
        expected=(heard(1300, "spinning"),),
        slack=6.0,
        config=SPIN_IN_TOOL,
    ),
    story(
        "a spin ends with a line: over",
        2000,
        working(100).tool(100, 1600).steady(1610, 2000),
        steps=(at(105, Works("@writer")), at(1590, Works("@writer", False))),
        slack=6.0,
        expected=(heard(1300, "spinning"), heard(1610, "over spinning"), heard(1610, "clear", "")),
        config=SPIN_IN_TOOL,
    ),
    story(
        "a build that prints a line now and then spins never",
        2 * HOUR,
        working(100).tool(100, None).steady(110, 2 * HOUR, every=600),
        steps=(at(105, Works("@writer")),),
    ),
    story(
        "a spin of one's own session",
        1700,
        typed().tool(20, None),
        steps=(HERE, at(25, Works("@writer"))),
        expected=(heard(1220, "spinning"),),
        slack=6.0,
        config=SPIN_IN_TOOL,
    ),
    story(
        "a spin between tools: the program itself",
        1700,
        working(100),
        steps=(at(85, Works("@writer")),),
        expected=(heard(80 + 1200, "spinning"),),
        slack=6.0,
    ),
    story(
        "a build of an hour without a line is no spin yet",
        2 * HOUR,
        working(100).tool(100, 100 + HOUR).steady(110 + HOUR, 2 * HOUR),
        steps=(at(105, Works("@writer")), at(100 + HOUR, Works("@writer", False))),
    ),
    story(
        "a build of two hours without a line is one",
        7000,
        working(100).tool(100, None),
        steps=(at(105, Works("@writer")),),
        expected=(heard(5500, "spinning"),),
        slack=6.0,
    ),
    story(
        "no spin is wanted",
        HOUR,
        working(100).tool(100, None),
        steps=(at(105, Works("@writer")),),
        config=replace(QUIET, alarms=Alarms(repeat=(), spin=0.0, spin_tool=0.0)),
    ),
    story(
        "a spin where silence in a tool means never",
        1700,
        working(100).tool(100, None),
        steps=(at(105, Works("@writer")),),
        expected=(heard(1300, "spinning"),),
        slack=6.0,
        config=replace(QUIET, alarms=Alarms(repeat=(), silence_tool=0.0, spin_tool=1200.0)),
    ),
    story(
        "a spin, and the screen opens in the midst of it",
        1900,
        working(100).tool(100, None),
        steps=(at(105, Works("@writer")), at(1500, Restart())),
        expected=(heard(1300, "spinning"),),
        slack=6.0,
        config=SPIN_IN_TOOL,
    ),
)

HOOKS = (
    story(
        "hooks stop while the session goes on: told once",
        900,
        working(900).hooks_stop(300),
        expected=(heard(300, "hooks"),),
    ),
    story(
        "hooks that are set again: over",
        900,
        working(900).hooks_stop(300).hooks_again(500),
        expected=(heard(300, "hooks"), heard(500, "over hooks"), heard(500, "clear", "")),
    ),
    story(
        "the hooks of the next session stop too",
        900,
        working(900).hooks_stop(300).hooks_again(500).hooks_stop(700, session="s2"),
        expected=(heard(300, "hooks"), heard(700, "hooks")),
    ),
    story(
        "hooks stopped, and an hour later nobody is in that session any more",
        2 * HOUR,
        typed().steady(20, 300).hooks_stop(300).does(310, Kind.TURN_END, session="s1"),
        steps=(HERE,),
        expected=(heard(300, "hooks"), heard(310 + 120, "your_move"), heard(310 + HOUR, "over hooks")),
    ),
)

RUNAWAYS = (
    story(
        "a log runs away, and stops",
        600,
        working(600).log_grows(100, 250, 1e6),
        expected=(heard(130, "runaway_log"), heard(250 + 60 + 60, "over runaway_log"), heard(370, "clear", "")),
    ),
    story(
        "a log that pauses and goes on is told of once",
        600,
        working(600).log_grows(100, 200, 1e6).log_grows(290, 400, 1e6),
        expected=(heard(130, "runaway_log"), heard(400 + 60 + 60, "over runaway_log"), heard(520, "clear", "")),
    ),
    story("a log that grows as logs do", 600, working(600).log_grows(100, 500, 1e5)),
    story("much is written at once", 600, working(600).log_grows(100, 160, 1e7, steady=False)),
    story(
        "no runaway is wanted",
        600,
        working(600).log_grows(100, 500, 1e9),
        config=replace(QUIET, alarms=Alarms(repeat=(), runaway_log=0)),
    ),
)

WOKEN = replace(QUIET, agents={"writer": AgentConfig(wake_every=HOUR)})
FIRST_WAKES = (
    story(
        "a timer that never woke its agent",
        2 * HOUR,
        Life().mail(5),
        steps=(at(0, Woken("@writer")),),
        expected=(heard(HOUR + 360),),
        config=WOKEN,
        slack=6.0,
    ),
    story(
        "a timer that never woke its agent: the screen was opened in between",
        2 * HOUR,
        Life().mail(5),
        steps=(at(0, Woken("@writer")), at(2000, Restart())),
        expected=(heard(HOUR + 360),),
        config=WOKEN,
        slack=6.0,
    ),
    story(
        "a timer that woke its agent in time",
        HOUR + 900,
        Life().mail(5).starts(3600, task="").steady(3610, 3700).ends(3710),
        steps=(at(0, Woken("@writer")),),
        config=WOKEN,
    ),
    story(
        "wake_every was changed in the midst: its time begins anew",
        2 * HOUR,
        Life().mail(5),
        steps=(at(0, Woken("@writer")), at(3500, Woken("@writer"))),
        config=WOKEN,
    ),
    story(
        "a timer that finds no mail, hour after hour",
        5 * HOUR,
        Life().mail(5, unread=False, status="opened", is_task=False),
        steps=tuple(at(n * HOUR, Woken("@writer")) for n in range(6)),
        config=WOKEN,
    ),
    story(
        "a timer that finds no mail after a run, and then comes no more",
        4 * HOUR,
        finished(Life().mail(5).starts(10).steady(20, 90), 100),
        steps=(at(HOUR, Woken("@writer")), at(2 * HOUR, Woken("@writer"))),
        config=WOKEN,
        expected=(heard(3 * HOUR + 360),),
        slack=6.0,
    ),
    story(
        "a timer that finds no mail, and a screen that is opened later",
        2.9 * HOUR,
        finished(Life().mail(5).starts(10).steady(20, 90), 100),
        config=WOKEN,
        steps=(at(HOUR, Woken("@writer")), at(2 * HOUR, Woken("@writer")), at(2.4 * HOUR, Restart())),
    ),
    story(
        "no timer is told of",
        2 * HOUR,
        Life().mail(5),
        steps=(at(0, Woken("@writer")),),
    ),
    story(
        "held: no timer can wake it",
        2 * HOUR,
        Life().mail(5).held(10),
        steps=(at(0, Woken("@writer")),),
        config=WOKEN,
    ),
)

SHARED = (
    story(
        "two agents at work change one file, until one is done",
        400,
        Life().mail(5, seen_at=START + 12, unread=False, status="opened").starts(10).steady(20, 400),
        finished(
            Life("editor").mail(5, "m2", seen_at=START + 12, unread=False, status="opened").starts(10).steady(20, 300),
            300,
        ),
        steps=(
            at(100, wrote("writer", 100)),
            at(160, wrote("editor", 160)),
        ),
        expected=(heard(160, "same_file", "@editor"), heard(300, "over same_file", "@editor"), heard(300, "clear", "")),
    ),
)

EXPECTATION = (*OWN_SESSIONS, *TIMEOUTS, *SPINS, *HOOKS, *RUNAWAYS, *FIRST_WAKES, *SHARED)
