"""What an agent's program asks its operator, all of it: each prompt stands until its own call goes on. Pure.

A prompt is reported by PermissionRequest, which names tool and input, by Notification, which names neither, or by both;
of a call by its id, where one such call is open. Several stand at once, of parallel calls and of subagents.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec.structs import replace

from mailcore.model.activity import Activity, Kind
from mailcore.programs.hook_lines import ends_calls

MAX_PROMPTS = 32
"""Prompts that are kept, the newest."""


def after_request(
    prompts: tuple[Activity, ...], asks: Activity, open_calls: Iterable[Activity]
) -> tuple[Activity, ...]:
    """The prompts that stand once `asks` was reported."""
    same = [one for one in prompts if _one_session(one, asks)]
    if not asks.tool:
        return prompts if same else (*prompts, asks)[-MAX_PROMPTS:]
    taken = {one.tool_id for one in same}
    calls = [
        call for call in open_calls
        if call.kind is Kind.TOOL and (call.subagent, call.tool) == (asks.subagent, asks.tool)
        and call.tool_id and _one_session(call, asks)
    ]  # fmt: skip
    meant = [call for call in calls if call.text and call.text in asks.text] or calls
    known = asks.tool_id or next((call.tool_id for call in meant if call.tool_id not in taken), "")
    if not known and (meant or any((one.subagent, one.text) == (asks.subagent, asks.text) for one in same)):
        return prompts  # reported twice
    if known in taken and known:
        return prompts
    unnamed = [one for one in same if not one.tool]
    since = min([asks.at, *(one.at for one in unnamed)])
    kept = tuple(one for one in prompts if one not in unnamed)
    return (*kept, replace(asks, tool_id=known, at=since))[-MAX_PROMPTS:]


def after_activity(prompts: tuple[Activity, ...], activity: Activity) -> tuple[Activity, ...]:
    """The prompts that still stand after that activity."""
    kept = tuple(one for one in prompts if not _answers(activity, one))
    return kept if len(kept) < len(prompts) else prompts


def after_end_of_wait(
    prompts: tuple[Activity, ...], granted: tuple[Activity, ...], session: str, at: float
) -> tuple[tuple[Activity, ...], tuple[Activity, ...]]:
    """Both, once the program said that this session waits for nobody since `at`: what it asked before was granted."""
    done = tuple(one for one in prompts if one.session in ("", session) and one.at < at)
    if not done:
        return prompts, granted
    return tuple(one for one in prompts if one not in done), (*granted, *done)[-MAX_PROMPTS:]


def after_confirmation(
    prompts: tuple[Activity, ...], granted: tuple[Activity, ...], asks: Activity
) -> tuple[tuple[Activity, ...], tuple[Activity, ...]]:
    """Both, once the program said that the session of `asks` waits: for what it asked, else for `asks` itself.

    Where several calls ask at once, it says in between that it waits for nobody.
    """
    again = tuple(one for one in granted if _one_session(one, asks))
    if again:
        prompts, granted = (*prompts, *again), tuple(one for one in granted if one not in again)
    return after_request(prompts, asks, ()), granted


def _answers(activity: Activity, prompt: Activity) -> bool:
    if activity.at < prompt.at:
        return False
    if activity.kind is Kind.SESSION and not activity.subagent:
        return True
    if not _one_session(activity, prompt):
        return False
    if ends_calls(activity, prompt.subagent):
        return True
    if activity.subagent != prompt.subagent:
        return False
    if not prompt.tool:
        return True
    match activity.kind:
        case Kind.TOOL_DONE | Kind.TOOL_FAILED if activity.tool_id and prompt.tool_id:
            return activity.tool_id == prompt.tool_id
        case Kind.TOOL_DONE | Kind.TOOL_FAILED:
            return activity.tool == prompt.tool
        case Kind.TOOL:  # a parallel call, where calls have ids; else the next, which begins when the former is over
            return not (activity.tool_id and prompt.tool_id)
        case Kind.SUBAGENT:
            return False
        case _:  # its model goes on, so it has its calls' results
            return True


def _one_session(one: Activity, other: Activity) -> bool:
    return not (one.session and other.session) or one.session == other.session
