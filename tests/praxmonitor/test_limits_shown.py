"""Usage limits on the screen: the header, the card, what may be asked of a run that waits, the alarms."""

from __future__ import annotations

from dataclasses import replace

import pytest
from msgspec.structs import replace as changed

from mailcore.config import Config
from mailcore.model.fleet import AgentFacts, Fleet, State
from mailcore.model.limit import SERVICE, AccountLimits, Certainty, Limit
from mailcore.model.run import Phase
from mailcore.observe.state import state
from mailcore.text.units import soon
from praxmonitor.actions.confirm_texts import start_question
from praxmonitor.actions.preconditions import Situation, startable_again
from praxmonitor.alarms.alarm import Alarm, AlarmKind
from praxmonitor.alarms.rules.evaluate import AlarmRules
from praxmonitor.state.sound_status import SoundStatus
from praxmonitor.text.limits import header_spans
from praxmonitor.text.lines import width_of
from praxmonitor.widgets.card import card_lines
from praxmonitor.widgets.header import header_line
from praxmonitor.widgets.table import TableRow, row_line
from tests.clock import NOON
from tests.praxmonitor.fake_feed import attempt, facts, lock, run

RESET = NOON + 2 * 3600


def limit(scope: str, *, used: float | None = None, resets_at: float = RESET) -> Limit:
    return Limit("claude", scope, used is None, used, resets_at, NOON - 60, Certainty.REPORTED, window=18_000.0)


def account(name: str, *limits: Limit) -> AccountLimits:
    return AccountLimits(f"claude-{name}", "claude", name, limits)


def parked(name: str, *, resets_at: float = RESET, scope: str = "5 h", since: float = 30) -> AgentFacts:
    waiting = run(name, "Report", Phase.WAITING, since, (replace(attempt(1, 60, ended=since), limited=True),))
    waiting = replace(
        waiting, program="claude", account="work", limited=True, limit_scope=scope, resets_at=resets_at,
        next_at=resets_at or NOON + 300, reason="usage limit of work (5 h)",
    )  # fmt: skip
    return facts(name, lock=lock(60, "Report"), run=waiting)


def fleet(*agents: AgentFacts, limits: tuple[AccountLimits, ...] = ()) -> Fleet:
    return changed(Fleet(agents[0].agent.root, agents) if agents else Fleet(facts("x").agent.root), limits=limits)


def said(shown: Fleet, share: float = 0.8, *, words: bool = True) -> str:
    return "".join(text for text, _ in header_spans(shown, NOON, share, words=words))


def test_the_header_says_which_account_is_limited_until_when() -> None:
    shown = fleet(limits=(account("work", limit("5 h"), limit("week", resets_at=RESET + 3600)),))
    assert said(shown) == f"⧗ work until {soon(RESET + 3600, now=NOON)}" and said(shown, words=False) == "⧗1"
    assert said(changed(shown, limits=(account("work", limit("5 h", resets_at=NOON - 1)),))) == "", "it is over"
    assert said(changed(shown, limits=(account("work", limit(SERVICE)),))) == "", "no limit of the account"


def test_the_header_says_which_limit_is_near() -> None:
    limits = (
        account("work", limit("5 h", used=0.84), limit("week", used=0.2)),
        account("home", limit("week", used=0.7)),
    )
    assert said(fleet(limits=limits)) == "⧗ work 5 h 84%"
    assert said(fleet(limits=limits), 0.0) == "" and said(fleet(limits=limits), 0.9) == ""
    many = tuple(account(f"a{n}", limit("5 h")) for n in range(4))
    assert said(fleet(limits=(*many, *limits))).endswith(" +3") and said(fleet(limits=many), words=False) == "⧗4"


@pytest.mark.parametrize("width", [40, 60, 80, 120, 200])
def test_the_header_keeps_its_width(width: int) -> None:
    shown = fleet(limits=tuple(account(f"an account of long name {n}", limit("5 h")) for n in range(3)))
    both = tuple(header_spans(shown, NOON, 0.8, words=words) for words in (True, False))
    line = header_line(
        "lighthouse", {}, 0, None, SoundStatus("x"), NOON, width, limits=(both[0], both[1]), cost="≈$12.30 today"
    )
    drawn = "".join(text for text, _ in line)
    assert width_of(line) == width and "⧗" in drawn
    assert ("today" in drawn) == (width >= 100)


def test_a_card_and_a_row_say_when_it_goes_on() -> None:
    one = parked("writer")
    status = state(one, NOON, Config().alarms)
    assert status.state is State.LIMITED and status.reason == f"until {soon(RESET)}: usage limit of work (5 h)"
    card = "".join(text for text, _ in card_lines(one, status, NOON, 44, False)[0])
    assert f"limited {soon(RESET, now=NOON)}" in card
    assert "limited" in "".join(text for text, _ in row_line(TableRow(one, status, NOON), 120))
    unknown = state(parked("writer", resets_at=0.0), NOON, Config().alarms)
    assert unknown.reason.startswith("no reset known, next try ")


def test_a_run_that_waits_may_be_let_go_on_and_no_other_at_work() -> None:
    shown = fleet(
        parked("writer"), facts("editor", lock=lock(60, "Report"), run=run("editor", "Report", Phase.RUNNING, 3))
    )
    assert startable_again(Situation(shown, "@writer"), "retry") == ""
    assert "is at work" in startable_again(Situation(shown, "@editor"), "retry")
    question, subject = start_question("retry", parked("writer"))
    assert question == "Let @writer go on now?" and soon(RESET) in subject
    assert "nobody knows until when" in start_question("retry", parked("writer", resets_at=0.0))[1]


def alarms(shown: Fleet, kind: AlarmKind) -> list[Alarm]:
    return [alarm for alarm in AlarmRules(Config()).alarms(shown, NOON) if alarm.kind is kind]


def test_one_alarm_for_all_that_wait_for_one_limit() -> None:
    many = [parked(f"a{n}", since=30 + n) for n in range(10)]
    (alarm,) = alarms(fleet(*many), AlarmKind.LIMIT)
    assert "usage limit of work" in alarm.what and f"until {soon(RESET, now=NOON)}: 10 runs wait" in alarm.what
    assert "@a0, @a1, @a2 and 7 more" in alarm.seen
    (other,) = alarms(fleet(*many[:9]), AlarmKind.LIMIT)
    assert other.key == alarm.key, "one that goes on, or comes, makes no other alarm of it"
    two = alarms(fleet(*many, parked("b", resets_at=RESET + 3600)), AlarmKind.LIMIT)
    assert len(two) == 2
    (busy,) = alarms(fleet(parked("a", scope=SERVICE, resets_at=0.0)), AlarmKind.LIMIT)
    assert "overloaded" in busy.what


def test_an_alarm_before_the_limit_says_how_long_it_lasts() -> None:
    (alarm,) = alarms(fleet(limits=(account("work", limit("5 h", used=0.85)),)), AlarmKind.LIMIT_NEAR)
    assert "work (5 h) is near: 85% used" in alarm.what and "at this rate until" in alarm.seen
    assert alarms(fleet(limits=(account("work", limit("5 h", used=0.79)),)), AlarmKind.LIMIT_NEAR) == []
    assert alarms(fleet(limits=(account("work", limit("5 h")),)), AlarmKind.LIMIT_NEAR) == []
