"""`praxmonitor alarms ack|snooze|unack`: the operator's answers to alarms, without a screen."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence

from mailcore.cli.call import Call
from mailcore.config import read_config
from mailcore.exceptions import MailcoreError, UsageError, did_you_mean
from mailcore.programs.registry import checked_config
from mailcore.text import counted
from mailcore.text.terminal import print_json, print_line
from mailcore.text.units import iso, soon
from mailcore.workspace.registry import normal_address
from praxmonitor.alarms.alarm import AlarmKind
from praxmonitor.alarms.episode import ACKNOWLEDGED, Episode
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
ASKED = (AlarmState.WANTS, AlarmState.SETTLING, AlarmState.OVER)
ANSWERED = (AlarmState.ACKNOWLEDGED, AlarmState.SNOOZED)
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
        states = ANSWERED if answer == "unack" else (*ASKED, *ANSWERED)
        groups = groups_of(standing_now(workspace, config, now), now)
        chosen = list(named(groups, options.which, states, "answered" if answer == "unack" else "standing"))
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


def named(
    groups: Iterable[AlarmGroup], words: Sequence[str], states: Sequence[AlarmState], standing: str
) -> Iterator[Episode]:
    """The alarms that these words name, each with its group; of `all` those that may be answered so, none perhaps.

    UsageError, naming what there is (`standing`, in a word), if they name none.
    """
    lines = list(groups)
    wanted = " ".join(words)
    if words[0].startswith("@"):
        address = normal_address(words[0])
        found = [g for g in lines if any(address in concerned_agents(one.alarm) for one in g.members)]
    elif wanted == "all":
        asked = ANSWERED if states == ANSWERED else ASKED
        found = [group for group in lines if group.state in asked]
    else:
        found = [g for g in lines if any(f"{one.alarm.key} ".startswith(f"{wanted} ") for one in g.members)]
    episodes = [one for group in found if group.state in (*states, AlarmState.MUTED) for one in group.members]
    if not episodes and wanted != "all":
        keys = [group.leader.alarm.key for group in lines if group.state in states]
        there = "; ".join(keys) if keys else "none"
        near = did_you_mean(words[0], (*AlarmKind, "all")) if not words[0].startswith("@") else ""
        raise UsageError(f"no alarm of {wanted!r}{near}; {standing}: {there}")
    yield from episodes
