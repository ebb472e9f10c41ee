"""Copies of what another host keeps of an agent: filled when asked, followed, bounded, and nowhere else."""

from __future__ import annotations

import os
import random
from resource import RUSAGE_CHILDREN, getrusage

import msgspec
import pytest

from mailcore.exceptions import MailcoreError, Refused
from mailcore.hosts.acts import ActOutcome, ActState
from mailcore.hosts.ask_socket import refresh_mirror
from mailcore.hosts.asked_acts import sign_act
from mailcore.hosts.directory import find_agent, read_host
from mailcore.hosts.keys import HOST_KEY, OPERATOR_KEY, Key, load_key
from mailcore.hosts.membership import link_directory
from mailcore.hosts.mirrored import read_mirror
from mailcore.link import act_handlers, agent_files, mirror
from mailcore.link.agent_files import AgentPage, FilePage
from mailcore.link.mirror import MAX_COPIES, MAX_COPY, keep_page
from mailcore.mail import post
from mailcore.mail.mailbox_reader import read_mailbox
from mailcore.model.agent import Agent
from tests.mailcore.acts.conftest import Carrying, Pair


def remote(pair: Pair) -> Agent:
    return find_agent(pair.alpha.workspace, "@writer.beta")


def test_its_mail_is_read_here_with_the_ordinary_reader(pair: Pair, carrying: Carrying) -> None:
    del carrying
    post.send_mail(pair.beta.workspace, "@editor", ["@writer"], "hello", "the body")
    post.send_mail(pair.beta.workspace, "@writer", ["@editor"], "an answer", "the body")
    refresh_mirror(pair.alpha.workspace, "beta", "@writer", "mailbox")
    assert [mail.subject for mail in read_mailbox(remote(pair).inbox).messages] == ["hello"]
    assert len(list(remote(pair).sent_dir.glob("*.json"))) == 1
    assert read_mirror(remote(pair)).asked["mailbox"] > 0


def test_what_is_held_already_is_not_sent_again(
    pair: Pair, carrying: Carrying, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While somebody looks it is asked for every two seconds: a copy that is written anew wakes the screen."""
    del carrying
    came: list[list[str]] = []
    real = mirror.keep_page

    def spied(agent: Agent, what: str, page: AgentPage) -> None:
        came.append(sorted(file.path for file in page.files))
        real(agent, what, page)

    monkeypatch.setattr(mirror, "keep_page", spied)
    post.send_mail(pair.beta.workspace, "@editor", ["@writer"], "hello", "the body")
    for subject in ("one", "two"):
        post.send_mail(pair.beta.workspace, "@writer", ["@editor"], subject, "the body")

    def refresh() -> list[str]:
        refresh_mirror(pair.alpha.workspace, "beta", "@writer", "mailbox")
        return came[-1]

    assert len(refresh()) == 3
    before = remote(pair).inbox.stat().st_ino
    assert refresh() == [] and remote(pair).inbox.stat().st_ino == before
    post.send_mail(pair.beta.workspace, "@editor", ["@writer"], "again", "the body")
    assert refresh() == [".ai_mail.local/inbox.json"]
    assert [mail.subject for mail in read_mailbox(remote(pair).inbox).messages] == ["again", "hello"]
    there = sorted(pair.beta.agent("writer").sent_dir.glob("*.json"))[0]
    there.write_bytes(there.read_bytes().replace(b"the body", b"THE BODY"))  # in its place, of the same size
    assert [path.rpartition("/")[2] for path in refresh()] == [there.name]
    assert (remote(pair).sent_dir / there.name).read_bytes() == there.read_bytes()
    assert refresh() == []
    (remote(pair).sent_dir / there.name).unlink()  # by whoever tidies up here
    assert [path.rpartition("/")[2] for path in refresh()] == [there.name]


def test_a_copy_that_was_removed_begins_anew(pair: Pair, carrying: Carrying) -> None:
    del carrying
    log = pair.beta.agent("writer").logs_dir / "app.log"
    log.parent.mkdir(exist_ok=True)
    log.write_text("one\n")
    refresh_mirror(pair.alpha.workspace, "beta", "@writer", "logs")
    (remote(pair).logs_dir / "app.log").unlink()
    with log.open("a") as file:
        file.write("two\n")
    refresh_mirror(pair.alpha.workspace, "beta", "@writer", "logs")
    assert (remote(pair).logs_dir / "app.log").read_text() == "one\ntwo\n"


@pytest.mark.parametrize("held", [None, 7, "x", [], ["x"], {}, [None], [[7]], [1e308, "x"]])
def test_what_an_asker_says_it_holds_may_be_anything(pair: Pair, held: object) -> None:
    post.send_mail(pair.beta.workspace, "@editor", ["@writer"], "hello", "the body")
    log = pair.beta.agent("writer").logs_dir / "app.log"
    log.parent.mkdir(exist_ok=True)
    log.write_text("one\n")
    for verb, path in (("inbox", ".ai_mail.local/inbox.json"), ("logs", "logs/app.log")):
        for said in (held, {path: held}):
            page = agent_files.unpacked(asked_by(pair, verb, "--", "@writer", held=said))
            assert path in [file.path for file in page.files]


def test_of_a_large_mailbox_the_newest_come(pair: Pair, carrying: Carrying) -> None:
    del carrying
    text = random.Random(1).randbytes(60_000).hex()
    for number in range(12):
        post.send_mail(pair.beta.workspace, "@editor", ["@writer"], f"mail {number}", text)
    refresh_mirror(pair.alpha.workspace, "beta", "@writer", "mailbox")
    subjects = [mail.subject for mail in read_mailbox(remote(pair).inbox).messages]
    assert subjects[0] == "mail 11"
    assert 4 < len(subjects) < 12


def test_a_log_is_followed_and_begins_anew_when_it_is_rotated(pair: Pair, carrying: Carrying) -> None:
    del carrying
    log = pair.beta.agent("writer").logs_dir / "app.log"
    log.parent.mkdir(exist_ok=True)
    log.write_text("one\n")
    copy = remote(pair).logs_dir / "app.log"
    refresh_mirror(pair.alpha.workspace, "beta", "@writer", "logs")
    first = copy.stat().st_ino
    with log.open("a") as file:
        file.write("two\n")
    refresh_mirror(pair.alpha.workspace, "beta", "@writer", "logs")
    assert (copy.read_text(), copy.stat().st_ino) == ("one\ntwo\n", first)
    refresh_mirror(pair.alpha.workspace, "beta", "@writer", "logs")
    assert copy.read_text() == "one\ntwo\n"
    log.rename(log.with_name("app.log.1"))
    log.write_text("three\n")
    refresh_mirror(pair.alpha.workspace, "beta", "@writer", "logs")
    assert copy.read_text() == "three\n"


def test_of_a_long_log_the_end_comes_in_whole_lines(pair: Pair, carrying: Carrying) -> None:
    del carrying
    log = pair.beta.agent("writer").logs_dir / "app.log"
    log.parent.mkdir(exist_ok=True)
    log.write_text("".join(f"line {number:06}\n" for number in range(100_000)))
    refresh_mirror(pair.alpha.workspace, "beta", "@writer", "logs")
    lines = (remote(pair).logs_dir / "app.log").read_text().splitlines()
    assert lines[-1] == "line 099999"
    assert lines[0].startswith("line ")
    assert len(lines) < 30_000


def test_config_there_says_what_is_shown(pair: Pair, carrying: Carrying) -> None:
    del carrying
    pair.beta.extra = '[link]\nacts = ["logs"]'
    pair.beta.configure()
    with pytest.raises(Refused, match="does not allow inbox"):
        refresh_mirror(pair.alpha.workspace, "beta", "@writer", "mailbox")
    refresh_mirror(pair.alpha.workspace, "beta", "@writer", "logs")
    with pytest.raises(Refused, match="is nothing that is copied"):
        refresh_mirror(pair.alpha.workspace, "beta", "@writer", "/etc/passwd")
    with pytest.raises(Refused, match="no agent @nobody on beta"):
        refresh_mirror(pair.alpha.workspace, "beta", "@nobody", "logs")


def asked_by(pair: Pair, *argv: str, key: Key | None = None, held: object = None, **changes: object) -> bytes:
    """What beta answers to who asks with its own words, and perhaps its own key."""
    act = msgspec.structs.replace(sign_act(pair.alpha.workspace, "beta", argv), **changes)
    if key is not None:
        act = msgspec.structs.replace(act, signature=key.sign(act.signed))
    asker = read_host(pair.beta.workspace, "alpha")
    assert asker is not None
    return agent_files.answer_files(pair.beta.workspace, asker, {"act": msgspec.to_builtins(act), "held": held})


def test_files_are_shown_to_the_person_there_and_to_no_process_that_has_the_hosts_key(pair: Pair) -> None:
    post.send_mail(pair.beta.workspace, "@editor", ["@writer"], "hello", "the body")
    (page,) = agent_files.unpacked(asked_by(pair, "inbox", "--", "@writer")).files
    assert b"the body" in page.data
    of_host = load_key(link_directory(pair.alpha.workspace) / HOST_KEY)
    person = load_key(link_directory(pair.alpha.workspace) / OPERATOR_KEY)
    with pytest.raises(Refused, match="not signed by the operator of alpha"):
        asked_by(pair, "inbox", "--", "@writer", key=of_host)
    with pytest.raises(Refused, match="not signed by the operator of alpha"):
        asked_by(pair, "inbox", "--", "@editor", argv=("inbox", "--", "@writer"))
    with pytest.raises(Refused, match="is for the host gamma"):
        asked_by(pair, "inbox", "--", "@writer", key=person, to="gamma")
    with pytest.raises(Refused, match="was good until"):
        asked_by(pair, "inbox", "--", "@writer", key=person, until=1.0, at=1.0)
    with pytest.raises(Refused, match="hold shows no files"):
        asked_by(pair, "hold", "--", "@writer")
    with pytest.raises(Refused, match="no agent @nobody"):
        asked_by(pair, "inbox", "--", "@nobody")
    asker = read_host(pair.beta.workspace, "alpha")
    assert asker is not None
    for question in ({}, {"what": "mailbox", "agent": "@writer"}, {"act": "inbox"}, {"act": None}):
        with pytest.raises(Refused, match="an act that is none"):
            agent_files.answer_files(pair.beta.workspace, asker, question)


def test_who_proves_nothing_has_no_process_started(pair: Pair) -> None:
    asker = read_host(pair.beta.workspace, "alpha")
    assert asker is not None
    act = sign_act(pair.alpha.workspace, "beta", ["inbox", "--", "@writer"])
    before = getrusage(RUSAGE_CHILDREN)
    for forged in (
        msgspec.structs.replace(act, argv=("inbox", "--", "@editor")),
        msgspec.structs.replace(act, signature=""),
        msgspec.structs.replace(act, until=act.until + 1),
    ):
        answer = act_handlers.answer_question(pair.beta.workspace, asker, {"act": msgspec.to_builtins(forged)})
        outcome = msgspec.json.decode(answer, type=ActOutcome)
        assert (outcome.state, outcome.code, outcome.status) == (ActState.REFUSED, "act_key", 3)
    assert getrusage(RUSAGE_CHILDREN) == before, "no child began and ended"
    answer = act_handlers.answer_question(pair.beta.workspace, asker, {"act": msgspec.to_builtins(act)})
    assert msgspec.json.decode(answer, type=ActOutcome).state is ActState.DONE


def test_a_host_that_is_away_is_said_to_be(pair: Pair, carrying: Carrying) -> None:
    carrying.is_away = True
    with pytest.raises(MailcoreError, match="beta does not answer"):
        refresh_mirror(pair.alpha.workspace, "beta", "@writer", "logs")


@pytest.mark.parametrize(
    "path", ["../outside", "/etc/passwd", "logs/../../x", ".trinity/passport.json", "logs/a\nb", "logs/.hidden"]
)
def test_a_place_that_no_copy_has_is_refused(pair: Pair, path: str) -> None:
    with pytest.raises(Refused, match="no place for a copy"):
        keep_page(remote(pair), "logs", AgentPage((FilePage(path, b"x"),)))


@pytest.mark.parametrize("name", ["~", "-x", "é", "x\ny", "0" * 230, os.fsdecode(b"0\xff")])
def test_no_name_that_an_agent_gives_a_file_hides_its_others(pair: Pair, name: str) -> None:
    """The person on the other host sees the rest of its mail and of its logs."""
    asker = read_host(pair.beta.workspace, "alpha")
    assert asker is not None
    writer = pair.beta.agent("writer")
    post.send_mail(pair.beta.workspace, "@writer", ["@editor"], "an answer", "the body")
    writer.logs_dir.mkdir(exist_ok=True)
    (writer.logs_dir / "app.log").write_text("one\n")
    (writer.sent_dir / f"{name}.json").write_text("{}")
    (writer.logs_dir / f"{name}.log").write_text("x\n")
    for what, verb in (("mailbox", "inbox"), ("logs", "logs")):
        act = msgspec.to_builtins(sign_act(pair.alpha.workspace, "beta", (verb, "--", "@writer")))
        answer = agent_files.answer_files(pair.beta.workspace, asker, {"act": act})
        keep_page(remote(pair), what, agent_files.unpacked(answer))
    assert (remote(pair).logs_dir / "app.log").read_text() == "one\n"
    assert len(list(remote(pair).sent_dir.glob("*.json"))) == 1


def test_a_page_of_more_files_than_a_copy_has_is_refused_before_any_is_written(pair: Pair) -> None:
    files = tuple(FilePage(f"logs/{number}.log", b"x") for number in range(MAX_COPIES + 1))
    with pytest.raises(Refused, match="files at once"):
        keep_page(remote(pair), "logs", AgentPage(files))
    assert not remote(pair).logs_dir.exists()


def test_a_link_in_the_copy_leads_nowhere(pair: Pair) -> None:
    agent = remote(pair)
    agent.branch.mkdir(parents=True)
    outside = pair.alpha.root / "outside"
    outside.mkdir()
    agent.logs_dir.symlink_to(outside)
    with pytest.raises(Refused, match="leads out"):
        keep_page(agent, "logs", AgentPage((FilePage("logs/app.log", b"x"),)))
    assert list(outside.iterdir()) == []


def test_a_copy_is_bounded(pair: Pair) -> None:
    agent = remote(pair)
    piece = os.urandom(MAX_COPY // 3)
    for number in range(5):
        begin = number * len(piece)
        keep_page(agent, "logs", AgentPage((FilePage("logs/app.log", piece, begin, 7),)))
    assert (agent.logs_dir / "app.log").stat().st_size <= MAX_COPY


def test_what_is_no_page_is_refused_and_not_unpacked() -> None:
    import zlib

    for data in (b"", b"nonsense", zlib.compress(bytes(64 << 20))):
        with pytest.raises(ValueError, match=r".+"):
            agent_files.unpacked(data)
