"""Groups of errors for the tests of the screen: one in each state, and many."""

from __future__ import annotations

from msgspec.structs import replace

from mailcore.model.error_group import (
    ErrorEvent,
    ErrorGroup,
    ErrorGroups,
    ErrorOrigin,
    GroupEntry,
    GroupState,
    Severity,
    StackFrame,
)
from mailcore.model.fleet import Fleet
from tests.clock import NOON
from tests.praxmonitor.fake_feed import ROOT, lighthouse

TRACEBACK = (
    "Traceback (most recent call last):",
    '  File "src/report/parse.py", line 41, in rows',
    "    return [int(cell) for cell in row]",
    "ValueError: invalid literal for int() with base 10: 'n/a'",
)


def event(title: str, agent: str, ago: float, *, kind: str = "python", sample: tuple[str, ...] = ()) -> ErrorEvent:
    """One event, `ago` seconds old."""
    frames = (StackFrame("src/report/main.py", 12, "main"), StackFrame("src/report/parse.py", 41, "rows"))
    log = ROOT / "agents" / agent.removeprefix("@") / "logs" / f"{agent.removeprefix('@')}.log"
    return ErrorEvent(
        NOON - ago, agent, kind, title, frames=frames if kind == "python" else (), sample=sample or (title,),
        origin=ErrorOrigin.LOG, path=str(log), offset=4096, run_id="20270115-115601-7f3a",
    )  # fmt: skip


def group(
    number: int, state: GroupState, title: str, agent: str = "@checker", *, count: int = 3, ago: float = 60.0,
    **more: object,
) -> ErrorGroup:  # fmt: skip
    """A group whose newest event is `ago` seconds old."""
    sample = event(title, agent, ago, sample=TRACEBACK)
    made = ErrorGroup(
        f"{number:012x}", title, "python", Severity.ERROR, state, count, NOON - ago - 600, NOON - ago,
        agents=((agent, count),), runs=(sample.run_id,), recent=(NOON - ago - 30, NOON - ago), sample=sample,
    )  # fmt: skip
    return replace(made, **more)


def each_state() -> tuple[ErrorGroup, ...]:
    """A group in each state, in no order."""
    return (
        group(
            1, GroupState.RESOLVED, "Error: listen EADDRINUSE :::8080", "@builder", ago=4000, kind="node",
            resolution="the old server is stopped first", resolved_at=NOON - 3000, owner="@builder",
            owner_why="it reported it",
        ),
        group(
            2, GroupState.INVESTIGATING, "panic: runtime error: index out of range [5]", "@researcher", ago=200,
            kind="go", severity=Severity.FATAL, owner="@writer", owner_why="src/index.go:40 lies in its branch",
            message_id="0000abcd", asked_at=NOON - 100, asks=1,
            history=(GroupEntry(NOON - 100, "mailed @writer"),),
        ),
        group(3, GroupState.NEW, "KeyError: 'title'", "@writer", count=12, ago=20),
        group(
            4, GroupState.MUTED, "npm ERR! code ELIFECYCLE", "@builder", count=340, ago=5, kind="npm",
            muted_until=NOON + 1800,
        ),
        group(
            5, GroupState.BACK, "ValueError: invalid literal for int() with base 10: 'n/a'", count=7, ago=45,
            agents=(("@checker", 5), ("@planner", 2)), owner="@checker",
            owner_why="src/report/parse.py:41 lies in its branch", message_id="0000abce", returns=1,
            resolved_at=NOON - 300, resolution="rows without a number are skipped",
            history=(
                GroupEntry(NOON - 900, "mailed @checker"),
                GroupEntry(NOON - 300, "resolved: rows without a number are skipped", "@checker"),
                GroupEntry(NOON - 90, "came back after it was resolved"),
            ),
        ),
    )  # fmt: skip


def with_errors(fleet: Fleet | None = None, *groups: ErrorGroup, trouble: str = "", warnings: int = 0) -> Fleet:
    """A fleet of which these errors are known."""
    known = ErrorGroups(groups, trouble, warnings)
    return replace(fleet if fleet is not None else lighthouse(), errors=known)


def many_errors(count: int = 80) -> tuple[ErrorGroup, ...]:
    """So many groups, with titles and agents that no column holds."""
    states = tuple(GroupState)
    return tuple(
        group(
            100 + n, states[n % len(states)], f"Error {n}: {'very ' * (n % 30)}long", f"@helper-with-a-long-name-{n}",
            count=7 ** (n % 9), ago=30.0 * n, owner=f"@owner-{n}" if n % 3 else "",
        )
        for n in range(count)
    )  # fmt: skip
