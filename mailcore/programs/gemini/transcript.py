"""What a line of a Gemini CLI session file means. Stateful, bounded, no files.

A message is written as soon as it is there, and again as a whole, under the same id, when its tools are through; the
whole history is written again, with new times, when a session is resumed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mailcore.model.activity import Activity, Kind
from mailcore.model.message import parse_time
from mailcore.model.usage import Spent, Usage
from mailcore.programs.gemini.messages import CONTEXT, ended_call, texts_of, without_hooks
from mailcore.programs.tool_wording import tool_words, tool_writes
from mailcore.programs.transcript_reader import (
    TRANSCRIPT_SOURCE,
    Counted,
    Recent,
    count_of,
    line_time,
    list_of,
    parse_line,
    short_result,
    table_of,
    text_of,
)

MESSAGES = 500
"""Messages that are remembered: what is written of one again stands close to the first time."""
CALLS = 2000
"""Tool calls that are remembered."""
SUBAGENT_TOOL = "invoke_agent"


@dataclass(slots=True)
class _Message:
    """What was reported of one."""

    thoughts: int = 0
    said: bool = False


class GeminiTranscript:
    """Reads one session file of an agent, or one of its subagents' (below `<session>/`)."""

    def __init__(self, agent: str, path: Path, *, counted: Counted | None = None) -> None:
        """`counted`: shared by the readers of an agent's files."""
        self.agent = agent
        below = path.parent.name not in ("chats", "")
        self.session = path.parent.name if below else path.stem
        """The agent's own, of a subagent too."""
        self.cwd = ""
        self.drift = ""
        self.counted = counted if counted is not None else Counted(MESSAGES)
        self._by = path.stem if below else ""
        self._messages: Recent[str, _Message] = Recent(MESSAGES)
        self._used: Recent[str, None] = Recent(MESSAGES)
        """The messages whose tokens were met, here or before the place where the reading began."""
        self._calls: Recent[str, None] = Recent(CALLS)

    def read(self, line: bytes, now: float) -> list[Activity | Spent]:
        """What the line reports (`Transcript.read`)."""
        event = None if line.startswith(b'{"$') else parse_line(line)
        if event is None:
            return []
        if "projectHash" in event:
            return list(self._head(event, now))
        match event.get("type"):
            case "user":
                return list(self._user(event, line_time(event, now)))
            case "gemini":
                at = line_time(event, now)
                return [*self._answer(event, at, now), *self._counted(event, at)]
            case _:
                return []

    def spent(self, line: bytes, now: float) -> list[Spent]:
        """What the line says was used (`Transcript.spent`)."""
        if line.startswith(b'{"$') or (b'"tokens"' not in line and b'"projectHash"' not in line):
            return []
        event = parse_line(line)
        if event is None:
            return []
        if "projectHash" in event:
            self._learn(event)
        return list(self._counted(event, line_time(event, now))) if event.get("type") == "gemini" else []

    def _activity(
        self, at: float, kind: Kind, text: str, tool: str = "", call: str = "", by: str = "",
        writes: tuple[str, ...] = (),
    ) -> Activity:  # fmt: skip
        by = by or self._by
        return Activity(at, self.agent, kind, text, TRANSCRIPT_SOURCE, tool, call, self.session, by, writes=writes)

    def _head(self, event: Mapping[str, Any], now: float) -> Iterator[Activity]:
        self._learn(event)
        at = min(parse_time(event.get("startTime")) or now, now)
        if self._by:
            yield self._activity(at, Kind.SUBAGENT, "subagent")
        else:
            yield self._activity(at, Kind.SESSION, "session: start")

    def _learn(self, head: Mapping[str, Any]) -> None:
        if not self._by:
            self.session = text_of(head, "sessionId") or self.session

    def _user(self, event: dict[str, Any], at: float) -> Iterator[Activity]:
        """A prompt; the results of tools stand in their calls."""
        name = self._named(event)
        if not name or name in self._messages:
            return
        self._messages.put(name, _Message())
        texts = [without_hooks(text) for text in texts_of(event) if not text.startswith(CONTEXT)]
        if text := " ".join(texts).strip():
            yield self._activity(at, Kind.PROMPT, text)

    def _answer(self, event: dict[str, Any], at: float, now: float) -> Iterator[Activity]:
        name = self._named(event)
        if not name:
            return
        known = self._messages.get(name) or _Message()
        self._messages.put(name, known)
        thoughts = [thought for thought in list_of(event, "thoughts") if isinstance(thought, dict)]
        for thought in thoughts[known.thoughts :]:
            words = ": ".join(filter(None, (text_of(thought, "subject"), text_of(thought, "description"))))
            yield self._activity(line_time(thought, at), Kind.THINKING, words or "thinking")
        known.thoughts = max(known.thoughts, len(thoughts))
        if not known.said and (text := " ".join(texts_of(event)).strip()):
            known.said = True
            yield self._activity(at, Kind.MESSAGE, text)
        for call in list_of(event, "toolCalls"):
            if isinstance(call, dict):
                yield from self._call(call, at, now)

    def _named(self, event: Mapping[str, Any]) -> str:
        name = text_of(event, "id")
        if not name:
            self.drift = self.drift or "Gemini CLI writes messages without an id"
        return name

    def _call(self, call: Mapping[str, Any], began: float, now: float) -> Iterator[Activity]:
        """A call, which is written once it is over: both that it began and how it ended."""
        name, tool = text_of(call, "id"), text_of(call, "name")
        if not name:
            self.drift = self.drift or "Gemini CLI writes tool calls without an id"
            return
        if name in self._calls:
            return
        self._calls.put(name, None)
        over = max(began, line_time(call, now))
        words = tool_words(tool, call.get("args"))
        yield self._activity(began, Kind.TOOL, words, tool, name, writes=tool_writes(tool, call.get("args")))
        brought = short_result(_brought(call))
        failed = call.get("status") != "success"
        kind = Kind.TOOL_FAILED if failed else Kind.TOOL_DONE
        yield self._activity(over, kind, ended_call(words, brought, failed), tool, name)
        if tool == SUBAGENT_TOOL:
            what = brought or "subagent is done"
            yield self._activity(over, Kind.SUBAGENT_DONE, what, tool, name, text_of(call, "agentId"))

    def _counted(self, event: Mapping[str, Any], at: float) -> Iterator[Spent]:
        name, tokens = text_of(event, "id"), event.get("tokens")
        if not name or tokens is None:  # they may come with a later line
            return
        if not isinstance(tokens, dict):
            self.drift = self.drift or "Gemini CLI writes messages whose tokens are no table"
            return
        if name in self._used:
            return
        self._used.put(name, None)
        filled, cached = count_of(tokens, "input"), count_of(tokens, "cached")
        output = count_of(tokens, "output") + count_of(tokens, "thoughts")
        used = Usage(max(0, filled - cached) + count_of(tokens, "tool"), output, cached)
        if name in self.counted or not used.tokens:
            return
        self.counted.put(name, used)
        model, context = text_of(event, "model"), 0 if self._by else filled
        yield Spent(at, self.agent, used, self.session, model, context, prompt=filled)


def _brought(call: Mapping[str, Any]) -> str:
    """What a call brought: as shown to a person, else as told to the model."""
    if shown := text_of(call, "resultDisplay"):
        return shown
    results = list_of(call, "result")
    first = results[0] if results and isinstance(results[0], dict) else {}
    response = table_of(table_of(first, "functionResponse"), "response")
    return text_of(response, "output") or text_of(response, "error")
