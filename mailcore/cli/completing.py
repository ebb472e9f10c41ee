"""What may stand next on a command line, for a shell that completes it: `mailcore _complete WORDS…`, in some 50 ms.

The words of a command are a file that is written from its parsers (`command_line.json`, by `python -m
tests.tools.command_lines`): to import every verb would take much longer. Agents, messages and runs are looked up.
A candidate holds only characters that no shell acts on; what it means, which may be an agent's words, is one line.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from mailcore.cli import output
from mailcore.exceptions import MailcoreError
from mailcore.system.safe_open import inside, read_bytes
from mailcore.text import line
from mailcore.text.names import safe_sender

if TYPE_CHECKING:
    from mailcore.workspace.find import Workspace

Candidate: TypeAlias = tuple[str, str]
"""A word, and what it means."""

SAFE = re.compile(r"[A-Za-z0-9@._+-]+")
"""What a candidate may be: no blank, no quote, no `:`, nothing that a shell expands."""
MEANING = 72
"""Characters of what a candidate means."""
MOST = 60
"""Messages, or runs of an agent, that are offered."""
PLACES = ("files", "directories")
"""Kinds that the shell itself completes."""
_STEERING = re.compile(r"[\\`$\x00-\x1f\x7f]")


def answer_shell(table: Path, words: Sequence[str]) -> None:
    """Print what may stand in the place of the last word: a line each, a tab before what it means.

    A line that begins with the tab names a kind that the shell completes by itself. Nothing at all where something is
    wrong: whoever types a command does not want to read errors of another one.
    """
    with suppress(MailcoreError, OSError, ValueError, RecursionError):
        given = list(words[1:] if words[:1] == ["--"] else words) or [""]
        found = candidates(json.loads(read_bytes(table)), given)
        output.print_stdout("\n".join(f"{word}\t{meaning}" for word, meaning in found).encode())


def candidates(table: dict[str, Any], words: Sequence[str]) -> list[Candidate]:
    """What begins as the last of the words does, after those before it. `table`: the file, as JSON values."""
    *before, current = words
    place, before = _place(before)
    command, before = _command(table, before)
    option = command["options"].get(before[-1]) if before else None
    head, joined, typed = current.partition("=")
    if joined and head in command["options"]:
        return _joined(f"{head}=", _of_kind(table, command["options"][head][1], place, ""), typed)
    if option is not None and option[1]:
        found = [*_of_kind(table, option[1], place, "")]
    elif current.startswith("-"):
        found = [(name, meaning) for name, (meaning, _) in command["options"].items()]
    else:
        found = [(name, one["what"]) for name, one in command.get("under", {}).items()]
        for kind in command["takes"]:
            found += _of_kind(table, kind, place, current)
    return [*_fitting(found, current).items()]


def _fitting(found: Iterable[Candidate], current: str) -> dict[str, str]:
    """Those that begin so and are safe, and the kinds that the shell completes, each once."""
    return {
        word: _meant(meaning)
        for word, meaning in found
        if not word or (word.startswith(current) and SAFE.fullmatch(word))
    }


def _joined(head: str, found: Iterable[Candidate], typed: str) -> list[Candidate]:
    """What may stand behind `--option=`, with that before it; no file, which no shell would look for there."""
    return [(head + word, meaning) for word, meaning in _fitting(found, typed).items() if word]


def _place(words: list[str]) -> tuple[Path | None, list[str]]:
    """The directory that -C names, and the words without it."""
    if "-C" not in words[:-1]:
        return None, words
    at = words.index("-C")
    return Path(words[at + 1]).expanduser(), [*words[:at], *words[at + 2 :]]


def _command(table: dict[str, Any], words: list[str]) -> tuple[dict[str, Any], list[str]]:
    """The verb that is meant, as deep as the words say, and the words behind its name."""
    command = table
    at = 0
    while at < len(words):
        word = words[at]
        at += 1
        option = command["options"].get(word)
        if option is not None and option[1] and at < len(words):
            at += 1
        elif word in command.get("under", {}):
            command, words, at = command["under"][word], words[at:], 0
    return command, words


def _of_kind(table: dict[str, Any], kind: str | list[str], place: Path | None, current: str) -> Iterator[Candidate]:
    """The words of a kind: those of a list, or what is looked up. Agents only for who types `@`, or nothing yet."""
    if isinstance(kind, list):
        yield from ((word, "") for word in kind)
    elif kind in PLACES:
        yield "", kind
    elif kind in ("keys", "verbs", "themes"):
        yield from table.get(kind, {}).items()
    elif kind == "agents" and current[:1] not in ("", "@"):
        return
    elif kind in ("agents", "messages", "runs"):
        from mailcore.workspace.find import workspace_here

        workspace = workspace_here(place)
        if kind == "agents":
            yield from ((agent.address, agent.role) for agent in (*workspace.agents, workspace.operator))
        elif kind == "messages":
            yield from _messages(workspace)
        else:
            for agent in workspace.agents:
                with suppress(OSError):
                    names = sorted((path.name for path in agent.runs_dir.iterdir()), reverse=True)
                    yield from ((name, agent.address) for name in names[:MOST])


def _messages(workspace: Workspace) -> Iterator[Candidate]:
    """Open mail of whoever stands here, the newest first: by number, or by id where it has none.

    Not by the mailbox's own reader, whose imports cost half as much again: where it is torn, nothing is offered.
    """
    from mailcore.model.message import Message

    here = workspace.place_of(Path.cwd())
    agent = next((one for one in workspace.agents if here.is_relative_to(one.branch)), workspace.operator)
    inside(agent.boundary, agent.inbox)
    box = json.loads(read_bytes(agent.inbox))
    raws = box.get("messages") if isinstance(box, dict) else None
    mails = [Message.from_json(raw) for raw in raws or () if isinstance(raw, dict)]
    waiting = [one for one in mails if one.status != "closed"]
    for mail in sorted(waiting, key=lambda one: (one.at, one.seq), reverse=True)[:MOST]:
        yield str(mail.seq or mail.id), f"{safe_sender(mail.sender, 24)}: {mail.subject}"


def _meant(meaning: str) -> str:
    """On one line, and without what a shell or terminal acts on, should one ever look into it."""
    return _STEERING.sub("", line(meaning))[:MEANING]  # cut between two signs it would take 20 ms more
