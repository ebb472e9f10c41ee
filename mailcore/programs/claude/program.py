"""Claude Code, headless: command line, session file, result object (contract/claude-code.md)."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import msgspec

from mailcore.config import AgentConfig
from mailcore.model.agent import Agent
from mailcore.programs.base import Ending, Hooks, Interactive, Launch, Output, exit_words, is_session_id, tail
from mailcore.programs.claude.sessions import ClaudeSessions, directory
from mailcore.programs.shape import shaped
from mailcore.programs.transcript import LONGEST, ObjectsUntold, parsed

LIMITS = {429, 529}
"""`api_error_status` of a rate limit and of an overloaded service."""

MODES = {"": "acceptEdits", "bypass": "bypassPermissions"}
"""Our words for `--permission-mode`; its own go through as they stand."""

ALLOWED = "Bash(mailcore:*)"
"""Without it every mailcore command waits for an approval that nobody can give: no mail is read, no task answered."""


_ITS_OWN = (
    "CHILD_NOTES_DIR", "CHILD_SESSION", "ENTRYPOINT", "EXECPATH", "MESSAGING_SOCKET", "MESSAGING_TOKEN",
    "SESSION_ATTENDED", "SESSION_ID",
)  # fmt: skip
"""What Claude Code 2.1.330 sets for what it starts; all else that begins with CLAUDE_CODE_ is the user's settings."""


class Denial(msgspec.Struct):
    """A tool use that was refused for want of a permission."""

    tool_name: str = ""


class Result(msgspec.Struct):
    """The object that it prints at its end."""

    subtype: str | None = None
    is_error: bool | None = None
    api_error_status: int | None = None
    api_error_type: str | None = None
    result: str | None = None
    total_cost_usd: Annotated[float, msgspec.Meta(ge=0, lt=1e12)] | None = None
    permission_denials: list[Denial] | None = None


DECIDES = {"subtype", "is_error", "api_error_status"}
"""Without these of a result it is not known how the attempt came out."""


class Claude:
    """`program = "claude"`."""

    name = "claude"
    executables = ("claude",)
    sessions = ClaudeSessions()
    hooks = Hooks(".claude/settings.local.json", off="disableAllHooks")
    interactive = Interactive(("claude",))
    variables = frozenset({"CLAUDECODE", "AI_AGENT", "CLAUDE_PID", *(f"CLAUDE_CODE_{name}" for name in _ITS_OWN)})

    def argv(self, launch: Launch) -> list[str]:
        """`claude -p PROMPT`, a named session or a resumed one; permission mode and model as configured."""
        words = ["claude", "-p", launch.prompt, "--output-format", "json", "--max-turns", str(launch.config.max_turns)]
        if launch.mode == "resume" and session_file(launch.agent, launch.session_id).exists():
            words += ["--resume", launch.session_id]
        else:
            words += ["--session-id", launch.session_id]
        if launch.config.model:
            words += ["--model", launch.config.model]
        mode = launch.config.permission_mode
        return [*words, "--allowedTools", ALLOWED, "--permission-mode", MODES.get(mode, mode)]

    def traces(self, launch: Launch) -> tuple[Path, ...]:
        """The session's transcript: with JSON output nothing is printed before the end."""
        return (session_file(launch.agent, launch.session_id),)

    def shows_life(self, launch: Launch, output: Output) -> bool:
        """The transcript has begun (or grown, when resumed), or a mailcore command was run, or it said something."""
        if output.acted or output.any:
            return True
        try:
            trace = session_file(launch.agent, launch.session_id).stat()
            return trace.st_size > 0 and trace.st_mtime >= output.stdout.stat().st_mtime
        except OSError:
            return False

    def ending(self, exit_code: int, output: Output) -> Ending:
        """The `result` object decides: `is_error` and `api_error_status`, never `subtype` alone, never the text."""
        found = _result(output.stdout)
        if found is None:
            return Ending(exit_code == 0, f"{exit_words(exit_code)}, no result object")
        result, wrong = shaped(found, Result, "claude's result")
        text, dollars = result.result or "", result.total_cost_usd or 0.0
        if DECIDES & wrong.keys():
            return Ending(False, "; ".join(wrong.values()), False, text, dollars, final=True)
        if result.api_error_status in LIMITS:
            return Ending(False, f"API {result.api_error_status} ({result.api_error_type})", True, text, dollars)
        if result.is_error or result.subtype != "success" or exit_code != 0:
            return Ending(False, f"{exit_words(exit_code)}, {result.subtype}", False, text, dollars)
        names = dict.fromkeys(denial.tool_name for denial in result.permission_denials or ())
        refused = [f"not permitted: {', '.join(names)}"] if names else []
        return Ending(True, ", ".join([exit_words(exit_code), *refused, *wrong.values()]), False, text, dollars)

    def session(self, given: str, output: Output) -> str:
        """The one that it was given."""
        del output
        return given

    def attach(self, agent: Agent, config: AgentConfig, session_id: str) -> list[str] | None:
        """`claude --resume ID`, with its model."""
        if not is_session_id(session_id) or not session_file(agent, session_id).exists():
            return None
        return ["claude", "--resume", session_id, *(["--model", config.model] if config.model else [])]

    def bypasses(self, config: AgentConfig) -> bool:
        """By its permission mode."""
        return config.permission_mode in ("bypass", "bypassPermissions")

    def output_reader(self, agent: str) -> ObjectsUntold:
        """It prints one result object at the end."""
        del agent
        return ObjectsUntold()


def session_file(agent: Agent, session_id: str) -> Path:
    """Where the transcript of an agent's session lies."""
    return directory(agent.branch) / f"{session_id}.jsonl"


def _result(stdout: Path) -> dict[str, Any] | None:
    """The last result object that it printed."""
    for line in reversed(tail(stdout, LONGEST)):
        value = parsed(line.encode()) if line.startswith("{") else None
        if value is not None and value.get("type") == "result":
            return value
    return None
