"""What is asked of the alarms, from every view."""

from __future__ import annotations

from praxmonitor.actions import alarms
from praxmonitor.actions.action import Action
from praxmonitor.actions.scope import EVERYWHERE

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
        "alarms", "exclamation_mark", "alarms", EVERYWHERE,
        "every alarm: what was expected and seen, what to do; a z answer one, m mutes its like",
        alarms.show, words="alerts warnings problems errors trouble wrong mute shelve", in_replay=True,
    ),
    Action(
        "alarm_mutes", "u", "muted alarms", EVERYWHERE,
        "what is muted of the alarms, by whom, until when, why; ends one early", alarms.show_mutes,
        words="unmute mute hidden shelved silences end undo", in_replay=True,
    ),
    Action(
        "alarm_load", "s", "alarm load", EVERYWHERE,
        "how many alarms there were, the worst sources, what is stale, the history", alarms.show_load,
        words="statistics history figures rate bad actors worst eemua noise", in_replay=True,
    ),
)  # fmt: skip
