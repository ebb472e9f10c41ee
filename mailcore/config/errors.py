"""What config.toml says of repeated errors: `[errors]`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Annotated

from mailcore.config.kinds import Address, CountOrNone, ErrorCount, ErrorSeverity, Period, Word, describe


@dataclass(frozen=True, slots=True, kw_only=True)
class Errors:
    """What is done about errors that agents' logs, tools and results report again and again."""

    watch: Annotated[
        bool,
        describe("Whether logs and results are looked through by itself: at each end of a run, and by who is on duty."),
    ] = True
    mail: Annotated[bool, describe("Whether the agent in whose files an error repeats is mailed about it.")] = True
    dispatch: Annotated[bool, describe("Whether it is dispatched with that mail: started, to look at it at once.")] = (
        False
    )
    count: Annotated[ErrorCount, describe("So often an error happens within the window before anybody is mailed.")] = 3
    window: Annotated[Period, describe("That window.")] = 3600.0
    severity: Annotated[
        ErrorSeverity,
        describe('How bad an error has to be. "fatal": what wrote it ended by it, as a panic, an uncaught exception.'),
    ] = "error"
    owners: Annotated[
        Mapping[str, Address],
        describe(
            "Who is mailed about errors of a path (it holds / or *), of a module, or of a kind, as of npm.",
            {"lib/*": "@lead", "npm": "@web"},
        ),
    ] = field(default_factory=lambda: MappingProxyType({}))
    backoff: Annotated[
        Period,
        describe("After an agent was mailed about an error, this long until it is again. Doubles each time."),
    ] = 900.0
    breaker: Annotated[
        CountOrNone,
        describe("Mails and dispatches about errors in an hour, of all agents. 0: any number.", 6),
    ] = 6
    mute: Annotated[
        tuple[Word, ...],
        describe("Words: errors whose title holds one are counted, and nobody is mailed.", ["DeprecationWarning"]),
    ] = ()
