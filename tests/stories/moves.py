"""Stories of who has to move: circles of agents that wait for each other, the operator's own sessions and mail, and a
network that several miss at once."""

from __future__ import annotations

from typing import Any

from mailcore.config import Alarms, Config
from mailcore.model.activity import Kind
from mailcore.model.session import LiveSession
from tests.stories.made import HOUR, finished, heard, story, working
from tests.stories.play import Heard, Story
from tests.stories.words import START, Life

DAY = 86_400.0
REFUSED = "API Error: Unable to connect to API (ECONNREFUSED)"


def waits(name: str, second: float, on: str, *, subject: str = "Build it") -> Life:
    """An agent at work that waits for the answer of others, in a command that ends when one comes."""
    return Life(name).starts(second - 10).journal(second, "awaits", on=on, subject=subject, pid=12)


def circle(name: str, *lives: Life, at: float, ends: float | None = None, until: float = 400) -> Story:
    """A circle that closes at `at`, and that somebody breaks at `ends`."""
    told: tuple[Heard, ...] = (heard(at + 5, "deadlock", ""),)
    over = (heard(ends, "over deadlock", ""), heard(ends, "clear", "")) if ends is not None else ()
    return story(name, until, *lives, expected=(*told, *over))


def broken() -> Life:
    """One of a circle of two, whose mail is answered at 200: it goes on, and answers."""
    return finished(waits("b", 60, "@a").journal(200, "awaited", pid=12).steady(201, 240), 250)


def restarted(second: float) -> Life:
    """It waits, is killed and waits again in a run of its own."""
    first = waits("b", 60, "@a").ends(second, "killed", by="@operator")
    return first.starts(second + 20).journal(second + 30, "awaits", on="@a", subject="Again", pid=13)


CIRCLES = (
    circle("two wait for each other", waits("a", 50, "@b"), waits("b", 60, "@a"), at=60),
    circle("three wait in a circle", waits("a", 50, "@b"), waits("b", 60, "@c"), waits("c", 70, "@a"), at=70),
    circle(
        "four wait in a circle", waits("d", 50, "@a"), waits("a", 55, "@b"), waits("b", 60, "@c"), waits("c", 80, "@d"),
        at=80,
    ),
    circle(
        "a circle, and one more that waits for it", waits("a", 50, "@b"), waits("b", 60, "@a"), waits("c", 70, "@a"),
        at=60,
    ),
    circle(
        "each waits for any of the two others", waits("a", 50, "@b, @c"), waits("b", 60, "@a, @c"),
        waits("c", 70, "@a, @b"), at=70,
    ),
    circle(
        "a circle is broken when one is answered", finished(waits("a", 50, "@b").journal(260, "awaited", pid=12), 270),
        broken(), at=60, ends=200,
    ),
    circle(
        "a circle is broken by a kill", waits("a", 50, "@b"), waits("b", 60, "@a").ends(200, "killed", by="@operator"),
        at=60, ends=200,
    ),
    story(
        "two circles are two alarms", 400, waits("a", 50, "@b"), waits("b", 60, "@a"), waits("c", 70, "@d"),
        waits("d", 80, "@c"), expected=(heard(65, "deadlock", ""), heard(85, "deadlock", "")),
    ),
    story(
        "a circle that closes again is another", 400, waits("a", 50, "@b"), restarted(200),
        expected=(
            heard(65, "deadlock", ""), heard(200, "over deadlock", ""), heard(200, "clear", ""),
            heard(235, "deadlock", ""),
        ),
    ),
    # None of these is a circle.
    story("one waits for one at work", 400, waits("a", 50, "@b"), Life("b").starts(40).steady(50, 400)),
    story("one waits for an idle one", 400, waits("a", 50, "@b"), Life("b").mail(5, is_task=False)),
    story("a chain whose last one works", 400, waits("a", 50, "@b"), waits("b", 60, "@c"), Life("c").starts(40).steady(
        50, 400)),
    story(
        "a circle with an exit: one also waits for an agent at work", 400, waits("a", 50, "@b"),
        waits("b", 60, "@a, @c"),
        Life("c").starts(40).steady(50, 400),
    ),
    story(
        "a circle with an exit to the operator", 400, waits("a", 50, "@b"), waits("b", 60, "@a, @operator"),
        expected=(heard(60, "waiting", "@b"),),
    ),
    story(
        "two wait for each other for a moment: their answers cross", 400,
        finished(waits("a", 50, "@b").journal(62, "awaited", pid=12), 90),
        finished(waits("b", 60, "@a").journal(61, "awaited", pid=12), 90),
    ),
    story(
        "one that waits is in a tool again: it did not wait any more", 400,
        waits("a", 50, "@b"), waits("b", 60, "@a").tool(62, 390, text="make"),
    ),
)  # fmt: skip


def fails(name: str, second: float, why: str = "exit 1, " + REFUSED) -> Life:
    """A run that bounces."""
    return Life(name).starts(10).steady(20, second).ends(second, "bounced", reason=why)


def bounced(second: float, who: str) -> Heard:
    return heard(second, "bounced", who)


NETWORKS = (
    story(
        "two runs bounce for want of a network, and nobody retries: hidden in it, and up again when it is over", 1000,
        fails("a", 100), fails("b", 160),
        expected=(
            bounced(100, "@a"), heard(160, "network", ""), heard(100 + 600 + 60, "over network", ""),
            bounced(760, "@a"),
        ),
    ),
    story(
        "the network comes back: both work again", 600,
        fails("a", 100).starts(200).steady(210, 600), fails("b", 160).starts(220).steady(230, 600),
        expected=(
            bounced(100, "@a"), heard(160, "network", ""), heard(200, "over bounced", "@a"),
            heard(200 + 60, "over network", ""), heard(260, "clear", ""),
        ),
    ),
    story(
        "sessions at work report that they cannot connect", 400,
        working(90).does(100, Kind.ERROR, "API Error: Connection error.", source="transcript"),
        Life("b").starts(10).steady(20, 90).does(
            110, Kind.WARNING, "API error (ENOTFOUND), attempt 3 of 10", source="transcript"),
        expected=(heard(110, "network", ""),),
    ),
    story(
        "one has failed for good and the other tries again", 400, fails("a", 100),
        Life("b").starts(10).steady(20, 90)
        .journal(120, "attempt_ended", exit=1, cause="exit 1: getaddrinfo EAI_AGAIN api.openai.com")
        .journal(120, "waiting", until="2027-01-15T12:06:15+00:00", why="exit 1"),
        expected=(bounced(100, "@a"), heard(120, "network", "")),
    ),
    # None of these is the network's fault.
    story("one alone cannot connect", 400, fails("a", 100), Life("b").starts(10).steady(20, 400), expected=(
        bounced(100, "@a"),)),
    story(
        "two fail for the network half an hour apart", 2200, fails("a", 100), fails("b", 1900),
        expected=(bounced(100, "@a"), bounced(1900, "@b")),
    ),
    story(
        "two fail, one for the network", 400, fails("a", 100), fails("b", 120, "exit 1, error_max_turns"),
        expected=(bounced(100, "@a"), bounced(120, "@b")),
    ),
    story(
        "what two agents work on cannot connect", 400,
        working(400).does(100, Kind.ERROR, "connection refused", source="log"),
        Life("b").starts(10).steady(20, 400).does(105, Kind.ERROR, "connection refused", source="log"),
    ),
    story(
        "two retried requests, answered in the end", 400,
        working(400).does(100, Kind.WARNING, "API error (ECONNRESET), attempt 1 of 10", source="transcript")
        .does(101, Kind.THINKING),
        Life("b").starts(10).steady(20, 400).does(
            130, Kind.WARNING, "API error (ECONNRESET), attempt 1 of 10", source="transcript").does(131, Kind.THINKING),
    ),
)  # fmt: skip


def letters(*seconds: float) -> Life:
    """Ordinary letters to the operator."""
    life = Life("operator")
    for number, second in enumerate(seconds):
        life.mail(second, f"m{number}", is_task=False, sender="@writer", subject=f"Note {number}")
    return life


UNREAD = (
    story(
        "ordinary letters to the operator lie unread for a day: one alarm for all", DAY + 8000, Life(),
        steps=tuple(letters(10, 20, 7000).steps), expected=(heard(10 + DAY, "unread", "@operator"),),
    ),
    story(
        "they are read at last", DAY + 2000, Life(),
        steps=tuple(letters(10, 20).mail(DAY + 500, "m0", unread=False, status="opened").mail(
            DAY + 500, "m1", unread=False, status="opened").steps),
        expected=(
            heard(10 + DAY, "unread", "@operator"), heard(DAY + 500, "over unread", "@operator"),
            heard(DAY + 500, "clear", ""),
        ),
    ),
    story(
        "letters to the operator are read within the day", DAY + 2000, Life(),
        steps=tuple(letters(10).mail(DAY - 500, "m0", unread=False, status="opened").steps),
    ),
    story(
        "what is urgent has an alarm of its own, and is no unread letter", DAY + 2000, Life(),
        steps=tuple(Life("operator").mail(10, is_task=False, priority="high", sender="@writer").steps),
        expected=(heard(610, "stuck", "@operator"),),
    ),
    story("ordinary letters to an agent lie unread for a day", DAY + 2000, Life().mail(10, is_task=False)),
    story(
        "a task is done without a reply: information, no alarm", 3 * 7200, working(60).ends(100, replied=False),
    ),
)  # fmt: skip

AWAY, HERE, UNKNOWN = False, True, None


def at_terminal(
    session: str = "s1", focused: bool | None = AWAY, *, pid: int = 7, began: float = -HOUR, typed: float = 0
) -> LiveSession:
    """A session at a terminal."""
    return LiveSession(pid, START + began, session, f"/dev/pts/{pid}", focused, START + typed if typed else 0.0)


def move(name: str, seconds: float, life: Life, *expected: Heard, **config: Any) -> Story:
    """A story of one's own sessions."""
    return story(name, seconds, life, expected=expected, config=Config(alarms=Alarms(repeat=(), **config)))


def ended(focused: bool | None = AWAY, until: float | None = 60) -> Life:
    """One session of one's own, whose turn began at 5."""
    return Life().live(1, at_terminal(focused=focused)).turn(5, until)


def over(second: float) -> tuple[Heard, ...]:
    return heard(second, "over your_move"), heard(second, "clear", "")


YOURS = (
    move("a session of one's own ends its turn behind another window", 400, ended(), heard(70, "your_move")),
    move(
        "a session of one's own that asks", 400,
        Life().live(1, at_terminal()).turn(5, 60, "All tests pass.\n**Shall I deploy it?**"), heard(70, "your_move"),
    ),
    move("its person answers: over", 400, ended().turn(200, None), heard(70, "your_move"), *over(200)),
    move(
        "each turn that ends is another", 400, ended().turn(200, 260), heard(70, "your_move"), *over(200),
        heard(270, "your_move"),
    ),
    move(
        "three sessions in one directory, two of them ended their turns", 400,
        Life().live(1, at_terminal(), at_terminal("s2", pid=8), at_terminal("s3", pid=9)).turn(5, 60)
        .turn(6, None, session="s2").turn(7, 100, session="s3"),
        heard(70, "your_move"), heard(110, "your_move"),
    ),
    move("its terminal has the focus", HOUR, ended(HERE)),
    move("its terminal loses the focus later", 400, ended(HERE).live(200, at_terminal()), heard(200, "your_move")),
    move(
        "its person comes to its terminal: over", 400, ended().live(200, at_terminal(focused=HERE)),
        heard(70, "your_move"), *over(200),
    ),
    move("nothing says where the focus is: after two minutes", 400, ended(UNKNOWN), heard(180, "your_move")),
    move(
        "nothing says it, and its person types there", 400,
        ended(UNKNOWN).live(150, at_terminal(focused=UNKNOWN, typed=150)), heard(270, "your_move"),
    ),
    move("always: also where the focus is", 400, ended(HERE), heard(70, "your_move"), your_move="always"),
    move("never told of one's own sessions", HOUR, ended(), your_move="never"),
    move("its program is ended: nobody waits", 400, ended().live(200), heard(70, "your_move"), *over(200)),
    move("a turn ended in a program that is gone", HOUR, Life().turn(5, 60)),
    move("a session of one's own, still at work", 400, ended(until=None).steady(20, 400)),
    move("another session than the one that lives ended its turn", HOUR, Life().live(1, at_terminal("s9")).turn(5, 60)),
    move(
        "a program that names no session: the newest turn is its", 400,
        Life().live(1, at_terminal("")).turn(5, 20, session="x").turn(40, 60, session="y"),
        heard(30, "your_move"), *over(40), heard(70, "your_move"),
    ),
    move("a program begun after the turn ended", HOUR, Life().turn(5, 60).live(100, at_terminal("", began=99))),
    move(
        "its subagents work on in the background", 400,
        ended(until=None).does(30, Kind.SUBAGENT, source="transcript", session="s1", subagent="a", tool_id="u")
        .does(60, Kind.TURN_END, source="transcript", session="s1")
        .does(200, Kind.SUBAGENT_DONE, source="transcript", session="s1", subagent="a", tool_id="u"),
        heard(200, "your_move"),
    ),
    move(
        "it asks for a permission: that is told, and nothing else", 400,
        ended(until=None).does(60, Kind.WAITING, "may I?", session="s1"), heard(60, "waiting"),
    ),
    move(
        "the turn of a supervised run ends", 200, Life().live(1, at_terminal("")).starts(10).does(
            20, Kind.PROMPT, session="r").does(60, Kind.TURN_END, session="r").does(65, Kind.THINKING, session="r"),
    ),
    move("the next turn begins at once, by a hook", 400, ended().turn(64, None).steady(65, 400)),
)  # fmt: skip

MOVES = (*YOURS, *CIRCLES, *NETWORKS, *UNREAD)
