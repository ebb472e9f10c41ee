"""The link: this host, its server, and each other host: is it there, what waits for it, how its clock goes."""

from __future__ import annotations

from collections.abc import Iterator

from textual.app import ComposeResult
from textual.screen import ModalScreen

from mailcore.text import counted
from mailcore.text.units import since
from praxmonitor.dialogs.sheet import Sheet
from praxmonitor.state.link_view import HostView, LinkView
from praxmonitor.text.hosts import AWAY, away_since_words, skew_words
from praxmonitor.text.lines import Line, Span, pad, plain, wrapped

HOST_NAME_CELLS = 16
"""Cells of a host's name."""
MOST_TROUBLE = 3
"""Lines of what went wrong."""


def link_lines(link: LinkView, now: float, width: int) -> Iterator[Line]:
    """This host first, then the others by name."""
    status, report = link.status, link.status.report
    yield ((f"{plain(status.host)}", "strong"), (f", {plain(status.role)} of {plain(status.project)}", "muted"))
    at = f"; server {plain(' '.join(status.server))}" if status.server else ""
    if report is None:
        yield (("not running here: nothing is sent, and nothing is heard of the others", "warn"), (at, "muted"))
        run = "serve" if status.role == "hub" else "run"
        yield ((f"run it: mailcore link {run}; what is wrong with it: mailcore link doctor", "muted"),)
    else:
        word, role = ("connected", "") if report.connected else ("not connected", "warn")
        ago = since(report.changed_at or report.since, now)
        yield ((word, role), (f" for {ago}, PID {report.pid}{at}", "muted"))
        if report.trouble:
            yield from (((part, "warn"),) for part in wrapped(plain(report.trouble), width, MOST_TROUBLE))
    yield ()
    if not link.hosts:
        yield (("no other host yet: mailcore link invite HOST prints a token by which it joins", "faint"),)
    for host in link.hosts:
        yield _host_line(host, now)


def _host_line(host: HostView, now: float) -> Line:
    record = host.record
    said: Span
    if record.revoked:
        said = ("revoked", "muted")
    elif record.away_since or not record.seen_at:
        said = (f"{AWAY} {away_since_words(record.away_since, now)}", "warn")
    else:
        said = (f"there{skew_words(record.skew)}", "")
    waits = f"; {counted(host.waiting, 'envelope')} for it for {since(host.waiting_since, now)}"
    return (
        (f"{pad(plain(record.name), HOST_NAME_CELLS)} ", "strong"),
        said,
        (waits if host.waiting else "", "accent"),
        (f"; {counted(len(record.agents), 'agent')}", "muted"),
        (f"; {plain(record.version)}" if record.version else "", "faint"),
    )


class LinkScreen(ModalScreen[None]):
    """The link, as it stood when this was opened."""

    DEFAULT_CSS = """
    LinkScreen { align: center middle; background: $background 60%; }
    """

    def __init__(self, link: LinkView, now: float) -> None:
        """`now`: seconds since the epoch."""
        super().__init__()
        self._link, self._now = link, now

    def compose(self) -> ComposeResult:
        """This host, and the others."""
        yield Sheet("Link", lambda width: list(link_lines(self._link, self._now, width)))
