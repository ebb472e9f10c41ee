"""What the view of alarms lists, in its order: requests for approval and alarms in their groups. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from operator import attrgetter

from mailcore.model.message import Message
from praxmonitor.alarms.alarm import AlarmKind
from praxmonitor.alarms.episode import Episode
from praxmonitor.alarms.groups import AlarmGroup, AlarmState, groups_of


@dataclass(frozen=True, slots=True)
class AlarmRow:
    """One row: a request for the operator's approval, a group of alarms, or a request and the alarm about it."""

    request: Message | None = None
    group: AlarmGroup | None = None

    @property
    def keys(self) -> tuple[str, ...]:
        """What names it: the mail's id, the keys of its alarms."""
        asked = (f"request {self.request.id or self.request.sent_id}",) if self.request is not None else ()
        return (*asked, *(self.group.keys if self.group is not None else ()))


def alarm_rows(standing: Sequence[Episode], mails: Iterable[Message], now: float) -> tuple[AlarmRow, ...]:
    """First the requests among the operator's `mails`, here and on other hosts, that can be decided, with their alarms:
    those whose alarm wants him as the alarms stand, then the others, the oldest first. Then the groups of `standing` as
    `groups_of` has them.
    """
    groups = groups_of(standing, now)
    about = {group.leader.alarm.id: group for group in groups if group.leader.alarm.kind is AlarmKind.APPROVAL}
    undecided = sorted(
        (mail for mail in mails if mail.awaits_decision(now) and mail.status != "closed"),
        key=attrgetter("came_at", "id"),
    )
    requests = [AlarmRow(mail, about.get(mail.id or mail.sent_id)) for mail in undecided]
    of_group = {row.group.keys: row for row in requests if row.group is not None}
    rows = [of_group.get(group.keys) or AlarmRow(group=group) for group in groups]
    first = [row for row in rows if row.request is not None and row.group is not None and _wants(row.group)]
    return (*first, *(row for row in requests if row not in first), *(row for row in rows if row.request is None))


def _wants(group: AlarmGroup) -> bool:
    return group.state is AlarmState.WANTS
