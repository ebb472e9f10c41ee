"""What the view of alarms lists, in its order: requests for approval first, then the alarms in their groups. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from operator import attrgetter

from mailcore.model.message import Message
from praxmonitor.alarms.alarm import AlarmKind
from praxmonitor.alarms.episode import Episode
from praxmonitor.alarms.groups import AlarmGroup, groups_of


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
    """The undecided requests among the operator's `mails`, the oldest first, each with its alarm if one stands; then
    all other groups of `standing`, as `groups_of` orders them."""
    groups = groups_of(standing, now)
    about = {group.leader.alarm.id: group for group in groups if group.leader.alarm.kind is AlarmKind.APPROVAL}
    undecided = sorted(
        (mail for mail in mails if mail.undecided and mail.status != "closed"), key=attrgetter("came_at", "id")
    )
    requests = [AlarmRow(mail, about.get(mail.id or mail.sent_id)) for mail in undecided]
    taken = [row.group for row in requests]
    return (*requests, *(AlarmRow(group=group) for group in groups if group not in taken))
