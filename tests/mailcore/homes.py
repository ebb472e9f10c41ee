"""A home in which agents' programs have worked: session files in their own formats, and what all of it used, once."""

from __future__ import annotations

import json
import uuid
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from mailcore.model.usage import Usage
from mailcore.programs.claude.places import ACCOUNT_HOME, directory
from tests.mailcore.session_lines import codex, event, said, text, tokens

STYLES = ("records", "turns", "counts")
"""How Codex tells its use: by records that name their thread, by counts within turns, by counts alone (oldest)."""


@dataclass
class Session:
    """One session file, and who pays for it."""

    path: Path
    program: str
    owner: str
    cwd: Path
    id: str
    style: str = ""
    lines: list[dict[str, Any]] = field(default_factory=list)
    total: tuple[int, int, int] = (0, 0, 0)
    totals: list[tuple[int, tuple[int, int, int]]] = field(default_factory=list)
    """After each request: how many lines there were, and the thread's total."""


class Home:
    """Writes what programs write. `clock` gives the time of the next line; `owners` whose a directory is."""

    def __init__(self, clock: Callable[[float], float], codex_home: Path) -> None:
        self._clock, self._codex = clock, codex_home
        self.sessions: list[Session] = []
        self.used: dict[str, Usage] = defaultdict(Usage)
        """By agent, every request once: the oracle."""
        self.by_program: dict[str, Usage] = defaultdict(Usage)
        self._number = 0

    def begin(self, program: str, owner: str, cwd: Path, style: str = "turns") -> Session:
        """A new session that was begun in `cwd`."""
        self._number += 1
        session = self._made(program, owner, cwd, style)
        if program == "codex":
            self._meta(session, "")
        self.sessions.append(session)
        return session

    def request(self, session: Session, *, sidechain: bool = False, gap: float = 3.0) -> None:
        """The agent asks its service once more; no two requests use the same."""
        self._number += 1
        n, at = self._number, self._clock(gap)
        if session.program == "claude":
            self._claude(session, n, at, sidechain)
            # Claude Opus 5.5, dollars a million: input 4, output 20, read from the cache 0.2, written into it 5.
            price = (100 * 4 + (1000 + n) * 20 + 20 * 0.2 + 10 * 5) / 1e6
            used = Usage(100, 1000 + n, 20, 10, estimated=price)
        else:
            self._rollout(session, n, at)
            used = Usage(80 + n, 7, 20, estimated=((80 + n) * 1.25 + 7 * 10 + 20 * 0.125) / 1e6)  # GPT-5
        if session.owner:
            self.used[session.owner] += used
            self.by_program[session.program] += used

    def subagent(self, session: Session) -> Session:
        """A subagent of a Claude Code session, with a file of its own and another directory to work in."""
        self._number += 1
        folder = session.path.with_suffix("") / "subagents"
        path = folder / f"agent-{self._number}.jsonl"
        made = Session(path, "claude", session.owner, session.cwd.parent / f"elsewhere-{self._number}", session.id)
        self.sessions.append(made)
        return made

    def fork(self, parent: Session, requests: int, style: str = "") -> Session:
        """A session that begins as a copy of another's first so many requests: Codex stamps what it copies anew."""
        self._number += 1
        session = self._made(parent.program, parent.owner, parent.cwd, style or parent.style)
        kept, session.total = parent.totals[:requests][-1] if parent.totals[:requests] else (0, (0, 0, 0))
        if parent.program == "claude":
            kept = kept or len(parent.lines)
            copies = [{**line, "sessionId": session.id} for line in parent.lines[:kept]]
        else:
            at = self._meta(session, parent.id)
            stamp = json.loads(codex(at, "x"))["timestamp"]
            copies = [{**line, "timestamp": stamp} for line in parent.lines[:kept]]
        for copy in copies:
            self._write(session, json.dumps(copy).encode())
        self.sessions.append(session)
        return session

    def _made(self, program: str, owner: str, cwd: Path, style: str) -> Session:
        at = self._clock(0.0)
        id = f"{int(at * 1000):012x}{0x7000 | self._number % 4096:04x}{0x8000:04x}{self._number:012x}"
        name = str(uuid.UUID(id))
        if program == "claude":
            return Session(directory(cwd, ACCOUNT_HOME.usual()) / f"{name}.jsonl", program, owner, cwd, name, style)
        day = f"{date.today():%Y/%m/%d}" if self._number % 2 else "2025/11/22"  # a session of old goes on today
        path = self._codex / "sessions" / day / f"rollout-2025-11-22T02-01-23-{name}.jsonl"
        return Session(path, program, owner, cwd, name, style)

    def _meta(self, session: Session, parent: str) -> float:
        at = self._clock(1.0)
        forked = {"forked_from_id": parent} if parent else {}
        meta = codex(at, "session_meta", id=session.id, cwd=str(session.cwd), cli_version="0.169.0", **forked)
        self._write(session, meta)
        return at

    def _claude(self, session: Session, n: int, at: float, sidechain: bool) -> None:
        more: dict[str, Any] = {"isSidechain": True, "agentId": "s"} if sidechain else {}
        whose = {"cwd": str(session.cwd), "sessionId": session.id, "requestId": f"req_{n}", "uuid": f"u{n}", **more}
        for block in ("thinking about it", "said"):  # one message in two lines, each with the same usage
            self._write(session, said(at, f"msg_{n}", text(block), output=1000 + n, **whose))
        session.totals.append((len(session.lines), (0, 0, 0)))

    def _rollout(self, session: Session, n: int, at: float) -> None:
        last = (100 + n, 20, 7)
        total = (session.total[0] + last[0], session.total[1] + last[1], session.total[2] + last[2])
        session.total = total
        turn = str(uuid.UUID(f"{int(at * 1000):012x}{0x7000 | n % 4096:04x}{0x8000:04x}{n:012x}"))
        named = {"turn_id": turn} if session.style != "counts" else {}
        self._write(session, codex(at, "turn_context", model="gpt-5", cwd=str(session.cwd), **named))
        if session.style != "counts":
            self._write(session, event(at, "task_started", model_context_window=258400, **named))
        self._write(session, event(at, "agent_message", message=f"answer {n}"))
        used, all_used = tokens(*last), tokens(*session.total)
        if session.style == "records":
            more = {"thread_id": session.id, **named}
            record = codex(at, "token_usage_record", usage=used, thread_token_usage=all_used, **more)
            self._write(session, record)
        self._write(session, event(at, "token_count", info={"total_token_usage": all_used, "last_token_usage": used}))
        session.totals.append((len(session.lines), total))

    def _write(self, session: Session, line: bytes) -> None:
        if not session.path.exists():
            session.path.parent.mkdir(parents=True, exist_ok=True)
        with session.path.open("ab") as file:
            file.write(line + b"\n")
        session.lines.append(json.loads(line))
