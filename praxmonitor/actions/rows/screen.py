"""The screen itself, from every view."""

from __future__ import annotations

from mailcore.model.agent import OPERATOR
from praxmonitor.actions import agents, alarms, movement, preconditions, program, sounds
from praxmonitor.actions.action import Action, Footer
from praxmonitor.actions.preconditions import Situation
from praxmonitor.actions.scope import EVERYWHERE


def _mail_came(now: Situation) -> bool:
    """Mail for the operator has come and is not in view."""
    return now.fleet.operator is not None and now.fleet.operator.mailbox.unread > 0 and now.selected != OPERATOR


ON_THE_SCREEN = (
    Action(
        "inbox", "i", "inbox", EVERYWHERE, "your own mail", program.inbox,
        words="messages mine operator read approvals", wanted=_mail_came, footer=Footer.IF_ROOM, in_replay=True,
    ),
    Action(
        "kill_all", "K", "kill all", EVERYWHERE, "end every run; asks for the workspace's name", agents.kill_all,
        words="stop end terminate everything panic emergency", precondition=preconditions.some_run, dangerous=True,
    ),
    Action(
        "cost", "dollar_sign", "cost today", EVERYWHERE, "what each agent cost today, its tokens, and the sum",
        program.show_cost, words="cost costs tokens spent spend usage money price dollars budget", in_replay=True,
    ),
    Action(
        "link", "", "link", EVERYWHERE, "the hosts of the link: which are there, what waits for whom",
        program.show_link, words="hosts host machines remote away linked network status clock server",
        precondition=preconditions.linked,
    ),
    Action(
        "notices", "", "notices", EVERYWHERE, "what the bottom line said, newest first", program.notices,
        words="log messages notifications history said toasts", in_replay=True,
    ),
    Action(
        "mute", "M", "mute", EVERYWHERE, "all sound off, and on again", alarms.mute,
        words="silence quiet unmute volume audio noise turn sound off on", footer=Footer.IF_ROOM, in_replay=True,
    ),
    Action(
        "mute_some", "S", "mute some", EVERYWHERE,
        "mute the selected agent, a kind of sound or all of it for a while, or hear it again; asks which",
        sounds.mute_some, words="silence quiet unmute hear minutes agent kind ticks audio noise away", in_replay=True,
    ),
    Action(
        "theme", "", "theme", EVERYWHERE, "other colours: each is seen while it is chosen, and kept",
        program.change_theme, words="change colours colors dark light contrast blind appearance look", in_replay=True,
    ),
    Action("back", "escape", "back", EVERYWHERE, "back out; never does anything else", movement.back, in_replay=True),
    Action(
        "palette", "colon,ctrl+p", "commands", EVERYWHERE, "command palette: every action, agent and theme",
        program.palette, footer=Footer.IF_ROOM, in_replay=True,
    ),
    Action(
        "help", "question_mark", "help", EVERYWHERE, "this list", program.show_help,
        words="keys shortcuts bindings legend states glyphs manual change key keymap own rebind", footer=Footer.ALWAYS,
        in_replay=True,
    ),
    Action(
        "own_keys", "", "own keys", EVERYWHERE, "keys of your own: where keys.toml lies, and what checks it",
        program.own_keys, words="change key keys keymap rebind shortcuts bindings keys.toml", in_replay=True,
    ),
    Action(
        "suspend", "ctrl+z", "suspend", EVERYWHERE, "to the shell; `fg` brings the screen back", program.suspend,
        words="background shell job terminal", in_replay=True,
    ),
    Action(
        "quit", "q,ctrl+q", "quit", EVERYWHERE, "leave; agents and runs go on without the screen", program.leave,
        words="exit leave close", footer=Footer.ALWAYS, in_replay=True,
        demo_help="leave; the demo's agents end with the screen",
    ),
)  # fmt: skip
