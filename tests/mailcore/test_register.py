"""AIPass's dispatch register, read as it grows: always the same as reading all of it."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from mailcore.formats import journal
from mailcore.model.run import Phase
from mailcore.observe.aipass_runs import newest_runs, runs_by_id
from mailcore.observe.register_reader import MAX_OF_AGENT, RegisterReader

RUNS, TARGETS = ("one", "two", "three"), ("@a", "@b")
STATUSES = st.sampled_from(["outstanding", "completed (replied)", "killed by @lead", "failed"])
ROWS = st.tuples(st.sampled_from(RUNS), st.sampled_from((*TARGETS, "")), STATUSES)


def line(number: int, row: tuple[str, str, str]) -> bytes:
    run_id, target, status = row
    said: dict[str, Any] = {"dispatch_id": run_id, "status": status, "ts": f"2026-11-01T10:00:{number % 60:02}+00:00"}
    said |= {"target": target} if target else {}
    return json.dumps(said).encode() + b"\n"


def whole(path: Path) -> dict[str, Any]:
    return newest_runs(runs_by_id(journal.read_records(path)).values())


@settings(deadline=None)
@given(st.lists(st.lists(ROWS, max_size=6), max_size=6))
def test_in_pieces_it_tells_what_it_tells_as_a_whole(pieces: list[list[tuple[str, str, str]]]) -> None:
    with tempfile.TemporaryDirectory() as directory:
        register, number = RegisterReader(Path(directory)), 0
        for piece in pieces:
            with register.path.open("ab") as file:
                for row in piece:
                    # A run keeps its target, as in every register that a program wrote.
                    target = TARGETS[RUNS.index(row[0]) % 2] if row[1] else ""
                    file.write(line(number, (row[0], target, row[2])))
                    number += 1
            assert register.read() == whole(register.path)


def test_a_register_that_was_trimmed_or_removed_is_read_anew(tmp_path: Path) -> None:
    register = RegisterReader(tmp_path)
    assert register.read() == {}
    register.path.write_bytes(line(0, ("one", "@a", "outstanding")) + line(1, ("two", "@b", "outstanding")))
    assert set(register.read()) == {"@a", "@b"}
    trimmed = tmp_path / "trimmed"
    trimmed.write_bytes(line(1, ("two", "@b", "outstanding")))
    trimmed.replace(register.path)
    assert set(register.read()) == {"@b"}
    register.path.unlink()
    assert register.read() == {}
    register.path.write_bytes(line(2, ("three", "@a", "outstanding")))
    assert set(register.read()) == {"@a"}


def test_only_what_was_appended_is_read(tmp_path: Path) -> None:
    register = RegisterReader(tmp_path)
    register.path.write_bytes(line(0, ("one", "@a", "outstanding")) * 2_000)
    before = register.read()["@a"]
    assert before.phase is Phase.RUNNING
    with register.path.open("ab") as file:
        file.write(line(1, ("one", "", "completed"))[:20])
    assert register.read()["@a"] is before, "a torn row says nothing yet"
    with register.path.open("ab") as file:
        file.write(line(1, ("one", "", "completed"))[20:])
    assert register.read()["@a"].phase is Phase.COMPLETED


def test_of_each_agent_few_runs_are_remembered_and_the_newest_is_told(tmp_path: Path) -> None:
    """Three times as many; one that ends late is still known to be what it is."""
    register = RegisterReader(tmp_path)
    for number in range(3 * MAX_OF_AGENT):
        with register.path.open("ab") as file:
            file.write(line(number, (f"{number}a", "@a", "outstanding")) + line(number, (f"{number}b", "@b", "failed")))
        register.read()
    assert len(register._runs) <= 2 * (MAX_OF_AGENT + 1)
    with register.path.open("ab") as file:
        file.write(line(59, (f"{3 * MAX_OF_AGENT - 1}a", "", "completed (replied)")))
    newest = register.read()
    assert [newest[target].run_id for target in TARGETS] == [f"{3 * MAX_OF_AGENT - 1}{name}" for name in "ab"]
    assert newest["@a"].phase is Phase.COMPLETED
