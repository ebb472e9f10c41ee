"""The alarms that stand at a moment, for who looks once. Reads everything."""

from __future__ import annotations

from mailcore.config import Config
from mailcore.model.fleet import Fleet
from mailcore.observe.facts import ErrorsRead
from mailcore.observe.fold import apply
from mailcore.observe.reader import WorkspaceReader
from mailcore.workspace.find import Workspace
from praxmonitor.alarms.episode import Episode
from praxmonitor.alarms.episodes import Episodes, advance
from praxmonitor.alarms.machine_check import check_machine
from praxmonitor.alarms.rules.evaluate import AlarmRules
from praxmonitor.alarms.store import AlarmStore, missing_before
from praxmonitor.feed.error_reader import read_error_groups
from praxmonitor.sound.mutes import mutes_path


def standing_now(workspace: Workspace, config: Config, now: float) -> tuple[Episode, ...]:
    """The alarms that stand at `now`, with what was reported of them, answered and muted."""
    reader = WorkspaceReader(workspace)
    fleet = apply(
        Fleet(workspace.root),
        [*reader.initial(), *reader.live_sessions(), ErrorsRead(read_error_groups(workspace))],
        now,
    )
    store = AlarmStore(mutes_path(workspace.root).parent)
    reported = store.reported()
    machine = check_machine(fleet, config, now, missing_before(reported))
    alarms = AlarmRules(config).alarms(fleet, now, machine_status=machine)
    episodes, _ = advance(Episodes(reported_before=reported), alarms, store.answers(), now, mutes=store.mutes())
    return episodes.standing()
