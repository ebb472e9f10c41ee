"""The unit by which systemd runs the link for a user."""

from __future__ import annotations

import sys
from pathlib import Path

from mailcore.hosts.membership import HUB, Membership

UNIT = """\
# {file}
# systemctl --user daemon-reload && systemctl --user enable --now {name}
# It goes on after you log out: loginctl enable-linger
[Unit]
Description=PraxMonitor link: {host}, {role} of {project}
After=network-online.target

[Service]
ExecStart={program} -m mailcore.cli link {what} -C {root}
WorkingDirectory={root}
Restart=always
RestartSec=2
KillMode=process
TimeoutStopSec=20

[Install]
WantedBy=default.target
"""


def unit_text(root: Path, membership: Membership) -> str:
    """The unit's text, which says where it belongs."""
    name = f"praxmonitor-link-{membership.project}.service"
    return UNIT.format(
        file=f"~/.config/systemd/user/{name}", name=name, host=membership.host, role=membership.role,
        project=membership.project, program=_quoted(sys.executable), root=_quoted(str(root)),
        what="serve" if membership.role == HUB else "run",
    )  # fmt: skip


def _quoted(word: str) -> str:
    """A word of a unit file: quoted, its specifiers doubled."""
    text = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return f'"{text}"' if any(one in text for one in ' "\\') else text
