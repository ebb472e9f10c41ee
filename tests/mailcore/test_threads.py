"""Which mails belong together: ours say it, AIPass's are known by `RE:` and the parties."""

from __future__ import annotations

import json
import random
from collections import Counter
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from mailcore.mail import lookup
from mailcore.mail.threads import bare_subject, group_threads
from mailcore.model.message import Message
from mailcore.workspace.find import Workspace

AT = "2026-11-22 01:00:{:02}"


def mail(at: int = 0, sender: str = "@a", to: str = "@b", subject: str = "s", **more: Any) -> Message:
    return Message.from_json({"timestamp": AT.format(at), "from": sender, "subject": subject, **more}, to)


def grouped(*messages: Message) -> list[list[str]]:
    return [[m.id for m in thread.messages] for thread in group_threads(messages)]


def test_a_thread_says_its_subject_and_when_it_was_written_in_last() -> None:
    first = mail(1, subject="Deploy", id="1", sent_id="s1", thread_id="s1")
    second = mail(2, "@b", "@a", "RE: Deploy", id="2", sent_id="s2", thread_id="s1", in_reply_to="s1")
    alone = mail(3, id="3", sent_id="s3", thread_id="s3")
    found = group_threads([second, alone, first])
    assert [(t.key, t.subject, t.newest) for t in found] == [("s3", "s", alone.at), ("s1", "Deploy", second.at)]
    assert found[1].messages == (first, second)


def test_aipass_answers_are_known_by_what_they_carry_else_by_re_and_the_parties() -> None:
    task = mail(1, subject="Build", id="1", sent_id="s1")
    by_recipients_id = mail(2, "@b", "@a", "RE: Build", id="2", in_reply_to="1")
    by_subject = mail(3, "@b", "@a", "re: RE: Build", id="3")
    of_others = mail(4, "@c", "@a", "RE: Build", id="4")
    same_subject_anew = mail(5, subject="Build", id="5")
    answer_to_that = mail(6, "@b", "@a", "RE: Build", id="6")
    everything = [task, by_recipients_id, by_subject, of_others, same_subject_anew, answer_to_that]
    assert grouped(*everything) == [["5", "6"], ["4"], ["1", "2", "3"]]


def test_within_one_second_an_answer_finds_what_it_answers_however_they_come() -> None:
    """AIPass keeps whole seconds, and its names are random."""
    task, answer = mail(1, id="f", sent_id="ff"), mail(1, "@b", "@a", "RE: s", id="0", sent_id="00", in_reply_to="ff")
    by_subject = mail(1, "@b", "@a", "RE: s", id="1")
    assert grouped(answer, by_subject, task) == grouped(task, by_subject, answer) == [["f", "0", "1"]]


def test_answers_in_a_circle_and_mails_without_any_name_end_somewhere() -> None:
    one, two = mail(1, id="1", in_reply_to="2"), mail(2, subject="other", id="2", in_reply_to="1")
    assert grouped(one, two) == [["1", "2"]]
    assert grouped(mail(1, id="1", in_reply_to="1")) == [["1"]]
    assert len(group_threads([mail(1, subject="x"), mail(2, subject="y")])) == 2
    chain = [mail(1, subject=f"{n}", id=f"{n:05}", in_reply_to=f"{n - 1:05}") for n in range(5000)]
    assert len(group_threads(chain)) == 1


def test_bare_takes_every_re_away() -> None:
    assert [bare_subject(s) for s in ("RE: a", "re:RE:  a", "a", "RE:", "REsult")] == ["a", "a", "a", "", "REsult"]


NAMES = st.sampled_from(["", "1", "2", "3", "s1", "s2"])
MAILS = st.builds(
    lambda at, sender, to, subject, names: mail(at, sender, to, subject, **names),
    st.integers(0, 3),
    st.sampled_from(["@a", "@b", "@c"]),
    st.sampled_from(["@a", "@b", "@c"]),
    st.sampled_from(["s", "RE: s", "RE: RE: s", "t"]),
    st.fixed_dictionaries({"id": NAMES, "sent_id": NAMES, "thread_id": NAMES, "in_reply_to": NAMES}),
)


@settings(deadline=None, max_examples=200)
@given(st.lists(MAILS, max_size=10), st.randoms(use_true_random=False))
def test_each_mail_stands_in_exactly_one_thread_whatever_the_order(mails: list[Message], chance: random.Random) -> None:
    found = group_threads(mails)
    assert Counter(m for t in found for m in t.messages) == Counter(mails)
    assert len({t.key for t in found}) == len(found)
    mixed = list(mails)
    chance.shuffle(mixed)
    assert sorted(group_threads(mixed), key=lambda t: t.key) == sorted(found, key=lambda t: t.key)
    assert all(list(t.messages) == sorted(t.messages, key=lambda m: m.at) for t in found)


def test_the_mail_that_aipass_wrote_falls_into_its_threads(aipass: Workspace) -> None:
    found = group_threads(copy.message for copy in lookup.all_copies(aipass))
    assert ["Demo ok", "RE: Demo ok"] in [[m.subject for m in t.messages] for t in found]
    assert json.loads(aipass.agent("@alpha").inbox.read_bytes())["messages"][1]["subject"] == "RE: Demo ok"
