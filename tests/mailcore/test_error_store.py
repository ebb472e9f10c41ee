"""The file of error groups: one value under one lock, that survives what befalls files."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from msgspec.structs import replace

from mailcore.errors import groups
from mailcore.errors.store import (
    MAX_GROUPS,
    LogPlace,
    changing_errors,
    errors_file,
    read_errors,
    read_groups,
)
from mailcore.exceptions import caveats
from mailcore.model.error_group import ErrorEvent, GroupState
from mailcore.workspace.find import Workspace
from tests.mailcore.conftest import House


def count_one(workspace: Workspace, fingerprint: str = "0123456789ab", at: float = 100.0) -> None:
    event = ErrorEvent(at, "@writer", "python", "ValueError: x", sample=("Traceback", "ValueError: x"))
    with changing_errors(workspace) as at_hand:
        group = groups.observed(at_hand.book.groups.get(fingerprint), event, fingerprint)
        at_hand.book = at_hand.book.with_group(group)


def test_what_was_counted_is_read_back(house: House) -> None:
    assert read_groups(house.workspace) == () and not errors_file(house.workspace).exists()
    count_one(house.workspace)
    count_one(house.workspace, "aaaaaaaaaaaa", 300.0)
    count_one(house.workspace)
    found = read_groups(house.workspace)
    assert [(group.fingerprint, group.count) for group in found] == [("aaaaaaaaaaaa", 1), ("0123456789ab", 2)]
    assert found[0].state is GroupState.NEW and found[0].sample is not None
    assert found[0].sample.sample == ("Traceback", "ValueError: x")


def test_a_place_and_what_was_read_before_it_are_one_write(house: House) -> None:
    with pytest.raises(RuntimeError), changing_errors(house.workspace) as at_hand:
        at_hand.book = replace(at_hand.book, places={"x.log": LogPlace(5)})
        raise RuntimeError("killed here")
    assert read_errors(house.workspace).places == {}
    with changing_errors(house.workspace) as at_hand:
        at_hand.book = replace(at_hand.book, places={"x.log": LogPlace(5, mark="61")})
    assert read_errors(house.workspace).places == {"x.log": LogPlace(5, mark="61")}


@pytest.mark.parametrize("data", [b"", b"[1]", b"{", b'{"groups": 5}', b"\xff\x00", b"[" * 100_000])
def test_a_file_that_is_none_is_set_aside_and_said(house: House, data: bytes) -> None:
    count_one(house.workspace)
    path = errors_file(house.workspace)
    path.write_bytes(data)
    assert read_groups(house.workspace) == () and str(path) in read_errors(house.workspace).reason
    with caveats() as texts:
        count_one(house.workspace)
    assert len(read_groups(house.workspace)) == 1
    (aside,) = path.parent.glob("errors.json.corrupt-*")
    assert aside.read_bytes() == data and aside.name in texts[0]
    assert "set_aside" in (path.parent / "audit.jsonl").read_text()


def test_unknown_keys_stay(house: House) -> None:
    count_one(house.workspace)
    path = errors_file(house.workspace)
    document = json.loads(path.read_bytes())
    document["later"] = {"a": [1]}
    document["groups"]["0123456789ab"]["colour"] = "red"
    path.write_text(json.dumps(document))
    count_one(house.workspace)
    document = json.loads(path.read_bytes())
    assert document["later"] == {"a": [1]} and document["groups"]["0123456789ab"]["colour"] == "red"
    assert document["groups"]["0123456789ab"]["count"] == 2


def test_a_link_is_not_followed(house: House, tmp_path: Path) -> None:
    aim = tmp_path / "aim"
    aim.write_text("{}")
    count_one(house.workspace)
    errors_file(house.workspace).unlink()
    errors_file(house.workspace).symlink_to(aim)
    assert read_errors(house.workspace).reason
    assert aim.read_text() == "{}"


def test_of_many_groups_those_that_matter_are_kept(house: House) -> None:
    asked = groups.asked(groups.observed(None, ErrorEvent(1.0, "@writer", "log", "old"), "feedfeedfeed"), 2.0, "m1")
    with changing_errors(house.workspace) as at_hand:
        at_hand.book = at_hand.book.with_group(asked)
        for number in range(MAX_GROUPS + 50):
            event = ErrorEvent(100.0 + number, "@writer", "log", f"e{number}")
            at_hand.book = at_hand.book.with_group(groups.observed(None, event, f"{number:012x}"))
    found = {group.fingerprint for group in read_groups(house.workspace)}
    assert len(found) == MAX_GROUPS and "feedfeedfeed" in found
    assert f"{MAX_GROUPS + 49:012x}" in found and f"{0:012x}" not in found


def test_none_of_several_writers_at_once_is_lost(house: House) -> None:
    program = (
        "import sys; from pathlib import Path; from mailcore.workspace.find import find_workspace\n"
        "from tests.mailcore.test_error_store import count_one\n"
        "workspace = find_workspace(Path(sys.argv[1]))\n"
        "for _ in range(25): count_one(workspace)"
    )
    several = [
        subprocess.Popen([sys.executable, "-c", program, str(house.root)], cwd=Path(__file__).parents[2]) for _ in "abc"
    ]
    for one in several:
        assert one.wait(60) == 0
    assert read_groups(house.workspace)[0].count == 75
