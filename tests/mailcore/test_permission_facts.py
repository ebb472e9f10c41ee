"""What a program asks for is known of its agent: from the request of its hook, from its own report, and once."""
# ruff: noqa: F811 (a fixture is imported)

from __future__ import annotations

import json
import time

import pytest

from mailcore.config import Alarms
from mailcore.exceptions import Refused
from mailcore.model.agent import Agent
from mailcore.model.fleet import AgentFacts, Fleet, State
from mailcore.model.permission import PermissionAnswer
from mailcore.observe.facts import Fact, PermissionsRead
from mailcore.observe.fold import apply
from mailcore.observe.permission_requests import asked_of_operator
from mailcore.observe.reader import WorkspaceReader
from mailcore.observe.state import state
from mailcore.permissions.decide import decide_permission
from mailcore.permissions.store import PERMISSIONS, read_requests
from tests.mailcore.conftest import House, wait_until
from tests.mailcore.test_permissions import Asking, decide, waiting, watched  # noqa: F401

ASKS = "asks for permission: Bash: touch one"


class Looking:
    """What is known of @writer, by one look after another."""

    def __init__(self, house: House) -> None:
        self._reader = WorkspaceReader(house.workspace)
        self._fleet = apply(Fleet(house.root), self._reader.initial(), time.time())

    def look(self, *facts: Fact) -> AgentFacts:
        self._fleet = apply(self._fleet, (*self._reader.sweep(), *facts), time.time())
        found = self._fleet.find("@writer")
        assert found is not None
        return found

    def reason(self) -> str:
        found = state(self.look(), time.time(), Alarms())
        return found.reason if found.state is State.WAITING else str(found.state)

    def until(self, reason: str) -> None:
        wait_until(lambda: self.reason() == reason, 20, f"{reason}, not {self.reason()}")


def reports(agent: Agent, **event: object) -> None:
    """A line of its hooks."""
    known = {"ts": time.time(), "session_id": "s-1", "hook_event_name": "PermissionRequest", "tool_name": "Bash"}
    known["tool_input"] = {"command": "touch one"}
    agent.hooks_log.parent.mkdir(exist_ok=True)
    with agent.hooks_log.open("a") as file:
        file.write(json.dumps(known | event) + "\n")


@pytest.mark.parametrize("reported", ["not", "before", "after"])
def test_a_request_is_what_its_agent_waits_for_until_it_is_decided(
    house: House,
    watched: Agent,
    reported: str,
) -> None:
    looking = Looking(house)
    if reported == "before":
        reports(watched)
        looking.until(ASKS)
    asking = Asking(watched)
    (request,) = waiting(watched)
    looking.until(ASKS)
    since = asked_of_operator(looking.look())[0].at
    if reported == "after":
        reports(watched)
    found = looking.look()
    assert found.permissions == (request,) and len(found.prompts) == 1
    assert [(one.words, one.at) for one in asked_of_operator(found)] == [(ASKS, since)], "it began once"
    decide(house, watched, request, allow=True)
    assert asking.said() == {"behavior": "allow"}
    wait_until(lambda: looking.look().permissions == (), 20, "it is over")
    assert looking.look().prompts == () and looking.reason() != ASKS


def test_several_at_once_are_several(house: House, watched: Agent) -> None:
    looking = Looking(house)
    first = Asking(watched)
    waiting(watched)
    second = Asking(watched, tool_input={"command": "touch two", "description": "Look at the time"}, agent_id="sub-1")
    requests = waiting(watched, 2)
    looking.until(f"{ASKS} (and 1 more)")
    assert looking.look().permissions == requests
    decide(house, watched, requests[0], allow=True)
    assert first.said() == {"behavior": "allow"}
    looking.until("asks for permission: Bash: touch two")
    decide(house, watched, requests[1], allow=False, why="not today")
    assert second.said()["behavior"] == "deny"
    wait_until(lambda: not looking.look().prompts, 20, "nothing is asked")


def test_when_its_time_is_over_the_program_asks_itself(house: House, watched: Agent) -> None:
    house.workspace.config_file.write_text("[permissions]\nwait = 1\n")
    looking = Looking(house)
    asking = Asking(watched)
    (request,) = waiting(watched)
    looking.until(ASKS)
    assert asking.said() == {}
    wait_until(lambda: looking.look().permissions == (), 20, "it waits no more for us")
    assert looking.reason() == ASKS, "the program still waits for its person"
    with pytest.raises(Refused, match="nobody here answered"):
        decide(house, watched, request, allow=True)
    reports(watched, hook_event_name="PostToolUse")
    wait_until(lambda: not looking.look().prompts, 20, "it was answered there")


def test_a_request_whose_hook_died_is_gone_and_the_prompt_is_not(house: House, watched: Agent) -> None:
    looking = Looking(house)
    asking = Asking(watched)
    waiting(watched)
    looking.until(ASKS)
    asking.kill()
    wait_until(lambda: looking.look().permissions == (), 20, "nobody waits for an answer")
    assert looking.reason() == ASKS
    for left in (watched.mail_dir / PERMISSIONS).iterdir():
        left.unlink()


def test_who_comes_second_is_told_who_was_first(house: House, watched: Agent) -> None:
    asking = Asking(watched)
    (request,) = waiting(watched)
    decide(house, watched, request, allow=False, why="no")
    asking.said()
    assert read_requests(watched) == ()
    with pytest.raises(Refused, match=r"waits no more: @operator denied it at \d\d:\d\d"):
        decide_permission(house.workspace, watched, request, PermissionAnswer(True, "@operator"))


def test_a_request_of_a_run_that_was_dropped_as_a_prompt_still_waits(house: House, watched: Agent) -> None:
    looking = Looking(house)
    asking = Asking(watched)
    (request,) = waiting(watched)
    looking.until(ASKS)
    reports(watched, hook_event_name="Notification", session_id="s-1", notification_type="permission_prompt")
    reports(watched, hook_event_name="PreToolUse", tool_name="Read", tool_input={})
    found = looking.look()
    assert asked_of_operator(found)[0].words == ASKS
    assert looking.look(PermissionsRead("@writer", (request,))).permissions == (request,)
    decide(house, watched, request, allow=True)
    asking.said()
