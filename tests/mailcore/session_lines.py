"""Lines of session files as Claude Code and Codex write them, with what a test is about."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from mailcore.observe.usage_backlog import UsageBacklog
from mailcore.programs.base import SessionFiles
from mailcore.programs.claude.places import ACCOUNT_HOME as CLAUDE
from mailcore.programs.claude.sessions import ClaudeSessions
from mailcore.programs.codex.places import ACCOUNT_HOME as CODEX
from mailcore.programs.codex.sessions import CodexSessions
from mailcore.programs.transcript_reader import Counted, Transcript

BEGAN = 1_700_000_000.0
SESSION = "00e66db2-05d6-45b4-98ae-6bf52c827f80"
CWD = "/home/op/project/agents/writer"


def iso(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def line(at: float, type: str, **fields: Any) -> bytes:
    head = {"type": type, "timestamp": iso(at), "sessionId": SESSION, "cwd": CWD, "version": "2.1.330"}
    return json.dumps({**head, **fields}, separators=(",", ":")).encode()


def said(at: float, id: str, *blocks: dict[str, Any], output: int = 30, **fields: Any) -> bytes:
    """An assistant line: 100 new tokens, 20 from the cache, 10 into it."""
    usage = {
        "input_tokens": 100, "output_tokens": output, "cache_read_input_tokens": 20, "cache_creation_input_tokens": 10
    }  # fmt: skip
    stop = fields.pop("stop_reason", "tool_use")
    message = {"id": id, "model": "claude-opus-5-5", "content": list(blocks), "stop_reason": stop, "usage": usage}
    return line(at, "assistant", message=message, **fields)


def text(words: str) -> dict[str, Any]:
    return {"type": "text", "text": words}


def call(id: str, name: str, **given: Any) -> dict[str, Any]:
    return {"type": "tool_use", "id": id, "name": name, "input": given}


def asked(at: float, content: Any, **fields: Any) -> bytes:
    return line(at, "user", message={"role": "user", "content": content}, **fields)


def result(at: float, id: str, content: Any, *, is_error: bool = False, **fields: Any) -> bytes:
    block = {"type": "tool_result", "tool_use_id": id, "content": content, "is_error": is_error}
    return asked(at, [block], **fields)


def money(total: float, session: str = SESSION) -> bytes:
    state = {"type": "cost-state", "sessionId": session, "totalCostUSD": total, "modelUsage": {}}
    return json.dumps(state, separators=(",", ":")).encode()


def codex(at: float, type: str, **payload: Any) -> bytes:
    return json.dumps({"timestamp": iso(at), "type": type, "payload": payload}, separators=(",", ":")).encode()


def event(at: float, type: str, **payload: Any) -> bytes:
    return json.dumps({"timestamp": iso(at), "type": "event_msg", "payload": {"type": type, **payload}}).encode()


def item(at: float, type: str, **payload: Any) -> bytes:
    return json.dumps({"timestamp": iso(at), "type": "response_item", "payload": {"type": type, **payload}}).encode()


def tokens(input: int, cached: int, output: int) -> dict[str, int]:
    return {
        "input_tokens": input,
        "cached_input_tokens": cached,
        "cache_write_input_tokens": 0,
        "output_tokens": output,
    }


def record(at: float, last: dict[str, int], total: dict[str, int]) -> bytes:
    return codex(at, "token_usage_record", usage=last, thread_token_usage=total)


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@st.composite
def mutated(draw: st.DrawFn, lines: list[bytes]) -> bytes:
    """A line that is whole, cut, glued to another, with bytes changed, or with a value replaced at any depth."""
    raw = draw(st.sampled_from(lines))
    match draw(st.integers(0, 4)):
        case 0:
            return raw
        case 1:
            return raw[: draw(st.integers(0, len(raw)))]
        case 2:
            other = draw(st.sampled_from(lines))
            return raw[: draw(st.integers(0, len(raw)))] + other[draw(st.integers(0, len(other))) :]
        case 3:
            at = draw(st.integers(0, len(raw) - 1))
            return raw[:at] + draw(st.binary(min_size=1, max_size=4)) + raw[at + 1 :]
        case _:
            value: Any = json.loads(raw)
            place = value
            while True:
                keys = list(place) if isinstance(place, dict) else list(range(len(place)))
                key = draw(st.sampled_from(keys))
                inner = place[key]
                if not isinstance(inner, dict | list) or not inner or draw(st.booleans()):
                    place[key] = draw(JUNK)
                    return json.dumps(value).encode()
                place = inner


def every_value_replaced(raw: bytes) -> Iterator[bytes]:
    """The line with each of its values, at any depth, gone or replaced by one of each type."""
    value = json.loads(raw)

    def places(inside: Any, way: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
        inner = inside.items() if isinstance(inside, dict) else enumerate(inside) if isinstance(inside, list) else ()
        for key, one in inner:
            yield (*way, key)
            yield from places(one, (*way, key))

    each: list[Any] = [None, True, -1, 1.5, 10**30, "", "x", "\ud83d", [], [None], ["x"], [{}], {}, {"type": []}]
    for *way, last in places(value, ()):
        for junk in each:
            changed = copy.deepcopy(value)
            place = changed
            for key in way:
                place = place[key]
            place[last] = junk
            yield json.dumps(changed).encode()
        del place[last]
        yield json.dumps(changed).encode()


def files_of(path: Path) -> SessionFiles:
    """What its program says of such a file, by its name."""
    return CodexSessions(CODEX.usual()) if path.name.startswith("rollout-") else ClaudeSessions(CLAUDE.usual())


def read_from(agent: str, path: Path, offset: int, counted: Counted | None = None) -> Transcript:
    """A reader for a session file from a place on."""
    return files_of(path).reader(agent, path, offset, Counted(500) if counted is None else counted)


def counted_before(path: Path, offset: int) -> Counted:
    """The messages that stand before a place, counted by whoever read them."""
    counted = Counted(500)
    reader = read_from("@a", path, 0, counted)
    for raw in path.read_bytes()[:offset].splitlines():
        reader.read(raw, BEGAN)
    return counted


def cwd_of(path: Path) -> str:
    """Where a session was begun."""
    return files_of(path).cwd_of(path, ())


def backlog(agent: str, path: Path, since: float, until: int, counted: Counted | None = None) -> UsageBacklog:
    """What a session file tells of the use from a moment on, up to a place."""
    return UsageBacklog(agent, path, files_of(path), since, until, Counted(500) if counted is None else counted)
