"""What a line of a Claude Code transcript means (contract claude-code, "Transcript"). Stateful, bounded, no files.

Beyond the contract, as read from Claude Code 2.1.330 itself: `system` lines of subtype `api_error` (a request that it
tries again) and `compact_boundary`; `isApiErrorMessage` of an assistant line that stands for a turn that failed;
`toolUseResult.status` of an agent that works on in the background, and the `<task-notification>` that ends it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from mailcore.model.activity import Activity, Kind
from mailcore.model.limit import Limit
from mailcore.model.usage import Spent
from mailcore.programs.claude.limits import LIMITED, printed_limits
from mailcore.programs.claude.usage import ClaudeUsage
from mailcore.programs.tool_wording import tool_timeout, tool_words, tool_writes
from mailcore.programs.transcript_reader import (
    TRANSCRIPT_SOURCE,
    Counted,
    Recent,
    count_of,
    parse_line,
    short_result,
    table_of,
    text_of,
)

CALLS = 500
"""Tool calls that are remembered until their results come."""
SUBAGENT_TOOLS = ("Task", "Agent")
TURN_ENDS = ("end_turn", "stop_sequence", "refusal")
NOTICE = 1000
"""Characters of a text in which such a notice begins."""

_PASSED = frozenset(
    {
        "agent-color", "agent-name", "ai-title", "api-request", "api-request-blob", "api-request-shape", "atis-latch",
        "attachment", "attribution-snapshot", "content-replacement", "custom-title", "file-history-snapshot",
        "last-prompt", "mode", "permission-mode", "pr-link", "progress", "speculation-accept", "summary", "tag",
        "task-summary", "tools-used", "worktree-state",
    }
)  # fmt: skip
"""Types of lines that are known to report nothing that is wanted."""
_NO_PROMPT = ("<command-", "<local-command-", "<bash-")
"""What the program itself writes in the user's place: its own commands, which begin no turn."""
_INTERRUPTED = "[Request interrupted by user"
_NOTICE = re.compile(r"<task-notification>\s*<task-id>([^<]{1,80})</task-id>")


class ClaudeTranscript(ClaudeUsage):
    """Reads one session file of an agent, or one of its subagents' (below `<session>/subagents/`)."""

    def __init__(self, agent: str, path: Path, *, counted: Counted | None = None) -> None:
        """`counted`: as of `ClaudeUsage`."""
        super().__init__(agent, path, counted=counted)
        self._calls: Recent[str, tuple[str, str]] = Recent(CALLS)
        """Tool and words of each call that has no result yet."""
        self._background: Recent[str, str] = Recent(CALLS)
        """The call that began each subagent which works on in the background."""
        self._ended = ""
        """The message that ended the turn."""

    def read(self, line: bytes, now: float) -> list[Activity | Spent | Limit]:
        """What the line reports (`Transcript.read`)."""
        event = parse_line(line)
        if event is None:
            return []
        self._meet(event, now)
        match event.get("type"):
            case "assistant":
                return [*self._assistant(event), *self._used(event), *printed_limits(event, self._at)]
            case "user":
                return list(self._user(event))
            case "system":
                return list(self._system(event))
            case "cost-state":
                return list(self._cost(event))
            case "queue-operation":
                return list(self._notice(text_of(event, "content")))
            case kind:
                self.unread += not isinstance(kind, str) or kind not in _PASSED
                return []

    def _activity(
        self, kind: Kind, text: str, tool: str = "", call: str = "", by: str = "", timeout: float = 0.0,
        writes: tuple[str, ...] = (),
    ) -> Activity:  # fmt: skip
        return Activity(
            self._at, self.agent, kind, text, TRANSCRIPT_SOURCE, tool, call, self._in, by or self._by, timeout=timeout,
            writes=writes,
        )  # fmt: skip

    def _assistant(self, event: Mapping[str, Any]) -> Iterator[Activity]:
        message = event.get("message")
        if not isinstance(message, dict) or not isinstance(message.get("content"), list):
            self._drifted("assistant lines without message.content")
            return
        blocks = [block for block in message["content"] if isinstance(block, dict)]
        if event.get("isApiErrorMessage") is True:
            text = " ".join(text_of(block, "text") for block in blocks) or "the API refused"
            yield self._activity(Kind.ERROR, text)
            return
        spoke = False
        for block in blocks:
            match block.get("type"):
                case "text" if text := text_of(block, "text").strip():
                    spoke = True
                    yield self._activity(Kind.MESSAGE, text)
                case "thinking":
                    yield self._activity(Kind.THINKING, text_of(block, "thinking") or "thinking")
                case "tool_use":
                    yield from self._call(block)
        name = text_of(message, "id")
        if spoke and message.get("stop_reason") in TURN_ENDS and not self._by and name != self._ended:
            self._ended = name
            yield self._activity(Kind.TURN_END, "turn over")

    def _call(self, block: Mapping[str, Any]) -> Iterator[Activity]:
        tool, call = text_of(block, "name"), text_of(block, "id")
        if not call:
            self._drifted("tool calls without an id")
            return
        words = tool_words(tool, block.get("input"))
        self._calls.put(call, (tool, words))
        timeout, writes = tool_timeout(tool, block.get("input")), tool_writes(tool, block.get("input"))
        yield self._activity(Kind.TOOL, words, tool, call, timeout=timeout, writes=writes)
        if tool in SUBAGENT_TOOLS:
            given = table_of(block, "input")
            what = text_of(given, "description") or text_of(given, "subagent_type")
            yield self._activity(Kind.SUBAGENT, what or "subagent", tool, call)

    def _user(self, event: Mapping[str, Any]) -> Iterator[Activity]:
        content = table_of(event, "message").get("content")
        if isinstance(content, str):
            yield from self._prompt(event, content)
        elif isinstance(content, list):
            blocks = [block for block in content if isinstance(block, dict)]
            for block in blocks:
                if block.get("type") == "tool_result":
                    yield from self._result(event, block)
            if text := " ".join(text_of(block, "text") for block in blocks if block.get("type") == "text"):
                yield from self._prompt(event, text)
        else:
            self._drifted("user lines without message.content")

    def _prompt(self, event: Mapping[str, Any], text: str) -> Iterator[Activity]:
        if _NOTICE.search(text[:NOTICE]):
            yield from self._notice(text)
        elif text.startswith(_INTERRUPTED):
            yield self._activity(Kind.TURN_END, "interrupted by the operator")
        elif True not in (event.get("isMeta"), event.get("isCompactSummary")) and not text.startswith(_NO_PROMPT):
            yield self._activity(Kind.PROMPT, text)

    def _notice(self, text: str) -> Iterator[Activity]:
        """A task in the background is over: reported when it is queued for the agent, and again when the agent reads
        it."""
        notice = _NOTICE.search(text[:NOTICE])
        call = self._background.pop(notice[1]) if notice is not None else None
        if notice is not None and call is not None:
            yield self._activity(Kind.SUBAGENT_DONE, "subagent is done", "", call, notice[1])

    def _result(self, event: Mapping[str, Any], block: Mapping[str, Any]) -> Iterator[Activity]:
        call = text_of(block, "tool_use_id")
        if not call:
            self._drifted("tool results without tool_use_id")
            return
        tool, words = self._calls.pop(call) or ("", "a tool")
        failed = block.get("is_error") is True
        brought = short_result(_plain(block.get("content")))
        outcome = f"{words} failed {brought}".rstrip() if failed else f"{words} → {brought}" if brought else words
        yield self._activity(Kind.TOOL_FAILED if failed else Kind.TOOL_DONE, outcome, tool, call)
        if tool in SUBAGENT_TOOLS:
            result = table_of(event, "toolUseResult")
            child = text_of(result, "agentId")
            if text_of(result, "status").endswith("_launched"):
                self._background.put(child, call)
            else:
                yield self._activity(Kind.SUBAGENT_DONE, brought or "subagent is done", tool, call, child)

    def _system(self, event: Mapping[str, Any]) -> Iterator[Activity]:
        match event.get("subtype"):
            case "compact_boundary":
                about = table_of(event, "compactMetadata")
                was = f" of {tokens} tokens" if (tokens := count_of(about, "preTokens")) else ""
                yield self._activity(Kind.COMPACTED, f"context{was} compacted")
            case "api_error":
                error = table_of(event, "error")
                status, cause = error.get("status"), table_of(error, "cause") or table_of(event, "cause")
                code = text_of(cause, "code")[:40]  # of a request that reached nobody: ECONNREFUSED
                what = str(status) if isinstance(status, int) else f"error ({code})" if code else "error"
                times = f", attempt {count_of(event, 'retryAttempt')} of {count_of(event, 'maxRetries')}"
                kind = Kind.LIMIT if status in LIMITED else Kind.WARNING
                yield self._activity(kind, f"API {what}{times}")


def _plain(content: object) -> str:
    """A tool result's text: a string, or the texts of a list of blocks."""
    if isinstance(content, str):
        return content
    blocks = content if isinstance(content, list) else []
    return " ".join(text_of(block, "text") for block in blocks if isinstance(block, dict))
