"""What config.toml says of permissions that agents' programs ask for: `[permissions]`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from mailcore.config.kinds import Period, Seconds, Word, describe


@dataclass(frozen=True, slots=True, kw_only=True)
class Permissions:
    """What is decided without asking, and for how long a request waits for you at the screen."""

    allow: Annotated[
        tuple[Word, ...],
        describe(
            "Allowed without asking: a tool, or a tool and a pattern of its words. A chain of commands is allowed only "
            "by its very text.",
            ["Read", "Bash(git status*)"],
        ),
    ] = ()
    deny: Annotated[
        tuple[Word, ...],
        describe("Denied without asking, also as a part of a chain of commands.", ["Bash(git push*)"]),
    ] = ()
    wait: Annotated[
        Period,
        describe("A request waits so long for you here, where the program asks at its own terminal at the same time."),
    ] = 3600.0
    first: Annotated[
        Seconds,
        describe("The same of a program that asks at its own terminal only afterwards. 0: it asks at once."),
    ] = 20.0
