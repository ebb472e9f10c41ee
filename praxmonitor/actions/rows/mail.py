"""What is done with the mail under the cursor."""

from __future__ import annotations

from praxmonitor.actions import accepting, mail, mail_preconditions, mailbox, preconditions
from praxmonitor.actions.action import Action, Footer
from praxmonitor.actions.preconditions import Situation
from praxmonitor.actions.scope import ACT, MAIL, MAILBOX


def _asks(now: Situation) -> bool:
    """The mail under the cursor waits for the operator's decision."""
    return not mail_preconditions.request(now, "")


def _asks_openly(now: Situation) -> bool:
    """The same, and its text is open."""
    return not mail_preconditions.open_request(now, "")


ON_MAIL = (
    Action(
        "read", "enter", "read", MAIL, "read the selected mail; your own is marked opened", mail.read,
        words="open show message body", precondition=mail_preconditions.mail, footer=Footer.IF_ROOM, in_replay=True,
    ),
    Action(
        "reply", "R", "reply", MAIL, "answer the selected mail of yours", mail.reply,
        words="respond write back quote", precondition=mail_preconditions.open_mail, footer=Footer.IF_ROOM,
    ),
    Action(
        "close", "c", "close", MAIL, "close the selected mail of yours; it stays in the archive", mail.close,
        words="archive done delete remove dismiss", precondition=mail_preconditions.open_mail, footer=Footer.IF_ROOM,
    ),
    Action(
        "close_read", "C", "close read", MAIL, "close every mail of yours that you have read; asks first",
        mail.close_read, words="archive all clean up delete", precondition=mail_preconditions.own_mail, verb="close",
    ),
    Action(
        "approve", "Y", "approve", MAIL, "approve what the selected mail of yours asks for; you say why",
        mail.approve, words="yes allow grant accept permit permission decide request",
        precondition=mail_preconditions.request, footer=Footer.IF_ROOM, wanted=_asks,
        claims=mail_preconditions.is_open_request,
    ),
    Action(
        "deny", "N", "deny", MAIL, "deny it where its text is open; you say why", mail.deny,
        words="no refuse reject decline forbid decide", precondition=mail_preconditions.open_request,
        footer=Footer.IF_ROOM, wanted=_asks_openly, claims=mail_preconditions.is_open_request,
    ),
    Action(
        "accept", "Y", "accept", MAILBOX, "be content with a task whose end this mail tells; take its work over",
        accepting.accept, words="yes content good satisfied done result commit merge pull request git take over",
        precondition=mail_preconditions.outcome,
    ),
    Action(
        "reopen", "O", "reopen", MAILBOX, "start the task again whose end this mail tells; you say why in a line",
        mailbox.reopen, words="again redo not content restart task", precondition=mail_preconditions.outcome,
    ),
    Action(
        "reply_line", "o", "one line", MAILBOX, "answer in one line, written at the bottom; Enter sends it",
        mailbox.reply_in_a_line, words="quick short reply answer respond", footer=Footer.IF_ROOM,
        precondition=mail_preconditions.answerable, verb="answer",
    ),
    Action(
        "outcome", "E", "outcome", MAILBOX, "say what became of it: done, blocked, declined, with a line of result",
        mailbox.tell_outcome, words="acknowledge ack done blocked declined result take", verb="answer",
        precondition=mail_preconditions.answerable,
    ),
    Action(
        "forward", "f", "forward", MAILBOX, "send the selected mail on to others, quoted", mailbox.forward,
        words="fwd pass on send share", precondition=mail_preconditions.mail,
    ),
    Action(
        "undo_close", "U", "open again", MAILBOX,
        "open the archived mail of yours under the cursor again; elsewhere the one that was closed last",
        mailbox.undo_close, words="undo close restore reopen archive unarchive back",
        precondition=mail_preconditions.closed_before,
    ),
    Action(
        "thread", "t", "thread", MAILBOX, "the mails that answer each other, in order; again: back",
        mailbox.toggle_thread, words="conversation replies answers history", footer=Footer.IF_ROOM,
        precondition=mail_preconditions.mail, in_replay=True,
    ),
    Action(
        "search_mail", "slash", "search", MAILBOX, "search all mail, open and closed, of every agent, as you type",
        mailbox.open_search, words="find search words all mail archive look for grep", footer=Footer.IF_ROOM,
        looks=True,
    ),
    Action(
        "next_mailbox", "l,right", "mailbox", MAILBOX, "next mailbox: In, Sent, Waiting for an answer, Archive",
        mailbox.next_folder, words="sent archive waiting unanswered folder box in", in_replay=True,
    ),
    Action(
        "last_mailbox", "h,left", "mailbox back", MAILBOX, "the mailbox before", mailbox.previous_folder,
        words="sent archive waiting folder box in previous", in_replay=True,
    ),
    Action(
        "whose_mail", "b", "whose", MAILBOX, "choose whose mail is listed; another's is looked at, never marked",
        mailbox.choose_owner, words="mailbox agent other box switch", footer=Footer.IF_ROOM, in_replay=True,
    ),
    Action(
        "raw_mail", "v", "raw", MAILBOX, "the text as it was written; again: as Markdown", mailbox.toggle_raw,
        words="markdown source plain verbatim written", in_replay=True,
    ),
    Action(
        "its_mail", "B", "its inbox", ACT, "all mail of the selected agent: in, sent, waiting, archive",
        mailbox.show_mailbox, words="mailbox inbox sent archive messages", precondition=preconditions.selected,
        verb="look at", in_replay=True,
    ),
)  # fmt: skip
