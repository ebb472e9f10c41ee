"""Claude Code, headless: command line, session file, result object (contract/claude-code.md)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mailcore.config import AgentConfig
from mailcore.model.agent import Agent
from mailcore.programs.base import Ending, Hooks, Interactive, Launch, Output, SessionFiles, StatusFiles, is_session_id
from mailcore.programs.claude.places import ACCOUNT_HOME, directory
from mailcore.programs.claude.plugins import parts_at

if TYPE_CHECKING:
    from mailcore.programs.transcript_reader import OutputReader

MODES = {"": "acceptEdits", "bypass": "bypassPermissions"}
"""Our words for `--permission-mode`; its own go through as they stand."""

ALLOWED = "Bash(mailcore:*)"
"""Without it every mailcore command waits for an approval that nobody can give: no mail is read, no task answered."""

HOOK_EVENTS = (
    "SessionStart", "UserPromptSubmit", "PreToolUse", "PostToolUse", "PostToolUseFailure", "PermissionRequest",
    "Notification", "SubagentStart", "SubagentStop", "PreCompact", "PostCompact", "Stop", "StopFailure", "SessionEnd",
)  # fmt: skip
"""Those that the screen knows (contract claude-code, "Hooks")."""

SERVICE_WORDS = frozenset(("daemon", "--bg-pty-host"))
"""First words of the processes that keep background sessions, and are none."""

_ITS_OWN = (
    "CHILD_NOTES_DIR", "CHILD_SESSION", "ENTRYPOINT", "EXECPATH", "MESSAGING_SOCKET", "MESSAGING_TOKEN",
    "SESSION_ATTENDED", "SESSION_ID",
)  # fmt: skip
"""What Claude Code 2.1.330 sets for what it starts; all else that begins with CLAUDE_CODE_ is the user's settings."""


def _added(words: Sequence[str]) -> list[str]:
    """What `--add-dir` names, which takes all words up to the next option."""
    found: list[str] = []
    taking = False
    for word in words[1:]:
        if word.startswith("-"):
            option, _, value = word.partition("=")
            taking = option == "--add-dir"
            found += [value] if taking and value else []
        elif taking:
            found.append(word)
    return found


class Claude:
    """`program = "claude"`."""

    name = "claude"
    executables = ("claude",)
    home = ACCOUNT_HOME
    hooks = Hooks(
        ".claude/settings.local.json", HOOK_EVENTS, off="disableAllHooks", rewakes=True,
        asks_beside=True, remembers=True, attended="CLAUDE_CODE_SESSION_ATTENDED", parts=parts_at,
    )  # fmt: skip
    interactive = Interactive(
        ("claude",), lambda words: not SERVICE_WORDS & set(words[1:2]), lambda job: ["claude", "attach", job], _added
    )
    takes = frozenset({"model", "resume", "fork"})
    variables = frozenset({"CLAUDECODE", "AI_AGENT", "CLAUDE_PID", *(f"CLAUDE_CODE_{name}" for name in _ITS_OWN)})

    def sessions_at(self, home: Path) -> SessionFiles:
        """A directory for each that sessions were begun in."""
        from mailcore.programs.claude.sessions import ClaudeSessions

        return ClaudeSessions(home)

    def statuses_at(self, home: Path) -> StatusFiles:
        """A file for each process."""
        from mailcore.programs.claude.status import ClaudeStatuses

        return ClaudeStatuses(home)

    def argv(self, launch: Launch) -> list[str]:
        """`claude -p PROMPT`, a named session or a resumed one; permission mode and model as configured."""
        words = ["claude", "-p", launch.prompt, "--output-format", "json", "--max-turns", str(launch.config.max_turns)]
        if launch.mode == "resume" and session_file(launch.agent, launch.session_id, launch.home).exists():
            words += ["--resume", launch.session_id]
        elif launch.mode == "fork" and session_file(launch.agent, launch.forked, launch.home).exists():
            words += ["--resume", launch.forked, "--fork-session", "--session-id", launch.session_id]
        else:
            words += ["--session-id", launch.session_id]
        if launch.config.model:
            words += ["--model", launch.config.model]
        mode = launch.config.permission_mode
        return [*words, "--allowedTools", ALLOWED, "--permission-mode", MODES.get(mode, mode)]

    def traces(self, launch: Launch) -> tuple[Path, ...]:
        """The session's transcript: with JSON output nothing is printed before the end."""
        return (session_file(launch.agent, launch.session_id, launch.home),)

    def shows_life(self, launch: Launch, output: Output) -> bool:
        """The transcript has begun (or grown, when resumed), or a mailcore command was run, or it printed something.

        What is on standard error are its warnings.
        """
        if output.acted or output.printed:
            return True
        try:
            trace = session_file(launch.agent, launch.session_id, launch.home).stat()
            return trace.st_size > 0 and trace.st_mtime >= output.stdout.stat().st_mtime
        except OSError:
            return False

    def ending(self, exit_code: int, output: Output) -> Ending:
        """As the result object says that it prints at its end."""
        from mailcore.programs.claude.result import ending

        return ending(exit_code, output)

    def session(self, given: str, output: Output) -> str:
        """The one that it was given."""
        del output
        return given

    def attach(self, agent: Agent, config: AgentConfig, session_id: str, home: Path) -> list[str] | None:
        """`claude --resume ID`, with its model."""
        if not is_session_id(session_id) or not session_file(agent, session_id, home).exists():
            return None
        return ["claude", "--resume", session_id, *(["--model", config.model] if config.model else [])]

    def bypasses(self, config: AgentConfig) -> bool:
        """By its permission mode."""
        return config.permission_mode in ("bypass", "bypassPermissions")

    def output_reader(self, agent: str) -> OutputReader:
        """Its session file reports more than what it prints, but for its limits."""
        from mailcore.programs.claude.limits import PrintedLimits

        del agent
        return PrintedLimits()


def session_file(agent: Agent, session_id: str, home: Path) -> Path:
    """Where the transcript of an agent's session lies, which an account began."""
    return directory(agent.branch, home) / f"{session_id}.jsonl"
