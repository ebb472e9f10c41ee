"""What a line of a Codex session file means (contract codex, "Session file"). Stateful, bounded, no files.

Beyond the contract: `turn_aborted`, `error`, `stream_error` and `context_compacted` events, `custom_tool_call` items.
A history of mode "legacy", which older releases wrote and any later one goes on with, reports prompts, thoughts and
answers as `user_message`, `agent_reasoning` and `agent_message` events, its tokens as `token_count` events alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import orjson

from mailcore.model.activity import Activity, Kind
from mailcore.model.limit import Limit
from mailcore.model.usage import Spent, Usage
from mailcore.programs.codex.fork import Fork, History, count_in, parent_thread
from mailcore.programs.codex.kinds import is_known_event, is_known_line
from mailcore.programs.codex.limits import SessionLimits
from mailcore.programs.tool_wording import tool_timeout, tool_words, tool_writes
from mailcore.programs.transcript_reader import (
    TRANSCRIPT_SOURCE,
    Recent,
    count_of,
    line_time,
    list_of,
    parse_line,
    short_result,
    table_of,
    text_of,
)

CALLS = 500
"""Tool calls that are remembered until their results come, and as many results."""
COMPACTIONS = 5.0
"""Seconds in which one compaction may be reported several times, by lines of different types."""
LIMIT_STATUS = re.compile(r"\b(429|503|529)\b")

_EXIT = re.compile(r"^(?:Process exited with code|Exit code:) (-?\d+)", re.MULTILINE)
"""How the output of a command that was run reports its outcome to the model."""
_CALLS = ("function_call", "custom_tool_call", "local_shell_call")
_OUTPUTS = ("function_call_output", "custom_tool_call_output")
_COUNTING = (b"token_", b'"turn_context"', b"context_window", b'"session_meta"', b'"task_started"')
"""What stands in a line that reports use, or that such a line is read with."""
_NAME = re.compile(r"rollout-\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d-(.+)")
_PATCHED = re.compile(r"^\*\*\* (?:Update|Add|Delete) File: (.+)$", re.MULTILINE)


class CodexRollout:
    """Reads one session file of an agent."""

    def __init__(
        self, agent: str, path: Path, history_of: Callable[[str, float], History | None] | None = None
    ) -> None:
        """`history_of`: what a thread, by its id, reported until a moment; asked of a parent whose history was copied.

        None of it is known without.
        """
        self.agent = agent
        self._former = history_of
        named = _NAME.fullmatch(path.stem)
        self.session = named[1] if named else path.stem
        self.cwd = ""
        self.drift = ""
        self.unread = 0
        self._fork: Fork | None = None
        self._begun = 0.0
        """When the file begins; 0.0 until its first line was read."""
        self._told_last: dict[Kind, tuple[str, float]] = {}
        """Prompt, thought and answer that were reported last: an event and an item may report the same."""
        self._model = self._provider = ""
        self._asks = True
        """Its person may be asked whether a call may begin: from when on it runs is not known."""
        self._window = 0
        self._version = ""
        self._calls: Recent[str, tuple[str, str]] = Recent(CALLS)
        """Tool and words of each call that has no result yet."""
        self._ended: Recent[str, None] = Recent(CALLS)
        """Calls whose end was reported."""
        self._records = False
        """It writes `token_usage_record` lines: its `token_count` lines say the same again."""
        self._total: tuple[int, ...] = ()
        """Tokens of the whole thread, as last reported."""
        self._compacted = float("-inf")
        self._limits = SessionLimits()

    def read(self, line: bytes, now: float) -> list[Activity | Spent | Limit]:
        """What the line reports (`Transcript.read`)."""
        event = parse_line(line)
        if event is None or "type" not in event:
            return []
        at = line_time(event, now)
        kind, payload = event.get("type"), event.get("payload")
        if not isinstance(payload, dict):
            if kind in ("event_msg", "response_item", "session_meta", "turn_context"):
                self._drifted(f"{kind} lines without a payload")
            return []
        first = not self._begun
        self._learn(kind, payload, at)
        spent = list(self._counted(kind, payload, at))
        if self._fork is not None and not first and self._fork.copied(at):
            return list(spent)
        match kind:
            case "session_meta" if first:
                return [self._activity(at, Kind.SESSION, f"session: {text_of(payload, 'source') or 'start'}")]
            case "event_msg":
                return [*self._event(payload, at), *self._limits.read(payload, at), *spent]
            case "response_item":
                return list(self._item(payload, at))
            case "compacted":
                return list(self._compaction(at))
            case _ if not is_known_line(kind):
                self.unread += 1
        return list(spent)

    def spent(self, line: bytes, now: float) -> list[Spent]:
        """What the line says was used (`Transcript.spent`)."""
        if not any(word in line for word in _COUNTING):
            return []
        event = parse_line(line)
        payload = event.get("payload") if event is not None else None
        if event is None or not isinstance(payload, dict):
            return []
        at = line_time(event, now)
        self._learn(event.get("type"), payload, at)
        return list(self._counted(event.get("type"), payload, at))

    @property
    def form(self) -> str:
        """Which program wrote it, in which version."""
        return f"Codex {self._version or 'of unknown version'}"

    def _learn(self, kind: object, payload: Mapping[str, Any], at: float) -> None:
        """What later lines are to be read with."""
        if kind == "session_meta":
            self._meet(payload, at)
        elif kind == "turn_context":
            self._model = text_of(payload, "model") or self._model
            self.cwd = self.cwd or text_of(payload, "cwd")
            self._asks = text_of(payload, "approval_policy") != "never"
        if self._fork is not None and (kind == "turn_context" or payload.get("type") == "task_started"):
            self._fork.turn(text_of(payload, "turn_id"), at)
        if kind == "event_msg":
            values = payload if payload.get("type") == "task_started" else table_of(payload, "info")
            self._window = count_of(values, "model_context_window") or self._window

    def _meet(self, payload: Mapping[str, Any], at: float) -> None:
        """The first of these lines is the thread's own; one that follows with another id is that of its parent."""
        thread, parent = text_of(payload, "id"), ""
        if not self._begun:
            self._begun, self.session = at, thread or self.session
            self._version = text_of(payload, "cli_version")
            self._provider = text_of(payload, "model_provider")
            self.cwd = self.cwd or text_of(payload, "cwd")
            parent = parent_thread(payload)
        elif thread != self.session:
            parent = thread
        if parent and self._fork is None:
            parent_history = partial(self._former, parent, self._begun) if self._former is not None else _nothing
            self._fork = Fork(self.session, self._begun, parent_history)

    def _activity(
        self, at: float, kind: Kind, text: str, tool: str = "", call: str = "", timeout: float = 0.0,
        writes: tuple[str, ...] = (),
    ) -> Activity:  # fmt: skip
        return Activity(
            at, self.agent, kind, text, TRANSCRIPT_SOURCE, tool, call, self.session, timeout=timeout, writes=writes
        )

    def _event(self, payload: Mapping[str, Any], at: float) -> Iterator[Activity]:
        match payload.get("type"):
            case "item_completed":
                yield from self._completed(table_of(payload, "item"), at)
            case "task_complete":
                yield self._activity(at, Kind.TURN_END, text_of(payload, "last_agent_message") or "turn over")
            case "turn_aborted":
                why = text_of(payload, "reason")
                why = "interrupted by the operator" if why == "interrupted" else f"turn aborted {why}".rstrip()
                yield self._activity(at, Kind.TURN_END, why)
            case "error":
                yield self._activity(at, Kind.ERROR, text_of(payload, "message") or "turn ended in an error")
            case "stream_error":
                text = text_of(payload, "message") or "the stream broke"
                yield self._activity(at, Kind.LIMIT if LIMIT_STATUS.search(text) else Kind.WARNING, text)
            case "context_compacted":
                yield from self._compaction(at)
            case "user_message":
                yield from self._message_once(at, Kind.PROMPT, text_of(payload, "message"))
            case "agent_message":
                yield from self._message_once(at, Kind.MESSAGE, text_of(payload, "message"))
            case "agent_reasoning":
                yield from self._message_once(at, Kind.THINKING, text_of(payload, "text") or "thinking")
            case kind if not is_known_event(kind):
                self.unread += 1

    def _message_once(self, at: float, kind: Kind, text: str) -> Iterator[Activity]:
        """A prompt, thought or answer, once where an event and an item report it."""
        last, then = self._told_last.get(kind, ("", 0.0))
        if text != last or abs(at - then) > COMPACTIONS:
            self._told_last[kind] = (text, at)
            yield self._activity(at, kind, text)

    def _completed(self, item: Mapping[str, Any], at: float) -> Iterator[Activity]:
        match item.get("type"):
            case "UserMessage":
                yield from self._message_once(at, Kind.PROMPT, _texts(list_of(item, "content")))
            case "AgentMessage":
                yield from self._message_once(at, Kind.MESSAGE, _texts(list_of(item, "content")))
            case "Reasoning":
                thought = " ".join(text for text in list_of(item, "summary_text") if isinstance(text, str))
                yield from self._message_once(at, Kind.THINKING, thought or "thinking")
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
            given = _given(payload)
            words = _words(tool, payload, given)
            self._calls.put(call, (tool, words))
            self._ended.pop(call)  # some services number their calls anew in every turn
            timeout = 0.0 if self._asks else tool_timeout(tool, given)
            writes = tool_writes(tool, text_of(payload, "input") or given, self.cwd)
            yield self._activity(at, Kind.TOOL, words, tool, call, timeout, writes)
        else:
            output = payload.get("output")
            refused = isinstance(output, dict) and output.get("success") is False
            text = text_of(output, "content") if isinstance(output, dict) else output
            text = text if isinstance(text, str) else _texts(text) if isinstance(text, list) else ""
            code = _EXIT.search(text[:400])
            failed = refused or (code is not None and int(code[1][:9]) != 0)
            yield from self._end(call, at, failed, text.partition("Output:\n")[2] or text)

    def _end(self, call: str, at: float, failed: bool, output: str) -> Iterator[Activity]:
        """A call is over: reported by its item or by its output, whichever comes first."""
        if not call or call in self._ended:
            return
        self._ended.put(call, None)
        tool, words = self._calls.pop(call) or ("", "a tool")
        brought = short_result(output)
        text = f"{words} failed {brought}".rstrip() if failed else f"{words} → {brought}" if brought else words
        yield self._activity(at, Kind.TOOL_FAILED if failed else Kind.TOOL_DONE, text, tool, call)

    def _compaction(self, at: float) -> Iterator[Activity]:
        if abs(at - self._compacted) > COMPACTIONS:
            self._compacted = at
            yield self._activity(at, Kind.COMPACTED, "context compacted")

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
        count = count_in(usage, total)
        now = count[:3]
        if any(now) and now == self._total:
            return
        self._total = now
        if self._fork is not None and self._fork.counted(count, text_of(payload, "thread_id"), at):
            self._records = False  # a copy reports nothing of how the fork itself counts
            return
        read, written = count_of(usage, "cached_input_tokens"), count_of(usage, "cache_write_input_tokens")
        filled = count_of(usage, "input_tokens")
        used = Usage(max(0, filled - read - written), count_of(usage, "output_tokens"), read, written)
        if used.tokens:
            yield Spent(at, self.agent, used, self.session, self._model, filled, self._window, filled, self._provider)

    def _drifted(self, what: str) -> None:
        self.drift = self.drift or f"{self.form} writes {what}"


def _nothing() -> None:
    """Nothing is known of the parent."""


def _texts(content: list[Any]) -> str:
    return " ".join(text_of(part, "text") for part in content if isinstance(part, dict)).strip()


def _given(payload: Mapping[str, Any]) -> object:
    """A call's input: its arguments are JSON in a string."""
    try:
        given = orjson.loads(text_of(payload, "arguments") or "null")
    except ValueError:
        given = None
    return given if given is not None else table_of(payload, "action")


def _words(tool: str, payload: Mapping[str, Any], given: object) -> str:
    """A call's words, a patch's by the patch itself."""
    if patched := _PATCHED.search(text_of(payload, "input")):
        return f"{tool}: {Path(patched[1].strip()).name}"
    return tool_words(tool, given)
