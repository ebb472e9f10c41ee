"""The checker of histories finds each wrong one wrong, and a right one right."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.faults.link_history import (
    Asked,
    Effect,
    FaultKind,
    History,
    Kind,
    Look,
    Mail,
    Outcome,
    Told,
    check,
)

SENDERS = ("@a.alpha", "@b.alpha", "@a.beta")
MAILBOXES = ("@x.beta", "@y.gamma")


def asked(key: str, began: float, **other: object) -> Asked:
    """Acknowledged a second after it began, a mail from @a.alpha to @x.beta, unless `other` says so."""
    one = Asked(Kind.MAIL, key, "@a.alpha", "@x.beta", f"text {key}", began, began + 1, Outcome.ACKNOWLEDGED)
    return replace(one, **other)  # type: ignore[arg-type]


def mail(one: Asked) -> Mail:
    return Mail(one.key, one.sender, one.text)


def look(at: float, *mails: Asked, mailbox: str = "@x.beta") -> Look:
    return Look(mailbox, at, tuple(map(mail, mails)))


def kinds(history: History) -> list[FaultKind]:
    return [fault.kind for fault in check(history)]


FIRST, SECOND = asked("1", 0), asked("2", 10)
TASK, ACT = asked("t", 20, kind=Kind.TASK), asked("c", 30, kind=Kind.ACT)
RIGHT = History(
    (FIRST, SECOND, TASK, ACT),
    (look(5, FIRST), look(40, FIRST, SECOND, TASK)),
    (Effect("t", "@x.beta", 22), Effect("c", "@x.beta", 33)),
    tuple(Told(key, True) for key in "12tc"),
    told_all=True,
)


def test_a_right_history_has_no_fault() -> None:
    assert check(RIGHT) == ()
    assert check(History()) == ()


@pytest.mark.parametrize(
    ("wrong", "kind"),
    [
        (replace(RIGHT, looks=(look(40, FIRST, TASK),), told=()), FaultKind.LOST),
        (replace(RIGHT, looks=(look(40, FIRST, SECOND, SECOND, TASK),)), FaultKind.DOUBLED),
        (replace(RIGHT, looks=(*RIGHT.looks, look(41, FIRST, mailbox="@y.gamma"))), FaultKind.DOUBLED),
        (replace(RIGHT, looks=(look(40, SECOND, FIRST, TASK),)), FaultKind.DISORDERED),
        (replace(RIGHT, looks=(look(5, FIRST), look(40, SECOND, FIRST, TASK))), FaultKind.DISORDERED),
        (replace(RIGHT, looks=(look(40, FIRST, asked("9", 0), SECOND, TASK),)), FaultKind.INVENTED),
        (replace(RIGHT, looks=(look(40, FIRST, SECOND, TASK, ACT),)), FaultKind.INVENTED),
        (replace(RIGHT, looks=(look(40, replace(FIRST, text="other"), SECOND, TASK),)), FaultKind.ALTERED),
        (
            replace(RIGHT, looks=(look(40, SECOND, TASK), look(40, FIRST, mailbox="@y.gamma"))),
            FaultKind.MISROUTED,
        ),
        (replace(RIGHT, looks=(look(40, replace(FIRST, sender="@b.alpha"), SECOND, TASK),)), FaultKind.FORGED),
        (replace(RIGHT, asked=(replace(FIRST, outcome=Outcome.REFUSED), SECOND, TASK, ACT)), FaultKind.REFUSED),
        (replace(RIGHT, asked=(FIRST, SECOND, TASK, replace(ACT, outcome=Outcome.REFUSED))), FaultKind.REFUSED),
        (replace(RIGHT, looks=(look(5, FIRST, SECOND), look(40, FIRST, SECOND, TASK))), FaultKind.EARLY),
        (replace(RIGHT, effects=(Effect("t", "@x.beta", 19), Effect("c", "@x.beta", 33))), FaultKind.EARLY),
        (replace(RIGHT, looks=(look(5, FIRST), look(40, SECOND, TASK)), told=()), FaultKind.VANISHED),
        (replace(RIGHT, effects=(Effect("c", "@x.beta", 33),)), FaultKind.NOT_RUN),
        (replace(RIGHT, effects=(*RIGHT.effects, Effect("t", "@x.beta", 25))), FaultKind.RUN_TWICE),
        (replace(RIGHT, effects=(*RIGHT.effects, Effect("c", "@x.beta", 35))), FaultKind.RUN_TWICE),
        (replace(RIGHT, effects=(*RIGHT.effects, Effect("z", "@x.beta", 35))), FaultKind.INVENTED),
        (replace(RIGHT, effects=(*RIGHT.effects, Effect("1", "@x.beta", 35))), FaultKind.INVENTED),
        (replace(RIGHT, effects=(Effect("t", "@y.gamma", 22), Effect("c", "@x.beta", 33))), FaultKind.MISROUTED),
        (replace(RIGHT, asked=(FIRST, SECOND, TASK, replace(ACT, until=32))), FaultKind.LATE),
        (replace(RIGHT, told=(*RIGHT.told, Told("9", True))), FaultKind.FALSELY_TOLD),
        (replace(RIGHT, looks=(look(40, FIRST, TASK),)), FaultKind.FALSELY_TOLD),
        (replace(RIGHT, told=(*RIGHT.told[1:], Told("1", False))), FaultKind.FALSELY_TOLD),
        (replace(RIGHT, told=RIGHT.told[1:]), FaultKind.NOT_TOLD),
    ],
)
def test_a_wrong_history_is_found_wrong(wrong: History, kind: FaultKind) -> None:
    assert kind in kinds(wrong)


def test_what_was_killed_midway_may_have_happened_once_or_not_at_all() -> None:
    killed = [replace(one, ended=float("inf"), outcome=Outcome.UNKNOWN) for one in RIGHT.asked]
    assert check(replace(RIGHT, asked=tuple(killed))) == ()
    assert check(History(tuple(killed))) == ()
    twice = replace(RIGHT, asked=tuple(killed), looks=(look(40, FIRST, FIRST),))
    assert kinds(replace(twice, effects=(), told=())) == [FaultKind.DOUBLED]


def test_mails_sent_at_once_have_no_order() -> None:
    long = asked("long", 0, ended=20.0)
    assert check(History((long, SECOND), (look(40, SECOND, long),))) == ()
    assert kinds(History((FIRST, SECOND), (look(40, SECOND, FIRST),))) == [FaultKind.DISORDERED]


def test_two_senders_have_no_order() -> None:
    other = asked("o", 10, sender="@b.alpha")
    assert check(History((FIRST, other), (look(40, other, FIRST),))) == ()


def test_a_mailbox_keeps_its_order_even_between_two_senders() -> None:
    other = asked("o", 10, sender="@b.alpha")
    looks = (look(40, FIRST, other), look(41, other, FIRST))
    assert kinds(History((FIRST, other), looks)) == [FaultKind.DISORDERED]


def test_the_order_counts_behind_every_earlier_mail_not_the_one_before_alone() -> None:
    third = asked("3", 20)
    middle = asked("m", 0.5, ended=30.0)
    assert kinds(History((FIRST, third, middle), (look(40, third, middle, FIRST),))) == [FaultKind.DISORDERED]


def test_what_its_sender_was_told_is_refused_is_not_lost() -> None:
    assert check(History((FIRST, TASK), told=(Told("1", False), Told("t", False)))) == ()


def test_a_task_that_failed_and_whose_sender_was_told_need_not_have_run() -> None:
    given = replace(RIGHT, effects=(Effect("c", "@x.beta", 33),))
    assert check(replace(given, told=(*RIGHT.told, Told("t", True, failed=True)))) == ()


def test_a_key_that_two_operations_have_is_no_history() -> None:
    with pytest.raises(ValueError, match="same key"):
        check(History((FIRST, FIRST)))


@st.composite
def right_histories(draw: st.DrawFn) -> History:
    """Many senders one after the other each, delivered in the order of their senders, however mixed."""
    chance = random.Random(draw(st.integers(0, 2**32)))
    operations: list[Asked] = []
    for sender in SENDERS:
        now = 0.0
        for n in range(draw(st.integers(0, 6))):
            began, now = now, now + chance.random()
            outcome = chance.choice([Outcome.ACKNOWLEDGED, Outcome.ACKNOWLEDGED, Outcome.UNKNOWN])
            to = chance.choice(MAILBOXES)
            operations.append(Asked(Kind.MAIL, f"{sender}-{n}", sender, to, "t", began, now, outcome))
            now += 0.001
    looks = []
    for box in MAILBOXES:
        queues = [[one for one in operations if one.sender == sender and one.to == box] for sender in SENDERS]
        lies: list[Asked] = []
        while any(queues):
            one = chance.choice([queue for queue in queues if queue]).pop(0)
            if one.outcome is Outcome.ACKNOWLEDGED or chance.random() < 0.5:
                lies.append(one)
        cut = chance.randint(0, len(lies))
        looks += [look(100.0, *lies[:cut], mailbox=box), look(101.0, *lies, mailbox=box)]
    return History(tuple(operations), tuple(looks))


@given(right_histories())
def test_any_right_history_is_right(history: History) -> None:
    assert check(history) == ()


@given(right_histories(), st.randoms(use_true_random=False))
def test_any_history_with_one_mail_changed_is_wrong(history: History, chance: random.Random) -> None:
    """One acknowledged mail removed, doubled, or put before an earlier one of its sender."""
    sure = {one.key: one for one in history.asked if one.outcome is Outcome.ACKNOWLEDGED}
    full = [(n, i) for n, seen in enumerate(history.looks) for i, m in enumerate(seen.mails) if n % 2 and m.key in sure]
    if not full:
        return
    n, i = chance.choice(full)
    mails = history.looks[n].mails
    for changed, kind in (
        (mails[:i] + mails[i + 1 :], FaultKind.LOST),
        ((*mails, mails[i]), FaultKind.DOUBLED),
    ):
        looks = (*history.looks[:n], replace(history.looks[n], mails=changed), *history.looks[n + 1 :])
        assert kind in kinds(replace(history, looks=looks))
    later = [j for j in range(i + 1, len(mails)) if mails[j].sender == mails[i].sender]
    if later:
        swapped = list(mails)
        swapped[i], swapped[later[-1]] = swapped[later[-1]], swapped[i]
        looks = (replace(history.looks[n], mails=tuple(swapped)),)
        assert FaultKind.DISORDERED in kinds(replace(history, looks=looks))
