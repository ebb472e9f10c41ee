"""With hooks and a transcript of the same session, each event counts once."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from mailcore.model.activity import Activity, Kind
from mailcore.observe.dedupe import MAX_CALLS, MAX_UNPAIRED, PAIR_WINDOW, Deduplicator
from mailcore.programs.claude.transcript import ClaudeTranscript
from mailcore.programs.hook_lines import read_hook

FIXTURES = Path(__file__).parents[1] / "fixtures" / "claude-code"
SESSION = "00e66db2-05d6-45b4-98ae-6bf52c827f80"
AT = 1_795_308_217.0
TOOLS = (Kind.TOOL, Kind.TOOL_DONE, Kind.TOOL_FAILED)


def captured() -> tuple[list[Activity], list[Activity]]:
    """What the hooks and the transcript of one short session tell."""
    lines = (FIXTURES / "hooks.jsonl").read_bytes().splitlines()
    reader = ClaudeTranscript("@a", Path(f"{SESSION}.jsonl"))
    rows = (FIXTURES / "transcript.jsonl").read_bytes().splitlines()
    hooks = [found for line in lines if (found := read_hook(line, "@a", AT)) is not None]
    return hooks, [found for row in rows for found in reader.read(row, AT + 99) if isinstance(found, Activity)]


def one(kind: Kind, source: str = "hooks", at: float = AT, tool_id: str = "", **more: Any) -> Activity:
    return Activity(at, "@a", kind, "x", source, tool_id=tool_id, session=more.pop("session", "s"), **more)


def kept(activities: list[Activity]) -> list[Activity]:
    once = Deduplicator()
    return [activity for activity in activities if not once.is_duplicate(activity)]


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_any_interleaving_tells_each_tool_event_once(data: st.DataObject) -> None:
    hooks, transcript = captured()
    left = [list(hooks), list(transcript)]
    mixed = []
    while any(left):
        mixed.append(data.draw(st.sampled_from([source for source in left if source])).pop(0))

    def tools(activities: list[Activity]) -> Counter[tuple[Kind, str, str]]:
        return Counter((a.kind, a.tool, a.tool_id) for a in activities if a.kind in TOOLS)

    def others(activities: list[Activity]) -> Counter[Kind]:
        return Counter(a.kind for a in activities if a.kind not in TOOLS)

    found = kept(mixed)
    assert tools(found) == tools(kept(hooks)) == tools(kept(transcript)) == tools(hooks)
    assert max(tools(found).values()) == 1 and len(tools(found)) == 4
    # The hooks alone tell of the session's start and end, the transcript alone of messages.
    expected = {Kind.SESSION: 1, Kind.PROMPT: 1, Kind.MESSAGE: 2, Kind.TURN_END: 2}
    assert others(found) == expected


CALLS = st.lists(st.tuples(st.integers(0, 30), st.booleans(), st.booleans()), max_size=30, unique_by=lambda c: c[0])


@settings(max_examples=200, deadline=None)
@given(CALLS, st.data())
def test_any_calls_of_any_outcome_in_any_interleaving(calls: list[tuple[int, bool, bool]], data: st.DataObject) -> None:
    """A call that failed may be done to the other source; some calls have no end yet."""

    def told_by(source: str) -> list[Activity]:
        found = []
        for n, ended, failed in calls:
            found.append(one(Kind.TOOL, source, tool_id=f"t{n}"))
            if ended:
                kind = Kind.TOOL_FAILED if failed and source == "hooks" else Kind.TOOL_DONE
                found.append(one(kind, source, tool_id=f"t{n}"))
        return found

    left = [told_by("hooks"), told_by("transcript")]
    mixed = []
    while any(left):
        mixed.append(data.draw(st.sampled_from([source for source in left if source])).pop(0))
    ends = Counter((a.kind is Kind.TOOL, a.tool_id) for a in kept(mixed))
    assert ends == Counter((a.kind is Kind.TOOL, a.tool_id) for a in told_by("hooks"))


def test_the_first_one_wins() -> None:
    assert [a.source for a in kept([one(Kind.PROMPT), one(Kind.PROMPT, "transcript")])] == ["hooks"]
    assert [a.source for a in kept([one(Kind.PROMPT, "transcript"), one(Kind.PROMPT)])] == ["transcript"]


def test_of_two_prompts_in_the_window_each_is_told_once() -> None:
    both = [one(Kind.PROMPT), one(Kind.PROMPT), one(Kind.PROMPT, "transcript"), one(Kind.PROMPT, "transcript")]
    assert [a.source for a in kept(both)] == ["hooks", "hooks"]


def test_beyond_the_window_or_in_another_session_it_is_another_event() -> None:
    late = one(Kind.TURN_END, "transcript", AT + PAIR_WINDOW + 1)
    assert len(kept([one(Kind.TURN_END), late])) == 2
    assert len(kept([one(Kind.TURN_END), one(Kind.TURN_END, "transcript", session="t")])) == 2
    assert len(kept([one(Kind.TURN_END), one(Kind.TURN_END, "transcript", AT + PAIR_WINDOW)])) == 1


def test_what_a_subagent_does_is_not_what_its_agent_does() -> None:
    assert len(kept([one(Kind.PROMPT), one(Kind.PROMPT, "transcript", subagent="c")])) == 2
    # A transcript does not know a subagent's id before it ends.
    assert len(kept([one(Kind.SUBAGENT, subagent="c"), one(Kind.SUBAGENT, "transcript")])) == 1


def test_what_only_one_source_tells_always_passes() -> None:
    both = [one(kind, source) for kind in (Kind.MESSAGE, Kind.WAITING, Kind.LIMIT) for source in ("hooks", "other")]
    assert kept(both) == both


def test_a_source_that_tells_a_call_again_means_a_new_one() -> None:
    """Services that number their calls anew in every turn."""
    again = [one(Kind.TOOL, tool_id="call_0"), one(Kind.TOOL, tool_id="call_0")]
    assert kept(again) == again


def test_it_remembers_in_bounds() -> None:
    once = Deduplicator()
    for n in range(MAX_CALLS * 2):
        once.is_duplicate(one(Kind.TOOL, tool_id=f"t{n}"))
        once.is_duplicate(one(Kind.PROMPT, at=AT + n))
    assert len(once._calls) == MAX_CALLS and len(once._unpaired) == MAX_UNPAIRED
