"""What comes is taken in order, each once, whatever the network does to it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec
import pytest

from mailcore.exceptions import Refused
from mailcore.hosts import arrivals, channel, directory
from mailcore.hosts.arrivals import Taken, TakenState, take, take_all
from mailcore.hosts.channel import Content
from mailcore.hosts.membership import link_directory
from mailcore.model.link import Envelope, EnvelopeKind
from tests.mailcore.hosts.conftest import Linked

MAIL = EnvelopeKind.MAIL
Carried = tuple[list[Envelope], Callable[[Sequence[Envelope], bool], None]]


def sent(link: Linked, count: int, kind: EnvelopeKind = MAIL) -> list[Envelope]:
    channel.put_all(link.alpha, "beta", [Content(kind, {"n": n}) for n in range(count)])
    return list(channel.unconfirmed(link.alpha, "beta"))


def test_in_order_and_once(link: Linked, carried: Carried) -> None:
    done, _ = carried

    def carry_out(envelope: Envelope, _: bool) -> None:
        done.append(envelope)

    one, two, three = sent(link, 3)
    assert take(link.beta, two, carry_out).state is TakenState.GAP
    assert take(link.beta, one, carry_out) == Taken(TakenState.DONE, one.epoch, 1, one.id, 2)
    assert take(link.beta, one, carry_out) == Taken(TakenState.REPEATED, one.epoch, 1, one.id, 2)
    assert take(link.beta, three, carry_out) == Taken(TakenState.GAP, one.epoch, 1, one.id, 2)
    assert take(link.beta, two, carry_out).state is TakenState.DONE
    assert take(link.beta, three, carry_out).last == 3
    assert [each.body["n"] for each in done] == [0, 1, 2]
    assert arrivals.taken_so_far(link.beta, "alpha") == {one.epoch: 3}


def test_many_at_once(link: Linked, carried: Carried) -> None:
    done, carry_out = carried
    envelopes = sent(link, arrivals.MAX_RUN * 2 + 5)
    mixed = [*envelopes[:3], *envelopes[:300], *envelopes[200:]]
    assert take_all(link.beta, mixed, carry_out).last == len(envelopes)
    assert done == envelopes
    assert take_all(link.beta, envelopes, carry_out).state is TakenState.REPEATED
    assert done == envelopes


def test_what_follows_each_other_of_one_kind_is_carried_out_at_once(link: Linked) -> None:
    sent(link, 2)
    sent(link, 1, EnvelopeKind.RECEIPT)
    sent(link, 2, EnvelopeKind.ACT)
    runs: list[list[tuple[str, int]]] = []
    taken = take_all(
        link.beta,
        sent(link, arrivals.MAX_RUN + 1),
        lambda run, _: runs.append([(one.kind, one.seq) for one in run]),
    )
    assert taken.last == arrivals.MAX_RUN + 6
    assert [(run[0], len(run)) for run in runs] == [
        (("mail", 1), 2), (("receipt", 3), 1), (("act", 4), 1), (("act", 5), 1),
        (("mail", 6), arrivals.MAX_RUN), (("mail", arrivals.MAX_RUN + 6), 1),
    ]  # fmt: skip


def test_a_gap_within(link: Linked, carried: Carried) -> None:
    done, carry_out = carried
    envelopes = sent(link, 5)
    taken = take_all(link.beta, [*envelopes[:2], *envelopes[3:]], carry_out)
    assert taken == Taken(TakenState.GAP, envelopes[0].epoch, 2, envelopes[1].id, 3)
    assert done == envelopes[:2]


def test_what_fails_is_not_taken_and_may_have_been_done(link: Linked) -> None:
    done: list[int] = []
    told: list[bool] = []

    def fails_once(run: Sequence[Envelope], repeated: bool) -> None:
        done.extend(each.seq for each in run)
        told.append(repeated)
        if run[0].kind is EnvelopeKind.RECEIPT and len(told) == 2:
            raise OSError(28, "No space left on device")

    sent(link, 2)
    envelopes = sent(link, 2, EnvelopeKind.RECEIPT)
    with pytest.raises(OSError, match="No space"):
        take_all(link.beta, envelopes, fails_once)
    assert arrivals.taken_so_far(link.beta, "alpha") == {envelopes[0].epoch: 2}
    assert take_all(link.beta, envelopes, fails_once).last == 4
    assert done == [1, 2, 3, 4, 3, 4]
    assert told == [True] * 3


def test_a_process_that_took_many_knows_what_it_did(link: Linked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arrivals, "UNMEASURED", 0.0)
    told: list[bool] = []

    def carry_out(_: Sequence[Envelope], repeated: bool) -> None:
        told.append(repeated)

    take_all(link.beta, sent(link, 1), carry_out)
    arrivals._certain.clear()  # another process, which finds the number that this one left
    take_all(link.beta, sent(link, arrivals.MAX_RUN + 3), carry_out)
    assert told == [True, True, False]


@pytest.mark.parametrize("damage", ["removed", "garbage", "torn"])
def test_a_lost_number_is_told_by_the_sender(link: Linked, carried: Carried, damage: str) -> None:
    done, carry_out = carried
    envelopes = sent(link, 5)
    take_all(link.beta, envelopes, carry_out)
    channel.confirmed(link.alpha, "beta", envelopes[0].epoch, 3, envelopes[2].id)
    path = link_directory(link.beta) / "in" / "alpha.jsonl"
    if damage == "removed":
        path.unlink()
    else:
        path.write_bytes(b"\xff" if damage == "garbage" else path.read_bytes()[:20])
    told: list[bool] = []
    again = list(channel.unconfirmed(link.alpha, "beta"))
    assert take_all(link.beta, again[1:], carry_out) == Taken(TakenState.GAP, again[1].epoch, 0, "", 4)
    assert take_all(link.beta, again, lambda _, repeated: told.append(repeated)).last == 5
    assert told == [True]
    assert len(done) == 5


def test_another_epoch_may_repeat(link: Linked, carried: Carried) -> None:
    _, carry_out = carried
    before = sent(link, 2)
    take_all(link.beta, before, carry_out)
    (link_directory(link.alpha) / "out" / "beta" / "state.json").unlink()
    after = list(channel.unconfirmed(link.alpha, "beta"))
    assert [each.id for each in after] == [each.id for each in before]
    told: list[bool] = []
    assert take_all(link.beta, after, lambda _, repeated: told.append(repeated)).last == 2
    assert told == [True]
    assert take_all(link.beta, before, carry_out).state is TakenState.REPEATED  # the old epoch is not forgotten


@pytest.mark.parametrize("restarted", [False, True])
def test_what_is_newer_than_all_that_was_taken_before_an_epoch_was_not_taken_in_it(
    link: Linked, monkeypatch: pytest.MonkeyPatch, restarted: bool
) -> None:
    """Who takes mail looks for none of it among all that is closed, only because its sender numbered anew once."""
    monkeypatch.setattr(arrivals, "MAX_RUN", 4)
    monkeypatch.setattr(arrivals, "UNMEASURED", 0.0)
    told: list[tuple[int, bool]] = []

    def carry_out(run: Sequence[Envelope], repeated: bool) -> None:
        told.extend((each.body["n"], repeated) for each in run)

    take_all(link.beta, sent(link, 20), carry_out)
    channel.number_anew(link.alpha, "beta")
    told.clear()
    take_all(link.beta, sent(link, 11), carry_out)  # all 20 again, which were not confirmed, and 11 that are new
    # Four more: with those whoever took the 20 may have died.
    assert [repeated for _, repeated in told] == [True] * 24 + [False] * 7
    if restarted:
        arrivals._certain.clear()
    told.clear()
    take_all(link.beta, sent(link, 8)[31:], carry_out)
    assert [repeated for _, repeated in told] == [restarted] * 4 + [False] * 4


def test_whose_number_was_lost_is_looked_for_by_the_next_process_too(
    link: Linked, carried: Carried, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, carry_out = carried
    monkeypatch.setattr(arrivals, "MAX_RUN", 2)
    monkeypatch.setattr(arrivals, "UNMEASURED", 0.0)
    take_all(link.beta, sent(link, 12), carry_out)
    (link_directory(link.beta) / "in" / "alpha.jsonl").unlink()
    told: list[bool] = []
    again = list(channel.unconfirmed(link.alpha, "beta"))
    take_all(link.beta, again[:4], lambda _, repeated: told.append(repeated))
    arrivals._certain.clear()
    take_all(link.beta, again, lambda _, repeated: told.append(repeated))
    assert told == [True] * 6
    take_all(link.beta, sent(link, 4), lambda _, repeated: told.append(repeated))
    assert told[6:] == [True, False]


def test_what_was_done_and_not_noted_is_looked_for_in_another_epoch_too(
    link: Linked, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is newer than all that was noted: whoever took it died in between."""
    monkeypatch.setattr(arrivals, "MAX_RUN", 2)
    monkeypatch.setattr(arrivals, "UNMEASURED", 0.0)
    for noted in (sent(link, 2), sent(link, 2)):
        take_all(link.beta, noted, lambda _, __: None)

    def dies(_: Sequence[Envelope], __: bool) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        take_all(link.beta, sent(link, 2), dies)
    arrivals._certain.clear()
    channel.number_anew(link.alpha, "beta")
    told: list[tuple[int, bool]] = []
    take_all(link.beta, sent(link, 2), lambda run, repeated: told.append((run[-1].seq, repeated)))
    assert told == [(2, True), (4, True), (6, True), (8, False)]


def test_a_clock_that_is_set_back_makes_nothing_that_was_taken_new(
    link: Linked, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arrivals, "MAX_RUN", 1)
    monkeypatch.setattr(arrivals, "UNMEASURED", 0.0)
    told: list[bool] = []
    for now in (500.0, 1000.0, 900.0):
        monkeypatch.setattr("mailcore.hosts.channel.time.time", lambda now=now: now)
        take_all(link.beta, sent(link, 1), lambda _, __: None)
    channel.number_anew(link.alpha, "beta")
    take_all(link.beta, list(channel.unconfirmed(link.alpha, "beta")), lambda _, repeated: told.append(repeated))
    assert told == [True] * 3


def test_the_file_of_numbers_stays_small(link: Linked, carried: Carried, monkeypatch: pytest.MonkeyPatch) -> None:
    _, carry_out = carried
    monkeypatch.setattr(arrivals, "_MAX_JOURNAL", 500)
    path = link_directory(link.beta) / "in" / "alpha.jsonl"
    for envelope in sent(link, 30):
        assert take_all(link.beta, [envelope], carry_out).last == envelope.seq
        assert path.stat().st_size < 700
    for _ in range(arrivals.MAX_EPOCHS + 3):
        channel.number_anew(link.alpha, "beta")
        assert take_all(link.beta, list(channel.unconfirmed(link.alpha, "beta")), carry_out).last == 30
    assert len(arrivals.taken_so_far(link.beta, "alpha")) <= arrivals.MAX_EPOCHS


def test_who_may_send(link: Linked, carried: Carried) -> None:
    _, carry_out = carried
    (envelope,) = sent(link, 1)
    arrivals.verified(link.beta, envelope)
    for change in ({"body": {"n": 9}}, {"seq": 2}, {"sender": "beta"}, {"signature": ""}, {"until": 1.0}):
        with pytest.raises(Refused):
            arrivals.verified(link.beta, msgspec.structs.replace(envelope, **change))
    with pytest.raises(Refused, match="came here"):
        take_all(link.beta, [msgspec.structs.replace(envelope, to="gamma")], carry_out)
    with pytest.raises(Refused, match="no name of a host"):
        take_all(link.beta, [msgspec.structs.replace(envelope, sender="../x")], carry_out)
    record = directory.read_host(link.beta, "alpha")
    assert record is not None
    directory.write_host(link.beta, msgspec.structs.replace(record, revoked=True))
    with pytest.raises(Refused, match="belongs to the link no more"):
        arrivals.verified(link.beta, envelope)
