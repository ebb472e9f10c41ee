"""What is written is read back: every kind of fact, whole and torn files, newer ones; and no mail unless asked for."""

from __future__ import annotations

import gzip
import json
import stat
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, get_type_hints

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailcore import codec
from mailcore.config import Alarms, Mail
from mailcore.errors import UsageError
from mailcore.model.activity import Activity, Kind
from mailcore.model.agent import Agent
from mailcore.model.fleet import Fleet
from mailcore.model.message import Ack, Mailbox, MailboxStatus, Message
from mailcore.model.run import Attempt, Lock, Run
from mailcore.model.usage import Spent, Usage
from mailcore.observe.facts import Fact, LockRead, Lost, MailboxRead, Roster, RunRead, Seen
from mailcore.observe.fold import apply
from praxmonitor.recording import KINDS, Header, RecordingError, Writer, opening, read

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
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


for model in (Agent, Activity, Ack, Attempt, Lock, Message, Mailbox, Run, Spent, Usage):
    st.register_type_strategy(model, every_field(model))
FACTS: st.SearchStrategy[Fact] = st.one_of(*(every_field(kind) for kind in KINDS.values()))
HEADER = Header(Path("/nowhere/lighthouse"), 100.0, bodies=True)
AGENT = Agent("@writer", "WRITER", Path("/nowhere/lighthouse/writer"), root=Path("/nowhere/lighthouse"))


def written(path: Path, *readings: tuple[float, tuple[Fact, ...]], header: Header = HEADER) -> Path:
    writer = Writer(path, header)
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
        back = list(read(written(Path(place) / "r.jsonl", *readings)))
    assert back == [*readings, (999.0, ())]
    for (_, before), (_, after) in zip(readings, back, strict=False):
        assert [type(fact) for fact in after] == [type(fact) for fact in before]
        assert [raws(fact) for fact in after] == [raws(fact) for fact in before]


@given(fact=FACTS)
@settings(deadline=None, max_examples=50)
def test_the_strategy_reaches_every_kind(fact: Fact) -> None:
    assert type(fact).__name__ in KINDS and len(KINDS) == 8


def test_the_header_tells_what_was_recorded_and_brings_no_command_to_run(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    policy = Alarms(silence=7.0, on_alarm=("sh", "ring.sh"))
    written(path, lost(1), header=replace(HEADER, alarms=policy, mail=Mail(rung_high=3.0)))
    assert "ring.sh" not in path.read_text()
    header = opening(path)
    assert (header.root, header.at, header.alarms.silence, header.mail.rung_high) == (HEADER.root, 100.0, 7.0, 3.0)
    first, _, rest = path.read_text().partition("\n")
    hostile = json.loads(first) | {"alarms": {"on_alarm": ["sh", "ring.sh"]}}
    path.write_text(json.dumps(hostile) + "\n" + rest)
    assert opening(path).alarms.on_alarm == ()


@pytest.mark.parametrize("name", ["r.jsonl", "r.jsonl.gz"])
def test_a_recorder_that_was_killed_leaves_all_but_its_last_line(tmp_path: Path, name: str) -> None:
    writer = Writer(tmp_path / name, HEADER)
    for count in range(1, 4):
        writer.write(*lost(count))
    whole = (tmp_path / name).read_bytes()
    assert [at for at, _ in read(tmp_path / name)] == [1.0, 2.0, 3.0]
    for cut in range(1, 12):
        (tmp_path / f"torn-{name}").write_bytes(whole[:-cut])
        assert [at for at, _ in read(tmp_path / f"torn-{name}")] in ([1.0, 2.0], [1.0, 2.0, 3.0])
    writer.close(4.0)
    assert [at for at, _ in read(tmp_path / name)] == [1.0, 2.0, 3.0, 4.0]


def test_a_name_that_ends_in_gz_is_compressed_and_read_under_any_name(tmp_path: Path) -> None:
    path = written(tmp_path / "r.jsonl.gz", *map(lost, range(1, 200)))
    assert gzip.decompress(path.read_bytes()).startswith(b'{"root"')
    assert len(list(read(path.rename(tmp_path / "renamed")))) == 200


def test_a_broken_line_names_file_line_and_cause(tmp_path: Path) -> None:
    path = written(tmp_path / "r.jsonl", lost(1), lost(2))
    lines = path.read_text().splitlines()
    for broken, cause in (
        ("no json", "JSON"),
        ("[]", "indices"),
        ('{"facts": []}', "no 'at'"),
        ('{"at": 1, "facts": [["Lost", {"address": 3, "lines": 1}]]}', "address"),
        ('{"at": 1, "facts": [["Seen", {}]]}', "no 'activities'"),
        ("[" * 100_000, "recursion"),
        ('{"at": "\udc80"}', "utf"),
    ):
        text = "\n".join([*lines[:2], broken, *lines[2:]]) + "\n"
        path.write_bytes(text.encode("utf-8", "surrogateescape"))
        reading = read(path)
        assert next(reading) == lost(1)
        with pytest.raises(RecordingError, match=r"r\.jsonl: line 3: ") as caught:
            next(reading)
        assert cause in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"\n", b"{}\n", b"not one\n", b"[1]\n", b'{"format":1}\n', bytes(range(256))])
def test_what_is_no_recording_is_said_to_be_none(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "r.jsonl"
    path.write_bytes(content)
    with pytest.raises(RecordingError, match=r"r\.jsonl: line 1: no header of a recording"):
        opening(path)


def test_a_damaged_compressed_file_and_a_missing_one_are_named(tmp_path: Path) -> None:
    path = written(tmp_path / "r.gz", *map(lost, range(1, 200)))
    damaged = bytearray(path.read_bytes())
    damaged[200:260] = bytes(60)
    path.write_bytes(damaged)
    with pytest.raises(RecordingError, match=r"r.gz: line \d+: "):
        list(read(path))
    with pytest.raises(RecordingError, match=r"nowhere\.jsonl: line 1: No such file"):
        opening(tmp_path / "nowhere.jsonl")


def test_a_newer_format_is_refused_and_newer_words_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    header = json.loads(written(path, lost(1)).read_text().splitlines()[0])
    seen = {"at": 1.0, "agent": "@writer", "kind": "tool", "text": "Bash", "source": "hooks", "mood": "glad"}
    facts = [
        ["Dreamt", {"address": "@writer"}],
        ["Lost", {"address": "@writer", "lines": 3, "why": "torn"}],
        ["Seen", {"address": "@writer", "activities": [seen, seen | {"kind": "dream"}], "more": {}}],
        ["MailboxRead", {"address": "@writer", "mailbox": {"status": "haunted"}}],
    ]
    path.write_text(json.dumps(header | {"weather": "fog"}) + "\n" + json.dumps({"at": 2, "facts": facts}) + "\n")
    activity = Activity(1.0, "@writer", Kind.TOOL, "Bash", "hooks")
    assert list(read(path)) == [(2.0, (Lost("@writer", 3), Seen("@writer", (activity,))))]
    path.write_text(json.dumps(header | {"format": 2, "praxmonitor": "9.1"}) + "\n")
    with pytest.raises(RecordingError, match=r"format 2, written by praxmonitor 9.1; this version reads 1"):
        opening(path)


def test_without_bodies_a_recording_holds_nothing_of_what_mails_say(tmp_path: Path) -> None:
    secret = "the launch code is 8472"
    raw = {"id": "0a", "from": "@lead", "subject": "The code", "message": secret, "their_key": secret}
    ack = Ack("done", f"used {secret}", 5.0, "@writer")
    message = replace(Message.from_json(raw), ack=ack)
    run = Run("r", "@writer", "@lead", "The code", "0a", "claude", 1.0, result=secret)
    lock = LockRead("@writer", Lock(1, 1.0, "The code"))
    facts = (MailboxRead("@writer", Mailbox(MailboxStatus.OK, (message,))), RunRead("@writer", run), lock)
    shy = written(tmp_path / "shy.jsonl", (1.0, facts), header=replace(HEADER, bodies=False))
    assert "8472" not in shy.read_text()
    ((_, (mailbox, ended, locked)), _) = read(shy)
    assert isinstance(mailbox, MailboxRead) and isinstance(ended, RunRead) and ended.run is not None
    (kept,) = mailbox.mailbox.messages
    assert (kept.subject, kept.body, kept.raw) == ("The code", f"[{len(secret)} characters, not recorded]", {})
    assert kept.ack is not None and kept.ack.state == "done" and locked == lock
    told = written(tmp_path / "told.jsonl", (1.0, facts))
    assert next(read(told))[1] == facts and [raws(fact) for fact in next(read(told))[1]] == [
        raws(fact) for fact in facts
    ]
    fleets = [apply(Fleet(HEADER.root), (Roster((AGENT,)), *facts), 1.0) for facts in (facts, next(read(shy))[1])]
    assert fleets[0].stream == fleets[1].stream


def test_another_programs_lone_surrogate_does_not_end_the_recording(tmp_path: Path) -> None:
    seen = Seen("@writer", (Activity(1.0, "@writer", Kind.TOOL, "Bash", "hooks", session="a\ud800b"),))
    path = written(tmp_path / "r.jsonl", (1.0, (seen, Lost("@writer", 2))), lost(3))
    ((_, (mended, second)), third, _) = read(path)
    assert isinstance(mended, Seen) and mended.activities[0].session == "a?b"
    assert second == Lost("@writer", 2) and third == lost(3)


def test_a_file_that_is_there_is_never_written_over_and_a_new_one_is_its_owners(tmp_path: Path) -> None:
    path = written(tmp_path / "r.jsonl", lost(1))
    before = path.read_bytes()
    with pytest.raises(UsageError, match="is there already"):
        Writer(path, HEADER)
    assert path.read_bytes() == before
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with pytest.raises(RecordingError, match="cannot be written: No such file"):
        Writer(tmp_path / "nowhere" / "r.jsonl", HEADER)


def test_a_full_disk_is_said(tmp_path: Path) -> None:
    script = (
        "import resource, sys; from pathlib import Path; from praxmonitor.recording import Header, Writer\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1, 1))\n"
        "Writer(Path(sys.argv[1]), Header(Path('/x'), 1.0))"
    )
    path = tmp_path / "r.jsonl"
    done = subprocess.run([sys.executable, "-c", script, str(path)], capture_output=True, text=True, timeout=30)
    assert f"RecordingError: {path}: cannot be written: File too large" in done.stderr


@pytest.mark.parametrize("raw", ["NaN", "1e999", "-Infinity", "1" + 30 * "0"])
def test_a_mailbox_with_a_number_that_json_has_not_is_recorded(tmp_path: Path, raw: str) -> None:
    message = codec.loads(f'{{"id": "x", "k": {raw}}}'.encode())
    mailbox = Mailbox(MailboxStatus.OK, (Message("x", "", 0.0, "@b", "s", "", "new", raw=message),))
    writer = Writer(tmp_path / "r.jsonl", HEADER)
    writer.write(101.0, [MailboxRead("@a", mailbox)])
    writer.close(102.0)
    (_, (fact,)), _ = read(tmp_path / "r.jsonl")
    assert isinstance(fact, MailboxRead) and fact.mailbox.messages[0].raw["id"] == "x"
