"""The mailboxes of the mail view: a column at the left of a wide screen, a line at the top of a narrow one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from textual.geometry import Offset

from mailcore.model.agent import OPERATOR
from mailcore.model.fleet import AgentFacts, Fleet
from mailcore.model.message import MailboxStatus
from praxmonitor.state.mail import MailFolder, MailPlace
from praxmonitor.text.lines import Line, Span, fit, on_ground, plain, spread, width_of
from praxmonitor.widgets.line_list import Lines

FOLDERS = tuple(MailFolder)
AGENTS_FROM = len(FOLDERS) + 3
"""The line of the column at which the agents begin: below whose mail it is, the folders, a blank and a heading."""


class FolderKeys(NamedTuple):
    """Keys that choose among the lists, as a person reads them; empty: none does."""

    before: str = ""
    after: str = ""
    whose: str = ""

    @property
    def hint(self) -> str:
        """What they do."""
        turns = " ".join(filter(None, (self.before, self.after)))
        said = (f"{turns} mailbox" if turns else "", f"{self.whose} whose" if self.whose else "")
        return ", ".join(filter(None, said))


class FolderColumn:
    """Whose mail, its four lists, then everybody whose mail can be looked at: a line of each, made when in view."""

    def __init__(self, place: MailPlace, everyone: Sequence[AgentFacts], width: int, key: str) -> None:
        """`key` asks whose mail is to be listed."""
        self._place, self._everyone, self._width, self._key = place, everyone, width, key

    def __len__(self) -> int:
        return AGENTS_FROM + len(self._everyone)

    def __getitem__(self, y: int) -> Line:
        if y == 0:
            return ((f" {plain(self._place.owner)}", "strong"),)
        if y <= len(FOLDERS):
            return self._folder(FOLDERS[y - 1])
        if y < AGENTS_FROM:
            heading = f" whose mail ({self._key})" if self._key else " whose mail"
            return ((heading, "faint"),) if y == AGENTS_FROM - 1 else ()
        facts = self._everyone[y - AGENTS_FROM]
        here = facts.address == self._place.owner
        line = spread(((f" {plain(facts.address)}", "" if here else "muted"),), _waiting(facts), self._width - 1)
        return on_ground(fit(line, self._width), "selected") if here else line

    def _folder(self, folder: MailFolder) -> Line:
        owner = next((facts for facts in self._everyone if facts.address == self._place.owner), None)
        here = folder is self._place.folder and not (self._place.thread or self._place.search)
        count = _waiting(owner) if folder is MailFolder.IN and owner is not None else ()
        mark: Span = ("▸ ", "accent strong") if folder is self._place.folder else ("  ", "")
        line = spread((mark, (folder.label, "" if here else "muted")), count, self._width - 1)
        return on_ground(fit(line, self._width), "selected") if here else line


def _waiting(facts: AgentFacts) -> Line:
    """How many open mails, the unread ones before them."""
    box = facts.mailbox
    if box.status is MailboxStatus.UNREADABLE:
        return (("⊠", "error"),)
    if not box.open:
        return ()
    unread = box.unread
    return ((f"✉{unread}", "accent") if unread else ("", ""), (f" {box.open}", "faint"))


def folder_line(place: MailPlace, everyone: Sequence[AgentFacts], width: int, hint: str) -> Line:
    """The same lists side by side, in a line; with the keys that choose, where there is room."""
    spans: list[Span] = [(f" {plain(place.owner)}  ", "strong")]
    for folder in FOLDERS:
        here = folder is place.folder
        spans.append((f"[{folder.label}]", "accent strong") if here else (f" {folder.label} ", "muted"))
        if folder is MailFolder.IN:
            owner = next((facts for facts in everyone if facts.address == place.owner), None)
            spans += [*(_waiting(owner) if owner is not None else ()), (" ", "")]
    if width_of(spans) + len(hint) - 2 <= width:
        return spread(spans, ((f"{hint} ", "faint"),), width)
    return fit(spans, width)


class Folders:
    """Which list of whose mail is shown; a click chooses another."""

    def __init__(self, chosen: Callable[[str, MailFolder], None]) -> None:
        """`chosen`: whose mail, and which list of it."""
        self.lines = Lines(id="folders", resized=self._lay_out, clicked=self._click)
        self.lines.can_focus = False
        self._chosen = chosen
        self._place = MailPlace(OPERATOR)
        self._everyone: tuple[AgentFacts, ...] = ()
        self._keys = FolderKeys()
        self.narrow = False

    def show(self, place: MailPlace, fleet: Fleet, keys: FolderKeys, *, narrow: bool) -> None:
        """Show where the list is, and which keys choose another."""
        self._place, self._keys, self.narrow = place, keys, narrow
        self._everyone = (*((fleet.operator,) if fleet.operator is not None else ()), *fleet.agents)
        self._lay_out()

    def _lay_out(self) -> None:
        width = self.lines.line_width
        if self.narrow:
            self.lines.set_lines([folder_line(self._place, self._everyone, width, self._keys.hint)])
        else:
            self.lines.set_lines(FolderColumn(self._place, self._everyone, width, self._keys.whose))

    def _click(self, place: Offset, times: int) -> None:
        del times
        y = place.y + self.lines.scroll_offset.y
        if self.narrow:
            at = len(self._place.owner) + 3
            for folder in FOLDERS:
                at += len(folder.label) + 2
                if place.x < at:
                    self._chosen(self._place.owner, folder)
                    return
        elif 1 <= y <= len(FOLDERS):
            self._chosen(self._place.owner, FOLDERS[y - 1])
        elif AGENTS_FROM <= y < AGENTS_FROM + len(self._everyone):
            self._chosen(self._everyone[y - AGENTS_FROM].address, self._place.folder)
