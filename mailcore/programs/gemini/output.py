"""What an event that Gemini CLI prints reports which its session file reports late or never."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from mailcore.model.activity import Activity, Kind
from mailcore.model.usage import Spent
from mailcore.programs.gemini.messages import ended_call
from mailcore.programs.tool_wording import tool_words, tool_writes
from mailcore.programs.transcript_reader import Recent, line_time, parse_line, short_result, table_of, text_of

OUTPUT_SOURCE = "output"
MAX_OPEN_CALLS = 500
"""Tool calls that are remembered until their results come."""


class GeminiOutput:
    """Reads the standard output of one agent's runs.

    The session file has a tool call only once it is over, and neither errors nor the end of a turn. A call is reported
    with its session and id, by which it is known again in the file, and its end too: a message with a result of more
    than a megabyte is not read there.
    """

    def __init__(self, agent: str) -> None:
        self.agent = agent
        self._session = ""
        """That of the newest `init`: the call of an unknown one would count twice."""
        self._calls: Recent[str, tuple[str, str]] = Recent(MAX_OPEN_CALLS)
        """Tool and words of each call that has no result yet."""

    def read(self, line: bytes, now: float) -> list[Activity | Spent] | None:
        """What the event reports (`OutputReader.read`)."""
        if not line.startswith(b"{"):
            return None
        event = parse_line(line)
        return [] if event is None else list(self._event(event, line_time(event, now)))

    def _event(self, event: Mapping[str, Any], at: float) -> Iterator[Activity]:
        match event.get("type"):
            case "init":
                self._session = text_of(event, "session_id")
            case "tool_use" if self._session and (call := text_of(event, "tool_id")):
                tool = text_of(event, "tool_name")
                words = tool_words(tool, event.get("parameters"))
                self._calls.put(call, (tool, words))
                writes = tool_writes(tool, event.get("parameters"))
                yield self._activity(at, Kind.TOOL, words, tool, call, writes)
            case "tool_result" if started := self._calls.pop(call := text_of(event, "tool_id")):
                tool, words = started
                failed = event.get("status") != "success"
                brought = short_result(text_of(event, "output") or text_of(table_of(event, "error"), "message"))
                kind = Kind.TOOL_FAILED if failed else Kind.TOOL_DONE
                yield self._activity(at, kind, ended_call(words, brought, failed), tool, call)
            case "error":
                kind = Kind.ERROR if event.get("severity") == "error" else Kind.WARNING
                yield self._activity(at, kind, text_of(event, "message") or "an error")
            case "result" if event.get("status") == "success":
                yield self._activity(at, Kind.TURN_END, "turn over")
            case "result" if message := text_of(table_of(event, "error"), "message"):
                yield self._activity(at, Kind.ERROR, message)

    def _activity(
        self, at: float, kind: Kind, text: str, tool: str = "", call: str = "", writes: tuple[str, ...] = ()
    ) -> Activity:
        return Activity(at, self.agent, kind, text, OUTPUT_SOURCE, tool, call, self._session, writes=writes)
