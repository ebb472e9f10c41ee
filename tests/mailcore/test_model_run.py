"""A run is what its journal tells; strange records change nothing."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailcore.model.run import Phase, advance, from_records

T0 = "2026-11-22T01:00:0{}+00:00"


def record(second: int, event: str, **facts: Any) -> dict[str, Any]:
    return {"at": T0.format(second), "event": event, **facts}


BEGUN = [
    record(0, "queued", run_id="r1", target="@writer", sender="@lead", subject="s", message_id="m", attempts=2),
    record(1, "supervised", pid=10),
    record(2, "attempt", n=1, mode="start", pid=11, start_ticks=99),
]


def test_a_run_waits_until_its_command_ends_or_another_follows() -> None:
    waiting = record(3, "awaits", on="@b", subject="s", want="reply", pid=12, start_ticks=5)
    begun = from_records([*BEGUN, waiting])
    assert begun is not None and begun.awaits is not None
    assert (begun.awaits.on, begun.awaits.want, begun.awaits.pid, begun.awaits.start_ticks) == ("@b", "reply", 12, 5)
    for after, waits in (
        (record(4, "awaited", pid=12), False),
        (record(4, "awaited", pid=13), True),  # another one of its own
        (record(4, "act", verb="read"), False),
        (record(4, "attempt", n=2, pid=14), False),
    ):
        run = advance(begun, after)
        assert run is not None and (run.awaits is not None) == waits, after
    over = advance(begun, record(4, "awaited", pid=12))
    assert over is not None and over.last_act > begun.awaits.at


def test_the_way_of_a_run_that_fails_once() -> None:
    phases = []
    run = None
    rest = [
        record(3, "running", n=1),
        record(4, "attempt_ended", n=1, exit=-9, cause="ended by SIGKILL"),
        record(5, "waiting", until=T0.format(7), limited=True, why="API 429"),
        record(7, "attempt", n=2, mode="resume", pid=12),
        record(8, "act", verb="read"),
        record(9, "ended", outcome="completed", result="all well"),
    ]
    for one in [*BEGUN, *rest]:
        run = advance(run, one)
        assert run is not None
        phases.append(str(run.phase))
    assert phases == [
        "queued", "queued", "starting", "running", "running", "waiting", "starting", "starting", "completed",
    ]  # fmt: skip
    assert run is not None
    assert (run.supervisor_pid, run.attempts_allowed, run.result, run.limited) == (10, 2, "all well", False)
    assert [(a.number, a.mode, a.pid, a.exit_code) for a in run.attempts] == [
        (1, "start", 11, -9),
        (2, "resume", 12, None),
    ]
    assert run.last_act - run.created_at == 8


def test_what_attempts_cost_is_summed_and_their_sessions_are_known() -> None:
    run = from_records(
        [
            *BEGUN[:2],
            record(2, "attempt", n=1, session="a", bypass=True),
            record(3, "attempt_ended", n=1, exit=1, cost=0.25, session="b"),
            record(4, "attempt", n=2, session="c"),
            record(5, "attempt_ended", n=2, exit=0, cost=0.5),
            record(9, "ended", outcome="completed", cost=0.75, memories_edited=True),
        ]
    )
    assert run is not None
    assert (run.cost, run.memories_edited, run.duration, run.undelivered) == (0.75, True, 7.0, "")
    assert [(a.session_id, a.bypass) for a in run.attempts] == [("b", True), ("c", False)]


@pytest.mark.parametrize("cost", [float("nan"), float("inf"), -1, True, "1", None])
def test_a_cost_that_is_none_counts_nothing(cost: object) -> None:
    run = from_records([*BEGUN, record(4, "attempt_ended", n=1, exit=0, cost=cost)])
    assert run is not None and run.cost == 0.0


def test_what_is_said_after_the_end_of_its_telling() -> None:
    ended = [*BEGUN, record(5, "ended", outcome="bounced", reason="exit 1")]
    run = from_records([*ended, record(6, "undelivered", to="@lead", reason="its mailbox is gone"), record(6, "told")])
    assert run is not None and (run.undelivered, run.reason, run.phase) == ("its mailbox is gone", "exit 1", "bounced")
    early = from_records([*BEGUN, record(4, "undelivered", reason="x")])
    assert early is not None and early.undelivered == ""


@pytest.mark.parametrize("outcome", ["completed", "bounced", "killed"])
def test_nothing_follows_an_end(outcome: str) -> None:
    ended = from_records([*BEGUN, record(5, "ended", outcome=outcome, by="@operator", reason="why")])
    assert ended is not None and ended.phase is Phase(outcome) and ended.phase.ended
    assert advance(ended, record(6, "attempt", n=2)) is ended
    assert advance(ended, record(6, "ended", outcome="completed")) is ended


def test_records_before_queued_and_unknown_ones_change_nothing() -> None:
    assert from_records(BEGUN[1:]) is None
    run = from_records(BEGUN)
    assert run is not None
    assert advance(run, record(5, "dance")) == run
    assert advance(run, record(5, "ended", outcome="exploded")) == run
    assert advance(run, {}) == run


def test_an_answer_counts_only_when_it_went_to_the_sender() -> None:
    run = from_records([*BEGUN, record(5, "act", verb="reply")])
    assert run is not None and not run.replied and run.last_act
    assert (other := advance(run, record(6, "act", verb="reply", to="@editor"))) is not None and not other.replied
    assert (told := advance(run, record(6, "act", verb="reply", to="@lead"))) is not None and told.replied


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8), lambda inner: st.lists(inner, max_size=3)
)
EVENTS = st.sampled_from(["queued", "supervised", "attempt", "running", "attempt_ended", "waiting", "act", "ended"])
KEYS = st.sampled_from(["at", "n", "pid", "exit", "cause", "until", "limited", "outcome", "by", "mode", "to", "verb"])


@given(st.lists(st.builds(lambda e, d: {**d, "event": e}, EVENTS, st.dictionaries(KEYS, VALUES, max_size=6))))
def test_no_record_raises(records: list[dict[str, Any]]) -> None:
    run = from_records([BEGUN[0], *records])
    assert run is not None and run.run_id == "r1"
