"""Answers to alarms, and what is heard."""

from __future__ import annotations

from praxmonitor.actions.context import Context, View


async def acknowledge(context: Context[View]) -> None:
    """Take note of all alarms."""
    await _answer_all(context, snooze=False)


async def snooze(context: Context[View]) -> None:
    """Silence all alarms for a while."""
    await _answer_all(context, snooze=True)


async def _answer_all(context: Context[View], *, snooze: bool) -> None:
    keys = [episode.alarm.key for episode in context.alarms.unanswered()]
    if keys:
        await context.alarms.answer(keys, snooze)
    else:
        context.display.notify("no alarm is waiting")


async def show(context: Context[View]) -> None:
    """List the alarms; the one that is picked opens its agent."""
    from praxmonitor.dialogs.alarms import AlarmsScreen

    if address := await context.display.push_screen_wait(AlarmsScreen(context.alarms.listed, context.alarms.answer)):
        context.display.show_agent(address)


def mute(context: Context[View]) -> None:
    """All sound off, or on again."""
    context.sound.mute()
