"""What config.toml says of permissions that agents' programs ask for: `[permissions]`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from mailcore.config.kinds import Period, PermissionPattern, Seconds, describe


@dataclass(frozen=True, slots=True, kw_only=True)
class Permissions:
    """What is decided without asking, and for how long a request waits for you at the screen."""

    allow: Annotated[
        tuple[PermissionPattern, ...],
        describe(
            "Allowed without asking: a tool, or a tool and a pattern of its words. A chain of commands is allowed only "
            "by its very text, a path only where its links lead, an address only by its host. A relative path is in "
            "the agent's directory.",
            ["Read(docs/*)", "Bash(git status*)"],
        ),
    ] = ()
    deny: Annotated[
        tuple[PermissionPattern, ...],
        describe(
            "Denied without asking, also as a part of a chain of commands, and however a path is written.",
            ["Bash(git push*)"],
        ),
    ] = ()
    wait: Annotated[
        Period,
        describe("A request waits so long for you here, where the program asks at its own terminal at the same time."),
    ] = 3600.0
    first: Annotated[
        Seconds,
        describe("The same of a program that asks at its own terminal only afterwards. 0: it asks at once."),
    ] = 20.0
