"""What is done with the agent under the cursor, in every view that has one."""

from __future__ import annotations

from praxmonitor.actions import agents, logs_grown, permissions, preconditions
from praxmonitor.actions.action import Action, Footer
from praxmonitor.actions.scope import ACT

ON_AGENTS = (
    Action(
        "compose", "m", "mail", ACT, "write a mail", agents.compose,
        words="send message new compose tell", footer=Footer.IF_ROOM,
    ),
    Action(
        "dispatch", "d", "dispatch", ACT, "give a task: a mail that the agent is woken for", agents.dispatch,
        words="start run work assign order job give task many several five agents broadcast", footer=Footer.IF_ROOM,
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
        words="program account model limit switch move", precondition=preconditions.movable,
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
        words="pause stop freeze block unhold", precondition=preconditions.holdable, held_label="release",
    ),
    Action(
        "cut_log", "X", "cut log", ACT, "empty its log that grows the fastest, whose end is kept beside it; asks first",
        logs_grown.cut_log, words="truncate runaway log clear empty disk growth",
        precondition=preconditions.log_grows, dangerous=True, verb="cut the log of",
    ),
    Action(
        "answer_permission", "Y", "permission", ACT,
        "what its program asks permission for, whole; there Y allows it once, S always in its session, N denies it",
        permissions.answering(), words="yes allow grant approve accept permit request prompt tool command decide",
        precondition=permissions.asks_permission, footer=Footer.IF_ROOM, wanted=permissions.asks_for_one,
        verb="answer", looks=True,
    ),
    Action(
        "deny_permission", "", "deny permission", ACT, "deny what its program asks permission for; you say why",
        permissions.answering(denies=True), words="no refuse reject decline forbid permission tool command decide",
        precondition=permissions.asks_permission, verb="deny",
    ),
    Action(
        "attach", "a", "attach", ACT, "go on yourself in its program's session; leave that to come back here",
        agents.attach, words="join session resume terminal shell take over", precondition=preconditions.session,
    ),
    Action(
        "copy", "y", "copy story", ACT, "copy the story of its run to the clipboard, as Markdown", agents.copy,
        words="yank clipboard report history export", precondition=preconditions.ran, verb="tell of",
    ),
)  # fmt: skip
