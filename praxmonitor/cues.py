"""What changed between two moments → which sounds are due. Pure."""

from __future__ import annotations

from mailcore.model.activity import Kind
from mailcore.model.fleet import AgentFacts, State
from praxmonitor.moment import Moment
from praxmonitor.sound import Sound

OF_KIND = {
    Kind.STARTED: Sound.START,
    Kind.TOOL: Sound.TOOL,
    Kind.MAIL: Sound.MAIL,
    Kind.DONE: Sound.DONE,
    Kind.FAILED: Sound.FAILED,
    Kind.KILLED: Sound.FAILED,
}
OF_STATE = {State.WAITING: Sound.WAITING, State.SILENT: Sound.SILENCE}

URGENT = (Sound.SILENCE, Sound.FAILED, Sound.WAITING)
"""Worth the terminal's bell where no sound device opens."""


def cues(old: Moment, new: Moment, opened: float) -> list[Sound]:
    """Each sound that is due, once, urgent ones first.

    `opened` (seconds since the epoch) is when the screen was: what happened before it is history, and history is
    silent even where its file is read late.
    """
    due: set[Sound] = set()
    before = {facts.address: facts for facts in _everyone(old)}
    for facts in _everyone(new):
        earlier = before.get(facts.address)
        if earlier is facts:
            continue
        heard = earlier.activities if earlier is not None else ()
        for activity in facts.activities:
            sound = OF_KIND.get(activity.kind)
            if sound is not None and activity.at >= opened and activity not in heard:
                due.add(sound)
    for address, status in new.statuses.items():
        sound = OF_STATE.get(status.state)
        if sound is not None and address in old.statuses and old.statuses[address].state is not status.state:
            due.add(sound)
    return sorted(due, key=lambda sound: -sound.priority)


def _everyone(moment: Moment) -> tuple[AgentFacts, ...]:
    operator = moment.fleet.operator
    return moment.fleet.agents if operator is None else (*moment.fleet.agents, operator)
