"""What the MCP server serves of the verbs, and to whom: a client is known by its key, its run, or its directory."""

from __future__ import annotations

from dataclasses import dataclass, field

from mailcore.cli import VERBS
from mailcore.exceptions import Refused
from mailcore.identity.client_keys import ClientKey, PresentedKey, prove_key
from mailcore.system.watching import Cancellation
from mailcore.workspace.find import Workspace

NOT_SERVED = {
    "view": "it is `read`",
    "watch": "it streams until it is interrupted: `wait` with `any` hears what comes",
    "init": "there is no workspace yet whose mail could be served",
    "trust": "what a config may start is allowed by a person, at a shell",
    "permission": "what a program asks for first is answered by a person, on the screen or at a shell",
    "operator": "the passphrase is a person's, at a shell",
    "mcp": "keys are issued by a person, at a shell",
    "unsend": "what a client sends waits in no outbox",
    "attach": "it hands its terminal over to the agent's program",
    "completion": "it is for a person's shell",
    "link": "hosts are let in and thrown out by a person, at a shell",
    "hooks": "it changes the settings of an agent's program, at a shell",
}
"""Verb → why no client has it."""
SERVED = frozenset(VERBS) - NOT_SERVED.keys()
PERSONS = frozenset({"away"})
"""Verbs that only a key of the person is good for: other clients are not notified of them."""


@dataclass(frozen=True)
class Served:
    """One call of a client."""

    presented: PresentedKey | None = None
    """The key that it presents; None where it has none."""
    cancellation: Cancellation = field(default_factory=Cancellation)

    def key(self, workspace: Workspace) -> ClientKey | None:
        """The key that it presents, proved. Refused where it is none that the operator issued here."""
        return prove_key(workspace, self.presented) if self.presented is not None else None

    def check(self, workspace: Workspace, verb: str) -> None:
        """Refused (code `key`) where the key was not issued for that verb."""
        key = self.key(workspace)
        if key is not None and not key.allows(verb):
            raise Refused(f"key {key.id} of {key.agent} was not issued for {verb}", "key")

    def tools(self, workspace: Workspace) -> frozenset[str]:
        """The verbs that it may call. Refused as of `key`."""
        key = self.key(workspace)
        return SERVED - PERSONS if key is None else frozenset(filter(key.allows, SERVED))
