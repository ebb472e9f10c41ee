"""Reads mail that the fleet does not hold: what was sent, what is archived, threads, what a search finds. For a thread.

Each raises MailcoreError or OSError where it cannot be read.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from mailcore.exceptions import UsageError
from mailcore.model.fleet import AgentFacts
from mailcore.model.message import Message
from mailcore.model.run import Run
from mailcore.workspace.find import Workspace
from praxmonitor.state.mail import FoundPage, MailEntry, MailFolder, MailPage

if TYPE_CHECKING:
    from mailcore.mail.lookup import Copy
    from mailcore.mail.search_query import FoundMail, Query
    from mailcore.mail.search_session import SearchSession
    from mailcore.mail.sent_mail import SentMail

PAGE = 60
"""Mails that are read at a time: more than a screen shows."""
MOST_LOOKED_THROUGH = 600
"""Sent mails that are looked through for those that wait, the newest."""
MOST_RECORDS = 500
"""Sent mails of one agent that may tie a thread together, the newest."""
FOUND = 40
"""Mails that a search lists at first, the newest, of two lines each; so many more at its end."""
PASSAGE = 110
"""Characters of a body that are shown around what was sought."""


def inbox_entries(facts: AgentFacts) -> tuple[MailEntry, ...]:
    """An agent's open mail. Pure."""
    run = facts.run
    return tuple(
        MailEntry(
            one, facts.address, one,
            run if run is not None and not run.foreign and run.message_id == one.id != "" else None,
        )
        for one in facts.mailbox.messages
    )  # fmt: skip


def read_folder(workspace: Workspace, owner: str, folder: MailFolder, most: int = PAGE, after: str = "") -> MailPage:
    """A page of what an agent sent, of what waits of it for an answer, or of its archive."""
    from mailcore.mail import lookup, sent_mail

    agent = workspace.agent(owner)
    if folder is MailFolder.ARCHIVE:
        page = lookup.archive_page(agent, most, after)
        closed = (Message.from_json(raw, owner) for _, raw in page.records)
        return MailPage(tuple(MailEntry(one, owner, one, archived=True) for one in closed), page.following)
    if folder is MailFolder.SENT:
        sent, following = sent_mail.read_sent(workspace, agent, most, after)
        return MailPage(tuple(map(_sent, sent)), following)
    waiting: list[MailEntry] = []
    for _ in range(MOST_LOOKED_THROUGH // PAGE):
        sent, after = sent_mail.read_sent(workspace, agent, PAGE, after)
        waiting += [_sent(one) for one in sent if _waits(one)]
        if not after or len(waiting) >= most:
            break
    return MailPage(tuple(waiting), after)


def _sent(one: SentMail) -> MailEntry:
    record, copy = one.message, one.copy
    told = one.became if one.became in ("answered", "refused", "unknown", "waiting", "closed") else ""
    if copy is None:
        return MailEntry(record, record.recipient, None, None, told or "unknown", one.result, sent=True)
    return MailEntry(
        copy.message, copy.agent.address, copy.message, None, told, one.result, copy.archived is not None, sent=True
    )


def _waits(one: SentMail) -> bool:
    """Whether an answer may still come: it began a conversation, or is a task, and nothing says that it is over."""
    if one.message.in_reply_to and not one.message.is_task:
        return False
    return one.became in ("stored", "woken", "submitted", "seen", "acknowledged", "unknown", "waiting")


def read_thread(workspace: Workspace, entry: MailEntry) -> tuple[MailEntry, ...]:
    """The mails of the thread of one mail, oldest first, each with its depth. The mail itself at least."""
    from mailcore.exceptions import MailcoreError
    from mailcore.mail import lookup, thread_lookup
    from mailcore.mail.threads import depths, group_threads

    name = entry.message.sent_id or entry.message.id
    if not name:
        return (replace(entry, depth=0),)
    records: list[Message] = []
    for address in {entry.message.sender, entry.owner}:
        try:
            page = lookup.sent_page(workspace.agent(address), MOST_RECORDS)
        except MailcoreError:
            continue  # of another project, or removed
        records += [Message.from_json(raw) for _, raw in page.records]
    copies = thread_lookup.thread_copies(workspace, name, records)
    entries: dict[int, MailEntry] = {}
    known: set[str] = set()
    for copy in copies:
        entries[id(copy.message)] = _of_copy(copy)
        known.update(filter(None, (copy.message.sent_id,)))
    for record in records:
        if record.id not in known:
            became = "refused" if record.status == "refused" else "unknown"
            entries[id(record)] = MailEntry(record, record.recipient, None, None, became, sent=True)
    mails = [one.message for one in entries.values()]
    for thread in group_threads(mails):
        if any(name in (one.sent_id, one.id) for one in thread.messages):
            deep = depths([_linked(one, entries[id(one)]) for one in thread.messages])
            return tuple(
                replace(entries[id(one)], depth=depth) for one, depth in zip(thread.messages, deep, strict=True)
            )
    return (replace(entry, depth=0),)


def _linked(message: Message, entry: MailEntry) -> Message:
    """As answers name it: the sender's own record is named by what its copy has as `sent_id`."""
    return message if entry.copy is not None else replace(message, sent_id=message.id)


def _of_copy(copy: Copy) -> MailEntry:
    return MailEntry(copy.message, copy.agent.address, copy.message, archived=copy.archived is not None)


def read_run_of(workspace: Workspace, entry: MailEntry) -> Run | None:
    """The run that a task or a wake of this mail started, the newest; None where none is known."""
    from mailcore.dispatch.runs.run_list import first_record_of_run, read_run, run_ids
    from mailcore.exceptions import MailcoreError

    if not entry.message.is_task or entry.copy is None:
        return None
    try:
        agent = workspace.agent(entry.owner)
    except MailcoreError:
        return None
    for run_id in reversed(run_ids(agent)[-MOST_RECORDS:]):
        if first_record_of_run(agent.runs_dir / run_id).get("message_id") == entry.message.id:
            return read_run(agent.runs_dir / run_id)
    return None


def search(session: SearchSession, workspace: Workspace, text: str, most: int = FOUND) -> Iterator[FoundPage]:
    """What is found, at once as far as the index knows, and again as more of the mail is in it. Closed, it stops."""
    from mailcore.mail.search_text import parse_query

    try:
        query = parse_query(text, [agent.address for agent in (*workspace.agents, workspace.operator)])
    except UsageError as error:
        yield FoundPage(text, complete=True, trouble=str(error))
        return
    if not (query.phrases or query.agent or query.since or query.open is not None):
        yield FoundPage(text, complete=True)
        return
    current = session.is_current()
    mails, state = session.find(query, most + 1)
    current = current and state.whole
    page = _page(mails, query, text, most)
    yield replace(page, complete=current)
    if current:
        return
    if not page.more and not state.whole:
        for progress in session.read(query, most + 1):
            if len(progress.found) > len(page.entries):
                page = _page(progress.found, query, text, most)
            yield replace(page, share=progress.read / max(1, progress.total))
    while not (done := session.refresh()).complete:
        yield page  # who closes this need not wait for all
    if done.version != state.version:
        page = _page(session.find(query, most + 1).mails, query, text, most)
    trouble = "; ".join(f"{note}; its mail is not searched" for note in done.troubles)
    yield replace(page, complete=True, trouble=trouble)


def _page(mails: list[FoundMail], query: Query, text: str, most: int) -> FoundPage:
    phrases = query.phrases
    entries = tuple(
        MailEntry(
            one.message, one.owner, one.message, archived=not one.open, passage=passage(one.message.body, phrases)
        )
        for one in mails[:most]
    )
    return FoundPage(text, entries, more=len(mails) > most)


def passage(body: str, phrases: list[str]) -> str:
    """What stands around the first word that was found, on one line; the beginning where none is found as it stands."""
    text = " ".join(body[:20_000].split())
    low = text.lower()
    place = min((at for phrase in phrases if (at := low.find(phrase)) >= 0), default=0)
    begin = max(0, place - PASSAGE // 3)
    return f"{'…' if begin else ''}{text[begin : begin + PASSAGE]}"
