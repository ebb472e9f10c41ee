"""What config.toml says of agents, of the programs that they are and of the accounts that these work with: `[agents]`,
`[agents.NAME]`, `[programs.NAME]`, `[accounts.NAME]`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated

from mailcore.config.kinds import AccountName, Count, CountOrNone, Directory, Name, Seconds, Word, describe


@dataclass(frozen=True, slots=True)
class AgentConfig:
    """The program that an agent is: [agents] says it for every agent, [agents.NAME] for one, which counts more.

    Who names a program that [agents] does not name takes no command, model and permission mode from there.
    """

    program: Annotated[
        Name,
        describe(
            "The program: one that `mailcore doctor` lists, or command. Empty: the first of those that is on PATH; "
            "where a command is set, command.",
            "command",
        ),
    ] = ""
    command: Annotated[
        tuple[Word, ...],
        describe(
            "What is run as the agent. For the program command: its words, run in the agent's directory; {prompt} is "
            "replaced, and the prompt is in MAILCORE_PROMPT too. It prints something when it is up, and ends with 0.",
            ["python3", "agent.py", "{prompt}"],
        ),
    ] = ()
    model: Annotated[
        Word, describe("The model, as the program calls it. Empty: the program's own choice.", "small")
    ] = ""
    permission_mode: Annotated[
        Word,
        describe(
            "What it may do unasked, as the program calls it. bypass: it never asks. Empty: it may edit its own "
            "directory and run mailcore.",
        ),
    ] = ""
    max_turns: Annotated[Count, describe("Turns of one run, where the program knows such a limit.")] = 100
    wake_every: Annotated[
        Seconds,
        describe("A timer of yours wakes it this often. Shown as its next wake, and as late when that did not come. "
              "0: none.", 3600),
    ] = 0.0  # fmt: skip
    account: Annotated[
        AccountName,
        describe("Whose credentials its program works with: the NAME of an [accounts.NAME]. Empty: the program's own "
              "choice, by the environment of whoever starts it.", "NAME"),
    ] = ""  # fmt: skip

    def in_program(self, name: str) -> AgentConfig:
        """The same for another program than the one said here, whose model and permission mode are not meant."""
        if self.program in ("", name):
            return self
        return replace(self, model="", permission_mode="")


@dataclass(frozen=True, slots=True)
class ProgramConfig:
    """What holds for every agent of one program."""

    max_runs: Annotated[CountOrNone, describe("Runs of it at once. 0: any number.", 4)] = 0


@dataclass(frozen=True, slots=True)
class AccountConfig:
    """One more account of yours, by the directory in which each program keeps its credentials, settings and sessions.

    PROGRAM stands for a program's name: claude, codex, gemini, or one of a package that has such a directory. An agent
    whose `account` it is, is started with all of them, and its sessions are looked for there. You log in there once.
    """

    PROGRAM: Annotated[
        Directory,
        describe("The directory that the program is given by its own environment variable.", "~/.PROGRAM-work"),
    ] = ""
