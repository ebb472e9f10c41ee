"""How alarms leave the program: sounds, the terminal's title and notifications, a command of the user's.

The texts hold words of agents: `line` takes every control character out before they reach a terminal.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from mailcore.text import line
from mailcore.text.masks import masked
from mailcore.text.units import date_and_time, duration, iso
from praxmonitor.alarms.alarm import headline
from praxmonitor.alarms.episode import AlarmEvents, Episode
from praxmonitor.alarms.groups import most_urgent_first
from praxmonitor.sound import Cue, Sound

PUSH_TITLE, POP_TITLE = "\x1b[22;2t", "\x1b[23;2t"
"""Let the terminal keep its title, and bring it back (xterm)."""
MOST_COMMANDS = 4
"""Commands of the user's that may run at once."""
MOST_TOLD = 4
"""How often the user's command is told of an alarm that stands."""
COMMAND_TIMEOUT = 60.0
"""Seconds after which such a command is ended."""


def alarm_cue(episode: Episode, voices: Mapping[str, int] = MappingProxyType({})) -> Cue:
    """What an alarm sounds like. `voices`: address → place in the registry."""
    alarm = episode.alarm
    return Cue(alarm.kind.sound, alarm.address, voices.get(alarm.address, 0), urgency=episode.urgency)


def alarm_cues(events: AlarmEvents, voices: Mapping[str, int]) -> list[Cue]:
    """What these events sound like: the most urgent of them alone, for two at once would spoil each other's rhythm.

    `voices`: as in `alarm_cue`.
    """
    # The first of the most urgent: what is new is heard before what is repeated.
    new = sorted((alarm_cue(episode, voices) for episode in events.raised), key=lambda cue: -cue.priority)
    cues = [*new, *(alarm_cue(episode, voices) for episode in events.repeated)]
    played = [max(cues, key=lambda cue: cue.urgency)] if cues else []
    return [*played, Cue(Sound.ALL_CLEAR)] if events.clear else played


def headline_of(episodes: Sequence[Episode]) -> str:
    """The headline of these, the most urgent first, as one harmless line."""
    return _printable(headline([episode.alarm for episode in most_urgent_first(episodes)]), 200)


def _printable(text: str, limit: int) -> str:
    """What leaves the program: one harmless line, secrets masked before it is cut."""
    return line(masked(text), limit)


def title_sequence(workspace: str, unanswered: Sequence[Episode]) -> str:
    """The sequence that sets the terminal's title; the workspace's name alone where nothing is wrong."""
    words = f"! {headline_of(unanswered)} · {workspace}" if unanswered else workspace
    return f"\x1b]2;{line(words, 120)}\x07"


def notification_sequence(text: str, how: str, environ: Mapping[str, str] = os.environ) -> str:
    """The sequence that shows a desktop notification; empty where the terminal is not known to have any.

    `how`: `[alarms] notify`. Through tmux it passes only where tmux is told to let it (`allow-passthrough`).
    """
    code = _supported(environ) if how == "auto" else how
    safe = _printable(text, 200)
    match code:
        case "9":
            sequence = f"\x1b]9;{safe}\x07"
        case "777":
            sequence = f"\x1b]777;notify;PraxMonitor;{safe.replace(';', ',')}\x07"
        case _:
            return ""
    if "TMUX" not in environ:
        return sequence
    escaped = sequence.replace("\x1b", "\x1b\x1b")
    return f"\x1bPtmux;{escaped}\x1b\\"


def _supported(environ: Mapping[str, str]) -> str:
    if "TMUX" in environ:  # what it runs in does not show
        return "none"
    if environ.get("TERM_PROGRAM", "") in ("iTerm.app", "WezTerm", "ghostty") or "KITTY_WINDOW_ID" in environ:
        return "9"
    return "777" if environ.get("TERM", "").startswith(("foot", "rxvt")) else "none"


def event_objects(events: AlarmEvents, root: Path, now: float) -> Iterator[dict[str, Any]]:
    """The events as JSON objects: one of each sort, many alarms in one.

    `event`: `raised`, `joined`, `repeated` or `over`; `headline` and `text` say it to a person; `clear`: the last is
    over.
    """
    told = (("raised", events.raised), ("joined", events.joined), ("repeated", events.repeated), ("over", events.over))
    for event, episodes in told:
        if episodes:
            yield {
                "event": event,
                "workspace": str(root),
                "at": iso(now),
                "headline": f"over: {headline_of(episodes)}" if event == "over" else headline_of(episodes),
                "text": "\n".join(_printable(f"{e.alarm.address} {e.alarm.text}".strip(), 1000) for e in episodes),
                "urgency": max(episode.urgency for episode in episodes).word,
                "clear": events.clear and event == "over",
                "alarms": [episode_object(episode) for episode in episodes],
            }


def episode_object(episode: Episode) -> dict[str, Any]:
    """One alarm as JSON values; times are ISO 8601 with offset, or null if unknown."""
    alarm = episode.alarm
    until = episode.answered_until
    return {
        "kind": str(alarm.kind),
        "address": alarm.address,
        "since": iso(alarm.since),
        "text": _printable(alarm.text, 1000),
        "what": _printable(alarm.what, 400),
        "expected": _printable(alarm.expected, 400),
        "seen": _printable(alarm.seen, 400),
        "remedy": _printable(alarm.remedy, 400),
        "key": alarm.key,
        "raised_at": iso(episode.raised_at),
        "told": episode.times_notified,
        "urgency": episode.urgency.word,
        "cause": alarm.cause,
        "agents": list(alarm.agents),
        "hidden_by": episode.hidden_by,
        "muted_by": episode.muted_by,
        "latched": episode.latched,
        "acknowledged": episode.acknowledged,
        "snoozed_until": iso(until) if until and not episode.acknowledged else None,
    }


class UserCommand:
    """`[alarms] on_alarm`: runs the user's command for each event, in threads, and waits for none."""

    def __init__(
        self,
        argv: Sequence[str],
        cwd: Path,
        on_error: Callable[[str], None],
        *,
        name: str = "on_alarm",
        most: int = MOST_COMMANDS,
    ) -> None:
        """`on_error` is told in words what went wrong, from a thread of this command's. `name`: its key; `most`: how
        many of it may run at once."""
        self._argv, self._cwd, self._on_error = list(argv), cwd, on_error
        self._name, self._most, self._free = name, most, threading.Semaphore(most)

    def run(self, events: AlarmEvents, root: Path, now: float) -> None:
        """Run it for these events; of repetitions for the first of an alarm alone. Does not block."""
        if not self._argv:
            return
        for event in event_objects(events, root, now):
            if event["event"] == "repeated" and all(e.times_notified > MOST_TOLD for e in events.repeated):
                continue
            self.send(event)

    def send(self, event: Mapping[str, Any]) -> None:
        """Run it for this event. Does not block."""
        if not self._argv:
            return
        if not self._free.acquire(blocking=False):
            what = event.get("headline", event["event"])
            self._on_error(f"{self._name}: {self._most} of it still run; not run for: {what}")
            return
        threading.Thread(target=self._one, args=(json.dumps(event),), name=self._name, daemon=True).start()

    def _one(self, value: str) -> None:
        try:
            # A file, not a pipe: what the command leaves running holds its stderr open, and is not waited for.
            with tempfile.TemporaryFile() as errors:
                done = subprocess.run(
                    self._argv, input=value.encode(), stdout=subprocess.DEVNULL, stderr=errors,
                    timeout=COMMAND_TIMEOUT, cwd=self._cwd, start_new_session=True, check=False,
                )  # fmt: skip
                errors.seek(max(0, errors.seek(0, os.SEEK_END) - 2000))
                last = line(errors.read(2000).decode("utf-8", "replace"), 200)
        except subprocess.TimeoutExpired:
            self._on_error(f"{self._name}: {self._argv[0]} was ended after {duration(COMMAND_TIMEOUT)}")
        except (OSError, ValueError) as error:
            self._on_error(f"{self._name}: {line(str(error), 300)}")
        else:
            if done.returncode:
                self._on_error(f"{self._name}: {self._argv[0]} ended with {done.returncode}: {last}")
        finally:
            self._free.release()


def event_lines(events: AlarmEvents, now: float) -> Iterator[str]:
    """The events as plain lines; before many of a sort, one that counts them."""
    told = (("ALARM", events.raised), ("JOINS", events.joined), ("AGAIN", events.repeated), ("OVER", events.over))
    for word, episodes in told:
        if len(episodes) > 1:
            yield f"{date_and_time(now)} {word} {headline_of(episodes)}"
        for episode in episodes:
            text = episode.alarm.what if word == "OVER" else episode.alarm.text
            yield f"{date_and_time(now)} {word} {_printable(f'{episode.alarm.address} {text}'.strip(), 1000)}"
    if events.clear:
        yield f"{date_and_time(now)} ALL CLEAR"
