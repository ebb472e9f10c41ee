"""The session that an agent's next run may go on in: the one that AIPass's pointer names, else one of our runs.

The pointer, `.ai_mail.local/session.json` (contract section 4), is read and written, so that either program goes on
where the other one stopped.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mailcore.config import Config
from mailcore.dispatch.runs.run_list import read_run, run_ids
from mailcore.exceptions import Refused, UsageError
from mailcore.formats import journal
from mailcore.formats.json_codec import dumps, loads
from mailcore.model.agent import Agent
from mailcore.programs.base import Output, Program, is_session_id
from mailcore.programs.registry import find_program
from mailcore.system import safe_open, writing

POINTER = "session.json"
SESSION_MODES = ("resume", "fork", "fresh")
"""How a dispatch may ask for its session: go on in the newest, in a copy of it, or in a new one, as without a word."""
_LARGEST = 65536


def check_request(config: Config, agent: Agent, kind: Program, model: str, mode: str) -> None:
    """Refused, saying why, if the agent's program cannot do what a dispatch asks of it."""
    if model.startswith("-") or not model.isprintable() or model != model.strip():
        raise UsageError(f"--model {model!r}: a model's name, as the program calls it")
    for wanted in filter(None, ("model" if model else "", mode if mode != "fresh" else "")):
        if wanted not in kind.takes:
            can = ", ".join(f"--{one}" for one in sorted(kind.takes)) or "neither --model, --resume nor --fork"
            raise Refused(f"{agent.address} is a {kind.name} agent, which takes {can}; not --{wanted}", "no_option")
    if mode in ("resume", "fork") and not newest_session(config, agent, kind):
        raise Refused(
            f"no session of {agent.address} is known that {kind.name} keeps: leave --{mode} out", "no_session"
        )


def newest_session(config: Config, agent: Agent, kind: Program) -> str:
    """The id of the newest session of an agent that this program keeps; empty if it keeps none."""
    return next((one for name, one, _ in resumable_sessions(config, agent) if name == kind.name), "")


def resumable_sessions(config: Config, agent: Agent) -> Iterator[tuple[str, str, list[str]]]:
    """Program, id, and a person's command line of each session that is kept, the newest first."""
    for name, given, output in _named(agent):
        if (kind := find_program(name)) is None:
            continue
        # A supervisor that was killed could not write down how its program named the session: the output tells.
        session_id = kind.session(given, output) if output is not None else given
        if words := kind.attach(agent, config.agent(agent.address), session_id):
            yield name, session_id, words


def _named(agent: Agent) -> Iterator[tuple[str, str, Output | None]]:
    pointer = _pointer(agent)
    if pointer and pointer.get("cwd") in (str(agent.branch), str(agent.branch.resolve())):
        yield str(pointer.get("provider")), str(pointer.get("session_id")), None
    for run_id in reversed(run_ids(agent)):
        run_dir = agent.runs_dir / run_id
        run = read_run(run_dir)
        for attempt in reversed(run.attempts if run is not None else ()):
            name = f"attempt-{attempt.number}"
            output = Output(run_dir / f"{name}.stdout.log", run_dir / f"{name}.stderr.log")
            yield run.program if run is not None else "", attempt.session_id, output


def _pointer(agent: Agent) -> dict[str, Any]:
    try:
        found = loads(safe_open.read_bytes(_path(agent), links=False, most=_LARGEST))
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def write_pointer(agent: Agent, program: str, session_id: str) -> None:
    """Name the session in which a run went on, for the next run, AIPass's too. OSError where the disk refuses."""
    if not is_session_id(session_id):
        return
    pointer = {"session_id": session_id, "set_at": journal.now(), "set_by": "mailcore"}
    data = dumps(pointer | {"cwd": str(agent.branch), "provider": program})
    if not writing.link_new(_path(agent), data, 0o600):
        writing.replace(_path(agent), data, root=agent.root)


def _path(agent: Agent) -> Path:
    return agent.mail_dir / POINTER
