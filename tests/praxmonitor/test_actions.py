"""The one table of actions."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from msgspec import structs

from mailcore.model.agent import OPERATOR
from mailcore.model.fleet import AgentFacts, Fleet
from mailcore.model.lock import Holder
from mailcore.model.message import Ack
from praxmonitor.actions.action import Action
from praxmonitor.actions.keymap import STANDARD, bindings
from praxmonitor.actions.preconditions import Situation, busy
from praxmonitor.actions.scope import (
    ACT,
    AGENT,
    ALARMS,
    ERRORS,
    EVERYWHERE,
    FLEET,
    LOGS,
    MAIL,
    MAILBOX,
    MOVE,
    REPLAY,
    STREAM,
    VIEWS,
)
from praxmonitor.actions.table import ACTIONS, BY_ID, SCOPES
from tests.praxmonitor.fake_feed import ROOT, lighthouse, lock


def test_no_key_means_two_things_on_one_screen() -> None:
    """Save those of which the one that can be done is elected."""
    both = {FLEET: set(), MAIL: {"N", "Y"}, ALARMS: {"a", "m", "A", "Y"}, ERRORS: {"m", "y", "L"}}
    for own, expected in both.items():
        scopes = (MOVE, own, ACT, EVERYWHERE)
        keys = Counter(key for action in ACTIONS if action.scope in scopes for key in action.default_keys)
        assert {key for key, times in keys.items() if times > 1} == expected


def test_in_the_view_of_alarms_a_key_is_the_chosen_alarms_first() -> None:
    scopes = (MOVE, ALARMS, ACT, EVERYWHERE)
    asked = structs.replace(lighthouse(), operator=_asked())
    assert asked.operator is not None
    for key, own, other in (("a", "acknowledge_alarm", "attach"), ("m", "mute_alarm", "compose")):
        assert STANDARD.elects(own, scopes, Situation(asked, "@editor")), key
        assert not STANDARD.elects(other, scopes, Situation(asked, "@editor")), key


def test_n_denies_where_a_request_is_open_and_says_why_not_where_it_expired() -> None:
    scopes = (MOVE, MAIL, ACT, EVERYWHERE)
    asked = structs.replace(lighthouse(), operator=_asked())
    assert asked.operator is not None
    request = asked.operator.mailbox.messages[0]
    expired = replace(request, ack=Ack("lapsed", "killed", 1.0))
    for message, message_open, action in (
        (request, True, "deny"), (request, False, "previous_need"), (expired, True, "deny"),
        (expired, False, "previous_need"), (lighthouse().agents[0].mailbox.messages[0], True, "previous_need"),
    ):  # fmt: skip
        now = Situation(asked, OPERATOR, message=message, message_open=message_open)
        assert STANDARD.elects(action, scopes, now), (action, message_open)
        assert bool(BY_ID["deny"].refusal(now)) is (message is not request or not message_open)


def _asked() -> AgentFacts:
    """The operator, of whom one request waits for a decision."""
    operator = lighthouse().operator
    assert operator is not None
    request = replace(operator.mailbox.messages[0], raw={"approval": {"tier": 1}})
    return structs.replace(operator, mailbox=replace(operator.mailbox, messages=(request,)))


def test_every_action_has_an_id_of_its_own_a_scope_and_a_help() -> None:
    assert len(BY_ID) == len(ACTIONS)
    assert all(action.help and action.label for action in ACTIONS)


def test_help_and_readme_list_the_scopes_in_the_order_of_the_table() -> None:
    assert SCOPES == (
        VIEWS, MOVE, FLEET, AGENT, STREAM, ALARMS, LOGS, ERRORS, ACT, MAIL, MAILBOX, EVERYWHERE, REPLAY,
    )  # fmt: skip


def test_a_row_without_a_handler_is_no_row() -> None:
    with pytest.raises(TypeError, match="handler"):
        Action("dance", "f", "dance", MOVE, "dance")  # type: ignore[call-arg]


def test_what_ends_processes_is_marked_dangerous() -> None:
    assert [action.id for action in ACTIONS if action.dangerous] == ["kill", "cut_log", "kill_all"]


def test_the_moment_asks_for_the_next_in_need_and_for_mail_that_is_not_in_view() -> None:
    fleet = lighthouse()

    def wanted(now: Situation) -> set[str]:
        return {action.id for action in ACTIONS if action.wanted(now)}

    assert wanted(Situation(fleet, "@writer", needing=["@editor"])) == {"next_need", "inbox"}
    assert wanted(Situation(fleet, "@writer")) == {"inbox"} and wanted(Situation(fleet, OPERATOR)) == set()
    assert wanted(Situation(structs.replace(fleet, operator=None), "@writer")) == set()


def test_bindings_come_from_the_table() -> None:
    made = {(binding.id, binding.key) for binding in bindings(ACT, EVERYWHERE)}
    assert made == {
        (action.id, key) for action in ACTIONS if action.scope in (ACT, EVERYWHERE) for key in action.default_keys
    }


def test_keys_are_spelled_as_a_person_reads_them() -> None:
    assert STANDARD.spoken("palette") == (":", "Ctrl+p")
    assert STANDARD.spoken("kill") == ("D",) and STANDARD.first("notices") == ""


def why(action: str, selected: str, fleet: Fleet | None = None) -> str:
    fleet = fleet or lighthouse()
    facts = fleet.find(selected)
    listed = facts.mailbox.messages if facts is not None else ()
    return BY_ID[action].refusal(Situation(fleet, selected, message=next(iter(listed), None)))


def test_a_kill_needs_something_that_runs() -> None:
    assert why("kill", "@writer") == ""
    assert why("kill", "@archivist") == "nothing runs at @archivist"
    assert "you" in why("kill", OPERATOR)
    assert why("kill", "") == "no agent is selected to kill"


def test_the_lock_of_a_dead_supervisor_can_be_killed_and_retried() -> None:
    fleet = lighthouse()
    orphan = structs.replace(fleet.agents[0], lock=lock(60, holder=Holder.DEAD))
    fleet = structs.replace(fleet, agents=(orphan, *fleet.agents[1:]))
    assert why("kill", "@writer", fleet) == ""
    assert why("retry", "@writer", fleet) == ""


def test_a_retry_needs_a_run_that_is_over() -> None:
    assert why("retry", "@writer") == "@writer is at work: kill its run first"
    assert why("retry", "@builder") == ""
    assert why("retry", "@archivist") == "@archivist has had no run to retry"


def test_of_an_alarm_of_an_earlier_run_nothing_else_is_repeated_moved_or_said_to_kill() -> None:
    fleet, earlier = lighthouse(), "20270115-110000-0001"

    def of(action: str, selected: str, run_id: str) -> str:
        return BY_ID[action].refusal(Situation(fleet, selected, run_id=run_id))

    told = of("retry", "@writer", earlier)
    assert told.startswith("@writer's last run is another by now: Write chapter two, at work") and "kill" not in told
    assert of("retry", "@builder", earlier) == "", "that very run"
    assert of("move", "@builder", earlier).startswith("@builder's last run is another by now: Build the site")
    last = fleet.agents[4].run
    assert last is not None and of("move", "@builder", last.run_id) == "" == of("move", "@builder", "")


def test_a_run_of_another_program_is_retried_and_told_like_ours() -> None:
    fleet = lighthouse()
    builder = fleet.agents[4]
    assert builder.run is not None
    theirs = structs.replace(builder, run=replace(builder.run, foreign=True))
    fleet = structs.replace(fleet, agents=(*fleet.agents[:4], theirs, *fleet.agents[5:]))
    assert why("retry", "@builder", fleet) == "" == why("copy", "@builder", fleet)


def test_a_wake_needs_an_idle_agent_that_nobody_holds() -> None:
    fleet = lighthouse()
    held = structs.replace(fleet.agents[-1], held="@archivist is held by @operator")
    assert why("wake", "@archivist") == ""
    assert why("wake", "@writer") == "@writer is at work"
    assert "you" in why("wake", OPERATOR)
    fleet = structs.replace(fleet, agents=(*fleet.agents[:-1], held))
    assert why("wake", "@archivist", fleet) == "@archivist is held by @operator: release (H) it first"
    assert why("hold", "@archivist", fleet) == "" == why("hold", "@writer", fleet)
    assert "you" in why("hold", OPERATOR, fleet)


def test_what_is_held_is_released_by_the_same_key() -> None:
    fleet, hold = lighthouse(), BY_ID["hold"]
    held = structs.replace(fleet, agents=(*fleet.agents[:-1], structs.replace(fleet.agents[-1], held="x")))
    assert hold.label_of(Situation(fleet, "@archivist")) == "hold" == hold.label_of(Situation(fleet))
    assert hold.label_of(Situation(held, "@archivist")) == "release"


def test_a_story_needs_a_run() -> None:
    assert why("copy", "@writer") == ""
    assert why("copy", "@archivist") == "@archivist has had no run to tell of"
    assert why("copy", "") == "no agent is selected to tell of"
    assert "you" in why("copy", OPERATOR)


def test_attaching_needs_an_idle_agent_whose_program_keeps_sessions() -> None:
    fleet = lighthouse()
    builder = fleet.agents[4]
    assert builder.run is not None and builder.run.attempt is not None
    kept = replace(builder.run, attempts=(replace(builder.run.attempt, session_id="5e55"),))
    told = structs.replace(fleet, agents=(*fleet.agents[:4], structs.replace(builder, run=kept), *fleet.agents[5:]))
    assert why("attach", "@builder", told) == ""
    assert why("attach", "@builder") == "@builder is a command agent: its program keeps no session"
    assert "@writer is at work" in why("attach", "@writer")
    assert "has had no run" in why("attach", "@archivist") and "you" in why("attach", OPERATOR)


def test_a_start_is_cancelled_for_an_agent_and_read_mail_closed_for_the_operator_alone() -> None:
    assert why("cancel", "@archivist") == "" == why("cancel", "@writer") == why("close_read", OPERATOR)
    assert why("cancel", OPERATOR) == "@operator is you: nothing to cancel"
    assert why("cancel", "") == "no agent is selected to cancel"
    assert "you can close only your own" in why("close_read", "@writer")


def test_kill_all_needs_something_that_runs() -> None:
    assert why("kill_all", "") == ""
    assert why("kill_all", "", Fleet(ROOT, lighthouse().agents[4:])) == "nothing runs in this workspace"
    assert [facts.address for facts in busy(lighthouse())] == ["@writer", "@researcher", "@editor", "@checker"]


def test_only_the_operators_own_mail_can_be_answered_or_closed() -> None:
    assert why("read", "@writer") == ""
    assert "@writer's mail" in why("reply", "@writer")
    assert "@writer's mail" in why("close", "@writer")
    assert "@writer's mail" in why("approve", "@writer")
    assert why("reply", OPERATOR) == ""
    assert why("read", "@archivist") == "no mail here to read"


def test_an_empty_workspace_explains_itself() -> None:
    assert why("view_agent", "", Fleet(ROOT)) == "there is no agent in this workspace"
    assert why("quit", "", Fleet(ROOT)) == ""


def test_the_key_table_is_current() -> None:
    tool = Path(__file__).parents[1] / "tools" / "keys_table.py"
    done = subprocess.run([sys.executable, str(tool), "--check"], capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done.stdout
