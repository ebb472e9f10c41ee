"""Since you were away: what was done, failed, asked, spent, and where it stands; each line leads somewhere."""

from __future__ import annotations

from praxmonitor.actions.asking import result_of
from praxmonitor.actions.context import Context, View


async def show_digest(context: Context[View]) -> None:
    """List it; what is picked is gone to."""
    from mailcore.dispatch.runs.away_summary import headline, summarize, summary_lines
    from praxmonitor.dialogs.choose import ChooseScreen
    from praxmonitor.widgets.row_list import text_row

    now = context.opened.clock()
    found = await result_of(context, summarize, context.opened.workspace, context.display.attendance.since(now))
    if found is None:
        return
    lines, said = summary_lines(found), headline(found, now)
    if not lines:
        context.display.notify(said)
        return
    options = [text_row(each.text) for each in lines]
    question = ChooseScreen(said, options, "enter go there   j k another   esc back")
    picked = await context.display.push_screen_wait(question)
    if picked < 0:
        return
    if message_id := lines[picked].message_id:
        context.display.navigation.show_message(message_id)
    elif fingerprint := lines[picked].fingerprint:
        context.display.navigation.show_error(fingerprint)
    elif address := lines[picked].address:
        context.display.navigation.show_agent(address)
