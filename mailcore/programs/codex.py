"""Codex CLI, headless: command line and event stream (contract/codex.md)."""

from __future__ import annotations

import json
import re
from pathlib import Path

from mailcore.programs.base import Ending, Launch, Output, exit_words, tail

LIMIT_STATUS = re.compile(r"last status: (429|503|529)\b")
"""Codex has no status field: the sentence of its own `turn.failed` event carries the number (contract/codex.md)."""


class Codex:
    """`program = "codex"`."""

    name = "codex"

    def argv(self, launch: Launch) -> list[str]:
        """`codex exec --json`; what a former attempt began is not resumed, since its thread id is Codex's own."""
        words = ["codex", "exec"]
        if launch.config.model:
            words += ["-m", launch.config.model]
        words += ["--json", "--skip-git-repo-check"]
        if launch.config.permission_mode == "bypass":
            words.append("--dangerously-bypass-approvals-and-sandbox")
        else:
            words += ["--sandbox", "workspace-write"]
        return [*words, launch.prompt]

    def traces(self, launch: Launch) -> tuple[Path, ...]:
        """None: it prints events as they come."""
        del launch
        return ()

    def shows_life(self, launch: Launch, output: Output) -> bool:
        """Any byte of output, or a mailcore command."""
        del launch
        return output.acted or output.any

    def ending(self, exit_code: int, output: Output) -> Ending:
        """Success is exit 0, a `turn.completed` and no top-level `error`; an item of type `error` is only a warning."""
        completed, failure, said = False, "", ""
        for line in tail(output.stdout, 1 << 20):
            try:
                event = json.loads(line)
            except (ValueError, RecursionError):
                continue
            if not isinstance(event, dict):
                continue
            kind = event.get("type")
            if kind == "turn.completed":
                completed = True
            elif kind in ("error", "turn.failed"):
                detail = event.get("error")
                failure = str((detail if isinstance(detail, dict) else event).get("message") or kind)
            elif kind == "item.completed" and isinstance(event.get("item"), dict):
                item = event["item"]
                said = str(item.get("text", "")) if item.get("type") == "agent_message" else said
        if exit_code == 0 and completed and not failure:
            return Ending(True, exit_words(exit_code), result=said)
        return Ending(
            False,
            f"{exit_words(exit_code)}: {failure or 'the stream ended without turn.completed'}",
            limited=bool(LIMIT_STATUS.search(failure)),
            result=said,
        )
