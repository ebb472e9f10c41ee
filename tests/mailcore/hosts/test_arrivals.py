"""What comes is taken in order, each once, whatever the network does to it."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest

from mailcore.exceptions import Refused
from mailcore.hosts import arrivals, channel, directory
from mailcore.hosts.arrivals import TakenState, take, take_all
from mailcore.hosts.channel import Content
from mailcore.hosts.membership import link_directory
from mailcore.model.link import Envelope, EnvelopeKind
from tests.mailcore.hosts.conftest import Linked

MAIL = EnvelopeKind.MAIL
Carried = tuple[list[Envelope], Callable[[Envelope, bool], None]]


def sent(link: Linked, count: int) -> list[Envelope]:
    channel.put_all(link.alpha, "beta", [Content(MAIL, {"n": n}) for n in range(count)])
    return list(channel.unconfirmed(link.alpha, "beta"))


def test_in_order_and_once(link: Linked, carried: Carried) -> None:
    done, carry_out = carried
    one, two, three = sent(link, 3)
    assert take(link.beta, two, carry_out).state is TakenState.GAP
    assert take(link.beta, one, carry_out) == arrivals.Taken(TakenState.DONE, one.epoch, 1, one.id, 2)
    assert take(link.beta, one, carry_out) == arrivals.Taken(TakenState.REPEATED, one.epoch, 1, one.id, 2)
    assert take(link.beta, three, carry_out) == arrivals.Taken(TakenState.GAP, one.epoch, 1, one.id, 2)
    assert take(link.beta, two, carry_out).state is TakenState.DONE
    assert take(link.beta, three, carry_out).last == 3
    assert [each.body["n"] for each in done] == [0, 1, 2]
    assert arrivals.taken_so_far(link.beta, "alpha") == {one.epoch: 3}


def test_many_at_once(link: Linked, carried: Carried) -> None:
    done, carry_out = carried
    envelopes = sent(link, arrivals.BATCH * 2 + 5)
    mixed = [*envelopes[:3], *envelopes[:300], *envelopes[200:]]
    assert take_all(link.beta, mixed, carry_out).last == len(envelopes)
    assert done == envelopes
    assert take_all(link.beta, envelopes, carry_out).state is TakenState.REPEATED
    assert done == envelopes


def test_what_fails_is_not_taken_and_may_have_been_done(link: Linked, carried: Carried) -> None:
    done, _ = carried
    told = []

    def fails_at_two(envelope: Envelope, repeated: bool) -> None:
        done.append(envelope)
        told.append(repeated)
        if envelope.seq == 2 and len(done) == 2:
            raise OSError(28, "No space left on device")

    envelopes = sent(link, 3)
    with pytest.raises(OSError, match="No space"):
        take_all(link.beta, envelopes, fails_at_two)
    assert arrivals.taken_so_far(link.beta, "alpha") == {envelopes[0].epoch: 1}
    assert take_all(link.beta, envelopes, fails_at_two).last == 3
    assert [each.seq for each in done] == [1, 2, 2, 3]
    assert told == [True] * 4


def test_a_process_that_took_many_knows_what_it_did(link: Linked, carried: Carried) -> None:
    told: list[bool] = []
    take_all(link.beta, sent(link, arrivals.BATCH + 3), lambda _, repeated: told.append(repeated))
    assert told == [True] * arrivals.BATCH + [False] * 3


@pytest.mark.parametrize("damage", ["removed", "garbage"])
def test_a_lost_number_is_told_by_the_sender(link: Linked, carried: Carried, damage: str) -> None:
    done, carry_out = carried
    envelopes = sent(link, 5)
    take_all(link.beta, envelopes, carry_out)
    channel.confirmed(link.alpha, "beta", envelopes[0].epoch, 3, envelopes[2].id)
    path = link_directory(link.beta) / "in" / "alpha.json"
    path.unlink() if damage == "removed" else path.write_bytes(b"\xff")
    told: list[bool] = []
    again = list(channel.unconfirmed(link.alpha, "beta"))
    assert take(link.beta, again[1], carry_out) == arrivals.Taken(TakenState.GAP, again[1].epoch, 0, "", 4)
    assert take_all(link.beta, again, lambda _, repeated: told.append(repeated)).last == 5
    assert told == [True, True]
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
    assert told == [True, True]
    assert take_all(link.beta, before, carry_out).state is TakenState.REPEATED  # the old epoch is not forgotten


def test_who_may_send(link: Linked, carried: Carried) -> None:
    _, carry_out = carried
    (envelope,) = sent(link, 1)
    arrivals.verified(link.beta, envelope)
    for change in ({"body": {"n": 9}}, {"seq": 2}, {"sender": "beta"}, {"signature": ""}, {"until": 1.0}):
        with pytest.raises(Refused):
            arrivals.verified(link.beta, msgspec.structs.replace(envelope, **change))
    with pytest.raises(Refused, match="came here"):
        take(link.beta, msgspec.structs.replace(envelope, to="gamma"), carry_out)
    with pytest.raises(Refused, match="no name of a host"):
        take(link.beta, msgspec.structs.replace(envelope, sender="../x"), carry_out)
    record = directory.read_host(link.beta, "alpha")
    assert record is not None
    directory.write_host(link.beta, msgspec.structs.replace(record, revoked=True))
    with pytest.raises(Refused, match="belongs to the link no more"):
        arrivals.verified(link.beta, envelope)
