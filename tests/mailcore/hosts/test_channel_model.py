"""The channel as a model: whatever the network and the machines do, nothing is lost, doubled, or out of order.

Between two hosts lies a transport that loses, doubles, reorders and forgets. Each side is killed between any two steps
of what it does, loses its files, or has them brought back from a copy. What was acknowledged is taken exactly once, in
the order in which it was put. Each round is one seed, and that seed alone.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any

import pytest

from mailcore.hosts import arrivals, channel, segments
from mailcore.hosts.arrivals import Taken
from mailcore.hosts.channel import Content
from mailcore.hosts.membership import link_directory
from mailcore.model.link import Envelope, EnvelopeKind
from tests.mailcore.hosts.conftest import linked


class Killed(BaseException):
    """The process ends here: nothing of it runs any more."""


STEPS = ("write", "writev", "ftruncate", "truncate", "fsync", "rename", "unlink", "link", "open", "mkdir")
"""What a process asks of the system, between which it can be killed."""


@contextmanager
def killed_before(step: int) -> Iterator[None]:
    """Let the process be killed before that step of what follows, of a write after a part of it; 0: it lives."""
    taken = [0]

    def counted(name: str, do: Callable[..., Any]) -> Callable[..., Any]:
        def act(*of: Any, **how: Any) -> Any:
            taken[0] += 1
            if step and taken[0] >= step:
                if taken[0] == step and name == "write":
                    do(of[0], bytes(of[1])[: len(of[1]) // 2])
                raise Killed
            return None if name == "fsync" else do(*of, **how)  # no power cut: what is written is there

        return act

    with pytest.MonkeyPatch.context() as patch:
        for name in STEPS:
            patch.setattr(os, name, counted(name, getattr(os, name)))
        try:
            yield
        except Killed:
            arrivals._certain.clear()  # another process goes on


class Simulation:
    """One direction between two hosts; the other would be the same."""

    def __init__(self, place: Path, seed: int) -> None:
        self.place, self.random = place, Random(seed)
        link = linked(place / "hosts", with_keys=False)
        self.alpha, self.beta = link.alpha, link.beta
        self.out = link_directory(self.alpha) / "out" / "beta"
        self.number = link_directory(self.beta) / "in" / "alpha.jsonl"
        self.on_the_way: list[Envelope] = []
        self.words: list[Taken] = []
        self.count = 0
        self.acknowledged: list[str] = []
        """The ids of what `put` returned for, in that order."""
        self.mailbox: list[str] = []
        """The ids of what was carried out, in that order."""
        self.copied: set[str] | None = None
        """What had been acknowledged when the copy of the sender's store was made."""

    def kill(self) -> int:
        """Nine in ten live."""
        return self.random.randint(1, 14) if self.random.random() < 0.15 else 0

    def put(self) -> None:
        contents = [Content(EnvelopeKind.MAIL, {"n": self.count + n}) for n in range(self.random.randint(1, 4))]
        self.count += len(contents)
        with killed_before(self.kill()):
            self.acknowledged += [each.id for each in channel.put_all(self.alpha, "beta", contents)]

    def publish(self) -> None:
        """The carrier sends what is not confirmed, or only the newest of it."""
        with killed_before(self.kill()):
            found = list(channel.unconfirmed(self.alpha, "beta"))
            self.on_the_way += found if self.random.random() < 0.7 else found[len(found) // 2 :]

    def disturb(self) -> None:
        """Something on the way is lost, doubled, or overtaken."""
        if not self.on_the_way:
            return
        place = self.random.randrange(len(self.on_the_way))
        one = self.on_the_way[place]
        match self.random.choice(("lose", "double", "delay")):
            case "lose":
                del self.on_the_way[place]
            case "double":
                self.on_the_way.append(one)
            case _:
                self.on_the_way.append(self.on_the_way.pop(place))

    def forget(self) -> None:
        """The server is restored from nothing."""
        self.on_the_way.clear()
        self.words.clear()

    def take(self) -> None:
        some = [self.on_the_way.pop(0) for _ in range(min(self.random.randint(1, 8), len(self.on_the_way)))]
        for epoch in dict.fromkeys(each.epoch for each in some):
            of_one = [each for each in some if each.epoch == epoch]
            late = self.random.randint(1, 4) if self.random.random() < 0.1 else 0
            with killed_before(self.kill()):
                self.words.append(arrivals.take_all(self.beta, of_one, self.carrying_out(late)))

    def carrying_out(self, late: int) -> Callable[[Sequence[Envelope], bool], None]:
        """Into the mailbox: it looks first where it is told to. `late`: it is killed before the one of that number."""

        def carry_out(run: Sequence[Envelope], repeated: bool) -> None:
            for number, envelope in enumerate(run, 1):
                if number == late:
                    raise Killed
                if not (repeated and envelope.id in self.mailbox):
                    self.mailbox.append(envelope.id)

        return carry_out

    def confirm(self) -> None:
        if self.words:
            word = self.words.pop(self.random.randrange(len(self.words)))
            with killed_before(self.kill()):
                channel.confirmed(self.alpha, "beta", word.epoch, word.last, word.last_id)

    def receiver_loses_its_number(self) -> None:
        self.number.unlink(missing_ok=True)
        arrivals._certain.clear()

    def sender_loses_its_state(self) -> None:
        (self.out / "state.json").unlink(missing_ok=True)

    def copy_the_sender(self) -> None:
        if self.out.is_dir():
            shutil.rmtree(self.place / "copy", ignore_errors=True)
            shutil.copytree(self.out, self.place / "copy")
            self.copied = set(self.acknowledged)

    def bring_back_the_copy(self) -> None:
        """What was acknowledged after it was made went with the disk, unless it had arrived or does so yet."""
        if self.copied is not None:
            shutil.rmtree(self.out)
            shutil.copytree(self.place / "copy", self.out)
            self.acknowledged = [id for id in self.acknowledged if id in self.copied]

    def run(self, steps: int) -> None:
        usual = [(self.put, 20), (self.publish, 20), (self.take, 25), (self.confirm, 20), (self.disturb, 10)]
        rare = [
            (self.forget, 2), (self.receiver_loses_its_number, 1), (self.sender_loses_its_state, 1),
            (self.copy_the_sender, 1), (self.bring_back_the_copy, 1),
        ]  # fmt: skip
        every = [*usual, *rare]
        for step in self.random.choices([act for act, _ in every], [weight for _, weight in every], k=steps):
            step()
            assert len(self.mailbox) == len(set(self.mailbox)), f"doubled, by {step.__name__}"
        self.settle()

    def settle(self) -> None:
        """In the end all that waits gets through, and what was acknowledged is there, in its order."""
        self.on_the_way.clear()
        for _ in range(8):
            waits = list(channel.unconfirmed(self.alpha, "beta"))
            if not waits:
                break
            taken = arrivals.take_all(self.beta, waits, self.carrying_out(0))
            channel.confirmed(self.alpha, "beta", taken.epoch, taken.last, taken.last_id)
        assert channel.waiting(self.alpha, "beta").count == 0, "something waits for ever"
        assert len(self.mailbox) == len(set(self.mailbox)), "doubled"
        assert set(self.acknowledged) <= set(self.mailbox), "lost"
        known = set(self.acknowledged)
        assert [id for id in self.mailbox if id in known] == self.acknowledged, "out of order"


def test_nothing_is_lost_doubled_or_out_of_order(
    tmp_path: Path, rounds: Callable[[int, int], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(segments, "MAX_LINES", 5)
    monkeypatch.setattr(arrivals, "MAX_RUN", 3)
    monkeypatch.setattr(arrivals, "UNMEASURED", 0.0)  # both hosts have one clock
    failed = []
    for seed in range(rounds(60, 3000)):
        place = tmp_path / str(seed)
        arrivals._certain.clear()
        try:
            Simulation(place, seed).run(60)
        except AssertionError as error:
            failed.append(f"seed {seed}: {str(error).splitlines()[0]}")
        shutil.rmtree(place)
    assert failed == []


def test_a_put_that_is_cut_off_at_any_step_is_there_whole_or_not_at_all(tmp_path: Path) -> None:
    link = linked(tmp_path, with_keys=False)
    done: list[Envelope] = []
    for step in range(1, 30):
        before = [each.id for each in channel.unconfirmed(link.alpha, "beta")]
        done = []
        with killed_before(step):
            done += channel.put_all(link.alpha, "beta", [Content(EnvelopeKind.MAIL, {"step": step})] * 2)
        after = [each.id for each in channel.unconfirmed(link.alpha, "beta")]
        assert after[: len(before)] == before
        assert {each.id for each in done} <= set(after)
    assert done, "it was never let live"
