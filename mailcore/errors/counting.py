"""What was read, counted in its groups: whose each is, and whether it calls for an act."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from msgspec.structs import replace

from mailcore.config.errors import Errors
from mailcore.errors.error_causes import error_cause
from mailcore.errors.escalation import next_ask
from mailcore.errors.fingerprint import fingerprint
from mailcore.errors.groups import observed, owned
from mailcore.errors.known_runs import KnownRuns
from mailcore.errors.log_news import LogNews
from mailcore.errors.one_failure import Tellings, is_run_alone
from mailcore.errors.owner import Branches, error_owner
from mailcore.errors.store import ErrorBook, LogPlace
from mailcore.model.error_group import ErrorEvent, ErrorGroup, ErrorOrigin, GroupState
from mailcore.model.log import LogKind, LogSource

ECHO_MARK = "│ "
"""Before each line of an error in a mail of ours: where an agent prints the mail, it is no new error."""


class Counting:
    """The book of one scan as it grows."""

    def __init__(
        self,
        book: ErrorBook,
        branches: Branches,
        errors: Errors,
        addresses: Collection[str],
        runs: Mapping[str, KnownRuns],
        now: float,
    ) -> None:
        """`addresses`: of the workspace's agents."""
        self.book, self.events, self.touched = book, 0, set[str]()
        self._branches, self._errors, self._runs, self._now = branches, errors, runs, now
        self._addresses = addresses
        self._tellings: Tellings | None = None
        """Made when the first error is met."""

    def count(self, source: LogSource, news: LogNews) -> None:
        """What one look at a log found, and where it ended."""
        for event, history in news.events:
            self.observe(event, history=history, attribute=source.kind in (LogKind.OWN, LogKind.SESSION))
        self.passed(source.path, news.place)
        if news.warnings:
            warnings = dict(self.book.warnings)
            warnings[source.agent] = warnings.get(source.agent, 0) + news.warnings
            self.book = replace(self.book, warnings=warnings)

    def passed(self, path: str, place: LogPlace) -> None:
        """A log was read up to there."""
        self.book = replace(self.book, places={**self.book.places, path: place})

    def note_causes(self, causes: Mapping[str, float]) -> None:
        """When causes were told last that are nobody's error."""
        newer = {cause: at for cause, at in causes.items() if at > self.book.causes.get(cause, 0.0)}
        if newer:
            self.book = replace(self.book, causes={**self.book.causes, **newer})

    def observe(self, event: ErrorEvent, *, history: bool = False, attribute: bool = False) -> None:
        """One error. `attribute`: what it was read in does not say the run."""
        if any(line.lstrip().startswith(ECHO_MARK) for line in event.sample):
            return
        if attribute and not event.run_id and event.agent in self._runs:
            event = replace(event, run_id=self._runs[event.agent].at(event.at))
        cause = error_cause(event)
        if cause:
            self.note_causes({cause: event.at})
        tellings = self._tellings = self._tellings or Tellings(self.book)
        other = self.book.groups.get(tellings.other(event))
        if other is not None and not event.frames:
            return  # its run told it with frames
        if other is not None and is_run_alone(self.book, other, event.run_id):
            self.book = self.book.without_group(other)  # it was told in part
            self.touched.discard(other.fingerprint)
        name = fingerprint(event)
        tellings.add(event, name)
        group = self.book.groups.get(name)
        quiet = history or bool(cause) or self._is_own(event, group)
        group = self._with_owner(observed(group, event, name, history=quiet), event)
        self.book = self.book.with_group(group)
        self.events += 1
        self.touched.add(name)

    def _with_owner(self, group: ErrorGroup, event: ErrorEvent) -> ErrorGroup:
        """Who was asked stays who is asked: the thread is that one's."""
        if group.message_id and group.owner in self._addresses:
            return group
        owners = {key: f"@{who.lstrip('@').lower()}" for key, who in self._errors.owners.items()}
        found = error_owner(event, self._branches, owners)
        if found.owner in self._addresses:
            return owned(group, found.owner, found.why)
        gone = f"{found.owner}, whom config names, is no agent here; it reported it"
        return owned(group, event.agent, gone)

    def _is_own(self, event: ErrorEvent, group: ErrorGroup | None) -> bool:
        """It is of an investigation, or was handed to the very agent that could be asked."""
        if event.run_id and any(one.asked_run == event.run_id for one in self.book.groups.values()):
            return True
        if event.origin is ErrorOrigin.TOOL and not event.frames:
            return True  # the failed call was its agent's own, who saw it
        if group is None or group.state is not GroupState.INVESTIGATING or group.owner != event.agent:
            return False
        return bool(event.run_id) and group.asked_at <= event.at <= next_ask(group, self._errors.backoff)
