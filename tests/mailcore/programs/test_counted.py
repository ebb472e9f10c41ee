"""What was counted of messages is kept small, and none of the newest is forgotten."""

from __future__ import annotations

import tracemalloc

from hypothesis import given
from hypothesis import strategies as st

from mailcore.model.usage import Usage
from mailcore.programs.transcript_reader import Counted

MOST = 10_000
TOKENS = st.integers(0, (1 << 53) - 1)


@given(st.lists(st.tuples(st.integers(0, 30), TOKENS, TOKENS, TOKENS, TOKENS, TOKENS), max_size=60))
def test_the_newest_are_known_as_they_were_counted_last(puts: list[tuple[int, int, int, int, int, int]]) -> None:
    counted, known = Counted(120), dict[str, Usage]()
    for number, read, output, cached, written, for_an_hour in puts:
        known[f"m{number}"] = Usage(read, output, cached, written, cache_write_1h=for_an_hour)
        counted.put(f"m{number}", known[f"m{number}"])
    for number in range(31):
        assert counted.get(f"m{number}") == known.get(f"m{number}")
        assert (f"m{number}" in counted) == (f"m{number}" in known)


def test_three_times_as_many_messages_take_no_more_room() -> None:
    """Half of them at least are known, in some 50 bytes each; a dictionary of them has 350."""
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    counted = Counted(MOST)
    for number in range(3 * MOST):
        counted.put(f"msg_{number:024}", Usage(1000 + number, 2000 + number, 300_000 + number, 4000 + number))
    size = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert MOST // 2 <= len(counted) <= MOST
    assert all(f"msg_{number:024}" in counted for number in range(3 * MOST - MOST // 2, 3 * MOST))
    assert f"msg_{0:024}" not in counted
    assert size < 70 * MOST
