"""Codex CLI, headless: command line and event stream (contract/codex.md)."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec

from mailcore.config import AgentConfig
from mailcore.model.agent import Agent
from mailcore.programs.base import Ending, Interactive, Launch, Output, exit_words, is_session_id, tail
from mailcore.programs.codex.sessions import CodexSessions, is_kept
from mailcore.programs.shape import shaped
from mailcore.programs.transcript import LONGEST, ObjectsUntold, parsed
from mailcore.system.files import opened

LIMIT_STATUS = re.compile(r"last status: (429|503|529)\b")
"""Codex has no status field: the sentence of its own `turn.failed` event carries the number (contract/codex.md)."""

OWN_PATH = ("-c", "allow_login_shell=false")
"""Codex runs its commands in a login shell, whose profile sets PATH anew: `mailcore` would not be found."""


SERVERS = {"app-server", "mcp-server", "exec"}
"""Its ways of running that are no session of a person's."""


class Failure(msgspec.Struct):
    """What went wrong."""

    message: str | None = None


class Failed(msgspec.Struct):
    """`error`, which says it itself, and `turn.failed`."""

    message: str | None = None
    error: Failure | None = None


class Item(msgspec.Struct):
    """What was done or said: of an `agent_message` the text."""

    type: str | None = None
    text: str | None = None


class Completed(msgspec.Struct):
    """`item.completed`."""

    item: Item | None = None


class Started(msgspec.Struct):
    """`thread.started`."""

    thread_id: str = ""


class Codex:
    """`program = "codex"`."""

    name = "codex"
    executables = ("codex",)
    sessions = CodexSessions()
    hooks = None
    interactive = Interactive(("codex",), lambda words: not SERVERS & set(words[1:3]))
    variables = frozenset[str]()

    def argv(self, launch: Launch) -> list[str]:
        """`codex exec --json`, and `resume THREAD_ID` where a former attempt began a thread that Codex has kept."""
        words = ["codex", "exec", *OWN_PATH]
        if launch.config.model:
            words += ["-m", launch.config.model]
        words += ["--json", "--skip-git-repo-check"]
        if launch.config.permission_mode == "bypass":
            words.append("--dangerously-bypass-approvals-and-sandbox")
        else:
            # The mail of others lies in the workspace, beside the branch: there the sandbox lets nobody write.
            words += ["--sandbox", "workspace-write", "--add-dir", str(launch.agent.root)]
        if launch.mode == "resume" and _is_kept(launch.session_id):
            words += ["resume", launch.session_id]
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
        """Success is exit 0 and a `turn.completed` after which no error came.

        An `error` before it was a connection that was lost and found; an item of type `error` is only a warning.
        """
        completed, failure, said, odd = False, "", "", dict[str, str]()
        limited = False
        for line in tail(output.stdout, LONGEST):
            event = parsed(line.encode())
            kind = event.get("type") if event is not None else None
            if event is None or not isinstance(kind, str):
                continue
            if kind == "turn.completed":
                completed, failure, limited = True, "", False
            elif kind in ("error", "turn.failed"):
                failed, wrong = shaped(event, Failed, f"codex's {kind}")
                message = (failed.error.message if failed.error is not None else failed.message) or ""
                failure = "; ".join(wrong.values()) or message or kind
                limited = LIMIT_STATUS.search(message) is not None
            elif kind == "item.completed":
                done, wrong = shaped(event, Completed, f"codex's {kind}")
                odd |= wrong
                if done.item is not None and done.item.type == "agent_message":
                    said = done.item.text or ""
        if exit_code == 0 and completed and not failure:
            return Ending(True, ", ".join([exit_words(exit_code), *odd.values()]), result=said)
        failure = failure or "the stream ended without turn.completed"
        return Ending(False, f"{exit_words(exit_code)}: {failure}", limited=limited, result=said)

    def session(self, given: str, output: Output) -> str:
        """Codex names its threads itself, in the first event of its output."""
        del given
        try:
            with opened(output.stdout) as file:
                event = parsed(file.readline(65536).rstrip())
        except OSError:
            return ""
        if event is None or event.get("type") != "thread.started":
            return ""
        thread_id = shaped(event, Started, "codex's thread.started")[0].thread_id
        return thread_id if is_session_id(thread_id) else ""

    def attach(self, agent: Agent, config: AgentConfig, session_id: str) -> list[str] | None:
        """`codex resume THREAD_ID`, with its model."""
        del agent
        if not _is_kept(session_id):
            return None
        return ["codex", "resume", *OWN_PATH, session_id, *(["-m", config.model] if config.model else [])]

    def bypasses(self, config: AgentConfig) -> bool:
        """By its permission mode: any other leaves it in its sandbox."""
        return config.permission_mode == "bypass"

    def output_reader(self, agent: str) -> ObjectsUntold:
        """It prints its events."""
        del agent
        return ObjectsUntold()


def _is_kept(thread_id: str) -> bool:
    return is_session_id(thread_id) and is_kept(thread_id)
