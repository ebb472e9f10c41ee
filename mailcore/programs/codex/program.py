"""Codex CLI, headless: command line and event stream (contract/codex.md)."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from mailcore.config import AgentConfig
from mailcore.model.agent import Agent
from mailcore.programs.base import Ending, Hooks, Interactive, Launch, Output, SessionFiles
from mailcore.programs.codex.places import ACCOUNT_HOME, is_kept
from mailcore.programs.codex.plugins import parts_at

if TYPE_CHECKING:
    from mailcore.programs.transcript_reader import OutputReader

OWN_PATH = ("-c", "allow_login_shell=false")
"""Codex runs its commands in a login shell, whose profile sets PATH again: `mailcore` would not be found."""


HOOK_EVENTS = (
    "SessionStart", "UserPromptSubmit", "PreToolUse", "PostToolUse", "PermissionRequest", "SubagentStart",
    "SubagentStop", "PreCompact", "PostCompact", "Stop", "SessionEnd",
)  # fmt: skip
"""Those that the screen knows (contract codex, "Hooks")."""

SERVER_VERBS = {"app-server", "mcp-server", "exec"}
"""Its ways of running that are no session of a person's."""


PLACE_OPTIONS = ("--add-dir", "-C", "--cd")
"""Its options that name a directory in which it may work."""


def _added(words: Sequence[str]) -> list[str]:
    """What each of them names."""
    split = [word.partition("=") for word in words]
    joined = [value for option, equals, value in split if option in PLACE_OPTIONS and equals]
    return [*joined, *(value for option, value in pairwise(words) if option in PLACE_OPTIONS)]


def _is_shared(words: Sequence[str]) -> bool:
    """The server that the first session begins, and all that follow share."""
    return "--managed-daemon" in words


def queued(session: str, text: str) -> list[str]:
    """`codex queue`: an idle session looks for it every ten seconds, and takes it for what its person typed."""
    return ["codex", "queue", "--thread", session, "--message", text]


class Codex:
    """`program = "codex"`."""

    name = "codex"
    executables = ("codex",)
    home = ACCOUNT_HOME
    hooks = Hooks(".codex/hooks.json", HOOK_EVENTS, persons_shell=True, queue=queued, parts=parts_at)
    interactive = Interactive(
        ("codex",), lambda words: not SERVER_VERBS & set(words[1:3]), added=_added, shared=_is_shared
    )
    takes = frozenset({"model", "resume"})
    variables = frozenset[str]()

    def sessions_at(self, home: Path) -> SessionFiles:
        """A directory a day, whosever the sessions are."""
        from mailcore.programs.codex.sessions import CodexSessions

        return CodexSessions(home)

    def statuses_at(self, home: Path) -> None:
        """It does not say how its sessions stand."""
        del home

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
        if launch.mode == "resume" and is_kept(launch.session_id, launch.home):
            words += ["resume", launch.session_id]
        return [*words, launch.prompt]

    def traces(self, launch: Launch) -> tuple[Path, ...]:
        """None: it prints events as they come."""
        del launch
        return ()

    def shows_life(self, launch: Launch, output: Output) -> bool:
        """Its first event, or a mailcore command; what is on standard error are its warnings."""
        del launch
        return output.acted or output.printed

    def ending(self, exit_code: int, output: Output) -> Ending:
        """As its events say."""
        from mailcore.programs.codex.events import ending

        return ending(exit_code, output)

    def session(self, given: str, output: Output) -> str:
        """Codex names its threads itself."""
        from mailcore.programs.codex.events import thread_of

        del given
        return thread_of(output)

    def attach(self, agent: Agent, config: AgentConfig, session_id: str, home: Path) -> list[str] | None:
        """`codex resume THREAD_ID`, with its model."""
        del agent
        if not is_kept(session_id, home):
            return None
        return ["codex", "resume", *OWN_PATH, session_id, *(["-m", config.model] if config.model else [])]

    def bypasses(self, config: AgentConfig) -> bool:
        """By its permission mode: any other leaves it in its sandbox."""
        return config.permission_mode == "bypass"

    def output_reader(self, agent: str) -> OutputReader:
        """Its session file reports the same as the events that it prints, and more."""
        from mailcore.programs.transcript_reader import ObjectsIgnored

        del agent
        return ObjectsIgnored()
