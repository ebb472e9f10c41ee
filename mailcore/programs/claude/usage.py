"""What a line of a Claude Code transcript says was used: tokens by message, money by session. Bounded, no files."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from mailcore.model.usage import Spent, Usage
from mailcore.programs.transcript_reader import (
    Counted,
    Recent,
    count_of,
    dollars_of,
    line_time,
    parse_line,
    table_of,
    text_of,
)

MAX_COUNTED_MESSAGES = 500
"""Messages whose use is remembered: the lines of one stand close together."""
MAX_ASKS = 4
"""Times that it is asked what was reported before the reading began."""


class ClaudeUsage:
    """Reads what one session file, of an agent or of its subagent (below `<session>/subagents/`), says was used."""

    def __init__(self, agent: str, path: Path, *, counted: Counted | None = None) -> None:
        """`counted`: shared by the readers of an agent's files, a message copied into a second file counts once."""
        self.agent = agent
        below = "subagents" in path.parts[-4:-1]
        self.session = path.parts[-1 - path.parts[::-1].index("subagents") - 1] if below else path.stem
        self.cwd = ""
        self.drift = ""
        self.unread = 0
        self._version = ""
        self._subagent = path.stem.removeprefix("agent-") if below else ""
        self.former: Callable[[], float | None] = _unknown
        """The money that was reported before the reading began, asked when the next total is met; None: unknown."""
        self._asked = 0
        self.counted = counted if counted is not None else Counted(MAX_COUNTED_MESSAGES)
        """The messages that were counted."""
        self._totals: Recent[str, float] = Recent(8)
        """Money of each session, as last reported."""
        self.last = 0.0
        """Time of the newest message; 0.0 while none is known."""
        self._at, self._in, self._by = 0.0, self.session, ""
        """Of the line at hand: its time, its session, the subagent whose it is (empty: the agent itself)."""

    def spent(self, line: bytes, now: float) -> list[Spent]:
        """What the line says was used (`Transcript.spent`)."""
        if b'"cost-state"' not in line and not (b'"usage"' in line and b'"assistant"' in line):
            return []
        event = parse_line(line)
        if event is None:
            return []
        self._meet(event, now)
        match event.get("type"):
            case "assistant":
                return list(self._used(event))
            case "cost-state":
                return list(self._cost(event))
            case _:
                return []

    @property
    def form(self) -> str:
        """Which program wrote it, in which version."""
        return f"Claude Code {self._version or 'of unknown version'}"

    def _meet(self, event: Mapping[str, Any], now: float) -> None:
        """Learn when, in which session and by whom the line was written that is at hand."""
        if not self.cwd:
            self.cwd = text_of(event, "cwd")
        self._version = text_of(event, "version") or self._version
        # A `cost-state` has no time: it counts as reported with the message before it.
        self._at = line_time(event, now) if "timestamp" in event else min(self.last, now) or now
        self._in = text_of(event, "sessionId") or self.session
        child = self._subagent or event.get("isSidechain") is True
        self._by = (text_of(event, "agentId") or self._subagent or "sidechain") if child else ""

    def _used(self, event: Mapping[str, Any]) -> Iterator[Spent]:
        self.last = max(self.last, self._at)
        message = table_of(event, "message")
        usage, model, name = message.get("usage"), text_of(message, "model"), text_of(message, "id")
        if model == "<synthetic>" or event.get("isApiErrorMessage") is True:
            return
        if not isinstance(usage, dict) or not name:
            self._drifted("assistant lines without message.id or message.usage")
            return
        total = Usage(
            count_of(usage, "input_tokens"),
            count_of(usage, "output_tokens"),
            count_of(usage, "cache_read_input_tokens"),
            written := count_of(usage, "cache_creation_input_tokens"),
            cache_write_1h=min(written, count_of(table_of(usage, "cache_creation"), "ephemeral_1h_input_tokens")),
        )
        before = self.counted.get(name)
        if before == total:
            return
        more = total if before is None else _growth(before, total)
        self.counted.put(name, total if before is None else before + more)
        if more.tokens:
            prompt = total.input + total.cache_read + total.cache_write
            yield Spent(self._at, self.agent, more, self._in, model, 0 if self._by else prompt, prompt=prompt)

    def _cost(self, event: Mapping[str, Any]) -> Iterator[Spent]:
        total, session = dollars_of(event, "totalCostUSD"), self._in
        if total is None:
            self._drifted("cost-state lines without totalCostUSD")
            return
        if event.get("hasUnknownModelCost") is True:
            return  # it leaves out models that it has no price of
        before = self._totals.get(session)
        self._totals.put(session, total)
        if before is None:
            before = earlier if (earlier := self.former()) is not None else total
            self._asked += 1
            if self._asked == MAX_ASKS:  # it reads the file: made-up sessions must not let it do so for ever
                self.former = _unknown
        # A smaller total: the program was started again and counts from nothing.
        more = total - before if total >= before else total
        if more > 0:
            begun = count_of(event, "startTime") / 1000
            yield Spent(self._at, self.agent, Usage(cost=more), session, begun=begun)

    def _drifted(self, what: str) -> None:
        self.drift = self.drift or f"{self.form} writes {what}"


def _unknown() -> None:
    """What was reported before is not known: the first total is where the counting begins."""


def _growth(before: Usage, total: Usage) -> Usage:
    """What a later line of the same message adds to it."""
    return Usage(
        max(0, total.input - before.input),
        max(0, total.output - before.output),
        max(0, total.cache_read - before.cache_read),
        max(0, total.cache_write - before.cache_write),
        cache_write_1h=max(0, total.cache_write_1h - before.cache_write_1h),
    )
