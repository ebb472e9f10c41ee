"""The events that Codex prints, headless: how an attempt came out, and which thread it was (contract codex)."""

from __future__ import annotations

import msgspec

from mailcore.model.limit import Limit
from mailcore.programs.base import Ending, Output, exit_words, is_session_id, tail
from mailcore.programs.codex.limits import failure_limit, thread_limit
from mailcore.programs.json_schema import shaped
from mailcore.programs.transcript_reader import MAX_TRANSCRIPT_LINE, parse_line, table_of
from mailcore.system.safe_open import open_regular


class Failure(msgspec.Struct):
    """What went wrong."""

    message: str | None = None


class Failed(msgspec.Struct):
    """`error`, which says it itself, and `turn.failed`."""

    message: str | None = None
    error: Failure | None = None


class Item(msgspec.Struct):
    """What was done or said: of an `agent_message` the text."""

    type: str | None = None
    text: str | None = None


class Completed(msgspec.Struct):
    """`item.completed`."""

    item: Item | None = None


class Started(msgspec.Struct):
    """`thread.started`."""

    thread_id: str = ""


def ending(exit_code: int, output: Output) -> Ending:
    """Success is exit 0 and a `turn.completed` after which no error came.

    An `error` before it was a connection that was lost and found; an item of type `error` is only a warning.
    """
    completed, failure, answer, odd = False, "", "", dict[str, str]()
    limit: Limit | None = None
    for line in tail(output.stdout, MAX_TRANSCRIPT_LINE):
        event = parse_line(line.encode())
        kind = event.get("type") if event is not None else None
        if event is None or not isinstance(kind, str):
            continue
        if kind == "turn.completed":
            completed, failure, limit = True, "", None
        elif kind in ("error", "turn.failed"):
            failed, wrong = shaped(event, Failed, f"codex's {kind}")
            message = (failed.error.message if failed.error is not None else failed.message) or ""
            failure = "; ".join(wrong.values()) or message or kind
            error = {"message": message, **(table_of(event, "error") or event)}
            limit = failure_limit(error, output.written_at)
        elif kind == "item.completed":
            done, wrong = shaped(event, Completed, f"codex's {kind}")
            odd |= wrong
            if done.item is not None and done.item.type == "agent_message":
                answer = done.item.text or ""
    if exit_code == 0 and completed and not failure:
        return Ending(True, ", ".join([exit_words(exit_code), *odd.values()]), result=answer)
    failure = failure or "the stream ended without turn.completed"
    limit = thread_limit(limit, thread_of(output), output.home) if limit is not None else None
    cause = f"{exit_words(exit_code)}: {failure}"
    return Ending(False, cause, limited=limit is not None, result=answer, limit=limit)


def thread_of(output: Output) -> str:
    """The id of the thread that it began, as its first event says; empty if that does not say one."""
    try:
        with open_regular(output.stdout) as file:
            event = parse_line(file.readline(65536).rstrip())
    except OSError:
        return ""
    if event is None or event.get("type") != "thread.started":
        return ""
    thread_id = shaped(event, Started, "codex's thread.started")[0].thread_id
    return thread_id if is_session_id(thread_id) else ""
