"""`[link]`: what other hosts of a link may do here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Annotated, Literal, get_args

from mailcore.config.kinds import Word, describe

ActVerb = Literal[
    "dispatch", "wake", "kill", "retry", "review", "hold", "release", "queue", "approve", "deny", "ack", "done",
    "blocked", "declined", "accept", "reopen", "reply", "read", "close", "inbox", "thread", "trace", "tasks", "runs",
    "run", "agents", "limits", "logs", "usage",
]  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """Other hosts that work on the same project (`mailcore link`)."""

    acts: Annotated[
        tuple[ActVerb, ...],
        describe("Verbs that the operator of another host may have carried out here, as this one's. []: none."),
    ] = get_args(ActVerb)  # fmt: skip
    ssh: Annotated[
        Mapping[str, Word],
        describe("By host, where `attach` reaches it with ssh; else by its name.", {"beta": "me@beta.example.org"}),
    ] = field(default_factory=lambda: MappingProxyType({}))
