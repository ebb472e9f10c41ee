"""One mailbox file, shared with AIPass: nothing torn, nothing lost, nothing doubled, nothing unknown dropped."""

from __future__ import annotations

import json
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mailcore.exceptions import MailcoreError, Refused
from mailcore.mail import mailbox
from mailcore.mail.mailbox_reader import read_mailbox
from mailcore.model.agent import Agent
from mailcore.model.message import MailboxStatus
from mailcore.workspace.find import Workspace
from tests.mailcore.conftest import House
from tests.mailcore.system.test_files import holder

WRITE = """
import json, sys
from pathlib import Path
from mailcore.mail import mailbox
from mailcore.workspace.find import find_workspace
agent = find_workspace(Path(sys.argv[1])).agent("@writer")
for n in range(int(sys.argv[3])):
    mailbox.deliver(agent, {"from": "@lead", "subject": f"{sys.argv[2]}-{n}", "message": "x" * 2000, "status": "new"})
    print(f"{sys.argv[2]}-{n}", flush=True)
"""

AIPASS_WRITE = """
import fcntl, json, sys
from pathlib import Path
inbox = Path(sys.argv[1]) / ".ai_mail.local" / "inbox.json"
for n in range(int(sys.argv[3])):
    with open(inbox.with_name(".inbox.lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        document = json.loads(inbox.read_text())
        document["messages"].insert(0, {"id": f"{sys.argv[2]}{n:04}", "subject": f"{sys.argv[2]}-{n}", "status": "new"})
        document["total_messages"] = document["unread_count"] = len(document["messages"])
        with open(inbox, "w") as file:
            json.dump(document, file, indent=2, ensure_ascii=False)
"""


def put(agent: Agent, content: Any) -> bytes:
    data = content if isinstance(content, bytes) else json.dumps(content).encode()
    agent.inbox.write_bytes(data)
    return data


def deliver(agent: Agent, subject: str = "s", **more: Any) -> str:
    return mailbox.deliver(agent, {"from": "@lead", "subject": subject, "message": "m", "status": "new", **more})


def document(agent: Agent) -> Any:
    return json.loads(agent.inbox.read_bytes())


def test_newest_first_counters_right_ids_of_eight_hex_digits(house: House) -> None:
    writer = house.agent("@writer")
    ids = [deliver(writer, f"s{n}") for n in range(3)]
    assert [m.subject for m in house.inbox("@writer")] == ["s2", "s1", "s0"]
    assert [m.id for m in house.inbox("@writer")] == ids[::-1]
    assert all(len(one) == 8 and set(one) <= set("0123456789abcdef") for one in ids)
    assert {k: document(writer)[k] for k in ("mailbox", "total_messages", "unread_count")} == {
        "mailbox": "inbox",
        "total_messages": 3,
        "unread_count": 3,
    }


def test_unknown_keys_statuses_and_order_survive_every_act(house: House) -> None:
    writer = house.agent("@writer")
    strange = {
        "weather": {"sun": [1, 2.5, None, "ü"]},
        "mailbox": "inbox",
        "messages": [
            {"zebra": 1, "id": "aaaaaaaa", "status": "parked", "from": "@x", "subject": "a", "message": "b", "x": {}},
            {"id": "bbbbbbbb", "status": "new", "subject": "c", "extra": [True]},
            "not a message at all",
            {"id": "cccccccc", "status": "new", "subject": "last"},
        ],
        "total_messages": 99,
        "trailer": None,
    }
    put(writer, strange)
    deliver(writer, "fresh")
    mailbox.mark_as_opened(writer, ["cccccccc"], {"seen_at": "now"})
    mailbox.archive_messages(writer, ["bbbbbbbb"])
    after = document(writer)
    assert list(after) == ["weather", "mailbox", "messages", "total_messages", "trailer", "unread_count"]
    assert (after["weather"], after["trailer"]) == (strange["weather"], None)
    parked, text, last = after["messages"][1:]
    assert strange["messages"][0].items() <= parked.items()  # type: ignore[index]
    assert text == "not a message at all"
    assert {"status": "opened", "subject": "last", "read": True, "seen_at": "now"}.items() <= last.items()
    assert list(parked)[:7] == ["zebra", "id", "status", "from", "subject", "message", "x"]
    assert (after["total_messages"], after["unread_count"]) == (3, 1)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"   \n",
        b'{"messages": [{"id"',
        b"null",
        b"3",
        b'"text"',
        b'{"messages": {}}',
        b'{"messages": null}',
        b"\xff\xfe",
    ],
)
def test_what_is_no_mailbox_is_unreadable_and_never_lost(house: House, data: bytes) -> None:
    """Reading says so with the reason; a write refuses, or keeps the file as it was beside the mended one."""
    writer = house.agent("@writer")
    put(writer, data)
    box = read_mailbox(writer.inbox)
    assert box.status is MailboxStatus.UNREADABLE
    assert str(writer.inbox) in box.reason
    with pytest.raises(MailcoreError):
        mailbox.archive_messages(writer, ["aaaaaaaa"])
    with pytest.raises(MailcoreError):
        mailbox.mark_as_opened(writer, ["aaaaaaaa"], {})
    assert writer.inbox.read_bytes() == data
    with suppress(MailcoreError):
        deliver(writer)
    kept = [path for path in writer.mail_dir.iterdir() if path.is_file() and path.read_bytes() == data]
    assert kept or not data.strip()
    assert not writer.archive_dir.exists()


@pytest.mark.parametrize("link", [".ai_mail.local", ".ai_mail.local/inbox.json"])
def test_what_a_link_leads_out_of_the_project_is_neither_read_nor_written(
    house: House, tmp_path_factory: pytest.TempPathFactory, link: str
) -> None:
    writer = house.agent("@writer")
    deliver(writer, "before")
    outside = tmp_path_factory.mktemp("outside") / "kept"
    place = writer.branch / link
    place.rename(outside)
    place.symlink_to(outside)
    before = sorted((str(path), path.stat().st_mtime_ns) for path in (outside, *outside.rglob("*")))
    box = read_mailbox(writer.inbox, writer.root)
    assert box.status is MailboxStatus.UNREADABLE and "leads out of the project" in box.reason
    for write in (lambda: deliver(writer, "after"), lambda: mailbox.archive_messages(writer, ["1"])):
        with pytest.raises(Refused, match="leads out of the project"):
            write()
    assert sorted((str(path), path.stat().st_mtime_ns) for path in (outside, *outside.rglob("*"))) == before


def test_a_mailbox_that_is_a_link_within_the_project_serves(house: House) -> None:
    writer = house.agent("@writer")
    deliver(writer, "before")
    real = house.root / "elsewhere.json"
    writer.inbox.rename(real)
    writer.inbox.symlink_to(real)
    deliver(writer, "after")
    assert [m.subject for m in read_mailbox(writer.inbox, writer.root).messages][:2] == ["after", "before"]


@pytest.mark.parametrize("depth", [200, 600, 1015, 5000, 200_000])
def test_json_nested_deep_is_kept_or_refused_in_words(house: House, depth: int) -> None:
    writer = house.agent("@writer")
    deep = b"[" * depth + b"]" * depth
    data = put(writer, b'{"messages": [{"id": "a", "status": ' + deep + b"}]}")
    assert read_mailbox(writer.inbox).status is not MailboxStatus.MISSING
    try:
        deliver(writer)
    except MailcoreError as error:
        assert "inbox.json" in str(error) and writer.inbox.read_bytes() == data
    else:
        kept = [path.read_bytes() for path in writer.mail_dir.iterdir() if path.is_file()]
        assert any(deep in one.translate(None, b" \n") for one in kept)


def test_a_missing_mailbox_is_missing_and_delivery_makes_it(house: House) -> None:
    writer = house.agent("@writer")
    writer.inbox.unlink()
    assert read_mailbox(writer.inbox).status is MailboxStatus.MISSING
    deliver(writer, "first")
    assert [m.subject for m in house.inbox("@writer")] == ["first"]
    editor = house.agent("@editor")
    shutil.rmtree(editor.mail_dir)
    deliver(editor, "first")
    assert [m.subject for m in house.inbox("@editor")] == ["first"] and editor.sent_dir.is_dir()


@pytest.mark.parametrize(
    ("form", "ids"),
    [
        ([{"id": "aaaaaaaa", "read": True}, {"id": "bbbbbbbb"}], ["aaaaaaaa", "bbbbbbbb"]),
        ({"inbox": [{"id": "aaaaaaaa"}], "owner": "me"}, ["aaaaaaaa"]),
        ({"messages": [{"id": "aaaaaaaa"}]}, ["aaaaaaaa"]),
        ({}, []),
        ([], []),
    ],
)
def test_legacy_forms_are_read_and_written_back_in_the_present_one(house: House, form: Any, ids: list[str]) -> None:
    writer = house.agent("@writer")
    put(writer, form)
    assert [m.id for m in house.inbox("@writer")] == ids
    new = deliver(writer)
    after = document(writer)
    assert [m["id"] for m in after["messages"]] == [new, *ids]
    assert after["total_messages"] == len(ids) + 1
    if isinstance(form, dict):
        assert {k: v for k, v in form.items() if k not in ("inbox", "messages")}.items() <= after.items()
    if isinstance(form, list):
        assert after["mailbox"] == "inbox"


def test_reading_marks_once_and_keeps_when_it_was_first_seen(house: House) -> None:
    writer = house.agent("@writer")
    one = deliver(writer, sent_id="5e5e5e5e")
    put(writer, {**document(writer), "messages": [*document(writer)["messages"], {"id": "old", "status": None}]})
    assert [m.unread for m in house.inbox("@writer")] == [True, True]
    mailbox.mark_as_opened(writer, [one, "old"], {"seen_at": "first"})
    mailbox.mark_as_opened(writer, ["5e5e5e5e"], {"seen_at": "second"})
    assert [(m.status, m.unread, m.raw["seen_at"]) for m in house.inbox("@writer")] == [("opened", False, "first")] * 2
    assert document(writer)["unread_count"] == 0


def test_id_wins_over_sent_id_and_an_unknown_one_changes_nothing(house: House) -> None:
    writer = house.agent("@writer")
    put(writer, {"messages": [{"id": "bb", "sent_id": "aa"}, {"id": "aa", "sent_id": "cc"}]})
    assert [m.id for m in mailbox.mark_as_opened(writer, ["aa", "cc"], {})] == ["aa"]
    before = writer.inbox.read_bytes()
    with pytest.raises(MailcoreError, match="nothere"):
        mailbox.archive_messages(writer, ["bb", "nothere"])
    assert writer.inbox.read_bytes() == before and not writer.archive_dir.exists()


def test_closing_archives_the_whole_message_first(house: House) -> None:
    writer = house.agent("@writer")
    one = deliver(writer, "a/b: ü\n*?", colour="red")
    mailbox.archive_messages(writer, [one])
    (kept,) = writer.archive_dir.iterdir()
    raw = json.loads(kept.read_bytes())
    assert (raw["id"], raw["status"], raw["read"], raw["colour"]) == (one, "closed", True, "red")
    assert raw["archived_at"]
    assert kept.name.endswith(f"_{one}_a_b_ ü___.json")
    assert document(writer)["messages"] == []


def test_messages_without_an_id_are_each_archived(house: House) -> None:
    writer = house.agent("@writer")
    put(writer, {"messages": [{"sent_id": f"s{n}", "subject": "same", "message": f"body {n}"} for n in range(4)]})
    mailbox.archive_messages(writer, ["s0", "s1"])
    mailbox.archive_messages(writer, ["s2"])
    mailbox.archive_messages(writer, ["s3"])
    bodies = sorted(json.loads(path.read_bytes())["message"] for path in writer.archive_dir.iterdir())
    assert bodies == ["body 0", "body 1", "body 2", "body 3"]


def test_an_archive_that_cannot_be_written_keeps_the_message_open(house: House) -> None:
    writer = house.agent("@writer")
    one = deliver(writer)
    before = writer.inbox.read_bytes()
    writer.archive_dir.write_text("a file where the directory should be")
    with pytest.raises(MailcoreError, match="deleted"):
        mailbox.archive_messages(writer, [one])
    assert writer.inbox.read_bytes() == before


def test_a_strange_id_of_a_foreign_message_does_not_stop_delivery(house: House) -> None:
    writer = house.agent("@writer")
    put(writer, {"messages": [{"id": ["a", "list"]}, {"id": {"a": "dict"}}, {"id": None}, {"id": 7}]})
    one = deliver(writer)
    assert house.inbox("@writer")[0].id == one


def test_a_mailbox_directory_that_cannot_be_made_is_an_error_that_names_it(house: House) -> None:
    writer = house.agent("@writer")
    wrong = replace(writer, branch=writer.branch / "agent.txt")
    wrong.branch.write_text("a file")
    with pytest.raises(MailcoreError, match=r"agent\.txt"):
        deliver(wrong)
    assert read_mailbox(wrong.inbox).status is not MailboxStatus.OK


def test_a_full_disk_loses_nothing_and_says_so(house: House) -> None:
    """A file size limit stands in for it: the write fails in the midst, as it does on a full disk."""
    writer = house.agent("@writer")
    deliver(writer, "safe")
    before = writer.inbox.read_bytes()
    limited = (
        "import resource, signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n" + WRITE
    )
    done = subprocess.run(
        [sys.executable, "-c", limited, str(writer.branch), "w", "1"], capture_output=True, text=True, timeout=30
    )
    assert done.returncode == 1 and "MailcoreError" in done.stderr and "inbox.json" in done.stderr
    assert done.stdout == ""
    assert writer.inbox.read_bytes() == before
    assert not [p for p in writer.mail_dir.iterdir() if p.name.endswith(".tmp")]


def test_the_lock_is_aipass_own_and_who_holds_it_is_named(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    writer = house.agent("@writer")
    other = holder(writer.mail_dir / ".inbox.lock")
    got = threading.Event()

    def send() -> None:
        deliver(writer, "waited")
        got.set()

    sender = threading.Thread(target=send)
    sender.start()
    assert not got.wait(0.3)
    assert house.inbox("@writer") == ()
    other.communicate("go\n")
    assert got.wait(10)
    sender.join()
    assert [m.subject for m in house.inbox("@writer")] == ["waited"]


def test_many_writers_ours_and_aipass_at_once_lose_nothing(house: House) -> None:
    writer = house.agent("@writer")
    sources = [(WRITE, "ours0"), (WRITE, "ours1"), (AIPASS_WRITE, "aipass0"), (AIPASS_WRITE, "aipass1")]
    workers = [
        subprocess.Popen([sys.executable, "-c", source, str(writer.branch), name, "40"], stdout=subprocess.DEVNULL)
        for source, name in sources
    ]
    readings = []
    while any(worker.poll() is None for worker in workers):
        readings.append(read_mailbox(writer.inbox).status)
        threading.Event().wait(0.005)
    assert [worker.wait(60) for worker in workers] == [0] * 4
    subjects = [m.subject for m in house.inbox("@writer")]
    assert sorted(subjects) == sorted(f"{name}-{n}" for _, name in sources for n in range(40))
    assert len({m.id for m in house.inbox("@writer")}) == 160
    assert set(readings) <= {MailboxStatus.OK}


def test_kill_dash_nine_tears_nothing_loses_nothing_doubles_nothing(house: House) -> None:
    writer = house.agent("@writer")
    chance = random.Random(4)
    acknowledged: list[str] = []
    quick = f"import sys; sys.path[:0] = {sys.path!r}\n{WRITE}"
    for round_ in range(40):
        worker = subprocess.Popen(
            [sys.executable, "-S", "-c", quick, str(writer.branch), f"r{round_}", "10000"],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert worker.stdout is not None
        said = [worker.stdout.readline().strip()]  # it writes by now
        threading.Event().wait(chance.uniform(0, 0.03))
        worker.send_signal(signal.SIGKILL)
        said += worker.stdout.read().split()
        worker.wait()
        worker.stdout.close()
        acknowledged += [one for one in said if one]
        box = read_mailbox(writer.inbox)
        assert box.status is MailboxStatus.OK, box.reason
    subjects = [m.subject for m in house.inbox("@writer")]
    assert len(subjects) == len(set(subjects)), "doubled"
    assert set(acknowledged) <= set(subjects), "lost"
    assert len(acknowledged) >= 40
    assert document(writer)["total_messages"] == len(subjects)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=200) | st.builds(lambda v: json.dumps(v).encode(), st.none() | st.lists(st.integers())))
def test_reading_any_bytes_never_raises(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "inbox.json"
    path.write_bytes(data)
    box = read_mailbox(path)
    assert box.status is MailboxStatus.OK or box.reason
    assert path.read_bytes() == data


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
FIELDS = st.sampled_from(
    ["id", "sent_id", "timestamp", "from", "subject", "message", "status", "read", "priority", "thread_id", "seen_at"]
)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.dictionaries(FIELDS, VALUES, max_size=5) | VALUES, max_size=4))
def test_a_mailbox_of_any_values_is_read_and_delivered_into(house: House, messages: list[Any]) -> None:
    agent = house.agent("@writer")
    put(agent, {"messages": messages})
    box = read_mailbox(agent.inbox)
    assert box.status is MailboxStatus.OK
    assert len(box.messages) == sum(isinstance(one, dict) for one in messages)
    deliver(agent, "on top")
    assert read_mailbox(agent.inbox).messages[0].subject == "on top"


def test_the_mailboxes_that_aipass_wrote_are_read_as_they_are(aipass: Workspace) -> None:
    before = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in aipass.root.rglob("*") if path.is_file()}
    alpha = read_mailbox(aipass.agent("@alpha").inbox)
    assert [(m.id, m.sent_id, m.sender, m.unread, m.is_task) for m in alpha.messages] == [
        ("5f506ad3", "0dcdf2de", "@ai_mail", True, False),
        ("461db5e0", "73c7224b", "@beta", True, False),
    ]
    assert alpha.messages[1].reply_path == "/home/op/project/agents/beta/.ai_mail.local/inbox.json"
    (gamma,) = read_mailbox(aipass.agent("@gamma").inbox).messages
    assert gamma.is_task and gamma.raw["dispatched_to"] == "@gamma"
    assert read_mailbox(aipass.agent("@beta").inbox).messages == ()
    assert read_mailbox(aipass.agent("@ai_mail").inbox).status is MailboxStatus.MISSING
    after = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in aipass.root.rglob("*") if path.is_file()}
    assert after == before


def test_what_we_write_has_the_form_that_aipass_wrote(aipass: Workspace) -> None:
    """Two spaces of indent, UTF-8 unescaped, no newline at the end (contract 2)."""
    alpha = aipass.agent("@alpha")
    before = alpha.inbox.read_bytes()
    mailbox.deliver(alpha, {"subject": "für dich", "status": "new"})
    after = alpha.inbox.read_bytes()
    assert "für dich".encode() in after and not after.endswith(b"\n")
    assert before[before.index(b'      "id": "5f506ad3"') : before.index(b'"sent_id": "0dcdf2de"')] in after
    assert after == json.dumps(json.loads(after), indent=2, ensure_ascii=False).encode()


def test_a_reader_waits_out_a_writer_that_rewrites_in_place(tmp_path: Path) -> None:
    path = tmp_path / "inbox.json"
    path.write_bytes(b"")
    done = threading.Event()

    def rewrite() -> None:
        path.write_text('{"messages": [{"id": "a"}]}')
        done.set()

    writer = threading.Timer(0.01, rewrite)
    writer.start()
    box = read_mailbox(path)
    writer.join()
    assert done.is_set() and (box.status, len(box.messages)) == (MailboxStatus.OK, 1)


def test_a_reader_without_patience_looks_once(tmp_path: Path) -> None:
    inbox = tmp_path / "inbox.json"
    inbox.write_bytes(b'{"messages": [')
    other = holder(tmp_path / ".inbox.lock")
    begun = time.monotonic()
    assert read_mailbox(inbox, patience=0).status is MailboxStatus.UNREADABLE
    assert time.monotonic() - begun < 0.03  # 20 looks take 40 ms
    other.communicate("go\n")


def test_ids_are_new_even_among_many() -> None:
    taken = {mailbox.new_id() for _ in range(1000)}
    assert len(taken) == 1000 and mailbox.new_id(taken) not in taken
