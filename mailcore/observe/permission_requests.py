"""What an agent asks its operator for, once each: a prompt that its program reported and the request of its hook, of
one call, are one. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from mailcore.model.activity import Activity, Kind
from mailcore.model.fleet import AgentFacts
from mailcore.model.permission import PermissionRequest, request_words
from mailcore.observe.activities import neutral
from mailcore.programs.hook_lines import HOOKS_SOURCE, asks_for_permission


@dataclass(frozen=True, slots=True)
class Asked:
    """One thing that an agent asks for."""

    at: float
    """Since when, seconds since the epoch."""
    words: str


def asked_of_operator(facts: AgentFacts) -> tuple[Asked, ...]:
    """All that its programs ask the operator for, the oldest first."""
    left = list(facts.prompts)
    found = []
    for request in facts.permissions:
        prompt = prompt_of(left, request)
        if prompt is not None:
            left.remove(prompt)
        at = min(prompt.at, request.at) if prompt is not None else request.at
        found.append(Asked(at, neutral(request_words(request))))
    found += [Asked(one.at, one.text) for one in left]
    return tuple(sorted(found, key=lambda one: one.at))


def as_prompt(request: PermissionRequest, at: float) -> Activity:
    """The prompt that the program's own report of the same would be; at most `at`."""
    return Activity(
        min(request.at, at),
        request.agent,
        Kind.WAITING,
        neutral(asks_for_permission(request.tool, request.tool_input)),
        HOOKS_SOURCE,
        neutral(request.tool, 60),
        session=neutral(request.session, 60),
        subagent=neutral(request.subagent, 60),
    )


def prompt_of(prompts: Iterable[Activity], request: PermissionRequest) -> Activity | None:
    """The prompt that stands for the same: its tool and words in its session, else one there that names no tool."""
    same = as_prompt(request, request.at)
    there = [one for one in prompts if one.session in ("", same.session)]
    named = (one for one in there if (one.tool, one.subagent, one.text) == (same.tool, same.subagent, same.text))
    return next(named, None) or next((one for one in there if not one.tool), None)
