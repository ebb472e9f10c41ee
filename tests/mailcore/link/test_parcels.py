"""Envelopes travel together, and what says that it is some is looked at before any of it is believed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from mailcore.exceptions import Refused
from mailcore.hosts import channel
from mailcore.link.parcels import PARCEL_BYTES, opened, parcels
from mailcore.model.link import Envelope, EnvelopeKind
from mailcore.workspace.find import Workspace
from tests.mailcore.hosts.conftest import linked


def test_parcels_are_small_and_keep_the_order() -> None:
    def envelope(seq: int, size: int, epoch: str = "e") -> Envelope:
        return Envelope(EnvelopeKind.MAIL, f"{seq:032}", "a", "b", epoch, seq, 1, 0.0, {"x": "y" * size})

    made = [envelope(1, 10), envelope(2, 3 * PARCEL_BYTES), *(envelope(seq, 100) for seq in range(3, 400))]
    found = list(parcels([*made, envelope(1, 1, "f")]))
    assert [(one.epoch, one.first, one.last) for one in found[:2]] == [("e", 1, 1), ("e", 2, 2)]
    assert found[-1].epoch == "f" and all(len(one.data) <= PARCEL_BYTES + 1000 for one in found[2:])
    read = [one for parcel in found for one in msgspec.json.decode(parcel.data, type=list[Envelope])]
    assert read == [*made, envelope(1, 1, "f")]


def test_a_parcel_of_anything_else_is_refused(tmp_path: Path) -> None:
    nowhere = Workspace(tmp_path, tmp_path / "X_REGISTRY.json", ())
    for data in (b"", b"{}", b"[1]", b"\xff", b"[" * 100_000):
        with pytest.raises(Refused, match="are no envelopes"):
            opened(nowhere, data, "alpha", "beta")


@pytest.mark.parametrize(
    "other",
    [
        {"id": "0" * 31}, {"id": "A" * 32}, {"id": "0" * 32 + "\n"}, {"id": "0" * 100_000}, {"id": ".*" * 16},
        {"epoch": ""}, {"epoch": "x" * 16}, {"epoch": "e" * 100_000}, {"seq": 0}, {"seq": -1}, {"seq": 10**17},
        {"first": 0}, {"first": 10**17}, {"before": "x"}, {"before": "0" * 100_000},
    ],
    ids=lambda other: repr(other)[:30],
)  # fmt: skip
def test_an_envelope_has_names_and_numbers_as_envelopes_have_them(tmp_path: Path, other: dict[str, Any]) -> None:
    """They are kept, and found again, by those; its sender may sign what it likes."""
    link = linked(tmp_path)
    key = channel.host_key(link.alpha)
    put = channel.put(link.alpha, "beta", EnvelopeKind.MAIL, {})
    for one, is_one in ((put, True), (msgspec.structs.replace(put, **other), False)):
        data = msgspec.json.encode([channel.signed(one, key)])
        if is_one:
            assert opened(link.beta, data, "alpha", "beta")[0].id == put.id
        else:
            with pytest.raises(Refused, match="no envelope has") as refused:
                opened(link.beta, data, "alpha", "beta")
            assert len(str(refused.value)) < 200


@pytest.mark.parametrize("name", ["sender", "to", "kind"])
def test_what_is_said_of_what_is_refused_is_short(tmp_path: Path, name: str) -> None:
    link = linked(tmp_path)
    put = channel.put(link.alpha, "beta", EnvelopeKind.MAIL, {})
    data = msgspec.json.encode([{**msgspec.to_builtins(put), name: "x" * 100_000}])
    with pytest.raises(Refused) as refused:
        opened(link.beta, data, "alpha", "beta")
    assert len(str(refused.value)) < 500


def _nested(levels: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(levels - 1):
        value = [value]
    return value


def test_what_could_be_read_and_not_written_again_is_refused_as_any_other(tmp_path: Path) -> None:
    """At some depth a message is still read, and its signature no more looked at: that ended the connection, each time
    it was offered anew, and nobody's mail came."""
    link = linked(tmp_path)
    put = channel.put(link.alpha, "beta", EnvelopeKind.MAIL, {})
    depths = [channel.MOST_NESTED, *range(800, 1000)]  # the stack has room for a thousand, of which some is taken
    for levels in depths:
        data = msgspec.json.encode([msgspec.structs.replace(put, body={"mail": {}})])
        data = data.replace(b'"mail":{}', b'"mail":' + b"[" * levels + b"]" * levels)
        with pytest.raises(Refused):
            opened(link.beta, data, "alpha", "beta")


def test_nothing_is_put_that_the_other_host_will_not_take(tmp_path: Path) -> None:
    link = linked(tmp_path)
    with pytest.raises(Refused, match="nested deeper"):
        channel.put(link.alpha, "beta", EnvelopeKind.MAIL, {"mail": _nested(channel.MOST_NESTED)})
    put = channel.put(link.alpha, "beta", EnvelopeKind.MAIL, {"mail": _nested(channel.MOST_NESTED - 1)})
    (waits,) = channel.unconfirmed(link.alpha, "beta")
    data = msgspec.json.encode([waits])
    assert opened(link.beta, data, "alpha", "beta")[0].id == put.id
