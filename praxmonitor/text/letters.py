"""A mail or a task before it is sent: what the form holds, and what is said of it. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import msgspec

from mailcore.text.units import duration

PRIORITIES = ("normal", "high", "low")
SESSIONS = ("", "resume", "fork", "fresh")
"""In which session a task is done; empty: in a new one."""


class Letter(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the operator wrote, and how it is to go."""

    to: str = ""
    """Addresses as typed, separated by spaces or commas."""
    subject: str = ""
    body: str = ""
    is_task: bool = False
    """Its agents are started for it."""
    priority: str = "normal"
    expect: str = ""
    """What counts as done."""
    program: str = ""
    """Not the configured one."""
    model: str = ""
    session: str = ""
    """One of SESSIONS."""
    at_once: bool = False
    """Refused where an agent could not begin it now."""
    attached: tuple[str, ...] = ()
    """Paths, from the project's root."""

    @property
    def addresses(self) -> list[str]:
        """The words of `to`."""
        return addresses_in(self.to)

    @property
    def is_blank(self) -> bool:
        """Whether nothing was written that would be missed."""
        return not (self.subject.strip() or self.body.strip() or self.attached)

    @property
    def whole_body(self) -> str:
        """The text with a line for each file that is attached."""
        if not self.attached:
            return self.body
        lines = "\n".join(f"Attached: {path}" for path in self.attached)
        return f"{self.body.rstrip()}\n\n{lines}\n".lstrip("\n")


BLANK = Letter()
"""Nothing was written yet."""


def addresses_in(text: str) -> list[str]:
    """The words of a line of addresses."""
    return text.replace(",", " ").split()


def manner(letter: Letter) -> str:
    """How it is to go, in a line: `task · high priority · program codex`."""
    parts = ["task: wakes its agents" if letter.is_task else "mail", f"{letter.priority} priority"]
    if letter.is_task:
        parts += [f"done when {letter.expect}"] if letter.expect else []
        parts += [f"program {letter.program}"] if letter.program else []
        parts += [f"model {letter.model}"] if letter.model else []
        parts += [f"session {letter.session}"] if letter.session else []
        parts += ["now or not at all"] if letter.at_once else []
    parts += [f"{len(letter.attached)} attached"] if letter.attached else []
    return " · ".join(parts)


def started_word(text: str, known: Iterable[str]) -> tuple[str, list[str]]:
    """The last word of a line of addresses, while it is being typed, and the known addresses that begin so.

    None where the line ends in a blank, or the word is a whole address.
    """
    word = re.split(r"[\s,]", text)[-1]
    wanted = "@" + word.lstrip("@").lower()
    known = list(known)
    if not word or wanted in known:
        return word, []
    return word, [address for address in known if address.startswith(wanted)]


def completed(text: str, known: Sequence[str]) -> str:
    """The line with its last word as long as all that begin so have in common; a blank after it where it is whole."""
    word, found = started_word(text, known)
    if not found:
        return text
    return f"{text[: len(text) - len(word)]}{common_start(found)}{' ' if len(found) == 1 else ''}"


def common_start(words: Sequence[str]) -> str:
    """What all of these words begin with; empty for none."""
    common = words[0] if words else ""
    while not all(word.startswith(common) for word in words):
        common = common[:-1]
    return common


def sent_in(due: float, now: float) -> str:
    """When what waits is sent: `sent in 8 s`."""
    return f"sent in {duration(max(1, round(due - now)))}" if due > now else "being sent"


class Template(msgspec.Struct, frozen=True):
    """A letter to begin with, by its name."""

    name: str
    letter: Letter


HEAD = re.compile(r"(subject|to|priority|expect|kind)\s*:\s*(.*)", re.IGNORECASE)
"""A line that may stand before the text of a template."""


def read_template(name: str, text: str) -> Template:
    """A template of a file: its first lines may say `subject:`, `to:`, `priority:`, `expect:`, `kind:` (mail or task),
    between lines of `---` or without; the rest, after a blank line, is the text. ValueError, saying why, of another
    value.
    """
    lines = text.lstrip("\ufeff").splitlines()
    fenced = bool(lines) and lines[0].strip() == "---"
    at = int(fenced)
    said: dict[str, str] = {}
    while at < len(lines) and (found := HEAD.fullmatch(lines[at].strip())):
        said[found[1].lower()] = found[2].strip().strip("\"'")
        at += 1
    if fenced:
        if at == len(lines) or lines[at].strip() != "---":
            where = f"line {at + 1}" if at < len(lines) else "its end"
            raise ValueError(f"{where}: subject:, to:, priority:, expect: or kind: was expected, or the second ---")
        at += 1
    if (priority := said.get("priority", "normal").lower()) not in PRIORITIES:
        raise ValueError(f"priority: {priority!r}; allowed: low, normal, high")
    if (kind := said.get("kind", "mail").lower()) not in ("mail", "task"):
        raise ValueError(f"kind: {kind!r}; allowed: mail, task")
    body = "\n".join(lines[at:]).strip("\n")
    return Template(
        name,
        Letter(said.get("to", ""), said.get("subject", ""), body, kind == "task", priority, said.get("expect", "")),
    )


def with_template(letter: Letter, template: Letter) -> Letter:
    """The letter as a template makes it: what was written stays, and the template's text comes after it."""
    body = "\n\n".join(part for part in (letter.body.rstrip(), template.body) if part)
    return msgspec.structs.replace(
        letter,
        to=letter.to if letter.to.strip() else template.to,
        subject=letter.subject if letter.subject.strip() else template.subject,
        body=body,
        is_task=letter.is_task or template.is_task,
        priority=template.priority if letter.priority == "normal" else letter.priority,
        expect=letter.expect or template.expect,
    )
