"""`review`."""

from __future__ import annotations

from dataclasses import asdict

from mailcore.cli.call import Call, Parser, VerbResult
from mailcore.cli.options import sender_option
from mailcore.exceptions import UsageError


def arguments(verb: str, parser: Parser) -> None:
    """`review @a|RUN [--by @b]`."""
    del verb
    parser.add_argument("target", metavar="@a|RUN", help="an agent's last run, or the run of that id")
    parser.add_argument("--by", metavar="@b", default="", help="who reviews; else [mail] orchestrator")
    sender_option(parser)


def review(call: Call) -> VerbResult:
    """Dispatch a review of what a run did; the findings come back as one message, which `reopen` hands on."""
    from mailcore.dispatch import control
    from mailcore.dispatch.review import compose_review
    from mailcore.dispatch.runs.run_list import find_run

    a, caller = call.arguments, call.caller
    agent, run = find_run(call.workspace, a.target)
    if not call.sees(agent.address, *((run.sender, run.target) if run is not None else ())):
        call.visible(agent.address)
    reviewer = a.by or call.config.mail.orchestrator
    if not reviewer:
        raise UsageError("who is to review? --by @b, or [mail] orchestrator in config.toml")
    by = call.workspace.agent(reviewer)
    if by.address == agent.address:
        raise UsageError(f"{agent.address} does not review itself: --by @b")
    made = compose_review(call.workspace, agent, run, call.config.mail.max_body)
    sent = control.dispatch_task(
        call.workspace, call.config, caller.address, by.address, made.subject, made.body,
        parent_run=caller.run_id, thread={"review": made.about},
        expect="one answer that holds every finding",
    )  # fmt: skip
    call.note(caller, to=sent.to)
    how = f"not woken: {sent.busy}" if sent.busy else f"run {sent.run_id}"
    text = f"{sent.to} reviews {made.about['run']} of {agent.address}: message {sent.message_id}, {how}"
    return asdict(sent) | {"review": made.about, "exit": 3 if sent.code == "busy" else 0}, text
