"""`hooks`: what an agent's program tells at each step, installed, looked for and removed."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from mailcore.cli.call import Call, Parser, VerbResult
from mailcore.cli.options import sender_option
from mailcore.exceptions import MailcoreError, Refused, UsageError
from mailcore.hooks.install import NO_HOOKS, hook_state, install_hooks, remove_hooks, settings_file
from mailcore.hooks.plugin_lines import PLUGIN
from mailcore.model.agent import Agent
from mailcore.programs.base import Hooks
from mailcore.programs.registry import has_home, programs
from mailcore.programs.registry import hooks_of as hooks_of


def arguments(verb: str, parser: Parser) -> None:
    """`hooks install|status|remove [@a|--all]`, `hooks plugin`."""
    del verb
    parser.add_argument(
        "what",
        choices=("install", "status", "remove", "plugin"),
        help="what to do with them; plugin: where that lies which brings the same, for the program to install",
    )
    parser.add_argument("address", nargs="?", metavar="@a", help="whose; without it the caller's own")
    parser.add_argument("--all", action="store_true", dest="everyone", help="every agent's")
    sender_option(parser)


def hooks(call: Call) -> VerbResult:
    """Do it for each agent; exit 4 if one could not be done, which keeps no other from it."""
    if call.arguments.what == "plugin":
        return {"plugin": str(PLUGIN)}, str(PLUGIN)
    rows: list[dict[str, Any]] = []
    lines = []
    for agent in _whose(call):
        row = _row(call, agent)
        rows.append(row)
        done = " now" if row["changed"] else ""
        lines.append(f"{agent.address:<16} {row['state']}{done}: {row['why'] or row['file']}")
    bad = call.arguments.what != "status" and any(row["state"] == "broken" for row in rows)
    return {"agents": rows, "exit": 4 if bad else 0}, "\n".join(lines)


def _row(call: Call, agent: Agent) -> dict[str, Any]:
    name = _program(call, agent)
    own = hooks_of(name)
    file = str(settings_file(agent, own)) if own is not None else ""
    account = call.config.agent(agent.address).account
    row: dict[str, Any] = {"address": agent.address, "file": file, "account": account, "changed": False}
    try:
        row["changed"] = _act(call, agent, own)
        found = next(
            filter(lambda one: one.state != "none", (hook_state(agent, place) for place in _places(own))), NO_HOOKS
        )
        row |= {"state": found.state, "why": found.why}
    except MailcoreError as error:
        row |= {"state": "broken", "why": str(error)}
    if row["state"] == "none" and (plugin := _plugin(call, agent, name, own)):
        row |= {"state": "plugin", "why": f"those of the plugin run, which {plugin} switches on"}
    if row["state"] == "none" and own is None:
        row |= {"state": "unsupported", "why": f"{name} has no hooks: what it does is read from its session files"}
    return row


def _plugin(call: Call, agent: Agent, name: str, own: Hooks | None) -> str:
    """The settings that switch our plugin on for it; empty: none do."""
    from mailcore.accounts.account import account_of

    if own is None or own.parts is None or not has_home(name):
        return ""
    return own.parts(account_of(call.config, agent.address, name).home, agent.branch).plugin


def _places(own: Hooks | None) -> list[Hooks]:
    """The agent's own program's hooks, then every other's: there may be some of ours since it was another's agent."""
    every = [own, *(one.hooks for one in programs())]
    return list(dict.fromkeys(place for place in every if place is not None))


def _whose(call: Call) -> tuple[Agent, ...]:
    address, everyone = call.arguments.address, call.arguments.everyone
    if address and everyone:
        raise UsageError("name one agent or --all, not both")
    if address:
        return (call.visible(address),)
    if not call.viewer.is_operator:
        if everyone:
            raise Refused(f"{call.viewer.address} may change its own hooks; --all is for the operator", "visibility")
        return (call.viewer,)
    if everyone or call.arguments.what == "status":
        return call.workspace.agents
    raise UsageError(f"whose? `mailcore hooks {call.arguments.what} @a`, or --all")


def _act(call: Call, agent: Agent, own: Hooks | None) -> bool:
    from mailcore.workspace import audit

    what = call.arguments.what
    if agent.is_operator:
        raise Refused("the operator is a person and has no hooks", "reserved")
    if what == "status" or (what == "install" and own is None):
        return False
    if what == "install" and own is not None:
        changed = install_hooks(agent, own)
    else:
        changed = True in [remove_hooks(agent, place) for place in _places(own)]  # every one, not only up to the first
    if changed:
        audit.record(call.workspace, call.viewer.address, f"hooks {what}", agent=agent.address)
    return changed


def _program(call: Call, agent: Agent) -> str:
    """The name of the agent's program; empty where it has none yet."""
    from mailcore.programs.choose import select

    name = call.config.agent(agent.address).program
    if not name:
        with suppress(MailcoreError):
            name = select(agent, call.config).name
    return name
