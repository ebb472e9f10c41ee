"""What is put into a channel is on disk, in order, until it is confirmed; no number is ever given twice."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from mailcore.exceptions import MailcoreError, Refused
from mailcore.hosts import arrivals, channel, keys, segments
from mailcore.hosts.arrivals import TakenState
from mailcore.hosts.channel import Content
from mailcore.hosts.directory import read_host
from mailcore.hosts.membership import link_directory
from mailcore.model.link import Envelope, EnvelopeKind
from mailcore.system import writing
from mailcore.system.locks import is_locked
from mailcore.system.safe_open import MAX_WHOLE_FILE
from mailcore.workspace.find import Workspace
from tests.mailcore.conftest import House
from tests.mailcore.hosts.conftest import Linked

MAIL = EnvelopeKind.MAIL
Carried = tuple[list[Envelope], Callable[[Sequence[Envelope], bool], None]]

PUTTER = """
import sys
from pathlib import Path
from mailcore.hosts import channel
from mailcore.workspace import find
workspace = find.workspace_at(Path(sys.argv[1]))
for n in range(int(sys.argv[3])):
    channel.put(workspace, "beta", "mail", {"who": sys.argv[2], "n": n})
"""


def waiting(workspace: Workspace, after: int = 0, epoch: str = "") -> list[int]:
    return [envelope.seq for envelope in channel.unconfirmed(workspace, "beta", after, epoch)]


def out(workspace: Workspace) -> Path:
    return link_directory(workspace) / "out" / "beta"


def test_put_and_confirm(link: Linked) -> None:
    first = channel.put(link.alpha, "beta", MAIL, {"n": 1})
    more = channel.put_all(link.alpha, "beta", [Content(MAIL, {"n": n}) for n in (2, 3)])
    assert [first.seq, *(each.seq for each in more)] == [1, 2, 3]
    assert {each.epoch for each in (first, *more)} == {first.epoch}
    assert [each.body for each in channel.unconfirmed(link.alpha, "beta")] == [{"n": 1}, {"n": 2}, {"n": 3}]
    assert channel.waiting(link.alpha, "beta").count == 3
    assert channel.confirmed(link.alpha, "beta", first.epoch, 2, more[0].id)
    assert [(each.seq, each.first) for each in channel.unconfirmed(link.alpha, "beta")] == [(3, 3)]
    assert not channel.confirmed(link.alpha, "beta", first.epoch, 2)
    assert not channel.confirmed(link.alpha, "beta", "0" * 16, 3)
    assert channel.confirmed(link.alpha, "beta", first.epoch, 3, more[1].id)
    assert waiting(link.alpha) == []
    assert list(out(link.alpha).glob("*.jsonl")) == []  # nothing of what was said stays
    assert channel.waiting(link.alpha, "beta") == channel.Waiting()
    assert channel.put(link.alpha, "beta", MAIL, {}).seq == 4
    assert channel.channels(link.alpha) == ["beta"]


def test_what_waits_is_signed(link: Linked) -> None:
    channel.put(link.alpha, "beta", MAIL, {"text": "ü\u2028", "n": 1.5})
    (envelope,) = channel.unconfirmed(link.alpha, "beta")
    record = read_host(link.beta, "alpha")
    assert record is not None
    assert keys.verify(record.key, channel.signed_bytes(envelope), envelope.signature)
    arrivals.verified(link.beta, envelope)


def test_many_segments(link: Linked) -> None:
    count = segments.MAX_LINES * 3 + 7
    for n in range(segments.MAX_LINES + 3):
        channel.put(link.alpha, "beta", MAIL, {"n": n})
    channel.put_all(link.alpha, "beta", [Content(MAIL, {"n": n}) for n in range(segments.MAX_LINES + 3, count)])
    assert waiting(link.alpha) == list(range(1, count + 1))
    assert waiting(link.alpha, count - 3) == [count - 2, count - 1, count]
    (first, *_) = channel.unconfirmed(link.alpha, "beta")
    assert waiting(link.alpha, 5, "0" * 16) == list(range(1, count + 1))  # of another epoch: all of this one
    assert channel.confirmed(link.alpha, "beta", first.epoch, segments.MAX_LINES + 1)
    assert waiting(link.alpha) == list(range(segments.MAX_LINES + 2, count + 1))


def test_an_id_that_waits_is_put_once(link: Linked) -> None:
    one = channel.put(link.alpha, "beta", MAIL, {"n": 1}, id="ab" * 16)
    two = channel.put(link.alpha, "beta", MAIL, {"n": 2}, id="ab" * 16)
    assert one == two
    assert waiting(link.alpha) == [1]


def test_several_processes_put_without_a_gap(link: Linked) -> None:
    started = [
        subprocess.Popen([sys.executable, "-c", PUTTER, str(link.alpha.root), who, "40"], stdin=subprocess.DEVNULL)
        for who in ("a", "b", "c")
    ]
    assert [process.wait(60) for process in started] == [0, 0, 0]
    found = list(channel.unconfirmed(link.alpha, "beta"))
    assert [each.seq for each in found] == list(range(1, 121))
    for who in ("a", "b", "c"):
        assert [each.body["n"] for each in found if each.body["who"] == who] == list(range(40))


def test_a_torn_line_was_never_put(link: Linked) -> None:
    channel.put(link.alpha, "beta", MAIL, {"n": 1})
    (path,) = out(link.alpha).glob("*.jsonl")
    with path.open("ab") as file:
        file.write(b'{"kind":"mail","id":"00')
    assert waiting(link.alpha) == [1]
    assert channel.put(link.alpha, "beta", MAIL, {"n": 2}).seq == 2
    assert waiting(link.alpha) == [1, 2]


def test_what_the_disk_refuses_is_not_put(link: Linked, monkeypatch: pytest.MonkeyPatch) -> None:
    channel.put(link.alpha, "beta", MAIL, {"n": 1})

    def refuse(opened: int) -> None:
        raise OSError(28, os.strerror(28))

    with monkeypatch.context() as patch:
        patch.setattr(writing, "sync", refuse)
        with pytest.raises(OSError, match="No space"):
            channel.put(link.alpha, "beta", MAIL, {"n": 2})
    assert waiting(link.alpha) == [1]
    assert channel.put(link.alpha, "beta", MAIL, {"n": 3}).seq == 2


@pytest.mark.parametrize("begun", [b"", b'{"kind":"mail","id":"00'], ids=["empty", "torn"])
def test_a_segment_that_was_begun_and_holds_nothing(link: Linked, carried: Carried, begun: bytes) -> None:
    """Its writer was killed before its first line: what is put next follows what stands in the segment before."""
    done, carry_out = carried
    first = channel.put(link.alpha, "beta", MAIL, {"n": 1})
    channel.confirmed(link.alpha, "beta", first.epoch, 1, first.id)
    channel.put_all(link.alpha, "beta", [Content(MAIL, {"n": n}) for n in range(2, segments.MAX_LINES + 2)])
    (out(link.alpha) / f"{first.epoch}-{segments.MAX_LINES + 2:012d}.jsonl").write_bytes(begun)
    channel.put(link.alpha, "beta", MAIL, {"n": segments.MAX_LINES + 2})
    taken = arrivals.take_all(link.beta, [first, *channel.unconfirmed(link.alpha, "beta")], carry_out)
    assert taken.state is TakenState.DONE
    assert [each.body["n"] for each in done] == list(range(1, segments.MAX_LINES + 3))


def test_a_full_disk_leaves_no_segment_without_a_line(link: Linked, monkeypatch: pytest.MonkeyPatch) -> None:
    channel.put_all(link.alpha, "beta", [Content(MAIL, {})] * segments.MAX_LINES)
    before = sorted(out(link.alpha).iterdir())

    def refuse(opened: int) -> None:
        raise OSError(28, os.strerror(28))

    with monkeypatch.context() as patch:
        patch.setattr(writing, "sync", refuse)
        with pytest.raises(OSError, match="No space"):
            channel.put(link.alpha, "beta", MAIL, {})
    assert sorted(out(link.alpha).iterdir()) == before


def test_two_that_do_not_follow_each_other_are_numbered_anew(link: Linked, carried: Carried) -> None:
    """What was put after a segment that held nothing named another before it than there was: it waited for ever."""
    done, carry_out = carried
    envelopes = channel.put_all(link.alpha, "beta", [Content(MAIL, {"n": n}) for n in range(3)])
    (path,) = out(link.alpha).glob("*.jsonl")
    path.write_bytes(path.read_bytes().replace(f'"before":"{envelopes[1].id}"'.encode(), b'"before":"00"'))
    for _ in range(2):  # the first two, then the third, numbered anew
        taken = arrivals.take_all(link.beta, list(channel.unconfirmed(link.alpha, "beta")), carry_out)
        channel.confirmed(link.alpha, "beta", taken.epoch, taken.last, taken.last_id)
        channel.confirmed(link.alpha, "beta", taken.epoch, taken.last, taken.last_id)  # again: it is offered again
    assert waiting(link.alpha) == []
    assert [each.body["n"] for each in done] == [0, 1, 2]


def test_the_disk_is_waited_for_when_the_lock_was_given_back(link: Linked, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of several writers none waits for the others' disk; and what is handed out to be sent is on disk, whose ever."""
    channel.put(link.alpha, "beta", MAIL, {"n": 1})
    (path,) = out(link.alpha).glob("*.jsonl")
    flushed: list[tuple[Path, bool]] = []
    monkeypatch.setattr(writing, "flush", lambda of: flushed.append((of, bool(is_locked(out(link.alpha) / ".lock")))))
    channel.put(link.alpha, "beta", MAIL, {"n": 2})
    assert flushed == [(path, False)]
    assert waiting(link.alpha) == [1, 2]
    assert flushed == [(path, False)] * 2


def test_a_confirmation_waits_for_the_disk_where_it_lets_something_go(
    link: Linked, monkeypatch: pytest.MonkeyPatch
) -> None:
    envelopes = channel.put_all(link.alpha, "beta", [Content(MAIL, {"n": n}) for n in range(3)])
    synced: list[int] = []
    monkeypatch.setattr(writing, "sync", synced.append)
    assert channel.confirmed(link.alpha, "beta", envelopes[0].epoch, 2)
    assert synced == []
    assert channel.confirmed(link.alpha, "beta", envelopes[0].epoch, 3)
    assert len(synced) == 1 and list(out(link.alpha).glob("*.jsonl")) == []


def test_what_is_found_again_by_its_id_is_on_disk_too(link: Linked, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who put it there was killed before the disk had it."""
    flushed: list[Path] = []

    def killed(_: Path) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(writing, "flush", killed)
        patch.setattr(channel, "cut_off", lambda _: None)
        with pytest.raises(KeyboardInterrupt):
            channel.put(link.alpha, "beta", MAIL, {"n": 1}, id="ab" * 16)
    monkeypatch.setattr(writing, "flush", flushed.append)
    assert channel.put(link.alpha, "beta", MAIL, {"n": 1}, id="ab" * 16).seq == 1
    assert flushed == list(out(link.alpha).glob("*.jsonl"))


def test_what_the_disk_refuses_stays_where_another_line_follows_it(
    link: Linked, monkeypatch: pytest.MonkeyPatch
) -> None:
    channel.put(link.alpha, "beta", MAIL, {"n": 1})

    def refuse(_: Path) -> None:
        monkeypatch.undo()
        channel.put(link.alpha, "beta", MAIL, {"n": 3})
        raise OSError(5, os.strerror(5))

    monkeypatch.setattr(writing, "flush", refuse)
    with pytest.raises(OSError, match="Input/output"):
        channel.put(link.alpha, "beta", MAIL, {"n": 2})
    assert waiting(link.alpha) == [1, 2, 3]


def test_a_line_longer_than_the_first_look_for_it_is_counted_and_a_torn_one_cut_off(link: Linked) -> None:
    for n in range(3):
        assert channel.put(link.alpha, "beta", MAIL, {"text": "x" * 3 * 8192 * (n % 2)}).seq == n + 1
    (path,) = out(link.alpha).glob("*.jsonl")
    with path.open("ab") as file:
        file.write(b"x" * 3 * 8192)
    assert channel.put(link.alpha, "beta", MAIL, {}).seq == 4
    assert waiting(link.alpha) == [1, 2, 3, 4]


@pytest.mark.parametrize("damage", ["line", "segment", "state", "state_garbage", "first_segment"])
def test_a_damaged_store_begins_another_epoch(link: Linked, damage: str) -> None:
    for n in range(segments.MAX_LINES + 2):
        envelope = channel.put(link.alpha, "beta", MAIL, {"n": n})
    paths = sorted(out(link.alpha).glob("*.jsonl"))
    if damage == "line":
        lines = paths[0].read_bytes().splitlines(keepends=True)
        paths[0].write_bytes(b"".join([lines[0], b"garbage\n", *lines[2:]]))
    elif damage == "segment":
        lines = paths[0].read_bytes().splitlines(keepends=True)
        paths[0].write_bytes(b"".join(lines[:-1]))
    elif damage == "first_segment":
        paths[0].unlink()
    elif damage == "state":
        (out(link.alpha) / "state.json").unlink()
    else:
        (out(link.alpha) / "state.json").write_bytes(b"\xff{")
    list(channel.unconfirmed(link.alpha, "beta"))
    found = list(channel.unconfirmed(link.alpha, "beta"))
    assert {each.epoch for each in found} != {envelope.epoch}
    assert len({each.epoch for each in found}) == 1
    assert [each.seq for each in found] == list(range(1, len(found) + 1))
    kept = [each.body["n"] for each in found]
    everything = list(range(segments.MAX_LINES + 2))
    lost = {"line": [1], "segment": [segments.MAX_LINES - 1], "first_segment": everything[: segments.MAX_LINES]}
    assert kept == [n for n in everything if n not in lost.get(damage, [])]


def test_a_store_brought_back_from_a_copy_gives_no_number_twice(link: Linked, tmp_path: Path) -> None:
    """What was sent after the copy was made has numbers that the other host knows."""
    first = channel.put(link.alpha, "beta", MAIL, {"n": 1})
    channel.confirmed(link.alpha, "beta", first.epoch, 1, first.id)
    shutil.copytree(out(link.alpha), tmp_path / "copy")
    second = channel.put(link.alpha, "beta", MAIL, {"n": 2})
    shutil.rmtree(out(link.alpha))
    shutil.copytree(tmp_path / "copy", out(link.alpha))
    third = channel.put(link.alpha, "beta", MAIL, {"n": 3})
    assert (third.epoch, third.seq) == (second.epoch, second.seq)
    assert channel.confirmed(link.alpha, "beta", second.epoch, 2, second.id)
    (again,) = channel.unconfirmed(link.alpha, "beta")
    assert (again.body, again.id, again.seq) == ({"n": 3}, third.id, 1)
    assert again.epoch != third.epoch


def test_a_confirmation_of_what_was_never_sent(link: Linked) -> None:
    first = channel.put(link.alpha, "beta", MAIL, {"n": 1})
    assert channel.confirmed(link.alpha, "beta", first.epoch, 9, "00" * 16)
    (again,) = channel.unconfirmed(link.alpha, "beta")
    assert again.id == first.id
    assert again.epoch != first.epoch


def test_what_is_numbered_anew_lies_in_segments_again(link: Linked, monkeypatch: pytest.MonkeyPatch) -> None:
    """Any host can bring it about, by a number that it confirms: were it one file, none could be read one day."""
    monkeypatch.setattr(segments, "MAX_SIZE", 40_000)
    for n in range(segments.MAX_LINES + 9):
        first = channel.put(link.alpha, "beta", MAIL, {"n": n, "text": "x" * 3000 if n > segments.MAX_LINES else ""})
    assert channel.confirmed(link.alpha, "beta", first.epoch, 9999, "00" * 16)
    sizes = [path.stat().st_size for path in out(link.alpha).glob("*.jsonl")]
    assert len(sizes) > 2
    assert max(sizes) < 50_000 + segments.MAX_LINES * 300
    found = list(channel.unconfirmed(link.alpha, "beta"))
    assert [(each.seq, each.body["n"]) for each in found] == [(n + 1, n) for n in range(segments.MAX_LINES + 9)]
    assert [each.before for each in found] == ["", *(each.id for each in found[:-1])]
    assert {each.epoch for each in found} != {first.epoch}


def test_a_segment_that_grew_too_large_is_divided(link: Linked) -> None:
    """As one that a renumbering wrote once: it is read again, and what is put follows it."""
    first = channel.put_all(link.alpha, "beta", [Content(MAIL, {"n": n, "text": "x" * 3_500_000}) for n in range(20)])[
        0
    ]
    whole = b"".join(path.read_bytes() for path in sorted(out(link.alpha).glob("*.jsonl")))
    assert len(whole) > MAX_WHOLE_FILE
    for path in out(link.alpha).glob("*.jsonl"):
        path.unlink()
    (out(link.alpha) / f"{first.epoch}-{1:012d}.jsonl").write_bytes(whole)
    assert channel.waiting(link.alpha, "beta").count == 20
    channel.put(link.alpha, "beta", MAIL, {"n": 20})
    assert [each.body["n"] for each in channel.unconfirmed(link.alpha, "beta")] == list(range(21))
    assert all(path.stat().st_size < 8 << 20 for path in out(link.alpha).glob("*.jsonl"))


def test_what_is_numbered_anew_twice_is_there_once(link: Linked) -> None:
    """Who was killed while he did it left a part of it, beside what it was made of; then the state was lost."""
    for n in range(3):
        channel.put(link.alpha, "beta", MAIL, {"n": n})
    (path,) = out(link.alpha).glob("*.jsonl")
    kept = path.read_bytes()
    channel.number_anew(link.alpha, "beta")
    path.write_bytes(kept)
    (out(link.alpha) / "state.json").unlink()
    assert [each.body["n"] for each in channel.unconfirmed(link.alpha, "beta")] == [0, 1, 2]


def test_what_is_refused(link: Linked, house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Refused, match="belongs to no link"):
        channel.put(house.workspace, "beta", MAIL, {})
    with pytest.raises(Refused, match="no name of a host"):
        channel.put(link.alpha, "../beta", MAIL, {})
    with pytest.raises(Refused, match="is this host"):
        channel.put(link.alpha, "alpha", MAIL, {})
    with pytest.raises(Refused, match="a link carries") as refused:
        channel.put(link.alpha, "beta", MAIL, {"text": "x" * channel.MAX_ENVELOPE})
    assert refused.value.code == "too_large"
    with pytest.raises(MailcoreError, match="cannot be carried"):
        channel.put(link.alpha, "beta", MAIL, {"text": "\ud800"})
    monkeypatch.setattr(channel, "MAX_WAITING", 2)
    channel.put_all(link.alpha, "beta", [Content(MAIL, {})] * 2)
    with pytest.raises(Refused, match="2 envelopes wait for beta"):
        channel.put(link.alpha, "beta", MAIL, {})
    assert waiting(link.alpha) == [1, 2]
