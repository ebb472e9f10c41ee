"""Answers to alarms, what is muted of them, how many there are, and what is heard."""

from __future__ import annotations

from praxmonitor.actions.context import Context, View


async def acknowledge(context: Context[View]) -> None:
    """Take note of all alarms."""
    if keys := _unanswered(context):
        await context.alarms.acknowledge(keys)


async def snooze(context: Context[View]) -> None:
    """Silence all alarms for a while."""
    if keys := _unanswered(context):
        await context.alarms.snooze(keys)


def _unanswered(context: Context[View]) -> list[str]:
    keys = [episode.alarm.key for episode in context.alarms.unanswered()]
    if not keys:
        context.display.notify("no alarm is waiting")
    return keys


async def show(context: Context[View]) -> None:
    """List the alarms; the one that is picked opens its agent."""
    from praxmonitor.dialogs.alarms import AlarmsScreen

    if address := await context.display.push_screen_wait(AlarmsScreen(context.alarms)):
        context.display.show_agent(address)


def show_mutes(context: Context[View]) -> None:
    """List what is muted."""
    from praxmonitor.dialogs.alarm_mutes import AlarmMutesScreen

    context.display.push_screen(AlarmMutesScreen(context.alarms))


async def show_load(context: Context[View]) -> None:
    """How many alarms wanted the operator, and what happened of late."""
    from praxmonitor.dialogs.alarm_load import open_load

    await open_load(context.alarms, context.display)


def mute(context: Context[View]) -> None:
    """All sound off, or on again."""
    context.sound.mute()
