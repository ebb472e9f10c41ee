"""One agent told whole: its state and why, its process, the run from its beginning, what that used, what it did."""

from __future__ import annotations

from collections.abc import Iterator

from mailcore.model.activity import Activity
from mailcore.model.fleet import AgentFacts, Status
from mailcore.model.permission import PermissionRequest
from mailcore.model.run import Run
from mailcore.text.units import clock_cells, duration
from praxmonitor.state.agent_details import AgentDetails
from praxmonitor.text.agents import BYPASS, LOOKS, task
from praxmonitor.text.hosts import NOTHING_SAID, HostSaid, state_words
from praxmonitor.text.lines import Line, plain, sender, spread, wrap
from praxmonitor.text.permissions import circumstances, hinted
from praxmonitor.text.usage import inside_lines, usage_lines
from praxmonitor.widgets.card import activity_spans, held, timed
from praxmonitor.widgets.detail import LABEL, held_lines, labelled, log_lines, process_lines, waiting_lines
from praxmonitor.widgets.line_list import Lines

MOST_ACTIVITIES = 20
MOST_REQUEST_LINES = 200
"""Lines of a request for permission."""


def story_lines(
    facts: AgentFacts,
    status: Status,
    details: AgentDetails | None,
    now: float,
    width: int,
    bypass: bool = False,
    host: HostSaid = NOTHING_SAID,
) -> list[Line]:
    """All lines of the panel, each cut to `width` where it is drawn; with `bypass` it wears that badge. `host`: what is
    said of the host that it lives on, if that is another."""
    look = LOOKS[status.state]
    lines: list[Line] = []
    if not facts.agent.is_operator:
        badge: Line = (BYPASS, (" ", "")) if bypass else ()
        right = (
            *badge,
            held(facts, status),
            (f" {look.glyph} {look.word}", look.role),
            *state_words(status, host.away, now),
        )
        lines += [spread(((plain(facts.agent.role) or "no role", "muted"),), right, width), ()]
        lines += labelled("why", *(((part, look.role),) for part in wrap(plain(status.reason), width - 9)))
        lines += labelled("host", *host.lines)
        for request in facts.permissions:
            lines += [(), *labelled("asks", *permission_hint(request, now, width - LABEL))]
        lines += labelled("held", *held_lines(facts, status))
        for group in (
            labelled("waiting", *waiting_lines(details, now, width - LABEL)),
            labelled("process", *process_lines(facts, details)),
            labelled("run", *run_lines(facts, now)),
            labelled("inside", *inside_lines(facts, now, width - LABEL)),
            labelled("used", *usage_lines(facts.spending, width - LABEL)),
        ):
            if drawn := list(group):
                lines += [(), *drawn]
        lines.append(())
    lines += labelled("activity", *activity_lines(facts.activities))
    return [*lines, (), *log_lines(details, width, 40)]


def permission_hint(request: PermissionRequest, now: float, width: int) -> list[Line]:
    """What its program asks permission for; of a very long one the beginning."""
    return [*hinted(request, width, "Y", MOST_REQUEST_LINES), *circumstances(request, now, width)]


def run_lines(facts: AgentFacts, now: float) -> Iterator[Line]:
    """The run told whole: how it began, each attempt with its cause, how it ended."""
    run = facts.run
    if run is None:
        subject = task(facts)
        yield ((subject, ""), ("   another program's run", "faint")) if subject else (("none yet", "faint"),)
        return
    yield ((task(facts), ""),)
    yield (
        (f"{clock_cells(run.created_at)}  ", "faint"),
        (f"asked for by {sender(run.sender)}" if run.sender else "begun", "muted"),
        (f"   {plain(run.run_id)}", "faint"),
    )
    for attempt in run.attempts:
        yield (
            (f"{clock_cells(attempt.started_at)}  ", "faint"),
            (f"attempt {run.place(attempt)} of {run.attempts_allowed}", ""),
            (f"   {plain(attempt.mode)}, pid {attempt.pid}", "muted"),
        )
        if attempt.running_at:
            seconds = attempt.running_at - attempt.started_at
            yield (
                (f"{clock_cells(attempt.running_at)}  ", "faint"),
                (f"sign of life after {duration(seconds)}", "muted"),
            )
        if attempt.ended_at:
            yield ((f"{clock_cells(attempt.ended_at)}  ", "faint"), (plain(attempt.cause) or "ended", "muted"))
    yield from _end(run, now)


def _end(run: Run, now: float) -> Iterator[Line]:
    if run.phase.ended:
        by = f" by {plain(run.by)}" if run.by else ""
        why = f": {plain(run.reason)}" if run.reason else ""
        yield ((f"{clock_cells(run.since)}  ", "faint"), (f"{run.phase}{by}", "strong"), (why, "muted"))
    elif run.next_at > now:
        yield ((f"{clock_cells(run.next_at)}  ", "faint"), ("next attempt", "state-retrying"))


def activity_lines(activities: tuple[Activity, ...]) -> Iterator[Line]:
    """The newest few, newest last."""
    if not activities:
        yield (("none seen", "faint"),)
    for activity in activities[-MOST_ACTIVITIES:]:
        yield (
            (timed(activity), "faint"),
            *activity_spans(activity, "" if activity is activities[-1] else "muted"),
        )


class Story:
    """The panel. `show` hands it everything; it keeps no facts of its own."""

    def __init__(self) -> None:
        self.lines = Lines(id="story", resized=self._lay_out)
        self._shown: tuple[AgentFacts, Status, AgentDetails | None, float, bool, HostSaid] | None = None

    def show(
        self,
        facts: AgentFacts,
        status: Status,
        details: AgentDetails | None,
        now: float,
        bypass: bool = False,
        host: HostSaid = NOTHING_SAID,
    ) -> None:
        """Show one agent. `host`: what is said of the host that it lives on, if that is another."""
        self._shown = (facts, status, details, now, bypass, host)
        self._lay_out()

    def _lay_out(self) -> None:
        if self._shown is not None:
            facts, status, details, now, bypass, host = self._shown
            self.lines.set_lines(story_lines(facts, status, details, now, self.lines.line_width, bypass, host))
