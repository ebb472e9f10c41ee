"""`search` finds what reading every mail finds, whatever became of mailboxes and index since."""

from __future__ import annotations

import itertools
import json
import os
import random
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailcore.mail import mail_files, mailbox, post, search, search_index, search_scan, search_update
from mailcore.mail.search_query import FoundMail, Query
from tests.mailcore.conftest import NAMES, House

WORDS = (
    "invoice", "Invoices", "in", "deploy", "ÜBER", "u\u0308ber", "STRASSE", "straße", "notes.md", "notes", "md", "a_b",
    "日本語", "本", "é", "e", '"', "*", "NEAR", "OR", "-x", "x-y", "\0", "\ud800", "\ue000", "🎈", "½", "ﬁne",
    "한국", "1e5",
)  # fmt: skip


TIMES = [
    *(f"2026-0{month}-01 10:00:0{second}" for month in (1, 5, 8) for second in range(3)),
    "2026-08-01 10:00:00.5", "2026-08-01T10:00:00+02:00", "1969-12-31 10:00:00", "9999-12-31 10:00:00", "then",
]  # fmt: skip


def file_of(house: House) -> Path:
    return house.workspace.state_dir / f"search-{os.geteuid()}.sqlite3"


def told(found: list[FoundMail]) -> list[tuple[object, ...]]:
    return [(*one.order, one.open, one.archive, one.owner) for one in found]


def same(house: House, query: Query, *, newest: bool = True) -> list[FoundMail]:
    """What is found, and that reading every mail finds the same; with `newest` that fewer of them are the first."""
    found = search.search_mail(house.workspace, query)
    assert told(found) == told(search_scan.scan(house.workspace, query)), query
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(search_scan, "may_hold", lambda _: bool)
        assert told(found) == told(search_scan.scan(house.workspace, query)), f"{query} without the quick look"
    *_, read = search_scan.read_newest(house.workspace, query)
    assert told(found) == told(read.found) and read.read == read.total, f"{query} without a look at the files' stamps"
    if newest:
        with search_update.open_index(house.workspace) as (connection, _):
            for most in (1, 2, 5, len(found) or 1):
                assert told(found)[:most] == told(search.rows(connection, query, most)), f"{query}, the newest {most}"
    return found


def subjects(found: list[FoundMail]) -> list[str]:
    return [one.message.subject for one in found]


def act(house: House, chance: random.Random) -> None:
    """Something that changes what can be found."""
    agent = house.agent(f"@{chance.choice(NAMES)}")
    text = " ".join(chance.choices(WORDS, k=chance.randrange(1, 6)))
    inbox = [message for message in house.inbox(agent.address) if message.status != "closed"]
    kept = sorted(agent.archive_dir.glob("*.json"))
    what = chance.randrange(12)
    if what < 4 or not inbox:
        raw = {"from": f"@{chance.choice(NAMES)}", "subject": text, "message": text[::-1], "status": "new", "seq": 1}
        mailbox.deliver(agent, {**raw, "timestamp": chance.choice(TIMES), "sent_id": "s"})
    elif what < 7:
        mailbox.archive_messages(agent, [chance.choice(inbox).id])
    elif what == 7 and kept:
        chance.choice(kept).unlink()
    elif what == 8 and kept:  # another program writes in place
        path = chance.choice(kept)
        path.write_text(json.dumps({**json.loads(path.read_bytes()), "message": text}))
    elif what == 9:
        document = json.loads(agent.inbox.read_bytes())
        document["messages"][0] |= {"subject": text, "status": chance.choice(["opened", "closed"])}
        agent.inbox.write_text(json.dumps(document))
    elif what == 10 and kept:  # a copy of another time, in a file that is newer or older by its name
        raw = {**json.loads(chance.choice(kept).read_bytes()), "timestamp": chance.choice(TIMES)}
        (agent.archive_dir / f"{chance.choice('09')}{chance.randrange(99)}.json").write_text(json.dumps(raw))
    elif what == 11 and kept:  # what a killed writer leaves
        mailbox.put_back(agent, json.loads(chance.choice(kept).read_bytes()))


@pytest.mark.parametrize("seed", range(8))
def test_the_index_finds_what_a_scan_finds_whatever_changed(
    house: House, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    chance = random.Random(seed)
    monkeypatch.setattr(search, "MAX_NEW_FILES", seed % 4 or 3000)
    for module in (search_index, search_update):  # most mails have a number of a second that is not theirs
        monkeypatch.setattr(module, "SECOND", 1 + seed % 3)
    hits = 0
    for _ in range(60):
        act(house, chance)
        if chance.random() < 0.05:
            file_of(house).write_bytes(chance.choice([b"", b"no database at all" * 99]))
        query = Query(
            words=tuple(chance.choices(WORDS, k=chance.randrange(3))),
            agent=chance.choice(["", "@lead"]),
            viewer=chance.choice(["", "", "@writer"]),
            since=chance.choice([0.0, 0.0, 1.78e9]),
            open=chance.choice([None, None, True, False]),
        )
        hits += len(same(house, query))
    assert hits > 60 and file_of(house).stat().st_size > 4096


def test_a_long_archive_is_taken_in_by_parts(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "MAX_NEW_FILES", 2)
    monkeypatch.setattr(search_update, "YOUNG_NS", 0)
    agent = house.agent("@writer")
    for number in range(60):
        mailbox.deliver(agent, {"from": "@lead", "subject": f"note {number}", "message": "b", "status": "new"})
    mailbox.archive_messages(agent, [message.id for message in house.inbox("@writer")])
    held = [0]
    while held[-1] < 60:
        assert len(same(house, Query(("note",)), newest=False)) == 60
        with sqlite3.connect(file_of(house)) as connection:
            held.append(connection.execute("SELECT count(*) FROM mail").fetchone()[0])
        connection.close()
    # A sixteenth of what is left where that is more than a part; the open mailboxes, empty by now, are files too.
    steps = [after - before for before, after in itertools.pairwise(held)]
    assert max(steps) == 3 and 0 < min(steps[2:]) <= 2 and len(steps) > 9, held
    assert len(same(house, Query(("note",)))) == 60
    with search_update.open_index(house.workspace) as (connection, _):
        assert connection.execute("SELECT count(*) FROM mail").fetchone() == (60,), "and by one who needs all at once"


def _as_file(mail: dict[str, str], plain: bool) -> bytes:
    return json.dumps(mail, ensure_ascii=plain).encode("utf-8", "surrogatepass")


TEXTS = st.lists(st.sampled_from([*WORDS, "\n", "\\", "\t", "ab", "\\u0061", "K"]) | st.text(), max_size=5).map("".join)


@given(TEXTS, TEXTS, TEXTS, st.booleans())
def test_the_quick_look_never_says_no_to_what_is_held(subject: str, body: str, sought: str, plain: bool) -> None:
    mail = {"subject": subject, "message": body}
    phrases = [phrase for word in (sought, subject[:4], body[1:5]) if (phrase := mail_files.plain_words(word))]
    text = f" {mail_files.searchable_fields(mail)}"
    for phrase in phrases:
        if f" {phrase}" in text:
            assert mail_files.may_hold([phrase])(_as_file(mail, plain)), phrase
    both = [phrase for phrase in phrases if f" {phrase}" in text]
    assert mail_files.may_hold(both)(_as_file(mail, plain))


def test_the_quick_look_says_no() -> None:
    mail = _as_file({"subject": "a b", "message": "Notes"}, plain=True)
    assert mail_files.may_hold(["note"])(mail) and not mail_files.may_hold(["invoice"])(mail)
    assert not mail_files.may_hold(["note", "本"])(mail) and not mail_files.may_hold(["note invoice"])(mail)


def test_words_begin_words_without_case_and_accents(house: House) -> None:
    for subject in ("Invoices of May", "Über die Straße", "read notes.md", "日本語の本"):
        post.send_mail(house.workspace, "@lead", ["@writer"], subject, "b")
    expected = {
        "invoice": "Invoices of May", "UBER": "Über die Straße", "strasse": "Über die Straße",
        "notes.md": "read notes.md", "本語": "日本語の本", "lead": "all",
    }  # fmt: skip
    for word, subject in expected.items():
        found = subjects(same(house, Query((word,))))
        assert found == [subject] if subject != "all" else len(found) == 4, word
    assert same(house, Query(("voices",))) == same(house, Query(("md.notes",))) == []
    assert same(house, Query(("invoice", "notes"))) == []


@pytest.mark.parametrize("word", ['"', '" OR "', "a* OR b", "NEAR(a b)", "text:b", "^b", "b' --", "\0", "(", "{b}"])
def test_no_word_is_syntax(house: House, word: str) -> None:
    post.send_mail(house.workspace, "@lead", ["@writer"], "s", "b")
    assert subjects(same(house, Query((word,)))) in ([], ["s"])
    assert subjects(same(house, Query(("s",)))) == ["s"], "the index is whole after it"


def test_an_index_of_another_form_or_boot_is_made_anew(house: House) -> None:
    post.send_mail(house.workspace, "@lead", ["@writer"], "first", "b")
    same(house, Query(("first",)))
    for statement in ("PRAGMA user_version = 99", "UPDATE form SET boot = 'another'", "DROP TABLE mail"):
        connection = sqlite3.connect(file_of(house))
        connection.execute(statement)
        connection.commit()
        connection.close()
        whole = not statement.startswith("DROP")
        assert subjects(same(house, Query(("first",)), newest=whole)) == ["first"], statement


def test_without_fts5_or_the_right_to_write_it_reads_everything(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    post.send_mail(house.workspace, "@lead", ["@writer"], "first", "b")
    file_of(house).mkdir()  # nothing can be opened here
    assert subjects(search.search_mail(house.workspace, Query(("first",)))) == ["first"]
    file_of(house).rmdir()
    monkeypatch.setattr(search_index, "_TABLES", ("CREATE VIRTUAL TABLE words USING fts_of_no_build (text)",))
    assert subjects(search.search_mail(house.workspace, Query(("first",)))) == ["first"]


def test_a_mailbox_that_cannot_be_read_is_said_and_the_rest_found(house: House) -> None:
    post.send_mail(house.workspace, "@lead", ["@writer", "@editor"], "first", "b")
    house.agent("@editor").inbox.write_text('{"messages": [')
    for _ in range(2):
        done = house.mailcore("search", "first", "--json")
        assert [row["to"] for row in json.loads(done.stdout)] == ["@writer"]
        assert b"not searched" in done.stderr


def test_a_mail_in_both_places_is_open(house: House) -> None:
    (sent,) = post.send_mail(house.workspace, "@lead", ["@writer"], "first", "b")
    raw = dict(house.inbox("@writer")[0].raw)
    mailbox.archive_messages(house.agent("@writer"), [sent.id])
    mailbox.put_back(house.agent("@writer"), raw)
    assert [one.open for one in same(house, Query(("first",)))] == [True]


def test_the_index_is_its_makers_alone_and_git_leaves_it(house: House) -> None:
    post.send_mail(house.workspace, "@lead", ["@writer"], "first", "b")
    elsewhere = house.root / "elsewhere.txt"
    elsewhere.write_text("mine")
    file_of(house).symlink_to(elsewhere)
    same(house, Query(("first",)))
    assert elsewhere.read_text() == "mine" and not file_of(house).is_symlink()
    assert file_of(house).stat().st_mode & 0o077 == 0
    subprocess.run(["git", "init", "-q", str(house.root)], check=True)
    words = ["git", "-C", str(house.root), "check-ignore", "-q", str(file_of(house))]
    assert subprocess.run(words).returncode == 0


def test_the_command_shows_what_the_caller_may_see(house: House) -> None:
    for to in ("@writer", "@editor"):
        post.send_mail(house.workspace, "@lead", [to], "invoice", f"for {to}: pay\nthe invoice")
    post.close_messages(house.workspace, "@editor", [house.inbox("@editor")[0].id])
    rows = house.json("search", "invoice")
    assert [(row["to"], row["from"], row["open"]) for row in rows] == [
        ("@editor", "@lead", False),
        ("@writer", "@lead", True),
    ]
    writer = house.agent("@writer").branch
    assert [row["to"] for row in house.json("search", "invoice", cwd=writer)] == ["@writer"]
    assert len(house.json("search", "invoice", cwd=house.agent("@lead").branch)) == 2
    for words, found in {
        ("--open",): ["@writer"], ("--closed",): ["@editor"], ("--agent", "@editor"): ["@editor"],
        ("--since", "1h"): ["@editor", "@writer"], ("--since", "2999-01-01"): [],
    }.items():  # fmt: skip
        assert [row["to"] for row in house.json("search", "invoice", *words)] == found, words
    assert house.json("search", status=2)["error"]["code"] == "usage"
    assert house.json("search", "!!!", status=2)["error"]["code"] == "usage"
    assert len(house.json("search", "--agent", "@editor")) == 1
    text = house.mailcore("search", "invoice", "--open").stdout.decode()
    assert "@lead → @writer" in text and "pay the invoice" in text
    assert house.mailcore("search", "nothing").stdout == b"no mail is found\n"


def test_a_search_loads_no_dispatch(house: House) -> None:
    code = (
        "import sys\nfrom mailcore.cli import main\nassert main(['search', 'x']) == 0\n"
        "assert not [m for m in sys.modules if m.startswith(('mailcore.dispatch', 'mailcore.observe'))]"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=house.root, capture_output=True).returncode == 0


def test_a_change_within_one_tick_of_the_clock_is_seen(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the same size, in the same file, on a file system that counts seconds."""
    second, exact = 10**9, mail_files._stamp

    def coarse(found: os.stat_result) -> mail_files.Stamp:
        size, changed, inode, touched = exact(found)
        return size, changed // second * second, inode, touched // second * second

    monkeypatch.setattr(mail_files, "_stamp", coarse)
    agent = house.agent("@writer")
    for n in range(20):
        raw = {"id": "1", "subject": f"word{n:04}", "message": "b", "from": "@lead", "status": "new"}
        with agent.inbox.open("r+") as file:
            file.truncate()
            file.write(json.dumps({"messages": [raw]}))
        assert subjects(search.search_mail(house.workspace, Query((f"word{n:04}",)))) == [f"word{n:04}"]
