"""What every tool of the MCP server shares: one call of a verb, and the words that a model may say where others are
meant.

Models say `12` where a text is meant and one name where a list is: both are understood. A result is JSON, which no text
in it can close, and without characters that a person would not see.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import anyio.to_thread
from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.types import Tool, ToolAnnotations
from pydantic import BeforeValidator, WithJsonSchema

from mailcore.cli import VERBS
from mailcore.exceptions import MailcoreError, caveats
from mailcore.identity.client_keys import PresentedKey
from mailcore.mail.resumable_act import act_scope
from mailcore.mcp.tools import PERSONS, SERVED, Served
from mailcore.text import plain
from mailcore.text.frames import harmless
from mailcore.workspace.find import workspace_here

INSTRUCTIONS = (
    "Mail between the agents of one project. Look with `inbox`, read with `read`, answer a task with `done` (or "
    "`blocked`, `declined`, `reply`). What must not be decided by an agent is asked with `ask`."
)
READ_ONLY = ToolAnnotations(read_only_hint=True)
"""Of a tool that changes nothing."""

_keys: list[PresentedKey] = []


def present(key: PresentedKey | None) -> None:
    """Let every call from now on be by whom this key names; None: by run or directory."""
    _keys[:] = [key] if key is not None else []


def _served() -> Served:
    return Served(_keys[0] if _keys else None)


class Server(MCPServer[Any]):
    """Tells a client of the tools that it may call."""

    async def list_tools(self) -> list[Tool]:
        """Those that its key was issued for; without a key all but the person's."""
        found = await super().list_tools()
        try:
            allowed = _served().tools(workspace_here(None)) if _keys else SERVED - PERSONS
        except (MailcoreError, OSError):  # whatever it calls, it is told what is wrong
            allowed = SERVED
        return [tool for tool in found if tool.name in allowed]


server = Server("mailcore", instructions=INSTRUCTIONS, log_level="ERROR")


def _text(value: object) -> object:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _texts(value: object) -> object:
    return [_text(one) for one in (value if isinstance(value, list) else [value])]


def _one_or_more(item: dict[str, Any]) -> WithJsonSchema:
    return WithJsonSchema({"anyOf": [{"type": "array", "items": item}, item]})


_NAME: dict[str, Any] = {"type": "string"}
_ID: dict[str, Any] = {"type": ["string", "integer"]}
Text = Annotated[str, BeforeValidator(_text)]
Id = Annotated[str, BeforeValidator(_text), WithJsonSchema(_ID)]
Ids = Annotated[list[str], BeforeValidator(_texts), _one_or_more(_ID)]
Names = Annotated[list[str], BeforeValidator(_texts), _one_or_more(_NAME)]
JsonValue = Annotated[Any, WithJsonSchema({})]
"""Any JSON value; `null` stands for none."""
Priority = Literal["low", "normal", "high"]


async def call(verb: str, *options: str, words: list[str] | None = None) -> dict[str, Any]:
    """Run one verb in a worker thread; its JSON value, a list under `result`.

    `words` are never taken for options, or for standard input. A wait that is cancelled ends at once, in its thread
    too; what else is cancelled is done, and not reported.
    """
    from mailcore.cli.call import perform

    arguments = list(options)
    if words:
        arguments += ["--", *("- " if word == "-" else word for word in words)]
    served = _served()

    def act() -> Any:
        with caveats() as beside, act_scope():
            value = perform(verb, VERBS[verb][0], arguments, served)[0]
        return {**value, "notes": beside} if isinstance(value, dict) and beside else value

    try:
        value = await anyio.to_thread.run_sync(act, abandon_on_cancel=True, limiter=_limiter(verb))
    except MailcoreError as error:
        raise ToolError(plain(f"{error.code}: {error}")) from error
    finally:
        served.cancellation.cancel()
    value_shown = harmless(value)
    return value_shown if isinstance(value_shown, dict) else {"result": value_shown}


_waits: list[anyio.CapacityLimiter] = []


def _limiter(verb: str) -> anyio.CapacityLimiter | None:
    """Waits have threads of their own: forty of them would keep every other verb out."""
    if verb != "wait":
        return None
    if not _waits:
        _waits.append(anyio.CapacityLimiter(1_000))
    return _waits[0]


def option(name: str, value: str) -> list[str]:
    """`--name=value`, where a value is said."""
    return [f"--{name}={value}"] if value else []


def flag(name: str, is_set: bool) -> list[str]:
    """`--name`, where it is said."""
    return [f"--{name}"] if is_set else []
