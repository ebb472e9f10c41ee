"""The form is opened: for a mail, a task, an answer, a draft, what was taken back; and what it may ask meanwhile."""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, TypeAlias

import msgspec
from textual.app import SuspendNotSupported

from mailcore.exceptions import MailcoreError
from mailcore.mail.route import EVERYONE
from mailcore.model.agent import OPERATOR
from mailcore.system import safe_open
from mailcore.text.units import duration
from praxmonitor.actions import editor, requests, sending
from praxmonitor.actions.context import Context, View
from praxmonitor.dialogs.compose_desk import Opening
from praxmonitor.preferences.drafts import Draft, all_drafts, discard_draft, drafts_directory, find_draft, keep_draft
from praxmonitor.text.letters import Letter, Template, common_start
from praxmonitor.text.lines import plain

if TYPE_CHECKING:
    from mailcore.mail.outgoing import Outgoing
    from mailcore.workspace.find import Workspace

SubmitLetter: TypeAlias = Callable[[Letter], str]
"""What was written → what was asked, for a notification. Raises MailcoreError."""
MOST_NAMES = 5000
"""Of one directory so many are looked at to complete a path."""


class WorkspaceDesk:
    """What one form may ask of the workspace, of drafts, of the editor."""

    def __init__(
        self, context: Context[View], draft: Draft, submit: SubmitLetter, sent: Callable[[], None] | None = None
    ) -> None:
        """`draft`: what it is written for. `submit` sends it, in a thread; `sent` is told on the loop that it did."""
        self._context, self._draft, self._submit, self._told = context, draft, submit, sent
        self._root = context.opened.workspace.root
        self._lock, self._sent = Lock(), False

    @property
    def addresses(self) -> Sequence[str]:
        """Of every agent, and `@all`."""
        agents = self._context.opened.workspace.agents
        return (*(agent.address for agent in agents), EVERYONE, OPERATOR)

    @property
    def addressees(self) -> str:
        """Whom the form was opened for; empty: nobody yet."""
        return self._draft.letter.to

    @property
    def keeps(self) -> bool:
        """Whether this screen is the workspace's own: others leave nothing behind."""
        return self._context.opened.live

    def submit(self, letter: Letter) -> str:
        """Send it, and forget the draft; until then that says that its sending was begun."""
        self.attachable(letter.attached)
        with suppress(OSError):  # no disk for a draft is no reason to send nothing
            self.keep(letter, begun=True)
        asked = self._submit(letter)
        opened = self._context.opened
        opened.waiting_mail = sending.waiting_mail(opened.workspace)
        with self._lock:
            self._sent = True
        self.discard()
        opened.note_presence()
        back = self._context.display.key_of("take_back") or "`take back` in the palette"
        return f"{asked}; {back} takes it back" if self._waits(letter) else asked

    def sent(self) -> None:
        """It was sent."""
        if self._told is not None:
            self._told()

    def _waits(self, letter: Letter) -> bool:
        """Whether it waits in the outbox, rather than being sent at once."""
        return any(mail.subject == letter.subject for mail in self._context.opened.waiting_mail)

    def foresee(self, letter: Letter) -> str:
        """What it would come to, in a sentence."""
        opened = self._context.opened
        told = sending.foresee(opened.workspace, opened.config, letter)
        wait = opened.config.mail.undo
        waits = wait and letter.priority != "high" and not letter.at_once and told
        return f"{told}; waits {duration(wait)}" if waits else told

    def keep(self, letter: Letter, *, begun: bool = False) -> None:
        """Keep it as a draft. `begun`: it is being sent."""
        now = self._context.opened.clock()
        kept = msgspec.structs.replace(self._draft, letter=letter, at=now, begun=now if begun else 0.0)
        with self._lock:
            if not self._sent and self.keeps:
                keep_draft(self._root, kept)

    def discard(self) -> None:
        """Forget the draft."""
        with self._lock:
            if self.keeps:
                discard_draft(self._root, self._draft.purpose)

    def templates(self) -> tuple[list[Template], list[str]]:
        """The project's letters to begin with, and what is wrong with those that are none."""
        return sending.templates(self._context.opened.workspace)

    def attachable(self, words: Sequence[str]) -> tuple[str, ...]:
        """These files as paths from the project's root. UsageError of one that cannot be attached."""
        return sending.attached_paths(self._context.opened.workspace, words)

    def complete_path(self, text: str) -> str:
        """The same with its last path, of the project, as far as it can be completed."""
        before, gap, word = text.rpartition(" ")
        directory, slash, begun = word.rpartition("/")
        here = Path(os.path.realpath(self._root / directory))
        if not word or not here.is_relative_to(self._root.resolve()):
            return text
        try:
            with os.scandir(here) as entries:
                names = [each.name + "/" * each.is_dir() for _, each in zip(range(MOST_NAMES), entries, strict=False)]
        except OSError:
            return text
        found = [name for name in names if name.startswith(begun) and (begun or not name.startswith("."))]
        common = common_start(found)
        return f"{before}{gap}{directory}{slash}{common}" if common.isprintable() and " " not in common else text

    async def edit(self, body: str) -> str:
        """The text as the operator's own editor left it; MailcoreError where it came to nothing."""
        path = await asyncio.to_thread(self._write_aside, body)
        try:
            status = await editor.edit(self._context.terminal, path)
            if status:
                raise MailcoreError(f"the editor ended with status {status}")
            data = await asyncio.to_thread(safe_open.read_bytes, path, links=False)
            return data.decode(errors="replace").removesuffix("\n")
        except SuspendNotSupported as error:
            raise MailcoreError(f"this terminal cannot be lent to an editor: {error}") from error
        finally:
            await asyncio.to_thread(path.unlink, missing_ok=True)

    def _write_aside(self, body: str) -> Path:
        directory = drafts_directory(self._root) if self.keeps else None
        if directory is not None:
            directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor, name = tempfile.mkstemp(".md", "letter-", directory)  # for the user's eyes alone
        with os.fdopen(descriptor, "w", encoding="utf-8", errors="replace") as file:
            file.write(body)
        return Path(name)


def open_form(
    context: Context[View],
    draft: Draft,
    submit: SubmitLetter,
    *,
    answered: str = "",
    found: Draft | None = None,
    sent: Callable[[], None] | None = None,
) -> None:
    """Open the form for what `draft` says, with `found` in its place, where that was kept."""
    from praxmonitor.dialogs.compose import ComposeScreen

    opening = Opening((found or draft).title, (found or draft).letter, bool(draft.answers), found is not None, answered)
    context.display.push_screen(ComposeScreen(WorkspaceDesk(context, draft, submit, sent), opening))


def begin(context: Context[View], title: str, letter: Letter) -> None:
    """Open the form for a new letter, with the draft that was kept for the same. Once it is sent, those are marked no
    more whom it was for."""
    kind = "task" if letter.is_task else "mail"
    draft = Draft(f"{kind} {letter.to}", title, letter, 0.0)
    _resume(context, draft, partial(_send, context), sent=context.drop_marks)


def begin_with(context: Context[View], title: str, letter: Letter, submit: SubmitLetter) -> None:
    """Open the form for a letter that is not sent as others are; its draft is kept by title and subject."""
    _resume(context, Draft(f"{title} {letter.subject}", title, letter, 0.0), submit)


def begin_answer(
    context: Context[View], title: str, letter: Letter, submit: SubmitLetter, *, answers: str, answered: str
) -> None:
    """Open the form for an answer to the mail of that id, whose text stays in view."""
    draft = Draft(f"{title} {answers or letter.subject}", title, letter, 0.0, answers or letter.subject or "?")
    _resume(context, draft, submit, answered)


def _resume(
    context: Context[View],
    draft: Draft,
    submit: SubmitLetter,
    answered: str = "",
    sent: Callable[[], None] | None = None,
) -> None:
    async def opened() -> None:
        found = await asyncio.to_thread(_draft_for, context.opened.workspace, draft.purpose)
        open_form(context, draft, submit, answered=answered, found=found, sent=sent)

    if context.opened.live:
        context.view.run_worker(opened())
    else:
        open_form(context, draft, submit, answered=answered, sent=sent)


def _draft_for(workspace: Workspace, purpose: str) -> Draft | None:
    """The draft that was kept for this, and not sent since."""
    found = find_draft(workspace.root, purpose)
    return next(iter(_not_sent(workspace, [found] if found is not None else [])), None)


def _not_sent(workspace: Workspace, found: Sequence[Draft]) -> list[Draft]:
    """Those of these drafts that were not sent. A screen that is killed while it sends leaves its draft: where that has
    gone it is forgotten here, or it would be sent twice."""
    gone = [draft for draft in found if draft.begun and sending.has_gone(workspace, draft.letter, draft.begun)]
    for draft in gone:
        discard_draft(workspace.root, draft.purpose)
    return [draft for draft in found if draft not in gone]


def _send(context: Context[View], letter: Letter) -> str:
    return sending.send_letter(context.opened.workspace, context.opened.config, letter)


async def drafts(context: Context[View]) -> None:
    """List what was written and not sent, throw some of it away, and go on with one."""
    from praxmonitor.dialogs.drafts import DraftsScreen

    opened = context.opened
    found = (
        await asyncio.to_thread(lambda: _not_sent(opened.workspace, all_drafts(opened.workspace.root)))
        if opened.live
        else []
    )
    if not found:
        context.display.notify("no draft: what is written and left with Esc is kept as one")
        return
    root = opened.workspace.root

    def keep(draft: Draft, kept: bool) -> None:
        if kept:
            keep_draft(root, draft)
        else:
            discard_draft(root, draft.purpose)

    picked = await context.display.push_screen_wait(DraftsScreen(found, opened.clock(), keep))
    if picked < 0:
        return
    draft = found[picked]
    if draft.answers:
        context.display.notify("this is an answer: open its mail and answer that, and the draft is offered")
    else:
        open_form(context, draft, partial(_send, context), found=draft)


async def take_back(context: Context[View]) -> None:
    """Take the mail that was sent last out of the outbox, into the form; it is a draft before it is taken out."""
    opened = context.opened
    root = opened.workspace.root

    def keep(mail: Outgoing) -> None:
        if opened.live:
            keep_draft(root, _draft_of(mail, opened.clock()))

    try:
        mail = await asyncio.to_thread(sending.taken_back, opened.workspace, keep)
    except (MailcoreError, OSError) as error:
        context.display.notify(plain(str(error)), title="not taken back", severity="warning")
        return
    finally:
        opened.waiting_mail = await asyncio.to_thread(sending.waiting_mail, opened.workspace)
    if mail.has_it:
        context.display.notify(f"{' '.join(mail.has_it)} has it already: the rest is taken back", severity="warning")
    else:
        context.display.notify(f"taken back: {plain(mail.subject)}")
    open_form(context, _draft_of(mail, opened.clock()), _submit_of(context, mail))


def _draft_of(mail: Outgoing, now: float) -> Draft:
    letter, answers = sending.letter_of(mail), mail.terms.get("answers", "")
    if mail.kind == "reply":
        return Draft(f"Reply {answers}", "Reply", letter, now, answers)
    return Draft(f"back {mail.id}", "Dispatch" if letter.is_task else "Mail", letter, now)


def _submit_of(context: Context[View], mail: Outgoing) -> SubmitLetter:
    opened = context.opened
    if mail.kind != "reply":
        return partial(_send, context)
    return lambda letter: requests.reply(opened.workspace, opened.config, mail.terms.get("answers", ""), letter.body)
