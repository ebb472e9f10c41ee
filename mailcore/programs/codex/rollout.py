"""What a line of a Codex session file means (contract codex, "Session file"). Stateful, bounded, no files.

Beyond the contract: `turn_aborted`, `error`, `stream_error` and `context_compacted` events, `custom_tool_call` items.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import orjson

from mailcore.model.activity import Activity, Kind
from mailcore.model.usage import Spent, Usage
from mailcore.programs.transcript import (
    SOURCE,
    Recent,
    count_of,
    list_of,
    moment,
    parsed,
    short,
    table_of,
    text_of,
)
from mailcore.programs.wording import tool_words

CALLS = 500
"""Tool calls that are remembered until their results come, and as many results."""
COMPACTIONS = 5.0
"""Seconds in which one compaction may be told several times, by lines of different types."""
LIMIT_STATUS = re.compile(r"\b(429|503|529)\b")

_EXIT = re.compile(r"^(?:Process exited with code|Exit code:) (-?\d+)", re.MULTILINE)
"""How the output of a command that was run tells its outcome to the model."""
_CALLS = ("function_call", "custom_tool_call", "local_shell_call")
_OUTPUTS = ("function_call_output", "custom_tool_call_output")
_NAME = re.compile(r"rollout-\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d-(.+)")
_PATCHED = re.compile(r"^\*\*\* (?:Update|Add|Delete) File: (.+)$", re.MULTILINE)


class CodexRollout:
    """Reads one session file of an agent."""

    def __init__(self, agent: str, path: Path) -> None:
        self.agent = agent
        named = _NAME.fullmatch(path.stem)
        self.session = named[1] if named else path.stem
        self.cwd = ""
        self.drift = ""
        self._model = ""
        self._window = 0
        self._version = ""
        self._calls: Recent[str, tuple[str, str]] = Recent(CALLS)
        """Tool and words of each call that has no result yet."""
        self._ended: Recent[str, None] = Recent(CALLS)
        """Calls whose end was told."""
        self._records = False
        """It writes `token_usage_record` lines: its `token_count` lines say the same again."""
        self._total: tuple[int, ...] = ()
        """Tokens of the whole thread, as last told."""
        self._compacted = float("-inf")

    def read(self, line: bytes, now: float) -> list[Activity | Spent]:
        """What the line tells (`Transcript.read`)."""
        event = parsed(line)
        if event is None or "type" not in event:
            return []
        at = moment(event, now)
        kind, payload = event.get("type"), event.get("payload")
        if not isinstance(payload, dict):
            if kind in ("event_msg", "response_item", "session_meta", "turn_context"):
                self._drifted(f"{kind} lines without a payload")
            return []
        self._learn(kind, payload)
        match kind:
            case "session_meta":
                return [self._told(at, Kind.SESSION, f"session: {text_of(payload, 'source') or 'start'}")]
            case "event_msg":
                return [*self._event(payload, at), *self._counted(kind, payload, at)]
            case "response_item":
                return list(self._item(payload, at))
            case "compacted":
                return list(self._compaction(at))
            case _:
                return list(self._counted(kind, payload, at))

    def spent(self, line: bytes, now: float) -> list[Spent]:
        """What the line says was used (`Transcript.spent`)."""
        if b"token_" not in line and b'"turn_context"' not in line and b"context_window" not in line:
            return []
        event = parsed(line)
        payload = event.get("payload") if event is not None else None
        if event is None or not isinstance(payload, dict):
            return []
        self._learn(event.get("type"), payload)
        return list(self._counted(event.get("type"), payload, moment(event, now)))

    def _learn(self, kind: object, payload: Mapping[str, Any]) -> None:
        """What later lines are to be read with."""
        if kind == "session_meta":
            self.session = text_of(payload, "id") or self.session
            self._version = text_of(payload, "cli_version")
            self.cwd = self.cwd or text_of(payload, "cwd")
        elif kind == "turn_context":
            self._model = text_of(payload, "model") or self._model
            self.cwd = self.cwd or text_of(payload, "cwd")
        elif kind == "event_msg":
            told = payload if payload.get("type") == "task_started" else table_of(payload, "info")
            self._window = count_of(told, "model_context_window") or self._window

    def _told(self, at: float, kind: Kind, text: str, tool: str = "", call: str = "") -> Activity:
        return Activity(at, self.agent, kind, text, SOURCE, tool, call, self.session)

    def _event(self, payload: Mapping[str, Any], at: float) -> Iterator[Activity]:
        match payload.get("type"):
            case "item_completed":
                yield from self._completed(table_of(payload, "item"), at)
            case "task_complete":
                yield self._told(at, Kind.TURN_END, text_of(payload, "last_agent_message") or "turn over")
            case "turn_aborted":
                why = text_of(payload, "reason")
                why = "interrupted by the operator" if why == "interrupted" else f"turn aborted {why}".rstrip()
                yield self._told(at, Kind.TURN_END, why)
            case "error":
                yield self._told(at, Kind.ERROR, text_of(payload, "message") or "turn ended in an error")
            case "stream_error":
                said = text_of(payload, "message") or "the stream broke"
                yield self._told(at, Kind.LIMIT if LIMIT_STATUS.search(said) else Kind.WARNING, said)
            case "context_compacted":
                yield from self._compaction(at)

    def _completed(self, item: Mapping[str, Any], at: float) -> Iterator[Activity]:
        match item.get("type"):
            case "UserMessage":
                yield self._told(at, Kind.PROMPT, _texts(list_of(item, "content")))
            case "AgentMessage":
                yield self._told(at, Kind.MESSAGE, _texts(list_of(item, "content")))
            case "Reasoning":
                said = " ".join(text for text in list_of(item, "summary_text") if isinstance(text, str))
                yield self._told(at, Kind.THINKING, said or "thinking")
            case "CommandExecution":
                code, status = item.get("exit_code"), item.get("status")
                failed = code != 0 if isinstance(code, int) else status in ("failed", "declined")
                yield from self._end(text_of(item, "id"), at, failed, text_of(item, "aggregated_output"))
            case "ContextCompaction":
                yield from self._compaction(at)
            case None:
                self._drifted("item_completed events without an item")

    def _item(self, payload: Mapping[str, Any], at: float) -> Iterator[Activity]:
        kind, call = payload.get("type"), text_of(payload, "call_id")
        if kind not in _CALLS and kind not in _OUTPUTS:
            return
        if not call:
            self._drifted(f"{kind} items without call_id")
        elif kind in _CALLS:
            tool = text_of(payload, "name") or "shell"
            words = _words(tool, payload)
            self._calls.put(call, (tool, words))
            self._ended.pop(call)  # some services number their calls anew in every turn
            yield self._told(at, Kind.TOOL, words, tool, call)
        else:
            output = payload.get("output")
            refused = isinstance(output, dict) and output.get("success") is False
            said = text_of(output, "content") if isinstance(output, dict) else output
            said = said if isinstance(said, str) else _texts(said) if isinstance(said, list) else ""
            code = _EXIT.search(said[:400])
            failed = refused or (code is not None and int(code[1][:9]) != 0)
            yield from self._end(call, at, failed, said.partition("Output:\n")[2] or said)

    def _end(self, call: str, at: float, failed: bool, output: str) -> Iterator[Activity]:
        """A call is over: told by its item or by its output, whichever comes first."""
        if not call or call in self._ended:
            return
        self._ended.put(call, None)
        tool, words = self._calls.pop(call) or ("", "a tool")
        brought = short(output)
        text = f"{words} failed {brought}".rstrip() if failed else f"{words} → {brought}" if brought else words
        yield self._told(at, Kind.TOOL_FAILED if failed else Kind.TOOL_DONE, text, tool, call)

    def _compaction(self, at: float) -> Iterator[Activity]:
        if abs(at - self._compacted) > COMPACTIONS:
            self._compacted = at
            yield self._told(at, Kind.COMPACTED, "context compacted")

    def _counted(self, kind: object, payload: Mapping[str, Any], at: float) -> Iterator[Spent]:
        if kind == "token_usage_record":
            self._records = True
            usage, total = payload.get("usage"), table_of(payload, "thread_token_usage")
        elif kind == "event_msg" and payload.get("type") == "token_count" and not self._records:
            info = table_of(payload, "info")
            usage, total = info.get("last_token_usage"), table_of(info, "total_token_usage")
            if not info:
                return
        else:
            return
        if not isinstance(usage, dict):
            self._drifted(f"{payload.get('type') or kind} lines without the usage of a message")
            return
        now = tuple(count_of(total, key) for key in ("input_tokens", "output_tokens", "cached_input_tokens"))
        if any(now) and now == self._total:
            return
        self._total = now
        read, written = count_of(usage, "cached_input_tokens"), count_of(usage, "cache_write_input_tokens")
        filled = count_of(usage, "input_tokens")
        used = Usage(max(0, filled - read - written), count_of(usage, "output_tokens"), read, written)
        if used.tokens:
            yield Spent(at, self.agent, used, self.session, self._model, filled, self._window)

    def _drifted(self, what: str) -> None:
        self.drift = self.drift or f"Codex {self._version or 'of unknown version'} writes {what}"


def _texts(content: list[Any]) -> str:
    return " ".join(text_of(part, "text") for part in content if isinstance(part, dict)).strip()


def _words(tool: str, payload: Mapping[str, Any]) -> str:
    """A call's words: its arguments are JSON in a string, a patch's the patch itself."""
    if patched := _PATCHED.search(text_of(payload, "input")):
        return f"{tool}: {Path(patched[1].strip()).name}"
    try:
        given = orjson.loads(text_of(payload, "arguments") or "null")
    except ValueError:
        given = None
    return tool_words(tool, given if given is not None else table_of(payload, "action"))
