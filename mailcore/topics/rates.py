"""How many publications one host may add to a topic in a minute: a program that runs wild floods nobody's mailbox."""

from __future__ import annotations

from mailcore.exceptions import Refused
from mailcore.topics.topic_log import TopicLog

RATE_WINDOW = 60.0


def within_rate(log: TopicLog, host: str, at: float) -> None:
    """Count a publication of `host` (empty: this one) at `at`, by its clock. Refused (code `limit`) beyond the rate.

    Whatever was later counts as well: so a host gets no more by putting its clock back.
    """
    times = log.record.minute.get(host, ())
    recent = tuple(one for one in times if one > at - RATE_WINDOW)
    if len(recent) >= log.topic.per_minute:
        who = f"host {host}" if host else "this workspace"
        raise Refused(
            f"{who} published {len(recent)} times in #{log.topic.name} within a minute; the topic's limit is "
            f"{log.topic.per_minute}",
            "limit",
        )
    log.change(minute={**log.record.minute, host: (*recent, at)})
