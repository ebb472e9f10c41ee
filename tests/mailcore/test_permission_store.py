"""What lies among an agent's requests is not believed: its place says whose it is, its bell whether it waits."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import msgspec
import pytest

from mailcore.exceptions import Refused
from mailcore.model.agent import Agent
from mailcore.model.permission import PermissionAnswer, PermissionRequest
from mailcore.permissions.store import (
    MAX_REQUEST,
    PERMISSIONS,
    put_answer,
    read_answer,
    read_requests,
    waiting_request,
)
from tests.mailcore.conftest import House

ASKED = PermissionRequest("0123abcd", "@writer", "s-1", "Bash", {"command": "touch one"}, 1.0, 2.0)
YES = PermissionAnswer(True, "@operator")


@pytest.fixture
def writer(house: House) -> Agent:
    return house.agent("@writer")


@pytest.fixture
def forged(writer: Agent) -> Iterator[Path]:
    """Where a request is written by hand; its bell is open."""
    directory = writer.mail_dir / PERMISSIONS
    directory.mkdir(parents=True)
    os.mkfifo(directory / "0123abcd.bell")
    bell = os.open(directory / "0123abcd.bell", os.O_RDWR | os.O_NONBLOCK)
    yield directory / "0123abcd.json"
    os.close(bell)


@pytest.mark.parametrize("other", [
    {"id": "../../../victim/x"}, {"id": "0123abce"}, {"id": ""}, {"id": "0123ABCD"}, {"agent": "@lead"}, {"agent": ""},
])  # fmt: skip
def test_a_request_that_says_it_is_another_is_none(forged: Path, writer: Agent, other: dict[str, str]) -> None:
    forged.write_bytes(msgspec.json.encode(ASKED))
    assert read_requests(writer) == (ASKED,)
    forged.write_bytes(msgspec.json.encode(msgspec.structs.replace(ASKED, **other)))
    assert read_requests(writer) == ()


def test_what_is_larger_than_a_request_can_be_is_none(forged: Path, writer: Agent) -> None:
    for size, is_one in ((MAX_REQUEST - 1_000, True), (MAX_REQUEST, False)):
        large = msgspec.structs.replace(ASKED, tool_input={"command": "x" * size})
        forged.write_bytes(msgspec.json.encode(large))
        assert read_requests(writer) == ((large,) if is_one else ())


@pytest.mark.parametrize("name", ["x", "0123abcd.x", "0123abcd ", "..", "0123abcdef"])
def test_a_file_of_another_name_is_no_request(forged: Path, writer: Agent, name: str) -> None:
    forged.with_name(f"{name}.json").write_bytes(msgspec.json.encode(msgspec.structs.replace(ASKED, id=name)))
    os.link(forged.with_name("0123abcd.bell"), forged.with_name(f"{name}.bell"))
    assert read_requests(writer) == ()


def test_no_answer_is_written_beside_the_requests(forged: Path, writer: Agent, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.mkdir()
    (victim / "0123abcd.json").write_text("{}")
    for odd in (f"../../../../{victim}/x", f"{victim}/0123abcd", "", ".", "0123abcd.x"):
        with pytest.raises(Refused, match="no request's id"):
            put_answer(writer, msgspec.structs.replace(ASKED, id=odd), YES)
    for left in forged.parent.iterdir():
        left.unlink()
    forged.parent.rmdir()
    forged.parent.symlink_to(victim)
    with pytest.raises(Refused, match="leads out of the project"):
        put_answer(writer, ASKED, YES)
    assert [path.name for path in victim.iterdir()] == ["0123abcd.json"]
    forged.parent.unlink()
    forged.parent.mkdir()
    (forged.parent / "0123abcd.bell").touch()


def test_only_what_somebody_waits_for_is_a_request(forged: Path, writer: Agent) -> None:
    forged.write_bytes(msgspec.json.encode(ASKED))
    bell = forged.with_suffix(".bell")
    bell.rename(forged.with_suffix(".away"))
    assert read_requests(writer) == (), "it has no bell"
    bell.touch()
    assert read_requests(writer) == (), "a file is no bell"
    bell.unlink()
    bell.symlink_to(forged.with_suffix(".away"))
    assert read_requests(writer) == (), "nor is a link"
    bell.unlink()
    os.mkfifo(bell)
    assert read_requests(writer) == (), "nobody hears it"
    forged.with_suffix(".away").replace(bell)
    assert read_requests(writer) == (ASKED,)


def test_what_was_answered_until_the_end_of_the_wait_is_taken_and_nothing_afterwards(writer: Agent) -> None:
    with waiting_request(writer, ASKED) as waits:
        assert waits.stands
        put_answer(writer, ASKED, YES)
        assert not waits.stands
        assert waits.withdraw() == YES
        with pytest.raises(Refused, match="waits no more"):
            put_answer(writer, ASKED, YES)
        assert waits.withdraw() is None
    assert read_answer(writer, ASKED) is None


def test_an_answer_counts_exactly_where_it_is_said_to(writer: Agent) -> None:
    """Whoever is told that it counts was heard, and who is told that it came too late was not: at every moment."""
    for _ in range(60):
        told: list[str] = []

        def answer(by: str, told: list[str] = told) -> None:
            try:
                put_answer(writer, ASKED, PermissionAnswer(True, by))
            except Refused:
                return
            told.append(by)

        with waiting_request(writer, ASKED) as waits:
            several = [Thread(target=answer, args=(by,)) for by in ("@operator", "@other")]
            for one in several:
                one.start()
            taken = waits.withdraw()
            for one in several:
                one.join()
        assert told == ([taken.by] if taken is not None else [])
    assert not list((writer.mail_dir / PERMISSIONS).glob("[!.]*"))


def test_an_answer_written_by_hand_counts(writer: Agent) -> None:
    with waiting_request(writer, ASKED) as waits:
        (writer.mail_dir / PERMISSIONS / f"{ASKED.id}.answer").write_bytes(msgspec.json.encode(YES))
        assert waits.withdraw() == YES
