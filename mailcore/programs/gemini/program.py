"""Gemini CLI, headless: command line, sign of life, outcome. Its facts: release 0.61.0."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

from mailcore.config import AgentConfig
from mailcore.model.agent import Agent
from mailcore.programs.base import Ending, Interactive, Launch, Output, SessionFiles, is_session_id
from mailcore.programs.gemini.places import ACCOUNT_HOME, has_session, is_resumable

if TYPE_CHECKING:
    from mailcore.programs.transcript_reader import OutputReader

MODES = {"": "default", "bypass": "yolo"}
"""Our words for `--approval-mode`; its own go through as they stand."""

MAILCORE = "run_shell_command(mailcore)"
"""Without it the agent is given no shell at all: no mail is read, no task answered."""
EDITS = ("write_file", "replace")
"""Allowed by name: `auto_edit` would also let a mailcore command write its output to any place, and fetch pages."""

POLICY = Path(__file__).with_name("policy.toml")

NAMES = ("node", "MainThread")
"""Of its process: as of node until release 22, and as of 24."""

_REFERENCE = re.compile(r"(?<!\\)@")
_HEADLESS = {"-p", "--prompt", "-o", "--output-format", "--acp", "--experimental-acp"}
_COMMANDS = {"mcp", "extensions", "extension", "skills", "skill", "hooks", "hook", "gemma"}


def _is_session(words: Sequence[str]) -> bool:
    """True of `node …/gemini …` that a person works in: not of the process which that starts, nor of a headless run."""
    given = words[2:]
    return (
        len(words) > 1
        and PurePath(words[1]).name in ("gemini", "gemini.js")
        and not _HEADLESS & {word.partition("=")[0] for word in given}
        and not _COMMANDS & set(given[:1])
    )


class Gemini:
    """`program = "gemini"`."""

    name = "gemini"
    executables = ("gemini",)
    home = ACCOUNT_HOME
    hooks = None
    interactive = Interactive(NAMES, _is_session)
    takes = frozenset({"model", "resume"})
    variables = frozenset(f"GEMINI_CLI{name}" for name in ("", "_NO_RELAUNCH", "_TRUST_WORKSPACE", "_WORKTREE_HANDLED"))

    def sessions_at(self, home: Path) -> SessionFiles:
        """A directory for each that sessions were begun in."""
        from mailcore.programs.gemini.sessions import GeminiSessions

        return GeminiSessions(home)

    def statuses_at(self, home: Path) -> None:
        """It does not say how its sessions stand."""
        del home

    def argv(self, launch: Launch) -> list[str]:
        """`gemini --prompt=PROMPT`, a session named or resumed; `--skip-trust`, for it runs in no untrusted branch.

        It may use mailcore in every mode, and by default edit the branch. There is no option for a limit of turns.
        """
        mode = launch.config.permission_mode
        words = ["gemini", f"--prompt={_prompt(launch.prompt)}", "--output-format", "stream-json", "--skip-trust"]
        words += ["--approval-mode", MODES.get(mode, mode)]
        if mode == "":
            words += [f"--allowed-tools={','.join((MAILCORE, *EDITS))}", f"--admin-policy={POLICY}"]
        elif not self.bypasses(launch.config):  # there it would forbid every other command
            words.append(f"--allowed-tools={MAILCORE}")
        if launch.config.model:
            words += ["--model", launch.config.model]
        return [*words, *_session(launch)]

    def traces(self, launch: Launch) -> tuple[Path, ...]:
        """None: it prints events as they come."""
        del launch
        return ()

    def shows_life(self, launch: Launch, output: Output) -> bool:
        """Its first event, or a mailcore command; what is on standard error are its warnings."""
        del launch
        try:
            return output.acted or output.stdout.stat().st_size > 0
        except OSError:
            return False

    def ending(self, exit_code: int, output: Output) -> Ending:
        """By the `result` event and the exit code."""
        from mailcore.programs.gemini.outcome import ending

        return ending(exit_code, output)

    def session(self, given: str, output: Output) -> str:
        """As its first event says: it may have begun another than the one that was asked for."""
        from mailcore.programs.gemini.outcome import session_id

        found = session_id(output.stdout)
        return found if is_session_id(found) else given

    def attach(self, agent: Agent, config: AgentConfig, session_id: str, home: Path) -> list[str] | None:
        """`gemini --resume ID`, with its model."""
        if not is_session_id(session_id) or not is_resumable(agent.branch, session_id, home):
            return None
        return ["gemini", "--resume", session_id, *(["--model", config.model] if config.model else [])]

    def bypasses(self, config: AgentConfig) -> bool:
        """By its approval mode."""
        return config.permission_mode in ("bypass", "yolo")

    def output_reader(self, agent: str) -> OutputReader:
        """What its session file reports late or never."""
        from mailcore.programs.gemini.output import GeminiOutput

        return GeminiOutput(agent)


def _session(launch: Launch) -> list[str]:
    if launch.mode == "resume" and is_resumable(launch.agent.branch, launch.session_id, launch.home):
        return ["--resume", launch.session_id]
    if has_session(launch.agent.branch, launch.session_id, launch.home):
        # It died before it kept its prompt: Gemini CLI neither resumes such a session nor begins it again.
        return []
    return ["--session-id", launch.session_id]


def _prompt(prompt: str) -> str:
    r"""The prompt with `\@` for `@`: a word after that sign is taken for a file, whose text is put in its place."""
    escaped = _REFERENCE.sub(r"\\@", prompt)
    return escaped if escaped == prompt else rf"{escaped} (In this prompt \@ stands for the at sign.)"
