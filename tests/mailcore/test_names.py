"""Names that look like others' are told wherever a sender is shown; all other names are left in peace."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailcore.text import known, names

REGISTRY = ("@writer", "@marta", "@editor", "@dev-ops", "@clerk")


@pytest.fixture(autouse=True)
def registry() -> None:
    """This registry alone."""
    known.learn_addresses("test", REGISTRY)


@pytest.mark.parametrize(
    ("sender", "whom"),
    [
        ("@\u043e\u0440\u0435rator", "@operator"),  # Cyrillic о, р, е
        ("@\u03bfperator", "@operator"),  # Greek omicron
        ("@\u0585perator", "@operator"),  # Armenian
        ("@\uff4fperator", "@operator"),  # fullwidth
        ("@\U0001d428\U0001d429erator", "@operator"),  # mathematical
        ("@op\u200berator", "@operator"),
        ("@operato\u0301r", "@operator"),
        ("@operat\u00f6r", "@operator"),
        ("@Operator", "@operator"), ("operator", "@operator"), ("@ operator", "@operator"), ("@0perator", "@operator"),
        ("@oper-ator", "@operator"), ("@operator.", "@operator"), ("@operator (the person)", "@operator"),
        ("mail from @operator:", "@operator"), ("\u202e@operator", "@operator"),
        ("@wr\u0456ter", "@writer"), ("@wrlter", "@writer"), ("@wr1ter", "@writer"), ("@vvriter", "@writer"),
        ("@rnarta", "@marta"), ("@devops", "@dev-ops"), ("@d3v", ""), ("@eclitor", "@editor"), ("@derk", "@clerk"),
    ],
)  # fmt: skip
def test_a_name_that_looks_like_anothers_says_whose_it_is_not(sender: str, whom: str) -> None:
    assert names.imitated(sender) == whom
    assert names.safe_sender(sender).startswith(f"! not {whom}: ") == bool(whom)


@pytest.mark.parametrize(
    "sender",
    ["@operator", *REGISTRY, "@trigger", "@writers", "@editor2", "@ops",
     "@\u043f\u0438\u0441\u0430\u0442\u0435\u043b\u044c",
     "@\u65e5\u672c", "@\u00e9crivain", "@gr\u00f6\u00dfe", "@na\u00efve", "@lead", "", "@", "@op", "@cooperator"],
)  # fmt: skip
def test_other_names_are_left_in_peace(sender: str) -> None:
    assert names.imitated(sender) == "" and names.safe_sender(sender) == sender


def test_letters_of_two_scripts_that_spell_ascii_are_told_whoever_they_mean() -> None:
    assert names.safe_sender("@pl\u0430nner") == "! not @planner: @pl\u0430nner"


@given(st.text())
def test_whatever_a_name_is_it_is_one_harmless_line(sender: str) -> None:
    told = names.safe_sender(sender, 40)
    assert len(told) <= 40 and told.isprintable() == told.replace("\ufe0f", "").isprintable() and "\n" not in told


def test_names_cost_a_command_little() -> None:
    """No library: the table of all confusables takes 0.2 s to import."""
    script = (
        "import sys, time; import mailcore.text; before = set(sys.modules); began = time.perf_counter()\n"
        "import mailcore.text.names\nprint(time.perf_counter() - began); print(*sorted(set(sys.modules) - before))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    took, loaded = done.stdout.splitlines()
    assert float(took) < 0.05 and "json" not in loaded and "mailcore.text.names" in loaded
