"""What a question says before something is ended."""

from __future__ import annotations

from praxmonitor.actions.confirm_texts import victim_lines


def test_of_a_run_on_another_host_nothing_is_said_that_only_that_host_can_see() -> None:
    """Here none of its processes is seen: that is not to say that none is left."""
    (there,) = victim_lines([], 0.0, 60, host="beta\x1b[2J")
    (here,) = victim_lines([], 0.0, 60)
    said = "".join(text for text, _ in there)
    assert "seen there alone" in said and "beta" in said and "\x1b" not in said
    assert "no process is left" in "".join(text for text, _ in here)
