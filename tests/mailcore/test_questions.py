"""A text that ends with a question, and what of a long text is kept."""

from __future__ import annotations

from pathlib import Path

import pytest

from mailcore.config import Alarms
from mailcore.model.activity import Activity, Kind
from mailcore.model.agent import Agent
from mailcore.model.fleet import AgentFacts
from mailcore.model.run import Phase, Run
from mailcore.observe.activities import MAX_ACTIVITY_TEXT, harmless_activity
from mailcore.observe.state import state
from mailcore.text.questions import MAX_QUESTION, question_in


@pytest.mark.parametrize(
    ("text", "question"),
    [
        ("Shall I deploy it?", "Shall I deploy it?"),
        ("All tests pass. Shall I deploy it?", "Shall I deploy it?"),
        ("All tests pass.\n\n**Shall I deploy it?**", "Shall I deploy it?"),
        ("Two ways:\n- one\n- two\n\nWhich one? ", "Which one?"),
        ('He asked: "Which one?"', "Which one?"),
        ("配置しますか？", "配置しますか？"),
        ("Is it v1.2 or v1.3?", "Is it v1.2 or v1.3?"),
        ("(Or shall I wait?)", "Or shall I wait?"),
        ("Shall I deploy it? I did.", ""),
        ("All is done.", ""),
        ("", ""),
        ("?", ""),
        ("???", ""),
    ],
)  # fmt: skip
def test_the_question_at_the_end(text: str, question: str) -> None:
    assert question_in(text) == question


def test_a_question_is_bounded() -> None:
    assert len(question_in("x" * 100_000 + "?")) == MAX_QUESTION


def message(text: str, kind: Kind = Kind.MESSAGE) -> str:
    return harmless_activity(Activity(1.0, "@a", kind, text, "transcript"), 2.0).text


def test_of_a_long_message_both_ends_are_kept() -> None:
    kept = message("I looked at it. " * 100 + "\nShall I go on?")
    assert kept.startswith("I looked at it.") and kept.endswith("Shall I go on?") and len(kept) <= MAX_ACTIVITY_TEXT
    assert question_in(kept) == "Shall I go on?"
    assert message("I looked at it. Shall I go on?") == "I looked at it. Shall I go on?"
    assert not message("x" * 300 + " go on?", Kind.PROMPT).endswith("?"), "of all else the beginning"


def test_what_is_kept_of_it_is_harmless_and_holds_no_secret() -> None:
    key = "sk-ant-" + "a1B2c3D4" * 8
    kept = message("\x1b[31m" + "word " * 100 + key + "\x1b]0;title\x07 \u202e Shall I?\n")
    begins = message(f"{'x' * 70} {key} " + "word " * 100)
    assert key[:12] not in begins and begins.startswith("xxx")
    assert key[-20:] not in kept and "\x1b" not in kept and "\u202e" not in kept and kept.endswith("Shall I?")


def test_a_run_and_what_it_asks() -> None:
    def reason(**more: object) -> str:
        run = Run("r", "@a", "@b", "Report", "m", "claude", 1.0, phase=Phase.COMPLETED, since=2.0, **more)  # type: ignore[arg-type]
        return state(AgentFacts(Agent("@a", "A", Path("/a")), run=run), 3.0, Alarms()).reason

    assert reason(replied=True, result="Done.") == "Report"
    assert reason(replied=True, result="Done. Shall I deploy it?") == "Report, asks: Shall I deploy it?"
    assert reason(result="Done.") == "Report, without a reply"
    assert reason(delegated=True) == "Report", "what it passed on is not answered yet"
