"""What is asked of the alarms: in their view of the chosen one, and from every view."""

from __future__ import annotations

from praxmonitor.actions import alarms, mail_preconditions
from praxmonitor.actions.action import Action, Footer
from praxmonitor.actions.scope import ALARMS, EVERYWHERE

IN_ALARMS = (
    Action(
        "acknowledge_alarm", "a", "acknowledge", ALARMS,
        "take note of the chosen alarm and of those of its cause; again: take that back", alarms.acknowledge_chosen,
        words="silence quiet dismiss seen answer", footer=Footer.IF_ROOM, in_replay=True,
    ),
    Action(
        "snooze_alarm", "z", "snooze", ALARMS, "silence the chosen one for a while; again: take that back",
        alarms.snooze_chosen, words="later quiet silence answer", footer=Footer.IF_ROOM, in_replay=True,
    ),
    Action(
        "acknowledge_listed", "A", "all", ALARMS, "take note of all that want you, and of what is over",
        alarms.acknowledge_listed, words="acknowledge everything dismiss clear", in_replay=True,
    ),
    Action(
        "mute_alarm", "m", "mute", ALARMS, "mute its like: by agent, kind, cause or task, for so long",
        alarms.mute_chosen, words="hide shelve silence kind agent", footer=Footer.IF_ROOM, in_replay=True,
    ),
    Action(
        "open_alarm", "enter", "open", ALARMS, "go to its agent; to the request, to the error", alarms.open_chosen,
        words="agent go source read", footer=Footer.IF_ROOM, in_replay=True,
    ),
    Action(
        "approve_request", "Y", "approve", ALARMS, "approve the chosen request, or the only one; you say why",
        alarms.approve_request, words="yes allow grant accept permit permission decide request",
        precondition=mail_preconditions.some_request, footer=Footer.IF_ROOM,
    ),
    Action(
        "deny_request", "N", "deny", ALARMS, "deny the chosen request, or the only one; you say why",
        alarms.deny_request, words="no refuse reject decline forbid permission decide",
        precondition=mail_preconditions.some_request, footer=Footer.IF_ROOM,
    ),
)  # fmt: skip

ON_ALARMS = (
    Action(
        "acknowledge", "A", "acknowledge", EVERYWHERE, "take note of every alarm: none of them sounds again",
        alarms.acknowledge, words="silence quiet dismiss alarm seen", in_replay=True,
    ),
    Action(
        "snooze", "Z", "snooze", EVERYWHERE, "silence every alarm for a while ([alarms] snooze)", alarms.snooze,
        words="silence quiet away later break do not disturb", in_replay=True,
    ),
    Action(
        "alarm_mutes", "u", "muted alarms", EVERYWHERE,
        "what is muted of the alarms, by whom, until when, why; ends one early", alarms.show_mutes,
        words="unmute mute hidden shelved silences end", in_replay=True,
    ),
    Action(
        "alarm_load", "s", "alarm load", EVERYWHERE,
        "how many alarms there were, the worst sources, what is stale, the history", alarms.show_load,
        words="statistics history figures rate bad actors worst eemua noise", in_replay=True,
    ),
)  # fmt: skip
