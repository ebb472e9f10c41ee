"""What is done with the mail under the cursor."""

from __future__ import annotations

from praxmonitor.actions import mail, preconditions
from praxmonitor.actions.action import Action, Footer
from praxmonitor.actions.scope import MAIL

ON_MAIL = (
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
)  # fmt: skip
