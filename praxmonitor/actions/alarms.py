"""Answers to alarms, what is muted of them, how many there are, and what is heard."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from mailcore.model.message import Message
from praxmonitor.actions import mail
from praxmonitor.actions.context import AlarmList, Context, View
from praxmonitor.actions.permissions import show_request
from praxmonitor.alarms.groups import AlarmGroup, AlarmState

UNANSWERED = (AlarmState.WANTS, AlarmState.SETTLING)


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


async def acknowledge_chosen(context: Context[AlarmList]) -> None:
    """Take note of the chosen alarm and of those that joined it; of one that is acknowledged take that back."""
    if (group := _chosen(context)) is not None:
        taken_back = group.leader.acknowledged
        await _answer(context, context.alarms.ask_again if taken_back else context.alarms.acknowledge, [group])


async def snooze_chosen(context: Context[AlarmList]) -> None:
    """Snooze it and those that joined it; of one that is snoozed take that back."""
    if (group := _chosen(context)) is None:
        return
    if group.state is AlarmState.OVER:
        context.display.notify("it is over, and not heard: a takes it off the list")
        return
    taken_back = group.leader.answered(context.alarms.listed()[1]) and not group.leader.acknowledged
    await _answer(context, context.alarms.ask_again if taken_back else context.alarms.snooze, [group])


async def approve_request(context: Context[AlarmList]) -> None:
    """Grant the chosen request, or the only one that waits."""
    if (asked := _request(context)) is not None:
        await mail.ask_decision(context, asked, "Approve", "approved")


async def deny_request(context: Context[AlarmList]) -> None:
    """Refuse the chosen request, or the only one that waits."""
    if (asked := _request(context)) is not None:
        await mail.ask_decision(context, asked, "Deny", "denied")


def _request(context: Context[AlarmList]) -> Message | None:
    """The chosen request; where none is chosen the only one, to which the cursor goes; of several none, and it goes to
    the first."""
    chosen, waiting = context.view.chosen, [row for row in context.view.rows if row.request is not None]
    if chosen is not None and chosen.request is not None:
        return chosen.request
    if len(waiting) == 1:
        context.view.choose(waiting[0])
        return waiting[0].request
    if waiting:
        context.view.choose(waiting[0])
        context.display.notify(f"{len(waiting)} requests wait: this is the first, the same key decides it")
    return None


async def acknowledge_listed(context: Context[AlarmList]) -> None:
    """Take note of all that want the operator, and of what is over."""
    groups = [row.group for row in context.view.rows if row.group is not None]
    wanting = [group for group in groups if group.state in (*UNANSWERED, AlarmState.OVER)]
    if not wanting:
        context.display.notify("no alarm is waiting")
    await _answer(context, context.alarms.acknowledge, wanting)


async def _answer(
    context: Context[AlarmList], answer: Callable[[Sequence[str]], Awaitable[None]], groups: Sequence[AlarmGroup]
) -> None:
    context.view.let_go()  # what is answered moves away: the next one takes its place
    await answer([key for group in groups for key in group.keys])
    context.view.refresh_all()


def _chosen(context: Context[AlarmList]) -> AlarmGroup | None:
    row = context.view.chosen
    if row is not None and row.group is None:
        answers = "answer its permission (Y)" if row.permission is not None else "approve (Y) or deny (N) it"
        context.display.notify(f"no alarm is raised about this request: {answers}", severity="warning")
    return row.group if row is not None else None


def mute_chosen(context: Context[AlarmList]) -> None:
    """Mute the chosen alarm's like."""
    from praxmonitor.dialogs.mute_alarm import MuteAlarmScreen

    if (group := _chosen(context)) is not None:
        alarms = context.alarms
        context.display.push_screen(MuteAlarmScreen(group.leader.alarm, lambda: alarms.listed()[1], alarms.mute))


async def open_chosen(context: Context[AlarmList]) -> None:
    """Go to what the chosen row is about: the request among the mail, the error, the alarm's agent. A request for
    permission is shown whole."""
    row = context.view.chosen
    if row is not None and row.permission is not None:
        await show_request(context, row.permission)
        return
    if row is not None and row.request is not None:
        facts = context.snapshot.fleet.find(row.request.sender)
        if facts is not None and row.request in facts.remote_requests:
            context.display.navigation.show_agent(facts.address)
        else:
            context.display.navigation.show_message(row.request.id or row.request.sent_id)
    elif row is not None and row.group is not None:
        alarm = row.group.leader.alarm
        if alarm.fingerprint:
            context.display.navigation.show_error(alarm.fingerprint)
        elif alarm.address:
            context.display.navigation.show_agent(alarm.address)
        else:
            agents = f": {' '.join(alarm.agents)}" if alarm.agents else ""
            context.display.notify(f"this alarm is about no agent alone{agents}")


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
