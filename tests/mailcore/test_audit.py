"""The audit: each line follows from the one before, is on disk when the act is done, and a hand in it is found out."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from mailcore.formats import journal
from mailcore.formats.digest import digest
from mailcore.system.locks import locked
from mailcore.workspace import audit
from tests.mailcore.conftest import House

Lines = list[bytes]


@pytest.fixture
def state(house: House) -> Path:
    """Five acts."""
    for number in range(5):
        audit.record(house.workspace, "@lead", "test", number=number)
    return house.workspace.state_dir


def found(state: Path) -> list[str]:
    return list(audit.broken_links(state))


def changed(line: bytes) -> bytes:
    return line.replace(b'"number":', b'"number":1')


HANDS: dict[str, tuple[Callable[[Lines], Lines], str]] = {
    "a line changed": (lambda lines: [*lines[:1], changed(lines[1]), *lines[2:]], "line 3 does not follow"),
    "the last line changed": (lambda lines: [*lines[:4], changed(lines[4])], "after line 5 something was changed"),
    "a line removed": (lambda lines: [*lines[:2], *lines[3:]], "line 3 does not follow"),
    "the first line removed": (lambda lines: lines[1:], "line 1 does not follow"),
    "the last line removed": (lambda lines: lines[:4], "after line 4 something was changed"),
    "all lines removed": (lambda _: [], "after line 0 something was changed"),
    "a line put in": (
        lambda lines: [*lines[:2], b'{"by":"@operator","verb":"approved"}', *lines[2:]],
        "line 3 was put in",
    ),
    "a line put at the end": (lambda lines: [*lines, b'{"by":"@operator","verb":"approved"}'], "line 6 was put in"),
    "two lines exchanged": (lambda lines: [lines[1], lines[0], *lines[2:]], "line 1 does not follow"),
    "a line doubled": (lambda lines: [*lines[:3], lines[2], *lines[3:]], "line 4 does not follow"),
    "no JSON put in": (lambda lines: [*lines[:3], b"hello", *lines[3:]], "line 5 does not follow"),
}


@pytest.mark.parametrize("hand", HANDS)
@pytest.mark.parametrize("then", ["at once", "after another act"])
def test_every_change_by_hand_is_found(house: House, state: Path, hand: str, then: str) -> None:
    change, said = HANDS[hand]
    path = state / audit.FILE
    assert found(state) == []
    path.write_bytes(b"".join(line + b"\n" for line in change(path.read_bytes().splitlines())))
    if then != "at once":
        audit.record(house.workspace, "@lead", "test")
        assert found(state), "a later act does not hide it"
    else:
        assert found(state)[0].startswith(said)
    told = house.mailcore("doctor")
    assert told.returncode == 4 and b"FIX  audit: " in told.stdout


def test_a_chain_that_is_reckoned_anew_is_not_found_out(state: Path) -> None:
    acts = journal.read_records(state / audit.FILE)[1:]
    for name in (audit.FILE, audit.LOCK):
        (state / name).unlink()
    for act in acts:
        audit.append_line(state, {key: value for key, value in act.items() if key not in ("at", "chain")})
    assert found(state) == []


def test_lines_from_before_there_was_a_chain_are_no_fault(house: House) -> None:
    state = house.workspace.state_dir
    (state / audit.LOCK).unlink(missing_ok=True)
    (state / audit.FILE).write_text('{"at":"2026-01-01T00:00:00","by":"@lead","verb":"send"}\n' * 3)
    assert found(state) == []
    audit.record(house.workspace, "@lead", "test")
    audit.record(house.workspace, "@lead", "test")
    assert found(state) == [] and len(journal.read_records(state / audit.FILE)) == 5


def test_a_torn_line_of_a_killed_writer_is_part_of_the_chain(house: House, state: Path) -> None:
    with (state / audit.FILE).open("ab") as file:
        file.write(b'{"at":"2026')
    audit.record(house.workspace, "@lead", "test", after=True)
    said = found(state)
    assert [act["verb"] for act in journal.read_records(state / audit.FILE)] == ["test"] * 6
    assert said and "line 7" in said[0], "what nobody told the lock of is told, be it torn or by hand"


def test_who_was_killed_before_it_told_the_lock_leaves_the_chain_whole(house: House, state: Path) -> None:
    """The head is one line behind, or several after a power cut that took what was not synced."""
    head = (state / audit.LOCK).read_bytes()
    for _ in range(3):
        audit.record(house.workspace, "@lead", "test")
    (state / audit.LOCK).write_bytes(head)
    audit.record(house.workspace, "@lead", "test")
    assert found(state) == []


def test_eight_writers_at_once_make_one_chain(house: House) -> None:
    code = (
        "import sys; from pathlib import Path; from mailcore.workspace import audit\n"
        "from mailcore.workspace.find import find_workspace\n"
        "w = find_workspace(Path(sys.argv[1]))\nfor n in range(25): audit.record(w, '@lead', 'test', number=n)"
    )
    writers = [subprocess.Popen([sys.executable, "-c", code, str(house.root)]) for _ in range(8)]
    assert [writer.wait(60) for writer in writers] == [0] * 8
    acts = journal.read_records(house.workspace.state_dir / audit.FILE)
    assert len([act for act in acts if act["verb"] == "test"]) == 200 and found(house.workspace.state_dir) == []


def test_a_lock_that_somebody_keeps_costs_the_chain_and_not_the_line(
    house: House, state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit, "CHAIN_PATIENCE", 0.05)
    with locked(state / audit.LOCK):
        audit.record(house.workspace, "@lead", "test", last=True)
    assert journal.read_records(state / audit.FILE)[-1]["last"] is True
    assert "line 6 could not be chained when it was written" in found(state)


def test_a_line_longer_than_what_is_read_at_once_is_chained(house: House) -> None:
    for length in (1, 200_000, 3):
        audit.record(house.workspace, "@lead", "test", text="x" * length)
    assert found(house.workspace.state_dir) == []
    last = (house.workspace.state_dir / audit.FILE).read_bytes().splitlines()
    assert json.loads(last[-1])["chain"] == digest(last[-2])


def test_an_answer_that_closes_says_so(house: House) -> None:
    from mailcore.mail import post

    sent = post.send_mail(house.workspace, "@lead", ["@writer"], "s", "b")[0]
    post.reply_to(house.workspace, "@writer", sent.id, "yes")
    acts = [(act["by"], act["verb"]) for act in journal.read_records(house.workspace.state_dir / audit.FILE)]
    assert acts[-2:] == [("@writer", "send"), ("@writer", "close")]
    assert journal.read_records(house.workspace.state_dir / audit.FILE)[-1]["ids"] == [sent.id]
