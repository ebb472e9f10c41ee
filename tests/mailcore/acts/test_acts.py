"""Acts on another host: proved by key, carried out once, answered; late, taken back and forged ones are not."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import get_args

import msgspec
import pytest

from mailcore.cli import VERBS
from mailcore.cli.call import verb_parser
from mailcore.cli.remote_act import LONGEST_REASON
from mailcore.config.link import ActVerb
from mailcore.exceptions import Refused
from mailcore.hooks.install import hook_plan
from mailcore.hooks.line import PERMISSION_REQUEST, HookEntry
from mailcore.hosts import channel
from mailcore.hosts.act_rules import RULES, rule_of
from mailcore.hosts.acts import LONGEST_KEEP, ActOutcome, ActState, RemoteAct
from mailcore.hosts.asked_acts import ask_act, cancel_act, read_asked, sign_act
from mailcore.hosts.directory import read_host, write_host
from mailcore.hosts.keys import OPERATOR_KEY, Key, make_key
from mailcore.hosts.membership import link_directory
from mailcore.link import act_handlers
from mailcore.link.act_runner import resume_acts
from mailcore.link.taken_acts import TakenAct, acts_directory, keep_act, untold_acts
from mailcore.model.link import EnvelopeKind, HostRecord
from mailcore.permissions.store import read_requests
from mailcore.programs.claude.program import Claude
from tests.mailcore.acts.conftest import Pair
from tests.mailcore.conftest import House, wait_until


def asked(pair: Pair, *argv: str, keep: float = 60.0) -> RemoteAct:
    act = sign_act(pair.alpha.workspace, "beta", argv, keep)
    ask_act(pair.alpha.workspace, act)
    return act


def outcome(pair: Pair, act: RemoteAct) -> ActOutcome:
    """What becomes of an act, the envelopes being carried meanwhile."""

    def known() -> ActOutcome | None:
        pair.carry()
        found = read_asked(pair.alpha.workspace, act.id)
        return found.outcome if found is not None else None

    found = wait_until(known, what=f"{act.words} is answered")
    assert found is not None
    return found


def audit(house: House, verb: str) -> list[dict[str, object]]:
    lines = (house.root / ".praxmonitor" / "audit.jsonl").read_text().splitlines()
    return [row for row in map(json.loads, lines) if row["verb"] == verb]


def test_an_act_is_done_there_and_answered_and_audited_on_both_sides(pair: Pair) -> None:
    act = asked(pair, "hold", "--", "@writer", "why not")
    found = outcome(pair, act)
    assert (found.state, found.status, found.value) == (ActState.DONE, 0, {"held": "@writer"})
    assert "is held" in found.text
    assert (pair.beta.agent("writer").mail_dir / ".hold").exists()
    assert not (pair.alpha.agent("writer").mail_dir / ".hold").exists()
    assert [row["words"] for row in audit(pair.alpha, "act asked")] == ["hold @writer"]
    assert [row["state"] for row in audit(pair.alpha, "act answered")] == ["done"]
    assert [(row["by"], row["words"]) for row in audit(pair.beta, "act")] == [("@operator.alpha", "hold @writer")]
    assert [(row["by"], row["proof"]) for row in audit(pair.beta, "hold")] == [("@operator", "host alpha")]
    assert [row["status"] for row in audit(pair.beta, "act over")] == [0]


def test_a_refusal_comes_back_in_the_words_of_that_host(pair: Pair) -> None:
    found = outcome(pair, asked(pair, "kill", "--", "@writer"))
    with pytest.raises(Refused) as refused:
        found.raise_failure()
    assert (refused.value.code, refused.value.exit_status) == ("not_running", 3)
    assert "@writer" in str(refused.value)


def test_what_it_says_is_bounded_whatever_was_asked(pair: Pair) -> None:
    found = outcome(pair, asked(pair, "ack", "--", "x" * 200_000))
    assert found.state is ActState.DONE and 0 < len(found.why) <= LONGEST_REASON


def test_a_run_there_is_killed(pair: Pair) -> None:
    pair.beta.shell("writer", "echo up; exec sleep 60")
    run = pair.beta.started("@operator", "@writer")
    pair.beta.attempt_pid("writer", run)
    found = outcome(pair, asked(pair, "kill", "--", run))
    assert (found.state, found.why) == (ActState.DONE, "")
    assert pair.beta.over("writer", run).phase == "killed"


def test_what_a_program_there_asks_for_is_allowed_from_here(pair: Pair) -> None:
    watcher = pair.beta.workspace.state_dir / "duty/1.watcher"
    watcher.parent.mkdir(parents=True)
    watcher.write_text("{}")
    os.utime(watcher, (time.time() + 600,) * 2)
    agent = pair.beta.workspace.agent("@writer")
    line = hook_plan(agent, Claude.hooks).handler(HookEntry(PERMISSION_REQUEST), "file")["command"]
    event = {
        "session_id": "s-1",
        "hook_event_name": PERMISSION_REQUEST,
        "tool_name": "Bash",
        "tool_input": {"command": "make"},
    }
    hook = subprocess.Popen(["sh", "-c", line], stdin=-1, stdout=-1, start_new_session=True)
    try:
        assert hook.stdin is not None
        hook.stdin.write(json.dumps(event).encode())
        hook.stdin.close()
        hook.stdin = None
        (request,) = wait_until(lambda: read_requests(agent), what="it asks")
        found = outcome(pair, asked(pair, "permission", "--", "allow", request.id))
        assert (found.state, found.why) == (ActState.DONE, "")
        said, _ = hook.communicate(timeout=20)
        assert json.loads(said)["hookSpecificOutput"]["decision"] == {"behavior": "allow"}
    finally:
        with suppress(ProcessLookupError):
            os.killpg(hook.pid, signal.SIGKILL)
        hook.communicate()
    (act,) = audit(pair.beta, "permission allow")
    assert (act["by"], act["proof"], act["words"]) == ("@operator", "host alpha", "make")


def test_what_comes_again_is_carried_out_once(pair: Pair) -> None:
    pair.beta.shell("writer", "true")
    act = asked(pair, "dispatch", "--", "@writer.beta", "a task", "the body")
    envelopes = list(channel.unconfirmed(pair.alpha.workspace, "beta"))
    for _ in range(3):
        act_handlers.take_act(pair.beta.workspace, envelopes[0], True)
    assert outcome(pair, act).why == ""
    act_handlers.take_act(pair.beta.workspace, envelopes[0], True)
    resume_acts(pair.beta.workspace)
    wait_until(lambda: len(pair.beta.runs("writer")) == 1, what="a run began")
    assert len(audit(pair.beta, "act")) == 1
    assert len(pair.beta.runs("writer")) == 1


def test_acts_of_a_host_are_done_in_their_order(pair: Pair) -> None:
    acts = [asked(pair, verb, "--", "@writer") for verb in ("hold", "release") * 3]
    assert [outcome(pair, act).why for act in acts] == [""] * 6
    assert [row["words"] for row in audit(pair.beta, "act")] == ["hold @writer", "release @writer"] * 3
    assert not (pair.beta.agent("writer").mail_dir / ".hold").exists()


def test_one_that_comes_too_late_is_refused_as_such(pair: Pair) -> None:
    write_host(pair.beta.workspace, msgspec.structs.replace(record(pair.beta, "alpha"), skew=0.0))
    act = asked(pair, "hold", "--", "@writer", keep=0.0)
    found = outcome(pair, act)
    assert (found.state, found.code) == (ActState.LATE, "late")
    assert "was good until" in found.why
    assert not (pair.beta.agent("writer").mail_dir / ".hold").exists()


def test_whether_it_is_late_is_reckoned_by_the_clock_of_who_asked(pair: Pair) -> None:
    write_host(pair.beta.workspace, msgspec.structs.replace(record(pair.beta, "alpha"), skew=-300.0))
    act = asked(pair, "hold", "--", "@writer", keep=0.0)  # by alpha's clock it is five minutes earlier
    assert outcome(pair, act).state is ActState.DONE


@pytest.mark.parametrize("skew", [-2 * 86400.0, -9e8, 9e8])
def test_none_is_done_twice_whatever_its_host_says_of_its_clock(pair: Pair, skew: float) -> None:
    """What is remembered of an act is forgotten in the end: by then it is too late for it, by every clock."""
    act = asked(pair, "hold", "--", "@writer")
    long_ago = again_signed(pair, act, at=act.at - 2 * 86400, until=act.until - 2 * 86400)
    (envelope,) = list(channel.unconfirmed(pair.alpha.workspace, "beta"))
    again = msgspec.structs.replace(envelope, body={"act": msgspec.to_builtins(long_ago)})
    write_host(pair.beta.workspace, msgspec.structs.replace(record(pair.beta, "alpha"), skew=skew))
    act_handlers.take_act(pair.beta.workspace, again)
    channel.confirmed(pair.alpha.workspace, "beta", envelope.epoch, envelope.seq)
    first = outcome(pair, act)
    forgotten(pair, act)
    act_handlers.take_act(pair.beta.workspace, again)
    forgotten(pair, act)
    assert first.state is ActState.LATE and "it came at" in first.why
    assert [row["state"] for row in audit(pair.beta, "act over")] == ["late", "late"] and audit(pair.beta, "act") == []


def forgotten(pair: Pair, act: RemoteAct) -> None:
    """Wait until nothing is remembered of an act there."""

    def is_forgotten() -> bool:
        untold_acts(pair.beta.workspace, "alpha")
        return not list(acts_directory(pair.beta.workspace, "alpha").glob(f"{act.id}.*"))

    wait_until(is_forgotten, what=f"{act.words} is forgotten")


@pytest.mark.parametrize(
    ("at", "until"),
    [(0.0, LONGEST_KEEP + 1), (-60.0, 30 * 86400.0), (30 * 86400.0, 30 * 86400.0 + 600), (1e300, 1e300)],
)
def test_one_that_is_good_for_longer_than_an_act_can_be_is_not_even_kept(pair: Pair, at: float, until: float) -> None:
    act = asked(pair, "hold", "--", "@writer")
    (envelope,) = list(channel.unconfirmed(pair.alpha.workspace, "beta"))
    long = again_signed(pair, act, at=act.at + at, until=act.at + until)
    body = {"act": msgspec.to_builtins(long)}
    with pytest.raises(Refused, match="for longer than an act can be"):
        act_handlers.take_act(pair.beta.workspace, msgspec.structs.replace(envelope, body=body))
    assert not acts_directory(pair.beta.workspace, "alpha").exists()
    keep_act(pair.beta.workspace, long, envelope.seq)  # as one is that an earlier version kept
    resume_acts(pair.beta.workspace)
    channel.confirmed(pair.alpha.workspace, "beta", envelope.epoch, envelope.seq)
    assert outcome(pair, act).state is ActState.REFUSED
    assert not (pair.beta.agent("writer").mail_dir / ".hold").exists()


def again_signed(pair: Pair, act: RemoteAct, **changes: float) -> RemoteAct:
    changed = msgspec.structs.replace(act, **changes)
    return msgspec.structs.replace(changed, signature=operator(pair.alpha).sign(changed.signed))


def test_one_that_was_taken_back_in_time_is_not_begun(pair: Pair) -> None:
    act = asked(pair, "hold", "--", "@writer")
    cancel_act(pair.alpha.workspace, act.id[:8])
    envelopes = list(channel.unconfirmed(pair.alpha.workspace, "beta"))
    signed = again_signed(pair, act, at=act.at - 60)  # it lay while beta was away
    first = msgspec.structs.replace(envelopes[0], body={"act": msgspec.to_builtins(signed)})
    act_handlers.take_act(pair.beta.workspace, first, False)
    act_handlers.take_act(pair.beta.workspace, envelopes[1], False)
    found = outcome(pair, act)
    assert (found.state, found.code) == (ActState.CANCELLED, "cancelled")
    assert not (pair.beta.agent("writer").mail_dir / ".hold").exists()
    with pytest.raises(Refused, match="is over: cancelled"):
        cancel_act(pair.alpha.workspace, act.id[:8])


def operator(house: House) -> Key:
    return make_key(link_directory(house.workspace) / OPERATOR_KEY)


def record(house: House, host: str) -> HostRecord:
    found = read_host(house.workspace, host)
    assert found is not None
    return found


Forgery = Callable[[Pair, RemoteAct], RemoteAct]


def other_key(pair: Pair, act: RemoteAct) -> RemoteAct:
    key = make_key(pair.alpha.root / "other.key")
    return msgspec.structs.replace(act, signature=key.sign(act.signed))


def other_words(pair: Pair, act: RemoteAct) -> RemoteAct:
    return msgspec.structs.replace(act, argv=("release", "--", "@writer"))


def longer_life(pair: Pair, act: RemoteAct) -> RemoteAct:
    return msgspec.structs.replace(act, until=act.until + 3600)


def other_host(pair: Pair, act: RemoteAct) -> RemoteAct:
    again = msgspec.structs.replace(act, to="gamma")
    return msgspec.structs.replace(again, signature=operator(pair.alpha).sign(again.signed))


@pytest.mark.parametrize("forge", [other_key, other_words, longer_life, other_host], ids=lambda one: one.__name__)
def test_what_the_person_did_not_sign_is_refused(pair: Pair, forge: Forgery) -> None:
    act = asked(pair, "hold", "--", "@writer")
    (envelope,) = list(channel.unconfirmed(pair.alpha.workspace, "beta"))
    forged = msgspec.structs.replace(envelope, body={"act": msgspec.to_builtins(forge(pair, act))})
    act_handlers.take_act(pair.beta.workspace, forged)
    channel.confirmed(pair.alpha.workspace, "beta", envelope.epoch, envelope.seq)
    found = outcome(pair, act)
    assert (found.state, found.code) == (ActState.REFUSED, "act_key")
    assert not (pair.beta.agent("writer").mail_dir / ".hold").exists()


def test_a_host_that_was_revoked_or_whose_person_is_not_known_may_nothing(pair: Pair) -> None:
    known = record(pair.beta, "alpha")
    for changed, why in (
        (msgspec.structs.replace(known, revoked=True), "no host of this link any more"),
        (msgspec.structs.replace(known, operator_key=""), "no key of the operator of alpha"),
    ):
        act = asked(pair, "hold", "--", "@writer")
        (envelope,) = list(channel.unconfirmed(pair.alpha.workspace, "beta"))
        write_host(pair.beta.workspace, changed)
        act_handlers.take_act(pair.beta.workspace, envelope, False)
        channel.confirmed(pair.alpha.workspace, "beta", envelope.epoch, envelope.seq)
        found = outcome(pair, act)
        assert found.state is ActState.REFUSED
        assert why in found.why
        write_host(pair.beta.workspace, known)


def test_config_says_which_verbs_other_hosts_may_have_carried_out(pair: Pair) -> None:
    pair.beta.extra = '[link]\nacts = ["hold"]'
    pair.beta.configure()
    assert outcome(pair, asked(pair, "hold", "--", "@writer")).why == ""
    found = outcome(pair, asked(pair, "release", "--", "@writer"))
    assert (found.state, found.code) == (ActState.REFUSED, "act_config")
    assert "does not allow release" in found.why


def test_where_the_passphrase_is_wanted_it_is_typed_there(pair: Pair) -> None:
    pair.beta.extra = '[operator]\nproof = "passphrase"'
    pair.beta.configure()
    assert outcome(pair, asked(pair, "hold", "--", "@writer")).why == ""
    found = outcome(pair, asked(pair, "release", "--", "@writer"))
    assert (found.status, found.code) == (3, "proof")


def test_one_that_did_not_come_by_the_link_is_not_carried_out(pair: Pair) -> None:
    act = sign_act(pair.alpha.workspace, "beta", ["hold", "--", "@writer"])
    done = pair.beta.mailcore(
        str(pair.beta.root), stdin=msgspec.json.encode(act), program=(sys.executable, "-m", "mailcore.cli.remote_act")
    )
    found = msgspec.json.decode(done.stdout, type=ActOutcome)
    assert (found.state, found.code) == (ActState.REFUSED, "act_key")


def test_what_began_and_whose_process_was_killed_is_not_begun_again(pair: Pair) -> None:
    act = asked(pair, "hold", "--", "@writer")
    (envelope,) = list(channel.unconfirmed(pair.alpha.workspace, "beta"))
    lock = acts_directory(pair.beta.workspace, "alpha")
    lock.mkdir(parents=True)
    (lock / f"{act.id}.begun").touch()
    act_handlers.take_act(pair.beta.workspace, envelope, False)
    found = outcome(pair, act)
    assert (found.state, found.code) == (ActState.UNKNOWN, "died")
    assert not (pair.beta.agent("writer").mail_dir / ".hold").exists()


def test_what_was_asked_for_before_the_link_ended_is_gone_on_with(pair: Pair) -> None:
    act = asked(pair, "hold", "--", "@writer")
    (envelope,) = list(channel.unconfirmed(pair.alpha.workspace, "beta"))
    keep_act(pair.beta.workspace, act, envelope.seq)
    channel.confirmed(pair.alpha.workspace, "beta", envelope.epoch, envelope.seq)
    resume_acts(pair.beta.workspace)
    assert outcome(pair, act).state is ActState.DONE


def test_an_act_is_on_disk_before_its_envelope_counts_as_taken(pair: Pair, synced: Callable[[Path], bool]) -> None:
    """Its sender keeps it no more then: a power cut must neither lose it nor let it be carried out twice."""
    act = asked(pair, "hold", "--", "@writer")
    assert synced(link_directory(pair.alpha.workspace) / "acts" / f"{act.id}.json")
    assert synced(link_directory(pair.alpha.workspace))
    taken = keep_act(pair.beta.workspace, act, 1)
    place = link_directory(pair.beta.workspace)
    assert synced(taken.file(".json"))
    assert all(map(synced, (taken.directory, place / "acts" / "from", place / "acts", place)))


@pytest.mark.parametrize("suffix", [".begun", ".cancel", ".done", ".told"])
def test_what_is_said_of_an_act_is_on_disk(pair: Pair, synced: Callable[[Path], bool], suffix: str) -> None:
    taken = keep_act(pair.beta.workspace, asked(pair, "hold", "--", "@writer"), 1)
    (taken.directory.parent / "another").mkdir()
    moved = TakenAct(taken.act, taken.seq, taken.directory.parent / "another")
    if suffix == ".begun":
        with moved.begin():
            assert synced(moved.file(suffix)) and synced(moved.directory)
    else:
        moved.say(suffix, b"x")
    assert synced(moved.file(suffix)) and synced(moved.directory)


def test_a_flood_is_bounded_and_told(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mailcore.hosts.asked_acts.MAX_QUEUED", 2)
    for _ in range(2):
        asked(pair, "hold", "--", "@writer")
    with pytest.raises(Refused, match="2 acts wait for beta already"):
        asked(pair, "hold", "--", "@writer")
    monkeypatch.setattr("mailcore.hosts.asked_acts.MAX_QUEUED", 100)
    monkeypatch.setattr("mailcore.link.act_handlers.MAX_QUEUED", 0)
    found = outcome(pair, asked(pair, "hold", "--", "@writer"))
    assert (found.state, found.code) == (ActState.REFUSED, "flood")


def test_an_answer_of_another_host_or_to_nothing_is_passed_over(pair: Pair) -> None:
    act = asked(pair, "hold", "--", "@writer")
    body = {"outcome": msgspec.to_builtins(ActOutcome(act.id, ActState.DONE))}
    envelope = channel.put(pair.beta.workspace, "alpha", EnvelopeKind.ANSWER, body)
    act_handlers.take_answer(pair.alpha.workspace, msgspec.structs.replace(envelope, sender="gamma"))
    found = read_asked(pair.alpha.workspace, act.id)
    assert found is not None
    assert found.outcome is None


@pytest.mark.parametrize(
    ("argv", "why"),
    [
        ((), "'' is nothing"),
        (("trust", "--"), "'trust' is nothing"),
        (("attach", "--", "@writer"), "'attach' is nothing"),
        (("kill", "@writer"), "`--` is missing"),
        (("kill", "--from=@lead", "--", "@writer"), "'--from=@lead' is nothing"),
        (("hold", "-C", "/", "--", "@writer"), "'-C' is nothing"),
        (("kill", "--", "@writer\0"), "NUL"),
        (("kill", "--", *["@writer"] * 70), "64 words"),
        (("reply", "--", "1", "x" * 300_000), "characters at most"),
    ],
)
def test_what_no_host_carries_out(argv: tuple[str, ...], why: str) -> None:
    with pytest.raises(Refused, match=why.replace("'", ".")):
        rule_of(argv)


def test_each_option_that_is_taken_is_one_of_its_verb() -> None:
    assert set(get_args(ActVerb)) == {*RULES, "*"}
    for verb, rule in RULES.items():
        parser, _ = verb_parser(verb, VERBS[verb][0])
        assert [option for option in rule.options if parser.takes_value(option) is None] == []
