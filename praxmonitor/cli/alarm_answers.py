"""`praxmonitor alarms ack|snooze|unack`: the operator's answers to alarms, without a screen."""

from __future__ import annotations

import time
from collections.abc import Sequence

from mailcore.cli.call import Call
from mailcore.config import read_config
from mailcore.exceptions import MailcoreError, UsageError, did_you_mean
from mailcore.programs.registry import checked_config
from mailcore.text import counted
from mailcore.text.terminal import print_json, print_line
from mailcore.text.units import iso, soon
from mailcore.workspace.registry import normal_address
from praxmonitor.alarms.alarm import AlarmKind
from praxmonitor.alarms.episode import ACKNOWLEDGED
from praxmonitor.alarms.groups import AlarmGroup, AlarmState, groups_of
from praxmonitor.alarms.history import answered_entries
from praxmonitor.alarms.inhibition import concerned_agents
from praxmonitor.alarms.mute_input import checked_until, parse_length
from praxmonitor.alarms.standing import standing_now
from praxmonitor.alarms.store import AlarmStore
from praxmonitor.cli.arguments import Parser, operator_options, say_refused
from praxmonitor.sound.mutes import mutes_path

ANSWERS = {
    "ack": "take note: it is not heard again while it stands; what is over leaves the list",
    "snooze": "do not hear it for a while",
    "unack": "take an acknowledgement or a snooze back",
}
"""Word → what it does."""
OF_ALL = {
    "ack": (AlarmState.WANTS, AlarmState.SETTLING, AlarmState.OVER),
    "snooze": (AlarmState.WANTS, AlarmState.SETTLING),
    "unack": (AlarmState.ACKNOWLEDGED, AlarmState.SNOOZED),
}
"""Which alarms `all` means."""
WHICH = "all, @agent, or an alarm's key or its beginning, as `praxmonitor alarms --json` has it: failed @writer"


def main(words: Sequence[str]) -> int:
    """`words` begin with one of ANSWERS. Exit status 0 answered, 2 no such alarm or length, 3 not the operator."""
    answer = words[0]
    parser = Parser(
        prog=f"praxmonitor alarms {answer}",
        description=ANSWERS[answer],
        epilog="An alarm is answered with those that joined it; what it hides is not. Exit status: 0 answered; 2 no "
        "such alarm, or a length that is none; 3 the caller is not the operator: an agent answers no alarm of yours.",
    )
    parser.add_argument("which", nargs="+", metavar="KEY|@agent|all", help=WHICH)
    if answer == "snooze":
        parser.add_argument("--for", dest="length", metavar="10m", help="for how long (default: [alarms] snooze)")
    operator_options(parser)
    options = parser.parse_args(words[1:])
    try:
        call = Call("alarms", options)
        caller = call.require(prove=False)
        workspace = call.workspace
        config = checked_config(read_config(workspace.config_file), workspace.config_file)
        now = time.time()
        until = {"ack": ACKNOWLEDGED, "unack": 0.0}.get(answer, 0.0)
        if answer == "snooze":
            seconds = parse_length(options.length) if options.length is not None else config.alarms.snooze
            until = checked_until(now + seconds, now)
        store = AlarmStore(mutes_path(workspace.root).parent)
        groups = groups_of(standing_now(workspace, config, now), now)
        chosen = [one for group in named(groups, answer, options.which) for one in group.members]
        if answer == "unack":
            chosen = [one for one in chosen if one.answered(now)]
        store.answer([one.alarm.key for one in chosen], until)
        store.history.add(answered_entries(chosen, until, now, caller.address))
    except (MailcoreError, OSError) as error:
        failed = error if isinstance(error, MailcoreError) else MailcoreError(f"not answered: {error}")
        return say_refused(failed, as_json=options.json)
    said = {"ack": "acknowledged", "unack": "asked again"}.get(answer, f"snoozed to {soon(until)}")
    if options.json:
        print_json({"answer": said, "until": iso(until), "alarms": [one.alarm.key for one in chosen]})
    else:
        print_line(f"{said}: {counted(len(chosen), 'alarm')}")
        for one in chosen:
            print_line(f"  {one.alarm.summary}")
    return 0


def named(groups: Sequence[AlarmGroup], answer: str, words: Sequence[str]) -> list[AlarmGroup]:
    """The lines that these words name and that may be answered so; of `all` none perhaps.

    UsageError, naming what there is, if they name none.
    """
    wanted = " ".join(words)
    if wanted == "all":
        return [group for group in groups if group.state in OF_ALL[answer]]
    states = (*OF_ALL[answer], *OF_ALL["unack"], AlarmState.MUTED)
    able = [group for group in groups if group.state in states]
    if words[0].startswith("@"):
        address = normal_address(words[0])
        found = [each for each in able if any(address in concerned_agents(one.alarm) for one in each.members)]
    else:
        found = [each for each in able if any(f"{key} ".startswith(f"{wanted} ") for key in each.keys)]
    if not found:
        near = "" if words[0].startswith("@") else did_you_mean(words[0], (*AlarmKind, "all"))
        there = "; ".join(group.leader.alarm.key for group in able) or "none"
        raise UsageError(f"no alarm of {wanted!r}{near}; there {'are' if len(able) > 1 else 'is'}: {there}")
    return found
