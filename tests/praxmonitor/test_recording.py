"""What is written is read back: every kind of fact, whole and torn files, newer ones; and no mail unless asked for."""

from __future__ import annotations

import gzip
import json
import os
import stat
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, get_args, get_type_hints

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import UNSET, UnsetType

from mailcore.config import Alarms, Mail
from mailcore.exceptions import UsageError
from mailcore.formats import json_codec
from mailcore.model.activity import Activity, Kind
from mailcore.model.agent import Agent
from mailcore.model.fleet import Fleet
from mailcore.model.lock import Lock
from mailcore.model.message import Ack, Mailbox, MailboxStatus, Message
from mailcore.model.permission import PermissionRequest
from mailcore.model.run import Attempt, Phase, Run
from mailcore.model.usage import Spent, Usage
from mailcore.observe.fact_codec import TAGS, LeftOut
from mailcore.observe.facts import (
    AgentTold,
    ErrorsRead,
    Fact,
    HoldRead,
    HooksRead,
    HostsRead,
    LimitsRead,
    LockRead,
    LogsGrew,
    Lost,
    MailboxRead,
    PermissionsRead,
    Roster,
    RunRead,
    Seen,
    SessionsLive,
    Stated,
    Used,
)
from mailcore.observe.fold import apply
from mailcore.text.masks import masked
from praxmonitor.feed.recording import LONGEST_LINE, RecordingError, RecordingHeader, RecordingWriter
from praxmonitor.feed.recording_reader import FORMATS, read_header, read_recording

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
st.register_type_strategy(UnsetType, st.just(UNSET))
st.register_type_strategy(float, st.floats(allow_nan=False, allow_infinity=False))
st.register_type_strategy(str, TEXT)
st.register_type_strategy(Path, st.lists(st.text("abc é\\\"'", min_size=1), min_size=1).map(lambda p: Path("/", *p)))


def every_field(kind: type) -> st.SearchStrategy[Any]:
    """Values of a model with nothing left at its default."""
    return st.builds(
        kind,
        **{
            name: st.dictionaries(TEXT, JSON, max_size=4) if hint == Mapping[str, Any] else st.from_type(hint)
            for name, hint in get_type_hints(kind).items()
        },
    )


OBJECT = st.dictionaries(TEXT, JSON, max_size=3)
st.register_type_strategy(
    PermissionRequest,
    st.builds(PermissionRequest, tool_input=OBJECT, suggestions=st.lists(OBJECT, max_size=2).map(tuple)),
)
for model in (Agent, Activity, Ack, Attempt, Lock, Message, Mailbox, Run, Spent, Usage):
    st.register_type_strategy(model, every_field(model))
st.register_type_strategy(Lock, every_field(Lock).map(lambda lock: replace(lock, nonce="")))  # masked in a recording
FACTS: st.SearchStrategy[Fact] = st.one_of(*(every_field(kind) for kind in TAGS))
HEADER = RecordingHeader(Path("/nowhere/lighthouse"), 100.0, bodies=True)
AGENT = Agent("@writer", "WRITER", Path("/nowhere/lighthouse/writer"), root=Path("/nowhere/lighthouse"))


def written(path: Path, *readings: tuple[float, tuple[Fact, ...]], header: RecordingHeader = HEADER) -> Path:
    writer = RecordingWriter(path, header)
    for at, facts in readings:
        writer.write(at, facts)
    writer.close(999.0)
    return path


def raws(fact: Fact) -> list[object]:
    """What equality of messages leaves out."""
    return [message.raw for message in fact.mailbox.messages] if isinstance(fact, MailboxRead) else []


def lost(count: int) -> tuple[float, tuple[Fact, ...]]:
    return float(count), (Lost("@writer", count),)


@settings(deadline=None, max_examples=150)
@given(readings=st.lists(st.tuples(st.from_type(float), st.lists(FACTS, max_size=3).map(tuple)), max_size=3))
def test_every_kind_of_fact_comes_back_as_it_was(readings: list[tuple[float, tuple[Fact, ...]]]) -> None:
    with TemporaryDirectory() as place:
        back = list(read_recording(written(Path(place) / "r.jsonl", *readings)))
    assert back == [*readings, (999.0, ())]
    for (_, before), (_, after) in zip(readings, back, strict=False):
        assert [type(fact) for fact in after] == [type(fact) for fact in before]
        assert [raws(fact) for fact in after] == [raws(fact) for fact in before]


@given(fact=FACTS)
@settings(deadline=None, max_examples=50)
def test_the_strategy_reaches_every_kind(fact: Fact) -> None:
    assert type(fact) in TAGS


def test_every_kind_of_fact_has_its_tag_and_keeps_it(tmp_path: Path) -> None:
    """These words are in files that others have: this table may grow, and never change."""
    assert {kind: tag for kind, tag in TAGS.items() if kind in get_args(Fact)} == {
        Roster: "roster", MailboxRead: "mailbox", LockRead: "lock", HoldRead: "hold", RunRead: "run", Seen: "seen",
        Used: "used", Lost: "lost", Stated: "stated", LimitsRead: "limits",
        HooksRead: "hooks", ErrorsRead: "errors", LogsGrew: "log_growth",
        PermissionsRead: "permissions",
        SessionsLive: "sessions", HostsRead: "hosts", AgentTold: "told",
    }  # fmt: skip
    assert set(TAGS) == set(get_args(Fact)) and len(set(TAGS.values())) == len(TAGS)
    try:
        Lost.__name__ = "Unreadable"
        path = written(tmp_path / "r.jsonl", lost(3))
    finally:
        Lost.__name__ = "Lost"
    assert json.loads(path.read_text().splitlines()[1])["facts"] == [["lost", {"address": "@writer", "lines": 3}]]
    assert next(read_recording(path)) == lost(3)


def test_activities_keep_the_words_that_recordings_have() -> None:
    assert set(Kind) >= {
        "session", "prompt", "tool", "tool_done", "tool_failed", "thinking", "message", "waiting", "turn_end",
        "compact", "compacted", "subagent", "subagent_done", "limit", "log", "warning", "error", "mail", "started",
        "retrying", "done", "failed", "killed",
    }  # fmt: skip


def test_a_recording_of_0_1_0_is_played(recording_0_1_0: Path) -> None:
    header, left_out = read_header(recording_0_1_0), LeftOut()
    assert (header.format, header.praxmonitor, header.alarms.silence) == (1, "0.1.0", 8.0)
    readings = list(read_recording(recording_0_1_0, left_out))
    assert (
        {type(fact) for _, facts in readings for fact in facts}
        == set(get_args(Fact))
        - {Stated, LimitsRead, SessionsLive, HooksRead, ErrorsRead, LogsGrew, PermissionsRead, HostsRead, AgentTold}
        == set(FORMATS[1].values())
    )
    assert len(left_out) == 0 and str(left_out) == ""
    seen = [one.kind for _, facts in readings for fact in facts if isinstance(fact, Seen) for one in fact.activities]
    assert set(seen) == set(Kind)
    fleet = Fleet(header.root)
    for at, facts in readings:
        fleet = apply(fleet, facts, at)
    agents = {facts.address: facts for facts in fleet.agents}
    assert len(agents) == 12 and agents["@market"].held == "held by @operator: wait for the figures"
    assert agents["@papers"].lost == 3 and agents["@papers"].spending.today.tokens == 58_320
    ended = agents["@editor"].run
    assert ended is not None and ended.phase is Phase.COMPLETED


def test_a_recording_of_0_1_0_is_written_anew_in_the_newest_format(recording_0_1_0: Path, tmp_path: Path) -> None:
    told = tmp_path / "masked.jsonl"  # a run's nonce proves who is calling: it is written no more
    told.write_text(masked(recording_0_1_0.read_text()))
    before = list(read_recording(told))
    path = written(tmp_path / "r.jsonl", *before[:-1], header=replace(read_header(recording_0_1_0), bodies=True))
    assert read_header(path).format == 2 and list(read_recording(path))[:-1] == before[:-1]


def test_the_header_tells_what_was_recorded_and_brings_no_command_to_run(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    policy = Alarms(silence=7.0, on_alarm=("sh", "ring.sh"))
    written(path, lost(1), header=replace(HEADER, alarms=policy, mail=Mail(rung_high=3.0)))
    assert "ring.sh" not in path.read_text()
    header = read_header(path)
    assert (header.root, header.at, header.alarms.silence, header.mail.rung_high) == (HEADER.root, 100.0, 7.0, 3.0)
    first, _, rest = path.read_text().partition("\n")
    hostile = json.loads(first) | {"alarms": {"on_alarm": ["sh", "ring.sh"]}}
    path.write_text(json.dumps(hostile) + "\n" + rest)
    assert read_header(path).alarms.on_alarm == ()


@pytest.mark.parametrize("name", ["r.jsonl", "r.jsonl.gz"])
def test_a_recorder_that_was_killed_leaves_all_but_its_last_line(tmp_path: Path, name: str) -> None:
    writer = RecordingWriter(tmp_path / name, HEADER)
    for count in range(1, 4):
        writer.write(*lost(count))
    whole = (tmp_path / name).read_bytes()
    assert [at for at, _ in read_recording(tmp_path / name)] == [1.0, 2.0, 3.0]
    for cut in range(1, 12):
        (tmp_path / f"torn-{name}").write_bytes(whole[:-cut])
        assert [at for at, _ in read_recording(tmp_path / f"torn-{name}")] in ([1.0, 2.0], [1.0, 2.0, 3.0])
    writer.close(4.0)
    assert [at for at, _ in read_recording(tmp_path / name)] == [1.0, 2.0, 3.0, 4.0]


def test_a_name_that_ends_in_gz_is_compressed_and_read_under_any_name(tmp_path: Path) -> None:
    path = written(tmp_path / "r.jsonl.gz", *map(lost, range(1, 200)))
    assert gzip.decompress(path.read_bytes()).startswith(b'{"root"')
    assert len(list(read_recording(path.rename(tmp_path / "renamed")))) == 200


def test_a_broken_line_names_file_line_and_cause(tmp_path: Path) -> None:
    path = written(tmp_path / "r.jsonl", lost(1), lost(2))
    lines = path.read_text().splitlines()
    for broken, cause in (
        ("no json", "JSON"),
        ("[]", "indices"),
        ('{"facts": []}', "no 'at'"),
        ('{"at": 1, "facts": [["lost", {"address": 3, "lines": 1}]]}', "address"),
        ('{"at": 1, "facts": [["seen", {}]]}', "no 'activities'"),
        ("[" * 100_000, "recursion"),
        ('{"at": "\udc80"}', "utf"),
    ):
        text = "\n".join([*lines[:2], broken, *lines[2:]]) + "\n"
        path.write_bytes(text.encode("utf-8", "surrogateescape"))
        reading = read_recording(path)
        assert next(reading) == lost(1)
        with pytest.raises(RecordingError, match=r"r\.jsonl: line 3: ") as caught:
            next(reading)
        assert cause in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"\n", b"{}\n", b"not one\n", b"[1]\n", b'{"format":1}\n', bytes(range(256))])
def test_what_is_no_recording_is_said_to_be_none(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "r.jsonl"
    path.write_bytes(content)
    with pytest.raises(RecordingError, match=r"r\.jsonl: line 1: no header of a recording"):
        read_header(path)


def test_a_damaged_compressed_file_and_a_missing_one_are_named(tmp_path: Path) -> None:
    path = written(tmp_path / "r.gz", *map(lost, range(1, 200)))
    damaged = bytearray(path.read_bytes())
    damaged[200:260] = bytes(60)
    path.write_bytes(damaged)
    with pytest.raises(RecordingError, match=r"r.gz: line \d+: "):
        list(read_recording(path))
    with pytest.raises(RecordingError, match=r"nowhere\.jsonl: line 1: No such file"):
        read_header(tmp_path / "nowhere.jsonl")


def newer(path: Path) -> Path:
    """A recording by a version that knows more: a kind of fact, a kind of activity, a status, keys."""
    header = json.loads(written(path, lost(1)).read_text().splitlines()[0])
    seen = {"at": 1.0, "agent": "@writer", "kind": "tool", "text": "Bash", "source": "hooks", "mood": "glad"}
    dreams = [seen | {"kind": "dream"}, seen | {"kind": "day\x1bdream"}, seen | {"kind": "dream"}, seen | {"kind": 7}]
    facts = [
        ["dreamt", {"address": "@writer"}],
        ["lost", {"address": "@writer", "lines": 3, "why": "torn"}],
        ["seen", {"address": "@writer", "activities": [seen, *dreams], "more": {}}],
        ["mailbox", {"address": "@writer", "mailbox": {"status": "haunted"}}],
    ]
    readings = [{"at": 2, "facts": facts}, {"at": 3, "facts": facts[1:2]}, {"at": 4, "facts": facts[:1]}]
    lines = [header | {"weather": "fog", "praxmonitor": "9.1"}, *readings]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def test_what_a_newer_version_recorded_is_left_out_and_told(tmp_path: Path) -> None:
    activity, left_out = Activity(1.0, "@writer", Kind.TOOL, "Bash", "hooks"), LeftOut()
    readings = read_recording(newer(tmp_path / "r.jsonl"), left_out)
    assert next(readings) == (2.0, (Lost("@writer", 3), Seen("@writer", (activity,))))
    assert str(left_out) == (
        "2 facts (1 dreamt, 1 mailbox) and "
        "4 activities (2 dream, 1 day\N{REPLACEMENT CHARACTER}dream, 1 7) in 1 reading"
    )
    assert list(readings) == [(3.0, (Lost("@writer", 3),)), (4.0, ())]
    assert len(left_out) == 7 and str(left_out).startswith("3 facts (2 dreamt, 1 mailbox) and")
    assert str(left_out).endswith("in 2 readings")


def test_of_many_unknown_kinds_the_most_are_named(tmp_path: Path) -> None:
    path = written(tmp_path / "r.jsonl")
    facts = [[f"kind {number}" if number < 8 else "dreamt", {}] for number in range(10)]
    path.write_text(path.read_text() + json.dumps({"at": 2, "facts": facts}) + "\n")
    left_out = LeftOut()
    assert len(list(read_recording(path, left_out))) == 2
    told = "10 facts (2 dreamt, 1 kind 0, 1 kind 1, 1 kind 2, 1 kind 3, 4 more kinds) in 1 reading"
    assert str(left_out) == told


def test_a_newer_format_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path / "r.jsonl", lost(1))
    header = json.loads(path.read_text().splitlines()[0])
    assert header["format"] == 2
    path.write_text(json.dumps(header | {"format": 3, "praxmonitor": "9.1"}) + "\n")
    with pytest.raises(RecordingError, match=r"format 3, written by praxmonitor 9.1; this version reads 1 and 2"):
        read_header(path)


def test_without_bodies_a_recording_holds_nothing_of_what_mails_say(tmp_path: Path) -> None:
    secret = "the launch code is 8472"
    raw = {"id": "0a", "from": "@lead", "subject": "The code", "message": secret, "their_key": secret}
    ack = Ack("done", f"used {secret}", 5.0, "@writer")
    given = {"file_path": "code.md", "old_string": secret, "edits": [secret]}
    asks = PermissionRequest("0a", "@writer", "s", "Edit", given, 1.0, 2.0, suggestions=({"rules": secret},))
    message = replace(Message.from_json(raw), ack=ack)
    run = Run("r", "@writer", "@lead", "The code", "0a", "claude", 1.0, result=secret)
    lock = LockRead("@writer", Lock(1, 1.0, "The code"))
    asked = PermissionsRead("@writer", (asks,))
    facts = (MailboxRead("@writer", Mailbox(MailboxStatus.OK, (message,))), RunRead("@writer", run), lock, asked)
    shy = written(tmp_path / "shy.jsonl", (1.0, facts), header=replace(HEADER, bodies=False))
    assert "8472" not in shy.read_text()
    ((_, (mailbox, ended, locked, waits)), _) = read_recording(shy)
    assert isinstance(waits, PermissionsRead) and waits.requests[0].tool_input == {
        "file_path": "code.md", "old_string": f"[{len(secret)} characters, not recorded]",
    }  # fmt: skip
    assert isinstance(mailbox, MailboxRead) and isinstance(ended, RunRead) and ended.run is not None
    (kept,) = mailbox.mailbox.messages
    assert (kept.subject, kept.body, kept.raw) == ("The code", f"[{len(secret)} characters, not recorded]", {})
    assert kept.ack is not None and kept.ack.state == "done" and locked == lock
    told = written(tmp_path / "told.jsonl", (1.0, facts))
    assert next(read_recording(told))[1] == facts and [raws(fact) for fact in next(read_recording(told))[1]] == [
        raws(fact) for fact in facts
    ]
    fleets = [
        apply(Fleet(HEADER.root), (Roster((AGENT,)), *facts), 1.0) for facts in (facts, next(read_recording(shy))[1])
    ]
    assert fleets[0].stream == fleets[1].stream


def test_another_programs_lone_surrogate_does_not_end_the_recording(tmp_path: Path) -> None:
    seen = Seen("@writer", (Activity(1.0, "@writer", Kind.TOOL, "Bash", "hooks", session="a\ud800b"),))
    path = written(tmp_path / "r.jsonl", (1.0, (seen, Lost("@writer", 2))), lost(3))
    ((_, (mended, second)), third, _) = read_recording(path)
    assert isinstance(mended, Seen) and mended.activities[0].session == "a?b"
    assert second == Lost("@writer", 2) and third == lost(3)


def test_a_file_that_is_there_is_never_written_over_and_a_new_one_is_its_owners(tmp_path: Path) -> None:
    path = written(tmp_path / "r.jsonl", lost(1))
    before = path.read_bytes()
    with pytest.raises(UsageError, match="is there already"):
        RecordingWriter(path, HEADER)
    assert path.read_bytes() == before
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with pytest.raises(RecordingError, match="cannot be written: No such file"):
        RecordingWriter(tmp_path / "nowhere" / "r.jsonl", HEADER)


def test_a_full_disk_is_said(tmp_path: Path) -> None:
    script = (
        "import resource, sys; from pathlib import Path\n"
        "from praxmonitor.feed.recording import RecordingHeader, RecordingWriter\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1, 1))\n"
        "RecordingWriter(Path(sys.argv[1]), RecordingHeader(Path('/x'), 1.0))"
    )
    path = tmp_path / "r.jsonl"
    done = subprocess.run([sys.executable, "-c", script, str(path)], capture_output=True, text=True, timeout=30)
    assert f"RecordingError: {path}: cannot be written: File too large" in done.stderr


@pytest.mark.parametrize("raw", ["NaN", "1e999", "-Infinity", "1" + 30 * "0"])
def test_a_mailbox_with_a_number_that_json_has_not_is_recorded(tmp_path: Path, raw: str) -> None:
    message = json_codec.loads(f'{{"id": "x", "k": {raw}}}'.encode())
    mailbox = Mailbox(MailboxStatus.OK, (Message("x", "", 0.0, "@b", "s", "", "new", raw=message),))
    writer = RecordingWriter(tmp_path / "r.jsonl", HEADER)
    writer.write(101.0, [MailboxRead("@a", mailbox)])
    writer.close(102.0)
    (_, (fact,)), _ = read_recording(tmp_path / "r.jsonl")
    assert isinstance(fact, MailboxRead) and fact.mailbox.messages[0].raw["id"] == "x"


@pytest.mark.linux_only("VmHWM: what a process held at most, without its parent's")
def test_a_line_without_end_is_refused_in_words_and_in_little_memory(tmp_path: Path) -> None:
    """1.2 GB of `[` in a file of 1 MB; and the same uncompressed and sparse."""
    bomb, sparse = tmp_path / "bomb.jsonl.gz", tmp_path / "sparse.jsonl"
    with gzip.open(bomb, "wb", 9) as file:
        for _ in range(300):
            file.write(b"[" * 1_000_000)
    sparse.touch()
    os.truncate(sparse, 3_000_000_000)
    script = (
        "import re, sys; from pathlib import Path; from praxmonitor.feed.recording_reader import read_header\n"
        "try: read_header(Path(sys.argv[1]))\n"
        "except Exception as error: print(type(error).__name__, error)\n"
        "print(int(re.search(r'VmHWM:\\s+(\\d+)', Path('/proc/self/status').read_text())[1]) // 1024)"
    )
    for path in (bomb, sparse):
        done = subprocess.run([sys.executable, "-c", script, path], capture_output=True, text=True, check=True)
        told, peak = done.stdout.splitlines()
        assert told.startswith(f"RecordingError {path}: line 1: longer than 16 MB") and int(peak) < 150, done.stdout


def test_a_bomb_after_good_lines_ends_the_recording_there(tmp_path: Path) -> None:
    path = written(tmp_path / "r.jsonl", lost(1), lost(2))
    with path.open("ab") as file:
        file.write(b'{"at": 9, "facts": [' + b"0," * (LONGEST_LINE // 2))
    readings = read_recording(path)
    assert [at for at, _ in islice(readings, 3)] == [1.0, 2.0, 999.0]
    with pytest.raises(RecordingError, match="line 5: longer than 16 MB"):
        next(readings)


@pytest.mark.parametrize("root", [5, None, [], {}, "a\\u0000b"])
def test_a_root_that_is_no_path_is_no_header(tmp_path: Path, root: object) -> None:
    path = tmp_path / "r.jsonl"
    said = json.dumps(root) if not isinstance(root, str) else f'"{root}"'
    path.write_text(f'{{"format": 1, "praxmonitor": "x", "root": {said}, "at": 0}}\n')
    with pytest.raises(RecordingError, match="line 1: no header of a recording"):
        read_header(path)


@pytest.mark.parametrize("kind", ["fifo", "device", "directory"])
def test_what_is_no_file_is_no_recording(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "r.jsonl"
    {"fifo": os.mkfifo, "directory": os.mkdir, "device": lambda one: one.symlink_to("/dev/zero")}[kind](path)
    with pytest.raises(RecordingError, match=r"r\.jsonl: line 1: "):
        read_header(path)


def test_a_reading_too_long_for_a_line_becomes_several_and_a_long_mailbox_loses_its_bodies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("praxmonitor.feed.recording.LONGEST_LINE", LONGEST_LINE // 100)  # megabytes take seconds
    body = "x" * 10_000
    mails = tuple(Message.from_json({"id": f"{n:08x}", "from": "@b", "message": body}) for n in range(6))
    boxes = tuple(MailboxRead(address, Mailbox(MailboxStatus.OK, mails)) for address in ("@a", "@c"))
    path = written(tmp_path / "r.jsonl", (1.0, boxes))
    assert [facts for _, facts in read_recording(path)][:-1] == [(boxes[0],), (boxes[1],)], "each mail is 20 kB there"
    huge = MailboxRead("@a", Mailbox(MailboxStatus.OK, mails * 2))
    (_, (kept,)), _ = read_recording(written(tmp_path / "huge.jsonl", (1.0, (huge,))))
    assert isinstance(kept, MailboxRead)
    assert {message.body for message in kept.mailbox.messages} == {"[10000 characters, not recorded]"}


def test_a_recording_holds_no_secret_of_a_known_form(tmp_path: Path) -> None:
    secret = "ghp_" + "a1B2" * 9
    key = "-----BEGIN PRIVATE" + " KEY-----\nMIIE\n-----END PRIVATE KEY-----"
    message = Message.from_json({"id": "0a", "from": "@b", "subject": secret, "message": key, "api_key": 1234567890})
    facts = (
        Seen("@writer", (Activity(1.0, "@writer", Kind.TOOL, f"curl -H 'Authorization: Bearer {secret}'", "hooks"),)),
        MailboxRead("@writer", Mailbox(MailboxStatus.OK, (message,))),
        LockRead("@writer", Lock(1, 1.0, "s", nonce="0123456789abcdef")),
    )
    path = written(tmp_path / "r.jsonl", (1.0, facts))
    text = path.read_text()
    assert secret not in text and "MIIE" not in text and "0123456789abcdef" not in text
    ((_, (_, mailbox, _)), _) = read_recording(path)
    assert isinstance(mailbox, MailboxRead) and mailbox.mailbox.messages[0].raw["api_key"] == 1234567890
