"""What config.toml says of the link to other hosts: `[link]`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Annotated, Literal

from mailcore.config.kinds import BytesOrNone, HostName, ListenAddress, Word, describe

ActVerb = Literal[
    "*", "dispatch", "wake", "kill", "retry", "review", "hold", "release", "queue", "approve", "deny", "ack", "done",
    "blocked", "declined", "accept", "reopen", "reply", "read", "close", "inbox", "thread", "trace", "tasks", "runs",
    "run", "agents", "limits", "logs", "usage", "permission",
]  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """How this workspace is linked to the same project's on other hosts, once it is: `mailcore link`."""

    host: Annotated[
        HostName, describe("What this host is called in a link. Empty: as the machine is. Read when one is made.")
    ] = ""
    listen: Annotated[
        ListenAddress,
        describe(
            'Where the hub\'s server listens. Port 0: a free one, kept from then on. Beyond loopback ("0.0.0.0:4222") '
            "only where you say so, and better with a certificate."
        ),
    ] = "127.0.0.1:0"
    advertise: Annotated[
        tuple[Word, ...],
        describe("Where other hosts reach it: what tokens say. Empty: where it listens.", ["hub.example.org:4222"]),
    ] = ()
    server: Annotated[
        tuple[Word, ...],
        describe(
            "A NATS server of your own, instead of one that the link starts. It includes accounts.conf of "
            ".praxmonitor/link/server, and has JetStream.",
            ["nats://10.0.0.5:4222"],
        ),
    ] = ()
    certificate: Annotated[
        Word, describe("The file of the server's certificate: its connections are encrypted then.", "/etc/hub.pem")
    ] = ""
    certificate_key: Annotated[Word, describe("The file of that certificate's key.", "/etc/hub.key")] = ""
    store: Annotated[BytesOrNone, describe("What the server may keep on disk for hosts that are away.")] = 4_000_000_000
    autostart: Annotated[
        bool, describe("Whether a guard or a screen that is on duty runs the link, if nothing else does.")
    ] = True
    acts: Annotated[
        tuple[ActVerb, ...],
        describe("Verbs that the operator of another host may have carried out here, as this one's. []: none.",
              ["hold", "release", "kill"]),
    ] = ("*",)  # fmt: skip
    ssh: Annotated[
        Mapping[str, Word],
        describe("By host, where `attach` reaches it with ssh; else by its name.", {"beta": "me@beta.example.org"}),
    ] = field(default_factory=lambda: MappingProxyType({}))
