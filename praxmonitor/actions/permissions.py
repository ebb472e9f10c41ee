"""What the operator does with what an agent's program asks permission for."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from functools import partial

from mailcore.config import Config
from mailcore.model.fleet import AgentFacts
from mailcore.model.permission import PermissionAnswer, PermissionRequest, request_words
from mailcore.text.units import since
from mailcore.workspace.find import Workspace
from praxmonitor.actions import requests
from praxmonitor.actions.asking import ask, result_of, unlocked
from praxmonitor.actions.context import Context, View
from praxmonitor.actions.preconditions import Situation, agent
from praxmonitor.text.lines import Line, plain, spread


def asks_permission(now: Situation, verb: str) -> str:
    """The selected agent's program asks for something and waits to be answered."""
    if why := agent(now, verb):
        return why
    if now.message is not None:
        return "here the mail under the cursor is answered; what a program asks is answered in the view of its agent"
    if now.facts is not None and now.facts.permissions:
        return ""
    asks = now.facts is not None and now.facts.prompts
    where = ": what it asks, it asks at its own terminal alone" if asks else ""
    return f"{now.selected} asks for no permission here{where}"


def asks_for_one(now: Situation) -> bool:
    """The moment asks for an answer."""
    return not asks_permission(now, "")


def answering(*, denies: bool = False) -> Callable[[Context[View]], Coroutine[None, None, None]]:
    """Shows the request of the selected agent whole, and gives the operator's answer; of several the one he chooses."""

    async def answer(context: Context[View]) -> None:
        if context.facts is None:
            return
        chosen = getattr(context.view, "permission", None) or await _chosen(context, context.facts)
        if chosen is not None:
            await show_request(context, chosen, denies=denies)

    return answer


async def show_request(context: Context[View], request: PermissionRequest, *, denies: bool = False) -> None:
    """Show all of a request; what is answered there, is given."""
    from praxmonitor.dialogs.permission import PermissionScreen

    opened = context.opened
    shown = PermissionScreen(request, opened.clock(), denies=denies, decides=opened.writable)
    answer = await context.display.push_screen_wait(shown)
    if shown.is_over:
        await _say_who(context, request)
    if answer is not None and await unlocked(context):
        await ask(context, answer_request, opened.workspace, opened.config, request, answer)


async def _say_who(context: Context[View], request: PermissionRequest) -> None:
    """Who answered while it was shown."""
    from mailcore.permissions.decide import first_answer

    workspace = context.opened.workspace
    asked = plain(f"{request.agent} {request.tool}")
    who = await result_of(context, first_answer, workspace, workspace.agent(request.agent), request)
    if who is not None:
        context.display.notify(f"{asked}: {plain(who)}")


async def _chosen(context: Context[View], facts: AgentFacts) -> PermissionRequest | None:
    from praxmonitor.dialogs.choose import ChooseScreen

    waiting = facts.permissions
    if len(waiting) < 2:
        return waiting[0] if waiting else None
    options = [partial(_option, request, context.snapshot.now) for request in waiting]
    question = f"{facts.address} asks for {len(waiting)} permissions: which?"
    picked = await context.display.push_screen_wait(
        ChooseScreen(question, options, "enter all of it, and the answer   j k another   esc back")
    )
    return waiting[picked] if picked >= 0 else None


def _option(request: PermissionRequest, now: float, width: int) -> list[Line]:
    words = plain(request_words(request).removeprefix("asks for permission: "))
    by = f"subagent {plain(request.subagent)}  " if request.subagent else ""
    return [spread(((words, ""),), ((by, "muted"), (since(request.at, now), "faint")), width)]


def answer_request(workspace: Workspace, config: Config, request: PermissionRequest, answer: PermissionAnswer) -> str:
    """Give the operator's answer to a request, as `mailcore permission` does: refused to an agent that sits at this
    screen, and where somebody was first."""
    from mailcore.permissions.decide import decide_permission

    requests.entitle(workspace, config)
    decide_permission(workspace, workspace.agent(request.agent), request, answer)
    if not answer.allow:
        return f"deny {request.agent} {request.tool}: it reads why"
    return f"allow {request.agent} {request.tool}" + (", until its session ends" if answer.always else " this once")
