"""The MCP server's tools for work: tasks and runs, the workspace, its upkeep. Each is the verb of its name."""

from __future__ import annotations

import json
from typing import Any, Literal

from mailcore.mcp.call import READ_ONLY, Id, Names, Priority, Text, call, flag, option, server


@server.tool(annotations=READ_ONLY)
async def whoami() -> dict[str, Any]:
    """Who mailcore takes you for, and why."""
    return await call("whoami")


@server.tool(annotations=READ_ONLY)
async def agents() -> dict[str, Any]:
    """Who takes part, who works, who is there, and how their mail stands."""
    return await call("agents")


@server.tool()
async def agent(
    what: Literal["add", "adopt", "remove"], which: Text, worktree: bool = False, branch: Text = "", name: Text = ""
) -> dict[str, Any]:
    """Change who takes part: add NAME=PATH, adopt DIR or SESSION, or remove @a, whose files stay.

    `worktree`: add NAME in a git worktree of its own, on a new `branch`; remove it too, if no work would be lost.
    `name`: what the adopted one is called.
    """
    options = [*(["--worktree"] if worktree else []), *option("branch", branch), *option("name", name)]
    return await call("agent", *options, what, words=[which])


@server.tool()
async def lease(
    paths: Names = [],  # noqa: B006 (of which the schema tells; nobody changes it)
    time: Text = "1h",
    why: Text = "",
    end: bool = False,
) -> dict[str, Any]:
    """Say which files you change, and for how long: others are warned before they do. Without `paths`: who has what.

    `end`: end yours on these paths, or all of yours.
    """
    options = ["--end"] if end else [f"--for={time}", *option("why", why)]
    return await call("lease", *options, words=paths)


@server.tool()
async def dispatch(
    to: Names,
    subject: Text,
    body: Text,
    priority: Priority = "normal",
    expect: Text = "",
    program: Text = "",
    account: Text = "",
    model: Text = "",
    session: Literal["fresh", "resume", "fork"] = "fresh",
    schema: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Give agents a task, and start them; `expect`: what counts as done. A busy one starts it when it can.

    `schema`: a JSON Schema that the data of its result has to fit; that comes with `done`.
    """
    options = [f"--priority={priority}", f"--expect={expect}", *_other(program, account, model)]
    options += [f"--schema-text={json.dumps(schema)}"] if schema is not None else []
    how = flag(session, session != "fresh")
    return await call("dispatch", *options, *how, "--queue", words=[*to, subject, body])


@server.tool(annotations=READ_ONLY)
async def tasks(agent: Text = "") -> dict[str, Any]:
    """Tasks, requests and urgent questions that nobody has answered yet, the oldest first."""
    return await call("tasks", words=[agent] if agent else None)


@server.tool()
async def wake(agent: Text, prompt: Text = "", if_mail: bool = False) -> dict[str, Any]:
    """Start an idle agent; `if_mail`: only where unread mail waits."""
    return await call("wake", *flag("if-mail", if_mail), words=[agent, *([prompt] if prompt else [])])


@server.tool()
async def kill(target: Text) -> dict[str, Any]:
    """End a run of yours, or one that you asked for, and its whole process tree: an agent, or a run's id."""
    return await call("kill", words=[target])


@server.tool()
async def retry(
    target: Text,
    mode: Literal["start", "resume", "fresh"] = "start",
    program: Text = "",
    account: Text = "",
    model: Text = "",
) -> dict[str, Any]:
    """Run an agent's last task once more; in another program, or for another account, in a new session."""
    return await call("retry", f"--mode={mode}", *_other(program, account, model), words=[target])


def _other(program: str, account: str, model: str) -> list[str]:
    return [*option("program", program), *option("account", account), *option("model", model)]


@server.tool()
async def review(target: Text, by: Text = "") -> dict[str, Any]:
    """Have another agent (`by`, else the orchestrator) audit what an agent's last run, or a run, did."""
    return await call("review", *option("by", by), words=[target])


@server.tool()
async def errors(show: Id = "", resolve: Id = "", how: Text = "") -> dict[str, Any]:
    """Errors that repeat in agents' logs, and whose they are; `show` all of one, or `resolve` one of yours: `how` says
    what was done."""
    if resolve:
        return await call("errors", "resolve", words=[resolve, how])
    return await call("errors", *(["show"] if show else []), words=[show] if show else None)


@server.tool(annotations=READ_ONLY)
async def runs(agent: Text = "") -> dict[str, Any]:
    """Every run, or an agent's, newest first."""
    return await call("runs", words=[agent] if agent else None)


@server.tool(annotations=READ_ONLY)
async def run(target: Text) -> dict[str, Any]:
    """A run's story: task, attempts, exits, standard error, mail sent, files changed."""
    return await call("run", words=[target])


@server.tool()
async def hold(agent: Text = "", why: Text = "", every: bool = False) -> dict[str, Any]:
    """Let an agent (`every`: all) start nothing; its mail arrives."""
    return await call("hold", *flag("all", every), words=[one for one in (agent, why) if one])


@server.tool()
async def release(agent: Text = "", every: bool = False) -> dict[str, Any]:
    """Let it start again, with what waited: a hold of yours."""
    return await call("release", *flag("all", every), words=[agent] if agent else None)


@server.tool()
async def queue(cancel: Id = "", move: Id = "", place: Text = "first", now: Id = "") -> dict[str, Any]:
    """Starts that wait, and for what; `cancel`, `move` (`place`: up, down, first, last, a number) or begin `now` one of
    yours, by its id."""
    named = {"cancel": cancel, "move": move, "now": now}
    act = next((verb for verb, wanted in named.items() if wanted), "")
    words = [named[act], *([place] if act == "move" else [])] if act else None
    return await call("queue", *([act] if act else []), words=words)


@server.tool(annotations=READ_ONLY)
async def logs(
    agents: Names = [],  # noqa: B006 (of which the schema tells; nobody changes it)
    errors: bool = False,
    grep: Text = "",
    since: Text = "",
    run: Id = "",
    last: int = 50,
) -> dict[str, Any]:
    """What an agent's programs logged and printed, in the order of time; yours, or those of `agents`. `grep`: a regular
    expression; `since`: 2h, 7d, or an ISO time; `last`: no more than the last so many."""
    options = [*flag("errors", errors), *option("grep", grep), *option("since", since), *option("run", run)]
    return await call("logs", *options, f"-n{last}", words=agents)


@server.tool(annotations=READ_ONLY)
async def history(since: Text = "") -> dict[str, Any]:
    """Every send, transition, run and act that concerns you. `since`: 2h, 7d, or an ISO time."""
    return await call("history", *option("since", since))


@server.tool(annotations=READ_ONLY)
async def config(explain: Text = "") -> dict[str, Any]:
    """Every setting and where it comes from; `explain`: what a key means."""
    return await call("config", *option("explain", explain))


@server.tool(annotations=READ_ONLY)
async def usage(
    agents: Names = [],  # noqa: B006 (of which the schema tells; nobody changes it)
    days: int = 7,
    by: Literal["agent", "task", "day"] = "agent",
) -> dict[str, Any]:
    """Cost and tokens."""
    return await call("usage", f"--days={days}", f"--by={by}", words=agents)


@server.tool(annotations=READ_ONLY)
async def limits() -> dict[str, Any]:
    """Usage limits of the agents' accounts, when each is reset, and which runs wait for that."""
    return await call("limits")


@server.tool(annotations=READ_ONLY)
async def doctor() -> dict[str, Any]:
    """What stands in the way on this machine and in this workspace, and what to do about it."""
    return await call("doctor")


@server.tool()
async def away(until: Text = "", back: bool = False) -> dict[str, Any]:
    """Say that the operator is away, or back: for a key of the person."""
    return await call("away", *flag("back", back), words=[until] if until else None)


@server.tool()
async def prune(older: Text, dry_run: bool = False) -> dict[str, Any]:
    """Remove archived mail of yours that is older: 30d."""
    return await call("prune", f"--older={older}", *flag("dry-run", dry_run))


@server.tool()
async def repair(agent: Text = "", dry_run: bool = False) -> dict[str, Any]:
    """Recover the whole messages of mailboxes that cannot be read; the files as they were are set aside."""
    return await call("repair", *flag("dry-run", dry_run), words=[agent] if agent else None)
