"""Our entries in the text of a program's settings: put in and taken out, all else left byte for byte. Pure.

Claude Code's `settings.json` and Codex's `hooks.json` have one form: `{"hooks": {EVENT: [{"hooks": [HANDLER]}]}}`.

Each entry remembers the outermost thing that was made for it, so that taking it out knows where to stop: an empty
`"Stop": []` that was there before stays there.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

from mailcore.exceptions import MailcoreError
from mailcore.hooks.line import HOOK_MARK, HookEntry, own_group

MADE = ("entry", "event", "hooks", "file", "directory")
"""What can have been made for an entry, the innermost first."""


@dataclass(frozen=True, slots=True)
class HookPlan:
    """What is to stand in the settings."""

    entries: tuple[HookEntry, ...]
    handler: Callable[[HookEntry, str], dict[str, Any]]
    """`(entry, made) -> handler`."""

    @property
    def events(self) -> tuple[str, ...]:
        """Those that have an entry of ours, each once."""
        return tuple(dict.fromkeys(entry.event for entry in self.entries))

    def groups(self, event: str, made: str) -> list[dict[str, Any]]:
        """Our groups of one event."""
        return [own_group(entry, self.handler(entry, made)) for entry in self.entries if entry.event == event]


_SPACE = re.compile("[ \t\n\r\ufeff]*")
_DECODER = json.JSONDecoder()


class BrokenSettings(MailcoreError):
    """The text is no settings that can be added to; nothing was written."""


@dataclass(frozen=True, slots=True)
class _Part:
    """A member of an object, or an item of a list: its places in the text."""

    key: str
    start: int
    at: int
    """Where its value begins."""
    end: int
    value: Any


def parse_settings(text: str, events: Collection[str] = ()) -> dict[str, Any]:
    """The settings in the text. BrokenSettings, with the cause, if it is no JSON object, or the hooks of one of these
    events are no list."""
    try:
        settings = json.loads(text.removeprefix("\ufeff"))
    except ValueError as error:
        raise BrokenSettings(f"is not JSON: {error}", "settings") from error
    except RecursionError as error:
        raise BrokenSettings("is nested too deep", "settings") from error
    if not isinstance(settings, dict):
        raise BrokenSettings("holds no JSON object", "settings")
    hooks = settings.get("hooks", {})
    if not isinstance(hooks, dict):
        raise BrokenSettings('"hooks" is no object', "settings")
    for event, groups in hooks.items():
        if event in events and not isinstance(groups, list):
            raise BrokenSettings(f'"hooks": "{event}" is no list', "settings")
    return settings


def our_commands(text: str) -> list[tuple[str, str]]:
    """Our entries, as (event, command), in their order."""
    return [(event, group["hooks"][0]["command"]) for event, group in _our_groups(text)]


def _our_groups(text: str) -> list[tuple[str, dict[str, Any]]]:
    """Each of our entries, as (event, its group as if it stood there alone)."""
    found = []
    for event, groups in parse_settings(text).get("hooks", {}).items():
        for group in groups if isinstance(groups, list) else ():
            handlers = group.get("hooks") if isinstance(group, dict) else None
            ours = filter(_is_ours, handlers if isinstance(handlers, list) else ())
            found += [(event, {**group, "hooks": [one]}) for one in ours]
    return found


def made_by(command: str) -> str:
    """What one of our lines says was made for it; `entry` where it does not say."""
    word = command.removeprefix(HOOK_MARK).partition(";")[0]
    return word if word in MADE else MADE[0]


def is_complete(text: str, plan: HookPlan) -> bool:
    """True if the text has each of our entries once, in all as we would write it today."""
    parse_settings(text, plan.events)
    left = list(plan.entries)
    for event, group in _our_groups(text):
        entry = next((one for one in left if one.event == event), None)
        made = made_by(group["hooks"][0]["command"])
        if entry is None or group != own_group(entry, plan.handler(entry, made)):
            return False
        left.remove(entry)
    return not left


def add_our_entries(text: str, plan: HookPlan) -> str:
    """The text with our entries. One that is `is_complete` comes back as it is; ours of another time are replaced."""
    if is_complete(text, plan):
        return text
    text, made = remove_our_entries(text)
    if made in MADE[3:] and is_empty(text):
        return new_settings(plan, made)
    hooks = _find(_parts(text, _root(text)), "hooks")
    if hooks is None:
        return _insert(text, _root(text), 1, "hooks", {event: plan.groups(event, "hooks") for event in plan.events})
    for event in plan.events:
        groups = _find(_parts(text, hooks.at), event)
        if groups is None:
            text = _insert(text, hooks.at, 2, event, plan.groups(event, "event"))
            continue
        for one in plan.groups(event, "entry"):
            text = _insert(text, groups.at, 3, None, one)
    return text


def new_settings(plan: HookPlan, made: str) -> str:
    """The text of a new file. `made`: `file`, or `directory` if that is new too."""
    return json.dumps({"hooks": {event: plan.groups(event, made) for event in plan.events}}, indent=2) + "\n"


def remove_our_entries(text: str) -> tuple[str, str]:
    """The text without our entries and what was made for them, and the outermost of that; empty: none of ours."""
    parse_settings(text)
    outermost = ""
    while (found := _ours(text)) is not None:
        way, made = found
        if not outermost or MADE.index(made) > MADE.index(outermost):
            outermost = made
        # From the handler outward, as long as nothing is left: its list of handlers goes with its group.
        for (container, index), needed in zip(reversed(way), ("entry", "entry", "event", "hooks"), strict=True):
            if MADE.index(made) < MADE.index(needed):
                break
            text = _cut(text, container, index)
            if _parts(text, container):
                break
    return text, outermost


def is_empty(text: str) -> bool:
    """True of settings that say nothing."""
    return not parse_settings(text)


def _is_ours(handler: object) -> bool:
    line = handler.get("command") if isinstance(handler, dict) else None
    return isinstance(line, str) and line.startswith(HOOK_MARK)


def _ours(text: str) -> tuple[list[tuple[int, int]], str] | None:
    """The way to our first entry, as (container, index) of its hooks, event, group and handler; and what it made."""
    root = _root(text)
    for at, hooks in _last(_parts(text, root), "hooks"):
        for event_at, event in enumerate(_parts(text, hooks.at) if isinstance(hooks.value, dict) else ()):
            for group_at, group in enumerate(_parts(text, event.at) if isinstance(event.value, list) else ()):
                for _, handlers in _last(_parts(text, group.at) if isinstance(group.value, dict) else [], "hooks"):
                    for index, one in enumerate(_parts(text, handlers.at) if isinstance(handlers.value, list) else ()):
                        if _is_ours(one.value):
                            way = [(root, at), (hooks.at, event_at), (event.at, group_at), (handlers.at, index)]
                            return way, made_by(one.value["command"])
    return None


def _root(text: str) -> int:
    return _skip(text, 0)


def _skip(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found else at


def _parts(text: str, at: int) -> list[_Part]:
    """The members or items of the object or list that begins at `at`; none of any other value."""
    parts: list[_Part] = []
    close = {"{": "}", "[": "]"}.get(text[at], "")
    at = _skip(text, at + 1)
    while close and text[at] != close:
        start, key = at, ""
        if close == "}":
            key, at = _DECODER.raw_decode(text, at)
            at = _skip(text, _skip(text, at) + 1)
        value, end = _DECODER.raw_decode(text, at)
        parts.append(_Part(key, start, at, end, value))
        at = _skip(text, end)
        if text[at] == ",":
            at = _skip(text, at + 1)
    return parts


def _last(parts: list[_Part], key: str) -> list[tuple[int, _Part]]:
    """The member that counts where several have the same key: the last, with its index."""
    return [(index, part) for index, part in enumerate(parts) if part.key == key][-1:]


def _find(parts: list[_Part], key: str) -> _Part | None:
    return next((part for _, part in _last(parts, key)), None)


def _insert(text: str, container: int, depth: int, key: str | None, value: Any) -> str:
    """A last member or item, laid out as the file is: `_cut` of it gives the very text back."""
    parts = _parts(text, container)
    unit = _unit(text)
    words = json.dumps(value, indent=unit or None)
    pad = "\n" + unit * depth if unit else ""
    text_of_member = (f"{json.dumps(key)}: " if key is not None else "") + words.replace("\n", pad)
    at = parts[-1].end if parts else container + 1
    space = pad or (" " if parts else "")
    return text[:at] + ("," if parts else "") + space + text_of_member + text[at:]


def _unit(text: str) -> str:
    """What the file is indented by; empty if it stands on one line."""
    root = _parts(text, _root(text))
    if not root:
        return "  "
    found = re.search("\n([ \t]+)$", text[: root[0].start])
    return found[1] if found else ""


def _cut(text: str, container: int, index: int) -> str:
    """The text without a member or item, its comma and the space before it."""
    parts = _parts(text, container)
    part = parts[index]
    if index:
        return text[: parts[index - 1].end] + text[part.end :]
    if len(parts) > 1:
        return text[: part.start] + text[parts[1].start :]
    return text[: container + 1] + text[part.end :]
