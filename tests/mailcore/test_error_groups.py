"""Groups of errors: a fold whose parts add up, and a life that a simple machine foretells."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from mailcore.errors import groups
from mailcore.errors.groups import MAX_ENTRIES, MAX_RECENT, MAX_RUNS, observed
from mailcore.model.error_group import ErrorEvent, ErrorGroup, GroupState, Severity, StackFrame

FINGERPRINT = "0123456789ab"


def event(at: float, agent: str = "@a", run_id: str = "", **more: object) -> ErrorEvent:
    return ErrorEvent(at, agent, "python", "ValueError: x", run_id=run_id, **more)  # type: ignore[arg-type]


EVENTS = st.builds(
    event,
    st.floats(1, 1e9),
    st.sampled_from(["@a", "@b", "@c"]),
    st.sampled_from(["", "r1", "r2"]),
)


@settings(max_examples=200, deadline=None)
@given(st.lists(EVENTS, min_size=1, max_size=30), st.randoms(use_true_random=False))
def test_the_parts_of_a_group_add_up_in_any_order(events: list[ErrorEvent], random: object) -> None:
    def folded(order: list[ErrorEvent]) -> ErrorGroup:
        group: ErrorGroup | None = None
        for one in order:
            group = observed(group, one, FINGERPRINT)
        assert group is not None
        return group

    shuffled = list(events)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    one, other = folded(events), folded(shuffled)
    assert one.count == len(events) == sum(number for _, number in one.agents)
    assert one.first_at == min(e.at for e in events) and one.last_at == max(e.at for e in events)
    assert one.recent == tuple(sorted(e.at for e in events)) == other.recent
    assert (one.count, one.agents, one.first_at, one.last_at) == (
        other.count,
        other.agents,
        other.first_at,
        other.last_at,
    )
    assert set(one.runs) == {e.run_id for e in events} - {""} and one.state is GroupState.NEW


class GroupLife(RuleBasedStateMachine):
    """Acts in any order, beside what they come to as said in words."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 1000.0
        self.group = observed(None, event(self.now), FINGERPRINT)
        self.state = "new"
        self.under = "new"
        """What it is below a mute."""
        self.before = "new"
        """What it was before it was resolved."""
        self.count, self.returns, self.until = 1, 0, 0.0

    def _tick(self) -> float:
        self.now += 10
        return self.now

    def _becomes(self, state: str) -> None:
        self.under = state
        if self.state != "muted":
            self.state = state

    @rule()
    def happens(self) -> None:
        self.group = observed(self.group, event(self._tick()), FINGERPRINT)
        self.count += 1
        if self.under == "resolved":
            self.returns += 1
            self._becomes("back")

    @rule()
    def stood_there_before(self) -> None:
        self.group = observed(self.group, event(1.0), FINGERPRINT, history=True)
        self.count += 1

    @rule()
    def happens_in_its_own_investigation(self) -> None:
        self.group = observed(self.group, event(self._tick()), FINGERPRINT, history=True)
        self.count += 1

    @rule()
    def is_asked(self) -> None:
        self.group = groups.asked(groups.owned(self.group, "@a", "it logged it"), self._tick(), "m1")
        self._becomes("investigating")

    @rule()
    def is_resolved(self) -> None:
        self.group = groups.resolved(self.group, self._tick(), "@a", "mended")
        if self.under != "resolved":
            self.before = self.under
        self.state = self.under = "resolved"

    @precondition(lambda self: self.state == "resolved")
    @rule()
    def is_reopened(self) -> None:
        self.group = groups.reopened(self.group, self._tick(), "@operator")
        self.state = self.under = self.before

    @rule(minutes=st.sampled_from([0, 1]))
    def is_muted(self, minutes: int) -> None:
        self.group = groups.muted(self.group, self._tick(), "@operator", minutes)
        self.state, self.until = "muted", self.now + 60 if minutes else 0.0

    @precondition(lambda self: self.state == "muted")
    @rule()
    def is_unmuted(self) -> None:
        self.group = groups.unmuted(self.group, self._tick(), "@operator")
        self.state = self.under

    @rule()
    def time_goes_by(self) -> None:
        self.now += 100
        self.group = groups.mute_lapsed(self.group, self.now)
        if self.state == "muted" and self.until:
            self.state = self.under

    @invariant()
    def agrees(self) -> None:
        assert self.group.state == self.state
        assert (self.group.count, self.group.returns) == (self.count, self.returns)
        assert len(self.group.history) <= MAX_ENTRIES and len(self.group.recent) <= MAX_RECENT


TestGroupLife = GroupLife.TestCase
TestGroupLife.settings = settings(max_examples=100, stateful_step_count=30, deadline=None)


def test_nothing_of_a_group_grows_without_bound() -> None:
    huge = event(
        5.0, run_id="r", severity=Severity.FATAL, sample=("x" * 9000,) * 900, frames=(StackFrame("f" * 10),) * 500
    )
    group = observed(None, huge, FINGERPRINT)
    for number in range(300):
        group = observed(group, event(10.0 + number, f"@a{number}", f"r{number}"), FINGERPRINT)
        group = groups.entered(group, 10.0 + number, f"{number}")
    assert group.count == 301 and len(group.runs) == MAX_RUNS and group.runs[-1] == "r299"
    assert len(group.recent) == MAX_RECENT and group.recent[-1] == 309.0
    assert len(group.agents) == groups.MAX_AGENTS and len(group.history) == MAX_ENTRIES
    assert group.history[0].what == "0" and group.history[-1].what == "299"
    assert group.severity is Severity.FATAL
    first = observed(None, huge, FINGERPRINT).sample
    assert first is not None and sum(map(len, first.sample)) <= 40 * 400 and len(first.frames) <= groups.MAX_FRAMES


def test_what_happened_before_it_was_resolved_does_not_bring_it_back() -> None:
    group = groups.resolved(observed(None, event(100.0), FINGERPRINT), 200.0, "@a", "mended it")
    late = observed(group, event(150.0), FINGERPRINT)
    assert late.state is GroupState.RESOLVED and late.count == 2 and late.resolution == "mended it"
    back = observed(late, event(250.0), FINGERPRINT)
    assert back.state is GroupState.BACK and back.returns == 1
    assert [entry.what for entry in back.history] == ["resolved: mended it", "came back after it was resolved"]


def test_what_was_back_is_back_again_when_it_is_not_over_after_all() -> None:
    first = groups.resolved(observed(None, event(100.0), FINGERPRINT), 200.0, "@a", "mended it")
    back = observed(first, event(250.0), FINGERPRINT)
    twice = groups.resolved(groups.resolved(back, 300.0, "@a", "now it is"), 310.0, "@a", "in other words")
    again = groups.reopened(twice, 320.0, "@operator")
    assert again.state is GroupState.BACK and again.returns == 1
    assert (again.resolution, again.resolved_at) == ("mended it", 200.0), "as it was said before that"
    assert groups.unmuted(groups.muted(again, 330.0, "@operator"), 340.0).state is GroupState.BACK
    never = groups.reopened(groups.resolved(observed(None, event(1.0), FINGERPRINT), 2.0, "@a", "x"), 3.0, "@a")
    assert (never.state, never.resolution, never.resolved_at) == (GroupState.NEW, "", 0.0)


def test_an_answer_that_is_read_after_the_error_came_again_leaves_it_back() -> None:
    group = observed(observed(None, event(100.0), FINGERPRINT), event(300.0), FINGERPRINT)
    back = groups.resolved(group, 200.0, "@a", "mended it")
    assert back.state is GroupState.BACK and back.returns == 1 and back.recent == (300.0,)


def test_a_window_counts_what_happened_in_it() -> None:
    group: ErrorGroup | None = None
    for at in (100.0, 200.0, 290.0, 295.0):
        group = observed(group, event(at), FINGERPRINT)
    assert group is not None
    assert groups.in_window(group, 300.0, 60.0) == 2 and groups.in_window(group, 300.0, 150.0) == 3


def test_what_its_own_investigation_met_after_its_answer_does_not_bring_it_back() -> None:
    group = observed(observed(None, event(100.0), FINGERPRINT), event(300.0), FINGERPRINT, history=True)
    done = groups.resolved(group, 200.0, "@a", "mended it")
    assert done.state is GroupState.RESOLVED and done.last_at == 300.0
    assert groups.unmuted(groups.muted(done, 310.0, "@operator"), 320.0).state is GroupState.RESOLVED
