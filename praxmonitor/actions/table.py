"""Every action of the screen, once: bindings, footer, help, palette and the README's key table come from here."""

from __future__ import annotations

from mailcore.model.agent import OPERATOR
from praxmonitor.actions import agents, alarms, mail, movement, preconditions, program, replay
from praxmonitor.actions.action import Action, Footer
from praxmonitor.actions.movement import step
from praxmonitor.actions.preconditions import Situation
from praxmonitor.actions.scope import ACT, EVERYWHERE, FLEET, MAIL, MOVE, REPLAY


def _some_need(now: Situation) -> bool:
    return bool(now.needing)


def _mail_came(now: Situation) -> bool:
    """Mail for the operator has come and is not in view."""
    return now.fleet.operator is not None and now.fleet.operator.mailbox.unread > 0 and now.selected != OPERATOR


ACTIONS = (
    Action("down", "j,down", "down", MOVE, "down: a row of agents, a mail, a line", step("down"), in_replay=True),
    Action("up", "k,up", "up", MOVE, "up", step("up"), in_replay=True),
    Action("left", "h,left", "left", FLEET, "the agent to the left", step("left"), in_replay=True),
    Action("right", "l,right", "right", FLEET, "the agent to the right", step("right"), in_replay=True),
    Action("first", "g,home", "first", MOVE, "to the first, or the top", step("first"), in_replay=True),
    Action("last", "G,end", "last", MOVE, "to the last, or the bottom", step("last"), in_replay=True),
    Action(
        "page_down", "pagedown", "page down", MOVE, "a page down; of the mail that is open, if one is",
        step("page_down"), in_replay=True,
    ),
    Action("page_up", "pageup", "page up", MOVE, "a page up", step("page_up"), in_replay=True),
    Action(
        "next_needing", "n", "next", FLEET, "next agent that needs you", movement.next_needing,
        words="needs me attention waiting problem jump", precondition=preconditions.some_agent, wanted=_some_need,
        footer=Footer.IF_ROOM, in_replay=True,
    ),
    Action(
        "filter", "slash", "filter", FLEET, "show only agents whose name, state or task holds a text",
        movement.open_filter, words="find search show only narrow", in_replay=True,
    ),
    Action(
        "open", "enter", "open", FLEET, "open the selected agent: mail, run, activities, log", movement.open_agent,
        words="log details session cost tokens diff changes files full screen", precondition=preconditions.selected,
        footer=Footer.IF_ROOM, in_replay=True,
    ),
    Action(
        "order", "o", "order", FLEET, "those that need attention first; again: as in the registry", movement.order,
        words="sort arrange attention urgent first", footer=Footer.IF_ROOM, in_replay=True,
    ),
    Action(
        "compose", "m", "mail", ACT, "write a mail", agents.compose,
        words="send message new compose tell", footer=Footer.IF_ROOM,
    ),
    Action(
        "dispatch", "d", "dispatch", ACT, "give a task: a mail that the agent is woken for", agents.dispatch,
        words="start run work assign order job", footer=Footer.IF_ROOM,
    ),
    Action(
        "kill", "D", "kill", ACT, "end its run and every process of it; asks first", agents.kill,
        words="stop end terminate abort cancel run", precondition=preconditions.runs, dangerous=True,
        footer=Footer.IF_ROOM,
    ),
    Action(
        "retry", "r", "retry", ACT, "start its last run again, or let one that waits for a limit go on; asks first",
        agents.retry,
        words="restart rerun again repeat resume limit now", precondition=preconditions.startable_again,
        footer=Footer.IF_ROOM,
    ),
    Action(
        "move", "P", "elsewhere", ACT, "do its last task in another program or account; asks which", agents.move,
        words="program account model limit switch move", precondition=preconditions.startable_again,
        verb="do elsewhere",
    ),
    Action(
        "wake", "w", "wake", ACT, "start it without a task: it reads its mail, or goes on; asks first", agents.wake,
        words="run begin continue go on", precondition=preconditions.startable,
    ),
    Action(
        "cancel", "x", "cancel start", ACT, "cancel one of the starts that wait for it; asks which", agents.cancel,
        words="queue waiting queued dequeue remove stop", precondition=preconditions.agent, verb="cancel",
    ),
    Action(
        "hold", "H", "hold", ACT, "hold it: it gets mail, and nothing starts it; again: release it", agents.hold,
        words="pause stop freeze block unhold", precondition=preconditions.agent, held_label="release",
    ),
    Action(
        "attach", "a", "attach", ACT, "go on yourself in its program's session; leave that to come back here",
        agents.attach, words="join session resume terminal shell take over", precondition=preconditions.session,
    ),
    Action(
        "copy", "y", "copy story", ACT, "copy the story of its run to the clipboard, as Markdown", agents.copy,
        words="yank clipboard report history export", precondition=preconditions.ran, verb="tell of",
    ),
    Action(
        "read", "enter", "read", MAIL, "read the selected mail; your own is marked opened", mail.read,
        words="open show message body", precondition=preconditions.mail, footer=Footer.IF_ROOM, in_replay=True,
    ),
    Action(
        "reply", "R", "reply", MAIL, "answer the selected mail of yours", mail.reply,
        words="respond write back", precondition=preconditions.own_mail, footer=Footer.IF_ROOM,
    ),
    Action(
        "close", "c", "close", MAIL, "close the selected mail of yours; it stays in the archive", mail.close,
        words="archive done delete remove dismiss", precondition=preconditions.own_mail, footer=Footer.IF_ROOM,
    ),
    Action(
        "close_read", "C", "close read", MAIL, "close every mail of yours that you have read; asks first",
        mail.close_read, words="archive all clean up delete", precondition=preconditions.own_mail, verb="close",
    ),
    Action(
        "approve", "Y", "approve", MAIL, "approve what the selected mail of yours asks for; you say why",
        mail.approve, words="yes allow grant accept permit decide", precondition=preconditions.own_mail,
    ),
    Action(
        "deny", "N", "deny", MAIL, "deny it; you say why", mail.deny,
        words="no refuse reject decline forbid decide", precondition=preconditions.own_mail,
    ),
    Action(
        "inbox", "i", "inbox", EVERYWHERE, "your own mail", program.inbox,
        words="messages mine operator read approvals", wanted=_mail_came, footer=Footer.IF_ROOM, in_replay=True,
    ),
    Action(
        "kill_all", "K", "kill all", EVERYWHERE, "end every run; asks for the workspace's name", agents.kill_all,
        words="stop end terminate everything panic emergency", precondition=preconditions.some_run, dangerous=True,
    ),
    Action(
        "acknowledge", "A", "acknowledge", EVERYWHERE, "take note of every alarm: none of them sounds again",
        alarms.acknowledge, words="silence quiet dismiss alarm seen", in_replay=True,
    ),
    Action(
        "snooze", "Z", "snooze", EVERYWHERE, "silence every alarm for a while ([alarms] snooze)", alarms.snooze,
        words="silence quiet away later break do not disturb", in_replay=True,
    ),
    Action(
        "alarms", "exclamation_mark", "alarms", EVERYWHERE,
        "every alarm: what was expected and seen, what to do; a z answer one, m mutes its like",
        alarms.show, words="alerts warnings problems errors trouble wrong mute shelve", in_replay=True,
    ),
    Action(
        "alarm_mutes", "u", "muted alarms", EVERYWHERE,
        "what is muted of the alarms, by whom, until when, why; ends one early", alarms.show_mutes,
        words="unmute mute hidden shelved silences end undo", in_replay=True,
    ),
    Action(
        "alarm_load", "s", "alarm load", EVERYWHERE,
        "how many alarms there were, the worst sources, what is stale, the history", alarms.show_load,
        words="statistics history figures rate bad actors worst eemua noise", in_replay=True,
    ),
    Action(
        "notices", "L", "notices", EVERYWHERE, "what the bottom line said, newest first", program.notices,
        words="log messages notifications history said toasts", in_replay=True,
    ),
    Action(
        "mute", "M", "mute", EVERYWHERE, "all sound off, and on again", alarms.mute,
        words="silence quiet unmute volume audio noise", footer=Footer.IF_ROOM, in_replay=True,
    ),
    Action("panel", "tab", "panel", MOVE, "next panel", movement.next_panel, in_replay=True),
    Action("back", "escape", "back", EVERYWHERE, "back out; never does anything else", movement.back, in_replay=True),
    Action(
        "palette", "colon,ctrl+p", "commands", EVERYWHERE, "command palette: every action, agent and theme",
        program.palette, in_replay=True,
    ),
    Action(
        "help", "question_mark", "help", EVERYWHERE, "this list", program.show_help,
        words="keys shortcuts bindings legend states glyphs manual", footer=Footer.ALWAYS, in_replay=True,
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
    Action(
        "pause", "space", "pause", REPLAY, "stand still, and go on again", replay.pause,
        words="stop stand still continue", precondition=preconditions.played, footer=Footer.IF_ROOM, in_replay=True,
    ),
    Action(
        "faster", "plus", "faster", REPLAY, "play twice as fast", replay.speed(2.0),
        words="speed up quick", precondition=preconditions.played, footer=Footer.IF_ROOM, in_replay=True,
    ),
    Action(
        "slower", "minus", "slower", REPLAY, "play half as fast", replay.speed(0.5),
        words="speed down", precondition=preconditions.played, footer=Footer.IF_ROOM, in_replay=True,
    ),
)  # fmt: skip

BY_ID = {action.id: action for action in ACTIONS}
SCOPES = tuple(dict.fromkeys(action.scope for action in ACTIONS))
"""In the order in which help and README list them."""
