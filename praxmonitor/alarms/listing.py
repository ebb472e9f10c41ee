"""What the view of alarms lists, in its order: requests for approval and alarms in their groups. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from operator import attrgetter

from mailcore.model.fleet import AgentFacts
from mailcore.model.message import Message
from mailcore.model.permission import PermissionRequest
from praxmonitor.alarms.alarm import AlarmKind
from praxmonitor.alarms.episode import Episode
from praxmonitor.alarms.groups import AlarmGroup, AlarmState, groups_of


@dataclass(frozen=True, slots=True)
class AlarmRow:
    """One row: a request for the operator's approval or for a permission, a group of alarms, or a request and the alarm
    about it."""

    request: Message | None = None
    group: AlarmGroup | None = None
    permission: PermissionRequest | None = None

    @property
    def keys(self) -> tuple[str, ...]:
        """What names it: the mail's id, the keys of its alarms."""
        asked = (f"request {self.request.id or self.request.sent_id}",) if self.request is not None else ()
        if self.permission is not None:
            asked = (f"permission {self.permission.id}",)
        return (*asked, *(self.group.keys if self.group is not None else ()))


def alarm_rows(
    standing: Sequence[Episode], mails: Iterable[Message], now: float, agents: Iterable[AgentFacts] = ()
) -> tuple[AlarmRow, ...]:
    """First what the programs of `agents` ask for, the oldest first, with the alarm that its agent waits. Then the
    requests among the operator's `mails`, here and on other hosts, that can be decided, with their alarms: those whose
    alarm wants him as the alarms stand, then the others, the oldest first. Then the groups of `standing` as `groups_of`
    has them.
    """
    groups = groups_of(standing, now)
    about = {group.leader.alarm.id: group for group in groups if group.leader.alarm.kind is AlarmKind.APPROVAL}
    undecided = sorted(
        (mail for mail in mails if mail.awaits_decision(now) and mail.status != "closed"),
        key=attrgetter("came_at", "id"),
    )
    permissions = tuple(_permission_rows(groups, agents))
    taken = {row.group.keys for row in permissions if row.group is not None}
    groups = tuple(group for group in groups if group.keys not in taken)
    requests = [AlarmRow(mail, about.get(mail.id or mail.sent_id)) for mail in undecided]
    of_group = {row.group.keys: row for row in requests if row.group is not None}
    rows = [of_group.get(group.keys) or AlarmRow(group=group) for group in groups]
    first = [row for row in rows if row.request is not None and row.group is not None and _wants(row.group)]
    asked = (*permissions, *first, *(row for row in requests if row not in first))
    return (*asked, *(row for row in rows if row.request is None))


def _permission_rows(groups: Iterable[AlarmGroup], agents: Iterable[AgentFacts]) -> Iterator[AlarmRow]:
    """One for each request; the alarm of an agent stands with its oldest."""
    about = {one.leader.alarm.address: one for one in groups if one.leader.alarm.kind is AlarmKind.WAITING}
    asked = sorted((one for facts in agents for one in facts.permissions), key=attrgetter("at", "id"))
    for request in asked:
        yield AlarmRow(group=about.pop(request.agent, None), permission=request)


def _wants(group: AlarmGroup) -> bool:
    return group.state is AlarmState.WANTS
