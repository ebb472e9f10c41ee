"""What config.toml says of agents and of the programs that they are: `[agents]`, `[agents.NAME]`, `[programs.NAME]`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from mailcore.config.kinds import Count, CountOrNone, Name, Seconds, Word, describe


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


@dataclass(frozen=True, slots=True)
class ProgramConfig:
    """What holds for every agent of one program."""

    max_runs: Annotated[CountOrNone, describe("Runs of it at once. 0: any number.", 4)] = 0
