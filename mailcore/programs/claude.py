"""Claude Code, headless: command line, session file, result object (contract/claude-code.md)."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

from mailcore.programs.base import Ending, Launch, Output, exit_words, tail

LIMITS = {429, 529}
"""`api_error_status` of a rate limit and of an overloaded service."""


class Claude:
    """`program = "claude"`."""

    name = "claude"

    def argv(self, launch: Launch) -> list[str]:
        """`claude -p PROMPT`, a named session or a resumed one; permission mode and model as configured."""
        words = ["claude", "-p", launch.prompt, "--output-format", "json", "--max-turns", str(launch.config.max_turns)]
        if launch.mode == "resume" and session_file(launch).exists():
            words += ["--resume", launch.session_id]
        else:
            words += ["--session-id", launch.session_id]
        if launch.config.model:
            words += ["--model", launch.config.model]
        return [*words, "--permission-mode", launch.config.permission_mode or "acceptEdits"]

    def traces(self, launch: Launch) -> tuple[Path, ...]:
        """The session's transcript: with JSON output nothing is printed before the end."""
        return (session_file(launch),)

    def shows_life(self, launch: Launch, output: Output) -> bool:
        """The transcript has begun (or grown, when resumed), or a mailcore command was run, or it said something."""
        if output.acted or output.any:
            return True
        try:
            trace = session_file(launch).stat()
            return trace.st_size > 0 and trace.st_mtime >= output.stdout.stat().st_mtime
        except OSError:
            return False

    def ending(self, exit_code: int, output: Output) -> Ending:
        """The `result` object decides: `is_error` and `api_error_status`, never `subtype` alone, never the text."""
        result = _result(output.stdout)
        if result is None:
            return Ending(exit_code == 0, f"{exit_words(exit_code)}, no result object")
        text = str(result.get("result") or "")
        cost = result.get("total_cost_usd")
        dollars = float(cost) if isinstance(cost, int | float) else 0.0
        status = result.get("api_error_status")
        if status in LIMITS:
            return Ending(False, f"API {status} ({result.get('api_error_type')})", True, text, dollars)
        if result.get("is_error") or result.get("subtype") != "success" or exit_code != 0:
            return Ending(False, f"{exit_words(exit_code)}, {result.get('subtype')}", False, text, dollars)
        return Ending(True, exit_words(exit_code), False, text, dollars)


def session_file(launch: Launch) -> Path:
    """Where this session's transcript lies."""
    home = Path(os.environ.get("CLAUDE_CONFIG_DIR") or Path.home() / ".claude")
    folder = re.sub(r"[/\\:_.]", "-", str(launch.agent.branch))
    return home / "projects" / folder / f"{launch.session_id}.jsonl"


def _result(stdout: Path) -> dict[str, Any] | None:
    for line in reversed(tail(stdout, 1 << 20)):
        try:
            value = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(value, dict) and value.get("type") == "result":
            return value
    return None
