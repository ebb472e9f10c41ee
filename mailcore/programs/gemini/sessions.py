"""Where Gemini CLI keeps its session files, and whose one is."""

from __future__ import annotations

import itertools
import os
import re
import time
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from mailcore import files
from mailcore.programs.gemini.messages import is_prompt, texts_of
from mailcore.programs.sessions import BEFORE, listed, newer, tell, tell_before, timestamp_of
from mailcore.programs.transcript import Counted, Transcript, parsed, table_of, text_of

HEAD = 262_144
"""Bytes of a session file in which the first prompt is looked for."""
REGISTRY = 4 * 1024 * 1024
"""Bytes of the list of all projects that are read."""
RECENT = 24 * 3600.0
"""Seconds: the subagents of a session that was not written for longer are not looked for."""
CHILDREN = 8
"""Sessions of one directory whose subagents are looked for, the newest of the last day."""

CHATS = "chats"


class GeminiSessions:
    """A directory for each that sessions were begun in, under a short name of Gemini CLI's own making."""

    whole = False

    @property
    def root(self) -> Path:
        """Where the directories lie."""
        return _home() / "tmp"

    def places(self, branches: Collection[Path]) -> list[Path]:
        """The branches' own directories; of a branch that has none, the one that it will get if it comes next."""
        named = _registry()
        taken = {name for name in named.values() if isinstance(name, str)}
        real = dict.fromkeys(map(os.path.realpath, branches))
        return [self.root / (_name(branch, named) or self._next(branch, taken)) / CHATS for branch in real]

    def _next(self, branch: str, taken: set[str]) -> str:
        """The short name that Gemini CLI will give a branch; it is taken then."""
        plain = re.sub(r"[^a-z0-9]+", "-", Path(branch).name.lower()).strip("-") or "project"
        for number in itertools.count():
            name = f"{plain}-{number}" if number else plain
            if name not in taken and _owner(self.root / name) in ("", branch):
                break
        taken.add(name)
        return name

    def inner(self, place: Path) -> list[Path]:
        """Where the subagents of the newest sessions write."""
        try:
            with os.scandir(place) as entries:
                folders = [(one.stat().st_mtime, one.path) for one in entries if one.is_dir(follow_symlinks=False)]
        except OSError:
            return []
        oldest = time.time() - RECENT
        return [Path(path) for at, path in sorted(folders, reverse=True)[:CHILDREN] if at > oldest]

    def found(self, place: Path) -> list[tuple[float, Path]]:
        """The sessions, and the newest ones' subagents."""
        return [one for folder in (place, *self.inner(place)) for one in listed(folder, _is_session)]

    def is_session(self, path: Path) -> bool:
        """By the ending, and by where it lies: beside the sessions there are logs."""
        return _is_session(path.name) and CHATS in path.parts[-3:-1]

    def cwd_of(self, path: Path, branches: Collection[Path] = ()) -> str:
        """As is told beside the directory in which the sessions lie: a file has only a hash of it."""
        del branches
        return _owner(path.parents[1]) or _owner(path.parents[2]) if len(path.parents) > 2 else ""

    def time_of(self, line: bytes) -> float:
        """As messages tell it; what is written of the session itself may hold the whole history with its times."""
        return 0.0 if line.startswith(b'{"$') else timestamp_of(line)

    def history(self, branches: Collection[Path], since: float) -> Iterator[tuple[Path, str]]:
        """Of each branch the sessions, then their subagents."""
        for place in self.places(branches):
            for pattern in ("*.jsonl", "*/*.jsonl"):
                for path in newer(place.glob(pattern), since):
                    yield path, self.cwd_of(path)

    def reader(self, agent: str, path: Path, offset: int, counted: Counted, earlier: float = 0.0) -> Transcript:
        """As of `SessionFiles.reader`; each message tells its time."""
        from mailcore.programs.gemini.transcript import GeminiTranscript

        del earlier
        reader = GeminiTranscript(agent, path)
        reader.cwd = self.cwd_of(path)
        if offset > BEFORE:
            with files.opened(path) as file:
                tell(reader, file.readline(HEAD))
        tell_before(reader, path, offset)
        reader.counted = counted
        return reader


def is_known(branch: Path, session_id: str) -> bool:
    """True if there is a file of that session, whatever it holds."""
    return bool(_files_of(branch, session_id))


def is_resumable(branch: Path, session_id: str) -> bool:
    """True if that session has a prompt or an answer: without one Gemini CLI does not find it."""
    return any(_has_conversation(path) for path in _files_of(branch, session_id))


def _home() -> Path:
    return Path(os.environ.get("GEMINI_CLI_HOME") or Path.home()) / ".gemini"


def _registry() -> dict[str, Any]:
    """The short name of each directory that was worked in."""
    try:
        with files.opened(_home() / "projects.json") as file:
            data = file.read(REGISTRY)
    except OSError:
        return {}
    return table_of(parsed(data) or {}, "projects")


def _name(branch: str, named: dict[str, Any]) -> str:
    """The short name of a directory; empty if it has none, or one that leads elsewhere."""
    name = text_of(named, branch)
    return name if name == Path(name).name else ""


def _owner(directory: Path) -> str:
    """The directory in which the sessions were begun that lie below this one."""
    try:
        with files.opened(directory / ".project_root") as file:
            return file.read(8192).decode("utf-8", "replace").strip()
    except OSError:
        return ""


def _files_of(branch: Path, session_id: str) -> list[Path]:
    """Its files: a session that is resumed in another minute gets a second one, with nothing but a head in it."""
    name = _name(os.path.realpath(branch), _registry())
    if not name:
        return []
    ending = f"-{session_id[:8]}.jsonl"
    found = listed(_home() / "tmp" / name / CHATS, lambda file: file.startswith("session-") and file.endswith(ending))
    return [path for _, path in found if _session_of(path) == session_id]


def _session_of(path: Path) -> str:
    try:
        with files.opened(path) as file:
            return text_of(parsed(file.readline(HEAD)) or {}, "sessionId")
    except OSError:
        return ""


def _has_conversation(path: Path) -> bool:
    try:
        with files.opened(path) as file:
            while file.tell() < HEAD and (line := file.readline(HEAD)):
                message = parsed(line) or {}
                match message.get("type"):
                    case "gemini":
                        return True
                    case "user" if any(map(is_prompt, texts_of(message))):
                        return True
    except OSError:
        pass
    return False


def _is_session(name: str) -> bool:
    return name.endswith(".jsonl")
