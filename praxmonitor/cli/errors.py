"""`praxmonitor errors`: errors that agents report, those that are one in one line, for people and scripts."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from mailcore.cli.since import parse_since
from mailcore.exceptions import MailcoreError
from mailcore.model.error_group import ErrorGroup, ErrorGroups
from mailcore.text import counted, line
from mailcore.text.masks import masked, masked_all
from mailcore.text.terminal import print_error, print_json, print_line
from mailcore.text.units import date_and_time, iso
from mailcore.workspace.find import workspace_here
from praxmonitor.cli.arguments import Parser, say_refused
from praxmonitor.feed.error_reader import read_error_groups
from praxmonitor.state.error_listing import NO_PLACES, listed
from praxmonitor.text.error_lines import how_often
from praxmonitor.text.error_looks import LOOKS_OF_GROUPS, SETTLED, WANTED, tally_words

NOBODY_WANTED, ERRORS_WANT, UNREADABLE = 0, 1, 2
"""Exit status: no error is new or back again; one at least is; what is kept cannot be read."""
TITLE = 400


def command_parser() -> Parser:
    """What it may be told, in words."""
    parser = Parser(
        prog="praxmonitor errors",
        description=__doc__,
        epilog="Exit status: 0 no error is new or back again; 1 at least one is; 2 no workspace there, or what is kept "
        "of errors cannot be read. What is done about one: mailcore errors resolve|mute|investigate ID.",
    )
    parser.add_argument("path", nargs="?", type=Path, help="a directory in the workspace")
    parser.add_argument("--json", action="store_true", help="JSON, with samples, frames and history")
    parser.add_argument("--all", action="store_true", help="what is muted or resolved too")
    parser.add_argument("--since", metavar="24h", help="only what happened since: an ISO time, or so long ago")
    return parser


def main(argv: Sequence[str]) -> int:
    """`praxmonitor errors`. Exit status NOBODY_WANTED, ERRORS_WANT, or 2 and above with the reason."""
    options = command_parser().parse_args(argv)
    try:
        workspace = workspace_here(options.path)
        since = parse_since(options.since) if options.since is not None else 0.0
    except MailcoreError as error:
        return say_refused(error, as_json=options.json)
    now, errors = time.time(), read_error_groups(workspace)
    groups = [group for group in listed(errors.groups, NO_PLACES, now)[0] if group.last_at >= since]
    shown = [group for group in groups if options.all or group.state_at(now) not in SETTLED]
    if options.json:
        print_json({"workspace": str(workspace.root), **_as_json(errors, shown, len(groups) - len(shown), now)})
    else:
        for text in _lines(errors, shown, len(groups) - len(shown), now):
            print_line(text)
        if errors.trouble:
            print_error(f"praxmonitor: {line(errors.trouble)}")
    if errors.trouble:
        return UNREADABLE
    return ERRORS_WANT if any(group.state_at(now) in WANTED for group in shown) else NOBODY_WANTED


def _lines(errors: ErrorGroups, shown: Sequence[ErrorGroup], hidden: int, now: float) -> Iterator[str]:
    for group in shown:
        state = group.state_at(now)
        who = ", ".join(line(address, 40) for address in group.reporters[:3])
        more = f" and {len(group.reporters) - 3} more" if len(group.reporters) > 3 else ""
        yield (
            f"{group.fingerprint}  {LOOKS_OF_GROUPS[state].word:<13} {how_often(group.count):>6}  "
            f"{date_and_time(group.last_at)}  {line(masked(group.title), TITLE)}"
        )
        asked = f"; asked: {line(group.owner, 40)}" if group.owner else ""
        why = f" ({line(masked(group.owner_why), TITLE)})" if group.owner and group.owner_why else ""
        yield f"    from {who}{more}{asked}{why}"
        if group.resolution:
            yield f"    done: {line(masked(group.resolution), TITLE)}"
    rest = [f"{hidden} more muted or resolved: --all"] if hidden else []
    rest += [f"{counted(errors.warnings, 'warning')} in the logs"] if errors.warnings else []
    yield "; ".join((tally_words(shown, now), *rest))
    if errors.breaker_at:
        yield f"no agent is asked about errors since {date_and_time(errors.breaker_at)} ([errors] breaker)"


def _as_json(errors: ErrorGroups, shown: Sequence[ErrorGroup], hidden: int, now: float) -> dict[str, Any]:
    return {
        "want": sum(group.state_at(now) in WANTED for group in shown),
        "errors": [_object(group, now) for group in shown],
        "hidden": hidden,
        "warnings": errors.warnings,
        "breaker_at": iso(errors.breaker_at),
        "trouble": errors.trouble,
    }


def _object(group: ErrorGroup, now: float) -> dict[str, Any]:
    """All of a group; times are ISO 8601, null if there is none."""
    value: dict[str, Any] = masked_all(msgspec.to_builtins(group))
    times = {name: iso(value[name]) for name in value if name.endswith(("_at", "_until"))}
    history = [{**entry, "at": iso(entry["at"])} for entry in value["history"]]
    recent = [iso(at) for at in value["recent"]]
    sample = {**value["sample"], "at": iso(value["sample"]["at"])} if value["sample"] else None
    told = {"state": str(group.state_at(now)), "recent": recent, "history": history, "sample": sample}
    return value | times | told
