"""What is known of accounts' limits: noted once, by scope the newest, lifted by a success; and how long they last."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailcore.accounts import limit_store, start_order
from mailcore.accounts.pace import used_up_at
from mailcore.accounts.seen_limits import note_seen
from mailcore.model.account import Account
from mailcore.model.limit import FARTHEST_RESET, MAX_LIMIT_WORDS, SERVICE, AccountLimits, Certainty, Limit, WaitingRun
from mailcore.system.processes import start_ticks

NOW = float(int(time.time()) - 3 * 86_400)
HOUR = 3600.0


@pytest.fixture
def account(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Account:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return Account("claude", "work", tmp_path / "home", "claude-0a0b0c0d")


def reached(scope: str = "5 h", resets_at: float = NOW + HOUR, seen_at: float = NOW, **more: object) -> Limit:
    return Limit("claude", scope, True, None, resets_at, seen_at, Certainty.REPORTED, **more)  # type: ignore[arg-type]


def used(share: float, seen_at: float = NOW, resets_at: float = NOW + HOUR) -> Limit:
    return Limit("claude", "5 h", False, share, resets_at, seen_at, Certainty.REPORTED, window=5 * HOUR)


def known(account: Account) -> AccountLimits:
    return limit_store.read_limits(account)


def test_what_is_noted_is_news_once(account: Account) -> None:
    assert known(account).limits == () and limit_store.read_all_limits() == []
    assert limit_store.record_limits(account, [reached()])
    assert not limit_store.record_limits(account, [reached()])
    assert not limit_store.record_limits(account, [reached(resets_at=NOW + HOUR + 1, seen_at=NOW + 1)])
    assert limit_store.record_limits(account, [reached(resets_at=NOW + HOUR + 5, seen_at=NOW + 1)])
    assert limit_store.record_limits(account, [reached("week", NOW + 9 * HOUR)])
    assert [one.scope for one in known(account).limits] == ["5 h", "week"]
    assert [(one.key, one.account) for one in limit_store.read_all_limits()] == [("claude-0a0b0c0d", "work")]


def test_an_older_report_changes_nothing(account: Account) -> None:
    limit_store.record_limits(account, [reached(seen_at=NOW)])
    assert not limit_store.record_limits(account, [used(0.3, seen_at=NOW - 1)])
    assert known(account).limits == (reached(),)


def test_a_busy_session_writes_only_what_is_news(account: Account) -> None:
    written = sum(limit_store.record_limits(account, [used(n / 10_000, NOW + n / 100)]) for n in range(1000))
    assert 15 <= written <= 25, "one for each half of a percent, of ten percent in ten seconds"


def test_a_reset_that_is_not_said_again_still_holds(account: Account) -> None:
    limit_store.record_limits(account, [reached()])
    again = Limit("claude", "5 h", True, None, 0.0, NOW + 100, Certainty.UNKNOWN, "limit reached")
    limit_store.record_limits(account, [again])
    (found,) = known(account).limits
    assert (found.resets_at, found.certainty, found.words) == (NOW + HOUR, Certainty.REPORTED, "limit reached")
    later = Limit("claude", "5 h", True, None, 0.0, NOW + 2 * HOUR)
    limit_store.record_limits(account, [later])
    assert known(account).limits[0].resets_at == 0.0, "that reset is over"


def test_which_limit_stands(account: Account) -> None:
    limit_store.record_limits(account, [reached(), reached("week", NOW + 9 * HOUR), reached(SERVICE, NOW + 99 * HOUR)])
    limit_store.record_limits(account, [reached("week of opus", NOW + 20 * HOUR, model="opus")])

    def stands(at: float, model: str = "sonnet") -> str:
        found = limit_store.standing_limit(known(account), at, model)
        return found.scope if found is not None else ""

    assert stands(NOW) == "week", "the one that lasts longest; an overload is none"
    assert stands(NOW, "claude-opus-5-5") == stands(NOW, "") == "week of opus"
    assert stands(NOW + 10 * HOUR) == "" and stands(NOW + 10 * HOUR, "opus") == "week of opus"
    limit_store.record_limits(account, [Limit("claude", "", True, seen_at=NOW + 30 * HOUR)])
    assert stands(NOW + 30 * HOUR + limit_store.UNKNOWN_RESET - 1) == ""
    assert limit_store.standing_limit(known(account), NOW + 30 * HOUR + 1) is not None
    assert limit_store.standing_limit(known(account), NOW + 30 * HOUR + limit_store.UNKNOWN_RESET + 1) is None


def test_a_success_lifts_what_was_reported_before_it(account: Account) -> None:
    limit_store.record_limits(account, [reached(), reached("week", NOW + 9 * HOUR, seen_at=NOW + 50)])
    limit_store.lift_limits(account, NOW + 10)
    assert [one.scope for one in known(account).limits if one.reached] == ["week"]


@pytest.mark.parametrize("text", ["", "{", "[]", '{"key": 3}', '{"key":"k","program":"p","account":"a","limits":[7]}'])
def test_a_file_that_is_spoilt_is_no_knowledge_and_is_written_anew(account: Account, text: str) -> None:
    path = limit_store.account_file(account)
    path.parent.mkdir(parents=True)
    path.write_text(text)
    assert known(account).limits == () and limit_store.read_all_limits() == []
    assert limit_store.record_limits(account, [reached()])
    assert known(account).limits == (reached(),)


@given(
    st.floats(allow_nan=True, allow_infinity=True), st.floats(allow_nan=True, allow_infinity=True),
    st.none() | st.floats(allow_nan=True, allow_infinity=True), st.text(max_size=2000),
)  # fmt: skip
def test_whatever_a_plug_in_reports_is_bounded(
    resets_at: float, seen_at: float, share: float | None, text: str
) -> None:
    now = time.time()
    found = limit_store.bounded(Limit("x", text, True, share, resets_at, seen_at, Certainty.READ, text, 0.0, text), now)
    assert 0 <= found.resets_at <= now + FARTHEST_RESET and 0 <= found.seen_at <= now
    assert found.used is None or 0 <= found.used < limit_store.MOST_SHARE
    assert len(found.words) <= MAX_LIMIT_WORDS and len(found.scope) <= 60 and len(found.model) <= 60
    assert (found.certainty is Certainty.UNKNOWN) == (found.resets_at != resets_at)


def test_what_cannot_be_written_does_not_stop_who_looks(account: Account, tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "praxmonitor").write_text("no directory")
    note_seen([(account, reached())])
    assert known(account).limits == ()


def test_seen_in_sessions_it_counts_for_its_account(account: Account) -> None:
    other = Account("codex", "", Path("/elsewhere"), "codex-1")
    note_seen([(account, used(0.5)), (other, reached()), (account, reached("week", NOW + 9 * HOUR))])
    assert [one.scope for one in known(account).limits] == ["5 h", "week"]
    assert [one.scope for one in known(other).limits] == ["5 h"]


@pytest.mark.parametrize(
    ("limit", "end"),
    [
        (used(0.5, NOW - 1.5 * HOUR), NOW + HOUR),  # half of it in 2.5 of 5 hours: it lasts just until the reset
        (used(0.8, NOW - 2 * HOUR), NOW - 4 * HOUR + 2.5 * HOUR),
        (used(0.4, NOW - 1 * HOUR), 0.0),
        (used(0.01, NOW - 3.9 * HOUR), 0.0),  # too little to tell
        (used(0.5, NOW - 4 * HOUR + 10), 0.0),  # too soon
        (reached(), 0.0),
        (Limit("claude", "5 h", False, 0.9, 0.0, NOW), 0.0),
    ],
)
def test_when_it_will_be_used_up_at_this_rate(limit: Limit, end: float) -> None:
    assert used_up_at(limit) == pytest.approx(0.0 if end == NOW + HOUR else end)


@given(st.floats(0.0, 1.0), st.floats(-6.0, 6.0))
def test_the_rate_leads_to_no_moment_after_the_reset(share: float, hours: float) -> None:
    limit = used(share, NOW + hours * HOUR)
    end = used_up_at(limit)
    assert end == 0.0 or limit.resets_at - limit.window < end < limit.resets_at


def waits(run_id: str, priority: str, since: float, until: float = 0.0, pid: int = 1) -> WaitingRun:
    return WaitingRun(run_id, "/w", "@a", start_order.rank_of(priority, since), until, pid, start_ticks(pid))


def test_the_highest_priority_goes_first_then_the_oldest(account: Account) -> None:
    for run in (
        waits("old", "normal", 1),
        waits("low", "low", 0),
        waits("urgent", "high", 9),
        waits("new", "normal", 2),
    ):
        start_order.join_waiting(account, run)
    went = []
    for _ in range(4):
        for run_id in ("low", "new", "old", "urgent"):
            if run_id not in went and start_order.seconds_to_turn(account, run_id, 10_000_000) == 0.0:
                went.append(run_id)
                break
        # A minute later: what went before is no probe any more.
        path = limit_store.account_file(account)
        path.write_text(path.read_text().replace(str(int(time.time()))[:7], "1000000"))
    assert went == ["urgent", "old", "new", "low"] and known(account).waiting == ()


def test_who_died_waiting_holds_nobody_up(account: Account) -> None:
    start_order.join_waiting(account, waits("dead", "high", 0, pid=0))
    start_order.join_waiting(account, waits("alive", "low", 5))
    assert start_order.seconds_to_turn(account, "alive", 30) == 0.0


def test_after_the_probe_they_follow_one_by_one(account: Account) -> None:
    for number in range(3):
        start_order.join_waiting(account, waits(f"r{number}", "normal", number))
    assert start_order.seconds_to_turn(account, "r0", 30) == 0.0
    second, third = (start_order.seconds_to_turn(account, name, 30) for name in ("r1", "r2"))
    assert start_order.PROBE_SECONDS - 1 < second <= start_order.PROBE_SECONDS < third
    start_order.leave_waiting(account, "r1")
    assert [one.run_id for one in known(account).waiting] == ["r2"]
