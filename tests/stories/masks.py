"""Stories in which one cause stands and another comes: what groups, hides, settles or keeps alarms must not mask it.

Each says in its name what must be heard. `standing` is what must still be shown to the operator at its end.
"""

from __future__ import annotations

from dataclasses import dataclass

from mailcore.formats.timestamps import utc_time
from mailcore.model.activity import Kind
from mailcore.model.limit import SERVICE
from tests.stories.incidents import CUT_OFF, OVERLOADED
from tests.stories.made import HOUR, heard, story
from tests.stories.play import Acknowledge, Disk, Restart, Step, Story
from tests.stories.words import START, Life

FULL = "/house/.praxmonitor/sequence: No space left on device; no number can be taken"
SEGFAULT = "ended by SIGSEGV, no result object"
Shown = tuple[str, str]
"""(kind, address)."""


@dataclass(frozen=True)
class Mask:
    """A story, and what stands at its end for the operator to see, hidden alarms aside."""

    story: Story
    standing: frozenset[Shown]


def at_work(name: str, until: float, begin: float = 10) -> Life:
    """It was given a task, has read it, and shows a sign of life now and then."""
    life = Life(name).mail(5, seen_at=START + begin, unread=False, status="opened")
    return life.starts(begin).steady(begin + 10, until)


def waiting(name: str, second: float, until: float) -> Life:
    """It meets an overloaded service, and waits for its next try."""
    life = at_work(name, second)
    life.journal(second, "attempt_ended", exit=1, cause="API 529 (overloaded_error)", limited=True)
    why = f"the service is overloaded: {OVERLOADED}"
    return life.journal(
        second, "waiting", limited=True, until=utc_time(START + until), scope=SERVICE, resets="", why=why
    )


def parked(name: str, second: float, until: float) -> Life:
    """It meets an overloaded service, waits until then, and goes on."""
    life = waiting(name, second, until)
    return life.journal(until, "limit_over").journal(until, "attempt", n=2, pid=12).journal(until + 1, "running", n=2)


def fails(life: Life, second: float, why: str, result: str = "") -> Life:
    """Its only attempt ends so, and the run bounces."""
    life.journal(second, "attempt_ended", exit=1, cause=why)
    return life.ends(second, "bounced", reason=why, result=result)


def outage(*others: Life, name: str, more: tuple[tuple[str, float, str], ...], seconds: float = 3000) -> Story:
    """Two agents wait for the service from 60 to 2400; what is heard besides."""
    first, second = parked("a", 60, 2400).steady(2410, seconds), parked("b", 70, 2400).steady(2410, seconds)
    expected = (heard(60, "limit", ""), *(heard(at, kind, who) for kind, at, who in more))
    return story(name, seconds, first, second, *others, expected=expected)


def full_disk(*lives: Life, name: str, free: int, more: tuple[tuple[str, float, str], ...]) -> Story:
    """So many bytes are free from 100 to 1000; the alarm of it is over at 1065."""
    steps: tuple[tuple[float, tuple[Step, ...]], ...] = ((100, (Disk(free),)), (1000, (Disk(10**11),)))
    expected = (heard(102, "disk" if free == 0 else "disk_near", ""), *(heard(at, kind, who) for kind, at, who in more))
    return story(name, 2000, *lives, expected=expected, steps=steps, slack=8.0)


def chatter_then_silence() -> Story:
    """Signs 303 s apart, six times; after the last nothing more. That it came again is told once more."""
    life = at_work("writer", 20)
    for number in range(1, 7):
        life.does(20 + 303 * number, Kind.THINKING)
    return story(
        "speaks just after each limit, then never again: two, and it stands", 4000, life,
        expected=(heard(310.5), heard(623.5)),
    )  # fmt: skip


def failed_twice() -> Life:
    return fails(fails(at_work("writer", 100), 110, SEGFAULT).starts(200).steady(210, 300), 310, SEGFAULT)


def own_limit(name: str, second: float) -> Life:
    """It waits for a limit of its own account."""
    until = utc_time(START + 2800)
    life = at_work(name, second).journal(second, "attempt_ended", exit=1, cause="API 429", limited=True)
    facts = {"until": until, "resets": until, "scope": "5 h", "why": "usage limit of claude (5 h)"}
    return life.journal(second, "waiting", limited=True, **facts)


def codex(name: str, until: float) -> Life:
    life = Life(name, program="codex").mail(5, seen_at=START + 10, unread=False, status="opened")
    return life.starts(10).steady(20, until)


def refused(life: Life, words: str, begin: int, end: int) -> Life:
    """Its program tries again and again by itself."""
    for second in range(begin, end, 60):
        life.does(second, Kind.LIMIT, words, source="transcript")
    return life


def approval_asked() -> tuple[tuple[float, tuple[Step, ...]], ...]:
    mail = Life("operator").mail(500, is_task=False, priority="high", sender="@c", raw={"approval": {"tier": 1}})
    return tuple(mail.steps)


ASKED = outage(at_work("c", 3000), name="asked for an approval in an outage", more=(("approval", 500, "@operator"),))
MASKS = (
    Mask(outage(
        fails(at_work("c", 490), 500, SEGFAULT), name="a program crashes in an outage: it is told",
        more=(("bounced", 500, "@c"),),
    ), frozenset({("bounced", "@c")})),
    Mask(outage(
        fails(at_work("c", 490).does(495, Kind.ERROR, CUT_OFF, source="transcript"), 500, "exit 1, success", CUT_OFF),
        fails(at_work("d", 590), 600, "exit 1, error_during_execution"),
        name="two bounce in an outage, one of them for a reason of its own: that one alone is told",
        more=(("bounced", 600, "@d"),), seconds=2000,
    ), frozenset({("limit", ""), ("bounced", "@d")})),
    Mask(outage(
        at_work("c", 200).tool(200, None), name="hangs in a tool of its own in an outage: it is told",
        more=(("silence", 1100, "@c"),), seconds=2000,
    ), frozenset({("limit", ""), ("silence", "@c")})),
    Mask(outage(
        fails(codex("c", 490), 500, "exit 1: stream disconnected before completion"),
        name="another service's agent bounces in an outage: it is told", more=(("bounced", 500, "@c"),),
    ), frozenset({("bounced", "@c")})),
    Mask(outage(
        own_limit("c", 500), name="a limit of an account in an outage is another cause", more=(("limit", 500, ""),),
        seconds=2000,
    ), frozenset({("limit", "")})),
    Mask(outage(
        Life("c").mail(100, priority="high"), name="a task is stuck at an idle agent in an outage: it is told",
        more=(("stuck", 700, "@c"),), seconds=2000,
    ), frozenset({("limit", ""), ("stuck", "@c")})),
    Mask(outage(
        at_work("c", 400).dies(500), name="a supervisor dies in an outage: it is told",
        more=(("orphaned", 500, "@c"),), seconds=2000,
    ), frozenset({("limit", ""), ("orphaned", "@c")})),
    Mask(story(
        ASKED.name, ASKED.seconds, parked("a", 60, 2400).steady(2410, 3000), parked("b", 70, 2400).steady(2410, 3000),
        at_work("c", 3000), expected=ASKED.expected, steps=approval_asked(),
    ), frozenset({("approval", "@operator")})),
    Mask(story(
        "its next attempt does not come when the service is back, and others wait still: it is told", 3000,
        parked("a", 60, 2900), waiting("b", 70, 600), expected=(heard(60, "limit", ""),
        heard(600 + 180, "silence", "@b")),
    ), frozenset({("limit", ""), ("silence", "@b")})),
    Mask(story(
        "its agent goes on, its urgent task stays where it is, others wait still: it is told", 3600,
        parked("a", 60, 3500), parked("b", 70, 1200).mail(100, "m2", priority="high").steady(1210, 3600),
        expected=(heard(60, "limit", ""), heard(1320, "stuck", "@b")), slack=700.0,
    ), frozenset({("limit", ""), ("stuck", "@b")})),
    Mask(story(
        "two services refuse, one after the other: two", 1000,
        refused(at_work("a", 60), "API 529", 60, 1000), refused(codex("b", 150), "stream error: 503", 160, 1000),
        expected=(heard(60, "limit", "@a"), heard(160, "limit", "@b")),
    ), frozenset({("limit", "@a"), ("limit", "@b")})),
    Mask(story(
        "bounced and acknowledged; an hour later another task is stuck there: it is told", 6000,
        fails(at_work("writer", 100), 110, SEGFAULT).mail(3700, "m2", priority="high"),
        steps=((200, (Acknowledge(),)),),
        expected=(heard(110, "bounced"), heard(4300, "stuck")),
    ), frozenset({("bounced", "@writer"), ("stuck", "@writer")})),
    Mask(story(
        "an outage is over, and another comes an hour later: two", 9000,
        parked("a", 60, 600).steady(610, 5000).journal(5000, "attempt_ended", exit=1, cause="API 529", limited=True)
        .journal(5000, "waiting", limited=True, until=utc_time(START + 9500), scope=SERVICE, resets="", why="529"),
        expected=(heard(60, "limit", ""), heard(5000, "limit", "")),
    ), frozenset({("limit", "")})),
    Mask(story(
        "acknowledged, and another cause of the same kind comes: it is told", 2000, parked("a", 60, 1900),
        own_limit("b", 500), expected=(heard(60, "limit", ""), heard(500, "limit", "")),
        steps=((200, (Acknowledge(),)),),
    ), frozenset({("limit", "")})),
    Mask(full_disk(
        fails(at_work("c", 490), 500, "exit 1, error_during_execution"), free=4 * 10**8,
        name="the disk is nearly full and takes what is written: a failure meanwhile is told",
        more=(("bounced", 500, "@c"),),
    ), frozenset({("bounced", "@c")})),
    Mask(full_disk(
        at_work("c", 80).tool(80, None), Life("d").mail(150, priority="high"), free=4 * 10**8,
        name="the disk is nearly full and takes what is written: who hangs meanwhile, and what is stuck, is told",
        more=(("silence", 980, "@c"), ("stuck", 750, "@d")),
    ), frozenset({("silence", "@c"), ("stuck", "@d")})),
    Mask(full_disk(
        at_work("c", 490).dies(500), free=4 * 10**8,
        name="the disk is nearly full and takes what is written: a supervisor that dies meanwhile is told",
        more=(("orphaned", 500, "@c"),),
    ), frozenset({("orphaned", "@c")})),
    Mask(full_disk(
        fails(at_work("c", 490), 500, SEGFAULT), free=0,
        name="a program crashes while the disk is full, for a reason of its own: it is told",
        more=(("bounced", 500, "@c"),),
    ), frozenset({("bounced", "@c")})),
    Mask(full_disk(
        at_work("c", 490).ends(500, replied=True).journal(500, "undelivered", to="@x", reason=FULL), free=0,
        name="what a full disk did stays when there is room: it is told then", more=(("undelivered", 1065, "@c"),),
    ), frozenset({("undelivered", "@c")})),
    Mask(full_disk(
        at_work("c", 490).dies(500).ends(900, "killed", by="@operator"), free=0,
        name="what a full disk did is mended before there is room: nothing more", more=(),
    ), frozenset()),
    Mask(story(
        "unreadable long before the disk was full: it is told, and stays", 1500,
        Life("c").mail(1, is_task=False).unreadable(40), steps=((500, (Disk(0),)), (1000, (Disk(10**11),))),
        expected=(heard(40, "unreadable", "@c"), heard(502, "disk", "")), slack=8.0,
    ), frozenset({("unreadable", "@c")})),
    Mask(story(
        "the disk is full, empty, full: one", 1000, Life("c"), expected=(heard(102, "disk", ""),), slack=8.0,
        steps=tuple((100.0 + 40 * n, (Disk(0 if n % 2 == 0 else 10**11),)) for n in range(8)),
    ), frozenset()),
    Mask(story(
        "the screen restarts while something is hidden: neither is told again", 900,
        at_work("c", 490).dies(500), expected=(heard(102, "disk", ""),), slack=8.0,
        steps=((100, (Disk(0),)), (600, (Restart(),))),
    ), frozenset({("disk", "")})),
    Mask(chatter_then_silence(), frozenset({("silence", "@writer")})),
    Mask(story(
        "failed, retried, failed again, nobody answered: two", 600, failed_twice(),
        expected=(heard(110, "bounced"), heard(310, "bounced")),
    ), frozenset({("bounced", "@writer")})),
    Mask(story(
        "failed, acknowledged, retried, failed again: two", 600, failed_twice(), steps=((150, (Acknowledge(),)),),
        expected=(heard(110, "bounced"), heard(310, "bounced")),
    ), frozenset({("bounced", "@writer")})),
    Mask(story(
        "failed, and the next run is well: nobody answered, so it stays in the list", 2 * HOUR,
        fails(at_work("writer", 100), 110, SEGFAULT).starts(200).steady(210, 2 * HOUR),
        expected=(heard(110, "bounced"),),
    ), frozenset({("bounced", "@writer")})),
    Mask(story(
        "two supervisors die ten minutes apart, of nothing common: two", 1500, at_work("a", 290).dies(300),
        at_work("b", 890).dies(900), expected=(heard(300, "orphaned", "@a"), heard(900, "orphaned", "@b")),
    ), frozenset({("orphaned", "@a"), ("orphaned", "@b")})),
    Mask(story(
        "silent and hidden by nothing, and a task of another agent is stuck: two", 1500, at_work("a", 50),
        Life("b").mail(100, priority="high"), expected=(heard(320, "silence", "@a"), heard(700, "stuck", "@b")),
    ), frozenset({("silence", "@a"), ("stuck", "@b")})),
    Mask(story(
        "a note about the watching changes: another cause", 600, Life("c"),
        notes=((100, ("watching by a look every 2 s only: limit",)), (300, ("who.json: permission denied",))),
        expected=(heard(100, "degraded", ""), heard(300, "degraded", "")),
    ), frozenset({("degraded", "")})),
)  # fmt: skip
