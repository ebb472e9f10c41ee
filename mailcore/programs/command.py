"""Any command as an agent: its first output or mailcore act is its sign of life, exit 0 its success.

Some log to their standard error alone: there what comes after the first word counts.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from mailcore.config import AgentConfig
from mailcore.model.agent import Agent
from mailcore.model.limit import Limit
from mailcore.programs.base import Ending, Launch, Output, ProgramFailed, exit_words, tail

BYPASS = ("bypassPermissions", "--dangerously-", "danger-full-access", "--yolo")
"""In the words of a command: the program that it starts asks nothing before it acts."""


class Command:
    """`program = "command"`, `command = ["python3", "agent.py", "{prompt}"]`."""

    name = "command"
    executables = ()
    home = None
    hooks = None
    interactive = None
    takes = frozenset[str]()
    variables = frozenset[str]()

    def sessions_at(self, home: Path) -> None:
        """None that is known."""
        del home

    def statuses_at(self, home: Path) -> None:
        """Nor how one stands."""
        del home

    def argv(self, launch: Launch) -> list[str]:
        """The configured words, `{prompt}` replaced."""
        return [word.replace("{prompt}", launch.prompt) for word in launch.config.command]

    def traces(self, launch: Launch) -> tuple[Path, ...]:
        """None: what it prints lies in the run's own directory."""
        del launch
        return ()

    def shows_life(self, launch: Launch, output: Output) -> bool:
        """Any byte of output, more than one warning on standard error, or a mailcore command."""
        del launch
        return output.acted or output.any

    def ending(self, exit_code: int, output: Output) -> Ending:
        """Exit 0 is success; its last line is the result. It may have printed what another program's limit is."""
        lines = [line for line in tail(output.stdout, 4096) if line.strip()]
        result = lines[-1] if lines else ""
        limit = self._limit(exit_code, output) if exit_code != 0 else None
        return Ending(exit_code == 0, exit_words(exit_code), limit is not None, result, limit=limit)

    def _limit(self, exit_code: int, output: Output) -> Limit | None:
        """The limit that one of the built-in programs knows by what stands in its output: the command may wrap it."""
        from mailcore.programs.registry import built_in

        for other in built_in():
            if not other.executables:
                continue
            # What it started, it started in that program's usual account.
            usual = replace(output, home=other.home.usual() if other.home is not None else None)
            with suppress(ProgramFailed):
                if (limit := other.ending(exit_code, usual).limit) is not None:
                    return limit
        return None

    def session(self, given: str, output: Output) -> str:
        """None that is known."""
        del given, output
        return ""

    def attach(self, agent: Agent, config: AgentConfig, session_id: str, home: Path) -> list[str] | None:
        """None: any command, no known session."""
        del agent, config, session_id, home
        return None

    def bypasses(self, config: AgentConfig) -> bool:
        """By its words, or as config says of it."""
        words = (config.permission_mode, *config.command)
        return config.permission_mode == "bypass" or any(mark in word for word in words for mark in BYPASS)

    def output_reader(self, agent: str) -> None:
        """Its lines are those of a log."""
        del agent
