"""Copies of what another host keeps of an agent: filled when asked, followed, bounded, and nowhere else."""

from __future__ import annotations

import os
import random

import pytest

from mailcore.exceptions import MailcoreError, Refused
from mailcore.hosts.ask_socket import refresh_mirror
from mailcore.hosts.directory import find_agent
from mailcore.hosts.mirrored import read_mirror
from mailcore.link import agent_files, mirror
from mailcore.link.agent_files import AgentPage, FilePage
from mailcore.link.mirror import MAX_COPY, keep_page
from mailcore.mail import post
from mailcore.mail.mailbox_reader import read_mailbox
from mailcore.model.agent import Agent
from mailcore.model.link import HostRecord
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
    for what, path in (("mailbox", ".ai_mail.local/inbox.json"), ("logs", "logs/app.log")):
        for said in (held, {path: held}):
            question = {"agent": "@writer", "what": what, "held": said}
            page = agent_files.unpacked(agent_files.answer_files(pair.beta.workspace, HostRecord("alpha"), question))
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
    with pytest.raises(Refused, match="is nothing that is shown"):
        refresh_mirror(pair.alpha.workspace, "beta", "@writer", "/etc/passwd")
    with pytest.raises(Refused, match="no agent @nobody on beta"):
        refresh_mirror(pair.alpha.workspace, "beta", "@nobody", "logs")


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
