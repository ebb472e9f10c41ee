"""High mail for the real Claude Code, open in a terminal, in each of its states; `-s` prints the table. And mail at
random moments of fifty sessions (`--rounds all`): none is lost, none is told twice."""

from __future__ import annotations

from tests.real.conftest import Lab
from tests.real.mail_states import SOON, Interleaving, high_mail_in_each_state
from tests.real.open_session import CLAUDE
from tests.real.stub import Text, Tool
from tests.real.test_idle import held  # noqa: F401
from tests.real.test_prompts import trust

USES = Tool("Bash", {"command": "python3 --version", "description": "its version"})


def test_high_mail_arrives_once_in_each_state(held: Lab) -> None:  # noqa: F811
    trust(held)
    held.stub.plays(Text("a turn is over"))
    table = high_mail_in_each_state(held, CLAUDE, lambda: held.stub.plays(USES, Text("a turn is over")))
    print(table)
    assert len(table.splitlines()) == 6


def test_random_interleavings_lose_nothing_and_tell_nothing_twice(
    held: Lab,  # noqa: F811
    seed: int,
) -> None:
    trust(held)
    (held.root / ".praxmonitor/config.toml").write_text(SOON)
    held.stub.plays(Text("a turn is over"))
    one = Interleaving(held, CLAUDE, seed)
    one.plays()
    print(seed, one.steps)
    assert one.steps
