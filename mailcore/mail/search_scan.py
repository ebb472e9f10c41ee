"""Find mail by reading it, without an index: all of it, or the newest until enough is found. Writes nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from mailcore.exceptions import caveat
from mailcore.mail.mail_files import Source, in_parts, mail_sources, may_hold, read_mails
from mailcore.mail.search_query import FoundMail, Query, each_once, found_mail, says
from mailcore.text.progress import step
from mailcore.workspace.find import Workspace


class Progress(NamedTuple):
    """How far a reading has come."""

    read: int
    """Files of mail that were read."""
    total: int
    found: list[FoundMail]
    """So far, newest first, each mail once."""


def scan(workspace: Workspace, query: Query, files: Sequence[Source] | None = None) -> list[FoundMail]:
    """What is found by reading every mail. `files`: as of `mail_sources`. What cannot be read is said by `caveat`."""
    found: list[FoundMail] = []
    for progress in read_newest(workspace, query, files):
        found = progress.found
    return found


def read_newest(workspace: Workspace, query: Query, files: Sequence[Source] | None = None) -> Iterator[Progress]:
    """The same from the newest file to the oldest, after each part of them; closed, it stops."""
    found: list[FoundMail] = []
    opened: set[tuple[str, str, str]] = set()
    phrases = query.phrases
    wanted = may_hold(phrases)
    every = mail_sources(workspace, stamps=False) if files is None else files
    done = known = 0
    once: list[FoundMail] = []
    for part in in_parts(every):
        for source, raws, trouble in read_mails(part, wanted):
            done += 1
            step("reading mail", done, len(every))
            if trouble:
                caveat(f"{trouble}; its mail is not searched")
            for raw in raws or ():
                sought = says(raw, phrases)
                if source.name and not sought:
                    continue
                one = found_mail(source.agent.address, raw, source.name)
                if not source.name:
                    opened.add(one.names)
                if sought and query.meets(one):
                    found.append(one)
        if len(found) != known:
            once, known = each_once(found, lambda one: one.names in opened), len(found)
        yield Progress(done, len(every), once)
