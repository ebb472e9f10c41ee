"""One count for the workspace: no number twice, whatever becomes of its file."""

from __future__ import annotations

import errno
import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mailcore.exceptions import MailcoreError
from mailcore.mail import mailbox, numbers, post
from mailcore.system import writing
from tests.mailcore.conftest import House

TAKE = """
import sys
from pathlib import Path
from mailcore.mail import numbers
for n in range(int(sys.argv[2])):
    print(numbers.reserve_numbers(Path(sys.argv[1]), 1 + n % 3), 1 + n % 3)
"""


def test_numbers_go_up_and_a_block_is_taken_at_once(house: House) -> None:
    assert [
        numbers.reserve_numbers(house.root),
        numbers.reserve_numbers(house.root, 5),
        numbers.reserve_numbers(house.root),
    ] == [1, 2, 7]


def test_a_rewound_count_and_mail_give_no_number_again(house: House) -> None:
    """As `git checkout` does it to what an old commit holds: numbers that went with the mail are not given again."""
    kept = {
        path: path.read_bytes()
        for path in (house.agent("@writer").inbox, house.root / ".praxmonitor" / "sequence")
        if path.exists()
    }
    first = numbers.reserve_numbers(house.root)
    old = (house.root / ".praxmonitor" / "sequence").read_bytes()
    for n in range(3):
        post.send_mail(house.workspace, "@lead", ["@writer"], f"s{n}", "b")
    highest = max(message.seq for message in house.inbox("@writer"))
    for path, data in {**kept, house.root / ".praxmonitor" / "sequence": old}.items():
        path.unlink()
        path.write_bytes(data)
    for path in house.agent("@lead").sent_dir.iterdir():
        path.unlink()
    assert numbers.reserve_numbers(house.root) > highest > first


def test_a_lost_twin_is_made_again(house: House) -> None:
    twin = house.root / ".praxmonitor" / numbers.TWIN
    assert numbers.reserve_numbers(house.root, 4) == 1
    twin.unlink()
    assert [numbers.reserve_numbers(house.root), numbers.reserve_numbers(house.root)] == [5, 6]
    twin.unlink()
    (house.root / ".praxmonitor" / "sequence").unlink()
    post.send_mail(house.workspace, "@lead", ["@writer"], "s", "b")
    assert numbers.reserve_numbers(house.root) == 2


def test_processes_at_once_never_get_the_same_number(house: House) -> None:
    workers = [
        subprocess.Popen([sys.executable, "-c", TAKE, str(house.root), "150"], stdout=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    taken: Counter[int] = Counter()
    for worker in workers:
        for line in worker.communicate(timeout=60)[0].splitlines():
            first, count = map(int, line.split())
            taken.update(range(first, first + count))
    assert set(taken) == set(range(1, 4 * 300 + 1)) and set(taken.values()) == {1}


@pytest.mark.parametrize(
    "damage",
    [None, b"", b"0000", b"0" * 20, b"00000000000000000001", b"seventy\n", b"\0" * 21, b"%020d\n" % 0, b"%020d\n" % 2],
)
def test_a_lost_or_torn_count_goes_on_after_the_highest_number_in_any_mail(house: House, damage: bytes | None) -> None:
    for n in range(3):
        post.send_mail(house.workspace, "@lead", ["@writer"], f"s{n}", "b")
    post.close_messages(house.workspace, "@writer", [house.inbox("@writer")[0].id])
    path = house.root / ".praxmonitor" / "sequence"
    path.unlink() if damage is None else path.write_bytes(damage)
    assert post.send_mail(house.workspace, "@lead", ["@editor"], "s", "b")[0].seq == 4
    assert numbers.reserve_numbers(house.root) == 5


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=40))
def test_no_content_of_the_file_takes_a_number_back(house: House, data: bytes) -> None:
    path = house.root / ".praxmonitor" / "sequence"
    mailbox.deliver(house.agent("@writer"), {"from": "@x", "subject": "s", "message": "m"})
    known = numbers.highest_number(house.root)
    path.write_bytes(data)
    assert numbers.reserve_numbers(house.root) > known


def test_a_strangers_number_neither_stops_nor_runs_away_with_the_count(house: House) -> None:
    strange = [{"id": f"{n}", "seq": value} for n, value in enumerate([10**30, True, "7", -4, 1.5, [1], None, 41])]
    house.agent("@writer").inbox.write_text(json.dumps({"messages": strange}))
    (house.root / ".praxmonitor" / "sequence").unlink(missing_ok=True)
    assert numbers.reserve_numbers(house.root) == 42


def test_after_a_power_cut_that_took_the_count_back_no_number_is_given_again(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of what was written after the disk was waited for last it may have nothing, in either file."""
    files = [house.root / ".praxmonitor" / name for name in ("sequence", numbers.TWIN)]
    on_disk: dict[Path, bytes] = {}
    monkeypatch.setattr(writing, "sync", lambda _: on_disk.update({path: path.read_bytes() for path in files}))
    monkeypatch.setattr(numbers, "boot_id", lambda: "the first")
    given = [numbers.reserve_numbers(house.root) for _ in range(3 * numbers.SPARE)]
    assert given == list(range(1, 3 * numbers.SPARE + 1))
    for path, data in on_disk.items():
        path.write_bytes(data)
    monkeypatch.setattr(numbers, "boot_id", lambda: "the second")
    after = numbers.reserve_numbers(house.root)
    assert given[-1] < after <= given[-1] + numbers.SPARE + 1


def test_the_disk_is_waited_for_once_for_many_numbers_and_each_time_where_no_boot_has_a_name(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[int] = []
    monkeypatch.setattr(writing, "sync", synced.append)
    monkeypatch.setattr(numbers, "boot_id", lambda: "this one")
    for _ in range(2 * (numbers.SPARE + 1)):
        numbers.reserve_numbers(house.root)
    assert len(synced) == 2
    monkeypatch.setattr(numbers, "boot_id", lambda: "")
    synced.clear()
    assert [numbers.reserve_numbers(house.root) for _ in range(5)][-1] <= 3 * (numbers.SPARE + 1) + 5
    assert len(synced) == 5


def test_the_count_of_an_earlier_version_goes_on(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a look at all mail."""
    state = house.root / ".praxmonitor"
    monkeypatch.setattr(numbers, "highest_number", lambda _: 1_000)
    for name in ("sequence", numbers.TWIN):
        (state / name).write_bytes(b"%020d\n" % 41)
    assert [numbers.reserve_numbers(house.root) for _ in range(2)] == [42, 43]


@pytest.mark.parametrize("boot", ["the first", ""])
def test_who_was_killed_before_the_disk_had_it_lets_nobody_rely_on_it(
    house: House, monkeypatch: pytest.MonkeyPatch, boot: str
) -> None:
    """Its words are in the file by then, and another process reads them there, though a power cut would take them."""
    files = [house.root / ".praxmonitor" / name for name in ("sequence", numbers.TWIN)]
    on_disk: dict[Path, bytes] = {}

    def killed(_: int) -> None:
        raise OSError(errno.EIO, "the disk did not take it")

    def sync(_: int) -> None:
        on_disk.update({path: path.read_bytes() for path in files})

    monkeypatch.setattr(numbers, "boot_id", lambda: boot)
    monkeypatch.setattr(writing, "sync", sync)
    given = [numbers.reserve_numbers(house.root) for _ in range(numbers.SPARE + 1)]
    monkeypatch.setattr(writing, "sync", killed)
    with pytest.raises(MailcoreError, match="no number can be taken"):
        for _ in range(numbers.SPARE):
            given.append(numbers.reserve_numbers(house.root))
    monkeypatch.setattr(writing, "sync", sync)
    given.append(numbers.reserve_numbers(house.root))
    for path, data in on_disk.items():
        path.write_bytes(data)
    monkeypatch.setattr(numbers, "boot_id", lambda: "the second")
    after = numbers.reserve_numbers(house.root)
    assert sorted(set(given)) == given and given[-1] < after <= given[-1] + 2 * numbers.SPARE


@pytest.mark.parametrize("most", [b"%020d" % 10**13, b"9" * 20])
def test_a_strangers_files_do_not_run_away_with_the_count(house: House, most: bytes) -> None:
    state = house.root / ".praxmonitor"
    assert numbers.reserve_numbers(house.root) == 1
    (state / "sequence").write_bytes(most + b"\n")
    assert numbers.reserve_numbers(house.root) == 2
    (state / numbers.TWIN).write_bytes(b"%020d " % 2 + most + b" another\n")
    assert numbers.reserve_numbers(house.root) == 3
