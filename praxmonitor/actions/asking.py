"""What acts have in common: the form, the question before one, the passphrase, the thread, what is said of it.

An act runs in a thread through mailcore. It says only "asked": what became of it shows when the files say so.

What asks first, and why. A kill: it cannot be undone. A retry and a wake: each is one small letter, each starts a
program that costs money, and a word typed in the wrong place (the filter, before its `/`) holds both letters; the
question says what the last run came to and used, and `y` answers it. A dispatch, a mail and a decision do not: their
form is the question. A hold does not: the same key takes it back. Closing the one mail under the cursor does not,
for the archive keeps it; closing many does, by their number.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import ParamSpec, TypeAlias, TypeVar

from mailcore.exceptions import MailcoreError
from mailcore.model.message import Message
from praxmonitor.actions import requests
from praxmonitor.actions.context import Context, View
from praxmonitor.text.letters import Letter
from praxmonitor.text.lines import plain

P = ParamSpec("P")
T = TypeVar("T")
Submit: TypeAlias = Callable[[list[str], str, str], str]
"""(addresses, subject, body) → what was asked, for a notification. Raises MailcoreError."""


async def ask(context: Context[View], act: Callable[P, str], *args: P.args, **kwargs: P.kwargs) -> bool:
    """Run an act in a thread and say that it was asked for, or why it was refused; whether it was asked for."""
    asked = await result_of(context, act, *args, **kwargs)
    if asked is not None:
        await _acknowledge(context, f"asked: {plain(asked)}")
    return asked is not None


async def ask_reversible(context: Context[View], act: Callable[[], str], undone_by: str, undo: str) -> bool:
    """Run an act in a thread that does it at once; say what it did, and the key of the action that undoes it, or why it
    was refused; whether it was done."""
    done = await result_of(context, act)
    if done is not None:
        key = context.display.key_of(undone_by)
        await _acknowledge(context, plain(done) + (f"  ({key}: {undo})" if key else ""))
    return done is not None


async def _acknowledge(context: Context[View], said: str) -> None:
    context.display.notify(said)
    await asyncio.to_thread(context.opened.note_presence)


async def result_of(context: Context[View], act: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T | None:
    """What `act` says in a thread; None if it refuses: then it is said why."""
    try:
        return await asyncio.to_thread(act, *args, **kwargs)
    except (MailcoreError, OSError) as error:
        refused(context, error)
        return None


def taken(context: Context[View], act: Callable[[str], str]) -> Callable[[str], Awaitable[bool]]:
    """Does it with the line that was written; whether it was done. What was written stays where it is refused."""

    async def submit(text: str) -> bool:
        return await ask(context, act, text)

    return submit


def refused(context: Context[View], error: Exception) -> None:
    """Say why an act was not done."""
    context.display.notify(plain(str(error)), title="not done", severity="error", timeout=12)


async def unlocked(context: Context[View], tier: int = 0) -> bool:
    """Whether what no agent may do may be done here. Asks for the passphrase where one is wanted.

    `tier`: that of the approval that is to be decided, if it is one.
    """
    workspace = context.opened.workspace
    locked = await result_of(context, requests.is_locked, workspace, context.opened.config, tier)
    if not locked:
        return locked is not None
    from praxmonitor.dialogs.unlock import UnlockScreen

    return await context.display.push_screen_wait(UnlockScreen(partial(requests.prove, workspace)))


def write(context: Context[View], title: str, submit: Submit, *, to: str, subject: str = "", body: str = "") -> None:
    """Open the form for a mail. `submit` runs in a thread when the operator sends. `body`: what stands in it before."""
    from praxmonitor.actions.composing import begin_with

    def submitted(written: Letter) -> str:
        return submit(written.addresses, written.subject, written.body)

    begin_with(context, title, Letter(to, subject, body), submitted)


def answer(
    context: Context[View],
    title: str,
    submit: Submit,
    *,
    to: str,
    subject: str,
    body: str = "",
    answered: Message | None = None,
) -> None:
    """Open the form for an answer, which begins with `body`: addressee and subject are not the operator's to change.

    `answered`: the mail that it answers, which stays in view; that under the cursor, where it is not said. `submit`
    runs in a thread when the operator sends.
    """
    from praxmonitor.actions.composing import begin_answer

    message = answered or getattr(context.view, "message", None)
    shown, letter = (message.body, message.id) if isinstance(message, Message) else ("", ""), Letter(to, subject, body)

    def submitted(written: Letter) -> str:
        return submit(written.addresses, written.subject, written.body)

    begin_answer(context, title, letter, submitted, answers=shown[1], answered=shown[0])
