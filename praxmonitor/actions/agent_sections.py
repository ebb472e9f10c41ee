"""What the operator does in the sections of the view of one agent."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING

from praxmonitor.actions import requests
from praxmonitor.actions.asking import ask, refused, result_of
from praxmonitor.actions.context import Context, SectionsView, View
from praxmonitor.actions.preconditions import Precondition, Situation
from praxmonitor.state.agent_details import Section, WaitingStart
from praxmonitor.text.lines import Line, plain

if TYPE_CHECKING:
    from mailcore.model.changes import ChangedFile, ChangeSet
    from mailcore.model.fleet import AgentFacts
    from mailcore.workspace.find import Workspace


def _in(section: Section, name: str, otherwise: Precondition | None) -> Precondition:
    """The section is chosen. Else it says why not in the words of what the key means elsewhere, if that says any."""

    def checked(now: Situation, verb: str) -> str:
        if now.section == section:
            return ""
        why = otherwise(now, verb) if otherwise is not None else ""
        return why or f"to {verb}, go to {name} of an agent: 2, then Tab"

    return checked


def in_queue(name: str, otherwise: Precondition | None = None) -> Precondition:
    """The queue is chosen."""
    return _in(Section.QUEUE, name, otherwise)


def in_changes(name: str, otherwise: Precondition | None = None) -> Precondition:
    """The changes are chosen."""
    return _in(Section.CHANGES, name, otherwise)


def no_mail(now: Situation, verb: str) -> str:
    """What the key of the lines of a file means where mail is: there is none."""
    return "" if now.facts is not None and now.facts.mailbox.messages else f"no mail here to {verb}"


def beside_story(otherwise: Precondition) -> Precondition:
    """Another section than the story is chosen."""

    def checked(now: Situation, verb: str) -> str:
        if now.section not in ("", Section.STORY):
            return ""
        return otherwise(now, verb) or "the story is copied as Markdown"

    return checked


def turn(step: int) -> Callable[[Context[SectionsView]], None]:
    """Chooses the next section, or the one before."""

    def to_another(context: Context[SectionsView]) -> None:
        context.view.turn_section(step)

    return to_another


def bring_section(section: Section) -> Callable[[Context[View]], None]:
    """Brings this section of the selected agent to the front, from any view."""

    def to_front(context: Context[View]) -> None:
        context.display.navigation.show_section(context.view.selected, section)

    return to_front


def move_start(where: str) -> Callable[[Context[SectionsView]], Coroutine[None, None, None]]:
    """Gives the start under the cursor the place above or below it."""

    async def moved(context: Context[SectionsView]) -> None:
        start = _start(context)
        if start is None:
            return
        found = await result_of(context, _move, context.opened.workspace, start.id, where)
        if found is not None:
            context.display.notify(found)
            context.view.read_agent()

    return moved


def _move(workspace: Workspace, queue_id: str, where: str) -> str:
    """What was done, for a notification, and the way back. For a thread."""
    from mailcore.dispatch.queueing.queue_moves import move_start

    moved = move_start(workspace, requests.me(workspace), queue_id, where)
    if moved.place == moved.before:
        return f"{plain(moved.entry.subject)} is the {'first' if where == 'up' else 'last'} of {moved.count}"
    back = ">" if moved.place < moved.before else "<"
    return f"{plain(moved.entry.subject)}: {moved.place} of {moved.count}, was {moved.before}; {back} moves it back"


async def cancel_start(context: Context[SectionsView]) -> None:
    """Cancel the start under the cursor, if the operator says yes."""
    start = _start(context)
    if start is not None and await _agrees(context, "Cancel this start?", start, "Yes, cancel"):
        await ask(context, requests.cancel, context.opened.workspace, start.id)
        context.view.read_agent()


async def begin_start(context: Context[SectionsView]) -> None:
    """Begin the start under the cursor before the others, if the operator says yes."""
    start = _start(context)
    if start is not None and await _agrees(context, "Begin this start before the others?", start, "Yes, begin"):
        await ask(context, _begin, context, start.id)
        context.view.read_agent()


def _begin(context: Context[SectionsView], queue_id: str) -> str:
    """What became of it. For a thread."""
    from mailcore.dispatch.begin_now import begin_now

    opened = context.opened
    begun = begin_now(opened.workspace, opened.config, requests.me(opened.workspace), queue_id)
    if begun.run_id:
        return f"{begun.entry.agent.address} begins {begun.entry.subject}; D ends it"
    return f"{begun.entry.subject} is the next of {begun.entry.agent.address}; it waits: {begun.waits}"


def _start(context: Context[SectionsView]) -> WaitingStart | None:
    start = context.view.start
    if start is None:
        context.display.notify(f"no start waits for {plain(context.view.selected)}", severity="warning")
    return start


async def _agrees(context: Context[SectionsView], question: str, start: WaitingStart, yes: str) -> bool:
    from praxmonitor.dialogs.confirm import ConfirmScreen
    from praxmonitor.widgets.detail import start_lines

    def listed(width: int) -> list[Line]:
        return start_lines(start, context.opened.clock(), width)

    return await context.display.push_screen_wait(
        ConfirmScreen(question, f"It waits for {plain(context.view.selected)}; its mail stays.", listed, yes)
    )


def open_diff(context: Context[SectionsView]) -> None:
    """Show what changed in the file under the cursor."""
    if _file(context) is not None:
        context.view.open_diff()


def show_newest_run(context: Context[SectionsView]) -> None:
    """Show what the newest run changed, if it began while an earlier one's changes were read."""
    if not context.view.show_newest_run():
        context.display.notify("this is the newest run")


async def edit_file(context: Context[SectionsView]) -> None:
    """Open the file under the cursor in the operator's editor, where it changed first."""
    from textual.app import SuspendNotSupported

    from praxmonitor.actions.editor import edit

    found, facts = _file(context), context.facts
    if found is None or facts is None:
        return
    place = await result_of(context, _place, facts, *found)
    if place is None:
        return
    path, line = place
    try:
        status = await edit(context.terminal, path, line)
    except (OSError, ValueError, SuspendNotSupported) as error:
        refused(context, error)
        return
    if status:
        context.display.notify(f"the editor ended with {status}", severity="warning")
    context.view.read_agent()


def _place(facts: AgentFacts, changes: ChangeSet, file: ChangedFile) -> tuple[Path, int]:
    """The file, and the line of its first change; Refused if it lies elsewhere or is gone. For a thread."""
    from mailcore.dispatch.runs.changes import read_diff
    from mailcore.exceptions import Refused
    from mailcore.system.safe_open import inside

    path = Path(changes.top, file.path)
    inside(facts.agent.branch, path)
    if not path.is_file():
        raise Refused(f"it is no file any more: {path}", "no_file")
    return path, read_diff(facts.agent, changes, file).first_line


def _file(context: Context[SectionsView]) -> tuple[ChangeSet, ChangedFile] | None:
    found = context.view.changed_file
    if found is None:
        context.display.notify(f"no file of {plain(context.view.selected)} changed", severity="warning")
    return found


def copy_section(context: Context[SectionsView]) -> None:
    """Copy what the section shows."""
    text = context.view.section_text()
    lines = len(text.splitlines())
    context.terminal.copy(text)
    context.display.notify(f"copied: {context.view.section}, {lines:,} line{'' if lines == 1 else 's'}")
