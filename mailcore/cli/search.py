"""`search`: find mail by its words, open and archived, in all mailboxes that the caller may see."""

from __future__ import annotations

from typing import Any

from mailcore.cli.call import Call, Parser, VerbResult
from mailcore.cli.options import sender_option
from mailcore.cli.since import parse_since
from mailcore.exceptions import UsageError
from mailcore.mail.search import search_mail as search_mail
from mailcore.mail.search_query import FoundMail
from mailcore.mail.search_query import Query as Query
from mailcore.text import counted, line, names
from mailcore.text.frames import quoted
from mailcore.text.terminal import screen_width
from mailcore.text.units import date_and_time

MAX_SHOWN = 50
"""Mails that are shown to one who does not say how many."""
AROUND = 90
"""Characters of a body that are shown, where the first word was found."""


def arguments(verb: str, parser: Parser) -> None:
    """`search WORDS… [--agent @a] [--since 2h] [--open|--closed] [--limit N]`."""
    del verb
    parser.add_argument("words", nargs="*", metavar="WORDS", help="each begins a word of subject, body, parties or ids")
    parser.add_argument("--agent", metavar="@a", help="only mail from or to it")
    parser.add_argument("--since", metavar="WHEN", help="an ISO time, or 30m, 2h, 7d")
    parser.add_argument("--open", action="store_true", help="only open mail")
    parser.add_argument("--closed", action="store_true", help="only archived mail")
    parser.add_argument(
        "--limit", type=int, default=MAX_SHOWN, metavar="N", help=f"how many, the newest; else {MAX_SHOWN}"
    )
    sender_option(parser)


def search(call: Call) -> VerbResult:
    """Mail in which each of the words begins a word, newest first. Nothing becomes read."""
    a = call.arguments
    if a.open and a.closed:
        raise UsageError("--open or --closed: without either both are searched")
    if a.limit < 1:
        raise UsageError(f"--limit {a.limit}: 1 or more")
    viewer = "" if call.viewer.is_operator else call.viewer.address
    query = Query(
        words=tuple(a.words),
        agent=call.workspace.agent(a.agent).address if a.agent else "",
        viewer=viewer,
        since=parse_since(a.since) if a.since else 0.0,
        open=a.open if a.open or a.closed else None,
    )
    if a.words and not query.phrases:
        raise UsageError("search needs a word: letters or digits")
    if not a.words and not (a.agent or a.since or a.open or a.closed):
        raise UsageError("search needs WORDS, --agent, --since, --open or --closed")
    found = search_mail(call.workspace, query)
    shown = found[: a.limit]
    more = ""
    if len(found) > len(shown):
        more = f"and {counted(len(found) - len(shown), 'older mail')}: --limit {len(found)} shows them too"
    values = [_value(each, query.phrases) for each in shown]
    if shown and (width := screen_width()) is not None:
        from mailcore.cli import listings

        rows = []
        for each in shown:
            passage = excerpt(each.message.body, query.phrases)
            passage_cells = listings.found_cells(passage if width else quoted(passage), query.phrases, "faint")
            rows.append((listings.found_row(each, query.phrases, width), passage_cells))
        return values, listings.found_listing(rows, more, width)
    lines = [one for each in shown for one in _lines(each, query.phrases)]
    return values, "\n".join([*lines, *([more] if more else [])]) or "no mail is found"


def _value(found: FoundMail, phrases: list[str]) -> dict[str, Any]:
    message = found.message
    return {
        "id": message.id,
        "sent_id": message.sent_id,
        "seq": message.seq,
        "from": message.sender,
        "to": found.owner,
        "timestamp": message.raw.get("timestamp"),
        "subject": message.subject,
        "open": found.open,
        "thread_id": message.thread_id,
        "text": excerpt(message.body, phrases),
    }


def _lines(found: FoundMail, phrases: list[str]) -> list[str]:
    message = found.message
    passage = excerpt(message.body, phrases)
    head = (
        f"{line(message.id, 40):<8}  #{message.seq:<5} {date_and_time(message.at, never='-')}  "
        f"{names.safe_sender(message.sender, 20)} → {found.owner}  {'open  ' if found.open else 'closed'}  "
    )
    return [head + quoted(message.subject, 80), *([f"          {quoted(passage, AROUND + 2)}"] if passage else [])]


def excerpt(body: str, phrases: list[str]) -> str:
    """What stands around the first word that was found, on one line; the beginning where none is found as it stands."""
    text = line(body)
    low = text.lower()
    place = min((at for phrase in phrases if (at := low.find(phrase)) >= 0), default=0)
    begin = max(0, place - AROUND // 3)
    end = begin + AROUND
    return f"{'…' if begin else ''}{text[begin:end]}{'…' if len(text) > end else ''}"
