"""Prompts that stand at the same time: of parallel calls, of subagents, told by one event or two."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailcore.model.activity import Activity
from mailcore.model.agent import Agent
from mailcore.model.fleet import AgentFacts, Fleet
from mailcore.observe.activities import from_hook
from mailcore.observe.facts import Roster, Seen, Stated
from mailcore.observe.fold import apply

ROOT = Path("/p")
START = 1_795_309_400.0


class Session:
    """Hook events of one session, and what of it stands."""

    def __init__(self, session: str = "s1") -> None:
        self.session, self._at = session, START
        self._fleet = apply(Fleet(ROOT), [Roster((Agent("@a", "A", ROOT / "a"),))], START)
        self.tell("UserPromptSubmit", prompt="go")

    def tell(self, event: str, **fields: object) -> None:
        self._at += 1
        line = json.dumps({"ts": self._at, "session_id": self.session, "hook_event_name": event, **fields}).encode()
        activity = from_hook(line, "@a", self._at + 1000)
        assert isinstance(activity, Activity)
        self._fleet = apply(self._fleet, [Seen("@a", (activity,))], self._at)

    def call(self, what: str, command: str, number: str, subagent: str = "") -> None:
        fields = {"tool_name": "Bash", "tool_input": {"command": command}, "tool_use_id": number}
        self.tell(what, **fields, **({"agent_id": subagent} if subagent else {}))

    def ask(self, command: str, subagent: str = "") -> None:
        fields: dict[str, object] = {"tool_name": "Bash", "tool_input": {"command": command}}
        self.tell("PermissionRequest", **fields, **({"agent_id": subagent} if subagent else {}))

    def state(self, waits: bool, after: float = 1.0, session: str = "") -> None:
        """The program itself says whether this session waits."""
        self._at += after
        said = Stated("@a", session or self.session, waits, self._at, "permission prompt" if waits else "")
        self._fleet = apply(self._fleet, [said], self._at)

    @property
    def facts(self) -> AgentFacts:
        facts = self._fleet.find("@a")
        assert facts is not None
        return facts

    @property
    def stands(self) -> list[str]:
        return [one.text for one in self.facts.prompts]


def test_another_calls_end_answers_no_prompt() -> None:
    session = Session()
    session.call("PreToolUse", "sleep 9", "t0")
    session.call("PreToolUse", "rm x", "t1")
    session.ask("rm x")
    session.tell("Notification", notification_type="permission_prompt", message="Claude needs your permission")
    session.call("PostToolUse", "sleep 9", "t0")
    assert session.stands == ["asks for permission: Bash: rm x"]
    session.call("PostToolUse", "rm x", "t1")
    assert session.stands == []


@pytest.mark.parametrize("order", list(itertools.permutations(("A", "B", ""))))
def test_each_of_several_is_answered_for_itself(order: tuple[str, ...]) -> None:
    session = Session()
    for name in ("A", "B", ""):
        session.call("PreToolUse", f"rm {name}", f"c{name}", name)
        session.ask(f"rm {name}", name)
    left = {"A", "B", ""}
    for name in order:
        assert len(session.stands) == len(left)
        session.call("PostToolUse", f"rm {name}", f"c{name}", name)
        left.remove(name)
        assert {one.subagent for one in session.facts.prompts} == left
    assert session.facts.waiting is None


def test_two_prompts_of_the_very_same_call_are_two() -> None:
    session = Session()
    for number in ("t0", "t1"):
        session.call("PreToolUse", "rm x", number)
    for _ in range(3):  # told a third time it is none of a third call
        session.ask("rm x")
    assert len(session.stands) == 2
    session.call("PostToolUse", "rm x", "t1")
    assert [one.tool_id for one in session.facts.prompts] == ["t0"]


@pytest.mark.parametrize("first", ["Notification", "PermissionRequest"])
def test_both_events_are_one_prompt_since_the_first(first: str) -> None:
    session = Session()
    session.call("PreToolUse", "rm x", "t0")
    tell = {
        "PermissionRequest": lambda: session.ask("rm x"),
        "Notification": lambda: session.tell("Notification", notification_type="permission_prompt", message="may I?"),
    }
    for event in sorted(tell, key=lambda name: name != first):
        tell[event]()
    (prompt,) = session.facts.prompts
    assert prompt.at == START + 3 and prompt.tool == "Bash"


@pytest.mark.parametrize("event", ["UserPromptSubmit", "Stop", "StopFailure"])
def test_the_turns_end_ends_its_own_prompts_and_no_subagents(event: str) -> None:
    session = Session()
    session.call("PreToolUse", "rm x", "t0")
    session.ask("rm x")
    session.call("PreToolUse", "rm y", "t1", "A")
    session.ask("rm y", "A")
    session.tell(event, prompt="on")
    assert [one.subagent for one in session.facts.prompts] == ["A"]
    session.tell("SubagentStop", agent_id="A")
    assert session.stands == []


def test_the_end_of_a_session_ends_all_that_it_asked() -> None:
    session = Session()
    session.ask("rm x")
    session.ask("rm y", "A")
    session.tell("SessionEnd", reason="exit")
    assert session.stands == []


def test_a_session_that_begins_ends_all() -> None:
    session = Session()
    session.call("PreToolUse", "rm y", "t1", "A")
    session.ask("rm y", "A")
    session.session = "s2"
    session.tell("SessionStart", source="startup")
    assert session.stands == []


def test_the_state_says_how_many_ask() -> None:
    from mailcore.config import Alarms
    from mailcore.observe.state import state

    session = Session()
    for number in range(3):
        session.call("PreToolUse", f"rm {number}", f"t{number}")
        session.ask(f"rm {number}")
    status = state(session.facts, session.facts.last_active + 1, Alarms())
    assert status.reason == "asks for permission: Bash: rm 0 (and 2 more)"


@given(st.lists(st.tuples(st.sampled_from(["call", "ask", "done"]), st.integers(0, 3), st.sampled_from(["", "A"]))))
def test_what_stands_are_calls_that_were_asked_for_and_did_not_end(steps: list[tuple[str, int, str]]) -> None:
    """Compared with a plain reckoning: a set of calls."""
    session = Session()
    begun: set[tuple[int, str]] = set()
    asking: set[tuple[int, str]] = set()
    for step, number, name in steps:
        call = (number, name)
        if step == "call" and call not in begun:
            begun.add(call)
            session.call("PreToolUse", f"rm {number}", f"{number}{name}", name)
        elif step == "ask" and call in begun:
            asking.add(call)
            session.ask(f"rm {number}", name)
        elif step == "done" and call in begun:
            begun.remove(call)
            asking.discard(call)
            session.call("PostToolUse", f"rm {number}", f"{number}{name}", name)
        assert {one.tool_id for one in session.facts.prompts} == {f"{number}{name}" for number, name in asking}


def test_a_granted_prompt_stands_no_more_while_its_call_goes_on() -> None:
    session = Session()
    session.call("PreToolUse", "make", "t1")
    session.ask("make")
    session.state(waits=True)
    assert len(session.stands) == 1, "the program says the same: it is told once"
    session.state(waits=False)
    assert session.stands == []
    assert session.facts.tool is not None, "its build goes on"
    session.call("PostToolUse", "make", "t1")
    assert session.facts.granted == ()


def test_the_programs_word_of_before_grants_nothing() -> None:
    session = Session()
    session.state(waits=False)
    session.call("PreToolUse", "make", "t1")
    session.ask("make")
    session.state(waits=False, after=-2.5)
    assert len(session.stands) == 1


def test_of_two_that_ask_at_once_the_other_stands_again() -> None:
    session = Session()
    for number in ("t1", "t2"):
        session.call("PreToolUse", f"make {number}", number)
        session.ask(f"make {number}")
    session.state(waits=False)  # for a moment, between the two dialogs
    session.state(waits=True)
    assert len(session.stands) == 2, "which of them was granted is told by its own call alone"
    session.call("PostToolUse", "make t1", "t1")
    assert [text.rpartition(" ")[2] for text in session.stands] == ["t2"]


def test_without_hooks_the_programs_word_is_a_prompt() -> None:
    session = Session()
    session.state(waits=True)
    assert session.stands == ["asks for the operator: permission prompt"]
    session.state(waits=True)
    assert len(session.stands) == 1
    session.state(waits=False)
    assert session.stands == []


def test_another_sessions_word_grants_nothing() -> None:
    session = Session()
    session.call("PreToolUse", "make", "t1")
    session.ask("make")
    session.state(waits=False, session="s2")
    assert len(session.stands) == 1
