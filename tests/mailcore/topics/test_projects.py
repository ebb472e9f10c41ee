"""Links between projects: something crosses only where each config names the other, and both let it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from mailcore.exceptions import MailcoreError, Refused
from mailcore.mail import feedback, post
from mailcore.mail.mailbox_reader import read_mailbox
from mailcore.model.message import Message
from mailcore.topics import publishing
from mailcore.workspace import create
from mailcore.workspace.find import Workspace


@dataclass
class Two:
    """The projects `shop` and `docs`, each with @writer and @lead."""

    shop: Workspace
    docs: Workspace

    def configure(self, shop: str | None = "", docs: str | None = "") -> None:
        """Further lines of what each says of the other; None: it does not name it."""
        for mine, other, name, lines in ((self.shop, self.docs, "docs", shop), (self.docs, self.shop, "store", docs)):
            said = "" if lines is None else f'[projects.{name}]\nroot = "{other.root}"\n{lines}\n'
            mine.config_file.write_text(f'[mail]\norchestrator = "@lead"\n{said}')


@pytest.fixture
def two(tmp_path: Path) -> Two:
    agents = [(name, f"agents/{name}") for name in ("writer", "lead")]
    made = Two(*(create.create_workspace(tmp_path / name, agents) for name in ("shop", "docs")))
    made.configure()
    return made


def inbox(workspace: Workspace, who: str) -> list[Message]:
    return list(read_mailbox(workspace.agent(who).inbox).messages)


def test_mail_crosses_and_its_answer_comes_back(two: Two) -> None:
    sent = post.send_mail(two.shop, "@writer", ["@lead@docs", "@lead"], "Style", "British?", priority="high")
    assert [one.delivered for one in sent] == [True, True] and not sent[0].urgent
    (mail,) = inbox(two.docs, "@lead")
    assert (mail.sender, mail.project, mail.body) == ("@writer", "shop", "British?")
    assert len(inbox(two.shop, "@lead")) == 1
    post.reply_to(two.docs, "@lead", mail.id, "American.")
    (answer,) = inbox(two.shop, "@writer")
    assert (answer.body, answer.project) == ("American.", "docs")


@pytest.mark.parametrize(
    ("shop", "docs", "words"),
    [
        (None, "", "names no project docs"),
        ("", None, "nothing crosses to docs until .*docs.*names this project"),
        ("mail = false", "", r"shop.*says \[projects.docs\] mail = false"),
        ("", "mail = false", r"docs.*says \[projects.store\] mail = false"),
    ],
)
def test_mail_stays_where_one_of_the_two_does_not_let_it(
    two: Two, shop: str | None, docs: str | None, words: str
) -> None:
    two.configure(shop, docs)
    with pytest.raises(Refused, match=words) as refused:
        post.send_mail(two.shop, "@writer", ["@lead@docs"], "s", "b")
    assert refused.value.code == "boundary" and inbox(two.docs, "@lead") == []
    assert not list(two.shop.agent("@writer").sent_dir.glob("*.json"))


@pytest.mark.parametrize("address", ["@nobody@docs", "@operator@docs", "@lead@none", "@lead@", "@@docs", "@lead@../x"])
def test_who_is_not_there_is_refused(two: Two, address: str) -> None:
    with pytest.raises(MailcoreError):
        post.send_mail(two.shop, "@writer", [address], "s", "b")


def test_a_project_that_is_gone_or_is_this_one_is_told(two: Two) -> None:
    for root, words in ((two.shop.root, "is this project"), (two.shop.root.parent / "gone", "no workspace")):
        two.shop.config_file.write_text(f'[projects.docs]\nroot = "{root}"\n')
        with pytest.raises(MailcoreError, match=words):
            post.send_mail(two.shop, "@writer", ["@lead@docs"], "s", "b")


def test_a_topic_of_another_project_comes_as_mail(two: Two) -> None:
    lead, writer = two.docs.agent("@lead"), two.shop.agent("@writer")
    publishing.create_topic(two.docs, lead, "release")
    publishing.publish(two.docs, lead, "release", "1", "b")
    assert publishing.subscribe_across(two.shop, writer, "#release", "docs") == 1
    done = publishing.publish(two.docs, lead, "release", "2", "b")
    assert done.given == ("@writer@store",)
    newest, first = inbox(two.shop, "@writer")
    assert [first.subject, newest.subject] == ["[#release] 1", "[#release] 2"] and newest.project == "docs"
    post.reply_to(two.shop, "@writer", newest.id, "Thanks.")
    assert [mail.body for mail in inbox(two.docs, "@lead")] == ["Thanks."]
    assert publishing.unsubscribe_across(two.shop, writer, "release", "docs")
    assert publishing.publish(two.docs, lead, "release", "3", "b").given == ()


def test_a_link_that_one_side_ends_ends_the_topic_and_stops_nobody(two: Two) -> None:
    lead, writer = two.docs.agent("@lead"), two.shop.agent("@writer")
    publishing.create_topic(two.docs, lead, "release")
    publishing.subscribe_across(two.shop, writer, "release", "docs")
    publishing.subscribe(two.docs, two.docs.agent("@writer"), "release")
    two.configure(shop="topics = false")
    done = publishing.publish(two.docs, lead, "release", "1", "b")
    assert done.given == ("@writer",) and "topics = false" in done.waits["@writer@store"]
    assert inbox(two.shop, "@writer") == []
    with pytest.raises(Refused, match="topics = false"):
        publishing.subscribe_across(two.shop, writer, "release", "docs")


def test_feedback_crosses_unless_one_of_the_two_says_no(two: Two) -> None:
    writer = two.shop.agent("@writer")
    for shop, docs in ((None, None), ("", None), ("", "")):
        two.configure(shop, docs)
        assert feedback.deliver_feedback(writer, two.shop, two.docs.root, "s", f"{shop}{docs}").delivered
    for shop, docs in (("feedback = false", None), ("", "feedback = false")):
        two.configure(shop, docs)
        with pytest.raises(Refused, match="feedback = false"):
            feedback.deliver_feedback(writer, two.shop, two.docs.root, "s", "b")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[projects]\ndocs = 3", "must be a table"), ("[projects.do_cs]\nroot = '/x'", "is no project's name"),
        ("[projects.docs]", "has no root"), ("[projects.docs]\nroot = 'x'", "allowed"),
        ("[projects.docs]\nroot = '/x'\ndispatch = true", "has no key dispatch"),
    ],
)  # fmt: skip
def test_what_a_config_says_wrong_is_told(two: Two, text: str, words: str) -> None:
    two.shop.config_file.write_text(text + "\n")
    with pytest.raises(MailcoreError, match=words):
        post.send_mail(two.shop, "@writer", ["@lead@docs"], "s", "b")
