"""Every alarm that stands: what was expected, what was seen, what to do; and the keys that answer it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import ClassVar, TypeAlias

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Static

from mailcore.text.units import clock_time, since
from praxmonitor.alarms.episode import Episode
from praxmonitor.text.lines import Line, plain, spread, wrap
from praxmonitor.widgets.line_list import READING, WIDTH, Lines

Answer: TypeAlias = Callable[[Sequence[str], bool], Awaitable[None]]
"""(keys of the alarms, snooze rather than acknowledge)."""
Standing: TypeAlias = Callable[[], tuple[Sequence[Episode], float]]
"""The alarms that stand, and the time now (seconds since the epoch); 0.0: nothing was read yet."""


def episode_lines(episode: Episode, now: float, width: int, *, chosen: bool) -> list[Line]:
    """One alarm: its headline and age, how often it was told; the chosen one with all that explains it."""
    alarm = episode.alarm
    role = "muted" if episode.answered(now) else "error strong"
    mark = "▸" if chosen else " "
    said = "acknowledged" if episode.acknowledged else f"snoozed to {clock_time(episode.answered_until)}"
    state = said if episode.answered(now) else f"told {episode.times_notified}×" if episode.times_notified > 1 else ""
    if episode.cleared_at:
        state = "settling"
    right: Line = ((f"{state} " if state else "", "muted"), (since(alarm.since or episode.raised_at, now), "faint"))
    left: Line = ((f"{mark} {'!' * max(1, episode.urgency)} ", role), (plain(alarm.summary), role))
    lines = [spread(left, right, width)]
    if chosen:
        told = (("expected", alarm.expected), ("seen", alarm.seen), ("do", alarm.remedy))
        lines += [
            ((f"      {name if first else '':<9}", "faint"), (part, ""))
            for name, text in (("what", alarm.what), *told)
            if text
            for first, part in ((at == 0, part) for at, part in enumerate(wrap(plain(text), max(10, width - 16))))
        ]
    return lines


class AlarmsScreen(ModalScreen[str]):
    """The list. Dismissed with the address of the agent to open, or an empty text."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,exclamation_mark", "dismiss('')", "close"),
        Binding("j,down", "move(1)", show=False),
        Binding("k,up", "move(-1)", show=False),
        Binding("a", "answer(False, False)", show=False),
        Binding("z", "answer(False, True)", show=False),
        Binding("A", "answer(True, False)", show=False),
        Binding("Z", "answer(True, True)", show=False),
        Binding("enter", "open", show=False),
    ]
    DEFAULT_CSS = """
    AlarmsScreen {
        align: center middle;
        background: $background 60%;
        #sheet { width: 110; max-width: 96%; height: auto; max-height: 92%; padding: 1 2; background: $surface;
            border: round $error; }
        #title { color: $muted; height: 1; width: 100%; }
        #list { height: auto; max-height: 24; min-height: 3; margin: 1 0; background: $surface; }
        #hint { color: $faint; height: auto; width: 100%; }
    }
    """

    def __init__(self, standing: Standing, answer: Answer) -> None:
        super().__init__()
        self._standing, self._answer = standing, answer
        self._chosen = 0

    def compose(self) -> ComposeResult:
        """One sheet."""
        with Vertical(id="sheet"):
            yield Static("", id="title", markup=False)
            yield Lines(id="list")
            hint = "a acknowledge   z snooze   A Z all of them   enter open the agent   esc back"
            yield Static(hint, id="hint", markup=False)

    def on_mount(self) -> None:
        """Follow what stands."""
        self.query_one("#list", Lines).focus()
        self.watch(self.app, "standing", self.show)
        self.watch(self.app, "snapshot", self.show)

    def on_lines_widened(self, event: Lines.Widened) -> None:
        """Lay the list out for the width that it has now."""
        event.stop()
        self.show()

    def show(self) -> None:
        """Draw the alarms as they stand now."""
        if not self.query("#list"):
            return
        episodes, now = self._standing()
        self._chosen = max(0, min(self._chosen, len(episodes) - 1))
        area = self.query_one("#list", Lines)
        width = area.line_width or WIDTH
        lines: list[Line] = []
        top = 0
        for place, episode in enumerate(episodes):
            if place == self._chosen:
                top = len(lines)
            lines += episode_lines(episode, now, width, chosen=place == self._chosen)
        waiting = sum(not episode.answered(now) for episode in episodes)
        want = f"{waiting} want{'s' if waiting == 1 else ''} you"
        title = f"Alarms: {len(episodes)}, of which {want}." if episodes else "No alarm: all is well."
        if not now:
            title, lines = "", [READING]
        self.query_one("#title", Static).update(title)
        area.set_lines(lines)
        if not 0 <= top - area.scroll_offset.y <= area.line_count - 6:
            area.jump(max(0, top - 2))

    def action_move(self, step: int) -> None:
        """To another alarm."""
        self._chosen += step
        self.show()

    async def action_answer(self, everything: bool, snooze: bool) -> None:
        """Acknowledge or snooze the chosen alarm, or all that nobody answered."""
        episodes, now = self._standing()
        if not episodes:
            return
        chosen = [e for e in episodes if not e.answered(now)] if everything else [episodes[self._chosen]]
        await self._answer([episode.alarm.key for episode in chosen], snooze)

    def action_open(self) -> None:
        """The chosen alarm's agent."""
        episodes, _ = self._standing()
        self.dismiss(episodes[self._chosen].alarm.address if episodes else "")
