"""How the logs that are shown as one are told apart, and how what is shown is called."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from mailcore.logs.sources import SIGNS, source_name, source_sign
from mailcore.model.log import LogKind, LogSource
from praxmonitor.text.lines import Span, plain

SIGN_ROLES = {
    LogKind.OWN: "muted",
    LogKind.STDOUT: "accent",
    LogKind.STDERR: "warn",
    LogKind.HOOKS: "state-in-tool",
    LogKind.SESSION: "state-working",
}
NAMED_LOGS = 2
"""Logs of one kind that the legend names."""


def signs_of(sources: Sequence[LogSource]) -> Mapping[str, Span]:
    """Path of each log → its sign."""
    return {source.path: (source_sign(source), SIGN_ROLES[source.kind]) for source in sources}


def legend(sources: Sequence[LogSource]) -> str:
    """What the signs mean: `≡ app.log · › attempt 1 stdout`."""
    said = []
    for kind in LogKind:
        names = [plain(source_name(source)) for source in sources if source.kind is kind]
        if names:
            more = f" +{len(names) - NAMED_LOGS}" if len(names) > NAMED_LOGS else ""
            said.append(f"{SIGNS[kind].glyph} {', '.join(names[:NAMED_LOGS])}{more}")
    return " · ".join(said)


def log_label(source: LogSource) -> str:
    """A log in a list: its name, and of the output of an attempt when its run began."""
    began = re.match(r"\d{4}(\d\d)(\d\d)T(\d\d)(\d\d)", source.run_id)
    of_run = f", run of {began[1]}-{began[2]} {began[3]}:{began[4]} UTC" if began else ""
    return f"{plain(source_name(source))}{of_run}"


def shown_name(sources: Sequence[LogSource], root: str) -> str:
    """What is shown, in words: the path of the one, from the workspace's directory, or how many there are."""
    if len(sources) == 1:
        return sources[0].path.removeprefix(f"{root}/")
    return f"all {len(sources)} logs" if sources else ""
