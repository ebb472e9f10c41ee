"""What an agent puts in a file's place keeps no reader waiting and leads no writer elsewhere."""

from __future__ import annotations

import os
import socket
import stat
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from mailcore.exceptions import MailcoreError
from mailcore.formats import journal
from mailcore.hooks.deliver import deliver_mail
from mailcore.hooks.install import hook_state, install_hooks, settings_file
from mailcore.hooks.line import STAMPS
from mailcore.mail import archive, mailbox, numbers, post
from mailcore.mail.mailbox_reader import read_mailbox
from mailcore.model.lock import Holder
from mailcore.model.message import MailboxStatus
from mailcore.observe import usage_ledger
from mailcore.observe.format_drift import FormatDrift
from mailcore.programs.claude.program import Claude
from mailcore.system import locks, safe_open
from mailcore.workspace import audit, create, find, presence
from mailcore.workspace.holds import hold_text
from mailcore.workspace.lock_reader import read_lock
from tests.mailcore.conftest import House
from tests.mailcore.session_lines import cwd_of, files_of, read_from

HOOKS = Claude.hooks

IRREGULAR = "is no regular file: refused"
ROLLOUT = "rollout-2027-01-15T10-00-00-0a.jsonl"


def soon(act: Callable[[], Any]) -> Any:
    """What `act` returns, or the exception that it raises; fails if it does neither in time."""
    told: list[Any] = []

    def run() -> None:
        try:
            told.append(act())
        except (OSError, MailcoreError) as error:
            told.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(5)
    assert told, "it hangs"
    return told[0]


def fifo(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    os.mkfifo(path)
    return path


@pytest.mark.parametrize("write", [False, True])
def test_only_a_regular_file_is_opened(tmp_path: Path, write: bool) -> None:
    flags = os.O_RDWR | os.O_CREAT if write else os.O_RDONLY
    (tmp_path / "directory").mkdir()
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(tmp_path / "socket"))
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208 (names only)
    for path in (fifo(tmp_path / "fifo"), tmp_path / "socket", Path("/dev/null")):
        error = soon(partial(safe_open.descriptor, path, flags))
        assert isinstance(error, OSError) and (error.strerror, error.filename) == (IRREGULAR, str(path))
    assert isinstance(soon(lambda: safe_open.descriptor(tmp_path / "directory", flags)), IsADirectoryError)
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208
    listener.close()
    (tmp_path / "file").write_bytes(b"text")
    (tmp_path / "link").symlink_to("file")
    assert safe_open.read_bytes(tmp_path / "link") == b"text"
    with pytest.raises(OSError, match="is a symlink: refused"):
        safe_open.descriptor(tmp_path / "link", flags | os.O_NOFOLLOW)
    with pytest.raises(FileNotFoundError):
        safe_open.open_regular(tmp_path / "none")


def test_a_fifo_for_a_mailbox_is_unreadable_and_delivery_refuses(house: House) -> None:
    writer = house.agent("@writer")
    fifo(writer.inbox)
    box = soon(lambda: read_mailbox(writer.inbox, writer.root))
    assert (box.status, box.reason) == (MailboxStatus.UNREADABLE, f"{writer.inbox}: {IRREGULAR}")
    for act in (lambda: mailbox.deliver(writer, {"subject": "s"}), lambda: mailbox.repair_mailbox(writer)):
        assert IRREGULAR in str(soon(act))
    writer.inbox.unlink()
    (writer.mail_dir / "fifo").symlink_to(fifo(house.root / "elsewhere"))
    (writer.mail_dir / "fifo").rename(writer.inbox)
    assert IRREGULAR in str(soon(lambda: mailbox.deliver(writer, {"subject": "s"})))


def test_a_fifo_for_the_lock_of_a_mailbox_is_refused_by_name(house: House) -> None:
    writer = house.agent("@writer")
    lock = fifo(writer.mail_dir / ".inbox.lock")
    assert soon(lambda: locks.is_locked(lock)) is False
    assert f"{lock}: {IRREGULAR}" in str(soon(lambda: mailbox.deliver(writer, {"subject": "s"})))


def test_a_fifo_for_a_lock_or_a_hold_holds(house: House) -> None:
    writer = house.agent("@writer")
    fifo(writer.dispatch_lock)
    lock = soon(lambda: read_lock(writer.dispatch_lock))
    assert lock.holder is Holder.UNKNOWN and IRREGULAR in lock.subject
    hold = fifo(writer.mail_dir / ".hold")
    assert soon(lambda: hold_text(writer.mail_dir, "@writer")) == f"@writer is held ({hold})"
    writer.dispatch_lock.unlink()


def test_a_fifo_for_a_journal_is_neither_read_nor_written(tmp_path: Path) -> None:
    path = fifo(tmp_path / "run.jsonl")
    for act in (lambda: journal.read_records(path), lambda: journal.append_record(path, {"event": "x"})):
        error = soon(act)
        assert isinstance(error, OSError) and error.strerror == IRREGULAR


@pytest.mark.parametrize("name", ["5e55.jsonl", ROLLOUT])
def test_a_fifo_for_a_session_is_nobodys(tmp_path: Path, name: str) -> None:
    path = fifo(tmp_path / name)
    assert soon(lambda: cwd_of(path)) == ""
    assert isinstance(soon(lambda: read_from("@a", path, 70_000)), OSError)


def test_a_fifo_for_an_earlier_session_file_tells_no_money(tmp_path: Path) -> None:
    path = tmp_path / "5e55.jsonl"
    path.write_bytes(b"{}\n" * 30_000)
    reader: Any = read_from("@a", path, 80_000)
    fifo(path)
    assert soon(reader.former) is None


def test_a_fifo_in_the_archive_is_passed_over(house: House) -> None:
    writer = house.agent("@writer")
    (sent,) = post.send_mail(house.workspace, "@lead", ["@writer"], "s", "b")
    fifo(writer.archive_dir / f"20270101_000000_{sent.id}_s.json")
    assert isinstance(soon(lambda: mailbox.archive_messages(writer, [sent.id])), list)
    (house.root / ".praxmonitor" / "sequence").unlink()
    assert soon(lambda: numbers.reserve_numbers(house.root)) == 2


def test_a_fifo_for_settings_is_told(house: House) -> None:
    writer = house.agent("@writer")
    fifo(settings_file(writer, HOOKS))
    assert IRREGULAR in soon(lambda: hook_state(writer, HOOKS)).why
    assert IRREGULAR in str(soon(lambda: install_hooks(writer, HOOKS)))


def test_a_fifo_for_what_the_ear_notes_keeps_no_agent(house: House) -> None:
    writer = house.agent("@writer")
    os.utime(writer.inbox, (1, 1))
    fifo(writer.mail_dir / STAMPS["Stop"])
    assert IRREGULAR in str(soon(lambda: deliver_mail(writer, {"hook_event_name": "Stop"})).strerror)


def test_no_link_for_a_lock_a_journal_or_the_count_makes_a_file_elsewhere(house: House, tmp_path: Path) -> None:
    writer, outside = house.agent("@writer"), tmp_path / "outside"
    state = house.root / ".praxmonitor"
    for path, act in (
        (writer.mail_dir / ".inbox.lock", lambda: mailbox.deliver(writer, {"subject": "s", "seq": 1})),
        (state / "sequence", lambda: numbers.reserve_numbers(house.root)),
        (state / "audit.jsonl", lambda: audit.record(house.workspace, "@lead", "test")),
    ):
        path.unlink(missing_ok=True)
        path.symlink_to(outside)
        with pytest.raises(MailcoreError, match=f"{path}: is a symlink: refused"):
            act()
        path.unlink()
    run = tmp_path / "run.jsonl"
    run.symlink_to(outside)
    with pytest.raises(OSError, match="is a symlink: refused"):
        journal.append_record(run, {"event": "x"})
    assert not outside.exists()


def put(path: Path, kind: str, elsewhere: Path) -> None:
    """In the place of a file what is none: a FIFO, a link to a device, or a link to a file of the same content."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if kind == "fifo":
        fifo(path)
        return
    if kind == "link":
        elsewhere.write_bytes(path.read_bytes() if path.exists() else b"")
    path.unlink(missing_ok=True)
    path.symlink_to("/dev/zero" if kind == "device" else elsewhere)


KINDS = pytest.mark.parametrize("kind", ["fifo", "device", "link"])


@KINDS
def test_what_is_put_in_a_journals_place_is_not_read(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "run.jsonl"
    journal.append_record(path, {"event": "queued"})
    put(path, kind, tmp_path / "elsewhere")
    error = soon(lambda: journal.read_records(path))
    assert isinstance(error, OSError) and str(error.strerror).endswith("refused") and error.filename == str(path)


@KINDS
def test_what_is_put_in_the_place_of_a_runs_journal_is_said_beside_the_sums(
    house: House, tmp_path: Path, kind: str
) -> None:
    writer = house.agent("@writer")
    run = writer.runs_dir / "20270101T000000-aa" / "run.jsonl"
    put(run, kind, tmp_path / "elsewhere")
    found = soon(lambda: usage_ledger.ledger([writer], 0.0))
    (note,) = found.notes
    assert note.startswith(f"{run}: is ") and "refused" in note and "@writer" in note
    for verb in ("usage", "history"):
        told = house.mailcore(verb)
        assert told.returncode == 0 and b"refused" in told.stdout + told.stderr


def test_a_fifo_that_takes_the_place_of_a_session_keeps_no_ledger_waiting(house: House, tmp_path: Path) -> None:
    path, notes = fifo(tmp_path / "5e55.jsonl"), list[str]()
    spent: Any = partial(
        usage_ledger._all_spent, house.agent("@writer"), [(path, files_of(path))], 0.0, notes, FormatDrift()
    )
    assert soon(lambda: list(spent())) == [] and IRREGULAR in notes[0]


@KINDS
def test_what_is_put_in_the_place_of_presence_is_said_and_replaced(house: House, tmp_path: Path, kind: str) -> None:
    path = house.root / ".praxmonitor" / "presence.json"
    presence.set_away(house.workspace, "noon")
    put(path, kind, tmp_path / "elsewhere")
    operator = house.workspace.operator
    words = soon(lambda: presence.presence_of(house.workspace, operator))
    assert words.startswith("unknown: presence.json is ") and words.endswith("refused")
    soon(lambda: presence.set_away(house.workspace, "five"))
    assert presence.presence_of(house.workspace, operator) == "away until five"
    assert stat.S_ISREG(path.lstat().st_mode)


@KINDS
def test_what_is_put_in_the_registrys_place_is_neither_read_nor_written(
    house: House, tmp_path: Path, kind: str
) -> None:
    registry = house.workspace.registry
    put(registry, kind, tmp_path / "elsewhere")
    for act in (
        lambda: create.add_agent(house.workspace, "new", "agents/new"),
        lambda: create.remove_agent(house.workspace, "@lead"),
    ):
        error = soon(act)
        assert isinstance(error, MailcoreError) and f"{registry}: is " in str(error) and "refused" in str(error)
    assert not (house.root / "agents" / "new").exists()
    assert registry.is_fifo() or registry.is_symlink()


@pytest.mark.parametrize("kind", ["fifo", "device"])
def test_a_registry_that_is_no_file_is_said_by_every_command_and_by_init(tmp_path: Path, kind: str) -> None:
    registry = tmp_path / "place" / "HOME_REGISTRY.json"
    put(registry, kind, tmp_path / "elsewhere")
    assert f"{registry}: {IRREGULAR}" in str(soon(lambda: find.find_workspace(registry.parent)))
    assert str(registry) in str(soon(lambda: create.create_workspace(registry.parent, [("a", "agents/a")])))
    (registry.parent / "ZOO_REGISTRY.json").write_text('{"branches": []}')
    assert soon(lambda: find.find_workspace(registry.parent)).registry.name == "ZOO_REGISTRY.json"


def test_making_a_branch_follows_no_link(house: House, tmp_path: Path) -> None:
    branch, outside = house.root / "agents" / "new", tmp_path / "outside"
    for name in (".ai_mail.local/inbox.json", ".trinity/passport.json"):
        (branch / name).parent.mkdir(parents=True)
        (branch / name).symlink_to(outside)
    soon(lambda: create.add_agent(house.workspace, "new", "agents/new"))
    assert not outside.exists() and (branch / ".trinity" / "local.json").is_file()


def test_a_directory_exchanged_for_a_link_at_any_moment_leads_no_write_out(house: House, tmp_path: Path) -> None:
    """Of the archive and of the settings: who checks a path and then writes by it loses this race soon."""
    writer, outside = house.agent("@writer"), tmp_path / "outside"
    outside.mkdir()
    archived, settings = writer.archive_dir, settings_file(writer, HOOKS).parent
    within = house.root / "within"
    within.mkdir()
    stop = threading.Event()

    def point(place: Path, target: Path) -> None:
        link = place.with_name("link")
        link.symlink_to(target)
        link.rename(place)

    def exchange() -> None:
        while not stop.is_set():
            for target in (outside, within):
                point(archived, target)
                point(settings, target)

    point(archived, within)
    point(settings, within)
    thread = threading.Thread(target=exchange)
    thread.start()
    try:
        for n in range(300):
            with suppress(OSError, MailcoreError):
                archive.write_archived(writer, {"id": f"{n}"})
            with suppress(OSError, MailcoreError):
                install_hooks(writer, HOOKS)
            (within / settings_file(writer, HOOKS).name).unlink(missing_ok=True)
    finally:
        stop.set()
        thread.join()
    assert list(outside.iterdir()) == [] and list(within.iterdir()) != []
