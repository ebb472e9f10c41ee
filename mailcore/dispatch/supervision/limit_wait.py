"""How a run waits for the reset of a usage limit: no attempt is spent, and nobody is told that it failed.

The clock of the wall decides, for that is what a reset is said in: it is looked at every LOOK seconds, so that a sleep
of the machine or a clock that is set makes it late by no more. Between two looks the wait ends with a change of what is
known of the account, or of the run's journal, in which an operator asks it to go on.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from mailcore.accounts import limit_store, start_order
from mailcore.accounts.account import account_of
from mailcore.config import Config
from mailcore.dispatch.supervision.attempt import Attempts
from mailcore.exceptions import MailcoreError
from mailcore.formats.timestamps import utc_time
from mailcore.model.account import Account
from mailcore.model.limit import SERVICE, Certainty, Limit, WaitingRun
from mailcore.model.message import parse_time
from mailcore.programs.base import Ending
from mailcore.system.processes import start_ticks
from mailcore.text.units import duration

LOOK = 10.0
"""Seconds between two looks at the clock."""
JITTER = 2.0
"""Seconds after a reset in which the first of those who wait goes on, by chance."""
CHANGED = 1.0
"""Seconds by which a reset must differ to be told anew."""


class GaveUp(Exception):
    """It waited as long as config.toml lets it; the text says for what."""


class LimitWait:
    """The waits of one run for its account."""

    def __init__(self, config: Config, attempts: Attempts, account: Account, root: Path) -> None:
        self._config, self._attempts, self._account, self._root = config, attempts, account, root
        self._model = str(attempts.queued.get("model") or config.agent(attempts.agent.address).model)
        self._unknown = 0
        """Waits in a row for a limit whose reset nobody knows: each is twice as long as the one before."""
        self._began = 0.0
        """Since when it waits without having worked, in seconds since the epoch."""

    def go_on_waiting(self) -> None:
        """Wait for what the run waited for when its former supervisor died. RunStopped, GaveUp."""
        waits = [r for r in self._attempts.journal.records() if r.get("event") == "waiting" and r.get("limited")]
        if self._attempts.run.parked and waits:
            self._began = parse_time(waits[0].get("at"))
            limit = _recorded_limit(self._attempts.name, waits[-1])
            self._take_account(limit)
            self.wait(limit)

    def note(self, limit: Limit) -> None:
        """Note for all agents of the account what an attempt of this run met; a wrapper's is that of what it wraps."""
        self._take_account(limit)
        with suppress(OSError, MailcoreError):  # it waits all the same, alone
            limit_store.record_limits(self._account, [limit])

    def _take_account(self, limit: Limit) -> None:
        if limit.program != self._account.program:
            self._account = account_of(self._config, self._attempts.agent.address, limit.program)

    def worked(self, since: float) -> None:
        """An attempt that began then did its work: its account's limits of before do not stand."""
        self._unknown, self._began = 0, 0.0
        with suppress(OSError, MailcoreError):
            limit_store.lift_limits(self._account, since)

    def before_start(self) -> None:
        """Wait where the account is known to be limited. RunStopped, GaveUp."""
        if (limit := self._standing()) is not None:
            self.wait(limit)

    def wait(self, limit: Limit) -> None:
        """Wait until the account's limit is lifted, and this run's turn has come. RunStopped, GaveUp."""
        limit = limit_store.bounded(limit, time.time())
        self._began = self._began or time.time()
        until = self._join(limit, self._until(limit))
        self._attempts.events.watch_paths(limit_store.account_file(self._account), self._attempts.run_dir)
        try:
            while not self._is_asked():
                now = time.time()
                if now >= self._began + self._config.limits.give_up:
                    waited = duration(now - self._began)
                    raise GaveUp(f"waited {waited}, as long as [limits] give_up allows; {self._words(limit)}")
                found = self._standing() if limit.scope != SERVICE else None
                # One whose reset nobody knows makes no wait longer: it may be the very limit that this run has noted.
                if found is not None and found.resets_at and abs(found.resets_at - until) > JITTER + CHANGED:
                    limit, until = found, self._join(found, self._until(found))
                elif found is None and limit.resets_at > now and limit.scope != SERVICE and self._is_lifted(limit):
                    until = now
                left = until - now if now < until else self._seconds_to_turn()
                if left <= 0:
                    break
                self._attempts.sleep_until_event(min(left, LOOK))
        finally:
            self._attempts.events.unwatch()
            with suppress(OSError, MailcoreError):
                start_order.leave_waiting(self._account, self._attempts.run_id)
        self._attempts.record("limit_over")

    def _until(self, limit: Limit) -> float:
        """When this run may go on: at the reset, and where none is known after a wait that grows with each one."""
        if limit.resets_at and limit.scope != SERVICE:
            return limit.resets_at + random.uniform(0.0, JITTER)
        wait = min(self._config.dispatch.limit_wait * 2.0**self._unknown, self._config.limits.longest_wait)
        self._unknown += 1
        return time.time() + wait * random.uniform(1.0, 1.5)

    def _join(self, limit: Limit, until: float) -> float:
        """Say in the journal, and to the account's other runs, until when this one waits."""
        facts = {"account": self._account.label, "scope": limit.scope, "certainty": str(limit.certainty)}
        facts |= {
            "program": limit.program,
            "words": limit.words,
            "resets": utc_time(limit.resets_at) if limit.resets_at else "",
        }
        self._attempts.record("waiting", until=utc_time(until), limited=True, why=self._words(limit), **facts)
        queued, pid = self._attempts.queued, os.getpid()
        rank = start_order.rank_of(str(queued.get("priority") or "normal"), self._attempts.run.created_at)
        run = WaitingRun(
            self._attempts.run_id, str(self._root), self._attempts.agent.address, rank, until, pid, start_ticks(pid)
        )
        with suppress(OSError, MailcoreError):
            start_order.join_waiting(self._account, run)
        return until

    def _words(self, limit: Limit) -> str:
        what = "the service is overloaded" if limit.scope == SERVICE else f"usage limit of {self._account.label}"
        scope = f" ({limit.scope})" if limit.scope not in ("", SERVICE) else ""
        said = f": {limit.words}" if limit.words else ""
        return f"{what}{scope}{said}"

    def _standing(self) -> Limit | None:
        return limit_store.standing_limit(limit_store.read_limits(self._account), time.time(), self._model)

    def _is_lifted(self, limit: Limit) -> bool:
        """Another run has worked since: what was known of this limit says so, and is not merely gone."""
        known = {one.scope: one for one in limit_store.read_limits(self._account).limits}.get(limit.scope)
        return known is not None and not known.reached

    def _seconds_to_turn(self) -> float:
        try:
            return start_order.seconds_to_turn(
                self._account, self._attempts.run_id, self._config.limits.starts_per_minute
            )
        except (OSError, MailcoreError):
            return 0.0  # nobody keeps an order where it cannot be written down

    def _is_asked(self) -> bool:
        """Somebody asked this run to go on now, since it waits; while it had no supervisor, too."""
        events = [str(record.get("event")) for record in self._attempts.journal.records()]
        worked = max((n for n, event in enumerate(events) if event in ("attempt_ended", "limit_over")), default=0)
        return "go_on" in events[worked:]


def _recorded_limit(default: str, record: Mapping[str, Any]) -> Limit:
    """The limit that a `waiting` record of a journal tells of."""
    scope, words = (str(record.get(key, "")) for key in ("scope", "words"))
    try:
        certainty = Certainty(str(record.get("certainty")))
    except ValueError:
        certainty = Certainty.UNKNOWN
    resets_at, seen_at = (parse_time(record.get(key)) for key in ("resets", "at"))
    program = str(record.get("program") or default)
    return Limit(program, scope=scope, resets_at=resets_at, seen_at=seen_at, certainty=certainty, words=words)


def met_limit(failure: Ending, program: str) -> Limit:
    """The limit that an attempt met which says that it was limited; an overload where its program reports no more."""
    if failure.limit is not None:
        return failure.limit
    return Limit(program, scope=SERVICE, seen_at=time.time(), certainty=Certainty.UNKNOWN, words=failure.cause)
