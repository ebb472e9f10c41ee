"""A line that an agent left → an Activity, with its texts made harmless and short."""

from __future__ import annotations

import re

from msgspec.structs import replace

from mailcore.model.activity import Activity, Kind
from mailcore.programs.hook_lines import read_hook
from mailcore.text import line
from mailcore.text.masks import masked

MAX_ACTIVITY_TEXT = 200
"""Characters of a text that are kept."""
SAID = frozenset({Kind.MESSAGE, Kind.TURN_END})
MAX_HALF = 800
"""Characters of each end of what an agent says that are looked at."""

_ESCAPES = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[ -/]*[0-~]")


def neutral(text: str, limit: int = MAX_ACTIVITY_TEXT) -> str:
    """One line of harmless text (`mailcore.text`), at most `limit` characters; terminal escapes go as a whole."""
    if len(text) <= limit and text.isascii() and text.isprintable() and "  " not in text:
        return text
    # Eight times the limit: room for what is squeezed out, and no work for a line of a megabyte.
    return line(_ESCAPES.sub("", text[: limit * 8]), limit)


def _both_ends(text: str) -> str:
    """As `neutral`, of what an agent says: of a long text the end too, which may be a question. Secrets go before it is
    cut."""
    if len(text) <= MAX_ACTIVITY_TEXT:
        return neutral(text)
    half = MAX_ACTIVITY_TEXT // 2 - 2
    return f"{neutral(masked(text[:MAX_HALF]), half)} … {line(_ESCAPES.sub('', masked(text[-MAX_HALF:])))[-half:]}"


def from_hook(raw: bytes, agent: str, now: float) -> Activity | None:
    """A line of `hooks.jsonl`; None if it means nothing to us. `now` is its time where it carries none."""
    activity = read_hook(raw, agent, now)
    return harmless_activity(activity, now) if activity is not None else None


def harmless_activity(activity: Activity, now: float) -> Activity:
    """The same with texts that may be drawn, at most `now`."""
    names = activity.tool + activity.tool_id + activity.session + activity.subagent
    short = activity.at <= now and len(activity.text) <= MAX_ACTIVITY_TEXT and len(names) <= 160
    words = activity.text + names
    if short and words.isascii() and words.isprintable():
        return activity  # as most are: a copy costs five times as much as the look
    return replace(
        activity,
        at=min(activity.at, now),  # a clock that runs ahead must not make its agent look alive for hours
        text=_both_ends(activity.text) if activity.kind in SAID else neutral(activity.text),
        tool=neutral(activity.tool, 60),
        tool_id=neutral(activity.tool_id, 60),
        session=neutral(activity.session, 60),
        subagent=neutral(activity.subagent, 60),
    )
